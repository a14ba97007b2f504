//! The scores of strangeness, compared on foreign pictures.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use scanlight_model::bundle::{OodMethod, OodSpec};
use scanlight_model::preprocess::preprocess;
use scanlight_model::trust::ood::{COLOUR_LIMIT, Detector};
use serde::Serialize;

use super::candidates::candidates;
use super::fit::{FitWork, judged_on, plain, run, sample};
use super::foreign::{self, Foreign};
use super::outputs::Outputs;
use crate::data::Image;
use crate::metrics::auc;
use crate::phantoms::training_phantoms;

/// Most training images that the features' distribution is fitted to.
const MOST_TRAINING: usize = 2000;
/// Pictures of each foreign kind by which the score is chosen, and by which it is judged.
const FOREIGN: (usize, usize) = (8, 20);
/// Drawn heads of each class that belong to the features' distribution, if the model learned from such.
const DRAWN_EACH: usize = 75;
/// Share of the validation images that the score of strangeness accepts.
const ACCEPTANCE: f64 = 0.95;

/// One score of strangeness.
#[derive(Debug, Clone, Serialize)]
pub struct DetectorReport {
    /// Its name.
    pub method: OodMethod,
    /// Mean over the kinds of the area under the ROC curve, on the pictures for choosing.
    pub auroc_choosing: f64,
    /// Area under the ROC curve by kind, on the pictures for judging.
    pub auroc: BTreeMap<String, f64>,
    /// Share of the pictures above the threshold, by kind, on the pictures for judging.
    pub rejected: BTreeMap<String, f64>,
}

/// A picture's strangeness, and its colourfulness where it had colours.
type Score = (f32, Option<f32>);

/// The chosen score and how all did.
pub(super) struct Strangeness {
    pub detector: Detector,
    pub spec: OodSpec,
    pub reports: Vec<DetectorReport>,
    pub scores: BTreeMap<String, Vec<f32>>,
}

/// Compares the scores of strangeness; the one with the best mean AUROC over the foreign kinds, with
/// its threshold.
pub(super) fn strangeness(
    work: &FitWork<'_>,
    validation: &Outputs,
    fitted_on: &str,
) -> Result<Strangeness> {
    let manifest = &work.bundle.manifest;
    let drawn = drawn_heads(work)?;
    let drawn: Vec<&Image> = drawn.iter().collect();
    let mut train = sample(work.train, MOST_TRAINING);
    let count = train.len();
    let (labels, groups) = groups(&train, &drawn, manifest.classes.len());
    train.extend(&drawn);
    let train = plain(work, work.bundle, &train, "training images")?;
    let detectors = candidates(&train, &labels, groups);

    let unseen = if work.test.is_empty() {
        work.validation
    } else {
        work.test
    };
    let test = if work.test.is_empty() {
        validation.clone()
    } else {
        plain(work, work.bundle, work.test, "test images")?
    };
    let choosing = pictures(work, work.validation, FOREIGN.0, work.seed)?;
    // Other pictures than those that chose.
    let judging = pictures(work, unseen, FOREIGN.1, work.seed ^ 0x4A55_4447)?;

    let mut reports = Vec::new();
    let mut best: Option<(f64, Detector, OodSpec)> = None;
    for detector in detectors {
        let inside = strangeness_of(&detector, validation);
        let threshold = quantile(&inside, ACCEPTANCE);
        let by_kind = areas(&inside, &scores_by_kind(&detector, &choosing));
        let choosing_mean = by_kind.values().sum::<f64>() / by_kind.len().max(1) as f64;
        let judged = scores_by_kind(&detector, &judging);
        let auroc = areas(&strangeness_of(&detector, &test), &judged);
        let share = |refused: &dyn Fn(&Score) -> bool| -> BTreeMap<String, f64> {
            judged
                .iter()
                .map(|(kind, scores)| {
                    let count = scores.iter().filter(|score| refused(score)).count();
                    (kind.clone(), count as f64 / scores.len().max(1) as f64)
                })
                .collect()
        };
        let rejected = share(&|score| score.0 > threshold);
        let with_colour = share(&|score| {
            score.0 > threshold || score.1.is_some_and(|colour| colour > COLOUR_LIMIT)
        });
        let accepted = inside.iter().filter(|&&score| score <= threshold).count();
        let method = detector.method();
        if best.as_ref().is_none_or(|best| choosing_mean > best.0) {
            let spec = OodSpec {
                method,
                threshold,
                colour_limit: Some(COLOUR_LIMIT),
                acceptance: accepted as f64 / inside.len().max(1) as f64,
                auroc: auroc.clone(),
                rejected: with_colour,
                fitted_on: format!(
                    "{count} training images{}; threshold on {fitted_on}; judged on {} images and drawn pictures",
                    match drawn.len() {
                        0 => String::new(),
                        heads => format!(" and {heads} drawn heads"),
                    },
                    judged_on(work)
                ),
            };
            best = Some((choosing_mean, detector, spec));
        }
        reports.push(DetectorReport {
            method,
            auroc_choosing: choosing_mean,
            auroc,
            rejected,
        });
    }
    let (_, detector, spec) = best.context("no score of strangeness could be fitted")?;
    let scores = scores_by_kind(&detector, &judging)
        .into_iter()
        .map(|(kind, scores)| (kind, scores.into_iter().map(|score| score.0).collect()))
        .collect();
    Ok(Strangeness {
        detector,
        spec,
        reports,
        scores,
    })
}

