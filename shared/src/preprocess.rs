//! Scans to network input: one function for the trainer and the page.
//!
//! The steps, all stated in a bundle's manifest as [`InputGeometry`]:
//! crop to the foreground (or not), resize with an antialiasing filter, fit into the input plane by
//! the aspect-ratio policy, normalise by the image's own statistics.

use burn::tensor::{Tensor, TensorData, backend::Backend};
use image::{ImageBuffer, Luma, imageops};
use serde::{Deserialize, Serialize};

use crate::geometry::{Placement, Rect};
use crate::scan::Scan;

/// How an image whose aspect ratio differs from the input plane's is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Keep the aspect ratio, centre, pad with the image's darkest value.
    #[default]
    Letterbox,
    /// Fill the plane, changing the aspect ratio.
    Stretch,
}

/// Which part of the image the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// All of it.
    None,
    /// The bounding box of what is not dark background, see [`foreground`].
    #[default]
    Foreground,
}

/// How pixel values become the network's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// Mean 0 and standard deviation 1 over the input plane of each image; a flat image is all 0.
    #[default]
    PerImageStandard,
}

/// The antialiasing filter of the resize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Linear interpolation whose support widens with the reduction, so that every pixel counts.
    #[default]
    Triangle,
}

/// The network's input plane and how an image gets onto it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputGeometry {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Part of the image that is seen.
    #[serde(default)]
    pub crop: Crop,
    /// Aspect-ratio policy.
    #[serde(default)]
    pub fit: Fit,
    /// Resize filter.
    #[serde(default)]
    pub filter: Filter,
    /// Value normalisation.
    #[serde(default)]
    pub normalisation: Normalisation,
}

impl Default for InputGeometry {
    fn default() -> Self {
        Self::square(128)
    }
}

impl InputGeometry {
    /// A square input plane with the default policies.
    pub fn square(side: u32) -> Self {
        Self {
            width: side,
            height: side,
            crop: Crop::default(),
            fit: Fit::default(),
            filter: Filter::default(),
            normalisation: Normalisation::default(),
        }
    }

    /// The same policies on a plane `factor` times as large.
    pub fn scaled(&self, factor: u32) -> Self {
        Self {
            width: self.width * factor,
            height: self.height * factor,
            ..*self
        }
    }

