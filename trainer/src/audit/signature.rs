//! What an image is compared by: small normalised thumbnails, and a hash of its pixels.

use std::io::Cursor;

use image::{ImageDecoder, ImageReader};
use scanlight_model::formats::{detect, read_scan};
use scanlight_model::preprocess::{Region, foreground};
use scanlight_model::scan::Scan;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Side of the thumbnails.
pub const SIDE: usize = 32;

/// A square thumbnail with mean 0 and length 1, row-major, [`SIDE`] by [`SIDE`]; all 0 for a flat
/// image. The dot product of two is their pixels' correlation.
pub type Thumbnail = Vec<f32>;

/// What one readable image is compared by.
#[derive(Debug, Clone)]
pub struct Signature {
    /// SHA-256 of the decoded grey pixels and their dimensions.
    pub pixels: [u8; 32],
    /// The whole image, stretched to the square.
    pub whole: Thumbnail,
    /// The head's bounding box alone, stretched to the square: the same for any border.
    pub head: Thumbnail,
}

/// How a file stores its image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Storage {
    /// `JPEG`, `PNG`, …
    pub format: String,
    /// Channels and bits, such as `grey 8-bit`.
    pub mode: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Reads one file's bytes.
///
/// # Errors
/// The decoder's reason, one line.
pub fn read(bytes: &[u8]) -> Result<(Signature, Storage), String> {
    let scan = read_scan(bytes).map_err(|error| error.to_string())?;
    let storage = storage(bytes, &scan);
    Ok((signature(&scan), storage))
}

/// A scan's signature.
pub fn signature(scan: &Scan) -> Signature {
    let mut bytes = Vec::with_capacity(8 + scan.luma().len() * 4);
    bytes.extend(scan.width().to_le_bytes());
    bytes.extend(scan.height().to_le_bytes());
    for value in scan.luma() {
        bytes.extend(value.to_le_bytes());
    }
    Signature {
        pixels: Sha256::digest(&bytes).into(),
        whole: thumbnail(scan, Region::whole(scan)),
        head: thumbnail(scan, head(scan)),
    }
}

/// The head's bounding box, found again in what was found until it stays: what counts as background
/// depends on how much of it there is, and the box shall not depend on the frame.
fn head(scan: &Scan) -> Region {
    let mut region = foreground(scan);
    for _ in 0..3 {
        let Some(inside) = cut(scan, region) else {
            break;
        };
        let next = foreground(&inside);
        if (next.width, next.height) == (region.width, region.height) {
            break;
        }
        region = Region {
            x: region.x + next.x,
            y: region.y + next.y,
            ..next
        };
    }
    region
}

/// A region of a scan by itself.
fn cut(scan: &Scan, region: Region) -> Option<Scan> {
    let columns = region.x as usize..(region.x + region.width) as usize;
    let luma = scan
        .luma()
        .chunks_exact(scan.width() as usize)
        .skip(region.y as usize)
        .take(region.height as usize)
        .flat_map(|line| line[columns.clone()].iter().copied())
        .collect();
    Scan::new(region.width, region.height, luma, (0.0, 1.0)).ok()
}

fn storage(bytes: &[u8], scan: &Scan) -> Storage {
    // Not the image crate's guess: a DICOM file may begin like a TIFF picture.
    let kind = detect(bytes);
    let colours = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()
        .filter(|_| kind.is_image())
        .and_then(|reader| reader.into_decoder().ok())
        .map(|decoder| decoder.original_color_type());
    let mode = colours.map_or_else(
        || "grey".into(),
        |colours| {
            let channels = u16::from(colours.channel_count()).max(1);
            let name = match channels {
                1 => "grey",
                2 => "grey with alpha",
                3 => "RGB",
                _ => "RGB with alpha",
            };
            format!("{name} {}-bit", colours.bits_per_pixel() / channels)
        },
    );
    Storage {
        format: kind.name().to_uppercase(),
        mode,
        width: scan.width(),
        height: scan.height(),
    }
}

