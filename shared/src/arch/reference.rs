//! The reference project's network: three convolution blocks and a dense head.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};

use super::block::BlockName;
use super::head::{Head, HeadConfig};
use super::kernel::{Activation, conv_norm};

/// Sizes of a [`ReferenceCnn`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReferenceCnnConfig {
    /// Channels after each block; every block halves the plane.
    pub channels: Vec<usize>,
    /// Width of the dense layer before the last; 0 for none.
    pub hidden: usize,
    /// Dropout probability before the last layer, while training.
    pub dropout: f64,
}

impl Default for ReferenceCnnConfig {
    fn default() -> Self {
        Self {
            channels: vec![32, 64, 128],
            hidden: 64,
            dropout: 0.3,
        }
    }
}

impl ReferenceCnnConfig {
    fn head(&self, classes: usize) -> HeadConfig {
        HeadConfig::new(
            self.channels.last().copied().unwrap_or(1),
            classes,
            self.hidden,
            self.dropout,
        )
    }

    /// A network with fresh weights.
    pub fn init<B: Backend>(&self, classes: usize, device: &B::Device) -> ReferenceCnn<B> {
        let inputs = std::iter::once(1).chain(self.channels.iter().copied());
        ReferenceCnn {
            blocks: inputs
                .zip(&self.channels)
                .map(|(from, &to)| ConvBlock::new(from, to, device))
                .collect(),
            head: self.head(classes).init(device),
        }
    }

    /// Number of values in the weights file (running statistics included).
    pub fn value_count(&self, classes: usize) -> u64 {
        let inputs = std::iter::once(1).chain(self.channels.iter().copied());
        let blocks: u64 = inputs
            .zip(&self.channels)
            .map(|(from, &to)| 9 * from as u64 * to as u64 + 4 * to as u64)
            .sum();
        blocks + self.head(classes).parameter_count()
    }
}

/// Convolution 3x3, batch norm, ReLU, max-pool 2x2.
#[derive(Module, Debug)]
struct ConvBlock<B: Backend> {
    conv: Conv2d<B>,
    norm: BatchNorm<B>,
    pool: MaxPool2d,
}

impl<B: Backend> ConvBlock<B> {
    fn new(from: usize, to: usize, device: &B::Device) -> Self {
        Self {
            conv: Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(false)
                .init(device),
            norm: BatchNormConfig::new(to).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    fn forward(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        let y = conv_norm(&self.conv, &self.norm, Activation::Relu, x);
        self.pool.forward(y)
    }
}

/// The reference CNN, see [`ReferenceCnnConfig`].
#[derive(Module, Debug)]
pub struct ReferenceCnn<B: Backend> {
    blocks: Vec<ConvBlock<B>>,
    pub(super) head: Head<B>,
}

impl<B: Backend> ReferenceCnn<B> {
    /// Input `[N, 1, H, W]` to feature maps `[N, K, H / 8, W / 8]` (for three blocks).
    pub fn features(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        self.features_by_block(input, &mut |_, _| {})
    }

    /// [`Self::features`], showing `visit` what each block puts out.
    pub fn features_by_block(
        &self,
        input: Tensor<B, 4>,
        visit: &mut dyn FnMut(BlockName, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        let mut x = input;
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x);
            visit(BlockName::Block(index), &x);
        }
        x
    }
}
