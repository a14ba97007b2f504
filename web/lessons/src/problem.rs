//! What can be wrong with a lesson.

use crate::case::Rect;
use crate::{FORMAT, MOST_CASES, VERSION};
use thiserror::Error;

/// What is wrong, and what to do about it. Cases are counted from 1. The page says it in its own language.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Problem {
    /// The file is no JSON.
    #[error("is no JSON: {reason}. Mend it there")]
    Json {
        /// The parser's words.
        reason: String,
    },
    /// It is no lesson.
    #[error("is no lesson. Write \"format\": \"{FORMAT}\" at its beginning")]
    Format,
    /// It is of another version.
    #[error(
        "is of version {}, and version {VERSION} can be read. Write \"version\": {VERSION}, or take a newer page",
        found.as_deref().unwrap_or("none")
    )]
    Version {
        /// What stands there; nothing where no version is named.
        found: Option<String>,
    },
    /// A field beside the cases is not as it should be.
    #[error("{reason}. Mend that field, or leave it out")]
    Field {
        /// The parser's words.
        reason: String,
    },
    /// There are no cases.
    #[error("has no cases. List at least one at \"cases\"")]
    NoCases,
    /// There are too many cases.
    #[error("has {count} cases, and {MOST_CASES} are the most. Make several lessons of it")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// A text is empty in some language.
    #[error("{}\"{name}\" has no words. Write some, or leave it out", case.map(|case| format!("case {case}: ")).unwrap_or_default())]
    NoText {
        /// The case; nothing for a text of the lesson's own.
        case: Option<usize>,
        /// The field.
        name: &'static str,
    },
    /// A field of a case is not as it should be.
    #[error("case {case}: {reason}. Mend that field, or leave it out")]
    Case {
        /// The case.
        case: usize,
        /// The parser's words.
        reason: String,
    },
    /// A case's image is no path below the lesson's folder.
    #[error(
        "case {case}: \"{image}\" is no path below the lesson's folder. Write one such as images/one.png"
    )]
    Path {
        /// The case.
        case: usize,
        /// What stands there.
        image: String,
    },
    /// A case's class is none that the model knows.
    #[error("case {case}: the model knows no class \"{class}\". Write one of {}, or leave it out", known.join(", "))]
    Class {
        /// The case.
        case: usize,
        /// What stands there.
        class: String,
        /// What the model knows.
        known: Vec<String>,
    },
    /// A box has no area.
    #[error(
        "case {case}: the box has no area. Give it a width and a height above 0, in pixels of the image"
    )]
    Flat {
        /// The case.
        case: usize,
    },
    /// A box does not lie in its image.
    #[error(
        "case {case}: the box from {}, {} to {}, {} does not lie in the image of {} x {} pixels. Give x, y, width and height in pixels of the image",
        place.x, place.y, place.x + place.width, place.y + place.height, size[0], size[1]
    )]
    Outside {
        /// The case.
        case: usize,
        /// The box.
        place: Rect,
        /// The image's width and height.
        size: [u32; 2],
    },
}
