//! A language's file.

use crate::message::{self, Rules, Value};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The messages of a language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Catalogue {
    /// Messages by key.
    pub messages: BTreeMap<String, String>,
}

impl Catalogue {
    /// Reads a file's text.
    ///
    /// # Errors
    /// If it is no JSON of the form `{"messages": {"key": "message"}}`.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The message at `key` with its values, or `None` where there is no such message or it is malformed
    /// (which a test rules out for the files in this repository).
    pub fn say(&self, key: &str, values: &[(&str, Value)], rules: &impl Rules) -> Option<String> {
        let parts = message::parse(self.messages.get(key)?).ok()?;
        Some(message::format(&parts, values, rules))
    }
}
