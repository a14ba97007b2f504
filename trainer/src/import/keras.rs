//! Keras's HDF5 files of networks like the reference CNN: whole models (`model.save`) and weights alone
//! (`model.save_weights`), of Keras 2 and 3.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::stack::{Block, Dense, Network, Norm, Stack};
use crate::export::MANIFEST_KEY;
use crate::hdf5::{Attribute, File, Object};
use crate::tensors::Values;

/// Keras's default for batch norm.
const EPSILON: f64 = 1e-3;

/// What a file holds.
pub struct KerasModel {
    /// Tensors and architecture.
    pub network: Network,
    /// Height and width of the input, where the file says so.
    pub input: Option<[u32; 2]>,
    /// The manifest of a file that this program wrote.
    pub manifest: Option<String>,
}

/// Reads a file.
pub fn read(bytes: &[u8]) -> Result<KerasModel> {
    let root = File::open(bytes)?.root();
    let manifest = pieces(&root)?;
    let config = match text(&root, "model_config")? {
        Some(text) => Some(
            serde_json::from_str::<Value>(&text).context("model_config in the file is no JSON")?,
        ),
        None => None,
    };
    // Weights alone lie in the root.
    let weights = root.at("model_weights")?.unwrap_or(root);
    let Some(Attribute::Texts(names)) = weights.attribute("layer_names")? else {
        bail!(
            "the HDF5 file has no layer_names, as Keras's .h5 files do (Keras 3's .weights.h5 does not); write it \
             with model.save(\"NAME.h5\")"
        );
    };
    let described = match &config {
        Some(config) => layers(config)?,
        None => Vec::new(),
    };
    let mut stack = Stack::default();
    // The order in which the layers are passed is the description's, where there is one.
    let order: Vec<(&str, Option<&Value>)> = if described.is_empty() {
        names.iter().map(|name| (name.as_str(), None)).collect()
    } else {
        described
            .iter()
            .filter_map(|layer| Some((layer["config"]["name"].as_str()?, Some(layer))))
            .collect()
    };
    if !described.is_empty() {
        check_order(&described)?;
    }
    for (name, layer) in order {
        let rate = layer.and_then(|layer| layer["config"]["rate"].as_f64());
        if let Some(rate) = rate.filter(|rate| (0.0..1.0).contains(rate)) {
            stack.dropout = rate;
        }
        if names.iter().any(|known| known == name) {
            let group = weights
                .at(name)?
                .with_context(|| format!("the layer {name:?} has no weights in the file"))?;
            add(name, &group, layer, &mut stack)
                .with_context(|| format!("the layer {name:?} is not read"))?;
        }
    }
    Ok(KerasModel {
        network: stack.into_network()?,
        input: described.iter().find_map(input_size),
        manifest,
    })
}

/// The manifest, in as many pieces as it took.
fn pieces(root: &Object) -> Result<Option<String>> {
    let mut whole = String::new();
    for index in 0..1000 {
        match text(root, &format!("{MANIFEST_KEY}{index}"))? {
            Some(piece) => whole += &piece,
            None => break,
        }
    }
    Ok((!whole.is_empty()).then_some(whole))
}

fn text(object: &Object, name: &str) -> Result<Option<String>> {
    Ok(match object.attribute(name)? {
        Some(Attribute::Text(text)) => Some(text),
        _ => None,
    })
}

/// The layers' descriptions, in order.
fn layers(config: &Value) -> Result<Vec<Value>> {
    let class = config["class_name"].as_str().unwrap_or_default();
    let inner = &config["config"];
    // Very old files have the list itself.
    let layers = inner["layers"].as_array().or(inner.as_array());
    let layers = layers.with_context(|| format!("a Keras model of class {class:?} is not read"))?;
    if class == "Functional" || class == "Model" {
        for layer in layers {
            let inputs = layer["inbound_nodes"].as_array().map_or(0, Vec::len);
            ensure!(
                inputs <= 1,
                "the model uses a layer twice; the reference CNN is a plain sequence"
            );
        }
    }
    Ok(layers.clone())
}

/// Height and width that a layer's description gives for the model's input.
fn input_size(layer: &Value) -> Option<[u32; 2]> {
    let config = &layer["config"];
    let shape = ["batch_input_shape", "batch_shape"]
        .iter()
        .find_map(|key| config[*key].as_array())?;
    let side = |index: usize| u32::try_from(shape.get(index)?.as_u64()?).ok();
    Some([side(1)?, side(2)?])
}

