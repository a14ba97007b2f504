//! Layers as other tools keep them, on their way into the reference CNN.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use crate::export::epsilon;
use crate::tensors::{Tensors, Values};

/// A convolution of 3 x 3 with what follows before the pooling.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// `[out, in, 3, 3]`.
    pub kernel: Values,
    /// One value for each output channel.
    pub bias: Option<Vec<f32>>,
    /// Batch norm behind the convolution.
    pub norm: Option<Norm>,
}

/// Batch norm's parts, one value for each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// Factor; all 1 where there is none.
    pub scale: Option<Vec<f32>>,
    /// Addend; all 0 where there is none.
    pub shift: Option<Vec<f32>>,
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance.
    pub variance: Vec<f32>,
    /// What was added to the variance.
    pub epsilon: f64,
}

/// A dense layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// `[out, in]`.
    pub weight: Values,
    /// One value for each output.
    pub bias: Option<Vec<f32>>,
}

/// All layers of a network like the reference CNN.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stack {
    /// The convolution blocks.
    pub blocks: Vec<Block>,
    /// One or two dense layers on the pooled features.
    pub dense: Vec<Dense>,
    /// Dropout before the last layer.
    pub dropout: f64,
}

/// Tensors under our names, and the architecture as a manifest spells it.
pub type Network = (Tensors, Value);

impl Stack {
    /// The reference CNN that computes the same.
    pub fn into_network(self) -> Result<Network> {
        let mut tensors = Tensors::new();
        let mut channels: Vec<usize> = Vec::new();
        let mut inputs = 1;
        for (index, block) in self.blocks.into_iter().enumerate() {
            let mut kernel = block.kernel;
            let [out, from, 3, 3] = kernel.shape[..] else {
                bail!(
                    "convolution {} has a kernel of shape {:?}; the reference CNN has 3 x 3 kernels",
                    index + 1,
                    kernel.shape
                );
            };
            if index == 0 && from == 3 {
                kernel = grey(&kernel);
            } else {
                ensure!(
                    from == inputs,
                    "convolution {} takes {from} channels, but {inputs} come in",
                    index + 1
                );
            }
            let parts = normalised(out, block.bias, block.norm)
                .map_err(|error| error.context(format!("block {}", index + 1)))?;
            tensors.insert(format!("blocks.{index}.conv.weight"), kernel);
            for (part, values) in parts {
                tensors.insert(format!("blocks.{index}.norm.{part}"), Values::row(values));
            }
            channels.push(out);
            inputs = out;
        }
        ensure!(!channels.is_empty(), "it has no convolutions");

        let count = self.dense.len();
        ensure!(
            (1..=2).contains(&count),
            "it has {count} dense layers; the reference CNN has one or two"
        );
        let mut hidden = 0;
        for (index, dense) in self.dense.into_iter().enumerate() {
            let [out, from] = dense.weight.shape[..] else {
                bail!(
                    "a dense layer has a kernel of shape {:?}",
                    dense.weight.shape
                );
            };
            ensure!(
                from == inputs,
                "the dense layer {} takes {from} values, but {inputs} come in: the reference CNN averages each \
                 channel (global average pooling) and does not flatten the plane",
                index + 1
            );
            let name = if index + 1 == count {
                "head.output"
            } else {
                hidden = out;
                "head.hidden"
            };
            let bias = dense.bias.unwrap_or_else(|| vec![0.0; out]);
            ensure!(bias.len() == out, "a dense layer's bias does not fit it");
            tensors.insert(format!("{name}.weight"), dense.weight);
            tensors.insert(format!("{name}.bias"), Values::row(bias));
            inputs = out;
        }
        let architecture = json!({
            "kind": "reference_cnn", "channels": channels, "hidden": hidden, "dropout": self.dropout,
        });
        Ok((tensors, architecture))
    }
}

/// A kernel over three equal channels as one over a single channel.
fn grey(kernel: &Values) -> Values {
    let out = kernel.shape[0];
    let values = kernel
        .values
        .chunks_exact(27)
        .flat_map(|channels| {
            (0..9).map(|place| channels[place] + channels[9 + place] + channels[18 + place])
        })
        .collect();
    Values {
        shape: vec![out, 1, 3, 3],
        values,
    }
}

