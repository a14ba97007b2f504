//! Two training images in one: mixup and CutMix.

use rand::Rng;
use rand_distr::{Beta, Distribution};
use scanlight_model::preprocess::{InputGeometry, normalise};

use super::{Rectangle, rectangle};
use crate::config::MixConfig;

/// How much of which image is in a mixed input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixed {
    /// The other image's index in the batch; the image's own where nothing was mixed.
    pub other: usize,
    /// The image's own share, 0 to 1.
    pub share: f32,
}

/// What happens to one image.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// Blended: mixup.
    Blend(f32),
    /// A rectangle of the other image.
    Cut(Rectangle),
}

/// Mixes images of a batch with others of it, each by its own draw; says what is in each input.
///
/// Mixup after Zhang et al. 2018 (<https://arxiv.org/abs/1710.09412>), CutMix after Yun et al. 2019
/// (<https://arxiv.org/abs/1905.04899>). Mixed inputs are normalised again: a blend of two pictures has
/// a smaller deviation than either, and no image has that later.
pub fn mix(
    inputs: &mut [Vec<f32>],
    geometry: &InputGeometry,
    config: &MixConfig,
    rng: &mut impl Rng,
) -> Vec<Mixed> {
    let count = inputs.len();
    let plan: Vec<Option<(usize, Change)>> = (0..count)
        .map(|index| {
            // Drawn always, so that one image's fate does not change the next one's numbers.
            let chance = rng.random::<f64>();
            let other = (index + 1 + rng.random_range(0..count.max(2) - 1)) % count;
            let blend = beta(config.mixup_alpha, rng);
            let kept = beta(config.cutmix_alpha, rng);
            let middle = [rng.random::<f32>(), rng.random::<f32>()];
            if chance < config.mixup_probability {
                Some((other, Change::Blend(blend)))
            } else if chance < config.mixup_probability + config.cutmix_probability {
                let side = (1.0 - kept).sqrt();
                let (width, height) = (geometry.width as usize, geometry.height as usize);
                let area = rectangle([side, side], middle, width, height);
                Some((other, Change::Cut(area)))
            } else {
                None
            }
        })
        .collect();
    if plan.iter().all(Option::is_none) {
        return (0..count).map(alone).collect();
    }
    let originals = inputs.to_vec();
    plan.iter()
        .zip(inputs)
        .enumerate()
        .map(|(index, (change, input))| match change {
            None => alone(index),
            Some((other, change)) => {
                let share = change.apply(input, &originals[*other], geometry.width as usize);
                normalise(input, geometry.normalisation);
                Mixed {
                    other: *other,
                    share,
                }
            }
        })
        .collect()
}

fn alone(index: usize) -> Mixed {
    Mixed {
        other: index,
        share: 1.0,
    }
}

/// A number from 0 to 1 by the symmetric Beta distribution.
fn beta(alpha: f64, rng: &mut impl Rng) -> f32 {
    // The configuration was checked: alpha is above 0.
    Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(rng) as f32)
}

impl Change {
    /// Puts the other image in; gives the share of the first that is left.
    fn apply(self, input: &mut [f32], other: &[f32], width: usize) -> f32 {
        match self {
            Self::Blend(share) => {
                for (value, other) in input.iter_mut().zip(other) {
                    *value = share * *value + (1.0 - share) * other;
                }
                share
            }
            Self::Cut(area) => {
                for row in area.top..area.bottom {
                    let line = row * width + area.left..row * width + area.right;
                    input[line.clone()].copy_from_slice(&other[line]);
                }
                // What was cut, not what was drawn: the plane's edge may have cut the rectangle.
                1.0 - area.area() as f32 / input.len().max(1) as f32
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn batch(count: usize) -> Vec<Vec<f32>> {
        (0..count)
            .map(|index| {
                let mut values: Vec<f32> = (0..16 * 16)
                    .map(|i| ((i * (index + 3)) % 17) as f32 - 8.0)
                    .collect();
                normalise(&mut values, Default::default());
                values
            })
            .collect()
    }

    fn config(mixup: f64, cutmix: f64) -> MixConfig {
        MixConfig {
            mixup_probability: mixup,
            cutmix_probability: cutmix,
            ..MixConfig::default()
        }
    }

    #[test]
    fn off_changes_nothing() {
        let mut inputs = batch(5);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mixed = mix(
            &mut inputs,
            &InputGeometry::square(16),
            &config(0.0, 0.0),
            &mut rng,
        );
        assert_eq!(inputs, batch(5));
        assert!(mixed.iter().enumerate().all(|(i, m)| *m == alone(i)));
    }

    #[test]
    fn a_cut_has_the_area_that_its_share_says() {
        let area = rectangle([0.5, 0.5], [0.9, 0.5], 16, 16);
        let mut input = vec![0.0; 256];
        let share = Change::Cut(area).apply(&mut input, &[1.0; 256], 16);
        let cut = input.iter().filter(|v| **v == 1.0).count();
        assert!((share - (1.0 - cut as f32 / 256.0)).abs() < 1e-6);
        assert_eq!(cut, 6 * 8, "the plane's edge cuts the rectangle");
    }

    #[test]
    fn a_blend_is_the_weighted_sum() {
        let mut input = vec![2.0, 4.0];
        assert_eq!(Change::Blend(0.75).apply(&mut input, &[6.0, 0.0], 2), 0.75);
        assert_eq!(input, [3.0, 3.0]);
    }

    #[test]
    fn shares_follow_the_beta_distribution() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for alpha in [0.2, 1.0, 3.0] {
            let draws: Vec<f64> = (0..20_000)
                .map(|_| f64::from(beta(alpha, &mut rng)))
                .collect();
            let mean = draws.iter().sum::<f64>() / 2e4;
            let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2e4;
            assert!((mean - 0.5).abs() < 0.02, "{alpha}: {mean}");
            let expected = 0.25 / (2.0 * alpha + 1.0);
            assert!((variance - expected).abs() < 0.01, "{alpha}: {variance}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn shares_are_shares_and_inputs_stay_normalised(
            count in 2usize..6,
            mixup in 0.0..1.0f64,
            seed in any::<u64>(),
        ) {
            let mut inputs = batch(count);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let geometry = InputGeometry::square(16);
            let mixed = mix(&mut inputs, &geometry, &config(mixup, 1.0 - mixup), &mut rng);
            for (index, (mixed, input)) in mixed.iter().zip(&inputs).enumerate() {
                prop_assert!((0.0..=1.0).contains(&mixed.share));
                prop_assert!(mixed.other < count);
                prop_assert!(mixed.other != index, "an image is never its own partner");
                prop_assert!(input.iter().all(|v| v.is_finite()));
                let mean = input.iter().sum::<f32>() / 256.0;
                prop_assert!(mean.abs() < 1e-3);
            }
        }
    }
}
