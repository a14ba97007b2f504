//! Fuzzes the decoders of dropped files.

use anyhow::Result;
use clap::Args;

use crate::dirs;
use crate::shell::{Cmd, OrTodo};
use crate::steps::Steps;

/// What to fuzz, and how long.
#[derive(Args)]
pub struct Fuzz {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// One target only: image, dicom, nifti, archive, directory, lesson, bundle or study
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Where the changes begin; the same seed makes the same files
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run one file instead, such as one that was found
    #[arg(long, value_name = "FILE", requires = "target")]
    input: Option<String>,
}

impl Fuzz {
    /// Runs the targets one after another.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        steps.run("fuzzing", || {
            let mut call = Cmd::cargo()
                .args(["run", "--package", "scanlight-formats", "--all-features"])
                .args(["--example", "fuzz", "--"])
                .args(["--seconds", &self.seconds.to_string()])
                .args(["--seed", &self.seed.to_string()]);
            if let Some(target) = &self.target {
                call = call.args(["--target", target]);
            }
            if let Some(input) = &self.input {
                call = call.args(["--input", input]);
            }
            call.dir(dirs::root()).run().or_todo(
                "the fuzzer found something or could not run",
                "The lines above name each input that panicked, took too much memory or too long; it lies in \
                 target/fuzz. Where the program was ended, its last input is the .current file there. Mend the \
                 decoder, and add the input to its tests.",
            )
        })
    }
}
