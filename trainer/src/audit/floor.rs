//! How far a nearest neighbour on pixels gets: what any network has to beat.

use std::collections::HashSet;

use anyhow::{Context, Result};
use indexmap::IndexMap;
use scanlight_model::bundle::Split;
use serde::{Deserialize, Serialize};

use super::Audit;
use crate::baseline::nearest;
use crate::config::{Folders, SplitConfig};
use crate::data::{Dataset, Part, groups, split_dataset};

/// Seed of the random splits, the default of `scanlight train`.
const SEED: u64 = 42;

/// Right answers among images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Score {
    /// Images asked about.
    pub images: usize,
    /// Of these the nearest known image has the right class.
    pub right: usize,
}

/// A nearest neighbour's answers on one split of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// The split, for people.
    pub split: String,
    /// Images whose class is known.
    pub known: usize,
    /// All test images.
    pub all: Score,
    /// Test images without a near-duplicate among the known ones.
    pub without_twin: Score,
    /// All test images by class.
    pub per_class: IndexMap<String, Score>,
}

impl Audit {
    /// The nearest neighbour's answers on one set: from its folders where it has some, on a random
    /// split, and on one that keeps groups whole.
    pub fn floors(&self, set: usize) -> Result<Vec<Floor>> {
        let indices: Vec<usize> = (0..self.dataset.entries.len())
            .filter(|&index| self.dataset.entries[index].set == set)
            .collect();
        let alone = Dataset {
            sets: vec![self.dataset.sets[set].clone()],
            classes: self.dataset.classes.clone(),
            entries: indices
                .iter()
                .map(|&index| {
                    let mut entry = self.dataset.entries[index].clone();
                    entry.set = 0;
                    entry
                })
                .collect(),
        };
        let numbers: Vec<usize> = indices.iter().map(|&i| self.grouping.groups[i]).collect();
        let merged = SplitConfig {
            folders: Folders::Merge,
            ..SplitConfig::default()
        };
        let (random, split) = split_dataset(&alone, &merged, SEED);
        let by_group = Split {
            method: "stratified-groups".into(),
            ..split
        };
        let mut splits = vec![
            (format!("random 80:20, seed {SEED}"), random),
            (
                format!("80:20 by group, seed {SEED}"),
                groups::split_at_random(&alone, &numbers, &by_group),
            ),
        ];
        let folders: Vec<Option<Part>> = alone.entries.iter().map(|e| e.folder).collect();
        if folders.contains(&Some(Part::Test)) && folders.contains(&Some(Part::Train)) {
            let parts = folders.iter().map(|f| f.unwrap_or(Part::Train)).collect();
            splits.insert(0, ("Training to Testing".into(), parts));
        }
        splits
            .into_iter()
            .filter_map(|(name, parts)| self.floor(name, &indices, &parts).transpose())
            .collect()
    }

    fn floor(&self, split: String, indices: &[usize], parts: &[Part]) -> Result<Option<Floor>> {
        let of = |test: bool| -> Vec<(usize, &[f32])> {
            indices
                .iter()
                .zip(parts)
                .filter(|(_, part)| (**part == Part::Test) == test)
                .filter_map(|(index, _)| {
                    Some((*index, self.signatures[*index].as_ref()?.whole.as_slice()))
                })
                .collect()
        };
        let (known, tests) = (of(false), of(true));
        if known.is_empty() || tests.is_empty() {
            return Ok(None);
        }
        let left: Vec<&[f32]> = known.iter().map(|k| k.1).collect();
        let right: Vec<&[f32]> = tests.iter().map(|t| t.1).collect();
        let found = nearest(&left, &right).context("the nearest neighbours were not found")?;
        let known_indices: HashSet<usize> = known.iter().map(|k| k.0).collect();
        let mut with_twin: HashSet<usize> = HashSet::new();
        for pair in &self.pairs {
            for (one, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
                if known_indices.contains(&other) {
                    with_twin.insert(one);
                }
            }
        }
        let class_of = |index: usize| self.dataset.entries[index].class;
        let mut floor = Floor {
            split,
            known: known.len(),
            all: Score::default(),
            without_twin: Score::default(),
            per_class: IndexMap::new(),
        };
        for class in &self.dataset.classes {
            floor.per_class.insert(class.clone(), Score::default());
        }
        for ((test, _), nearest) in tests.iter().zip(found) {
            let right = usize::from(class_of(*test) == class_of(known[nearest].0));
            let count = |score: &mut Score| {
                score.images += 1;
                score.right += right;
            };
            count(&mut floor.all);
            if !with_twin.contains(test) {
                count(&mut floor.without_twin);
            }
            if let Some((_, score)) = floor.per_class.get_index_mut(class_of(*test)) {
                count(score);
            }
        }
        floor.per_class.retain(|_, score| score.images > 0);
        Ok(Some(floor))
    }
}