/// Whether the layers do what the reference CNN does, in its order.
fn check_order(layers: &[Value]) -> Result<()> {
    let mut steps = String::new();
    for layer in layers {
        for step in steps_of(layer)? {
            steps += &step;
            steps.push(' ');
        }
    }
    let mut rest = steps.as_str();
    let mut blocks = 0;
    while let Some(after) = ["conv norm relu pool ", "conv relu pool "]
        .iter()
        .find_map(|block| rest.strip_prefix(block))
    {
        rest = after;
        blocks += 1;
    }
    let heads = ["mean dense ", "mean dense relu dense "];
    let rest = rest.strip_suffix("softmax ").unwrap_or(rest);
    ensure!(
        blocks > 0 && heads.contains(&rest),
        "the model does, in order: {}; the reference CNN does: conv norm relu pool (once or more), mean, dense relu \
         (or not), dense softmax",
        steps.trim_end()
    );
    Ok(())
}

/// What a layer does, in our words; an error where the reference CNN cannot do it.
fn steps_of(layer: &Value) -> Result<Vec<String>> {
    let class = layer["class_name"].as_str().unwrap_or_default();
    let config = &layer["config"];
    let name = config["name"].as_str().unwrap_or_default();
    // A setting that is absent has Keras's default, which fits.
    let text = |key: &str, wanted: &str| config[key].as_str().is_none_or(|text| text == wanted);
    let number = |key: &str, wanted: f64| match &config[key] {
        Value::Null => true,
        Value::Array(sides) => sides.iter().all(|side| side.as_f64() == Some(wanted)),
        side => side.as_f64() == Some(wanted),
    };
    let channels_last = text("data_format", "channels_last");
    let (step, fits) = match class {
        "InputLayer" | "Activation" | "Dropout" | "SpatialDropout2D" => (None, true),
        "ReLU" => {
            let plain = number("negative_slope", 0.0) && number("threshold", 0.0);
            (Some("relu"), plain && config["max_value"].is_null())
        }
        "Softmax" => (Some("softmax"), true),
        "Conv2D" => {
            let even = number("strides", 1.0) && number("dilation_rate", 1.0);
            // Padding is "valid" where nothing is said.
            let same = config["padding"].as_str() == Some("same");
            (Some("conv"), even && same && channels_last)
        }
        "BatchNormalization" => (Some("norm"), number("axis", 3.0) || number("axis", -1.0)),
        "MaxPooling2D" => {
            let halves = number("pool_size", 2.0) && number("strides", 2.0);
            (Some("pool"), halves && channels_last)
        }
        "GlobalAveragePooling2D" => (Some("mean"), channels_last),
        "Dense" => (Some("dense"), true),
        "Flatten" => bail!(
            "the layer {name:?} flattens the plane; the reference CNN averages each channel (GlobalAveragePooling2D)"
        ),
        _ => (None, false),
    };
    ensure!(
        fits,
        "the layer {name:?} ({class}) does not fit the reference CNN, whose convolutions are 3 x 3 with padding \
         \"same\" and whose pooling is 2 x 2"
    );
    let activation = config["activation"]
        .as_str()
        .filter(|&name| name != "linear");
    Ok(step
        .into_iter()
        .chain(activation)
        .map(String::from)
        .collect())
}

