//! The run folder: configuration, split, logs and the weights.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::record::{EpochRecord, StepRecord};
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

    /// Reads a file of JSON.
    pub(super) fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
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

    /// Adds an epoch to `metrics.jsonl`.
    pub fn log_epoch(&self, record: &EpochRecord) -> Result<()> {
        self.append("metrics.jsonl", &serde_json::to_string(record)?)
    }

    /// Adds a step to `steps.jsonl`.
    pub fn log_step(&self, record: &StepRecord) -> Result<()> {
        self.append("steps.jsonl", &serde_json::to_string(record)?)
    }

    fn append(&self, name: &str, line: &str) -> Result<()> {
        let path = self.path(name);
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        // In one call, so that a reader never sees half a line.
        file.write_all(format!("{line}\n").as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The epochs that were logged so far; lines that are not understood are left out.
    pub fn history(&self) -> Vec<EpochRecord> {
        std::fs::read_to_string(self.path("metrics.jsonl"))
            .unwrap_or_default()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Drops log lines after the last checkpoint, so that a resumed run does not log twice.
    pub fn trim_logs(&self, epochs: u32, steps: u32) -> Result<()> {
        self.trim("metrics.jsonl", |line| {
            serde_json::from_str::<EpochRecord>(line).is_ok_and(|r| r.epoch <= epochs)
        })?;
        self.trim("steps.jsonl", |line| {
            serde_json::from_str::<StepRecord>(line)
                .is_ok_and(|r| r.epoch <= epochs || r.epoch == epochs + 1 && r.step <= steps)
        })
    }

    fn trim(&self, name: &str, keep: impl Fn(&str) -> bool) -> Result<()> {
        let path = self.path(name);
        let Ok(text) = std::fs::read_to_string(&path) else {
            return Ok(());
        };
        let kept: String = text
            .lines()
            .filter(|line| keep(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        write_whole(&path, kept.as_bytes())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_run_drops_what_it_will_do_again() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(temp.path()).unwrap();
        for epoch in 1..=3 {
            for step in 1..=4 {
                let record = StepRecord {
                    epoch,
                    step,
                    loss: 1.0,
                    learning_rate: 1e-3,
                    gradient_norm: 2.0,
                };
                folder.log_step(&record).unwrap();
            }
            let record = EpochRecord {
                epoch,
                ..EpochRecord::default()
            };
            folder.log_epoch(&record).unwrap();
        }
        folder.trim_logs(1, 2).unwrap();
        let lines = |name| {
            let text = std::fs::read_to_string(folder.path(name)).unwrap();
            text.lines().count()
        };
        assert_eq!((lines("metrics.jsonl"), lines("steps.jsonl")), (1, 6));
    }
}
