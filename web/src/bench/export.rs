//! The table as a file: CSV after RFC 4180 and JSON. Their columns are described in the README.

use super::queue::{Queue, Row, State};
use crate::model::Manifest;
use crate::offline;
use js_sys::Date;
use leptos::prelude::*;
use scanlight_engine::protocol::Verdict;
use scanlight_reader::protocol::Plane;
use serde_json::{Map, Value, json};

/// One word for a verdict, the same in every language.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Class { .. } => "class",
        Verdict::Unsure { .. } => "unsure",
        Verdict::Strange { .. } => "not_like_training",
    }
}

/// The table as CSV.
pub fn csv(queue: Queue) -> String {
    let model = queue.model.get_value();
    let engine = queue.engine.get_untracked();
    let version = offline::version().unwrap_or_default();
    table(&queue.in_order(), &model, &engine, &version)
}

fn table(rows: &[Row], model: &Manifest, engine: &str, version: &str) -> String {
    let labelled = rows.iter().any(|row| row.label.is_some());
    let class = |index: usize| model.classes.get(index).cloned().unwrap_or_default();
    let mut head: Vec<String> = vec!["file".into()];
    if labelled {
        head.push("label".into());
    }
    head.extend(["plane", "slice", "slices", "verdict", "predicted"].map(String::from));
    head.extend(model.classes.iter().map(|class| format!("p_{class}")));
    head.extend(
        [
            "uncertainty",
            "strangeness",
            "width",
            "height",
            "time_ms",
            "error",
            "model",
            "model_created",
            "weights_sha256",
            "engine",
            "page_version",
        ]
        .map(String::from),
    );
    let mut text = line(head.iter().map(|name| field(name)));
    for row in rows {
        let mut cells = vec![field(&row.path)];
        if labelled {
            cells.push(field(&row.label.map(class).unwrap_or_default()));
        }
        let optional =
            |value: Option<f32>| value.map(|value| value.to_string()).unwrap_or_default();
        let error = match &row.state {
            State::Done(answer) => {
                let slice = answer.slice;
                let plane = slice.and_then(|slice| slice.plane);
                cells.push(plane.map_or("", Plane::word).into());
                cells.push(slice.map_or_else(String::new, |slice| (slice.index + 1).to_string()));
                cells.push(slice.map_or_else(String::new, |slice| slice.count.to_string()));
                cells.push(word(answer.verdict).into());
                cells.push(field(&class(answer.predicted)));
                cells.extend(answer.probabilities.iter().map(f32::to_string));
                cells.push(optional(answer.uncertainty));
                cells.push(optional(answer.strangeness));
                cells.extend(answer.image.map(|side| side.to_string()));
                cells.push(format!("{:.1}", answer.ms));
                String::new()
            }
            other => {
                cells.extend(vec![String::new(); model.classes.len() + 10]);
                match other {
                    State::Bad(line) => untrack(|| line.text()),
                    _ => "not classified".into(),
                }
            }
        };
        cells.push(field(&error));
        for text in [
            model.id.as_str(),
            &model.created,
            &model.weights.sha256,
            engine,
            version,
        ] {
            cells.push(field(text));
        }
        text.push_str(&line(cells.into_iter()));
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.collect();
    format!("{}\r\n", cells.join(","))
}

/// A text as a field. One that a spreadsheet would take for a formula begins with an apostrophe, so that a file's
/// name cannot do anything there.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula {
        format!("'{text}")
    } else {
        text.to_string()
    };
    if text.contains([',', '"', '\r', '\n']) || text.trim() != text {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// The table as JSON.
pub fn json(queue: Queue) -> String {
    let model = queue.model.get_value();
    let rows = queue.in_order();
    let images: Vec<Value> = rows.iter().map(|row| entry(row, &model)).collect();
    let metrics = super::evaluate::Metrics::of(queue).map(|metrics| metrics.json(&model));
    let mut whole = json!({
        "format": 1,
        "made": String::from(Date::new_0().to_iso_string()),
        "page_version": offline::version(),
        "engine": queue.engine.get_untracked(),
        "model": {
            "id": model.id,
            "title": model.title,
            "created": model.created,
            "weights_sha256": model.weights.sha256,
        },
        "classes": model.classes,
        "images": images,
    });
    if let (Some(metrics), Some(whole)) = (metrics, whole.as_object_mut()) {
        whole.insert("metrics".into(), metrics);
    }
    // Nothing in it can fail to be written.
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

fn entry(row: &Row, model: &Manifest) -> Value {
    let class = |index: usize| model.classes.get(index).cloned();
    let mut entry = Map::new();
    entry.insert("file".into(), row.path.as_str().into());
    if let Some(label) = row.label.and_then(class) {
        entry.insert("label".into(), label.into());
    }
    match &row.state {
        State::Done(answer) => {
            let probabilities: Map<String, Value> = model
                .classes
                .iter()
                .cloned()
                .zip(answer.probabilities.iter().map(|p| Value::from(*p)))
                .collect();
            if let Some(slice) = answer.slice {
                entry.insert("plane".into(), slice.plane.map(Plane::word).into());
                entry.insert("slice".into(), (slice.index + 1).into());
                entry.insert("slices".into(), slice.count.into());
            }
            entry.insert("verdict".into(), word(answer.verdict).into());
            entry.insert("predicted".into(), class(answer.predicted).into());
            entry.insert("probabilities".into(), probabilities.into());
            entry.insert("uncertainty".into(), answer.uncertainty.into());
            entry.insert("strangeness".into(), answer.strangeness.into());
            entry.insert("width".into(), answer.image[0].into());
            entry.insert("height".into(), answer.image[1].into());
            entry.insert("time_ms".into(), answer.ms.into());
        }
        State::Bad(line) => {
            entry.insert("error".into(), untrack(|| line.text()).into());
        }
        State::Waiting | State::Looking { .. } => {
            entry.insert("error".into(), "not classified".into());
        }
    }
    entry.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn fields_are_quoted_and_never_formulas() {
        for (text, expected) in [
            ("a.png", "a.png"),
            ("a,b.png", "\"a,b.png\""),
            ("say \"no\".png", "\"say \"\"no\"\".png\""),
            ("two\nlines", "\"two\nlines\""),
            (" blank", "\" blank\""),
            ("=1+1", "'=1+1"),
            ("@sum", "'@sum"),
            ("-x,y", "\"'-x,y\""),
            ("", ""),
        ] {
            assert_eq!(field(text), expected);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_line_has_as_many_cells_as_the_head() {
        let model: Manifest = serde_json::from_str(
            r#"{"id":"m","title":"M","classes":["x","y"],"created":"2026-01-01",
                "weights":{"file":"w","size":12,"sha256":"00ff"}}"#,
        )
        .unwrap();
        let row = |state| Row {
            state,
            ..Row::new("p", 0, None)
        };
        let rows = [
            row(State::Waiting),
            row(State::Bad(crate::language::Line::new("batch.too_large"))),
        ];
        let text = table(&rows, &model, "CPU", "1");
        let counts: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(counts[0], 6 + 2 + 11);
        assert!(counts.iter().all(|count| *count == counts[0]), "{text}");
        assert!(text.ends_with("m,2026-01-01,00ff,CPU,1\r\n"), "{text}");
    }
}
