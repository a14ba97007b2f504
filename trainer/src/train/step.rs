//! One optimiser step.

use burn::module::AutodiffModule;
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamConfig, GradientsParams, Optimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{ElementConversion, Tensor, TensorData};
use scanlight_model::arch::Network;
use scanlight_model::preprocess::to_tensor;

use super::batches::Batch;
use crate::config::Config;

/// The optimiser of a network.
pub type NetworkOptimizer<B> = OptimizerAdaptor<Adam, Network<B>, B>;

/// A fresh Adam optimiser.
pub fn optimizer<B: AutodiffBackend>(config: &Config) -> NetworkOptimizer<B>
where
    Network<B>: AutodiffModule<B>,
{
    let decay = config.optimizer.weight_decay;
    AdamConfig::new()
        .with_epsilon(1e-8)
        .with_weight_decay((decay > 0.0).then(|| WeightDecayConfig::new(decay)))
        .init()
}

/// Weighted cross-entropy with label smoothing, the mean over the batch's weights.
pub fn loss<B: AutodiffBackend>(
    logits: Tensor<B, 2>,
    classes: &[usize],
    class_weights: &[f32],
    smoothing: f32,
    device: &B::Device,
) -> Tensor<B, 1> {
    let [batch, count] = logits.dims();
    let total: f32 = classes.iter().map(|&class| class_weights[class]).sum();
    let mut targets = vec![0.0; batch * count];
    for (row, &class) in targets.chunks_exact_mut(count).zip(classes) {
        let weight = class_weights[class] / total;
        row.fill(weight * smoothing / count as f32);
        row[class] += weight * (1.0 - smoothing);
    }
    let targets = Tensor::<B, 2>::from_data(TensorData::new(targets, [batch, count]), device);
    (log_softmax(logits, 1) * targets).sum().neg()
}

/// One step; gives the network and the loss before it.
pub fn step<B: AutodiffBackend>(
    network: Network<B>,
    optimizer: &mut NetworkOptimizer<B>,
    batch: &Batch,
    class_weights: &[f32],
    config: &Config,
    learning_rate: f64,
    device: &B::Device,
) -> (Network<B>, f32) {
    let planes: Vec<&[f32]> = batch.inputs.iter().map(Vec::as_slice).collect();
    let input = to_tensor::<B>(&planes, &config.input, device);
    let loss = loss(
        network.forward(input),
        &batch.classes,
        class_weights,
        config.label_smoothing,
        device,
    );
    let value = loss.clone().into_scalar().elem::<f32>();
    let gradients = GradientsParams::from_grads(loss.backward(), &network);
    (optimizer.step(learning_rate, network, gradients), value)
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
    use burn_autodiff::Autodiff;

    type B = Autodiff<burn_flex::Flex>;

    #[test]
    fn loss_equals_the_definition() {
        let device = Default::default();
        let logits = Tensor::<B, 2>::from_data([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]], &device);
        let weights = [1.0, 2.0, 0.5];
        let value = loss(logits, &[1, 2], &weights, 0.0, &device)
            .into_scalar()
            .elem::<f64>();
        let negative_log = |row: [f64; 3], class: usize| {
            row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[class]
        };
        let expected = (2.0 * negative_log([1.0, 2.0, 0.5], 1)
            + 0.5 * negative_log([0.0, -1.0, 3.0], 2))
            / 2.5;
        assert!((value - expected).abs() < 1e-5, "{value} {expected}");
    }

    #[test]
    fn rare_classes_weigh_more() {
        assert_eq!(class_weights(&[10, 30], true), [2.0, 40.0 / 60.0]);
        assert_eq!(class_weights(&[10, 30], false), [1.0, 1.0]);
    }
}
