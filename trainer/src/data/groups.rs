//! Groups of images that belong together, and splits that never part them.
//!
//! A groups file says which images show the same slice or the same patient. `scanlight audit
//! --write-groups` makes one; any table with the columns `path` and `group` will do.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use scanlight_model::bundle::{Split, sha256_hex};

use super::table::Table;
use super::{Dataset, Part};

/// A groups file in memory.
#[derive(Debug, Clone)]
pub struct Groups {
    /// Where it was read from.
    pub path: PathBuf,
    /// The file as it is, to be kept with a run.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Set and path to the group and, where the file has that column, the near-duplicates' group.
    /// The set is empty in a file without sets.
    rows: HashMap<(String, String), (String, Option<String>)>,
    with_sets: bool,
}

impl Groups {
    /// Reads a groups file: a table with the columns `path` (relative to its set, with `/`) and
    /// `group`, if possible `set` and `duplicates`. Other columns do not matter.
    ///
    /// # Errors
    /// A file that cannot be read, lacks these columns, or names an image twice.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read the groups file {}", path.display()))?;
        let text = std::str::from_utf8(&bytes)
            .with_context(|| format!("the groups file {} is no UTF-8 text", path.display()))?;
        let table = Table::parse(text, path)?;
        let column = |name: &str| {
            table.column(name).with_context(|| {
                format!(
                    "the groups file {} has no column {name:?}; make one with `scanlight audit \
                     --write-groups`",
                    path.display()
                )
            })
        };
        let (file, group) = (column("path")?, column("group")?);
        let (set, duplicates) = (table.column("set"), table.column("duplicates"));
        let mut rows = HashMap::with_capacity(table.rows.len());
        for row in &table.rows {
            let key = (
                set.map_or_else(String::new, |s| row[s].clone()),
                row[file].clone(),
            );
            let value = (row[group].clone(), duplicates.map(|d| row[d].clone()));
            if rows.insert(key, value).is_some() {
                bail!(
                    "the groups file {} names {} twice",
                    path.display(),
                    row[file]
                );
            }
        }
        Ok(Self {
            path: path.into(),
            sha256: sha256_hex(&bytes),
            bytes,
            rows,
            with_sets: set.is_some(),
        })
    }

    /// A number for each entry's group; an entry whose group is empty is a group of its own.
    ///
    /// # Errors
    /// Images that the file does not name.
    pub fn of(&self, dataset: &Dataset) -> Result<Vec<usize>> {
        self.number(dataset, |row| Some(&row.0))
    }

    /// The same for near-duplicates alone, without what only the patient joins.
    ///
    /// # Errors
    /// Images that the file does not name, or no column `duplicates`.
    pub fn duplicates_of(&self, dataset: &Dataset) -> Result<Vec<usize>> {
        self.number(dataset, |row| row.1.as_ref())
    }

    fn number(
        &self,
        dataset: &Dataset,
        choose: impl Fn(&(String, Option<String>)) -> Option<&String>,
    ) -> Result<Vec<usize>> {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut groups = Vec::with_capacity(dataset.entries.len());
        let mut missing = Vec::new();
        let mut next = 0;
        for entry in &dataset.entries {
            let set = if self.with_sets {
                dataset.sets[entry.set].clone()
            } else {
                String::new()
            };
            let key = (set, dataset.path_in_set(entry).to_string());
            let Some(row) = self.rows.get(&key) else {
                missing.push(&entry.relative);
                continue;
            };
            let name = choose(row).with_context(|| {
                format!(
                    "the groups file {} has no column \"duplicates\"",
                    self.path.display()
                )
            })?;
            let fresh = next;
            let number = if name.is_empty() {
                fresh
            } else {
                *numbers.entry(name.as_str()).or_insert(fresh)
            };
            next += usize::from(number == fresh);
            groups.push(number);
        }
        if let Some(first) = missing.first() {
            bail!(
                "{} of {} images are not in the groups file {}, {first} the first of them; make the \
                 file from all of these data sets: scanlight audit --data … --write-groups FILE",
                missing.len(),
                dataset.entries.len(),
                self.path.display()
            );
        }
        Ok(groups)
    }
}

