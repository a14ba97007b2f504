//! Scanlight's set-up, serve and test commands: `cargo xtask serve`, `cargo xtask test`.

mod apt;
mod bench;
mod browser;
mod csp;
mod dirs;
mod dist;
mod fuzz;
mod lesson;
mod lint;
mod offline;
mod page;
mod python;
mod serve;
mod shell;
mod split;
mod stamp;
mod steps;
mod test;
mod toolchain;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::serve::Server;
use crate::shell::Failure;
use crate::steps::Steps;
use crate::toolchain::Wasm;
use crate::tools::Tools;

/// Sets up, builds, serves and tests Scanlight. Every command installs what it needs and is missing.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Subcommand)]
enum Command {
    /// Install what building the page needs
    Setup {
        /// Install what tests need too
        #[arg(long)]
        tests: bool,
    },
    /// Build the release page into web/dist
    Build,
    /// Make the folder that any static host can serve
    Dist {
        /// The path that the page will have on its host
        #[arg(long, default_value = "/")]
        base: String,
        /// Where the folder goes; its former content is removed if this command made it
        #[arg(long, default_value = "dist")]
        out: std::path::PathBuf,
    },
    /// Build the release page and serve it on this machine
    Serve {
        /// The port; without it 8080, or the next free one
        #[arg(long)]
        port: Option<u16>,
        /// Open the page in the browser
        #[arg(long)]
        open: bool,
    },
    /// Run all tests
    Test {
        /// Run one kind only
        #[arg(long, value_enum)]
        only: Option<test::Kind>,
    },
    /// Check format, clippy on both targets, and documentation
    Lint,
    /// Do what the project's CI does: lint, then test
    Ci,
    /// Feed changed files to the decoders of dropped files
    Fuzz(fuzz::Fuzz),
    /// Draw the ready lesson's heads and write its cases
    Lesson(lesson::MakeLesson),
    /// Measure how fast something is
    Bench {
        #[command(subcommand)]
        what: Box<bench::Bench>,
    },
}

fn main() -> ExitCode {
    if split::is_stand_in() {
        return split::stand_in();
    }
    let cli = Cli::parse();
    let mut steps = Steps::default();
    let result = run(&cli.command, &mut steps);
    let table = steps.table();
    if !table.is_empty() {
        println!("\n{table}");
    }
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Says what failed, why, and what to do about it.
fn report(error: &anyhow::Error) {
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    if let Some(failure) = error.downcast_ref::<Failure>() {
        eprintln!("what to do: {}", failure.todo);
    }
}

/// Does what the command line asks for.
fn run(command: &Command, steps: &mut Steps) -> Result<()> {
    match command {
        Command::Setup { tests } => {
            set_up(steps)?;
            if *tests {
                steps.run("Vulkan driver", browser::ensure_vulkan)?;
                steps.run("browser", browser::ensure)?;
                steps.run("browser packages", test::install_packages)?;
                steps.run(test::PYTHON_STEP, python::ensure)?;
            }
            Ok(())
        }
        Command::Build => build(steps),
        Command::Dist { base, out } => {
            let base = dist::Base::parse(base)?;
            build(steps)?;
            steps.run("folder for a host", || {
                dist::write_folder(&page::folder(), out, &base)
            })
        }
        Command::Serve { port, open } => {
            // A taken port is told before the long build, not after it.
            let server = Server::bind(*port)?;
            build(steps)?;
            println!("\nScanlight is at {} (Ctrl-C stops it)", server.url);
            if *open {
                serve::open(&server.url);
            }
            server.run(&page::folder())
        }
        Command::Test { only } => test::run(steps, *only),
        Command::Lint => lint::run(steps),
        Command::Bench { what } => what.run(steps),
        Command::Fuzz(fuzz) => fuzz.run(steps),
        Command::Lesson(lesson) => lesson.run(steps),
        Command::Ci => {
            lint::run(steps)?;
            test::run(steps, None)
        }
    }
}

/// Installs what building the page needs.
fn set_up(steps: &mut Steps) -> Result<(Wasm, Tools)> {
    let wasm = steps.run("Rust for wasm32", toolchain::ensure)?;
    let tools = steps.run("tools", tools::ensure)?;
    Ok((wasm, tools))
}

/// Installs what is missing and builds the page.
fn build(steps: &mut Steps) -> Result<()> {
    let (wasm, tools) = set_up(steps)?;
    steps.run("page", || page::build(&wasm, &tools))
}
