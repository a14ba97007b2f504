//! Random changes to training images.
//!
//! Moves and turns (`warp`), then grey values (`grey`), then blur, noise and erasing (`degrade`),
//! then the normalisation that evaluation applies too; `mix` joins pairs of the results.

mod degrade;
mod grey;
mod mix;
mod warp;

use rand::Rng;
use scanlight_model::preprocess::{InputGeometry, normalise};

pub use mix::mix;

use crate::config::AugmentationConfig;
use crate::data::Image;
use crate::explain::LesionBox;
use degrade::Degrade;
use grey::Grey;
use warp::Warp;

/// A training input and what was done to the image.
pub struct Augmented {
    /// Normalised, `width * height` values.
    pub values: Vec<f32>,
    /// Where it shows what.
    pub view: View,
}

/// Where a training input shows what part of the clean image.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct View {
    /// Left and right are exchanged, after the warp.
    mirrored: bool,
    /// `None` for an image that was left as it is.
    warp: Option<Warp>,
}

impl View {
    /// How much of each cell of a grid over the input lies in a box (in fractions of the clean plane),
    /// row by row, 0 to 1. `sides` are the input's, in pixels; `origin` is where the first cell is centred, in
    /// cells ([`Architecture::cell_origin`](scanlight_model::arch::Architecture::cell_origin)): the maps are
    /// drawn around these centres.
    pub fn coverage(
        &self,
        lesion: &LesionBox,
        grid: [usize; 2],
        origin: [f32; 2],
        sides: [f32; 2],
    ) -> Vec<f32> {
        /// Points in a cell, each way.
        const POINTS: usize = 4;
        let clean = self.warp.as_ref().map(|warp| warp.inverse(sides));
        let inside = |u: f32, v: f32| {
            let u = if self.mirrored { 1.0 - u } else { u };
            let [x, y] = match &clean {
                Some(clean) => clean([u * sides[0], v * sides[1]]),
                None => [u * sides[0], v * sides[1]],
            };
            lesion.contains([x / sides[0], y / sides[1]])
        };
        let [width, height] = grid;
        let at = |cell: usize, point: usize, axis: usize| {
            let first = origin[axis] - 0.5;
            (cell as f32 + first + (point as f32 + 0.5) / POINTS as f32) / grid[axis] as f32
        };
        (0..width * height)
            .map(|cell| {
                let (column, row) = (cell % width, cell / width);
                let count = (0..POINTS * POINTS)
                    .filter(|point| {
                        inside(at(column, point % POINTS, 0), at(row, point / POINTS, 1))
                    })
                    .count();
                count as f32 / (POINTS * POINTS) as f32
            })
            .collect()
    }
}

/// One training input: the image as it is or changed.
pub fn augment(
    image: &Image,
    geometry: &InputGeometry,
    config: &AugmentationConfig,
    rng: &mut impl Rng,
) -> Augmented {
    let (width, height) = (geometry.width as usize, geometry.height as usize);
    // Drawn in a fixed order and always, so that one setting does not change the others' numbers.
    let untouched = rng.random_bool(config.untouched);
    let mirrored = rng.random_bool(config.horizontal_flip);
    let warp = Warp::draw(config, rng);
    let grey = Grey::draw(config, rng);
    let degrade = Degrade::draw(config, width, height, rng);
    let mut values = if untouched {
        image.clean.clone()
    } else {
        let mut values = warp.apply(&image.source, width, height);
        grey.apply(&mut values, width);
        degrade.apply(&mut values, width, rng);
        normalise(&mut values, geometry.normalisation);
        values
    };
    if mirrored {
        for line in values.chunks_exact_mut(width) {
            line.reverse();
        }
    }
    Augmented {
        values,
        view: View {
            mirrored,
            warp: (!untouched).then_some(warp),
        },
    }
}

/// A number drawn evenly from `-range..range`.
fn both_ways(range: f32, rng: &mut impl Rng) -> f32 {
    range * (rng.random::<f32>() * 2.0 - 1.0)
}

/// Whole pixels of a plane: `left..right` by `top..bottom`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Rectangle {
    /// Number of pixels.
    fn area(&self) -> usize {
        (self.right - self.left) * (self.bottom - self.top)
    }
}

