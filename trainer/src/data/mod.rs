//! Data sets: folders of images, one folder per class.

pub mod groups;
mod kfold;
mod lesions;
mod load;
mod split;
pub mod table;

pub use groups::Groups;
pub use kfold::{FOLDERS_DUPLICATES, FOLDERS_VALIDATION, plan_split, remake_split};
pub use lesions::lesions;
pub use load::{Image, Loaded, SOURCE_FACTOR, load, thumbnails};
use split::split_by_method;
pub use split::{Part, split_dataset};

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use scanlight_model::formats::detect::{FileKind, HEAD, detect};
use scanlight_model::formats::study::is_clutter;
use scanlight_model::labels::{CANONICAL_CLASSES, canonical_class};
use walkdir::WalkDir;

/// The file endings that are taken for images. DICOM files need none: what has no ending is looked into.
const IMAGE_ENDINGS: [&str; 12] = [
    "jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "dcm", "ima", "nii", "nii.gz",
];

/// One image of a data set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Path relative to the data set's folder, with `/`.
    pub relative: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Index into [`Dataset::classes`].
    pub class: usize,
    /// The part that a `Training/` or `Testing/` folder says.
    pub folder: Option<Part>,
    /// Index into [`Dataset::sets`].
    pub set: usize,
}

/// A data set as found on the disk; nothing is decoded yet.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Names of the folders that it was put together from.
    pub sets: Vec<String>,
    /// Class names, canonical where known, in the canonical order, others sorted.
    pub classes: Vec<String>,
    /// The images, sorted by relative path.
    pub entries: Vec<Entry>,
}

/// The part that a folder's name stands for.
fn part_of(name: &str) -> Option<Part> {
    match name.to_lowercase().as_str() {
        "training" | "train" => Some(Part::Train),
        "validation" | "valid" | "val" => Some(Part::Validation),
        "testing" | "test" => Some(Part::Test),
        _ => None,
    }
}

fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let listing = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for item in listing {
        let item = item.with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let path = item.path();
        if path.is_dir() && !item.file_name().to_string_lossy().starts_with('.') {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Finds the images of a data set: class folders, with or without `Training/` and `Testing/` above.
///
/// # Errors
/// A folder that is missing, holds no class folders, fewer than one image in a class, or a mixture
/// of class folders and part folders.
pub fn scan_folder(root: &Path) -> Result<Dataset> {
    if !root.exists() {
        bail!(
            "there is no folder {}; check the spelling of --data{}",
            root.display(),
            nearest_hint(root)
        );
    }
    if !root.is_dir() {
        bail!(
            "{} is a file; --data needs a folder with one folder per class",
            root.display()
        );
    }
    let top = subfolders(root)?;
    let (parts, others): (Vec<_>, Vec<_>) = top
        .iter()
        .cloned()
        .partition(|path| part_of(&name_of(path)).is_some());
    let mut class_folders: Vec<(Option<Part>, PathBuf)> = Vec::new();
    if parts.is_empty() {
        class_folders.extend(others.into_iter().map(|path| (None, path)));
    } else {
        let with_images: Vec<_> = others.iter().filter(|path| has_images(path)).collect();
        if let Some(stray) = with_images.first() {
            bail!(
                "{} holds both {} and {}: put the class folders either all under Training/ and \
                 Testing/ or all side by side",
                root.display(),
                name_of(&parts[0]),
                name_of(stray)
            );
        }
        for part in parts {
            for class in subfolders(&part)? {
                class_folders.push((part_of(&name_of(&part)), class));
            }
        }
    }
    if class_folders.is_empty() {
        bail!(
            "{} holds no class folders; expected one folder per class (such as glioma/, notumor/), \
             or Training/ and Testing/ with such folders",
            root.display()
        );
    }

    let names: BTreeSet<String> = class_folders
        .iter()
        .map(|(_, path)| canonical_class(&name_of(path)))
        .collect();
    let classes = order_classes(names);
    let mut entries = Vec::new();
    for (part, folder) in &class_folders {
        let name = canonical_class(&name_of(folder));
        let class = classes.iter().position(|c| *c == name).unwrap_or_default();
        let before = entries.len();
        for item in WalkDir::new(folder).sort_by_file_name() {
            let item = item.with_context(|| format!("cannot read {}", folder.display()))?;
            if !item.file_type().is_file() || !is_image(item.path()) {
                continue;
            }
            let relative = item
                .path()
                .strip_prefix(root)
                .unwrap_or(item.path())
                .components()
                .map(|c| c.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            entries.push(Entry {
                relative,
                path: item.path().to_path_buf(),
                class,
                folder: *part,
                set: 0,
            });
        }
        if entries.len() == before {
            bail!(
                "the class folder {} holds no images (endings: {}); remove it or fill it",
                folder.display(),
                IMAGE_ENDINGS.join(", ")
            );
        }
    }
    entries.sort();
    Ok(Dataset {
        sets: vec![
            root.canonicalize()
                .map_or_else(|_| name_of(root), |path| name_of(&path)),
        ],
        classes,
        entries,
    })
}

/// Finds the images of one or several data sets; of several, each path starts with its set's name.
///
/// # Errors
/// Those of [`scan_folder`], two folders of one name, or no folder at all.
pub fn scan_folders(roots: &[PathBuf]) -> Result<Dataset> {
    let mut found = roots
        .iter()
        .map(|root| scan_folder(root))
        .collect::<Result<Vec<_>>>()?;
    if found.len() < 2 {
        return found
            .pop()
            .context("no data set was given; name one with --data");
    }
    let names = found.iter().flat_map(|set| set.classes.clone()).collect();
    let classes = order_classes(names);
    let mut sets: Vec<String> = Vec::new();
    let mut entries = Vec::new();
    for set in found {
        let name = set.name();
        if sets.contains(&name) {
            bail!("two of the data sets are called {name}; rename one folder");
        }
        for mut entry in set.entries {
            let class = &set.classes[entry.class];
            entry.class = classes.iter().position(|c| c == class).unwrap_or_default();
            entry.relative = format!("{name}/{}", entry.relative);
            entry.set = sets.len();
            entries.push(entry);
        }
        sets.push(name);
    }
    entries.sort();
    Ok(Dataset {
        sets,
        classes,
        entries,
    })
}

impl Dataset {
    /// The sets' names, joined.
    pub fn name(&self) -> String {
        self.sets.join(" + ")
    }

    /// An entry's path relative to its own set's folder.
    pub fn path_in_set<'a>(&self, entry: &'a Entry) -> &'a str {
        let set = match self.sets.len() {
            0 | 1 => None,
            _ => entry.relative.strip_prefix(self.sets[entry.set].as_str()),
        };
        set.and_then(|rest| rest.strip_prefix('/'))
            .unwrap_or(&entry.relative)
    }
}

/// Canonical classes first, in their order, then the others by name.
fn order_classes(names: BTreeSet<String>) -> Vec<String> {
    let canonical = CANONICAL_CLASSES
        .iter()
        .filter(|class| names.contains(**class))
        .map(|class| (*class).to_string());
    let others = names
        .iter()
        .filter(|name| !CANONICAL_CLASSES.contains(&name.as_str()))
        .cloned();
    canonical.chain(others).collect()
}

fn is_image(path: &Path) -> bool {
    let name = name_of(path).to_lowercase();
    let ends = |ending: &&str| {
        name.strip_suffix(*ending)
            .is_some_and(|stem| stem.ends_with('.'))
    };
    if is_clutter(&name) || name.starts_with('.') {
        return false;
    }
    IMAGE_ENDINGS.iter().any(ends) || has_no_ending(&name) && is_dicom(path)
}

/// DICOM files are often named by a number or an identifier, which may have dots: an ending that is all
/// digits is none.
fn has_no_ending(name: &str) -> bool {
    name.rsplit_once('.')
        .is_none_or(|(_, ending)| ending.bytes().all(|letter| letter.is_ascii_digit()))
}

/// Whether a file's first bytes are those of a DICOM file.
fn is_dicom(path: &Path) -> bool {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(HEAD as u64).read_to_end(&mut head))
        .is_ok()
        && detect(&head) == FileKind::Dicom
}

