//! A cross-validation's folds.

use super::{accuracy, number, percent};
use crate::commands::train::{CrossValidation, Spread, Together};
use crate::html::{Page, table};

/// Each fold's numbers, their mean and deviation, and those of all answers together.
pub fn folds(page: &mut Page, whole: &CrossValidation, together: &Together) {
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
    let decimals = |found: Option<Spread>| {
        found.map_or("-".into(), |found| {
            format!("{:.4} ± {:.4}", found.mean, found.sd)
        })
    };
    let share = |found: Option<Spread>| {
        found.map_or("-".into(), |found| {
            format!("{} ± {:.2}", percent(found.mean), 100.0 * found.sd)
        })
    };
    rows.push(vec![
        "mean ± standard deviation".into(),
        String::new(),
        share(Some(together.accuracy)),
        decimals(Some(together.loss)),
        decimals(together.auc_macro),
        decimals(together.f1_macro),
        share(together.nearest_neighbour_accuracy),
    ]);
    let pooled = &together.pooled;
    rows.push(vec![
        "all answers together (95 % bootstrap interval over images)".into(),
        pooled.images.len().to_string(),
        accuracy(pooled),
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
