//! Texts of a lesson: one for all, or one for each language.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a text has to be words in quotes, or an object with words for each language"
)]
pub enum Text {
    /// The same for everybody, in whatever language it was written.
    Plain(String),
    /// By the tag of its language, such as `de`.
    ByLanguage(BTreeMap<String, String>),
}

/// A text in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'t> {
    /// The words.
    pub text: &'t str,
    /// The tag of their language, where the lesson names it.
    pub language: Option<&'t str>,
}

impl Text {
    /// The text in the language of this tag; else in one of the same language (`pt` for `pt-BR`), else in English, else
    /// the first there is.
    pub fn say(&self, code: &str) -> Said<'_> {
        match self {
            Self::Plain(text) => Said {
                text,
                language: None,
            },
            Self::ByLanguage(texts) => {
                let stem = |tag: &str| tag.split('-').next().unwrap_or_default().to_lowercase();
                let found = texts
                    .get_key_value(code)
                    .or_else(|| texts.iter().find(|(tag, _)| stem(tag) == stem(code)))
                    .or_else(|| texts.get_key_value("en"))
                    .or_else(|| texts.iter().next());
                found.map_or(
                    Said {
                        text: "",
                        language: None,
                    },
                    |(tag, text)| Said {
                        text,
                        language: Some(tag),
                    },
                )
            }
        }
    }

    /// Whether it says something in each of its languages.
    pub(crate) fn is_said(&self) -> bool {
        match self {
            Self::Plain(text) => !text.trim().is_empty(),
            Self::ByLanguage(texts) => {
                !texts.is_empty() && texts.values().all(|text| !text.trim().is_empty())
            }
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.into())
    }
}
