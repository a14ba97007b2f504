//! Carries a plan out.

use super::blend::{Attention, add, add_enlarged, max_pool};
use super::conv::{Conv, Stem};
use super::dense::Head;
use super::depthwise::Depthwise;
use super::planes::{Planes, Shape};
use super::scratch::Scratch;
use crate::arch::BlockName;
use crate::cam::Activations;
use crate::layers::Layer;

/// A network as a list of steps over numbered slots, each of which holds feature maps.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Each block, and the number of steps after which its maps lie where the last of these wrote.
    pub(super) blocks: Vec<(BlockName, usize)>,
    /// Number of slots.
    pub(super) slots: usize,
    /// Slot of the last feature maps.
    pub(super) features: usize,
    pub(super) head: Head,
    /// Height and width of the input.
    pub(super) plane: [usize; 2],
}

/// One layer.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) operation: Operation,
    /// Slot that is read.
    pub(super) from: usize,
    /// Slot that is written or changed; another one.
    pub(super) to: usize,
    /// Shape of what lies there afterwards.
    pub(super) shape: Shape,
}

/// What a step does.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Convolution of the network's input.
    Stem(Stem),
    /// Convolution.
    Conv(Conv),
    /// Depthwise convolution.
    Depthwise(Depthwise),
    /// Max-pooling 2 x 2.
    MaxPool,
    /// Attention over `to`, then the sum with `from` and ReLU.
    Attend(Attention),
    /// `to + from`.
    Add,
    /// `to` and `from` enlarged, summed, and ReLU.
    AddEnlarged,
}

/// Memory that runs share.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    slots: Vec<Planes>,
    scratch: Scratch,
}

impl Plan {
    /// Channels of the last feature maps.
    pub(super) fn channels(&self) -> usize {
        let last = self.steps.iter().rfind(|step| step.to == self.features);
        last.map_or(0, |step| step.shape.channels)
    }

    /// Features, gradients and logits for one input of the plan's height and width. `None` where a
    /// value is not a finite number.
    pub(super) fn run(&self, input: &[f32], memory: &mut Memory) -> Option<Activations> {
        self.carry_out(input, memory, &mut |_, _| {});
        let features = &memory.slots[self.features];
        let (logits, gradients) = self.head.run(&features.means());
        let Shape { height, width, .. } = features.shape();
        let features = features.by_channel();
        let all = [&logits, &gradients, &features];
        if !all
            .iter()
            .all(|values| values.iter().all(|v| v.is_finite()))
        {
            return None;
        }
        Activations::new(logits, gradients, features, width, height)
    }

    /// What each block makes of one input. `None` where a value is not a finite number.
    pub(super) fn layers(&self, input: &[f32], memory: &mut Memory) -> Option<Vec<Layer>> {
        let mut layers = Vec::with_capacity(self.blocks.len());
        let mut blocks = self.blocks.iter().peekable();
        self.carry_out(input, memory, &mut |done, maps| {
            if let Some((block, _)) = blocks.next_if(|(_, steps)| *steps == done) {
                let Shape { height, width, .. } = maps.shape();
                layers.push(Layer::new(*block, maps.by_channel(), width, height));
            }
        });
        layers.into_iter().collect()
    }

    /// Runs all steps; `after` sees how many are done, and what the last of them wrote.
    fn carry_out(&self, input: &[f32], memory: &mut Memory, after: &mut dyn FnMut(usize, &Planes)) {
        memory.slots.resize_with(self.slots, Planes::default);
        for (step, done) in self.steps.iter().zip(1..) {
            let mut to = std::mem::take(&mut memory.slots[step.to]);
            to.reshape(step.shape);
            step.run(
                input,
                &memory.slots[step.from],
                &mut memory.scratch,
                &mut to,
            );
            after(done, &to);
            memory.slots[step.to] = to;
        }
    }
}

impl Step {
    fn run(&self, input: &[f32], from: &Planes, scratch: &mut Scratch, to: &mut Planes) {
        match &self.operation {
            Operation::Stem(stem) => stem.run(input, scratch, to),
            Operation::Conv(conv) => conv.run(from, scratch, to),
            Operation::Depthwise(layer) => layer.run(from, to),
            Operation::MaxPool => max_pool(from, to),
            Operation::Attend(attention) => attention.run(to, from),
            Operation::Add => add(to, from),
            Operation::AddEnlarged => add_enlarged(to, from),
        }
    }
}
