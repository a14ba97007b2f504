//! MobileNetV2: inverted residuals with linear bottlenecks (Sandler et al. 2018,
//! <https://arxiv.org/abs/1801.04381>).
//!
//! Padding is TensorFlow's SAME: a 3 x 3 layer with stride 2 on an even plane pads right and bottom
//! only. The published ImageNet weights were trained with it and fit no other.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2dConfig;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::block::BlockName;
use super::conv_norm::{ConvNorm, FoldedConv};
use super::head::{Head, HeadConfig};
use super::kernel::Activation;

/// A row of the paper's table 2: blocks of equal width; the first may halve the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvertedStageConfig {
    /// Channels inside a block are its input channels times this.
    pub expansion: usize,
    /// Channels between blocks, before the width multiplier.
    pub channels: usize,
    /// Blocks, at least 1.
    pub blocks: usize,
    /// Stride of the first block, 1 or 2.
    pub stride: usize,
}

/// Sizes of a [`MobileNetV2`]; the defaults are the paper's.
///
/// At 128 x 128 the feature maps are 4 x 4, at 224 x 224 (which the ImageNet weights were trained
/// for) 7 x 7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MobileNetV2Config {
    /// Width multiplier: a factor on all channel counts, which are then rounded to multiples of 8.
    pub width: f64,
    /// Channels after the strided stem, before the width multiplier.
    pub stem: usize,
    /// The stages.
    pub stages: Vec<InvertedStageConfig>,
    /// Channels of the feature maps; a width multiplier below 1 does not make them fewer.
    pub last: usize,
    /// Dropout probability before the last layer, while training.
    pub dropout: f64,
}

impl Default for MobileNetV2Config {
    fn default() -> Self {
        let stage = |expansion, channels, blocks, stride| InvertedStageConfig {
            expansion,
            channels,
            blocks,
            stride,
        };
        Self {
            width: 1.0,
            stem: 32,
            stages: vec![
                stage(1, 16, 1, 1),
                stage(6, 24, 2, 2),
                stage(6, 32, 3, 2),
                stage(6, 64, 4, 2),
                stage(6, 96, 3, 1),
                stage(6, 160, 3, 2),
                stage(6, 320, 1, 1),
            ],
            last: 1280,
            dropout: 0.2,
        }
    }
}

/// Sizes of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BlockSizes {
    pub(crate) from: usize,
    pub(crate) inside: usize,
    pub(crate) to: usize,
    pub(crate) stride: usize,
}

impl BlockSizes {
    /// Whether the block widens its input first.
    pub(crate) fn expands(&self) -> bool {
        self.inside != self.from
    }

    /// Whether its input is added to its output.
    pub(crate) fn residual(&self) -> bool {
        self.stride == 1 && self.from == self.to
    }
}

/// A channel count times a factor, rounded to a multiple of 8 without losing more than a tenth:
/// TensorFlow's and PyTorch's rule.
pub(super) fn scaled(channels: usize, factor: f64) -> usize {
    let exact = channels as f64 * factor;
    let rounded = ((exact + 4.0) / 8.0).floor() as usize * 8;
    let rounded = rounded.max(8);
    if (rounded as f64) < 0.9 * exact {
        rounded + 8
    } else {
        rounded
    }
}

impl MobileNetV2Config {
    fn head(&self, classes: usize) -> HeadConfig {
        HeadConfig::new(self.last_channels(), classes, 0, self.dropout)
    }

    pub(crate) fn stem_channels(&self) -> usize {
        scaled(self.stem, self.width)
    }

    /// Channels of the feature maps.
    pub(crate) fn last_channels(&self) -> usize {
        if self.width > 1.0 {
            scaled(self.last, self.width)
        } else {
            self.last
        }
    }

    /// How often the plane is halved.
    pub(super) fn halvings(&self) -> usize {
        1 + self.stages.iter().filter(|stage| stage.stride > 1).count()
    }

