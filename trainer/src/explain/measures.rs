//! A map against a lesion's box.

use scanlight_model::geometry::Placement;

/// A box in fractions of the image, from the top left corner; inside the image and not empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LesionBox {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge, beyond the left one.
    pub right: f32,
    /// Bottom edge, below the top one.
    pub bottom: f32,
}

impl LesionBox {
    /// From its middle, width and height, cut to the image; none where nothing is left or a number
    /// is not finite.
    pub fn from_centre([x, y, width, height]: [f32; 4]) -> Option<Self> {
        let cut = |v: f32| v.clamp(0.0, 1.0);
        let lesion = Self {
            left: cut(x - width / 2.0),
            top: cut(y - height / 2.0),
            right: cut(x + width / 2.0),
            bottom: cut(y + height / 2.0),
        };
        // Comparisons with NaN are false.
        (lesion.right > lesion.left && lesion.bottom > lesion.top).then_some(lesion)
    }

    /// Whether a point (in fractions of the image) lies inside or on the edge.
    pub fn contains(&self, [x, y]: [f32; 2]) -> bool {
        (self.left..=self.right).contains(&x) && (self.top..=self.bottom).contains(&y)
    }

    /// The same box in fractions of the network's input plane; none where the network does not see it.
    pub fn on_plane(&self, placement: &Placement) -> Option<Self> {
        let [width, height] = placement.image.map(|side| side as f32);
        let [wide, high] = placement.model.map(|side| side as f32);
        let [left, top] = placement.model_from_image([self.left * width, self.top * height]);
        let [right, bottom] =
            placement.model_from_image([self.right * width, self.bottom * height]);
        Self::from_centre([
            (left + right) / 2.0 / wide,
            (top + bottom) / 2.0 / high,
            (right - left) / wide,
            (bottom - top) / high,
        ])
    }

    /// The box grown on each side by a share of the image's longer side, for an image of this size
    /// in pixels; it may reach beyond the image.
    pub fn grown(&self, share: f32, [width, height]: [u32; 2]) -> Self {
        let longer = width.max(height) as f32;
        let (x, y) = (
            share * longer / width as f32,
            share * longer / height as f32,
        );
        Self {
            left: self.left - x,
            top: self.top - y,
            right: self.right + x,
            bottom: self.bottom + y,
        }
    }
}

/// Thresholds that are tried on maps scaled to 0..=1: 0.05, 0.10, …, 0.95.
pub const THRESHOLDS: usize = 19;

/// A threshold by its number, 0 to [`THRESHOLDS`] - 1.
pub fn threshold(index: usize) -> f32 {
    (index + 1) as f32 / (THRESHOLDS + 1) as f32
}

/// How a map of `width` pixels a line agrees with a box.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// Share of the map's sum inside the box; 0 for an empty map.
    pub energy: f64,
    /// Intersection over union of the box with the pixels at or above each threshold.
    pub iou: [f64; THRESHOLDS],
}

/// Measures a map over the whole image, row-major, values in 0..=1. A pixel belongs to the box if
/// its centre does.
pub fn overlap(map: &[f32], width: usize, lesion: &LesionBox) -> Overlap {
    let height = map.len() / width.max(1);
    // For each number of thresholds reached, the pixels in the box and all of them.
    let mut inside = [0u64; THRESHOLDS + 1];
    let mut all = [0u64; THRESHOLDS + 1];
    let (mut energy, mut total, mut area) = (0.0, 0.0, 0u64);
    for (row, line) in map.chunks_exact(width.max(1)).enumerate() {
        let y = (row as f32 + 0.5) / height as f32;
        for (column, &value) in line.iter().enumerate() {
            let reached = reached(value);
            all[reached] += 1;
            total += f64::from(value);
            if lesion.contains([(column as f32 + 0.5) / width as f32, y]) {
                inside[reached] += 1;
                energy += f64::from(value);
                area += 1;
            }
        }
    }
    let mut iou = [0.0; THRESHOLDS];
    let (mut common, mut marked) = (0, 0);
    for index in (0..THRESHOLDS).rev() {
        common += inside[index + 1];
        marked += all[index + 1];
        iou[index] = common as f64 / (marked + area - common).max(1) as f64;
    }
    Overlap {
        energy: if total > 0.0 { energy / total } else { 0.0 },
        iou,
    }
}

