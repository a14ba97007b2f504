//! Messages: text with places for values, in the part of ICU MessageFormat that the page needs.
//!
//! - `{name}` is a value,
//! - `{n, plural, =0 {none} one {# file} other {# files}}` chooses by a number, which `#` stands for,
//! - `''` is an apostrophe, and `'{'` a brace; other apostrophes are themselves.

use std::collections::BTreeSet;
use thiserror::Error;

/// A value for a place in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text, shown as it is.
    Text(String),
    /// A number of things: a plural can depend on it.
    Count(u64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<u32> for Value {
    fn from(count: u32) -> Self {
        Self::Count(count.into())
    }
}

impl From<usize> for Value {
    fn from(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

/// What a language does with numbers, and which way it runs.
pub trait Rules {
    /// The CLDR category of a number: `zero`, `one`, `two`, `few`, `many` or `other`.
    fn plural(&self, count: u64) -> String;
    /// The number as it is written.
    fn count(&self, count: u64) -> String;
    /// Whether the language is written from right to left.
    fn right_to_left(&self) -> bool;
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// The value of this name.
    Value(String),
    /// One of several messages, by the value of this name.
    Plural(String, Vec<(Selector, Vec<Part>)>),
    /// `#`: the number that the plural around it depends on, by its value's name.
    Number(String),
}

/// When a plural's message is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// For this very number.
    Exactly(u64),
    /// For this category of numbers.
    Category(String),
}

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// A brace or quote without its other half.
    #[error("a brace or quote is not closed")]
    Unclosed,
    /// `}` outside a place.
    #[error("there is a }} too many")]
    Unopened,
    /// Something in a place that is neither a name nor a plural.
    #[error("{{{0}}} is neither a name nor a plural")]
    Place(String),
    /// A plural without its last resort.
    #[error("the plural of {0} has no message for \"other\"")]
    NoOther(String),
    /// Plurals in plurals in plurals.
    #[error("plurals are nested too deeply")]
    Deep,
}

/// Plurals may be nested so deeply.
const DEEPEST: u8 = 4;

/// Reads a message.
///
/// # Errors
/// If braces or quotes don't match, or a place holds something else than a name or a plural.
pub fn parse(text: &str) -> Result<Vec<Part>, MessageError> {
    let mut reader = Reader { rest: text };
    let parts = reader.parts(None, 0)?;
    match reader.rest {
        "" => Ok(parts),
        _ => Err(MessageError::Unopened),
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    /// Up to the end, or to a `}` that is left in place.
    fn parts(&mut self, number: Option<&str>, depth: u8) -> Result<Vec<Part>, MessageError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.rest.chars().next() {
            if c == '}' {
                break;
            }
            self.next();
            match (c, number) {
                ('\'', _) => self.quoted(&mut text)?,
                ('{', _) => {
                    flush(&mut text, &mut parts);
                    parts.push(self.place(depth)?);
                }
                ('#', Some(name)) => {
                    flush(&mut text, &mut parts);
                    parts.push(Part::Number(name.into()));
                }
                _ => text.push(c),
            }
        }
        flush(&mut text, &mut parts);
        Ok(parts)
    }

    /// What follows an apostrophe.
    fn quoted(&mut self, text: &mut String) -> Result<(), MessageError> {
        match self.rest.chars().next() {
            Some('\'') => {
                self.next();
                text.push('\'');
            }
            Some('{' | '}' | '#') => {
                let (inside, rest) = self.rest.split_once('\'').ok_or(MessageError::Unclosed)?;
                text.push_str(inside);
                self.rest = rest;
            }
            _ => text.push('\''),
        }
        Ok(())
    }

    /// What follows a `{`, up to and with its `}`.
    fn place(&mut self, depth: u8) -> Result<Part, MessageError> {
        let end = self
            .rest
            .find(['}', ',', '{'])
            .ok_or(MessageError::Unclosed)?;
        let name = self.rest[..end].trim().to_string();
        let named =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !named {
            return Err(MessageError::Place(name));
        }
        self.rest = &self.rest[end..];
        match self.next() {
            Some('}') => Ok(Part::Value(name)),
            Some(',') => {
                self.rest = self
                    .rest
                    .trim_start()
                    .strip_prefix("plural")
                    .and_then(|rest| rest.trim_start().strip_prefix(','))
                    .ok_or_else(|| MessageError::Place(name.clone()))?;
                self.plural(name, depth)
            }
            _ => Err(MessageError::Place(name)),
        }
    }

    fn plural(&mut self, name: String, depth: u8) -> Result<Part, MessageError> {
        if depth >= DEEPEST {
            return Err(MessageError::Deep);
        }
        let mut cases = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                break;
            }
            let open = self.rest.find('{').ok_or(MessageError::Unclosed)?;
            let word = self.rest[..open].trim();
            let selector = match word.strip_prefix('=') {
                Some(number) => Selector::Exactly(
                    number
                        .parse()
                        .map_err(|_| MessageError::Place(word.into()))?,
                ),
                None => Selector::Category(word.into()),
            };
            self.rest = &self.rest[open + 1..];
            let parts = self.parts(Some(&name), depth + 1)?;
            if self.next() != Some('}') {
                return Err(MessageError::Unclosed);
            }
            cases.push((selector, parts));
        }
        let other = Selector::Category("other".into());
        if !cases.iter().any(|(selector, _)| *selector == other) {
            return Err(MessageError::NoOther(name));
        }
        Ok(Part::Plural(name, cases))
    }
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

