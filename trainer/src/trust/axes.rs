//! Principal axes of many rows, without ever writing their covariance out.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use scanlight_model::trust::ood::Gaussian;

/// Rounds of subspace iteration; the axes near the last one need not be exact, as the variance of
/// the rest is that of what they leave.
const ROUNDS: usize = 30;
/// Share of the mean variance that is added to every variance.
const RIDGE: f64 = 1e-3;

/// The normal distribution around `means` of rows that lie around the mean of their class; all rows
/// belong to class 0 where there is but one mean. Keeps at most `rank` axes.
pub fn gaussian(
    rows: &[Vec<f32>],
    classes: &[usize],
    means: Vec<Vec<f32>>,
    rank: usize,
) -> Gaussian {
    let length = means.first().map_or(0, Vec::len);
    let centred: Vec<Vec<f32>> = rows
        .iter()
        .zip(classes)
        .map(|(row, &class)| {
            let mean = &means[class.min(means.len() - 1)];
            row.iter().zip(mean).map(|(x, m)| x - m).collect()
        })
        .collect();
    let (axes, mut variances) = principal_axes(&centred, length, rank);
    let total: f64 = centred
        .iter()
        .flatten()
        .map(|&v| f64::from(v).powi(2))
        .sum::<f64>()
        / rows.len().max(1) as f64;
    let ridge = RIDGE * total / length.max(1) as f64 + 1e-12;
    let rest = (total - variances.iter().sum::<f64>()).max(0.0);
    variances.push(rest / (length - axes.len()).max(1) as f64);
    Gaussian {
        means,
        axes: axes
            .iter()
            .map(|axis| axis.iter().map(|&v| v as f32).collect())
            .collect(),
        variances: variances.iter().map(|&v| (v + ridge) as f32).collect(),
    }
}

