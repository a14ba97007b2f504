//! The language of the page: which one it is, and what it says.
//!
//! Every text that the page shows comes from [`t`], [`tv`], [`tr`] or a [`Line`], by its key in the catalogue
//! (`scanlight-messages`). All of them follow the language: a view that calls one is drawn anew when another
//! language is chosen.

mod chooser;
mod numbers;
mod start;

pub use chooser::Chooser;
pub use numbers::{decimal, percent_with};
pub use scanlight_messages::Value;
pub use start::start;

use crate::state::Name;
use crate::words;
use js_sys::Uint8Array;
use leptos::prelude::*;
use numbers::Intl;
use scanlight_messages::{Catalogue, ENGLISH, Language};
use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

/// The language that lies in the program.
const BUILT_IN: &str = "en";

thread_local! {
    static IN_PROGRAM: Rc<Spoken> = Rc::new(Spoken::english());
    static SPOKEN: RefCell<Rc<Spoken>> = RefCell::new(IN_PROGRAM.with(Rc::clone));
    /// Tells the views that the language has changed.
    static CHANGED: ArcTrigger = ArcTrigger::new();
}

/// A language in use.
struct Spoken {
    code: &'static str,
    catalogue: Catalogue,
    /// The bytes of its file; English lies in the program.
    source: Option<Uint8Array>,
    /// What a catalogue says that lacks a message, an old one from a browser's cache say.
    english: Option<Rc<Spoken>>,
    intl: Intl,
}

impl Spoken {
    fn english() -> Self {
        Self {
            code: BUILT_IN,
            // A test reads it; without it the page would show its keys.
            catalogue: Catalogue::parse(ENGLISH).unwrap_or_else(|_| Catalogue {
                messages: Default::default(),
            }),
            source: None,
            english: None,
            intl: Intl::new(BUILT_IN, false),
        }
    }

    fn say(&self, key: &str, values: &[(&str, Value)]) -> Option<String> {
        self.catalogue
            .say(key, values, &self.intl)
            .or_else(|| self.english.as_ref()?.say(key, values))
    }
}

/// The language in use. Follows the language.
fn spoken() -> Rc<Spoken> {
    CHANGED.with(Track::track);
    SPOKEN.with(|spoken| spoken.borrow().clone())
}

/// Speaks `language` from now on, and says so to the document.
fn speak(language: &'static Language, catalogue: Option<(Catalogue, Option<Uint8Array>)>) {
    let right_to_left = language.direction == scanlight_messages::Direction::RightToLeft;
    let english = IN_PROGRAM.with(Rc::clone);
    let next = match catalogue {
        Some((catalogue, source)) => Rc::new(Spoken {
            code: language.code,
            catalogue,
            source,
            english: Some(english),
            intl: Intl::new(language.code, right_to_left),
        }),
        None => english,
    };
    SPOKEN.with(|spoken| spoken.replace(next));
    CHANGED.with(|changed| changed.notify());
    let document = document();
    document.set_title(&untrack(|| t("page.title")));
    if let Some(root) = document.document_element() {
        // What a browser does without them is worse to read, no failure.
        let _ = root.set_attribute("lang", language.code);
        let _ = root.set_attribute("dir", language.direction.attribute());
    }
}

/// The language in use and the bytes of its file, for a program beside the page's that shall fetch nothing.
pub fn source() -> (&'static str, Option<Uint8Array>) {
    let spoken = untrack(spoken);
    (spoken.code, spoken.source.clone())
}

/// Speaks what [`source`] of another program gave.
///
/// # Errors
/// The language is unknown, or its file cannot be read.
pub fn take_over(code: &str, source: Option<&Uint8Array>) -> Result<(), String> {
    let language = Language::of(code).ok_or_else(|| format!("there is no language {code}"))?;
    let catalogue = match source {
        None => None,
        Some(source) => {
            let text = String::from_utf8_lossy(&source.to_vec()).into_owned();
            let catalogue = Catalogue::parse(&text).map_err(|error| error.to_string())?;
            Some((catalogue, Some(source.clone())))
        }
    };
    speak(language, catalogue);
    Ok(())
}

/// The tag of the language in use, such as `de`. Follows the language.
pub fn code() -> &'static str {
    spoken().code
}

/// The message at `key`. Follows the language.
pub fn t(key: &str) -> String {
    tv(key, &[])
}

/// The message at `key` with values. Follows the language.
pub fn tv(key: &str, values: &[(&str, Value)]) -> String {
    known(key, values).unwrap_or_else(|| key.into())
}

/// The message at a key that was put together, where there is one. Follows the language.
pub fn known(key: &str, values: &[(&str, Value)]) -> Option<String> {
    spoken().say(key, values)
}

/// The message at `key`, for a place in a view.
pub fn tr(key: &'static str) -> impl Fn() -> String + Copy + Send + Sync + 'static {
    move || t(key)
}

/// Something said that is kept, such as what went wrong: its words are chosen when it is shown, so that they
/// follow the language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    key: String,
    values: Vec<(Cow<'static, str>, Piece)>,
}

/// A value of a [`Line`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The same in every language.
    Plain(Value),
    /// A message in a message.
    Line(Line),
    /// What was opened.
    Name(Name),
}

impl Piece {
    /// Its words. Follows the language.
    pub fn text(&self) -> String {
        match self {
            Self::Plain(Value::Text(text)) => text.clone(),
            Self::Plain(Value::Count(count)) => words::count(*count),
            Self::Line(line) => line.text(),
            Self::Name(name) => name.text(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Line(line) => line.text().into(),
            Self::Name(name) => name.short().into(),
        }
    }
}

impl<T: Into<Value>> From<T> for Piece {
    fn from(value: T) -> Self {
        Self::Plain(value.into())
    }
}

impl From<Line> for Piece {
    fn from(line: Line) -> Self {
        Self::Line(line)
    }
}

impl From<Name> for Piece {
    fn from(name: Name) -> Self {
        Self::Name(name)
    }
}

impl Line {
    /// The message at `key`.
    pub fn new(key: &str) -> Self {
        Self {
            key: key.into(),
            values: Vec::new(),
        }
    }

    /// With a value.
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Piece>) -> Self {
        self.values.push((name.into(), value.into()));
        self
    }

    /// Its key: what was said, without the values.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its words. Follows the language.
    pub fn text(&self) -> String {
        let values: Vec<(&str, Value)> = self
            .values
            .iter()
            .map(|(name, piece)| (name.as_ref(), piece.value()))
            .collect();
        tv(&self.key, &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn english_is_there_from_the_start() {
        assert_eq!(code(), "en");
        assert_eq!(t("viewer.open_another"), "Open another");
        assert_eq!(known("no.such.key", &[]), None);
        let line = Line::new("intake.too_large").with("name", "a.png");
        assert_eq!(line.text(), "a.png: the file is too large.");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn another_language_falls_back_to_english_and_has_its_own_numbers() {
        let german = Language::of("de").unwrap();
        let some = Catalogue::parse(r#"{"messages":{"viewer.open_another":"Andere öffnen"}}"#);
        speak(german, some.ok().map(|some| (some, None)));
        assert_eq!(t("viewer.open_another"), "Andere öffnen");
        assert_eq!(t("close"), "Close");
        assert_eq!(decimal(1234.5, 1), "1.234,5");
        assert_eq!(percent_with(0.875, 1), "87,5\u{a0}%");
        let root = document().document_element().unwrap();
        assert_eq!(root.get_attribute("lang").as_deref(), Some("de"));
        speak(Language::of("en").unwrap(), None);
        assert_eq!(t("viewer.open_another"), "Open another");
    }
}
