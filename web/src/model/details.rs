//! What a manifest says about a model's making, measurements and thresholds. All of it may be missing.

use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Where the weights come from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Training {
    /// The data sets.
    #[serde(default)]
    pub data: Vec<DataSource>,
    /// How the parts were told apart.
    #[serde(default)]
    pub split: Option<Split>,
    /// Number of trained parameters.
    #[serde(default)]
    pub parameters: Option<u64>,
    /// The weights that training started from.
    #[serde(default)]
    pub initial: Option<Initial>,
    /// Anything a reader should know.
    #[serde(default)]
    pub notes: String,
}

/// A data set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DataSource {
    /// Its name.
    pub name: String,
    /// Whether its images are generated.
    #[serde(default)]
    pub synthetic: bool,
    /// Images by part of the split and class.
    #[serde(default)]
    pub images: BTreeMap<String, BTreeMap<String, u64>>,
}

impl DataSource {
    /// Its images in one part of the split.
    pub fn count(&self, part: &str) -> u64 {
        self.images
            .get(part)
            .map_or(0, |classes| classes.values().sum())
    }
}

/// How training, validation and test images were told apart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Split {
    /// The method's name.
    #[serde(default)]
    pub method: String,
    /// Seed of the random part.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Share held out for the test.
    #[serde(default)]
    pub test_share: Option<f64>,
    /// Share of the rest that validates.
    #[serde(default)]
    pub validation_share: Option<f64>,
    /// Which fold of a cross-validation was tested.
    #[serde(default)]
    pub folds: Option<Folds>,
}

/// One fold of a cross-validation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Folds {
    /// Number of folds.
    pub count: u32,
    /// The one that was tested, counted from 1.
    pub fold: u32,
}

/// The weights that training started from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Initial {
    /// Another task's weights, or a model of ours.
    #[serde(default)]
    pub kind: String,
    /// Name of the file or the model.
    pub name: String,
}

/// Measurements on one set of images.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Metrics {
    /// What was measured on.
    pub data: String,
    /// Number of images.
    #[serde(default)]
    pub images: u64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean area under the ROC curve.
    #[serde(default)]
    pub auc_macro: Option<f64>,
    /// Mean F1 score.
    #[serde(default)]
    pub f1_macro: Option<f64>,
    /// Accuracy of a nearest neighbour on raw pixels.
    #[serde(default)]
    pub nearest_neighbour_accuracy: Option<f64>,
    /// What should be known about these numbers.
    #[serde(default)]
    pub remark: String,
}

/// Calibration of the probabilities.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Calibration {
    /// What the logits are divided by.
    pub temperature: f32,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted_on: String,
    /// Expected calibration error without it.
    #[serde(default)]
    pub ece_before: Option<f64>,
    /// Expected calibration error with it.
    #[serde(default)]
    pub ece_after: Option<f64>,
}

/// Uncertainty and strangeness with their thresholds.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Trust {
    /// Uncertainty of a single pass.
    #[serde(default)]
    pub uncertainty: Option<Uncertainty>,
    /// Uncertainty from several views of a scan.
    #[serde(default)]
    pub tta: Option<Views>,
    /// Whether a picture is like the training images.
    #[serde(default)]
    pub ood: Option<Strangeness>,
}

/// Views of a scan. The page takes a single look, so it only counts them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Views {
    /// The views.
    #[serde(default)]
    pub views: Vec<IgnoredAny>,
}

/// An uncertainty with its threshold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Uncertainty {
    /// Above this the answer is "unsure".
    pub abstain_above: f32,
    /// Share of the validation images answered at that threshold.
    #[serde(default)]
    pub coverage: Option<f64>,
    /// Share of right answers among them.
    #[serde(default)]
    pub selective_accuracy: Option<f64>,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted_on: String,
}

/// A score of strangeness with its threshold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Strangeness {
    /// Above this there is no answer.
    pub threshold: f32,
    /// Nor is there one for a picture more colourful than this.
    #[serde(default)]
    pub colour_limit: Option<f32>,
    /// Share of the validation images that are accepted.
    #[serde(default)]
    pub acceptance: Option<f64>,
    /// Share of other pictures that are refused, by kind.
    #[serde(default)]
    pub rejected: BTreeMap<String, f64>,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted_on: String,
}

/// The label for people.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Facts {
    /// What it learned from.
    #[serde(default)]
    pub data: String,
    /// How often it is right.
    #[serde(default)]
    pub accuracy: String,
    /// What it is meant for.
    #[serde(default)]
    pub intended_use: String,
    /// What is known to go wrong.
    #[serde(default)]
    pub limits: Vec<String>,
}
