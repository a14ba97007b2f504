//! Kernels against burn's own operations: values, statistics and gradients.

use burn::tensor::module::conv2d;
use burn::tensor::ops::PaddedConvOptions;
use burn::tensor::{Tensor, TensorData, activation::relu};
use burn_autodiff::Autodiff;
use proptest::prelude::*;
use scanlight_model::arch::kernel::{Activation, ConvNormInput, ConvNormOptions, ConvNormOutput};

use super::autodiff::{ConvNormKernel, conv_norm};

/// Sizes of a case: images, channels in and out, height and width, kernel, stride; depthwise or not.
#[derive(Debug, Clone, Copy)]
struct Case {
    images: usize,
    channels: [usize; 2],
    plane: [usize; 2],
    kernel: usize,
    options: ConvNormOptions,
}

fn values<B: burn::tensor::backend::Backend, const D: usize>(
    shape: [usize; D],
    salt: usize,
) -> Tensor<B, D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count)
        .map(|i| ((i * 7919 + salt * 104_729) % 1009) as f32 / 504.5 - 1.0)
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Default::default())
}

/// Convolution, batch norm and activation operation by operation.
fn composed<B: burn::tensor::backend::AutodiffBackend>(
    input: ConvNormInput<B>,
) -> ConvNormOutput<B> {
    let ConvNormInput {
        x,
        weight,
        gamma,
        beta,
        options,
    } = input;
    let [top, left, bottom, right] = options.padding;
    let padding = PaddedConvOptions::asymmetric(
        options.stride,
        [top, left],
        [bottom, right],
        [1, 1],
        options.groups,
    );
    let z = conv2d(x, weight, None, padding);
    let [n, k, h, w] = z.dims();
    let rows = z.clone().swap_dims(0, 1).reshape([k, n * h * w]);
    let mean = rows.clone().mean_dim(1);
    let away = rows - mean.clone();
    let variance = away.square().mean_dim(1);
    let shape = [1, k, 1, 1];
    let scaled = (z - mean.clone().reshape(shape))
        / variance
            .clone()
            .add_scalar(options.epsilon)
            .sqrt()
            .reshape(shape);
    let y = scaled * gamma.reshape(shape) + beta.reshape(shape);
    ConvNormOutput {
        y: match options.activation {
            Activation::Identity => y,
            Activation::Relu => relu(y),
            Activation::Relu6 => y.clamp(0.0, 6.0),
        },
        mean: mean.reshape([k]).detach(),
        variance: variance.reshape([k]).detach(),
    }
}

/// Output, mean, variance and the four gradients of one way to compute them.
fn outcome<B: ConvNormKernel>(
    case: Case,
    way: fn(ConvNormInput<Autodiff<B>>) -> ConvNormOutput<Autodiff<B>>,
) -> Vec<Vec<f32>> {
    let [from, to] = case.channels;
    let each = from / case.options.groups;
    let x = values([case.images, from, case.plane[0], case.plane[1]], 1).require_grad();
    let weight = values([to, each, case.kernel, case.kernel], 2).require_grad();
    let gamma = (values::<Autodiff<B>, 1>([to], 3) + 1.5).require_grad();
    let beta = values([to], 4).require_grad();
    let output = way(ConvNormInput {
        x: x.clone(),
        weight: weight.clone(),
        gamma: gamma.clone(),
        beta: beta.clone(),
        options: case.options,
    });
    // Another factor for each value, so that no gradient is hidden by symmetry.
    let gradients = (output.y.clone() * values(output.y.dims(), 5))
        .sum()
        .backward();
    let vector = |data: TensorData| data.convert::<f32>().into_vec::<f32>().unwrap();
    vec![
        vector(output.y.into_data()),
        vector(output.mean.into_data()),
        vector(output.variance.into_data()),
        vector(x.grad(&gradients).unwrap().into_data()),
        vector(weight.grad(&gradients).unwrap().into_data()),
        vector(gamma.grad(&gradients).unwrap().into_data()),
        vector(beta.grad(&gradients).unwrap().into_data()),
    ]
}

fn compare<B: ConvNormKernel>(case: Case) -> Result<(), TestCaseError> {
    let names = ["y", "mean", "variance", "x", "weight", "gamma", "beta"];
    let ours = outcome::<B>(case, conv_norm::<B>);
    let theirs = outcome::<B>(case, composed);
    for ((name, ours), theirs) in names.into_iter().zip(ours).zip(theirs) {
        prop_assert_eq!(ours.len(), theirs.len(), "{}", name);
        let size = theirs.iter().fold(1.0f32, |m, v| m.max(v.abs()));
        for (a, b) in ours.iter().zip(&theirs) {
            prop_assert!(
                (a - b).abs() <= 2e-4 * size,
                "{} {:?}: {} {}",
                name,
                case,
                a,
                b
            );
        }
    }
    Ok(())
}

fn cases() -> impl Strategy<Value = Case> {
    let activation = prop_oneof![
        Just(Activation::Identity),
        Just(Activation::Relu),
        Just(Activation::Relu6)
    ];
    (
        (1usize..5, [1usize..5, 1..5], [3usize..12, 3..12]),
        (prop_oneof![Just(1usize), Just(3)], 1usize..3),
        (any::<bool>(), [0usize..2, 0..2, 0..2, 0..2]),
        activation,
    )
        .prop_map(
            |((images, channels, plane), (kernel, stride), (depthwise, padding), activation)| {
                let to = if depthwise { channels[0] } else { channels[1] };
                Case {
                    // Batch norm needs two values.
                    images: images + 1,
                    channels: [channels[0], to],
                    plane,
                    kernel,
                    options: ConvNormOptions {
                        stride: [stride; 2],
                        padding,
                        groups: if depthwise { channels[0] } else { 1 },
                        epsilon: 1e-3,
                        activation,
                    },
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn flex_equals_burn_s_operations(case in cases()) {
        compare::<burn_flex::Flex>(case)?;
    }

    #[cfg(feature = "tch")]
    #[test]
    fn libtorch_equals_burn_s_operations(case in cases()) {
        compare::<burn_tch::LibTorch>(case)?;
    }
}

/// Planes as large as the networks', where several products and threads share the work.
#[test]
fn flex_equals_burn_s_operations_on_large_planes() {
    for (channels, side, kernel, stride) in [
        ([24, 32], 64, 3, 2),
        ([16, 16], 16, 3, 1),
        ([16, 24], 8, 1, 1),
    ] {
        compare::<burn_flex::Flex>(Case {
            images: 9,
            channels,
            plane: [side; 2],
            kernel,
            options: ConvNormOptions {
                stride: [stride; 2],
                padding: [kernel / 2; 4],
                groups: 1,
                epsilon: 1e-5,
                activation: Activation::Relu,
            },
        })
        .unwrap();
    }
}
