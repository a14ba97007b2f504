//! Probabilities of many images with a network on any backend.

use anyhow::{Context, Result};
use burn::tensor::backend::Backend;
use scanlight_model::arch::Network;
use scanlight_model::classify::softmax;
use scanlight_model::preprocess::{InputGeometry, to_tensor};

/// Images in one pass.
const BATCH: usize = 32;

/// Logits of each input, in order. `step` is told how many are done.
pub fn logits<B: Backend>(
    network: &Network<B>,
    inputs: &[&[f32]],
    geometry: &InputGeometry,
    device: &B::Device,
    mut step: impl FnMut(u64),
) -> Result<Vec<Vec<f32>>> {
    let mut rows = Vec::with_capacity(inputs.len());
    for batch in inputs.chunks(BATCH) {
        let output = network.forward(to_tensor::<B>(batch, geometry, device));
        let classes = output.dims()[1];
        let values: Vec<f32> = output
            .into_data()
            .convert::<f32>()
            .into_vec()
            .ok()
            .context("the backend gave the logits in an unknown form")?;
        rows.extend(values.chunks_exact(classes).map(<[f32]>::to_vec));
        step(rows.len() as u64);
    }
    Ok(rows)
}

/// Probabilities from rows of logits.
pub fn probabilities(logits: &[Vec<f32>], temperature: f32) -> Vec<Vec<f32>> {
    logits.iter().map(|row| softmax(row, temperature)).collect()
}
