//! Compressed frames to stored numbers.
//!
//! dicom-rs's own adapters are not used: those for RLE and JPEG panic on damaged frames, and those for JPEG 2000
//! and JPEG-LS need a C compiler or C turned into Rust with its raw pointers. Here JPEG is decoded by
//! `jpeg-decoder` (as there), JPEG 2000 by `hayro-jpeg2000` and JPEG-LS by `pure_jpegls`, which are safe Rust.
//! Not decoded: JPEG with more than 8 bits other than lossless, JPEG-LS with several colours, JPEG 2000 part 2 and
//! High-Throughput, JPEG XL, and videos.

mod jpeg;
mod jpeg2000;
mod jpegls;
mod rle;

use super::attributes::Shape;
use super::syntax::Codec;

/// The numbers of a frame as they are stored, without sign, colours of a pixel side by side.
///
/// # Errors
/// Why the frame cannot be decoded, in a few words.
pub fn decode(codec: Codec, data: &[u8], shape: &Shape) -> Result<Vec<u32>, String> {
    let samples = match codec {
        Codec::Native => native(data, shape),
        Codec::Rle => rle::decode(data, shape)?,
        Codec::Jpeg => jpeg::decode(data, shape)?,
        Codec::Jpeg2000 => jpeg2000::decode(data, shape)?,
        Codec::JpegLs => jpegls::decode(data, shape)?,
        Codec::Unread => return Err("it is compressed in a way that is not read".into()),
    };
    if samples.len() != shape.samples() {
        return Err(format!(
            "it holds {} numbers instead of {}",
            samples.len(),
            shape.samples()
        ));
    }
    Ok(samples)
}

/// Plain values.
fn native(data: &[u8], shape: &Shape) -> Vec<u32> {
    let samples: Vec<u32> = match (shape.bits_allocated, shape.big_endian) {
        (8, _) => data.iter().map(|&b| u32::from(b)).collect(),
        (16, big) => data
            .chunks_exact(2)
            .map(|b| {
                let b = b.first_chunk().copied().unwrap_or_default();
                u32::from(if big {
                    u16::from_be_bytes(b)
                } else {
                    u16::from_le_bytes(b)
                })
            })
            .collect(),
        (_, big) => data
            .chunks_exact(4)
            .map(|b| {
                let b = b.first_chunk().copied().unwrap_or_default();
                if big {
                    u32::from_be_bytes(b)
                } else {
                    u32::from_le_bytes(b)
                }
            })
            .collect(),
    };
    if shape.colours == 3 && shape.by_plane {
        interleave(&samples)
    } else {
        samples
    }
}

/// Three planes to pixels.
fn interleave(planes: &[u32]) -> Vec<u32> {
    let length = planes.len() / 3;
    let (red, rest) = planes.split_at(length);
    let (green, blue) = rest.split_at(length);
    red.iter()
        .zip(green)
        .zip(blue)
        .flat_map(|((r, g), b)| [*r, *g, *b])
        .collect()
}

/// Whether a compressed picture has the size that the file states.
fn check_size(width: u32, height: u32, shape: &Shape) -> Result<(), String> {
    if (width, height) == (shape.columns, shape.rows) {
        Ok(())
    } else {
        Err(format!(
            "it is {width} x {height} pixels large instead of {} x {}",
            shape.columns, shape.rows
        ))
    }
}
