//! Whether a picture is like the training images ("out of distribution" where it is not).
//!
//! - Mahalanobis distance of the features to the nearest class's mean, with one covariance for all
//!   classes (Lee et al. 2018, <https://arxiv.org/abs/1807.03888>),
//! - the same less the distance to the mean of all classes (Ren et al. 2021,
//!   <https://arxiv.org/abs/2106.09022>),
//! - the energy of the logits (Liu et al. 2020, <https://arxiv.org/abs/2010.03759>).
//!
//! The features are each channel's mean and deviation over the network's last feature maps: the
//! deviations notice textures that the means do not. The covariance is kept as its largest
//! principal axes and one variance for the rest (Tipping and Bishop 1999,
//! <https://doi.org/10.1111/1467-9868.00196>), which is small enough for a download and needs no
//! inverse.

use std::collections::BTreeMap;

use crate::bundle::{BundleError, OodMethod, OodSpec};

/// What the names of this module's tensors in a weights file begin with.
pub const PREFIX: &str = "trust.";
/// The most principal axes that are kept.
pub const MAX_AXES: usize = 64;

/// The most means that a distribution may have, or as many as there are classes.
pub const MAX_MEANS: usize = 256;

/// A tensor's shape and values, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each dimension.
    pub shape: Vec<usize>,
    /// Values.
    pub values: Vec<f32>,
}

/// Tensors by name.
pub type Arrays = BTreeMap<String, Array>;

/// Normal distributions around one or several means with one covariance.
#[derive(Debug, Clone, PartialEq)]
pub struct Gaussian {
    /// Means, each of the features' length.
    pub means: Vec<Vec<f32>>,
    /// Orthonormal principal axes of the covariance, each of the features' length.
    pub axes: Vec<Vec<f32>>,
    /// Variance along each axis, then the variance along every other direction; all above 0.
    pub variances: Vec<f32>,
}

impl Gaussian {
    /// Squared Mahalanobis distance to the nearest mean.
    pub fn squared_distance(&self, features: &[f32]) -> f64 {
        let rest_variance = self.variances.last().map_or(1.0, |&v| f64::from(v));
        self.means
            .iter()
            .map(|mean| {
                let away: Vec<f64> = features
                    .iter()
                    .zip(mean)
                    .map(|(&x, &m)| f64::from(x) - f64::from(m))
                    .collect();
                let mut rest: f64 = away.iter().map(|d| d * d).sum();
                let mut distance = 0.0;
                for (axis, &variance) in self.axes.iter().zip(&self.variances) {
                    let along: f64 = axis.iter().zip(&away).map(|(&a, d)| f64::from(a) * d).sum();
                    rest -= along * along;
                    distance += along * along / f64::from(variance);
                }
                distance + rest.max(0.0) / rest_variance
            })
            .fold(f64::INFINITY, f64::min)
    }

    /// Adds the arrays under `PREFIX` + `name` + `.`.
    fn write(&self, name: &str, arrays: &mut Arrays) {
        let length = self.means.first().map_or(0, Vec::len);
        let mut add = |part: &str, shape: Vec<usize>, values: Vec<f32>| {
            arrays.insert(format!("{PREFIX}{name}.{part}"), Array { shape, values });
        };
        add("means", vec![self.means.len(), length], self.means.concat());
        add("axes", vec![self.axes.len(), length], self.axes.concat());
        add(
            "variances",
            vec![self.variances.len()],
            self.variances.clone(),
        );
    }

    /// With `fewest` means or more: a class whose training images are of several kinds has one for each.
    fn read(
        name: &str,
        fewest: usize,
        length: usize,
        arrays: &Arrays,
    ) -> Result<Self, BundleError> {
        let axes = find(arrays, &format!("{PREFIX}{name}.axes"))?;
        let count = axes.shape.first().copied().unwrap_or(0);
        if count > MAX_AXES {
            return Err(shape_error(name, "axes", axes, &[MAX_AXES, length]));
        }
        let rows = |part: &str, count: usize| -> Result<Vec<Vec<f32>>, BundleError> {
            let array = find(arrays, &format!("{PREFIX}{name}.{part}"))?;
            if array.shape != [count, length] {
                return Err(shape_error(name, part, array, &[count, length]));
            }
            Ok(array
                .values
                .chunks_exact(length.max(1))
                .map(<[f32]>::to_vec)
                .collect())
        };
        let means = find(arrays, &format!("{PREFIX}{name}.means"))?;
        let centres = means.shape.first().copied().unwrap_or(0);
        if !(fewest..=MAX_MEANS.max(fewest)).contains(&centres) {
            return Err(shape_error(name, "means", means, &[fewest, length]));
        }
        let variances = find(arrays, &format!("{PREFIX}{name}.variances"))?;
        if variances.shape != [count + 1] {
            return Err(shape_error(name, "variances", variances, &[count + 1]));
        }
        if variances.values.iter().any(|&v| v <= 0.0) {
            return Err(BundleError::Value {
                field: "trust.*.variances in the weights",
                found: "0 or less".into(),
                expected: "above 0",
            });
        }
        Ok(Self {
            means: rows("means", centres)?,
            axes: rows("axes", count)?,
            variances: variances.values.clone(),
        })
    }
}

