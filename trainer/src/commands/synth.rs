//! `scanlight synth`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::synth::write_dataset;

/// Draw synthetic head phantoms with labelled lesions: a data set without a download.
#[derive(Debug, Args)]
pub struct SynthArgs {
    /// Folder to fill: one folder per class, and slices.csv with each lesion's box.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Images of each of the four classes.
    #[arg(long, value_name = "N")]
    per_class: usize,
    /// The same seed draws the same pixels.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Side of the images in pixels.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(32..=1024))]
    size: u32,
}

impl SynthArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let summary = write_dataset(&self.out, self.per_class, self.size, self.seed)?;
        println!(
            "drew {} synthetic slices in {} (boxes in slices.csv)",
            summary.slices,
            self.out.display()
        );
        Ok(())
    }
}