/// Orthonormal axes of the largest variance of centred rows, and the variances, largest first.
fn principal_axes(rows: &[Vec<f32>], length: usize, rank: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let rank = rank.min(length);
    // Started at random: an axis must not be missed for standing square to the start.
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut axes: Vec<Vec<f64>> = (0..rank)
        .map(|_| (0..length).map(|_| rng.random_range(-1.0..1.0)).collect())
        .collect();
    orthonormalise(&mut axes);
    for _ in 0..ROUNDS {
        axes = axes.par_iter().map(|axis| apply(rows, axis)).collect();
        orthonormalise(&mut axes);
    }
    // Rayleigh and Ritz: the axes within the subspace.
    let images: Vec<Vec<f64>> = axes.par_iter().map(|axis| apply(rows, axis)).collect();
    let small: Vec<Vec<f64>> = axes
        .iter()
        .map(|a| images.iter().map(|b| dot(a, b)).collect())
        .collect();
    let (values, vectors) = eigen(small);
    let mut order: Vec<usize> = (0..axes.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let rotated = order
        .iter()
        .map(|&k| {
            (0..length)
                .map(|i| axes.iter().zip(&vectors).map(|(a, v)| a[i] * v[k]).sum())
                .collect()
        })
        .collect();
    (rotated, order.iter().map(|&k| values[k].max(0.0)).collect())
}

/// The covariance of the rows times a vector.
fn apply(rows: &[Vec<f32>], vector: &[f64]) -> Vec<f64> {
    let mut result = vec![0.0; vector.len()];
    for row in rows {
        let along: f64 = row.iter().zip(vector).map(|(&x, v)| f64::from(x) * v).sum();
        for (sum, &x) in result.iter_mut().zip(row) {
            *sum += along * f64::from(x);
        }
    }
    for value in &mut result {
        *value /= rows.len().max(1) as f64;
    }
    result
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Gram and Schmidt, twice for accuracy; what is left of a dependent vector becomes 0 and drops out.
fn orthonormalise(vectors: &mut Vec<Vec<f64>>) {
    let mut done: Vec<Vec<f64>> = Vec::with_capacity(vectors.len());
    for mut vector in std::mem::take(vectors) {
        let before = dot(&vector, &vector).sqrt();
        for _ in 0..2 {
            for other in &done {
                let along = dot(&vector, other);
                for (v, o) in vector.iter_mut().zip(other) {
                    *v -= along * o;
                }
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        if norm > 1e-9 * before && norm > 1e-150 {
            vector.iter_mut().for_each(|v| *v /= norm);
            done.push(vector);
        }
    }
    *vectors = done;
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations.
fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = matrix.len();
    let mut vectors: Vec<Vec<f64>> = (0..size)
        .map(|i| (0..size).map(|j| f64::from(i == j)).collect())
        .collect();
    for _ in 0..50 {
        let squares = |keep: fn(usize, usize) -> bool| -> f64 {
            (0..size)
                .flat_map(|i| (0..size).map(move |j| (i, j)))
                .filter(|&(i, j)| keep(i, j))
                .map(|(i, j)| matrix[i][j].powi(2))
                .sum()
        };
        if squares(|i, j| i != j) <= 1e-24 * squares(|i, j| i == j) {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                if matrix[p][q] == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut matrix {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (above, below) = matrix.split_at_mut(q);
                for (a, b) in above[p].iter_mut().zip(&mut below[0]) {
                    (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
                }
                for row in &mut vectors {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
            }
        }
    }
    ((0..size).map(|i| matrix[i][i]).collect(), vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Solves `matrix x = b` by elimination: the direct computation.
    fn solve(mut matrix: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
        let size = b.len();
        for i in 0..size {
            let pivot = (i..size)
                .max_by(|&x, &y| matrix[x][i].abs().total_cmp(&matrix[y][i].abs()))
                .unwrap();
            matrix.swap(i, pivot);
            b.swap(i, pivot);
            for k in 0..size {
                if k != i {
                    let factor = matrix[k][i] / matrix[i][i];
                    let pivot = matrix[i].clone();
                    for (value, p) in matrix[k].iter_mut().zip(&pivot) {
                        *value -= factor * p;
                    }
                    b[k] -= factor * b[i];
                }
            }
        }
        (0..size).map(|i| b[i] / matrix[i][i]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// With all axes kept, the distance is that of the covariance inverted directly.
        #[test]
        fn full_rank_is_the_direct_mahalanobis_distance(
            rows in prop::collection::vec(prop::collection::vec(-2f32..2.0, 4), 12..40),
            query in prop::collection::vec(-3f32..3.0, 4),
        ) {
            let classes: Vec<usize> = (0..rows.len()).map(|i| i % 2).collect();
            let mean = |class: usize| -> Vec<f32> {
                let members: Vec<_> = rows.iter().zip(&classes).filter(|m| *m.1 == class).collect();
                (0..4).map(|i| {
                    members.iter().map(|m| m.0[i]).sum::<f32>() / members.len() as f32
                }).collect()
            };
            let means = vec![mean(0), mean(1)];
            let mut covariance = vec![vec![0.0; 4]; 4];
            for (row, &class) in rows.iter().zip(&classes) {
                for i in 0..4 {
                    for j in 0..4 {
                        covariance[i][j] += f64::from(row[i] - means[class][i])
                            * f64::from(row[j] - means[class][j]) / rows.len() as f64;
                    }
                }
            }
            let trace: f64 = (0..4).map(|i| covariance[i][i]).sum();
            for (i, line) in covariance.iter_mut().enumerate() {
                line[i] += RIDGE * trace / 4.0;
            }
            let expected = means.iter().map(|mean| {
                let away: Vec<f64> = query.iter().zip(mean).map(|(x, m)| f64::from(x - m)).collect();
                dot(&away, &solve(covariance.clone(), away.clone()))
            }).fold(f64::INFINITY, f64::min);
            let found = gaussian(&rows, &classes, means, 4).squared_distance(&query);
            prop_assert!((found - expected).abs() < 2e-2 * (1.0 + expected), "{} {}", found, expected);
        }

        #[test]
        fn axes_are_orthonormal_and_sorted(
            rows in prop::collection::vec(prop::collection::vec(-2f32..2.0, 9), 3..20),
        ) {
            let (axes, variances) = principal_axes(&rows, 9, 5);
            for (i, a) in axes.iter().enumerate() {
                for (j, b) in axes.iter().enumerate() {
                    prop_assert!((dot(a, b) - f64::from(i == j)).abs() < 1e-6);
                }
            }
            prop_assert!(variances.windows(2).all(|pair| pair[0] >= pair[1] - 1e-9));
        }
    }

    #[test]
    fn a_dominant_direction_is_found_first() {
        let rows: Vec<Vec<f32>> = (0..200)
            .map(|i| {
                let t = (i as f32 - 99.5) / 20.0;
                let small = ((i * 37 % 19) as f32 - 9.0) / 90.0;
                vec![0.6 * t, 0.8 * t + small, small]
            })
            .collect();
        let (axes, _) = principal_axes(&rows, 3, 1);
        assert!((axes[0][0].abs() - 0.6).abs() < 0.02 && (axes[0][1].abs() - 0.8).abs() < 0.02);
        // Flat rows have no direction, and the distance stays finite.
        let rows: Vec<_> = std::iter::repeat_n(vec![1.0; 3], 5).collect();
        let flat = gaussian(&rows, &[0; 5], vec![vec![1.0; 3]], 2);
        assert!(flat.squared_distance(&[1.0, 1.0, 1.5]).is_finite());
    }
}
