//! *Personalise*: the last layer of the model, trained further in the browser on a few scans of the visitor's own.
//!
//! | module | what |
//! |---|---|
//! | `tuner` | the scans, the worker, where training stands |
//! | `setup`, `picture` | scans by class |
//! | `running` | progress, and the way to end it |
//! | `curve` | the loss, as a picture, in words and as a table |
//! | `outcome` | before and after, and what to do with the new bundle |

mod curve;
mod outcome;
mod picture;
mod running;
mod setup;
mod tuner;

pub use tuner::{Stage, Tuner};

use super::given::Given;
use super::sort;
use crate::language::tr;
use leptos::prelude::*;
use outcome::Outcome;
use running::Running;
use setup::Setup;

/// The view, for scans that are added here.
#[component]
pub fn Personalise(given: Given) -> impl IntoView {
    let classes = &given.bundle.facts.classes;
    let (files, left_out) = sort::by_folder(given.files, classes);
    let tuner = Tuner::new(given.bundle, given.page);
    tuner.say(sort::lines(left_out));
    tuner.add(files);
    view! { <Panel tuner /> }
}

/// The view of a tuner that there is already.
#[component]
pub fn Panel(tuner: Tuner) -> impl IntoView {
    let stage = Memo::new(move |_| tuner.stage.read().word());
    let failed = move || match tuner.stage.get() {
        Stage::Failed(line) => Some(view! {
            <div class="row" role="alert">
                <p class="bad-line" id="tune-failed">{move || line.text()}</p>
                <button type="button" class="button" id="tune-again" on:click=move |_| tuner.start_again()>
                    {tr("bench.retry")}
                </button>
            </div>
        }),
        _ => None,
    };
    let done = Memo::new(move |_| tuner.report.read().is_some());
    let tuning = Memo::new(move |_| *tuner.stage.read() == Stage::Tuning);
    view! {
        <div class="batch personalise" data-stage=move || if done.get() { "done" } else { stage.get() }>
            {failed}
            {move || {
                if done.get() {
                    view! { <Outcome tuner /> }.into_any()
                } else if tuning.get() {
                    view! { <Running tuner /> }.into_any()
                } else {
                    view! { <Setup tuner /> }.into_any()
                }
            }}
        </div>
    }
}
