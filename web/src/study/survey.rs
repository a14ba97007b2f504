//! Every slice of a plane, classified one after another in the background.

use super::ask::{Wanted, values_bytes};
use super::{Place, Slice};
use crate::session::Values;
use crate::state::Desk;
use leptos::prelude::*;
use scanlight_engine::protocol::Verdict;

/// The class that is no tumour.
const NO_TUMOUR: &str = "notumor";

/// What became of a slice.
#[derive(Debug, Clone, PartialEq)]
pub enum Glance {
    /// The answer.
    Answer {
        /// One probability per class.
        probabilities: Vec<f32>,
        /// What should be said about it.
        verdict: Verdict,
    },
    /// There is none, and why.
    Missed(String),
}

impl Glance {
    /// The probability that the slice shows a tumour of some kind: nothing where it is refused or missing, or the
    /// model knows no class without one.
    pub fn tumour(&self, classes: &[String]) -> Option<f32> {
        match self {
            Self::Answer {
                probabilities,
                verdict: Verdict::Class { .. } | Verdict::Unsure { .. },
            } => {
                let healthy = classes.iter().position(|class| class == NO_TUMOUR)?;
                let healthy = probabilities.get(healthy)?;
                Some((1.0 - healthy).clamp(0.0, 1.0))
            }
            _ => None,
        }
    }
}

/// The slice with the highest probability of a tumour, among those that the model accepts. Of slices that lie in a
/// row (`ordered`) the mean with both neighbours counts, a refused one as none: a tumour is in more than one slice,
/// and the ends of a head, which models know least, are often wrong with great confidence.
pub fn most_suspicious(
    results: &[Option<Glance>],
    classes: &[String],
    ordered: bool,
) -> Option<usize> {
    let of = |index: usize| results.get(index)?.as_ref()?.tumour(classes);
    let scored = (0..results.len()).filter_map(|index| {
        let own = of(index)?;
        if !ordered {
            return Some((index, own));
        }
        let beside = [index.checked_sub(1), Some(index + 1)];
        let sum: f32 = beside.into_iter().flatten().filter_map(of).sum();
        Some((index, (own + sum) / 3.0))
    });
    scored
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(index, _)| index)
}

/// A survey of a plane. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Survey {
    /// A slice of the plane; nothing before one was asked for.
    pub of: RwSignal<Option<Place>>,
    /// What became of each slice so far.
    pub results: RwSignal<Vec<Option<Glance>>>,
    /// Whether it goes on.
    pub running: RwSignal<bool>,
    flight: StoredValue<Flight>,
}

/// What is under way.
#[derive(Debug, Default)]
struct Flight {
    /// The engine's request, and the slice that it is about.
    engine: Option<(u32, usize)>,
    /// The reader is at work on a slice.
    reader: bool,
}

impl Survey {
    /// Of nothing. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            of: RwSignal::new(None),
            results: RwSignal::new(Vec::new()),
            running: RwSignal::new(false),
            flight: StoredValue::new(Flight::default()),
        }
    }

    /// Nothing was surveyed.
    pub fn forget(self) {
        self.of.set(None);
        self.results.set(Vec::new());
    }

    /// How many slices are done, of how many. Follows both.
    pub fn progress(self) -> [usize; 2] {
        self.results.with(|results| {
            let done = results.iter().filter(|result| result.is_some()).count();
            [done, results.len()]
        })
    }
}

impl Desk {
    /// Classifies every slice of the plane that is shown.
    pub fn start_survey(self) {
        let survey = self.study.survey;
        let count = untrack(|| self.study.count());
        if let Some(place) = self.study.place.get_untracked() {
            self.stop_survey();
            survey.of.set(Some(place));
            survey.results.set(vec![None; count]);
            survey.running.set(true);
            self.survey_on();
        }
    }

    /// Ends it; what was found stays.
    pub fn stop_survey(self) {
        let survey = self.study.survey;
        survey.running.set(false);
        survey.flight.set_value(Flight::default());
        self.study.update(|inner| {
            inner
                .wanted
                .retain(|_, wanted| !matches!(wanted, Wanted::Survey(_)));
        });
    }

