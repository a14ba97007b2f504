//! A model as an ONNX file (opset 17), for ONNX Runtime and all that reads its format.
//!
//! Batch norm is multiplied into the convolutions: fewer nodes, and a faster graph in runtimes that
//! do not do it themselves. The input `image` is a preprocessed plane; how an image becomes one stands
//! in the model's metadata.

use anyhow::{Context, Result, bail, ensure};
use scanlight_model::bundle::Manifest;
use serde_json::Value;

use super::graph::{Graph, Window};
use super::protobuf::Message;
use crate::tensors::{Tensors, Values};

/// Version of ONNX's intermediate representation that belongs to the operator set.
const IR_VERSION: i64 = 8;
/// Version of the operator set.
const OPSET: i64 = 17;

/// The ONNX file of a network with these tensors.
pub fn write(manifest: &Manifest, tensors: &Tensors) -> Result<Vec<u8>> {
    let mut graph = Graph::new(tensors);
    let (height, width) = (
        manifest.input.height as usize,
        manifest.input.width as usize,
    );
    let features = match manifest.architecture.kind() {
        "reference_cnn" => reference(&mut graph)?,
        "compact_resnet" => {
            let sizes = serde_json::to_value(&manifest.architecture)?;
            compact(&mut graph, &sizes)?
        }
        "mobilenet_v2" => {
            let sizes = serde_json::to_value(&manifest.architecture)?;
            mobilenet(&mut graph, &sizes, [height, width])?
        }
        other => bail!("the architecture {other} cannot be written as ONNX yet"),
    };
    head(&mut graph, &features, manifest.temperature())?;
    let classes = manifest.classes.len();
    let graph = graph.finish(
        &manifest.id,
        ("image", height, width),
        &["logits", "probabilities"],
        classes,
    );

    let opset = Message::default().bytes(1, "").int(2, OPSET);
    let remarks: Vec<Message> = remarks(manifest)?
        .into_iter()
        .map(|(key, value)| Message::default().bytes(1, key).bytes(2, value))
        .collect();
    Ok(Message::default()
        .int(1, IR_VERSION)
        .bytes(2, "scanlight")
        .bytes(3, env!("CARGO_PKG_VERSION"))
        .int(5, 1)
        .bytes(6, &manifest.description)
        .message(7, &graph)
        .message(8, &opset)
        .messages(14, &remarks)
        .into_bytes())
}

/// What a user of the file has to know, for the model's metadata.
fn remarks(manifest: &Manifest) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("title", manifest.title.clone()),
        ("classes", serde_json::to_string(&manifest.classes)?),
        ("input", serde_json::to_string(&manifest.input)?),
        ("temperature", manifest.temperature().to_string()),
        (
            "preprocessing",
            "crop to the head, resize with an antialiasing triangle filter, fit into the plane, then mean 0 and \
             standard deviation 1 over the plane, as `input` says; probabilities = softmax(logits / temperature)"
                .into(),
        ),
        ("licence", manifest.licence.clone()),
        (
            "intended_use",
            "Education and research. Not a diagnosis, not a medical device.".into(),
        ),
        (super::MANIFEST_KEY, serde_json::to_string(manifest)?),
    ])
}

/// Convolution, ReLU, max-pool; over again.
fn reference(graph: &mut Graph) -> Result<String> {
    let mut x = "image".to_string();
    let mut block = 0;
    while graph.has(&format!("blocks.{block}.conv.weight")) {
        let name = format!("blocks.{block}");
        x = graph.conv_norm(&name, &x, Window::even(1, 1))?;
        x = graph.node("Relu", &format!("{name}.relu"), &[&x]);
        x = graph.halve(&format!("{name}.pool"), &x);
        block += 1;
    }
    ensure!(block > 0, "there is no tensor \"blocks.0.conv.weight\"");
    Ok(x)
}

