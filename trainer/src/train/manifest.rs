//! The manifest of a run's weights.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use scanlight_model::bundle::{
    DataSource, FORMAT, FORMAT_VERSION, Manifest, Training, WEIGHTS_FILE, WeightsInfo,
};

use super::record::State;
use super::run::TrainWork;
use crate::config::Config;
use crate::data::Part;

impl TrainWork<'_> {
    /// The manifest of weights of the current epoch.
    pub(super) fn manifest(
        &self,
        state: &State,
        parameters: u64,
        backend: &str,
        averaged: bool,
    ) -> Result<Manifest> {
        let created = time::OffsetDateTime::now_utc()
            .replace_nanosecond(0)
            .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
            .format(&time::format_description::well_known::Rfc3339)
            .context("cannot write the time")?;
        Ok(Manifest {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            id: "run".into(),
            title: format!(
                "{} trained on {}",
                self.config.architecture.kind(),
                self.dataset.name()
            ),
            description: String::new(),
            architecture: self.config.architecture.clone(),
            classes: self.dataset.classes.clone(),
            input: self.config.input,
            calibration: None,
            trust: None,
            facts: None,
            training: Training {
                data: self.data_sources(),
                split: self.split.clone(),
                epochs: state.epoch,
                best_epoch: state.best_epoch,
                parameters,
                backend: backend.into(),
                initial: self.config.initial.record(),
                configuration: serde_json::to_value(Config {
                    initial: self.config.initial.without_paths(),
                    ..self.config.clone()
                })?,
                notes: if averaged {
                    format!(
                        "The weights are a running mean over the steps, decay {}.",
                        self.config.ema.decay
                    )
                } else {
                    String::new()
                },
            },
            metrics: Vec::new(),
            licence: "MIT OR Apache-2.0".into(),
            created,
            weights: WeightsInfo {
                file: WEIGHTS_FILE.into(),
                size: 0,
                sha256: String::new(),
            },
        })
    }

    /// How many readable images each data set gave to each part and class.
    fn data_sources(&self) -> Vec<DataSource> {
        let dataset = self.dataset;
        let mut sources: Vec<DataSource> = dataset
            .sets
            .iter()
            .map(|name| DataSource {
                name: name.clone(),
                synthetic: false,
                images: BTreeMap::new(),
                skipped: 0,
            })
            .collect();
        let count = |source: &mut DataSource, part: Part, class: usize| {
            *source
                .images
                .entry(part.name().into())
                .or_default()
                .entry(dataset.classes[class].clone())
                .or_default() += 1;
        };
        for entry in &dataset.entries {
            sources[entry.set].skipped += 1;
        }
        for (index, image) in self.images {
            let source = &mut sources[dataset.entries[*index].set];
            count(source, self.parts[*index], image.class);
            source.skipped -= 1;
        }
        if !self.phantoms.is_empty() {
            let mut source = DataSource {
                name: "phantoms".into(),
                synthetic: true,
                images: BTreeMap::new(),
                skipped: 0,
            };
            for image in self.phantoms {
                count(&mut source, Part::Train, image.class);
            }
            sources.push(source);
        }
        sources
    }
}
