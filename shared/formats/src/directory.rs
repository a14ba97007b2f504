//! The directory of a zip archive, without the files: for the page, where the browser itself undoes the compression.

/// The directory's end record with the longest comment that may follow it, in bytes.
pub const TAIL: usize = 22 + 65_535;
/// A longer directory, in bytes, is not read: that of as many files as are taken at once is shorter.
pub const LONGEST: usize = 16 * 1024 * 1024;
/// A size or a place that is written elsewhere, in archives over 4 GB.
const ELSEWHERE: usize = u32::MAX as usize;

/// What the directory says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Its path as it stands there, which may lead anywhere: see [`clean`].
    pub path: String,
    /// How it is compressed: 0 for not at all, 8 for deflate.
    pub method: usize,
    /// Whether a password is needed.
    pub encrypted: bool,
    /// Its bytes as they lie in the archive.
    pub packed: usize,
    /// Its bytes.
    pub size: usize,
    /// Where its header lies, in bytes from the archive's beginning.
    pub header: usize,
}

impl Entry {
    /// Whether it is no file but a folder.
    pub fn is_folder(&self) -> bool {
        self.path.ends_with(['/', '\\'])
    }

    /// Whether it can be unpacked by who knows deflate alone.
    pub fn is_usable(&self) -> bool {
        let sizes = [self.packed, self.size, self.header];
        !self.encrypted && matches!(self.method, 0 | 8) && !sizes.contains(&ELSEWHERE)
    }
}

/// Where the directory lies, and how many entries it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directory {
    /// Bytes from the archive's beginning.
    pub offset: usize,
    /// Its bytes; at most [`LONGEST`].
    pub length: usize,
    /// Its entries, as the archive says.
    pub count: usize,
}

impl Directory {
    /// The directory, by the end record in the archive's last [`TAIL`] bytes. `None` if there is none, or a longer one.
    pub fn find(tail: &[u8]) -> Option<Self> {
        let at = (0..tail.len().saturating_sub(21)).rev().find(|at| {
            tail.get(*at..)
                .is_some_and(|rest| rest.starts_with(b"PK\x05\x06"))
        })?;
        let (length, offset) = (u32_at(tail, at + 12)?, u32_at(tail, at + 16)?);
        let count = u16_at(tail, at + 10)?;
        (length <= LONGEST).then_some(Self {
            offset,
            length,
            count,
        })
    }
}

/// The directory's entries, up to where it cannot be understood.
pub fn entries(bytes: &[u8]) -> Vec<Entry> {
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
    let bytes = bytes.get(at..)?;
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let name = 46..46 + u16_at(bytes, 28)?;
    let next = name.end + u16_at(bytes, 30)? + u16_at(bytes, 32)?;
    let entry = Entry {
        path: String::from_utf8_lossy(bytes.get(name)?).into_owned(),
        method: u16_at(bytes, 10)?,
        encrypted: u16_at(bytes, 8)? & 1 == 1,
        packed: u32_at(bytes, 20)?,
        size: u32_at(bytes, 24)?,
        header: u32_at(bytes, 42)?,
    };
    Some((entry, at + next))
}

/// How many bytes lie between the beginning of a file's own header, of which `header` are the first 30 bytes, and the
/// file. `None` if it is none.
pub fn header_length(header: &[u8]) -> Option<usize> {
    header
        .starts_with(b"PK\x03\x04")
        .then_some(30 + u16_at(header, 26)? + u16_at(header, 28)?)
}

/// A path of an archive without what leads elsewhere or spoils a line.
pub fn clean(path: &str) -> String {
    let parts: Vec<String> = path
        .split(['/', '\\'])
        .map(|part| part.replace(char::is_control, " "))
        .filter(|part| !matches!(part.trim(), "" | "." | ".."))
        .collect();
    parts.join("/")
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(usize::from(u16::from_le_bytes(two.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, method: u16) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02".to_vec();
        bytes.resize(46, 0);
        bytes[10..12].copy_from_slice(&method.to_le_bytes());
        bytes[20..24].copy_from_slice(&5_u32.to_le_bytes());
        bytes[24..28].copy_from_slice(&9_u32.to_le_bytes());
        bytes[28..30].copy_from_slice(&(name.len() as u16).to_le_bytes());
        bytes[42..46].copy_from_slice(&77_u32.to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes
    }

    #[test]
    fn the_directory_is_read_as_far_as_it_goes() {
        let mut bytes = record("a/model.json", 8);
        bytes.extend(record("odd", 14));
        bytes.extend(record("a/w", 0));
        let found = entries(&bytes);
        let paths: Vec<&str> = found.iter().map(|entry| &*entry.path).collect();
        assert_eq!(paths, ["a/model.json", "odd", "a/w"]);
        let usable: Vec<bool> = found.iter().map(Entry::is_usable).collect();
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

    #[test]
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
        assert_eq!(Directory::find(&tail), Some(found));
        assert_eq!(Directory::find(b"PK\x05\x06"), None);
        assert_eq!(Directory::find(b""), None);
    }

    #[test]
    fn paths_lead_nowhere() {
        assert_eq!(clean("../../etc/passwd"), "etc/passwd");
        assert_eq!(clean("a\\./b\nc.png"), "a/b c.png");
        assert_eq!(clean("a/b.png"), "a/b.png");
    }
}
