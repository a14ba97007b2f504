//! Random changes to training images.

use rand::Rng;
use scanlight_model::preprocess::{InputGeometry, normalise};

use crate::config::AugmentationConfig;
use crate::data::Image;

/// Factor between the input plane and the plane that is drawn from.
const FACTOR: usize = 2;

/// One training input: the image as it is or changed, normalised, `width * height` values.
pub fn augment(
    image: &Image,
    geometry: &InputGeometry,
    config: &AugmentationConfig,
    rng: &mut impl Rng,
) -> Vec<f32> {
    let (width, height) = (geometry.width as usize, geometry.height as usize);
    // Drawn in a fixed order and always, so that one setting does not change the others' numbers.
    let untouched = rng.random_bool(config.untouched);
    let mirrored = rng.random_bool(config.horizontal_flip);
    let mut draw = |range: f32| range * (rng.random::<f32>() * 2.0 - 1.0);
    let change = Change {
        rotation: draw(config.rotation).to_radians(),
        zoom: 1.0 + draw(config.zoom),
        shift: [draw(config.shift), draw(config.shift)],
        shear: draw(config.shear).to_radians().tan(),
    };
    let mut values = if untouched {
        image.clean.clone()
    } else {
        let mut values = change.apply(&image.source, width, height);
        normalise(&mut values, geometry.normalisation);
        values
    };
    if mirrored {
        for line in values.chunks_exact_mut(width) {
            line.reverse();
        }
    }
    values
}

/// An affine change about the image's middle.
struct Change {
    /// Radians.
    rotation: f32,
    /// Above 1 enlarges.
    zoom: f32,
    /// In fractions of a side.
    shift: [f32; 2],
    /// Sideways pixels for each pixel down.
    shear: f32,
}

impl Change {
    /// The changed image at input size, from one `FACTOR` times as wide and high.
    ///
    /// Each output pixel is the mean of `FACTOR` x `FACTOR` bilinear samples, so that changed and
    /// untouched images are about equally sharp.
    fn apply(&self, source: &[u8], width: usize, height: usize) -> Vec<f32> {
        let (wide, high) = (width * FACTOR, height * FACTOR);
        let background = f32::from(source.iter().copied().min().unwrap_or(0));
        let (sin, cos) = self.rotation.sin_cos();
        let scale = 1.0 / self.zoom;
        // Output offset to source offset: undo the shift, the rotation, the shear and the zoom.
        let (a, b) = (
            scale * (cos + self.shear * sin),
            scale * (sin - self.shear * cos),
        );
        let (c, d) = (-scale * sin, scale * cos);
        let middle = [wide as f32 / 2.0, high as f32 / 2.0];
        let shift = [self.shift[0] * wide as f32, self.shift[1] * high as f32];
        let sample = |x: f32, y: f32| -> f32 {
            let (x, y) = (x - 0.5, y - 0.5);
            let (x0, y0) = (x.floor(), y.floor());
            let (fx, fy) = (x - x0, y - y0);
            let at = |x: f32, y: f32| -> f32 {
                if x >= 0.0 && y >= 0.0 && x < wide as f32 && y < high as f32 {
                    f32::from(source[y as usize * wide + x as usize])
                } else {
                    background
                }
            };
            let top = at(x0, y0) * (1.0 - fx) + at(x0 + 1.0, y0) * fx;
            let bottom = at(x0, y0 + 1.0) * (1.0 - fx) + at(x0 + 1.0, y0 + 1.0) * fx;
            top * (1.0 - fy) + bottom * fy
        };
        let mut values = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let mut sum = 0.0;
                for sub in 0..FACTOR * FACTOR {
                    let x = (column * FACTOR + sub % FACTOR) as f32 + 0.5;
                    let y = (row * FACTOR + sub / FACTOR) as f32 + 0.5;
                    let (dx, dy) = (x - middle[0] - shift[0], y - middle[1] - shift[1]);
                    sum += sample(middle[0] + a * dx + b * dy, middle[1] + c * dx + d * dy);
                }
                values.push(sum / (FACTOR * FACTOR) as f32);
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn picture() -> Image {
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
        Image::from_bytes(&bytes.into_inner(), 0, &InputGeometry::square(32), true).unwrap()
    }

    fn still() -> AugmentationConfig {
        AugmentationConfig {
            untouched: 0.0,
            rotation: 0.0,
            zoom: 0.0,
            shift: 0.0,
            shear: 0.0,
            horizontal_flip: 0.0,
        }
    }

    #[test]
    fn no_change_is_close_to_the_clean_image() {
        let image = picture();
        let geometry = InputGeometry::square(32);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let values = augment(&image, &geometry, &still(), &mut rng);
        let worst = values
            .iter()
            .zip(&image.clean)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.1, "{worst}");
    }

    #[test]
    fn mirroring_twice_is_nothing_and_a_seed_repeats() {
        let image = picture();
        let geometry = InputGeometry::square(32);
        let config = AugmentationConfig {
            untouched: 1.0,
            horizontal_flip: 1.0,
            ..still()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut values = augment(&image, &geometry, &config, &mut rng);
        assert_ne!(values, image.clean);
        for line in values.chunks_exact_mut(32) {
            line.reverse();
        }
        assert_eq!(values, image.clean);

        let strong = AugmentationConfig::default();
        let run = |seed| {
            augment(
                &image,
                &geometry,
                &strong,
                &mut ChaCha8Rng::seed_from_u64(seed),
            )
        };
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }

    #[test]
    fn zoom_enlarges_and_shift_moves() {
        let image = picture();
        let middle_of_mass = |values: &[f32]| -> [f32; 2] {
            let low = values.iter().copied().fold(f32::INFINITY, f32::min);
            let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
            for (index, value) in values.iter().enumerate() {
                x += (index % 32) as f32 * (value - low);
                y += (index / 32) as f32 * (value - low);
                mass += value - low;
            }
            [x / mass, y / mass]
        };
        let change = |zoom: f32, shift: [f32; 2]| {
            Change {
                rotation: 0.0,
                zoom,
                shift,
                shear: 0.0,
            }
            .apply(&image.source, 32, 32)
        };
        let plain = change(1.0, [0.0; 2]);
        let moved = change(1.0, [0.125, 0.0]);
        let step = middle_of_mass(&moved)[0] - middle_of_mass(&plain)[0];
        assert!((step - 4.0).abs() < 1.0, "{step}");
        let bright = |values: &[f32]| values.iter().filter(|v| **v > 100.0).count();
        assert!(bright(&change(1.4, [0.0; 2])) > bright(&plain));
    }
}
