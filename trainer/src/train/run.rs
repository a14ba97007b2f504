//! A training run from decoded images to the best weights.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::module::{AutodiffModule, Module};
use burn::tensor::backend::{AutodiffBackend, Backend};
use scanlight_model::arch::Network;
use scanlight_model::bundle::{Bundle, MANIFEST_FILE, Split, WEIGHTS_FILE, weights::Precision};

use super::batches::{Batch, Producer, steps};
use super::checkpoint::Model;
use super::dashboard::{Dashboard, StepStatus};
use super::ema::Ema;
use super::folder::RunFolder;
use super::initial;
use super::loss::{Targets, class_weights};
use super::measure::{Measured, Sample, measure};
use super::optimizer::optimizer;
use super::record::{EpochRecord, State, StepRecord};
use super::step::step;
use crate::backend::WithTrainingBackend;
use crate::config::{Config, Keep, Selection};
use crate::data::{Dataset, Image, Part};

/// Most clean training images on which accuracy is logged each epoch.
const CLEAN_SAMPLE: usize = 256;
/// Batches that may wait for the network.
const BATCHES_AHEAD: usize = 4;
/// Folder of the newest epoch's weights within the run's.
const LAST: &str = "last";

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

struct Trainer<'a, B: AutodiffBackend> {
    work: TrainWork<'a>,
    backend: String,
    device: B::Device,
    train: Vec<&'a Image>,
    validation: Vec<Sample<'a>>,
    clean: Vec<Sample<'a>>,
    targets: Targets,
    state: State,
}

