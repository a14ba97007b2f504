//! The networks, as configuration that a bundle's manifest carries.

mod block;
mod compact;
mod conv_norm;
mod depthwise;
mod head;
pub mod kernel;
mod mobilenet_v2;
mod reference;

pub use block::BlockName;
pub use compact::{CompactResnet, CompactResnetConfig, StageConfig};
pub use conv_norm::FoldedConv;
pub use head::{Head, HeadConfig, moments};
pub use mobilenet_v2::{InvertedStageConfig, MobileNetV2, MobileNetV2Config};
pub use reference::{ReferenceCnn, ReferenceCnnConfig};

use burn::module::Module;
use burn::tensor::{Tensor, backend::Backend};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::preprocess::InputGeometry;

/// The largest number of classes, channels of a layer, or hidden units that a configuration may ask for.
pub const MAX_WIDTH: usize = 4096;
/// The largest number of blocks.
pub const MAX_BLOCKS: usize = 64;
/// The longest side of an input plane.
pub const MAX_INPUT_SIDE: u32 = 1024;

/// An architecture with its sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Architecture {
    /// Three convolution blocks and a dense head.
    ReferenceCnn(ReferenceCnnConfig),
    /// A residual network with channel attention, below one million parameters by default.
    CompactResnet(CompactResnetConfig),
    /// MobileNetV2, 2.2 million parameters by default.
    #[serde(rename = "mobilenet_v2")]
    MobileNetV2(MobileNetV2Config),
}

/// A configuration that makes no network.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{what} is {found}, but must lie in {low}..={high}")]
pub struct ArchitectureError {
    /// The offending number.
    pub what: &'static str,
    /// Its value.
    pub found: usize,
    /// Smallest allowed value.
    pub low: usize,
    /// Largest allowed value.
    pub high: usize,
}

fn check(
    what: &'static str,
    found: usize,
    low: usize,
    high: usize,
) -> Result<(), ArchitectureError> {
    if (low..=high).contains(&found) {
        Ok(())
    } else {
        Err(ArchitectureError {
            what,
            found,
            low,
            high,
        })
    }
}

/// A share or factor in per cent, rounded up; what is below 0 or no number becomes too large for any limit.
fn percent(value: f64) -> usize {
    if value >= 0.0 {
        (value * 100.0).ceil() as usize
    } else {
        usize::MAX
    }
}

