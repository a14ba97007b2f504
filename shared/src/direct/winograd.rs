//! 3 x 3 convolutions with stride 1 in fewer multiplications.
//!
//! Winograd's F(2 x 2, 3 x 3) as Lavin and Gray 2015 (<https://arxiv.org/abs/1509.09308>) have it: a
//! tile of 4 x 4 input values gives 2 x 2 output values with 16 multiplications in place of 36. Over
//! many tiles and channels these are 16 matrix products. Larger tiles would save more, but lose digits.

use std::ops::Range;

use super::activation::Bounds;
use super::conv::Folded;
use super::gemm::{Panels, multiply};
use super::planes::{LANES, Lanes, Planes, Shape, grouped};
use super::scratch::{Scratch, outside};
use super::window::Window;
use crate::arch::kernel::Activation;

/// Side of an output tile.
const SIDE: usize = 2;
/// Values of a transformed tile, each of a product of its own.
const PRODUCTS: usize = 16;
/// Transformed values that are made at once: they stay in a second-level cache.
const AT_ONCE: usize = 32 * 1024;

/// Four channels of a pixel: with 16 of these a tile's transform stays in registers.
type Quad = [f32; 4];

/// Convolution, bias and activation.
#[derive(Debug, Clone)]
pub(super) struct Winograd {
    products: Vec<Panels>,
    bias: Vec<Lanes>,
    bounds: Bounds,
    outside: Vec<Lanes>,
}

impl Winograd {
    /// Whether a convolution can be computed this way.
    pub(super) fn suits(window: &Window) -> bool {
        window.kernel == 3 && window.stride == 1
    }

    pub(super) fn new(folded: &Folded, input: Shape, activation: Activation) -> Self {
        let (inputs, outputs) = (folded.inputs, folded.outputs());
        let filters: Vec<[f32; PRODUCTS]> = folded.weight.chunks_exact(9).map(filter).collect();
        let product = |index: usize| {
            Panels::pack(input.groups() * LANES, outputs, |channel, output| {
                if channel < inputs {
                    filters[output * inputs + channel][index]
                } else {
                    0.0
                }
            })
        };
        Self {
            products: (0..PRODUCTS).map(product).collect(),
            bias: grouped(&folded.bias),
            bounds: Bounds::of(activation),
            outside: outside(input.groups()),
        }
    }

    /// Writes all of `output`, which has the input's height and width.
    pub(super) fn run(&self, input: &Planes, scratch: &mut Scratch, output: &mut Planes) {
        let Shape { height, width, .. } = input.shape();
        let (from, to) = (input.shape().groups(), output.shape().groups());
        let count = height.div_ceil(SIDE) * width.div_ceil(SIDE);
        // Equal parts, since a small last one would be slow for its size.
        let parts = (count * PRODUCTS * LANES * from.max(to)).div_ceil(AT_ONCE);
        let part = count.div_ceil(parts);
        for first in (0..count).step_by(part) {
            let tiles = first..(first + part).min(count);
            let transformed = scratch.tiles.take(PRODUCTS * tiles.len() * from * 2);
            let product = scratch.product.take(PRODUCTS * tiles.len() * to);
            self.transform(input, tiles.clone(), transformed);
            let linear = Bounds::of(Activation::Identity);
            for ((panels, left), out) in self
                .products
                .iter()
                .zip(transformed.chunks_exact(tiles.len() * from * 2))
                .zip(product.chunks_exact_mut(tiles.len() * to))
            {
                multiply(left.as_flattened(), panels, None, linear, out);
            }
            self.transform_back(product, tiles, output);
        }
    }

