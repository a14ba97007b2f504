//! The views that are the workbench's own.

use super::export;
use super::given::Given;
use super::progress::Progress;
use super::queue::{Queue, Status};
use super::table::Table;
use crate::language::tr;
use crate::study::List;
use leptos::prelude::*;

/// Several pictures, volumes and series: a table of the answers.
#[component]
pub fn Batch(given: Given) -> impl IntoView {
    let studies = given.more("studies").is_some();
    let queue = if studies {
        Queue::sorting(given)
    } else {
        Queue::new(given, None)
    };
    view! {
        <div class="batch" data-status=move || queue.status.read().word()>
            <Progress queue />
            {studies.then(|| view! { <p class="hint">{tr("table.hint")}</p> })} <Downloads queue />
            <Table queue />
            <List id="passed-over" key="study.skipped" files=queue.skipped />
        </div>
    }
}

/// The table as a file.
#[component]
pub fn Downloads(
    queue: Queue,
    /// What else there is to do with the pictures.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    // Half a table as a file would pass for a whole one.
    let ready = Memo::new(move |_| {
        let ended = matches!(*queue.status.read(), Status::Done | Status::Cancelled);
        ended && queue.len() > 0
    });
    view! {
        <div class="row">
            <button
                type="button"
                class="button"
                id="save-csv"
                disabled=move || !ready.get()
                on:click=move |_| super::save("scanlight.csv", "text/csv;charset=utf-8", &export::csv(queue))
            >
                {tr("batch.csv")}
            </button>
            <button
                type="button"
                class="button"
                id="save-json"
                disabled=move || !ready.get()
                on:click=move |_| super::save("scanlight.json", "application/json", &export::json(queue))
            >
                {tr("batch.json")}
            </button>
            {children.map(|children| children())}
        </div>
    }
}