impl Architecture {
    /// The architecture's name as manifests and options spell it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ReferenceCnn(_) => "reference_cnn",
            Self::CompactResnet(_) => "compact_resnet",
            Self::MobileNetV2(_) => "mobilenet_v2",
        }
    }

    /// Whether the sizes make sense for this input and number of classes.
    ///
    /// Called before anything is allocated, since a manifest may come from anywhere.
    pub fn validate(&self, input: &InputGeometry, classes: usize) -> Result<(), ArchitectureError> {
        check("number of classes", classes, 2, MAX_WIDTH)?;
        let dropout = match self {
            Self::ReferenceCnn(config) => config.dropout,
            Self::CompactResnet(config) => config.dropout,
            Self::MobileNetV2(config) => config.dropout,
        };
        check("dropout in per cent", percent(dropout), 0, 100)?;
        let halvings = match self {
            Self::ReferenceCnn(config) => {
                check("number of blocks", config.channels.len(), 1, MAX_BLOCKS)?;
                for &channels in &config.channels {
                    check("channels of a block", channels, 1, MAX_WIDTH)?;
                }
                check("hidden units", config.hidden, 0, MAX_WIDTH)?;
                config.channels.len()
            }
            Self::CompactResnet(config) => {
                check("channels of the stem", config.stem, 1, MAX_WIDTH)?;
                check("number of stages", config.stages.len(), 1, MAX_BLOCKS)?;
                check("squeeze", config.squeeze, 1, MAX_WIDTH)?;
                check("channels of the merged stages", config.merge, 0, MAX_WIDTH)?;
                for stage in &config.stages {
                    check("channels of a stage", stage.channels, 1, MAX_WIDTH)?;
                    check("blocks of a stage", stage.blocks, 1, MAX_BLOCKS)?;
                }
                config.stages.len() + 1
            }
            Self::MobileNetV2(config) => {
                let width = percent(config.width);
                check("width multiplier in per cent", width, 10, 400)?;
                check("channels of the stem", config.stem, 1, MAX_WIDTH)?;
                check("number of stages", config.stages.len(), 1, MAX_BLOCKS)?;
                for stage in &config.stages {
                    check("expansion of a stage", stage.expansion, 1, MAX_WIDTH)?;
                    check("channels of a stage", stage.channels, 1, MAX_WIDTH)?;
                    check("blocks of a stage", stage.blocks, 1, MAX_BLOCKS)?;
                    check("stride of a stage", stage.stride, 1, 2)?;
                }
                check("channels of the last layer", config.last, 1, MAX_WIDTH)?;
                check(
                    "channels of the widest layer",
                    config.widest(),
                    1,
                    MAX_WIDTH,
                )?;
                config.halvings()
            }
        };
        // Feature maps below 2 x 2 say nothing about where.
        let smallest = 2usize << halvings.min(20);
        let largest = MAX_INPUT_SIDE as usize;
        check("input width", input.width as usize, smallest, largest)?;
        check("input height", input.height as usize, smallest, largest)
    }

    /// Where the first of `cells` cells along a side of `side` pixels is centred, in cells: 0.5 where cells
    /// part the plane evenly, less where [`Self::first_centre`] lies before the middle of the first part.
    pub fn cell_origin(&self, cells: usize, side: u32) -> f32 {
        self.first_centre(side) * cells as f32 / side as f32
    }

    /// Where the receptive field of the first cell of the feature maps is centred, in pixels from
    /// the edge of an input plane with sides of `side` pixels; the other cells follow at the
    /// network's stride.
    ///
    /// A strided convolution that pads by one centres its first cell on the first pixel, not in the
    /// middle of the cell: maps drawn without regard to that are off by half a cell.
    pub fn first_centre(&self, side: u32) -> f32 {
        // A layer of stride 2: which of its input's cells its first cell is centred on.
        let halve = |side: &mut u32, step: &mut f32, on: f32| {
            let offset = *step * on;
            *step *= 2.0;
            *side = side.div_ceil(2);
            offset
        };
        let (mut side, mut step, mut centre) = (side, 1.0, 0.5);
        match self {
            // Pooling halves: its first cell lies between the first two.
            Self::ReferenceCnn(config) => {
                for _ in &config.channels {
                    centre += halve(&mut side, &mut step, 0.5);
                }
            }
            Self::CompactResnet(config) => {
                for _ in 0..config.halvings() {
                    centre += halve(&mut side, &mut step, 0.0);
                }
            }
            // SAME padding: an even plane is padded behind only, an odd one on both sides.
            Self::MobileNetV2(config) => {
                for _ in 0..config.halvings() {
                    let on = if side.is_multiple_of(2) { 1.0 } else { 0.0 };
                    centre += halve(&mut side, &mut step, on);
                }
            }
        }
        centre
    }

    /// A network with fresh weights; call [`Architecture::validate`] first.
    pub fn init<B: Backend>(&self, classes: usize, device: &B::Device) -> Network<B> {
        match self {
            Self::ReferenceCnn(config) => Network::ReferenceCnn(config.init(classes, device)),
            Self::CompactResnet(config) => Network::CompactResnet(config.init(classes, device)),
            Self::MobileNetV2(config) => Network::MobileNetV2(config.init(classes, device)),
        }
    }

    /// Number of values in the weights file, batch norm's running statistics included.
    pub fn value_count(&self, classes: usize) -> u64 {
        match self {
            Self::ReferenceCnn(config) => config.value_count(classes),
            Self::CompactResnet(config) => config.value_count(classes),
            Self::MobileNetV2(config) => config.value_count(classes),
        }
    }
}

/// A network of any [`Architecture`].
// One lives per program: its size on the stack does not matter, and `Module` is not derived for boxes.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Network<B: Backend> {
    /// See [`ReferenceCnn`].
    ReferenceCnn(ReferenceCnn<B>),
    /// See [`CompactResnet`].
    CompactResnet(CompactResnet<B>),
    /// See [`MobileNetV2`].
    MobileNetV2(MobileNetV2<B>),
}

impl<B: Backend> Network<B> {
    /// Input `[N, 1, H, W]` to feature maps `[N, K, h, w]`.
    pub fn features(&self, input: Tensor<B, 4>) -> Tensor<B, 4> {
        self.features_by_block(input, &mut |_, _| {})
    }

    /// [`Self::features`], showing `visit` what each block puts out, in the network's order; the last one's
    /// output is the feature maps.
    pub fn features_by_block(
        &self,
        input: Tensor<B, 4>,
        visit: &mut dyn FnMut(BlockName, &Tensor<B, 4>),
    ) -> Tensor<B, 4> {
        match self {
            Self::ReferenceCnn(network) => network.features_by_block(input, visit),
            Self::CompactResnet(network) => network.features_by_block(input, visit),
            Self::MobileNetV2(network) => network.features_by_block(input, visit),
        }
    }

    /// The head.
    pub fn head_module(&self) -> &Head<B> {
        match self {
            Self::ReferenceCnn(network) => &network.head,
            Self::CompactResnet(network) => &network.head,
            Self::MobileNetV2(network) => &network.head,
        }
    }

    /// Feature maps `[N, K, h, w]` to logits `[N, C]`.
    pub fn head(&self, features: Tensor<B, 4>) -> Tensor<B, 2> {
        self.head_module().forward(features)
    }

    /// Input `[N, 1, H, W]` to logits `[N, C]`.
    pub fn forward(&self, input: Tensor<B, 4>) -> Tensor<B, 2> {
        self.head(self.features(input))
    }
}
