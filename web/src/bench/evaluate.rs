//! How well the model does on a folder with one folder per class: the trainer's measures, counted in the browser.

mod numbers;

use super::given::Given;
use super::progress::Progress;
use super::queue::{Queue, State, Status};
use super::table::Table;
use super::views::Downloads;
use crate::language::{t, tv};
use crate::model::Manifest;
use leptos::prelude::*;
use numbers::Numbers;
use scanlight_engine::protocol::Verdict;
use scanlight_measures::calibration::{confidences, ece};
use scanlight_measures::classification::{self, measure};
use scanlight_measures::intervals::wilson_interval;
use scanlight_measures::labels::{CANONICAL_CLASSES, class_at, class_depth};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

/// What is left out, and how many files of it: by the class that the model does not know, or by nothing for files that
/// lie in no class folder.
type LeftOut = BTreeMap<Option<String>, usize>;

/// Keeps the files of classes that the model knows, and gives their classes.
fn sort_out(given: &mut Given) -> (Vec<usize>, LeftOut) {
    let classes = given.bundle.facts.classes.clone();
    let is_known =
        |class: &str| CANONICAL_CLASSES.contains(&class) || classes.iter().any(|own| own == class);
    let depth = class_depth(given.files.iter().map(|file| file.path.as_str()), is_known);
    let mut labels = Vec::new();
    let mut left_out = LeftOut::new();
    given.files.retain(|file| {
        // What file managers leave behind is none of the visitor's.
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if name.starts_with('.') || ["Thumbs.db", "desktop.ini"].contains(&name) {
            return false;
        }
        let class = depth.and_then(|depth| class_at(&file.path, depth));
        let label = class
            .as_ref()
            .and_then(|class| classes.iter().position(|own| own == class));
        match label {
            Some(label) => labels.push(label),
            None => *left_out.entry(class).or_default() += 1,
        }
        label.is_some()
    });
    (labels, left_out)
}

/// The evaluation.
#[component]
pub fn Evaluate(mut given: Given) -> impl IntoView {
    let (labels, left_out) = sort_out(&mut given);
    let notes = view! {
        <ul class="left-out">
            {left_out
                .into_iter()
                .map(|(class, count)| {
                    view! {
                        <li>
                            {move || match &class {
                                Some(class) => {
                                    tv(
                                        "evaluate.left_out",
                                        &[("class", class.as_str().into()), ("n", count.into())],
                                    )
                                }
                                None => tv("evaluate.beside", &[("n", count.into())]),
                            }}
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    };
    if labels.is_empty() {
        let classes = given.bundle.facts.classes.clone();
        return view! {
            {notes}
            <p role="alert" class="bad-line">
                {move || tv("evaluate.none", &[("classes", classes.join(&t("list.separator")).into())])}
            </p>
        }
        .into_any();
    }
    let queue = Queue::new(given, Some(labels));
    let metrics = Memo::new(move |_| {
        // While pictures come in the numbers would jump.
        let settled = matches!(*queue.status.read(), Status::Done | Status::Cancelled);
        queue.news.track();
        if settled { Metrics::of(queue) } else { None }
    });
    view! {
        <div class="batch evaluate" data-status=move || queue.status.read().word()>
            {notes} <Progress queue />
            {move || metrics.get().map(|metrics| view! { <Numbers queue metrics /> })} <Downloads queue />
            <Table queue />
        </div>
    }
    .into_any()
}
