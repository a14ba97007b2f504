//! Depthwise 3 x 3 convolution that every backend can train.

use burn::nn::conv::Conv2d;
use burn::tensor::{Tensor, backend::Backend};

/// A depthwise convolution with a 3 x 3 kernel and SAME padding, whichever way suits the backend.
///
/// Inference takes the backend's convolution. The gradient of a grouped convolution's weight is
/// computed by burn with one convolution for each group, thousands in a MobileNetV2, so training
/// takes a sum of nine shifted planes instead.
pub(super) fn depthwise<B: Backend>(conv: &Conv2d<B>, x: Tensor<B, 4>) -> Tensor<B, 4> {
    if B::ad_enabled(&x.device()) {
        shifted_sum(x, conv.weight.val(), conv.stride[0])
    } else {
        conv.forward(x)
    }
}

/// The convolution `[N, C, H, W] * [C, 1, 3, 3]` as a sum over the kernel's nine places; stride 1 or 2.
fn shifted_sum<B: Backend>(x: Tensor<B, 4>, weight: Tensor<B, 4>, stride: usize) -> Tensor<B, 4> {
    let [batch, channels, height, width] = x.dims();
    let [rows, columns] = [height, width].map(|side| side.div_ceil(stride));
    // Planes of every `stride`-th row and column, so that all slices below have step 1: burn's
    // gradient of a stepped slice is very slow on LibTorch.
    let [phase_rows, phase_columns] = [rows, columns].map(|side| side + 2 / stride);
    let pad = |side: usize, out: usize, phase: usize| {
        let before = ((out - 1) * stride + 3).saturating_sub(side) / 2;
        (before, stride * phase - before - side)
    };
    let x = x.pad(
        [
            (0, 0),
            (0, 0),
            pad(height, rows, phase_rows),
            pad(width, columns, phase_columns),
        ],
        0.0,
    );
    let x = x.reshape([batch, channels, phase_rows, stride, phase_columns, stride]);
    let mut sum: Option<Tensor<B, 4>> = None;
    for row in 0..stride.min(3) {
        for column in 0..stride.min(3) {
            let phase = x.clone().narrow(3, row, 1).narrow(5, column, 1).reshape([
                batch,
                channels,
                phase_rows,
                phase_columns,
            ]);
            for i in (row..3).step_by(stride) {
                for j in (column..3).step_by(stride) {
                    let shifted =
                        phase
                            .clone()
                            .narrow(2, i / stride, rows)
                            .narrow(3, j / stride, columns);
                    let factor = weight
                        .clone()
                        .narrow(2, i, 1)
                        .narrow(3, j, 1)
                        .reshape([1, channels, 1, 1]);
                    let term = shifted * factor;
                    sum = Some(match sum {
                        Some(sum) => sum + term,
                        None => term,
                    });
                }
            }
        }
    }
    // The kernel has nine places, so there is a sum.
    sum.unwrap_or_else(|| Tensor::zeros([batch, channels, rows, columns], &weight.device()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::PaddingConfig2d;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::TensorData;
    use burn_autodiff::Autodiff;
    use burn_flex::Flex;

    fn planes<B: Backend>(dims: [usize; 4]) -> Tensor<B, 4> {
        let count = dims.iter().product::<usize>();
        let values: Vec<f32> = (0..count)
            .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, dims), &Default::default())
    }

    /// Values, and gradients with respect to input and weight, of both ways.
    #[test]
    fn equals_the_backend_s_convolution_and_its_gradients() {
        type B = Autodiff<Flex>;
        for (height, width, stride) in [(8, 6, 1), (8, 6, 2), (7, 9, 1), (7, 9, 2), (2, 3, 2)] {
            let x = planes::<B>([2, 3, height, width]).require_grad();
            let mut conv = Conv2dConfig::new([3, 3], [3, 3])
                .with_groups(3)
                .with_stride([stride, stride])
                .with_padding(PaddingConfig2d::Same)
                .with_bias(false)
                .init::<B>(&Default::default());
            conv.weight = conv
                .weight
                .map(|weight| planes(weight.dims()).require_grad());
            let ways = [
                conv.forward(x.clone()),
                shifted_sum(x.clone(), conv.weight.val(), stride),
            ];
            let [theirs, ours] = ways.map(|y| {
                // Another factor for each output, so that no gradient is hidden by symmetry.
                let loss = (y.clone() * planes(y.dims())).sum().backward();
                [
                    y.into_data(),
                    x.grad(&loss).unwrap().into_data(),
                    conv.weight.val().grad(&loss).unwrap().into_data(),
                ]
            });
            for (theirs, ours) in theirs.into_iter().zip(ours) {
                assert_eq!(theirs.shape, ours.shape);
                let (theirs, ours) = (
                    theirs.to_vec::<f32>().unwrap(),
                    ours.to_vec::<f32>().unwrap(),
                );
                for (a, b) in theirs.iter().zip(&ours) {
                    assert!(
                        (a - b).abs() < 1e-4,
                        "{height}x{width} stride {stride}: {a} {b}"
                    );
                }
            }
        }
    }
}
