//! The uncertainties that are compared: one pass, several views, an ensemble.

use anyhow::{Context, Result, bail};
use scanlight_model::bundle::{TtaSpec, UncertaintyMethod, UncertaintySpec};
use scanlight_model::classify::{single_uncertainty, softmax, views_uncertainty};
use scanlight_model::trust::calibration::fit_temperature;
use scanlight_model::trust::top_two;
use scanlight_model::trust::tta::{FACTOR, default_views};
use scanlight_model::trust::uncertainty::{Combined, abstain, aurc, combine};
use serde::Serialize;

use super::fit::{FitWork, plain, sample};
use super::outputs::{Outputs, view_outputs};
use crate::data::Image;

/// Most validation images that are seen in several views.
const MOST_VIEWED: usize = 600;
/// Views must lower the area under the risk-coverage curve by this share to be worth their time.
const WORTH: f64 = 0.05;

/// One uncertainty on the validation images.
#[derive(Debug, Clone, Serialize)]
pub struct ScoreReport {
    /// Its name.
    pub name: String,
    /// Images.
    pub images: usize,
    /// Share of right answers at full coverage.
    pub accuracy: f64,
    /// Area under the risk-coverage curve.
    pub aurc: f64,
    /// Coverage at the abstain threshold fitted for it.
    pub coverage: f64,
    /// Accuracy there.
    pub selective_accuracy: f64,
}

/// Compares the uncertainties; the better one of a single pass, the best one of several views.
pub(super) fn uncertainties(
    work: &FitWork<'_>,
    validation: &Outputs,
    temperature: f32,
    fitted_on: &str,
) -> Result<(UncertaintySpec, Option<TtaSpec>, Vec<ScoreReport>)> {
    let mut reports = Vec::new();
    let mut specs = Vec::new();
    let rows: Vec<Vec<f32>> = softmaxes(&validation.logits, temperature);
    for method in [UncertaintyMethod::MaxSoftmax, UncertaintyMethod::Entropy] {
        let answers = scored(work.validation, &rows, |row| {
            single_uncertainty(method, row)
        });
        add(method, "", &answers, fitted_on, &mut reports, &mut specs);
    }
    let single = better(specs).context("there is no validation image")?;

    let large = manifest_len(work) * (FACTOR * FACTOR) as usize;
    let viewed: Vec<&Image> = sample(work.validation, MOST_VIEWED)
        .into_iter()
        .filter(|image| image.source.len() == large)
        .collect();
    let views = default_views();
    let mut tta = None;
    if !viewed.is_empty() {
        let members = view_outputs(work.bundle, &viewed, &views, work.backend)?;
        let members: Vec<Vec<Vec<f32>>> = members
            .iter()
            .map(|outputs| softmaxes(&outputs.logits, temperature))
            .collect();
        let mut specs = Vec::new();
        for method in [
            UncertaintyMethod::TtaEntropy,
            UncertaintyMethod::TtaMutualInformation,
            UncertaintyMethod::TtaVariance,
        ] {
            let answers = joined(&viewed, &members, |combined| {
                views_uncertainty(method, combined)
            });
            add(method, "", &answers, fitted_on, &mut reports, &mut specs);
        }
        tta = better(specs).map(|uncertainty| TtaSpec {
            recommended: uncertainty.aurc < (1.0 - WORTH) * single.aurc,
            views,
            uncertainty,
        });
    }
    if !work.ensemble.is_empty() {
        let members = ensemble(work, validation, temperature)?;
        let name = format!("ensemble of {}: ", members.len());
        for method in [
            UncertaintyMethod::TtaEntropy,
            UncertaintyMethod::TtaMutualInformation,
        ] {
            let answers = joined(work.validation, &members, |combined| {
                views_uncertainty(method, combined)
            });
            let mut unused = Vec::new();
            add(
                method,
                &name,
                &answers,
                fitted_on,
                &mut reports,
                &mut unused,
            );
        }
    }
    Ok((single, tta, reports))
}

fn manifest_len(work: &FitWork<'_>) -> usize {
    work.bundle.manifest.input.len()
}

