//! Decoded pixels of every kind to a [`Scan`].

use image::error::{ParameterError, ParameterErrorKind};
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageError, RgbImage};

use crate::colour::{colourfulness, luma};
use crate::scan::{Scan, ScanError, Turn};

/// A decoded picture as its decoder has it.
pub(super) struct Pixels {
    width: u32,
    height: u32,
    kind: ColorType,
    /// Row-major, channels side by side, in the machine's byte order.
    bytes: Vec<u8>,
}

impl Pixels {
    /// All pixels; the caller has looked at the sizes.
    pub(super) fn read(decoder: Box<dyn ImageDecoder + '_>) -> Result<Self, ImageError> {
        let (width, height) = decoder.dimensions();
        let kind = decoder.color_type();
        let length = usize::try_from(decoder.total_bytes()).map_err(|_| {
            ImageError::Parameter(ParameterError::from_kind(
                ParameterErrorKind::DimensionMismatch,
            ))
        })?;
        let mut bytes = vec![0; length];
        decoder.read_image_boxed(&mut bytes)?;
        Ok(Self {
            width,
            height,
            kind,
            bytes,
        })
    }

    /// Those of a picture with 8 bits a channel.
    pub(super) fn from_rgb(picture: RgbImage) -> Self {
        Self {
            width: picture.width(),
            height: picture.height(),
            kind: ColorType::Rgb8,
            bytes: picture.into_raw(),
        }
    }

    /// As a scan: colours become grey by Rec. 709 luma, transparency is composed over black. One grey channel
    /// without transparency keeps its scale, as 8-bit colours do; other colours are on the scale of 16 bits,
    /// and floats are as they are, 1 or the brightest value being white.
    pub(super) fn scan(self) -> Result<Scan, ScanError> {
        let (width, height) = (self.width, self.height);
        let bytes = &self.bytes;
        match self.kind {
            ColorType::L8 => Scan::from_luma8(width, height, bytes),
            ColorType::L16 => Scan::from_luma16(width, height, &words(bytes)),
            ColorType::Rgb8 => {
                let pixels = bytes.as_chunks::<3>().0;
                let grey = pixels.iter().map(|p| luma(p.map(f32::from))).collect();
                let colour = pixels.iter().map(|p| p.map(|v| f32::from(v) / 255.0));
                let scan = Scan::new(width, height, grey, (0.0, 255.0))?;
                Ok(scan.with_colourfulness(colourfulness(colour)))
            }
            ColorType::Rgb32F => {
                let values = floats(bytes);
                let pixels = values.as_chunks::<3>().0;
                bright(width, height, pixels.iter().map(|p| luma(*p)).collect())
            }
            ColorType::Rgba32F => {
                let values = floats(bytes);
                let grey =
                    |[red, green, blue, opacity]: &[f32; 4]| luma([*red, *green, *blue]) * opacity;
                let pixels = values.as_chunks::<4>().0;
                bright(width, height, pixels.iter().map(grey).collect())
            }
            kind => deep(width, height, &opaque(kind, bytes)),
        }
    }
}

/// 16-bit red, green, blue and opacity.
fn opaque(kind: ColorType, bytes: &[u8]) -> Vec<[u16; 4]> {
    let values = if kind.bytes_per_pixel() == kind.channel_count() {
        bytes.iter().map(|&byte| u16::from(byte) * 257).collect()
    } else {
        words(bytes)
    };
    match kind.channel_count() {
        2 => {
            let pixels = values.as_chunks::<2>().0.iter();
            pixels.map(|&[v, opacity]| [v, v, v, opacity]).collect()
        }
        3 => {
            let pixels = values.as_chunks::<3>().0.iter();
            pixels.map(|&[r, g, b]| [r, g, b, u16::MAX]).collect()
        }
        _ => values.as_chunks::<4>().0.to_vec(),
    }
}

/// 16-bit colours with transparency.
fn deep(width: u32, height: u32, pixels: &[[u16; 4]]) -> Result<Scan, ScanError> {
    let opacity = |p: &[u16; 4]| f32::from(p[3]) / 65535.0;
    let grey = pixels
        .iter()
        .map(|p| luma([p[0], p[1], p[2]].map(f32::from)) * f32::from(p[3]) / 65535.0)
        .collect();
    let colour = pixels
        .iter()
        .map(|p| [p[0], p[1], p[2]].map(|v| f32::from(v) / 65535.0 * opacity(p)));
    let scan = Scan::new(width, height, grey, (0.0, 65535.0))?;
    Ok(scan.with_colourfulness(colourfulness(colour)))
}