/// The names of a message's values, plurals included.
pub fn names(parts: &[Part]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(name) | Part::Number(name) => {
                found.insert(name.clone());
            }
            Part::Plural(name, cases) => {
                found.insert(name.clone());
                found.extend(cases.iter().flat_map(|(_, parts)| names(parts)));
            }
        }
    }
    found
}

/// The message with its values. A value that is not given is shown as its place.
pub fn format(parts: &[Part], values: &[(&str, Value)], rules: &impl Rules) -> String {
    let mut text = String::new();
    write(parts, values, rules, &mut text);
    text
}

fn write(parts: &[Part], values: &[(&str, Value)], rules: &impl Rules, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(name) | Part::Number(name) => match value(values, name) {
                Some(Value::Text(text)) => isolate(text, rules.right_to_left(), out),
                Some(Value::Count(count)) => out.push_str(&rules.count(*count)),
                None => {
                    out.push('{');
                    out.push_str(name);
                    out.push('}');
                }
            },
            Part::Plural(name, cases) => {
                let count = match value(values, name) {
                    Some(Value::Count(count)) => Some(*count),
                    _ => None,
                };
                if let Some(parts) = choose(cases, count, rules) {
                    write(parts, values, rules, out);
                }
            }
        }
    }
}

fn value<'v>(values: &'v [(&str, Value)], name: &str) -> Option<&'v Value> {
    let found = values.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value)
}

fn choose<'c>(
    cases: &'c [(Selector, Vec<Part>)],
    count: Option<u64>,
    rules: &impl Rules,
) -> Option<&'c [Part]> {
    let case = |wanted: &Selector| {
        let found = cases.iter().find(|(selector, _)| selector == wanted);
        found.map(|(_, parts)| parts.as_slice())
    };
    count
        .and_then(|count| {
            case(&Selector::Exactly(count))
                .or_else(|| case(&Selector::Category(rules.plural(count))))
        })
        .or_else(|| case(&Selector::Category("other".into())))
}

/// Text that may run the other way than the message, a file's name for example, is isolated from it:
/// otherwise the punctuation beside it would jump to its other side.
fn isolate(text: &str, right_to_left: bool, out: &mut String) {
    if right_to_left || text.chars().any(runs_left) {
        out.push('\u{2068}');
        out.push_str(text);
        out.push('\u{2069}');
    } else {
        out.push_str(text);
    }
}

