//! Image files of every kind that is read, and of kinds that must be refused.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Cursor;

use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use proptest::prelude::*;
use scanlight_formats::decode::{DecodeError, decode};

fn grey(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| Luma([(x * 3 + y * 5) as u8]))
}

fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn refused(bytes: &[u8]) -> DecodeError {
    let error = decode(bytes).expect_err("the file must be refused");
    let text = error.to_string();
    assert!(
        !text.is_empty() && !text.contains('\n') && text.len() < 300,
        "{text}"
    );
    error
}

#[test]
fn reads_every_promised_format() {
    let image = grey(40, 30);
    for format in [
        ImageFormat::Png,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
        ImageFormat::WebP,
    ] {
        // These encoders store grey as grey or as equal colours, without loss.
        let source = match format {
            ImageFormat::WebP => {
                DynamicImage::ImageRgb8(DynamicImage::from(image.clone()).to_rgb8())
            }
            _ => image.clone().into(),
        };
        let scan = decode(&encode(&source, format)).unwrap();
        assert_eq!((scan.width(), scan.height()), (40, 30), "{format:?}");
        assert_eq!(scan.to_luma8(), *image.as_raw(), "{format:?}");
    }
    let jpeg = decode(&encode(&image.clone().into(), ImageFormat::Jpeg)).unwrap();
    let worst = jpeg
        .to_luma8()
        .iter()
        .zip(image.as_raw())
        .map(|(a, b)| a.abs_diff(*b))
        .max();
    assert!(worst < Some(40), "{worst:?}");
}

#[test]
fn keeps_sixteen_bits_and_composes_over_black() {
    let deep =
        image::ImageBuffer::<Luma<u16>, _>::from_fn(4, 2, |x, y| Luma([(x * 9000 + y) as u16]));
    let scan = decode(&encode(&deep.clone().into(), ImageFormat::Png)).unwrap();
    assert_eq!(
        scan.luma(),
        deep.as_raw()
            .iter()
            .map(|&v| f32::from(v))
            .collect::<Vec<_>>()
    );

    let glass = image::RgbaImage::from_pixel(2, 2, image::Rgba([200, 200, 200, 0]));
    let scan = decode(&encode(&glass.into(), ImageFormat::Png)).unwrap();
    assert_eq!(scan.luma(), [0.0; 4]);

    let colour = RgbImage::from_pixel(2, 2, Rgb([0, 255, 0]));
    let scan = decode(&encode(&colour.into(), ImageFormat::Png)).unwrap();
    assert_eq!(scan.to_luma8(), [182; 4]);
}

#[test]
fn bad_files_are_refused_in_one_line() {
    assert!(matches!(refused(b""), DecodeError::Empty));
    assert!(matches!(
        refused(b"Dear diary, this is no picture.\n"),
        DecodeError::UnknownFormat
    ));
    let png = encode(&grey(64, 64).into(), ImageFormat::Png);
    assert!(matches!(
        refused(&png[..png.len() / 2]),
        DecodeError::Damaged { .. }
    ));

    let mut gif = Vec::new();
    let palette = [0, 0, 0, 255, 255, 255];
    let mut encoder = gif::Encoder::new(&mut gif, 4, 4, &palette).unwrap();
    for colour in [0, 1] {
        let frame = gif::Frame::from_indexed_pixels(4, 4, vec![colour; 16], None);
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    assert!(matches!(
        refused(&gif),
        DecodeError::Animated { format: "GIF" }
    ));
}

#[test]
fn a_huge_header_costs_nothing() {
    let mut png = encode(&grey(8, 8).into(), ImageFormat::Png);
    // Width and height of the IHDR chunk, with its checksum made right again.
    png[16..20].copy_from_slice(&40_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&40_000u32.to_be_bytes());
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert!(matches!(
        refused(&png),
        DecodeError::TooLarge {
            width: 40_000,
            height: 40_000
        }
    ));
}

#[test]
fn cmyk_jpegs_are_refused() {
    let jpeg = encode(&grey(16, 16).into(), ImageFormat::Jpeg);
    // The frame header stating four components: enough for the check, which reads headers alone.
    let at = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    let mut cmyk = jpeg[..at].to_vec();
    cmyk.extend([0xFF, 0xC0, 0, 20, 8, 0, 16, 0, 16, 4]);
    for component in 1..=4 {
        cmyk.extend([component, 0x11, 0]);
    }
    let scan_at = jpeg.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap();
    let tables_at = jpeg.windows(2).position(|w| w == [0xFF, 0xC4]).unwrap();
    cmyk.extend(&jpeg[tables_at..scan_at]);
    cmyk.extend([0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    cmyk.extend([0; 40]);
    cmyk.extend([0xFF, 0xD9]);
    assert!(matches!(refused(&cmyk), DecodeError::Cmyk));
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

proptest! {
    #[test]
    fn flipped_and_cut_files_never_panic(
        which in 0usize..5, cut in 0.0f64..1.0, flips in prop::collection::vec((any::<u16>(), any::<u8>()), 0..12),
    ) {
        let format = [
            ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP,
        ][which];
        let image: DynamicImage = if format == ImageFormat::WebP {
            DynamicImage::from(grey(24, 18)).to_rgb8().into()
        } else {
            grey(24, 18).into()
        };
        let mut bytes = encode(&image, format);
        let length = bytes.len();
        for (at, value) in flips {
            bytes[usize::from(at) % length] ^= value;
        }
        bytes.truncate((length as f64 * (0.3 + 0.7 * cut)) as usize);
        if let Ok(scan) = decode(&bytes) {
            prop_assert_eq!(scan.luma().len() as u64, u64::from(scan.width()) * u64::from(scan.height()));
            prop_assert!(scan.luma().iter().all(|v| v.is_finite()));
        }
    }
}
