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
        /// Which weights are kept: "better" takes those with the lower validation loss (the higher
        /// accuracy where that chooses the epoch), epoch by epoch;
        /// "average" always the mean; "raw" never.
        pub keep: Keep = Keep::Better,
    }
}

/// Which epoch's weights a run keeps, as its validation images judge them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Those of the lowest loss.
    Loss,
    /// Those of the highest accuracy; of equal ones those of the lower loss.
    Accuracy,
    /// Those of the last epoch, whatever the validation says.
    Last,
}

impl Selection {
    /// Whether weights measured later replace those kept so far; both as (loss, accuracy).
    pub fn prefers(self, new: (f64, f64), kept: (f64, f64)) -> bool {
        match self {
            Self::Loss => new.0 < kept.0,
            Self::Accuracy => new.1 > kept.1 || (new.1 == kept.1 && new.0 < kept.0),
            Self::Last => true,
        }
    }
}

/// Which weights of an epoch are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those that are better on the validation images.
    Better,
    /// The running mean.
    Average,
    /// The weights that were trained.
    Raw,
}

section! {
    /// When to stop before the last epoch.
    pub struct EarlyStoppingConfig {
        /// Epochs without better weights before training stops; 0 never stops.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_prefers_what_it_is_named_after() {
        let (sure_mistakes, fewer_right) = ((0.9, 0.8), (0.5, 0.7));
        assert!(!Selection::Loss.prefers(sure_mistakes, fewer_right));
        assert!(Selection::Accuracy.prefers(sure_mistakes, fewer_right));
        assert!(Selection::Last.prefers(fewer_right, sure_mistakes));
        // Equal accuracy: the loss decides, and an equal one changes nothing.
        assert!(Selection::Accuracy.prefers((0.4, 0.7), fewer_right));
        assert!(!Selection::Accuracy.prefers(fewer_right, fewer_right));
        assert!(!Selection::Loss.prefers(fewer_right, fewer_right));
    }
}
