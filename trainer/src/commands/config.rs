//! `scanlight config`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::config::{ArchitectureName, Config};

/// Print a whole configuration as TOML, every value explained: the defaults, or a file's values in
/// the midst of them.
#[derive(Debug, Args)]
#[command(
    after_help = "For instance: scanlight config > my.toml, change it, then
  scanlight train --config my.toml --data DIR --out RUN"
)]
pub struct ConfigArgs {
    /// A configuration whose values replace the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The network, with its default sizes.
    #[arg(long)]
    arch: Option<ArchitectureName>,
}

impl ConfigArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut config = match &self.config {
            Some(path) => Config::load(path)?,
            None => Config::default(),
        };
        if let Some(arch) = self.arch {
            config.architecture = arch.architecture();
        }
        print!("{}", config.to_toml()?);
        Ok(())
    }
}