    /// Goes on with the next slice, if the survey runs, nothing is under way, and an engine is there.
    pub fn survey_on(self) {
        let survey = self.study.survey;
        let idle = survey
            .flight
            .with_value(|flight| flight.engine.is_none() && !flight.reader);
        if !(idle && survey.running.get_untracked() && self.engine.read_untracked().is_some()) {
            return;
        }
        let next = survey
            .results
            .with_untracked(|results| results.iter().position(Option::is_none));
        match (next, survey.of.get_untracked()) {
            (Some(index), Some(place)) => {
                survey.flight.update_value(|flight| flight.reader = true);
                self.fetch_slice(Place { index, ..place }, Wanted::Survey(index));
            }
            _ => survey.running.set(false),
        }
    }

    /// A slice for the survey is there.
    pub fn survey_slice(self, index: usize, slice: impl FnOnce(Place) -> Slice) {
        let survey = self.study.survey;
        let Some(place) = survey.of.get_untracked() else {
            return;
        };
        let slice = slice(Place { index, ..place });
        let values = Values {
            values: values_bytes(&slice.values),
            size: slice.size,
            range: slice.range,
            colourfulness: slice.colourfulness,
        };
        let asked = self.glance_at(&values);
        survey.flight.update_value(|flight| {
            flight.reader = false;
            // Without an engine the slice is asked for again when there is one.
            flight.engine = asked.map(|id| (id, index));
        });
    }

    /// A slice cannot be had from the reader.
    pub fn survey_missed(self, index: usize, reason: String) {
        let survey = self.study.survey;
        survey.flight.update_value(|flight| flight.reader = false);
        self.survey_result(index, Glance::Missed(reason));
    }

    /// The engine's answer to request `id`. One that nobody waits for is dropped.
    pub fn glanced(self, id: u32, probabilities: Vec<f32>, verdict: Verdict) {
        if let Some(index) = self.survey_landed(id) {
            self.survey_result(
                index,
                Glance::Answer {
                    probabilities,
                    verdict,
                },
            );
        }
    }

    /// The engine failed at request `id`; whether that was about a slice of the survey.
    pub fn survey_failed(self, id: u32, message: &str) -> bool {
        match self.survey_landed(id) {
            Some(index) => {
                self.survey_result(index, Glance::Missed(message.into()));
                true
            }
            None => false,
        }
    }

    /// The engine was replaced: what was under way never comes.
    pub fn survey_lost(self) {
        let survey = self.study.survey;
        survey.flight.update_value(|flight| flight.engine = None);
    }

    fn survey_landed(self, id: u32) -> Option<usize> {
        let survey = self.study.survey;
        survey
            .flight
            .try_update_value(|flight| match flight.engine {
                Some((asked, index)) if asked == id => {
                    flight.engine = None;
                    Some(index)
                }
                _ => None,
            })
            .flatten()
    }

    fn survey_result(self, index: usize, glance: Glance) {
        self.study.survey.results.update(|results| {
            if let Some(place) = results.get_mut(index) {
                *place = Some(glance);
            }
        });
        self.survey_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_engine::protocol::Unlike;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn answer(healthy: f32, verdict: Verdict) -> Option<Glance> {
        Some(Glance::Answer {
            probabilities: vec![1.0 - healthy, healthy],
            verdict,
        })
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn refused_slices_are_never_the_most_suspicious() {
        let classes = ["glioma".to_owned(), NO_TUMOUR.to_owned()];
        let strange = Verdict::Strange {
            unlike: Unlike::Features,
            score: 2.0,
            threshold: 1.0,
        };
        let results = [
            answer(0.9, Verdict::Class { class: 1 }),
            answer(0.0, strange),
            answer(
                0.2,
                Verdict::Unsure {
                    first: 0,
                    second: 1,
                },
            ),
            Some(Glance::Missed("x".into())),
            None,
            answer(0.4, Verdict::Class { class: 0 }),
        ];
        for ordered in [false, true] {
            assert_eq!(most_suspicious(&results[..3], &classes, ordered), Some(2));
            assert_eq!(most_suspicious(&results[1..2], &classes, ordered), None);
            // A model that knows no class without a tumour has no opinion.
            assert_eq!(most_suspicious(&results, &classes[..1], ordered), None);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_tumour_is_in_more_than_one_slice() {
        let classes = ["glioma".to_owned(), NO_TUMOUR.to_owned()];
        let results: Vec<_> = [0.01, 0.9, 0.3, 0.2, 0.25, 0.9, 0.9]
            .map(|healthy| answer(healthy, Verdict::Class { class: 0 }))
            .into();
        assert_eq!(most_suspicious(&results, &classes, false), Some(0));
        assert_eq!(most_suspicious(&results, &classes, true), Some(3));
    }
}
