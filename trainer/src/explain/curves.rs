//! Deletion and insertion (Petsiuk et al. 2018, <https://arxiv.org/abs/1806.07421>): how fast the
//! class's probability falls when pixels go in the map's order, and how fast it rises when they come.
//!
//! Both work on the network's input plane, on the pixels that show the image (not the padding).
//! Deletion replaces pixels by the input's darkest value, which is also what pads it (the paper: a
//! constant). Insertion starts from the input blurred by a Gaussian of [`BLUR`] of its longer side
//! (the paper: a blurred input, whose lack of sharp edges misleads the network less than a constant).

use scanlight_model::preprocess::ModelInput;

/// Standard deviation of the blur as a share of the longer side.
pub const BLUR: f32 = 1.0 / 16.0;

/// Pixels of the input plane that show the image, in reading order.
fn shown(input: &ModelInput) -> Vec<usize> {
    let width = input.placement.model[0] as usize;
    let target = &input.placement.target;
    let columns = target.x as usize..(target.x + target.width) as usize;
    (target.y as usize..(target.y + target.height) as usize)
        .flat_map(|row| columns.clone().map(move |column| row * width + column))
        .collect()
}

/// Pixels of the input plane that show the image, by falling value of the map on that plane.
///
/// Equal values, of which maps have many at 0, come in an order that depends on nothing but the
/// pixel: neither rows nor columns are preferred.
pub fn order(input: &ModelInput, map: &[f32]) -> Vec<usize> {
    let mut pixels = shown(input);
    let scrambled = |pixel: usize| (pixel as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    pixels.sort_by(|&a, &b| {
        map[b]
            .total_cmp(&map[a])
            .then_with(|| scrambled(a).cmp(&scrambled(b)))
    });
    pixels
}

/// The planes between the two ends of a curve of `steps` steps: `from`, with the first
/// `1 / steps`, `2 / steps`, … of the ordered pixels taken from `to`.
pub fn between(from: &[f32], to: &[f32], order: &[usize], steps: usize) -> Vec<Vec<f32>> {
    let mut plane = from.to_vec();
    let mut done = 0;
    (1..steps)
        .map(|step| {
            let until = order.len() * step / steps;
            for &pixel in &order[done..until] {
                plane[pixel] = to[pixel];
            }
            done = until;
            plane.clone()
        })
        .collect()
}

/// What deletion ends with: the darkest value wherever the image was.
pub fn darkened(input: &ModelInput) -> Vec<f32> {
    let dark = input.values.iter().copied().fold(f32::INFINITY, f32::min);
    replaced(input, |_| dark)
}

/// What insertion starts from: the image blurred, its padding kept.
pub fn blurred(input: &ModelInput) -> Vec<f32> {
    let soft = gaussian(
        &input.values,
        input.placement.model.map(|side| side as usize),
    );
    replaced(input, |pixel| soft[pixel])
}

/// The input with other values wherever it shows the image.
fn replaced(input: &ModelInput, value: impl Fn(usize) -> f32) -> Vec<f32> {
    let mut plane = input.values.clone();
    for pixel in shown(input) {
        plane[pixel] = value(pixel);
    }
    plane
}

/// A plane blurred along both axes; beyond its edge the edge goes on.
fn gaussian(plane: &[f32], [width, height]: [usize; 2]) -> Vec<f32> {
    let sigma = BLUR * width.max(height) as f32;
    let radius = (3.0 * sigma).ceil() as isize;
    let mut kernel: Vec<f32> = (-radius..=radius)
        .map(|i| (-0.5 * (i as f32 / sigma).powi(2)).exp())
        .collect();
    let sum: f32 = kernel.iter().sum();
    for weight in &mut kernel {
        *weight /= sum;
    }
    let along = |values: &[f32], step: usize, length: usize, pixel: usize| -> f32 {
        let place = (pixel / step % length) as isize;
        let line = pixel - place as usize * step;
        let taps = kernel.iter().zip(-radius..=radius);
        taps.map(|(weight, offset)| {
            let at = (place + offset).clamp(0, length as isize - 1) as usize;
            weight * values[line + at * step]
        })
        .sum()
    };
    let rows: Vec<f32> = (0..plane.len())
        .map(|pixel| along(plane, 1, width, pixel))
        .collect();
    (0..plane.len())
        .map(|pixel| along(&rows, width, height, pixel))
        .collect()
}

/// Area under equally spaced points by the trapezium rule, the width being 1; 0 for fewer than two.
pub fn area(points: &[f64]) -> f64 {
    let pairs = points.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    pairs.sum::<f64>() / points.len().saturating_sub(1).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use scanlight_model::geometry::{Placement, Rect};

    /// A plane of 6 x 4 whose middle four columns show the image.
    fn input(values: Vec<f32>) -> ModelInput {
        let rect = |x, width| Rect {
            x,
            y: 0.0,
            width,
            height: 4.0,
        };
        ModelInput {
            values,
            placement: Placement {
                image: [4, 4],
                model: [6, 4],
                source: rect(0.0, 4.0),
                target: rect(1.0, 4.0),
            },
        }
    }

    #[test]
    fn order_follows_the_map_and_skips_the_padding() {
        let mut map = vec![0.0; 24];
        map[0] = 1.0; // padding
        map[8] = 0.9;
        map[3] = 0.4;
        let order = order(&input(vec![0.0; 24]), &map);
        assert_eq!(order.len(), 16);
        assert_eq!(order[..2], [8, 3]);
        assert!(order.iter().all(|pixel| (1..5).contains(&(pixel % 6))));
        // Ties are not in reading order.
        assert!(order[2..].windows(2).any(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn planes_change_step_by_step() {
        let from = [0.0; 4];
        let to = [1.0, 2.0, 3.0, 4.0];
        let planes = between(&from, &to, &[3, 0, 1, 2], 4);
        assert_eq!(planes.len(), 3);
        assert_eq!(planes[0], [0.0, 0.0, 0.0, 4.0]);
        assert_eq!(planes[1], [1.0, 0.0, 0.0, 4.0]);
        assert_eq!(planes[2], [1.0, 2.0, 0.0, 4.0]);
        assert!(between(&from, &to, &[3, 0], 1).is_empty());
    }

    #[test]
    fn the_padding_stays() {
        let values: Vec<f32> = (0..24).map(|i| (i % 5) as f32 - 1.0).collect();
        let input = input(values.clone());
        let (dark, soft) = (darkened(&input), blurred(&input));
        for pixel in 0..24 {
            if (1..5).contains(&(pixel % 6)) {
                assert_eq!(dark[pixel], -1.0);
            } else {
                assert_eq!((dark[pixel], soft[pixel]), (values[pixel], values[pixel]));
            }
        }
        // All of the ordered pixels replaced lead from one end to the other.
        let all = order(&input, &values);
        assert_eq!(between(&values, &dark, &all, 16).len(), 15);
        assert!(all.iter().all(|&pixel| pixel < 24));
        let mut last = soft;
        for pixel in all {
            last[pixel] = values[pixel];
        }
        assert_eq!(last, values);
    }

    #[test]
    fn areas_of_known_curves() {
        assert_eq!(area(&[1.0, 1.0, 1.0]), 1.0);
        assert_eq!(area(&[1.0, 0.5, 0.0]), 0.5);
        assert_eq!(area(&[1.0, 0.0, 0.0]), 0.25);
        assert_eq!(area(&[1.0]), 0.0);
    }

    #[test]
    fn a_point_is_blurred_alike_to_all_sides() {
        let mut plane = vec![0.0; 33 * 33];
        plane[16 * 33 + 16] = 1.0;
        let soft = gaussian(&plane, [33, 33]);
        assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!((soft[16 * 33 + 12] - soft[12 * 33 + 16]).abs() < 1e-7);
        assert!((soft[16 * 33 + 12] - soft[16 * 33 + 20]).abs() < 1e-7);
        let sigma: f32 = BLUR * 33.0;
        let expected = (-0.5 * (4.0 / sigma).powi(2)).exp();
        assert!((soft[16 * 33 + 12] / soft[16 * 33 + 16] - expected).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn order_is_a_permutation_by_falling_value(map in prop::collection::vec(0u8..4, 24)) {
            let map: Vec<f32> = map.into_iter().map(f32::from).collect();
            let found = order(&input(vec![0.0; 24]), &map);
            prop_assert!(found.windows(2).all(|pair| map[pair[0]] >= map[pair[1]]));
            let mut sorted = found;
            sorted.sort_unstable();
            sorted.dedup();
            prop_assert_eq!(sorted.len(), 16);
        }

        #[test]
        fn areas_lie_between_the_extremes(points in prop::collection::vec(0f64..1.0, 2..40)) {
            let low = points.iter().copied().fold(1.0, f64::min);
            let high = points.iter().copied().fold(0.0, f64::max);
            let area = area(&points);
            prop_assert!(area >= low - 1e-12 && area <= high + 1e-12);
        }

        #[test]
        fn blurring_keeps_the_range(plane in prop::collection::vec(-2f32..3.0, 7 * 9)) {
            let soft = gaussian(&plane, [7, 9]);
            prop_assert!(soft.iter().all(|v| (-2.001..3.001).contains(v)));
        }
    }
}
