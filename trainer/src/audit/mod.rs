//! What is wrong with a data set before anything is trained on it: files that cannot be read,
//! duplicates, contradictory labels, and how far duplicates alone get.
//!
//! Two images are *exact* duplicates when their decoded grey pixels are the same, whatever the file.
//! They are *near* duplicates when their thumbnails of 32 by 32 correlate by more than [`NEAR`]:
//! those of the whole images, or those of the head's bounding boxes (the same slice in another
//! frame), as they are or with one of them mirrored, upside down or both. Correlation does not see brightness and
//! contrast, and stretching to the square does not see size and aspect ratio.

mod collect;
pub mod floor;
mod gallery;
pub mod groups;
pub mod page;
pub mod search;
pub mod signature;
pub mod summary;
pub mod text;
mod thumbs;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use crate::data::Dataset;
use crate::data::table::{Table, line};
use crate::progress::Progress;
use groups::Grouping;
use signature::{Signature, Storage, Thumbnail, Turn, turned};

/// The correlation above which two thumbnails show the same picture.
pub const NEAR: f32 = 0.99;

/// Two images that show the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Index of the first image.
    pub a: usize,
    /// Index of the second, above the first.
    pub b: usize,
    /// Correlation of their thumbnails (of the heads' where only these are alike).
    pub correlation: f32,
    /// Whether their decoded pixels are the same.
    pub exact: bool,
    /// How one must be turned to be like the other.
    pub turn: Turn,
    /// Whether they are alike only without what surrounds the head.
    pub framed: bool,
}

/// Everything that was found; indices are those of the data set's entries.
#[derive(Debug)]
pub struct Audit {
    /// The data sets.
    pub dataset: Dataset,
    /// Of the readable images.
    pub signatures: Vec<Option<Signature>>,
    /// Of the readable images.
    pub storage: Vec<Option<Storage>>,
    /// Files that cannot be read, and why.
    pub unreadable: Vec<(usize, String)>,
    /// Duplicates, from the most alike to the least.
    pub pairs: Vec<Pair>,
    /// Images whose patient a table names.
    pub in_tables: usize,
    /// What belongs together.
    pub grouping: Grouping,
}

/// Reads and compares all images. `roots` are the data set's folders in the order of its sets.
///
/// # Errors
/// No readable image, or a `slices.csv` that is no table.
pub fn audit(dataset: Dataset, roots: &[PathBuf]) -> Result<Audit> {
    let progress = Progress::new("reading images", dataset.entries.len() as u64);
    let done = AtomicUsize::new(0);
    let read: Vec<_> = dataset
        .entries
        .par_iter()
        .map(|entry| {
            let found = std::fs::read(&entry.path)
                .map_err(|error| error.to_string())
                .and_then(|bytes| signature::read(&bytes));
            progress.set(done.fetch_add(1, Ordering::Relaxed) as u64 + 1, "");
            found
        })
        .collect();
    progress.finish();
    let mut signatures = Vec::with_capacity(read.len());
    let mut storage = Vec::with_capacity(read.len());
    let mut unreadable = Vec::new();
    for (index, found) in read.into_iter().enumerate() {
        match found {
            Ok((seen, stored)) => {
                signatures.push(Some(seen));
                storage.push(Some(stored));
            }
            Err(reason) => {
                unreadable.push((index, reason));
                signatures.push(None);
                storage.push(None);
            }
        }
    }
    if unreadable.len() == dataset.entries.len() {
        bail!(
            "none of the {} images of {} can be read",
            dataset.entries.len(),
            dataset.name()
        );
    }
    let pairs = pairs(&signatures)?;
    let known = patients(&dataset, roots)?;
    let ends: Vec<(usize, usize)> = pairs.iter().map(|pair| (pair.a, pair.b)).collect();
    Ok(Audit {
        in_tables: known.iter().flatten().count(),
        grouping: groups::group(&ends, &known),
        dataset,
        signatures,
        storage,
        unreadable,
        pairs,
    })
}