/// Takes up a layer's weights.
fn add(name: &str, group: &Object, layer: Option<&Value>, stack: &mut Stack) -> Result<()> {
    let paths = match group.attribute("weight_names")? {
        Some(Attribute::Texts(paths)) => paths,
        // An empty list has no texts to be known by.
        _ => return Ok(()),
    };
    let mut parts = Vec::new();
    for path in &paths {
        let object = group
            .at(path)?
            .with_context(|| format!("{path:?} is missing"))?;
        let values = object.values().with_context(|| format!("{path:?}"))?;
        let part = path.rsplit('/').next().unwrap_or(path);
        let part = part.split(':').next().unwrap_or(part);
        parts.push((part.to_string(), values));
    }
    let mut take = |part: &str| -> Option<Values> {
        let index = parts.iter().position(|(name, _)| name == part)?;
        Some(parts.swap_remove(index).1)
    };
    if let Some(kernel) = take("kernel") {
        let bias = take("bias").map(|bias| bias.values);
        match kernel.shape.len() {
            // Rows, columns, input, output channels.
            4 => stack.blocks.push(Block {
                kernel: kernel.permuted(&[3, 2, 0, 1]),
                bias,
                norm: None,
            }),
            2 => stack.dense.push(Dense {
                weight: kernel.permuted(&[1, 0]),
                bias,
            }),
            axes => bail!("its kernel has {axes} axes"),
        }
    } else if let (Some(mean), Some(variance)) = (take("moving_mean"), take("moving_variance")) {
        let norm = Norm {
            scale: take("gamma").map(|values| values.values),
            shift: take("beta").map(|values| values.values),
            mean: mean.values,
            variance: variance.values,
            epsilon: layer
                .and_then(|layer| layer["config"]["epsilon"].as_f64())
                .unwrap_or(EPSILON),
        };
        let block = stack
            .blocks
            .last_mut()
            .filter(|block| block.norm.is_none() && stack.dense.is_empty())
            .with_context(|| format!("the batch norm {name:?} follows no convolution"))?;
        block.norm = Some(norm);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/keras_reference.h5");
    const NEWER: &[u8] = include_bytes!("../../tests/fixtures/keras_newer_layout.h5");

    fn layer(class: &str, activation: &str) -> Value {
        json!({ "class_name": class, "config": { "activation": activation, "padding": "same" } })
    }

    #[test]
    fn layers_in_another_order_are_refused() {
        let end = ["GlobalAveragePooling2D", "Dense"].map(|class| layer(class, "linear"));
        let model = |block: &[(&str, &str)]| {
            let block = block
                .iter()
                .map(|(class, activation)| layer(class, activation));
            check_order(&block.chain(end.clone()).collect::<Vec<_>>())
        };
        let (conv, norm) = (("Conv2D", "linear"), ("BatchNormalization", "linear"));
        let (relu, pool) = (("Activation", "relu"), ("MaxPooling2D", "linear"));
        model(&[conv, norm, relu, pool, ("Conv2D", "relu"), pool]).unwrap();
        let error = model(&[("Conv2D", "relu"), norm, pool])
            .unwrap_err()
            .to_string();
        assert!(error.contains("conv relu norm pool mean dense;"), "{error}");
        assert!(model(&[conv, norm, pool]).is_err());
        assert!(model(&[("Conv2D", "sigmoid"), pool]).is_err());
        assert!(model(&[]).is_err());
        let error = model(&[conv, relu, pool, ("Flatten", "linear")]).unwrap_err();
        assert!(error.to_string().contains("flattens"), "{error}");
    }

    #[test]
    fn keras_s_file_is_read() {
        let model = read(FIXTURE).unwrap();
        assert_eq!(model.input, Some([32, 32]));
        assert!(model.manifest.is_none());
        let (tensors, architecture) = model.network;
        assert_eq!(architecture["channels"], json!([4, 6, 8]));
        assert_eq!(architecture["hidden"], 8);
        assert_eq!(architecture["dropout"], 0.3);
        assert_eq!(tensors["blocks.1.conv.weight"].shape, [6, 4, 3, 3]);
        assert_eq!(tensors["head.output.weight"].shape, [4, 8]);
    }

    #[test]
    fn the_newer_layout_is_read() {
        let model = read(NEWER).unwrap();
        let (tensors, architecture) = model.network;
        assert_eq!(architecture["channels"], json!([3]));
        assert_eq!(architecture["hidden"], 0);
        assert!(
            tensors["blocks.0.conv.weight"]
                .values
                .iter()
                .any(|&value| value != 0.0)
        );
    }

    #[test]
    fn a_cut_off_file_is_refused() {
        for file in [FIXTURE, NEWER] {
            for length in (0..file.len()).step_by(997) {
                let _ = read(&file[..length]);
            }
            assert!(read(&file[..file.len() / 2]).is_err());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn changed_bytes_never_panic(
            file in prop::sample::select(vec![FIXTURE, NEWER]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        ) {
            let mut bytes = file.to_vec();
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            let _ = read(&bytes);
        }
    }
}
