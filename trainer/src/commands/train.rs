//! `scanlight train`.

mod kfold;

pub use kfold::{CONFIG_FILE as KFOLD_CONFIG, CrossValidation, Spread, Together};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use scanlight_model::bundle::{Folds, MANIFEST_FILE, Manifest, Metrics, Split};

use super::evaluate;
use crate::backend::BackendName;
use crate::baseline::nearest_neighbour_accuracy;
use crate::config::{ArchitectureName, Config, Folders};
use crate::data::{
    self, Dataset, FOLDERS_DUPLICATES, FOLDERS_VALIDATION, Groups, Part, plan_split, remake_split,
    scan_folders,
};
use crate::metrics::Report;
use crate::phantoms::training_phantoms;
use crate::train::initial::InitialArgs;
use crate::train::{RunFolder, RunInfo, TrainWork};

/// Train a classifier on a folder with one folder of images per class.
#[derive(Debug, Clone, Args)]
pub struct TrainArgs {
    /// Data set: a folder with one folder per class, with or without Training/ and Testing/ above.
    /// Repeat it to put several sets together.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["resume", "print_config"])]
    data: Vec<PathBuf>,
    /// Folder for the run: configuration, split, log, checkpoint and the best weights.
    #[arg(long, value_name = "RUN", required_unless_present_any = ["resume", "print_config"])]
    out: Option<PathBuf>,
    /// Go on with an interrupted run (or with a --kfold folder's first unfinished one), with the
    /// options it was started with.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "groups", "kfold", "config", "arch", "epochs", "batch_size", "learning_rate", "seed", "folders", "phantoms", "log_steps"])]
    resume: Option<PathBuf>,
    /// Options as a TOML file; the flags below override it. Every run saves its own as config.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network, with its default sizes.
    #[arg(long)]
    arch: Option<ArchitectureName>,
    #[command(flatten)]
    initial: InitialArgs,
    /// Most epochs to train.
    #[arg(long)]
    epochs: Option<u32>,
    /// Images per step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Highest learning rate.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Seed of the split, the weights' start and the augmentation.
    #[arg(long)]
    seed: Option<u64>,
    /// What to make of Training/ and Testing/ folders.
    #[arg(long)]
    folders: Option<Folders>,
    /// Synthetic phantoms for every real training image (0 for none).
    #[arg(long, value_name = "SHARE")]
    phantoms: Option<f64>,
    /// Also write every step's loss, learning rate and gradient length, into steps.jsonl.
    #[arg(long)]
    log_steps: bool,
    /// Print the configuration that the other options make, every value explained, and stop.
    #[arg(long, conflicts_with = "resume")]
    print_config: bool,
    /// Images that belong together (one patient, near-duplicates), as `scanlight audit
    /// --write-groups` writes them. No group is parted between training, validation and test; with
    /// --folders keep, training images whose group is also under Testing/ are dropped (or kept, where
    /// `split.tested_groups` in --config says so).
    #[arg(long, value_name = "FILE.csv")]
    groups: Option<PathBuf>,
    /// Cross-validation: K runs in RUN/fold-1 to RUN/fold-K, each image tested in exactly one of
    /// them (Training/ and Testing/ are merged), groups kept whole where --groups names some. The
    /// summary is RUN/kfold.json.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=100))]
    kfold: Option<u32>,
    /// Stop after so many folds of this call; `--resume RUN` goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    fold_limit: Option<u32>,
    /// What trains [default: cpu, or what the resumed run began with].
    #[arg(long)]
    backend: Option<BackendName>,
}

/// Name of the groups file's copy in a run's folder.
pub const GROUPS_FILE: &str = "groups.csv";
/// Name of the split's description in a run's folder.
const SPLIT_FILE: &str = "split.json";

/// A run that is ready to read its images.
struct Prepared {
    folder: RunFolder,
    config: Config,
    info: RunInfo,
    dataset: Dataset,
    parts: Vec<Part>,
    split: Split,
    resumed: bool,
}

