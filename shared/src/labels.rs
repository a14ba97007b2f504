//! Canonical class names and the spellings that public data sets use for them.

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
    fn canonical_names_are_fixed_points() {
        for name in CANONICAL_CLASSES {
            assert_eq!(canonical_class(name), name);
        }
    }
}
