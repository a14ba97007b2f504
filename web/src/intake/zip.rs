//! The files of a zip archive, each unpacked when it is read. Of the archive itself only the directory is read; the browser
//! undoes the compression, so the page's program carries no code for it.

// Sizes and offsets in an archive are below 2^32, which a browser's numbers hold exactly.
#![allow(clippy::cast_precision_loss)]

use super::{Dropped, LARGEST};
use js_sys::{Array, Function, Reflect, Uint8Array};
pub use scanlight_formats::directory::Entry;
use scanlight_formats::directory::{Directory, TAIL, clean, entries, header_length};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ReadableStream, ReadableStreamDefaultReader};

/// The files of the archive that `wanted` asks for by their paths. `None` if `file` is no zip archive that can be read
/// here, or holds none of them.
pub async fn files(file: &File, wanted: impl Fn(&str) -> bool) -> Option<Vec<Dropped>> {
    let (found, _) = directory_of(file).await?;
    let files: Vec<Dropped> = found
        .into_iter()
        .filter(|entry| entry.is_usable() && wanted(&entry.path))
        .map(|entry| Dropped::packed(entry.path.clone(), file.clone(), entry))
        .collect();
    (!files.is_empty()).then_some(files)
}

/// All files of the archive, each called as it is in there, below `name`. `None` if `file` is no zip archive, or holds
/// something that cannot be read here: of that the reader says what it is.
pub async fn all(name: &str, file: &File) -> Option<Vec<Dropped>> {
    let (found, count) = directory_of(file).await?;
    if found.len() != count || found.iter().any(|entry| !entry.is_usable()) {
        return None;
    }
    let files = found.into_iter().filter(|entry| !entry.is_folder());
    let packed = |entry: Entry| {
        let path = format!("{name}/{}", clean(&entry.path));
        Dropped::packed(path, file.clone(), entry)
    };
    Some(files.map(packed).collect())
}

/// The directory's entries, and how many there should be.
async fn directory_of(file: &File) -> Option<(Vec<Entry>, usize)> {
    let magic = slice(file, 0.0, 4.0).await.ok()?;
    if !magic.starts_with(b"PK") {
        return None;
    }
    let start = (file.size() - TAIL as f64).max(0.0);
    let tail = slice(file, start, file.size()).await.ok()?;
    let Directory {
        offset,
        length,
        count,
    } = Directory::find(&tail)?;
    // Added as the browser's numbers: a sum may need more than 32 bits.
    let from = offset as f64;
    let bytes = slice(file, from, from + length as f64).await.ok()?;
    Some((entries(&bytes), count))
}

/// A file of the archive, unpacked. What is not compressed stays where it is.
pub async fn unpack(archive: &File, entry: &Entry) -> Result<File, JsValue> {
    if entry.size as f64 > LARGEST {
        return Err("the archive says that the file is too large".into());
    }
    let packed = packed(archive, entry).await?;
    let name = entry.path.rsplit('/').next().unwrap_or(&entry.path);
    if entry.method == 0 {
        return File::new_with_blob_sequence(&Array::of1(&packed), name);
    }
    let size = u32::try_from(entry.size).map_err(|_| "too large")?;
    let whole = inflate(&packed, size, true).await?;
    File::new_with_u8_array_sequence(&Array::of1(&whole), name)
}

/// The first bytes of a file of the archive.
pub async fn beginning(archive: &File, entry: &Entry, length: u32) -> Result<Vec<u8>, JsValue> {
    let packed = packed(archive, entry).await?;
    let length = u32::try_from(entry.size).map_or(length, |size| size.min(length));
    if entry.method == 0 {
        return slice(&packed, 0.0, length.into()).await;
    }
    Ok(inflate(&packed, length, false).await?.to_vec())
}

/// The part of the archive that a file lies in.
async fn packed(archive: &File, entry: &Entry) -> Result<Blob, JsValue> {
    let header = entry.header as f64;
    let local = slice(archive, header, header + 30.0).await?;
    let skip = header_length(&local).ok_or("a damaged archive")?;
    let from = header + skip as f64;
    let to = from + entry.packed as f64;
    if to > archive.size() || (entry.method == 0 && entry.packed != entry.size) {
        return Err("a damaged archive".into());
    }
    archive.slice_with_f64_and_f64(from, to)
}

/// Undoes the compression: the first `size` bytes. If these are the whole, a stream that gives more is not what the
/// directory says.
async fn inflate(packed: &Blob, size: u32, whole: bool) -> Result<Uint8Array, JsValue> {
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
    let bytes = Uint8Array::new_with_length(size);
    let mut at = 0_u32;
    while whole || at < size {
        let step = JsFuture::from(reader.read()).await?;
        if Reflect::get(&step, &"done".into())?.is_truthy() {
            break;
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into())?.dyn_into()?;
        let fits = chunk.length().min(size - at);
        if whole && fits < chunk.length() {
            drop(JsFuture::from(reader.cancel()).await);
            return Err("more than the archive's directory says".into());
        }
        bytes.set(&chunk.subarray(0, fits), at);
        at += fits;
    }
    if !whole {
        // The rest is not wanted: whether the stream minds does not matter.
        drop(JsFuture::from(reader.cancel()).await);
    }
    if at == size {
        Ok(bytes)
    } else {
        Err("less than the archive's directory says".into())
    }
}

/// A part of a file.
pub async fn slice(file: &Blob, from: f64, to: f64) -> Result<Vec<u8>, JsValue> {
    let part = file.slice_with_f64_and_f64(from, to)?;
    let buffer = JsFuture::from(part.array_buffer()).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// An archive of one stored file whose directory says that it has `claimed` bytes.
    fn archive(claimed: u32) -> File {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(30, 0);
        bytes[26] = 1;
        bytes.extend(b"w01234");
        let mut entry = b"PK\x01\x02".to_vec();
        entry.resize(46, 0);
        entry[20..24].copy_from_slice(&5_u32.to_le_bytes());
        entry[24..28].copy_from_slice(&claimed.to_le_bytes());
        entry[28] = 1;
        entry.push(b'w');
        let (offset, length) = (bytes.len() as u32, entry.len() as u32);
        bytes.extend(entry);
        bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
        bytes.extend(length.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend([0, 0]);
        let part = Uint8Array::from(bytes.as_slice());
        File::new_with_u8_array_sequence(&Array::of1(&part), "a.zip").unwrap()
    }

    #[wasm_bindgen_test]
    async fn files_are_unpacked_when_they_are_read() {
        let files = all("a.zip", &archive(5)).await.unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].path.as_str(), files[0].size()), ("a.zip/w", 5.0));
        assert_eq!(files[0].beginning(2).await.unwrap(), b"01");
        let same = Dropped::from_js(&files[0].to_js()).unwrap();
        assert_eq!(same.bytes().await.unwrap().to_vec(), b"01234");
        // One that claims more is an error, not more bytes.
        let files = all("a.zip", &archive(7)).await.unwrap();
        assert!(files[0].file().await.is_err());
        // One over 4 GB is left to others.
        assert!(all("a.zip", &archive(u32::MAX)).await.is_none());
    }
}
