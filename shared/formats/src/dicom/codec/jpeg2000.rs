//! JPEG 2000, raw code streams, as DICOM has them.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

use super::{Shape, check_size};
use crate::text::one_line;

/// The most pixels of one frame: the decoder keeps many times as much beside them.
const MAX_PIXELS: usize = 16 * 1024 * 1024;

pub fn decode(data: &[u8], shape: &Shape) -> Result<Vec<u32>, String> {
    check_header(data, shape)?;
    let settings = DecodeSettings {
        resolve_palette_indices: false,
        ..DecodeSettings::default()
    };
    let image = Image::new(data, &settings).map_err(|error| one_line(&error.to_string(), 160))?;
    check_size(image.width(), image.height(), shape)?;
    let mut context = DecoderContext::default();
    let decoded = image
        .decode(&mut context)
        .map_err(|error| one_line(&error.to_string(), 160))?;
    let planes = decoded.components();
    if planes.len() != usize::from(shape.colours)
        || planes
            .iter()
            .any(|plane| plane.samples().len() != shape.pixels())
    {
        return Err("its colours have different sizes".into());
    }
    let mut samples = vec![0; shape.samples()];
    for (colour, plane) in planes.iter().enumerate() {
        let places = samples.iter_mut().skip(colour).step_by(planes.len());
        // The decoder takes all numbers for unsigned and moves them up by half their range (annex G.1.2).
        let size = data.get(42 + 3 * colour).copied().unwrap_or_default();
        let moved = match size & 0x80 {
            0 => 0.0,
            _ => f64::from(size & 0x7F).exp2(),
        };
        for (sample, value) in places.zip(plane.samples()) {
            // Negative numbers keep their bits: the sign is applied later, by the file's word.
            *sample = ((f64::from(*value) - moved).round() as i32) as u32;
        }
    }
    Ok(samples)
}

/// The numbers of the SIZ segment (ISO/IEC 15444-1, A.5.1) that decide over memory.
fn check_header(data: &[u8], shape: &Shape) -> Result<(), String> {
    if !data.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
        return Err("it is no JPEG 2000 code stream".into());
    }
    if shape.pixels() > MAX_PIXELS {
        return Err(format!(
            "it is too large for JPEG 2000 (at most {} million pixels)",
            MAX_PIXELS / 1_000_000
        ));
    }
    let number = |at: usize| -> Result<u64, String> {
        let bytes = data.get(at..).and_then(|rest| rest.first_chunk().copied());
        bytes
            .map(|bytes| u64::from(u32::from_be_bytes(bytes)))
            .ok_or_else(|| "its header is cut off".into())
    };
    let (right, bottom, left, top) = (number(8)?, number(12)?, number(16)?, number(20)?);
    let size = |end: u64, start: u64| u32::try_from(end.saturating_sub(start)).unwrap_or_default();
    check_size(size(right, left), size(bottom, top), shape)?;
    let tiles = right.div_ceil(number(24)?.max(1)) * bottom.div_ceil(number(28)?.max(1));
    if tiles > 4096 {
        return Err(format!("it has {tiles} tiles"));
    }
    let colours = number(38)? & 0xFFFF;
    if colours != u64::from(shape.colours) {
        return Err(format!(
            "it has {colours} colours instead of {}",
            shape.colours
        ));
    }
    Ok(())
}
