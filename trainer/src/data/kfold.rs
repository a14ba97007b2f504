//! K folds of which each image is tested in exactly one, and the one place that makes any split.

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scanlight_model::bundle::{Folds, Split};

use super::groups::{self, Groups, assign};
use super::split::split_dataset;
use super::{Dataset, Part, split_by_method};
use crate::config::{Folders, SplitConfig, TestedGroups};

/// Whole groups, shares by class.
pub const GROUPS: &str = "stratified-groups";
/// `Testing/` as it is, training images of its groups dropped.
pub const FOLDERS_GROUPS: &str = "folders-groups";
/// `Testing/` as it is, near-duplicates of its images dropped; whole groups validate.
pub const FOLDERS_DUPLICATES: &str = "folders-duplicates";
/// `Testing/` as it is, nothing dropped for it; whole groups validate.
pub const FOLDERS_VALIDATION: &str = "folders-validation-groups";
/// K folds of images.
pub const KFOLD: &str = "kfold";
/// K folds of whole groups.
pub const KFOLD_GROUPS: &str = "kfold-groups";

/// The description of a new run's split, and each image's part.
///
/// # Errors
/// Images that the groups file does not name, or fewer groups than folds.
pub fn plan_split(
    dataset: &Dataset,
    config: &SplitConfig,
    seed: u64,
    groups: Option<&Groups>,
    folds: Option<Folds>,
) -> Result<(Vec<Part>, Split)> {
    let (parts, plain) = split_dataset(dataset, config, seed);
    if groups.is_none() && folds.is_none() {
        return Ok((parts, plain));
    }
    let has_test = dataset.entries.iter().any(|e| e.folder == Some(Part::Test));
    let by_folder = folds.is_none() && config.folders == Folders::Keep && has_test;
    let method = match (folds.is_some(), groups.is_some()) {
        (true, true) => KFOLD_GROUPS,
        (true, false) => KFOLD,
        (false, _) if by_folder => match config.tested_groups {
            TestedGroups::Drop => FOLDERS_GROUPS,
            TestedGroups::DropDuplicates => FOLDERS_DUPLICATES,
            TestedGroups::Train => FOLDERS_VALIDATION,
        },
        (false, _) => GROUPS,
    };
    let split = Split {
        method: method.into(),
        seed,
        test_share: (!by_folder && folds.is_none()).then_some(config.test_share),
        validation_share: config.validation_share,
        groups_sha256: groups.map(|groups| groups.sha256.clone()),
        folds,
    };
    Ok((remake_split(dataset, &split, groups)?, split))
}

/// Each image's part from a split's description, as a manifest holds it.
///
/// # Errors
/// A split by groups without its groups file or with another one, or a method that is not known.
pub fn remake_split(
    dataset: &Dataset,
    split: &Split,
    groups: Option<&Groups>,
) -> Result<Vec<Part>> {
    let numbers = match &split.groups_sha256 {
        None => None,
        Some(wanted) => {
            let groups = groups.with_context(|| {
                format!(
                    "the split ({}) was made with a groups file; name it with --groups (its SHA-256 \
                     starts with {})",
                    split.method,
                    short(wanted)
                )
            })?;
            if groups.sha256 != *wanted {
                bail!(
                    "{} is not the groups file that the split was made with (SHA-256 {}… instead of \
                     {}…)",
                    groups.path.display(),
                    short(&groups.sha256),
                    short(wanted)
                );
            }
            Some(groups.of(dataset)?)
        }
    };
    match (split.method.as_str(), numbers, split.folds) {
        (GROUPS, Some(numbers), _) => Ok(groups::split_at_random(dataset, &numbers, split)),
        (FOLDERS_GROUPS, Some(numbers), _) => Ok(groups::split_by_folders(
            dataset,
            &numbers,
            split,
            Some(&numbers),
        )),
        (FOLDERS_DUPLICATES, Some(numbers), _) => {
            let copies = groups.map(|groups| groups.duplicates_of(dataset));
            let copies = copies.transpose()?;
            Ok(groups::split_by_folders(
                dataset,
                &numbers,
                split,
                copies.as_deref(),
            ))
        }
        (FOLDERS_VALIDATION, Some(numbers), _) => {
            Ok(groups::split_by_folders(dataset, &numbers, split, None))
        }
        (KFOLD_GROUPS, Some(numbers), Some(folds)) => one_fold(dataset, &numbers, split, folds),
        (KFOLD, None, Some(folds)) => {
            let each: Vec<usize> = (0..dataset.entries.len()).collect();
            one_fold(dataset, &each, split, folds)
        }
        ("stratified-random" | "folders", None, None) => Ok(split_by_method(dataset, split)),
        (method, ..) => bail!(
            "the split {method:?} is not known here or lacks its groups file's or folds' description"
        ),
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// The parts of one fold: the fold tests, a share of the others validates.
fn one_fold(dataset: &Dataset, groups: &[usize], split: &Split, folds: Folds) -> Result<Vec<Part>> {
    let (count, fold) = (folds.count as usize, folds.fold as usize);
    if count < 2 || fold < 1 || fold > count {
        bail!("fold {fold} of {count} makes no sense: at least 2 folds, counted from 1");
    }
    let mut rng = ChaCha8Rng::seed_from_u64(split.seed);
    let all: Vec<usize> = (0..dataset.entries.len()).collect();
    let shares = vec![1.0 / count as f64; count];
    let bins = assign(dataset, groups, &all, &shares, &mut rng);
    let mut parts = vec![Part::Train; all.len()];
    for (&index, &bin) in &bins {
        if bin + 1 == fold {
            parts[index] = Part::Test;
        }
    }
    let tested = parts.iter().filter(|part| **part == Part::Test).count();
    if tested == 0 {
        bail!("there are fewer groups than the {count} folds; choose a smaller --kfold");
    }
    let rest: Vec<usize> = all
        .into_iter()
        .filter(|&index| parts[index] == Part::Train)
        .collect();
    let mut rng = ChaCha8Rng::seed_from_u64(split.seed.wrapping_add(fold as u64));
    groups::validate_among(
        dataset,
        groups,
        &rest,
        split.validation_share,
        &mut rng,
        &mut parts,
    );
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_image_is_tested_once_and_no_group_is_parted(
            items in prop::collection::vec((0usize..3, 0usize..60), 60..150),
            count in 2u32..6, seed in any::<u64>(),
        ) {
            let data = Dataset {
                sets: vec!["test".into()],
                classes: ["a", "b", "c"].map(String::from).to_vec(),
                entries: items.iter().enumerate().map(|(index, &(class, _))| Entry {
                    relative: index.to_string(), path: "x".into(), class, folder: None, set: 0,
                }).collect(),
            };
            let groups: Vec<usize> = items.iter().map(|item| item.1).collect();
            let mut tested = vec![0; items.len()];
            for fold in 1..=count {
                let folds = Folds { count, fold };
                let (parts, split) =
                    plan_split(&data, &SplitConfig::default(), seed, None, Some(folds)).unwrap();
                prop_assert_eq!(split.method.as_str(), KFOLD);
                prop_assert_eq!(&parts, &remake_split(&data, &split, None).unwrap());
                let parts = one_fold(&data, &groups, &split, folds).unwrap();
                for (index, part) in parts.iter().enumerate() {
                    tested[index] += u32::from(*part == Part::Test);
                    let first = groups.iter().position(|g| *g == groups[index]).unwrap();
                    prop_assert_eq!(*part, parts[first]);
                }
                prop_assert!(parts.contains(&Part::Validation));
            }
            prop_assert!(tested.iter().all(|&times| times == 1));
        }
    }
}
