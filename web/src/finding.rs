//! An answer as the page shows it, for a view in another program to tell it again.

use crate::heat;
use crate::language::tv;
use crate::model::Manifest;
use crate::state::Desk;
use crate::words;
use crate::words::answer::{self, Said};
use crate::words::evidence;
use leptos::prelude::*;
use scanlight_engine::protocol::{Evidence, Method, Report};
use serde::{Deserialize, Serialize};

/// The kind of files, as the reader calls it.
const DICOM: &str = "DICOM";

/// An answer, and which explanation of it is on the screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What was opened, for a person; of DICOM files not what they are called, as programs call them after patients.
    pub name: String,
    /// Class names.
    pub classes: Vec<String>,
    /// The numbers.
    pub report: Report,
    /// The engine that made it.
    pub engine: String,
    /// How the heat map was made.
    pub method: Method,
    /// The class that it is about.
    pub chosen: usize,
    /// What each class's map shows.
    pub evidence: Vec<Option<Evidence>>,
    /// Each map's largest value before it was scaled.
    pub strengths: Vec<f32>,
    /// The map's opacity in per cent; 0 where it is hidden.
    pub opacity: u32,
    /// Somebody wants to see the numbers although the picture was refused.
    pub anyway: bool,
    /// The method and the class of a second map that is blended with it.
    pub second: Option<(Method, usize)>,
}

impl Finding {
    /// What the page shows; nothing before there is an answer with its maps. Follows all of it.
    pub fn of(desk: Desk) -> Option<Self> {
        let outcome = desk.outcome.get()?;
        let maps = desk.shown_maps()?;
        let dicom = desk.study.here().map(|(item, _)| item.kind);
        let name = match dicom.filter(|kind| kind == DICOM) {
            Some(kind) => outcome.name.clone().called(kind),
            None => outcome.name.clone(),
        };
        Some(Self {
            name: name.text(),
            classes: outcome.classes.clone(),
            report: outcome.report.clone(),
            engine: outcome.engine.clone(),
            method: desk.explain.method.get(),
            chosen: desk.chosen.get(),
            evidence: maps.evidence.clone(),
            strengths: maps.strengths.clone(),
            opacity: if desk.look.shown.get() {
                desk.look.opacity.get()
            } else {
                0
            },
            anyway: desk.anyway.get(),
            second: desk.explain.second.get(),
        })
    }

    /// The verdict in words.
    pub fn said(&self, model: &Manifest) -> Said {
        let report = &self.report;
        let measured = model.threshold().is_some();
        answer::say(
            &self.classes,
            &report.probabilities,
            report.verdict,
            measured,
        )
    }

    /// The heat map in words.
    pub fn heat(&self) -> Option<String> {
        evidence::of_method(
            &self.classes,
            &self.report,
            self.method,
            &self.evidence,
            &self.strengths,
            self.chosen,
        )
    }

    /// What the heat map is.
    pub fn heat_title(&self) -> Option<String> {
        let class = self.classes.get(self.chosen)?;
        let first = heat::title(self.method, class);
        let second = self
            .second
            .and_then(|(method, class)| Some(heat::title(method, self.classes.get(class)?)));
        Some(match second {
            Some(second) => tv(
                "report.two_maps",
                &[("first", first.into()), ("second", second.into())],
            ),
            None => first,
        })
    }

    /// Each class for a person with its probability, the likeliest first.
    pub fn ranked(&self) -> Vec<(String, f32)> {
        let mut ranked: Vec<(String, f32)> = self
            .classes
            .iter()
            .zip(&self.report.probabilities)
            .map(|(class, probability)| (words::class_title(class), *probability))
            .collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}
