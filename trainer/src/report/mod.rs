//! The sections of a run's report.

mod answers;
mod training;
mod trust;

pub use answers::{classes, mistakes, worst};
pub use training::curves;
pub use trust::trust;

use std::path::Path;

use scanlight_model::bundle::Manifest;
use serde_json::Value;

use crate::html::{Page, table};
use crate::metrics::{ImageReport, Report};
use crate::stats::bootstrap_interval;

fn percent(value: f64) -> String {
    format!("{:.2} %", 100.0 * value)
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{v:.4}"))
}

fn is_right(image: &ImageReport) -> bool {
    image.label == image.predicted
}

/// The numbers that matter most.
pub fn summary(page: &mut Page, manifest: &Manifest, report: Option<&Report>) {
    if !manifest.description.is_empty() {
        page.paragraph(&manifest.description);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if let Some(report) = report {
        let right: Vec<bool> = report.images.iter().map(is_right).collect();
        let interval = bootstrap_interval(&right).map_or(String::new(), |[low, high]| {
            format!(" ({} to {})", percent(low), percent(high))
        });
        rows.push(vec![
            "accuracy (95 % bootstrap interval)".into(),
            format!("{}{interval}", percent(report.accuracy)),
        ]);
        rows.push(vec!["test images".into(), report.images.len().to_string()]);
        rows.push(vec!["macro AUC".into(), number(report.auc_macro)]);
        rows.push(vec!["macro F1".into(), number(report.f1_macro)]);
        rows.push(vec![
            "cross-entropy (nats)".into(),
            format!("{:.4}", report.loss),
        ]);
    }
    for metrics in &manifest.metrics {
        if let Some(floor) = metrics.nearest_neighbour_accuracy {
            rows.push(vec![
                "nearest neighbour on raw pixels, same images".into(),
                percent(floor),
            ]);
        }
    }
    rows.push(vec![
        "epochs (kept)".into(),
        format!(
            "{} ({})",
            manifest.training.epochs, manifest.training.best_epoch
        ),
    ]);
    page.heading("Summary");
    page.raw(&table(&["", "value"], &rows));
    for metrics in manifest.metrics.iter().filter(|m| !m.remark.is_empty()) {
        page.paragraph(&format!("{}: {}", metrics.data, metrics.remark));
    }
}

/// What the model learned from, and the audit of it where the run has one.
pub fn data(page: &mut Page, manifest: &Manifest, run: &Path) {
    page.heading("Data");
    let mut rows = Vec::new();
    for source in &manifest.training.data {
        for (part, classes) in &source.images {
            let counts: Vec<String> = classes
                .iter()
                .map(|(class, count)| format!("{class} {count}"))
                .collect();
            rows.push(vec![
                format!(
                    "{}{}",
                    source.name,
                    if source.synthetic { " (synthetic)" } else { "" }
                ),
                part.clone(),
                classes.values().sum::<u64>().to_string(),
                counts.join(", "),
            ]);
        }
    }
    page.raw(&table(&["set", "part", "images", "by class"], &rows));
    page.paragraph(&format!(
        "Split: {}, seed {}.",
        manifest.training.split.method, manifest.training.split.seed
    ));
    let audit = std::fs::read(run.join("audit.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if let Some(Value::Object(audit)) = audit {
        page.heading("Data audit");
        let audit = match audit.get("summary") {
            Some(Value::Object(summary)) => summary.clone(),
            _ => audit,
        };
        // Whatever single numbers and words the audit gives; lists are its own report's matter.
        let rows: Vec<Vec<String>> = audit
            .iter()
            .filter_map(|(key, value)| {
                let text = match value {
                    Value::Array(items) => format!("{} entries", items.len()),
                    Value::Object(_) | Value::Null => return None,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(vec![key.replace('_', " "), text])
            })
            .collect();
        page.raw(&table(&["", "value"], &rows));
    }
}