/// The seed of the phantoms' drawing is the run's with these bits flipped, so that a data set drawn
/// by `scanlight synth` with the same seed shows other heads.
const PHANTOM_SEED: u64 = 0x7048_414E_544F_4D53;

impl TrainArgs {
    fn start(&self) -> Result<(RunFolder, Config, RunInfo, bool)> {
        if let Some(run) = &self.resume {
            let folder = RunFolder::open(run)?;
            let config = folder.config()?;
            let mut info = folder.info()?;
            if !self.data.is_empty() {
                info.data.clone_from(&self.data);
            }
            return Ok((folder, config, info, true));
        }
        let config = self.configuration()?;
        let info = RunInfo {
            data: self.data.clone(),
            classes: Vec::new(),
            backend: self
                .backend
                .unwrap_or_default()
                .to_possible_value()
                .map_or_else(String::new, |value| value.get_name().to_string()),
        };
        let out = self.out.as_ref().context("--out is missing")?;
        Ok((RunFolder::create(out)?, config, info, false))
    }

    /// The configuration file with the flags over it.
    fn configuration(&self) -> Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(arch) = self.arch {
            config.architecture = arch.architecture();
        }
        self.initial
            .apply(&mut config, self.arch, self.config.as_deref())?;
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.batch_size = self.batch_size.unwrap_or(config.batch_size);
        config.optimizer.learning_rate =
            self.learning_rate.unwrap_or(config.optimizer.learning_rate);
        config.seed = self.seed.unwrap_or(config.seed);
        config.split.folders = self.folders.unwrap_or(config.split.folders);
        config.phantoms.share = self.phantoms.unwrap_or(config.phantoms.share);
        config.log_steps |= self.log_steps;
        Ok(config)
    }

    /// Runs the command.
    pub fn run(self) -> Result<()> {
        if self.print_config {
            print!("{}", self.configuration()?.to_toml()?);
            return Ok(());
        }
        crate::memory::keep();
        if self.is_kfold() {
            return self.run_folds();
        }
        if self.fold_limit.is_some() {
            bail!("--fold-limit is for --kfold");
        }
        let prepared = self.prepare(None)?;
        let interrupt = Interrupt::listen()?;
        let loaded = prepared.load()?;
        self.train_once(&prepared, &loaded, &interrupt)?;
        Ok(())
    }

    /// Everything before the images are read; `folds` says which fold a new run is.
    fn prepare(&self, folds: Option<Folds>) -> Result<Prepared> {
        // Everything that can be wrong with the data is found before a folder is made.
        let mut groups = None;
        if self.resume.is_none() {
            let dataset = scan_folders(&self.data)?;
            self.configuration()?.validate(dataset.classes.len())?;
            if let Some(path) = &self.groups {
                let file = Groups::load(path)?;
                file.of(&dataset)?;
                groups = Some(file);
            }
        }
        let (folder, config, mut info, resumed) = self.start()?;
        let dataset = scan_folders(&info.data)?;
        config.validate(dataset.classes.len())?;
        if resumed && dataset.classes != info.classes {
            bail!(
                "the data set's classes {:?} are not the run's {:?}",
                dataset.classes,
                info.classes
            );
        }
        info.classes.clone_from(&dataset.classes);
        if resumed {
            groups = kept_groups(folder.root())?;
        }
        let path = folder.path(SPLIT_FILE);
        let (parts, split) = if resumed && path.exists() {
            let split: Split = super::read_json(&path)?;
            (remake_split(&dataset, &split, groups.as_ref())?, split)
        } else {
            plan_split(&dataset, &config.split, config.seed, groups.as_ref(), folds)?
        };
        if !resumed {
            if let Some(groups) = &groups {
                folder.write(GROUPS_FILE, &groups.bytes)?;
            }
            folder.write(SPLIT_FILE, &serde_json::to_vec_pretty(&split)?)?;
            folder.save_start(&config, &info)?;
        }
        folder.save_split(&dataset, &parts)?;
        eprintln!(
            "{}: {} images in {} classes ({}); split: {}",
            dataset.name(),
            dataset.entries.len(),
            dataset.classes.len(),
            dataset.classes.join(", "),
            describe(&split)
        );
        let dropped = parts.iter().filter(|part| **part == Part::Dropped).count();
        if dropped > 0 {
            eprintln!("{dropped} images are dropped: an image of their group is a test image");
        }
        Ok(Prepared {
            folder,
            config,
            info,
            dataset,
            parts,
            split,
            resumed,
        })
    }

    /// Trains and measures one run; `None` where it was interrupted or has no test images.
    fn train_once(
        &self,
        prepared: &Prepared,
        loaded: &data::Loaded,
        interrupt: &Interrupt,
    ) -> Result<Option<Measured>> {
        let Prepared {
            folder,
            config,
            info,
            dataset,
            parts,
            split,
            resumed,
        } = prepared;
        let lines: String = loaded
            .skipped
            .iter()
            .map(|skipped| format!("{}: {}\n", skipped.relative, skipped.reason))
            .collect();
        folder.write("skipped.txt", lines.as_bytes())?;
        let trained = loaded
            .images
            .iter()
            .filter(|(index, _)| parts[*index] == Part::Train)
            .count();
        let phantoms = training_phantoms(
            (trained as f64 * config.phantoms.share).round() as usize,
            &dataset.classes,
            &config.input,
            config.seed ^ PHANTOM_SEED,
        )?;
        let held: usize = loaded.images.iter().map(|(_, image)| image.bytes()).sum();
        let held = held + phantoms.iter().map(data::Image::bytes).sum::<usize>();
        eprintln!(
            "decoded images take {} MB of memory",
            held.div_ceil(1_000_000)
        );

        let begun = BackendName::from_str(&info.backend, true).ok();
        let backend = self.backend.or(begun.filter(|_| *resumed));
        let outcome = interrupt.during(|interrupted| {
            backend.unwrap_or_default().train(TrainWork {
                config,
                folder,
                dataset,
                images: &loaded.images,
                phantoms: &phantoms,
                parts,
                split,
                interrupted,
            })
        })?;
        if outcome.state.best_epoch == 0 {
            eprintln!(
                "interrupted in the first epoch: there are no weights yet; go on with `scanlight train --resume {}`",
                folder.root().display()
            );
            return Ok(None);
        }
        if outcome.interrupted {
            eprintln!(
                "interrupted after epoch {}; the best weights (epoch {}) are in {}; go on with `scanlight train --resume {}`",
                outcome.state.epoch,
                outcome.state.best_epoch,
                folder.root().display(),
                folder.root().display()
            );
            return Ok(None);
        }

        if interrupt.pressed.load(Ordering::Relaxed) {
            eprintln!(
                "all epochs are trained; `scanlight train --resume {}` calibrates and measures the weights",
                folder.root().display()
            );
            return Ok(None);
        }

        let tests: Vec<&(usize, data::Image)> = loaded
            .images
            .iter()
            .filter(|(index, _)| parts[*index] == Part::Test)
            .collect();
        let bundle = super::open_bundle(folder.root())?;
        let bundle = if config.calibrate {
            super::calibrate::calibrate_run(folder, bundle, &loaded.images, parts)?
        } else {
            bundle
        };
        let mut manifest = bundle.manifest.clone();
        manifest.training.epochs = outcome.state.epoch;
        manifest.training.best_epoch = outcome.state.best_epoch;
        let mut measured = None;
        if tests.is_empty() {
            eprintln!("no test images were held out: nothing to measure the weights on");
        } else {
            let report = evaluate::measure(&bundle, dataset, &tests, false, BackendName::Cpu)?;
            let floor = floor(&loaded.images, parts);
            folder.write("test.json", &serde_json::to_vec_pretty(&report)?)?;
            println!("{}", report.table());
            if let Some(floor) = floor {
                println!("nearest neighbour on raw pixels, same split: accuracy {floor:.4}");
            }
            manifest.metrics = vec![summary(&report, &dataset.name(), split, floor)];
            measured = Some(Measured { report, floor });
        }
        save_manifest(folder, &manifest)?;
        println!(
            "the best weights (epoch {}) are in {}; publish them with `scanlight publish {} --to public/models/ID`",
            outcome.state.best_epoch,
            folder.root().display(),
            folder.root().display()
        );
        Ok(measured)
    }
}

