//! Layers without kernels: pooling, attention, sums.

use super::activation::relu;
use super::dense::Dense;
use super::planes::{LANES, Lanes, Planes, added, grouped};

/// The largest of 2 x 2 values; an odd last line or column is left out. Writes all of `output`, which
/// has half the input's height and width.
pub(super) fn max_pool(input: &Planes, output: &mut Planes) {
    let shape = output.shape();
    let pixels = output.values_mut().chunks_exact_mut(shape.groups());
    for (index, pixel) in pixels.enumerate() {
        let (y, x) = (index / shape.width * 2, index % shape.width * 2);
        let from = [(y, x), (y, x + 1), (y + 1, x), (y + 1, x + 1)];
        let [a, b, c, d] = from.map(|(y, x)| input.pixel(y, x));
        for (group, value) in pixel.iter_mut().enumerate() {
            *value = larger(larger(a[group], b[group]), larger(c[group], d[group]));
        }
    }
}

#[inline(always)]
fn larger(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| if a[lane] < b[lane] { b[lane] } else { a[lane] })
}

/// `planes + other`, of the same shape.
pub(super) fn add(planes: &mut Planes, other: &Planes) {
    for (value, other) in planes.values_mut().iter_mut().zip(other.values()) {
        *value = added(*value, *other);
    }
}

/// `relu(fine + coarse)` with the coarser planes enlarged to the finer ones' size: each pixel is the
/// one of the coarser planes that it lies in.
pub(super) fn add_enlarged(fine: &mut Planes, coarse: &Planes) {
    let (to, from) = (fine.shape(), coarse.shape());
    let pixels = fine.values_mut().chunks_exact_mut(to.groups());
    for (index, pixel) in pixels.enumerate() {
        let y = index / to.width * from.height / to.height;
        let x = index % to.width * from.width / to.width;
        for (value, other) in pixel.iter_mut().zip(coarse.pixel(y, x)) {
            *value = added(*value, *other).map(relu);
        }
    }
}

/// Squeeze-and-excitation (Hu et al. 2018, <https://arxiv.org/abs/1709.01507>): each channel is
/// multiplied by a gate in 0..1 that is computed from all channels' means.
#[derive(Debug, Clone)]
pub(super) struct Attention {
    pub(super) squeeze: Dense,
    pub(super) excite: Dense,
}

impl Attention {
    /// `relu(planes * gates + carried)`, both of the same shape: the end of a residual block.
    pub(super) fn run(&self, planes: &mut Planes, carried: &Planes) {
        let mut squeezed = self.squeeze.run(&planes.means());
        for value in &mut squeezed {
            *value = relu(*value);
        }
        let mut gates = self.excite.run(&squeezed);
        for gate in &mut gates {
            *gate = 1.0 / (1.0 + (-*gate).exp());
        }
        let gates = grouped(&gates);
        let pixels = planes.values_mut().chunks_exact_mut(gates.len());
        for (pixel, carried) in pixels.zip(carried.values().chunks_exact(gates.len())) {
            for ((value, carried), gate) in pixel.iter_mut().zip(carried).zip(&gates) {
                *value = std::array::from_fn::<_, LANES, _>(|lane| {
                    relu(value[lane] * gate[lane] + carried[lane])
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::planes::Shape;
    use super::*;

    fn planes(height: usize, width: usize, values: &[f32]) -> Planes {
        let channels = values.len() / (height * width);
        let shape = Shape {
            height,
            width,
            channels,
        };
        Planes::from_channels(shape, values)
    }

    #[test]
    fn pooling_takes_the_largest_and_drops_what_is_odd() {
        let mut output = planes(1, 1, &[0.0; 2]);
        let input = planes(
            3,
            2,
            &[
                1.0, -4.0, 3.0, 2.0, 9.0, 9.0, -1.0, -2.0, -3.0, -4.0, 9.0, 9.0,
            ],
        );
        max_pool(&input, &mut output);
        assert_eq!(output.by_channel(), [3.0, -1.0]);
    }

    #[test]
    fn coarse_pixels_are_repeated() {
        let mut fine = planes(3, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        add_enlarged(&mut fine, &planes(2, 2, &[10.0, 20.0, 30.0, -40.0]));
        let expected = [10.0, 11.0, 22.0, 13.0, 14.0, 25.0, 36.0, 37.0, 0.0];
        assert_eq!(fine.by_channel(), expected);
    }

    #[test]
    fn attention_gates_each_channel() {
        // Means 1 and 3; squeezed to 2; gates sigmoid(2) and sigmoid(-2).
        let attention = Attention {
            squeeze: Dense::new(vec![0.5, 0.5], vec![0.0]),
            excite: Dense::new(vec![1.0, -1.0], vec![0.0, 0.0]),
        };
        let mut values = planes(1, 2, &[0.0, 2.0, 4.0, 2.0]);
        attention.run(&mut values, &planes(1, 2, &[1.0, 0.0, 0.0, -1.0]));
        let open = 1.0 / (1.0 + (-2f32).exp());
        let expected = [1.0, 2.0 * open, 4.0 * (1.0 - open), 0.0];
        for (a, b) in values.by_channel().iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
}
