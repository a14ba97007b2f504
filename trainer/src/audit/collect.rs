//! From what was found to its summary.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Result;
use indexmap::IndexMap;

use super::groups::{diameter, members};
use super::signature::{Storage, Turn};
use super::summary::*;
use super::{Audit, NEAR, Pair};
use crate::data::Part;

impl Audit {
    /// All findings as numbers and lists.
    pub fn summary(&self) -> Result<Summary> {
        let dataset = &self.dataset;
        let sets = (0..dataset.sets.len())
            .map(|set| self.set(set))
            .collect::<Result<_>>()?;
        let mut between = Vec::new();
        for set in 0..dataset.sets.len() {
            for other in (0..dataset.sets.len()).filter(|other| *other != set) {
                between.push(self.between(set, other));
            }
        }
        let path = |index: usize| dataset.entries[index].relative.clone();
        let class = |index: usize| dataset.classes[dataset.entries[index].class].clone();
        let conflicts = self
            .pairs
            .iter()
            .filter(|p| dataset.entries[p.a].class != dataset.entries[p.b].class)
            .map(|p| PairSummary {
                a: path(p.a),
                b: path(p.b),
                class_a: class(p.a),
                class_b: class(p.b),
                correlation: p.correlation,
                exact: p.exact,
                turn: p.turn,
                framed: p.framed,
            })
            .collect();
        let groups = self.groups();
        Ok(Summary {
            definition: format!(
                "Exact: the same decoded grey pixels. Near: thumbnails of 32 x 32 that correlate by \
                 more than {NEAR}, of the whole images or of the heads' bounding boxes, as they are \
                 or one of them mirrored, upside down or \
                 both."
            ),
            classes: dataset.classes.clone(),
            sets,
            between,
            duplicates: self.duplicates(&groups),
            patients: self.patients(),
            conflicts,
            unreadable: self
                .unreadable
                .iter()
                .map(|(index, reason)| Unreadable {
                    path: path(*index),
                    reason: reason.clone(),
                })
                .collect(),
            groups,
        })
    }

    fn set(&self, set: usize) -> Result<SetSummary> {
        let dataset = &self.dataset;
        let inside = |index: &usize| dataset.entries[*index].set == set;
        let indices: Vec<usize> = (0..dataset.entries.len()).filter(inside).collect();
        let mut balance: IndexMap<String, IndexMap<String, usize>> = IndexMap::new();
        for part in [
            None,
            Some(Part::Train),
            Some(Part::Validation),
            Some(Part::Test),
        ] {
            let mut counts: IndexMap<String, usize> = dataset
                .classes
                .iter()
                .map(|class| (class.clone(), 0))
                .collect();
            for entry in indices.iter().map(|&index| &dataset.entries[index]) {
                if part.is_none() || entry.folder == part {
                    counts[entry.class] += 1;
                }
            }
            if counts.values().any(|count| *count > 0) {
                balance.insert(part.map_or("all", Part::name).into(), counts);
            }
        }
        let own: Vec<&Pair> = self
            .pairs
            .iter()
            .filter(|pair| inside(&pair.a) && inside(&pair.b))
            .collect();
        let paired: HashSet<usize> = own.iter().flat_map(|pair| [pair.a, pair.b]).collect();
        let roots: HashSet<usize> = indices
            .iter()
            .map(|&index| self.grouping.duplicates[index])
            .collect();
        let stored = |index: &usize| self.storage[*index].as_ref();
        Ok(SetSummary {
            name: dataset.sets[set].clone(),
            images: indices.len(),
            unreadable: indices.iter().filter(|i| stored(i).is_none()).count(),
            balance,
            storage: tally(indices.iter().filter_map(stored)),
            with_duplicate: paired.len(),
            spare: indices.len() - roots.len(),
            leak: self.leak(&indices),
            nearest_neighbour: self.floors(set)?,
        })
    }

