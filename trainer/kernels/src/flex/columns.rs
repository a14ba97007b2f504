//! Patches of images as the columns of a matrix, and back.

use scanlight_model::arch::kernel::ConvNormOptions;

/// Where each output of a convolution looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Height and width before.
    pub input: [usize; 2],
    /// Height and width after.
    pub output: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Step down and to the right.
    pub stride: [usize; 2],
    /// Lines of 0 at the top and columns of 0 at the left.
    pub before: [usize; 2],
}

impl Window {
    pub fn new(input: [usize; 2], kernel: [usize; 2], options: &ConvNormOptions) -> Self {
        let [top, left, bottom, right] = options.padding;
        let padded = [input[0] + top + bottom, input[1] + left + right];
        Self {
            input,
            output: [0, 1].map(|axis| (padded[axis] - kernel[axis]) / options.stride[axis] + 1),
            kernel,
            stride: options.stride,
            before: [top, left],
        }
    }

    /// Outputs of a plane.
    pub fn outputs(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Values of a patch of one channel.
    pub fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether a patch is one pixel and the planes are the same.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.before == [0, 0]
    }

    /// The outputs along an axis whose patch has its `tap`-th place inside the plane.
    pub fn inside(&self, axis: usize, tap: usize) -> std::ops::Range<usize> {
        let (stride, before) = (self.stride[axis], self.before[axis]);
        let low = before.saturating_sub(tap).div_ceil(stride);
        let high = (self.input[axis] + before)
            .saturating_sub(tap)
            .div_ceil(stride);
        low..high.min(self.output[axis]).max(low)
    }

    /// The input that an output's patch has at its `tap`-th place.
    pub fn place(&self, axis: usize, output: usize, tap: usize) -> usize {
        output * self.stride[axis] + tap - self.before[axis]
    }
}

/// Writes the patches of one image (`[C, H, W]`) into the rows of a matrix: row `(c, i, j)`, column
/// `first +` output; `wide` columns a row.
pub fn gather(image: &[f32], window: &Window, columns: &mut [f32], wide: usize, first: usize) {
    let plane = window.input[0] * window.input[1];
    let count = window.outputs();
    let [rows, width] = window.output;
    for (index, row) in columns.chunks_exact_mut(wide).enumerate() {
        let (channel, tap) = (index / window.taps(), index % window.taps());
        let (i, j) = (tap / window.kernel[1], tap % window.kernel[1]);
        let source = &image[channel * plane..][..plane];
        let target = &mut row[first..first + count];
        let (lines, across) = (window.inside(0, i), window.inside(1, j));
        for y in 0..rows {
            let line = &mut target[y * width..][..width];
            if !lines.contains(&y) || across.is_empty() {
                line.fill(0.0);
                continue;
            }
            line[..across.start].fill(0.0);
            line[across.end..].fill(0.0);
            let from = &source[window.place(0, y, i) * window.input[1]..][..window.input[1]];
            let start = window.place(1, across.start, j);
            let middle = &mut line[across.clone()];
            if window.stride[1] == 1 {
                middle.copy_from_slice(&from[start..start + middle.len()]);
            } else {
                let picked = from[start..].iter().step_by(window.stride[1]);
                for (value, picked) in middle.iter_mut().zip(picked) {
                    *value = *picked;
                }
            }
        }
    }
}

/// Adds the columns that [`gather`] would fill back to the image's pixels that they came from.
pub fn scatter(columns: &[f32], wide: usize, first: usize, window: &Window, image: &mut [f32]) {
    let plane = window.input[0] * window.input[1];
    let count = window.outputs();
    let width = window.output[1];
    for (index, row) in columns.chunks_exact(wide).enumerate() {
        let (channel, tap) = (index / window.taps(), index % window.taps());
        let (i, j) = (tap / window.kernel[1], tap % window.kernel[1]);
        let target = &mut image[channel * plane..][..plane];
        let source = &row[first..first + count];
        let across = window.inside(1, j);
        if across.is_empty() {
            continue;
        }
        for y in window.inside(0, i) {
            let line = &source[y * width..][..width][across.clone()];
            let to = &mut target[window.place(0, y, i) * window.input[1]..][..window.input[1]];
            let start = window.place(1, across.start, j);
            if window.stride[1] == 1 {
                for (to, value) in to[start..].iter_mut().zip(line) {
                    *to += value;
                }
            } else {
                let places = to[start..].iter_mut().step_by(window.stride[1]);
                for (to, value) in places.zip(line) {
                    *to += value;
                }
            }
        }
    }
}
