//! The words of a report, in the page's language.

use crate::finding::Finding;
use crate::language::{self, decimal, t, tv};
use crate::model::Manifest;
use crate::models;
use crate::offline;
use crate::words::answer::{self, Kind, Said};
use js_sys::{Date, Object, Reflect};

/// What stands on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// When it was made.
    pub date: String,
    /// What was opened.
    pub name: String,
    /// The verdict.
    pub said: Said,
    /// Each class with its probability; none where the picture was refused.
    pub rows: Vec<(String, f32)>,
    /// Names with their values: how sure it is, the model, the engine.
    pub facts: Vec<(String, String)>,
    /// What the second picture shows.
    pub heat_title: Option<String>,
    /// The heat map in words.
    pub heat: Option<String>,
    /// What it is not.
    pub caution: String,
}

impl Sheet {
    /// Of an answer of `model` about what is called `name`.
    pub fn of(finding: &Finding, model: &Manifest, name: &str, date: &Date) -> Self {
        let said = finding.said(model);
        // Numbers without a verdict mislead: only who asked for them gets them.
        let refused = said.kind == Kind::Strange && !finding.anyway;
        let shown = finding.opacity > 0;
        Self {
            date: local(date),
            name: name.into(),
            rows: if refused {
                Vec::new()
            } else {
                finding.ranked()
            },
            facts: facts(finding, model),
            heat_title: finding.heat_title().filter(|_| shown),
            heat: finding.heat().filter(|_| shown),
            caution: format!("{} {}", t("caution.what"), t("caution.device")),
            said,
        }
    }
}

fn local(date: &Date) -> String {
    let options = Object::new();
    for (name, value) in [("dateStyle", "long"), ("timeStyle", "short")] {
        // Setting a property of an object of one's own does not fail.
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    // The visitor's own way to write dates, where it is of the page's language.
    let own = leptos::prelude::window()
        .navigator()
        .language()
        .unwrap_or_default();
    let code = language::code();
    let locale = if own.split('-').next() == Some(code) {
        &own
    } else {
        code
    };
    date.to_locale_string(locale, &options).into()
}

fn facts(finding: &Finding, model: &Manifest) -> Vec<(String, String)> {
    let report = &finding.report;
    let side = |side: u32| decimal(side.into(), 0);
    let [width, height] = report.image;
    let calibrated = if model.calibration.is_some() {
        "doubt.calibrated"
    } else {
        "doubt.not_calibrated"
    };
    let mut facts = vec![
        (
            "doubt.uncertainty",
            answer::uncertainty(report.uncertainty, model.threshold()),
        ),
        ("doubt.percentages", t(calibrated)),
        (
            "report.size",
            // Width first, whatever runs around it.
            format!(
                "\u{2066}{}\u{2069}",
                tv(
                    "viewer.size",
                    &[
                        ("width", side(width).into()),
                        ("height", side(height).into())
                    ],
                )
            ),
        ),
        ("report.model", format!("{} ({})", model.title, model.id)),
        ("report.weights", model.weights.sha256.clone()),
    ];
    if !model.created.is_empty() {
        facts.push(("report.created", model.created.clone()));
    }
    if let Some(metrics) = model.metrics.first() {
        facts.push(("report.accuracy", models::accuracy(metrics)));
    }
    facts.push(("report.engine", finding.engine.clone()));
    if let Some(version) = offline::version() {
        facts.push(("report.version", version));
    }
    facts
        .into_iter()
        .map(|(key, value)| (t(key), value))
        .collect()
}
