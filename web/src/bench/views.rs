//! The views that are the workbench's own.

use super::export;
use super::given::Given;
use super::progress::Progress;
use super::queue::{Queue, Status};
use super::table::Table;
use crate::language::{tr, tv};
use crate::study::List;
use leptos::prelude::*;
use scanlight_measures::labels;

/// Several pictures, volumes and series: a table of the answers.
#[component]
pub fn Batch(given: Given) -> impl IntoView {
    let studies = given.more("studies").is_some();
    let folders = (!studies).then(|| folders(&given)).flatten();
    let queue = if studies {
        Queue::sorting(given)
    } else {
        Queue::new(given, None)
    };
    view! {
        <div class="batch" data-status=move || queue.status.read().word()>
            <Progress queue />
            {studies.then(|| view! { <p class="hint">{tr("table.hint")}</p> })}
            {folders
                .map(|[folders, classes]| {
                    view! {
                        <p class="hint" id="table-folders">
                            {move || {
                                let words = [("folders", folders.as_str().into()), ("classes", classes.as_str().into())];
                                tv("table.folders", &words)
                            }}
                        </p>
                    }
                })}
            <Downloads queue />
            <Table queue />
            <List id="passed-over" key="study.skipped" files=queue.skipped />
        </div>
    }
}

/// The folders that the pictures lie in, if these could be their classes, and the model's classes.
fn folders(given: &Given) -> Option<[String; 2]> {
    const NAMED: usize = 6;
    let found = labels::folders(given.files.iter().map(|file| file.path.as_str()));
    let named = |names: &[&str]| {
        let more = if names.len() > NAMED { ", …" } else { "" };
        let names: Vec<_> = names
            .iter()
            .take(NAMED)
            .map(|name| format!("“{name}”"))
            .collect();
        names.join(", ") + more
    };
    let classes: Vec<&str> = given
        .bundle
        .facts
        .classes
        .iter()
        .map(String::as_str)
        .collect();
    (!found.is_empty()).then(|| [named(&found), named(&classes)])
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