    /// Number of values of one input.
    pub fn len(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Whether the plane has no pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One image on the network's input plane.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInput {
    /// Values, row-major, `height * width` of them.
    pub values: Vec<f32>,
    /// Where each came from in the original image.
    pub placement: Placement,
}

impl ModelInput {
    /// A plane that is its own image: `height * width` normalised values, row-major.
    pub fn from_plane(values: Vec<f32>, width: u32, height: u32) -> Self {
        let all = Rect {
            x: 0.0,
            y: 0.0,
            width: width as f32,
            height: height as f32,
        };
        let placement = Placement {
            image: [width, height],
            model: [width, height],
            source: all,
            target: all,
        };
        Self { values, placement }
    }
}

/// A scan on the network's input plane: cropped, resized, fitted and normalised.
pub fn preprocess(scan: &Scan, geometry: &InputGeometry) -> ModelInput {
    let mut input = place(scan, geometry);
    normalise(&mut input.values, geometry.normalisation);
    input
}

/// [`preprocess`] without its last step: values keep the scan's scale.
///
/// The trainer caches this (at a multiple of the input size) and augments it before normalising.
pub fn place(scan: &Scan, geometry: &InputGeometry) -> ModelInput {
    let source = match geometry.crop {
        Crop::None => Region::whole(scan),
        Crop::Foreground => foreground(scan),
    };
    let target = fit(source, geometry);
    let resized = resize(scan, source, target.width, target.height);
    let padding = scan.luma().iter().copied().fold(f32::INFINITY, f32::min);

    let (width, height) = (geometry.width as usize, geometry.height as usize);
    let mut values = vec![padding; width * height];
    for (row, line) in resized.chunks_exact(target.width as usize).enumerate() {
        let start = (target.y as usize + row) * width + target.x as usize;
        values[start..start + line.len()].copy_from_slice(line);
    }
    ModelInput {
        values,
        placement: Placement {
            image: [scan.width(), scan.height()],
            model: [geometry.width, geometry.height],
            source: source.into(),
            target: target.into(),
        },
    }
}

/// Brings values to the scale that the network was trained on.
pub fn normalise(values: &mut [f32], normalisation: Normalisation) {
    match normalisation {
        Normalisation::PerImageStandard => {
            let count = values.len().max(1) as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let variance = values
                .iter()
                .map(|&v| (f64::from(v) - mean).powi(2))
                .sum::<f64>()
                / count;
            // A flat image has nothing to stretch: rounding noise must not become a picture.
            let floor = 1e-6 * mean.abs().max(1e-6);
            let scale = if variance.sqrt() > floor {
                1.0 / variance.sqrt()
            } else {
                0.0
            };
            for value in values {
                *value = ((f64::from(*value) - mean) * scale) as f32;
            }
        }
    }
}

/// Inputs of equal geometry as one tensor `[N, 1, height, width]`.
pub fn to_tensor<B: Backend>(
    inputs: &[&[f32]],
    geometry: &InputGeometry,
    device: &B::Device,
) -> Tensor<B, 4> {
    let mut values = Vec::with_capacity(inputs.len() * geometry.len());
    for input in inputs {
        values.extend_from_slice(input);
    }
    let shape = [
        inputs.len(),
        1,
        geometry.height as usize,
        geometry.width as usize,
    ];
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// A rectangle of whole pixels inside an image or plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width, at least 1.
    pub width: u32,
    /// Height, at least 1.
    pub height: u32,
}

impl Region {
    /// All of a scan.
    pub fn whole(scan: &Scan) -> Self {
        Self {
            x: 0,
            y: 0,
            width: scan.width(),
            height: scan.height(),
        }
    }
}

impl From<Region> for Rect {
    fn from(region: Region) -> Self {
        Self {
            x: region.x as f32,
            y: region.y as f32,
            width: region.width as f32,
            height: region.height as f32,
        }
    }
}

/// Share of the brightness range that counts as foreground.
const FOREGROUND_LEVEL: f32 = 0.10;
/// Share of a row or column that has to be foreground for the head to reach there.
const FOREGROUND_SHARE: f32 = 0.03;
/// The widest gap inside a head, as a share of a side; what lies farther off, such as a ruler, a
/// frame or a line of text, is no part of it.
const FOREGROUND_GAP: f32 = 0.03;
/// A box with less than this share of a side is no head, and the whole image is kept.
const FOREGROUND_MIN_SIDE: f32 = 0.25;

/// The bounding box of the head: rows and columns in which enough pixels exceed a tenth of the
/// image's brightness range (its 1st to 99th percentile).
///
/// Public sets frame the same slices with wide or no borders; this brings them to one scale. Marks
/// do not count when they fill less than 3 % of their rows and columns, nor when a gap of more than
/// 3 % of the side parts them from the head, the longest stretch. Where no plausible head is found,
/// the region is the whole image.
pub fn foreground(scan: &Scan) -> Region {
    let (width, height) = (scan.width() as usize, scan.height() as usize);
    let (low, high) = percentiles(scan.luma());
    let threshold = low + FOREGROUND_LEVEL * (high - low);
    let mut columns = vec![0u32; width];
    let mut rows = vec![0u32; height];
    for (line, row) in scan.luma().chunks_exact(width).zip(&mut rows) {
        for (&value, column) in line.iter().zip(&mut columns) {
            if value > threshold {
                *column += 1;
                *row += 1;
            }
        }
    }
    match (span(&columns, height), span(&rows, width)) {
        (Some((x, width)), Some((y, height))) => Region {
            x,
            y,
            width,
            height,
        },
        _ => Region::whole(scan),
    }
}

/// Start and length of the longest stretch of lines in which enough of the `across` pixels are
/// bright; small gaps do not end a stretch.
fn span(counts: &[u32], across: usize) -> Option<(u32, u32)> {
    let enough = (FOREGROUND_SHARE * across as f32).ceil().max(1.0) as u32;
    let gap = (FOREGROUND_GAP * counts.len() as f32).ceil() as usize;
    let mut longest: Option<(usize, usize)> = None;
    let mut current: Option<(usize, usize)> = None;
    let lines = (0..counts.len()).filter(|&line| counts[line] >= enough);
    for line in lines {
        let start = match current {
            Some((start, last)) if line - last <= gap + 1 => start,
            _ => line,
        };
        current = Some((start, line));
        if longest.is_none_or(|(first, last)| line - start > last - first) {
            longest = current;
        }
    }
    let (first, last) = longest?;
    let length = last - first + 1;
    (length as f32 >= FOREGROUND_MIN_SIDE * counts.len() as f32)
        .then_some((first as u32, length as u32))
}

/// The 1st and 99th percentile, from at most some 65,000 evenly spaced values.
fn percentiles(values: &[f32]) -> (f32, f32) {
    let step = (values.len() / 65_536).max(1);
    let mut sample: Vec<f32> = values.iter().copied().step_by(step).collect();
    // Choosing two places is several times faster than sorting all.
    let mut at = |share: f32| {
        let index = (share * (sample.len() - 1) as f32).round() as usize;
        *sample.select_nth_unstable_by(index, f32::total_cmp).1
    };
    (at(0.01), at(0.99))
}

/// Where a region lands on the input plane.
fn fit(source: Region, geometry: &InputGeometry) -> Region {
    let (width, height) = (geometry.width, geometry.height);
    match geometry.fit {
        Fit::Stretch => Region {
            x: 0,
            y: 0,
            width,
            height,
        },
        Fit::Letterbox => {
            let scale = (f64::from(width) / f64::from(source.width))
                .min(f64::from(height) / f64::from(source.height));
            let side = |length: u32, limit: u32| {
                ((f64::from(length) * scale).round() as u32).clamp(1, limit)
            };
            let (fitted_width, fitted_height) =
                (side(source.width, width), side(source.height, height));
            Region {
                x: (width - fitted_width) / 2,
                y: (height - fitted_height) / 2,
                width: fitted_width,
                height: fitted_height,
            }
        }
    }
}

/// A part of the scan at another size, antialiased.
fn resize(scan: &Scan, region: Region, width: u32, height: u32) -> Vec<f32> {
    let stride = scan.width() as usize;
    let mut part = Vec::with_capacity(region.width as usize * region.height as usize);
    for line in scan
        .luma()
        .chunks_exact(stride)
        .skip(region.y as usize)
        .take(region.height as usize)
    {
        part.extend_from_slice(&line[region.x as usize..(region.x + region.width) as usize]);
    }
    if (region.width, region.height) == (width, height) {
        return part;
    }
    // `image` clamps f32 samples to 0..1 while resizing, so bring them there and back.
    let low = part.iter().copied().fold(f32::INFINITY, f32::min);
    let high = part.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = high - low;
    if range <= 0.0 || !range.is_finite() {
        return vec![low; width as usize * height as usize];
    }
    for value in &mut part {
        *value = (*value - low) / range;
    }
    let Some(buffer) =
        ImageBuffer::<Luma<f32>, Vec<f32>>::from_raw(region.width, region.height, part)
    else {
        unreachable!("the buffer was filled to the region's size")
    };
    let mut resized =
        imageops::resize(&buffer, width, height, imageops::FilterType::Triangle).into_raw();
    for value in &mut resized {
        *value = low + *value * range;
    }
    resized
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scan(width: u32, height: u32, value: impl Fn(u32, u32) -> f32) -> Scan {
        let luma = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| value(x, y))
            .collect();
        Scan::new(width, height, luma, (0.0, 255.0)).unwrap()
    }

