//! Logits and features of many images.

use anyhow::{Context, Result};
use burn::tensor::{Tensor, backend::Backend};
use rayon::prelude::*;
use scanlight_model::arch::moments;
use scanlight_model::bundle::Bundle;
use scanlight_model::preprocess::to_tensor;
use scanlight_model::trust::tta::{View, view_values};

use crate::backend::{BackendName, WithInferenceBackend};
use crate::data::Image;
use crate::progress::Progress;

/// Images in one pass.
const BATCH: usize = 32;

/// What a network gives for each of some images, in their order.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// Logits in class order.
    pub logits: Vec<Vec<f32>>,
    /// Means, then deviations of the last feature maps' channels.
    pub features: Vec<Vec<f32>>,
}

/// A bundle's outputs for normalised inputs.
pub struct OutputsWork<'a> {
    /// The model.
    pub bundle: &'a Bundle,
    /// Inputs of its geometry.
    pub inputs: &'a [&'a [f32]],
    /// What the progress is called.
    pub title: &'a str,
}

impl WithInferenceBackend for OutputsWork<'_> {
    type Output = Outputs;

    fn run<B: Backend>(self, _name: &str, device: B::Device) -> Result<Outputs> {
        let network = self.bundle.network::<B>(&device)?;
        let classes = self.bundle.manifest.classes.len();
        let progress = Progress::new(self.title, self.inputs.len() as u64);
        let mut outputs = Outputs::default();
        for batch in self.inputs.chunks(BATCH) {
            let input = to_tensor::<B>(batch, &self.bundle.manifest.input, &device);
            let features = network.features(input);
            let joined = Tensor::cat(vec![network.head(features.clone()), moments(features)], 1);
            let row = joined.dims()[1];
            let values: Vec<f32> = joined
                .into_data()
                .convert::<f32>()
                .into_vec()
                .ok()
                .context("the backend gave the logits in an unknown form")?;
            for image in values.chunks_exact(row) {
                let (logits, features) = image.split_at(classes);
                outputs.logits.push(logits.to_vec());
                outputs.features.push(features.to_vec());
            }
            progress.set(outputs.logits.len() as u64, "");
        }
        progress.finish();
        Ok(outputs)
    }
}

/// Outputs by view, then by image; the images have their larger copies.
pub fn view_outputs(
    bundle: &Bundle,
    images: &[&Image],
    views: &[View],
    backend: BackendName,
) -> Result<Vec<Outputs>> {
    let geometry = &bundle.manifest.input;
    let mut all = Vec::with_capacity(views.len());
    for (number, view) in views.iter().enumerate() {
        let planes: Vec<Vec<f32>> = images
            .par_iter()
            .map(|image| {
                let large: Vec<f32> = image.source.iter().map(|&v| f32::from(v)).collect();
                view_values(&image.clean, &large, geometry, view)
            })
            .collect();
        let inputs: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        all.push(backend.infer(OutputsWork {
            bundle,
            inputs: &inputs,
            title: &format!("view {} of {}", number + 1, views.len()),
        })?);
    }
    Ok(all)
}
