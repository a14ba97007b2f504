//! Which images train, validate and test.

use serde::{Deserialize, Serialize};

use super::documented::section;

section! {
    /// Which images train, validate and test.
    pub struct SplitConfig {
        /// What to make of `Training/` and `Testing/` folders: "keep" tests on `Testing/`, "merge"
        /// splits all images together at random.
        pub folders: Folders = Folders::Keep,
        /// With a groups file and `Testing/` kept, what becomes of training images whose group is also
        /// tested: "drop" leaves them out, for honest numbers; "drop_duplicates" leaves out copies of
        /// tested images alone and keeps other images of their patients (the groups file needs its
        /// column `duplicates`); "train" uses them all. Validation shares no group with training in
        /// any case.
        pub tested_groups: TestedGroups = TestedGroups::Drop,
        /// Share of each class's images held out for the test where no folder says which, 0 to 1.
        pub test_share: f64 = 0.2,
        /// Share of each class's remaining images that validates, above 0 and below 1. They choose the
        /// epoch whose weights are kept, and never train.
        pub validation_share: f64 = 0.1,
    }
}

/// What to make of `Training/` and `Testing/` folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Folders {
    /// Images under `Testing/` are the test images.
    Keep,
    /// All images together are split at random.
    Merge,
}

/// What becomes of training images whose group is also tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TestedGroups {
    /// They are left out.
    Drop,
    /// Those that are near-duplicates of a tested image are left out.
    DropDuplicates,
    /// They train.
    Train,
}

section! {
    /// Synthetic images among the training images; never among those that validate or test.
    pub struct PhantomConfig {
        /// Phantoms for every real training image, 0 to 1; only for the four canonical classes.
        pub share: f64 = 0.1,
    }
}
