//! Training a network.

mod batches;
mod checkpoint;
mod run;
mod step;

pub use checkpoint::{RunFolder, RunInfo, write_whole};
pub use run::TrainWork;
