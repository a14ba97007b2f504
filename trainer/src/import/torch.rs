//! State dicts that `torch.save` wrote: a zip archive of a pickle and the tensors' raw values.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use anyhow::{Context, Result, bail, ensure};
use half::{bf16, f16};
use scanlight_model::bundle::MAX_WEIGHTS_BYTES;
use zip::ZipArchive;

use super::pickle::{Id, Object, Pickle, TensorRef};
use crate::tensors::{Tensors, Values, floats, product};

/// Bytes of the pickle, which holds names and shapes only.
const MAX_PICKLE: u64 = 4 * 1024 * 1024;
/// Values of all tensors together.
const MAX_VALUES: usize = MAX_WEIGHTS_BYTES as usize / 4;

/// The floating-point tensors of a state dict, in its order.
pub fn read(bytes: &[u8]) -> Result<Tensors> {
    if !bytes.starts_with(b"PK") {
        bail!(
            "it is no zip archive: files of PyTorch before 1.6 and TorchScript of that time are not read; load it \
             with a newer PyTorch and write it again with torch.save(model.state_dict(), FILE)"
        );
    }
    let mut archive = Archive::open(bytes)?;
    let pickle = Pickle::parse(&archive.file("data.pkl", MAX_PICKLE)?)?;
    if let Ok(order) = archive.file("byteorder", 16) {
        ensure!(order == b"little", "its numbers are big-endian");
    }
    let entries = state_dict(&pickle)?;

    let mut storages: HashMap<String, Vec<f32>> = HashMap::new();
    let mut tensors = Tensors::new();
    // Of the tensors, and of the storages, which may overlap in the archive.
    let (mut total, mut stored) = (0usize, 0u64);
    for (name, place) in entries {
        let Some(size) = bytes_of(&place.storage) else {
            continue;
        };
        if !storages.contains_key(&place.key) {
            let limit = 2 * MAX_WEIGHTS_BYTES - stored;
            let raw = archive.file(&format!("data/{}", place.key), limit)?;
            stored += raw.len() as u64;
            let values = decode(&raw, size, &place.storage);
            storages.insert(place.key.clone(), values);
        }
        let storage = storages.get(&place.key).map_or(&[][..], Vec::as_slice);
        let values = gather(place, storage, MAX_VALUES - total)
            .with_context(|| format!("the tensor {name:?} is damaged"))?;
        total += values.values.len();
        tensors.insert(name, values);
    }
    ensure!(
        !tensors.is_empty(),
        "it holds no tensors of floating-point numbers"
    );
    Ok(tensors)
}

/// Files of the archive, which lie in a folder named after the original file.
struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    folder: String,
}

impl<'a> Archive<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes)).context("the zip archive is damaged")?;
        let folder = zip
            .file_names()
            .find_map(|name| name.strip_suffix("data.pkl"))
            .context("it is a zip archive, but none that torch.save wrote (it has no data.pkl)")?
            .to_string();
        Ok(Self { zip, folder })
    }

    fn file(&mut self, name: &str, limit: u64) -> Result<Vec<u8>> {
        let path = format!("{}{name}", self.folder);
        let file = self
            .zip
            .by_name(&path)
            .with_context(|| format!("the archive has no readable {path}"))?;
        let mut bytes = Vec::new();
        file.take(limit + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{path} in the archive is damaged"))?;
        ensure!(
            bytes.len() as u64 <= limit,
            "{path} in the archive has more than {limit} bytes"
        );
        Ok(bytes)
    }
}

/// Keys under which training scripts keep the state dict in a larger checkpoint.
const WRAPPERS: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "weights"];

/// Names and places of the tensors in a pickle's dictionary.
fn state_dict(pickle: &Pickle) -> Result<Vec<(String, &TensorRef)>> {
    let found = tensors_of(pickle, pickle.root);
    if !found.is_empty() {
        return Ok(found);
    }
    if let Object::Dict(pairs) = pickle.get(pickle.root) {
        for wrapper in WRAPPERS {
            let inner = pairs
                .iter()
                .find(|(key, _)| pickle.text(*key) == Some(wrapper));
            let found = inner.map(|(_, value)| tensors_of(pickle, *value));
            if let Some(found) = found.filter(|found| !found.is_empty()) {
                return Ok(found);
            }
        }
    }
    bail!(
        "it holds no state dict (a whole module, perhaps); write one with torch.save(model.state_dict(), FILE)"
    )
}