/// Residual blocks with channel attention; a block with a shortcut halves the plane.
fn compact(graph: &mut Graph, sizes: &Value) -> Result<String> {
    // Blocks before the last stage, after which the maps to merge with are taken.
    let stages = sizes["stages"]
        .as_array()
        .context("the architecture has no stages")?;
    let earlier = stages.iter().rev().skip(1);
    let after: u64 = earlier.filter_map(|stage| stage["blocks"].as_u64()).sum();
    let mut fine = String::new();
    let x = graph.conv_norm("stem", "image", Window::even(2, 1))?;
    let mut x = graph.node("Relu", "stem.relu", &[&x]);
    let mut block = 0;
    while graph.has(&format!("blocks.{block}.first.conv.weight")) {
        if block as u64 == after {
            fine.clone_from(&x);
        }
        let name = format!("blocks.{block}");
        let part = |part: &str| format!("{name}.{part}");
        let halves = graph.has(&part("shortcut.conv.weight"));
        let stride = if halves { 2 } else { 1 };
        let carried = if halves {
            graph.conv_norm(&part("shortcut"), &x, Window::even(stride, 0))?
        } else {
            x.clone()
        };
        let y = graph.conv_norm(&part("first"), &x, Window::even(stride, 1))?;
        let y = graph.node("Relu", &part("first.relu"), &[&y]);
        let y = graph.conv_norm(&part("second"), &y, Window::even(1, 1))?;
        let gates = attention(graph, &part("attention"), &y)?;
        let y = graph.node("Mul", &part("attended"), &[&y, &gates]);
        let y = graph.node("Add", &part("sum"), &[&y, &carried]);
        x = graph.node("Relu", &part("relu"), &[&y]);
        block += 1;
    }
    ensure!(
        block > 0,
        "there is no tensor \"blocks.0.first.conv.weight\""
    );
    if !graph.has("merge.fine.conv.weight") {
        return Ok(x);
    }
    let fine = graph.conv_norm("merge.fine", &fine, Window::even(1, 0))?;
    let coarse = graph.conv_norm("merge.coarse", &x, Window::even(1, 0))?;
    let coarse = graph.enlarge("merge.enlarged", &coarse, &fine);
    let sum = graph.node("Add", "merge.sum", &[&fine, &coarse]);
    Ok(graph.node("Relu", "merge.relu", &[&sum]))
}

/// The gates of squeeze-and-excitation, `[N, K, 1, 1]`; its dense layers as 1 x 1 convolutions, which
/// need no reshaping.
fn attention(graph: &mut Graph, name: &str, input: &str) -> Result<String> {
    let means = graph.node("GlobalAveragePool", &format!("{name}.mean"), &[input]);
    let y = pointwise(graph, &format!("{name}.squeeze"), &means)?;
    let y = graph.node("Relu", &format!("{name}.relu"), &[&y]);
    let y = pointwise(graph, &format!("{name}.excite"), &y)?;
    Ok(graph.node("Sigmoid", &format!("{name}.gates"), &[&y]))
}

fn pointwise(graph: &mut Graph, name: &str, input: &str) -> Result<String> {
    let weight = graph.tensor(&format!("{name}.weight"))?;
    let bias = graph.tensor(&format!("{name}.bias"))?.clone();
    let mut shape = weight.shape.clone();
    shape.extend([1, 1]);
    let weight = Values::new(shape, weight.values.clone())?;
    graph.conv(name, input, &weight, &bias, Window::even(1, 0))
}