fn softmaxes(logits: &[Vec<f32>], temperature: f32) -> Vec<Vec<f32>> {
    logits.iter().map(|row| softmax(row, temperature)).collect()
}

fn better(specs: Vec<UncertaintySpec>) -> Option<UncertaintySpec> {
    specs.into_iter().min_by(|a, b| a.aurc.total_cmp(&b.aurc))
}

/// Uncertainty and rightness of each image.
fn scored(images: &[&Image], rows: &[Vec<f32>], score: impl Fn(&[f32]) -> f32) -> Vec<(f32, bool)> {
    images
        .iter()
        .zip(rows)
        .map(|(image, row)| {
            let [best, _] = top_two(row);
            (score(row), best == image.class)
        })
        .collect()
}

/// The same of several members' mean; `members` by member, then by image.
fn joined(
    images: &[&Image],
    members: &[Vec<Vec<f32>>],
    score: impl Fn(&Combined) -> f32,
) -> Vec<(f32, bool)> {
    (0..images.len())
        .filter_map(|index| {
            let rows: Vec<&[f32]> = members
                .iter()
                .map(|member| member[index].as_slice())
                .collect();
            let combined = combine(&rows)?;
            let [best, _] = top_two(&combined.probabilities);
            Some((score(&combined), best == images[index].class))
        })
        .collect()
}

fn add(
    method: UncertaintyMethod,
    prefix: &str,
    answers: &[(f32, bool)],
    fitted_on: &str,
    reports: &mut Vec<ScoreReport>,
    specs: &mut Vec<UncertaintySpec>,
) {
    let Some(stop) = abstain(answers) else { return };
    let right = answers.iter().filter(|answer| answer.1).count();
    let name = match (prefix.is_empty(), method) {
        (_, UncertaintyMethod::MaxSoftmax) => "max softmax",
        (_, UncertaintyMethod::Entropy) => "entropy",
        (true, UncertaintyMethod::TtaEntropy) => "views: entropy of the mean",
        (true, UncertaintyMethod::TtaMutualInformation) => "views: mutual information",
        (_, UncertaintyMethod::TtaVariance) => "views: variance",
        (false, UncertaintyMethod::TtaEntropy) => "entropy of the mean",
        (false, UncertaintyMethod::TtaMutualInformation) => "mutual information",
    };
    reports.push(ScoreReport {
        name: format!("{prefix}{name}"),
        images: answers.len(),
        accuracy: right as f64 / answers.len().max(1) as f64,
        aurc: aurc(answers),
        coverage: stop.coverage,
        selective_accuracy: stop.accuracy,
    });
    specs.push(UncertaintySpec {
        method,
        abstain_above: stop.above,
        coverage: stop.coverage,
        selective_accuracy: stop.accuracy,
        aurc: aurc(answers),
        fitted_on: fitted_on.into(),
    });
}

/// The probabilities of the model and the other ensemble members, by member, then by image.
fn ensemble(
    work: &FitWork<'_>,
    validation: &Outputs,
    temperature: f32,
) -> Result<Vec<Vec<Vec<f32>>>> {
    let own = &work.bundle.manifest;
    let labels: Vec<usize> = work.validation.iter().map(|image| image.class).collect();
    let mut members = vec![softmaxes(&validation.logits, temperature)];
    for other in work.ensemble {
        let theirs = &other.manifest;
        if theirs.classes != own.classes || theirs.input != own.input {
            bail!(
                "the ensemble member {:?} has other classes or another input plane than {:?}",
                theirs.title,
                own.title
            );
        }
        if theirs.training.split != own.training.split {
            bail!(
                "the ensemble member {:?} was trained with another split than {:?}: it may have learned from the \
                 images that judge it",
                theirs.title,
                own.title
            );
        }
        let outputs = plain(work, other, work.validation, "ensemble member")?;
        // Each at its own temperature, so that a loud member does not outvote the others.
        let temperature = fit_temperature(&outputs.logits, &labels);
        members.push(softmaxes(&outputs.logits, temperature));
    }
    Ok(members)
}
