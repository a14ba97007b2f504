//! Calibration: of the answers given with 80 % confidence, are 80 % right?
//!
//! Temperature scaling after Guo et al. 2017 (<https://arxiv.org/abs/1706.04599>); the score of Brier 1950
//! (<https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2>).

use super::argmax;
pub use scanlight_measures::calibration::*;

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
