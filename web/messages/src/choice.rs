//! Which language a visitor gets.

use crate::{LANGUAGES, Language};

/// The best language for someone who asks for these tags, dearest first: BCP 47's lookup, with a regional
/// variety standing in for its language (`de` for a `de-AT`, and `pt-BR`, were there one, for a `pt`).
pub fn best<'a>(wishes: impl IntoIterator<Item = &'a str>) -> Option<&'static Language> {
    wishes.into_iter().find_map(|wish| find(wish, LANGUAGES))
}

fn find<'l>(wish: &str, languages: &'l [Language]) -> Option<&'l Language> {
    let exact = |tag: &str| {
        languages
            .iter()
            .find(|language| language.code.eq_ignore_ascii_case(tag))
    };
    let mut tag = wish.trim();
    loop {
        if let Some(language) = exact(tag) {
            return Some(language);
        }
        match tag.rsplit_once('-') {
            Some((shorter, _)) => tag = shorter,
            None => break,
        }
    }
    languages
        .iter()
        .find(|language| primary(language.code).eq_ignore_ascii_case(tag))
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;

    const SOME: &[Language] = &[
        language("de"),
        language("en"),
        language("pt-BR"),
        language("zh-Hant"),
    ];

    const fn language(code: &'static str) -> Language {
        Language {
            code,
            name: code,
            direction: Direction::LeftToRight,
        }
    }

    #[test]
    fn exact_then_shorter_then_a_variety() {
        for (wish, found) in [
            ("de", Some("de")),
            ("DE", Some("de")),
            ("de-AT", Some("de")),
            ("zh-Hant-TW", Some("zh-Hant")),
            ("pt", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            (" en-GB ", Some("en")),
            ("fr", None),
            ("d", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(find(wish, SOME).map(|l| l.code), found, "{wish:?}");
        }
    }

    #[test]
    fn the_first_wish_that_can_be_met_counts() {
        assert_eq!(best(["tlh", "de-CH", "en"]).map(|l| l.code), Some("de"));
        assert_eq!(best(["tlh"]), None);
        assert_eq!(best([]), None);
    }
}
