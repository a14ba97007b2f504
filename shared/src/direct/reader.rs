//! Layers from a weights file, each with its batch norm multiplied in.

use std::collections::BTreeSet;

use safetensors::SafeTensors;

use super::conv::Folded;
use super::dense::Dense;
use crate::bundle::{BundleError, weights};

/// What burn's batch norm adds to the variance.
const EPSILON: f64 = 1e-5;

/// A weights file, tensor by tensor.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    file: SafeTensors<'a>,
    used: BTreeSet<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: SafeTensors<'a>) -> Self {
        Self {
            file,
            used: BTreeSet::new(),
        }
    }

    /// A tensor's values, which must have this shape and be finite.
    fn tensor(&mut self, name: String, shape: &[usize]) -> Result<Vec<f32>, BundleError> {
        let Ok(view) = self.file.tensor(&name) else {
            return Err(BundleError::MissingTensor { name });
        };
        if view.shape() != shape {
            return Err(BundleError::Shape {
                name,
                found: view.shape().to_vec(),
                expected: shape.to_vec(),
            });
        }
        let values = weights::values(&self.file, &name)?;
        self.used.insert(name);
        Ok(values)
    }

    /// A convolution `conv` and its batch norm `norm` as one convolution: batch norm scales each output
    /// channel by `gamma / sqrt(variance + epsilon)` and shifts it, and so can the weights.
    ///
    /// `prefix` is what both names begin with, the dot included; `inputs` counts each filter's.
    pub(super) fn conv(
        &mut self,
        prefix: &str,
        outputs: usize,
        inputs: usize,
        kernel: usize,
    ) -> Result<Folded, BundleError> {
        let shape = [outputs, inputs, kernel, kernel];
        let weight = self.tensor(format!("{prefix}conv.weight"), &shape)?;
        let mut norm = |part: &str| self.tensor(format!("{prefix}norm.{part}"), &[outputs]);
        let (gamma, beta) = (norm("weight")?, norm("bias")?);
        let (mean, variance) = (norm("running_mean")?, norm("running_var")?);
        let scales: Vec<f64> = gamma
            .iter()
            .zip(&variance)
            .map(|(&gamma, &variance)| f64::from(gamma) / (f64::from(variance) + EPSILON).sqrt())
            .collect();
        let filters = weight.chunks_exact(inputs * kernel * kernel);
        let folded = Folded {
            weight: filters
                .zip(&scales)
                .flat_map(|(filter, scale)| filter.iter().map(move |&w| f64::from(w) * scale))
                .collect(),
            bias: beta
                .iter()
                .zip(&mean)
                .zip(&scales)
                .map(|((&beta, &mean), scale)| (f64::from(beta) - f64::from(mean) * scale) as f32)
                .collect(),
            inputs,
            kernel,
        };
        // A variance below 0, or factors whose product is too large.
        let finite = folded
            .weight
            .iter()
            .all(|&weight| (weight as f32).is_finite())
            && folded.bias.iter().all(|bias| bias.is_finite());
        if !finite {
            return Err(BundleError::NotFinite {
                name: format!("{prefix}norm.running_var"),
            });
        }
        Ok(folded)
    }

    /// A dense layer.
    pub(super) fn dense(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Dense, BundleError> {
        let weight = self.tensor(format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.tensor(format!("{name}.bias"), &[outputs])?;
        Ok(Dense::new(weight, bias))
    }

    /// Nothing of the network may be left over.
    pub(super) fn finish(self) -> Result<(), BundleError> {
        for name in self.file.names() {
            // Known by its prefix, or by the tensor it belongs to; read and checked where it is used.
            let known = name.starts_with(crate::trust::ood::PREFIX)
                || weights::is_scale(&self.file, name)
                || self.used.contains(name);
            if !known {
                return Err(BundleError::UnexpectedTensor { name: name.into() });
            }
        }
        Ok(())
    }
}