fn find<'a>(arrays: &'a Arrays, name: &str) -> Result<&'a Array, BundleError> {
    arrays
        .get(name)
        .ok_or_else(|| BundleError::MissingTensor { name: name.into() })
}

fn shape_error(name: &str, part: &str, found: &Array, expected: &[usize]) -> BundleError {
    BundleError::Shape {
        name: format!("{PREFIX}{name}.{part}"),
        found: found.shape.clone(),
        expected: expected.to_vec(),
    }
}

/// Minus the logarithm of the sum of the logits' exponentials: low where a class is spoken for.
pub fn energy(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|v| (v - highest).exp()).sum();
    -(highest + sum.ln())
}

/// A score of strangeness with what it needs.
#[derive(Debug, Clone, PartialEq)]
pub enum Detector {
    /// See [`energy`].
    Energy,
    /// Distance to the nearest class's mean, as a multiple of a typical training image's.
    Mahalanobis {
        /// What each feature is multiplied by first.
        scale: Vec<f32>,
        /// The classes.
        classes: Gaussian,
    },
    /// The same, less the distance to the mean of all.
    RelativeMahalanobis {
        /// What each feature is multiplied by first.
        scale: Vec<f32>,
        /// The classes.
        classes: Gaussian,
        /// All training images together.
        all: Gaussian,
    },
}

impl Detector {
    /// How strange an image is, larger is stranger; `features` are the channels' means, then their
    /// deviations.
    pub fn score(&self, logits: &[f32], features: &[f32]) -> f32 {
        let scaled = |scale: &[f32]| -> Vec<f32> {
            features.iter().zip(scale).map(|(x, s)| x * s).collect()
        };
        let length = features.len().max(1) as f64;
        match self {
            Self::Energy => energy(logits),
            Self::Mahalanobis { scale, classes } => {
                (classes.squared_distance(&scaled(scale)) / length).sqrt() as f32
            }
            Self::RelativeMahalanobis {
                scale,
                classes,
                all,
            } => {
                let features = scaled(scale);
                let distance =
                    classes.squared_distance(&features) - all.squared_distance(&features);
                (distance / length) as f32
            }
        }
    }

    /// Its name.
    pub fn method(&self) -> OodMethod {
        match self {
            Self::Energy => OodMethod::Energy,
            Self::Mahalanobis { .. } => OodMethod::Mahalanobis,
            Self::RelativeMahalanobis { .. } => OodMethod::RelativeMahalanobis,
        }
    }

    /// The tensors to be stored beside the weights.
    pub fn arrays(&self) -> Arrays {
        let mut arrays = Arrays::new();
        let (scale, classes, all) = match self {
            Self::Energy => return arrays,
            Self::Mahalanobis { scale, classes } => (scale, classes, None),
            Self::RelativeMahalanobis {
                scale,
                classes,
                all,
            } => (scale, classes, Some(all)),
        };
        let array = Array {
            shape: vec![scale.len()],
            values: scale.clone(),
        };
        arrays.insert(format!("{PREFIX}scale"), array);
        classes.write("classes", &mut arrays);
        if let Some(all) = all {
            all.write("all", &mut arrays);
        }
        arrays
    }

    /// The detector that a manifest names, from the tensors beside the weights, for a network with
    /// so many classes and channels; shapes and values are checked.
    pub fn read(
        spec: &OodSpec,
        classes: usize,
        channels: usize,
        arrays: &Arrays,
    ) -> Result<Self, BundleError> {
        let length = 2 * channels;
        let scale = || -> Result<Vec<f32>, BundleError> {
            let array = find(arrays, &format!("{PREFIX}scale"))?;
            if array.shape != [length] {
                return Err(BundleError::Shape {
                    name: format!("{PREFIX}scale"),
                    found: array.shape.clone(),
                    expected: vec![length],
                });
            }
            Ok(array.values.clone())
        };
        Ok(match spec.method {
            OodMethod::Energy => Self::Energy,
            OodMethod::Mahalanobis => Self::Mahalanobis {
                scale: scale()?,
                classes: Gaussian::read("classes", classes, length, arrays)?,
            },
            OodMethod::RelativeMahalanobis => Self::RelativeMahalanobis {
                scale: scale()?,
                classes: Gaussian::read("classes", classes, length, arrays)?,
                all: Gaussian::read("all", 1, length, arrays)?,
            },
        })
    }
}

