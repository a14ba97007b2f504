//! Where things lie in a DICOM file, found before anything of it is believed.
//!
//! dicom-rs takes the memory that an element's length states before it looks whether the file is that
//! long, and follows sequences as deep as they go. So the elements are walked first: only those that are
//! wanted, whole and soundly nested go on to dicom-rs.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use dicom_core::{Tag, VR};

use super::DicomError;
use super::elements::{Element, Encoding, ITEM, UNDEFINED, header, value_end};
use super::syntax::Syntax;
use crate::limits::{MAX_DICOM_ATTRIBUTES, MAX_UNPACKED_BYTES};

const TRANSFER_SYNTAX: Tag = Tag(0x0002, 0x0010);
const PIXEL_DATA: Tag = Tag(0x7FE0, 0x0010);
const DIRECTORY: Tag = Tag(0x0004, 0x1220);
/// The longest value that is kept of an element that is no sequence: the largest look-up table is shorter.
const LONGEST: usize = 1 << 20;

/// The pixels' place in [`Layout::data`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// Plain values; `whole` unless the file ends before them.
    Native {
        /// Where.
        place: Range<usize>,
        /// Whether all are there.
        whole: bool,
    },
    /// Compressed parts.
    Fragments {
        /// The table of where each frame begins, if there is one.
        table: Vec<u32>,
        /// Where each part is; parts that are cut off are left out.
        parts: Vec<Range<usize>>,
    },
}

/// A DICOM file taken apart.
pub struct Layout<'a> {
    pub syntax: Syntax,
    /// The data set's bytes, unpacked.
    pub data: Cow<'a, [u8]>,
    /// The wanted elements, one after another.
    pub wanted: Vec<u8>,
    pub pixels: Option<Pixels>,
    /// Whether the file ended inside an element.
    pub cut: bool,
    /// Whether it is an index of other files.
    pub directory: bool,
}

impl<'a> Layout<'a> {
    /// Takes a file apart and keeps the elements for which `wants` is true.
    pub fn find(bytes: &'a [u8], wants: impl Fn(Tag) -> bool) -> Result<Self, DicomError> {
        let start = if bytes.get(128..132) == Some(b"DICM") {
            132
        } else if bytes.starts_with(b"DICM") {
            4
        } else {
            0
        };
        let (uid, start) = meta(bytes, start);
        let rest = bytes.get(start..).unwrap_or_default();
        let mut syntax = match uid.as_deref() {
            Some(uid) => Syntax::from_uid(uid),
            None => Syntax::guessed(looks_explicit(rest)),
        };
        let data = if syntax.deflated {
            Cow::Owned(inflate(rest)?)
        } else {
            Cow::Borrowed(rest)
        };
        // Some writers name the other of the two plain syntaxes.
        if !syntax.big_endian && !data.is_empty() {
            syntax.explicit = looks_explicit(&data);
        }
        let encoding = Encoding {
            explicit: syntax.explicit,
            big: syntax.big_endian,
        };
        let mut layout = Self {
            syntax,
            wanted: Vec::new(),
            pixels: None,
            cut: false,
            directory: false,
            data: Cow::Borrowed(&[]),
        };
        layout.walk(&data, encoding, wants)?;
        layout.data = data;
        Ok(layout)
    }

    fn walk(
        &mut self,
        data: &[u8],
        encoding: Encoding,
        wants: impl Fn(Tag) -> bool,
    ) -> Result<(), DicomError> {
        let mut at = 0;
        while at < data.len() {
            let Some(element) = header(data, at, encoding) else {
                self.cut = true;
                break;
            };
            if element.tag == PIXEL_DATA {
                self.pixels = Some(pixels(data, &element));
                break;
            }
            // A delimiter outside any sequence, or nonsense: what came before still stands.
            if element.tag.0 == 0xFFFE {
                self.cut = true;
                break;
            }
            let Some((end, sound)) = value_end(data, &element, encoding, data.len(), 0)? else {
                self.cut = true;
                break;
            };
            self.directory |= element.tag == DIRECTORY;
            let size = end - at;
            let short = element.vr == VR::SQ || size <= LONGEST;
            if sound && short && wants(element.tag) {
                if self.wanted.len() + size > MAX_DICOM_ATTRIBUTES {
                    return Err(DicomError::Attributes);
                }
                self.wanted.extend(data.get(at..end).unwrap_or_default());
            }
            at = end;
        }
        Ok(())
    }
}

/// The transfer syntax that the file's meta group names, and where the data set begins.
fn meta(bytes: &[u8], start: usize) -> (Option<String>, usize) {
    let encoding = Encoding {
        explicit: true,
        big: false,
    };
    let mut at = start;
    let mut uid = None;
    while let Some(element) = header(bytes, at, encoding).filter(|e| e.tag.0 == 0x0002) {
        let end = element.value.saturating_add(element.length as usize);
        let Some(value) = bytes.get(element.value..end) else {
            break;
        };
        if element.tag == TRANSFER_SYNTAX {
            let text = String::from_utf8_lossy(value);
            uid = Some(text.trim_end_matches(['\0', ' ']).trim().to_owned());
        }
        at = end;
    }
    (uid.filter(|uid| !uid.is_empty() && uid.len() <= 64), at)
}

/// Whether the first element says its value representation.
fn looks_explicit(data: &[u8]) -> bool {
    data.get(4..6)
        .is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase))
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, DicomError> {
    let mut data = Vec::new();
    // What is unpacked before an error stands, as in a file that is cut off.
    let _ = flate2::read::DeflateDecoder::new(bytes)
        .take(MAX_UNPACKED_BYTES + 1)
        .read_to_end(&mut data);
    if data.len() as u64 > MAX_UNPACKED_BYTES {
        return Err(DicomError::Unpacked);
    }
    Ok(data)
}

/// The pixels' place: plain values, or the parts between item headers.
fn pixels(data: &[u8], element: &Element) -> Pixels {
    if element.length != UNDEFINED {
        let end = element.value.saturating_add(element.length as usize);
        return Pixels::Native {
            place: element.value.min(data.len())..end.min(data.len()),
            whole: end <= data.len(),
        };
    }
    let encoding = Encoding {
        explicit: true,
        big: false,
    };
    let mut places = Vec::new();
    let mut at = element.value;
    while let Some(item) = header(data, at, encoding).filter(|item| item.tag == ITEM) {
        let end = item.value.saturating_add(item.length as usize);
        if end > data.len() {
            break;
        }
        places.push(item.value..end);
        at = end;
    }
    let mut places = places.into_iter();
    let table = places
        .next()
        .and_then(|place| data.get(place))
        .unwrap_or_default()
        .chunks_exact(4)
        .map(|b| u32::from_le_bytes(b.first_chunk().copied().unwrap_or_default()))
        .collect();
    Pixels::Fragments {
        table,
        parts: places.collect(),
    }
}
