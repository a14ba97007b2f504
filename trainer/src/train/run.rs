//! A training run from decoded images to the best weights.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::{Context, Result};
use burn::module::{AutodiffModule, Module};
use burn::tensor::backend::{AutodiffBackend, Backend};
use scanlight_model::arch::Network;
use scanlight_model::bundle::{
    Bundle, DataSource, FORMAT, FORMAT_VERSION, MANIFEST_FILE, Manifest, Split, Training,
    WEIGHTS_FILE, WeightsInfo, weights::Precision,
};

use super::batches::{produce, steps};
use super::checkpoint::{EpochRecord, RunFolder, State};
use super::step::{class_weights, optimizer, step};
use crate::backend::WithTrainingBackend;
use crate::config::Config;
use crate::data::{Dataset, Image, Part};
use crate::inference;
use crate::metrics::{Answer, report};
use crate::progress::{Progress, duration};

/// Most clean training images on which accuracy is logged each epoch.
const CLEAN_SAMPLE: usize = 256;

/// Everything a run needs, whichever backend trains.
pub struct TrainWork<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The run's folder.
    pub folder: &'a RunFolder,
    /// The data set.
    pub dataset: &'a Dataset,
    /// Decoded images with their index into the data set's entries.
    pub images: &'a [(usize, Image)],
    /// Phantoms, all for training.
    pub phantoms: &'a [Image],
    /// The part of each of the data set's entries.
    pub parts: &'a [Part],
    /// The split's description.
    pub split: &'a Split,
    /// Becomes true when the run shall stop.
    pub interrupted: &'a AtomicBool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// How far it came.
    pub state: State,
    /// Whether it was interrupted and can go on.
    pub interrupted: bool,
}

impl WithTrainingBackend for TrainWork<'_> {
    type Output = Outcome;

    fn run<B: AutodiffBackend>(self, name: &str, device: B::Device) -> Result<Outcome> {
        Trainer::<B>::new(self, name, device)?.train()
    }
}

/// A clean input with its class.
struct Sample<'a> {
    input: &'a [f32],
    class: usize,
}

struct Trainer<'a, B: AutodiffBackend> {
    work: TrainWork<'a>,
    backend: String,
    device: B::Device,
    train: Vec<&'a Image>,
    validation: Vec<Sample<'a>>,
    clean: Vec<Sample<'a>>,
    class_weights: Vec<f32>,
    state: State,
}

