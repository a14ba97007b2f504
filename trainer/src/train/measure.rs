//! How good weights are on clean images.

use anyhow::Result;
use burn::tensor::backend::Backend;
use indexmap::IndexMap;
use scanlight_model::arch::Network;
use scanlight_model::preprocess::InputGeometry;

use crate::inference;
use crate::metrics::{Answer, report};

/// A clean input with its class.
pub struct Sample<'a> {
    /// Normalised values of the input plane.
    pub input: &'a [f32],
    /// Index into the classes.
    pub class: usize,
}

/// How good weights are.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Share of right answers among each class's images; `None` where there are none.
    pub recall: Vec<Option<f64>>,
}

impl Measured {
    /// The recall under the classes' names.
    pub fn named_recall(&self, classes: &[String]) -> IndexMap<String, Option<f64>> {
        classes
            .iter()
            .cloned()
            .zip(self.recall.iter().copied())
            .collect()
    }
}

/// Measures a network in evaluation mode.
pub fn measure<B: Backend>(
    network: &Network<B>,
    samples: &[Sample<'_>],
    classes: &[String],
    geometry: &InputGeometry,
    device: &B::Device,
) -> Result<Measured> {
    let inputs: Vec<&[f32]> = samples.iter().map(|sample| sample.input).collect();
    let logits = inference::logits::<B>(network, &inputs, geometry, device, |_| ())?;
    let answers: Vec<Answer> = inference::probabilities(&logits, 1.0)
        .into_iter()
        .zip(samples)
        .map(|(probabilities, sample)| Answer {
            path: String::new(),
            label: sample.class,
            probabilities,
        })
        .collect();
    let report = report(classes, &answers);
    Ok(Measured {
        loss: report.loss,
        accuracy: report.accuracy,
        recall: report
            .per_class
            .values()
            .map(|class| class.recall)
            .collect(),
    })
}
