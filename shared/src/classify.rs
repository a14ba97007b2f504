//! A loaded model: a scan in, probabilities and class-activation maps out.

use burn::tensor::{Tensor, backend::Backend};
use thiserror::Error;

use crate::arch::{Network, moments};
use crate::bundle::{Manifest, UncertaintyMethod};
use crate::cam::{ClassMap, grad_cam};
use crate::geometry::Placement;
use crate::preprocess::{self, ModelInput};
use crate::scan::Scan;
use crate::trust::ood::Detector;
use crate::trust::uncertainty::{Combined, combine, doubt, entropy};
use crate::trust::{Evidence, Verdict, judge, tta};

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
    /// Means, then deviations of the channels of the last feature maps.
    pub features: Vec<f32>,
    /// How unsure the answer is, by the manifest's measure; `None` where it names none.
    pub uncertainty: Option<f32>,
    /// How unlike the training images the picture is; `None` where the manifest names no measure.
    pub ood: Option<f32>,
    /// What should be said.
    pub verdict: Verdict,
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
    detector: Option<Detector>,
    device: B::Device,
}

/// What the network gives for one input.
struct Output {
    logits: Vec<f32>,
    maps: Vec<ClassMap>,
    features: Vec<f32>,
}

impl<B: Backend> Classifier<B> {
    pub(crate) fn new(
        manifest: Manifest,
        network: Network<B>,
        detector: Option<Detector>,
        device: B::Device,
    ) -> Self {
        Self {
            manifest,
            network,
            detector,
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
        self.classify_plane(input, scan.colourfulness()).await
    }

    /// Classifies the manifest's views of one scan in one pass, the untouched one first.
    ///
    /// The classification has the views' mean probabilities and the uncertainty between them; logits,
    /// maps and strangeness are the first view's. A manifest without views gives [`Self::classify`].
    pub async fn classify_views(&self, scan: &Scan) -> Result<Classification, ClassifyError> {
        let Some(spec) = self.manifest.trust.as_ref().and_then(|t| t.tta.as_ref()) else {
            return self.classify(scan).await;
        };
        let inputs = tta::inputs(scan, &self.manifest.input, &spec.views);
        let planes: Vec<&[f32]> = inputs.iter().map(|input| input.values.as_slice()).collect();
        let outputs = self.run(&planes).await?;
        let temperature = self.manifest.temperature();
        let rows: Vec<Vec<f32>> = outputs
            .iter()
            .map(|output| softmax(&output.logits, temperature))
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let (Some(first), Some(input), Some(combined)) = (
            outputs.into_iter().next(),
            inputs.into_iter().next(),
            combine(&rows),
        ) else {
            return self.classify(scan).await;
        };
        let mut result = self.finish(first, input.placement, scan.colourfulness());
        let uncertainty = views_uncertainty(spec.uncertainty.method, &combined);
        result.uncertainty = Some(uncertainty);
        result.probabilities = combined.probabilities;
        // The views' own threshold in place of the single pass's.
        let trust = self.manifest.trust.clone().map(|mut trust| {
            trust.uncertainty = Some(spec.uncertainty.clone());
            trust
        });
        let evidence = Evidence {
            uncertainty: Some(uncertainty),
            ood: result.ood,
            colourfulness: scan.colourfulness(),
        };
        result.verdict = judge(&result.probabilities, &evidence, trust.as_ref());
        Ok(result)
    }

    /// Classifies one scan that is on the input plane already.
    pub async fn classify_input(&self, input: ModelInput) -> Result<Classification, ClassifyError> {
        self.classify_plane(input, None).await
    }

    async fn classify_plane(
        &self,
        input: ModelInput,
        colourfulness: Option<f32>,
    ) -> Result<Classification, ClassifyError> {
        let mut outputs = self.run(&[&input.values]).await?;
        match outputs.pop() {
            Some(output) => Ok(self.finish(output, input.placement, colourfulness)),
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
            .map(|(output, input)| self.finish(output, input.placement, None))
            .collect())
    }

    fn finish(
        &self,
        output: Output,
        placement: Placement,
        colourfulness: Option<f32>,
    ) -> Classification {
        let probabilities = softmax(&output.logits, self.manifest.temperature());
        let trust = self.manifest.trust.as_ref();
        let evidence = Evidence {
            uncertainty: trust
                .and_then(|trust| trust.uncertainty.as_ref())
                .map(|spec| single_uncertainty(spec.method, &probabilities)),
            ood: self
                .detector
                .as_ref()
                .map(|detector| detector.score(&output.logits, &output.features)),
            colourfulness,
        };
        Classification {
            verdict: judge(&probabilities, &evidence, trust),
            probabilities,
            logits: output.logits,
            maps: output.maps,
            placement,
            features: output.features,
            uncertainty: evidence.uncertainty,
            ood: evidence.ood,
        }
    }

    /// Where the first cell of the network's grid of `width` x `height` cells lies, in cells.
    pub(crate) fn cell_origin(&self, width: usize, height: usize) -> [f32; 2] {
        let manifest = &self.manifest;
        let axis = |cells: usize, side: u32| {
            manifest.architecture.first_centre(side) * cells as f32 / side as f32
        };
        [
            axis(width, manifest.input.width),
            axis(height, manifest.input.height),
        ]
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

    /// Logits, maps and features of each input, with a single read-back from the device.
    async fn run(&self, inputs: &[&[f32]]) -> Result<Vec<Output>, ClassifyError> {
        let tensor = preprocess::to_tensor::<B>(inputs, &self.manifest.input, &self.device);
        let features = self.network.features(tensor);
        let (logits, gradients) = self
            .network
            .head_module()
            .logits_and_gradients(features.clone());
        let moments = moments(features.clone());
        let maps = grad_cam(features, gradients);
        let [batch, classes, height, width] = maps.dims();
        let area = height * width;
        let origin = self.cell_origin(width, height);
        let row = classes * (1 + area) + moments.dims()[1];
        let output: Tensor<B, 2> = Tensor::cat(
            vec![logits, maps.reshape([batch, classes * area]), moments],
            1,
        );
        let values = self.read(output).await?;
        Ok(values
            .chunks_exact(row)
            .map(|image| {
                let (logits, rest) = image.split_at(classes);
                let (maps, features) = rest.split_at(classes * area);
                Output {
                    logits: logits.to_vec(),
                    maps: maps
                        .chunks_exact(area)
                        .map(|map| ClassMap::new(width, height, map.to_vec()).with_origin(origin))
                        .collect(),
                    features: features.to_vec(),
                }
            })
            .collect())
    }
}

/// How unsure a single pass's probabilities are. A measure that needs views counts as entropy.
pub fn single_uncertainty(method: UncertaintyMethod, probabilities: &[f32]) -> f32 {
    match method {
        UncertaintyMethod::MaxSoftmax => doubt(probabilities),
        _ => entropy(probabilities),
    }
}

/// How unsure several views together are. A measure of a single pass is that of their mean.
pub fn views_uncertainty(method: UncertaintyMethod, combined: &Combined) -> f32 {
    match method {
        UncertaintyMethod::MaxSoftmax => doubt(&combined.probabilities),
        UncertaintyMethod::Entropy | UncertaintyMethod::TtaEntropy => combined.entropy,
        UncertaintyMethod::TtaMutualInformation => combined.mutual_information,
        UncertaintyMethod::TtaVariance => combined.variance,
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
