//! What `predict` is given: files, folders and archives, slice by slice.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use scanlight_model::formats::detect::{FileKind, HEAD, detect};
use scanlight_model::formats::study::{Content, Item, clean_name, is_clutter};
use scanlight_model::formats::volume::Plane;
use scanlight_model::formats::{ReadError, Scan, read_files};
use walkdir::WalkDir;

/// Which slices of volumes, series and files with several frames are classified.
#[derive(Debug, Clone, Default, Args)]
pub struct Slices {
    /// The slice, counted from 0: from below, from behind, or from the patient's left [default: the middle one].
    #[arg(long, value_name = "N", conflicts_with = "all_slices")]
    slice: Option<usize>,
    /// The plane of volumes [default: the one with the thickest slices, in which the volume was acquired; axial where
    /// all are alike].
    #[arg(long)]
    plane: Option<PlaneName>,
    /// Classify every slice of the plane.
    #[arg(long)]
    all_slices: bool,
}

/// A plane on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum PlaneName {
    /// Across the body's axis.
    Axial,
    /// Parallel to the face.
    Coronal,
    /// Parallel to the side of the head.
    Sagittal,
}

impl From<PlaneName> for Plane {
    fn from(name: PlaneName) -> Self {
        match name {
            PlaneName::Axial => Self::Axial,
            PlaneName::Coronal => Self::Coronal,
            PlaneName::Sagittal => Self::Sagittal,
        }
    }
}

/// A slice with where it came from.
pub struct Slice {
    /// The file, or the folder of a series; in an archive behind the archive's path.
    pub name: String,
    /// The plane, of volumes.
    pub plane: Option<Plane>,
    /// Its number, from 0, where there are several.
    pub index: Option<usize>,
    /// How many there are.
    pub of: usize,
    /// The picture, with square pixels.
    pub scan: Scan,
}

impl fmt::Display for Slice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        let Some(index) = self.index else {
            return Ok(());
        };
        match self.plane {
            Some(plane) => write!(out, ", {plane} slice {index} of 0 to {}", self.of - 1),
            None => write!(out, ", picture {index} of 0 to {}", self.of - 1),
        }
    }
}

