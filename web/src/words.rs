//! What the page says in words: class names, places, sizes, times.

/// A class's name for a person. Names of other classifiers are shown as they are.
pub fn class_title(class: &str) -> String {
    match class {
        "glioma" => "Glioma".into(),
        "meningioma" => "Meningioma".into(),
        "notumor" => "No tumour".into(),
        "pituitary" => "Pituitary tumour".into(),
        other => other.into(),
    }
}

/// A probability as a percentage that never claims certainty.
pub fn percent(probability: f32) -> String {
    let percent = probability * 100.0;
    if percent > 99.0 && percent < 99.95 {
        format!("{percent:.1} %")
    } else if percent >= 99.95 {
        "> 99.9 %".into()
    } else if percent > 0.0 && percent < 0.5 {
        "< 1 %".into()
    } else {
        format!("{percent:.0} %")
    }
}

/// The thirds of a picture, in words: `[0.4, 0.1]` is "upper centre".
pub fn region([left, top]: [f32; 2]) -> &'static str {
    let third = |fraction: f32| {
        if fraction < 1.0 / 3.0 {
            0
        } else if fraction <= 2.0 / 3.0 {
            1
        } else {
            2
        }
    };
    match (third(top), third(left)) {
        (0, 0) => "upper left",
        (0, 1) => "upper centre",
        (0, _) => "upper right",
        (1, 0) => "left",
        (1, 1) => "centre",
        (1, _) => "right",
        (_, 0) => "lower left",
        (_, 1) => "lower centre",
        (_, _) => "lower right",
    }
}

/// The text alternative of a heat map that is strongest at `peak` (fractions from left and top).
pub fn heat_description(class: &str, peak: Option<[f32; 2]>) -> String {
    let Some(peak) = peak else {
        return format!("Nothing in the picture speaks for {}.", class_title(class));
    };
    // No line break between a number and its sign.
    let share = |fraction: f32| format!("{:.0}\u{a0}%", fraction.clamp(0.0, 1.0) * 100.0);
    format!(
        "Evidence for {} is strongest at the {} of the picture, {} from the left and {} from the top.",
        class_title(class),
        region(peak),
        share(peak[0]),
        share(peak[1]),
    )
}

/// A number of bytes in the unit that suits it.
pub fn bytes(count: f64) -> String {
    if count < 1000.0 {
        format!("{count:.0} B")
    } else if count < 1_000_000.0 {
        format!("{:.0} KB", count / 1000.0)
    } else {
        format!("{:.1} MB", count / 1_000_000.0)
    }
}

/// A time in milliseconds, in the unit that suits it.
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

/// A file's name, short enough for one line: the start and the extension are kept.
pub fn short_name(name: &str) -> String {
    const LONGEST: usize = 40;
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= LONGEST {
        return name.into();
    }
    let start: String = characters[..LONGEST - 11].iter().collect();
    let end: String = characters[characters.len() - 10..].iter().collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn classes() {
        assert_eq!(class_title("notumor"), "No tumour");
        assert_eq!(class_title("Metastasis"), "Metastasis");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn percentages_never_claim_certainty() {
        for (probability, text) in [
            (0.0, "0 %"),
            (0.0004, "< 1 %"),
            (0.05, "5 %"),
            (0.934, "93 %"),
            (0.9904, "99.0 %"),
            (0.9996, "> 99.9 %"),
            (1.0, "> 99.9 %"),
        ] {
            assert_eq!(percent(probability), text);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn places() {
        assert_eq!(region([0.1, 0.1]), "upper left");
        assert_eq!(region([0.5, 0.5]), "centre");
        assert_eq!(region([0.9, 0.5]), "right");
        assert_eq!(region([0.5, 1.0]), "lower centre");
        assert_eq!(
            heat_description("glioma", Some([0.43, 0.31])),
            "Evidence for Glioma is strongest at the upper centre of the picture, \
             43\u{a0}% from the left and 31\u{a0}% from the top."
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn sizes_and_times() {
        assert_eq!(bytes(999.0), "999 B");
        assert_eq!(bytes(4_423_440.0), "4.4 MB");
        assert_eq!(duration(48.4), "48 ms");
        assert_eq!(duration(1234.0), "1.2 s");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn long_names_keep_their_extension() {
        let name = format!("{}.png", "é".repeat(80));
        let short = short_name(&name);
        assert_eq!(short.chars().count(), 40);
        assert!(short.ends_with(".png"));
        assert_eq!(short_name("scan.png"), "scan.png");
    }
}
