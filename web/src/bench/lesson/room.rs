//! What happens in a lesson: where one is, what was guessed, and how that compares.

use crate::bench::given::Page;
use crate::bench::queue::{Answer, Queue, State};
use leptos::prelude::*;
use scanlight_engine::protocol::Verdict;
use scanlight_lessons::Lesson;
use std::sync::Arc;

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before the first case.
    Intro,
    /// At a case, counted from 0.
    Case(usize),
    /// At the end.
    Score,
}

/// How an answer compares with the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is the true class.
    Right,
    /// It is another.
    Wrong,
    /// The model named two.
    Unsure,
    /// The model gave no answer.
    Refused,
}

impl Mark {
    /// Of a class that was named.
    pub fn of_class(class: usize, truth: usize) -> Self {
        if class == truth {
            Self::Right
        } else {
            Self::Wrong
        }
    }

    /// Of what the model says. To be unsure is no answer, whichever two it names.
    pub fn of_verdict(verdict: Verdict, truth: usize) -> Self {
        match verdict {
            Verdict::Class { class } => Self::of_class(class, truth),
            Verdict::Unsure { .. } => Self::Unsure,
            Verdict::Strange { .. } => Self::Refused,
        }
    }

    /// The key of its word.
    pub fn key(self) -> &'static str {
        match self {
            Self::Right => "lesson.mark_right",
            Self::Wrong => "lesson.mark_wrong",
            Self::Unsure => "lesson.mark_unsure",
            Self::Refused => "lesson.mark_refused",
        }
    }
}

/// One guessed case, as far as the score needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Played {
    /// The true class.
    pub truth: Option<usize>,
    /// The learner's.
    pub guess: usize,
    /// The model's.
    pub verdict: Verdict,
    /// Whether its heat map is strongest in the true box; nothing where there is no box or no map.
    pub hit: Option<bool>,
}

/// The score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases whose truth is known.
    pub counted: usize,
    /// Cases whose truth is not known.
    pub uncounted: usize,
    /// Right guesses.
    pub learner: usize,
    /// Right answers of the model.
    pub model: usize,
    /// Cases that it was unsure about.
    pub unsure: usize,
    /// Cases that it gave no answer to.
    pub refused: usize,
    /// Cases with a box and a map.
    pub boxes: usize,
    /// Maps that are strongest in the box.
    pub hits: usize,
}

impl Tally {
    /// Of these cases.
    pub fn of(played: &[Played]) -> Self {
        let mut tally = Self::default();
        for case in played {
            if let Some(hit) = case.hit {
                tally.boxes += 1;
                tally.hits += usize::from(hit);
            }
            let Some(truth) = case.truth else {
                tally.uncounted += 1;
                continue;
            };
            tally.counted += 1;
            tally.learner += usize::from(Mark::of_class(case.guess, truth) == Mark::Right);
            match Mark::of_verdict(case.verdict, truth) {
                Mark::Right => tally.model += 1,
                Mark::Unsure => tally.unsure += 1,
                Mark::Refused => tally.refused += 1,
                Mark::Wrong => {}
            }
        }
        tally
    }

    /// Wrong answers of the model.
    pub fn wrong(self) -> usize {
        self.counted - self.model - self.unsure - self.refused
    }
}

/// Whether a place lies in a box: left, top, width, height.
pub fn is_in([x, y]: [f32; 2], [left, top, width, height]: [f64; 4]) -> bool {
    let (x, y) = (f64::from(x), f64::from(y));
    (left..=left + width).contains(&x) && (top..=top + height).contains(&y)
}

/// A lesson at work. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Room {
    /// The lesson.
    pub lesson: StoredValue<Arc<Lesson>>,
    /// The model's classes.
    pub classes: StoredValue<Vec<String>>,
    /// Each case's true class.
    pub truths: StoredValue<Vec<Option<usize>>>,
    /// Each case's box in fractions of its image.
    pub places: StoredValue<Vec<Option<[f64; 4]>>>,
    /// The model's answers, a row for each case.
    pub queue: Queue,
    /// Where one is.
    pub step: RwSignal<Step>,
    /// What was guessed.
    pub guesses: RwSignal<Vec<Option<usize>>>,
    /// What the page does.
    pub page: StoredValue<Page, LocalStorage>,
    /// Whether the heat map and the true box are shown, once they may be.
    pub shows: [RwSignal<bool>; 2],
}

