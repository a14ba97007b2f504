//! A bundle in a zip archive. Only the directory and the two files that a bundle needs are read; the browser itself
//! undoes the compression, so the page's program carries no code for it.

// Sizes and offsets in an archive are below 2^32, which a browser's numbers hold exactly.
#![allow(clippy::cast_precision_loss)]

use super::LARGEST;
use super::collect::Dropped;
use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ReadableStream, ReadableStreamDefaultReader};

/// The directory's end record with the longest comment that may follow it.
const TAIL: f64 = 22.0 + 65_535.0;
/// Directories of bundles are small; a larger one belongs to something else.
const LARGEST_DIRECTORY: usize = 16 * 1024 * 1024;

/// What the directory says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: String,
    deflated: bool,
    packed: usize,
    size: usize,
    header: usize,
}

/// The files of the archive that `wanted` asks for by their paths, unpacked. `None` if `file` is no zip archive that
/// can be read here, or holds none of them.
pub async fn files(file: &File, wanted: impl Fn(&str) -> bool) -> Option<Vec<Dropped>> {
    let magic = slice(file, 0.0, 4.0).await.ok()?;
    if !magic.starts_with(b"PK") {
        return None;
    }
    let start = (file.size() - TAIL).max(0.0);
    let tail = slice(file, start, file.size()).await.ok()?;
    let (offset, length) = directory(&tail)?;
    let bytes = slice(file, offset as f64, (offset + length) as f64)
        .await
        .ok()?;
    let mut files = Vec::new();
    for entry in entries(&bytes)
        .into_iter()
        .filter(|entry| wanted(&entry.path))
    {
        // What claims to be larger than any bundle is not unpacked.
        if entry.size as f64 > LARGEST {
            continue;
        }
        if let Ok(unpacked) = unpack(file, &entry).await {
            files.push(Dropped {
                path: entry.path,
                file: unpacked,
            });
        }
    }
    (!files.is_empty()).then_some(files)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(two.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// Where the directory lies, by the end record in the archive's last bytes.
fn directory(tail: &[u8]) -> Option<(usize, usize)> {
    let at = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| tail[*at..].starts_with(b"PK\x05\x06"))?;
    let (length, offset) = (u32_at(tail, at + 12)?, u32_at(tail, at + 16)?);
    (length <= LARGEST_DIRECTORY).then_some((offset, length))
}

/// The directory's files that are stored or deflated, up to where it cannot be understood.
fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some((entry, next)) = entry(bytes, at) {
        entries.extend(entry);
        at = next;
    }
    entries
}

fn entry(bytes: &[u8], at: usize) -> Option<(Option<Entry>, usize)> {
    if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let [name, extra, comment] =
        [28, 30, 32].map(|field| u16_at(bytes, at + field).unwrap_or(usize::MAX / 8));
    let from = at + 46;
    let path = String::from_utf8_lossy(bytes.get(from..from + name)?).into_owned();
    let encrypted = u16_at(bytes, at + 8)? & 1 == 1;
    let method = u16_at(bytes, at + 10)?;
    let entry = Entry {
        path,
        deflated: method == 8,
        packed: u32_at(bytes, at + 20)?,
        size: u32_at(bytes, at + 24)?,
        header: u32_at(bytes, at + 42)?,
    };
    let usable = !encrypted && matches!(method, 0 | 8);
    Some((usable.then_some(entry), from + name + extra + comment))
}

async fn unpack(file: &File, entry: &Entry) -> Result<File, JsValue> {
    let header = entry.header as f64;
    let local = slice(file, header, header + 30.0).await?;
    let skip = match (u16_at(&local, 26), u16_at(&local, 28)) {
        (Some(name), Some(extra)) => name + extra,
        _ => return Err("a damaged archive".into()),
    };
    let from = header + 30.0 + skip as f64;
    let packed: Blob = file.slice_with_f64_and_f64(from, from + entry.packed as f64)?;
    let whole = if entry.deflated {
        inflate(&packed, entry.size).await?
    } else {
        Uint8Array::new(&JsFuture::from(packed.array_buffer()).await?)
    };
    let name = entry.path.rsplit('/').next().unwrap_or(&entry.path);
    File::new_with_u8_array_sequence(&Array::of1(&whole), name)
}

/// Undoes the compression; a stream that gives more than `size` bytes is not what the directory says.
async fn inflate(packed: &Blob, size: usize) -> Result<Uint8Array, JsValue> {
    // By hand: only this function needs it.
    let class: Function =
        Reflect::get(&js_sys::global(), &"DecompressionStream".into())?.dyn_into()?;
    let stream = Reflect::construct(&class, &Array::of1(&"deflate-raw".into()))?;
    let packed = Reflect::get(packed, &"stream".into())?
        .dyn_into::<Function>()?
        .call0(packed)?;
    let pipe: Function = Reflect::get(&packed, &"pipeThrough".into())?.dyn_into()?;
    let readable: ReadableStream = pipe.call1(&packed, &stream)?.unchecked_into();
    let reader: ReadableStreamDefaultReader = readable.get_reader().unchecked_into();
    let size = u32::try_from(size).map_err(|_| "too large")?;
    let whole = Uint8Array::new_with_length(size);
    let mut at = 0_u32;
    loop {
        let step = JsFuture::from(reader.read()).await?;
        if Reflect::get(&step, &"done".into())?.is_truthy() {
            break;
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into())?.dyn_into()?;
        if chunk.length() > size - at {
            let _ = reader.cancel();
            return Err("more than the archive's directory says".into());
        }
        whole.set(&chunk, at);
        at += chunk.length();
    }
    if at == size {
        Ok(whole)
    } else {
        Err("less than the archive's directory says".into())
    }
}

async fn slice(file: &File, from: f64, to: f64) -> Result<Vec<u8>, JsValue> {
    let part = file.slice_with_f64_and_f64(from, to)?;
    let buffer = JsFuture::from(part.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn record(name: &str, method: u16) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.resize(46, 0);
        bytes[10..12].copy_from_slice(&method.to_le_bytes());
        bytes[20..24].copy_from_slice(&5_u32.to_le_bytes());
        bytes[24..28].copy_from_slice(&9_u32.to_le_bytes());
        bytes[28..30].copy_from_slice(&u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes[42..46].copy_from_slice(&77_u32.to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_directory_is_read_as_far_as_it_goes() {
        let mut bytes = record("a/model.json", 8);
        bytes.extend(record("odd", 14));
        bytes.extend(record("a/w", 0));
        let found = entries(&bytes);
        let paths: Vec<&str> = found.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["a/model.json", "a/w"]);
        assert_eq!(
            (found[0].packed, found[0].size, found[0].header),
            (5, 9, 77)
        );
        assert!(found[0].deflated && !found[1].deflated);
        for end in 0..bytes.len() {
            assert!(entries(&bytes[..end]).len() <= 2);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_end_record_is_found_before_a_comment() {
        let mut tail = b"xxPK\x05\x06".to_vec();
        tail.resize(24, 0);
        tail[14..18].copy_from_slice(&46_u32.to_le_bytes());
        tail[18..22].copy_from_slice(&1000_u32.to_le_bytes());
        tail.extend(b"a comment");
        assert_eq!(directory(&tail), Some((1000, 46)));
        assert_eq!(directory(b"PK\x05\x06"), None);
        assert_eq!(directory(b""), None);
    }
}
