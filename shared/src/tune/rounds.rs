//! Who is held out when.

use super::{LEAST, Recipe, TuneError};

/// Each scan belongs to one round; in that round a head learns from all others and is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rounds {
    of: Vec<usize>,
    count: usize,
}

impl Rounds {
    /// For scans of these classes, in their order; of a model with so many classes.
    ///
    /// Few scans are held out one by one. Of many, neighbours are held out together: files that follow each other are
    /// often slices of one patient, and what a head has seen of a patient would help it with the rest.
    pub fn new(labels: &[usize], classes: usize, recipe: &Recipe) -> Result<Self, TuneError> {
        let mut counts = vec![0usize; classes];
        for &class in labels {
            match counts.get_mut(class) {
                Some(count) => *count += 1,
                None => return Err(TuneError::Class { class, classes }),
            }
        }
        let enough = counts.iter().filter(|&&count| count >= LEAST).count();
        if enough < LEAST {
            return Err(TuneError::TooFew { classes: enough });
        }
        if labels.len() <= recipe.alone.max(2) {
            return Ok(Self {
                of: (0..labels.len()).collect(),
                count: labels.len(),
            });
        }
        let rounds = recipe.rounds.clamp(2, labels.len());
        let mut seen = vec![0usize; classes];
        let of = labels.iter().map(|&class| {
            let place = seen[class];
            seen[class] += 1;
            // Classes begin in different rounds, so that small ones do not all fall into the first.
            (place * rounds / counts[class] + class) % rounds
        });
        let of = of.collect();
        Ok(Self { of, count: rounds })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The round in which a scan is held out.
    pub fn of(&self, scan: usize) -> usize {
        self.of[scan]
    }

    /// Whether each scan is held out alone.
    pub fn alone(&self) -> bool {
        self.count == self.of.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn few_are_held_out_alone_and_too_few_are_refused() {
        let recipe = Recipe::default();
        let rounds = Rounds::new(&[0, 0, 2, 2, 3], 4, &recipe).unwrap();
        assert!(rounds.alone());
        assert_eq!(rounds.count(), 5);
        for (labels, enough) in [(vec![1, 1, 1], 1), (vec![0, 1, 2, 3], 0), (vec![], 0)] {
            assert!(matches!(
                Rounds::new(&labels, 4, &recipe),
                Err(TuneError::TooFew { classes }) if classes == enough
            ));
        }
        assert!(matches!(
            Rounds::new(&[0, 0, 4, 4], 4, &recipe),
            Err(TuneError::Class {
                class: 4,
                classes: 4
            })
        ));
    }

    #[test]
    fn neighbours_of_many_are_held_out_together() {
        let labels: Vec<usize> = (0..120).map(|scan| usize::from(scan >= 60)).collect();
        let rounds = Rounds::new(&labels, 2, &Recipe::default()).unwrap();
        assert_eq!(rounds.count(), 10);
        for start in (0..120).step_by(6) {
            let first = rounds.of(start);
            assert!((start..start + 6).all(|scan| rounds.of(scan) == first));
        }
    }

    proptest! {
        #[test]
        fn every_class_is_spread_over_the_rounds(labels in prop::collection::vec(0usize..3, 25..200)) {
            let recipe = Recipe::default();
            let Ok(rounds) = Rounds::new(&labels, 3, &recipe) else { return Ok(()) };
            for class in 0..3 {
                let mut counts = vec![0usize; rounds.count()];
                for (scan, _) in labels.iter().enumerate().filter(|(_, label)| **label == class) {
                    counts[rounds.of(scan)] += 1;
                }
                let most = counts.iter().max().copied().unwrap_or(0);
                let least = counts.iter().min().copied().unwrap_or(0);
                prop_assert!(most - least <= 1, "{:?}", counts);
            }
        }
    }
}
