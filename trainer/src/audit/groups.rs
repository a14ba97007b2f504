//! Connected images: near-duplicates, and the patients that they show.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// Disjoint sets of numbers, joined by and by (Tarjan 1975, <https://doi.org/10.1145/321879.321884>).
#[derive(Debug, Clone)]
pub struct Joined {
    parent: Vec<usize>,
}

impl Joined {
    /// Each of `count` numbers by itself.
    pub fn new(count: usize) -> Self {
        Self {
            parent: (0..count).collect(),
        }
    }

    /// The number that stands for a number's set: the smallest in it.
    pub fn find(&mut self, mut number: usize) -> usize {
        while self.parent[number] != number {
            self.parent[number] = self.parent[self.parent[number]];
            number = self.parent[number];
        }
        number
    }

    /// Joins two numbers' sets.
    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// What stands for each number's set.
    pub fn all(mut self) -> Vec<usize> {
        (0..self.parent.len()).map(|n| self.find(n)).collect()
    }
}

/// What belongs together, by the index of each image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// Connected near-duplicates: the smallest index among them.
    pub duplicates: Vec<usize>,
    /// The patient, where a table or a near-duplicate tells it.
    pub patients: Vec<Option<String>>,
    /// Near-duplicates and images of one patient: the smallest index among them.
    pub groups: Vec<usize>,
}

/// Joins pairs, strongest first in `pairs`, and patients.
///
/// An image without a patient takes that of its strongest near-duplicate that has one, or of those
/// connected to it where they all have the same.
pub fn group(pairs: &[(usize, usize)], known: &[Option<String>]) -> Grouping {
    let count = known.len();
    let mut joined = Joined::new(count);
    let mut patients = known.to_vec();
    for &(a, b) in pairs {
        joined.join(a, b);
        for (from, to) in [(a, b), (b, a)] {
            if patients[to].is_none() {
                patients[to].clone_from(&known[from]);
            }
        }
    }
    let duplicates = joined.clone().all();
    let mut around: HashMap<usize, BTreeSet<&String>> = HashMap::new();
    for (root, patient) in duplicates.iter().zip(known) {
        around.entry(*root).or_default().extend(patient);
    }
    for (root, patient) in duplicates.iter().zip(&mut patients) {
        let candidates = &around[root];
        if patient.is_none() && candidates.len() == 1 {
            *patient = candidates.first().map(|p| (*p).clone());
        }
    }
    let mut first: HashMap<&String, usize> = HashMap::new();
    for (index, patient) in patients.iter().enumerate() {
        if let Some(patient) = patient {
            joined.join(*first.entry(patient).or_insert(index), index);
        }
    }
    let groups = joined.all();
    Grouping {
        duplicates,
        patients,
        groups,
    }
}

/// Members by what stands for their set, in order.
pub fn members(roots: &[usize]) -> BTreeMap<usize, Vec<usize>> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, root) in roots.iter().enumerate() {
        members.entry(*root).or_default().push(index);
    }
    members
}

/// The most steps from one member of a connected group to another along pairs.
///
/// 1 where all are pairs of each other. A long chain joins images that do not look alike.
pub fn diameter(members: &[usize], pairs: &[(usize, usize)]) -> usize {
    let place: HashMap<usize, usize> = members.iter().enumerate().map(|(i, m)| (*m, i)).collect();
    let mut near = vec![Vec::new(); members.len()];
    for (a, b) in pairs {
        if let (Some(&a), Some(&b)) = (place.get(a), place.get(b)) {
            near[a].push(b);
            near[b].push(a);
        }
    }
    let far = |start: usize| -> usize {
        let mut steps = vec![usize::MAX; near.len()];
        steps[start] = 0;
        let mut waiting = VecDeque::from([start]);
        let mut most = 0;
        while let Some(at) = waiting.pop_front() {
            most = steps[at];
            for &next in &near[at] {
                if steps[next] == usize::MAX {
                    steps[next] = most + 1;
                    waiting.push_back(next);
                }
            }
        }
        most
    };
    (0..near.len()).map(far).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patients_travel_along_pairs() {
        let known = |names: [&str; 7]| -> Vec<Option<String>> {
            names
                .map(|n| (!n.is_empty()).then(|| n.to_string()))
                .to_vec()
        };
        // 0 and 5 are of p1; 1 is a copy of 0, 2 of 1; 3 of p2 with its copy 4; 6 alone.
        let grouping = group(
            &[(0, 1), (1, 2), (3, 4)],
            &known(["p1", "", "", "p2", "", "p1", ""]),
        );
        assert_eq!(grouping.duplicates, [0, 0, 0, 3, 3, 5, 6]);
        assert_eq!(
            grouping.patients,
            known(["p1", "p1", "p1", "p2", "p2", "p1", ""])
        );
        assert_eq!(grouping.groups, [0, 0, 0, 3, 3, 0, 6]);
        // Between two patients the stronger pair decides, and what is not certain stays open.
        let grouping = group(
            &[(1, 3), (0, 1), (1, 2)],
            &known(["p1", "", "", "p2", "", "", ""]),
        );
        assert_eq!(grouping.patients[1].as_deref(), Some("p2"));
        assert_eq!(grouping.patients[2], None);
    }

    #[test]
    fn chains_are_long_and_cliques_are_not() {
        assert_eq!(diameter(&[4, 5, 6, 7], &[(4, 5), (5, 6), (6, 7)]), 3);
        assert_eq!(diameter(&[4, 5, 6], &[(4, 5), (5, 6), (4, 6), (1, 4)]), 1);
        assert_eq!(diameter(&[3], &[]), 0);
    }

    proptest! {
        #[test]
        fn joined_are_those_with_a_path(
            pairs in prop::collection::vec((0usize..30, 0usize..30), 0..40),
        ) {
            let mut joined = Joined::new(30);
            // Reachability by repeated spreading, the slow and plain way.
            let mut label: Vec<usize> = (0..30).collect();
            for &(a, b) in &pairs {
                joined.join(a, b);
            }
            for _ in 0..30 {
                for &(a, b) in &pairs {
                    let least = label[a].min(label[b]);
                    (label[a], label[b]) = (least, least);
                }
            }
            prop_assert_eq!(joined.all(), label);
        }
    }
}