/// Puts the chosen items' groups, each as a whole, into as many bins as there are shares, so that
/// each class meets the shares as well as it can. Gives each chosen item's bin.
///
/// Groups go from the largest to the smallest, equal ones in random order, each to the bin that it
/// overfills least: that which gets the smallest sum over classes of `images^2 / wanted`. For groups
/// of one image this is the method of Sainte-Laguë for seats in a parliament.
pub fn assign(
    dataset: &Dataset,
    groups: &[usize],
    chosen: &[usize],
    shares: &[f64],
    rng: &mut ChaCha8Rng,
) -> HashMap<usize, usize> {
    let classes = dataset.classes.len();
    let mut counts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    let mut totals = vec![0.0; classes];
    for &index in chosen {
        let class = dataset.entries[index].class;
        counts
            .entry(groups[index])
            .or_insert_with(|| vec![0.0; classes])[class] += 1.0;
        totals[class] += 1.0;
    }
    let mut order: Vec<(usize, Vec<f64>)> = counts.into_iter().collect();
    order.shuffle(rng);
    order.sort_by(|a, b| b.1.iter().sum::<f64>().total_cmp(&a.1.iter().sum()));
    let mut filled = vec![vec![0.0; classes]; shares.len()];
    let mut bin_of_group = HashMap::with_capacity(order.len());
    for (group, count) in order {
        let cost = |bin: usize| -> f64 {
            (0..classes)
                .filter(|&class| count[class] > 0.0)
                .map(|class| {
                    let before: f64 = filled[bin][class];
                    let after = before + count[class];
                    (after * after - before * before) / (totals[class] * shares[bin])
                })
                .sum()
        };
        let held = |bin: usize| filled[bin].iter().sum::<f64>() / shares[bin];
        let best = (0..shares.len())
            .filter(|&bin| shares[bin] > 0.0)
            .min_by(|&a, &b| {
                cost(a)
                    .total_cmp(&cost(b))
                    .then_with(|| held(a).total_cmp(&held(b)))
            })
            .unwrap_or_default();
        for (sum, more) in filled[best].iter_mut().zip(&count) {
            *sum += more;
        }
        bin_of_group.insert(group, best);
    }
    chosen
        .iter()
        .filter_map(|&index| Some((index, *bin_of_group.get(&groups[index])?)))
        .collect()
}

/// Training, validation and test parts of whole groups, drawn by the split's seed and shares.
pub fn split_at_random(dataset: &Dataset, groups: &[usize], split: &Split) -> Vec<Part> {
    let test = split.test_share.unwrap_or(0.0);
    let shares = [
        (1.0 - test) * (1.0 - split.validation_share),
        (1.0 - test) * split.validation_share,
        test,
    ];
    let mut rng = ChaCha8Rng::seed_from_u64(split.seed);
    let all: Vec<usize> = (0..dataset.entries.len()).collect();
    let bins = assign(dataset, groups, &all, &shares, &mut rng);
    all.iter()
        .map(|index| match bins.get(index) {
            Some(2) => Part::Test,
            Some(1) => Part::Validation,
            _ => Part::Train,
        })
        .collect()
}

/// The folders' parts without the images that would leak: `Testing/` stays as it is, and of the
/// others those are dropped whose number in `tested` (their group, or their near-duplicates') also
/// stands in `Testing/`, none without it; likewise training images for `Validation/`, by group. Where
/// no folder validates, whole groups of the training images do.
pub fn split_by_folders(
    dataset: &Dataset,
    groups: &[usize],
    split: &Split,
    tested: Option<&[usize]>,
) -> Vec<Part> {
    let mut parts: Vec<Part> = dataset
        .entries
        .iter()
        .map(|entry| entry.folder.unwrap_or(Part::Train))
        .collect();
    let has_validation = parts.contains(&Part::Validation);
    for (held, numbers) in [(Part::Test, tested), (Part::Validation, Some(groups))] {
        let Some(numbers) = numbers else { continue };
        let taken: HashSet<usize> = (0..parts.len())
            .filter(|&index| parts[index] == held)
            .map(|index| numbers[index])
            .collect();
        for (part, group) in parts.iter_mut().zip(numbers) {
            let later = *part == Part::Train || held == Part::Test && *part == Part::Validation;
            if later && taken.contains(group) {
                *part = Part::Dropped;
            }
        }
    }
    if !has_validation {
        let free: Vec<usize> = (0..parts.len())
            .filter(|&index| parts[index] == Part::Train)
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(split.seed);
        validate_among(
            dataset,
            groups,
            &free,
            split.validation_share,
            &mut rng,
            &mut parts,
        );
    }
    parts
}

