//! A loaded model: a scan in, probabilities and class-activation maps out.

use burn::tensor::{Tensor, backend::Backend};
use thiserror::Error;

use crate::arch::Network;
use crate::bundle::Manifest;
use crate::cam::{ClassMap, grad_cam};
use crate::geometry::Placement;
use crate::preprocess::{self, ModelInput};
use crate::scan::Scan;

/// Why a classification failed.
#[derive(Debug, Error)]
pub enum ClassifyError {
    /// The device did not hand the results back.
    #[error("the {backend} backend could not finish: {reason}")]
    Backend {
        /// The backend's name.
        backend: String,
        /// What it said.
        reason: String,
    },
    /// The network's outputs are not numbers.
    #[error(
        "the network gave values that are not finite; its weights or the {backend} backend are faulty"
    )]
    NotFinite {
        /// The backend's name.
        backend: String,
    },
}

/// What the network says about one scan.
#[derive(Debug, Clone)]
pub struct Classification {
    /// Logits in class order, before temperature scaling.
    pub logits: Vec<f32>,
    /// Probabilities in class order; they sum to 1.
    pub probabilities: Vec<f32>,
    /// Grad-CAM of each class, in class order.
    pub maps: Vec<ClassMap>,
    /// Where the network's input lies in the original image.
    pub placement: Placement,
}

impl Classification {
    /// Index of the most probable class.
    pub fn predicted(&self) -> usize {
        let best = (0..self.probabilities.len())
            .max_by(|&a, &b| self.probabilities[a].total_cmp(&self.probabilities[b]));
        best.unwrap_or_default()
    }

    /// Grad-CAM of a class over the whole original image, sampled at `width` x `height`: values in
    /// 0..=1, row-major. A class that does not exist gives zeros.
    pub fn heatmap(&self, class: usize, width: u32, height: u32) -> Vec<f32> {
        match self.maps.get(class) {
            Some(map) => map.upsample(&self.placement, width, height),
            None => vec![0.0; width as usize * height as usize],
        }
    }

    /// Where a class's map peaks, `[x, y]` in fractions of the original image.
    pub fn peak(&self, class: usize) -> [f32; 2] {
        match self.maps.get(class) {
            Some(map) => map.peak(&self.placement),
            None => [0.5, 0.5],
        }
    }
}

/// A network with its manifest, ready on a device.
#[derive(Debug)]
pub struct Classifier<B: Backend> {
    manifest: Manifest,
    network: Network<B>,
    device: B::Device,
}

impl<B: Backend> Classifier<B> {
    pub(crate) fn new(manifest: Manifest, network: Network<B>, device: B::Device) -> Self {
        Self {
            manifest,
            network,
            device,
        }
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The network.
    pub fn network(&self) -> &Network<B> {
        &self.network
    }

    /// The device it lies on.
    pub fn device(&self) -> &B::Device {
        &self.device
    }

    /// One pass over an empty image, so that kernels are compiled before the first scan comes.
    pub async fn warm_up(&self) -> Result<(), ClassifyError> {
        let values = vec![0.0; self.manifest.input.len()];
        self.run(&[&values]).await.map(|_| ())
    }

    /// Classifies one scan.
    pub async fn classify(&self, scan: &Scan) -> Result<Classification, ClassifyError> {
        let input = preprocess::preprocess(scan, &self.manifest.input);
        self.classify_input(input).await
    }

    /// Classifies one scan that is on the input plane already.
    pub async fn classify_input(&self, input: ModelInput) -> Result<Classification, ClassifyError> {
        let mut outputs = self.run(&[&input.values]).await?;
        match outputs.pop() {
            Some((logits, maps)) => Ok(self.finish(logits, maps, input.placement)),
            None => Err(ClassifyError::NotFinite {
                backend: B::name(&self.device),
            }),
        }
    }

    /// Classifies several inputs in one pass, in their order.
    pub async fn classify_batch(
        &self,
        inputs: &[ModelInput],
    ) -> Result<Vec<Classification>, ClassifyError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let planes: Vec<&[f32]> = inputs.iter().map(|input| input.values.as_slice()).collect();
        let outputs = self.run(&planes).await?;
        Ok(outputs
            .into_iter()
            .zip(inputs)
            .map(|((logits, maps), input)| self.finish(logits, maps, input.placement))
            .collect())
    }

    fn finish(
        &self,
        logits: Vec<f32>,
        maps: Vec<ClassMap>,
        placement: Placement,
    ) -> Classification {
        Classification {
            probabilities: softmax(&logits, self.manifest.temperature()),
            logits,
            maps,
            placement,
        }
    }

    /// A tensor's values, which must all be finite.
    pub(crate) async fn read<const D: usize>(
        &self,
        tensor: Tensor<B, D>,
    ) -> Result<Vec<f32>, ClassifyError> {
        let backend_error = |reason: String| ClassifyError::Backend {
            backend: B::name(&self.device),
            reason,
        };
        let data = tensor
            .into_data_async()
            .await
            .map_err(|error| backend_error(error.to_string()))?;
        let values: Vec<f32> = data
            .convert::<f32>()
            .into_vec()
            .map_err(|error| backend_error(format!("{error:?}")))?;
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(ClassifyError::NotFinite {
                backend: B::name(&self.device),
            })
        }
    }

    /// Logits and maps of each input, with a single read-back from the device.
    async fn run(
        &self,
        inputs: &[&[f32]],
    ) -> Result<Vec<(Vec<f32>, Vec<ClassMap>)>, ClassifyError> {
        let tensor = preprocess::to_tensor::<B>(inputs, &self.manifest.input, &self.device);
        let features = self.network.features(tensor);
        let (logits, gradients) = self
            .network
            .head_module()
            .logits_and_gradients(features.clone());
        let maps = grad_cam(features, gradients);
        let [batch, classes, height, width] = maps.dims();
        let row = 1 + height * width;
        let output: Tensor<B, 3> = Tensor::cat(
            vec![
                logits.reshape([batch, classes, 1]),
                maps.reshape([batch, classes, height * width]),
            ],
            2,
        );
        let values = self.read(output).await?;
        Ok(values
            .chunks_exact(classes * row)
            .map(|image| {
                let logits = image.chunks_exact(row).map(|class| class[0]).collect();
                let maps = image
                    .chunks_exact(row)
                    .map(|class| ClassMap::new(width, height, class[1..].to_vec()))
                    .collect();
                (logits, maps)
            })
            .collect())
    }
}

/// Probabilities from logits divided by a temperature (above 0).
pub fn softmax(logits: &[f32], temperature: f32) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits
        .iter()
        .map(|logit| ((logit - highest) / temperature).exp())
        .collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn softmax_is_a_distribution_in_the_logits_order(
            logits in prop::collection::vec(-80f32..80.0, 2..8), temperature in 0.05f32..20.0,
        ) {
            let probabilities = softmax(&logits, temperature);
            prop_assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            for i in 1..logits.len() {
                if logits[i] > logits[i - 1] {
                    prop_assert!(probabilities[i] >= probabilities[i - 1]);
                }
            }
        }
    }
}