/// A region of a scan as a thumbnail: each cell is the mean of what it covers.
pub fn thumbnail(scan: &Scan, region: Region) -> Thumbnail {
    let mut small = shrink(scan, region, SIDE, SIDE);
    let mean = small.iter().sum::<f32>() / small.len() as f32;
    for value in &mut small {
        *value -= mean;
    }
    let length = small.iter().map(|v| v * v).sum::<f32>().sqrt();
    // Rounding noise of a flat image must not become a picture.
    let scale = if length > 1e-4 * mean.abs().max(1e-3) {
        length.recip()
    } else {
        0.0
    };
    for value in &mut small {
        *value *= scale;
    }
    small
}

/// A region of a scan at another size, by area: every pixel counts by the share that a cell covers.
pub fn shrink(scan: &Scan, region: Region, columns: usize, rows: usize) -> Vec<f32> {
    let across = cells(region.width as usize, columns);
    let down = cells(region.height as usize, rows);
    let stride = scan.width() as usize;
    let width = region.width as usize;
    let mut small = Vec::with_capacity(columns * rows);
    let mut line = vec![0.0f32; width];
    for row in &down {
        line.fill(0.0);
        for &(y, share) in row {
            let start = (region.y as usize + y) * stride + region.x as usize;
            for (sum, value) in line.iter_mut().zip(&scan.luma()[start..start + width]) {
                *sum += share * value;
            }
        }
        for column in &across {
            small.push(column.iter().map(|&(x, share)| share * line[x]).sum());
        }
    }
    small
}

/// For each of `count` equal cells over `length` pixels, which pixels it covers and by what share of
/// the cell.
fn cells(length: usize, count: usize) -> Vec<Vec<(usize, f32)>> {
    let size = length as f64 / count as f64;
    (0..count)
        .map(|cell| {
            let (start, end) = (cell as f64 * size, (cell + 1) as f64 * size);
            (start as usize..(end.ceil() as usize).min(length))
                .map(|pixel| {
                    let covered = end.min((pixel + 1) as f64) - start.max(pixel as f64);
                    (pixel, (covered / size) as f32)
                })
                .collect()
        })
        .collect()
}

/// How one image is turned into its duplicate. Each undoes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Not at all.
    Upright,
    /// Left and right exchanged.
    Mirrored,
    /// Top and bottom exchanged.
    UpsideDown,
    /// Both, which is half a turn.
    Rotated,
}

impl Turn {
    /// All of them, the plainest first.
    pub const ALL: [Self; 4] = [
        Self::Upright,
        Self::Mirrored,
        Self::UpsideDown,
        Self::Rotated,
    ];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upright => "upright",
            Self::Mirrored => "mirrored",
            Self::UpsideDown => "upside down",
            Self::Rotated => "turned by 180°",
        }
    }
}

/// A thumbnail turned.
pub fn turned(thumbnail: &[f32], turn: Turn) -> Thumbnail {
    let mut values = thumbnail.to_vec();
    if matches!(turn, Turn::UpsideDown | Turn::Rotated) {
        values.reverse();
    }
    // Backwards is upside down and mirrored.
    if matches!(turn, Turn::Mirrored | Turn::UpsideDown) {
        for row in values.chunks_exact_mut(SIDE) {
            row.reverse();
        }
    }
    values
}

