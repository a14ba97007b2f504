//! Weights as safetensors, with PyTorch's names and layouts.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::ParamId;
use burn::tensor::{DType, TensorData, backend::Backend};
use burn_store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, TensorSnapshot};
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::BundleError;
use crate::arch::{Architecture, Network};

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Full,
    /// 16-bit floats: half the download.
    Half,
}

/// The tensors of a network under their PyTorch names and layouts.
fn collect<B: Backend>(network: &Network<B>) -> Vec<TensorSnapshot> {
    let adapter = || Some(Box::new(BurnToPyTorchAdapter) as Box<_>);
    // The inner network, so that no variant's name gets into the tensor names.
    match network {
        Network::ReferenceCnn(inner) => inner.collect(None, adapter(), true),
        Network::CompactResnet(inner) => inner.collect(None, adapter(), true),
        Network::MobileNetV2(inner) => inner.collect(None, adapter(), true),
    }
}

/// Names and shapes of a network's tensors, as they stand in a weights file.
pub fn tensor_shapes<B: Backend>(network: &Network<B>) -> BTreeMap<String, Vec<usize>> {
    collect(network)
        .into_iter()
        .map(|snapshot| (snapshot.full_path(), snapshot.shape.to_vec()))
        .collect()
}

/// Tensors by name.
pub type Tensors = BTreeMap<String, StoredTensor>;

/// A tensor as it stands in a weights file.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTensor {
    /// Its shape, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// Its values, row-major; as many as the shape says.
    pub values: Vec<f32>,
}

/// A network's weights by their PyTorch names.
pub fn tensors<B: Backend>(network: &Network<B>) -> Result<Tensors, BundleError> {
    let invalid = |reason: String| BundleError::Weights { reason };
    collect(network)
        .into_iter()
        .map(|snapshot| {
            let data = snapshot
                .to_data()
                .map_err(|error| invalid(format!("{error:?}")))?;
            let shape = data.shape.to_vec();
            let values = data
                .convert::<f32>()
                .into_vec()
                .map_err(|error| invalid(format!("{error:?}")))?;
            Ok((snapshot.full_path(), StoredTensor { shape, values }))
        })
        .collect()
}

/// Tensors as the bytes of a safetensors file; equal tensors give equal bytes.
pub fn encode(tensors: &Tensors, precision: Precision) -> Result<Vec<u8>, BundleError> {
    let invalid = |error: safetensors::SafeTensorError| BundleError::Weights {
        reason: error.to_string(),
    };
    let dtype = match precision {
        Precision::Full => Dtype::F32,
        Precision::Half => Dtype::F16,
    };
    let bytes: BTreeMap<&str, Vec<u8>> = tensors
        .iter()
        .map(|(name, tensor)| {
            let values = tensor.values.iter();
            let bytes = match precision {
                Precision::Full => values.flat_map(|v| v.to_le_bytes()).collect(),
                Precision::Half => values
                    .flat_map(|&v| f16::from_f32(v).to_le_bytes())
                    .collect(),
            };
            (name.as_str(), bytes)
        })
        .collect();
    let views = bytes
        .iter()
        .zip(tensors.values())
        .map(|((name, bytes), tensor)| {
            TensorView::new(dtype, tensor.shape.clone(), bytes)
                .map(|view| (*name, view))
                .map_err(invalid)
        })
        .collect::<Result<Vec<_>, _>>()?;
    safetensors::serialize(views, None).map_err(invalid)
}

/// The tensors of a safetensors file with 16- or 32-bit floats, all of them finite.
pub fn decode(bytes: &[u8]) -> Result<Tensors, BundleError> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| BundleError::Weights {
        reason: error.to_string(),
    })?;
    file.tensors()
        .into_iter()
        .map(|(name, view)| {
            let values = values(&name, &view)?;
            let shape = view.shape().to_vec();
            Ok((name, StoredTensor { shape, values }))
        })
        .collect()
}

