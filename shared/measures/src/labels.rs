//! Canonical class names and the spellings that public data sets use for them.

use std::collections::{BTreeMap, BTreeSet};

/// The canonical classes of brain-tumour data sets, in the order every bundle of ours uses.
pub const CANONICAL_CLASSES: [&str; 4] = ["glioma", "meningioma", "notumor", "pituitary"];

/// The canonical class name for a folder name, or the name itself (trimmed) for other classifiers.
///
/// Case, spaces, hyphens and underscores do not matter, nor does a `tumor`/`tumour` suffix:
/// `glioma_tumor`, `Pituitary` and `no_tumor` become `glioma`, `pituitary` and `notumor`.
pub fn canonical_class(name: &str) -> String {
    let folded: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    let folded = folded.replace("tumour", "tumor");
    match folded.as_str() {
        "notumor" | "no" | "none" | "healthy" | "normal" | "nontumor" => return "notumor".into(),
        _ => {}
    }
    let stem = folded
        .strip_suffix("tumors")
        .or_else(|| folded.strip_suffix("tumor"))
        .unwrap_or(&folded);
    match stem {
        "glioma" | "gliomas" => "glioma".into(),
        "meningioma" | "meningiomas" => "meningioma".into(),
        "pituitary" | "pituitaryadenoma" => "pituitary".into(),
        _ => name.trim().to_string(),
    }
}

/// Which folders of these paths (`/` between them) are class folders: their depth, counted from the outermost, 0. It is
/// where most files lie below a folder whose name is that of a known class, and at least two classes are there.
pub fn class_depth<'p>(
    paths: impl Iterator<Item = &'p str>,
    is_known: impl Fn(&str) -> bool,
) -> Option<usize> {
    let mut found: BTreeMap<usize, (usize, BTreeSet<String>)> = BTreeMap::new();
    for path in paths {
        let mut folders: Vec<&str> = path.split('/').collect();
        folders.pop();
        for (depth, folder) in folders.into_iter().enumerate() {
            let class = canonical_class(folder);
            if is_known(&class) {
                let (count, classes) = found.entry(depth).or_default();
                *count += 1;
                classes.insert(class);
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, (_, classes))| classes.len() > 1)
        .max_by_key(|(_, (count, _))| *count)
        .map(|(depth, _)| depth)
}

/// The names of the folders right above these files, in order, if there are several of them and all lie equally deep: they
/// may be class folders, whatever they are called. Nothing else.
pub fn folders<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<&'p str> {
    let mut names = BTreeSet::new();
    let mut depths = BTreeSet::new();
    for path in paths {
        let Some((folder, _)) = path.rsplit_once('/') else {
            return Vec::new();
        };
        depths.insert(folder.split('/').count());
        names.insert(folder.rsplit('/').next().unwrap_or(folder));
    }
    if depths.len() == 1 && names.len() > 1 {
        names.into_iter().collect()
    } else {
        Vec::new()
    }
}

/// The class of a file by its class folder, which lies at this depth; nothing for a file that lies beside them.
pub fn class_at(path: &str, depth: usize) -> Option<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    folders.get(depth).map(|folder| canonical_class(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_public_data_sets() {
        for (given, expected) in [
            ("glioma_tumor", "glioma"),
            ("Glioma", "glioma"),
            ("meningioma_tumor", "meningioma"),
            ("MENINGIOMA", "meningioma"),
            ("no_tumor", "notumor"),
            ("notumor", "notumor"),
            ("No Tumour", "notumor"),
            ("healthy", "notumor"),
            ("pituitary_tumor", "pituitary"),
            ("Pituitary", "pituitary"),
            ("metastasis", "metastasis"),
            ("Class B", "Class B"),
        ] {
            assert_eq!(canonical_class(given), expected, "{given}");
        }
    }

    #[test]
    fn class_folders_are_found_at_any_depth() {
        let known = |class: &str| CANONICAL_CLASSES.contains(&class);
        let depth = |paths: &[&str]| class_depth(paths.iter().copied(), known);
        assert_eq!(
            depth(&["d/Training/glioma_tumor/a.jpg", "d/Testing/no_tumor/b.jpg"]),
            Some(2)
        );
        assert_eq!(
            depth(&["glioma/a.jpg", "metastasis/b.jpg", "Pituitary/c/d.jpg"]),
            Some(0)
        );
        // One class is no labelled folder, nor is a file that is called like one.
        assert_eq!(depth(&["glioma/a.jpg", "glioma/b.jpg"]), None);
        assert_eq!(depth(&["glioma", "pituitary"]), None);
        assert_eq!(
            class_at("d/no_tumor/a/b.jpg", 1).as_deref(),
            Some("notumor")
        );
        assert_eq!(class_at("d/b.jpg", 1), None);
    }

    #[test]
    fn folders_of_any_name_are_found() {
        let found = |paths: &[&'static str]| folders(paths.iter().copied());
        assert_eq!(found(&["d/b/1.png", "d/a/2.png", "d/b/3.png"]), ["a", "b"]);
        assert!(found(&["d/a/1.png", "d/a/2.png"]).is_empty());
        assert!(found(&["d/a/1.png", "d/2.png"]).is_empty());
        assert!(found(&["1.png", "a/2.png"]).is_empty());
        assert!(found(&[]).is_empty());
    }

    #[test]
    fn canonical_names_are_fixed_points() {
        for name in CANONICAL_CLASSES {
            assert_eq!(canonical_class(name), name);
        }
    }
}
