//! How good a classifier's answers are.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::trust::TrustReport;

/// Numbers of one class, one against the rest; all `None` where the data has no image of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Images of the class.
    pub images: u64,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Right answers among those that name the class; 0 where none does.
    pub precision: Option<f64>,
    /// Right answers among the class's images.
    pub recall: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
}

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
        (0..self.probabilities.len())
            .max_by(|&a, &b| self.probabilities[a].total_cmp(&self.probabilities[b]))
            .unwrap_or_default()
    }
}

/// Probabilities below this count as this in the loss, so that one sure mistake stays finite.
const SMALLEST_PROBABILITY: f64 = 1e-12;

/// All numbers from the answers; `classes` in the order of the probabilities.
pub fn report(classes: &[String], answers: &[Answer]) -> Report {
    let count = classes.len();
    let mut confusion = vec![vec![0u64; count]; count];
    let mut loss = 0.0;
    for answer in answers {
        confusion[answer.label][answer.predicted()] += 1;
        let probability = f64::from(answer.probabilities[answer.label]);
        loss -= probability.max(SMALLEST_PROBABILITY).ln();
    }
    let total = answers.len().max(1) as f64;
    let right: u64 = (0..count).map(|class| confusion[class][class]).sum();
    let per_class: IndexMap<String, ClassReport> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| (name.clone(), class_report(class, &confusion, answers)))
        .collect();
    let mean = |field: fn(&ClassReport) -> Option<f64>| {
        let values: Vec<f64> = per_class.values().filter_map(field).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Report {
        accuracy: right as f64 / total,
        loss: loss / total,
        auc_macro: mean(|c| c.auc),
        precision_macro: mean(|c| c.precision),
        recall_macro: mean(|c| c.recall),
        f1_macro: mean(|c| c.f1),
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
        confusion,
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

fn class_report(class: usize, confusion: &[Vec<u64>], answers: &[Answer]) -> ClassReport {
    let images: u64 = confusion[class].iter().sum();
    let named: u64 = confusion.iter().map(|row| row[class]).sum();
    let right = confusion[class][class] as f64;
    let present = images > 0;
    let precision = if named > 0 { right / named as f64 } else { 0.0 };
    let recall = right / images.max(1) as f64;
    let f1 = if precision + recall > 0.0 {
        2.0 * precision * recall / (precision + recall)
    } else {
        0.0
    };
    let scores: Vec<(f32, bool)> = answers
        .iter()
        .map(|answer| (answer.probabilities[class], answer.label == class))
        .collect();
    ClassReport {
        images,
        auc: auc(&scores),
        precision: present.then_some(precision),
        recall: present.then_some(recall),
        f1: present.then_some(f1),
    }
}

/// Area under the ROC curve by ranks (Mann and Whitney 1947), ties counted half; `None` where one
/// side has no member.
pub fn auc(scores: &[(f32, bool)]) -> Option<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = sorted.iter().filter(|(_, positive)| *positive).count() as f64;
    let negatives = sorted.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < sorted.len() {
        let tied = sorted[start..]
            .iter()
            .take_while(|(score, _)| *score == sorted[start].0)
            .count();
        let mean_rank = start as f64 + (tied as f64 + 1.0) / 2.0;
        let positive = sorted[start..start + tied]
            .iter()
            .filter(|(_, p)| *p)
            .count();
        rank_sum += mean_rank * positive as f64;
        start += tied;
    }
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn auc_equals_the_pairwise_definition(
            scores in prop::collection::vec((0u8..6, any::<bool>()), 2..40),
        ) {
            let scores: Vec<(f32, bool)> = scores.iter().map(|&(s, p)| (f32::from(s), p)).collect();
            let (mut won, mut pairs) = (0.0, 0.0);
            for &(a, _) in scores.iter().filter(|s| s.1) {
                for &(b, _) in scores.iter().filter(|s| !s.1) {
                    pairs += 1.0;
                    won += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
            match auc(&scores) {
                Some(value) => prop_assert!((value - won / pairs).abs() < 1e-9),
                None => prop_assert_eq!(pairs, 0.0),
            }
        }
    }
}
