//! How far an answer can be trusted.
//!
//! - [`calibration`]: whether probabilities mean what they say, and the temperature that makes them,
//! - [`uncertainty`]: how unsure an answer is, and what is gained by leaving the unsure ones out,
//! - [`tta`]: the same scan seen in several slightly changed ways,
//! - [`ood`]: whether a picture is like the training images at all.
//!
//! What a model needs for these stands in its manifest ([`crate::bundle::Trust`]); larger arrays lie
//! beside the weights under [`ood::PREFIX`]. Everything here is plain arithmetic on small slices.

pub mod calibration;
pub mod ood;
pub mod tta;
pub mod uncertainty;

use serde::{Deserialize, Serialize};

use crate::bundle::Trust;

/// What a picture differs in from the training images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlike {
    /// The network's features lie far from those of the training images.
    Features,
    /// It is colourful, which slices never are.
    Colour,
}

/// What should be said about a scan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// The class of this index.
    Class {
        /// Index into the class list.
        class: usize,
    },
    /// One of these two classes, the likelier first; the answer is less sure than the model's
    /// abstain threshold asks for.
    Unsure {
        /// Index of the likeliest class.
        first: usize,
        /// Index of the second.
        second: usize,
    },
    /// No answer should be given: the picture is unlike everything the model learned from.
    NotLikeTraining {
        /// What it differs in.
        unlike: Unlike,
        /// How much; larger is stranger.
        score: f32,
        /// From here on a picture counts as strange.
        threshold: f32,
    },
}

/// What is known about one answer, all of it optional.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Evidence {
    /// See [`crate::bundle::UncertaintySpec`].
    pub uncertainty: Option<f32>,
    /// See [`ood::Detector::score`].
    pub ood: Option<f32>,
    /// See [`crate::scan::Scan::colourfulness`].
    pub colourfulness: Option<f32>,
}

/// The verdict: strangeness is judged first (colour, then features), then uncertainty. Without
/// `trust` it is always the most probable class.
pub fn judge(probabilities: &[f32], evidence: &Evidence, trust: Option<&Trust>) -> Verdict {
    let [first, second] = top_two(probabilities);
    let answer = Verdict::Class { class: first };
    let Some(trust) = trust else { return answer };
    if let Some(spec) = &trust.ood {
        let colour = evidence.colourfulness.zip(spec.colour_limit);
        if let Some((score, threshold)) = colour.filter(|(score, limit)| score > limit) {
            return Verdict::NotLikeTraining {
                unlike: Unlike::Colour,
                score,
                threshold,
            };
        }
        if let Some(score) = evidence.ood.filter(|&score| score > spec.threshold) {
            return Verdict::NotLikeTraining {
                unlike: Unlike::Features,
                score,
                threshold: spec.threshold,
            };
        }
    }
    let limit = trust.uncertainty.as_ref().map(|spec| spec.abstain_above);
    match evidence.uncertainty.zip(limit) {
        Some((value, limit)) if value > limit => Verdict::Unsure { first, second },
        _ => answer,
    }
}

/// Indices of the most and the second most probable class (equal where there is but one).
pub fn top_two(probabilities: &[f32]) -> [usize; 2] {
    let best = |without: Option<usize>| {
        (0..probabilities.len())
            .filter(|&class| Some(class) != without)
            .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
    };
    let first = best(None).unwrap_or_default();
    [first, best(Some(first)).unwrap_or(first)]
}

/// The class of the highest value, the last one of equals.
pub(crate) fn argmax(values: &[f32]) -> usize {
    scanlight_measures::argmax(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{OodMethod, OodSpec, UncertaintyMethod, UncertaintySpec};

    fn trust() -> Trust {
        Trust {
            uncertainty: Some(UncertaintySpec {
                method: UncertaintyMethod::Entropy,
                abstain_above: 0.5,
                coverage: 0.9,
                selective_accuracy: 0.99,
                aurc: 0.01,
                fitted_on: "a test".into(),
            }),
            ood: Some(OodSpec {
                method: OodMethod::Energy,
                threshold: 3.0,
                colour_limit: Some(0.06),
                acceptance: 0.95,
                auroc: Default::default(),
                rejected: Default::default(),
                fitted_on: "a test".into(),
            }),
            ..Trust::default()
        }
    }

    #[test]
    fn strangeness_comes_before_doubt() {
        let p = [0.1, 0.5, 0.4];
        let evidence = |uncertainty, ood, colour| Evidence {
            uncertainty: Some(uncertainty),
            ood: Some(ood),
            colourfulness: Some(colour),
        };
        let trust = trust();
        let say = |e| judge(&p, &e, Some(&trust));
        assert_eq!(say(evidence(0.4, 1.0, 0.0)), Verdict::Class { class: 1 });
        let unsure = Verdict::Unsure {
            first: 1,
            second: 2,
        };
        assert_eq!(say(evidence(0.6, 1.0, 0.0)), unsure);
        assert!(matches!(
            say(evidence(0.6, 4.0, 0.0)),
            Verdict::NotLikeTraining {
                unlike: Unlike::Features,
                ..
            }
        ));
        assert!(matches!(
            say(evidence(0.6, 4.0, 0.5)),
            Verdict::NotLikeTraining {
                unlike: Unlike::Colour,
                ..
            }
        ));
        assert_eq!(
            judge(&p, &evidence(9.0, 9.0, 9.0), None),
            Verdict::Class { class: 1 }
        );
        assert_eq!(
            judge(&p, &Evidence::default(), Some(&trust)),
            Verdict::Class { class: 1 }
        );
    }
}
