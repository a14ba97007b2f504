//! The files of a zip archive, each unpacked when it is read. Of the archive itself only the directory is read; the browser
//! undoes the compression, so the page's program carries no code for it.

// Sizes and offsets in an archive are below 2^32, which a browser's numbers hold exactly.
#![allow(clippy::cast_precision_loss)]

use super::{Dropped, LARGEST};
use js_sys::{Array, Function, Reflect, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ReadableStream, ReadableStreamDefaultReader};

/// The directory's end record with the longest comment that may follow it.
const TAIL: f64 = 22.0 + 65_535.0;
/// The directory of as many files as are taken at once is smaller.
const LARGEST_DIRECTORY: usize = 16 * 1024 * 1024;
/// A size or a place that is written elsewhere, in archives over 4 GB.
const ELSEWHERE: usize = u32::MAX as usize;

/// What the directory says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    path: String,
    /// How it is compressed: 0 for not at all, 8 for deflate.
    method: usize,
    encrypted: bool,
    packed: usize,
    size: usize,
    header: usize,
}

impl Entry {
    /// Its bytes, as the directory says.
    pub fn size(&self) -> f64 {
        self.size as f64
    }

    fn is_folder(&self) -> bool {
        self.path.ends_with(['/', '\\'])
    }

    /// Whether it can be unpacked here.
    fn usable(&self) -> bool {
        let sizes = [self.packed, self.size, self.header];
        !self.encrypted && matches!(self.method, 0 | 8) && !sizes.contains(&ELSEWHERE)
    }
}

/// The files of the archive that `wanted` asks for by their paths. `None` if `file` is no zip archive that can be read
/// here, or holds none of them.
pub async fn files(file: &File, wanted: impl Fn(&str) -> bool) -> Option<Vec<Dropped>> {
    let (found, _) = directory_of(file).await?;
    let files: Vec<Dropped> = found
        .into_iter()
        .filter(|entry| entry.usable() && wanted(&entry.path))
        .map(|entry| Dropped::packed(entry.path.clone(), file.clone(), entry))
        .collect();
    (!files.is_empty()).then_some(files)
}

/// All files of the archive, each called as it is in there, below `name`. `None` if `file` is no zip archive, or holds
/// something that cannot be read here: of that the reader says what it is.
pub async fn all(name: &str, file: &File) -> Option<Vec<Dropped>> {
    let (found, count) = directory_of(file).await?;
    if found.len() != count || found.iter().any(|entry| !entry.usable()) {
        return None;
    }
    let files = found.into_iter().filter(|entry| !entry.is_folder());
    let packed = |entry: Entry| {
        let path = format!("{name}/{}", clean(&entry.path));
        Dropped::packed(path, file.clone(), entry)
    };
    Some(files.map(packed).collect())
}

/// A path of an archive without what leads elsewhere or spoils a line.
fn clean(path: &str) -> String {
    let parts: Vec<String> = path
        .split(['/', '\\'])
        .map(|part| part.replace(char::is_control, " "))
        .filter(|part| !matches!(part.trim(), "" | "." | ".."))
        .collect();
    parts.join("/")
}

/// The directory's entries, and how many there should be.
async fn directory_of(file: &File) -> Option<(Vec<Entry>, usize)> {
    let magic = slice(file, 0.0, 4.0).await.ok()?;
    if !magic.starts_with(b"PK") {
        return None;
    }
    let start = (file.size() - TAIL).max(0.0);
    let tail = slice(file, start, file.size()).await.ok()?;
    let Directory {
        offset,
        length,
        count,
    } = directory(&tail)?;
    let bytes = slice(file, offset as f64, (offset + length) as f64)
        .await
        .ok()?;
    Some((entries(&bytes), count))
}

