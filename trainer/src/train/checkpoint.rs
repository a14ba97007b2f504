//! The run folder: configuration, split, log, checkpoint and the best weights.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::module::Module;
use burn::optim::Optimizer;
use burn::record::{BinBytesRecorder, FullPrecisionSettings, Recorder};
use burn::tensor::backend::AutodiffBackend;
use scanlight_model::arch::Network;
use serde::{Deserialize, Serialize};

use super::step::NetworkOptimizer;
use crate::config::Config;
use crate::data::{Dataset, Part};

/// What a run was started with besides the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The data sets' folders.
    pub data: Vec<PathBuf>,
    /// Class names in order.
    pub classes: Vec<String>,
    /// Name of the backend that trains, as the command line spells it.
    pub backend: String,
}

/// One epoch's numbers, a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean training loss (weighted, smoothed, on augmented images).
    pub train_loss: f64,
    /// Mean cross-entropy on the validation images.
    pub validation_loss: f64,
    /// Share of right answers on the validation images.
    pub validation_accuracy: f64,
    /// Share of right answers on some training images, unchanged and in evaluation mode.
    pub clean_train_accuracy: f64,
    /// Learning rate at the epoch's end.
    pub learning_rate: f64,
    /// Seconds that the epoch took.
    pub seconds: f64,
}

/// How far a run has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Finished epochs.
    pub epoch: u32,
    /// Epoch with the lowest validation loss.
    pub best_epoch: u32,
    /// That loss.
    pub best_loss: Option<f64>,
    /// Whether training ended (by itself, not by an interruption).
    pub finished: bool,
}

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// A new run's folder; refuses one that holds a run already.
    pub fn create(root: &Path) -> Result<Self> {
        if root.join("config.toml").exists() {
            bail!(
                "{} holds a run already; go on with `scanlight train --resume {}`, or choose another --out",
                root.display(),
                root.display()
            );
        }
        std::fs::create_dir_all(root.join("checkpoint"))
            .with_context(|| format!("cannot make the folder {}", root.display()))?;
        Ok(Self { root: root.into() })
    }

    /// An existing run's folder.
    pub fn open(root: &Path) -> Result<Self> {
        if !root.join("config.toml").is_file() {
            bail!(
                "{} is no run folder (it has no config.toml); name the folder that --out made",
                root.display()
            );
        }
        Ok(Self { root: root.into() })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Path of a file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.path(name), bytes)
    }

    fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path(name);
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&bytes).with_context(|| format!("{} is not valid", path.display()))
    }

    /// Saves what the run was started with.
    pub fn save_start(&self, config: &Config, info: &RunInfo) -> Result<()> {
        self.write("config.toml", config.to_toml()?.as_bytes())?;
        self.write("run.json", &serde_json::to_vec_pretty(info)?)
    }

    /// The configuration.
    pub fn config(&self) -> Result<Config> {
        Config::load(&self.path("config.toml"))
    }

    /// What the run was started with.
    pub fn info(&self) -> Result<RunInfo> {
        self.read_json("run.json")
    }

    /// How far the run has come; the start where it has no checkpoint yet.
    pub fn state(&self) -> Result<State> {
        if self.path("checkpoint/state.json").exists() {
            self.read_json("checkpoint/state.json")
        } else {
            Ok(State::default())
        }
    }

    /// Saves which image is in which part.
    pub fn save_split(&self, dataset: &Dataset, parts: &[Part]) -> Result<()> {
        let mut text = String::from("part,class,path\n");
        for (entry, part) in dataset.entries.iter().zip(parts) {
            let path = entry.relative.replace('"', "\"\"");
            let class = dataset.classes[entry.class].replace('"', "\"\"");
            text.push_str(&format!("{},\"{class}\",\"{path}\"\n", part.name()));
        }
        self.write("split.csv", text.as_bytes())
    }

    /// Adds an epoch to the log.
    pub fn log(&self, record: &EpochRecord) -> Result<()> {
        let path = self.path("metrics.jsonl");
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(file, "{}", serde_json::to_string(record)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Drops log lines after the last checkpoint, so that a resumed run does not log twice.
    pub fn trim_log(&self, epochs: u32) -> Result<()> {
        let path = self.path("metrics.jsonl");
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Ok(());
        };
        let kept: String = text
            .lines()
            .filter(|line| {
                serde_json::from_str::<EpochRecord>(line).is_ok_and(|r| r.epoch <= epochs)
            })
            .flat_map(|line| [line, "\n"])
            .collect();
        write_whole(&path, kept.as_bytes())
    }

    /// Saves everything needed to go on: network, optimiser, and how far the run is.
    pub fn save_checkpoint<B: AutodiffBackend>(
        &self,
        network: &Network<B>,
        optimizer: &NetworkOptimizer<B>,
        state: &State,
    ) -> Result<()> {
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let network = Recorder::<B>::record(&recorder, network.clone().into_record(), ())?;
        let optimizer = Recorder::<B>::record(&recorder, optimizer.to_record(), ())?;
        // One file, so that network and optimiser are always of the same epoch.
        let mut bytes = (network.len() as u64).to_le_bytes().to_vec();
        bytes.extend(network);
        bytes.extend(optimizer);
        self.write(&checkpoint_name(state.epoch), &bytes)?;
        self.write("checkpoint/state.json", &serde_json::to_vec_pretty(state)?)?;
        if let Some(before) = state.epoch.checked_sub(1) {
            // Only a convenience: an old checkpoint that stays does no harm.
            let _ = std::fs::remove_file(self.path(&checkpoint_name(before)));
        }
        Ok(())
    }

    /// Loads what [`RunFolder::save_checkpoint`] saved.
    pub fn load_checkpoint<B: AutodiffBackend>(
        &self,
        network: Network<B>,
        optimizer: NetworkOptimizer<B>,
        state: &State,
        device: &B::Device,
    ) -> Result<(Network<B>, NetworkOptimizer<B>)> {
        let path = self.path(&checkpoint_name(state.epoch));
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let damaged = || format!("the checkpoint {} is damaged", path.display());
        let (length, rest) = bytes.split_first_chunk::<8>().with_context(damaged)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).with_context(damaged)?;
        let (first, second) = rest.split_at_checked(length).with_context(damaged)?;
        let recorder = BinBytesRecorder::<FullPrecisionSettings>::default();
        let network_record =
            Recorder::<B>::load(&recorder, first.to_vec(), device).with_context(damaged)?;
        let optimizer_record =
            Recorder::<B>::load(&recorder, second.to_vec(), device).with_context(damaged)?;
        Ok((
            network.load_record(network_record),
            optimizer.load_record(optimizer_record),
        ))
    }
}

fn checkpoint_name(epoch: u32) -> String {
    format!("checkpoint/epoch-{epoch:04}.bin")
}

/// Writes a file beside its place and moves it there, so that a stop never leaves half a file.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}
