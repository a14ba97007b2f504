//! Stored numbers to grey values.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

use super::DicomError;
use super::attributes::{Object, Shape, integer, items};
use super::frame::FrameInfo;
use crate::colour::{colourfulness, luma};
use crate::range;
use crate::scan::{Scan, ScanError};

/// A look-up table (PS3.3 section C.11.1.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    first: i64,
    bits: u32,
    values: Vec<u16>,
}

impl Table {
    fn read(object: &Object, descriptor: Tag, data: Tag, signed: bool) -> Option<Self> {
        let descriptor = object.get(descriptor)?.to_multi_int::<i64>().ok()?;
        let [length, first, bits]: [i64; 3] = descriptor.first_chunk().copied()?;
        // The number of entries is written in 16 bits, 0 for 65,536; the first one's number has the sign of
        // the pixels, whichever its own representation says.
        let length = match length & 0xFFFF {
            0 => 65_536,
            length => length as usize,
        };
        let first = match first & 0xFFFF {
            first if signed && first > 0x7FFF => first - 0x1_0000,
            first => first,
        };
        let element = object.get(data)?;
        let words = element.to_multi_int::<i64>().ok()?;
        let values: Vec<u16> = if words.len() < length && words.len() == length.div_ceil(2) {
            // Two entries of 8 bits in each word.
            words
                .iter()
                .flat_map(|word| [(word & 0xFF) as u16, ((word >> 8) & 0xFF) as u16])
                .take(length)
                .collect()
        } else {
            words.iter().map(|word| *word as u16).take(length).collect()
        };
        (!values.is_empty()).then_some(Self {
            first,
            bits: u32::try_from(bits)
                .ok()
                .filter(|b| (1..=16).contains(b))
                .unwrap_or(16),
            values,
        })
    }

    /// The entry for a value; the first and last one stand for all beyond them.
    fn get(&self, value: i64) -> u16 {
        let last = self.values.len().saturating_sub(1);
        let index = usize::try_from(value.saturating_sub(self.first))
            .unwrap_or(0)
            .min(last);
        self.values.get(index).copied().unwrap_or_default()
    }

    fn largest(&self) -> f32 {
        ((1u32 << self.bits) - 1) as f32
    }
}

/// How a file's numbers become grey values.
#[derive(Debug, Clone)]
pub struct Grey {
    modality: Option<Table>,
    palette: Option<[Table; 3]>,
    /// Stored values that stand for no measurement.
    padding: Option<(i64, i64)>,
    inverted: bool,
}

impl Grey {
    /// From a file's attributes.
    pub fn read(object: &Object, shape: &Shape) -> Result<Self, DicomError> {
        let table = |descriptor, data| Table::read(object, descriptor, data, false);
        let palette = if shape.photometric == "PALETTE COLOR" {
            let red = table(
                tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            );
            let green = table(
                tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            );
            let blue = table(
                tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
                tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            );
            let (Some(red), Some(green), Some(blue)) = (red, green, blue) else {
                return Err(DicomError::Attribute {
                    name: "the colour palette",
                    problem: "is missing or segmented, which is not read",
                });
            };
            Some([red, green, blue])
        } else {
            None
        };
        let modality = items(object, tags::MODALITY_LUT_SEQUENCE)
            .first()
            .and_then(|item| Table::read(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, shape.signed));
        let padding = integer(object, tags::PIXEL_PADDING_VALUE).map(|value| {
            // Written with or without sign, whichever the pixels have.
            let value = shape.value((value as u32) << (shape.high_bit + 1 - shape.bits_stored));
            let limit = integer(object, tags::PIXEL_PADDING_RANGE_LIMIT).map_or(value, |limit| {
                shape.value((limit as u32) << (shape.high_bit + 1 - shape.bits_stored))
            });
            (value.min(limit), value.max(limit))
        });
        Ok(Self {
            modality,
            palette,
            padding,
            inverted: shape.photometric == "MONOCHROME1",
        })
    }

