//! How far the answers can be trusted.

use std::path::Path;

use scanlight_model::bundle::Manifest;
use scanlight_model::trust::uncertainty::risk_coverage;
use serde_json::Value;

use super::answers::diagram;
use super::{is_right, percent};
use crate::html::charts::{Axes, Series, histogram, lines};
use crate::html::{Page, table};
use crate::metrics::Report;

/// Calibration, risk and coverage, strangeness; nothing where the report has none of it.
pub fn trust(page: &mut Page, manifest: &Manifest, report: &Report, run: &Path) {
    let Some(trust) = &report.trust else { return };
    page.heading("Trust");
    let rows = [("before", &trust.before), ("after", &trust.after)]
        .map(|(name, c)| {
            vec![
                format!("{name} (temperature {:.3})", c.temperature),
                percent(c.ece),
                percent(c.ece_adaptive),
                format!("{:.4}", c.brier),
                format!("{:.4}", c.loss),
            ]
        })
        .to_vec();
    page.raw(&table(
        &[
            "temperature scaling",
            "ECE, 15 equal bins",
            "ECE, adaptive",
            "Brier",
            "cross-entropy (nats)",
        ],
        &rows,
    ));
    let mut charts = vec![
        diagram("Reliability before scaling", &trust.before.reliability),
        diagram("Reliability after scaling", &trust.after.reliability),
    ];
    let answers: Vec<(f32, bool)> = report
        .images
        .iter()
        .filter_map(|image| Some((image.uncertainty? as f32, is_right(image))))
        .collect();
    if !answers.is_empty() {
        let points = risk_coverage(&answers)
            .iter()
            .map(|point| [point.coverage, point.risk])
            .collect();
        let axes = Axes {
            x_range: Some([0.0, 1.0]),
            ..Axes::new(
                "Risk and coverage",
                "share of the images answered, surest first",
                "share of wrong answers",
            )
        };
        charts.push(lines(&axes, &[Series::new("", points)]));
    }
    let fitted: Option<Value> = std::fs::read(run.join("trust.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    charts.extend(strangeness(manifest, report, fitted.as_ref()));
    page.charts(&charts);
    if let (Some(coverage), Some(accuracy)) = (trust.selective.coverage, trust.selective.accuracy) {
        page.paragraph(&format!(
            "At the abstain threshold {} of the test images are answered, {} of those rightly.",
            percent(coverage),
            percent(accuracy)
        ));
    }
    if let Some(ood) = &trust.ood {
        page.paragraph(&format!(
            "{} of the test images count as like the training images.",
            percent(ood.acceptance)
        ));
        let rows: Vec<Vec<String>> = ood
            .auroc
            .iter()
            .map(|(kind, area)| {
                let refused = ood.rejected.get(kind).copied().unwrap_or_default();
                vec![
                    kind.replace('_', " "),
                    format!("{area:.4}"),
                    percent(refused),
                ]
            })
            .collect();
        page.raw(&table(
            &[
                "drawn pictures that are no slices",
                "AUROC of the features' score",
                "refused, colour included",
            ],
            &rows,
        ));
    }
    if let Some(fitted) = &fitted {
        compared(page, fitted);
    }
}

/// What `trust.json` says about the scores that were compared when the model was fitted.
fn compared(page: &mut Page, fitted: &Value) {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64);
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(String::from);
    let list = |key: &str| fitted.get(key).and_then(Value::as_array).cloned();
    let rows: Vec<Vec<String>> = list("uncertainty")
        .unwrap_or_default()
        .iter()
        .filter_map(|score| {
            Some(vec![
                text(score, "name")?,
                format!("{}", number(score, "images")?),
                percent(number(score, "accuracy")?),
                format!("{:.4}", number(score, "aurc")?),
                percent(number(score, "coverage")?),
                percent(number(score, "selective_accuracy")?),
            ])
        })
        .collect();
    if !rows.is_empty() {
        page.raw(&table(
            &[
                "uncertainties compared",
                "validation images",
                "accuracy",
                "area under risk and coverage",
                "answered at its threshold",
                "of those rightly",
            ],
            &rows,
        ));
    }
    let mean = |score: &Value, key: &str| {
        let kinds = score.get(key)?.as_object()?;
        let sum: f64 = kinds.values().filter_map(Value::as_f64).sum();
        Some(sum / kinds.len().max(1) as f64)
    };
    let rows: Vec<Vec<String>> = list("ood")
        .unwrap_or_default()
        .iter()
        .filter_map(|score| {
            Some(vec![
                text(score, "method")?.replace('_', " "),
                format!("{:.4}", number(score, "auroc_choosing")?),
                format!("{:.4}", mean(score, "auroc")?),
                percent(mean(score, "rejected")?),
            ])
        })
        .collect();
    if !rows.is_empty() {
        page.raw(&table(
            &[
                "scores of strangeness compared",
                "mean AUROC, pictures for choosing",
                "mean AUROC, other pictures",
                "of these refused",
            ],
            &rows,
        ));
    }
}

/// Histogram of the test images' strangeness, with that of the foreign pictures from `trust.json`.
fn strangeness(manifest: &Manifest, report: &Report, fitted: Option<&Value>) -> Option<String> {
    let threshold = manifest.trust.as_ref()?.ood.as_ref()?.threshold;
    let inside: Vec<f64> = report.images.iter().filter_map(|image| image.ood).collect();
    if inside.is_empty() {
        return None;
    }
    let foreign: Vec<f64> = fitted
        .and_then(|value| {
            let kinds = value.get("foreign_scores")?.as_object()?.clone();
            let scores = kinds.values().filter_map(Value::as_array).flatten();
            Some(scores.filter_map(Value::as_f64).collect())
        })
        .unwrap_or_default();
    let mut sorted: Vec<f64> = foreign.iter().chain(&inside).copied().collect();
    sorted.sort_by(f64::total_cmp);
    let high = sorted[(sorted.len() - 1) * 97 / 100].max(f64::from(threshold) * 1.05);
    let sets = [("test images", inside), ("drawn pictures", foreign)];
    let sets: Vec<(&str, Vec<f64>)> = sets.into_iter().filter(|set| !set.1.is_empty()).collect();
    let axes = Axes::new(
        "Strangeness (dashed: threshold)",
        "score, larger is stranger",
        "share of the pictures (%)",
    );
    Some(histogram(&axes, &sets, high, Some(threshold.into())))
}
