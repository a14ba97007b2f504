//! Numbers at places that a file names, which may lie anywhere.

use anyhow::{Context, Result, ensure};

/// `length` bytes at `start`.
pub fn slice(bytes: &[u8], start: u64, length: u64) -> Result<&[u8]> {
    let place = || -> Option<&[u8]> {
        let start = usize::try_from(start).ok()?;
        let end = start.checked_add(usize::try_from(length).ok()?)?;
        bytes.get(start..end)
    };
    place().context("the HDF5 file is cut off or damaged: it points beyond its end")
}

/// A text that ends with a zero.
pub fn text_at(names: &[u8], start: u64) -> Result<String> {
    let rest = usize::try_from(start)
        .ok()
        .and_then(|start| names.get(start..))
        .context("the HDF5 file is damaged: a name lies outside its heap")?;
    let end = rest.iter().position(|&b| b == 0).unwrap_or(rest.len());
    Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
}

/// Reads one number after the other.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The next bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .context("a part of the HDF5 file is shorter than it must be")?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Leaves bytes out.
    pub fn skip(&mut self, count: usize) -> Result<()> {
        self.take(count).map(|_| ())
    }

    /// Bytes that must stand here.
    pub fn expect(&mut self, what: &[u8]) -> Result<()> {
        let found = self.take(what.len())?;
        ensure!(
            found == what,
            "the HDF5 file is damaged: {} is missing where it should be",
            String::from_utf8_lossy(what)
        );
        Ok(())
    }

    /// A little-endian number of 1, 2, 4 or 8 bytes.
    pub fn number(&mut self, size: usize) -> Result<u64> {
        let taken = self.take(size.min(8))?;
        let mut bytes = [0; 8];
        bytes[..taken.len()].copy_from_slice(taken);
        Ok(u64::from_le_bytes(bytes))
    }

    /// A byte.
    pub fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }
}