/// What a run reaches on its test images.
struct Measured {
    report: Report,
    /// Accuracy of a nearest neighbour on raw pixels.
    floor: Option<f64>,
}

impl Prepared {
    /// Reads all images.
    fn load(&self) -> Result<data::Loaded> {
        let all: Vec<usize> = (0..self.dataset.entries.len()).collect();
        data::load(&self.dataset, &all, &self.config.input, true)
    }
}

/// What Ctrl-C (or a request to end the program) does.
#[derive(Debug, Default)]
struct Interrupt {
    /// It was pressed.
    pressed: AtomicBool,
    /// Steps are under way, which end in a checkpoint; at any other time the program ends at once.
    steps: AtomicBool,
}

impl Interrupt {
    /// Listens from now on.
    fn listen() -> Result<Arc<Self>> {
        let interrupt = Arc::new(Self::default());
        let heard = interrupt.clone();
        ctrlc::set_handler(move || {
            if !heard.steps.load(Ordering::Relaxed) {
                eprintln!(
                    "\nstopped; `scanlight train --resume RUN` goes on with a run that has begun"
                );
                std::process::exit(130);
            }
            if heard.pressed.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!(
                "\nstopping after this step; the best weights are kept (again to stop at once)"
            );
        })
        .context("cannot listen for Ctrl-C")?;
        Ok(interrupt)
    }