    pub(crate) fn blocks(&self) -> Vec<BlockSizes> {
        let mut from = self.stem_channels();
        let mut blocks = Vec::new();
        for stage in &self.stages {
            let to = scaled(stage.channels, self.width);
            for index in 0..stage.blocks {
                blocks.push(BlockSizes {
                    from,
                    inside: from * stage.expansion,
                    to,
                    stride: if index == 0 { stage.stride } else { 1 },
                });
                from = to;
            }
        }
        blocks
    }

    /// The most channels that any layer has.
    pub(super) fn widest(&self) -> usize {
        let blocks = self.blocks();
        let layers = blocks.iter().flat_map(|block| [block.inside, block.to]);
        layers
            .chain([self.stem_channels(), self.last_channels()])
            .max()
            .unwrap_or(0)
    }

    /// A network with fresh weights.
    pub fn init<B: Backend>(&self, classes: usize, device: &B::Device) -> MobileNetV2<B> {
        let blocks = self.blocks();
        let narrow = blocks.last().map_or(self.stem_channels(), |block| block.to);
        MobileNetV2 {
            stem: ConvNorm::new(same([1, self.stem_channels()], 3, 2, 1), device),
            blocks: blocks
                .into_iter()
                .map(|sizes| InvertedResidual::new(sizes, device))
                .collect(),
            head_conv: ConvNorm::new(same([narrow, self.last_channels()], 1, 1, 1), device),
            head: self.head(classes).init(device),
        }
    }

    /// Number of values in the weights file (running statistics included).
    pub fn value_count(&self, classes: usize) -> u64 {
        // The weights of a layer, and batch norm's four values for each output channel.
        let layer = |weights: usize, to: usize| (weights + 4 * to) as u64;
        let blocks = self.blocks();
        let narrow = blocks.last().map_or(self.stem_channels(), |block| block.to);
        let inner: u64 = blocks
            .iter()
            .map(|block| {
                let expand = if block.expands() {
                    layer(block.from * block.inside, block.inside)
                } else {
                    0
                };
                expand
                    + layer(9 * block.inside, block.inside)
                    + layer(block.inside * block.to, block.to)
            })
            .sum();
        layer(9 * self.stem_channels(), self.stem_channels())
            + inner
            + layer(narrow * self.last_channels(), self.last_channels())
            + self.head(classes).parameter_count()
    }
}

/// A square kernel with TensorFlow's SAME padding.
fn same(channels: [usize; 2], kernel: usize, stride: usize, groups: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_stride([stride, stride])
        .with_groups(groups)
        .with_padding(PaddingConfig2d::Same)
}

fn relu6<B: Backend>(x: Tensor<B, 4>) -> Tensor<B, 4> {
    x.clamp(0.0, 6.0)
}

/// Widens, filters each channel by itself, narrows; no activation after the narrow end.
#[derive(Module, Debug)]
struct InvertedResidual<B: Backend> {
    expand: Option<ConvNorm<B>>,
    depthwise: ConvNorm<B>,
    project: ConvNorm<B>,
    residual: bool,
}

impl<B: Backend> InvertedResidual<B> {
    fn new(sizes: BlockSizes, device: &B::Device) -> Self {
        let BlockSizes {
            from,
            inside,
            to,
            stride,
        } = sizes;
        Self {
            expand: sizes
                .expands()
                .then(|| ConvNorm::new(same([from, inside], 1, 1, 1), device)),
            depthwise: ConvNorm::new(same([inside, inside], 3, stride, inside), device),
            project: ConvNorm::new(same([inside, to], 1, 1, 1), device),
            residual: sizes.residual(),
        }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let carried = self.residual.then(|| x.clone());
        let wide = match &self.expand {
            Some(expand) => expand.forward(x, Activation::Relu6),
            None => x,
        };
        let filtered = self.depthwise.forward(wide, Activation::Relu6);
        let y = self.project.forward(filtered, Activation::Identity);
        match carried {
            Some(carried) => y + carried,
            None => y,
        }
    }
}