/// Where the directory lies, and how many entries it has.
#[derive(Debug, PartialEq, Eq)]
struct Directory {
    offset: usize,
    length: usize,
    count: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(two.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// The directory, by the end record in the archive's last bytes.
fn directory(tail: &[u8]) -> Option<Directory> {
    let at = (0..tail.len().saturating_sub(21))
        .rev()
        .find(|at| tail[*at..].starts_with(b"PK\x05\x06"))?;
    let (length, offset) = (u32_at(tail, at + 12)?, u32_at(tail, at + 16)?);
    let count = u16_at(tail, at + 10)?;
    (length <= LARGEST_DIRECTORY).then_some(Directory {
        offset,
        length,
        count,
    })
}

/// The directory's entries, up to where it cannot be understood.
fn entries(bytes: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while let Some((entry, next)) = entry(bytes, at) {
        entries.push(entry);
        at = next;
    }
    entries
}

/// The entry at a place, and where the next one is.
fn entry(bytes: &[u8], at: usize) -> Option<(Entry, usize)> {
    if !bytes.get(at..)?.starts_with(b"PK\x01\x02") {
        return None;
    }
    let [name, extra, comment] =
        [28, 30, 32].map(|field| u16_at(bytes, at + field).unwrap_or(usize::MAX / 8));
    let from = at + 46;
    let path = String::from_utf8_lossy(bytes.get(from..from + name)?).into_owned();
    let entry = Entry {
        path,
        method: u16_at(bytes, at + 10)?,
        encrypted: u16_at(bytes, at + 8)? & 1 == 1,
        packed: u32_at(bytes, at + 20)?,
        size: u32_at(bytes, at + 24)?,
        header: u32_at(bytes, at + 42)?,
    };
    Some((entry, from + name + extra + comment))
}

/// A file of the archive, unpacked. What is not compressed stays where it is.
pub async fn unpack(archive: &File, entry: &Entry) -> Result<File, JsValue> {
    if entry.size() > LARGEST {
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
    let skip = match (u16_at(&local, 26), u16_at(&local, 28)) {
        (Some(name), Some(extra)) if local.starts_with(b"PK\x03\x04") => name + extra,
        _ => return Err("a damaged archive".into()),
    };
    let from = header + 30.0 + skip as f64;
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
        assert_eq!(paths, ["a/model.json", "odd", "a/w"]);
        let usable: Vec<bool> = found.iter().map(Entry::usable).collect();
        assert_eq!(usable, [true, false, true]);
        assert_eq!(
            (found[0].packed, found[0].size, found[0].header),
            (5, 9, 77)
        );
        assert_eq!((found[0].method, found[2].method), (8, 0));
        for end in 0..bytes.len() {
            assert!(entries(&bytes[..end]).len() <= 2);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_end_record_is_found_before_a_comment() {
        let mut tail = b"xxPK\x05\x06".to_vec();
        tail.resize(24, 0);
        tail[12..14].copy_from_slice(&3_u16.to_le_bytes());
        tail[14..18].copy_from_slice(&46_u32.to_le_bytes());
        tail[18..22].copy_from_slice(&1000_u32.to_le_bytes());
        tail.extend(b"a comment");
        let found = Directory {
            offset: 1000,
            length: 46,
            count: 3,
        };
        assert_eq!(directory(&tail), Some(found));
        assert_eq!(directory(b"PK\x05\x06"), None);
        assert_eq!(directory(b""), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn paths_lead_nowhere() {
        assert_eq!(clean("../../etc/passwd"), "etc/passwd");
        assert_eq!(clean("a\\./b\nc.png"), "a/b c.png");
        assert_eq!(clean("a/b.png"), "a/b.png");
    }

    /// An archive of one stored file whose directory says that it has `claimed` bytes.
    fn archive(claimed: u32) -> File {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(30, 0);
        bytes[26] = 1;
        bytes.extend(b"w01234");
        let mut entry = record("w", 0);
        entry[24..28].copy_from_slice(&claimed.to_le_bytes());
        entry[42..46].copy_from_slice(&0_u32.to_le_bytes());
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
