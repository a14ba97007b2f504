//! Groups: names and addresses of their members.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use super::bytes::{Cursor, slice, text_at};
use super::header::Message;

/// Members of one group.
const MAX_MEMBERS: usize = 8192;
/// Depth of a group's tree.
const MAX_DEPTH: u8 = 8;

/// Adds the members that one message of a group's header tells of.
pub fn members(
    bytes: &[u8],
    message: &Message,
    children: &mut BTreeMap<String, u64>,
) -> Result<()> {
    let mut cursor = Cursor::new(message.data);
    match message.kind {
        0x11 => {
            let (tree, heap) = (cursor.number(8)?, cursor.number(8)?);
            let mut symbols = Symbols {
                bytes,
                names: heap_data(bytes, heap)?,
                children,
                budget: MAX_MEMBERS,
            };
            symbols.collect(tree, MAX_DEPTH)?;
        }
        0x06 => children.extend(link(cursor)?),
        _ => {}
    }
    Ok(())
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
