//! How well the model does on a folder with one folder per class: the trainer's measures, counted in the browser.

mod numbers;

use super::given::Given;
use super::personalise::{Panel, Stage as TunerStage, Tuner};
use super::progress::Progress;
use super::queue::{Queue, State, Status};
use super::sort;
use super::table::Table;
use super::views::Downloads;
use crate::language::{t, tr, tv};
use crate::model::Manifest;
use leptos::html::{Button, H3};
use leptos::prelude::*;
use numbers::Numbers;
use scanlight_engine::protocol::Verdict;
use scanlight_measures::calibration::{confidences, ece};
use scanlight_measures::classification::{self, measure};
use scanlight_measures::intervals::wilson_interval;
use serde_json::{Value, json};

/// The numbers of the pictures that were answered so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Pictures counted.
    pub images: usize,
    /// The trainer's numbers.
    pub numbers: classification::Numbers,
    /// 95 % interval of the accuracy, by Wilson.
    pub interval: [f64; 2],
    /// Expected calibration error over 15 bins.
    pub ece: f64,
    /// Share answered "unsure".
    pub unsure: f64,
    /// Share refused.
    pub refused: f64,
}

impl Metrics {
    /// Of a queue's answers; nothing where no true class is known or nothing was answered.
    pub fn of(queue: Queue) -> Option<Self> {
        let classes = queue.model.with_value(|model| model.classes.len());
        let answers: Vec<_> = queue.rows.with_value(|rows| {
            let answered = rows.iter().filter_map(|row| match (&row.state, row.label) {
                (State::Done(answer), Some(label)) => Some((label, answer.clone())),
                _ => None,
            });
            answered.collect()
        });
        let fits = answers
            .iter()
            .all(|(_, answer)| answer.probabilities.len() == classes);
        if answers.is_empty() || !fits {
            return None;
        }
        let labels: Vec<usize> = answers.iter().map(|(label, _)| *label).collect();
        let rows: Vec<&[f32]> = answers
            .iter()
            .map(|(_, answer)| answer.probabilities.as_slice())
            .collect();
        let numbers = measure(classes, &labels, &rows);
        let owned: Vec<Vec<f32>> = rows.iter().map(|row| row.to_vec()).collect();
        let share = |wanted: fn(&Verdict) -> bool| {
            let count = answers
                .iter()
                .filter(|(_, answer)| wanted(&answer.verdict))
                .count();
            super::queue::count(count) / super::queue::count(answers.len())
        };
        Some(Self {
            images: answers.len(),
            interval: wilson_interval(numbers.right, answers.len() as u64)?,
            ece: ece(&confidences(&owned, &labels)),
            unsure: share(|verdict| matches!(verdict, Verdict::Unsure { .. })),
            refused: share(|verdict| matches!(verdict, Verdict::Strange { .. })),
            numbers,
        })
    }

    /// As the trainer's reports have them, where they have them.
    pub fn json(&self, model: &Manifest) -> Value {
        let per_class: serde_json::Map<String, Value> = model
            .classes
            .iter()
            .cloned()
            .zip(self.numbers.per_class.iter().map(|class| {
                json!({
                    "images": class.images,
                    "auc": class.auc,
                    "precision": class.precision,
                    "recall": class.recall,
                    "f1": class.f1,
                })
            }))
            .collect();
        json!({
            "images": self.images,
            "accuracy": self.numbers.accuracy,
            "accuracy_interval": self.interval,
            "loss": self.numbers.loss,
            "auc_macro": self.numbers.auc_macro,
            "precision_macro": self.numbers.precision_macro,
            "recall_macro": self.numbers.recall_macro,
            "f1_macro": self.numbers.f1_macro,
            "ece": self.ece,
            "unsure": self.unsure,
            "refused": self.refused,
            "per_class": per_class,
            "confusion": self.numbers.confusion,
        })
    }
}

/// The evaluation.
#[component]
pub fn Evaluate(given: Given) -> impl IntoView {
    let classes = given.bundle.facts.classes.clone();
    let (sorted, left_out) = sort::by_folder(given.files, &classes);
    let notes = sort::lines(left_out)
        .into_iter()
        .map(|line| view! { <li>{move || line.text()}</li> })
        .collect_view();
    let notes = view! { <ul class="left-out">{notes}</ul> };
    if sorted.is_empty() {
        return view! {
            {notes}
            <p role="alert" class="bad-line">
                {move || tv("evaluate.none", &[("classes", classes.join(&t("list.separator")).into())])}
            </p>
        }
        .into_any();
    }
    // What could be asked for later is fetched now, before anything of the files is read.
    let tuner = Tuner::new(given.bundle.clone(), given.page.clone());
    let (labels, files) = sorted.iter().cloned().unzip();
    let queue = Queue::new(Given { files, ..given }, Some(labels));
    queue.hold();
    Effect::new(move |_| {
        if *tuner.stage.read() != TunerStage::Starting {
            untrack(|| queue.release());
        }
    });
    let metrics = Memo::new(move |_| {
        // While pictures come in the numbers would jump.
        let settled = matches!(*queue.status.read(), Status::Done | Status::Cancelled);
        queue.news.track();
        if settled { Metrics::of(queue) } else { None }
    });
    let sorted = StoredValue::new_local(Some(sorted));
    let tuning = RwSignal::new(false);
    let begin = move |_| {
        if let Some(files) = sorted.try_update_value(Option::take).flatten() {
            tuner.are_open();
            tuner.add(files);
        }
        tuning.set(true);
    };
    let (title, these) = (NodeRef::<H3>::new(), NodeRef::<Button>::new());
    Effect::new(move |before| {
        let now = tuning.get();
        // In a moment: what is hidden cannot have the focus. Without it the focus is lost: a nuisance, no failure.
        request_animation_frame(move || match (now, before) {
            (true, _) => title.get_untracked().iter().for_each(|title| {
                let _ = title.focus();
            }),
            (false, Some(true)) => these.get_untracked().iter().for_each(|these| {
                let _ = these.focus();
            }),
            _ => {}
        });
        now
    });
    view! {
        <div
            class="batch evaluate"
            data-status=move || queue.status.read().word()
            hidden=move || tuning.get()
        >
            {notes} <Progress queue />
            {move || metrics.get().map(|metrics| view! { <Numbers queue metrics /> })}
            <Downloads queue>
                <button
                    type="button"
                    class="button"
                    id="tune-these"
                    node_ref=these
                    disabled=move || metrics.read().is_none()
                    on:click=begin
                >
                    {tr("personalise.these")}
                </button>
            </Downloads>
            <Table queue />
        </div>
        <Show when=move || tuning.get()>
            <button type="button" class="button" id="tune-numbers-back" on:click=move |_| tuning.set(false)>
                {tr("personalise.to_numbers")}
            </button>
            <h3 id="tune-title" tabindex="-1" node_ref=title>{tr("bench.personalise")}</h3>
            <Panel tuner />
        </Show>
    }
    .into_any()
}
