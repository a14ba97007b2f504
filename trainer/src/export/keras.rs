//! The reference CNN as Keras 2's HDF5 file, which Keras 3 reads too.
//!
//! A `Sequential` of Conv2D, BatchNormalization, ReLU and MaxPooling2D, three times by default, then
//! GlobalAveragePooling2D and Dense; kernels turned to Keras's order of axes. The last layer ends in
//! a softmax, so its weights are divided by the temperature.

use anyhow::{Result, bail};
use scanlight_model::bundle::Manifest;
use serde_json::{Value, json};

use super::{MANIFEST_KEY, epsilon};
use crate::hdf5::{Attribute, Group};
use crate::tensors::{Tensors, Values, tensor};

/// The Keras version whose format this is.
const KERAS_VERSION: &str = "2.15.0";

/// Bytes of an attribute: HDF5 allows 64 KiB with name and type.
const PIECE: usize = 60_000;

/// A layer: its class, name, settings, and weights in Keras's order.
struct Layer {
    class: &'static str,
    name: String,
    config: Value,
    weights: Vec<(&'static str, Values)>,
}

/// The HDF5 file of a reference CNN with these tensors.
pub fn write(manifest: &Manifest, tensors: &Tensors) -> Result<Vec<u8>> {
    let kind = manifest.architecture.kind();
    if kind != "reference_cnn" {
        bail!(
            "keras-h5 is for the reference CNN (reference_cnn), and this model is a {kind}; export it with \
             --format onnx or safetensors"
        );
    }
    let layers = layers(manifest, tensors)?;
    let mut root = Group::default();
    let text = |text: &str| Attribute::Text(text.into());
    root.attribute("keras_version", text(KERAS_VERSION));
    root.attribute("backend", text("tensorflow"));
    let config = model_config(manifest, &layers);
    root.attribute("model_config", Attribute::Text(config.to_string()));
    for (index, piece) in pieces(&serde_json::to_string(manifest)?).enumerate() {
        root.attribute(&format!("{MANIFEST_KEY}{index}"), text(piece));
    }

    let group = root.group("model_weights")?;
    group.attribute("keras_version", text(KERAS_VERSION));
    group.attribute("backend", text("tensorflow"));
    let names = layers.iter().map(|layer| layer.name.clone()).collect();
    group.attribute("layer_names", Attribute::Texts(names));
    for layer in layers {
        let outer = group.group(&layer.name)?;
        let path = |weight: &str| format!("{}/{weight}:0", layer.name);
        let paths = layer.weights.iter().map(|(name, _)| path(name)).collect();
        outer.attribute("weight_names", Attribute::Texts(paths));
        for (name, values) in layer.weights {
            let inner = outer.group(&layer.name)?;
            inner.array(&format!("{name}:0"), values);
        }
    }
    root.into_file()
}

/// A long text in pieces that fit HDF5's attributes.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The layers in order.
fn layers(manifest: &Manifest, tensors: &Tensors) -> Result<Vec<Layer>> {
    let numbered = |name: &str, index: usize| match index {
        0 => name.to_string(),
        _ => format!("{name}_{index}"),
    };
    let get = |name: String| tensor(tensors, &name);
    let mut layers = Vec::new();
    let mut block = 0;
    while tensors.contains_key(&format!("blocks.{block}.conv.weight")) {
        let kernel = get(format!("blocks.{block}.conv.weight"))?;
        layers.push(Layer {
            class: "Conv2D",
            name: numbered("conv2d", block),
            config: json!({
                "filters": kernel.shape[0], "kernel_size": [3, 3], "strides": [1, 1], "padding": "same",
                "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1,
                "activation": "linear", "use_bias": false,
            }),
            // Rows and columns first, then input, then output channels.
            weights: vec![("kernel", kernel.permuted(&[2, 3, 1, 0]))],
        });
        let norm = |part: &str| get(format!("blocks.{block}.norm.{part}")).cloned();
        layers.push(Layer {
            class: "BatchNormalization",
            name: numbered("batch_normalization", block),
            config: json!({
                "axis": [3], "momentum": 0.99, "epsilon": epsilon(), "center": true, "scale": true,
            }),
            weights: vec![
                ("gamma", norm("weight")?),
                ("beta", norm("bias")?),
                ("moving_mean", norm("running_mean")?),
                ("moving_variance", norm("running_var")?),
            ],
        });
        layers.push(Layer {
            class: "Activation",
            name: numbered("activation", block),
            config: json!({ "activation": "relu" }),
            weights: Vec::new(),
        });
        layers.push(Layer {
            class: "MaxPooling2D",
            name: numbered("max_pooling2d", block),
            config: json!({
                "pool_size": [2, 2], "padding": "valid", "strides": [2, 2], "data_format": "channels_last",
            }),
            weights: Vec::new(),
        });
        block += 1;
    }
    layers.push(Layer {
        class: "GlobalAveragePooling2D",
        name: "global_average_pooling2d".into(),
        config: json!({ "data_format": "channels_last", "keepdims": false }),
        weights: Vec::new(),
    });
    let mut dense = 0;
    if tensors.contains_key("head.hidden.weight") {
        layers.push(dense_layer(
            tensors,
            "head.hidden",
            numbered("dense", dense),
            "relu",
            1.0,
        )?);
        dense += 1;
    }
    let sizes = serde_json::to_value(&manifest.architecture)?;
    layers.push(Layer {
        class: "Dropout",
        name: "dropout".into(),
        config: json!({ "rate": sizes["dropout"], "noise_shape": null, "seed": null }),
        weights: Vec::new(),
    });
    let factor = 1.0 / f64::from(manifest.temperature());
    layers.push(dense_layer(
        tensors,
        "head.output",
        numbered("dense", dense),
        "softmax",
        factor,
    )?);
    Ok(layers)
}

fn dense_layer(
    tensors: &Tensors,
    ours: &str,
    name: String,
    activation: &str,
    factor: f64,
) -> Result<Layer> {
    let scaled = |part: &str| -> Result<Values> {
        let mut values = tensor(tensors, &format!("{ours}.{part}"))?.clone();
        for value in &mut values.values {
            *value = (f64::from(*value) * factor) as f32;
        }
        Ok(values)
    };
    let weight = scaled("weight")?;
    Ok(Layer {
        class: "Dense",
        name,
        config: json!({ "units": weight.shape[0], "activation": activation, "use_bias": true }),
        weights: vec![
            ("kernel", weight.permuted(&[1, 0])),
            ("bias", scaled("bias")?),
        ],
    })
}

/// What Keras builds the model from.
fn model_config(manifest: &Manifest, layers: &[Layer]) -> Value {
    let shape = json!([null, manifest.input.height, manifest.input.width, 1]);
    let mut entries = vec![json!({
        "class_name": "InputLayer",
        "config": {
            "batch_input_shape": shape, "dtype": "float32", "sparse": false, "ragged": false, "name": "image",
        },
    })];
    entries.extend(layers.iter().map(|layer| {
        let mut config = layer.config.clone();
        config["name"] = json!(layer.name);
        config["trainable"] = json!(true);
        config["dtype"] = json!("float32");
        json!({ "class_name": layer.class, "config": config })
    }));
    json!({
        "class_name": "Sequential",
        "config": { "name": manifest.id.replace('-', "_"), "layers": entries },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text() {
        let text = "ä".repeat(PIECE);
        let parts: Vec<&str> = pieces(&text).collect();
        assert_eq!(parts.len(), 2);
        assert!(parts.iter().all(|part| part.len() <= PIECE));
        assert_eq!(parts.concat(), text);
        assert_eq!(pieces("").count(), 0);
    }
}
