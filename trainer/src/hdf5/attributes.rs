//! Attributes, and the types and sides of values.

use anyhow::{Context, Result, bail, ensure};

use super::Attribute;
use super::bytes::{Cursor, slice, text_at};
use crate::tensors::product;

/// Texts of one attribute.
const MAX_TEXTS: usize = 8192;
/// Bytes of text in one attribute.
const MAX_LENGTH: usize = 64 * 1024 * 1024;

/// The kinds of values that are read.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// A floating-point number of so many bytes, the highest first or last.
    Float { size: usize, big: bool },
    /// Text of so many bytes.
    Text { size: usize },
    /// Text of any length, kept in a heap.
    FreeText,
    /// Anything else.
    Other,
}

/// The type that stands here.
pub fn datatype(cursor: &mut Cursor) -> Result<Type> {
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
pub fn space(cursor: &mut Cursor) -> Result<Vec<usize>> {
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

/// An attribute's value if it has this name: `Some(None)` for a value of a kind that is not read.
pub fn attribute(bytes: &[u8], message: &[u8], wanted: &str) -> Result<Option<Option<Attribute>>> {
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
        .filter(|&count| count <= MAX_TEXTS)
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
        ensure!(length <= MAX_LENGTH, "the attribute {wanted:?} is too long");
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
