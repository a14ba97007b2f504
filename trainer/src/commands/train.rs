//! `scanlight train`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use scanlight_model::bundle::{MANIFEST_FILE, Manifest, Metrics};
use scanlight_model::preprocess::InputGeometry;

use super::evaluate;
use crate::backend::BackendName;
use crate::baseline::{SIDE, nearest_neighbour_accuracy, thumbnail};
use crate::config::{ArchitectureName, Config, Folders};
use crate::data::{self, Part, scan_folders, split_dataset};
use crate::metrics::Report;
use crate::phantoms::training_phantoms;
use crate::train::{RunFolder, RunInfo, TrainWork};

/// Train a classifier on a folder with one folder of images per class.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Data set: a folder with one folder per class, with or without Training/ and Testing/ above.
    /// Repeat it to put several sets together.
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    data: Vec<PathBuf>,
    /// Folder for the run: configuration, split, log, checkpoint and the best weights.
    #[arg(long, value_name = "RUN", required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Go on with an interrupted run, with the options it was started with.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "config", "arch", "epochs", "batch_size", "learning_rate", "seed", "folders", "phantoms"])]
    resume: Option<PathBuf>,
    /// Options as a TOML file; the flags below override it. Every run saves its own as config.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network, with its default sizes.
    #[arg(long)]
    arch: Option<ArchitectureName>,
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
    /// What trains.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
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
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(arch) = self.arch {
            config.architecture = arch.architecture();
        }
        config.epochs = self.epochs.unwrap_or(config.epochs);
        config.batch_size = self.batch_size.unwrap_or(config.batch_size);
        config.optimizer.learning_rate =
            self.learning_rate.unwrap_or(config.optimizer.learning_rate);
        config.seed = self.seed.unwrap_or(config.seed);
        config.split.folders = self.folders.unwrap_or(config.split.folders);
        config.phantoms.share = self.phantoms.unwrap_or(config.phantoms.share);
        let info = RunInfo {
            data: self.data.clone(),
            classes: Vec::new(),
            backend: self
                .backend
                .to_possible_value()
                .map_or_else(String::new, |value| value.get_name().to_string()),
        };
        let out = self.out.as_ref().context("--out is missing")?;
        Ok((RunFolder::create(out)?, config, info, false))
    }

    /// Runs the command.
    pub fn run(self) -> Result<()> {
        // Everything that can be wrong with the data is found before a folder is made.
        if self.resume.is_none() {
            scan_folders(&self.data)?;
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
        let (parts, split) = split_dataset(&dataset, &config.split, config.seed);
        if !resumed {
            folder.save_start(&config, &info)?;
        }
        folder.save_split(&dataset, &parts)?;
        eprintln!(
            "{}: {} images in {} classes ({}); split: {}",
            dataset.name(),
            dataset.entries.len(),
            dataset.classes.len(),
            dataset.classes.join(", "),
            split.method
        );

        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!(
                "\nstopping after this step; the best weights are kept (again to stop at once)"
            );
        })
        .context("cannot listen for Ctrl-C")?;

        let all: Vec<usize> = (0..dataset.entries.len()).collect();
        let loaded = data::load(&dataset, &all, &config.input, true)?;
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

        let backend = if resumed && self.backend == BackendName::Cpu {
            BackendName::from_str(&info.backend, true).unwrap_or(self.backend)
        } else {
            self.backend
        };
        let outcome = backend.train(TrainWork {
            config: &config,
            folder: &folder,
            dataset: &dataset,
            images: &loaded.images,
            phantoms: &phantoms,
            parts: &parts,
            split: &split,
            interrupted: &interrupted,
        })?;
        if outcome.state.best_epoch == 0 {
            eprintln!(
                "interrupted in the first epoch: there are no weights yet; start again with `scanlight train --resume {}`",
                folder.root().display()
            );
            return Ok(());
        }
        if outcome.interrupted {
            eprintln!(
                "interrupted after epoch {}; the best weights (epoch {}) are in {}; go on with `scanlight train --resume {}`",
                outcome.state.epoch,
                outcome.state.best_epoch,
                folder.root().display(),
                folder.root().display()
            );
            return Ok(());
        }

        let tests: Vec<&(usize, data::Image)> = loaded
            .images
            .iter()
            .filter(|(index, _)| parts[*index] == Part::Test)
            .collect();
        let bundle = super::open_bundle(folder.root())?;
        let bundle = super::calibrate::calibrate_run(&folder, bundle, &loaded.images, &parts)?;
        let mut manifest = bundle.manifest.clone();
        manifest.training.epochs = outcome.state.epoch;
        manifest.training.best_epoch = outcome.state.best_epoch;
        if tests.is_empty() {
            eprintln!("no test images were held out: nothing to measure the weights on");
        } else {
            let report = evaluate::measure(&bundle, &dataset, &tests, BackendName::Cpu)?;
            let floor = floor(&loaded.images, &parts, &config.input);
            folder.write("test.json", &serde_json::to_vec_pretty(&report)?)?;
            println!("{}", report.table());
            if let Some(floor) = floor {
                println!("nearest neighbour on raw pixels, same split: accuracy {floor:.4}");
            }
            manifest.metrics = vec![summary(
                &report,
                &dataset.name(),
                &split.method,
                config.seed,
                floor,
            )];
        }
        save_manifest(&folder, &manifest)?;
        println!(
            "the best weights (epoch {}) are in {}; publish them with `scanlight publish {} --to public/models/ID`",
            outcome.state.best_epoch,
            folder.root().display(),
            folder.root().display()
        );
        Ok(())
    }
}

/// Accuracy of a nearest neighbour on raw pixels, from training and validation to test images;
/// `None` for input planes that the thumbnails cannot be made from.
fn floor(images: &[(usize, data::Image)], parts: &[Part], geometry: &InputGeometry) -> Option<f64> {
    let side = geometry.width as usize;
    if geometry.width != geometry.height || !side.is_multiple_of(SIDE) {
        return None;
    }
    let of = |test: bool| -> Vec<(Vec<f32>, usize)> {
        images
            .iter()
            .filter(|(index, _)| (parts[*index] == Part::Test) == test)
            .map(|(_, image)| (thumbnail(&image.clean, side), image.class))
            .collect()
    };
    nearest_neighbour_accuracy(&of(false), &of(true))
}

fn summary(report: &Report, data: &str, method: &str, seed: u64, floor: Option<f64>) -> Metrics {
    Metrics {
        data: format!("{data}, test part of the {method} split, seed {seed}"),
        images: report.images.len() as u64,
        accuracy: report.accuracy,
        loss: report.loss,
        auc_macro: report.auc_macro,
        f1_macro: report.f1_macro,
        nearest_neighbour_accuracy: floor,
        remark:
            "Near-duplicates between the parts are not removed: compare with the nearest neighbour."
                .into(),
    }
}

fn save_manifest(folder: &RunFolder, manifest: &Manifest) -> Result<()> {
    folder.write(MANIFEST_FILE, manifest.to_json()?.as_bytes())
}
