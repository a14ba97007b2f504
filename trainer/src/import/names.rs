//! Which network a set of named tensors is.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::stack::{Block, Dense, Network, Norm, Stack};
use crate::tensors::{Tensors, Values};

/// What wrappers of modules put before every name.
const PREFIXES: [&str; 3] = ["module.", "_orig_mod.", "model."];
/// PyTorch's default for batch norm; a state dict does not say another.
const TORCH_EPSILON: f64 = 1e-5;

/// The network of a state dict: one of ours by its names, or layers like the reference CNN's by
/// their shapes.
pub fn recognise(mut tensors: Tensors) -> Result<Network> {
    for prefix in PREFIXES {
        if tensors.keys().all(|name| name.starts_with(prefix)) {
            tensors = tensors
                .into_iter()
                .map(|(name, values)| (name[prefix.len()..].to_string(), values))
                .collect();
        }
    }
    let has = |name: &str| tensors.contains_key(name);
    if has("blocks.0.first.conv.weight") && has("stem.conv.weight") {
        let architecture = compact(&tensors)?;
        Ok((tensors, architecture))
    } else if has("blocks.0.conv.weight") && has("head.output.weight") {
        let architecture = reference(&tensors)?;
        Ok((tensors, architecture))
    } else if has("head_conv.conv.weight") {
        bail!(
            "it looks like a MobileNetV2, whose sizes do not show in its tensors; name a model of the same sizes with --like DIR"
        )
    } else {
        stack(tensors)?.into_network()
    }
}

/// A tensor's first side.
fn rows(tensors: &Tensors, name: &str) -> Result<usize> {
    tensors
        .get(name)
        .and_then(|values| values.shape.first().copied())
        .with_context(|| format!("the tensor {name:?} is missing"))
}

fn reference(tensors: &Tensors) -> Result<Value> {
    let mut channels = Vec::new();
    while let Ok(width) = rows(tensors, &format!("blocks.{}.conv.weight", channels.len())) {
        channels.push(width);
    }
    let hidden = rows(tensors, "head.hidden.weight").unwrap_or(0);
    Ok(json!({ "kind": "reference_cnn", "channels": channels, "hidden": hidden }))
}

/// A block with a shortcut begins a stage.
fn compact(tensors: &Tensors) -> Result<Value> {
    let mut stages: Vec<(usize, usize)> = Vec::new();
    let mut squeezed = Vec::new();
    let mut block = 0;
    while let Ok(width) = rows(tensors, &format!("blocks.{block}.first.conv.weight")) {
        let begins = tensors.contains_key(&format!("blocks.{block}.shortcut.conv.weight"));
        match stages.last_mut() {
            Some(stage) if !begins && stage.0 == width => stage.1 += 1,
            None if !begins => bail!("its first block has no shortcut"),
            _ => stages.push((width, 1)),
        }
        squeezed.push((
            width,
            rows(tensors, &format!("blocks.{block}.attention.squeeze.weight"))?,
        ));
        block += 1;
    }
    // The bottleneck's width is a quotient that was rounded down, at least 4.
    let squeeze = (1..=4096usize)
        .find(|squeeze| {
            squeezed
                .iter()
                .all(|&(width, narrow)| (width / squeeze).max(4) == narrow)
        })
        .context("its attention layers have no common ratio")?;
    let stages: Vec<Value> = stages
        .into_iter()
        .map(|(channels, blocks)| json!({ "channels": channels, "blocks": blocks }))
        .collect();
    Ok(json!({
        "kind": "compact_resnet", "stem": rows(tensors, "stem.conv.weight")?, "stages": stages,
        "squeeze": squeeze, "merge": rows(tensors, "merge.fine.conv.weight").unwrap_or(0),
    }))
}