/// Makes a share of the chosen images, whole groups of them, validation images.
pub fn validate_among(
    dataset: &Dataset,
    groups: &[usize],
    chosen: &[usize],
    share: f64,
    rng: &mut ChaCha8Rng,
    parts: &mut [Part],
) {
    for (index, bin) in assign(dataset, groups, chosen, &[1.0 - share, share], rng) {
        if bin == 1 {
            parts[index] = Part::Validation;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;
    use proptest::prelude::*;

    fn dataset(classes: usize, items: &[(usize, Option<Part>)]) -> Dataset {
        Dataset {
            sets: vec!["test".into()],
            classes: (0..classes).map(|c| c.to_string()).collect(),
            entries: items
                .iter()
                .enumerate()
                .map(|(index, &(class, folder))| Entry {
                    relative: format!("{class}/{index:04}"),
                    path: format!("{class}/{index}").into(),
                    class,
                    folder,
                    set: 0,
                })
                .collect(),
        }
    }

    fn split(method: &str, seed: u64) -> Split {
        Split {
            method: method.into(),
            seed,
            test_share: Some(0.2),
            validation_share: 0.1,
            groups_sha256: None,
            folds: None,
        }
    }

    fn parted(groups: &[usize], parts: &[Part]) -> Option<usize> {
        let mut seen: HashMap<usize, Part> = HashMap::new();
        groups
            .iter()
            .zip(parts)
            .filter(|(_, part)| **part != Part::Dropped)
            .find(|(group, part)| *seen.entry(**group).or_insert(**part) != **part)
            .map(|(group, _)| *group)
    }

    #[test]
    fn files_are_read_and_mistakes_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.csv");
        let data = dataset(2, &[(0, None), (0, None), (1, None)]);
        let load = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Groups::load(&path)
        };
        let good = "set,path,group,patient,duplicates\n\
                    test,0/0000,a,p1,1\ntest,0/0001,,,2\ntest,1/0002,a,\"p,1\",3\n";
        let groups = load(good).unwrap();
        assert_eq!(groups.of(&data).unwrap(), [0, 1, 0]);
        assert_eq!(groups.duplicates_of(&data).unwrap(), [0, 1, 2]);
        let plain = load("path,group\n0/0000,a\n0/0001,b\n1/0002,a\n").unwrap();
        assert_eq!(plain.of(&data).unwrap(), [0, 1, 0]);
        assert!(format!("{:#}", plain.duplicates_of(&data).unwrap_err()).contains("duplicates"));

        let message = |text: &str| format!("{:#}", load(text).unwrap_err());
        assert!(message("path,g\nx,1\n").contains("no column \"group\""));
        assert!(message("path,group\nx,1\nx,2\n").contains("names x twice"));
        let other = load(&good.replace("test,", "other,")).unwrap();
        let message = format!("{:#}", other.of(&data).unwrap_err());
        assert!(
            message.contains("3 of 3") && message.contains("0/0000"),
            "{message}"
        );
    }

    #[test]
    fn kept_folders_lose_what_leaks() {
        let (train, test) = (Some(Part::Train), Some(Part::Test));
        let mut items = vec![(0, train), (0, test), (1, train), (1, test)];
        items.extend([(0, train); 20]);
        items.extend([(1, train); 20]);
        let data = dataset(2, &items);
        let mut groups: Vec<usize> = (0..items.len()).collect();
        groups[1] = 0;
        let parts = split_by_folders(&data, &groups, &split("folders-groups", 3), Some(&groups));
        assert_eq!(parts[..2], [Part::Dropped, Part::Test]);
        assert_eq!(parts[2..4].iter().filter(|p| **p == Part::Test).count(), 1);
        let count = |part| parts.iter().filter(|p| **p == part).count();
        assert_eq!((count(Part::Dropped), count(Part::Test)), (1, 2));
        assert_eq!(count(Part::Validation), 4);
        let parts = split_by_folders(&data, &groups, &split("folders-validation-groups", 3), None);
        assert!(!parts.contains(&Part::Dropped));
        assert_eq!(parts.iter().filter(|p| **p == Part::Test).count(), 2);
        // The patient of a tested image trains, its copy does not.
        let patients = vec![0; items.len()];
        let copies = &groups;
        let parts = split_by_folders(
            &data,
            &patients,
            &split("folders-duplicates", 3),
            Some(copies),
        );
        assert_eq!(parts[..2], [Part::Dropped, Part::Test]);
        assert_eq!(parts.iter().filter(|p| **p == Part::Dropped).count(), 1);
    }

    proptest! {
        #[test]
        fn a_group_is_never_parted_and_shares_are_met(
            items in prop::collection::vec((0usize..3, 0usize..40, 0u8..4), 60..200),
            seed in any::<u64>(),
        ) {
            let folders: Vec<_> = items.iter().map(|&(class, _, folder)| (class, Some(match folder {
                0 => Part::Test,
                _ => Part::Train,
            }))).collect();
            let groups: Vec<usize> = items.iter().map(|item| item.1).collect();
            let data = dataset(3, &folders);
            let random = split("stratified-groups", seed);
            let parts = split_at_random(&data, &groups, &random);
            prop_assert_eq!(&parts, &split_at_random(&data, &groups, &random));
            prop_assert_eq!(parted(&groups, &parts), None);
            let largest = (0..40)
                .map(|group| groups.iter().filter(|g| **g == group).count()).max().unwrap();
            let tests = parts.iter().filter(|part| **part == Part::Test).count() as f64;
            prop_assert!((tests - 0.2 * items.len() as f64).abs() <= 2.0 * largest as f64);

            let all = split_by_folders(&data, &groups, &split("folders-groups", seed), None);
            let tested = |index: &usize| all[*index] != Part::Test;
            let free: Vec<usize> = (0..all.len()).filter(tested).collect();
            let of = |values: &[usize]| free.iter().map(|&i| values[i]).collect::<Vec<_>>();
            let free_parts: Vec<Part> = free.iter().map(|&i| all[i]).collect();
            prop_assert_eq!(parted(&of(&groups), &free_parts), None);
            let kept = split_by_folders(&data, &groups, &split("folders-groups", seed), Some(&groups));
            prop_assert_eq!(parted(&groups, &kept), None);
            for (entry, part) in data.entries.iter().zip(&kept) {
                prop_assert_eq!(entry.folder == Some(Part::Test), *part == Part::Test);
            }
        }

        #[test]
        fn groups_of_one_meet_the_shares(
            counts in prop::collection::vec(10usize..90, 2..5), seed in any::<u64>(),
        ) {
            let items: Vec<_> = counts.iter().enumerate()
                .flat_map(|(class, &count)| std::iter::repeat_n((class, None), count)).collect();
            let data = dataset(counts.len(), &items);
            let groups: Vec<usize> = (0..items.len()).collect();
            let parts = split_at_random(&data, &groups, &split("stratified-groups", seed));
            for (class, &count) in counts.iter().enumerate() {
                let tests = data.entries.iter().zip(&parts)
                    .filter(|(e, p)| e.class == class && **p == Part::Test).count() as f64;
                prop_assert!((tests - 0.2 * count as f64).abs() <= 1.5, "{tests} of {count}");
            }
        }
    }
}
