//! The words of Scanlight's page.
//!
//! Each language is one file in `languages/`, named after its BCP 47 tag: its own name, the direction of its
//! script, and its messages by key. **To add a language, add a file**; the page lists it by itself. English
//! lies in the program; the other files are fetched when they are chosen.
//!
//! - [`message`]: messages in the syntax of [ICU MessageFormat] (`{name}`, plurals),
//! - [`catalogue`]: a language's file,
//! - [`choice`]: which language a visitor gets.
//!
//! Which plural form a number takes and how numbers are written is the browser's business (`Intl`): see
//! [`Rules`].
//!
//! [ICU MessageFormat]: https://unicode-org.github.io/icu/userguide/format_parse/messages/

pub mod catalogue;
pub mod choice;
pub mod message;

pub use catalogue::Catalogue;
pub use message::{Rules, Value};

/// The file of the language that lies in the program, which is also what others fall back to.
pub const ENGLISH: &str = include_str!("../languages/en.json");

/// All languages, by tag.
pub const LANGUAGES: &[Language] = include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// A language that the page can be read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// Its BCP 47 tag, such as `de`.
    pub code: &'static str,
    /// What its speakers call it.
    pub name: &'static str,
    /// How it is written.
    pub direction: Direction,
}

impl Language {
    /// The language with this tag.
    pub fn of(code: &str) -> Option<&'static Self> {
        LANGUAGES.iter().find(|language| language.code == code)
    }
}

/// The direction of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// As Latin.
    LeftToRight,
    /// As Arabic and Hebrew.
    RightToLeft,
}

impl Direction {
    /// The value of HTML's `dir`.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::LeftToRight => "ltr",
            Self::RightToLeft => "rtl",
        }
    }
}
