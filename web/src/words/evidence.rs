//! A heat map's text alternative: where, how far, how strong.

use super::class_title;
use scanlight_engine::protocol::Evidence;

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
    fn words(self) -> &'static str {
        match self {
            Self::Picture => "the picture",
            Self::Head => "the head as pictured",
            Self::Part => "the part that the network saw",
        }
    }
}

/// The quadrant of a place in fractions from the left and from the top, left and right as seen.
pub fn quadrant([x, y]: [f32; 2]) -> String {
    let [across, down] = [x - 0.5, y - 0.5];
    if across.abs() <= CENTRE && down.abs() <= CENTRE {
        return "at the centre".into();
    }
    let side = if across < 0.0 { "left" } else { "right" };
    let height = if down < 0.0 { "upper" } else { "lower" };
    if across.abs() <= BETWEEN {
        format!("between the {height} left and {height} right quadrants")
    } else if down.abs() <= BETWEEN {
        format!("between the upper {side} and lower {side} quadrants")
    } else {
        format!("in the {height} {side} quadrant")
    }
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
        return Some(format!("Nothing in the picture speaks for {title}."));
    };
    Some(format!(
        "Evidence for {title} is strongest {} of {}, {} from the left and {} from the top of the picture. \
         At half of its maximum or more it covers {} of the picture, {}. {}",
        quadrant(found.place),
        frame.words(),
        share(found.peak[0]),
        share(found.peak[1]),
        share(found.extent),
        size(found.extent),
        strength(classes, evidence, found.relative),
    ))
}

fn size(extent: f32) -> &'static str {
    if extent < 0.04 {
        "a small spot"
    } else if extent < 0.15 {
        "a limited area"
    } else if extent < 0.4 {
        "a wide area"
    } else {
        "so that it points nowhere in particular"
    }
}

fn strength(classes: &[String], evidence: &[Option<Evidence>], relative: f32) -> String {
    if relative > 0.995 {
        return format!(
            "It is strong: no other of the {} classes has more.",
            classes.len()
        );
    }
    let strongest = evidence
        .iter()
        .zip(classes)
        .filter_map(|(found, class)| Some((found.as_ref()?.relative, class)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let other = strongest.map_or_else(|| "the strongest class".into(), |(_, c)| class_title(c));
    let word = if relative >= 0.75 {
        "almost as strong as"
    } else if relative >= 0.4 {
        "weaker than"
    } else if relative >= 0.1 {
        "much weaker than"
    } else {
        "faint beside"
    };
    format!(
        "It is {word} that for {other}: {} of its strength.",
        share(relative)
    )
}

/// A share in whole per cent, without a line break before the sign.
fn share(fraction: f32) -> String {
    let percent = fraction.clamp(0.0, 1.0) * 100.0;
    if percent > 0.0 && percent < 0.5 {
        "less than 1\u{a0}%".into()
    } else {
        format!("{percent:.0}\u{a0}%")
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
             63\u{a0}% from the left and 29\u{a0}% from the top of the picture. \
             At half of its maximum or more it covers 12\u{a0}% of the picture, a limited area. \
             It is strong: no other of the 3 classes has more."
        );
        let second = words(1, Frame::Picture).unwrap();
        assert!(second.contains("quadrant of the picture,"), "{second}");
        assert!(
            second.ends_with("It is much weaker than that for Glioma: 30\u{a0}% of its strength."),
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
        assert_eq!(share(0.001), "less than 1\u{a0}%");
        let classes = ["a", "b"].map(String::from);
        for (relative, word) in [(0.9, "almost"), (0.5, "weaker"), (0.05, "faint")] {
            let words = strength(&classes, &[found(1.0), found(relative)], relative);
            assert!(words.contains(word) && words.contains("for a"), "{words}");
        }
    }
}
