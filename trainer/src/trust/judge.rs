//! How well a model's probabilities, uncertainty and strangeness do on labelled images.

use anyhow::Context;
use indexmap::IndexMap;
use scanlight_model::bundle::{Bundle, OodMethod, UncertaintyMethod};
use scanlight_model::classify::{single_uncertainty, softmax, views_uncertainty};
use scanlight_model::trust::calibration::{
    Bin, brier, confidences, cross_entropy, ece, ece_adaptive, reliability,
};
use scanlight_model::trust::uncertainty::{aurc, best_aurc, combine, selective};
use scanlight_model::trust::{Evidence, Verdict, judge};
use serde::{Deserialize, Serialize};

use super::outputs::Outputs;

/// How well probabilities are calibrated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationReport {
    /// What the logits were divided by.
    pub temperature: f32,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Expected calibration error over 15 bins of equal width, 0..=1.
    pub ece: f64,
    /// The same over 15 bins of equal content.
    pub ece_adaptive: f64,
    /// Brier score, 0..=2.
    pub brier: f64,
    /// The 15 bins of equal width.
    pub reliability: Vec<Bin>,
}

impl CalibrationReport {
    /// Measures logits at a temperature.
    pub fn new(logits: &[Vec<f32>], labels: &[usize], temperature: f32) -> Self {
        let rows: Vec<Vec<f32>> = logits.iter().map(|row| softmax(row, temperature)).collect();
        let answers = confidences(&rows, labels);
        Self {
            temperature,
            loss: cross_entropy(logits, labels, f64::from(temperature)),
            ece: ece(&answers),
            ece_adaptive: ece_adaptive(&answers),
            brier: brier(&rows, labels),
            reliability: reliability(&answers),
        }
    }

    /// Measures probabilities that were made at a temperature.
    fn of_probabilities(rows: &[Vec<f32>], labels: &[usize], temperature: f32) -> Self {
        let logarithms: Vec<Vec<f32>> = rows
            .iter()
            .map(|row| row.iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect())
            .collect();
        Self {
            temperature,
            ..Self::new(&logarithms, labels, 1.0)
        }
    }
}

/// What leaving out the unsure answers gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectiveReport {
    /// The uncertainty.
    pub method: UncertaintyMethod,
    /// Area under the risk-coverage curve, smaller is better.
    pub aurc: f64,
    /// The least area that these answers allow.
    pub best_aurc: f64,
    /// The manifest's threshold.
    pub threshold: Option<f32>,
    /// Share of the images answered at the threshold.
    pub coverage: Option<f64>,
    /// Share of right answers among them.
    pub accuracy: Option<f64>,
}

/// What the score of strangeness says of the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OodReport {
    /// The score.
    pub method: OodMethod,
    /// The manifest's threshold.
    pub threshold: f32,
    /// Share of the images that it accepts.
    pub acceptance: f64,
    /// From the manifest: area under the ROC curve against generated pictures, by kind.
    pub auroc: IndexMap<String, f64>,
    /// From the manifest: share of the generated pictures refused, by kind.
    pub rejected: IndexMap<String, f64>,
}

/// Everything about trust that `evaluate` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrustReport {
    /// Before temperature scaling.
    pub before: CalibrationReport,
    /// After it; the same where the manifest has no temperature.
    pub after: CalibrationReport,
    /// Selective answering.
    pub selective: SelectiveReport,
    /// Strangeness, where the manifest has a score.
    pub ood: Option<OodReport>,
}

/// One image's scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageTrust {
    /// In class order; the mean of the views'.
    pub probabilities: Vec<f32>,
    /// The uncertainty.
    pub uncertainty: f32,
    /// The strangeness, where the manifest has a score.
    pub ood: Option<f32>,
    /// What should be said. Colour is not known here.
    pub verdict: Verdict,
}

