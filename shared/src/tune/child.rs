//! The bundle of a personalised network. Its manifest says what it is, and claims nothing that was measured on another.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use scanlight_measures::classification::measure;
use scanlight_measures::intervals::wilson_interval;
use serde_json::json;

use super::parent::{BIAS, Layer, WEIGHT};
use super::{Example, HeldOut, Outcome, Parent, Score};
use crate::bundle::{
    Bundle, BundleError, Calibration, DataSource, FORMAT_VERSION, Facts, InitialWeights, Manifest,
    Metrics, OodMethod, OodSpec, Split, Training, Trust, WEIGHTS_FILE, WeightsInfo, quantised,
    sha256_hex,
};
use crate::classify::softmax;
use crate::trust::calibration::{confidences, ece, fit_temperature};

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

/// How scans were held out, in words.
fn how(held_out: &HeldOut) -> String {
    if held_out.alone {
        "each held out alone".into()
    } else {
        format!("held out in {} rounds", held_out.rounds)
    }
}

/// `7 of 8 right (87.5 %, 95 % interval 52.9 to 97.8 %)`.
fn said(score: &Score) -> String {
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let interval = wilson_interval(score.right, score.images).map_or_else(String::new, |range| {
        let [low, high] = range.map(percent);
        format!(", 95 % interval {low} to {high} %")
    });
    let accuracy = percent(score.accuracy());
    format!(
        "{} of {} right ({accuracy} %{interval})",
        score.right, score.images
    )
}

fn facts(old: &Manifest, child: &Child, outcome: &Outcome, own: &[u64]) -> Facts {
    let classes = |wanted: &dyn Fn(u64) -> bool| -> Vec<String> {
        let pairs = old.classes.iter().zip(own).filter(|(_, n)| wanted(**n));
        pairs.map(|(class, n)| format!("{class} {n}")).collect()
    };
    let parent = old.facts.as_ref();
    let mut limits = vec![
        "Personal: its last layer was trained on very few scans, and measured on the same ones, each by a head that \
         had not seen it. On other scans, of other people or machines, it may do worse than its parent."
            .to_string(),
        "Scans of one patient among the own ones make that measurement look better than it is.".into(),
    ];
    if !child.unseen.is_empty() {
        let missing: Vec<&str> = child
            .unseen
            .iter()
            .map(|&c| old.classes[c].as_str())
            .collect();
        limits.push(format!(
            "It saw no own scans of {}. How well it still knows them was not measured.",
            missing.join(", ")
        ));
    }
    if child.never_unsure {
        limits.push(
            "It never answers \"unsure\": its parent's threshold was measured on other answers and is left out.".into(),
        );
    }
    match child.strangeness {
        Strangeness::Raised { from, to } => limits.push(format!(
            "It refuses less than its parent: the threshold of strangeness was raised from {from} to {to}, so that the \
             own scans are accepted."
        )),
        Strangeness::Dropped => limits.push(
            "It refuses nothing: its parent's threshold of strangeness was measured on other answers and is left out."
                .into(),
        ),
        Strangeness::Kept | Strangeness::None => {}
    }
    if !child.refitted {
        limits.push(
            "Its percentages are scaled by its parent's temperature, which was not fitted to it."
                .into(),
        );
    }
    limits.extend(parent.iter().flat_map(|facts| {
        facts
            .limits
            .iter()
            .map(|limit| format!("Of the parent: {limit}"))
    }));
    Facts {
        data: format!(
            "The last layer: {} own scans ({}). Everything before it: the model {:?}.",
            outcome.labels.len(),
            classes(&|n| n > 0).join(", "),
            old.id
        ),
        accuracy: format!(
            "On own scans, {}: {}; its parent: {}",
            how(&outcome.held_out),
            said(&outcome.held_out.after),
            said(&outcome.held_out.before)
        ),
        intended_use: match parent.map(|facts| facts.intended_use.as_str()) {
            Some(text) if !text.is_empty() => text.into(),
            _ => "Education and research. Not a diagnosis.".into(),
        },
        limits,
    }
}

fn training(old: &Manifest, outcome: &Outcome, own: &[u64], making: &Making) -> Training {
    let images = old.classes.iter().cloned().zip(own.iter().copied());
    let images: BTreeMap<String, u64> = images.filter(|(_, n)| *n > 0).collect();
    let steps = u32::try_from(outcome.steps).unwrap_or(u32::MAX);
    let held_out = &outcome.held_out;
    let score =
        |score: &Score| json!({ "images": score.images, "right": score.right, "loss": score.loss });
    Training {
        data: vec![DataSource {
            name: "own scans".into(),
            synthetic: false,
            images: BTreeMap::from([("train".to_string(), images)]),
            skipped: making.skipped,
        }],
        split: Split {
            method: if held_out.alone {
                "leave-one-out".into()
            } else {
                "kfold".into()
            },
            // Nothing in it is drawn by lot.
            seed: 0,
            test_share: None,
            validation_share: 0.0,
            groups_sha256: None,
            folds: None,
        },
        epochs: steps,
        best_epoch: steps,
        parameters: old.training.parameters,
        backend: making.backend.clone(),
        initial: Some(InitialWeights {
            kind: "bundle".into(),
            name: old.id.clone(),
            sha256: old.weights.sha256.clone(),
            frozen: true,
            unfrozen_after: None,
        }),
        configuration: json!({
            "personalise": {
                "recipe": outcome.recipe,
                "rounds": held_out.rounds,
                "before": score(&held_out.before),
                "after": score(&held_out.after),
                "right_only_after": held_out.mended,
                "right_only_before": held_out.spoiled,
                "moved": outcome.moved,
            }
        }),
        notes: format!(
            "Personalised: only the last layer was trained, in {steps} steps from the parent's weights, from which they \
             moved by {:.1} % of their length. The weights stored learned from all own scans; the numbers are those of \
             heads trained alike without the scan they were asked about.",
            100.0 * outcome.moved
        ),
    }
}

fn metrics(old: &Manifest, outcome: &Outcome) -> Metrics {
    let temperature = old.temperature();
    let rows: Vec<Vec<f32>> = outcome
        .unseen
        .iter()
        .map(|row| softmax(row, temperature))
        .collect();
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let numbers = measure(old.classes.len(), &outcome.labels, &rows);
    let held_out = &outcome.held_out;
    Metrics {
        data: format!("own scans, {}", how(held_out)),
        images: held_out.after.images,
        accuracy: held_out.after.accuracy(),
        loss: held_out.after.loss,
        auc_macro: numbers.auc_macro,
        f1_macro: numbers.f1_macro,
        nearest_neighbour_accuracy: None,
        remark: format!(
            "After: {}. Before, the parent {:?} on the same scans: {}. {} are right only after, {} were right only \
             before. Few scans, and maybe of few patients: see the limits.",
            said(&held_out.after),
            old.id,
            said(&held_out.before),
            held_out.mended,
            held_out.spoiled
        ),
    }
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
