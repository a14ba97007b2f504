//! The floor for every network: a nearest neighbour on raw pixels.
//!
//! On data sets with near-duplicates across the split this alone does very well, which is why it is
//! printed beside every result.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::backend::Candle;

/// Side of the grey thumbnails that are compared.
pub const SIDE: usize = 32;

/// Queries of one matrix product.
const BLOCK: usize = 256;

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

/// For each query the index of the known thumbnail that it correlates with most (of equal ones the
/// last); `None` where nothing is known or the thumbnails are not of one length.
pub fn nearest(known: &[&[f32]], queries: &[&[f32]]) -> Option<Vec<usize>> {
    let length = known.first()?.len();
    let plane = |rows: &[&[f32]]| {
        let values = rows.concat();
        (values.len() == rows.len() * length).then(|| {
            let data = TensorData::new(values, [rows.len(), length]);
            Tensor::<Candle, 2>::from_data(data, &Default::default())
        })
    };
    let columns = plane(known)?.transpose();
    let mut found = Vec::with_capacity(queries.len());
    for block in queries.chunks(BLOCK) {
        let products = plane(block)?.matmul(columns.clone());
        let products: Vec<f32> = products.into_data().into_vec().ok()?;
        found.par_extend(products.par_chunks_exact(known.len()).map(|line| {
            let mut best = 0;
            for (index, correlation) in line.iter().enumerate() {
                if *correlation >= line[best] {
                    best = index;
                }
            }
            best
        }));
    }
    Some(found)
}

/// Share of the queries whose most correlated known thumbnail has their class.
pub fn nearest_neighbour_accuracy(
    known: &[(Vec<f32>, usize)],
    queries: &[(Vec<f32>, usize)],
) -> Option<f64> {
    if queries.is_empty() {
        return None;
    }
    let thumbnails = |all: &[(Vec<f32>, usize)]| -> Vec<Vec<f32>> {
        all.iter().map(|(thumbnail, _)| thumbnail.clone()).collect()
    };
    let (left, right) = (thumbnails(known), thumbnails(queries));
    let left: Vec<&[f32]> = left.iter().map(Vec::as_slice).collect();
    let right: Vec<&[f32]> = right.iter().map(Vec::as_slice).collect();
    let found = nearest(&left, &right)?;
    let right = found
        .iter()
        .zip(queries)
        .filter(|(index, (_, class))| known[**index].1 == *class)
        .count();
    Some(right as f64 / queries.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(seed: usize, gain: f32) -> Vec<f32> {
        (0..64 * 64)
            .map(|i| gain * (((i * 7 + seed * 131) % 97) as f32) + 3.0)
            .collect()
    }

    #[test]
    fn finds_the_same_picture_at_another_contrast() {
        let known: Vec<_> = (0..5).map(|s| (thumbnail(&plane(s, 1.0), 64), s)).collect();
        let queries: Vec<_> = (0..5).map(|s| (thumbnail(&plane(s, 2.5), 64), s)).collect();
        assert_eq!(nearest_neighbour_accuracy(&known, &queries), Some(1.0));
        assert_eq!(nearest_neighbour_accuracy(&known, &[]), None);
        assert_eq!(nearest_neighbour_accuracy(&[], &queries), None);
    }

    #[test]
    fn the_nearest_is_that_of_comparing_each_with_each() {
        let all: Vec<Vec<f32>> = (0..BLOCK + 30)
            .map(|s| thumbnail(&plane(s * s + 3, 1.0), 64))
            .collect();
        let all: Vec<&[f32]> = all.iter().map(Vec::as_slice).collect();
        let (known, queries) = (&all[..20], &all[5..]);
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        for (query, found) in queries.iter().zip(nearest(known, queries).unwrap()) {
            let best = known.iter().map(|k| dot(k, query)).fold(-1.0, f32::max);
            assert!((dot(known[found], query) - best).abs() < 1e-5);
        }
    }
}