/// Measures a bundle's outputs for images of these classes, and gives each image's scores.
///
/// `views` are the outputs of one pass over all images, or one of each of the manifest's views, the
/// untouched one first: their mean probabilities are then judged, by the views' uncertainty.
pub fn judge_answers(
    bundle: &Bundle,
    views: &[Outputs],
    labels: &[usize],
) -> anyhow::Result<(TrustReport, Vec<ImageTrust>)> {
    let manifest = &bundle.manifest;
    let outputs = views.first().context("there are no outputs to judge")?;
    let mut trust = manifest.trust.clone();
    if let Some(trust) = trust.as_mut().filter(|_| views.len() > 1) {
        let of_views = trust.tta.as_ref().map(|spec| spec.uncertainty.clone());
        trust.uncertainty = of_views.or(trust.uncertainty.take());
    }
    let trust = trust.as_ref();
    let spec = trust.and_then(|trust| trust.uncertainty.as_ref());
    let method = spec.map_or(UncertaintyMethod::MaxSoftmax, |spec| spec.method);
    let channels = outputs.features.first().map_or(0, |row| row.len() / 2);
    let detector = match channels {
        0 => None,
        channels => bundle.detector(channels)?,
    };
    let mut images = Vec::with_capacity(labels.len());
    let mut answers = Vec::with_capacity(labels.len());
    let mut plain = Vec::with_capacity(labels.len());
    for (index, &label) in labels.iter().enumerate() {
        let (before, _) = answer(views, index, 1.0, method)?;
        plain.push(before);
        let (probabilities, uncertainty) = answer(views, index, manifest.temperature(), method)?;
        let logits = &outputs.logits[index];
        let features = &outputs.features[index];
        let ood = detector.as_ref().map(|d| d.score(logits, features));
        let evidence = Evidence {
            uncertainty: Some(uncertainty),
            ood,
            colourfulness: None,
        };
        let [best, _] = scanlight_model::trust::top_two(&probabilities);
        answers.push((uncertainty, best == label));
        images.push(ImageTrust {
            uncertainty,
            ood,
            verdict: judge(&probabilities, &evidence, trust),
            probabilities,
        });
    }
    let wrong = answers.iter().filter(|answer| !answer.1).count();
    let at = spec.map(|spec| selective(&answers, spec.abstain_above));
    let ood = trust.and_then(|trust| trust.ood.as_ref()).map(|spec| {
        let accepted = images
            .iter()
            .filter(|image| image.ood.is_some_and(|score| score <= spec.threshold));
        OodReport {
            method: spec.method,
            threshold: spec.threshold,
            acceptance: accepted.count() as f64 / images.len().max(1) as f64,
            auroc: spec.auroc.clone().into_iter().collect(),
            rejected: spec.rejected.clone().into_iter().collect(),
        }
    });
    let scaled: Vec<Vec<f32>> = images
        .iter()
        .map(|image| image.probabilities.clone())
        .collect();
    let report = TrustReport {
        before: CalibrationReport::of_probabilities(&plain, labels, 1.0),
        after: CalibrationReport::of_probabilities(&scaled, labels, manifest.temperature()),
        selective: SelectiveReport {
            method,
            aurc: aurc(&answers),
            best_aurc: best_aurc(wrong, answers.len()),
            threshold: spec.map(|spec| spec.abstain_above),
            coverage: at.map(|(coverage, _)| coverage),
            accuracy: at.and_then(|(_, accuracy)| accuracy),
        },
        ood,
    };
    Ok((report, images))
}

/// An image's probabilities at a temperature and their uncertainty: of one pass, or of all views.
fn answer(
    views: &[Outputs],
    index: usize,
    temperature: f32,
    method: UncertaintyMethod,
) -> anyhow::Result<(Vec<f32>, f32)> {
    let rows: Vec<Vec<f32>> = views
        .iter()
        .map(|view| softmax(&view.logits[index], temperature))
        .collect();
    if let [row] = rows.as_slice() {
        return Ok((row.clone(), single_uncertainty(method, row)));
    }
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let combined = combine(&rows).context("there are no views")?;
    let uncertainty = views_uncertainty(method, &combined);
    Ok((combined.probabilities, uncertainty))
}

impl TrustReport {
    /// The numbers in a few lines for people.
    pub fn table(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        let (before, after) = (&self.before, &self.after);
        let _ = writeln!(
            text,
            "calibration (temperature {:.3}): ECE {:.4} -> {:.4}   adaptive {:.4} -> {:.4}   Brier {:.4} -> {:.4}",
            after.temperature,
            before.ece,
            after.ece,
            before.ece_adaptive,
            after.ece_adaptive,
            before.brier,
            after.brier
        );
        let selective = &self.selective;
        let _ = write!(
            text,
            "uncertainty: AURC {:.5} (least possible {:.5})",
            selective.aurc, selective.best_aurc
        );
        if let (Some(coverage), Some(threshold)) = (selective.coverage, selective.threshold) {
            let _ = write!(
                text,
                "   answering below {threshold:.3}: coverage {coverage:.4}, accuracy {}",
                selective.accuracy.map_or("-".into(), |a| format!("{a:.4}"))
            );
        }
        if let Some(ood) = &self.ood {
            let _ = write!(
                text,
                "\nlike the training images: {:.4} accepted at the threshold {:.3}",
                ood.acceptance, ood.threshold
            );
        }
        text
    }
}
