//! A loaded model: a scan in, probabilities and class-activation maps out.

use burn::tensor::backend::Backend;
use thiserror::Error;

use crate::arch::Network;
use crate::bundle::{Manifest, UncertaintyMethod};
use crate::cam::{Activations, ClassMap};
use crate::direct::DirectRunner;
use crate::geometry::Placement;
use crate::preprocess::{self, ModelInput};
use crate::runner::{BurnRunner, Runner};
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

/// One scan as the network saw it: enough for its answer and, without another decoding, for every
/// explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The scan on the network's input plane.
    pub input: ModelInput,
    /// What the network made of it.
    pub activations: Activations,
    /// How colourful the picture was, see [`Scan::colourfulness`].
    pub colourfulness: Option<f32>,
}

/// A network with its manifest, ready to run: everything around what the runner `R` computes.
#[derive(Debug)]
pub struct Pipeline<R> {
    manifest: Manifest,
    runner: R,
    detector: Option<Detector>,
}

/// A classifier on a burn backend.
pub type Classifier<B> = Pipeline<BurnRunner<B>>;

/// A classifier on the CPU without a burn backend.
pub type DirectClassifier = Pipeline<DirectRunner>;

impl<B: Backend> Classifier<B> {
    /// The network.
    pub fn network(&self) -> &Network<B> {
        self.runner.network()
    }

    /// The device it lies on.
    pub fn device(&self) -> &B::Device {
        self.runner.device()
    }
}

impl<R: Runner> Pipeline<R> {
    pub(crate) fn new(manifest: Manifest, runner: R, detector: Option<Detector>) -> Self {
        Self {
            manifest,
            runner,
            detector,
        }
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What computes the network.
    pub fn runner(&self) -> &R {
        &self.runner
    }

    /// One pass over an empty image, so that kernels are compiled before the first scan comes.
    pub async fn warm_up(&self) -> Result<(), ClassifyError> {
        let values = vec![0.0; self.manifest.input.len()];
        self.runner.activations(&[&values]).await.map(|_| ())
    }

    /// Classifies one scan.
    pub async fn classify(&self, scan: &Scan) -> Result<Classification, ClassifyError> {
        Ok(self.conclude(&self.look(scan).await?))
    }

    /// Looks at one scan.
    pub async fn look(&self, scan: &Scan) -> Result<Look, ClassifyError> {
        let input = preprocess::preprocess(scan, &self.manifest.input);
        self.look_at(input, scan.colourfulness()).await
    }

    /// What there is to say about a scan that was looked at.
    pub fn conclude(&self, look: &Look) -> Classification {
        self.finish(&look.activations, look.input.placement, look.colourfulness)
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
        let outputs = self.runner.activations(&planes).await?;
        let temperature = self.manifest.temperature();
        let rows: Vec<Vec<f32>> = outputs
            .iter()
            .map(|output| softmax(output.logits(), temperature))
            .collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let (Some(first), Some(input), Some(combined)) =
            (outputs.first(), inputs.into_iter().next(), combine(&rows))
        else {
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

    /// Probabilities in class order for one normalised input plane, without maps: the network alone.
    pub async fn probabilities(&self, plane: &[f32]) -> Result<Vec<f32>, ClassifyError> {
        let rows = self.runner.logits(&[plane]).await?;
        match rows.first() {
            Some(logits) => Ok(softmax(logits, self.manifest.temperature())),
            None => Err(ClassifyError::NotFinite {
                backend: self.runner.name(),
            }),
        }
    }

    /// Classifies one scan that is on the input plane already.
    pub async fn classify_input(&self, input: ModelInput) -> Result<Classification, ClassifyError> {
        Ok(self.conclude(&self.look_at(input, None).await?))
    }

    async fn look_at(
        &self,
        input: ModelInput,
        colourfulness: Option<f32>,
    ) -> Result<Look, ClassifyError> {
        let outputs = self.runner.activations(&[&input.values]).await?;
        match outputs.into_iter().next() {
            Some(activations) => Ok(Look {
                input,
                activations,
                colourfulness,
            }),
            None => Err(ClassifyError::NotFinite {
                backend: self.runner.name(),
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
        let outputs = self.runner.activations(&planes).await?;
        Ok(outputs
            .iter()
            .zip(inputs)
            .map(|(output, input)| self.finish(output, input.placement, None))
            .collect())
    }

    fn finish(
        &self,
        activations: &Activations,
        placement: Placement,
        colourfulness: Option<f32>,
    ) -> Classification {
        let probabilities = softmax(activations.logits(), self.manifest.temperature());
        let features = activations.moments();
        let trust = self.manifest.trust.as_ref();
        let evidence = Evidence {
            uncertainty: trust
                .and_then(|trust| trust.uncertainty.as_ref())
                .map(|spec| single_uncertainty(spec.method, &probabilities)),
            ood: self
                .detector
                .as_ref()
                .map(|detector| detector.score(activations.logits(), &features)),
            colourfulness,
        };
        Classification {
            verdict: judge(&probabilities, &evidence, trust),
            probabilities,
            logits: activations.logits().to_vec(),
            maps: (0..activations.classes())
                .map(|class| self.map(activations, activations.grad_cam(class)))
                .collect(),
            placement,
            features,
            uncertainty: evidence.uncertainty,
            ood: evidence.ood,
        }
    }

    /// Values on the network's grid as a map.
    pub(crate) fn map(&self, activations: &Activations, values: Vec<f32>) -> ClassMap {
        let (width, height) = (activations.width(), activations.height());
        ClassMap::new(width, height, values).with_origin(self.cell_origin(width, height))
    }

    /// Where the first cell of the network's grid of `width` x `height` cells lies, in cells.
    pub(crate) fn cell_origin(&self, width: usize, height: usize) -> [f32; 2] {
        let manifest = &self.manifest;
        let architecture = &manifest.architecture;
        [
            architecture.cell_origin(width, manifest.input.width),
            architecture.cell_origin(height, manifest.input.height),
        ]
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
