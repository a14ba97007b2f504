//! LibTorch's own kernels, through its automatic differentiation, with channels last in memory (for
//! which its convolutions are fastest).

use burn_tch::{LibTorch, TchTensor};
use scanlight_model::arch::kernel::{Activation, ConvNormOptions};
use tch::{Tensor, no_grad, with_grad};

use super::autodiff::{ConvNormKernel, Forward};

/// LibTorch's graph from `inputs` to `y`.
///
/// burn's handles keep the memory from being reused in place while the graph needs it.
#[derive(Debug, Clone)]
pub struct Saved {
    y: TchTensor,
    inputs: [TchTensor; 4],
    /// The memory of the inputs and the output, as burn counts its users.
    _kept: [TchTensor; 5],
}

impl ConvNormKernel for LibTorch {
    type Saved = Saved;

    fn forward(inputs: [TchTensor; 4], options: ConvNormOptions) -> Forward<Self> {
        let [x, weight, gamma, beta] = &inputs;
        // Leaves of a graph of LibTorch's own.
        let leaf = |tensor: Tensor| TchTensor::new(tensor.detach().set_requires_grad(true));
        let leaves = [
            leaf(channels_last(&x.tensor)),
            leaf(channels_last(&weight.tensor)),
            leaf(gamma.tensor.shallow_clone()),
            leaf(beta.tensor.shallow_clone()),
        ];
        let [x, weight, gamma, beta] = &leaves;
        let [top, left, bottom, right] = options.padding;
        let even = if top == bottom && left == right {
            [top as i64, left as i64]
        } else {
            [0, 0]
        };
        let (y, mean, invstd) = with_grad(|| {
            let filtered = padded(&x.tensor, options.padding).conv2d(
                &weight.tensor,
                None::<&Tensor>,
                options.stride.map(|step| step as i64),
                even,
                [1, 1],
                options.groups as i64,
            );
            let (y, mean, invstd) = filtered.native_batch_norm(
                Some(&gamma.tensor),
                Some(&beta.tensor),
                None,
                None,
                true,
                0.0,
                options.epsilon,
            );
            let y = match options.activation {
                Activation::Identity => y,
                Activation::Relu => y.relu(),
                // Its gradient is one pass; `clamp`'s is five.
                Activation::Relu6 => y.relu6(),
            };
            (y, mean, invstd)
        });
        let output = TchTensor::new(y.detach());
        let variance = no_grad(|| invstd.detach().pow_tensor_scalar(-2.0) - options.epsilon);
        let [a, b, c, d] = inputs;
        Forward {
            y: output.clone(),
            // A copy: burn may write the running mean in its place, and the graph needs it.
            mean: TchTensor::new(mean.detach().copy()),
            variance: TchTensor::new(variance),
            saved: Saved {
                y: TchTensor::new(y),
                inputs: leaves,
                _kept: [a, b, c, d, output],
            },
        }
    }

    fn backward(saved: Saved, gradient: TchTensor, wanted: [bool; 4]) -> [Option<TchTensor>; 4] {
        let inputs: Vec<&Tensor> = saved
            .inputs
            .iter()
            .zip(wanted)
            .filter_map(|(input, wanted)| wanted.then_some(&input.tensor))
            .collect();
        // LibTorch differentiates a number: the one whose gradient with respect to `y` is the given one,
        // their scalar product.
        let line = |tensor: &Tensor| tensor.permute([0, 2, 3, 1]).reshape([-1]);
        let number = with_grad(|| line(&saved.y.tensor).dot(&line(&gradient.tensor)));
        let mut found = Tensor::run_backward(&[number], &inputs, false, false).into_iter();
        wanted.map(|wanted| wanted.then(|| found.next()).flatten().map(TchTensor::new))
    }
}

/// The tensor with its channels next to each other in memory; the same shape and values.
fn channels_last(tensor: &Tensor) -> Tensor {
    let size = tensor.size();
    let filled = tensor.permute([0, 2, 3, 1]).contiguous();
    match size[..] {
        // Strides in full: with a single channel, LibTorch would take any others for the other layout, and
        // keep to that for all that follows.
        [_, channels, height, width] => {
            let line = width * channels;
            filled.as_strided(&size, [height * line, 1, line, channels], None)
        }
        _ => filled.permute([0, 3, 1, 2]),
    }
}

/// With the lines and columns of 0 that differ from side to side; even ones are the convolution's.
fn padded(tensor: &Tensor, [top, left, bottom, right]: [usize; 4]) -> Tensor {
    if top == bottom && left == right {
        return tensor.shallow_clone();
    }
    tensor.constant_pad_nd([left, right, top, bottom].map(|lines| lines as i64))
}
