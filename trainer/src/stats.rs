//! Intervals, tests and curves for comparing classifiers.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
pub use scanlight_measures::intervals::wilson_interval;

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

/// 95 % interval of a share of right answers by the percentile bootstrap (Efron 1979,
/// <https://doi.org/10.1214/aos/1176344552>); `None` for no answers. The seed is fixed: the same
/// answers give the same interval.
pub fn bootstrap_interval(right: &[bool]) -> Option<[f64; 2]> {
    if right.is_empty() {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(95);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let hits = (0..right.len())
                .filter(|_| right[rng.random_range(0..right.len())])
                .count();
            hits as f64 / right.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Some([at(0.025), at(0.975)])
}

/// McNemar's test, exact and two-sided (McNemar 1947, <https://doi.org/10.1007/BF02295996>): how
/// probable so unequal a number of images that only one of two models gets right would be, were
/// both equally good. `first` and `second` are those numbers.
pub fn mcnemar(first: u64, second: u64) -> f64 {
    let (few, all) = (first.min(second), first + second);
    if all == 0 {
        return 1.0;
    }
    // Binomial(all, 1/2), summed in logarithms up from 0.
    let mut log_term = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=few {
        tail += log_term.exp();
        log_term += ((all - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// P-values of several tests, each raised as Holm 1979 asks (<https://www.jstor.org/stable/4615733>),
/// so that among many pairs none is called different by chance alone.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut highest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let raised = p_values[index] * (p_values.len() - rank) as f64;
        highest = highest.max(raised.min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}

/// Counts of true and false positives as the threshold falls, equal scores together.
fn sweep(scores: &[(f64, bool)]) -> Vec<[f64; 2]> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut counts = [0.0, 0.0];
    let mut points = vec![counts];
    for (index, &(score, positive)) in sorted.iter().enumerate() {
        counts[usize::from(!positive)] += 1.0;
        if sorted.get(index + 1).is_none_or(|next| next.0 < score) {
            points.push(counts);
        }
    }
    points
}

/// The ROC curve: false-positive rate and true-positive rate, from `[0, 0]` to `[1, 1]`; empty where
/// one side has no member.
pub fn roc(scores: &[(f64, bool)]) -> Vec<[f64; 2]> {
    let points = sweep(scores);
    let [positives, negatives] = points.last().copied().unwrap_or_default();
    if positives == 0.0 || negatives == 0.0 {
        return Vec::new();
    }
    points
        .iter()
        .map(|[hits, alarms]| [alarms / negatives, hits / positives])
        .collect()
}

/// The precision-recall curve: recall and precision as the threshold falls; empty without positives.
pub fn precision_recall(scores: &[(f64, bool)]) -> Vec<[f64; 2]> {
    let points = sweep(scores);
    let [positives, _] = points.last().copied().unwrap_or_default();
    if positives == 0.0 {
        return Vec::new();
    }
    points
        .iter()
        .skip(1)
        .map(|[hits, alarms]| [hits / positives, hits / (hits + alarms)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::auc;
    use proptest::prelude::{any, prop, prop_assert, proptest};

    #[test]
    fn mcnemar_s_known_values() {
        assert_eq!(mcnemar(0, 0), 1.0);
        assert_eq!(mcnemar(5, 5), 1.0);
        // 2 * (1/2)^6
        assert!((mcnemar(0, 6) - 0.03125).abs() < 1e-12);
        // 2 * (1 + 10 + 45) / 1024
        assert!((mcnemar(2, 8) - 0.109375).abs() < 1e-12);
        assert!((mcnemar(8, 2) - 0.109375).abs() < 1e-12);
        // As scipy.stats.binomtest(15, 60) says.
        assert!((mcnemar(15, 45) - 0.000_134_8).abs() < 2e-6);
        assert!(mcnemar(1000, 2000) < 1e-60);
    }

    #[test]
    fn holm_s_known_values() {
        let raised = holm(&[0.01, 0.04, 0.03]);
        for (found, expected) in raised.iter().zip([0.03, 0.06, 0.06]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn the_bootstrap_covers_the_truth_about_as_often_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let covered = (0..120)
            .filter(|_| {
                let right: Vec<bool> = (0..150).map(|_| rng.random_bool(0.85)).collect();
                let [low, high] = bootstrap_interval(&right).unwrap();
                (low..=high).contains(&0.85)
            })
            .count();
        // 95 % of 120 is 114, with a deviation of 2.4.
        assert!((104..=120).contains(&covered), "{covered}");
        assert_eq!(bootstrap_interval(&[]), None);
        assert_eq!(bootstrap_interval(&[true; 10]), Some([1.0, 1.0]));
    }

    proptest! {
        #[test]
        fn the_area_under_the_roc_curve_is_auc(
            scores in prop::collection::vec((0u8..8, any::<bool>()), 2..60),
        ) {
            let wide: Vec<_> = scores.iter().map(|&(s, p)| (f64::from(s), p)).collect();
            let narrow: Vec<_> = scores.iter().map(|&(s, p)| (f32::from(s), p)).collect();
            let area: f64 = roc(&wide)
                .windows(2)
                .map(|w| (w[1][0] - w[0][0]) * (w[1][1] + w[0][1]) / 2.0)
                .sum();
            if let Some(expected) = auc(&narrow) {
                prop_assert!((area - expected).abs() < 1e-9);
            }
            for [recall, precision] in precision_recall(&wide) {
                prop_assert!((0.0..=1.0).contains(&recall) && (0.0..=1.0).contains(&precision));
            }
        }

        #[test]
        fn intervals_hold_the_share(right in 0u64..200, more in 1u64..200) {
            let all = right + more;
            let [low, high] = wilson_interval(right, all).unwrap();
            let share = right as f64 / all as f64;
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
            prop_assert!((0.0..=1.0).contains(&mcnemar(right, more)));
        }
    }
}
