//! Convolutions over all channels.

use super::activation::Bounds;
use super::gemm::{Panels, multiply};
use super::planes::{Lanes, Planes, Shape, grouped};
use super::scratch::{Scratch, outside};
use super::window::Window;
use super::winograd::Winograd;
use crate::arch::kernel::Activation;

/// A convolution's weights with its batch norm multiplied in.
#[derive(Debug, Clone)]
pub(super) struct Folded {
    /// `[outputs, inputs, kernel, kernel]`.
    pub(super) weight: Vec<f64>,
    /// `[outputs]`.
    pub(super) bias: Vec<f32>,
    /// Input channels of each filter.
    pub(super) inputs: usize,
    /// Side of the kernel.
    pub(super) kernel: usize,
}

impl Folded {
    /// Output channels.
    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weight of one place of the kernel, `place = row * kernel + column`.
    pub(super) fn at(&self, output: usize, input: usize, place: usize) -> f64 {
        self.weight[(output * self.inputs + input) * self.kernel * self.kernel + place]
    }
}

/// Values of a left operand that are put together at once: half of a second-level cache or less.
const GATHERED: usize = 32 * 1024;

/// Convolution, bias and activation.
#[derive(Debug, Clone)]
pub(super) enum Conv {
    /// Each pixel by itself: a matrix product of the planes as they stand.
    Pointwise(Product),
    /// Each output pixel's patch of the input becomes a row of a matrix.
    Patches {
        product: Product,
        window: Window,
        outside: Vec<Lanes>,
    },
    /// 3 x 3 with stride 1.
    Winograd(Winograd),
}

/// A product with the weights, which ends in bias and activation.
#[derive(Debug, Clone)]
pub(super) struct Product {
    weight: Panels,
    bias: Vec<Lanes>,
    bounds: Bounds,
}

impl Product {
    fn new(folded: &Folded, pitch: usize, activation: Activation) -> Self {
        let depth = folded.kernel * folded.kernel * pitch;
        let weight = |k: usize, output: usize| match k % pitch {
            input if input < folded.inputs => folded.at(output, input, k / pitch) as f32,
            _ => 0.0,
        };
        Self {
            weight: Panels::pack(depth, folded.outputs(), weight),
            bias: grouped(&folded.bias),
            bounds: Bounds::of(activation),
        }
    }

    fn run(&self, rows: &[f32], output: &mut [Lanes]) {
        multiply(rows, &self.weight, Some(&self.bias), self.bounds, output);
    }

    /// Rows that are put together at once.
    fn rows_at_once(&self) -> usize {
        (GATHERED / self.weight.depth()).max(1)
    }
}

impl Conv {
    /// `input` is what it will run on, and the window lies over it.
    pub(super) fn new(
        folded: &Folded,
        input: Shape,
        window: Window,
        activation: Activation,
    ) -> Self {
        let pitch = input.groups() * super::planes::LANES;
        if window.is_pointwise() {
            Self::Pointwise(Product::new(folded, pitch, activation))
        } else if Winograd::suits(&window) {
            Self::Winograd(Winograd::new(folded, input, activation))
        } else {
            Self::Patches {
                product: Product::new(folded, pitch, activation),
                window,
                outside: outside(input.groups()),
            }
        }
    }

    /// Writes all of `output`, which has the window's size.
    pub(super) fn run(&self, input: &Planes, scratch: &mut Scratch, output: &mut Planes) {
        match self {
            Self::Pointwise(product) => {
                product.run(input.values().as_flattened(), output.values_mut());
            }
            Self::Winograd(winograd) => winograd.run(input, scratch, output),
            Self::Patches {
                product,
                window,
                outside,
            } => {
                let depth = product.weight.depth();
                let at_once = product.rows_at_once();
                let groups = output.shape().groups();
                let strips = output.values_mut().chunks_mut(at_once * groups);
                for (strip, output) in strips.enumerate() {
                    let rows = scratch.rows.take(output.len() / groups * depth);
                    for (index, row) in rows.chunks_exact_mut(depth).enumerate() {
                        let pixel = strip * at_once + index;
                        let place = [pixel / window.output[1], pixel % window.output[1]];
                        gather(input, window, outside, place, row);
                    }
                    product.run(rows, output);
                }
            }
        }
    }
}

/// The input under the kernel for one output pixel.
fn gather(input: &Planes, window: &Window, outside: &[Lanes], [y, x]: [usize; 2], row: &mut [f32]) {
    let [top, left] = window.corner(y, x);
    let (kernel, pitch) = (window.kernel, outside.len() * super::planes::LANES);
    for (place, into) in row.chunks_exact_mut(pitch).enumerate() {
        let (dy, dx) = ((place / kernel) as isize, (place % kernel) as isize);
        let pixel = input.pixel_or(top + dy, left + dx, outside);
        into.copy_from_slice(pixel.as_flattened());
    }
}

/// The first convolution, over the network's single input plane: no lanes are spared on it.
#[derive(Debug, Clone)]
pub(super) struct Stem {
    product: Product,
    window: Window,
    plane: [usize; 2],
}

impl Stem {
    /// `plane` is the input's height and width.
    pub(super) fn new(
        folded: &Folded,
        plane: [usize; 2],
        window: Window,
        activation: Activation,
    ) -> Self {
        Self {
            product: Product::new(folded, 1, activation),
            window,
            plane,
        }
    }

    /// Writes all of `output`, which has the window's size; `input` has the plane's.
    pub(super) fn run(&self, input: &[f32], scratch: &mut Scratch, output: &mut Planes) {
        let [height, width] = self.plane;
        let Window {
            kernel,
            output: size,
            ..
        } = self.window;
        let depth = kernel * kernel;
        let groups = output.shape().groups();
        let rows = scratch.rows.take(size[1] * depth);
        let lines = output.values_mut().chunks_exact_mut(size[1] * groups);
        for (y, output) in lines.enumerate() {
            for (x, row) in rows.chunks_exact_mut(depth).enumerate() {
                let [top, left] = self.window.corner(y, x);
                for (dy, row) in row.chunks_exact_mut(kernel).enumerate() {
                    let y = top + dy as isize;
                    let line = match usize::try_from(y) {
                        Ok(y) if y < height => &input[y * width..][..width],
                        _ => &[],
                    };
                    for (dx, value) in row.iter_mut().enumerate() {
                        let column = usize::try_from(left + dx as isize).ok();
                        *value = column.and_then(|x| line.get(x)).copied().unwrap_or(0.0);
                    }
                }
            }
            self.product.run(rows, output);
        }
    }
}
