//! Weights as safetensors, with PyTorch's names and layouts.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::ParamId;
use burn::tensor::{DType, TensorData, backend::Backend};
use burn_store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, TensorSnapshot};
use half::f16;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{BundleError, quantised};
use crate::arch::{Architecture, Network};

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    Full,
    /// 16-bit floats: half the download.
    Half,
    /// Weights rounded to so many bits ([`super::quantised`]), what is not worth rounding as 16-bit floats: a
    /// quarter of the download and less.
    Rounded(u32),
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
    let mut stored = BTreeMap::new();
    for (name, tensor) in tensors {
        match precision {
            Precision::Rounded(bits) if quantised::is_worth(&tensor.shape) => {
                let rows = tensor.shape.first().copied().unwrap_or(1);
                let found = quantised::quantise(&tensor.values, rows, bits);
                let bytes = found.values.iter().map(|&value| value as u8).collect();
                stored.insert(name.clone(), (Dtype::I8, tensor.shape.clone(), bytes));
                let bytes = found.scales.iter().flat_map(|v| v.to_le_bytes()).collect();
                let scales = (Dtype::F32, vec![found.scales.len()], bytes);
                stored.insert(format!("{name}{}", quantised::SCALE), scales);
            }
            Precision::Full => {
                let bytes = tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect();
                stored.insert(name.clone(), (Dtype::F32, tensor.shape.clone(), bytes));
            }
            Precision::Half | Precision::Rounded(_) => {
                let bytes = halves(&tensor.values);
                stored.insert(name.clone(), (Dtype::F16, tensor.shape.clone(), bytes));
            }
        }
    }
    let views = stored
        .iter()
        .map(|(name, (dtype, shape, bytes))| {
            TensorView::new(*dtype, shape.clone(), bytes)
                .map(|view| (name, view))
                .map_err(invalid)
        })
        .collect::<Result<Vec<_>, _>>()?;
    safetensors::serialize(views, None).map_err(invalid)
}

/// As the bytes of 16-bit floats.
pub(super) fn halves(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|&value| f16::from_f32(value).to_le_bytes())
        .collect()
}

fn invalid(error: impl ToString) -> BundleError {
    BundleError::Weights {
        reason: error.to_string(),
    }
}

/// The tensors of a safetensors file with floats or rounded weights, all of them finite.
pub fn decode(bytes: &[u8]) -> Result<Tensors, BundleError> {
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
    file.tensors()
        .into_iter()
        .filter(|(name, _)| !is_scale(&file, name))
        .map(|(name, view)| {
            let values = values(&file, &name)?;
            let shape = view.shape().to_vec();
            Ok((name, StoredTensor { shape, values }))
        })
        .collect()
}

/// Whether a tensor is the scales of another one.
pub(crate) fn is_scale(file: &SafeTensors<'_>, name: &str) -> bool {
    name.strip_suffix(quantised::SCALE).is_some_and(|of| {
        file.tensor(of)
            .is_ok_and(|tensor| tensor.dtype() == Dtype::I8)
    })
}

/// A stored tensor's values, all of them finite.
pub(crate) fn values(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, BundleError> {
    let missing = |_| BundleError::MissingTensor { name: name.into() };
    let view = file.tensor(name).map_err(missing)?;
    let values = if view.dtype() == Dtype::I8 {
        let scales = || BundleError::Scales { name: name.into() };
        let found = file.tensor(&format!("{name}{}", quantised::SCALE));
        let found = floats(name, &found.map_err(|_| scales())?)?;
        if view.shape().first() != Some(&found.len()) {
            return Err(scales());
        }
        let rounded: Vec<i8> = view.data().iter().map(|&byte| byte as i8).collect();
        quantised::dequantise(&rounded, &found).ok_or_else(scales)?
    } else {
        floats(name, &view)?
    };
    if values.iter().any(|value| !value.is_finite()) {
        return Err(BundleError::NotFinite { name: name.into() });
    }
    Ok(values)
}

/// 16- or 32-bit floats.
fn floats(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, BundleError> {
    match view.dtype() {
        Dtype::F32 => Ok(view
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()),
        Dtype::F16 => Ok(view
            .data()
            .chunks_exact(2)
            .map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32())
            .collect()),
        other => Err(BundleError::DataType {
            name: name.into(),
            found: format!("{other:?}"),
        }),
    }
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
    let file = SafeTensors::deserialize(bytes).map_err(invalid)?;
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
    let file = open(architecture, classes, bytes)?;
    let mut network = architecture.init::<B>(classes, device);
    let expected = tensor_shapes(&network);

    for name in file.names() {
        // Known by its prefix, or by the tensor it belongs to; read and checked where it is used.
        if name.starts_with(crate::trust::ood::PREFIX) || is_scale(&file, name) {
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
        let values = values(&file, &name)?;
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
