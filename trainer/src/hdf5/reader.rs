//! Reads groups, text attributes and arrays of floats.
//!
//! What a file says of itself is not believed: every address and size is checked, and loops end.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use half::f16;

use super::bytes::{Cursor, slice};
use super::header::messages;
use super::{Attribute, SIGNATURE};
use crate::tensors::{Values, floats, product};

/// Members of one group, and texts of one attribute.
const MAX_CHILDREN: usize = 8192;
/// Depth of a group's tree.
const MAX_DEPTH: u8 = 8;
/// Bytes of text in one attribute.
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// Values of one array.
const MAX_VALUES: usize = 256 * 1024 * 1024;

/// An HDF5 file in memory.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    bytes: &'a [u8],
    root: u64,
}

impl<'a> File<'a> {
    /// Looks at a file's first bytes.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        ensure!(bytes.starts_with(&SIGNATURE), "this is no HDF5 file");
        let mut cursor = Cursor::new(&bytes[SIGNATURE.len()..]);
        let version = cursor.byte()?;
        let sizes = match version {
            0 | 1 => {
                cursor.skip(4)?;
                [cursor.byte()?, cursor.byte()?]
            }
            2 | 3 => [cursor.byte()?, cursor.byte()?],
            _ => bail!("HDF5 files of version {version} are not read"),
        };
        ensure!(
            sizes == [8, 8],
            "HDF5 files with addresses of {} bytes are not read",
            sizes[0]
        );
        let base = if version < 2 {
            cursor.skip(if version == 0 { 9 } else { 13 })?;
            cursor.number(8)?
        } else {
            cursor.skip(1)?;
            cursor.number(8)?
        };
        ensure!(
            base == 0,
            "HDF5 files with a block of other data in front are not read"
        );
        // Free space, end, driver and the root's name; or extension and end.
        cursor.skip(if version < 2 { 32 } else { 16 })?;
        let root = cursor.number(8)?;
        Ok(Self { bytes, root })
    }

    /// The root group.
    pub fn root(&self) -> Object<'a> {
        Object {
            bytes: self.bytes,
            address: self.root,
        }
    }
}

/// A group or an array.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    bytes: &'a [u8],
    address: u64,
}

impl<'a> Object<'a> {
    /// The object at a path of names below this one, if there is one.
    pub fn at(&self, path: &str) -> Result<Option<Object<'a>>> {
        let mut object = *self;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match object.children()?.get(name) {
                Some(&address) => object.address = address,
                None => return Ok(None),
            }
        }
        Ok(Some(object))
    }

    /// Names and addresses of a group's members.
    fn children(&self) -> Result<BTreeMap<String, u64>> {
        let mut children = BTreeMap::new();
        for message in messages(self.bytes, self.address)? {
            let mut cursor = Cursor::new(message.data);
            match message.kind {
                0x11 => {
                    let (tree, heap) = (cursor.number(8)?, cursor.number(8)?);
                    let names = heap_data(self.bytes, heap)?;
                    Symbols {
                        bytes: self.bytes,
                        names,
                        children: &mut children,
                        budget: MAX_CHILDREN,
                    }
                    .collect(tree, MAX_DEPTH)?;
                }
                0x06 => {
                    if let Some((name, address)) = link(cursor)? {
                        children.insert(name, address);
                    }
                }
                _ => {}
            }
        }
        Ok(children)
    }

    /// The attribute of this name; none too if its kind is not read.
    pub fn attribute(&self, name: &str) -> Result<Option<Attribute>> {
        for message in messages(self.bytes, self.address)? {
            if message.kind == 0x0c
                && let Some(value) = attribute(self.bytes, message.data, name)?
            {
                return Ok(value);
            }
        }
        Ok(None)
    }

    /// An array's values, as 32-bit floats.
    pub fn values(&self) -> Result<Values> {
        let mut shape = None;
        let mut kind = None;
        let mut raw = None;
        for message in messages(self.bytes, self.address)? {
            match message.kind {
                0x01 => shape = Some(space(&mut Cursor::new(message.data))?),
                0x03 => kind = Some(datatype(&mut Cursor::new(message.data))?),
                0x08 => raw = Some(layout(self.bytes, message.data)?),
                _ => {}
            }
        }
        let shape = shape.context("it is no array")?;
        let count = product(&shape)
            .filter(|&count| count <= MAX_VALUES)
            .context("it is too large")?;
        let Some(Type::Float { size, big }) = kind else {
            bail!("it holds no floating-point numbers");
        };
        let raw = slice(raw.context("it has no data")?, 0, (count * size) as u64)
            .context("its data are cut off")?;
        let values = match (size, big) {
            (2, false) => floats(raw, |b| f16::from_le_bytes(b).to_f32()),
            (2, true) => floats(raw, |b| f16::from_be_bytes(b).to_f32()),
            (4, false) => floats(raw, f32::from_le_bytes),
            (4, true) => floats(raw, f32::from_be_bytes),
            (8, false) => floats(raw, |b| f64::from_le_bytes(b) as f32),
            (8, true) => floats(raw, |b| f64::from_be_bytes(b) as f32),
            _ => bail!("its numbers have {size} bytes"),
        };
        Values::new(shape, values)
    }
}