    fn disc(width: u32, height: u32, centre: [f32; 2], radius: f32) -> Scan {
        scan(width, height, |x, y| {
            let (dx, dy) = (x as f32 + 0.5 - centre[0], y as f32 + 0.5 - centre[1]);
            if dx.hypot(dy) < radius { 200.0 } else { 3.0 }
        })
    }

    #[test]
    fn foreground_finds_the_head_and_ignores_marks() {
        let plain = disc(200, 160, [120.0, 90.0], 50.0);
        let marked = |marks: &dyn Fn(usize, usize) -> bool| {
            let mut luma = plain.luma().to_vec();
            for (index, value) in luma.iter_mut().enumerate() {
                if marks(index % 200, index / 200) {
                    *value = 255.0;
                }
            }
            Scan::new(200, 160, luma, (0.0, 255.0)).unwrap()
        };
        let short = marked(&|x, y| x == 5 && (60..64).contains(&y));
        let ruler = marked(&|x, _| x == 5);
        let ticks = marked(&|x, y| x == 5 || x < 12 && y % 10 == 0);
        let frame = marked(&|x, y| x == 0 || x == 199 || y == 0 || y == 159);
        for picture in [plain.clone(), short, ruler, ticks, frame] {
            let found = foreground(&picture);
            for (value, expected) in [
                (found.x, 70),
                (found.y, 40),
                (found.width, 100),
                (found.height, 100),
            ] {
                assert!(value.abs_diff(expected) <= 4, "{found:?}");
            }
        }
    }

