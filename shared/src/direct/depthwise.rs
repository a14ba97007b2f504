//! Convolutions of each channel by itself.

use super::activation::Bounds;
use super::conv::Folded;
use super::planes::{Lanes, Planes, grouped};
use super::scratch::outside;
use super::window::Window;
use crate::arch::kernel::Activation;

/// Places of a kernel.
const PLACES: usize = 9;

/// Depthwise 3 x 3 convolution, bias and activation.
#[derive(Debug, Clone)]
pub(super) struct Depthwise {
    /// `[group][place of the kernel]`.
    weight: Vec<[Lanes; PLACES]>,
    bias: Vec<Lanes>,
    window: Window,
    bounds: Bounds,
    outside: Vec<Lanes>,
}

impl Depthwise {
    /// The filters have one input channel and a 3 x 3 kernel each.
    pub(super) fn new(folded: &Folded, window: Window, activation: Activation) -> Self {
        let places: [Vec<Lanes>; PLACES] = std::array::from_fn(|place| {
            let outputs = 0..folded.outputs();
            let values: Vec<f32> = outputs.map(|c| folded.at(c, 0, place) as f32).collect();
            grouped(&values)
        });
        let bias = grouped(&folded.bias);
        Self {
            weight: (0..bias.len())
                .map(|group| std::array::from_fn(|place| places[place][group]))
                .collect(),
            outside: outside(bias.len()),
            bias,
            window,
            bounds: Bounds::of(activation),
        }
    }

    /// Writes all of `output`, which has the window's size and the input's channels.
    pub(super) fn run(&self, input: &Planes, output: &mut Planes) {
        let (across, groups) = (self.window.output[1], self.bias.len());
        let pixels = output.values_mut().chunks_exact_mut(groups);
        for (index, output) in pixels.enumerate() {
            let [top, left] = self.window.corner(index / across, index % across);
            let under: [&[Lanes]; PLACES] = std::array::from_fn(|place| {
                let (dy, dx) = ((place / 3) as isize, (place % 3) as isize);
                &input.pixel_or(top + dy, left + dx, &self.outside)[..groups]
            });
            let layers = self.weight.iter().zip(&self.bias);
            for ((group, output), (weight, bias)) in output.iter_mut().enumerate().zip(layers) {
                let mut sum = *bias;
                for (under, weight) in under.iter().zip(weight) {
                    for ((sum, value), weight) in sum.iter_mut().zip(under[group]).zip(weight) {
                        *sum += value * weight;
                    }
                }
                *output = self.bounds.clamp(sum);
            }
        }
    }
}
