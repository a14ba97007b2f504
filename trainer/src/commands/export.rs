//! `scanlight export`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::{model_folder, open_bundle};
use crate::export::{Format, write};
use crate::train::write_whole;

/// Write a model as a file that other programs read.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The model: a published folder or a run [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// The kind of file.
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl ExportArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let folder = model_folder(self.model.as_deref())?;
        let bundle = open_bundle(&folder)?;
        let bytes = write(&bundle, self.format)
            .with_context(|| format!("cannot export {}", folder.display()))?;
        write_whole(&self.out, &bytes)?;
        let manifest = &bundle.manifest;
        println!(
            "wrote {} ({}, {} bytes) to {}",
            manifest.id,
            manifest.architecture.kind(),
            bytes.len(),
            self.out.display()
        );
        let (height, width) = (manifest.input.height, manifest.input.width);
        let plane = match self.format {
            Format::KerasH5 => format!("[N, {height}, {width}, 1]"),
            _ => format!("[N, 1, {height}, {width}]"),
        };
        println!(
            "its input is {plane}: an image as the manifest in the file says, brought to mean 0 and standard \
             deviation 1; classes in order: {}",
            manifest.classes.join(", ")
        );
        Ok(())
    }
}
