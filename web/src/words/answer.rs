//! The verdict in words.

use super::{class_title, percent};
use crate::language::{decimal, t, tv};
use scanlight_engine::protocol::{Unlike, Verdict};

/// The probability under which the answer is called undecided where the model has no threshold of its
/// own.
const DECIDED: f32 = 0.6;

/// The kinds of verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A class.
    Class,
    /// One of two.
    Unsure,
    /// No answer.
    Strange,
}

impl Kind {
    /// One word, for style sheets and tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Unsure => "unsure",
            Self::Strange => "strange",
        }
    }
}

/// A verdict in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What kind it is.
    pub kind: Kind,
    /// The line above the headline.
    pub eyebrow: String,
    /// The verdict.
    pub headline: String,
    /// Why, where it is no class.
    pub reason: Option<String>,
}

/// `verdict` in words; `measured` says whether the model has a threshold of uncertainty.
pub fn say(classes: &[String], probabilities: &[f32], verdict: Verdict, measured: bool) -> Said {
    let title = |class: usize| {
        classes
            .get(class)
            .map_or_else(|| t("answer.unknown"), |class| class_title(class))
    };
    let probability = |class: usize| probabilities.get(class).copied().unwrap_or_default();
    match verdict {
        Verdict::Class { class } => Said {
            kind: Kind::Class,
            eyebrow: if !measured && probability(class) < DECIDED {
                tv("answer.undecided", &[("n", classes.len().into())])
            } else {
                tv("answer.most_probable", &[("n", classes.len().into())])
            },
            headline: tv(
                "answer.class",
                &[
                    ("class", title(class).into()),
                    ("probability", percent(probability(class)).into()),
                ],
            ),
            reason: None,
        },
        Verdict::Unsure { first, second } => Said {
            kind: Kind::Unsure,
            eyebrow: t("answer.no_clear"),
            headline: if first == second {
                tv("answer.unsure_about", &[("first", title(first).into())])
            } else {
                tv(
                    "answer.unsure",
                    &[
                        ("first", title(first).into()),
                        ("second", title(second).into()),
                    ],
                )
            },
            reason: Some(tv(
                "answer.unsure_reason",
                &[
                    ("first", title(first).into()),
                    ("share", percent(probability(first)).into()),
                    ("second", title(second).into()),
                    ("other", percent(probability(second)).into()),
                ],
            )),
        },
        Verdict::Strange {
            unlike,
            score,
            threshold,
        } => Said {
            kind: Kind::Strange,
            eyebrow: t("answer.none"),
            headline: t("answer.strange"),
            reason: Some(tv(
                match unlike {
                    Unlike::Colour => "answer.colour",
                    Unlike::Features => "answer.features",
                },
                &[
                    ("score", number(score).into()),
                    ("limit", number(threshold).into()),
                ],
            )),
        },
    }
}

/// How unsure an answer is, against the model's own threshold.
pub fn level(uncertainty: f32, threshold: f32) -> String {
    if uncertainty > threshold {
        t("doubt.high")
    } else if uncertainty > threshold / 2.0 {
        t("doubt.medium")
    } else {
        t("doubt.low")
    }
}

/// The uncertainty as a word and a number, or that there is no measure of it.
pub fn uncertainty(value: Option<f32>, threshold: Option<f32>) -> String {
    match (value, threshold) {
        (Some(value), Some(threshold)) => tv(
            "doubt.value",
            &[
                ("level", level(value, threshold).into()),
                ("value", number(value).into()),
                ("limit", number(threshold).into()),
            ],
        ),
        _ => t("doubt.no_threshold"),
    }
}

/// A score with the digits that matter.
pub fn number(value: f32) -> String {
    if value.abs() >= 1e9 {
        t("number.beyond")
    } else if value.abs() >= 100.0 {
        decimal(value.into(), 0)
    } else if value != 0.0 && value.abs() < 0.095 {
        decimal(value.into(), 3)
    } else {
        decimal(value.into(), 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn said(probabilities: &[f32], verdict: Verdict, measured: bool) -> Said {
        let classes = ["glioma", "meningioma", "Cyst"].map(String::from);
        say(&classes, probabilities, verdict, measured)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_class_with_its_probability() {
        let sure = said(&[0.1, 0.87, 0.03], Verdict::Class { class: 1 }, true);
        assert_eq!(sure.kind, Kind::Class);
        assert_eq!(sure.headline, "Meningioma — 87%");
        assert_eq!(sure.eyebrow, "Most probable of 3 classes");
        assert_eq!(sure.reason, None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_pages_own_limit_counts_only_without_a_measured_one() {
        let half = |measured| said(&[0.5, 0.3, 0.2], Verdict::Class { class: 0 }, measured);
        assert!(half(false).eyebrow.starts_with("Undecided"));
        assert!(half(true).eyebrow.starts_with("Most probable"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn unsure_names_both_with_their_probabilities() {
        let verdict = Verdict::Unsure {
            first: 0,
            second: 2,
        };
        let unsure = said(&[0.5, 0.1, 0.4], verdict, true);
        assert_eq!(unsure.headline, "Unsure between Glioma and Cyst");
        let reason = unsure.reason.unwrap();
        assert!(reason.starts_with("Glioma 50%, Cyst 40%"), "{reason}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_refusal_says_why_in_one_sentence() {
        for (unlike, word) in [
            (Unlike::Colour, "colour picture"),
            (Unlike::Features, "unlike"),
        ] {
            let verdict = Verdict::Strange {
                unlike,
                score: 12.345,
                threshold: 0.0588,
            };
            let strange = said(&[0.5, 0.1, 0.4], verdict, true);
            assert!(strange.headline.contains("does not look like a brain MRI"));
            let reason = strange.reason.unwrap();
            assert!(reason.contains(word), "{reason}");
            assert!(
                reason.contains("12.35") || reason.contains("12.34"),
                "{reason}"
            );
            assert!(reason.contains("limit 0.059"), "{reason}");
            assert!(reason.ends_with('.'), "{reason}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_verdict_about_an_unknown_class_does_no_harm() {
        let odd = said(&[], Verdict::Class { class: 9 }, true);
        assert_eq!(odd.headline, "unknown — 0%");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn uncertainty_against_the_models_threshold() {
        assert_eq!(level(0.1, 0.4), "low");
        assert_eq!(level(0.3, 0.4), "medium");
        assert_eq!(level(0.4, 0.4), "medium");
        assert_eq!(level(0.41, 0.4), "high");
        assert_eq!(
            uncertainty(Some(0.3), Some(0.4)),
            "medium, 0.30 (above 0.40: unsure)"
        );
        for nothing in [(None, None), (Some(0.3), None), (None, Some(0.3))] {
            assert!(uncertainty(nothing.0, nothing.1).contains("no measured threshold"));
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn numbers_have_the_digits_that_matter() {
        for (value, text) in [
            (0.0, "0.00"),
            (0.0588, "0.059"),
            (0.3, "0.30"),
            (-12.0, "-12.00"),
            (1234.5678, "1,235"),
            (f32::MAX, "beyond measure"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
