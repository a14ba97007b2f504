//! The bundle of a personalised network. Its manifest says what it is, and claims nothing that was measured on another.

mod record;

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::parent::{BIAS, Layer, WEIGHT};
use super::{Example, Outcome, Parent};
use crate::bundle::{
    Bundle, BundleError, Calibration, FORMAT_VERSION, Manifest, OodMethod, OodSpec, Trust,
    WEIGHTS_FILE, WeightsInfo, quantised, sha256_hex,
};
use crate::classify::softmax;
use crate::trust::calibration::{confidences, ece, fit_temperature};
use record::{facts, metrics, training};

/// From so many answers to scans that were held out the temperature is fitted anew.
pub const REFIT_FROM: usize = 40;
/// What an id ends in.
const ENDING: &str = "-personal";
/// And a title.
const TITLE: &str = ", personalised";
/// The longest id.
const LONGEST: usize = 64;

/// What the manifest cannot know by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    /// When, RFC 3339 in UTC.
    pub created: String,
    /// What trained, such as `burn-autodiff, burn-flex, wasm32`.
    pub backend: String,
    /// Files that were left out.
    pub skipped: u64,
}

/// What became of the threshold above which a picture counts as strange.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strangeness {
    /// The parent has none.
    None,
    /// The parent's accepts all own scans.
    Kept,
    /// It was raised until it accepts all own scans.
    Raised {
        /// The parent's.
        from: f32,
        /// The child's.
        to: f32,
    },
    /// It was measured on the parent's logits, which are others now.
    Dropped,
}

/// A new bundle, and what became of the parent's thresholds.
#[derive(Debug, Clone)]
pub struct Child {
    /// The bundle.
    pub bundle: Bundle,
    /// Whether the parent says "unsure" and the child does not: the threshold was measured on the parent's answers.
    pub never_unsure: bool,
    /// The threshold of strangeness.
    pub strangeness: Strangeness,
    /// Whether the temperature was fitted anew; otherwise it is the parent's.
    pub refitted: bool,
    /// Classes without a scan of one's own.
    pub unseen: Vec<usize>,
}

/// Makes the bundle of a network whose last layer is the outcome's; `examples` are those that it learned from.
pub fn child(
    parent: &Parent,
    examples: &[&Example],
    outcome: &Outcome,
    making: Making,
) -> Result<Child, BundleError> {
    let old = &parent.bundle().manifest;
    let bytes = with_output(parent.bundle().weights(), &outcome.layer)?;
    let weights = WeightsInfo {
        file: WEIGHTS_FILE.into(),
        size: bytes.len() as u64,
        sha256: sha256_hex(&bytes),
    };
    let (ood, strangeness) = strangeness(old, examples);
    let never_unsure = old
        .trust
        .as_ref()
        .is_some_and(|trust| trust.uncertainty.is_some() || trust.tta.is_some());
    let (calibration, refitted) = calibration(old, outcome);
    let mut own = vec![0u64; old.classes.len()];
    for &label in &outcome.labels {
        own[label] += 1;
    }
    let unseen = (0..own.len()).filter(|&class| own[class] == 0).collect();
    let mut child = Child {
        bundle: parent.bundle().clone(),
        never_unsure,
        strangeness,
        refitted,
        unseen,
    };
    let manifest = Manifest {
        format: old.format.clone(),
        format_version: FORMAT_VERSION,
        id: child_id(&old.id),
        title: format!("{}{TITLE}", old.title.trim_end_matches(TITLE)),
        description: format!(
            "Its last layer was trained in the browser on {} scans of somebody's own; everything before it is that of \
             the model {:?} (weights' SHA-256 {}).",
            outcome.labels.len(),
            old.id,
            old.weights.sha256
        ),
        architecture: old.architecture.clone(),
        classes: old.classes.clone(),
        input: old.input,
        calibration: Some(calibration),
        trust: ood.map(|ood| Trust {
            ood: Some(ood),
            ..Trust::default()
        }),
        facts: Some(facts(old, &child, outcome, &own)),
        training: training(old, outcome, &own, &making),
        metrics: vec![metrics(old, outcome)],
        licence: old.licence.clone(),
        created: making.created,
        weights,
    };
    child.bundle = Bundle::new(manifest, bytes)?;
    // What cannot be read again must not be handed over.
    child.bundle.direct_classifier()?;
    Ok(child)
}