/// Inverted residuals with TensorFlow's SAME padding; strides are in the architecture's sizes.
fn mobilenet(graph: &mut Graph, sizes: &Value, mut plane: [usize; 2]) -> Result<String> {
    let number = |stage: &Value, key: &str| {
        stage[key]
            .as_u64()
            .with_context(|| format!("a stage of the architecture has no {key:?}"))
    };
    let stages = sizes["stages"]
        .as_array()
        .context("the architecture has no stages")?;
    let mut strides = Vec::new();
    for stage in stages {
        let stride = number(stage, "stride")? as usize;
        let blocks = number(stage, "blocks")?;
        strides.extend((0..blocks).map(|index| if index == 0 { stride } else { 1 }));
    }

    let window = same(&mut plane, 3, 2);
    let mut x = graph.conv_norm("stem", "image", window)?;
    x = relu6(graph, "stem", &x);
    let mut from = graph.tensor("stem.conv.weight")?.shape[0];
    for (block, &stride) in strides.iter().enumerate() {
        let name = format!("blocks.{block}");
        let part = |part: &str| format!("{name}.{part}");
        let mut y = x.clone();
        if graph.has(&part("expand.conv.weight")) {
            y = graph.conv_norm(&part("expand"), &y, Window::even(1, 0))?;
            y = relu6(graph, &part("expand"), &y);
        }
        let inside = graph.tensor(&part("depthwise.conv.weight"))?.shape[0];
        let window = Window {
            groups: inside,
            ..same(&mut plane, 3, stride)
        };
        y = graph.conv_norm(&part("depthwise"), &y, window)?;
        y = relu6(graph, &part("depthwise"), &y);
        y = graph.conv_norm(&part("project"), &y, Window::even(1, 0))?;
        let to = graph.tensor(&part("project.conv.weight"))?.shape[0];
        x = if stride == 1 && from == to {
            graph.node("Add", &part("sum"), &[&y, &x])
        } else {
            y
        };
        from = to;
    }
    x = graph.conv_norm("head_conv", &x, Window::even(1, 0))?;
    Ok(relu6(graph, "head_conv", &x))
}

/// Padding that makes a plane a stride-th as large, the odd pixel at the right and bottom.
fn same(plane: &mut [usize; 2], kernel: usize, stride: usize) -> Window {
    let [vertical, horizontal] = [0, 1].map(|axis| {
        let after = plane[axis].div_ceil(stride);
        let total = ((after.max(1) - 1) * stride + kernel).saturating_sub(plane[axis]);
        plane[axis] = after;
        (total / 2, total - total / 2)
    });
    Window {
        stride,
        pads: [vertical.0, horizontal.0, vertical.1, horizontal.1],
        groups: 1,
    }
}

fn relu6(graph: &mut Graph, name: &str, input: &str) -> String {
    let single = |value: f32| Values {
        shape: Vec::new(),
        values: vec![value],
    };
    let low = graph.constant(&format!("{name}.low"), &single(0.0));
    let high = graph.constant(&format!("{name}.high"), &single(6.0));
    graph.node("Clip", &format!("{name}.relu6"), &[input, &low, &high])
}

/// Average over the plane, dense layers, softmax.
fn head(graph: &mut Graph, features: &str, temperature: f32) -> Result<()> {
    let pooled = graph.node("GlobalAveragePool", "head.mean", &[features]);
    // Axis 1 is Flatten's default.
    let mut x = graph.node("Flatten", "head.flat", &[&pooled]);
    if graph.has("head.hidden.weight") {
        x = graph.dense("head.hidden", "head.hidden.out", &x)?;
        x = graph.node("Relu", "head.hidden.relu", &[&x]);
    }
    let mut logits = graph.dense("head.output", "logits", &x)?;
    if temperature != 1.0 {
        let temperature = graph.constant("temperature", &Values::row(vec![temperature]));
        logits = graph.node("Div", "head.scaled", &[&logits, &temperature]);
    }
    graph.softmax("probabilities", &logits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_padding_goes_right_and_bottom() {
        let mut plane = [128, 65];
        let window = same(&mut plane, 3, 2);
        assert_eq!(window.pads, [0, 1, 1, 1]);
        assert_eq!(plane, [64, 33]);
        assert_eq!(same(&mut plane, 3, 1).pads, [1; 4]);
        assert_eq!(plane, [64, 33]);
    }
}
