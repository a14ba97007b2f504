//! How good a classifier's answers are.

use indexmap::IndexMap;
use scanlight_measures::classification::measure;
pub use scanlight_measures::classification::{ClassReport, auc};
use serde::{Deserialize, Serialize};

use crate::trust::TrustReport;

/// Answer for one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageReport {
    /// Path relative to the data set.
    pub path: String,
    /// True class.
    pub label: String,
    /// Most probable class.
    pub predicted: String,
    /// Probability of each class.
    pub probabilities: IndexMap<String, f64>,
    /// How unsure the answer is, by the model's measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<f64>,
    /// How unlike the training images it is, by the model's measure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ood: Option<f64>,
    /// What the page would say: `class`, `unsure` or `not_like_training`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

/// Numbers of a whole data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Mean over the classes that have one.
    pub auc_macro: Option<f64>,
    /// Mean over the classes that the data has.
    pub precision_macro: Option<f64>,
    /// Mean over the classes that the data has.
    pub recall_macro: Option<f64>,
    /// Mean over the classes that the data has.
    pub f1_macro: Option<f64>,
    /// By class, in the model's order.
    pub per_class: IndexMap<String, ClassReport>,
    /// Images by true class (rows) and predicted class (columns), in the model's order.
    pub confusion: Vec<Vec<u64>>,
    /// One entry an image.
    pub images: Vec<ImageReport>,
    /// Calibration, uncertainty and strangeness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustReport>,
}

impl Report {
    /// Each image's probabilities in the classes' order, and the labels' indices.
    pub fn answers(&self) -> (Vec<Vec<f32>>, Vec<usize>) {
        self.images
            .iter()
            .map(|image| {
                let row = image.probabilities.values().map(|&p| p as f32).collect();
                let label = image.probabilities.get_index_of(&image.label);
                (row, label.unwrap_or_default())
            })
            .unzip()
    }
}

/// One answered image.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Path relative to the data set.
    pub path: String,
    /// Index of the true class.
    pub label: usize,
    /// Probabilities in class order.
    pub probabilities: Vec<f32>,
}

impl Answer {
    /// Index of the most probable class.
    pub fn predicted(&self) -> usize {
        scanlight_measures::argmax(&self.probabilities)
    }
}

/// All numbers from the answers; `classes` in the order of the probabilities.
pub fn report(classes: &[String], answers: &[Answer]) -> Report {
    let labels: Vec<usize> = answers.iter().map(|answer| answer.label).collect();
    let rows: Vec<&[f32]> = answers
        .iter()
        .map(|answer| answer.probabilities.as_slice())
        .collect();
    let numbers = measure(classes.len(), &labels, &rows);
    let per_class = classes.iter().cloned().zip(numbers.per_class).collect();
    Report {
        accuracy: numbers.accuracy,
        loss: numbers.loss,
        auc_macro: numbers.auc_macro,
        precision_macro: numbers.precision_macro,
        recall_macro: numbers.recall_macro,
        f1_macro: numbers.f1_macro,
        images: answers
            .iter()
            .map(|answer| ImageReport {
                path: answer.path.clone(),
                label: classes[answer.label].clone(),
                predicted: classes[answer.predicted()].clone(),
                probabilities: named(classes, &answer.probabilities),
                uncertainty: None,
                ood: None,
                verdict: None,
            })
            .collect(),
        per_class,
        confusion: numbers.confusion,
        trust: None,
    }
}

/// Probabilities under their class names, in class order.
pub fn named(classes: &[String], probabilities: &[f32]) -> IndexMap<String, f64> {
    classes
        .iter()
        .cloned()
        .zip(probabilities.iter().map(|&p| f64::from(p)))
        .collect()
}

impl Report {
    /// The numbers as a table for people.
    pub fn table(&self) -> String {
        use std::fmt::Write;
        let number = |value: Option<f64>| value.map_or("    -".into(), |v| format!("{v:.4}"));
        let mut text = String::new();
        let width = self
            .per_class
            .keys()
            .map(|class| class.chars().count())
            .max()
            .unwrap_or(0)
            .max(8);
        let _ = writeln!(
            text,
            "{:width$}  images  AUC     precision  recall  F1",
            "class"
        );
        for (name, class) in &self.per_class {
            let _ = writeln!(
                text,
                "{:width$}  {:>6}  {:6}  {:9}  {:6}  {}",
                name,
                class.images,
                number(class.auc),
                number(class.precision),
                number(class.recall),
                number(class.f1)
            );
        }
        let _ = writeln!(
            text,
            "{:width$}  {:>6}  {:6}  {:9}  {:6}  {}",
            "macro",
            self.images.len(),
            number(self.auc_macro),
            number(self.precision_macro),
            number(self.recall_macro),
            number(self.f1_macro)
        );
        let _ = writeln!(text, "\nconfusion (rows: true, columns: predicted)");
        for (class, row) in self.per_class.keys().zip(&self.confusion) {
            let cells: String = row.iter().map(|n| format!("{n:>6}")).collect();
            let _ = writeln!(text, "{class:width$}{cells}");
        }
        let _ = write!(
            text,
            "\naccuracy {:.4}   loss {:.4}   macro AUC {}",
            self.accuracy,
            self.loss,
            number(self.auc_macro)
        );
        if let Some(trust) = &self.trust {
            let _ = write!(text, "\n{}", trust.table());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes() -> Vec<String> {
        ["a", "b", "c"].map(String::from).to_vec()
    }

    fn answer(label: usize, probabilities: [f32; 3]) -> Answer {
        Answer {
            path: String::new(),
            label,
            probabilities: probabilities.to_vec(),
        }
    }

    #[test]
    fn hand_counted_numbers() {
        let answers = [
            answer(0, [0.8, 0.1, 0.1]),
            answer(0, [0.2, 0.7, 0.1]),
            answer(1, [0.1, 0.8, 0.1]),
            answer(1, [0.3, 0.6, 0.1]),
        ];
        let report = report(&classes(), &answers);
        assert_eq!(report.accuracy, 0.75);
        assert_eq!(report.confusion, [[1, 1, 0], [0, 2, 0], [0, 0, 0]]);
        let b = &report.per_class["b"];
        assert_eq!(b.recall, Some(1.0));
        assert!((b.precision.unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert!((b.f1.unwrap() - 0.8).abs() < 1e-12);
        // a against the rest: 0.8 and 0.2 against 0.1 and 0.3.
        assert_eq!(report.per_class["a"].auc, Some(0.75));
        let expected = -(0.8f64.ln() + 0.2f64.ln() + 0.8f64.ln() + 0.6f64.ln()) / 4.0;
        assert!((report.loss - expected).abs() < 1e-6);
    }

    #[test]
    fn a_class_without_images_is_null() {
        let report = report(&classes(), &[answer(0, [0.9, 0.05, 0.05])]);
        let c = &report.per_class["c"];
        assert_eq!(
            (c.auc, c.precision, c.recall, c.f1),
            (None, None, None, None)
        );
        assert_eq!(report.auc_macro, None);
        assert_eq!(report.f1_macro, Some(1.0));
        let json = serde_json::to_value(&report).unwrap();
        assert!(json["per_class"]["c"]["auc"].is_null());
    }
}
