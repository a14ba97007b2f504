//! `scanlight`: trains, measures and publishes brain-MRI classifiers, and draws synthetic data.

mod audit;
mod augment;
mod backend;
mod baseline;
mod card;
mod commands;
mod config;
mod data;
mod explain;
mod export;
mod gallery;
mod hdf5;
mod html;
mod import;
mod inference;
mod memory;
mod metrics;
mod npy;
mod phantoms;
mod progress;
mod report;
mod stats;
mod synth;
mod tensors;
mod train;
mod trust;

use clap::{Parser, Subcommand};

/// Train, measure and publish brain-MRI classifiers. For education and research, never diagnosis.
#[derive(Debug, Parser)]
#[command(
    name = "scanlight",
    version,
    after_help = "A first run without any download:
  scanlight synth --out phantoms --per-class 60
  scanlight train --data phantoms --out runs/first --epochs 5
  scanlight evaluate --model runs/first --data phantoms --part test
  scanlight publish runs/first --to public/models/first"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<commands::train::TrainArgs>),
    #[command(name = "find-lr")]
    FindLr(commands::find_lr::FindLrArgs),
    Config(commands::config::ConfigArgs),
    Evaluate(commands::evaluate::EvaluateArgs),
    Calibrate(commands::calibrate::CalibrateArgs),
    Report(commands::report::ReportArgs),
    Compare(commands::compare::CompareArgs),
    Predict(commands::predict::PredictArgs),
    Publish(commands::publish::PublishArgs),
    Synth(commands::synth::SynthArgs),
    CamEval(commands::cam_eval::CamEvalArgs),
    Audit(commands::audit::AuditArgs),
    Export(commands::export::ExportArgs),
    Import(commands::import::ImportArgs),
    Latency(commands::latency::LatencyArgs),
    Throughput(commands::throughput::ThroughputArgs),
}

fn main() -> std::process::ExitCode {
    scanlight_kernels::install();
    let result = match Cli::parse().command {
        Command::Train(args) => args.run(),
        Command::FindLr(args) => args.run(),
        Command::Config(args) => args.run(),
        Command::Evaluate(args) => args.run(),
        Command::Calibrate(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::Compare(args) => args.run(),
        Command::Predict(args) => args.run(),
        Command::Publish(args) => args.run(),
        Command::Synth(args) => args.run(),
        Command::CamEval(args) => args.run(),
        Command::Audit(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Import(args) => args.run(),
        Command::Latency(args) => args.run(),
        Command::Throughput(args) => args.run(),
    };
    match result {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            // One line, causes included; a backtrace helps nobody who mistyped a path.
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
