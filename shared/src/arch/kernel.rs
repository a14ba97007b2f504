//! Convolution, batch norm and activation as one step, and a place for a faster way to train it.
//!
//! burn differentiates the three operation by operation and takes the gradient of a convolution's
//! weight as another convolution, with a kernel as large as the plane. A program that trains may
//! [`install`] one kernel for all of it; without one, burn's operations are used.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, backend::Backend};

use super::depthwise::depthwise;

/// What follows the batch norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// Negative values become 0.
    Relu,
    /// Clamped to 0..=6.
    Relu6,
}

impl Activation {
    fn apply<B: Backend>(self, x: Tensor<B, 4>) -> Tensor<B, 4> {
        match self {
            Self::Identity => x,
            Self::Relu => relu(x),
            Self::Relu6 => x.clamp(0.0, 6.0),
        }
    }
}

/// Numbers of a [`ConvNormInput`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConvNormOptions {
    /// Step down and to the right.
    pub stride: [usize; 2],
    /// Lines and columns of 0 at the top, left, bottom and right.
    pub padding: [usize; 4],
    /// Groups of channels.
    pub groups: usize,
    /// Added to the variance.
    pub epsilon: f64,
    /// What follows.
    pub activation: Activation,
}

/// Input of a training step through convolution, batch norm and activation.
#[derive(Debug, Clone)]
pub struct ConvNormInput<B: Backend> {
    /// `[N, C, H, W]`.
    pub x: Tensor<B, 4>,
    /// The convolution's, `[K, C / groups, h, w]`.
    pub weight: Tensor<B, 4>,
    /// The norm's scale, `[K]`.
    pub gamma: Tensor<B, 1>,
    /// The norm's shift, `[K]`.
    pub beta: Tensor<B, 1>,
    /// Numbers.
    pub options: ConvNormOptions,
}

/// Output of a training step through convolution, batch norm and activation.
#[derive(Debug, Clone)]
pub struct ConvNormOutput<B: Backend> {
    /// `[N, K, H', W']`.
    pub y: Tensor<B, 4>,
    /// The convolution's mean over the batch, `[K]`; without a gradient.
    pub mean: Tensor<B, 1>,
    /// Its variance (divided by the number of values), `[K]`; without a gradient.
    pub variance: Tensor<B, 1>,
}

/// A differentiable way to compute a [`ConvNormOutput`].
pub type ConvNormKernel<B> = fn(ConvNormInput<B>) -> ConvNormOutput<B>;

/// Kernels by backend.
static KERNELS: RwLock<Option<HashMap<TypeId, Box<dyn Any + Send + Sync>>>> = RwLock::new(None);

/// From now on networks train with this kernel on the backend `B`.
pub fn install<B: Backend>(kernel: ConvNormKernel<B>) {
    let mut kernels = KERNELS.write().unwrap_or_else(PoisonError::into_inner);
    kernels
        .get_or_insert_default()
        .insert(TypeId::of::<B>(), Box::new(kernel));
}

fn installed<B: Backend>() -> Option<ConvNormKernel<B>> {
    let kernels = KERNELS.read().unwrap_or_else(PoisonError::into_inner);
    let kernel = kernels.as_ref()?.get(&TypeId::of::<B>())?;
    kernel.downcast_ref::<ConvNormKernel<B>>().copied()
}

/// Convolution, batch norm and activation; `[N, C, H, W]` to `[N, K, H', W']`.
pub(super) fn conv_norm<B: Backend>(
    conv: &Conv2d<B>,
    norm: &BatchNorm<B>,
    activation: Activation,
    x: Tensor<B, 4>,
) -> Tensor<B, 4> {
    if B::ad_enabled(&x.device())
        && let Some(kernel) = installed::<B>()
    {
        let [_, _, height, width] = x.dims();
        return train(
            kernel,
            norm,
            ConvNormInput {
                weight: conv.weight.val(),
                gamma: norm.gamma.val(),
                beta: norm.beta.val(),
                options: ConvNormOptions {
                    stride: conv.stride,
                    padding: padding(conv, [height, width]),
                    groups: conv.groups,
                    epsilon: norm.epsilon,
                    activation,
                },
                x,
            },
        );
    }
    let filtered = if conv.groups > 1 {
        depthwise(conv, x)
    } else {
        conv.forward(x)
    };
    activation.apply(norm.forward(filtered))
}

/// A step through a kernel, with burn's rule for the running statistics.
fn train<B: Backend>(
    kernel: ConvNormKernel<B>,
    norm: &BatchNorm<B>,
    input: ConvNormInput<B>,
) -> Tensor<B, 4> {
    let output = kernel(input);
    for (running, value) in [
        (&norm.running_mean, output.mean),
        (&norm.running_var, output.variance),
    ] {
        let old = running.value_sync().mul_scalar(1.0 - norm.momentum);
        running.update((old + value.mul_scalar(norm.momentum)).detach());
    }
    output.y
}

/// Lines and columns of 0 around a plane of this height and width: top, left, bottom, right.
fn padding<B: Backend>(conv: &Conv2d<B>, plane: [usize; 2]) -> [usize; 4] {
    match &conv.padding {
        PaddingConfig2d::Valid => [0; 4],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [*top, *left, *bottom, *right],
        PaddingConfig2d::Same => {
            let both = [0, 1].map(|axis| {
                let (side, stride) = (plane[axis], conv.stride[axis]);
                let all = ((side.div_ceil(stride) - 1) * stride + conv.kernel_size[axis])
                    .saturating_sub(side);
                (all / 2, all - all / 2)
            });
            [both[0].0, both[1].0, both[0].1, both[1].1]
        }
    }
}
