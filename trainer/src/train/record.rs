//! What a run writes down of itself: how far it is, and its numbers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// One epoch's numbers, a line of `metrics.jsonl`. Lines of older runs lack some of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EpochRecord {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean training loss (weighted, smoothed, on augmented and mixed images).
    pub train_loss: f64,
    /// Mean cross-entropy on the validation images, of the weights that were trained.
    pub validation_loss: f64,
    /// Share of right answers on the validation images.
    pub validation_accuracy: f64,
    /// Share of right answers on each class's validation images; `null` where there are none.
    pub validation_recall: IndexMap<String, Option<f64>>,
    /// `validation_loss` of the weights' running mean, where there is one.
    pub ema_validation_loss: Option<f64>,
    /// `validation_accuracy` of the weights' running mean.
    pub ema_validation_accuracy: Option<f64>,
    /// `validation_recall` of the weights' running mean.
    pub ema_validation_recall: Option<IndexMap<String, Option<f64>>>,
    /// Share of right answers on some training images, unchanged and in evaluation mode.
    pub clean_train_accuracy: f64,
    /// Learning rate at the epoch's end.
    pub learning_rate: f64,
    /// Mean length of the whole gradient before it was clipped.
    pub gradient_norm: Option<f64>,
    /// Training images a second, the evaluation's time left out.
    pub images_per_second: Option<f64>,
    /// Seconds that the network waited for augmented images.
    pub waiting_seconds: Option<f64>,
    /// Seconds that the epoch took, evaluation included.
    pub seconds: f64,
    /// Whether the epoch's weights became the best so far.
    pub best: bool,
}

/// One step's numbers, a line of `steps.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The epoch, counted from 1.
    pub epoch: u32,
    /// The step of the epoch, counted from 1.
    pub step: u32,
    /// Loss of the batch before the step.
    pub loss: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Length of the whole gradient before it was clipped.
    pub gradient_norm: f64,
}

/// How far a run has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Finished epochs.
    pub epoch: u32,
    /// Finished steps of the epoch that is under way.
    pub step: u32,
    /// Sum of those steps' losses.
    #[serde(with = "exact")]
    pub loss_sum: f64,
    /// Sum of those steps' gradient lengths.
    #[serde(with = "exact")]
    pub norm_sum: f64,
    /// Seconds spent on those steps.
    pub seconds: f64,
    /// Epoch whose weights are kept; 0 before the first.
    pub best_epoch: u32,
    /// Their validation loss; infinite before the first.
    #[serde(with = "exact")]
    pub best_loss: f64,
    /// Their validation accuracy, 0 to 1; 0 before the first.
    #[serde(with = "exact", default)]
    pub best_accuracy: f64,
    /// Updates of the weights' running mean.
    pub ema_updates: u64,
    /// Whether training ended (by itself, not by an interruption).
    pub finished: bool,
    /// The checkpoint's file in the run's folder.
    pub checkpoint: String,
    /// Its SHA-256 in hexadecimal digits.
    pub checkpoint_sha256: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            epoch: 0,
            step: 0,
            loss_sum: 0.0,
            norm_sum: 0.0,
            seconds: 0.0,
            best_epoch: 0,
            best_loss: f64::INFINITY,
            best_accuracy: 0.0,
            ema_updates: 0,
            finished: false,
            checkpoint: String::new(),
            checkpoint_sha256: String::new(),
        }
    }
}

/// Numbers as text: JSON has no infinity, and reading its numbers may change their last digit, after
/// which an interrupted run would not be exactly the same.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:?}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_of_older_runs_are_read() {
        let line = r#"{"epoch":1,"train_loss":1.2,"validation_loss":1.1,"validation_accuracy":0.5,
            "clean_train_accuracy":0.6,"learning_rate":0.001,"seconds":3.0}"#;
        let record: EpochRecord = serde_json::from_str(line).unwrap();
        assert_eq!((record.epoch, record.ema_validation_loss), (1, None));
    }

    proptest! {
        #[test]
        fn a_state_comes_back_to_the_last_digit(sum in any::<f64>(), loss in 0.0..1e9f64) {
            prop_assume!(!sum.is_nan());
            let state = State { loss_sum: sum, best_loss: loss, ..State::default() };
            let text = serde_json::to_string(&state).unwrap();
            prop_assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
        }
    }

    #[test]
    fn the_start_comes_back_too() {
        let text = serde_json::to_string(&State::default()).unwrap();
        assert_eq!(
            serde_json::from_str::<State>(&text).unwrap(),
            State::default()
        );
    }
}