/// The parent's id with [`ENDING`], once.
fn child_id(id: &str) -> String {
    let start = id.strip_suffix(ENDING).unwrap_or(id);
    format!("{:.*}{ENDING}", LONGEST - ENDING.len(), start)
}

/// The same weights file with another last layer, in 32-bit floats.
fn with_output(bytes: &[u8], layer: &Layer) -> Result<Vec<u8>, BundleError> {
    let invalid = |error: safetensors::SafeTensorError| BundleError::Weights {
        reason: error.to_string(),
    };
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let bytes_of = |values: &[f32]| -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    };
    let (weight, bias) = (bytes_of(&layer.weight), bytes_of(&layer.bias));
    let scales = [WEIGHT, BIAS].map(|name| format!("{name}{}", quantised::SCALE));
    let mut views: BTreeMap<String, TensorView<'_>> = file
        .tensors()
        .into_iter()
        .filter(|(name, _)| !scales.contains(name))
        .collect();
    let shape = vec![layer.bias.len(), layer.inputs()];
    let weight = TensorView::new(Dtype::F32, shape, &weight).map_err(invalid)?;
    views.insert(WEIGHT.into(), weight);
    let bias = TensorView::new(Dtype::F32, vec![layer.bias.len()], &bias).map_err(invalid)?;
    views.insert(BIAS.into(), bias);
    safetensors::serialize(views, None).map_err(invalid)
}

/// The measure of strangeness. What looks at the features alone measures as before, since these are the parent's; its
/// threshold, though, must accept the scans that the child was made for.
fn strangeness(old: &Manifest, examples: &[&Example]) -> (Option<OodSpec>, Strangeness) {
    let Some(spec) = old.trust.as_ref().and_then(|trust| trust.ood.as_ref()) else {
        return (None, Strangeness::None);
    };
    if spec.method == OodMethod::Energy {
        return (None, Strangeness::Dropped);
    }
    let highest = |values: &dyn Fn(&Example) -> Option<f32>| {
        let values = examples.iter().filter_map(|example| values(example));
        let finite = values.filter(|value| value.is_finite());
        finite.fold(f32::NEG_INFINITY, f32::max)
    };
    let score = highest(&|example| example.strangeness);
    let colour = highest(&|example| example.colourfulness);
    let threshold = spec.threshold.max(score);
    let raised = threshold > spec.threshold;
    let spec = OodSpec {
        method: spec.method,
        threshold,
        colour_limit: spec.colour_limit.map(|limit| limit.max(colour)),
        // Of the own scans; what the parent's measurements said of other pictures is not carried over.
        acceptance: 1.0,
        auroc: BTreeMap::new(),
        rejected: BTreeMap::new(),
        fitted_on: format!(
            "the threshold of {:?} ({}){}: it accepts all {} own scans",
            old.id,
            spec.threshold,
            if raised { ", raised" } else { "" },
            examples.len()
        ),
    };
    let from = old.trust.as_ref().and_then(|trust| trust.ood.as_ref());
    let from = from.map_or(threshold, |spec| spec.threshold);
    let became = if raised {
        Strangeness::Raised {
            from,
            to: threshold,
        }
    } else {
        Strangeness::Kept
    };
    (Some(spec), became)
}

/// The temperature, and whether it was fitted anew.
fn calibration(old: &Manifest, outcome: &Outcome) -> (Calibration, bool) {
    let labels = &outcome.labels;
    if labels.len() < REFIT_FROM {
        let calibration = Calibration {
            temperature: old.temperature(),
            fitted_on: format!(
                "nothing of this model's: it is the temperature of {:?}, since {} own scans are too few to fit one",
                old.id,
                labels.len()
            ),
            ece_before: None,
            ece_after: None,
        };
        return (calibration, false);
    }
    let temperature = fit_temperature(&outcome.unseen, labels);
    let error = |temperature: f32| {
        let rows: Vec<Vec<f32>> = outcome
            .unseen
            .iter()
            .map(|row| softmax(row, temperature))
            .collect();
        ece(&confidences(&rows, labels))
    };
    let calibration = Calibration {
        temperature,
        fitted_on: format!("{} own scans, each held out once", labels.len()),
        ece_before: Some(error(1.0)),
        ece_after: Some(error(temperature)),
    };
    (calibration, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_ids() {
        assert_eq!(child_id("compact"), "compact-personal");
        assert_eq!(child_id("compact-personal"), "compact-personal");
        let long = child_id(&"x".repeat(64));
        assert!(crate::bundle::is_id(&long) && long.ends_with(ENDING));
    }
}
