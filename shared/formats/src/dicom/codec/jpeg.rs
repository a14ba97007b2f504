//! JPEG: baseline and progressive with 8 bits, lossless with up to 16.

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::{Shape, check_size};
use crate::text::one_line;

pub fn decode(data: &[u8], shape: &Shape) -> Result<Vec<u32>, String> {
    let failed = |error: jpeg_decoder::Error| one_line(&error.to_string(), 160);
    if let Some(bits) = precision(data).filter(|bits| *bits > 8) {
        return Err(format!(
            "JPEG with {bits} bits is read only where it is lossless"
        ));
    }
    let mut decoder = Decoder::new(data);
    decoder.set_max_decoding_buffer_size(shape.samples().saturating_mul(2));
    if shape.colours == 3 {
        decoder.set_color_transform(if shape.photometric.starts_with("YBR") {
            ColorTransform::YCbCr
        } else {
            ColorTransform::None
        });
    }
    decoder.read_info().map_err(failed)?;
    let info = decoder.info().ok_or("it has no header")?;
    check_size(info.width.into(), info.height.into(), shape)?;
    let (colours, deep) = match info.pixel_format {
        PixelFormat::L8 => (1, false),
        PixelFormat::L16 => (1, true),
        PixelFormat::RGB24 => (3, false),
        PixelFormat::CMYK32 => return Err("it has four colours, as in print".into()),
    };
    if colours != shape.colours {
        return Err(format!(
            "it has {colours} colours instead of {}",
            shape.colours
        ));
    }
    let bytes = decoder.decode().map_err(failed)?;
    Ok(if deep {
        bytes
            .chunks_exact(2)
            .map(|b| {
                u32::from(u16::from_ne_bytes(
                    b.first_chunk().copied().unwrap_or_default(),
                ))
            })
            .collect()
    } else {
        bytes.into_iter().map(u32::from).collect()
    })
}

/// The bits of a sample in a frame that is not lossless.
fn precision(data: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        let [0xFF, marker, high, low, bits] = *data.get(at..)?.first_chunk()? else {
            return None;
        };
        match marker {
            0xC0..=0xC2 | 0xC9 | 0xCA => return Some(bits),
            0xC3 | 0xCB | 0xDA => return None,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
}