/// The network, see [`MobileNetV2Config`].
#[derive(Module, Debug)]
pub struct MobileNetV2<B: Backend> {
    stem: ConvNorm<B>,
    blocks: Vec<InvertedResidual<B>>,
    head_conv: ConvNorm<B>,
    pub(super) head: Head<B>,
}

impl<B: Backend> MobileNetV2<B> {
    /// Input `[N, 1, H, W]` to feature maps `[N, K, H / 32, W / 32]` (for the default stages).
    pub fn features(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        self.features_by_block(input, &mut |_, _| {})
    }

    /// [`Self::features`], showing `visit` what each block puts out.
    pub fn features_by_block(
        &self,
        input: Tensor<B, 4>,
        visit: &mut dyn FnMut(BlockName, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        let mut x = self.stem.forward(input, Activation::Relu6);
        visit(BlockName::Stem, &x);
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x);
            visit(BlockName::Block(index), &x);
        }
        x = self.head_conv.forward(x, Activation::Relu6);
        visit(BlockName::HeadConv, &x);
        x
    }

    /// Takes over pretrained convolutions into which batch norm was multiplied; the head stays.
    ///
    /// `folded` is asked for each layer by its name (`stem`, `blocks.1.expand`, `blocks.1.depthwise`,
    /// `blocks.1.project`, …, `head_conv`; blocks count from 1) and the shape that its weight must
    /// have. `input` (`[N, 1, H, W]`, a few dozen typical images) goes through the layers once, to
    /// give batch norm statistics that the weights file no longer has: in evaluation mode the network
    /// computes what the folded one does, and training mode starts close to it. Only for a backend
    /// without automatic differentiation, where batch norm is in evaluation mode.
    pub fn unfold<E>(
        mut self,
        input: Tensor<B, 4>,
        mut folded: impl FnMut(&str, [usize; 4]) -> Result<FoldedConv<B>, E>,
    ) -> Result<Self, E> {
        let mut layer = |name: &str, layer: ConvNorm<B>, x: Tensor<B, 4>| {
            let shape = layer.conv.weight.dims();
            folded(name, shape).map(|folded| layer.unfold(folded, x))
        };
        let (stem, x) = layer("stem", self.stem, input)?;
        self.stem = stem;
        let mut x = relu6(x);
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (index, mut block) in self.blocks.into_iter().enumerate() {
            let name = |part: &str| format!("blocks.{}.{part}", index + 1);
            let carried = block.residual.then(|| x.clone());
            if let Some(expand) = block.expand {
                let (expand, wide) = layer(&name("expand"), expand, x)?;
                block.expand = Some(expand);
                x = relu6(wide);
            }
            let (depthwise, filtered) = layer(&name("depthwise"), block.depthwise, x)?;
            block.depthwise = depthwise;
            let (project, narrow) = layer(&name("project"), block.project, relu6(filtered))?;
            block.project = project;
            x = match carried {
                Some(carried) => narrow + carried,
                None => narrow,
            };
            blocks.push(block);
        }
        self.blocks = blocks;
        (self.head_conv, _) = layer("head_conv", self.head_conv, x)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::scaled;

    #[test]
    fn channels_are_rounded_as_published() {
        // torchvision's mobilenet_v2(width_mult=0.35) and (0.75) and (1.4).
        assert_eq!(
            [16, 24, 32, 64, 96, 160, 320].map(|c| scaled(c, 0.35)),
            [8, 8, 16, 24, 32, 56, 112]
        );
        assert_eq!([32, 24, 96].map(|c| scaled(c, 0.75)), [24, 24, 72]);
        assert_eq!([32, 16, 1280].map(|c| scaled(c, 1.4)), [48, 24, 1792]);
    }
}
