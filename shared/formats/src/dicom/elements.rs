//! Data elements and sequences by their headers alone (PS3.5 section 7).

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

use super::DicomError;
use crate::limits::MAX_DICOM_NESTING;

/// Begins an item of a sequence, or a part of compressed pixels.
pub const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
/// The length of what goes on to a delimiter.
pub const UNDEFINED: u32 = u32::MAX;

/// An element's header.
pub struct Element {
    pub tag: Tag,
    pub vr: VR,
    pub length: u32,
    /// Where its value begins.
    pub value: usize,
}

/// How elements are written.
#[derive(Clone, Copy)]
pub struct Encoding {
    pub explicit: bool,
    pub big: bool,
}

fn u16_at(data: &[u8], at: usize, big: bool) -> Option<u16> {
    let bytes = data.get(at..)?.first_chunk().copied()?;
    Some(if big {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    })
}

fn u32_at(data: &[u8], at: usize, big: bool) -> Option<u32> {
    let bytes = data.get(at..)?.first_chunk().copied()?;
    Some(if big {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    })
}

/// Reads an element's header by the same rules as dicom-rs does.
pub fn header(data: &[u8], at: usize, encoding: Encoding) -> Option<Element> {
    let Encoding { explicit, big } = encoding;
    let tag = Tag(u16_at(data, at, big)?, u16_at(data, at + 2, big)?);
    let (vr, length, value) = if tag.0 == 0xFFFE {
        (VR::UN, u32_at(data, at + 4, big)?, at + 8)
    } else if explicit {
        let vr = data.get(at + 4..at + 6)?.first_chunk().copied()?;
        let vr = VR::from_binary(vr).unwrap_or(VR::UN);
        if has_short_length(vr) {
            (vr, u32::from(u16_at(data, at + 6, big)?), at + 8)
        } else {
            (vr, u32_at(data, at + 8, big)?, at + 12)
        }
    } else {
        let vr = StandardDataDictionary
            .by_tag(tag)
            .map_or(VR::UN, |entry| entry.vr().relaxed());
        (vr, u32_at(data, at + 4, big)?, at + 8)
    };
    Some(Element {
        tag,
        vr,
        length,
        value,
    })
}

/// PS3.5 section 7.1.2: the value representations whose length is written in 16 bits.
fn has_short_length(vr: VR) -> bool {
    use VR::*;
    matches!(
        vr,
        AE | AS
            | AT
            | CS
            | DA
            | DS
            | DT
            | FL
            | FD
            | IS
            | LO
            | LT
            | PN
            | SH
            | SL
            | SS
            | ST
            | TM
            | UI
            | UL
            | US
    )
}

/// Where an element's value ends, and whether dicom-rs may read it; nothing where it does not end before
/// `limit`.
pub fn value_end(
    data: &[u8],
    element: &Element,
    encoding: Encoding,
    limit: usize,
    depth: usize,
) -> Result<Option<(usize, bool)>, DicomError> {
    if depth > MAX_DICOM_NESTING {
        return Err(DicomError::Nesting);
    }
    if element.length == UNDEFINED {
        // Of unknown representation: a sequence, written implicitly (PS3.5 section 6.2.2, note 2).
        let (encoding, sound) = match element.vr {
            VR::SQ => (encoding, true),
            VR::UN => (
                Encoding {
                    explicit: false,
                    ..encoding
                },
                false,
            ),
            _ => (encoding, false),
        };
        let bytes_only = matches!(element.vr, VR::OB | VR::OW);
        let end = items(
            data,
            element.value,
            None,
            limit,
            encoding,
            bytes_only,
            depth,
        )?;
        return Ok(end.map(|(end, inner)| (end, inner && sound)));
    }
    let end = element.value.saturating_add(element.length as usize);
    if end > limit {
        return Ok(None);
    }
    if element.vr == VR::SQ {
        let inner = items(data, element.value, Some(end), end, encoding, false, depth)?;
        let sound = inner.is_some_and(|(last, sound)| sound && last == end);
        return Ok(Some((end, sound)));
    }
    Ok(Some((end, true)))
}

/// Walks a sequence's items from `at`, to `end` or to the delimiter. Returns where the sequence ends and
/// whether it is sound.
fn items(
    data: &[u8],
    mut at: usize,
    end: Option<usize>,
    limit: usize,
    encoding: Encoding,
    bytes_only: bool,
    depth: usize,
) -> Result<Option<(usize, bool)>, DicomError> {
    let mut sound = true;
    loop {
        if end.is_some_and(|end| at >= end) {
            return Ok(Some((at, sound)));
        }
        let Some(item) = header(data, at, encoding).filter(|item| item.value <= limit) else {
            return Ok(None);
        };
        match item.tag {
            SEQUENCE_END => return Ok(Some((item.value, sound && end.is_none()))),
            ITEM => {}
            _ => return Ok(None),
        }
        let open = item.length == UNDEFINED;
        if bytes_only && open {
            return Ok(None);
        }
        let item_end = if open {
            limit
        } else {
            item.value.saturating_add(item.length as usize)
        };
        if item_end > limit {
            return Ok(None);
        }
        at = item.value;
        if bytes_only {
            at = item_end;
            continue;
        }
        loop {
            if !open && at >= item_end {
                break;
            }
            let Some(element) =
                header(data, at, encoding).filter(|element| element.value <= item_end)
            else {
                return Ok(None);
            };
            if element.tag == ITEM_END {
                at = element.value;
                sound &= open;
                break;
            }
            if element.tag.0 == 0xFFFE {
                return Ok(None);
            }
            let Some((next, inner)) = value_end(data, &element, encoding, item_end, depth + 1)?
            else {
                return Ok(None);
            };
            sound &= inner;
            at = next;
        }
    }
}