/// The names of a symbol table.
fn heap_data(bytes: &[u8], address: u64) -> Result<&[u8]> {
    let mut cursor = Cursor::new(slice(bytes, address, 32)?);
    cursor.expect(b"HEAP")?;
    cursor.skip(4)?;
    let size = cursor.number(8)?;
    cursor.skip(8)?;
    slice(bytes, cursor.number(8)?, size)
}

/// Collects a symbol table's entries from its tree.
struct Symbols<'a, 'b> {
    bytes: &'a [u8],
    names: &'a [u8],
    children: &'b mut BTreeMap<String, u64>,
    /// Entries that may still be looked at: nodes of a damaged file may point to each other.
    budget: usize,
}

impl Symbols<'_, '_> {
    fn spend(&mut self, entries: u64) -> Result<()> {
        self.budget = usize::try_from(entries)
            .ok()
            .and_then(|entries| self.budget.checked_sub(entries + 1))
            .context("a group of the HDF5 file has too many members")?;
        Ok(())
    }

    fn collect(&mut self, address: u64, above: u8) -> Result<()> {
        let mut cursor = Cursor::new(slice(self.bytes, address, 24)?);
        cursor.expect(b"TREE")?;
        let (kind, level) = (cursor.byte()?, cursor.byte()?);
        let used = cursor.number(2)?;
        ensure!(
            kind == 0 && level < above,
            "the HDF5 file is damaged: a group's tree has no end"
        );
        self.spend(used)?;
        let children = slice(self.bytes, address.saturating_add(24), used * 16)?;
        let mut cursor = Cursor::new(children);
        for _ in 0..used {
            cursor.skip(8)?;
            let child = cursor.number(8)?;
            if level > 0 {
                self.collect(child, level)?;
            } else {
                self.leaf(child)?;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, address: u64) -> Result<()> {
        let mut leaf = Cursor::new(slice(self.bytes, address, 8)?);
        leaf.expect(b"SNOD")?;
        leaf.skip(2)?;
        let count = leaf.number(2)?;
        self.spend(count)?;
        let entries = slice(self.bytes, address.saturating_add(8), count * 40)?;
        let mut entries = Cursor::new(entries);
        for _ in 0..count {
            let name = text_at(self.names, entries.number(8)?)?;
            let header = entries.number(8)?;
            let soft = entries.number(4)? == 2;
            entries.skip(20)?;
            if !soft {
                self.children.insert(name, header);
            }
        }
        Ok(())
    }
}

/// A text that ends with a zero.
fn text_at(names: &[u8], start: u64) -> Result<String> {
    let rest = usize::try_from(start)
        .ok()
        .and_then(|start| names.get(start..))
        .context("the HDF5 file is damaged: a name lies outside its heap")?;
    let end = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
    Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// A hard link of a newer group.
fn link(mut cursor: Cursor) -> Result<Option<(String, u64)>> {
    cursor.skip(1)?;
    let flags = cursor.byte()?;
    let kind = if flags & 8 != 0 { cursor.byte()? } else { 0 };
    if flags & 4 != 0 {
        cursor.skip(8)?;
    }
    if flags & 0x10 != 0 {
        cursor.skip(1)?;
    }
    let length = cursor.number(1 << (flags & 3))?;
    let name = cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?;
    let name = String::from_utf8_lossy(name).into_owned();
    Ok(match kind {
        0 => Some((name, cursor.number(8)?)),
        _ => None,
    })
}

/// The kinds of values that are read.
#[derive(Debug, Clone, Copy)]
enum Type {
    Float {
        size: usize,
        big: bool,
    },
    Text {
        size: usize,
    },
    /// Text of any length, kept in a heap.
    FreeText,
    Other,
}

fn datatype(cursor: &mut Cursor) -> Result<Type> {
    let class = cursor.byte()? & 0x0f;
    let bits = cursor.number(3)?;
    let size = cursor.number(4)? as usize;
    Ok(match class {
        // Bit 6 would make it a VAX number.
        1 if bits & 0x40 == 0 => Type::Float {
            size,
            big: bits & 1 != 0,
        },
        3 => Type::Text { size },
        9 if bits & 0x0f == 1 => Type::FreeText,
        _ => Type::Other,
    })
}

/// The sides of an array; none for a single value.
fn space(cursor: &mut Cursor) -> Result<Vec<usize>> {
    let version = cursor.byte()?;
    let rank = cursor.byte()?;
    cursor.skip(match version {
        1 => 6,
        2 => 2,
        _ => bail!("arrays described in version {version} are not read"),
    })?;
    (0..rank)
        .map(|_| usize::try_from(cursor.number(8)?).context("an array is too large"))
        .collect()
}

/// The raw data of an array.
fn layout<'a>(bytes: &'a [u8], message: &'a [u8]) -> Result<&'a [u8]> {
    let mut cursor = Cursor::new(message);
    let (version, class) = (cursor.byte()?, cursor.byte()?);
    ensure!(
        (3..=4).contains(&version),
        "arrays stored in layout version {version} are not read"
    );
    match class {
        0 => {
            let size = cursor.number(2)? as usize;
            cursor.take(size)
        }
        1 => {
            let address = cursor.number(8)?;
            let size = cursor.number(8)?;
            match size {
                0 => Ok(&[]),
                _ => slice(bytes, address, size),
            }
        }
        _ => bail!("it is stored in pieces; write it again as a whole (h5repack -l CONTI)"),
    }
}

/// An attribute's value if it has this name: `Some(None)` for a value of a kind that is not read.
fn attribute(bytes: &[u8], message: &[u8], wanted: &str) -> Result<Option<Option<Attribute>>> {
    let mut cursor = Cursor::new(message);
    let version = cursor.byte()?;
    ensure!(
        (1..=3).contains(&version),
        "attributes of version {version} are not read"
    );
    cursor.skip(1)?;
    let sizes = [cursor.number(2)?, cursor.number(2)?, cursor.number(2)?];
    if version == 3 {
        cursor.skip(1)?;
    }
    let mut part = |size: u64| {
        let size = size as usize;
        let stored = if version == 1 {
            size.next_multiple_of(8)
        } else {
            size
        };
        cursor.take(stored)
    };
    let name = text_at(part(sizes[0])?, 0)?;
    if name != wanted {
        return Ok(None);
    }
    let kind = datatype(&mut Cursor::new(part(sizes[1])?))?;
    let shape = space(&mut Cursor::new(part(sizes[2])?))?;
    let count = product(&shape)
        .filter(|&count| count <= MAX_CHILDREN)
        .with_context(|| format!("the attribute {wanted:?} is too large"))?;
    let mut texts = Vec::new();
    let mut length = 0;
    for _ in 0..count {
        let text = match kind {
            Type::Text { size } => text_at(cursor.take(size)?, 0)?,
            Type::FreeText => {
                cursor.skip(4)?;
                let (heap, index) = (cursor.number(8)?, cursor.number(4)?);
                free_text(bytes, heap, index)?
            }
            _ => return Ok(Some(None)),
        };
        length += text.len();
        ensure!(length <= MAX_TEXT, "the attribute {wanted:?} is too long");
        texts.push(text);
    }
    let single = shape.is_empty();
    Ok(Some(match texts.pop() {
        Some(text) if single => Some(Attribute::Text(text)),
        last => {
            texts.extend(last);
            Some(Attribute::Texts(texts))
        }
    }))
}

/// A text in a global heap.
fn free_text(bytes: &[u8], heap: u64, index: u64) -> Result<String> {
    let mut cursor = Cursor::new(slice(bytes, heap, 16)?);
    cursor.expect(b"GCOL")?;
    cursor.skip(4)?;
    let size = cursor.number(8)?;
    let mut cursor = Cursor::new(slice(bytes, heap, size)?);
    cursor.skip(16)?;
    while cursor.rest().len() >= 16 {
        let found = cursor.number(2)?;
        cursor.skip(6)?;
        let size = usize::try_from(cursor.number(8)?).unwrap_or(usize::MAX);
        if found == 0 {
            break;
        }
        let text = cursor.take(size)?;
        if found == index {
            return text_at(text, 0);
        }
        let padding = (8 - size % 8) % 8;
        cursor.skip(padding)?;
    }
    bail!("the HDF5 file is damaged: a text is missing from its heap")
}
