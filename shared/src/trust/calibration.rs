//! Calibration: of the answers given with 80 % confidence, are 80 % right?
//!
//! Temperature scaling and the expected calibration error after Guo et al. 2017
//! (<https://arxiv.org/abs/1706.04599>); the adaptive error, with bins of equal content, after
//! Nguyen and O'Connor 2015 (<https://arxiv.org/abs/1508.05154>); the score of Brier 1950
//! (<https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2>).

use serde::{Deserialize, Serialize};

use super::argmax;

/// Number of bins of the calibration errors and of the reliability diagram.
pub const BINS: usize = 15;
/// The temperatures among which [`fit_temperature`] searches.
pub const TEMPERATURES: (f64, f64) = (0.05, 20.0);

/// Mean cross-entropy in nats of logits divided by a temperature (above 0); 0 for no rows.
pub fn cross_entropy(logits: &[Vec<f32>], labels: &[usize], temperature: f64) -> f64 {
    let total: f64 = logits
        .iter()
        .zip(labels)
        .map(|(row, &label)| {
            let scaled = |v: f32| f64::from(v) / temperature;
            let highest = row
                .iter()
                .map(|&v| scaled(v))
                .fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|&v| (scaled(v) - highest).exp()).sum();
            highest + sum.ln() - row.get(label).map_or(f64::NEG_INFINITY, |&v| scaled(v))
        })
        .sum();
    total / logits.len().max(1) as f64
}

/// The temperature in [`TEMPERATURES`] with the least [`cross_entropy`]; 1 for no rows.
///
/// The cross-entropy is convex in 1/T and therefore has one valley in log T, where a golden-section
/// search finds its floor to within 0.01 %. Where every answer is right, an ever smaller temperature
/// would be better still; the search then ends at its lower end, so it stops at 1 instead.
pub fn fit_temperature(logits: &[Vec<f32>], labels: &[usize]) -> f32 {
    if logits.is_empty() {
        return 1.0;
    }
    let all_right = logits
        .iter()
        .zip(labels)
        .all(|(row, &label)| argmax(row) == label);
    // Sharpening without a single mistake in sight would be a promise that nothing supports.
    let lowest = if all_right { 1.0 } else { TEMPERATURES.0 };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (lowest.ln(), TEMPERATURES.1.ln());
    let loss = |log: f64| cross_entropy(logits, labels, log.exp());
    let mut inner = [high - ratio * (high - low), low + ratio * (high - low)];
    let mut values = inner.map(loss);
    while high - low > 1e-4 {
        if values[0] <= values[1] {
            high = inner[1];
            inner = [high - ratio * (high - low), inner[0]];
            values = [loss(inner[0]), values[0]];
        } else {
            low = inner[0];
            inner = [inner[1], low + ratio * (high - low)];
            values = [values[1], loss(inner[1])];
        }
    }
    ((low + high) / 2.0).exp() as f32
}

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

/// Mean over answers of the squared distance between the probabilities and the truth, 0..=2.
pub fn brier(probabilities: &[Vec<f32>], labels: &[usize]) -> f64 {
    let total: f64 = probabilities
        .iter()
        .zip(labels)
        .map(|(row, &label)| {
            row.iter()
                .enumerate()
                .map(|(class, &p)| (f64::from(p) - f64::from(class == label)).powi(2))
                .sum::<f64>()
        })
        .sum();
    total / probabilities.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::softmax;
    use proptest::prelude::*;

    /// Rows of logits and labels drawn from their own probabilities at a temperature.
    fn drawn(count: usize, temperature: f32) -> (Vec<Vec<f32>>, Vec<usize>) {
        let mut state = 12345u64;
        let mut uniform = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        (0..count)
            .map(|_| {
                let row: Vec<f32> = (0..4).map(|_| 8.0 * uniform()).collect();
                let mut left = uniform();
                let label = softmax(&row, temperature).iter().position(|p| {
                    left -= p;
                    left < 0.0
                });
                (row, label.unwrap_or(3))
            })
            .unzip()
    }

    #[test]
    fn finds_the_planted_temperature() {
        for planted in [0.5, 1.0, 2.5] {
            let (logits, labels) = drawn(20_000, planted);
            let found = fit_temperature(&logits, &labels);
            assert!(
                (found / planted - 1.0).abs() < 0.05,
                "{planted} became {found}"
            );
        }
    }

    #[test]
    fn scaling_lowers_the_errors_of_an_overconfident_model() {
        let (logits, labels) = drawn(20_000, 2.5);
        let at = |temperature: f32| -> (f64, f64) {
            let rows: Vec<_> = logits.iter().map(|row| softmax(row, temperature)).collect();
            (ece(&confidences(&rows, &labels)), brier(&rows, &labels))
        };
        let (before, after) = (at(1.0), at(fit_temperature(&logits, &labels)));
        assert!(before.0 > 0.1 && after.0 < 0.02, "{before:?} {after:?}");
        assert!(after.1 < before.1);
    }

    #[test]
    fn sharpening_needs_a_mistake() {
        let logits = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        assert!(fit_temperature(&logits, &[0, 1]) >= 0.999);
        assert_eq!(fit_temperature(&[], &[]), 1.0);
    }

    #[test]
    fn hand_counted_errors() {
        // Two bins: 0.9 sure and right half of the time; 0.6 sure and always right.
        let answers = [(0.9, true), (0.9, false), (0.6, true), (0.6, true)];
        assert!((ece(&answers) - 0.4).abs() < 1e-12);
        assert_eq!(ece(&[]), 0.0);
        let rows = vec![vec![0.8, 0.2], vec![0.5, 0.5]];
        assert!((brier(&rows, &[0, 1]) - (0.08 + 0.5) / 2.0).abs() < 1e-6);
    }

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

        #[test]
        fn the_fitted_temperature_is_a_minimum(
            rows in prop::collection::vec(
                (prop::collection::vec(-6f32..6.0, 3), 0usize..3), 5..40),
        ) {
            let (logits, labels): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            let best = f64::from(fit_temperature(&logits, &labels));
            let at = |t: f64| cross_entropy(&logits, &labels, t);
            let near = (best * 1.2).min(TEMPERATURES.1);
            prop_assert!(at(best) <= at(near).min(at(1.0)) + 1e-3);
        }
    }
}
