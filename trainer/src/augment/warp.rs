//! Moving, turning and stretching.

use rand::Rng;

use super::both_ways;
use crate::config::AugmentationConfig;
use crate::data::SOURCE_FACTOR;

/// Factor between the input plane and the plane that is drawn from.
const FACTOR: usize = SOURCE_FACTOR as usize;

/// An affine change about the image's middle.
#[derive(Debug, Clone, PartialEq)]
pub struct Warp {
    /// Radians.
    pub rotation: f32,
    /// Horizontal and vertical; above 1 enlarges.
    pub zoom: [f32; 2],
    /// In fractions of a side.
    pub shift: [f32; 2],
    /// Sideways pixels for each pixel down.
    pub shear: f32,
}

impl Warp {
    /// A random change within the configuration's ranges.
    pub fn draw(config: &AugmentationConfig, rng: &mut impl Rng) -> Self {
        let rotation = both_ways(config.rotation, rng).to_radians();
        let zoom = 1.0 + both_ways(config.zoom, rng);
        let stretch = (1.0 + both_ways(config.stretch, rng)).sqrt();
        let mut shift = [both_ways(config.shift, rng), both_ways(config.shift, rng)];
        let shear = both_ways(config.shear, rng).to_radians().tan();
        let mut zoom = [zoom * stretch, zoom / stretch];
        // Cutting the sides off and filling the plane again is a zoom and a shift of each axis.
        for (zoom, shift) in zoom.iter_mut().zip(&mut shift) {
            let (low, high) = (
                config.crop * rng.random::<f32>(),
                config.crop * rng.random::<f32>(),
            );
            *zoom /= 1.0 - low - high;
            *shift += 0.5 * (high - low) * *zoom;
        }
        Self {
            rotation,
            zoom,
            shift,
            shear,
        }
    }

    /// Where a point of the changed plane lies in the unchanged one, both in the units of `sides`.
    pub fn inverse(&self, sides: [f32; 2]) -> impl Fn([f32; 2]) -> [f32; 2] + use<> {
        let (sin, cos) = self.rotation.sin_cos();
        let scale = [1.0 / self.zoom[0], 1.0 / self.zoom[1]];
        // Output offset to source offset: undo the shift, the rotation, the shear and the zoom.
        let (a, b) = (
            scale[0] * (cos + self.shear * sin),
            scale[0] * (sin - self.shear * cos),
        );
        let (c, d) = (-scale[1] * sin, scale[1] * cos);
        let middle = [sides[0] / 2.0, sides[1] / 2.0];
        let shift = [self.shift[0] * sides[0], self.shift[1] * sides[1]];
        move |[x, y]| {
            let (dx, dy) = (x - middle[0] - shift[0], y - middle[1] - shift[1]);
            [middle[0] + a * dx + b * dy, middle[1] + c * dx + d * dy]
        }
    }

