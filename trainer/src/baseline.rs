//! The floor for every network: a nearest neighbour on raw pixels.
//!
//! On data sets with near-duplicates across the split this alone does very well, which is why it is
//! printed beside every result. It compares the audit's thumbnails of whole pictures, without any of the
//! network's preprocessing.

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use crate::backend::Candle;

/// Queries of one matrix product.
const BLOCK: usize = 256;

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
    known: &[(&[f32], usize)],
    queries: &[(&[f32], usize)],
) -> Option<f64> {
    if queries.is_empty() {
        return None;
    }
    let left: Vec<&[f32]> = known.iter().map(|(thumbnail, _)| *thumbnail).collect();
    let right: Vec<&[f32]> = queries.iter().map(|(thumbnail, _)| *thumbnail).collect();
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
    use scanlight_model::preprocess::Region;
    use scanlight_model::scan::Scan;

    use super::*;
    use crate::audit::signature::{Thumbnail, thumbnail};

    fn picture(seed: usize, gain: f32) -> Thumbnail {
        let luma = (0..64 * 64)
            .map(|i| gain * (((i * 7 + seed * 131) % 97) as f32) + 3.0)
            .collect();
        let scan = Scan::new(64, 64, luma, (0.0, 300.0)).unwrap();
        thumbnail(&scan, Region::whole(&scan))
    }

    fn numbered(all: &[Thumbnail]) -> Vec<(&[f32], usize)> {
        all.iter().map(Vec::as_slice).zip(0..).collect()
    }

    #[test]
    fn finds_the_same_picture_at_another_contrast() {
        let pictures = |gain| (0..5).map(|s| picture(s, gain)).collect::<Vec<_>>();
        let (plain, louder) = (pictures(1.0), pictures(2.5));
        let (known, queries) = (numbered(&plain), numbered(&louder));
        assert_eq!(nearest_neighbour_accuracy(&known, &queries), Some(1.0));
        assert_eq!(nearest_neighbour_accuracy(&known, &[]), None);
        assert_eq!(nearest_neighbour_accuracy(&[], &queries), None);
    }

    #[test]
    fn the_nearest_is_that_of_comparing_each_with_each() {
        let all: Vec<Vec<f32>> = (0..BLOCK + 30).map(|s| picture(s * s + 3, 1.0)).collect();
        let all: Vec<&[f32]> = all.iter().map(Vec::as_slice).collect();
        let (known, queries) = (&all[..20], &all[5..]);
        let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        for (query, found) in queries.iter().zip(nearest(known, queries).unwrap()) {
            let best = known.iter().map(|k| dot(k, query)).fold(-1.0, f32::max);
            assert!((dot(known[found], query) - best).abs() < 1e-5);
        }
    }
}
