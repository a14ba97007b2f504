//! Convolutions against the definition, written out slowly.

use proptest::prelude::*;

use super::activation::relu;
use super::conv::{Conv, Folded, Stem};
use super::depthwise::Depthwise;
use super::planes::{Planes, Shape};
use super::scratch::Scratch;
use super::window::{Padding, Window};
use crate::arch::kernel::Activation;

/// Numbers in -1..1 without a pattern that a wrong index would reproduce.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    crate::cam::random_map(count, 1, seed)
        .into_iter()
        .map(|value| 2.0 * value - 1.0)
        .collect()
}

fn folded(outputs: usize, inputs: usize, kernel: usize, seed: u64) -> Folded {
    let weight = numbers(outputs * inputs * kernel * kernel, seed);
    Folded {
        weight: weight.into_iter().map(f64::from).collect(),
        bias: numbers(outputs, seed + 1),
        inputs,
        kernel,
    }
}

/// The convolution's definition, bias and ReLU, over values `[channel][height][width]`.
fn naive(
    folded: &Folded,
    window: &Window,
    input: &[f32],
    [height, width]: [usize; 2],
    depthwise: bool,
) -> Vec<f32> {
    let mut result = Vec::new();
    for output in 0..folded.outputs() {
        for y in 0..window.output[0] {
            for x in 0..window.output[1] {
                let mut sum = f64::from(folded.bias[output]);
                for own in 0..folded.inputs {
                    let channel = if depthwise { output } else { own };
                    for place in 0..window.kernel * window.kernel {
                        let (dy, dx) = (place / window.kernel, place % window.kernel);
                        let row = (y * window.stride + dy).checked_sub(window.before[0]);
                        let column = (x * window.stride + dx).checked_sub(window.before[1]);
                        if let (Some(row), Some(column)) = (row, column)
                            && row < height
                            && column < width
                        {
                            let value = input[(channel * height + row) * width + column];
                            sum += folded.at(output, own, place) * f64::from(value);
                        }
                    }
                }
                result.push(relu(sum as f32));
            }
        }
    }
    result
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    }
}

fn output(channels: usize, window: &Window) -> Planes {
    let mut planes = Planes::default();
    planes.reshape(Shape {
        height: window.output[0],
        width: window.output[1],
        channels,
    });
    // Whatever was there must not matter.
    planes.values_mut().fill([f32::NAN; 8]);
    planes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Pointwise, patches and Winograd: which it is follows from kernel and stride.
    #[test]
    fn convolutions_equal_the_definition(
        plane in [1usize..9, 1usize..12], inputs in 1usize..19, outputs in 1usize..19,
        three: bool, stride in 1usize..3, same: bool, seed: u64,
    ) {
        let kernel = if three { 3 } else { 1 };
        let padding = if same { Padding::Same } else { Padding::Centred };
        let window = Window::new(kernel, stride, padding, plane);
        let seed = seed / 2;
        let folded = folded(outputs, inputs, kernel, seed);
        let values = numbers(inputs * plane[0] * plane[1], seed + 7);
        let shape = Shape { height: plane[0], width: plane[1], channels: inputs };
        let input = Planes::from_channels(shape, &values);
        let expected = naive(&folded, &window, &values, plane, false);

        let mut scratch = Scratch::default();
        let mut found = output(outputs, &window);
        Conv::new(&folded, shape, window, Activation::Relu).run(&input, &mut scratch, &mut found);
        close(&found.by_channel(), &expected);

        if inputs == 1 {
            let mut found = output(outputs, &window);
            let stem = Stem::new(&folded, plane, window, Activation::Relu);
            stem.run(&values, &mut scratch, &mut found);
            close(&found.by_channel(), &expected);
        }
    }

    #[test]
    fn the_stem_equals_the_definition(
        plane in [1usize..9, 1usize..12], outputs in 1usize..19, stride in 1usize..3, same: bool,
    ) {
        let padding = if same { Padding::Same } else { Padding::Centred };
        let window = Window::new(3, stride, padding, plane);
        let folded = folded(outputs, 1, 3, 1);
        let values = numbers(plane[0] * plane[1], 2);
        let mut found = output(outputs, &window);
        let stem = Stem::new(&folded, plane, window, Activation::Relu);
        stem.run(&values, &mut Scratch::default(), &mut found);
        close(&found.by_channel(), &naive(&folded, &window, &values, plane, false));
    }

    #[test]
    fn depthwise_convolutions_equal_the_definition(
        plane in [1usize..9, 1usize..12], channels in 1usize..19, stride in 1usize..3, same: bool,
    ) {
        let padding = if same { Padding::Same } else { Padding::Centred };
        let window = Window::new(3, stride, padding, plane);
        let folded = folded(channels, 1, 3, 3);
        let values = numbers(channels * plane[0] * plane[1], 4);
        let shape = Shape { height: plane[0], width: plane[1], channels };
        let mut found = output(channels, &window);
        let layer = Depthwise::new(&folded, window, Activation::Relu);
        layer.run(&Planes::from_channels(shape, &values), &mut found);
        close(&found.by_channel(), &naive(&folded, &window, &values, plane, true));
    }
}

/// More tiles and rows than are put together at once.
#[test]
fn large_layers_are_computed_in_parts() {
    let plane = [33, 47];
    for (kernel, stride) in [(3, 1), (3, 2), (1, 1), (1, 2)] {
        let window = Window::new(kernel, stride, Padding::Centred, plane);
        let folded = folded(9, 40, kernel, 5);
        let values = numbers(40 * plane[0] * plane[1], 6);
        let shape = Shape {
            height: plane[0],
            width: plane[1],
            channels: 40,
        };
        let mut found = output(9, &window);
        let conv = Conv::new(&folded, shape, window, Activation::Relu);
        let input = Planes::from_channels(shape, &values);
        conv.run(&input, &mut Scratch::default(), &mut found);
        close(
            &found.by_channel(),
            &naive(&folded, &window, &values, plane, false),
        );
    }
}