/// All duplicates among images, from the most alike to the least; `None`s have none.
pub fn pairs(signatures: &[Option<Signature>]) -> Result<Vec<Pair>> {
    let (indices, seen): (Vec<usize>, Vec<&Signature>) = signatures
        .iter()
        .enumerate()
        .filter_map(|(index, signature)| Some((index, signature.as_ref()?)))
        .unzip();
    let mut found: HashMap<(usize, usize), Pair> = HashMap::new();
    let whole: Vec<&[f32]> = seen.iter().map(|s| s.whole.as_slice()).collect();
    let head: Vec<&[f32]> = seen.iter().map(|s| s.head.as_slice()).collect();
    // A pair is what it is seen to be first: the plainest explanation wins.
    for turn in Turn::ALL {
        for (framed, view) in [(false, &whole), (true, &head)] {
            let other: Vec<Thumbnail> = view.par_iter().map(|t| turned(t, turn)).collect();
            let right: Vec<&[f32]> = other.iter().map(Vec::as_slice).collect();
            for (a, b, correlation) in search::correlated(view, &right, NEAR)? {
                found.entry((a, b)).or_insert(Pair {
                    a: indices[a],
                    b: indices[b],
                    correlation,
                    exact: seen[a].pixels == seen[b].pixels,
                    turn,
                    framed,
                });
            }
        }
    }
    // Flat images have no thumbnail, but may be copies of each other all the same.
    let mut first: HashMap<&[u8; 32], usize> = HashMap::new();
    for (b, signature) in seen.iter().enumerate() {
        let a = *first.entry(&signature.pixels).or_insert(b);
        if a != b {
            found.entry((a, b)).or_insert(Pair {
                a: indices[a],
                b: indices[b],
                correlation: 1.0,
                exact: true,
                turn: Turn::Upright,
                framed: false,
            });
        }
    }
    let mut pairs: Vec<Pair> = found.into_values().collect();
    pairs.sort_by(|x, y| {
        (y.exact.cmp(&x.exact))
            .then(y.correlation.total_cmp(&x.correlation))
            .then((x.a, x.b).cmp(&(y.a, y.b)))
    });
    Ok(pairs)
}

/// The patient of each image that a `slices.csv` in its set's folder names, as `set/patient`: two
/// sets may use one number for two people.
fn patients(dataset: &Dataset, roots: &[PathBuf]) -> Result<Vec<Option<String>>> {
    let mut tables: Vec<HashMap<String, String>> = Vec::new();
    for (root, set) in roots.iter().zip(&dataset.sets) {
        tables.push(patient_table(&root.join("slices.csv"), set)?);
    }
    let of = |entry: &crate::data::Entry| {
        let table = tables.get(entry.set)?;
        table.get(dataset.path_in_set(entry)).cloned()
    };
    Ok(dataset.entries.iter().map(of).collect())
}

fn patient_table(path: &Path, set: &str) -> Result<HashMap<String, String>> {
    if !path.is_file() {
        return Ok(HashMap::new());
    }
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table = Table::parse(&text, path)?;
    let (Some(file), Some(patient)) = (table.column("path"), table.column("patient")) else {
        eprintln!(
            "{} has no columns \"path\" and \"patient\": the patients of {set} are not known from it",
            path.display()
        );
        return Ok(HashMap::new());
    };
    Ok(table
        .rows
        .iter()
        .filter(|row| !row[patient].is_empty())
        .map(|row| (row[file].clone(), format!("{set}/{}", row[patient])))
        .collect())
}

impl Audit {
    /// The groups file: a table with the columns `set,path,group,patient,duplicates`, a line for
    /// each image, the unreadable ones included.
    ///
    /// `path` is relative to the set's folder. Images of one `duplicates` number are connected
    /// near-duplicates; those of one `group` number are that or show one patient. `patient` is
    /// `set/name` of the table that names it, empty where nothing tells it.
    pub fn groups_file(&self) -> String {
        let mut text = line(["set", "path", "group", "patient", "duplicates"]);
        for (index, entry) in self.dataset.entries.iter().enumerate() {
            text += &line([
                self.dataset.sets[entry.set].as_str(),
                self.dataset.path_in_set(entry),
                &(self.grouping.groups[index] + 1).to_string(),
                self.grouping.patients[index].as_deref().unwrap_or_default(),
                &(self.grouping.duplicates[index] + 1).to_string(),
            ]);
        }
        text
    }
}
