//! Training a network.

mod batches;
mod checkpoint;
mod dashboard;
mod ema;
mod finder;
mod folder;
pub mod initial;
mod localisation;
mod loss;
mod manifest;
mod measure;
mod optimizer;
mod record;
mod run;
mod step;
mod throughput;

pub use finder::{FindWork, Finding, Sweep};
pub use folder::{RunFolder, RunInfo, write_whole};
pub use run::TrainWork;
pub use throughput::ThroughputWork;
