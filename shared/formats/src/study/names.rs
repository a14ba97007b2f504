//! Names of files: shown to people, never used as paths.

use super::SkipReason;
use crate::text::one_line;

/// The longest part of a name that is kept.
const LONGEST: usize = 240;

/// A name without anything that leads elsewhere or spoils a line: no `..`, no drive, no root, no control
/// characters, `/` between folders.
pub fn clean_name(name: &str) -> String {
    let parts: Vec<String> = name
        .split(['/', '\\'])
        // First cleaned, then judged: a control character may hide two dots.
        .map(|part| one_line(part, LONGEST))
        .filter(|part| !matches!(part.as_str(), "" | "." | "..") && !is_drive(part))
        .collect();
    let name = one_line(&parts.join("/"), LONGEST);
    if name.is_empty() {
        "unnamed".into()
    } else {
        name
    }
}

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// Whether a file is one that is passed over by its name.
pub fn is_clutter(name: &str) -> bool {
    skip_reason(name).is_some()
}

/// Why a file is passed over by its name: macOS resource forks and folder settings, thumbnails, or the index of
/// a DICOM medium.
pub fn skip_reason(name: &str) -> Option<SkipReason> {
    let mut parts = name.split(['/', '\\']).rev();
    let file = parts.next().unwrap_or_default();
    let lower = file.to_ascii_lowercase();
    let clutter = file.starts_with("._")
        || matches!(lower.as_str(), ".ds_store" | "thumbs.db" | "desktop.ini")
        || parts.any(|folder| folder == "__MACOSX");
    if clutter {
        Some(SkipReason::Clutter)
    } else {
        (lower == "dicomdir").then_some(SkipReason::Index)
    }
}

/// The folder that all names share; the first name where there is none, or only one name.
#[cfg(feature = "dicom")]
pub fn common(names: &[String]) -> String {
    let [first, rest @ ..] = names else {
        return String::new();
    };
    if rest.is_empty() {
        return first.clone();
    }
    let mut folders: Vec<&str> = first.split('/').collect();
    folders.pop();
    for name in rest {
        let same = folders
            .iter()
            .zip(name.split('/'))
            .take_while(|(a, b)| **a == *b)
            .count();
        folders.truncate(same);
    }
    if folders.is_empty() {
        first.clone()
    } else {
        folders.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(clean_name("../../etc/passwd"), "etc/passwd");
        assert_eq!(clean_name("C:\\scans\\..\\a\nb.dcm"), "scans/a b.dcm");
        assert_eq!(clean_name("a/\u{7}../ . /b"), "a/b");
        assert_eq!(clean_name("///"), "unnamed");
        assert!(is_clutter("__MACOSX/head/._a.dcm"));
        assert!(is_clutter("cd/DICOMDIR"));
        assert!(!is_clutter("cd/IM0001"));
    }

    #[cfg(feature = "dicom")]
    #[test]
    fn a_series_is_named_by_its_folder() {
        let names = ["a/b/1.dcm", "a/b/2.dcm", "a/c/3.dcm"].map(String::from);
        assert_eq!(common(&names), "a");
        assert_eq!(common(&names[..2]), "a/b");
        assert_eq!(common(&names[..1]), "a/b/1.dcm");
        assert_eq!(common(&["1".to_string(), "2".to_string()]), "1");
    }
}