impl<'a, B: AutodiffBackend> Trainer<'a, B> {
    fn new(work: TrainWork<'a>, backend: &str, device: B::Device) -> Result<Self> {
        let of = |part: Part| {
            work.images
                .iter()
                .filter(move |(index, _)| work.parts[*index] == part)
                .map(|(_, image)| image)
        };
        let real: Vec<&Image> = of(Part::Train).collect();
        let sample = |image: &'a Image| Sample {
            input: &image.clean,
            class: image.class,
        };
        let stride = real.len().div_ceil(CLEAN_SAMPLE).max(1);
        let clean = real
            .iter()
            .step_by(stride)
            .map(|image| sample(image))
            .collect();
        let validation: Vec<_> = of(Part::Validation).map(sample).collect();
        let train: Vec<&Image> = real.into_iter().chain(work.phantoms).collect();
        let mut counts = vec![0; work.dataset.classes.len()];
        for image in &train {
            counts[image.class] += 1;
        }
        if let Some(empty) = counts.iter().position(|&count| count == 0) {
            anyhow::bail!(
                "no readable training image of the class {:?} is left",
                work.dataset.classes[empty]
            );
        }
        if validation.is_empty() {
            anyhow::bail!("no readable validation image is left; raise split.validation_share");
        }
        Ok(Self {
            class_weights: class_weights(&counts, work.config.class_weights),
            state: work.folder.state()?,
            backend: backend.into(),
            device,
            train,
            validation,
            clean,
            work,
        })
    }

    fn train(mut self) -> Result<Outcome> {
        let config = self.work.config;
        B::seed(&self.device, config.seed);
        let mut network: Network<B> = config
            .architecture
            .init(self.work.dataset.classes.len(), &self.device);
        let mut optimizer = optimizer::<B>(config);
        if self.state.epoch > 0 {
            (network, optimizer) =
                self.work
                    .folder
                    .load_checkpoint(network, optimizer, &self.state, &self.device)?;
            self.work.folder.trim_log(self.state.epoch)?;
            eprintln!("going on after epoch {}", self.state.epoch);
        }
        eprintln!(
            "training {} ({} parameters) with {} on {} images, {} of them phantoms; {} validate",
            config.architecture.kind(),
            network.num_params(),
            self.backend,
            self.train.len(),
            self.work.phantoms.len(),
            self.validation.len()
        );
        let start = Instant::now();
        let first = self.state.epoch;
        while self.state.epoch < config.epochs && !self.state.finished {
            let Some((next, record)) = self.epoch(network, &mut optimizer)? else {
                return self.interrupted();
            };
            network = next;
            self.state.epoch = record.epoch;
            let better = self
                .state
                .best_loss
                .is_none_or(|best| record.validation_loss < best);
            if better {
                self.state.best_epoch = record.epoch;
                self.state.best_loss = Some(record.validation_loss);
                self.save_best(&network.valid())?;
            }
            let patience = config.early_stopping.patience;
            let waited = record.epoch - self.state.best_epoch;
            self.state.finished =
                record.epoch == config.epochs || (patience > 0 && waited >= patience);
            self.work.folder.log(&record)?;
            self.work
                .folder
                .save_checkpoint(&network, &optimizer, &self.state)?;
            let done = f64::from(record.epoch - first);
            let left =
                start.elapsed().as_secs_f64() / done * f64::from(config.epochs - record.epoch);
            eprintln!(
                "epoch {:>3}/{}  train loss {:.4}  validation loss {:.4}  accuracy {:.4}  clean train {:.4}  {}  eta {}{}",
                record.epoch,
                config.epochs,
                record.train_loss,
                record.validation_loss,
                record.validation_accuracy,
                record.clean_train_accuracy,
                duration(record.seconds),
                duration(left),
                if better { "  best" } else { "" }
            );
        }
        // The kept epoch is known to the manifest only now.
        Ok(Outcome {
            state: self.state,
            interrupted: false,
        })
    }

    fn interrupted(self) -> Result<Outcome> {
        Ok(Outcome {
            state: self.state,
            interrupted: true,
        })
    }

    /// One epoch; `None` when it was interrupted.
    fn epoch(
        &self,
        mut network: Network<B>,
        optimizer: &mut super::step::NetworkOptimizer<B>,
    ) -> Result<Option<(Network<B>, EpochRecord)>> {
        let config = self.work.config;
        let epoch = self.state.epoch;
        let start = Instant::now();
        // Dropout draws from the backend's generator: the epoch alone must say where it stands.
        B::seed(&self.device, config.seed.wrapping_add(u64::from(epoch) + 1));
        let count = steps(self.train.len(), config.batch_size);
        let progress = Progress::new(&format!("epoch {}", epoch + 1), count as u64);
        let (sender, receiver) = sync_channel(4);
        let mut total = 0.0;
        let mut rate = 0.0;
        let mut stopped = false;
        let train = &self.train;
        network = std::thread::scope(|scope| {
            scope.spawn(move || produce(train, config, epoch, &sender));
            for (index, batch) in receiver.into_iter().enumerate() {
                if self.work.interrupted.load(Ordering::Relaxed) {
                    stopped = true;
                    break;
                }
                rate = config.learning_rate(f64::from(epoch) + index as f64 / count as f64);
                let (next, loss) = step(
                    network,
                    optimizer,
                    &batch,
                    &self.class_weights,
                    config,
                    rate,
                    &self.device,
                );
                network = next;
                total += f64::from(loss);
                let mean = total / (index + 1) as f64;
                progress.set(index as u64 + 1, &format!("loss {mean:.4}"));
                if !loss.is_finite() {
                    break;
                }
            }
            network
        });
        progress.finish();
        if stopped {
            return Ok(None);
        }
        if !total.is_finite() {
            anyhow::bail!(
                "the loss is no longer a number in epoch {}; lower optimizer.learning_rate (the best \
                 weights so far are kept in {})",
                epoch + 1,
                self.work.folder.root().display()
            );
        }
        let valid = network.valid();
        let (validation_loss, validation_accuracy) = self.evaluate(&valid, &self.validation)?;
        let (_, clean_train_accuracy) = self.evaluate(&valid, &self.clean)?;
        let record = EpochRecord {
            epoch: epoch + 1,
            train_loss: total / count as f64,
            validation_loss,
            validation_accuracy,
            clean_train_accuracy,
            learning_rate: rate,
            seconds: start.elapsed().as_secs_f64(),
        };
        Ok(Some((network, record)))
    }

    /// Loss and accuracy in evaluation mode.
    fn evaluate(
        &self,
        network: &Network<B::InnerBackend>,
        samples: &[Sample<'_>],
    ) -> Result<(f64, f64)> {
        let inputs: Vec<&[f32]> = samples.iter().map(|s| s.input).collect();
        let logits = inference::logits::<B::InnerBackend>(
            network,
            &inputs,
            &self.work.config.input,
            &self.device,
            |_| (),
        )?;
        let answers: Vec<Answer> = inference::probabilities(&logits, 1.0)
            .into_iter()
            .zip(samples)
            .map(|(probabilities, sample)| Answer {
                path: String::new(),
                label: sample.class,
                probabilities,
            })
            .collect();
        let report = report(&self.work.dataset.classes, &answers);
        Ok((report.loss, report.accuracy))
    }

    /// Writes the best weights as a bundle into the run's folder.
    fn save_best<I: Backend>(&self, network: &Network<I>) -> Result<()> {
        let manifest = self.manifest(network.num_params() as u64)?;
        let bundle = Bundle::pack(manifest, network, Precision::Full)
            .context("cannot pack the best weights")?;
        let folder = self.work.folder;
        folder.write(WEIGHTS_FILE, bundle.weights())?;
        folder.write(MANIFEST_FILE, bundle.manifest.to_json()?.as_bytes())
    }

    fn manifest(&self, parameters: u64) -> Result<Manifest> {
        let work = &self.work;
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
                work.config.architecture.kind(),
                work.dataset.name()
            ),
            description: String::new(),
            architecture: work.config.architecture.clone(),
            classes: work.dataset.classes.clone(),
            input: work.config.input,
            calibration: None,
            trust: None,
            facts: None,
            training: Training {
                data: self.data_sources(),
                split: work.split.clone(),
                epochs: self.state.epoch,
                best_epoch: self.state.best_epoch,
                parameters,
                backend: self.backend.clone(),
                configuration: serde_json::to_value(work.config)?,
                notes: String::new(),
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
        let dataset = self.work.dataset;
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
        for (index, image) in self.work.images {
            let source = &mut sources[dataset.entries[*index].set];
            count(source, self.work.parts[*index], image.class);
            source.skipped -= 1;
        }
        if !self.work.phantoms.is_empty() {
            let mut source = DataSource {
                name: "phantoms".into(),
                synthetic: true,
                images: BTreeMap::new(),
                skipped: 0,
            };
            for image in self.work.phantoms {
                count(&mut source, Part::Train, image.class);
            }
            sources.push(source);
        }
        sources
    }
}