    /// Trains, which stops between two steps.
    fn during<T>(&self, train: impl FnOnce(&AtomicBool) -> T) -> T {
        self.steps.store(true, Ordering::Relaxed);
        let outcome = train(&self.pressed);
        self.steps.store(false, Ordering::Relaxed);
        outcome
    }
}

/// The groups file that a run keeps, if it was started with one.
pub fn kept_groups(run: &Path) -> Result<Option<Groups>> {
    let path = run.join(GROUPS_FILE);
    path.is_file().then(|| Groups::load(&path)).transpose()
}

/// A split in a few words.
fn describe(split: &Split) -> String {
    match split.folds {
        Some(folds) => format!("{} {} of {}", split.method, folds.fold, folds.count),
        None => split.method.clone(),
    }
}

/// Accuracy of a nearest neighbour on raw pixels, from training and validation to test images.
fn floor(images: &[(usize, data::Image)], parts: &[Part]) -> Option<f64> {
    let of = |test: bool| -> Vec<(&[f32], usize)> {
        images
            .iter()
            .filter(|(index, _)| parts[*index] != Part::Dropped)
            .filter(|(index, _)| (parts[*index] == Part::Test) == test)
            .map(|(_, image)| (image.thumbnail.as_slice(), image.class))
            .collect()
    };
    nearest_neighbour_accuracy(&of(false), &of(true))
}

fn summary(report: &Report, data: &str, split: &Split, floor: Option<f64>) -> Metrics {
    let remark = if split.method == FOLDERS_VALIDATION {
        "Training and validation share no group, but groups of test images trained: compare with the \
         nearest neighbour."
    } else if split.method == FOLDERS_DUPLICATES {
        "No near-duplicate of a test image trained; other images of the same patients did. Training and \
         validation share no group."
    } else if split.groups_sha256.is_some() {
        "No group of the groups file (near-duplicates, and patients where known) stands in two parts."
    } else {
        "Near-duplicates between the parts are not removed: compare with the nearest neighbour."
    };
    Metrics {
        data: format!(
            "{data}, test part of the {} split, seed {}",
            describe(split),
            split.seed
        ),
        images: report.images.len() as u64,
        accuracy: report.accuracy,
        loss: report.loss,
        auc_macro: report.auc_macro,
        f1_macro: report.f1_macro,
        nearest_neighbour_accuracy: floor,
        remark: remark.into(),
    }
}

fn save_manifest(folder: &RunFolder, manifest: &Manifest) -> Result<()> {
    folder.write(MANIFEST_FILE, manifest.to_json()?.as_bytes())
}
