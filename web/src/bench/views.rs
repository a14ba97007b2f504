//! The views that are the workbench's own.

use super::export;
use super::given::Given;
use super::progress::Progress;
use super::queue::{Queue, Status};
use super::table::Table;
use crate::language::tr;
use leptos::prelude::*;

/// Several pictures: a table of the answers.
#[component]
pub fn Batch(given: Given) -> impl IntoView {
    let queue = Queue::new(given, None);
    view! {
        <div class="batch" data-status=move || queue.status.read().word()>
            <Progress queue />
            <Downloads queue />
            <Table queue />
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
    let ready =
        Memo::new(move |_| matches!(*queue.status.read(), Status::Done | Status::Cancelled));
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