/// Hebrew, Arabic and their neighbours.
fn runs_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// English, or something that runs the other way and has a dual.
    struct Test {
        right_to_left: bool,
    }

    const ENGLISH: Test = Test {
        right_to_left: false,
    };

    impl Rules for Test {
        fn plural(&self, count: u64) -> String {
            match count {
                1 => "one",
                2 if self.right_to_left => "two",
                _ => "other",
            }
            .into()
        }
        fn count(&self, count: u64) -> String {
            format!("{count}")
        }
        fn right_to_left(&self) -> bool {
            self.right_to_left
        }
    }

    fn say(text: &str, values: &[(&str, Value)]) -> String {
        format(&parse(text).unwrap(), values, &ENGLISH)
    }

    #[test]
    fn values_take_their_places() {
        assert_eq!(
            say("{a} and { b }", &[("b", "y".into()), ("a", "x".into())]),
            "x and y"
        );
        assert_eq!(say("{missing}!", &[]), "{missing}!");
    }

    #[test]
    fn plurals_by_category_and_number() {
        let text = "{n, plural, =0 {none} one {# file of {who}} other {# files of {who}}}.";
        for (count, said) in [(0u64, "none."), (1, "1 file of x."), (5, "5 files of x.")] {
            assert_eq!(say(text, &[("n", count.into()), ("who", "x".into())]), said);
        }
        let dual = parse("{n, plural, two {both} other {#}}").unwrap();
        let hebrew = Test {
            right_to_left: true,
        };
        assert_eq!(format(&dual, &[("n", 2u64.into())], &hebrew), "both");
        assert_eq!(format(&dual, &[("n", 2u64.into())], &ENGLISH), "2");
    }

    #[test]
    fn apostrophes_and_quoted_braces() {
        assert_eq!(
            say("it's {a}''s '{b}' #", &[("a", "x".into())]),
            "it's x's {b} #"
        );
        assert_eq!(say("l''eau d'ici", &[]), "l'eau d'ici");
    }

    #[test]
    fn other_scripts_are_isolated() {
        assert_eq!(
            say("{a}.", &[("a", "שלום".into())]),
            "\u{2068}שלום\u{2069}."
        );
        let parts = parse("{a}.").unwrap();
        let hebrew = Test {
            right_to_left: true,
        };
        assert_eq!(
            format(&parts, &[("a", "a.png".into())], &hebrew),
            "\u{2068}a.png\u{2069}."
        );
    }

    #[test]
    fn names_are_found_in_plurals() {
        let parts = parse("{a} {n, plural, one {{b}} other {#}}").unwrap();
        assert_eq!(
            names(&parts).into_iter().collect::<Vec<_>>(),
            ["a", "b", "n"]
        );
    }

    #[test]
    fn what_is_no_message() {
        for (text, error) in [
            ("{a", MessageError::Unclosed),
            ("a}", MessageError::Unopened),
            ("'{a", MessageError::Unclosed),
            ("{}", MessageError::Place(String::new())),
            ("{a b}", MessageError::Place("a b".into())),
            ("{a, select, other {}}", MessageError::Place("a".into())),
            ("{a, plural, one {x}}", MessageError::NoOther("a".into())),
            (
                "{a, plural, =x {y} other {}}",
                MessageError::Place("=x".into()),
            ),
            ("{a, plural, other {x}", MessageError::Unclosed),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        let deep = "{n,plural,other{".repeat(9) + &"}}".repeat(9);
        assert_eq!(parse(&deep), Err(MessageError::Deep));
    }

    proptest! {
        #[test]
        fn any_text_is_a_message_or_an_error(text in "[a{}#', =plurothen]{0,60}|\\PC{0,40}") {
            if let Ok(parts) = parse(&text) {
                format(&parts, &[("a", 3u64.into())], &ENGLISH);
            }
        }

        #[test]
        fn text_without_signs_is_itself(text in "[^{}']{0,40}") {
            prop_assert_eq!(say(&text, &[]), text);
        }
    }
}
