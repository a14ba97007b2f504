//! The checks that need no test run: format, clippy on both targets, documentation.

use anyhow::Result;

use crate::dirs;
use crate::shell::{Cmd, OrTodo};
use crate::steps::{Steps, note};
use crate::toolchain::{self, ENGINES, TARGET};

/// The crates that are compiled to wasm32, with cargo's options, built just as for the page. The engines' call
/// covers `scanlight-model` too: clippy looks at every crate of the workspace that it compiles. Of the formats
/// the engines read pictures alone: the others are compiled by a call of their own.
const WASM_CRATES: [(&str, &[&str]); 5] = [
    (
        "the formats",
        &["--package", "scanlight-formats", "--all-features"],
    ),
    ("the page", &["--package", "scanlight-web"]),
    (
        "the reader",
        &["--package", "scanlight-reader", "--features", "worker"],
    ),
    (
        "the tuner",
        &["--package", "scanlight-tuner", "--features", "worker"],
    ),
    (
        "the engines",
        &["--package", "scanlight-engine", "--features", ENGINES],
    ),
];

/// Runs all checks.
pub fn run(steps: &mut Steps) -> Result<()> {
    steps.run("format", || {
        cargo(&["fmt", "--all", "--check"]).run().or_todo(
            "the code is not formatted",
            "Run `cargo fmt --all`, then look at the changes.",
        )
    })?;
    steps.run("clippy, native", || {
        cargo(&["clippy", "--all-targets", "--", "-D", "warnings"])
            .run()
            .or_todo("clippy complains", "Mend what it names above.")
    })?;
    steps.run("documentation, native", || document(&[], &[]))?;
    let wasm = steps.run("Rust for wasm32", toolchain::ensure)?;
    if !wasm.is_usual() {
        note("clippy and rustdoc are skipped for wasm32: they belong to another compiler here");
        return Ok(());
    }
    for (name, options) in WASM_CRATES {
        steps.run(&format!("clippy, {name}"), || {
            cargo(&["clippy", "--all-targets", "--target", TARGET])
                .args(options)
                .args(["--", "-D", "warnings"])
                .run()
                .or_todo("clippy complains for wasm32", "Mend what it names above.")
        })?;
    }
    for (name, options) in WASM_CRATES {
        steps.run(&format!("documentation, {name}"), || {
            document(&["--target", TARGET], options)
        })?;
    }
    Ok(())
}

/// Builds the documentation; a warning is an error.
fn document(target: &[&str], crates: &[&str]) -> Result<()> {
    cargo(&["doc", "--no-deps"])
        .args(target)
        .args(crates)
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
        .or_todo("the documentation has errors", "Mend what it names above.")
}

/// A call of cargo in the repository.
fn cargo(args: &[&str]) -> Cmd {
    Cmd::cargo().args(args).dir(dirs::root())
}