pub use scanlight_formats::colour::colourfulness;

/// The colourfulness from which a picture counts as coloured: "slightly colourful" in the scale of
/// Hasler and Süsstrunk 2003 (15 of 255). Slices are grey; a small coloured mark stays below.
pub const COLOUR_LIMIT: f32 = 15.0 / 255.0;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn colour_is_told_from_grey() {
        let grey = (0..100).map(|i| [i as f32 / 100.0; 3]);
        assert!(colourfulness(grey) < 1e-6);
        let vivid = (0..100).map(|i| {
            if i % 2 == 0 {
                [1.0, 0.0, 0.0]
            } else {
                [0.0, 0.0, 1.0]
            }
        });
        assert!(colourfulness(vivid) > 0.4);
        // A red mark on 1 % of a grey picture.
        let marked = (0..1000).map(|i| if i < 2 { [1.0, 0.0, 0.0] } else { [0.4; 3] });
        assert!(colourfulness(marked) < COLOUR_LIMIT);
        assert_eq!(colourfulness(std::iter::empty()), 0.0);
    }

    #[test]
    fn energy_is_minus_the_log_of_the_sum() {
        let expected = -(1f32.exp() + 2f32.exp() + 3f32.exp()).ln();
        assert!((energy(&[1.0, 2.0, 3.0]) - expected).abs() < 1e-5);
        assert!((energy(&[1000.0, 0.0]) + 1000.0).abs() < 1e-3);
    }

    fn detector(relative: bool) -> Detector {
        let classes = Gaussian {
            means: vec![vec![0.0, 0.0, 0.0, 0.0], vec![5.0, 0.0, 0.0, 0.0]],
            axes: vec![vec![0.6, 0.8, 0.0, 0.0]],
            variances: vec![4.0, 0.25],
        };
        let scale = vec![1.0, 2.0, 1.0, 1.0];
        if relative {
            let all = Gaussian {
                means: vec![vec![2.0, 0.0, 0.0, 0.0]],
                axes: Vec::new(),
                variances: vec![9.0],
            };
            Detector::RelativeMahalanobis {
                scale,
                classes,
                all,
            }
        } else {
            Detector::Mahalanobis { scale, classes }
        }
    }

    fn spec(method: OodMethod) -> OodSpec {
        OodSpec {
            method,
            threshold: 1.0,
            colour_limit: None,
            acceptance: 0.95,
            auroc: Default::default(),
            rejected: Default::default(),
            fitted_on: String::new(),
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_faults_are_named() {
        for detector in [detector(false), detector(true), Detector::Energy] {
            let arrays = detector.arrays();
            let spec = spec(detector.method());
            assert_eq!(Detector::read(&spec, 2, 2, &arrays).unwrap(), detector);
            if detector == Detector::Energy {
                continue;
            }
            // Two means for one class: scans and drawings of it, say.
            assert_eq!(Detector::read(&spec, 1, 2, &arrays).unwrap(), detector);
            assert!(matches!(
                Detector::read(&spec, 3, 2, &arrays),
                Err(BundleError::Shape { .. })
            ));
            assert!(matches!(
                Detector::read(&spec, 2, 9, &arrays),
                Err(BundleError::Shape { .. })
            ));
            assert!(matches!(
                Detector::read(&spec, 2, 2, &Arrays::new()),
                Err(BundleError::MissingTensor { .. })
            ));
            let mut broken = arrays.clone();
            broken.get_mut("trust.classes.variances").unwrap().values[0] = 0.0;
            assert!(matches!(
                Detector::read(&spec, 2, 2, &broken),
                Err(BundleError::Value { .. })
            ));
        }
    }

    proptest! {
        /// Against the quadratic form with the covariance written out and inverted by hand.
        #[test]
        fn the_distance_is_mahalanobis(x in prop::collection::vec(-3f32..3.0, 2), angle in 0f64..3.0,
            first in 0.1f64..5.0, second in 0.1f64..5.0) {
            let (sin, cos) = angle.sin_cos();
            // Covariance R diag(first, second) R'.
            let (a, b, d) = (
                first * cos * cos + second * sin * sin,
                (first - second) * sin * cos,
                first * sin * sin + second * cos * cos,
            );
            let determinant = a * d - b * b;
            let (u, v) = (f64::from(x[0]) - 1.0, f64::from(x[1]) + 0.5);
            let expected = (d * u * u - 2.0 * b * u * v + a * v * v) / determinant;
            let gaussian = Gaussian {
                means: vec![vec![1.0, -0.5]],
                axes: vec![vec![cos as f32, sin as f32]],
                variances: vec![first as f32, second as f32],
            };
            let found = gaussian.squared_distance(&x);
            prop_assert!((found - expected).abs() < 1e-3 * (1.0 + expected), "{} {}", found, expected);
        }
    }
}
