//! `model.json`: what a model is and where it comes from.

#[cfg(feature = "records")]
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

#[cfg(feature = "records")]
use super::Facts;
use super::{BundleError, Trust};
use crate::arch::Architecture;
use crate::preprocess::InputGeometry;

/// What the `format` field of every manifest says.
pub const FORMAT: &str = "scanlight-bundle";
/// The format version that this crate writes.
///
/// 2 added `trust`, `facts` and tensors of [`crate::trust::ood`] beside the network's.
pub const FORMAT_VERSION: u64 = 2;
/// The oldest format version that this crate reads.
pub const OLDEST_VERSION: u64 = 1;
/// The largest manifest in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 1024 * 1024;
/// The largest weights file in bytes.
pub const MAX_WEIGHTS_BYTES: u64 = 256 * 1024 * 1024;

/// A bundle's manifest.
///
/// Without the feature `records` it is read without what only people want to know, and cannot be written: the
/// page's engines need no more, and would carry some 30 kB for it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "records", derive(Serialize))]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u64,
    /// Short name, also the bundle's folder: lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// Name for people.
    #[cfg(feature = "records")]
    pub title: String,
    /// What it is, in a sentence or two.
    #[cfg(feature = "records")]
    #[serde(default)]
    pub description: String,
    /// The network.
    pub architecture: Architecture,
    /// Class names in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Input plane and normalisation.
    pub input: InputGeometry,
    /// Calibration of the probabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Uncertainty and strangeness with their thresholds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
    /// The label for people.
    #[cfg(feature = "records")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Data, split and settings of the training.
    #[cfg(feature = "records")]
    pub training: Training,
    /// Measured on real images that were not trained on; empty where nothing was measured.
    #[cfg(feature = "records")]
    #[serde(default)]
    pub metrics: Vec<Metrics>,
    /// Licence of the weights, an SPDX expression.
    #[cfg(feature = "records")]
    pub licence: String,
    /// When the bundle was made, RFC 3339 in UTC.
    #[cfg(feature = "records")]
    pub created: String,
    /// The weights file.
    pub weights: WeightsInfo,
}

/// Temperature scaling (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Logits are divided by this before the softmax; above 0.
    pub temperature: f32,
    /// What it was fitted on.
    pub fitted_on: String,
    /// Expected calibration error of those images at temperature 1, over 15 bins of equal width, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_before: Option<f64>,
    /// The same at this temperature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece_after: Option<f64>,
}

/// Where the weights come from.
#[cfg(feature = "records")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The data sets.
    pub data: Vec<DataSource>,
    /// How training, validation and test images were told apart.
    pub split: Split,
    /// Epochs run and the one whose weights were kept, counted from 1.
    pub epochs: u32,
    /// The epoch whose weights were kept, counted from 1.
    pub best_epoch: u32,
    /// Trained parameters, without batch norm's running statistics.
    pub parameters: u64,
    /// The backend that trained.
    pub backend: String,
    /// The weights that training started from; missing where it started from random ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial: Option<InitialWeights>,
    /// The whole training configuration.
    #[serde(default)]
    pub configuration: serde_json::Value,
    /// Anything a reader should know.
    #[serde(default)]
    pub notes: String,
}

/// The weights that training started from.
#[cfg(feature = "records")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitialWeights {
    /// `pretrained` (another task's weights file) or `bundle` (a model of this format).
    pub kind: String,
    /// Name of the weights file, or of the bundle's folder (not a path).
    pub name: String,
    /// SHA-256 of the weights file, lower-case hexadecimal.
    pub sha256: String,
    /// Whether everything but the head stayed as it was, at least for the first epochs.
    pub frozen: bool,
    /// Epochs after which everything was trained; missing where nothing was frozen, or always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfrozen_after: Option<u32>,
}

/// One data set.
#[cfg(feature = "records")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataSource {
    /// Its name (not a path).
    pub name: String,
    /// Whether its images are generated.
    #[serde(default)]
    pub synthetic: bool,
    /// Images by part of the split (`train`, `validation`, `test`) and class.
    pub images: BTreeMap<String, BTreeMap<String, u64>>,
    /// Files that could not be read; the split counted them.
    #[serde(default)]
    pub skipped: u64,
}

/// How the parts were told apart.
#[cfg(feature = "records")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// `stratified-random`, `folders` (the data set's own), `stratified-groups`, `folders-groups` (the
    /// data set's own, without training images whose group is tested), `folders-validation-groups`
    /// (the same with them, whole groups validate), `kfold`, `kfold-groups`, `leave-one-out`.
    pub method: String,
    /// Seed of the random part.
    pub seed: u64,
    /// Share of images held out for the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_share: Option<f64>,
    /// Share of the remaining images that was used for validation (early stopping).
    pub validation_share: f64,
    /// SHA-256 of the groups file whose groups were never parted, lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_sha256: Option<String>,
    /// Which fold of a cross-validation was the test part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<Folds>,
}

