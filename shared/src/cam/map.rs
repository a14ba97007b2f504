//! A class-activation map and its way back onto the original image.

use crate::geometry::Placement;

/// Where the first cell lies if cells share the plane evenly, in cells.
pub const MIDDLE: [f32; 2] = [0.5, 0.5];

/// One class's activation map on the network's own grid.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassMap {
    width: usize,
    height: usize,
    values: Vec<f32>,
    strength: f32,
    origin: [f32; 2],
}

impl ClassMap {
    /// A map from raw activations, row-major, at least 0; scaled so that its peak is 1.
    pub fn new(width: usize, height: usize, mut values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), width * height);
        let strength = values
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .fold(0.0, f32::max);
        for value in &mut values {
            *value = if strength > 0.0 && value.is_finite() {
                (*value / strength).clamp(0.0, 1.0)
            } else {
                0.0
            };
        }
        Self {
            width,
            height,
            values,
            strength,
            origin: MIDDLE,
        }
    }

    /// The same map of a network whose first cell looks at another place than the middle of the
    /// first cell: `[x, y]` in cells, see [`crate::arch::Architecture::first_centre`].
    pub fn with_origin(self, origin: [f32; 2]) -> Self {
        Self { origin, ..self }
    }

    /// Grid cells across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Grid cells down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Values in 0..=1, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The largest activation before scaling; 0 where nothing speaks for the class.
    pub fn strength(&self) -> f32 {
        self.strength
    }

    /// Bilinear value at a point in fractions of the network's input plane.
    fn sample(&self, x: f32, y: f32) -> f32 {
        bilinear(&self.values, [self.width, self.height], self.origin, [x, y])
    }

    /// The map over the network's input plane, as `height * width` values in 0..=1, row-major.
    pub fn on_plane(&self, width: usize, height: usize) -> Vec<f32> {
        enlarge(
            &self.values,
            [self.width, self.height],
            self.origin,
            [width, height],
        )
    }

    /// The map over the whole original image, as `height * width` values in 0..=1, row-major.
    ///
    /// `width` and `height` may differ from the image's own size (for a thumbnail). What the
    /// network did not see is 0.
    pub fn upsample(&self, placement: &Placement, width: u32, height: u32) -> Vec<f32> {
        let step_x = placement.image[0] as f32 / width as f32;
        let step_y = placement.image[1] as f32 / height as f32;
        let mut values = Vec::with_capacity(width as usize * height as usize);
        for row in 0..height {
            let y = (row as f32 + 0.5) * step_y;
            for column in 0..width {
                let x = (column as f32 + 0.5) * step_x;
                values.push(if placement.sees([x, y]) {
                    let [u, v] = placement.model_from_image([x, y]);
                    self.sample(u / placement.model[0] as f32, v / placement.model[1] as f32)
                } else {
                    0.0
                });
            }
        }
        values
    }

    /// Where the map peaks, `[x, y]` in fractions of the original image.
    ///
    /// Several equal peaks give their mean; a map without any activation gives the middle of what
    /// the network saw.
    pub fn peak(&self, placement: &Placement) -> [f32; 2] {
        let (mut x, mut y, mut count) = (0.0, 0.0, 0.0);
        for (index, &value) in self.values.iter().enumerate() {
            if value >= 1.0 {
                x += (index % self.width) as f32 + self.origin[0];
                y += (index / self.width) as f32 + self.origin[1];
                count += 1.0;
            }
        }
        let model = if count > 0.0 {
            [
                x / count / self.width as f32 * placement.model[0] as f32,
                y / count / self.height as f32 * placement.model[1] as f32,
            ]
        } else {
            [
                placement.target.x + placement.target.width / 2.0,
                placement.target.y + placement.target.height / 2.0,
            ]
        };
        let [x, y] = placement.image_from_model(model);
        [
            (x / placement.image[0] as f32).clamp(0.0, 1.0),
            (y / placement.image[1] as f32).clamp(0.0, 1.0),
        ]
    }
}

/// Bilinear value of a grid of `size` cells, across and down, at a point in fractions of the plane;
/// the first cell's value lies at `origin`, in cells, and beyond the outermost values the edge goes on.
fn bilinear(values: &[f32], size: [usize; 2], origin: [f32; 2], point: [f32; 2]) -> f32 {
    let [width, height] = size;
    let axis = |fraction: f32, length: usize, origin: f32| {
        let position = (fraction * length as f32 - origin).clamp(0.0, (length - 1) as f32);
        let low = position.floor();
        let first = low as usize;
        (first, (first + 1).min(length - 1), position - low)
    };
    let (x0, x1, fx) = axis(point[0], width, origin[0]);
    let (y0, y1, fy) = axis(point[1], height, origin[1]);
    let row = |y: usize| {
        let line = &values[y * width..(y + 1) * width];
        line[x0] * (1.0 - fx) + line[x1] * fx
    };
    row(y0) * (1.0 - fy) + row(y1) * fy
}

