//! `scanlight throughput`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::write_json;
use crate::backend::BackendName;
use crate::config::{ArchitectureName, Config};
use crate::train::ThroughputWork;

/// Measure how many images a second a backend trains: forward pass, backward pass and optimiser on
/// random planes, without reading or augmenting images.
///
/// RAYON_NUM_THREADS (cpu) and OMP_NUM_THREADS (tch) set the number of threads.
#[derive(Debug, Args)]
pub struct ThroughputArgs {
    /// The network, with its default sizes.
    #[arg(long, default_value = "compact")]
    arch: ArchitectureName,
    /// Options as a TOML file, as for `train`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Images per step.
    #[arg(long, default_value_t = 32)]
    batch_size: usize,
    /// Number of classes.
    #[arg(long, default_value_t = 4)]
    classes: usize,
    /// Steps that are timed, after three that are not.
    #[arg(long, default_value_t = 20)]
    steps: usize,
    /// Write the times there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What trains.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

impl ThroughputArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config {
                architecture: self.arch.architecture(),
                ..Config::default()
            },
        };
        config.batch_size = self.batch_size;
        config.validate(self.classes)?;
        if self.steps == 0 {
            bail!("--steps must be at least 1");
        }
        crate::memory::keep();
        let found = self.backend.train(ThroughputWork {
            config: &config,
            classes: self.classes,
            warm_up: 3,
            steps: self.steps,
        })?;
        println!(
            "{} ({} parameters) with {}: {:.1} images/s, median of {} steps of {}",
            found.architecture,
            found.parameters,
            found.backend,
            found.images_per_second,
            found.seconds.len(),
            found.batch_size
        );
        match &self.json {
            Some(path) => write_json(path, &found),
            None => Ok(()),
        }
    }
}
