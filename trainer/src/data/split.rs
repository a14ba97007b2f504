//! Training, validation and test parts.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use scanlight_model::bundle::Split;
use serde::{Deserialize, Serialize};

use super::Dataset;
use crate::config::{Folders, SplitConfig};

/// What an image is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The weights are fitted on it.
    Train,
    /// It decides which epoch is kept and when to stop.
    Validation,
    /// It is looked at once, in the end.
    Test,
    /// It is not used: an image of its group is a test image.
    Dropped,
}

impl Part {
    /// The part's name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
            Self::Dropped => "dropped",
        }
    }
}

const RANDOM: &str = "stratified-random";
const FOLDERS: &str = "folders";

/// A part for each image of a data set, in the order of its entries, and the method's description.
///
/// Stratified: each class is shuffled by the seed and cut by itself, so that a split can be made
/// again from the data set, the seed and the shares.
pub fn split_dataset(dataset: &Dataset, config: &SplitConfig, seed: u64) -> (Vec<Part>, Split) {
    let has_test = dataset.entries.iter().any(|e| e.folder == Some(Part::Test));
    let by_folder = config.folders == Folders::Keep && has_test;
    let split = Split {
        method: if by_folder { FOLDERS } else { RANDOM }.into(),
        seed,
        test_share: (!by_folder).then_some(config.test_share),
        validation_share: config.validation_share,
        groups_sha256: None,
        folds: None,
    };
    (split_by_method(dataset, &split), split)
}

/// The same from a split's description, as a manifest holds it.
pub fn split_by_method(dataset: &Dataset, split: &Split) -> Vec<Part> {
    let mut parts = vec![Part::Train; dataset.entries.len()];
    let mut rng = ChaCha8Rng::seed_from_u64(split.seed);
    let by_folder = split.method == FOLDERS;
    let has_validation = by_folder
        && dataset
            .entries
            .iter()
            .any(|e| e.folder == Some(Part::Validation));
    for class in 0..dataset.classes.len() {
        let mut free = Vec::new();
        for (index, entry) in dataset.entries.iter().enumerate() {
            if entry.class == class {
                match entry.folder {
                    Some(part) if by_folder && part != Part::Train => parts[index] = part,
                    _ => free.push(index),
                }
            }
        }
        free.shuffle(&mut rng);
        let share = |count: usize, share: f64| (count as f64 * share).round() as usize;
        let tests = share(free.len(), split.test_share.unwrap_or(0.0));
        for index in free.drain(..tests) {
            parts[index] = Part::Test;
        }
        if !has_validation {
            let validations = share(free.len(), split.validation_share)
                .max(1)
                .min(free.len().saturating_sub(1));
            for index in free.drain(..validations) {
                parts[index] = Part::Validation;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;
    use proptest::prelude::*;

    fn dataset(counts: &[usize], folders: bool) -> Dataset {
        let mut entries = Vec::new();
        for (class, &count) in counts.iter().enumerate() {
            for index in 0..count {
                entries.push(Entry {
                    relative: format!("{class}/{index:04}"),
                    path: format!("{class}/{index}").into(),
                    class,
                    folder: folders.then_some(if index % 4 == 0 {
                        Part::Test
                    } else {
                        Part::Train
                    }),
                    set: 0,
                });
            }
        }
        Dataset {
            sets: vec!["test".into()],
            classes: (0..counts.len()).map(|c| c.to_string()).collect(),
            entries,
        }
    }

    #[test]
    fn folders_are_kept_or_merged() {
        let data = dataset(&[40, 80], true);
        let (kept, split) = split_dataset(&data, &SplitConfig::default(), 1);
        assert_eq!(split.method, "folders");
        for (entry, part) in data.entries.iter().zip(&kept) {
            assert_eq!(*part == Part::Test, entry.folder == Some(Part::Test));
        }
        let merge = SplitConfig {
            folders: Folders::Merge,
            ..SplitConfig::default()
        };
        let (merged, split) = split_dataset(&data, &merge, 1);
        assert_eq!(split.method, "stratified-random");
        assert_eq!(merged.iter().filter(|p| **p == Part::Test).count(), 24);
    }

    proptest! {
        #[test]
        fn random_splits_are_stratified_and_repeatable(
            counts in prop::collection::vec(5usize..120, 2..5), seed in any::<u64>(),
        ) {
            let data = dataset(&counts, false);
            let (parts, split) = split_dataset(&data, &SplitConfig::default(), seed);
            prop_assert_eq!(&parts, &split_by_method(&data, &split));
            for (class, &count) in counts.iter().enumerate() {
                let of = |part: Part| data.entries.iter().zip(&parts)
                    .filter(|(e, p)| e.class == class && **p == part).count();
                prop_assert_eq!(of(Part::Test), (count as f64 * 0.2).round() as usize);
                prop_assert!(of(Part::Validation) >= 1);
                prop_assert!(of(Part::Train) >= 1);
            }
        }
    }
}