/// A stored tensor's values, all of them finite.
pub(crate) fn values(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, BundleError> {
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect(),
        Dtype::F16 => view
            .data()
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect(),
        other => {
            return Err(BundleError::DataType {
                name: name.into(),
                found: format!("{other:?}"),
            });
        }
    };
    if values.iter().any(|value| !value.is_finite()) {
        return Err(BundleError::NotFinite { name: name.into() });
    }
    Ok(values)
}

/// A network's weights as the bytes of a safetensors file; equal weights give equal bytes.
pub fn save<B: Backend>(
    network: &Network<B>,
    precision: Precision,
) -> Result<Vec<u8>, BundleError> {
    encode(&tensors(network)?, precision)
}

/// A safetensors file, which holds about as many values as the architecture needs: a manifest that
/// asks for far more must not cost memory.
pub(crate) fn open<'a>(
    architecture: &Architecture,
    classes: usize,
    bytes: &'a [u8],
) -> Result<SafeTensors<'a>, BundleError> {
    let invalid = |reason: String| BundleError::Weights { reason };
    let file = SafeTensors::deserialize(bytes).map_err(|error| invalid(error.to_string()))?;
    let found: u64 = file
        .tensors()
        .iter()
        .map(|(_, view)| view.shape().iter().map(|&n| n as u64).product::<u64>())
        .sum();
    let needed = architecture.value_count(classes);
    if needed > found.saturating_mul(4).saturating_add(4096) {
        return Err(invalid(format!(
            "it holds {found} values, but the architecture needs {needed}"
        )));
    }
    Ok(file)
}

/// A network with the weights of a safetensors file.
///
/// Names, shapes and kinds of numbers must be exactly those of the architecture, and every value
/// finite; sizes are compared before the network is built.
pub fn load<B: Backend>(
    architecture: &Architecture,
    classes: usize,
    bytes: &[u8],
    device: &B::Device,
) -> Result<Network<B>, BundleError> {
    let invalid = |reason: String| BundleError::Weights { reason };
    let file = open(architecture, classes, bytes)?;
    let mut network = architecture.init::<B>(classes, device);
    let expected = tensor_shapes(&network);

    for name in file.names() {
        // Known by its prefix; read and checked where it is used.
        if name.starts_with(crate::trust::ood::PREFIX) {
            continue;
        }
        if !expected.contains_key(name) {
            return Err(BundleError::UnexpectedTensor { name: name.into() });
        }
    }
    let mut snapshots = Vec::with_capacity(expected.len());
    for (name, shape) in expected {
        let Ok(view) = file.tensor(&name) else {
            return Err(BundleError::MissingTensor { name });
        };
        if view.shape() != shape {
            return Err(BundleError::Shape {
                name,
                found: view.shape().to_vec(),
                expected: shape,
            });
        }
        let values = values(&name, &view)?;
        let path = name.split('.').map(str::to_string).collect();
        let data = TensorData::new(values, shape);
        debug_assert_eq!(data.dtype, DType::F32);
        snapshots.push(TensorSnapshot::from_data(
            data,
            path,
            Vec::new(),
            ParamId::new(),
        ));
    }

    let adapter = Some(Box::new(PyTorchToBurnAdapter) as Box<_>);
    let result = match &mut network {
        Network::ReferenceCnn(inner) => inner.apply(snapshots, None, adapter, true),
        Network::CompactResnet(inner) => inner.apply(snapshots, None, adapter, true),
        Network::MobileNetV2(inner) => inner.apply(snapshots, None, adapter, true),
    };
    let missing: BTreeSet<_> = result.missing.iter().map(|(name, _)| name).collect();
    if let Some(error) = result.errors.first() {
        return Err(invalid(format!("{error:?}")));
    }
    if let Some(name) = missing.first() {
        return Err(BundleError::MissingTensor {
            name: (*name).clone(),
        });
    }
    Ok(network)
}
