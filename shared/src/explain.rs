//! Class-activation maps of any method, see [`CamMethod`].

use crate::cam::{Activations, CamMethod, ClassMap, random_map};
use crate::classify::{ClassifyError, Look, Pipeline};
use crate::geometry::Placement;
use crate::layers::Layer;
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
        for (activations, input) in self.activations(&planes).await?.into_iter().zip(inputs) {
            let look = Look {
                input: input.clone(),
                activations,
                colourfulness: None,
            };
            let mut maps = Vec::with_capacity(methods.len());
            for &method in methods {
                maps.push(self.maps(&look, method, options).await?);
            }
            explanations.push(Explanation {
                logits: look.activations.into_logits(),
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

    /// What each block makes of the scan, see [`Runner::layers`].
    pub async fn layers(&self, look: &Look) -> Result<Vec<Layer>, ClassifyError> {
        self.runner().layers(&look.input.values).await
    }

    /// The map of every class, in class order, by a method of any cost.
    async fn maps(
        &self,
        look: &Look,
        method: CamMethod,
        options: &ExplainOptions,
    ) -> Result<Vec<ClassMap>, ClassifyError> {
        if let Some(maps) = self.quick_maps(look, method, options) {
            return Ok(maps);
        }
        let mut trials = self.score_cam_trials(look, options.score_channels);
        while !trials.done() {
            self.advance(&mut trials, look, options.score_batch).await?;
        }
        Ok(self.trial_maps(&trials, look))
    }

    /// The map of every class, in class order, by a method that needs no further pass; `None` for
    /// ScoreCAM, which does (see [`Self::score_cam_trials`]).
    pub fn quick_maps(
        &self,
        look: &Look,
        method: CamMethod,
        options: &ExplainOptions,
    ) -> Option<Vec<ClassMap>> {
        let activations = &look.activations;
        let map = |values: Vec<f32>| self.map(activations, values);
        let classes = activations.classes();
        let by_class = |values: fn(&Activations, usize) -> Vec<f32>| {
            (0..classes)
                .map(|class| map(values(activations, class)))
                .collect::<Vec<_>>()
        };
        Some(match method {
            CamMethod::GradCam => by_class(Activations::grad_cam),
            CamMethod::GradCamPlusPlus => by_class(Activations::grad_cam_plus_plus),
            CamMethod::HiresCam => by_class(Activations::hires_cam),
            CamMethod::LayerCam => by_class(Activations::layer_cam),
            CamMethod::EigenCam => vec![map(activations.eigen_cam()); classes],
            CamMethod::ScoreCam => return None,
            CamMethod::Random => {
                let seed = options.seed ^ fingerprint(&look.input.values);
                let values = random_map(activations.width(), activations.height(), seed);
                vec![map(values); classes]
            }
        })
    }
}

/// A number that differs from input to input (FNV-1a over the values' bits).
fn fingerprint(values: &[f32]) -> u64 {
    values.iter().fold(0xCBF2_9CE4_8422_2325, |hash, value| {
        (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
