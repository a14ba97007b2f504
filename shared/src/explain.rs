//! Class-activation maps of any method, see [`CamMethod`].

use crate::cam::{Activations, CamMethod, ClassMap, random_map};
use crate::classify::{ClassifyError, Pipeline};
use crate::geometry::Placement;
use crate::preprocess::ModelInput;
use crate::runner::Runner;

/// What the methods leave open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainOptions {
    /// ScoreCAM tries this many feature maps of an input, the ones with the most energy; each costs a
    /// pass. The paper tries all, of which MobileNetV2 has 1,280.
    pub score_channels: usize,
    /// ScoreCAM's masked inputs in one pass, at least 1.
    pub score_batch: usize,
    /// Seed of the random maps; each input has its own besides.
    pub seed: u64,
}

impl Default for ExplainOptions {
    fn default() -> Self {
        Self {
            score_channels: 32,
            score_batch: 16,
            seed: 0,
        }
    }
}

/// The maps of one input.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Logits in class order, before temperature scaling.
    pub logits: Vec<f32>,
    /// For each method, in the order asked for, the map of each class in class order. A method that
    /// knows no classes gives each of them the same map.
    pub maps: Vec<Vec<ClassMap>>,
    /// Where the network's input lies in the original image.
    pub placement: Placement,
}

impl<R: Runner> Pipeline<R> {
    /// The map of every class, in class order, by one method with the default options.
    pub async fn explain(
        &self,
        input: &ModelInput,
        method: CamMethod,
    ) -> Result<Vec<ClassMap>, ClassifyError> {
        let options = ExplainOptions::default();
        let inputs = std::slice::from_ref(input);
        let mut explanations = self.explain_batch(inputs, &[method], &options).await?;
        let maps = explanations.pop().and_then(|mut one| one.maps.pop());
        Ok(maps.unwrap_or_default())
    }

    /// Explains several inputs by several methods, in their order. One pass over the inputs serves
    /// all methods; ScoreCAM makes further ones.
    pub async fn explain_batch(
        &self,
        inputs: &[ModelInput],
        methods: &[CamMethod],
        options: &ExplainOptions,
    ) -> Result<Vec<Explanation>, ClassifyError> {
        let planes: Vec<&[f32]> = inputs.iter().map(|input| input.values.as_slice()).collect();
        let mut explanations = Vec::with_capacity(inputs.len());
        for (activations, input) in self.activations(&planes).await?.iter().zip(inputs) {
            let mut maps = Vec::with_capacity(methods.len());
            for &method in methods {
                maps.push(self.maps(activations, input, method, options).await?);
            }
            explanations.push(Explanation {
                logits: activations.logits().to_vec(),
                maps,
                placement: input.placement,
            });
        }
        Ok(explanations)
    }

    /// Logits of several normalised input planes, in their order and before temperature scaling.
    pub async fn logits(&self, planes: &[&[f32]]) -> Result<Vec<Vec<f32>>, ClassifyError> {
        self.runner().logits(planes).await
    }

    /// Features, gradients and logits of several normalised input planes, in their order, with a
    /// single read-back from the device.
    pub async fn activations(&self, planes: &[&[f32]]) -> Result<Vec<Activations>, ClassifyError> {
        self.runner().activations(planes).await
    }

    async fn maps(
        &self,
        activations: &Activations,
        input: &ModelInput,
        method: CamMethod,
        options: &ExplainOptions,
    ) -> Result<Vec<ClassMap>, ClassifyError> {
        let map = |values: Vec<f32>| self.map(activations, values);
        let classes = activations.classes();
        let by_class = |values: fn(&Activations, usize) -> Vec<f32>| {
            (0..classes)
                .map(|class| map(values(activations, class)))
                .collect::<Vec<_>>()
        };
        Ok(match method {
            CamMethod::GradCam => by_class(Activations::grad_cam),
            CamMethod::GradCamPlusPlus => by_class(Activations::grad_cam_plus_plus),
            CamMethod::HiresCam => by_class(Activations::hires_cam),
            CamMethod::LayerCam => by_class(Activations::layer_cam),
            CamMethod::EigenCam => vec![map(activations.eigen_cam()); classes],
            CamMethod::ScoreCam => {
                let channels = activations.strongest_channels(options.score_channels);
                let scores = self
                    .masked_logits(activations, input, &channels, options)
                    .await?;
                let of_class = |class: usize| {
                    let scores: Vec<f32> = scores.iter().map(|row| row[class]).collect();
                    map(activations.score_cam(&channels, &scores))
                };
                (0..classes).map(of_class).collect()
            }
            CamMethod::Random => {
                let seed = options.seed ^ fingerprint(&input.values);
                let values = random_map(activations.width(), activations.height(), seed);
                vec![map(values); classes]
            }
        })
    }

    /// Logits of an input under the mask of each channel.
    async fn masked_logits(
        &self,
        activations: &Activations,
        input: &ModelInput,
        channels: &[usize],
        options: &ExplainOptions,
    ) -> Result<Vec<Vec<f32>>, ClassifyError> {
        let geometry = &self.manifest().input;
        let plane = [geometry.width as usize, geometry.height as usize];
        let origin = self.cell_origin(activations.width(), activations.height());
        let mut scores = Vec::with_capacity(channels.len());
        for batch in channels.chunks(options.score_batch.max(1)) {
            let masked: Vec<Vec<f32>> = batch
                .iter()
                .map(|&channel| activations.masked(channel, &input.values, plane, origin))
                .collect();
            let planes: Vec<&[f32]> = masked.iter().map(Vec::as_slice).collect();
            scores.extend(self.logits(&planes).await?);
        }
        Ok(scores)
    }
}

/// A number that differs from input to input (FNV-1a over the values' bits).
fn fingerprint(values: &[f32]) -> u64 {
    values.iter().fold(0xCBF2_9CE4_8422_2325, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
