//! EigenCAM: what most of the features have in common.

use super::activations::Activations;
use super::random::SplitMix;

/// Rounds of power iteration at most; features of trained networks need a few dozen.
const ROUNDS: usize = 500;
/// Change of the unit vector between two rounds at which it counts as found.
const TOLERANCE: f64 = 1e-9;

impl Activations {
    /// EigenCAM (Muhammad and Yeasin 2020, <https://arxiv.org/abs/2008.00299>), the same for every class.
    ///
    /// With the features as a matrix of cells by channels, not centred (as in the paper), the map is
    /// the projection of each cell on the first right singular vector. That vector's sign is
    /// arbitrary: the one with the larger sum over the cells is taken, and negative cells become 0.
    pub fn eigen_cam(&self) -> Vec<f32> {
        let mut unit = self.first_direction();
        let Some(mut scale) = self.through_channels(&unit).map(|(_, norm)| norm.sqrt()) else {
            return vec![0.0; self.area()];
        };
        if unit.iter().sum::<f64>() < 0.0 {
            scale = -scale;
        }
        for value in &mut unit {
            *value = (*value * scale).max(0.0);
        }
        unit.into_iter().map(|value| value as f32).collect()
    }

    /// The first left singular vector by power iteration, of length 1. Times the singular value it
    /// is the projection on the right one, which need not be known.
    fn first_direction(&self) -> Vec<f64> {
        // Random numbers are orthogonal to no direction; a fixed seed keeps the result the same.
        let mut random = SplitMix::new(1);
        let mut unit: Vec<f64> = (0..self.area()).map(|_| 0.5 + random.unit()).collect();
        for _ in 0..ROUNDS {
            let Some((next, _)) = self.through_channels(&unit) else {
                break;
            };
            let change = unit
                .iter()
                .zip(&next)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            unit = next;
            if change < TOLERANCE {
                break;
            }
        }
        unit
    }

    /// A vector over the cells times the matrix of the cells' scalar products, brought to length 1,
    /// and the length it had. `None` where nothing is left.
    fn through_channels(&self, vector: &[f64]) -> Option<(Vec<f64>, f64)> {
        let mut result = vec![0.0; vector.len()];
        for channel in 0..self.channels() {
            let feature = self.feature(channel);
            let cells = vector.iter().zip(feature);
            let product: f64 = cells.map(|(v, &a)| v * f64::from(a)).sum();
            for (total, &a) in result.iter_mut().zip(feature) {
                *total += product * f64::from(a);
            }
        }
        let length = result.iter().map(|v| v * v).sum::<f64>().sqrt();
        if !length.is_normal() {
            return None;
        }
        for value in &mut result {
            *value /= length;
        }
        Some((result, length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn activations(features: Vec<f32>, width: usize, height: usize) -> Activations {
        let channels = features.len() / (width * height);
        Activations::new(vec![0.0], vec![0.0; channels], features, width, height).unwrap()
    }

    #[test]
    fn known_singular_vectors_are_found() {
        // 3 u1 v1' + 1 u2 v2' with orthonormal vectors: u over four cells, v over two channels.
        let (u1, u2) = ([0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5]);
        let (v1, v2) = ([0.6, 0.8], [-0.8, 0.6]);
        for sign in [1.0, -1.0] {
            let features: Vec<f32> = (0..2)
                .flat_map(|k| (0..4).map(move |i| sign * (3.0 * u1[i] * v1[k] + u2[i] * v2[k])))
                .collect();
            let map = activations(features, 2, 2).eigen_cam();
            for value in map {
                assert!((value - 1.5).abs() < 1e-5, "{value}");
            }
        }
    }

    #[test]
    fn features_without_content_give_zeros() {
        assert_eq!(activations(vec![0.0; 12], 2, 3).eigen_cam(), [0.0; 6]);
    }

    proptest! {
        /// The definition: an eigenvector of the cells' scalar products, and none is longer.
        #[test]
        fn it_is_the_first_principal_component(
            features in prop::collection::vec(0f32..3.0, 5 * 6),
            other in prop::collection::vec(-1f64..1.0, 5),
        ) {
            let a = activations(features, 3, 2);
            let map: Vec<f64> = a.eigen_cam().into_iter().map(f64::from).collect();
            let squared: f64 = map.iter().map(|v| v * v).sum();
            prop_assume!(squared > 1e-3);
            let (image, length) = a.through_channels(&map).unwrap();
            // The largest eigenvalue is the squared singular value, which is the map's squared length.
            prop_assert!((length / squared.sqrt() / squared - 1.0).abs() < 1e-3);
            for (image, value) in image.iter().zip(&map) {
                prop_assert!((image * squared.sqrt() - value).abs() < 1e-2 * squared.sqrt());
            }
            let norm = other.iter().map(|v| v * v).sum::<f64>().sqrt();
            prop_assume!(norm > 1e-3);
            let projected: f64 = (0..6).map(|cell| {
                let sum: f64 = (0..5).map(|k| other[k] / norm * f64::from(a.feature(k)[cell])).sum();
                sum * sum
            }).sum();
            prop_assert!(projected <= squared * (1.0 + 1e-4));
        }

        #[test]
        fn sign_and_order_of_channels_do_not_matter(
            features in prop::collection::vec(0f32..3.0, 4 * 6), turn in 1usize..4,
        ) {
            let map = activations(features.clone(), 3, 2).eigen_cam();
            let negative = features.iter().map(|v| -v).collect();
            let mut turned = features;
            turned.rotate_left(turn * 6);
            for other in [negative, turned] {
                for (a, b) in map.iter().zip(activations(other, 3, 2).eigen_cam()) {
                    prop_assert!((a - b).abs() < 1e-3);
                }
            }
        }
    }
}
