//! Puts a plan together, layer by layer, and decides which layer writes where.

use super::blend::Attention;
use super::conv::{Conv, Folded, Stem};
use super::dense::Head;
use super::depthwise::Depthwise;
use super::planes::Shape;
use super::reader::Reader;
use super::run::{Operation, Plan, Step};
use super::window::{Padding, Window};
use crate::arch::kernel::Activation;
use crate::arch::{ArchitectureError, BlockName};
use crate::bundle::BundleError;

/// The most values that a layer's output may have (1 GiB of memory).
const MAX_VALUES: u64 = 1 << 28;

/// Feature maps that a step of the plan makes: where they will lie, and their size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Maps {
    slot: usize,
    pub(super) shape: Shape,
}

/// A square convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvSizes {
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) activation: Activation,
}

/// A plan under construction. All convolutions of an architecture are padded alike.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    pub(super) reader: Reader<'a>,
    padding: Padding,
    plane: [usize; 2],
    steps: Vec<Step>,
    blocks: Vec<(BlockName, usize)>,
    slots: usize,
    free: Vec<usize>,
}

impl<'a> Builder<'a> {
    /// For input planes of this height and width.
    pub(super) fn new(reader: Reader<'a>, padding: Padding, plane: [usize; 2]) -> Self {
        Self {
            reader,
            padding,
            plane,
            steps: Vec::new(),
            blocks: Vec::new(),
            slots: 0,
            free: Vec::new(),
        }
    }

    /// The first layer; `prefix` is what its tensors' names begin with.
    pub(super) fn stem(&mut self, prefix: &str, sizes: ConvSizes) -> Result<Maps, BundleError> {
        let folded = self.reader.conv(prefix, sizes.outputs, 1, sizes.kernel)?;
        let window = Window::new(sizes.kernel, sizes.stride, self.padding, self.plane);
        let stem = Stem::new(&folded, self.plane, window, sizes.activation);
        self.step(Operation::Stem(stem), 0, output(&folded, &window))
    }

    pub(super) fn conv(
        &mut self,
        prefix: &str,
        from: Maps,
        sizes: ConvSizes,
    ) -> Result<Maps, BundleError> {
        let inputs = from.shape.channels;
        let folded = self
            .reader
            .conv(prefix, sizes.outputs, inputs, sizes.kernel)?;
        let window = self.window(from, sizes.kernel, sizes.stride);
        let conv = Conv::new(&folded, from.shape, window, sizes.activation);
        self.step(Operation::Conv(conv), from.slot, output(&folded, &window))
    }

    /// A depthwise 3 x 3 convolution.
    pub(super) fn depthwise(
        &mut self,
        prefix: &str,
        from: Maps,
        stride: usize,
        activation: Activation,
    ) -> Result<Maps, BundleError> {
        let folded = self.reader.conv(prefix, from.shape.channels, 1, 3)?;
        let window = self.window(from, 3, stride);
        let layer = Depthwise::new(&folded, window, activation);
        let shape = output(&folded, &window);
        self.step(Operation::Depthwise(layer), from.slot, shape)
    }

    /// Max-pooling 2 x 2.
    pub(super) fn max_pool(&mut self, from: Maps) -> Result<Maps, BundleError> {
        let shape = Shape {
            height: from.shape.height / 2,
            width: from.shape.width / 2,
            ..from.shape
        };
        self.step(Operation::MaxPool, from.slot, shape)
    }

    /// `onto` becomes `relu(attention(onto) + carried)`.
    pub(super) fn attend(&mut self, attention: Attention, carried: Maps, onto: Maps) {
        self.change(Operation::Attend(attention), carried, onto);
    }

    /// `onto` becomes `onto + from`.
    pub(super) fn add(&mut self, from: Maps, onto: Maps) {
        self.change(Operation::Add, from, onto);
    }

    /// `onto` becomes `relu(onto + from)`, with `from` enlarged.
    pub(super) fn add_enlarged(&mut self, from: Maps, onto: Maps) {
        self.change(Operation::AddEnlarged, from, onto);
    }

    /// What was planned last puts out this block's maps.
    pub(super) fn ends(&mut self, block: BlockName) {
        self.blocks.push((block, self.steps.len()));
    }

    /// Nothing reads these maps after what was planned so far: their memory is free.
    pub(super) fn release(&mut self, maps: Maps) {
        self.free.push(maps.slot);
    }

    /// The plan, with the head for `features`; the file must hold nothing else.
    pub(super) fn finish(
        mut self,
        features: Maps,
        hidden: usize,
        classes: usize,
    ) -> Result<Plan, BundleError> {
        let channels = features.shape.channels;
        let (hidden, width) = match hidden {
            0 => (None, channels),
            width => (
                Some(self.reader.dense("head.hidden", channels, width)?),
                width,
            ),
        };
        let output = self.reader.dense("head.output", width, classes)?;
        self.reader.finish()?;
        Ok(Plan {
            steps: self.steps,
            blocks: self.blocks,
            slots: self.slots,
            features: features.slot,
            head: Head { hidden, output },
            plane: self.plane,
        })
    }

    fn window(&self, from: Maps, kernel: usize, stride: usize) -> Window {
        let plane = [from.shape.height, from.shape.width];
        Window::new(kernel, stride, self.padding, plane)
    }

    /// A step that makes new maps.
    fn step(
        &mut self,
        operation: Operation,
        from: usize,
        shape: Shape,
    ) -> Result<Maps, BundleError> {
        let groups = shape.groups() as u64;
        let values = shape.area() as u64 * groups * super::planes::LANES as u64;
        if values > MAX_VALUES {
            return Err(BundleError::Architecture(ArchitectureError {
                what: "number of values after a layer",
                found: usize::try_from(values).unwrap_or(usize::MAX),
                low: 1,
                high: MAX_VALUES as usize,
            }));
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.steps.push(Step {
            operation,
            from,
            to: slot,
            shape,
        });
        Ok(Maps { slot, shape })
    }

    /// A step that changes maps.
    fn change(&mut self, operation: Operation, from: Maps, onto: Maps) {
        self.steps.push(Step {
            operation,
            from: from.slot,
            to: onto.slot,
            shape: onto.shape,
        });
    }
}

fn output(folded: &Folded, window: &Window) -> Shape {
    Shape {
        height: window.output[0],
        width: window.output[1],
        channels: folded.outputs(),
    }
}
