//! Batch norm by the batch's own mean and variance, and the activation behind it.

use rayon::prelude::*;
use scanlight_model::arch::kernel::{Activation, ConvNormOptions};

/// A batch norm whose mean and variance are known.
#[derive(Debug, Clone)]
pub struct Norm {
    /// Of each channel.
    pub mean: Vec<f32>,
    /// Of each channel, divided by the number of values.
    pub variance: Vec<f32>,
    inverse: Vec<f32>,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    activation: Activation,
    /// Images, channels, values of a plane.
    sizes: [usize; 3],
}

/// What the backward pass gives.
pub struct Gradients {
    /// Of the norm's input.
    pub input: Vec<f32>,
    /// Of the scale.
    pub gamma: Vec<f32>,
    /// Of the shift.
    pub beta: Vec<f32>,
}

/// Sums over images of two numbers for each channel, computed for one plane at a time.
fn sums(
    sizes: [usize; 3],
    plane: impl Fn(usize, std::ops::Range<usize>) -> [f32; 2] + Sync,
) -> Vec<[f64; 2]> {
    let [count, channels, length] = sizes;
    let planes: Vec<[f32; 2]> = (0..count * channels)
        .into_par_iter()
        .with_min_len(channels)
        .map(|index| plane(index % channels, index * length..(index + 1) * length))
        .collect();
    let mut sums = vec![[0.0; 2]; channels];
    for (index, [a, b]) in planes.into_iter().enumerate() {
        let sum = &mut sums[index % channels];
        sum[0] += f64::from(a);
        sum[1] += f64::from(b);
    }
    sums
}

/// Partial sums, so that the compiler adds several numbers at once.
const LANES: usize = 8;

/// The sums of a function's values over the elements of two slices of one length.
fn sum<const N: usize>(
    one: &[f32],
    other: &[f32],
    value: impl Fn(f32, f32) -> [f32; N],
) -> [f32; N] {
    let mut lanes = [[0.0f32; LANES]; N];
    // Chunks of a known length: an index that could be out of bounds would keep the loop from being vectorised.
    let (ones, one_left) = one.as_chunks::<LANES>();
    let (others, other_left) = other.as_chunks::<LANES>();
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..LANES {
            let values = value(one[lane], other[lane]);
            for (sums, value) in lanes.iter_mut().zip(values) {
                sums[lane] += value;
            }
        }
    }
    for (one, other) in one_left.iter().zip(other_left) {
        for (sums, value) in lanes.iter_mut().zip(value(*one, *other)) {
            sums[0] += value;
        }
    }
    lanes.map(|lanes| lanes.iter().sum())
}

impl Norm {
    /// The norm of `values` (`[N, K, P]` as `sizes` says) with this scale and shift.
    pub fn of(
        values: &[f32],
        sizes: [usize; 3],
        [gamma, beta]: [&[f32]; 2],
        options: &ConvNormOptions,
    ) -> Self {
        let [count, _, length] = sizes;
        let total = (count * length) as f64;
        let mean: Vec<f32> = sums(sizes, |_, range| {
            let plane = &values[range];
            let [sum] = sum(plane, plane, |x, _| [x]);
            [sum, 0.0]
        })
        .into_iter()
        .map(|[sum, _]| (sum / total) as f32)
        .collect();
        // About the mean: the mean of squares less the square of the mean would lose digits.
        let variance: Vec<f32> = sums(sizes, |channel, range| {
            let (plane, mean) = (&values[range], mean[channel]);
            let [sum] = sum(plane, plane, |x, _| [(x - mean) * (x - mean)]);
            [sum, 0.0]
        })
        .into_iter()
        .map(|[sum, _]| (sum / total) as f32)
        .collect();
        Self {
            inverse: variance
                .iter()
                .map(|v| (1.0 / (f64::from(*v) + options.epsilon).sqrt()) as f32)
                .collect(),
            mean,
            variance,
            gamma: gamma.to_vec(),
            beta: beta.to_vec(),
            activation: options.activation,
            sizes,
        }
    }

    /// Factor and summand of each channel before the activation.
    fn line(&self, channel: usize) -> [f32; 2] {
        let factor = self.gamma[channel] * self.inverse[channel];
        [factor, self.beta[channel] - self.mean[channel] * factor]
    }

    /// The normalised and activated values.
    pub fn apply(&self, values: &[f32]) -> Vec<f32> {
        let [_, channels, length] = self.sizes;
        let mut output = vec![0.0; values.len()];
        output
            .par_chunks_mut(length)
            .zip(values.par_chunks(length))
            .enumerate()
            .with_min_len(channels)
            .for_each(|(index, (output, values))| {
                let [factor, summand] = self.line(index % channels);
                let pairs = output.iter_mut().zip(values);
                match self.activation {
                    Activation::Identity => pairs.for_each(|(y, x)| *y = x * factor + summand),
                    Activation::Relu => {
                        pairs.for_each(|(y, x)| *y = (x * factor + summand).max(0.0));
                    }
                    Activation::Relu6 => {
                        pairs.for_each(|(y, x)| *y = (x * factor + summand).clamp(0.0, 6.0));
                    }
                }
            });
        output
    }

    /// The gradients for that of the activated values; `values` are the norm's input.
    pub fn backward(&self, values: &[f32], gradient: &[f32]) -> Gradients {
        let [count, channels, length] = self.sizes;
        let high = match self.activation {
            Activation::Identity | Activation::Relu => f32::INFINITY,
            Activation::Relu6 => 6.0,
        };
        let low = match self.activation {
            Activation::Identity => f32::NEG_INFINITY,
            Activation::Relu | Activation::Relu6 => 0.0,
        };
        // What the activation lets through; a mask, where a branch would keep the loops from being vectorised.
        let through = move |gradient: f32, before: f32| {
            let inside = (before > low) & (before < high);
            f32::from_bits(gradient.to_bits() & u32::from(inside).wrapping_neg())
        };
        let found = sums(self.sizes, |channel, range| {
            let (x, gradient) = (&values[range.clone()], &gradient[range]);
            let ([factor, summand], mean) = (self.line(channel), self.mean[channel]);
            sum(x, gradient, |x, gradient| {
                let g = through(gradient, x * factor + summand);
                [g, g * (x - mean)]
            })
        });
        let total = (count * length) as f32;
        let mut input = vec![0.0; values.len()];
        input
            .par_chunks_mut(length)
            .zip(values.par_chunks(length).zip(gradient.par_chunks(length)))
            .enumerate()
            .with_min_len(channels)
            .for_each(|(index, (input, (values, gradient)))| {
                let channel = index % channels;
                let [factor, summand] = self.line(channel);
                let (mean, inverse) = (self.mean[channel], self.inverse[channel]);
                let [shift, slope] = found[channel].map(|sum| sum as f32 / total);
                let slope = slope * inverse * inverse;
                for ((input, x), gradient) in input.iter_mut().zip(values).zip(gradient) {
                    let g = through(*gradient, x * factor + summand);
                    *input = factor * (g - shift - (x - mean) * slope);
                }
            });
        Gradients {
            input,
            gamma: found
                .iter()
                .zip(&self.inverse)
                .map(|([_, sum], inverse)| *sum as f32 * inverse)
                .collect(),
            beta: found.iter().map(|[sum, _]| *sum as f32).collect(),
        }
    }
}
