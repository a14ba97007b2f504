//! One case of a lesson.

use crate::paths::is_safe;
use crate::problem::Problem;
use crate::text::Text;
use scanlight_measures::labels::canonical_class;
use serde::{Deserialize, Serialize};

/// An image with what is true of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The image's path, below the lesson's folder.
    pub image: String,
    /// The true class, in any spelling of the usual data sets; nothing where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Where the finding lies, in pixels of the image.
    #[serde(default, rename = "box", skip_serializing_if = "Option::is_none")]
    pub place: Option<Rect>,
    /// Shown to who asks for it, before the guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// Shown after the guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Text>,
}

/// A rectangle in pixels of an image, from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    /// From the left edge of the image to that of the rectangle.
    pub x: f64,
    /// From the upper edge of the image to that of the rectangle.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

impl Case {
    /// Adds what is wrong with the case, as far as it can be told without its image.
    pub(crate) fn check(&self, number: usize, problems: &mut Vec<Problem>) {
        if !is_safe(&self.image) {
            problems.push(Problem::Path {
                case: number,
                image: self.image.clone(),
            });
        }
        let texts = [("hint", &self.hint), ("explanation", &self.explanation)];
        for (name, text) in texts {
            if text.as_ref().is_some_and(|text| !text.is_said()) {
                problems.push(Problem::NoText {
                    case: Some(number),
                    name,
                });
            }
        }
        if let Some(place) = &self.place
            && !place.has_area()
        {
            problems.push(Problem::Flat { case: number });
        }
    }

    /// The index of the true class among those of a model; nothing where the case names none.
    ///
    /// # Errors
    /// The class is none of `classes`.
    pub fn truth(&self, number: usize, classes: &[String]) -> Result<Option<usize>, Problem> {
        let Some(name) = &self.class else {
            return Ok(None);
        };
        let canonical = canonical_class(name);
        let found = classes
            .iter()
            .position(|class| class == name || *class == canonical);
        match found {
            Some(index) => Ok(Some(index)),
            None => Err(Problem::Class {
                case: number,
                class: name.clone(),
                known: classes.to_vec(),
            }),
        }
    }

    /// The box in fractions of an image of this size: left, top, width, height.
    ///
    /// # Errors
    /// It does not lie in the image.
    pub fn place_in(
        &self,
        number: usize,
        [width, height]: [u32; 2],
    ) -> Result<Option<[f64; 4]>, Problem> {
        let Some(place) = self.place else {
            return Ok(None);
        };
        let (wide, high) = (f64::from(width), f64::from(height));
        // A hundredth of a pixel for what was rounded on the way.
        let inside = place.has_area()
            && place.x >= 0.0
            && place.y >= 0.0
            && place.x + place.width <= wide + 0.01
            && place.y + place.height <= high + 0.01;
        if !inside {
            return Err(Problem::Outside {
                case: number,
                place,
                size: [width, height],
            });
        }
        Ok(Some([
            place.x / wide,
            place.y / high,
            place.width / wide,
            place.height / high,
        ]))
    }
}

impl Rect {
    fn has_area(&self) -> bool {
        let all = [self.x, self.y, self.width, self.height];
        all.iter().all(|number| number.is_finite()) && self.width > 0.0 && self.height > 0.0
    }
}
