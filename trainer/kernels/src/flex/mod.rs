//! Convolution, batch norm and activation for burn-flex, on all cores, in plain Rust.
//!
//! Convolutions are matrix products over columns of patches (im2col, Chellapilla et al. 2006), a few
//! images at a time; depthwise ones are sums of shifted lines. What images contribute to a sum is added
//! in their order, so the number of threads does not change the result.

mod columns;
mod dense;
mod depthwise;
mod norm;

use burn::tensor::{Shape, TensorData, TensorMetadata};
use burn_flex::{Flex, FlexTensor};
use scanlight_model::arch::kernel::ConvNormOptions;

use super::autodiff::{ConvNormKernel, Forward};
use columns::Window;
use norm::Norm;

/// Values of a tensor, row-major.
struct Values(FlexTensor);

impl Values {
    fn of(tensor: &FlexTensor) -> Self {
        Self(tensor.to_contiguous())
    }

    fn get(&self) -> &[f32] {
        // This project computes in 32 bits only, and the tensor was made contiguous.
        self.0.as_slice().unwrap_or_default()
    }
}

fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Sizes of a convolution over a batch.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// Images.
    count: usize,
    /// Channels in and out.
    channels: [usize; 2],
    /// Where each output looks.
    window: Window,
    /// Whether each channel is by itself.
    depthwise: bool,
}

impl Sizes {
    fn new(x: &[usize; 4], weight: &[usize; 4], options: &ConvNormOptions) -> Self {
        let [count, from, height, width] = *x;
        let [to, _, rows, columns] = *weight;
        Self {
            count,
            channels: [from, to],
            window: Window::new([height, width], [rows, columns], options),
            depthwise: options.groups > 1,
        }
    }

    /// Values of one image, before and after.
    fn lengths(&self) -> [usize; 2] {
        [
            self.channels[0] * self.window.input.iter().product::<usize>(),
            self.channels[1] * self.window.output.iter().product::<usize>(),
        ]
    }
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub struct Saved {
    x: FlexTensor,
    weight: FlexTensor,
    filtered: FlexTensor,
    norm: Norm,
    sizes: Sizes,
}

impl ConvNormKernel for Flex {
    type Saved = Saved;

    fn forward(
        [x, weight, gamma, beta]: [FlexTensor; 4],
        options: ConvNormOptions,
    ) -> Forward<Self> {
        let sizes = Sizes::new(&x.shape().dims(), &weight.shape().dims(), &options);
        let (input, kernel) = (Values::of(&x), Values::of(&weight));
        let filtered = if sizes.depthwise {
            depthwise::forward(input.get(), kernel.get(), &sizes)
        } else {
            dense::forward(input.get(), kernel.get(), &sizes)
        };
        let plane = sizes.window.output;
        let norm = Norm::of(
            &filtered,
            [sizes.count, sizes.channels[1], plane[0] * plane[1]],
            [Values::of(&gamma).get(), Values::of(&beta).get()],
            &options,
        );
        let y = norm.apply(&filtered);
        let shape = [sizes.count, sizes.channels[1], plane[0], plane[1]];
        Forward {
            y: tensor(y, shape),
            mean: tensor(norm.mean.clone(), [sizes.channels[1]]),
            variance: tensor(norm.variance.clone(), [sizes.channels[1]]),
            saved: Saved {
                x,
                weight,
                filtered: tensor(filtered, shape),
                norm,
                sizes,
            },
        }
    }

    fn backward(saved: Saved, gradient: FlexTensor, wanted: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let sizes = saved.sizes;
        let gradient = Values::of(&gradient);
        let (x, kernel) = (Values::of(&saved.x), Values::of(&saved.weight));
        let back = saved
            .norm
            .backward(Values::of(&saved.filtered).get(), gradient.get());
        let filtered = &back.input;
        let of_x = wanted[0].then(|| {
            if sizes.depthwise {
                depthwise::input_gradient(filtered, kernel.get(), &sizes)
            } else {
                dense::input_gradient(filtered, kernel.get(), &sizes)
            }
        });
        let of_weight = wanted[1].then(|| {
            if sizes.depthwise {
                depthwise::weight_gradient(filtered, x.get(), &sizes)
            } else {
                dense::weight_gradient(filtered, x.get(), &sizes)
            }
        });
        let channels = sizes.channels[1];
        [
            of_x.map(|values| tensor(values, saved.x.shape())),
            of_weight.map(|values| tensor(values, saved.weight.shape())),
            wanted[2].then(|| tensor(back.gamma, [channels])),
            wanted[3].then(|| tensor(back.beta, [channels])),
        ]
    }
}
