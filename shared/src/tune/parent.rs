//! The network that is personalised, and what it makes of a scan.

use super::TuneError;
use crate::Scan;
use crate::bundle::{Bundle, BundleError, sha256_hex, weights};
use crate::classify::{DirectClassifier, Look};
use crate::trust::tta;

/// The last layer's tensors in a weights file.
pub(super) const WEIGHT: &str = "head.output.weight";
/// See [`WEIGHT`].
pub(super) const BIAS: &str = "head.output.bias";
const HIDDEN_WEIGHT: &str = "head.hidden.weight";
const HIDDEN_BIAS: &str = "head.hidden.bias";

/// A dense layer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// `[outputs, inputs]`.
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

impl Layer {
    fn take(tensors: &mut weights::Tensors, weight: &str, bias: &str) -> Result<Self, BundleError> {
        let mut take = |name: &str| {
            let tensor = tensors.remove(name);
            tensor.ok_or_else(|| BundleError::MissingTensor { name: name.into() })
        };
        Ok(Self {
            weight: take(weight)?.values,
            bias: take(bias)?.values,
        })
    }

    /// The number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.weight.len() / self.bias.len().max(1)
    }

    pub(super) fn run(&self, x: &[f32]) -> Vec<f32> {
        let rows = self.weight.chunks_exact(x.len().max(1)).zip(&self.bias);
        rows.map(|(row, bias)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias)
            .collect()
    }
}

/// A bundle whose last layer can be trained.
#[derive(Debug)]
pub struct Parent {
    bundle: Bundle,
    classifier: DirectClassifier,
    hidden: Option<Layer>,
    pub(super) output: Layer,
}

/// What a network makes of one scan, up to its last layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What goes into the last layer, for each view; the untouched one first.
    pub(super) inputs: Vec<Vec<f32>>,
    /// The parent's answer: the most probable class.
    predicted: usize,
    pub(super) strangeness: Option<f32>,
    pub(super) colourfulness: Option<f32>,
    /// Of the untouched view: the same for the same picture.
    hash: String,
}

impl Example {
    /// The parent's answer: its most probable class.
    pub fn predicted(&self) -> usize {
        self.predicted
    }

    /// Whether it is the same picture to the network.
    pub fn is_twin(&self, other: &Self) -> bool {
        self.hash == other.hash
    }
}

impl Parent {
    /// Loads a bundle.
    pub fn new(bundle: Bundle) -> Result<Self, BundleError> {
        let classifier = bundle.direct_classifier()?;
        let mut tensors = weights::decode(bundle.weights())?;
        let hidden = if tensors.contains_key(HIDDEN_WEIGHT) {
            let hidden = Layer::take(&mut tensors, HIDDEN_WEIGHT, HIDDEN_BIAS)?;
            Some(hidden)
        } else {
            None
        };
        let output = Layer::take(&mut tensors, WEIGHT, BIAS)?;
        Ok(Self {
            bundle,
            classifier,
            hidden,
            output,
        })
    }

    /// The bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.bundle.manifest.classes.len()
    }

    /// What the network makes of a scan in these views, the first of which is the untouched one.
    pub fn look(&self, scan: &Scan, views: &[tta::View]) -> Result<Example, TuneError> {
        let mut seen = tta::inputs(scan, &self.bundle.manifest.input, views).into_iter();
        let Some(input) = seen.next() else {
            return Err(TuneError::Backend("there is no view".into()));
        };
        let bytes: Vec<u8> = input.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let look = Look {
            activations: self.classifier.runner().run(&input.values)?,
            colourfulness: scan.colourfulness(),
            input,
        };
        let answer = self.classifier.conclude(&look);
        let mut inputs = vec![self.before_last(&answer.features)];
        for input in seen {
            let activations = self.classifier.runner().run(&input.values)?;
            inputs.push(self.before_last(&activations.moments()));
        }
        Ok(Example {
            predicted: answer.predicted(),
            strangeness: answer.ood,
            colourfulness: look.colourfulness,
            hash: sha256_hex(&bytes),
            inputs,
        })
    }

    /// What goes into the last layer, from the channels' means (then deviations).
    fn before_last(&self, moments: &[f32]) -> Vec<f32> {
        let means = &moments[..moments.len() / 2];
        match &self.hidden {
            None => means.to_vec(),
            Some(hidden) => hidden.run(means).into_iter().map(|v| v.max(0.0)).collect(),
        }
    }
}
