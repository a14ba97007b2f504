//! A cross-validation's folds.

use super::{number, percent};
use crate::commands::train::CrossValidation;
use crate::html::{Page, table};
use crate::metrics::Report;
use crate::stats::bootstrap_interval;

/// Each fold's numbers, their mean and deviation, and those of all answers together.
pub fn folds(page: &mut Page, whole: &CrossValidation, pooled: &Report) {
    page.heading("Folds");
    let mut rows: Vec<Vec<String>> = whole
        .results
        .iter()
        .map(|fold| {
            vec![
                fold.fold.to_string(),
                fold.images.to_string(),
                percent(fold.accuracy),
                number(Some(fold.loss)),
                number(fold.auc_macro),
                number(fold.f1_macro),
                fold.nearest_neighbour_accuracy.map_or("-".into(), percent),
            ]
        })
        .collect();
    let spread = |of: fn(&crate::commands::train::FoldResult) -> Option<f64>, shares: bool| {
        let values: Option<Vec<f64>> = whole.results.iter().map(of).collect();
        let found = values.and_then(|values| crate::commands::train::spread(&values));
        found.map_or("-".into(), |found| {
            if shares {
                format!("{} ± {:.2}", percent(found.mean), 100.0 * found.sd)
            } else {
                format!("{:.4} ± {:.4}", found.mean, found.sd)
            }
        })
    };
    rows.push(vec![
        "mean ± standard deviation".into(),
        String::new(),
        spread(|fold| Some(fold.accuracy), true),
        spread(|fold| Some(fold.loss), false),
        spread(|fold| fold.auc_macro, false),
        spread(|fold| fold.f1_macro, false),
        spread(|fold| fold.nearest_neighbour_accuracy, true),
    ]);
    let right: Vec<bool> = pooled.images.iter().map(super::is_right).collect();
    let interval = bootstrap_interval(&right).map_or(String::new(), |[low, high]| {
        format!(" ({} to {})", percent(low), percent(high))
    });
    rows.push(vec![
        "all answers together (95 % bootstrap interval over images)".into(),
        pooled.images.len().to_string(),
        format!("{}{interval}", percent(pooled.accuracy)),
        number(Some(pooled.loss)),
        number(pooled.auc_macro),
        number(pooled.f1_macro),
        "-".into(),
    ]);
    page.raw(&table(
        &[
            "fold",
            "test images",
            "accuracy",
            "cross-entropy (nats)",
            "macro AUC",
            "macro F1",
            "nearest neighbour on raw pixels",
        ],
        &rows,
    ));
    if whole.results.len() < whole.folds as usize {
        page.paragraph(&format!(
            "Only {} of {} folds are trained so far.",
            whole.results.len(),
            whole.folds
        ));
    }
}
