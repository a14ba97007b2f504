//! Tensors in a weights file that are not the network's.

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::BundleError;
use crate::trust::ood::{Array, Arrays, PREFIX};

fn invalid(error: impl ToString) -> BundleError {
    BundleError::Weights {
        reason: error.to_string(),
    }
}

/// The tensors whose names begin with [`PREFIX`]; kinds and values are checked.
pub fn read(bytes: &[u8]) -> Result<Arrays, BundleError> {
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let mut arrays = Arrays::new();
    for (name, view) in file.tensors() {
        if !name.starts_with(PREFIX) {
            continue;
        }
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect(),
            Dtype::F16 => data
                .chunks_exact(2)
                .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
                .collect(),
            other => {
                return Err(BundleError::DataType {
                    name,
                    found: format!("{other:?}"),
                });
            }
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(BundleError::NotFinite { name });
        }
        let shape = view.shape().to_vec();
        arrays.insert(name, Array { shape, values });
    }
    Ok(arrays)
}

/// The same weights file with these tensors (32-bit) in place of those that [`read`] gives.
pub fn replace(bytes: &[u8], arrays: &Arrays) -> Result<Vec<u8>, BundleError> {
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let mut views = BTreeMap::new();
    for (name, view) in file.tensors() {
        if !name.starts_with(PREFIX) {
            views.insert(name, view);
        }
    }
    let stored: Vec<(&String, &Array, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| {
            let bytes = array.values.iter().flat_map(|v| v.to_le_bytes());
            (name, array, bytes.collect())
        })
        .collect();
    for (name, array, data) in &stored {
        let view = TensorView::new(Dtype::F32, array.shape.clone(), data).map_err(invalid)?;
        views.insert((*name).clone(), view);
    }
    safetensors::serialize(views, None).map_err(invalid)
}
