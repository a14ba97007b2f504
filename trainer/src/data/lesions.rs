//! Lesions' boxes that a data set brings along.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Dataset;
use crate::explain::{LesionBox, boxes};

/// The table of boxes in a data set's folder.
const TABLE: &str = "slices.csv";

/// The boxes of all sets that have a table `slices.csv`, by the images' files.
///
/// # Errors
/// A table that cannot be read. Malformed lines are reported and left out.
pub fn lesions(dataset: &Dataset) -> Result<HashMap<PathBuf, LesionBox>> {
    let mut found = HashMap::new();
    for set in 0..dataset.sets.len() {
        let Some(root) = dataset.root(set) else {
            continue;
        };
        let path = root.join(TABLE);
        if !path.is_file() {
            continue;
        }
        let table = boxes::read(&path)?;
        for line in &table.malformed {
            eprintln!("{}: {line}", path.display());
        }
        let slices = table.slices.into_iter();
        found.extend(slices.filter_map(|slice| Some((root.join(&slice.path), slice.lesion?))));
    }
    Ok(found)
}

impl Dataset {
    /// The folder of one of the sets; `None` where it has no images.
    fn root(&self, set: usize) -> Option<&Path> {
        let entry = self.entries.iter().find(|entry| entry.set == set)?;
        let depth = self.path_in_set(entry).split('/').count();
        entry.path.ancestors().nth(depth)
    }
}
