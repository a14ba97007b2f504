//! What is wrong with a lesson, in the page's language.

use crate::language::{Line, Piece, decimal};
use scanlight_lessons::{FORMAT, MOST_CASES, Problem, VERSION};

/// One line that names the file and the case and says what to do.
pub fn line(file: &str, problem: &Problem) -> Line {
    match problem {
        Problem::Json { reason } => about(file, what("lesson.bad_json", "reason", reason.as_str())),
        Problem::Format => about(file, what("lesson.bad_format", "format", FORMAT)),
        Problem::Version { found } => {
            let found = found.as_deref().unwrap_or("–");
            let what = what("lesson.bad_version", "found", found);
            about(file, what.with("version", VERSION.to_string()))
        }
        Problem::Field { reason } => {
            about(file, what("lesson.bad_field", "reason", reason.as_str()))
        }
        Problem::NoCases => about(file, Line::new("lesson.bad_cases")),
        Problem::TooMany { count } => {
            let what = what("lesson.bad_many", "n", count.to_string());
            about(file, what.with("most", MOST_CASES.to_string()))
        }
        Problem::NoText { case, name } => {
            let what = what("lesson.bad_text", "field", *name);
            match case {
                Some(case) => about_case(file, *case, what),
                None => about(file, what),
            }
        }
        Problem::Case { case, reason } => about_case(
            file,
            *case,
            what("lesson.bad_field", "reason", reason.as_str()),
        ),
        Problem::Path { case, image } => about_case(
            file,
            *case,
            what("lesson.bad_path", "image", image.as_str()),
        ),
        Problem::Class { case, class, known } => {
            let what = what("lesson.bad_class", "class", class.as_str());
            about_case(file, *case, what.with("classes", known.join(", ")))
        }
        Problem::Flat { case } => about_case(file, *case, Line::new("lesson.bad_flat")),
        Problem::Outside { case, place, size } => {
            // As they stand in the file.
            let numbers = [place.x, place.y, place.width, place.height].map(|n| n.to_string());
            let [width, height] = size.map(|side| decimal(side.into(), 0));
            let what = what("lesson.bad_box", "box", numbers.join(", "));
            about_case(
                file,
                *case,
                what.with("size", format!("{width} × {height}")),
            )
        }
    }
}

/// Something that is wrong with a file.
fn about(file: &str, what: Line) -> Line {
    Line::new("lesson.bad_line")
        .with("file", file)
        .with("what", what)
}

/// Something that is wrong with a case, counted from 1.
pub fn about_case(file: &str, number: usize, what: Line) -> Line {
    Line::new("lesson.bad_case")
        .with("file", file)
        .with("n", number.to_string())
        .with("what", what)
}

fn what(key: &str, name: &'static str, value: impl Into<Piece>) -> Line {
    Line::new(key).with(name, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_lessons::{Rect, parse};
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn every_problem_has_words() {
        let classes = ["glioma".to_string(), "notumor".to_string()];
        let place = Rect {
            x: 200.0,
            y: 1.5,
            width: 60.0,
            height: 4.0,
        };
        let outside = Problem::Outside {
            case: 2,
            place,
            size: [256, 128],
        };
        assert_eq!(
            line("a/week.json", &outside).text(),
            "a/week.json, case 2: the box (200, 1.5, 60, 4) does not lie in the image of 256 × 128 pixels. \
             Give x, y, width and height in pixels of the image."
        );
        let class = Problem::Class {
            case: 1,
            class: "cyst".into(),
            known: classes.to_vec(),
        };
        let said = line("f", &class).text();
        assert!(
            said.starts_with("f, case 1: the model knows no class \"cyst\""),
            "{said}"
        );
        assert!(said.contains("glioma, notumor"), "{said}");
        for text in [
            "{",
            "{}",
            r#"{"format": "scanlight-lesson", "version": 9}"#,
            r#"{"format": "scanlight-lesson", "version": 1}"#,
            r#"{"format": "scanlight-lesson", "version": 1, "title": "", "cases": [{"image": "/", "hint": ""}]}"#,
        ] {
            for problem in parse(text).unwrap_err() {
                let said = line("week", &problem).text();
                assert!(said.starts_with("week"), "{said}");
                assert!(!said.contains('{') && said.ends_with('.'), "{said}");
            }
        }
    }
}