/// What the steps of an epoch gave.
struct Steps {
    /// Learning rate of the last.
    rate: f64,
    images_per_second: f64,
    waiting_seconds: f64,
    interrupted: bool,
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
        let targets = targets(&train, &work.dataset.classes, work.config)?;
        if validation.is_empty() {
            bail!("no readable validation image is left; raise split.validation_share");
        }
        Ok(Self {
            targets,
            state: work.folder.state()?,
            backend: backend.into(),
            device,
            train,
            validation,
            clean,
            work,
        })
    }

    /// The model at the run's start or where its checkpoint stands.
    fn model(&self) -> Result<Model<B>> {
        let config = self.work.config;
        let classes = self.work.dataset.classes.len();
        B::seed(&self.device, config.seed);
        let network: Network<B> = if self.state.epoch == 0 && self.state.step == 0 {
            let samples: Vec<&[f32]> = self.clean.iter().map(|sample| sample.input).collect();
            let names = &self.work.dataset.classes;
            initial::network(config, names, &samples, &self.device)?
        } else {
            config.architecture.init(classes, &self.device)
        };
        // Weights are drawn when they are first looked at: now, before anything else is drawn.
        let parameters = network.num_params();
        let decay = config.ema.decay;
        let model = Model {
            ema: (decay > 0.0).then(|| Ema::new(network.valid(), 0, decay)),
            optimizer: optimizer::<B>(&config.optimizer),
            network,
        };
        eprintln!(
            "training {} ({parameters} parameters) with {} on {} images, {} of them phantoms; {} validate",
            config.architecture.kind(),
            self.backend,
            self.train.len(),
            self.work.phantoms.len(),
            self.validation.len()
        );
        if self.state.epoch == 0 && self.state.step == 0 {
            return Ok(model);
        }
        self.work.folder.load_checkpoint(
            model,
            &self.state,
            &config.architecture,
            classes,
            &self.device,
        )
    }

    fn train(mut self) -> Result<Outcome> {
        let config = self.work.config;
        let mut model = self.model()?;
        let (epoch, step) = (self.state.epoch, self.state.step);
        if epoch > 0 || step > 0 {
            eprintln!("going on after epoch {epoch}, step {step}");
        }
        let folder = self.work.folder;
        folder.trim_logs(epoch, step)?;
        let count = steps(self.train.len(), config.batch_size);
        let mut dashboard = Dashboard::new(config.epochs, count, &self.state, folder.history());
        let producer_images = std::mem::take(&mut self.train);
        let producer_targets = self.targets.clone();
        let producer = Producer::new(&producer_images, config, &producer_targets)?;
        while self.state.epoch < config.epochs && !self.state.finished {
            dashboard.begin(self.state.epoch);
            let started = Instant::now();
            let (next, done) = self.steps(model, &producer, count, &dashboard)?;
            model = next;
            self.state.seconds += started.elapsed().as_secs_f64();
            if done.interrupted {
                folder.save_checkpoint(&model, &mut self.state)?;
                dashboard.finish();
                return Ok(Outcome {
                    state: self.state,
                    interrupted: true,
                });
            }
            dashboard.validating();
            let record = self.finish_epoch(&model, &done, count)?;
            folder.log_epoch(&record)?;
            folder.save_checkpoint(&model, &mut self.state)?;
            dashboard.end(record, &self.state);
        }
        dashboard.finish();
        Ok(Outcome {
            state: self.state,
            interrupted: false,
        })
    }

    /// The steps that are left of the epoch.
    fn steps(
        &mut self,
        model: Model<B>,
        producer: &Producer<'_>,
        count: usize,
        dashboard: &Dashboard,
    ) -> Result<(Model<B>, Steps)> {
        let (epoch, first) = (self.state.epoch, self.state.step as usize);
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(BATCHES_AHEAD);
            scope.spawn(move || producer.produce(epoch, first, &sender));
            // The receiver ends with this call: a producer that still works then stops.
            self.steps_from(model, receiver, count, dashboard)
        })
    }

    fn steps_from(
        &mut self,
        mut model: Model<B>,
        batches: Receiver<Batch>,
        count: usize,
        dashboard: &Dashboard,
    ) -> Result<(Model<B>, Steps)> {
        let config = self.work.config;
        let start = Instant::now();
        let mut images = 0;
        let epoch = self.state.epoch;
        let at = |step: u32| f64::from(epoch) + f64::from(step) / count as f64;
        let mut done = Steps {
            rate: config.learning_rate(at(self.state.step.saturating_sub(1))),
            images_per_second: 0.0,
            waiting_seconds: 0.0,
            interrupted: false,
        };
        loop {
            if self.work.interrupted.load(Ordering::Relaxed) {
                done.interrupted = true;
                break;
            }
            let waiting = Instant::now();
            let Ok(batch) = batches.recv() else { break };
            done.waiting_seconds += waiting.elapsed().as_secs_f64();
            let index = self.state.step;
            done.rate = config.learning_rate(at(index));
            // Dropout draws from the backend's generator: the step alone must say where it stands.
            B::seed(&self.device, step_seed(config.seed, epoch, index));
            let (network, result) = step(
                model.network,
                &mut model.optimizer,
                &batch,
                &self.targets,
                config,
                config.initial.rates(done.rate, epoch),
                &self.device,
            )?;
            model.network = network;
            if !result.loss.is_finite() {
                bail!(
                    "the loss is no longer a number in epoch {}, step {}; lower optimizer.learning_rate \
                     (the best weights so far are kept in {})",
                    epoch + 1,
                    index + 1,
                    self.work.folder.root().display()
                );
            }
            model.ema = model.ema.map(|ema| ema.update(&model.network.valid()));
            self.state.step += 1;
            self.state.loss_sum += result.loss;
            self.state.norm_sum += result.gradient_norm;
            images += batch.inputs.len();
            done.images_per_second = images as f64 / start.elapsed().as_secs_f64().max(1e-9);
            if config.log_steps {
                self.work.folder.log_step(&StepRecord {
                    epoch: epoch + 1,
                    step: self.state.step,
                    loss: result.loss,
                    learning_rate: done.rate,
                    gradient_norm: result.gradient_norm,
                })?;
            }
            dashboard.step(
                epoch,
                StepStatus {
                    step: self.state.step as usize,
                    loss: self.state.loss_sum / f64::from(self.state.step),
                    rate: done.rate,
                    gradient_norm: result.gradient_norm,
                    images_per_second: done.images_per_second,
                },
            );
        }
        Ok((model, done))
    }

    /// Measures an epoch's weights, keeps them where they are better, and says how it went.
    fn finish_epoch(
        &mut self,
        model: &Model<B>,
        done: &Steps,
        count: usize,
    ) -> Result<EpochRecord> {
        let config = self.work.config;
        let started = Instant::now();
        let raw = model.network.valid();
        let validation = self.measure(&raw, &self.validation)?;
        let clean = self.measure(&raw, &self.clean)?;
        let average = match &model.ema {
            Some(ema) => Some((
                ema.network(),
                self.measure(ema.network(), &self.validation)?,
            )),
            None => None,
        };
        self.state.epoch += 1;
        let epoch = self.state.epoch;

        let averaged = average
            .as_ref()
            .is_some_and(|(_, mean)| match config.ema.keep {
                // The last epoch's mean against its raw weights: by loss, nothing else was asked for.
                Keep::Better => match config.select {
                    Selection::Last => Selection::Loss,
                    select => select,
                }
                .prefers(score(mean), score(&validation)),
                Keep::Average => true,
                Keep::Raw => false,
            });
        let (kept, measured) = match &average {
            Some((network, mean)) if averaged => (*network, score(mean)),
            _ => (&raw, score(&validation)),
        };
        let so_far = (self.state.best_loss, self.state.best_accuracy);
        let best = match self.state.best_epoch {
            0 => measured.0.is_finite(),
            _ => config.select.prefers(measured, so_far),
        };
        if best {
            self.state.best_epoch = epoch;
            (self.state.best_loss, self.state.best_accuracy) = measured;
            self.save_weights("", kept, averaged)?;
        }
        self.save_weights(LAST, kept, averaged)?;
        let patience = config.early_stopping.patience;
        let waited = epoch - self.state.best_epoch;
        self.state.finished = epoch == config.epochs || (patience > 0 && waited >= patience);

        let classes = &self.work.dataset.classes;
        let record = EpochRecord {
            epoch,
            train_loss: self.state.loss_sum / count as f64,
            validation_loss: validation.loss,
            validation_accuracy: validation.accuracy,
            validation_recall: validation.named_recall(classes),
            ema_validation_loss: average.as_ref().map(|(_, mean)| mean.loss),
            ema_validation_accuracy: average.as_ref().map(|(_, mean)| mean.accuracy),
            ema_validation_recall: average.as_ref().map(|(_, mean)| mean.named_recall(classes)),
            clean_train_accuracy: clean.accuracy,
            learning_rate: done.rate,
            gradient_norm: Some(self.state.norm_sum / count as f64),
            images_per_second: Some(done.images_per_second),
            waiting_seconds: Some(done.waiting_seconds),
            seconds: self.state.seconds + started.elapsed().as_secs_f64(),
            best,
        };
        self.state.step = 0;
        self.state.loss_sum = 0.0;
        self.state.norm_sum = 0.0;
        self.state.seconds = 0.0;
        Ok(record)
    }

    fn measure(
        &self,
        network: &Network<B::InnerBackend>,
        samples: &[Sample<'_>],
    ) -> Result<Measured> {
        let work = &self.work;
        let classes = &work.dataset.classes;
        measure(network, samples, classes, &work.config.input, &self.device)
    }

    /// Writes weights as a bundle into a folder of the run's.
    fn save_weights<I: Backend>(
        &self,
        folder: &str,
        network: &Network<I>,
        averaged: bool,
    ) -> Result<()> {
        let parameters = network.num_params() as u64;
        let manifest = self
            .work
            .manifest(&self.state, parameters, &self.backend, averaged)?;
        let bundle =
            Bundle::pack(manifest, network, Precision::Full).context("cannot pack the weights")?;
        let path = |file: &str| match folder {
            "" => file.to_string(),
            folder => format!("{folder}/{file}"),
        };
        let run = self.work.folder;
        run.write(&path(WEIGHTS_FILE), bundle.weights())?;
        run.write(&path(MANIFEST_FILE), bundle.manifest.to_json()?.as_bytes())
    }
}

/// Loss and accuracy, by which weights are chosen.
fn score(measured: &Measured) -> (f64, f64) {
    (measured.loss, measured.accuracy)
}

/// How targets are made for a training set; every class needs an image.
pub fn targets(train: &[&Image], classes: &[String], config: &Config) -> Result<Targets> {
    let mut counts = vec![0; classes.len()];
    for image in train {
        counts[image.class] += 1;
    }
    if let Some(empty) = counts.iter().position(|&count| count == 0) {
        bail!(
            "no readable training image of class {:?} is left",
            classes[empty]
        );
    }
    Ok(Targets {
        class_weights: class_weights(&counts, config.class_weights),
        smoothing: config.label_smoothing,
    })
}

/// The backend's seed for a step: SplitMix64 (Steele 2014) of all three numbers.
pub fn step_seed(seed: u64, epoch: u32, step: u32) -> u64 {
    let mut value = seed
        .wrapping_add(u64::from(epoch) << 32 | u64::from(step))
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}
