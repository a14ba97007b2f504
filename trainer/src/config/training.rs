//! Averaging of weights and the end of the training.

use serde::{Deserialize, Serialize};

use super::documented::section;

section! {
    /// A running mean of the weights (Polyak and Juditsky 1992), which often generalises better than
    /// the weights themselves.
    ///
    /// Batch norm's running statistics are averaged like the weights: copied from the newest weights
    /// they would describe another network's activations.
    pub struct EmaConfig {
        /// Share of the mean that each step keeps, below 1; 0 switches the averaging off. In the first
        /// steps `(1 + step) / (10 + step)` where that is less, so that the random start is forgotten.
        /// 0.998 averages over about 500 steps.
        pub decay: f64 = 0.998,
        /// Which weights are kept: "better" takes those with the lower validation loss, epoch by epoch;
        /// "average" always the mean; "raw" never.
        pub keep: Keep = Keep::Better,
    }
}

/// Which weights of an epoch are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those with the lower validation loss.
    Better,
    /// The running mean.
    Average,
    /// The weights that were trained.
    Raw,
}

section! {
    /// When to stop before the last epoch.
    pub struct EarlyStoppingConfig {
        /// Epochs without a lower validation loss before training stops; 0 never stops.
        pub patience: u32 = 20,
    }
}

section! {
    /// Where the network shall look, for images whose lesion's box is known from a table `slices.csv` in
    /// the data set's folder.
    pub struct LocalisationConfig {
        /// Weight in the loss of minus the logarithm of the share of the class-activation map (as a
        /// softmax over its cells) that lies in the box; 0 leaves boxes alone. Good where most images
        /// have a box.
        pub weight: f32 = 0.2,
    }
}
