//! Calibration: of the answers given with 80 % confidence, are 80 % right?
//!
//! The expected calibration error after Guo et al. 2017 (<https://arxiv.org/abs/1706.04599>); the adaptive error, with
//! bins of equal content, after Nguyen and O'Connor 2015 (<https://arxiv.org/abs/1508.05154>).

use crate::argmax;
use serde::{Deserialize, Serialize};

/// Number of bins of the calibration errors and of the reliability diagram.
pub const BINS: usize = 15;

/// One bar of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lowest confidence of the bin, 0..=1.
    pub low: f64,
    /// Highest confidence of the bin, 0..=1.
    pub high: f64,
    /// Answers in it.
    pub count: u64,
    /// Their mean confidence; 0 for none.
    pub confidence: f64,
    /// Share of right ones; 0 for none.
    pub accuracy: f64,
}

/// Confidence (highest probability) and rightness of each answer.
pub fn confidences(probabilities: &[Vec<f32>], labels: &[usize]) -> Vec<(f64, bool)> {
    probabilities
        .iter()
        .zip(labels)
        .map(|(row, &label)| {
            let best = argmax(row);
            (row.get(best).map_or(0.0, |&p| f64::from(p)), best == label)
        })
        .collect()
}

fn bin(low: f64, high: f64, members: &[(f64, bool)]) -> Bin {
    let count = members.len().max(1) as f64;
    Bin {
        low,
        high,
        count: members.len() as u64,
        confidence: members.iter().map(|m| m.0).sum::<f64>() / count,
        accuracy: members.iter().filter(|m| m.1).count() as f64 / count,
    }
}

/// [`BINS`] bins of equal width over 0..=1; a confidence on a border falls into the lower bin.
pub fn reliability(answers: &[(f64, bool)]) -> Vec<Bin> {
    let mut members = vec![Vec::new(); BINS];
    for &answer in answers {
        let index = (answer.0 * BINS as f64).ceil() as usize;
        members[index.clamp(1, BINS) - 1].push(answer);
    }
    let border = |i: usize| i as f64 / BINS as f64;
    members
        .iter()
        .enumerate()
        .map(|(i, members)| bin(border(i), border(i + 1), members))
        .collect()
}

/// Up to [`BINS`] bins with the same number of answers each.
pub fn reliability_adaptive(answers: &[(f64, bool)]) -> Vec<Bin> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = sorted.len();
    (0..BINS)
        .map(|i| &sorted[i * count / BINS..(i + 1) * count / BINS])
        .filter(|members| !members.is_empty())
        .map(|members| bin(members[0].0, members[members.len() - 1].0, members))
        .collect()
}

/// Mean distance between confidence and accuracy over bins, weighted by their content, 0..=1.
pub fn calibration_error(bins: &[Bin]) -> f64 {
    let total: u64 = bins.iter().map(|bin| bin.count).sum();
    bins.iter()
        .map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs())
        .sum::<f64>()
        / total.max(1) as f64
}

/// Expected calibration error over bins of equal width, 0..=1.
pub fn ece(answers: &[(f64, bool)]) -> f64 {
    calibration_error(&reliability(answers))
}

/// Calibration error over bins of equal content, 0..=1.
pub fn ece_adaptive(answers: &[(f64, bool)]) -> f64 {
    calibration_error(&reliability_adaptive(answers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn errors_lie_in_their_ranges(
            answers in prop::collection::vec((0f64..=1.0, any::<bool>()), 1..200),
        ) {
            let bins = reliability(&answers);
            prop_assert_eq!(bins.iter().map(|b| b.count).sum::<u64>(), answers.len() as u64);
            let adaptive = reliability_adaptive(&answers);
            prop_assert_eq!(adaptive.iter().map(|b| b.count).sum::<u64>(), answers.len() as u64);
            for error in [ece(&answers), ece_adaptive(&answers)] {
                prop_assert!((0.0..=1.0).contains(&error));
            }
            // No partition can show less than the difference of the overall means.
            let count = answers.len() as f64;
            let mean = answers.iter().map(|a| a.0 - f64::from(a.1)).sum::<f64>() / count;
            prop_assert!(ece(&answers) >= mean.abs() - 1e-9);
        }
    }
}
