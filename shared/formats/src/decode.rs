//! Image files to [`Scan`]s: PNG, JPEG, WebP, BMP and TIFF, recognised by their bytes.

mod pixels;

use std::io::Cursor;

use image::codecs::{bmp::BmpDecoder, jpeg::JpegDecoder, png::PngDecoder};
#[cfg(feature = "more-images")]
use image::codecs::{tiff::TiffDecoder, webp::WebPDecoder};
use image::error::ImageFormatHint;
use image::{ImageDecoder, ImageError, ImageFormat, Limits, RgbImage};
use thiserror::Error;

use pixels::Pixels;

pub use crate::limits::{MAX_DECODE_BYTES, MAX_PIXELS, MAX_SIDE};
use crate::scan::{Scan, ScanError};
use crate::text::one_line;

/// Why a file cannot be read as a scan; each message is one line fit for a person.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// There are no bytes.
    #[error("the file is empty (0 bytes); choose a picture (PNG, JPEG, WebP, BMP, TIFF)")]
    Empty,
    /// The bytes are not of an image format that is known here.
    #[error(
        "this is not an image file that can be read here; choose a picture (PNG, JPEG, WebP, BMP, TIFF)"
    )]
    UnknownFormat,
    /// An image format that is known but not read.
    #[error("{format} files are not read here; save the picture as PNG, JPEG, WebP, BMP or TIFF")]
    UnsupportedFormat {
        /// The format's name.
        format: String,
    },
    /// Several pictures in one file.
    #[error(
        "this is a {format} that may hold several pictures: which of them is meant is not clear; save one as PNG"
    )]
    Animated {
        /// The format's name.
        format: &'static str,
    },
    /// A side or the area is over the limit.
    #[error("the image is too large: {width} x {height} pixels (at most {MAX_SIDE} a side and {} million in all)", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Width in pixels as the file states it.
        width: u32,
        /// Height in pixels as the file states it.
        height: u32,
    },
    /// A print colour space, which a scan never has.
    #[error("this JPEG is in CMYK (print) colours, which an MRI never is; save it as grey or RGB")]
    Cmyk,
    /// The picture is damaged or cut off.
    #[error("the {format} file is damaged or incomplete: {reason}")]
    Damaged {
        /// The format's name.
        format: String,
        /// The decoder's words.
        reason: String,
    },
    /// The pixels make no scan.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Decodes the bytes of an image file to a scan.
///
/// Colours become grey by Rec. 709 luma, transparency is composed over black, an EXIF orientation
/// is applied. Headers are checked against [`MAX_SIDE`] and [`MAX_PIXELS`] before any pixel memory
/// is taken.
pub fn decode(bytes: &[u8]) -> Result<Scan, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let format = image::guess_format(bytes).map_err(|_| DecodeError::UnknownFormat)?;
    let name = format_name(format);
    match format {
        ImageFormat::Png if png_is_animated(bytes) => {
            return Err(DecodeError::Animated { format: "PNG" });
        }
        ImageFormat::Jpeg if jpeg_components(bytes) == Some(4) => return Err(DecodeError::Cmyk),
        ImageFormat::Png
        | ImageFormat::Jpeg
        | ImageFormat::WebP
        | ImageFormat::Bmp
        | ImageFormat::Tiff => {}
        ImageFormat::Gif => return Err(DecodeError::Animated { format: "GIF" }),
        _ => return Err(DecodeError::UnsupportedFormat { format: name }),
    }
    let damaged = |error: ImageError| match error {
        ImageError::Unsupported(_) => DecodeError::UnsupportedFormat {
            format: one_line(&format!("{name} ({error})"), 160),
        },
        _ => DecodeError::Damaged {
            format: name.clone(),
            // Whoever shows it ends the sentence.
            reason: one_line(error.to_string().trim_end_matches('.'), 160),
        },
    };

    // The sizes are judged here, so that the message can name them; the decoders watch over their memory.
    let mut decoder = decoder(format, bytes).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if width > MAX_SIDE
        || height > MAX_SIDE
        || u64::from(width) * u64::from(height) > MAX_PIXELS
        || decoder.total_bytes() > MAX_DECODE_BYTES
    {
        return Err(DecodeError::TooLarge { width, height });
    }
    if width == 0 || height == 0 {
        return Err(ScanError::Empty { width, height }.into());
    }
    let orientation = decoder.orientation().map_err(damaged)?;
    let pixels = Pixels::read(decoder).map_err(damaged)?;
    Ok(pixels.scan()?.turned(orientation.into()))
}

/// A colour picture that was drawn, not read, as a scan: by the rules of [`decode`].
pub fn scan_from_rgb(picture: RgbImage) -> Result<Scan, ScanError> {
    Pixels::from_rgb(picture).scan()
}

/// The decoder of a format. Only these and the few conversions in `pixels` are used of `image`: its general
/// picture type would bring more code into the page than all decoders of the common formats together.
fn decoder(format: ImageFormat, bytes: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, ImageError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    let input = Cursor::new(bytes);
    let mut decoder: Box<dyn ImageDecoder + '_> = match format {
        ImageFormat::Png => Box::new(PngDecoder::with_limits(input, limits.clone())?),
        ImageFormat::Jpeg => Box::new(JpegDecoder::new(input)?),
        ImageFormat::Bmp => Box::new(BmpDecoder::new(input)?),
        #[cfg(feature = "more-images")]
        ImageFormat::Tiff => Box::new(TiffDecoder::new(input)?),
        #[cfg(feature = "more-images")]
        ImageFormat::WebP => Box::new(WebPDecoder::new(input)?),
        other => {
            return Err(ImageError::Unsupported(
                ImageFormatHint::Exact(other).into(),
            ));
        }
    };
    decoder.set_limits(limits)?;
    Ok(decoder)
}

fn format_name(format: ImageFormat) -> String {
    match format {
        ImageFormat::WebP => "WebP".into(),
        other => other
            .extensions_str()
            .first()
            .map_or_else(|| format!("{other:?}"), |e| e.to_uppercase()),
    }
}

/// Number of colour components that a JPEG's header states: 1 grey, 3 colour, 4 CMYK.
fn jpeg_components(bytes: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        let marker = *bytes.get(at + 1).filter(|_| bytes.get(at) == Some(&0xFF))?;
        match marker {
            // Filling before a marker, and markers without a body.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            // The start of a frame, of any process.
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return bytes.get(at + 9).copied();
            }
            // Pixels, or the end.
            0xD9 | 0xDA => return None,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// Whether a PNG holds an animation (an `acTL` chunk with more than one frame before the pixels).
fn png_is_animated(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        match &header[4..8] {
            b"acTL" => {
                return bytes
                    .get(at + 8..at + 12)
                    .is_some_and(|n| u32::from_be_bytes([n[0], n[1], n[2], n[3]]) > 1);
            }
            b"IDAT" | b"IEND" => return false,
            _ => {}
        }
        let Some(next) = at.checked_add(12).and_then(|n| n.checked_add(length)) else {
            return false;
        };
        at = next;
    }
    false
}