/// Drawn heads, where the model learned from such: they are like its training images too. None of those that it
/// learned from.
fn drawn_heads(work: &FitWork<'_>) -> Result<Vec<Image>> {
    let manifest = &work.bundle.manifest;
    if !manifest.training.data.iter().any(|source| source.synthetic) {
        return Ok(Vec::new());
    }
    let count = DRAWN_EACH * manifest.classes.len();
    training_phantoms(
        count,
        &manifest.classes,
        &manifest.input,
        work.seed ^ 0x4452_4157,
    )
}

/// The group of each image, scans first, and how many groups there are: one for each class of scans, then one for each
/// class of drawn heads. They lie apart from each other in feature space, so that one mean for both fits neither.
fn groups(scans: &[&Image], drawn: &[&Image], classes: usize) -> (Vec<usize>, usize) {
    let mut groups = classes;
    let mut of_class = vec![None; classes];
    let mut labels: Vec<usize> = scans.iter().map(|image| image.class).collect();
    labels.extend(drawn.iter().map(|image| {
        *of_class[image.class].get_or_insert_with(|| {
            groups += 1;
            groups - 1
        })
    }));
    (labels, groups)
}

struct Pictures {
    kinds: Vec<&'static str>,
    colour: Vec<Option<f32>>,
    outputs: Outputs,
}

fn pictures(work: &FitWork<'_>, images: &[&Image], each: usize, seed: u64) -> Result<Pictures> {
    let geometry = &work.bundle.manifest.input;
    let drawn: Vec<Foreign> = foreign::pictures(images, geometry, each, seed);
    let planes: Vec<Vec<f32>> = drawn
        .iter()
        .map(|picture| preprocess(&picture.scan, geometry).values)
        .collect();
    let inputs: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    Ok(Pictures {
        kinds: drawn.iter().map(|picture| picture.kind).collect(),
        colour: drawn
            .iter()
            .map(|picture| picture.scan.colourfulness())
            .collect(),
        outputs: run(work, work.bundle, &inputs, "foreign pictures")?,
    })
}

fn strangeness_of(detector: &Detector, outputs: &Outputs) -> Vec<f32> {
    outputs
        .logits
        .iter()
        .zip(&outputs.features)
        .map(|(logits, features)| detector.score(logits, features))
        .collect()
}

/// Score and colourfulness of each picture, by kind.
fn scores_by_kind(detector: &Detector, pictures: &Pictures) -> BTreeMap<String, Vec<Score>> {
    let mut by_kind: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let scores = strangeness_of(detector, &pictures.outputs);
    for ((score, kind), &colour) in scores
        .into_iter()
        .zip(&pictures.kinds)
        .zip(&pictures.colour)
    {
        by_kind
            .entry((*kind).into())
            .or_default()
            .push((score, colour));
    }
    by_kind
}

fn areas(inside: &[f32], outside: &BTreeMap<String, Vec<Score>>) -> BTreeMap<String, f64> {
    outside
        .iter()
        .filter_map(|(kind, scores)| {
            let all: Vec<(f32, bool)> = inside
                .iter()
                .map(|&score| (score, false))
                .chain(scores.iter().map(|score| (score.0, true)))
                .collect();
            auc(&all).map(|area| (kind.clone(), area))
        })
        .collect()
}

/// The least value that at least this share of the values does not exceed; 0 for no values.
fn quantile(values: &[f32], share: f64) -> f32 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f32::total_cmp);
    let index = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(index.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn the_quantile_accepts_its_share() {
        let values: Vec<f32> = (1..=20).map(|v| v as f32).collect();
        assert_eq!(quantile(&values, 0.95), 19.0);
        assert_eq!(quantile(&values, 1.0), 20.0);
        assert_eq!(quantile(&[3.0], 0.95), 3.0);
        assert_eq!(quantile(&[], 0.95), 0.0);
    }
}
