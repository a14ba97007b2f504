//! Reads groups, text attributes and arrays of floats.
//!
//! What a file says of itself is not believed: every address and size is checked, and loops end.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use half::f16;

use super::attributes::{Type, attribute, datatype, space};
use super::bytes::{Cursor, slice};
use super::groups::members;
use super::header::messages;
use super::{Attribute, SIGNATURE};
use crate::tensors::{Values, floats, product};

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
            members(self.bytes, &message, &mut children)?;
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
