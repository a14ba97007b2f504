//! A convolution with its batch norm.

use burn::module::{Module, Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig};
use burn::tensor::{Tensor, backend::Backend};

use super::kernel::{self, Activation};

/// Convolution without bias, then batch norm.
#[derive(Module, Debug)]
pub(super) struct ConvNorm<B: Backend> {
    pub(super) conv: Conv2d<B>,
    pub(super) norm: BatchNorm<B>,
}

/// A convolution into which the batch norm behind it was multiplied.
#[derive(Debug, Clone)]
pub struct FoldedConv<B: Backend> {
    /// `[out, in / groups, height, width]`.
    pub weight: Tensor<B, 4>,
    /// `[out]`.
    pub bias: Tensor<B, 1>,
}

impl<B: Backend> ConvNorm<B> {
    /// Fresh weights.
    pub(super) fn new(conv: Conv2dConfig, device: &B::Device) -> Self {
        Self {
            norm: BatchNormConfig::new(conv.channels[1]).init(device),
            conv: conv.with_bias(false).init(device),
        }
    }

    pub(super) fn forward(&self, x: Tensor<B, 4>, activation: Activation) -> Tensor<B, 4> {
        kernel::conv_norm(&self.conv, &self.norm, activation, x)
    }

    /// Takes a folded convolution apart again; gives the layer's output for `input` too.
    ///
    /// The mean `m` and variance `v` that the convolution has on `input` become the running
    /// statistics, the norm's scale `sqrt(v + eps)` and its shift `m + bias`. So evaluation mode
    /// computes exactly `conv(x) + bias`, and training mode, which takes the mean and variance of
    /// each batch, starts close to it.
    pub(super) fn unfold(
        mut self,
        folded: FoldedConv<B>,
        input: Tensor<B, 4>,
    ) -> (Self, Tensor<B, 4>) {
        self.conv.weight = Param::from_tensor(folded.weight);
        let raw = self.conv.forward(input);
        let [_, channels, _, _] = raw.dims();
        let by_channel = raw.clone().swap_dims(0, 1).reshape([channels as i32, -1]);
        let mean = by_channel.clone().mean_dim(1);
        let variance = (by_channel - mean.clone()).square().mean_dim(1);
        let (mean, variance) = (mean.reshape([channels]), variance.reshape([channels]));
        let scale = variance.clone().add_scalar(self.norm.epsilon).sqrt();
        self.norm.gamma = Param::from_tensor(scale);
        self.norm.beta = Param::from_tensor(mean.clone() + folded.bias);
        self.norm.running_mean = RunningState::new(mean);
        self.norm.running_var = RunningState::new(variance);
        let output = self.norm.forward(raw);
        (self, output)
    }
}
