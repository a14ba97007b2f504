//! The architectures of [`crate::arch`] as plans.

use super::blend::Attention;
use super::builder::{Builder, ConvSizes, Maps};
use super::reader::Reader;
use super::run::Plan;
use super::window::Padding;
use crate::arch::kernel::Activation::{self, Identity, Relu, Relu6};
use crate::arch::{
    Architecture, BlockName, CompactResnetConfig, MobileNetV2Config, ReferenceCnnConfig,
};
use crate::bundle::{BundleError, weights};
use crate::preprocess::InputGeometry;

/// The plan of a network with the weights of a safetensors file, which must fit exactly.
pub(super) fn plan(
    architecture: &Architecture,
    classes: usize,
    input: &InputGeometry,
    bytes: &[u8],
) -> Result<Plan, BundleError> {
    let reader = Reader::new(weights::open(architecture, classes, bytes)?);
    let plane = [input.height as usize, input.width as usize];
    let builder = |padding| Builder::new(reader, padding, plane);
    match architecture {
        Architecture::ReferenceCnn(config) => reference(config, classes, builder(Padding::Centred)),
        Architecture::CompactResnet(config) => compact(config, classes, builder(Padding::Centred)),
        Architecture::MobileNetV2(config) => mobilenet(config, classes, builder(Padding::Same)),
    }
}

fn sizes(outputs: usize, kernel: usize, stride: usize, activation: Activation) -> ConvSizes {
    ConvSizes {
        outputs,
        kernel,
        stride,
        activation,
    }
}

fn reference(
    config: &ReferenceCnnConfig,
    classes: usize,
    mut plan: Builder<'_>,
) -> Result<Plan, BundleError> {
    let mut last: Option<Maps> = None;
    for (index, &channels) in config.channels.iter().enumerate() {
        let prefix = format!("blocks.{index}.");
        let sizes = sizes(channels, 3, 1, Relu);
        let filtered = match last {
            Some(x) => plan.conv(&prefix, x, sizes)?,
            None => plan.stem(&prefix, sizes)?,
        };
        last.into_iter().for_each(|x| plan.release(x));
        last = Some(plan.max_pool(filtered)?);
        plan.ends(BlockName::Block(index));
        plan.release(filtered);
    }
    match last {
        Some(features) => plan.finish(features, config.hidden, classes),
        // Validation asks for a block.
        None => Err(BundleError::Weights {
            reason: "the network has no blocks".into(),
        }),
    }
}

fn compact(
    config: &CompactResnetConfig,
    classes: usize,
    mut plan: Builder<'_>,
) -> Result<Plan, BundleError> {
    let merge_after = config.merged().map(|_| config.blocks_before_last());
    let mut fine = None;
    let mut x = plan.stem("stem.", sizes(config.stem, 3, 2, Relu))?;
    plan.ends(BlockName::Stem);
    for (index, (from, to, stride)) in config.blocks().into_iter().enumerate() {
        if merge_after == Some(index) {
            fine = Some(x);
        }
        let prefix = |part: &str| format!("blocks.{index}.{part}.");
        let first = plan.conv(&prefix("first"), x, sizes(to, 3, stride, Relu))?;
        let second = plan.conv(&prefix("second"), first, sizes(to, 3, 1, Identity))?;
        plan.release(first);
        let shortcut = if from != to || stride != 1 {
            Some(plan.conv(&prefix("shortcut"), x, sizes(to, 1, stride, Identity))?)
        } else {
            None
        };
        let squeezed = config.squeezed(to);
        let mut dense = |part: &str, inputs, outputs| {
            let name = format!("blocks.{index}.attention.{part}");
            plan.reader.dense(&name, inputs, outputs)
        };
        let attention = Attention {
            squeeze: dense("squeeze", to, squeezed)?,
            excite: dense("excite", squeezed, to)?,
        };
        plan.attend(attention, shortcut.unwrap_or(x), second);
        plan.ends(BlockName::Block(index));
        shortcut.into_iter().for_each(|maps| plan.release(maps));
        // What is merged at the end is still needed.
        if merge_after != Some(index) {
            plan.release(x);
        }
        x = second;
    }
    if let Some(fine) = fine {
        let sizes = sizes(config.merge, 1, 1, Identity);
        let coarse = plan.conv("merge.coarse.", x, sizes)?;
        let merged = plan.conv("merge.fine.", fine, sizes)?;
        plan.add_enlarged(coarse, merged);
        plan.ends(BlockName::Merge);
        x = merged;
    }
    plan.finish(x, 0, classes)
}

fn mobilenet(
    config: &MobileNetV2Config,
    classes: usize,
    mut plan: Builder<'_>,
) -> Result<Plan, BundleError> {
    let mut x = plan.stem("stem.", sizes(config.stem_channels(), 3, 2, Relu6))?;
    plan.ends(BlockName::Stem);
    for (index, block) in config.blocks().into_iter().enumerate() {
        let prefix = |part: &str| format!("blocks.{index}.{part}.");
        let wide = if block.expands() {
            Some(plan.conv(&prefix("expand"), x, sizes(block.inside, 1, 1, Relu6))?)
        } else {
            None
        };
        let inside = wide.unwrap_or(x);
        let filtered = plan.depthwise(&prefix("depthwise"), inside, block.stride, Relu6)?;
        wide.into_iter().for_each(|maps| plan.release(maps));
        let narrow = plan.conv(
            &prefix("project"),
            filtered,
            sizes(block.to, 1, 1, Identity),
        )?;
        plan.release(filtered);
        if block.residual() {
            plan.add(x, narrow);
        }
        plan.ends(BlockName::Block(index));
        plan.release(x);
        x = narrow;
    }
    let features = plan.conv("head_conv.", x, sizes(config.last_channels(), 1, 1, Relu6))?;
    plan.ends(BlockName::HeadConv);
    plan.finish(features, 0, classes)
}
