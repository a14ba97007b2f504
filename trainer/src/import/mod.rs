//! Models from other programs: Keras's `.h5`, PyTorch's state dicts, safetensors.

mod keras;
mod names;
mod pickle;
mod stack;
mod torch;

use anyhow::{Context, Result, bail};
use scanlight_model::arch::Architecture;
use scanlight_model::bundle::Manifest;
use serde_json::Value;

use crate::export::MANIFEST_KEY;
use crate::hdf5::SIGNATURE;
use crate::tensors::{Tensors, from_safetensors};

/// The largest file in bytes; Keras's may hold the optimiser's state besides the weights.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024 * 1024;

/// What a file gives.
#[derive(Debug)]
pub struct Imported {
    /// Tensors under our names, PyTorch's layouts.
    pub tensors: Tensors,
    /// The network.
    pub architecture: Architecture,
    /// Height and width of the input plane, where the file says so.
    pub input: Option<[u32; 2]>,
    /// The manifest, where this program wrote the file.
    pub manifest: Option<Manifest>,
    /// What kind of file it was.
    pub source: &'static str,
}

/// Reads a file, whose kind shows in its first bytes.
///
/// With `like`, the tensors must be under our names and fit this architecture.
pub fn read(bytes: &[u8], like: Option<&Architecture>) -> Result<Imported> {
    if bytes.starts_with(&SIGNATURE) {
        let model = keras::read(bytes)?;
        let manifest = model.manifest.as_deref().map(manifest).transpose()?;
        let (mut tensors, found) = model.network;
        if let Some(manifest) = &manifest {
            undo_temperature(&mut tensors, manifest.temperature());
        }
        return Ok(Imported {
            tensors,
            architecture: architecture(found)?,
            input: model.input,
            manifest,
            source: "Keras",
        });
    }
    let (tensors, remark, source) = if is_safetensors(bytes) {
        let (tensors, mut remarks) = from_safetensors(bytes)?;
        (tensors, remarks.remove(MANIFEST_KEY), "safetensors")
    } else if bytes.starts_with(b"PK") || bytes.starts_with(b"\x80") {
        (torch::read(bytes)?, None, "PyTorch")
    } else {
        bail!(
            "it is none of the files that are read: Keras's .h5, a PyTorch state dict (.pt, .pth), .safetensors"
        );
    };
    let manifest = remark.as_deref().map(manifest).transpose()?;
    let known = like.or(manifest.as_ref().map(|manifest| &manifest.architecture));
    let (tensors, architecture) = match known {
        Some(known) => (tensors, known.clone()),
        None => {
            let (tensors, found) = names::recognise(tensors)?;
            (tensors, architecture(found)?)
        }
    };
    Ok(Imported {
        tensors,
        architecture,
        input: None,
        manifest,
        source,
    })
}

/// A header's length, then JSON.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(8) == Some(&b'{')
}

fn manifest(text: &str) -> Result<Manifest> {
    Manifest::parse(text.as_bytes()).context("the manifest in the file is refused")
}

fn architecture(found: Value) -> Result<Architecture> {
    serde_json::from_value(found).context("the network in the file is none of Scanlight's")
}

/// The last layer as it was before its logits were divided by a temperature.
fn undo_temperature(tensors: &mut Tensors, temperature: f32) {
    for part in ["weight", "bias"] {
        if let Some(tensor) = tensors.get_mut(&format!("head.output.{part}")) {
            for value in &mut tensor.values {
                *value *= temperature;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_an_error(
            start in prop::sample::select(vec![&b"PK\x03\x04"[..], &SIGNATURE, b"\x80\x02", b"\x10\0\0\0\0\0\0\0{"]),
            rest in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [start, &rest].concat();
            prop_assert!(read(&bytes, None).is_err());
        }
    }
}