    /// A frame's grey values.
    pub fn scan(&self, stored: &[u32], shape: &Shape, info: &FrameInfo) -> Result<Scan, ScanError> {
        let scan = match (&self.palette, shape.colours) {
            (Some(tables), 1) => {
                let scale = tables.each_ref().map(|table| 1.0 / table.largest());
                let pixels = stored.iter().map(|&stored| {
                    let value = shape.value(stored);
                    let mut colour = [0.0; 3];
                    for ((colour, table), scale) in colour.iter_mut().zip(tables).zip(scale) {
                        *colour = f32::from(table.get(value)) * scale;
                    }
                    colour
                });
                coloured(pixels, shape)?
            }
            (_, 3) => {
                let scale = 1.0 / ((1u64 << shape.bits_stored) - 1) as f32;
                // JPEG and JPEG 2000 decoders give red, green and blue already.
                let full = shape.photometric.starts_with("YBR_FULL");
                let pixels = stored.chunks_exact(3).map(|pixel| {
                    let pixel: [u32; 3] = pixel.first_chunk().copied().unwrap_or_default();
                    let colour = pixel.map(|v| shape.value(v) as f32 * scale);
                    if full { from_ybr(colour) } else { colour }
                });
                coloured(pixels, shape)?
            }
            _ => self.grey(stored, shape, info)?,
        };
        Ok(match info.spacing {
            Some([width, height]) => scan.with_spacing([width as f32, height as f32]),
            None => scan,
        })
    }

    fn grey(&self, stored: &[u32], shape: &Shape, info: &FrameInfo) -> Result<Scan, ScanError> {
        let (slope, intercept) = info.rescale;
        let rescaled = |value: i64| -> f64 {
            match &self.modality {
                Some(table) => f64::from(table.get(value)),
                None => value as f64 * slope + intercept,
            }
        };
        let padded = |value: i64| {
            self.padding
                .is_some_and(|(low, high)| (low..=high).contains(&value))
        };
        let mut values: Vec<f32> = stored
            .iter()
            .map(|&stored| {
                let value = shape.value(stored);
                if padded(value) {
                    f32::NAN
                } else {
                    rescaled(value) as f32
                }
            })
            .collect();
        let (low, high) = range::full(&values);
        let mut window = info
            .window
            .map_or((low, high), |(low, high)| (low as f32, high as f32));
        let mut darkest = low;
        if self.inverted {
            // Reflected in the middle of what can be stored, the same for all slices of a series.
            let (least, most) = shape.range();
            let sum = if shape.bits_stored <= 16 {
                (rescaled(least) + rescaled(most)) as f32
            } else {
                low + high
            };
            for value in &mut values {
                *value = sum - *value;
            }
            window = (sum - window.1, sum - window.0);
            darkest = sum - high;
        }
        for value in &mut values {
            if value.is_nan() {
                *value = darkest;
            }
        }
        Scan::new(shape.columns, shape.rows, values, window)
    }
}

fn coloured(
    pixels: impl Iterator<Item = [f32; 3]> + Clone,
    shape: &Shape,
) -> Result<Scan, ScanError> {
    let values = pixels.clone().map(|p| luma(p) * 255.0).collect();
    let colour = colourfulness(pixels);
    Ok(Scan::new(shape.columns, shape.rows, values, (0.0, 255.0))?.with_colourfulness(colour))
}

/// PS3.3 section C.7.6.3.1.2, `YBR_FULL`: brightness and two differences, all in 0..=1.
fn from_ybr([y, blue, red]: [f32; 3]) -> [f32; 3] {
    let (blue, red) = (blue - 128.0 / 255.0, red - 128.0 / 255.0);
    [
        y + 1.402 * red,
        y - 0.344_14 * blue - 0.714_14 * red,
        y + 1.772 * blue,
    ]
    .map(|v| v.clamp(0.0, 1.0))
}