/// A rectangle from its sides and middle in fractions of the plane's; what lies outside is cut off.
fn rectangle(sides: [f32; 2], middle: [f32; 2], width: usize, height: usize) -> Rectangle {
    let edges = |side: f32, middle: f32, length: usize| -> (usize, usize) {
        let at = |x: f32| (x.clamp(0.0, 1.0) * length as f32).round() as usize;
        (at(middle - side / 2.0), at(middle + side / 2.0))
    };
    let (left, right) = edges(sides[0], middle[0], width);
    let (top, bottom) = edges(sides[1], middle[1], height);
    Rectangle {
        left,
        top,
        right,
        bottom,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// A bright blob beside the middle, 32 x 32.
    pub fn picture() -> Image {
        let luma: Vec<u8> = (0..96 * 96)
            .map(|i| {
                let (x, y) = ((i % 96) as f32 - 40.0, (i / 96) as f32 - 52.0);
                (220.0 * (-(x * x + y * y) / 600.0).exp()) as u8
            })
            .collect();
        let buffer = image::GrayImage::from_raw(96, 96, luma).unwrap();
        let mut bytes = std::io::Cursor::new(Vec::new());
        buffer
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        Image::from_bytes(
            &bytes.into_inner(),
            0,
            &InputGeometry::square(32),
            true,
            None,
        )
        .unwrap()
    }

    fn still() -> AugmentationConfig {
        AugmentationConfig {
            untouched: 0.0,
            horizontal_flip: 0.0,
            rotation: 0.0,
            zoom: 0.0,
            stretch: 0.0,
            shift: 0.0,
            shear: 0.0,
            crop: 0.0,
            gamma: 0.0,
            bias_field: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            blur_probability: 0.0,
            noise_probability: 0.0,
            erase_probability: 0.0,
            ..AugmentationConfig::default()
        }
    }

    fn run(config: &AugmentationConfig, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        augment(&picture(), &InputGeometry::square(32), config, &mut rng).values
    }

    #[test]
    fn no_change_is_close_to_the_clean_image() {
        let image = picture();
        let worst = run(&still(), 1)
            .iter()
            .zip(&image.clean)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.1, "{worst}");
    }

    #[test]
    fn mirroring_twice_is_nothing_and_a_seed_repeats() {
        let image = picture();
        let config = AugmentationConfig {
            untouched: 1.0,
            horizontal_flip: 1.0,
            ..still()
        };
        let mut values = run(&config, 1);
        assert_ne!(values, image.clean);
        for line in values.chunks_exact_mut(32) {
            line.reverse();
        }
        assert_eq!(values, image.clean);
    }

    /// What the documentation says of brightness, contrast and the normalisation.
    #[test]
    fn the_curve_and_the_field_survive_the_normalisation() {
        let plain = run(&still(), 7);
        let difference = |config: &AugmentationConfig| {
            (0..20)
                .flat_map(|seed| {
                    run(config, seed)
                        .into_iter()
                        .zip(&plain)
                        .map(|(a, b)| (a - b).abs())
                        .collect::<Vec<_>>()
                })
                .fold(0.0, f32::max)
        };
        assert!(difference(&still()) < 1e-6);
        let gamma = AugmentationConfig {
            gamma: 0.5,
            ..still()
        };
        assert!(difference(&gamma) > 0.2);
        let field = AugmentationConfig {
            bias_field: 0.5,
            ..still()
        };
        assert!(difference(&field) > 0.2);
    }

    fn strengths() -> impl Strategy<Value = AugmentationConfig> {
        (
            [0.0..1.0f64, 0.0..1.0, 0.0..1.0, 0.0..1.0, 0.0..1.0],
            (0.0..180.0f32, 0.0..60.0f32, 0.0..3.0f32, 0.0..3.0f32),
            [0.0..0.99f32, 0.0..0.99, 0.0..0.99, 0.0..0.99, 0.0..0.49],
            [0.0..1.0f32, 0.0..1.0, 0.0..1.0, 0.0..10.0],
        )
            .prop_map(|(chances, angles, moves, rest)| AugmentationConfig {
                untouched: chances[0],
                horizontal_flip: chances[1],
                blur_probability: chances[2],
                noise_probability: chances[3],
                erase_probability: chances[4],
                rotation: angles.0,
                shear: angles.1,
                gamma: angles.2,
                bias_field: angles.3,
                zoom: moves[0],
                stretch: moves[1],
                shift: moves[2],
                contrast: moves[3],
                crop: moves[4],
                brightness: rest[0],
                noise: rest[1],
                erase: rest[2],
                blur: rest[3],
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_change_gives_a_finite_normalised_plane_by_its_seed(
            config in strengths(),
            seed in any::<u64>(),
        ) {
            let values = run(&config, seed);
            prop_assert_eq!(values.len(), 32 * 32);
            prop_assert!(values.iter().all(|v| v.is_finite()));
            let mean = values.iter().sum::<f32>() / 1024.0;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 1024.0;
            prop_assert!(mean.abs() < 1e-3, "{}", mean);
            // A flat picture (all moved out of the plane) is all 0.
            prop_assert!((variance - 1.0).abs() < 1e-2 || variance < 1e-6, "{}", variance);
            prop_assert_eq!(values, run(&config, seed));
        }
    }

    /// Not a benchmark: prints the time for a person who asks for it.
    #[test]
    #[ignore = "prints a timing"]
    fn time_of_one_image() {
        let geometry = InputGeometry::square(128);
        let buffer = image::GrayImage::from_fn(256, 256, |x, y| image::Luma([(x ^ y) as u8]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        buffer
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        let image = Image::from_bytes(&bytes.into_inner(), 0, &geometry, true, None).unwrap();
        let config = AugmentationConfig {
            untouched: 0.0,
            blur_probability: 1.0,
            noise_probability: 1.0,
            erase_probability: 1.0,
            ..AugmentationConfig::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let start = std::time::Instant::now();
        for _ in 0..200 {
            std::hint::black_box(augment(&image, &geometry, &config, &mut rng));
        }
        println!("{:.2} ms an image", start.elapsed().as_secs_f64() * 5.0);
    }
}