    /// Tiles of the input, transformed: `[product][tile][channel]`.
    fn transform(&self, input: &Planes, tiles: Range<usize>, transformed: &mut [Quad]) {
        let across = input.shape().width.div_ceil(SIDE);
        let quads = self.outside.len() * 2;
        let step = tiles.len() * quads;
        for (index, tile) in tiles.enumerate() {
            let corner = [tile / across, tile % across].map(|place| (place * SIDE) as isize - 1);
            let pixels: [&[Quad]; 16] = std::array::from_fn(|place| {
                let (y, x) = (
                    corner[0] + place as isize / 4,
                    corner[1] + place as isize % 4,
                );
                let pixel = input.pixel_or(y, x, &self.outside).as_flattened();
                &pixel.as_chunks().0[..quads]
            });
            for quad in 0..quads {
                let values = input_tile(pixels.map(|pixel| pixel[quad]));
                for (product, value) in values.into_iter().enumerate() {
                    transformed[product * step + index * quads + quad] = value;
                }
            }
        }
    }

    /// The products `[product][tile][channel]` as tiles of the output.
    fn transform_back(&self, product: &[Lanes], tiles: Range<usize>, output: &mut Planes) {
        let Shape { height, width, .. } = output.shape();
        let across = width.div_ceil(SIDE);
        let groups = self.bias.len();
        let step = tiles.len() * groups;
        let values = output.values_mut();
        for (index, tile) in tiles.enumerate() {
            let (top, left) = (tile / across * SIDE, tile % across * SIDE);
            let pixels: [&[Lanes]; PRODUCTS] = std::array::from_fn(|product_index| {
                &product[product_index * step + index * groups..][..groups]
            });
            for (group, bias) in self.bias.iter().enumerate() {
                let tile = output_tile(pixels.map(|pixel| pixel[group]));
                for (place, value) in tile.into_iter().enumerate() {
                    let (y, x) = (top + place / SIDE, left + place % SIDE);
                    if y < height && x < width {
                        let value = super::planes::added(value, *bias);
                        values[(y * width + x) * groups + group] = self.bounds.clamp(value);
                    }
                }
            }
        }
    }
}

/// `G g G'` of a 3 x 3 filter.
fn filter(g: &[f64]) -> [f32; PRODUCTS] {
    let lift = |[a, b, c]: [f64; 3]| [a, (a + b + c) / 2.0, (a - b + c) / 2.0, c];
    let columns: [[f64; 4]; 3] = std::array::from_fn(|x| lift([g[x], g[3 + x], g[6 + x]]));
    let mut lifted = [0.0; PRODUCTS];
    for (y, line) in lifted.chunks_exact_mut(4).enumerate() {
        for (x, value) in lift(columns.map(|column| column[y]))
            .into_iter()
            .enumerate()
        {
            line[x] = value as f32;
        }
    }
    lifted
}

/// `B' d B` of a 4 x 4 input tile.
#[inline(always)]
fn input_tile(d: [Quad; 16]) -> [Quad; PRODUCTS] {
    let line = |[a, b, c, d]: [Quad; 4]| [less(a, c), plus(b, c), less(c, b), less(b, d)];
    let columns: [[Quad; 4]; 4] =
        std::array::from_fn(|x| line([d[x], d[4 + x], d[8 + x], d[12 + x]]));
    let rows: [[Quad; 4]; 4] = std::array::from_fn(|y| line(columns.map(|column| column[y])));
    std::array::from_fn(|index| rows[index / 4][index % 4])
}

/// `A' m A` of 4 x 4 products: 2 x 2 output values.
#[inline(always)]
fn output_tile(m: [Lanes; PRODUCTS]) -> [Lanes; SIDE * SIDE] {
    let line = |[a, b, c, d]: [Lanes; 4]| [plus(plus(a, b), c), less(less(b, c), d)];
    let columns: [[Lanes; 2]; 4] =
        std::array::from_fn(|x| line([m[x], m[4 + x], m[8 + x], m[12 + x]]));
    let rows: [[Lanes; 2]; 2] = std::array::from_fn(|y| line(columns.map(|column| column[y])));
    std::array::from_fn(|index| rows[index / 2][index % 2])
}

#[inline(always)]
fn plus<const N: usize>(a: [f32; N], b: [f32; N]) -> [f32; N] {
    std::array::from_fn(|lane| a[lane] + b[lane])
}

#[inline(always)]
fn less<const N: usize>(a: [f32; N], b: [f32; N]) -> [f32; N] {
    std::array::from_fn(|lane| a[lane] - b[lane])
}
