//! Where a layer's kernel lies over its input.

/// How a plane is filled up with zeros at its edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Padding {
    /// Half a kernel on all sides.
    Centred,
    /// TensorFlow's SAME: as much as the output needs, the odd one at the right and at the bottom.
    Same,
}

/// A square kernel that steps over a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Side of the kernel.
    pub(super) kernel: usize,
    /// Step down and to the right.
    pub(super) stride: usize,
    /// Lines of 0 above and columns of 0 to the left.
    pub(super) before: [usize; 2],
    /// Height and width of the output.
    pub(super) output: [usize; 2],
}

impl Window {
    /// Over a plane of this height and width, neither of them 0; the kernel is odd.
    pub(super) fn new(kernel: usize, stride: usize, padding: Padding, plane: [usize; 2]) -> Self {
        // For an odd kernel both paddings give this many steps.
        let output = plane.map(|side| side.div_ceil(stride));
        let before = [0, 1].map(|axis| match padding {
            Padding::Centred => kernel / 2,
            Padding::Same => ((output[axis] - 1) * stride + kernel).saturating_sub(plane[axis]) / 2,
        });
        Self {
            kernel,
            stride,
            before,
            output,
        }
    }

    /// Whether each output pixel is made of the input pixel at its own place alone.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1
    }

    /// Line and column of the input under the kernel's upper left corner; negative in the padding.
    #[inline(always)]
    pub(super) fn corner(&self, y: usize, x: usize) -> [isize; 2] {
        [
            (y * self.stride) as isize - self.before[0] as isize,
            (x * self.stride) as isize - self.before[1] as isize,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_is_as_tensorflow_has_it() {
        // An even plane is padded behind only, an odd one on both sides.
        let even = Window::new(3, 2, Padding::Same, [8, 7]);
        assert_eq!((even.before, even.output), ([0, 1], [4, 4]));
        let step = Window::new(3, 1, Padding::Same, [8, 7]);
        assert_eq!((step.before, step.output), ([1, 1], [8, 7]));
        assert_eq!(Window::new(1, 1, Padding::Same, [8, 7]).before, [0, 0]);
        let centred = Window::new(3, 2, Padding::Centred, [8, 7]);
        assert_eq!((centred.before, centred.output), ([1, 1], [4, 4]));
        assert_eq!(centred.corner(0, 3), [-1, 5]);
    }
}
