//! What the page says in words: class names, sizes, times, and in the modules below the verdict and the
//! heat map.

pub mod answer;
pub mod evidence;

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

/// A share in 0..=1 as a percentage with one decimal.
pub fn share(fraction: f64) -> String {
    format!("{:.1} %", fraction * 100.0)
}

/// A number with a comma before every three digits.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    fn numbers() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_385_088, "1,385,088"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(share(0.9538), "95.4 %");
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
