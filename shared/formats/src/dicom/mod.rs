//! DICOM files (PS3.10): one or several frames to [`Scan`]s, and series of files to volumes.
//!
//! The data set is read by dicom-rs; `layout` says why not at once, and `codec` who decodes compressed pixels.

mod attributes;
mod codec;
mod elements;
mod error;
mod frame;
mod frames;
mod grey;
mod identity;
mod layout;
mod series;
mod syntax;

pub use attributes::Shape;
pub use error::DicomError;
pub use frame::{FrameInfo, Place};
pub use series::{Group, Slice, group};
pub use syntax::{Codec, Syntax};

use std::borrow::Cow;
use std::ops::Range;

use dicom_dictionary_std::{StandardSopClassDictionary, tags};
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::entries;

use crate::identity::IdentifyingTag;
use crate::scan::Scan;
use crate::text::one_line;
use attributes::{WANTED, integer, text};
use grey::Grey;
use layout::{Layout, Pixels};

/// A DICOM file with at least one whole frame, of which the attributes are read.
pub struct DicomFile<'a> {
    data: Cow<'a, [u8]>,
    syntax: Syntax,
    shape: Shape,
    grey: Grey,
    infos: Vec<FrameInfo>,
    frames: Vec<Vec<Range<usize>>>,
    series: Option<String>,
    unique: Option<String>,
    instance: Option<i64>,
    identifying: Vec<IdentifyingTag>,
}

impl<'a> DicomFile<'a> {
    /// Reads the attributes and finds the frames; no pixel is decoded yet.
    ///
    /// # Errors
    /// A file without pixels, one that is cut off before its first frame is whole, senseless or missing
    /// attributes, a transfer syntax that is not read, sizes over the limits.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DicomError> {
        let layout = Layout::find(bytes, |tag| {
            WANTED.contains(&tag) || identity::IDENTIFYING.iter().any(|(known, _)| *known == tag)
        })?;
        if layout.directory {
            return Err(DicomError::Directory);
        }
        let object = read_object(&layout)?;
        let Some(pixels) = &layout.pixels else {
            return Err(no_pixels(&object, layout.cut));
        };
        if layout.syntax.codec == Codec::Unread {
            return Err(DicomError::Syntax(layout.syntax.to_string()));
        }
        let shape = Shape::read(&object, layout.syntax.big_endian)?;
        let frames = frames::frames(&layout.data, pixels, shape.frames as usize, shape.bytes());
        if frames.is_empty() {
            return Err(DicomError::Truncated {
                expected: shape.bytes(),
                found: match pixels {
                    Pixels::Native { place, .. } => place.len(),
                    Pixels::Fragments { .. } => 0,
                },
            });
        }
        Ok(Self {
            grey: Grey::read(&object, &shape)?,
            infos: frame::frame_infos(&object, frames.len()),
            series: text(&object, tags::SERIES_INSTANCE_UID),
            unique: text(&object, tags::SOP_INSTANCE_UID),
            instance: integer(&object, tags::INSTANCE_NUMBER),
            identifying: identity::identifying(&object),
            syntax: layout.syntax,
            data: layout.data,
            shape,
            frames,
        })
    }

    /// How many frames are there as a whole; at least 1.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// How many frames the file promises but does not hold.
    pub fn missing_frames(&self) -> usize {
        (self.shape.frames as usize).saturating_sub(self.frames.len())
    }

    /// How its numbers are stored.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Its transfer syntax.
    pub fn syntax(&self) -> &Syntax {
        &self.syntax
    }

    /// Identifier of the series that it belongs to.
    pub fn series_uid(&self) -> Option<&str> {
        self.series.as_deref()
    }

    /// Identifier of this picture: of two files with the same one is a copy.
    pub fn instance_uid(&self) -> Option<&str> {
        self.unique.as_deref()
    }

    /// Its number within the series.
    pub fn instance_number(&self) -> Option<i64> {
        self.instance
    }

    /// Where a frame lies and how it is shown.
    pub fn info(&self, frame: usize) -> Option<&FrameInfo> {
        self.infos.get(frame)
    }

    /// Which attributes may say who the patient is.
    pub fn identifying(&self) -> &[IdentifyingTag] {
        &self.identifying
    }

    /// Decodes one frame: rescaled, bright where it is shown bright, with its window as display range.
    ///
    /// # Errors
    /// No such frame, or one that cannot be decoded.
    pub fn scan(&self, frame: usize) -> Result<Scan, DicomError> {
        let (Some(places), Some(info)) = (self.frames.get(frame), self.infos.get(frame)) else {
            return Err(DicomError::NoFrame {
                index: frame,
                last: self.frames.len() - 1,
            });
        };
        let part = |place: &Range<usize>| self.data.get(place.clone()).unwrap_or_default();
        let bytes = match places.as_slice() {
            [place] => Cow::Borrowed(part(place)),
            places => Cow::Owned(places.iter().map(part).collect::<Vec<_>>().concat()),
        };
        let stored = codec::decode(self.syntax.codec, &bytes, &self.shape).map_err(|reason| {
            DicomError::Frame {
                frame,
                syntax: self.syntax.to_string(),
                reason,
            }
        })?;
        Ok(self.grey.scan(&stored, &self.shape, info)?)
    }
}

/// The wanted attributes, by dicom-rs.
fn read_object(layout: &Layout) -> Result<InMemDicomObject, DicomError> {
    let syntax = match (layout.syntax.explicit, layout.syntax.big_endian) {
        (_, true) => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
        (true, _) => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        (false, _) => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
    };
    InMemDicomObject::read_dataset_with_ts(layout.wanted.as_slice(), &syntax)
        .map_err(|error| DicomError::Damaged(one_line(&error.to_string(), 160)))
}

/// What a file without pixels is.
fn no_pixels(object: &InMemDicomObject, cut: bool) -> DicomError {
    use dicom_core::dictionary::{UidDictionary, UidDictionaryEntry};

    let uid = text(object, tags::SOP_CLASS_UID).unwrap_or_default();
    let class = StandardSopClassDictionary
        .by_uid(&uid)
        .map(|entry| entry.name());
    let what = match (class, cut) {
        (Some(name), false) => format!("of the kind \"{name}\""),
        (Some(name), true) => format!("of the kind \"{name}\" and cut off"),
        (None, true) => "cut off before its pixels".into(),
        (None, false) if uid.is_empty() => "of an unknown kind".into(),
        (None, false) => format!("of the kind {uid}"),
    };
    DicomError::NoPixels { what }
}