/// Convolutions, norms and dense layers, each kind in the order of the names.
///
/// A state dict says nothing of what lies between the layers: convolution, batch norm, ReLU and
/// max-pooling in this order, and an average over the plane at the end, are taken for granted.
fn stack(tensors: Tensors) -> Result<Stack> {
    let mut parts: indexmap::IndexMap<String, indexmap::IndexMap<String, Values>> =
        indexmap::IndexMap::new();
    for (name, values) in tensors {
        let (layer, part) = name.rsplit_once('.').unwrap_or(("", &name));
        let layer = parts.entry(layer.into()).or_default();
        layer.insert(part.into(), values);
    }
    let mut stack = Stack::default();
    let mut norms = Vec::new();
    for (name, mut layer) in parts {
        let mut row = |part: &str| layer.shift_remove(part).map(|values| values.values);
        let bias = row("bias");
        if let (Some(mean), Some(variance)) = (row("running_mean"), row("running_var")) {
            norms.push(Norm {
                scale: row("weight"),
                shift: bias,
                mean,
                variance,
                epsilon: TORCH_EPSILON,
            });
            continue;
        }
        let weight = layer.shift_remove("weight");
        match weight {
            Some(kernel) if kernel.shape.len() == 4 => stack.blocks.push(Block {
                kernel,
                bias,
                norm: None,
            }),
            Some(weight) if weight.shape.len() == 2 => stack.dense.push(Dense { weight, bias }),
            _ => bail!(
                "the layer {name:?} is none of the reference CNN's (convolution, batch norm, dense), and the names \
                 are not those of Scanlight's networks"
            ),
        }
    }
    if !(norms.is_empty() || norms.len() == stack.blocks.len()) {
        bail!(
            "it has {} convolutions, but {} batch norms",
            stack.blocks.len(),
            norms.len()
        );
    }
    for (block, norm) in stack.blocks.iter_mut().zip(norms) {
        block.norm = Some(norm);
    }
    Ok(stack)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zeros(entries: &[(&str, &[usize])]) -> Tensors {
        entries
            .iter()
            .map(|(name, shape)| {
                let count = shape.iter().product();
                let values = Values::new(shape.to_vec(), vec![0.0; count]).unwrap();
                (name.to_string(), values)
            })
            .collect()
    }

    #[test]
    fn stages_and_squeeze_show_in_the_shapes() {
        let tensors = zeros(&[
            ("stem.conv.weight", &[24, 1, 3, 3]),
            ("blocks.0.first.conv.weight", &[32, 24, 3, 3]),
            ("blocks.0.shortcut.conv.weight", &[32, 24, 1, 1]),
            ("blocks.0.attention.squeeze.weight", &[4, 32]),
            ("blocks.1.first.conv.weight", &[64, 32, 3, 3]),
            ("blocks.1.shortcut.conv.weight", &[64, 32, 1, 1]),
            ("blocks.1.attention.squeeze.weight", &[8, 64]),
            ("blocks.2.first.conv.weight", &[64, 64, 3, 3]),
            ("blocks.2.attention.squeeze.weight", &[8, 64]),
            ("blocks.3.first.conv.weight", &[64, 64, 3, 3]),
            ("blocks.3.shortcut.conv.weight", &[64, 64, 1, 1]),
            ("blocks.3.attention.squeeze.weight", &[8, 64]),
        ]);
        let (_, architecture) = recognise(tensors).unwrap();
        assert_eq!(architecture["stem"], 24);
        assert_eq!(architecture["squeeze"], 8);
        assert_eq!(
            architecture["stages"],
            json!([
                { "channels": 32, "blocks": 1 },
                { "channels": 64, "blocks": 2 },
                { "channels": 64, "blocks": 1 },
            ])
        );
    }

    #[test]
    fn wrappers_names_go() {
        let tensors = zeros(&[
            ("module.blocks.0.conv.weight", &[8, 1, 3, 3]),
            ("module.head.output.weight", &[4, 8]),
        ]);
        let (tensors, architecture) = recognise(tensors).unwrap();
        assert!(tensors.contains_key("blocks.0.conv.weight"));
        assert_eq!(architecture["channels"], json!([8]));
        assert_eq!(architecture["hidden"], 0);
    }

    #[test]
    fn other_networks_are_refused() {
        let error = recognise(zeros(&[("attention.weight", &[3, 3, 3])])).unwrap_err();
        assert!(error.to_string().contains("none of the reference CNN's"));
    }
}
