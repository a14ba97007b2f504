//! Which images are measured.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// At most `limit` of the images (all for 0), each class with its share, drawn by the seed; the
/// result is in rising order. `classes` has each image's class.
pub fn stratified(classes: &[usize], limit: usize, seed: u64) -> Vec<usize> {
    if limit == 0 || limit >= classes.len() {
        return (0..classes.len()).collect();
    }
    let mut by_class: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, &class) in classes.iter().enumerate() {
        by_class.entry(class).or_default().push(index);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Every image gets a place in its class's queue; the smallest places are taken, so that shares are
    // kept as closely as whole images allow.
    let mut queue: Vec<(f64, usize)> = Vec::with_capacity(classes.len());
    for images in by_class.values_mut() {
        images.shuffle(&mut rng);
        let count = images.len() as f64;
        let places = images.iter().enumerate();
        queue.extend(places.map(|(place, &index)| ((place as f64 + 0.5) / count, index)));
    }
    queue.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut chosen: Vec<usize> = queue[..limit].iter().map(|&(_, index)| index).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shares_are_kept(
            counts in prop::collection::vec(1usize..60, 1..5), share in 0.05f64..1.0, seed in 0u64..9,
        ) {
            let classes: Vec<usize> = counts
                .iter()
                .enumerate()
                .flat_map(|(class, &count)| vec![class; count])
                .collect();
            let limit = ((classes.len() as f64 * share) as usize).max(1);
            let chosen = stratified(&classes, limit, seed);
            prop_assert_eq!(chosen.len(), limit);
            prop_assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(&chosen, &stratified(&classes, limit, seed));
            for (class, &count) in counts.iter().enumerate() {
                let found = chosen.iter().filter(|&&i| classes[i] == class).count() as f64;
                let fair = limit as f64 * count as f64 / classes.len() as f64;
                prop_assert!((found - fair).abs() <= 2.0, "class {}: {} of {}", class, found, fair);
            }
        }
    }

    #[test]
    fn no_limit_takes_all_and_seeds_differ() {
        let classes = vec![0; 100];
        assert_eq!(stratified(&classes, 0, 1).len(), 100);
        assert_eq!(stratified(&classes, 100, 1).len(), 100);
        assert_ne!(stratified(&classes, 10, 1), stratified(&classes, 10, 2));
    }
}
