//! `scanlight find-lr`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde::Serialize;

use super::write_json;
use crate::backend::BackendName;
use crate::config::{ArchitectureName, Config};
use crate::data::{self, Image, Part, scan_folders, split_dataset};
use crate::train::initial::InitialArgs;
use crate::train::{FindWork, Finding, Sweep};

/// Find a learning rate for a data set: trains for a moment with a rising rate and shows where the
/// loss falls. Nothing is kept but what --json names.
#[derive(Debug, Args)]
pub struct FindLrArgs {
    /// Data set: a folder with one folder per class, as for `train`.
    #[arg(long, value_name = "DIR", required = true)]
    data: Vec<PathBuf>,
    /// Options as a TOML file, as for `train`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network, with its default sizes.
    #[arg(long)]
    arch: Option<ArchitectureName>,
    /// Lowest learning rate.
    #[arg(long, value_name = "RATE", default_value_t = 1e-6)]
    from: f64,
    /// Highest learning rate.
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    to: f64,
    /// Number of learning rates, one step each.
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Write every rate's loss and the suggestion there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What trains.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

/// What `--json` writes.
#[derive(Debug, Serialize)]
struct FindReport {
    data: String,
    architecture: String,
    batch_size: usize,
    #[serde(flatten)]
    finding: Finding,
}

impl FindLrArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        if !(self.from > 0.0 && self.to > self.from && self.to.is_finite()) {
            bail!("--from must be above 0 and --to above it");
        }
        if !(3..=100_000).contains(&self.steps) {
            bail!("--steps must lie between 3 and 100000");
        }
        crate::memory::keep();
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(arch) = self.arch {
            config.architecture = arch.architecture();
        }
        InitialArgs::default().apply(&mut config, self.arch, self.config.as_deref())?;
        let dataset = scan_folders(&self.data)?;
        config.validate(dataset.classes.len())?;
        let (parts, _) = split_dataset(&dataset, &config.split, config.seed);
        let chosen: Vec<usize> = (0..dataset.entries.len())
            .filter(|&index| parts[index] == Part::Train)
            .collect();
        let loaded = data::load(&dataset, &chosen, &config.input, true)?;
        let train: Vec<&Image> = loaded.images.iter().map(|(_, image)| image).collect();
        let finding = self.backend.train(FindWork {
            config: &config,
            classes: &dataset.classes,
            train: &train,
            sweep: Sweep {
                from: self.from,
                to: self.to,
                steps: self.steps,
            },
        })?;
        print!("{}", finding.plot(64, 12));
        match finding.suggestion {
            Some(rate) => println!(
                "suggestion: learning_rate = {rate:.1e} under [optimizer] (or train --learning-rate {rate:.1e})"
            ),
            None => println!(
                "the loss nowhere falls: no suggestion; try more --steps or other bounds with --from and --to"
            ),
        }
        if let Some(path) = &self.json {
            let report = FindReport {
                data: dataset.name(),
                architecture: config.architecture.kind().into(),
                batch_size: config.batch_size,
                finding,
            };
            write_json(path, &report)?;
        }
        Ok(())
    }
}
