//! Models for other programs: safetensors, ONNX, Keras.

mod graph;
mod keras;
mod onnx;
mod protobuf;

use anyhow::Result;
use clap::ValueEnum;
use scanlight_model::bundle::Bundle;

pub use graph::epsilon;

use crate::tensors::{from_bundle, to_safetensors};

/// Where an exported file carries the bundle's whole manifest.
pub const MANIFEST_KEY: &str = "scanlight_manifest";

/// What a model can be written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The weights under PyTorch's names, 32-bit; the manifest is in the header.
    Safetensors,
    /// The whole network for ONNX Runtime and others; batch norm is folded into the convolutions.
    Onnx,
    /// Keras 2's HDF5 file, model and weights; only for the reference CNN.
    KerasH5,
}

/// The file's bytes.
pub fn write(bundle: &Bundle, format: Format) -> Result<Vec<u8>> {
    let manifest = &bundle.manifest;
    let tensors = from_bundle(bundle.weights())?;
    match format {
        Format::Safetensors => {
            let remark = (MANIFEST_KEY, serde_json::to_string(manifest)?);
            to_safetensors(&tensors, Some(remark))
        }
        Format::Onnx => onnx::write(manifest, &tensors),
        Format::KerasH5 => keras::write(manifest, &tensors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensors::from_safetensors;
    use scanlight_model::bundle::Manifest;
    use std::path::Path;

    /// What the page has is rounded: each weight is a small integer there, with scales beside it.
    #[test]
    fn a_rounded_model_is_exported_as_what_it_computes_with() {
        let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../public/models/compact");
        let file = |name: &str| std::fs::read(published.join(name)).unwrap();
        let manifest = Manifest::parse(&file("model.json")).unwrap();
        let bundle = Bundle::new(manifest, file("model.safetensors")).unwrap();
        let exported = write(&bundle, Format::Safetensors).unwrap();
        let (tensors, _) = from_safetensors(&exported).unwrap();
        let parameters: usize = tensors.values().map(|values| values.values.len()).sum();
        assert!(parameters >= 396_388, "{parameters}");
        assert!(tensors.keys().all(|name| !name.ends_with(".weight.scale")));
        assert!(!write(&bundle, Format::Onnx).unwrap().is_empty());
    }
}
