//! What the model says about a scan, in the protocol's words.

use crate::protocol::{Complaint, Evidence, Reply, Unlike, Verdict};
use crate::wire;
use scanlight_model::cam::{ClassMap, Spot, spots};
use scanlight_model::decode::{DecodeError, MAX_PIXELS, MAX_SIDE};
use scanlight_model::geometry::Placement;
use scanlight_model::trust;

/// The verdict for the page.
pub fn verdict(verdict: trust::Verdict) -> Verdict {
    match verdict {
        trust::Verdict::Class { class } => Verdict::Class { class },
        trust::Verdict::Unsure { first, second } => Verdict::Unsure { first, second },
        trust::Verdict::NotLikeTraining {
            unlike,
            score,
            threshold,
        } => Verdict::Strange {
            unlike: match unlike {
                trust::Unlike::Features => Unlike::Features,
                trust::Unlike::Colour => Unlike::Colour,
            },
            score: finite(score),
            threshold: finite(threshold),
        },
    }
}

/// What each class's map shows; `heat` has them over the picture, in class order.
pub fn evidence(
    maps: &[ClassMap],
    placement: &Placement,
    heat: &[Vec<f32>],
) -> Vec<Option<Evidence>> {
    let heat = heat.iter().map(Vec::as_slice);
    spots(maps, placement, heat)
        .into_iter()
        .map(|spot| spot.map(from_spot))
        .collect()
}

fn from_spot(spot: Spot) -> Evidence {
    Evidence {
        peak: spot.peak,
        place: spot.place,
        extent: spot.extent,
        relative: spot.relative,
    }
}

/// Why a file was rejected. The codes are keys of the page's catalogue, after `reject.`.
pub fn complaint(error: &DecodeError) -> Complaint {
    let (code, values): (&str, Vec<(&str, String)>) = match error {
        DecodeError::Empty => ("empty", vec![]),
        DecodeError::UnknownFormat => ("unknown", vec![]),
        DecodeError::UnsupportedFormat { format } => ("format", vec![("format", format.clone())]),
        DecodeError::Animated { format } => ("animated", vec![("format", (*format).into())]),
        DecodeError::TooLarge { width, height } => (
            "too_large",
            vec![
                ("width", width.to_string()),
                ("height", height.to_string()),
                ("side", MAX_SIDE.to_string()),
                ("millions", (MAX_PIXELS / 1_000_000).to_string()),
            ],
        ),
        DecodeError::Cmyk => ("cmyk", vec![]),
        DecodeError::Damaged { format, reason } => (
            "damaged",
            vec![("format", format.clone()), ("reason", reason.clone())],
        ),
        DecodeError::Scan(_) => ("", vec![]),
    };
    Complaint {
        code: code.into(),
        values: values
            .into_iter()
            .map(|(name, value)| (name.into(), wire::one_line(&value)))
            .collect(),
        message: wire::one_line(&error.to_string()),
    }
}

/// The answer to request `id` about a file that cannot be read.
pub fn rejected(id: u32, error: &DecodeError) -> Reply {
    Reply::Rejected {
        id,
        complaint: complaint(error),
    }
}

/// JSON has no word for infinity: the page could not read the whole message.
pub fn finite(value: f32) -> f32 {
    if value.is_finite() { value } else { f32::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn infinite_strangeness_stays_readable() {
        let strange = verdict(trust::Verdict::NotLikeTraining {
            unlike: trust::Unlike::Features,
            score: f32::INFINITY,
            threshold: 2.0,
        });
        let text = serde_json::to_string(&strange).unwrap();
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), strange);
    }
}