    #[test]
    fn flat_images_keep_the_whole_and_become_zero() {
        let flat = scan(31, 17, |_, _| 42.0);
        assert_eq!(foreground(&flat), Region::whole(&flat));
        let input = preprocess(&flat, &InputGeometry::default());
        assert!(input.values.iter().all(|&v| v == 0.0));
    }

    #[test]
    fn a_large_reduction_averages() {
        // A one-pixel checkerboard must become grey, not stripes.
        let board = scan(512, 512, |x, y| ((x + y) % 2) as f32 * 255.0);
        let geometry = InputGeometry {
            crop: Crop::None,
            ..InputGeometry::default()
        };
        let placed = place(&board, &geometry);
        for y in 2..126 {
            for x in 2..126 {
                let value = placed.values[y * 128 + x];
                assert!((value - 127.5).abs() < 2.0, "{value}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_image_gives_a_finite_standardised_plane(
            width in 1u32..90, height in 1u32..90, seed in any::<u32>(),
            scale in prop_oneof![Just(1.0f32), Just(255.0), Just(65535.0), Just(1e-3)],
            stretch in any::<bool>(), whole in any::<bool>(),
        ) {
            let noise = |x: u32, y: u32| {
                let mixed = (x.wrapping_mul(0x9E37_79B9) ^ y.wrapping_mul(0x85EB_CA6B) ^ seed)
                    .wrapping_mul(0xC2B2_AE35);
                (mixed >> 8) as f32 / 16_777_216.0 * scale
            };
            let geometry = InputGeometry {
                fit: if stretch { Fit::Stretch } else { Fit::Letterbox },
                crop: if whole { Crop::None } else { Crop::Foreground },
                ..InputGeometry::square(32)
            };
            let input = preprocess(&scan(width, height, noise), &geometry);
            prop_assert_eq!(input.values.len(), 32 * 32);
            prop_assert!(input.values.iter().all(|v| v.is_finite()));
            let mean = input.values.iter().sum::<f32>() / 1024.0;
            let variance = input.values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1024.0;
            prop_assert!(mean.abs() < 1e-3);
            prop_assert!((variance - 1.0).abs() < 1e-2 || variance == 0.0);
        }

        #[test]
        fn brightness_and_contrast_do_not_matter(gain in 0.01f32..100.0, offset in -500f32..500.0) {
            let plain = disc(70, 50, [30.0, 25.0], 18.0);
            let changed: Vec<f32> = plain.luma().iter().map(|v| v * gain + offset).collect();
            let changed = Scan::new(70, 50, changed, (0.0, 1.0)).unwrap();
            let geometry = InputGeometry::square(48);
            let (a, b) = (preprocess(&plain, &geometry), preprocess(&changed, &geometry));
            prop_assert_eq!(a.placement, b.placement);
            for (a, b) in a.values.iter().zip(&b.values) {
                prop_assert!((a - b).abs() < 2e-3, "{} {}", a, b);
            }
        }

        #[test]
        fn placement_round_trips_and_stays_inside(
            width in 1u32..3000, height in 1u32..3000, x in 0f32..1.0, y in 0f32..1.0,
        ) {
            let geometry = InputGeometry::default();
            let source = Region { x: 0, y: 0, width, height };
            let target = fit(source, &geometry);
            prop_assert!(target.x + target.width <= 128 && target.y + target.height <= 128);
            prop_assert!(target.width == 128 || target.height == 128);
            let placement = Placement {
                image: [width, height], model: [128, 128],
                source: source.into(), target: target.into(),
            };
            let point = [x * width as f32, y * height as f32];
            let back = placement.image_from_model(placement.model_from_image(point));
            prop_assert!((back[0] - point[0]).abs() < 0.01 * width as f32 + 0.01);
            prop_assert!((back[1] - point[1]).abs() < 0.01 * height as f32 + 0.01);
        }
    }
}
