//! The format of lessons: a JSON file that lists cases, each an image with what is true of it, to be guessed first.
//!
//! The page reads it ([`parse`]), `cargo xtask lesson` writes it. `public/lessons/lesson.schema.json` says the same for
//! editors, and `public/lessons/README.md` for people. What is wrong with a file is a [`Problem`]: one line that names
//! the case and says what to do.

mod case;
mod paths;
mod problem;
mod text;

pub use case::{Case, Rect};
pub use paths::{find, is_safe};
pub use problem::Problem;
pub use text::{Said, Text};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a lesson says it is, at `format`: files that are dropped are told by it.
pub const FORMAT: &str = "scanlight-lesson";
/// The version of the format, raised when an older page would misunderstand.
pub const VERSION: u64 = 1;
/// The most cases of a lesson: all of them are kept in memory, answered.
pub const MOST_CASES: usize = 100;

/// A lesson.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lesson {
    /// Its name.
    pub title: Text,
    /// What it is about, shown before the first case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Text>,
    /// The cases are drawn, not of patients: the page says so beside each of them.
    pub synthetic: bool,
    /// The cases, in the order in which they are shown.
    pub cases: Vec<Case>,
}

/// What stands beside the cases. A field that is not known is a fault: a misspelt one would be passed over in silence.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: Text,
    #[serde(default)]
    about: Option<Text>,
    #[serde(default)]
    synthetic: bool,
}

/// Reads a lesson's text. What can be found out without its images is checked; all that is wrong is told.
///
/// # Errors
/// All problems, in the file's order; never none.
pub fn parse(text: &str) -> Result<Lesson, Vec<Problem>> {
    let one = |problem| vec![problem];
    // Some editors put a byte order mark at the beginning.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| {
        one(Problem::Json {
            reason: error.to_string(),
        })
    })?;
    let Value::Object(mut fields) = value else {
        return Err(one(Problem::Format));
    };
    if fields.remove("format") != Some(Value::from(FORMAT)) {
        return Err(one(Problem::Format));
    }
    match fields.remove("version") {
        Some(version) if version == VERSION => {}
        found => {
            return Err(one(Problem::Version {
                found: found.map(|found| found.to_string()),
            }));
        }
    }
    fields.remove("$schema");
    let cases = fields.remove("cases");
    let mut problems = Vec::new();
    let head = match serde_json::from_value::<Head>(Value::Object(fields)) {
        Ok(head) => {
            let texts = [("title", Some(&head.title)), ("about", head.about.as_ref())];
            for (name, text) in texts {
                if text.is_some_and(|text| !text.is_said()) {
                    problems.push(Problem::NoText { case: None, name });
                }
            }
            Some(head)
        }
        Err(error) => {
            problems.push(Problem::Field {
                reason: error.to_string(),
            });
            None
        }
    };
    let cases = read_cases(cases, &mut problems);
    match head {
        Some(head) if problems.is_empty() => Ok(Lesson {
            title: head.title,
            about: head.about,
            synthetic: head.synthetic,
            cases,
        }),
        _ => Err(problems),
    }
}

fn read_cases(cases: Option<Value>, problems: &mut Vec<Problem>) -> Vec<Case> {
    let list = match cases {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => {
            problems.push(Problem::NoCases);
            return Vec::new();
        }
    };
    if list.len() > MOST_CASES {
        problems.push(Problem::TooMany { count: list.len() });
        return Vec::new();
    }
    let mut cases = Vec::new();
    for (number, value) in (1..).zip(list) {
        match serde_json::from_value::<Case>(value) {
            Ok(case) => {
                case.check(number, problems);
                cases.push(case);
            }
            Err(error) => problems.push(Problem::Case {
                case: number,
                reason: error.to_string(),
            }),
        }
    }
    cases
}

/// A lesson as it stands in a file: what it is comes first, as that tells it from other files.
#[derive(Serialize)]
struct Written<'l> {
    #[serde(rename = "$schema")]
    schema: &'l str,
    format: &'static str,
    version: u64,
    #[serde(flatten)]
    lesson: &'l Lesson,
}

impl Lesson {
    /// The lesson as the text of a file; `schema` is where the schema is, for editors.
    ///
    /// # Errors
    /// Numbers that JSON has no words for.
    pub fn to_json(&self, schema: &str) -> Result<String, serde_json::Error> {
        let written = Written {
            schema,
            format: FORMAT,
            version: VERSION,
            lesson: self,
        };
        serde_json::to_string_pretty(&written).map(|text| text + "\n")
    }
}

/// Whether a file's beginning is that of a lesson.
pub fn is_lesson(beginning: &[u8]) -> bool {
    let name = FORMAT.as_bytes();
    beginning.windows(name.len()).any(|part| part == name)
}
