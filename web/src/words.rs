//! What the page says in words: class names, sizes, times, and in the modules below the verdict and the
//! heat map.

pub mod answer;
pub mod evidence;

use crate::language::{decimal, known, percent_with, tv};

/// A class's name for a person. Names of other classifiers are shown as they are.
pub fn class_title(class: &str) -> String {
    known(&format!("class.{class}"), &[]).unwrap_or_else(|| class.into())
}

/// A probability as a percentage that never claims certainty.
pub fn percent(probability: f32) -> String {
    let percent = probability * 100.0;
    if percent > 99.0 && percent < 99.95 {
        percent_with(probability.into(), 1)
    } else if percent >= 99.95 {
        tv("number.over", &[("number", percent_with(0.999, 1).into())])
    } else if percent > 0.0 && percent < 0.5 {
        tv("number.under", &[("number", percent_with(0.01, 0).into())])
    } else {
        percent_with(probability.into(), 0)
    }
}

/// A share in 0..=1 as a percentage with one decimal.
pub fn share(fraction: f64) -> String {
    percent_with(fraction, 1)
}

/// A whole number with its digits in groups.
pub fn count(number: u64) -> String {
    // Counts of bytes and images are far below 2^53.
    #[allow(clippy::cast_precision_loss)]
    decimal(number as f64, 0)
}

/// A number of bytes in the unit that suits it.
pub fn bytes(count: f64) -> String {
    if count < 1000.0 {
        tv("unit.bytes", &[("n", decimal(count, 0).into())])
    } else if count < 1_000_000.0 {
        tv("unit.kilobytes", &[("n", decimal(count / 1e3, 0).into())])
    } else {
        tv("unit.megabytes", &[("n", decimal(count / 1e6, 1).into())])
    }
}

/// A time in milliseconds, in the unit that suits it.
pub fn duration(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        tv(
            "unit.milliseconds",
            &[("n", decimal(milliseconds, 0).into())],
        )
    } else {
        tv(
            "unit.seconds",
            &[("n", decimal(milliseconds / 1e3, 1).into())],
        )
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
            (0.0, "0%"),
            (0.0004, "< 1%"),
            (0.05, "5%"),
            (0.934, "93%"),
            (0.9904, "99.0%"),
            (0.9996, "> 99.9%"),
            (1.0, "> 99.9%"),
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
        assert_eq!(share(0.9538), "95.4%");
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