    /// The changed image at input size, from one `FACTOR` times as wide and high; values 0 to 255.
    ///
    /// Each output pixel is the mean of `FACTOR` x `FACTOR` bilinear samples, so that changed and
    /// untouched images are about equally sharp. Outside the image is its darkest value.
    pub fn apply(&self, source: &[u8], width: usize, height: usize) -> Vec<f32> {
        let (wide, high) = (width * FACTOR, height * FACTOR);
        let background = f32::from(source.iter().copied().min().unwrap_or(0));
        let origin = self.inverse([wide as f32, high as f32]);
        let sample = |x: f32, y: f32| -> f32 {
            let (x, y) = (x - 0.5, y - 0.5);
            let (x0, y0) = (x.floor(), y.floor());
            let (fx, fy) = (x - x0, y - y0);
            let inside = x0 >= 0.0 && y0 >= 0.0 && x0 + 1.0 < wide as f32 && y0 + 1.0 < high as f32;
            let [p, q, r, s] = if inside {
                let at = y0 as usize * wide + x0 as usize;
                [
                    source[at],
                    source[at + 1],
                    source[at + wide],
                    source[at + wide + 1],
                ]
                .map(f32::from)
            } else {
                let at = |x: f32, y: f32| -> f32 {
                    if x >= 0.0 && y >= 0.0 && x < wide as f32 && y < high as f32 {
                        f32::from(source[y as usize * wide + x as usize])
                    } else {
                        background
                    }
                };
                [
                    at(x0, y0),
                    at(x0 + 1.0, y0),
                    at(x0, y0 + 1.0),
                    at(x0 + 1.0, y0 + 1.0),
                ]
            };
            let (top, bottom) = (p + (q - p) * fx, r + (s - r) * fx);
            top + (bottom - top) * fy
        };
        let mut values = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let mut sum = 0.0;
                for sub in 0..FACTOR * FACTOR {
                    let x = (column * FACTOR + sub % FACTOR) as f32 + 0.5;
                    let y = (row * FACTOR + sub / FACTOR) as f32 + 0.5;
                    let [x, y] = origin([x, y]);
                    sum += sample(x, y);
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
    use crate::augment::tests::picture;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn middle_of_mass(values: &[f32]) -> [f32; 2] {
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
        for (index, value) in values.iter().enumerate() {
            x += (index % 32) as f32 * (value - low);
            y += (index / 32) as f32 * (value - low);
            mass += value - low;
        }
        [x / mass, y / mass]
    }

    fn warp(zoom: [f32; 2], shift: [f32; 2]) -> Warp {
        Warp {
            rotation: 0.0,
            zoom,
            shift,
            shear: 0.0,
        }
    }

    #[test]
    fn zoom_enlarges_and_shift_moves() {
        let image = picture();
        let change = |zoom, shift| warp(zoom, shift).apply(&image.source, 32, 32);
        let plain = change([1.0; 2], [0.0; 2]);
        let moved = change([1.0; 2], [0.125, 0.0]);
        let step = middle_of_mass(&moved)[0] - middle_of_mass(&plain)[0];
        assert!((step - 4.0).abs() < 1.0, "{step}");
        let bright = |values: &[f32]| values.iter().filter(|v| **v > 100.0).count();
        assert!(bright(&change([1.4; 2], [0.0; 2])) > bright(&plain));
        let rows = |values: &[f32]| {
            values
                .chunks(32)
                .filter(|row| row.iter().any(|v| *v > 100.0))
                .count()
        };
        let wide = change([1.4, 1.0], [0.0; 2]);
        assert!(bright(&wide) > bright(&plain) && rows(&wide) == rows(&plain));
    }

    #[test]
    fn a_crop_keeps_what_it_does_not_cut() {
        // 10 % off at the left and nothing at the right: the source's column 0.1 lands at the left
        // edge and its right edge stays.
        let zoom = 1.0f32 / 0.9;
        let shift = -0.5 * 0.1 * zoom;
        let lands = |x: f32| 0.5 + shift + zoom * (x - 0.5);
        assert!(lands(0.1).abs() < 1e-6 && (lands(1.0) - 1.0).abs() < 1e-6);
        let config = AugmentationConfig {
            rotation: 0.0,
            zoom: 0.0,
            stretch: 0.0,
            shift: 0.0,
            shear: 0.0,
            crop: 0.1,
            ..AugmentationConfig::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..200 {
            let warp = Warp::draw(&config, &mut rng);
            for axis in 0..2 {
                // Where the plane's edges come from: within the image, at most 10 % from its edges.
                let from = |x: f32| 0.5 + (x - 0.5 - warp.shift[axis]) / warp.zoom[axis];
                let (left, right) = (from(0.0), from(1.0));
                assert!((-1e-4..=0.1001).contains(&left), "{left}");
                assert!((0.8999..=1.0001).contains(&right), "{right}");
            }
        }
    }
}
