//! The sections of a run's report.

mod answers;
mod audit;
mod folds;
mod training;
mod trust;

pub use answers::{classes, mistakes, reliability, worst};
pub use audit::audit;
pub use folds::folds;
pub use training::curves;
pub use trust::trust;

use scanlight_model::bundle::Manifest;

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

/// The accuracy with its 95 % bootstrap interval over images.
fn accuracy(report: &Report) -> String {
    let right: Vec<bool> = report.images.iter().map(is_right).collect();
    let interval = bootstrap_interval(&right).map_or(String::new(), |[low, high]| {
        format!(" ({} to {})", percent(low), percent(high))
    });
    format!("{}{interval}", percent(report.accuracy))
}

/// The numbers that matter most.
pub fn summary(page: &mut Page, manifest: &Manifest, report: Option<&Report>) {
    if !manifest.description.is_empty() {
        page.paragraph(&manifest.description);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if let Some(report) = report {
        rows.push(vec![
            "accuracy (95 % bootstrap interval)".into(),
            accuracy(report),
        ]);
        rows.push(vec!["test images".into(), report.images.len().to_string()]);
        rows.push(vec!["macro AUC".into(), number(report.auc_macro)]);
        rows.push(vec!["macro F1".into(), number(report.f1_macro)]);
        rows.push(vec![
            "cross-entropy (nats)".into(),
            format!("{:.4}", report.loss),
        ]);
    }
    // The manifest's numbers may be of other images than this report.
    let measured = report.map_or(0, |report| report.images.len() as u64);
    for metrics in &manifest.metrics {
        if let Some(floor) = metrics.nearest_neighbour_accuracy {
            let which = if metrics.images == measured {
                "same images".into()
            } else {
                format!("of {} images", metrics.images)
            };
            rows.push(vec![
                format!("nearest neighbour on raw pixels, {which}"),
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

/// What the model learned from.
pub fn data(page: &mut Page, manifest: &Manifest) {
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
}