    fn leak(&self, indices: &[usize]) -> Option<Leak> {
        let entries = &self.dataset.entries;
        let tests: Vec<usize> = indices
            .iter()
            .copied()
            .filter(|&i| entries[i].folder == Some(Part::Test) && self.signatures[i].is_some())
            .collect();
        let set = entries[*tests.first()?].set;
        let trains = |i: usize| {
            entries[i].set == set
                && matches!(entries[i].folder, Some(Part::Train | Part::Validation))
        };
        if !indices.iter().any(|&index| trains(index)) {
            return None;
        }
        let mut per_class = IndexMap::new();
        for (class, name) in self.dataset.classes.iter().enumerate() {
            let count = self.count(&tests, |i| entries[i].class == class, trains);
            if count.images > 0 {
                per_class.insert(name.clone(), count);
            }
        }
        Some(Leak {
            all: self.count(&tests, |_| true, trains),
            per_class,
        })
    }

    fn between(&self, set: usize, other: usize) -> Between {
        let entries = &self.dataset.entries;
        let all: Vec<usize> = (0..entries.len())
            .filter(|&i| entries[i].set == set && self.signatures[i].is_some())
            .collect();
        let there = |index: usize| entries[index].set == other;
        Between {
            set: self.dataset.sets[set].clone(),
            other: self.dataset.sets[other].clone(),
            all: self.count(&all, |_| true, there),
            test: self.count(&all, |i| entries[i].folder == Some(Part::Test), there),
        }
    }

    /// Of the chosen images those with duplicates elsewhere.
    fn count(
        &self,
        among: &[usize],
        chosen: impl Fn(usize) -> bool,
        elsewhere: impl Fn(usize) -> bool,
    ) -> LeakCount {
        let (mut exact, mut upright, mut near) = (HashSet::new(), HashSet::new(), HashSet::new());
        for pair in &self.pairs {
            for (one, other) in [(pair.a, pair.b), (pair.b, pair.a)] {
                if elsewhere(other) {
                    near.insert(one);
                    if pair.turn == Turn::Upright {
                        upright.insert(one);
                    }
                    if pair.exact {
                        exact.insert(one);
                    }
                }
            }
        }
        let mut count = LeakCount::default();
        for index in among.iter().filter(|index| chosen(**index)) {
            count.images += 1;
            count.exact += usize::from(exact.contains(index));
            count.upright += usize::from(upright.contains(index));
            count.near += usize::from(near.contains(index));
        }
        count
    }

    fn duplicates(&self, groups: &[GroupSummary]) -> Duplicates {
        let mut near_by_turn: IndexMap<String, usize> = Turn::ALL
            .iter()
            .map(|turn| (turn.name().into(), 0))
            .collect();
        for pair in self.pairs.iter().filter(|pair| !pair.exact) {
            near_by_turn[pair.turn.name()] += 1;
        }
        let exact_pairs = self.pairs.iter().filter(|pair| pair.exact).count();
        let ends: Vec<(usize, usize)> = self.pairs.iter().map(|p| (p.a, p.b)).collect();
        let largest = groups.iter().max_by_key(|group| group.indices.len());
        Duplicates {
            exact_pairs,
            near_pairs: self.pairs.len() - exact_pairs,
            framed_pairs: self.pairs.iter().filter(|pair| pair.framed).count(),
            near_by_turn,
            groups: groups.len(),
            images: groups.iter().map(|group| group.indices.len()).sum(),
            largest: largest.map(|group| Chain {
                images: group.indices.len(),
                diameter: diameter(&group.indices, &ends),
                example: group.images.first().cloned().unwrap_or_default(),
            }),
        }
    }