/// Floats.
fn bright(width: u32, height: u32, grey: Vec<f32>) -> Result<Scan, ScanError> {
    let finite = grey.iter().copied().filter(|value| value.is_finite());
    let white = finite.fold(1.0, f32::max);
    Scan::new(width, height, grey, (0.0, white))
}

fn words(bytes: &[u8]) -> Vec<u16> {
    let words = bytes.as_chunks::<2>().0.iter();
    words.map(|word| u16::from_ne_bytes(*word)).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let floats = bytes.as_chunks::<4>().0.iter();
    floats.map(|float| f32::from_ne_bytes(*float)).collect()
}

impl From<Orientation> for Turn {
    fn from(orientation: Orientation) -> Self {
        let (transposed, across, down) = match orientation {
            Orientation::NoTransforms => (false, false, false),
            Orientation::FlipHorizontal => (false, true, false),
            Orientation::Rotate180 => (false, true, true),
            Orientation::FlipVertical => (false, false, true),
            Orientation::Rotate90FlipH => (true, false, false),
            Orientation::Rotate90 => (true, true, false),
            Orientation::Rotate270FlipH => (true, true, true),
            Orientation::Rotate270 => (true, false, true),
        };
        Self {
            transposed,
            across,
            down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageBuffer};

    const KINDS: [ColorType; 6] = [
        ColorType::La8,
        ColorType::Rgba8,
        ColorType::La16,
        ColorType::Rgb16,
        ColorType::Rgba16,
        ColorType::Rgb8,
    ];

    fn bytes(kind: ColorType) -> Vec<u8> {
        let length = 5 * 3 * usize::from(kind.bytes_per_pixel());
        (0..length).map(|i| (i * 97 % 251) as u8).collect()
    }

    fn picture(kind: ColorType) -> DynamicImage {
        let bytes = bytes(kind);
        let picture = match kind {
            ColorType::La8 => ImageBuffer::from_raw(5, 3, bytes).map(DynamicImage::ImageLumaA8),
            ColorType::Rgba8 => ImageBuffer::from_raw(5, 3, bytes).map(DynamicImage::ImageRgba8),
            ColorType::Rgb8 => ImageBuffer::from_raw(5, 3, bytes).map(DynamicImage::ImageRgb8),
            ColorType::La16 => {
                ImageBuffer::from_raw(5, 3, words(&bytes)).map(DynamicImage::ImageLumaA16)
            }
            ColorType::Rgb16 => {
                ImageBuffer::from_raw(5, 3, words(&bytes)).map(DynamicImage::ImageRgb16)
            }
            _ => ImageBuffer::from_raw(5, 3, words(&bytes)).map(DynamicImage::ImageRgba16),
        };
        picture.unwrap()
    }

    /// What `image` itself makes of the same pixels.
    #[test]
    fn conversions_are_those_of_the_image_crate() {
        for kind in KINDS {
            let scan = Pixels {
                width: 5,
                height: 3,
                kind,
                bytes: bytes(kind),
            }
            .scan()
            .unwrap();
            let expected: Vec<f32> = if kind == ColorType::Rgb8 {
                let pixels = picture(kind).to_rgb8();
                pixels.pixels().map(|p| luma(p.0.map(f32::from))).collect()
            } else {
                let pixels = picture(kind).to_rgba16();
                let grey = |p: &image::Rgba<u16>| {
                    luma([p[0], p[1], p[2]].map(f32::from)) * f32::from(p[3]) / 65535.0
                };
                pixels.pixels().map(grey).collect()
            };
            assert_eq!(scan.luma(), expected, "{kind:?}");
        }
    }

    #[test]
    fn turns_are_those_of_the_image_crate() {
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let grey = ImageBuffer::from_raw(3, 2, vec![1u8, 2, 3, 4, 5, 6]).unwrap();
            let scan = Scan::from_luma8(3, 2, grey.as_raw()).unwrap();
            let mut picture = DynamicImage::ImageLuma8(grey);
            picture.apply_orientation(orientation);
            let turned = scan.turned(orientation.into());
            assert_eq!(turned.width(), picture.width(), "{exif}");
            assert_eq!(turned.to_luma8(), *picture.to_luma8().as_raw(), "{exif}");
        }
    }
}
