//! What the manifest says of the making and the measuring of a personalised network.

use std::collections::BTreeMap;

use scanlight_measures::classification::measure;
use scanlight_measures::intervals::wilson_interval;
use serde_json::json;

use super::{Child, Making, Strangeness};
use crate::bundle::{DataSource, Facts, InitialWeights, Manifest, Metrics, Split, Training};
use crate::classify::softmax;
use crate::tune::{HeldOut, Outcome, Score};

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

pub(super) fn facts(old: &Manifest, child: &Child, outcome: &Outcome, own: &[u64]) -> Facts {
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

pub(super) fn training(
    old: &Manifest,
    outcome: &Outcome,
    own: &[u64],
    making: &Making,
) -> Training {
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

pub(super) fn metrics(old: &Manifest, outcome: &Outcome) -> Metrics {
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
