//! The findings as numbers and lists: what `--json` writes, and what text and page are made from.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::floor::Floor;
use super::signature::Turn;

/// All findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What counts as a duplicate, in words.
    pub definition: String,
    /// Class names in order.
    pub classes: Vec<String>,
    /// Each data set by itself.
    pub sets: Vec<SetSummary>,
    /// Each set against each other.
    pub between: Vec<Between>,
    /// Duplicates of all sets together.
    pub duplicates: Duplicates,
    /// What is known of patients.
    pub patients: Patients,
    /// Duplicates with different classes.
    pub conflicts: Vec<PairSummary>,
    /// Files that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Connected duplicates: those with a conflict first, then those across `Training/` and
    /// `Testing/`, then the largest.
    pub groups: Vec<GroupSummary>,
}

/// One data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetSummary {
    /// The folder's name.
    pub name: String,
    /// Image files.
    pub images: usize,
    /// Of these unreadable.
    pub unreadable: usize,
    /// Images by folder (`all`, `train`, `validation`, `test`) and class.
    pub balance: IndexMap<String, IndexMap<String, usize>>,
    /// How the files store their images.
    pub storage: Vec<Stored>,
    /// Images that have a duplicate in the same set.
    pub with_duplicate: usize,
    /// Images that could go without losing a picture.
    pub spare: usize,
    /// How much of `Testing/` stands in `Training/` too; `None` without these folders.
    pub leak: Option<Leak>,
    /// The nearest neighbour's answers.
    pub nearest_neighbour: Vec<Floor>,
}

/// Files of one format and mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Format and mode.
    pub kind: String,
    /// Such files.
    pub images: usize,
    /// Different dimensions.
    pub sizes: usize,
    /// The most frequent dimensions, width and height.
    pub most_frequent: [u32; 2],
    /// Files that have them.
    pub of_these: usize,
    /// Smallest width and smallest height.
    pub smallest: [u32; 2],
    /// Largest width and largest height.
    pub largest: [u32; 2],
}

/// Test images that stand among the training (or validation) images too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// All classes.
    pub all: LeakCount,
    /// By class.
    pub per_class: IndexMap<String, LeakCount>,
}

/// Counts of test images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeakCount {
    /// Readable test images.
    pub images: usize,
    /// Of these with an exact duplicate.
    pub exact: usize,
    /// Of these with an exact or near duplicate that is not turned.
    pub upright: usize,
    /// Of these with any duplicate.
    pub near: usize,
}

/// Images of one set that stand in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Between {
    /// The set whose images are counted.
    pub set: String,
    /// The set in which their duplicates are.
    pub other: String,
    /// All images of `set`, and those with a duplicate in `other`.
    pub all: LeakCount,
    /// The same for the images under `Testing/` alone.
    pub test: LeakCount,
}

/// Duplicates of all sets together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duplicates {
    /// Pairs with the same pixels.
    pub exact_pairs: usize,
    /// Other pairs.
    pub near_pairs: usize,
    /// Near pairs by how one is turned into the other.
    pub near_by_turn: IndexMap<String, usize>,
    /// Near pairs alike only by the head, not by the whole image.
    pub framed_pairs: usize,
    /// Connected groups of at least two images.
    pub groups: usize,
    /// Images in them.
    pub images: usize,
    /// The largest of them.
    pub largest: Option<Chain>,
}

/// A connected group, and whether a chain holds it together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// Images.
    pub images: usize,
    /// The most steps from image to image; 1 where each is a duplicate of each.
    pub diameter: usize,
    /// One of its images.
    pub example: String,
}

/// What is known of patients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Patients {
    /// Images whose patient a `slices.csv` names.
    pub named: usize,
    /// Images whose patient a duplicate tells.
    pub told: usize,
    /// Patients.
    pub patients: usize,
    /// Groups to be kept together: duplicates and patients joined.
    pub groups: usize,
    /// Images of the largest of these.
    pub largest_group: usize,
    /// Patients in the largest of these.
    pub largest_group_patients: usize,
    /// Groups in which duplicates join several patients.
    pub groups_of_several_patients: usize,
    /// Test images of each set whose group also has a training image, by set.
    pub test_in_training_groups: IndexMap<String, usize>,
}

/// A file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Its path, with the set's name in front where there are several.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// Two duplicates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairSummary {
    /// One's path.
    pub a: String,
    /// The other's path.
    pub b: String,
    /// One's class.
    pub class_a: String,
    /// The other's class.
    pub class_b: String,
    /// Their correlation.
    pub correlation: f32,
    /// Same pixels.
    pub exact: bool,
    /// How one must be turned to be like the other.
    pub turn: Turn,
    /// Alike by the head alone.
    pub framed: bool,
}

/// Connected duplicates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupSummary {
    /// The `duplicates` number of the groups file.
    pub number: usize,
    /// Indices into the data set's entries; not written.
    #[serde(skip)]
    pub indices: Vec<usize>,
    /// Paths of its images.
    pub images: Vec<String>,
    /// Classes of its images, one where they agree.
    pub classes: Vec<String>,
    /// Whether it stands in both `Training/` and `Testing/` of a set.
    pub leaks: bool,
    /// Whether it stands in several sets.
    pub sets: usize,
    /// The lowest correlation of its pairs.
    pub least: f32,
    /// How its pairs are turned into each other.
    pub turns: BTreeSet<Turn>,
}
