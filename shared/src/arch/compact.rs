//! A compact residual network with squeeze-and-excitation attention.
//!
//! Residual blocks after He et al. 2016 (<https://arxiv.org/abs/1512.03385>), channel attention
//! after Hu et al. 2018 (<https://arxiv.org/abs/1709.01507>). The strided stem keeps the cost of
//! the full-resolution plane small.

use burn::module::Module;
use burn::nn::conv::Conv2dConfig;
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::conv_norm::ConvNorm;
use super::head::{Head, HeadConfig};

/// One stage of a [`CompactResnet`]; its first block halves the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// Channels of the stage.
    pub channels: usize,
    /// Residual blocks, at least 1.
    pub blocks: usize,
}

/// Sizes of a [`CompactResnet`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompactResnetConfig {
    /// Channels after the strided stem.
    pub stem: usize,
    /// The stages.
    pub stages: Vec<StageConfig>,
    /// Channels of the attention's bottleneck are those of the block divided by this.
    pub squeeze: usize,
    /// Dropout probability before the last layer, while training.
    pub dropout: f64,
}

impl Default for CompactResnetConfig {
    fn default() -> Self {
        let stage = |channels, blocks| StageConfig { channels, blocks };
        Self {
            stem: 24,
            stages: vec![stage(32, 1), stage(64, 2), stage(128, 2)],
            squeeze: 8,
            dropout: 0.2,
        }
    }
}

impl CompactResnetConfig {
    fn head(&self, classes: usize) -> HeadConfig {
        let channels = self.stages.last().map_or(self.stem, |stage| stage.channels);
        HeadConfig::new(channels, classes, 0, self.dropout)
    }

    /// Input channels, output channels and stride of each block.
    fn blocks(&self) -> Vec<(usize, usize, usize)> {
        let mut from = self.stem;
        let mut blocks = Vec::new();
        for stage in &self.stages {
            for index in 0..stage.blocks {
                blocks.push((from, stage.channels, if index == 0 { 2 } else { 1 }));
                from = stage.channels;
            }
        }
        blocks
    }

    fn squeezed(&self, channels: usize) -> usize {
        (channels / self.squeeze.max(1)).max(4)
    }

    /// A network with fresh weights.
    pub fn init<B: Backend>(&self, classes: usize, device: &B::Device) -> CompactResnet<B> {
        CompactResnet {
            stem: conv_norm(1, self.stem, 3, 2, device),
            blocks: self
                .blocks()
                .into_iter()
                .map(|(from, to, stride)| {
                    ResidualBlock::new(from, to, stride, self.squeezed(to), device)
                })
                .collect(),
            head: self.head(classes).init(device),
        }
    }

    /// Number of values in the weights file (running statistics included).
    pub fn value_count(&self, classes: usize) -> u64 {
        let conv = |from: usize, to: usize, kernel: u64| {
            kernel * kernel * from as u64 * to as u64 + 4 * to as u64
        };
        let blocks: u64 = self
            .blocks()
            .into_iter()
            .map(|(from, to, stride)| {
                let (wide, narrow) = (to as u64, self.squeezed(to) as u64);
                let shortcut = if from != to || stride != 1 {
                    conv(from, to, 1)
                } else {
                    0
                };
                conv(from, to, 3)
                    + conv(to, to, 3)
                    + shortcut
                    + (wide * narrow + narrow)
                    + (narrow * wide + wide)
            })
            .sum();
        conv(1, self.stem, 3) + blocks + self.head(classes).parameter_count()
    }
}

/// A square kernel with the same padding on all sides.
fn conv_norm<B: Backend>(
    from: usize,
    to: usize,
    kernel: usize,
    stride: usize,
    device: &B::Device,
) -> ConvNorm<B> {
    let padding = kernel / 2;
    let conv = Conv2dConfig::new([from, to], [kernel, kernel])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(
            padding, padding, padding, padding,
        ));
    ConvNorm::new(conv, device)
}

/// Squeeze-and-excitation: each channel scaled by a gate computed from all channels' means.
#[derive(Module, Debug)]
struct Attention<B: Backend> {
    squeeze: Linear<B>,
    excite: Linear<B>,
}

impl<B: Backend> Attention<B> {
    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let [batch, channels, height, width] = x.dims();
        let means = x
            .clone()
            .reshape([batch, channels, height * width])
            .mean_dim(2)
            .reshape([batch, channels]);
        let gates = sigmoid(self.excite.forward(relu(self.squeeze.forward(means))));
        x * gates.reshape([batch, channels, 1, 1])
    }
}

#[derive(Module, Debug)]
struct ResidualBlock<B: Backend> {
    first: ConvNorm<B>,
    second: ConvNorm<B>,
    attention: Attention<B>,
    shortcut: Option<ConvNorm<B>>,
}

impl<B: Backend> ResidualBlock<B> {
    fn new(from: usize, to: usize, stride: usize, squeezed: usize, device: &B::Device) -> Self {
        Self {
            first: conv_norm(from, to, 3, stride, device),
            second: conv_norm(to, to, 3, 1, device),
            attention: Attention {
                squeeze: LinearConfig::new(to, squeezed).init(device),
                excite: LinearConfig::new(squeezed, to).init(device),
            },
            shortcut: (from != to || stride != 1).then(|| conv_norm(from, to, 1, stride, device)),
        }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let carried = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x.clone()),
            None => x.clone(),
        };
        let y = relu(self.first.forward(x));
        let y = self.attention.forward(self.second.forward(y));
        relu(y + carried)
    }
}

/// The compact residual network, see [`CompactResnetConfig`].
#[derive(Module, Debug)]
pub struct CompactResnet<B: Backend> {
    stem: ConvNorm<B>,
    blocks: Vec<ResidualBlock<B>>,
    pub(super) head: Head<B>,
}

impl<B: Backend> CompactResnet<B> {
    /// Input `[N, 1, H, W]` to feature maps `[N, K, H / 16, W / 16]` (for three stages).
    pub fn features(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        let x = relu(self.stem.forward(input));
        self.blocks.iter().fold(x, |x, block| block.forward(x))
    }
}
