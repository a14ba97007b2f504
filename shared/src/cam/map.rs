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
        // Both axes by themselves, since a placement never turns the image.
        let [columns, rows] = [(0, width), (1, height)].map(|(axis, count)| {
            let step = placement.image[axis] as f32 / count as f32;
            let cells = [self.width, self.height][axis];
            (0..count)
                .map(|index| {
                    let at = (index as f32 + 0.5) * step;
                    let seen = placement.sees_on(axis, at);
                    let model = placement.model_from_image([at; 2])[axis];
                    let place = model / placement.model[axis] as f32;
                    seen.then(|| Between::new(place, cells, self.origin[axis]))
                })
                .collect::<Vec<_>>()
        });
        resample(&self.values, self.width, &columns, &rows)
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

/// The two cells of one axis that a point lies between.
#[derive(Debug, Clone, Copy)]
struct Between {
    first: usize,
    second: usize,
    /// The second cell's share.
    share: f32,
}

impl Between {
    /// For a point in fractions of the plane on an axis of `cells` cells, the first of whose values lies
    /// at `origin`, in cells; beyond the outermost values the edge goes on.
    fn new(fraction: f32, cells: usize, origin: f32) -> Self {
        let position = (fraction * cells as f32 - origin).clamp(0.0, (cells - 1) as f32);
        let low = position.floor();
        let first = low as usize;
        Self {
            first,
            second: (first + 1).min(cells - 1),
            share: position - low,
        }
    }

    fn blend(self, values: &[f32]) -> f32 {
        values[self.first] * (1.0 - self.share) + values[self.second] * self.share
    }
}

/// A grid of `width` cells across resampled bilinearly, row-major: a value for each place of `columns` in
/// each of `rows`, 0 where either is nowhere.
fn resample(
    values: &[f32],
    width: usize,
    columns: &[Option<Between>],
    rows: &[Option<Between>],
) -> Vec<f32> {
    let mut plane = Vec::with_capacity(columns.len() * rows.len());
    let mut line = vec![0.0; width];
    for row in rows {
        let Some(row) = row else {
            plane.resize(plane.len() + columns.len(), 0.0);
            continue;
        };
        let upper = &values[row.first * width..][..width];
        let lower = &values[row.second * width..][..width];
        for ((value, above), below) in line.iter_mut().zip(upper).zip(lower) {
            *value = above * (1.0 - row.share) + below * row.share;
        }
        let blended = |column: &Option<Between>| column.map_or(0.0, |column| column.blend(&line));
        plane.extend(columns.iter().map(blended));
    }
    plane
}

/// A grid of `size` cells, the first at `origin`, resampled bilinearly to `to` values across and
/// down, row-major.
pub(super) fn enlarge(
    values: &[f32],
    size: [usize; 2],
    origin: [f32; 2],
    to: [usize; 2],
) -> Vec<f32> {
    let [columns, rows] = [0, 1].map(|axis| {
        let count = to[axis];
        (0..count)
            .map(|index| (index as f32 + 0.5) / count as f32)
            .map(|place| Some(Between::new(place, size[axis], origin[axis])))
            .collect::<Vec<_>>()
    });
    resample(values, size[0], &columns, &rows)
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
