//! Every language says everything that English says, with the same values, and the page asks for nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use scanlight_messages::message::{self, Part, Selector};
use scanlight_messages::{Catalogue, ENGLISH, LANGUAGES};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Keys that the page puts together: what follows is a class, a plane, or the code of a complaint; and those of the page
/// that shows embedding, which is no part of the program.
const BUILT: [&str; 5] = ["class.", "plane.", "reject.", "part.", "demo."];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("languages")
}

fn read(code: &str) -> Catalogue {
    let text = fs::read_to_string(folder().join(format!("{code}.json"))).unwrap();
    Catalogue::parse(&text).unwrap_or_else(|error| panic!("{code}: {error}"))
}

fn parts(code: &str, key: &str, text: &str) -> Vec<Part> {
    message::parse(text).unwrap_or_else(|error| panic!("{code}, {key}: {error}"))
}

#[test]
fn english_german_spanish_and_one_from_right_to_left() {
    let codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
    for code in ["ar", "de", "en", "es"] {
        assert!(codes.contains(&code), "{code} is not in {codes:?}");
    }
    let files = fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, codes.len(), "each file is a language");
}

#[test]
fn every_language_has_every_key_with_the_same_values() {
    let english = Catalogue::parse(ENGLISH).unwrap();
    let keys: BTreeSet<&String> = english.messages.keys().collect();
    for language in LANGUAGES {
        let code = language.code;
        let catalogue = read(code);
        let own: BTreeSet<&String> = catalogue.messages.keys().collect();
        let missing: Vec<_> = keys.difference(&own).collect();
        let unknown: Vec<_> = own.difference(&keys).collect();
        assert!(missing.is_empty(), "{code} lacks {missing:?}");
        assert!(
            unknown.is_empty(),
            "{code} has {unknown:?}, which English has not"
        );
        for (key, text) in &english.messages {
            let own = &catalogue.messages[key];
            assert!(!own.trim().is_empty(), "{code}, {key}: there is no text");
            assert_eq!(
                message::names(&parts(code, key, own)),
                message::names(&parts("en", key, text)),
                "{code}, {key}: other values than in English"
            );
        }
    }
}

/// CLDR's categories for whole numbers.
fn categories(code: &str) -> &'static [&'static str] {
    match code {
        "ar" => &["zero", "one", "two", "few", "many", "other"],
        // Spanish has "many" for millions, and writes them as others here: there are none so large.
        _ => &["one", "other"],
    }
}

#[test]
fn plurals_have_their_languages_forms() {
    for language in LANGUAGES {
        for (key, text) in &read(language.code).messages {
            for part in parts(language.code, key, text) {
                let Part::Plural(_, cases) = part else {
                    continue;
                };
                for category in categories(language.code) {
                    let wanted = Selector::Category((*category).into());
                    assert!(
                        cases.iter().any(|(selector, _)| *selector == wanted),
                        "{}, {key}: no form for \"{category}\"",
                        language.code
                    );
                }
            }
        }
    }
}

fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// What stands in quotes after `call` in `source`.
fn asked<'s>(source: &'s str, call: &str) -> Vec<&'s str> {
    let starts = source.match_indices(call);
    starts
        .filter(|(at, _)| {
            // `t(` is not the end of another function's name.
            let before = source[..*at].chars().next_back();
            before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
        .filter_map(|(at, _)| {
            let rest = source[at + call.len()..].trim_start().strip_prefix('"')?;
            rest.split_once('"').map(|(key, _)| key)
        })
        .collect()
}

#[test]
fn the_page_asks_for_what_there_is_and_for_all_of_it() {
    let mut source = String::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"),
        &mut source,
    );
    let english = Catalogue::parse(ENGLISH).unwrap();
    let mut count = 0;
    for call in ["t(", "tr(", "tv(", "Line::new("] {
        for key in asked(&source, call) {
            assert!(english.messages.contains_key(key), "nobody says \"{key}\"");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} calls were found");
    // Keys that are chosen before they are asked for.
    let sections: BTreeSet<&str> = english
        .messages
        .keys()
        .filter_map(|key| Some(key.split_once('.')?.0))
        .collect();
    for (_, literal) in source
        .split('"')
        .enumerate()
        .filter(|(index, _)| index % 2 == 1)
    {
        let is_key = literal.split_once('.').is_some_and(|(section, rest)| {
            sections.contains(section)
                && !rest.is_empty()
                && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        });
        assert!(
            !is_key || english.messages.contains_key(literal),
            "nobody says \"{literal}\""
        );
    }
    let idle: Vec<_> = english
        .messages
        .keys()
        .filter(|key| !BUILT.iter().any(|built| key.starts_with(built)))
        .filter(|key| !source.contains(&format!("\"{key}\"")))
        .collect();
    assert!(idle.is_empty(), "nobody asks for {idle:?}");
}

#[test]
fn the_page_that_shows_embedding_says_what_english_says() {
    let embed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../embed");
    let [html, script] =
        ["embed.html", "embed.js"].map(|file| fs::read_to_string(embed.join(file)).unwrap());
    let english = Catalogue::parse(ENGLISH).unwrap();
    for (key, text) in &english.messages {
        if key.starts_with("demo.") {
            let asked = [&html, &script].iter().any(|source| {
                source.contains(&format!("\"{key}\"")) || source.contains(&format!("'{key}'"))
            });
            assert!(asked, "nobody asks for {key}");
            assert!(
                html.contains(text) || script.contains(text),
                "{key}: the page says something else than \"{text}\""
            );
        }
    }
    for attribute in ["data-say", "data-say-title", "data-say-aria-label"] {
        for (_, rest) in html
            .match_indices(&format!("{attribute}=\""))
            .map(|(at, found)| (at, &html[at + found.len()..]))
        {
            let key = rest.split('"').next().unwrap_or_default();
            assert!(english.messages.contains_key(key), "nobody says \"{key}\"");
        }
    }
    for language in LANGUAGES {
        assert!(
            script.contains(&format!("{}: ", language.code)),
            "{}",
            language.code
        );
    }
}

/// Words that must never be lost on the way into another language.
#[test]
fn every_language_says_that_it_is_not_a_diagnosis() {
    for (code, words) in [
        ("en", "not a diagnosis"),
        ("de", "keine Diagnose"),
        ("es", "no es un diagnóstico"),
        ("ar", "ليس تشخيصًا"),
    ] {
        let catalogue = read(code);
        for key in ["caution.strong", "status.caution", "caution.label"] {
            let said = catalogue.messages[key].to_lowercase();
            assert!(
                said.contains(&words.to_lowercase()),
                "{code}, {key}: {said}"
            );
        }
    }
}
