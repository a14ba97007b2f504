//! Intervals that know that a patient's slices are alike.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Resamples of one interval.
pub const RESAMPLES: usize = 2000;

/// The 95 % interval of a mean by the cluster bootstrap: whole patients are drawn with replacement,
/// each with all its values; the interval runs from the 2.5th to the 97.5th percentile of the means.
///
/// `values` are pairs of patient and value. `None` for fewer than two patients, of whom nothing can
/// be drawn.
pub fn cluster_interval(values: &[(&str, f64)], seed: u64) -> Option<[f64; 2]> {
    let mut clusters: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
    for &(patient, value) in values {
        let (sum, count) = clusters.entry(patient).or_default();
        *sum += value;
        *count += 1;
    }
    let clusters: Vec<(f64, u64)> = clusters.into_values().collect();
    if clusters.len() < 2 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let (mut sum, mut count) = (0.0, 0);
            for _ in 0..clusters.len() {
                let (part, images) = clusters[rng.random_range(0..clusters.len())];
                sum += part;
                count += images;
            }
            sum / count as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[(share * (RESAMPLES - 1) as f64).round() as usize];
    Some([at(0.025), at(0.975)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_leave_no_doubt_and_one_patient_no_interval() {
        let values = [("a", 0.5), ("b", 0.5), ("b", 0.5)];
        assert_eq!(cluster_interval(&values, 1), Some([0.5, 0.5]));
        assert_eq!(cluster_interval(&values[1..], 1), None);
        assert_eq!(cluster_interval(&[], 1), None);
    }

    #[test]
    fn the_width_is_that_of_the_binomial_for_single_slices() {
        let names: Vec<String> = (0..400).map(|i| i.to_string()).collect();
        let values: Vec<(&str, f64)> = names
            .iter()
            .enumerate()
            .map(|(i, name)| (name.as_str(), f64::from(i % 4 == 0)))
            .collect();
        let [low, high] = cluster_interval(&values, 7).unwrap();
        let half = 1.96 * (0.25f64 * 0.75 / 400.0).sqrt();
        assert!((low - (0.25 - half)).abs() < 0.01, "{low}");
        assert!((high - (0.25 + half)).abs() < 0.01, "{high}");
        assert_eq!(cluster_interval(&values, 7), Some([low, high]));
    }

    #[test]
    fn slices_of_one_patient_add_no_certainty() {
        let names: Vec<String> = (0..400).map(|i| i.to_string()).collect();
        let width = |patients: usize| {
            // All slices of a patient agree.
            let values: Vec<(&str, f64)> = (0..400)
                .map(|i| {
                    (
                        names[i % patients].as_str(),
                        f64::from((i % patients).is_multiple_of(2)),
                    )
                })
                .collect();
            let [low, high] = cluster_interval(&values, 3).unwrap();
            high - low
        };
        // Twenty patients know as much as twenty slices do, whatever the number of slices.
        assert!(width(20) > 3.0 * width(400));
    }
}
