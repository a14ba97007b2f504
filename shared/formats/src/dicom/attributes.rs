//! The attributes that are read, as numbers and texts.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use super::DicomError;
use crate::limits::{MAX_FRAMES, MAX_PIXELS, MAX_SIDE, MAX_VOXELS};
use crate::text::one_line;

/// An attribute set: a file's own, or an item's of one of its sequences.
pub type Object = InMemDicomObject;

/// What of the file itself, not of its sequences, is read beside the identifying attributes of [`super::identity`].
pub const WANTED: &[Tag] = &[
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_CLASS_UID,
    tags::SERIES_INSTANCE_UID,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::PIXEL_SPACING,
    tags::IMAGER_PIXEL_SPACING,
    tags::SLICE_THICKNESS,
    tags::SPACING_BETWEEN_SLICES,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::VOILUT_FUNCTION,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::MODALITY_LUT_SEQUENCE,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
];

/// A text, without what pads it.
pub fn text(object: &Object, tag: Tag) -> Option<String> {
    let value = object.get(tag)?.to_str().ok()?;
    let text = one_line(value.trim_end_matches(['\0', ' ']), 200);
    (!text.is_empty()).then_some(text)
}

/// A whole number.
pub fn integer(object: &Object, tag: Tag) -> Option<i64> {
    object.get(tag)?.to_int().ok()
}

/// Finite numbers; nothing unless there are at least `N`.
pub fn numbers<const N: usize>(object: &Object, tag: Tag) -> Option<[f64; N]> {
    let values = object.get(tag)?.to_multi_float64().ok()?;
    let first: [f64; N] = values.first_chunk().copied()?;
    first.iter().all(|v| v.is_finite()).then_some(first)
}

/// A finite number.
pub fn number(object: &Object, tag: Tag) -> Option<f64> {
    numbers::<1>(object, tag).map(|[value]| value)
}

/// A sequence's items.
pub fn items(object: &Object, tag: Tag) -> &[Object] {
    object
        .get(tag)
        .and_then(|element| element.items())
        .unwrap_or_default()
}

/// How a frame's numbers are stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Height in pixels.
    pub rows: u32,
    /// Width in pixels.
    pub columns: u32,
    /// Numbers of a pixel: 1 or 3.
    pub colours: u16,
    /// Bits that a number takes: 8, 16 or 32.
    pub bits_allocated: u16,
    /// Bits of them that count.
    pub bits_stored: u16,
    /// The highest of these bits.
    pub high_bit: u16,
    /// Whether numbers are signed.
    pub signed: bool,
    /// Whether each colour is a plane of its own.
    pub by_plane: bool,
    /// What the numbers mean: `MONOCHROME2`, `RGB` and the like.
    pub photometric: String,
    /// Frames that the file promises.
    pub frames: u32,
    /// Whether numbers are stored with their most significant byte first.
    pub big_endian: bool,
}

impl Shape {
    /// From a file's attributes; sizes are held against the limits.
    pub fn read(object: &Object, big_endian: bool) -> Result<Self, DicomError> {
        let required = |tag, name| {
            integer(object, tag).ok_or(DicomError::Attribute {
                name,
                problem: "is missing",
            })
        };
        let rows = required(tags::ROWS, "Rows")?;
        let columns = required(tags::COLUMNS, "Columns")?;
        let frames = integer(object, tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
        if rows < 1 || columns < 1 {
            return Err(DicomError::Attribute {
                name: "Rows or Columns",
                problem: "is 0",
            });
        }
        let pixels = rows.saturating_mul(columns);
        if rows.max(columns) > i64::from(MAX_SIDE)
            || pixels as u64 > MAX_PIXELS
            || frames > i64::from(MAX_FRAMES)
            || pixels.saturating_mul(frames) as u64 > MAX_VOXELS
        {
            return Err(DicomError::TooLarge {
                columns,
                rows,
                frames,
            });
        }
        let colours = integer(object, tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let bits_allocated = required(tags::BITS_ALLOCATED, "BitsAllocated")?;
        if !matches!(colours, 1 | 3) {
            return Err(DicomError::Attribute {
                name: "SamplesPerPixel",
                problem: "is neither 1 nor 3",
            });
        }
        if !matches!(bits_allocated, 8 | 16 | 32) {
            return Err(DicomError::Attribute {
                name: "BitsAllocated",
                problem: "is none of 8, 16 and 32",
            });
        }
        let stored = integer(object, tags::BITS_STORED).unwrap_or(bits_allocated);
        let high = integer(object, tags::HIGH_BIT).unwrap_or(stored - 1);
        // Files that contradict themselves are read as if all bits counted.
        let sound =
            (1..=bits_allocated).contains(&stored) && (stored - 1..bits_allocated).contains(&high);
        let (stored, high) = if sound {
            (stored, high)
        } else {
            (bits_allocated, bits_allocated - 1)
        };
        Ok(Self {
            rows: rows as u32,
            columns: columns as u32,
            colours: colours as u16,
            bits_allocated: bits_allocated as u16,
            bits_stored: stored as u16,
            high_bit: high as u16,
            signed: integer(object, tags::PIXEL_REPRESENTATION) == Some(1),
            by_plane: integer(object, tags::PLANAR_CONFIGURATION) == Some(1),
            photometric: text(object, tags::PHOTOMETRIC_INTERPRETATION)
                .unwrap_or_else(|| if colours == 3 { "RGB" } else { "MONOCHROME2" }.into()),
            frames: frames as u32,
            big_endian,
        })
    }

    /// Pixels of a frame.
    pub fn pixels(&self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// Numbers of a frame.
    pub fn samples(&self) -> usize {
        self.pixels() * usize::from(self.colours)
    }

    /// Bytes of a frame that is not compressed.
    pub fn bytes(&self) -> usize {
        self.samples() * usize::from(self.bits_allocated / 8)
    }

    /// The smallest and the largest number that can be stored.
    pub fn range(&self) -> (i64, i64) {
        let bits = self.bits_stored;
        if self.signed {
            (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
        } else {
            (0, (1i64 << bits) - 1)
        }
    }

    /// A stored number's value: the bits that count, with their sign.
    pub fn value(&self, stored: u32) -> i64 {
        let shift = self.high_bit + 1 - self.bits_stored;
        let mask = (1u64 << self.bits_stored) - 1;
        let value = ((u64::from(stored) >> shift) & mask) as i64;
        if self.signed && value >> (self.bits_stored - 1) == 1 {
            value - (1i64 << self.bits_stored)
        } else {
            value
        }
    }
}