fn tensors_of(pickle: &Pickle, id: Id) -> Vec<(String, &TensorRef)> {
    let Object::Dict(pairs) = pickle.get(id) else {
        return Vec::new();
    };
    pairs
        .iter()
        .filter_map(
            |&(key, value)| match (pickle.text(key), pickle.get(value)) {
                (Some(name), Object::Tensor(place)) => Some((name.to_string(), place.as_ref())),
                _ => None,
            },
        )
        .collect()
}

/// Bytes of one value of a storage's class; none for whole numbers.
fn bytes_of(storage: &str) -> Option<usize> {
    match storage {
        "FloatStorage" => Some(4),
        "DoubleStorage" => Some(8),
        "HalfStorage" | "BFloat16Storage" => Some(2),
        _ => None,
    }
}

fn decode(raw: &[u8], size: usize, storage: &str) -> Vec<f32> {
    match size {
        8 => floats(raw, |b| f64::from_le_bytes(b) as f32),
        4 => floats(raw, f32::from_le_bytes),
        _ if storage == "BFloat16Storage" => floats(raw, |b| bf16::from_le_bytes(b).to_f32()),
        _ => floats(raw, |b| f16::from_le_bytes(b).to_f32()),
    }
}

/// A tensor's values out of its storage, row-major.
fn gather(place: &TensorRef, storage: &[f32], limit: usize) -> Result<Values> {
    let (shape, strides) = (&place.shape, &place.strides);
    ensure!(
        shape.len() == strides.len() && shape.len() <= 8,
        "it has {} sides and {} strides",
        shape.len(),
        strides.len()
    );
    let count = product(shape)
        .filter(|&count| count <= limit)
        .context("it is too large")?;
    let mut values = Vec::with_capacity(count);
    let mut index = vec![0usize; shape.len()];
    for _ in 0..count {
        let from = index
            .iter()
            .zip(strides)
            .try_fold(place.offset, |from, (&at, &stride)| {
                from.checked_add(at.checked_mul(stride)?)
            });
        let value = from.and_then(|from| storage.get(from));
        values.push(*value.context("it points outside its storage")?);
        for (at, &side) in index.iter_mut().zip(shape).rev() {
            *at += 1;
            if *at < side {
                break;
            }
            *at = 0;
        }
    }
    Values::new(shape.clone(), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIXTURE: &[u8] = include_bytes!("../../tests/fixtures/torch_reference.pt");

    fn place(shape: &[usize], strides: &[usize], offset: usize) -> TensorRef {
        TensorRef {
            storage: "FloatStorage".into(),
            key: "0".into(),
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
        }
    }

    #[test]
    fn strides_and_offsets_are_followed() {
        let storage: Vec<f32> = (0..10u8).map(f32::from).collect();
        let turned = gather(&place(&[3, 2], &[1, 3], 1), &storage, 100).unwrap();
        assert_eq!(turned.values, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let single = gather(&place(&[], &[], 9), &storage, 100).unwrap();
        assert_eq!(single.values, [9.0]);
        assert!(gather(&place(&[2], &[1], 9), &storage, 100).is_err());
        assert!(gather(&place(&[2], &[usize::MAX], 9), &storage, 100).is_err());
        // One value repeated without end.
        assert!(gather(&place(&[1 << 40], &[0], 0), &storage, 100).is_err());
    }

    #[test]
    fn a_cut_off_file_is_refused() {
        for length in (0..FIXTURE.len()).step_by(97) {
            assert!(read(&FIXTURE[..length]).is_err());
        }
        assert!(read(FIXTURE).is_ok());
    }

    proptest! {
        #[test]
        fn changed_bytes_never_panic(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)
        ) {
            let mut bytes = FIXTURE.to_vec();
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            let _ = read(&bytes);
        }
    }
}
