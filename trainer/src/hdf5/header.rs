//! Object headers: the list of messages that says what an object is.

use anyhow::{Context, Result, bail, ensure};

use super::UNDEFINED;
use super::bytes::{Cursor, slice};

/// Messages of one object; more are a sign of a damaged file.
const MAX_MESSAGES: usize = 4096;
/// Pieces of one header.
const MAX_BLOCKS: usize = 64;

/// One message.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is about.
    pub kind: u16,
    /// Its content, perhaps with padding.
    pub data: &'a [u8],
}

/// The messages of the object at an address.
pub fn messages(bytes: &[u8], address: u64) -> Result<Vec<Message<'_>>> {
    let start = slice(bytes, address, 16)?;
    if start.starts_with(b"OHDR") {
        second(bytes, address)
    } else {
        first(bytes, address)
    }
}

/// Version 1 of headers.
fn first(bytes: &[u8], address: u64) -> Result<Vec<Message<'_>>> {
    let mut prefix = Cursor::new(slice(bytes, address, 16)?);
    let version = prefix.byte()?;
    ensure!(
        version == 1,
        "the HDF5 file is damaged: no object at {address}"
    );
    prefix.skip(7)?;
    let size = prefix.number(4)?;
    let mut blocks = vec![(address.saturating_add(16), size)];
    let mut messages = Vec::new();
    let mut next = 0;
    while let Some(&(start, size)) = blocks.get(next) {
        next += 1;
        let mut cursor = Cursor::new(slice(bytes, start, size)?);
        while cursor.rest().len() >= 8 {
            let kind = cursor.number(2)? as u16;
            let size = cursor.number(2)? as usize;
            let flags = cursor.byte()?;
            cursor.skip(3)?;
            let data = cursor.take(size)?;
            add(kind, flags, data, &mut messages, &mut blocks)?;
        }
    }
    Ok(messages)
}

/// Version 2 of headers, which newer writers use when told to.
fn second(bytes: &[u8], address: u64) -> Result<Vec<Message<'_>>> {
    let rest = bytes.len() as u64 - address;
    let mut prefix = Cursor::new(slice(bytes, address, rest)?);
    prefix.expect(b"OHDR")?;
    let version = prefix.byte()?;
    ensure!(
        version == 2,
        "object headers of version {version} are not read"
    );
    let flags = prefix.byte()?;
    if flags & 0x20 != 0 {
        prefix.skip(16)?;
    }
    if flags & 0x10 != 0 {
        prefix.skip(4)?;
    }
    let size = prefix.number(1 << (flags & 3))?;
    let start = bytes.len() as u64 - prefix.rest().len() as u64;
    let mut blocks = vec![(start, size)];
    let mut messages = Vec::new();
    let mut next = 0;
    while let Some(&(start, size)) = blocks.get(next) {
        let mut cursor = Cursor::new(slice(bytes, start, size)?);
        if next > 0 {
            cursor.expect(b"OCHK")?;
            // The check sum at the end.
            let inner = cursor.rest().len().saturating_sub(4);
            cursor = Cursor::new(&cursor.rest()[..inner]);
        }
        next += 1;
        let head = if flags & 4 != 0 { 6 } else { 4 };
        while cursor.rest().len() >= head {
            let kind = u16::from(cursor.byte()?);
            let size = cursor.number(2)? as usize;
            let message_flags = cursor.byte()?;
            cursor.skip(head - 4)?;
            let data = cursor.take(size)?;
            add(kind, message_flags, data, &mut messages, &mut blocks)?;
        }
    }
    Ok(messages)
}

/// Takes up a message, or the address of the header's next piece.
fn add<'a>(
    kind: u16,
    flags: u8,
    data: &'a [u8],
    messages: &mut Vec<Message<'a>>,
    blocks: &mut Vec<(u64, u64)>,
) -> Result<()> {
    match kind {
        0 => {}
        0x10 => {
            let mut cursor = Cursor::new(data);
            blocks.push((cursor.number(8)?, cursor.number(8)?));
        }
        _ if flags & 2 != 0 => {
            bail!("the HDF5 file shares messages between objects; that is not read")
        }
        // Attributes or links that lie in a heap of their own.
        0x15 | 0x02 if dense(kind, data)? => bail!(
            "the HDF5 file keeps many names in its newer layout, which is not read; write it again with h5py's \
             or Keras's default settings"
        ),
        _ => messages.push(Message { kind, data }),
    }
    ensure!(
        messages.len() <= MAX_MESSAGES && blocks.len() <= MAX_BLOCKS,
        "the HDF5 file is damaged: an object header without end"
    );
    Ok(())
}

/// Whether an attribute-info or link-info message points to a heap.
fn dense(kind: u16, data: &[u8]) -> Result<bool> {
    let mut cursor = Cursor::new(data);
    cursor.skip(1)?;
    let flags = cursor.byte()?;
    let index = if kind == 0x02 { 8 } else { 2 };
    if flags & 1 != 0 {
        cursor.skip(index)?;
    }
    Ok(cursor.number(8).context("an object header is cut off")? != UNDEFINED)
}
