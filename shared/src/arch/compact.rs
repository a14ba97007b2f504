//! A compact residual network with squeeze-and-excitation attention.
//!
//! Residual blocks after He et al. 2016 (<https://arxiv.org/abs/1512.03385>), channel attention
//! after Hu et al. 2018 (<https://arxiv.org/abs/1709.01507>). The strided stem keeps the cost of
//! the full-resolution plane small. The last two stages can be merged as in feature pyramids (Lin et
//! al. 2017, <https://arxiv.org/abs/1612.03144>): maps as fine as the last stage but one, with what
//! the last one knows, for little more than two 1 x 1 convolutions.

use burn::module::Module;
use burn::nn::conv::Conv2dConfig;
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::block::BlockName;
use super::conv_norm::ConvNorm;
use super::head::{Head, HeadConfig};
use super::kernel::Activation;

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
    /// Channels of the merged last two stages; 0 (and where a manifest says nothing) leaves them apart.
    #[serde(default)]
    pub merge: usize,
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
            merge: 96,
            dropout: 0.2,
        }
    }
}

impl CompactResnetConfig {
    fn head(&self, classes: usize) -> HeadConfig {
        let channels = match self.merged() {
            Some(_) => self.merge,
            None => self.stages.last().map_or(self.stem, |stage| stage.channels),
        };
        HeadConfig::new(channels, classes, 0, self.dropout)
    }

    /// Channels of the two stages that are merged, the finer first.
    pub(crate) fn merged(&self) -> Option<[usize; 2]> {
        match self.stages.as_slice() {
            [.., fine, coarse] if self.merge > 0 => Some([fine.channels, coarse.channels]),
            _ => None,
        }
    }

    /// How often the plane of the feature maps was halved.
    pub(super) fn halvings(&self) -> usize {
        self.stages.len() + usize::from(self.merged().is_none())
    }

    /// Blocks before the last stage.
    pub(crate) fn blocks_before_last(&self) -> usize {
        let earlier = self.stages.iter().rev().skip(1);
        earlier.map(|stage| stage.blocks).sum()
    }

    /// Input channels, output channels and stride of each block.
    pub(crate) fn blocks(&self) -> Vec<(usize, usize, usize)> {
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

    pub(crate) fn squeezed(&self, channels: usize) -> usize {
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
            merge: self.merged().map(|[fine, coarse]| Merge {
                fine: conv_norm(fine, self.merge, 1, 1, device),
                coarse: conv_norm(coarse, self.merge, 1, 1, device),
                after: self.blocks_before_last(),
            }),
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
        let merge = self.merged().map_or(0, |from| {
            from.map(|channels| conv(channels, self.merge, 1))
                .iter()
                .sum()
        });
        conv(1, self.stem, 3) + blocks + merge + self.head(classes).parameter_count()
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
            Some(shortcut) => shortcut.forward(x.clone(), Activation::Identity),
            None => x.clone(),
        };
        let y = self.first.forward(x, Activation::Relu);
        let y = self.second.forward(y, Activation::Identity);
        let y = self.attention.forward(y);
        relu(y + carried)
    }
}

/// The last stage's maps, enlarged, on those of the stage before.
#[derive(Module, Debug)]
struct Merge<B: Backend> {
    fine: ConvNorm<B>,
    coarse: ConvNorm<B>,
    /// Number of blocks after which the finer maps are taken.
    after: usize,
}

impl<B: Backend> Merge<B> {
    fn forward(&self, fine: Tensor<B, 4>, coarse: Tensor<B, 4>) -> Tensor<B, 4> {
        let [_, _, height, width] = fine.dims();
        let coarse = interpolate(
            self.coarse.forward(coarse, Activation::Identity),
            [height, width],
            InterpolateOptions::new(InterpolateMode::Nearest),
        );
        relu(self.fine.forward(fine, Activation::Identity) + coarse)
    }
}

/// The compact residual network, see [`CompactResnetConfig`].
#[derive(Module, Debug)]
pub struct CompactResnet<B: Backend> {
    stem: ConvNorm<B>,
    blocks: Vec<ResidualBlock<B>>,
    merge: Option<Merge<B>>,
    pub(super) head: Head<B>,
}

impl<B: Backend> CompactResnet<B> {
    /// Input `[N, 1, H, W]` to feature maps `[N, K, H / 8, W / 8]` (for three stages, merged; else
    /// `H / 16` and `W / 16`).
    pub fn features(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        self.features_by_block(input, &mut |_, _| {})
    }

    /// [`Self::features`], showing `visit` what each block puts out.
    pub fn features_by_block(
        &self,
        input: Tensor<B, 4>,
        visit: &mut dyn FnMut(BlockName, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        let mut fine = None;
        let mut x = self.stem.forward(input, Activation::Relu);
        visit(BlockName::Stem, &x);
        for (index, block) in self.blocks.iter().enumerate() {
            if self
                .merge
                .as_ref()
                .is_some_and(|merge| merge.after == index)
            {
                fine = Some(x.clone());
            }
            x = block.forward(x);
            visit(BlockName::Block(index), &x);
        }
        if let (Some(merge), Some(fine)) = (&self.merge, fine) {
            x = merge.forward(fine, x);
            visit(BlockName::Merge, &x);
        }
        x
    }
}