/// Batch norm's four tensors, with the convolution's bias and another epsilon taken into them.
fn normalised(
    channels: usize,
    bias: Option<Vec<f32>>,
    norm: Option<Norm>,
) -> Result<[(&'static str, Vec<f32>); 4]> {
    // Without batch norm, one that changes nothing.
    let norm = norm.unwrap_or_else(|| Norm {
        scale: None,
        shift: None,
        mean: vec![0.0; channels],
        variance: vec![1.0; channels],
        epsilon: 0.0,
    });
    let mut scale = norm.scale.unwrap_or_else(|| vec![1.0; channels]);
    let shift = norm.shift.unwrap_or_else(|| vec![0.0; channels]);
    let (mut mean, mut variance) = (norm.mean, norm.variance);
    let bias = bias.unwrap_or_else(|| vec![0.0; channels]);
    for (what, values) in [
        ("bias", &bias),
        ("batch norm's factor", &scale),
        ("batch norm's addend", &shift),
        ("batch norm's mean", &mean),
        ("batch norm's variance", &variance),
    ] {
        ensure!(
            values.len() == channels,
            "the {what} has {} values for {channels} channels",
            values.len()
        );
    }
    for channel in 0..channels {
        mean[channel] -= bias[channel];
        let wanted = f64::from(variance[channel]) + norm.epsilon;
        // Our networks add their own epsilon; where that is too much, the factor makes up for it.
        let kept = (wanted - epsilon()).max(0.0) as f32;
        if norm.epsilon != epsilon() {
            let missing = (f64::from(kept) + epsilon()) / wanted.max(f64::MIN_POSITIVE);
            scale[channel] = (f64::from(scale[channel]) * missing.sqrt()) as f32;
            variance[channel] = kept;
        }
    }
    Ok([
        ("weight", scale),
        ("bias", shift),
        ("running_mean", mean),
        ("running_var", variance),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_norm_with_its_bias_computes_the_same(
            x in -3f64..3.0, bias in -2f32..2.0, scale in -2f32..2.0, shift in -2f32..2.0, mean in -2f32..2.0,
            variance in 0f32..3.0, epsilon_of_theirs in prop::sample::select(vec![1e-3, 1e-5, 1e-6]),
        ) {
            let norm = Norm {
                scale: Some(vec![scale]),
                shift: Some(vec![shift]),
                mean: vec![mean],
                variance: vec![variance],
                epsilon: epsilon_of_theirs,
            };
            let parts = normalised(1, Some(vec![bias]), Some(norm)).unwrap();
            let part = |index: usize| f64::from(parts[index].1[0]);
            let theirs = (x + f64::from(bias) - f64::from(mean)) / (f64::from(variance) + epsilon_of_theirs).sqrt()
                * f64::from(scale) + f64::from(shift);
            let ours = (x - part(2)) / (part(3) + epsilon()).sqrt() * part(0) + part(1);
            prop_assert!((theirs - ours).abs() <= 1e-4 * theirs.abs().max(1.0), "{} {}", theirs, ours);
        }
    }

    #[test]
    fn a_flattened_plane_is_refused() {
        let stack = Stack {
            blocks: vec![Block {
                kernel: Values::new(vec![2, 1, 3, 3], vec![0.0; 18]).unwrap(),
                bias: None,
                norm: None,
            }],
            dense: vec![Dense {
                weight: Values::new(vec![4, 32], vec![0.0; 128]).unwrap(),
                bias: None,
            }],
            dropout: 0.0,
        };
        let error = stack.into_network().unwrap_err().to_string();
        assert!(error.contains("flatten"), "{error}");
    }

    #[test]
    fn colour_kernels_are_added_up() {
        let kernel = Values::new(vec![1, 3, 3, 3], (0..27u8).map(f32::from).collect()).unwrap();
        let grey = grey(&kernel);
        assert_eq!(grey.shape, [1, 1, 3, 3]);
        assert_eq!(grey.values[0], 0.0 + 9.0 + 18.0);
        assert_eq!(grey.values[8], 8.0 + 17.0 + 26.0);
    }
}
