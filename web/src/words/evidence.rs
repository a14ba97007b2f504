//! A heat map's text alternative: where, how far, how strong.

use super::class_title;
use crate::language::{decimal, percent_with, t, tv};
use scanlight_engine::protocol::{Evidence, Method, Report, Verdict};

/// Half the side of the square that counts as the centre.
const CENTRE: f32 = 1.0 / 6.0;
/// So close to a line between two quadrants a place counts as between them.
const BETWEEN: f32 = 0.06;

/// What a place in a heat map is a place of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The whole picture was seen.
    Picture,
    /// The head, cut out of the picture.
    Head,
    /// A part of a picture that is no scan.
    Part,
}

impl Frame {
    fn words(self) -> String {
        match self {
            Self::Picture => t("frame.picture"),
            Self::Head => t("frame.head"),
            Self::Part => t("frame.part"),
        }
    }
}

/// The quadrant of a place in fractions from the left and from the top, left and right as seen.
pub fn quadrant([x, y]: [f32; 2]) -> String {
    let [across, down] = [x - 0.5, y - 0.5];
    if across.abs() <= CENTRE && down.abs() <= CENTRE {
        return t("place.centre");
    }
    let [left, upper] = [across < 0.0, down < 0.0];
    t(if across.abs() <= BETWEEN {
        if upper { "place.upper" } else { "place.lower" }
    } else if down.abs() <= BETWEEN {
        if left { "place.left" } else { "place.right" }
    } else {
        match (upper, left) {
            (true, true) => "place.upper_left",
            (true, false) => "place.upper_right",
            (false, true) => "place.lower_left",
            (false, false) => "place.lower_right",
        }
    })
}

/// The text alternative of the heat map of class `chosen`: where it is strongest, how much of the picture
/// it covers, how strong it is beside the other classes' maps.
pub fn describe(
    classes: &[String],
    evidence: &[Option<Evidence>],
    chosen: usize,
    frame: Frame,
) -> Option<String> {
    let title = class_title(classes.get(chosen)?);
    let Some(found) = evidence.get(chosen).copied().flatten() else {
        return Some(tv("evidence.none", &[("class", title.into())]));
    };
    Some(tv(
        "evidence.where",
        &[
            ("class", title.into()),
            ("place", quadrant(found.place).into()),
            ("frame", frame.words().into()),
            ("left", share(found.peak[0]).into()),
            ("top", share(found.peak[1]).into()),
            ("extent", share(found.extent).into()),
            ("size", size(found.extent).into()),
            (
                "strength",
                strength(classes, evidence, found.relative).into(),
            ),
        ],
    ))
}

/// The map of class `chosen` by `method` in words; `strengths` are the maps' largest values before they were scaled, and
/// `report` is the answer that they explain.
pub fn of_method(
    classes: &[String],
    report: &Report,
    method: Method,
    evidence: &[Option<Evidence>],
    strengths: &[f32],
    chosen: usize,
) -> Option<String> {
    let frame = match (report.cut_out, report.verdict) {
        (false, _) => Frame::Picture,
        (true, Verdict::Strange { .. }) => Frame::Part,
        (true, _) => Frame::Head,
    };
    if method != Method::Occlusion {
        return describe(classes, evidence, chosen, frame);
    }
    let class = class_title(classes.get(chosen)?);
    let drop = strengths.get(chosen).copied().unwrap_or_default();
    if drop <= 0.0 {
        return Some(tv("occlusion.none", &[("class", class.into())]));
    }
    let cost = tv(
        "occlusion.drop",
        &[
            ("class", class.into()),
            ("points", decimal(f64::from(drop) * 100.0, 1).into()),
        ],
    );
    let place = describe(classes, evidence, chosen, frame)?;
    Some(format!("{place} {cost}"))
}

