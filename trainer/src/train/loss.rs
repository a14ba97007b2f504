//! The loss and its targets.

use burn::tensor::activation::log_softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};

/// How target distributions are made from classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// Weight of each class in the loss.
    pub class_weights: Vec<f32>,
    /// Share of each target that is spread evenly over all classes.
    pub smoothing: f32,
}

impl Targets {
    /// The target of an input that holds `share` of one class and the rest of another, before
    /// smoothing: one probability per class.
    pub fn distribution(&self, class: usize, other: usize, share: f32) -> Vec<f32> {
        let mut target = vec![0.0; self.class_weights.len()];
        target[class] += share;
        target[other] += 1.0 - share;
        target
    }

    /// Weighted cross-entropy of logits `[N, C]` with target distributions (N rows of C), a tensor of
    /// one element.
    ///
    /// An input's weight is the mean of the class weights under its target; the loss is the weighted
    /// mean over the batch of the cross-entropy with the smoothed target. For targets of a single
    /// class that is the usual weighted cross-entropy with label smoothing.
    pub fn loss<B: Backend>(
        &self,
        logits: Tensor<B, 2>,
        targets: &[Vec<f32>],
        device: &B::Device,
    ) -> Tensor<B, 1> {
        let [batch, count] = logits.dims();
        let weight = |target: &[f32]| -> f32 {
            target
                .iter()
                .zip(&self.class_weights)
                .map(|(t, w)| t * w)
                .sum()
        };
        let total: f32 = targets.iter().map(|target| weight(target)).sum();
        let mut values = Vec::with_capacity(batch * count);
        for target in targets {
            let factor = weight(target) / total;
            let spread = self.smoothing / count as f32;
            values.extend(
                target
                    .iter()
                    .map(|t| factor * (t * (1.0 - self.smoothing) + spread)),
            );
        }
        let targets = Tensor::<B, 2>::from_data(TensorData::new(values, [batch, count]), device);
        (log_softmax(logits, 1) * targets).sum().neg()
    }
}

/// Weight of each class: the inverse of its share of the images, 1 on average; or all 1.
pub fn class_weights(counts: &[usize], enabled: bool) -> Vec<f32> {
    let total: usize = counts.iter().sum();
    counts
        .iter()
        .map(|&count| {
            if enabled && count > 0 {
                total as f32 / (counts.len() * count) as f32
            } else {
                1.0
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::ElementConversion;
    use proptest::prelude::*;

    type B = burn_flex::Flex;

    /// The definition, in 64 bits.
    fn defined(
        logits: &[[f64; 3]],
        targets: &[Vec<f32>],
        weights: [f64; 3],
        smoothing: f64,
    ) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, target) in logits.iter().zip(targets) {
            let log_sum = row.iter().map(|v| v.exp()).sum::<f64>().ln();
            let weight: f64 = (0..3).map(|c| f64::from(target[c]) * weights[c]).sum();
            let entropy: f64 = (0..3)
                .map(|c| {
                    let smooth = f64::from(target[c]) * (1.0 - smoothing) + smoothing / 3.0;
                    smooth * (log_sum - row[c])
                })
                .sum();
            sum += weight * entropy;
            total += weight;
        }
        sum / total
    }

    fn loss(logits: &[[f64; 3]], targets: &[Vec<f32>], weights: [f64; 3], smoothing: f64) -> f64 {
        let device = Default::default();
        let values: Vec<f32> = logits.iter().flatten().map(|&v| v as f32).collect();
        let data = TensorData::new(values, [logits.len(), 3]);
        Targets {
            class_weights: weights.map(|w| w as f32).to_vec(),
            smoothing: smoothing as f32,
        }
        .loss::<B>(Tensor::from_data(data, &device), targets, &device)
        .into_scalar()
        .elem()
    }

    #[test]
    fn single_classes_give_the_weighted_cross_entropy() {
        let logits = [[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]];
        let weights = [1.0, 2.0, 0.5];
        let targets = [vec![0.0, 1.0, 0.0], vec![0.0, 0.0, 1.0]];
        let negative_log = |row: [f64; 3], class: usize| {
            row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[class]
        };
        let expected = (2.0 * negative_log(logits[0], 1) + 0.5 * negative_log(logits[1], 2)) / 2.5;
        let value = loss(&logits, &targets, weights, 0.0);
        assert!((value - expected).abs() < 1e-5, "{value} {expected}");
    }

    #[test]
    fn mixed_targets_sum_to_one() {
        let targets = Targets {
            class_weights: vec![1.0, 1.0, 1.0],
            smoothing: 0.1,
        };
        assert_eq!(targets.distribution(0, 2, 0.75), [0.75, 0.0, 0.25]);
        assert_eq!(targets.distribution(1, 1, 0.3), [0.0, 1.0, 0.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn soft_targets_equal_the_definition(
            logits in prop::collection::vec([-4.0..4.0f64, -4.0..4.0, -4.0..4.0], 1..5),
            draws in prop::collection::vec((0usize..3, 0usize..3, 0.0..1.0f32), 5),
            weights in [0.1..3.0f64, 0.1..3.0, 0.1..3.0],
            smoothing in 0.0..0.5f64,
        ) {
            let maker = Targets { class_weights: vec![1.0; 3], smoothing: 0.0 };
            let targets: Vec<Vec<f32>> = draws[..logits.len()]
                .iter()
                .map(|&(class, other, share)| maker.distribution(class, other, share))
                .collect();
            for target in &targets {
                prop_assert!((target.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
            let value = loss(&logits, &targets, weights, smoothing);
            let expected = defined(&logits, &targets, weights, smoothing);
            prop_assert!((value - expected).abs() < 1e-4, "{} {}", value, expected);
        }
    }

    #[test]
    fn rare_classes_weigh_more() {
        assert_eq!(class_weights(&[10, 30], true), [2.0, 40.0 / 60.0]);
        assert_eq!(class_weights(&[10, 30], false), [1.0, 1.0]);
    }
}