/// Reads everything under `paths` and calls `work` for each chosen slice. What cannot be read is named on
/// standard error; the number of such files is returned.
///
/// # Errors
/// Those of `work`.
pub fn each_slice(
    paths: &[PathBuf],
    slices: &Slices,
    mut work: impl FnMut(Slice) -> Result<()>,
) -> Result<usize> {
    let mut failed = 0;
    let mut identifying = BTreeSet::new();
    for files in batches(paths, &mut failed) {
        let mut unreadable = Vec::new();
        let study = read_files(files.iter().filter_map(|path| {
            let read = std::fs::read(path).with_context(|| cannot_read(path));
            read.map_err(|error| unreadable.push(error))
                .ok()
                .map(|bytes| (path.display().to_string(), bytes))
        }));
        let names = Names::new(&files);
        for error in &unreadable {
            eprintln!("{error:#}");
        }
        for skipped in &study.skipped {
            let reason = skipped.reason.text();
            eprintln!("passed over {}: {reason}", names.of(&skipped.name));
        }
        failed += unreadable.len();
        for failure in &study.failures {
            let name = names.of(&failure.name);
            // A folder may hold notes and tables too.
            let stray = matches!(failure.error, ReadError::Unknown)
                && !paths.iter().any(|path| path.display().to_string() == name);
            if stray {
                eprintln!("passed over {name}: no image");
            } else {
                eprintln!("cannot read {name}: {}", failure.error);
                failed += 1;
            }
        }
        for item in study.items {
            identifying.extend(item.identifying.iter().map(|tag| tag.keyword));
            let name = names.of(&item.name);
            for slice in chosen(&item, &name, slices) {
                match slice {
                    Ok(slice) => work(slice)?,
                    Err(error) => {
                        eprintln!("{name}: {error}");
                        failed += 1;
                    }
                }
            }
        }
    }
    if !identifying.is_empty() {
        let list: Vec<&str> = identifying.into_iter().collect();
        eprintln!(
            "DICOM attributes that may identify a patient were found: {}. None of their values is written anywhere.",
            list.join(", ")
        );
    }
    Ok(failed)
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

/// Files that are read together: the DICOM files of each folder, since a series is many of them, and every
/// other file alone, so that only one at a time takes memory.
fn batches(paths: &[PathBuf], failed: &mut usize) -> Vec<Vec<PathBuf>> {
    let mut batches: Vec<Vec<PathBuf>> = Vec::new();
    let mut by_folder: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut add = |path: PathBuf| {
        if !is_dicom(&path) {
            batches.push(vec![path]);
            return;
        }
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        match by_folder.get(&folder).and_then(|&at| batches.get_mut(at)) {
            Some(batch) => batch.push(path),
            None => {
                by_folder.insert(folder, batches.len());
                batches.push(vec![path]);
            }
        }
    };
    for path in paths {
        if !path.is_dir() {
            add(path.clone());
            continue;
        }
        for found in WalkDir::new(path).sort_by_file_name() {
            match found {
                Ok(found) if found.file_type().is_file() => {
                    let name = found.file_name().to_string_lossy();
                    if !name.starts_with('.') && !is_clutter(&name) {
                        add(found.into_path());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    eprintln!("{}: {error}", cannot_read(path));
                    *failed += 1;
                }
            }
        }
    }
    batches
}

fn is_dicom(path: &Path) -> bool {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(HEAD as u64).read_to_end(&mut head))
        .is_ok()
        && detect(&head) == FileKind::Dicom
}

/// Paths as they were given, by the names that a study gives them.
struct Names(HashMap<String, String>);

impl Names {
    fn new(files: &[PathBuf]) -> Self {
        let folders = files.iter().filter_map(|path| path.parent());
        let all = files.iter().map(PathBuf::as_path).chain(folders);
        Self(
            all.map(|path| path.display().to_string())
                .map(|path| (clean_name(&path), path))
                .collect(),
        )
    }

    fn of(&self, name: &str) -> String {
        // A file of an archive has the archive's name in front.
        let ends = name
            .char_indices()
            .filter(|(_, c)| *c == '/')
            .map(|(at, _)| at);
        std::iter::once(name.len())
            .chain(ends.collect::<Vec<_>>().into_iter().rev())
            .find_map(|end| {
                let (front, rest) = name.split_at_checked(end)?;
                Some(format!("{}{rest}", self.0.get(front)?))
            })
            .unwrap_or_else(|| name.to_owned())
    }
}

/// The chosen slices of what a file or series holds.
fn chosen(item: &Item, name: &str, slices: &Slices) -> Vec<Result<Slice, ReadError>> {
    let indices = |of: usize| -> Vec<usize> {
        match slices.slice {
            _ if slices.all_slices => (0..of).collect(),
            Some(index) => vec![index],
            None => vec![of / 2],
        }
    };
    let slice = |plane, index, of, scan: Result<Scan, ReadError>| -> Result<Slice, ReadError> {
        Ok(Slice {
            name: name.to_owned(),
            plane,
            index,
            of,
            scan: scan?.to_square_pixels()?,
        })
    };
    match &item.content {
        Content::Picture(scan) => vec![slice(None, None, 1, Ok(scan.clone()))],
        Content::Stack(scans) => indices(scans.len())
            .into_iter()
            .map(|index| {
                let scan = scans.get(index).cloned().ok_or(ReadError::NoSlice {
                    index,
                    plane: "only",
                    last: scans.len() - 1,
                });
                slice(None, Some(index), scans.len(), scan)
            })
            .collect(),
        Content::Volume(volume) => {
            let plane = slices.plane.map_or(volume.acquired_plane(), Plane::from);
            let of = volume.slices(plane);
            indices(of)
                .into_iter()
                .map(|index| slice(Some(plane), Some(index), of, volume.slice(plane, index)))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_were_given() {
        let names = Names::new(&[PathBuf::from("/data/../a.zip"), PathBuf::from("cd/1.dcm")]);
        assert_eq!(names.of("data/a.zip"), "/data/../a.zip");
        assert_eq!(names.of("data/a.zip/x/y.png"), "/data/../a.zip/x/y.png");
        assert_eq!(names.of("cd"), "cd");
        assert_eq!(names.of("other"), "other");
    }

    #[test]
    fn the_middle_or_all_pictures_are_chosen() {
        let scan = |v| Scan::from_luma8(1, 1, &[v]).unwrap();
        let item = Item {
            name: "s".into(),
            sources: Vec::new(),
            kind: FileKind::Dicom,
            content: Content::Stack(vec![scan(1), scan(2), scan(3)]),
            edges: None,
            identifying: Vec::new(),
            time_points: 1,
        };
        let values = |slices: &Slices| -> Vec<Option<f32>> {
            chosen(&item, "s", slices)
                .into_iter()
                .map(|slice| slice.ok().map(|slice| slice.scan.luma()[0]))
                .collect()
        };
        let mut slices = Slices::default();
        assert_eq!(values(&slices), [Some(2.0)]);
        slices.all_slices = true;
        assert_eq!(values(&slices), [Some(1.0), Some(2.0), Some(3.0)]);
        slices.all_slices = false;
        slices.slice = Some(9);
        assert_eq!(values(&slices), [None]);
    }
}
