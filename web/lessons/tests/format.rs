//! Lessons are read as they were written, whatever is in them, and what is wrong with one is told with its case.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use scanlight_lessons::{Case, Lesson, Problem, Rect, Text, find, is_lesson, is_safe, parse};
use std::collections::BTreeMap;

const CLASSES: [&str; 4] = ["glioma", "meningioma", "notumor", "pituitary"];

fn classes() -> Vec<String> {
    CLASSES.map(String::from).to_vec()
}

/// A good lesson with this list of cases.
fn with_cases(cases: &str) -> String {
    format!(r#"{{"format": "scanlight-lesson", "version": 1, "title": "T", "cases": {cases}}}"#)
}

/// The only problem of a text, in words.
fn problem(text: &str) -> String {
    let problems = parse(text).expect_err("the lesson is bad");
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].to_string()
}

#[test]
fn a_whole_lesson() {
    let text = r#"{
        "$schema": "../lesson.schema.json",
        "format": "scanlight-lesson",
        "version": 1,
        "title": {"en": "One", "de": "Eins", "pt-BR": "Um"},
        "about": "Drawn.",
        "synthetic": true,
        "cases": [
            {"image": "a b.png", "class": "Glioma_tumor", "box": {"x": 10, "y": 20, "width": 30.5, "height": 4},
             "hint": "Look.", "explanation": {"de": "Da."}},
            {"image": "more/b.png"}
        ]
    }"#;
    let lesson = parse(text).unwrap();
    assert_eq!(lesson.title.say("de").text, "Eins");
    assert_eq!(lesson.title.say("pt").text, "Um");
    assert_eq!(lesson.title.say("ar").language, Some("en"));
    let first = &lesson.cases[0];
    // Neither the asked language nor English: what there is.
    assert_eq!(first.explanation.as_ref().unwrap().say("es").text, "Da.");
    assert_eq!(first.truth(1, &classes()), Ok(Some(0)));
    let place = first.place_in(1, [100, 40]).unwrap().unwrap();
    assert_eq!(place, [0.1, 0.5, 0.305, 0.1]);
    assert_eq!(lesson.cases[1].truth(2, &classes()), Ok(None));
    assert_eq!(lesson.cases[1].place_in(2, [1, 1]), Ok(None));
    assert!(lesson.synthetic);
    assert!(is_lesson(text.as_bytes()));
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    for (text, says) in [
        ("{".to_owned(), "is no JSON: EOF"),
        ("[1]".into(), "Write \"format\": \"scanlight-lesson\""),
        (
            r#"{"format": "other", "version": 1}"#.into(),
            "is no lesson",
        ),
        (
            r#"{"format": "scanlight-lesson"}"#.into(),
            "is of version none",
        ),
        (
            r#"{"format": "scanlight-lesson", "version": 2}"#.into(),
            "is of version 2, and version 1 can be read",
        ),
        (with_cases("[]"), "has no cases"),
        (with_cases("7"), "has no cases"),
        (
            with_cases(&format!("[{}]", vec!["{\"image\": \"a\"}"; 101].join(","))),
            "has 101 cases, and 100 are the most",
        ),
        (
            with_cases(r#"[{"image": "a"}, {"image": "b", "clas": "glioma"}]"#),
            "case 2: unknown field `clas`",
        ),
        (with_cases(r#"[{}]"#), "case 1: missing field `image`"),
        (
            with_cases(r#"[{"image": "a"}, {"image": "../b"}]"#),
            "case 2: \"../b\" is no path below",
        ),
        (
            with_cases(r#"[{"image": "a", "box": {"x": 1, "y": 1, "width": 0, "height": 4}}]"#),
            "case 1: the box has no area",
        ),
        (
            with_cases(r#"[{"image": "a", "box": [1, 2, 3]}]"#),
            "case 1: invalid length 3",
        ),
        (
            with_cases(r#"[{"image": "a", "hint": {"en": " "}}]"#),
            "case 1: \"hint\" has no words",
        ),
        (
            r#"{"format": "scanlight-lesson", "version": 1, "cases": [{"image": "a"}]}"#.into(),
            "missing field `title`",
        ),
    ] {
        let said = problem(&text);
        assert!(said.contains(says), "{said:?} does not say {says:?}");
        assert!(!said.contains('\n'), "{said:?}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = with_cases(r#"[{"image": "/a"}, {"image": "b", "hint": ""}, 7]"#);
    let problems = parse(&text).unwrap_err();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for (at, line) in said.iter().enumerate() {
        assert!(line.starts_with(&format!("case {}:", at + 1)), "{line}");
    }
}

#[test]
fn unknown_classes_and_boxes_outside_are_named() {
    let case = |text: &str| {
        parse(&with_cases(&format!("[{text}]")))
            .unwrap()
            .cases
            .remove(0)
    };
    let class = case(r#"{"image": "a", "class": "metastasis"}"#).truth(3, &classes());
    assert_eq!(
        class.unwrap_err().to_string(),
        "case 3: the model knows no class \"metastasis\". \
         Write one of glioma, meningioma, notumor, pituitary, or leave it out"
    );
    let own = vec!["Class B".to_owned()];
    assert_eq!(
        case(r#"{"image": "a", "class": "Class B"}"#).truth(1, &own),
        Ok(Some(0))
    );
    let outside = case(r#"{"image": "a", "box": {"x": 200, "y": 1, "width": 60, "height": 4}}"#);
    let said = outside.place_in(2, [256, 256]).unwrap_err().to_string();
    assert!(
        said.starts_with("case 2: the box from 200, 1 to 260, 5"),
        "{said}"
    );
    assert!(said.contains("256 x 256 pixels"), "{said}");
}

#[test]
fn a_mark_before_the_text_is_no_fault() {
    let text = with_cases(r#"[{"image": "a"}]"#);
    assert!(parse(&format!("\u{feff}{text}")).is_ok());
}

#[test]
fn paths_stay_below_the_folder() {
    for path in ["a.png", "b/c d.png", "صورة.png", "..a/b..png"] {
        assert!(is_safe(path), "{path}");
    }
    for path in [
        "",
        " ",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "./a",
        "a\\b",
        "https://x/a.png",
        "data:x",
        "a?b",
        "a#b",
        "%2e%2e/a",
        "a\nb",
    ] {
        assert!(!is_safe(path), "{path:?}");
    }
}

#[test]
fn images_are_found_beside_their_lesson_and_without_folders() {
    let folder = [
        "week/lesson.json",
        "week/images/a.png",
        "other/images/a.png",
    ];
    assert_eq!(find(&folder, "week/lesson.json", "images/a.png"), Some(1));
    assert_eq!(find(&folder, "week/lesson.json", "b.png"), None);
    // Two are called so, and neither lies where it should.
    assert_eq!(find(&folder, "week/lesson.json", "a.png"), None);
    let flat = ["lesson.json", "a.png"];
    assert_eq!(find(&flat, "lesson.json", "images/a.png"), Some(1));
}

/// The schema for editors names the fields that are read, and no others.
#[test]
fn the_schema_knows_the_same_fields() {
    let text = include_str!("../../../public/lessons/lesson.schema.json");
    let schema: serde_json::Value = serde_json::from_str(text).unwrap();
    let names = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let text: Text = "x".into();
    let place = Rect {
        x: 0.0,
        y: 0.0,
        width: 1.0,
        height: 1.0,
    };
    let case = Case {
        image: "a".into(),
        class: Some("glioma".into()),
        place: Some(place),
        hint: Some(text.clone()),
        explanation: Some(text.clone()),
    };
    let written = serde_json::to_value(&case).unwrap();
    let lesson = Lesson {
        title: text.clone(),
        about: Some(text),
        synthetic: true,
        cases: vec![case],
    };
    let whole: serde_json::Value = serde_json::from_str(&lesson.to_json("s").unwrap()).unwrap();
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(names(&schema["properties"])), sorted(names(&whole)));
    assert_eq!(
        sorted(names(&schema["$defs"]["case"]["properties"])),
        sorted(names(&written))
    );
    assert_eq!(
        sorted(names(&schema["$defs"]["box"]["properties"])),
        sorted(names(&written["box"]))
    );
    assert_eq!(
        schema["properties"]["version"]["const"],
        scanlight_lessons::VERSION
    );
    assert_eq!(
        schema["properties"]["format"]["const"],
        scanlight_lessons::FORMAT
    );
    assert_eq!(
        schema["properties"]["cases"]["maxItems"],
        scanlight_lessons::MOST_CASES
    );
}

/// The lesson that lies beside the page: read like any other, its boxes in its images, and it says what it is not.
#[test]
fn the_ready_lesson_is_good() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../public/lessons/synthetic");
    let text = std::fs::read_to_string(folder.join("lesson.json")).unwrap();
    let lesson = parse(&text).unwrap();
    assert!(lesson.synthetic);
    assert!(
        (8..=10).contains(&lesson.cases.len()),
        "{}",
        lesson.cases.len()
    );
    let about = lesson.about.as_ref().unwrap();
    for (code, words) in [
        ("en", "diagnosis"),
        ("de", "Diagnose"),
        ("es", "diagnóstico"),
        ("ar", "التشخيص"),
    ] {
        let said = about.say(code);
        assert_eq!(said.language, Some(code));
        assert!(said.text.contains(words), "{code}: {}", said.text);
        assert_eq!(lesson.title.say(code).language, Some(code));
    }
    for (number, case) in (1..).zip(&lesson.cases) {
        let bytes = std::fs::read(folder.join(&case.image)).unwrap();
        // A PNG's header: width and height.
        let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let truth = case.truth(number, &classes()).unwrap();
        let place = case.place_in(number, [side(16), side(20)]).unwrap();
        assert_eq!(place.is_none(), truth == Some(2), "case {number}");
        for text in [&case.hint, &case.explanation] {
            for code in ["en", "de", "es", "ar"] {
                assert_eq!(
                    text.as_ref().unwrap().say(code).language,
                    Some(code),
                    "case {number}"
                );
            }
        }
    }
    let seen: std::collections::BTreeSet<_> = lesson.cases.iter().map(|case| &case.class).collect();
    assert_eq!(seen.len(), 4, "every class occurs");
}

fn texts() -> impl Strategy<Value = Text> {
    let words = "[a-zäß .,؟]{0,8}[a-zä]";
    prop_oneof![
        words.prop_map(Text::Plain),
        prop::collection::btree_map("[a-z]{2}(-[A-Z]{2})?", words, 1..4)
            .prop_map(|texts: BTreeMap<String, String>| Text::ByLanguage(texts)),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let side = 1u32..4096;
    let place =
        (side.clone(), side.clone(), side.clone(), side).prop_map(|(x, y, width, height)| Rect {
            x: x.into(),
            y: y.into(),
            width: f64::from(width) / 8.0,
            height: height.into(),
        });
    (
        "[a-z]{1,6}(/[a-z ]{0,4}[a-z])?\\.png",
        prop::option::of("[a-zA-Z_]{1,12}"),
        prop::option::of(place),
        prop::option::of(texts()),
        prop::option::of(texts()),
    )
        .prop_map(|(image, class, place, hint, explanation)| Case {
            image,
            class,
            place,
            hint,
            explanation,
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        title in texts(),
        about in prop::option::of(texts()),
        synthetic in any::<bool>(),
        cases in prop::collection::vec(cases(), 1..6),
    ) {
        let lesson = Lesson { title, about, synthetic, cases };
        let text = lesson.to_json("lesson.schema.json").unwrap();
        prop_assert!(is_lesson(text.get(..4096.min(text.len())).unwrap_or(&text).as_bytes()));
        prop_assert_eq!(parse(&text), Ok(lesson));
    }

    /// Whatever stands in a file, it is read or refused with at least one line.
    #[test]
    fn no_text_does_harm(text in ".{0,200}", cases in ".{0,60}") {
        for text in [text, with_cases(&cases), with_cases(&format!("[{{\"image\": {cases}}}]"))] {
            if let Err(problems) = parse(&text) {
                prop_assert!(!problems.is_empty());
                prop_assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
            }
        }
    }

    /// A box is taken if and only if all four corners lie in the image, and then as fractions of it.
    #[test]
    fn boxes_lie_in_their_images(
        x in -300i32..300, y in -300i32..300, width in 1i32..300, height in 1i32..300, size in 1u32..300,
    ) {
        let place = Rect { x: x.into(), y: y.into(), width: width.into(), height: height.into() };
        let case = Case { image: "a".into(), class: None, place: Some(place), hint: None, explanation: None };
        let inside = |from: i32, length: i32| from >= 0 && i64::from(from) + i64::from(length) <= i64::from(size);
        let found = case.place_in(1, [size, size]);
        if inside(x, width) && inside(y, height) {
            let found = found.unwrap().unwrap();
            prop_assert!(found.iter().all(|share| (0.0..=1.0).contains(share)));
            prop_assert!((found[0] * f64::from(size) - f64::from(x)).abs() < 1e-9);
        } else {
            let refused = matches!(found, Err(Problem::Outside { case: 1, .. }));
            prop_assert!(refused);
        }
    }

    /// No path that is taken leads out of the folder.
    #[test]
    fn safe_paths_lead_down(path in "[a./\\\\:%]{0,12}") {
        if is_safe(&path) {
            let depth: i32 = path.split('/').map(|part| if part == ".." { -1 } else { 1 }).sum();
            prop_assert!(depth > 0 && !path.starts_with('/') && !path.contains("/../") && path != "..");
        }
    }
}
