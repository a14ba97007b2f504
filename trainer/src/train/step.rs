//! One optimiser step.

use anyhow::{Context, Result};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;
use scanlight_model::arch::Network;
use scanlight_model::preprocess::to_tensor;

use super::batches::Batch;
use super::initial::Rates;
use super::localisation;
use super::loss::Targets;
use super::optimizer::{NetworkOptimizer, clip};
use crate::config::Config;

/// What a step found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// The loss before the step.
    pub loss: f64,
    /// Length of the whole gradient before it was clipped.
    pub gradient_norm: f64,
}

/// One step; gives the network and what it found before.
pub fn step<B: AutodiffBackend>(
    network: Network<B>,
    optimizer: &mut NetworkOptimizer<B>,
    batch: &Batch,
    targets: &Targets,
    config: &Config,
    rates: Rates,
    device: &B::Device,
) -> Result<(Network<B>, StepResult)> {
    let planes: Vec<&[f32]> = batch.inputs.iter().map(Vec::as_slice).collect();
    let input = to_tensor::<B>(&planes, &config.input, device);
    let features = rates.features(&network, input);
    let located = localisation::loss(&network, &features, batch, config, device);
    let mut loss = targets.loss(network.head(features), &batch.targets, device);
    if let Some(located) = located {
        loss = loss + located.mul_scalar(config.localisation.weight);
    }
    let value = loss.clone().inner();
    let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
    let norm = clip(&network, &mut gradients, config.optimizer.clip_norm, device);
    // Both numbers come back in one transfer.
    let numbers: Vec<f32> = Tensor::cat(vec![value, norm], 0)
        .into_data()
        .convert::<f32>()
        .into_vec()
        .ok()
        .context("the backend gave the loss in an unknown form")?;
    let &[loss, gradient_norm] = numbers.as_slice() else {
        anyhow::bail!("the backend gave the loss in an unknown form");
    };
    let result = StepResult {
        loss: loss.into(),
        gradient_norm: gradient_norm.into(),
    };
    Ok((rates.step(optimizer, network, gradients), result))
}
