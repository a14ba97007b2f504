//! Models for other programs: safetensors, ONNX, Keras.

mod graph;
mod keras;
mod onnx;
mod protobuf;

use anyhow::Result;
use clap::ValueEnum;
use scanlight_model::bundle::Bundle;

pub use graph::epsilon;

use crate::tensors::{from_safetensors, to_safetensors};

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
    let (tensors, _) = from_safetensors(bundle.weights())?;
    match format {
        Format::Safetensors => {
            let remark = (MANIFEST_KEY, serde_json::to_string(manifest)?);
            to_safetensors(&tensors, Some(remark))
        }
        Format::Onnx => onnx::write(manifest, &tensors),
        Format::KerasH5 => keras::write(manifest, &tensors),
    }
}
