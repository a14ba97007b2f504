//! An ONNX graph as it grows (<https://onnx.ai/onnx/repo-docs/IR.html>).

use anyhow::{Result, ensure};
use burn::nn::BatchNormConfig;

use super::protobuf::Message;
use crate::tensors::{Tensors, Values, tensor};

/// ONNX's number for 32-bit floats.
const FLOAT: i64 = 1;
/// ONNX's number for 64-bit integers.
const INTEGER: i64 = 7;

/// Stride, padding and groups of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Step in both directions.
    pub stride: usize,
    /// Zeros at the top, left, bottom and right.
    pub pads: [usize; 4],
    /// Groups of channels.
    pub groups: usize,
}

impl Window {
    /// As much padding on all sides.
    pub fn even(stride: usize, pad: usize) -> Self {
        Self {
            stride,
            pads: [pad; 4],
            groups: 1,
        }
    }
}

/// Nodes and weights; values are known by the names of the nodes that make them.
#[derive(Debug)]
pub struct Graph<'a> {
    tensors: &'a Tensors,
    nodes: Vec<Message>,
    initializers: Vec<Message>,
}

impl<'a> Graph<'a> {
    /// An empty graph over a network's weights.
    pub fn new(tensors: &'a Tensors) -> Self {
        Self {
            tensors,
            nodes: Vec::new(),
            initializers: Vec::new(),
        }
    }

    /// Whether the network has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// A tensor of the network.
    pub fn tensor(&self, name: &str) -> Result<&'a Values> {
        tensor(self.tensors, name)
    }

    /// Adds a node without attributes; gives the name of its output.
    pub fn node(&mut self, kind: &str, name: &str, inputs: &[&str]) -> String {
        self.node_with(kind, name, inputs, &[])
    }

    fn node_with(
        &mut self,
        kind: &str,
        name: &str,
        inputs: &[&str],
        attributes: &[Message],
    ) -> String {
        let message = inputs
            .iter()
            .fold(Message::default(), |message, input| message.bytes(1, input))
            .bytes(2, name)
            .bytes(3, name)
            .bytes(4, kind)
            .messages(5, attributes);
        self.nodes.push(message);
        name.into()
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, values: &Values) -> String {
        let raw: Vec<u8> = values.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializers.push(
            Message::default()
                .ints(1, &values.shape)
                .int(2, FLOAT)
                .bytes(8, name)
                .bytes(9, raw),
        );
        name.into()
    }

    /// A convolution `{name}.conv` with the batch norm `{name}.norm` multiplied into it.
    pub fn conv_norm(&mut self, name: &str, input: &str, window: Window) -> Result<String> {
        let (conv, norm) = (format!("{name}.conv"), format!("{name}.norm"));
        let (weight, bias) = fold(self.tensors, &conv, &norm)?;
        self.conv(name, input, &weight, &bias, window)
    }

    /// A convolution with a bias.
    pub fn conv(
        &mut self,
        name: &str,
        input: &str,
        weight: &Values,
        bias: &Values,
        window: Window,
    ) -> Result<String> {
        ensure!(
            weight.shape.len() == 4,
            "the kernel of {name:?} has {} axes instead of 4",
            weight.shape.len()
        );
        let kernel = [weight.shape[2], weight.shape[3]];
        let weight = self.constant(&format!("{name}.weight"), weight);
        let bias = self.constant(&format!("{name}.bias"), bias);
        let attributes = [
            ints("kernel_shape", &kernel),
            ints("strides", &[window.stride, window.stride]),
            ints("pads", &window.pads),
            int("group", window.groups),
        ];
        Ok(self.node_with(
            "Conv",
            &format!("{name}.out"),
            &[input, &weight, &bias],
            &attributes,
        ))
    }

    /// The input with each value repeated until its plane is as large as that of `like`.
    pub fn enlarge(&mut self, name: &str, input: &str, like: &str) -> String {
        let sizes = self.node("Shape", &format!("{name}.sizes"), &[like]);
        let (second, fourth) = (
            self.integers(&format!("{name}.second"), &[2]),
            self.integers(&format!("{name}.fourth"), &[4]),
        );
        let plane = self.node(
            "Slice",
            &format!("{name}.plane"),
            &[&sizes, &second, &fourth],
        );
        let own = self.node("Shape", &format!("{name}.own"), &[input]);
        let start = self.integers(&format!("{name}.start"), &[0]);
        let outer = self.node("Slice", &format!("{name}.outer"), &[&own, &start, &second]);
        let sizes = self.node_with(
            "Concat",
            &format!("{name}.all"),
            &[&outer, &plane],
            &[int("axis", 0)],
        );
        let attributes = [
            text("mode", "nearest"),
            text("coordinate_transformation_mode", "asymmetric"),
            text("nearest_mode", "floor"),
        ];
        self.node_with("Resize", name, &[input, "", "", &sizes], &attributes)
    }

    /// Adds a constant row of integers.
    fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializers.push(
            Message::default()
                .ints(1, &[values.len()])
                .int(2, INTEGER)
                .bytes(8, name)
                .bytes(9, raw),
        );
        name.into()
    }

    /// The largest of each 2 x 2 square.
    pub fn halve(&mut self, name: &str, input: &str) -> String {
        let attributes = [ints("kernel_shape", &[2, 2]), ints("strides", &[2, 2])];
        self.node_with("MaxPool", name, &[input], &attributes)
    }

    /// A dense layer on `[N, K]`, with PyTorch's layout of weights.
    pub fn dense(&mut self, name: &str, output: &str, input: &str) -> Result<String> {
        let weight = self.tensor(&format!("{name}.weight"))?;
        let bias = self.tensor(&format!("{name}.bias"))?;
        let weight = self.constant(&format!("{name}.weight"), weight);
        let bias = self.constant(&format!("{name}.bias"), bias);
        Ok(self.node_with(
            "Gemm",
            output,
            &[input, &weight, &bias],
            &[int("transB", 1)],
        ))
    }

    /// Softmax over the classes.
    pub fn softmax(&mut self, name: &str, input: &str) -> String {
        self.node_with("Softmax", name, &[input], &[int("axis", 1)])
    }

    /// The finished graph: one input `[N, 1, height, width]`, outputs of `[N, classes]`.
    pub fn finish(
        self,
        name: &str,
        input: (&str, usize, usize),
        outputs: &[&str],
        classes: usize,
    ) -> Message {
        let (image, height, width) = input;
        let input = value(image, &[None, Some(1), Some(height), Some(width)]);
        let outputs: Vec<Message> = outputs
            .iter()
            .map(|output| value(output, &[None, Some(classes)]))
            .collect();
        Message::default()
            .messages(1, &self.nodes)
            .bytes(2, name)
            .messages(5, &self.initializers)
            .message(11, &input)
            .messages(12, &outputs)
    }
}

