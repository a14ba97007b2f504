//! A network's tensors in memory, under their names in a file.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use half::{bf16, f16};
use indexmap::IndexMap;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use scanlight_model::bundle::weights::decode;

/// One tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Values {
    /// Its sides; none for a single value.
    pub shape: Vec<usize>,
    /// Its values, as many as the product of the sides.
    pub values: Vec<f32>,
}

impl Values {
    /// A tensor; the number of values must fit the shape.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self> {
        ensure!(
            product(&shape) == Some(values.len()),
            "{} values do not fill the shape {shape:?}",
            values.len()
        );
        Ok(Self { shape, values })
    }

    /// A row of values.
    pub fn row(values: Vec<f32>) -> Self {
        Self {
            shape: vec![values.len()],
            values,
        }
    }

    /// The same values with axis `i` of the result being axis `order[i]` of this tensor.
    pub fn permuted(&self, order: &[usize]) -> Self {
        let shape: Vec<usize> = order.iter().map(|&axis| self.shape[axis]).collect();
        let mut steps = vec![1; self.shape.len()];
        for axis in (1..self.shape.len()).rev() {
            steps[axis - 1] = steps[axis] * self.shape[axis];
        }
        let steps: Vec<usize> = order.iter().map(|&axis| steps[axis]).collect();
        let values = (0..self.values.len())
            .map(|mut index| {
                let mut from = 0;
                for (&side, step) in shape.iter().zip(&steps).rev() {
                    from += index % side * step;
                    index /= side;
                }
                self.values[from]
            })
            .collect();
        Self { shape, values }
    }
}

/// The number of values of a shape, unless it is beyond counting.
pub fn product(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1usize, |count, &side| count.checked_mul(side))
}

/// Tensors by name, in the file's order.
pub type Tensors = IndexMap<String, Values>;

/// The tensor of this name.
pub fn tensor<'a>(tensors: &'a Tensors, name: &str) -> Result<&'a Values> {
    tensors
        .get(name)
        .with_context(|| format!("the tensor {name:?} is missing"))
}

/// The floating-point tensors of a safetensors file, and the file's remarks.
///
/// Names are in natural order (`2.weight` before `10.weight`); tensors of whole numbers are left out.
pub fn from_safetensors(bytes: &[u8]) -> Result<(Tensors, HashMap<String, String>)> {
    let (_, header) = SafeTensors::read_metadata(bytes).context("no valid safetensors file")?;
    let file = SafeTensors::deserialize(bytes).context("no valid safetensors file")?;
    let mut tensors = Tensors::new();
    for (name, view) in file.tensors() {
        let data = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => floats(data, f32::from_le_bytes),
            Dtype::F64 => floats(data, |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => floats(data, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => floats(data, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::BOOL => continue,
            other => bail!("the tensor {name:?} holds {other:?} numbers, which are not read"),
        };
        tensors.insert(name, Values::new(view.shape().to_vec(), values)?);
    }
    tensors.sort_by(|a, _, b, _| natural(a).cmp(&natural(b)));
    Ok((tensors, header.metadata().clone().unwrap_or_default()))
}

/// The tensors of a bundle's weights, rounded ones included, in the same order.
pub fn from_bundle(weights: &[u8]) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    for (name, stored) in decode(weights)? {
        tensors.insert(name, Values::new(stored.shape, stored.values)?);
    }
    tensors.sort_by(|a, _, b, _| natural(a).cmp(&natural(b)));
    Ok(tensors)
}

/// Numbers of `N` bytes each.
pub fn floats<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (numbers, _) = data.as_chunks::<N>();
    numbers.iter().map(|&bytes| read(bytes)).collect()
}

/// The parts of a name, whole numbers as such.
fn natural(name: &str) -> Vec<(u64, &str)> {
    name.split('.')
        .map(|part| match part.parse() {
            Ok(number) => (number, ""),
            Err(_) => (u64::MAX, part),
        })
        .collect()
}

/// A safetensors file of 32-bit floats with one remark.
pub fn to_safetensors(tensors: &Tensors, remark: Option<(&str, String)>) -> Result<Vec<u8>> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|tensor| tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(bytes.len());
    for ((name, tensor), bytes) in tensors.iter().zip(&bytes) {
        views.push((
            name.as_str(),
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)?,
        ));
    }
    let remarks = remark.map(|(key, value)| HashMap::from([(key.to_string(), value)]));
    Ok(safetensors::serialize(views, remarks)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn axes_are_exchanged() {
        let values = (0..6u8).map(f32::from).collect();
        let tensor = Values::new(vec![2, 3], values).unwrap();
        let turned = tensor.permuted(&[1, 0]);
        assert_eq!(turned.shape, [3, 2]);
        assert_eq!(turned.values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["10.weight", "2.weight", "head.bias", "2.bias"];
        names.sort_by(|a, b| natural(a).cmp(&natural(b)));
        assert_eq!(names, ["2.bias", "2.weight", "10.weight", "head.bias"]);
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(
            sides in prop::collection::vec(1usize..4, 4), order in Just(vec![0, 1, 2, 3]).prop_shuffle()
        ) {
            let count: usize = sides.iter().product();
            let tensor = Values::new(sides, (0..count).map(|v| v as f32).collect()).unwrap();
            let mut back = vec![0; 4];
            for (axis, &from) in order.iter().enumerate() {
                back[from] = axis;
            }
            prop_assert_eq!(tensor.permuted(&order).permuted(&back), tensor);
        }

        #[test]
        fn rubbish_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = from_safetensors(&bytes);
        }
    }
}