fn has_images(folder: &Path) -> bool {
    WalkDir::new(folder)
        .into_iter()
        .flatten()
        .any(|item| item.file_type().is_file() && is_image(item.path()))
}

/// The sibling with the most similar name, as a hint for a typo.
fn nearest_hint(path: &Path) -> String {
    let wanted = name_of(path).to_lowercase();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    if !parent.is_dir() {
        return format!(" (its parent {} does not exist either)", parent.display());
    }
    let best = subfolders(&parent)
        .unwrap_or_default()
        .into_iter()
        .map(|sibling| {
            (
                edit_distance(&name_of(&sibling).to_lowercase(), &wanted),
                sibling,
            )
        })
        .min();
    match best {
        Some((distance, sibling)) if distance <= 3 => {
            format!(" (did you mean {}?)", sibling.display())
        }
        _ => String::new(),
    }
}

/// Levenshtein distance in characters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(root: &Path, path: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"x").unwrap();
    }

    #[test]
    fn finds_classes_with_and_without_parts() {
        let folder = tempfile::tempdir().unwrap();
        touch(folder.path(), "Training/glioma_tumor/a.jpg");
        touch(folder.path(), "Training/no_tumor/b.JPG");
        touch(folder.path(), "Testing/glioma_tumor/c.png");
        touch(folder.path(), "Testing/no_tumor/d.png");
        touch(folder.path(), "Testing/no_tumor/notes.txt");
        let found = scan_folder(folder.path()).unwrap();
        assert_eq!(found.classes, ["glioma", "notumor"]);
        let tests = found
            .entries
            .iter()
            .filter(|e| e.folder == Some(Part::Test));
        assert_eq!((found.entries.len(), tests.count()), (4, 2));

        let plain = tempfile::tempdir().unwrap();
        touch(plain.path(), "zebra/a.png");
        touch(plain.path(), "Pituitary/deep/a.png");
        touch(plain.path(), "cat/a.png");
        let found = scan_folder(plain.path()).unwrap();
        assert_eq!(found.classes, ["pituitary", "cat", "zebra"]);
        assert_eq!(found.entries[0].relative, "Pituitary/deep/a.png");
    }

    #[test]
    fn volumes_and_dicom_files_count_as_images() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.nii", "b.NII.GZ", "c.dcm", "notes.gz", "IM1", "DICOMDIR"] {
            touch(folder.path(), &format!("glioma/{name}"));
        }
        let mut dicom = vec![0; 132];
        dicom[128..].copy_from_slice(b"DICM");
        std::fs::write(folder.path().join("glioma/1.2.840.7"), dicom).unwrap();
        let found = scan_folder(folder.path()).unwrap();
        let names: Vec<_> = found.entries.iter().map(|e| name_of(&e.path)).collect();
        // `IM1` has no ending, but its bytes are not DICOM's.
        assert_eq!(names, ["1.2.840.7", "a.nii", "b.NII.GZ", "c.dcm"]);
    }

    #[test]
    fn mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("sartaj");
        touch(&data, "glioma/a.png");
        std::fs::create_dir_all(data.join("pituitary")).unwrap();
        let message = |path: &Path| format!("{:#}", scan_folder(path).unwrap_err());
        assert!(message(&folder.path().join("sartai")).contains("did you mean"));
        assert!(message(&data).contains("pituitary holds no images"));
        assert!(message(&data.join("glioma")).contains("no class folders"));
        touch(&data, "Training/glioma/a.png");
        assert!(message(&data).contains("both"));
        assert!(message(&data.join("glioma/a.png")).contains("is a file"));
    }

    #[test]
    fn edit_distance_counts_changes() {
        assert_eq!(edit_distance("sartaj", "sartai"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }
}