fn int(name: &str, value: usize) -> Message {
    Message::default()
        .bytes(1, name)
        .int(3, value as i64)
        .int(20, 2)
}

fn text(name: &str, value: &str) -> Message {
    Message::default().bytes(1, name).bytes(4, value).int(20, 3)
}

fn ints(name: &str, values: &[usize]) -> Message {
    Message::default().bytes(1, name).ints(8, values).int(20, 7)
}

/// A named value's type; a side without a number is the batch.
fn value(name: &str, sides: &[Option<usize>]) -> Message {
    let shape = sides.iter().fold(Message::default(), |shape, side| {
        let side = match side {
            Some(side) => Message::default().int(1, *side as i64),
            None => Message::default().bytes(2, "N"),
        };
        shape.message(1, &side)
    });
    let tensor = Message::default().int(1, FLOAT).message(2, &shape);
    Message::default()
        .bytes(1, name)
        .message(2, &Message::default().message(1, &tensor))
}

/// What batch norm adds to the variance in this project's networks.
pub fn epsilon() -> f64 {
    BatchNormConfig::new(1).epsilon
}

/// A convolution's kernel and bias with the batch norm behind it multiplied in.
///
/// In 64-bit arithmetic, since variances of dead channels are tiny.
fn fold(tensors: &Tensors, conv: &str, norm: &str) -> Result<(Values, Values)> {
    let kernel = tensor(tensors, &format!("{conv}.weight"))?;
    let channels = kernel.shape.first().copied().unwrap_or(0);
    let part = |part: &str| -> Result<&Vec<f32>> {
        let values = &tensor(tensors, &format!("{norm}.{part}"))?.values;
        ensure!(
            values.len() == channels,
            "{norm}.{part} has {} values for {channels} channels",
            values.len()
        );
        Ok(values)
    };
    let (scale, shift) = (part("weight")?, part("bias")?);
    let (mean, variance) = (part("running_mean")?, part("running_var")?);
    let factors: Vec<f64> = scale
        .iter()
        .zip(variance)
        .map(|(&scale, &variance)| f64::from(scale) / (f64::from(variance) + epsilon()).sqrt())
        .collect();
    let size = kernel.values.len() / channels.max(1);
    let weights = kernel
        .values
        .iter()
        .enumerate()
        .map(|(index, &value)| (f64::from(value) * factors[index / size]) as f32)
        .collect();
    let bias = shift
        .iter()
        .zip(mean)
        .zip(&factors)
        .map(|((&shift, &mean), factor)| (f64::from(shift) - f64::from(mean) * factor) as f32)
        .collect();
    Ok((
        Values::new(kernel.shape.clone(), weights)?,
        Values::row(bias),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_keeps_what_the_two_layers_compute() {
        let mut tensors = Tensors::new();
        let mut put = |name: &str, shape: &[usize], values: &[f32]| {
            tensors.insert(
                name.into(),
                Values::new(shape.to_vec(), values.to_vec()).unwrap(),
            );
        };
        put("c.weight", &[2, 1, 1, 1], &[3.0, -2.0]);
        put("n.weight", &[2], &[0.5, 2.0]);
        put("n.bias", &[2], &[0.1, -0.2]);
        put("n.running_mean", &[2], &[1.0, -3.0]);
        put("n.running_var", &[2], &[4.0, 1e-4]);
        let (weight, bias) = fold(&tensors, "c", "n").unwrap();
        for (channel, x) in [(0, 0.7f64), (1, -1.3)] {
            let folded = f64::from(weight.values[channel]) * x + f64::from(bias.values[channel]);
            let (w, m, v) = [(3.0, 1.0, 4.0), (-2.0, -3.0, 1e-4)][channel];
            let (g, b) = [(0.5, 0.1), (2.0, -0.2)][channel];
            let apart = (w * x - m) / (v + 1e-5f64).sqrt() * g + b;
            assert!(
                (folded - apart).abs() < 1e-3 * apart.abs(),
                "{folded} {apart}"
            );
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let error = fold(&Tensors::new(), "stem.conv", "stem.norm").unwrap_err();
        assert!(error.to_string().contains("stem.conv.weight"));
    }
}
