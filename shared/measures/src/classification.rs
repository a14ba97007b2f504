//! How often a classifier is right, by class.

use crate::argmax;
use serde::{Deserialize, Serialize};

/// Probabilities below this count as this in the loss, so that one sure mistake stays finite.
const SMALLEST_PROBABILITY: f64 = 1e-12;

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

/// Numbers of a set of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Right answers.
    pub right: u64,
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
    /// In the model's order.
    pub per_class: Vec<ClassReport>,
    /// Images by true class (rows) and predicted class (columns), in the model's order.
    pub confusion: Vec<Vec<u64>>,
}

/// All numbers of answers of a model with so many classes: true classes, all of them the model's, and probabilities in
/// the model's order.
pub fn measure(classes: usize, labels: &[usize], probabilities: &[&[f32]]) -> Numbers {
    let mut confusion = vec![vec![0u64; classes]; classes];
    let mut loss = 0.0;
    for (&label, row) in labels.iter().zip(probabilities) {
        confusion[label][argmax(row)] += 1;
        loss -= f64::from(row[label]).max(SMALLEST_PROBABILITY).ln();
    }
    let total = labels.len().max(1) as f64;
    let right: u64 = (0..classes).map(|class| confusion[class][class]).sum();
    let per_class: Vec<ClassReport> = (0..classes)
        .map(|class| class_report(class, &confusion, labels, probabilities))
        .collect();
    let mean = |field: fn(&ClassReport) -> Option<f64>| {
        let values: Vec<f64> = per_class.iter().filter_map(field).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Numbers {
        right,
        accuracy: right as f64 / total,
        loss: loss / total,
        auc_macro: mean(|c| c.auc),
        precision_macro: mean(|c| c.precision),
        recall_macro: mean(|c| c.recall),
        f1_macro: mean(|c| c.f1),
        per_class,
        confusion,
    }
}

fn class_report(
    class: usize,
    confusion: &[Vec<u64>],
    labels: &[usize],
    probabilities: &[&[f32]],
) -> ClassReport {
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
    let scores: Vec<(f32, bool)> = labels
        .iter()
        .zip(probabilities)
        .map(|(&label, row)| (row[class], label == class))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