impl Room {
    /// The number of cases.
    pub fn len(self) -> usize {
        self.lesson.with_value(|lesson| lesson.cases.len())
    }

    /// What the model says of a case.
    pub fn answer(self, index: usize) -> Option<Arc<Answer>> {
        self.queue
            .rows
            .with_value(|rows| match &rows.get(index)?.state {
                State::Done(answer) => Some(Arc::clone(answer)),
                _ => None,
            })
    }

    /// A case's true class.
    pub fn truth(self, index: usize) -> Option<usize> {
        self.truths
            .with_value(|truths| truths.get(index).copied().flatten())
    }

    /// A case's box.
    pub fn place(self, index: usize) -> Option<[f64; 4]> {
        self.places
            .with_value(|places| places.get(index).copied().flatten())
    }

    /// What was guessed of a case. Follows the guesses.
    pub fn guessed(self, index: usize) -> Option<usize> {
        self.guesses
            .with(|guesses| guesses.get(index).copied().flatten())
    }

    /// Whether the map of a case is strongest in its box.
    pub fn hit(self, index: usize) -> Option<bool> {
        let place = self.place(index)?;
        let answer = self.answer(index)?;
        let report = &answer.whole.as_ref()?.report;
        let found = report.evidence.get(report.predicted)?.as_ref()?;
        Some(is_in(found.peak, place))
    }

    /// Guesses; a case is guessed once.
    pub fn guess(self, index: usize, class: usize) {
        let known = self.classes.with_value(|classes| class < classes.len());
        let open = untrack(|| self.guessed(index)).is_none();
        if known && open {
            self.guesses.update(|guesses| {
                if let Some(guess) = guesses.get_mut(index) {
                    *guess = Some(class);
                }
            });
        }
    }

    /// Goes on after a case: to the next that was not guessed, or to the score.
    pub fn go_on(self) {
        let open = self
            .guesses
            .with_untracked(|guesses| guesses.iter().position(Option::is_none));
        self.step.set(open.map_or(Step::Score, Step::Case));
    }

    /// From the beginning.
    pub fn restart(self) {
        self.guesses.update(|guesses| guesses.fill(None));
        self.step.set(Step::Case(0));
    }

    /// All cases that were guessed. Follows the guesses.
    pub fn played(self) -> Vec<Played> {
        (0..self.len())
            .filter_map(|index| {
                Some(Played {
                    truth: self.truth(index),
                    guess: self.guessed(index)?,
                    verdict: self.answer(index)?.verdict,
                    hit: self.hit(index),
                })
            })
            .collect()
    }

    /// The score so far. Follows the guesses.
    pub fn tally(self) -> Tally {
        Tally::of(&self.played())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_engine::protocol::Unlike;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn played(truth: Option<usize>, guess: usize, verdict: Verdict, hit: Option<bool>) -> Played {
        Played {
            truth,
            guess,
            verdict,
            hit,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_score_counts_what_is_known() {
        let class = |class| Verdict::Class { class };
        let unsure = Verdict::Unsure {
            first: 1,
            second: 0,
        };
        let refused = Verdict::Strange {
            unlike: Unlike::Features,
            score: 2.0,
            threshold: 1.0,
        };
        let tally = Tally::of(&[
            played(Some(1), 1, class(1), Some(true)),
            played(Some(1), 0, class(2), Some(false)),
            // To name the truth among two is no answer, nor is a refusal.
            played(Some(1), 1, unsure, None),
            played(Some(0), 0, refused, Some(true)),
            played(None, 3, class(3), None),
        ]);
        let expected = Tally {
            counted: 4,
            uncounted: 1,
            learner: 3,
            model: 1,
            unsure: 1,
            refused: 1,
            boxes: 3,
            hits: 2,
        };
        assert_eq!(tally, expected);
        assert_eq!(tally.wrong(), 1);
        assert_eq!(Tally::of(&[]), Tally::default());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_place_is_in_a_box_or_not() {
        let place = [0.25, 0.5, 0.25, 0.125];
        assert!(
            is_in([0.25, 0.5], place) && is_in([0.5, 0.625], place) && is_in([0.3, 0.6], place)
        );
        assert!(
            !is_in([0.2, 0.6], place) && !is_in([0.3, 0.7], place) && !is_in([0.6, 0.55], place)
        );
    }
}