/// How many of the thresholds a value is not below.
fn reached(value: f32) -> usize {
    let mut count = (value * (THRESHOLDS + 1) as f32) as usize;
    count = count.min(THRESHOLDS);
    // The product may be rounded to either side of a threshold.
    while count < THRESHOLDS && value >= threshold(count) {
        count += 1;
    }
    while count > 0 && value < threshold(count - 1) {
        count -= 1;
    }
    count
}

/// What chance gives, exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// Probability that a map which peaks in any cell alike wins the pointing game.
    pub pointing: f64,
    /// Share of what the network sees of the image that lies in the box: the energy of an even map.
    pub energy: f64,
}

/// The floor for a map of `width` x `height` cells on the network's input plane. `hit` says whether
/// a point (in fractions of the image) wins the pointing game.
pub fn chance(
    [width, height]: [usize; 2],
    placement: &Placement,
    lesion: &LesionBox,
    hit: impl Fn([f32; 2]) -> bool,
) -> Chance {
    let mut hits = 0;
    for row in 0..height {
        for column in 0..width {
            let x = (column as f32 + 0.5) / width as f32 * placement.model[0] as f32;
            let y = (row as f32 + 0.5) / height as f32 * placement.model[1] as f32;
            let [x, y] = placement.image_from_model([x, y]);
            let point = [
                (x / placement.image[0] as f32).clamp(0.0, 1.0),
                (y / placement.image[1] as f32).clamp(0.0, 1.0),
            ];
            hits += usize::from(hit(point));
        }
    }
    let source = &placement.source;
    let shared = |low: f32, high: f32, start: f32, length: f32, side: u32| {
        let (low, high) = (low * side as f32, high * side as f32);
        f64::from(((high.min(start + length) - low.max(start)) / length).clamp(0.0, 1.0))
    };
    let [image_width, image_height] = placement.image;
    Chance {
        pointing: hits as f64 / (width * height).max(1) as f64,
        energy: shared(
            lesion.left,
            lesion.right,
            source.x,
            source.width,
            image_width,
        ) * shared(
            lesion.top,
            lesion.bottom,
            source.y,
            source.height,
            image_height,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scanlight_model::cam::{ClassMap, random_map};
    use scanlight_model::geometry::Rect;

    const LEFT_HALF: LesionBox = LesionBox {
        left: 0.0,
        top: 0.0,
        right: 0.5,
        bottom: 1.0,
    };

    #[test]
    fn hand_counted_overlap() {
        // Two lines of four; the left half holds 1.0, 0.5, 0, 0.5.
        let map = [1.0, 0.5, 0.5, 0.0, 0.0, 0.5, 0.0, 0.0];
        let found = overlap(&map, 4, &LEFT_HALF);
        assert!((found.energy - 2.0 / 2.5).abs() < 1e-9);
        // From 0.05 to 0.5 four pixels are marked, three of the box's four.
        assert_eq!(threshold(9), 0.5);
        for index in 0..=9 {
            assert!((found.iou[index] - 3.0 / 5.0).abs() < 1e-9, "{index}");
        }
        for index in 10..THRESHOLDS {
            assert!((found.iou[index] - 1.0 / 4.0).abs() < 1e-9, "{index}");
        }
    }

    #[test]
    fn an_empty_map_has_nothing() {
        let found = overlap(&[0.0; 8], 4, &LEFT_HALF);
        assert_eq!(found.energy, 0.0);
        assert_eq!(found.iou, [0.0; THRESHOLDS]);
    }

    #[test]
    fn boxes_are_cut_to_the_image() {
        let edge = LesionBox::from_centre([0.95, 0.5, 0.2, 0.2]).unwrap();
        assert_eq!(edge.right, 1.0);
        assert!(LesionBox::from_centre([1.2, 0.5, 0.2, 0.2]).is_none());
        assert!(LesionBox::from_centre([0.5, 0.5, -0.2, 0.2]).is_none());
        assert!(LesionBox::from_centre([0.5, f32::NAN, 0.2, 0.2]).is_none());
        // A tenth of the longer side is a fifth of the shorter one.
        let grown = edge.grown(0.1, [200, 100]);
        assert!((grown.left - 0.75).abs() < 1e-6 && (grown.top - 0.2).abs() < 1e-6);
    }

    /// The left half of a square image on a square plane, padded on both sides.
    fn placement() -> Placement {
        Placement {
            image: [100, 100],
            model: [64, 64],
            source: Rect {
                x: 0.0,
                y: 0.0,
                width: 50.0,
                height: 100.0,
            },
            target: Rect {
                x: 16.0,
                y: 0.0,
                width: 32.0,
                height: 64.0,
            },
        }
    }

    #[test]
    fn chance_is_counted_by_cells_and_area() {
        let upper = LesionBox {
            right: 1.0,
            bottom: 0.5,
            ..LEFT_HALF
        };
        let found = chance([4, 4], &placement(), &upper, |p| upper.contains(p));
        assert_eq!(found.pointing, 0.5);
        assert!((found.energy - 0.5).abs() < 1e-6);
        // The padding's cells count at the seen part's edges, so the left column misses and the right one hits.
        let right = LesionBox {
            left: 0.1,
            right: 1.0,
            ..LEFT_HALF
        };
        let found = chance([4, 4], &placement(), &right, |p| right.contains(p));
        assert_eq!(found.pointing, 0.75);
        assert!((found.energy - 0.8).abs() < 1e-6);
    }

    #[test]
    fn random_maps_win_as_often_as_chance_says() {
        let lesion = LesionBox::from_centre([0.3, 0.4, 0.3, 0.5]).unwrap();
        let expected = chance([8, 8], &placement(), &lesion, |p| lesion.contains(p));
        let (mut hits, mut energy) = (0, 0.0);
        const ROUNDS: u64 = 600;
        for seed in 0..ROUNDS {
            let map = ClassMap::new(8, 8, random_map(8, 8, seed));
            hits += u64::from(lesion.contains(map.peak(&placement())));
            energy += overlap(&map.upsample(&placement(), 100, 100), 100, &lesion).energy;
        }
        let found = hits as f64 / ROUNDS as f64;
        assert!(
            (found - expected.pointing).abs() < 0.06,
            "{found} {expected:?}"
        );
        let found = energy / ROUNDS as f64;
        assert!(
            (found - expected.energy).abs() < 0.02,
            "{found} {expected:?}"
        );
    }

    proptest! {
        #[test]
        fn overlap_equals_its_definition(
            map in prop::collection::vec(0f32..=1.0, 6 * 5),
            centre in prop::array::uniform2(0.1f32..0.9), size in prop::array::uniform2(0.05f32..0.9),
        ) {
            let lesion = LesionBox::from_centre([centre[0], centre[1], size[0], size[1]]).unwrap();
            let found = overlap(&map, 6, &lesion);
            prop_assert!((0.0..=1.0).contains(&found.energy));
            let inside: Vec<bool> = (0..30).map(|i| {
                lesion.contains([((i % 6) as f32 + 0.5) / 6.0, ((i / 6) as f32 + 0.5) / 5.0])
            }).collect();
            for (index, iou) in found.iou.iter().enumerate() {
                let marked: Vec<bool> = map.iter().map(|&v| v >= threshold(index)).collect();
                let both = (0..30).filter(|&i| marked[i] && inside[i]).count();
                let either = (0..30).filter(|&i| marked[i] || inside[i]).count();
                prop_assert!((iou - both as f64 / either.max(1) as f64).abs() < 1e-9);
            }
        }

        #[test]
        fn the_centre_of_a_box_is_in_it(
            numbers in prop::array::uniform4(0.01f32..0.99), tolerance in 0f32..0.2,
        ) {
            let lesion = LesionBox::from_centre(numbers).unwrap();
            let grown = lesion.grown(tolerance, [30, 70]);
            for lesion in [lesion, grown] {
                prop_assert!(lesion.contains([numbers[0], numbers[1]]));
            }
        }
    }
}