/// One fold of a cross-validation.
#[cfg(feature = "records")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    /// Number of folds, at least 2.
    pub count: u32,
    /// The fold that is tested, counted from 1.
    pub fold: u32,
}

/// Measurements on one set of real images.
#[cfg(feature = "records")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// What was measured on: data set, part, seed.
    pub data: String,
    /// Number of images.
    pub images: u64,
    /// Share of right answers, 0..=1.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Mean over classes of the area under the ROC curve, one class against the rest.
    pub auc_macro: Option<f64>,
    /// Mean over classes of the F1 score.
    pub f1_macro: Option<f64>,
    /// Accuracy of a nearest neighbour on raw pixels of the same split: the floor that duplicates set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nearest_neighbour_accuracy: Option<f64>,
    /// What should be known about these numbers.
    #[serde(default)]
    pub remark: String,
}

/// The weights file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsInfo {
    /// File name in the bundle's folder.
    pub file: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// The version is judged before anything else, so that a newer bundle is refused by its version
    /// and not by a field that this program does not know.
    pub fn parse(json: &[u8]) -> Result<Self, BundleError> {
        if json.len() as u64 > MAX_MANIFEST_BYTES {
            return Err(BundleError::ManifestTooLarge {
                found: json.len() as u64,
                limit: MAX_MANIFEST_BYTES,
            });
        }
        let invalid = |error: serde_json::Error| BundleError::Manifest {
            reason: error.to_string(),
        };
        // As text, which all other readers of JSON here take: one reader in a page's program is enough.
        let json = str::from_utf8(json).map_err(|error| BundleError::Manifest {
            reason: error.to_string(),
        })?;
        let value: serde_json::Value = serde_json::from_str(json).map_err(invalid)?;
        let format = value.get("format");
        if format.and_then(|f| f.as_str()) != Some(FORMAT) {
            return Err(BundleError::NotABundle {
                found: format.map_or_else(|| "missing".into(), ToString::to_string),
                expected: FORMAT,
            });
        }
        let version = value
            .get("format_version")
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(|| BundleError::Manifest {
                reason: "\"format_version\" is missing or no whole number".into(),
            })?;
        if !(OLDEST_VERSION..=FORMAT_VERSION).contains(&version) {
            return Err(BundleError::Version {
                found: version,
                oldest: OLDEST_VERSION,
                newest: FORMAT_VERSION,
            });
        }
        // From the text again: its errors name line and column.
        let manifest: Self = serde_json::from_str(json).map_err(invalid)?;
        manifest.validate()?;
        Ok(manifest)
    }

    /// Checks everything that can be known without the weights.
    pub fn validate(&self) -> Result<(), BundleError> {
        self.architecture
            .validate(&self.input, self.classes.len())?;
        let mut seen = BTreeSet::new();
        for class in &self.classes {
            let reason = if class.trim().is_empty() {
                "a name is empty".to_string()
            } else if !seen.insert(class) {
                format!("{class:?} stands there twice")
            } else {
                continue;
            };
            return Err(BundleError::Classes { reason });
        }
        if !is_id(&self.id) {
            return Err(BundleError::Value {
                field: "id",
                found: format!("{:?}", self.id),
                expected: "1 to 64 lower-case letters, digits, '-' or '_'",
            });
        }
        let temperature = self.temperature();
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(BundleError::Value {
                field: "calibration.temperature",
                found: temperature.to_string(),
                expected: "a finite number above 0",
            });
        }
        if let Some(trust) = &self.trust {
            trust.validate()?;
        }
        let file = &self.weights.file;
        if file.is_empty() || file.starts_with('.') || file.contains(['/', '\\', ':', '?', '#']) {
            return Err(BundleError::FileName {
                found: file.clone(),
            });
        }
        if self.weights.size > MAX_WEIGHTS_BYTES {
            return Err(BundleError::TooLarge {
                found: self.weights.size,
                limit: MAX_WEIGHTS_BYTES,
            });
        }
        Ok(())
    }

    /// What the logits are divided by before the softmax; 1 without calibration.
    pub fn temperature(&self) -> f32 {
        self.calibration.as_ref().map_or(1.0, |c| c.temperature)
    }

    /// The manifest as the text of a `model.json`.
    #[cfg(feature = "records")]
    pub fn to_json(&self) -> Result<String, BundleError> {
        let mut text =
            serde_json::to_string_pretty(self).map_err(|error| BundleError::Manifest {
                reason: error.to_string(),
            })?;
        text.push('\n');
        Ok(text)
    }
}

/// Whether a name can be a bundle's id and folder.
pub fn is_id(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
