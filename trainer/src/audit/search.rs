//! All pairs of thumbnails whose correlation exceeds a threshold, without comparing each with each
//! in full.
//!
//! A thumbnail's first cosine coefficients, together with the length of all others as one more
//! number, make a short vector of length 1. Its dot product with another's is never below the
//! thumbnails' correlation (Cauchy and Schwarz: the remainders' product is at most that of their
//! lengths), so a matrix product of short vectors rules out nearly all pairs and never a right one.

use anyhow::{Context, Result};
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::signature::{SIDE, correlation};
use crate::backend::Candle;

/// Cosine coefficients along each side.
const WAVES: usize = 10;
/// Length of the short vectors.
const SHORT: usize = WAVES * WAVES + 1;
/// Rows of one matrix product.
const ROWS: usize = 256;
/// What rounding may take from a short vectors' product.
const ROUNDING: f32 = 1e-4;

/// Two thumbnails by their indices, and their correlation.
pub type Match = (usize, usize, f32);

/// All `(a, b)` with `a < b` and a correlation of `left[a]` and `right[b]` above the threshold, in
/// order. `right` is `left` itself, or `left` turned.
pub fn correlated(left: &[&[f32]], right: &[&[f32]], threshold: f32) -> Result<Vec<Match>> {
    let count = left.len();
    let device = Default::default();
    let basis = basis();
    let shorten = |all: &[&[f32]]| -> Vec<f32> {
        all.par_iter()
            .flat_map_iter(|thumbnail| short(thumbnail, &basis))
            .collect()
    };
    let (rows, columns) = (shorten(left), shorten(right));
    let columns = Tensor::<Candle, 2>::from_data(TensorData::new(columns, [count, SHORT]), &device);
    let mut found = Vec::new();
    for start in (0..count).step_by(ROWS) {
        let end = (start + ROWS).min(count);
        let block = rows[start * SHORT..end * SHORT].to_vec();
        let block =
            Tensor::<Candle, 2>::from_data(TensorData::new(block, [end - start, SHORT]), &device);
        // Columns before the block have met these rows already.
        let later = columns.clone().narrow(0, start, count - start);
        let products: Vec<f32> = block
            .matmul(later.transpose())
            .into_data()
            .into_vec()
            .ok()
            .context("the matrix product came in an unknown form")?;
        let width = count - start;
        let matches: Vec<Match> = products
            .par_chunks_exact(width)
            .enumerate()
            .flat_map_iter(|(row, line)| {
                let a = start + row;
                line.iter()
                    .enumerate()
                    .skip(row + 1)
                    .filter(move |(_, product)| **product > threshold - ROUNDING)
                    .map(move |(column, _)| (a, start + column))
                    .map(move |(a, b)| (a, b, correlation(left[a], right[b])))
                    .filter(move |found| found.2 > threshold)
            })
            .collect();
        found.extend(matches);
    }
    Ok(found)
}

/// The cosine waves, `WAVES` by `SIDE`, each of length 1.
fn basis() -> Vec<f32> {
    let side = SIDE as f64;
    (0..WAVES)
        .flat_map(|wave| {
            let scale = (if wave == 0 { 1.0 } else { 2.0 } / side).sqrt();
            (0..SIDE).map(move |x| {
                let angle = std::f64::consts::PI * wave as f64 * (x as f64 + 0.5) / side;
                (scale * angle.cos()) as f32
            })
        })
        .collect()
}

/// A thumbnail's short vector.
fn short(thumbnail: &[f32], basis: &[f32]) -> Vec<f32> {
    // Waves along the rows, then along the columns.
    let mut half = vec![0.0f32; WAVES * SIDE];
    for (row, line) in thumbnail.chunks_exact(SIDE).enumerate() {
        for (wave, cosine) in basis.chunks_exact(SIDE).enumerate() {
            half[wave * SIDE + row] = correlation(line, cosine);
        }
    }
    let mut vector: Vec<f32> = half
        .chunks_exact(SIDE)
        .flat_map(|line| {
            basis
                .chunks_exact(SIDE)
                .map(|cosine| correlation(line, cosine))
        })
        .collect();
    let whole: f32 = thumbnail.iter().map(|v| v * v).sum();
    let kept: f32 = vector.iter().map(|v| v * v).sum();
    vector.push((whole - kept).max(0.0).sqrt());
    vector
}

#[cfg(test)]
mod tests {
    use super::super::signature::{Turn, turned};
    use super::*;
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn unit(mut values: Vec<f32>) -> Vec<f32> {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|v| *v -= mean);
        let length = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        values.iter_mut().for_each(|v| *v /= length);
        values
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3))]
        #[test]
        fn nothing_is_missed(seed in any::<u64>(), threshold in 0.7f32..0.999, noise in 0.0f32..1.0) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            // A few pictures, each with copies under more and more noise; more than one block.
            let pictures: Vec<Vec<f32>> = (0..8)
                .map(|_| (0..SIDE * SIDE).map(|_| rng.random_range(-1.0..1.0)).collect())
                .collect();
            let thumbnails: Vec<Vec<f32>> = (0..ROWS + 20).map(|index| {
                let mut copy = unit(pictures[index % pictures.len()].iter()
                    .map(|v| v + noise * index as f32 / 300.0 * rng.random_range(-1.0f32..1.0))
                    .collect());
                if index % 3 == 0 {
                    copy = turned(&copy, Turn::UpsideDown);
                }
                copy
            }).collect();
            let left: Vec<&[f32]> = thumbnails.iter().map(Vec::as_slice).collect();
            let flipped: Vec<Vec<f32>> = left.iter().map(|t| turned(t, Turn::UpsideDown)).collect();
            let flipped: Vec<&[f32]> = flipped.iter().map(Vec::as_slice).collect();
            for right in [&left, &flipped] {
                let mut expected = Vec::new();
                for (a, one) in left.iter().enumerate() {
                    for (b, other) in right.iter().enumerate().skip(a + 1) {
                        let alike = correlation(one, other);
                        if alike > threshold {
                            expected.push((a, b, alike));
                        }
                    }
                }
                prop_assert_eq!(correlated(&left, right, threshold).unwrap(), expected);
            }
        }
    }

    #[test]
    fn few_is_fine() {
        assert!(correlated(&[], &[], 0.9).unwrap().is_empty());
        let one = vec![0.0; SIDE * SIDE];
        assert!(correlated(&[&one], &[&one], 0.9).unwrap().is_empty());
    }
}