/// Correlation of two thumbnails, -1 to 1.
pub fn correlation(a: &[f32], b: &[f32]) -> f32 {
    // Four sums keep the processor busier than one.
    let mut sums = [0.0f32; 4];
    for (x, y) in a.chunks_exact(4).zip(b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::{Finding, Plane, phantom};
    use image::{DynamicImage, GrayImage, imageops};
    use proptest::prelude::*;

    fn picture(seed: u64) -> GrayImage {
        let plane = Plane::ALL[seed as usize % 3];
        let finding = Finding::ALL[seed as usize % 4];
        DynamicImage::from(phantom(finding, plane, 96, seed).image).to_luma8()
    }

    fn of(image: &GrayImage) -> Signature {
        let scan = Scan::from_luma8(image.width(), image.height(), image.as_raw()).unwrap();
        signature(&scan)
    }

    fn jpeg(image: &GrayImage, quality: u8) -> GrayImage {
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode_image(image)
            .unwrap();
        image::load_from_memory(&bytes).unwrap().to_luma8()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn copies_stay_alike(
            seed in 0u64..1000, gain in 0.4f32..0.95, shift in 0f32..12.0,
            quality in 60u8..95, side in 64u32..200,
        ) {
            let image = picture(seed);
            // Resized to its own size it is no copy, but itself.
            prop_assume!(side != image.width());
            let original = of(&image);
            let mut brighter = image.clone();
            for pixel in brighter.pixels_mut() {
                pixel.0[0] = (f32::from(pixel.0[0]) * gain + shift).round() as u8;
            }
            let resized = imageops::resize(&image, side, side, imageops::FilterType::Triangle);
            for changed in [brighter, jpeg(&image, quality), resized] {
                let changed = of(&changed);
                prop_assert_ne!(changed.pixels, original.pixels);
                let alike = correlation(&original.whole, &changed.whole);
                prop_assert!(alike > 0.99, "{alike}");
            }
            for (turn, image) in [
                (Turn::Upright, image.clone()),
                (Turn::Mirrored, imageops::flip_horizontal(&image)),
                (Turn::UpsideDown, imageops::flip_vertical(&image)),
                (Turn::Rotated, imageops::rotate180(&image)),
            ] {
                let alike = correlation(&original.whole, &turned(&of(&image).whole, turn));
                prop_assert!(alike > 0.9999, "{turn:?} {alike}");
            }
        }

        #[test]
        fn cells_cover_everything_once(length in 1usize..300, count in 1usize..40) {
            let mut covered = vec![0.0f64; length];
            for cell in cells(length, count) {
                prop_assert!((cell.iter().map(|c| c.1).sum::<f32>() - 1.0).abs() < 1e-4);
                for (pixel, share) in cell {
                    covered[pixel] += f64::from(share) * length as f64 / count as f64;
                }
            }
            prop_assert!(covered.iter().all(|c| (c - 1.0).abs() < 1e-3));
        }
    }

    /// Another border changes the whole, not the head, wherever the head's box is found again: the
    /// box is a good guess, so this holds for most images and not for each.
    #[test]
    fn most_heads_are_found_in_another_frame() {
        let (mut heads, mut wholes) = (0, 0);
        for seed in 0..40 {
            let image = picture(seed);
            let border = 3 + seed as u32;
            let mut framed = GrayImage::new(96 + 2 * border, 96 + border);
            imageops::replace(&mut framed, &image, i64::from(border), 2);
            let (original, framed) = (of(&image), of(&framed));
            heads += usize::from(correlation(&original.head, &framed.head) > 0.99);
            wholes += usize::from(correlation(&original.whole, &framed.whole) > 0.99);
        }
        assert!(heads >= 30 && wholes <= 10, "{heads} and {wholes} of 40");
    }

    #[test]
    fn different_heads_differ_and_flat_ones_are_nothing() {
        for seed in 0..12 {
            let (a, b) = (of(&picture(seed)), of(&picture(seed + 12)));
            assert!(correlation(&a.whole, &b.whole) < 0.99);
            assert!(correlation(&a.head, &b.head) < 0.99);
        }
        let flat = of(&GrayImage::from_pixel(40, 30, image::Luma([77])));
        assert!(flat.whole.iter().all(|v| *v == 0.0));
    }

    #[test]
    fn storage_is_named() {
        let mut bytes = Vec::new();
        DynamicImage::from(picture(1))
            .to_rgb8()
            .write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png)
            .unwrap();
        let (_, storage) = read(&bytes).unwrap();
        assert_eq!(
            (storage.format.as_str(), storage.mode.as_str()),
            ("PNG", "RGB 8-bit")
        );
        assert_eq!((storage.width, storage.height), (96, 96));
        assert!(read(&bytes[..200]).is_err());
    }
}