fn size(extent: f32) -> String {
    t(if extent < 0.04 {
        "extent.spot"
    } else if extent < 0.15 {
        "extent.limited"
    } else if extent < 0.4 {
        "extent.wide"
    } else {
        "extent.nowhere"
    })
}

fn strength(classes: &[String], evidence: &[Option<Evidence>], relative: f32) -> String {
    if relative > 0.995 {
        return tv("strength.strong", &[("n", classes.len().into())]);
    }
    let strongest = evidence
        .iter()
        .zip(classes)
        .filter_map(|(found, class)| Some((found.as_ref()?.relative, class)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let other = strongest.map_or_else(|| t("strength.strongest"), |(_, c)| class_title(c));
    let key = if relative >= 0.75 {
        "strength.almost"
    } else if relative >= 0.4 {
        "strength.weaker"
    } else if relative >= 0.1 {
        "strength.much_weaker"
    } else {
        "strength.faint"
    };
    tv(
        key,
        &[("other", other.into()), ("share", share(relative).into())],
    )
}

/// A share in whole per cent.
fn share(fraction: f32) -> String {
    let fraction = fraction.clamp(0.0, 1.0);
    if fraction > 0.0 && fraction < 0.005 {
        let one = percent_with(0.01, 0);
        tv("number.less_than", &[("number", one.into())])
    } else {
        percent_with(fraction.into(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn places() {
        for (place, words) in [
            ([0.1, 0.1], "in the upper left quadrant"),
            ([0.9, 0.2], "in the upper right quadrant"),
            ([0.2, 0.8], "in the lower left quadrant"),
            ([1.0, 1.0], "in the lower right quadrant"),
            ([0.5, 0.5], "at the centre"),
            ([0.4, 0.6], "at the centre"),
            (
                [0.52, 0.1],
                "between the upper left and upper right quadrants",
            ),
            (
                [0.9, 0.5],
                "between the upper right and lower right quadrants",
            ),
            (
                [0.1, 0.47],
                "between the upper left and lower left quadrants",
            ),
        ] {
            assert_eq!(quadrant(place), words, "{place:?}");
        }
    }

    fn found(relative: f32) -> Option<Evidence> {
        Some(Evidence {
            peak: [0.63, 0.29],
            place: [0.75, 0.2],
            extent: 0.12,
            relative,
        })
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn where_how_far_and_how_strong() {
        let classes = ["glioma", "notumor", "pituitary"].map(String::from);
        let evidence = [found(1.0), found(0.3), None];
        let words = |chosen, frame| describe(&classes, &evidence, chosen, frame);
        assert_eq!(
            words(0, Frame::Head).unwrap(),
            "Evidence for Glioma is strongest in the upper right quadrant of the head as pictured, \
             63% from the left and 29% from the top of the picture. \
             At half of its maximum or more it covers 12% of the picture, a limited area. \
             It is strong: no other of the 3 classes has more."
        );
        let second = words(1, Frame::Picture).unwrap();
        assert!(second.contains("quadrant of the picture,"), "{second}");
        assert!(
            second.ends_with("It is much weaker than that for Glioma: 30% of its strength."),
            "{second}"
        );
        assert_eq!(
            words(2, Frame::Head).unwrap(),
            "Nothing in the picture speaks for Pituitary tumour."
        );
        assert_eq!(words(3, Frame::Head), None);
        assert!(words(0, Frame::Part).unwrap().contains("the network saw"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn sizes_and_strengths_have_words() {
        assert_eq!(size(0.01), "a small spot");
        assert_eq!(size(0.2), "a wide area");
        assert!(size(0.8).contains("nowhere"));
        assert_eq!(share(0.001), "less than 1%");
        let classes = ["a", "b"].map(String::from);
        for (relative, word) in [(0.9, "almost"), (0.5, "weaker"), (0.05, "faint")] {
            let words = strength(&classes, &[found(1.0), found(relative)], relative);
            assert!(words.contains(word) && words.contains("for a"), "{words}");
        }
    }
}