/// A grid of `size` cells, the first at `origin`, resampled bilinearly to `to` values across and
/// down, row-major.
pub(super) fn enlarge(
    values: &[f32],
    size: [usize; 2],
    origin: [f32; 2],
    to: [usize; 2],
) -> Vec<f32> {
    let [to_width, to_height] = to;
    let mut plane = Vec::with_capacity(to_width * to_height);
    for row in 0..to_height {
        let y = (row as f32 + 0.5) / to_height as f32;
        plane.extend((0..to_width).map(|column| {
            let x = (column as f32 + 0.5) / to_width as f32;
            bilinear(values, size, origin, [x, y])
        }));
    }
    plane
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;
    use proptest::prelude::*;

    fn placement(image: [u32; 2]) -> Placement {
        // The middle half of the image, letterboxed by hand into the upper half of the plane.
        Placement {
            image,
            model: [64, 64],
            source: Rect {
                x: image[0] as f32 / 4.0,
                y: 0.0,
                width: image[0] as f32 / 2.0,
                height: image[1] as f32,
            },
            target: Rect {
                x: 0.0,
                y: 0.0,
                width: 64.0,
                height: 32.0,
            },
        }
    }

    #[test]
    fn peak_and_upsampled_maximum_agree() {
        let mut values = vec![0.1; 64];
        values[8 + 5] = 4.0; // row 1, column 5
        let map = ClassMap::new(8, 8, values);
        assert_eq!(map.strength(), 4.0);
        let placement = placement([200, 100]);
        let [x, y] = map.peak(&placement);
        // Column 5.5 of 8 in the middle half; row 1.5 of 8 of the plane, whose upper half is the image.
        assert!((x - (0.25 + 0.5 * 5.5 / 8.0)).abs() < 1e-5, "{x}");
        assert!((y - 1.5 / 4.0).abs() < 1e-5, "{y}");
        let large = map.upsample(&placement, 200, 100);
        let best = (0..large.len()).max_by(|&a, &b| large[a].total_cmp(&large[b]));
        let best = best.unwrap();
        assert!(((best % 200) as f32 / 200.0 - x).abs() < 0.02);
        assert!(((best / 200) as f32 / 100.0 - y).abs() < 0.02);
    }

    #[test]
    fn unseen_parts_are_zero() {
        let map = ClassMap::new(4, 4, vec![1.0; 16]);
        let large = map.upsample(&placement([40, 20]), 40, 20);
        assert_eq!(large[0], 0.0);
        assert_eq!(large[39], 0.0);
        assert_eq!(large[20], 1.0);
    }

    #[test]
    fn a_map_of_zeros_is_harmless() {
        let map = ClassMap::new(2, 2, vec![0.0, f32::NAN, 0.0, 0.0]);
        assert_eq!(map.values(), [0.0; 4]);
        assert_eq!(map.strength(), 0.0);
        assert_eq!(map.peak(&placement([64, 32])), [0.5, 0.5]);
    }

    #[test]
    fn the_input_plane_is_the_grid_enlarged() {
        let map = ClassMap::new(2, 1, vec![0.0, 4.0]);
        assert_eq!(map.on_plane(2, 1), [0.0, 1.0]);
        assert_eq!(map.on_plane(4, 1), [0.0, 0.25, 0.75, 1.0]);
        assert_eq!(map.on_plane(2, 2), [0.0, 1.0, 0.0, 1.0]);
    }

    proptest! {
        #[test]
        fn upsampled_values_stay_in_range(
            values in prop::collection::vec(0f32..10.0, 12), width in 1u32..60, height in 1u32..60,
        ) {
            let map = ClassMap::new(4, 3, values);
            let placement = placement([width * 3, height * 2]);
            let large = map.upsample(&placement, width, height);
            prop_assert_eq!(large.len(), (width * height) as usize);
            prop_assert!(large.iter().all(|v| (0.0..=1.0).contains(v)));
            let [x, y] = map.peak(&placement);
            prop_assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y));
        }
    }
}
