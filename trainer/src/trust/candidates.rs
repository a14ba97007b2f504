//! The scores of strangeness that are compared.

use scanlight_model::trust::ood::{Detector, MAX_AXES};

use super::axes::gaussian;
use super::outputs::Outputs;

/// A feature's deviation counts as at least this share of the mean one, so that channels that are
/// dead on all training images do not decide alone.
const LEAST_DEVIATION: f32 = 0.05;

/// Every kind of detector, fitted to training images in so many groups: classes, or finer.
pub fn candidates(train: &Outputs, labels: &[usize], classes: usize) -> Vec<Detector> {
    let scale = scale(&train.features, labels, classes);
    let rows: Vec<Vec<f32>> = train
        .features
        .iter()
        .map(|row| row.iter().zip(&scale).map(|(x, s)| x * s).collect())
        .collect();
    // Half as many axes as images leave something to estimate the rest from.
    let rank = MAX_AXES.min(rows.len() / 2);
    let around_classes = gaussian(&rows, labels, means(&rows, labels, classes), rank);
    let zeros = vec![0; rows.len()];
    let around_all = gaussian(&rows, &zeros, means(&rows, &zeros, 1), rank);
    vec![
        Detector::Mahalanobis {
            scale: scale.clone(),
            classes: around_classes.clone(),
        },
        Detector::RelativeMahalanobis {
            scale,
            classes: around_classes,
            all: around_all,
        },
        Detector::Energy,
    ]
}

/// The classes' means; a class without images gets the mean of all.
fn means(rows: &[Vec<f32>], labels: &[usize], classes: usize) -> Vec<Vec<f32>> {
    let length = rows.first().map_or(0, Vec::len);
    let mean = |class: Option<usize>| -> Option<Vec<f32>> {
        let mut sum = vec![0.0f64; length];
        let mut count = 0.0;
        for (row, &label) in rows.iter().zip(labels) {
            if class.is_none_or(|class| class == label) {
                for (sum, &x) in sum.iter_mut().zip(row) {
                    *sum += f64::from(x);
                }
                count += 1.0;
            }
        }
        (count > 0.0).then(|| sum.iter().map(|s| (s / count) as f32).collect())
    };
    (0..classes)
        .map(|class| {
            mean(Some(class))
                .or_else(|| mean(None))
                .unwrap_or_else(|| vec![0.0; length])
        })
        .collect()
}

/// One over each feature's deviation within its class.
fn scale(rows: &[Vec<f32>], labels: &[usize], classes: usize) -> Vec<f32> {
    let means = means(rows, labels, classes);
    let length = rows.first().map_or(0, Vec::len);
    let mut squares = vec![0.0f64; length];
    for (row, &label) in rows.iter().zip(labels) {
        for ((square, &x), &m) in squares.iter_mut().zip(row).zip(&means[label]) {
            *square += f64::from(x - m).powi(2);
        }
    }
    let deviations: Vec<f32> = squares
        .iter()
        .map(|s| (s / rows.len().max(1) as f64).sqrt() as f32)
        .collect();
    let mean = deviations.iter().sum::<f32>() / length.max(1) as f32;
    deviations
        .iter()
        .map(|d| 1.0 / d.max(LEAST_DEVIATION * mean).max(1e-6))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_rows_are_stranger_than_near_ones() {
        // Two classes in three features, one of them dead.
        let row = |i: usize| {
            let noise = |k: usize| ((i * k) % 17) as f32 / 17.0 - 0.5;
            vec![(i % 2) as f32 * 4.0 + noise(5), noise(7), 0.0]
        };
        let train = Outputs {
            logits: vec![vec![0.0; 2]; 100],
            features: (0..100).map(row).collect(),
        };
        let labels: Vec<usize> = (0..100).map(|i| i % 2).collect();
        for detector in candidates(&train, &labels, 2) {
            if detector == Detector::Energy {
                continue;
            }
            let score = |features: [f32; 3]| detector.score(&[0.0; 2], &features);
            let near = score([0.1, 0.1, 0.0]).max(score([4.1, -0.1, 0.0]));
            // The relative distance does not see what all classes have in common.
            if matches!(detector, Detector::Mahalanobis { .. }) {
                assert!(score([0.0, 5.0, 0.0]) > near);
            }
            assert!(
                score([2.0, 0.0, 0.0]) > near,
                "between the classes: {detector:?}"
            );
        }
    }
}
