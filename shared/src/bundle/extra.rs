//! Tensors in a weights file that are not the network's.

use std::collections::BTreeMap;

use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::BundleError;
use super::weights::{self, Precision};
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
        let values = weights::values(&file, &name)?;
        let shape = view.shape().to_vec();
        arrays.insert(name, Array { shape, values });
    }
    Ok(arrays)
}

/// The same weights file with these tensors in place of those that [`read`] gives. Tables are 16-bit floats
/// where the precision is not [`Precision::Full`]; lists, which are short and may hold very small numbers,
/// always 32-bit ones.
pub fn replace(
    bytes: &[u8],
    arrays: &Arrays,
    precision: Precision,
) -> Result<Vec<u8>, BundleError> {
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    let mut views = BTreeMap::new();
    for (name, view) in file.tensors() {
        if !name.starts_with(PREFIX) {
            views.insert(name, view);
        }
    }
    let stored: Vec<(&String, &Array, Dtype, Vec<u8>)> = arrays
        .iter()
        .map(|(name, array)| {
            if precision != Precision::Full && is_half(array) {
                (name, array, Dtype::F16, weights::halves(&array.values))
            } else {
                let bytes = array.values.iter().flat_map(|v| v.to_le_bytes());
                (name, array, Dtype::F32, bytes.collect())
            }
        })
        .collect();
    for (name, array, dtype, data) in &stored {
        let view = TensorView::new(*dtype, array.shape.clone(), data).map_err(invalid)?;
        views.insert((*name).clone(), view);
    }
    safetensors::serialize(views, None).map_err(invalid)
}

/// Whether an array can be stored as 16-bit floats.
fn is_half(array: &Array) -> bool {
    let largest = f16::MAX.to_f32();
    array.shape.len() > 1 && array.values.iter().all(|value| value.abs() <= largest)
}
