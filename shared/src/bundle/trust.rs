//! The manifest's part about trust, and the label for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BundleError;
use crate::trust::tta::{MAX_VIEWS, View};

/// What a model needs to say how far its answers can be trusted; see [`crate::trust`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Uncertainty from a single pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<UncertaintySpec>,
    /// Uncertainty from several views of the scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tta: Option<TtaSpec>,
    /// Whether a picture is like the training images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ood: Option<OodSpec>,
}

/// What a single pass's uncertainty is computed from; always after temperature scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UncertaintyMethod {
    /// 1 minus the highest probability.
    MaxSoftmax,
    /// Entropy of the probabilities as a share of the largest possible.
    Entropy,
    /// Entropy of the views' mean probabilities.
    TtaEntropy,
    /// Entropy of the views' mean less their mean entropy.
    TtaMutualInformation,
    /// Variance over the views of the most probable class's probability.
    TtaVariance,
}

/// An uncertainty with its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UncertaintySpec {
    /// How it is computed.
    pub method: UncertaintyMethod,
    /// An answer more uncertain than this is given as unsure, between two classes.
    pub abstain_above: f32,
    /// Share of the validation images answered at that threshold, 0..=1.
    pub coverage: f64,
    /// Share of right answers among them, 0..=1.
    pub selective_accuracy: f64,
    /// Area under the risk-coverage curve on the validation images, smaller is better.
    pub aurc: f64,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted_on: String,
}

/// Test-time augmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TtaSpec {
    /// The views; 2 to [`MAX_VIEWS`].
    pub views: Vec<View>,
    /// The uncertainty from them.
    pub uncertainty: UncertaintySpec,
    /// Whether it ranked the validation images better than a single pass does, and is worth its
    /// time.
    pub recommended: bool,
}

/// How strangeness is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OodMethod {
    /// Minus the log of the sum of the logits' exponentials.
    Energy,
    /// Distance of the features to the nearest class.
    Mahalanobis,
    /// The same, less the distance to all training images' mean.
    RelativeMahalanobis,
}

/// A score of strangeness with its threshold; its arrays lie beside the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OodSpec {
    /// How it is computed.
    pub method: OodMethod,
    /// A picture with a higher score is not like the training images.
    pub threshold: f32,
    /// A picture more colourful than this is not either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour_limit: Option<f32>,
    /// Share of the validation images that the threshold accepts, 0..=1.
    pub acceptance: f64,
    /// Area under the ROC curve, test images against generated pictures, by kind of picture; the
    /// features' score alone.
    #[serde(default)]
    pub auroc: BTreeMap<String, f64>,
    /// Share of the generated pictures that are refused, colour included, by kind.
    #[serde(default)]
    pub rejected: BTreeMap<String, f64>,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted_on: String,
}

/// A short label for people, as on a packet of food.
#[cfg(feature = "records")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What it learned from, in a line.
    pub data: String,
    /// How often it is right on images that it has not seen, with a 95 % interval, in a line.
    pub accuracy: String,
    /// What it is meant for.
    pub intended_use: String,
    /// What is known to go wrong, a line each.
    #[serde(default)]
    pub limits: Vec<String>,
}

impl Trust {
    /// Whether every number is one that can be meant.
    pub fn validate(&self) -> Result<(), BundleError> {
        let finite = |field: &'static str, value: f32| {
            if value.is_finite() {
                return Ok(());
            }
            Err(BundleError::Value {
                field,
                found: value.to_string(),
                expected: "a finite number",
            })
        };
        if let Some(spec) = &self.uncertainty {
            finite("trust.uncertainty.abstain_above", spec.abstain_above)?;
            if !matches!(
                spec.method,
                UncertaintyMethod::MaxSoftmax | UncertaintyMethod::Entropy
            ) {
                return Err(BundleError::Value {
                    field: "trust.uncertainty.method",
                    found: format!("{:?}", spec.method),
                    expected: "max_softmax or entropy (a single pass has no views)",
                });
            }
        }
        if let Some(tta) = &self.tta {
            finite("trust.tta.abstain_above", tta.uncertainty.abstain_above)?;
            if !(2..=MAX_VIEWS).contains(&tta.views.len()) {
                return Err(BundleError::Value {
                    field: "the number of trust.tta.views",
                    found: tta.views.len().to_string(),
                    expected: "2 to 32",
                });
            }
            if let Some(view) = tta.views.iter().find(|view| !view.is_sane()) {
                return Err(BundleError::Value {
                    field: "a view in trust.tta.views",
                    found: format!("{view:?}"),
                    expected: "within 45 degrees, zoom 0.5 to 2 and a shift of a quarter",
                });
            }
        }
        if let Some(ood) = &self.ood {
            finite("trust.ood.threshold", ood.threshold)?;
            finite("trust.ood.colour_limit", ood.colour_limit.unwrap_or(0.0))?;
        }
        Ok(())
    }
}