    fn patients(&self) -> Patients {
        let grouping = &self.grouping;
        let entries = &self.dataset.entries;
        let groups = members(&grouping.groups);
        let names = |group: &[usize]| -> BTreeSet<&String> {
            group
                .iter()
                .filter_map(|&i| grouping.patients[i].as_ref())
                .collect()
        };
        let largest = groups.values().max_by_key(|group| group.len());
        let mut test_in_training_groups = IndexMap::new();
        for (set, name) in self.dataset.sets.iter().enumerate() {
            let of =
                |i: usize, part: Part| entries[i].set == set && entries[i].folder == Some(part);
            let count = groups
                .values()
                .filter(|group| group.iter().any(|&i| of(i, Part::Train)))
                .map(|group| group.iter().filter(|&&i| of(i, Part::Test)).count())
                .sum();
            if entries
                .iter()
                .any(|e| e.set == set && e.folder == Some(Part::Test))
            {
                test_in_training_groups.insert(name.clone(), count);
            }
        }
        let known = grouping.patients.iter().flatten();
        Patients {
            named: self.in_tables,
            told: known.clone().count() - self.in_tables,
            patients: known.collect::<HashSet<_>>().len(),
            largest_group: largest.map_or(0, Vec::len),
            largest_group_patients: largest.map_or(0, |group| names(group).len()),
            groups_of_several_patients: groups.values().filter(|g| names(g).len() > 1).count(),
            groups: groups.len(),
            test_in_training_groups,
        }
    }

    fn groups(&self) -> Vec<GroupSummary> {
        let entries = &self.dataset.entries;
        let mut pairs: BTreeMap<usize, (f32, BTreeSet<Turn>)> = BTreeMap::new();
        for pair in &self.pairs {
            let root = self.grouping.duplicates[pair.a];
            let (least, turns) = pairs.entry(root).or_insert((1.0, BTreeSet::new()));
            *least = least.min(pair.correlation);
            turns.insert(pair.turn);
        }
        let mut groups: Vec<GroupSummary> = members(&self.grouping.duplicates)
            .into_iter()
            .filter(|(_, indices)| indices.len() > 1)
            .map(|(root, indices)| {
                let classes: BTreeSet<usize> = indices.iter().map(|&i| entries[i].class).collect();
                let sets: BTreeSet<usize> = indices.iter().map(|&i| entries[i].set).collect();
                let holds = |set: usize, part: Part| {
                    indices
                        .iter()
                        .any(|&i| entries[i].set == set && entries[i].folder == Some(part))
                };
                let (least, turns) = pairs.get(&root).cloned().unwrap_or_default();
                GroupSummary {
                    number: root + 1,
                    images: indices
                        .iter()
                        .map(|&i| entries[i].relative.clone())
                        .collect(),
                    classes: classes
                        .iter()
                        .map(|&c| self.dataset.classes[c].clone())
                        .collect(),
                    leaks: sets
                        .iter()
                        .any(|&s| holds(s, Part::Train) && holds(s, Part::Test)),
                    sets: sets.len(),
                    least,
                    turns,
                    indices,
                }
            })
            .collect();
        groups.sort_by_key(|group| {
            let conflict = group.classes.len() > 1;
            (
                !conflict,
                !group.leaks,
                usize::MAX - group.indices.len(),
                group.number,
            )
        });
        groups
    }
}

/// Files by format and mode, the most frequent first.
fn tally<'a>(files: impl Iterator<Item = &'a Storage>) -> Vec<Stored> {
    let mut kinds: BTreeMap<String, BTreeMap<[u32; 2], usize>> = BTreeMap::new();
    for file in files {
        let sizes = kinds
            .entry(format!("{}, {}", file.format, file.mode))
            .or_default();
        *sizes.entry([file.width, file.height]).or_default() += 1;
    }
    let mut stored: Vec<Stored> = kinds
        .into_iter()
        .map(|(kind, sizes)| {
            let (size, most) = sizes
                .iter()
                .max_by_key(|(_, count)| **count)
                .map_or(([0, 0], 0), |(size, count)| (*size, *count));
            let side = |fold: fn(u32, u32) -> u32| {
                sizes
                    .keys()
                    .copied()
                    .reduce(|a, b| [fold(a[0], b[0]), fold(a[1], b[1])])
            };
            Stored {
                kind,
                images: sizes.values().sum(),
                sizes: sizes.len(),
                most_frequent: size,
                of_these: most,
                smallest: side(u32::min).unwrap_or_default(),
                largest: side(u32::max).unwrap_or_default(),
            }
        })
        .collect();
    stored.sort_by_key(|stored| usize::MAX - stored.images);
    stored
}
