//! Fits temperature, uncertainty and strangeness, and writes them into a bundle.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use scanlight_model::bundle::weights::Precision;
use scanlight_model::bundle::{Bundle, Calibration, Trust};
use scanlight_model::trust::calibration::fit_temperature;
use serde::Serialize;

use super::doubt::{ScoreReport, uncertainties};
use super::judge::CalibrationReport;
use super::outputs::{Outputs, OutputsWork};
use super::strange::{DetectorReport, Strangeness, strangeness};
use crate::backend::BackendName;
use crate::data::Image;

/// What is fitted to what.
pub struct FitWork<'a> {
    /// The model.
    pub bundle: &'a Bundle,
    /// Its training images.
    pub train: &'a [&'a Image],
    /// Its validation images, decoded with the larger copy.
    pub validation: &'a [&'a Image],
    /// Images that it never saw; strangeness is judged on them, or on the validation images where
    /// there are none.
    pub test: &'a [&'a Image],
    /// Other models of the same classes and input, for comparison.
    pub ensemble: &'a [Bundle],
    /// What computes.
    pub backend: BackendName,
    /// Seed of the foreign pictures.
    pub seed: u64,
}

/// What the fitting found; `scanlight calibrate --json` writes it.
#[derive(Debug, Clone, Serialize)]
pub struct Fitted {
    /// Validation images, before temperature scaling.
    pub before: CalibrationReport,
    /// Validation images, after it.
    pub after: CalibrationReport,
    /// Every uncertainty compared.
    pub uncertainty: Vec<ScoreReport>,
    /// Every score of strangeness compared.
    pub ood: Vec<DetectorReport>,
    /// What strangeness was judged on: `test` or `validation`.
    pub judged_on: String,
    /// The stored score of the pictures for judging, by kind.
    pub foreign_scores: BTreeMap<String, Vec<f32>>,
    /// What was stored.
    pub stored: Trust,
}

/// Fits everything; gives the bundle with it and what was found.
///
/// # Errors
/// No training or validation images, an ensemble member of other classes or input, or a network that
/// cannot be run.
pub fn fit(work: &FitWork<'_>) -> Result<(Bundle, Fitted)> {
    let manifest = &work.bundle.manifest;
    if work.train.is_empty() || work.validation.is_empty() {
        bail!("calibration needs training and validation images, but a part is empty");
    }
    let labels: Vec<usize> = work.validation.iter().map(|image| image.class).collect();
    let validation = plain(work, work.bundle, work.validation, "validation images")?;
    let temperature = fit_temperature(&validation.logits, &labels);
    let fitted_on = format!("{} validation images", labels.len());

    let (single, tta, scores) = uncertainties(work, &validation, temperature, &fitted_on)?;
    let Strangeness {
        detector,
        spec,
        reports: ood,
        scores: foreign_scores,
    } = strangeness(work, &validation, &fitted_on)?;
    let stored = Trust {
        uncertainty: Some(single),
        tta,
        ood: Some(spec),
    };
    let before = CalibrationReport::new(&validation.logits, &labels, 1.0);
    let after = CalibrationReport::new(&validation.logits, &labels, temperature);
    let mut manifest = manifest.clone();
    manifest.calibration = Some(Calibration {
        temperature,
        fitted_on,
        ece_before: Some(before.ece),
        ece_after: Some(after.ece),
    });
    manifest.trust = Some(stored.clone());
    let bundle = work
        .bundle
        .with_extra(manifest, &detector.arrays(), Precision::Full)?;
    let fitted = Fitted {
        before,
        after,
        uncertainty: scores,
        ood,
        judged_on: judged_on(work).into(),
        foreign_scores,
        stored,
    };
    Ok((bundle, fitted))
}

pub(super) fn judged_on(work: &FitWork<'_>) -> &'static str {
    if work.test.is_empty() {
        "validation"
    } else {
        "test"
    }
}

pub(super) fn plain(
    work: &FitWork<'_>,
    bundle: &Bundle,
    images: &[&Image],
    title: &str,
) -> Result<Outputs> {
    let inputs: Vec<&[f32]> = images.iter().map(|image| image.clean.as_slice()).collect();
    run(work, bundle, &inputs, title)
}

pub(super) fn run(
    work: &FitWork<'_>,
    bundle: &Bundle,
    inputs: &[&[f32]],
    title: &str,
) -> Result<Outputs> {
    work.backend.infer(OutputsWork {
        bundle,
        inputs,
        title,
    })
}

/// At most `most` of them, evenly spaced.
pub(super) fn sample<'a>(images: &[&'a Image], most: usize) -> Vec<&'a Image> {
    let step = images.len().div_ceil(most).max(1);
    images.iter().step_by(step).copied().collect()
}

impl Fitted {
    /// The comparison as tables for people.
    pub fn table(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        let (before, after) = (&self.before, &self.after);
        let _ = writeln!(
            text,
            "temperature {:.3} (validation): loss {:.4} -> {:.4}   ECE {:.4} -> {:.4}   Brier {:.4} -> {:.4}\n",
            after.temperature,
            before.loss,
            after.loss,
            before.ece,
            after.ece,
            before.brier,
            after.brier
        );
        let _ = writeln!(
            text,
            "{:34}  images  accuracy  AURC     coverage  accuracy there",
            "uncertainty (validation)"
        );
        for score in &self.uncertainty {
            let _ = writeln!(
                text,
                "{:34}  {:>6}  {:.4}    {:.5}  {:.4}    {:.4}",
                score.name,
                score.images,
                score.accuracy,
                score.aurc,
                score.coverage,
                score.selective_accuracy
            );
        }
        let _ = writeln!(
            text,
            "\nAUROC of foreign pictures against {} images (refused at 95 % acceptance)",
            self.judged_on
        );
        let names: Vec<String> = self.ood.iter().map(|d| format!("{:?}", d.method)).collect();
        let _ = write!(text, "{:18}", "kind");
        for name in &names {
            let _ = write!(text, "  {name:20}");
        }
        let kinds: Vec<&String> = self.ood.iter().flat_map(|d| d.auroc.keys()).collect();
        let mut seen = std::collections::BTreeSet::new();
        for kind in kinds
            .into_iter()
            .filter(|kind| seen.insert((*kind).clone()))
        {
            let _ = write!(text, "\n{kind:18}");
            for detector in &self.ood {
                let number = |map: &BTreeMap<String, f64>| map.get(kind).copied().unwrap_or(0.0);
                let cell = format!(
                    "{:.4} ({:.0} %)",
                    number(&detector.auroc),
                    100.0 * number(&detector.rejected)
                );
                let _ = write!(text, "  {cell:20}");
            }
        }
        if let Some(ood) = &self.stored.ood {
            let _ = write!(
                text,
                "\nstored: {:?}, threshold {:.3}",
                ood.method, ood.threshold
            );
        }
        text
    }
}
