//! How the training went.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::html::Page;
use crate::html::charts::{Axes, Series, lines};

/// The curves of `metrics.jsonl`, whatever numbers it has by epoch.
pub fn curves(page: &mut Page, run: &Path) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(run.join("metrics.jsonl")) else {
        return Ok(());
    };
    let records: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not valid", run.join("metrics.jsonl").display()))?;
    let series = |key: &str, name: &str| -> Option<Series> {
        let points: Vec<[f64; 2]> = records
            .iter()
            .filter_map(|record| Some([record["epoch"].as_f64()?, record[key].as_f64()?]))
            .collect();
        (!points.is_empty()).then(|| Series::new(name, points))
    };
    let chart = |title: &str, unit: &str, keys: &[(&str, &str)]| -> Option<String> {
        let found: Vec<Series> = keys
            .iter()
            .filter_map(|(key, name)| series(key, name))
            .collect();
        (!found.is_empty()).then(|| lines(&Axes::new(title, "epoch", unit), &found))
    };
    let charts: Vec<String> = [
        chart(
            "Loss",
            "cross-entropy (nats)",
            &[
                ("train_loss", "training"),
                ("validation_loss", "validation"),
            ],
        ),
        chart(
            "Accuracy",
            "share of right answers",
            &[
                ("validation_accuracy", "validation"),
                ("clean_train_accuracy", "training images, unchanged"),
            ],
        ),
        chart("Learning rate", "rate", &[("learning_rate", "")]),
        chart("Gradient norm", "norm", &[("gradient_norm", "")]),
        chart("Time", "seconds an epoch", &[("seconds", "")]),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !charts.is_empty() {
        page.heading("Training");
        page.charts(&charts);
    }
    Ok(())
}
