//! The floor for every network: a nearest neighbour on raw pixels.
//!
//! On data sets with near-duplicates across the split this alone does very well, which is why it is
//! printed beside every result.

use rayon::prelude::*;

/// Side of the grey thumbnails that are compared.
pub const SIDE: usize = 32;

/// A square plane of `side * side` values as a thumbnail with mean 0 and length 1.
pub fn thumbnail(plane: &[f32], side: usize) -> Vec<f32> {
    let step = side / SIDE;
    let mut small = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut sum = 0.0;
            for y in 0..step {
                let start = (row * step + y) * side + column * step;
                sum += plane[start..start + step].iter().sum::<f32>();
            }
            small.push(sum);
        }
    }
    let mean = small.iter().sum::<f32>() / small.len() as f32;
    for value in &mut small {
        *value -= mean;
    }
    let length = small.iter().map(|v| v * v).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut small {
            *value /= length;
        }
    }
    small
}

/// Share of the queries whose most correlated known thumbnail has their class.
pub fn nearest_neighbour_accuracy(
    known: &[(Vec<f32>, usize)],
    queries: &[(Vec<f32>, usize)],
) -> Option<f64> {
    if known.is_empty() || queries.is_empty() {
        return None;
    }
    let right = queries
        .par_iter()
        .filter(|(query, class)| {
            let best = known
                .iter()
                .map(|(thumbnail, class)| {
                    let correlation: f32 = thumbnail.iter().zip(query).map(|(a, b)| a * b).sum();
                    (correlation, class)
                })
                .max_by(|a, b| a.0.total_cmp(&b.0));
            best.is_some_and(|(_, found)| found == class)
        })
        .count();
    Some(right as f64 / queries.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_picture_at_another_contrast() {
        let plane = |seed: usize, gain: f32| -> Vec<f32> {
            (0..64 * 64)
                .map(|i| gain * (((i * 7 + seed * 131) % 97) as f32) + 3.0)
                .collect()
        };
        let known: Vec<_> = (0..5).map(|s| (thumbnail(&plane(s, 1.0), 64), s)).collect();
        let queries: Vec<_> = (0..5).map(|s| (thumbnail(&plane(s, 2.5), 64), s)).collect();
        assert_eq!(nearest_neighbour_accuracy(&known, &queries), Some(1.0));
        assert_eq!(nearest_neighbour_accuracy(&known, &[]), None);
    }
}
