//! Scans by class, and the button that begins.

use super::picture::Picture;
use super::tuner::{Stage, Tuner};
use crate::bench::sort;
use crate::intake::{self, Dropped};
use crate::language::{t, tr, tv};
use crate::words;
use leptos::ev::DragEvent;
use leptos::html::{Button, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_tuner::protocol::LEAST;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event};

/// Pictures shown of a class; more are counted.
const SHOWN: usize = 40;

/// The classes, what was left out, and the button.
#[component]
pub fn Setup(tuner: Tuner) -> impl IntoView {
    let classes = tuner.model.with_value(|model| model.classes.clone());
    let title = tuner.model.with_value(|model| model.title.clone());
    let folder = NodeRef::<Input>::new();
    let start = NodeRef::<Button>::new();
    Effect::new(move |_| {
        if let Some(start) = start.get()
            && tuner.has_come_back()
        {
            // What had the focus is gone. Without this the keyboard begins at the top of the page.
            let _ = start.focus();
        }
    });
    // Screen readers hear of tenths, not of each scan.
    let heard = Memo::new(move |_| {
        let (waiting, all) = (tuner.waiting(), tuner.scans.with(Vec::len));
        let tenth = (all - waiting) * 10 / all.max(1);
        (
            tuner.stage.read().word(),
            waiting > 0,
            tenth,
            tuner.enough(),
        )
    });
    let spoken = move || {
        // Read, not only tracked: a memo that nobody reads follows nothing.
        heard.with(|_| ());
        untrack(|| said(tuner))
    };
    let cards = classes
        .into_iter()
        .enumerate()
        .map(|(class, name)| view! { <ClassCard tuner class name /> })
        .collect_view();
    view! {
        <div class="tune-setup" on:dragover=over on:drop=move |event| dropped(tuner, &event)>
            <p class="hint">
                {move || tv("personalise.what", &[("title", format!("\u{2068}{title}\u{2069}").into())])}
            </p>
            <p class="hint">{tr("personalise.limits")}</p>
            <p id="tune-said">{move || said(tuner)}</p>
            <p class="unseen" role="status">
                {spoken}
            </p>
            <div class="tune-classes">{cards}</div>
            <LeftOut tuner />
            <div class="row">
                <button
                    type="button"
                    class="button primary"
                    id="tune-start"
                    node_ref=start
                    aria-describedby="tune-said"
                    aria-disabled=move || (!tuner.may_tune()).to_string()
                    on:click=move |_| tuner.tune()
                >
                    {tr("personalise.start")}
                </button>
                <input
                    type="file"
                    class="unseen"
                    id="tune-folder"
                    tabindex="-1"
                    aria-hidden="true"
                    prop:webkitdirectory=true
                    node_ref=folder
                    on:change=move |_| {
                        if let Some(input) = folder.get_untracked() {
                            place(tuner, intake::picked_files(&input), None);
                        }
                    }
                />
                <button
                    type="button"
                    class="button"
                    id="tune-pick-folder"
                    on:click=move |_| {
                        if let Some(input) = folder.get_untracked() {
                            input.click();
                        }
                    }
                >
                    {tr("personalise.folder")}
                </button>
            </div>
        </div>
    }
}

/// What is missing, or that all is there.
fn said(tuner: Tuner) -> String {
    let waiting = tuner.waiting();
    let all = tuner.scans.with(Vec::len);
    match *tuner.stage.read() {
        Stage::Starting => t("personalise.starting"),
        Stage::Failed(_) => String::new(),
        _ if waiting > 0 => tv(
            "personalise.looking",
            &[("n", (all - waiting).into()), ("all", all.into())],
        ),
        _ if tuner.enough() < LEAST => tv(
            "personalise.missing",
            &[("n", tuner.enough().into()), ("least", LEAST.into())],
        ),
        _ => tv("personalise.ready", &[("n", all.into())]),
    }
}

#[component]
fn ClassCard(tuner: Tuner, class: usize, name: String) -> impl IntoView {
    let picker = NodeRef::<Input>::new();
    let title = {
        let name = name.clone();
        move || words::class_title(&name)
    };
    let (legend, label) = (title.clone(), title);
    let scans = Memo::new(move |_| {
        tuner.scans.with(|scans| {
            let own = scans.iter().filter(|scan| scan.class == class);
            own.cloned().collect::<Vec<_>>()
        })
    });
    let line = move || {
        let scans = scans.read();
        if scans.is_empty() {
            return t("personalise.none");
        }
        let right = scans.iter().filter(|scan| {
            scan.seen
                .as_ref()
                .is_some_and(|seen| seen.predicted == class)
        });
        tv(
            "personalise.count",
            &[("n", scans.len().into()), ("right", right.count().into())],
        )
    };
    let more = move || {
        let more = scans.read().len().saturating_sub(SHOWN);
        (more > 0).then(|| tv("personalise.more", &[("n", more.into())]))
    };
    view! {
        <fieldset class="tune-class" data-class=class.to_string() data-name=name>
            <legend>{legend}</legend>
            <p class="hint number">{line}</p>
            <ul class="tune-scans">
                <For
                    each=move || scans.get().into_iter().take(SHOWN)
                    key=|scan| (scan.id, scan.seen.is_some())
                    let:scan
                >
                    <Picture tuner scan />
                </For>
            </ul>
            <p class="hint">{more}</p>
            <input
                type="file"
                class="unseen"
                tabindex="-1"
                aria-hidden="true"
                multiple=true
                node_ref=picker
                on:change=move |_| {
                    if let Some(input) = picker.get_untracked() {
                        place(tuner, intake::picked_files(&input), Some(class));
                    }
                }
            />
            <button
                type="button"
                class="button tune-add"
                aria-label=move || tv("personalise.add_to", &[("class", label().into())])
                on:click=move |_| {
                    if let Some(input) = picker.get_untracked() {
                        input.click();
                    }
                }
            >
                {tr("personalise.add")}
            </button>
        </fieldset>
    }
}

#[component]
fn LeftOut(tuner: Tuner) -> impl IntoView {
    view! {
        <ul class="left-out" id="tune-left-out" aria-live="polite">
            {move || {
                tuner.left_out.get().into_iter().map(|line| view! { <li>{move || line.text()}</li> }).collect_view()
            }}
        </ul>
    }
}

/// Files for one class, or for those whose folders they lie in.
fn place(tuner: Tuner, files: Vec<Dropped>, class: Option<usize>) {
    let classes = tuner.model.with_value(|model| model.classes.clone());
    match class {
        Some(class) => {
            let files = files
                .into_iter()
                .filter(|file| !intake::is_clutter(&file.path));
            tuner.add(files.map(|file| (class, file)).collect());
        }
        None => {
            let (files, left_out) = sort::by_folder(files, &classes);
            tuner.say(sort::lines(left_out));
            tuner.add(files);
        }
    }
}

fn over(event: DragEvent) {
    event.prevent_default();
}

/// Files dropped here are scans to learn from. On a class they are of that class; elsewhere their folders tell.
fn dropped(tuner: Tuner, event: &DragEvent) {
    let Some(data) = event.data_transfer() else {
        return;
    };
    let Some(files) = intake::dropped_files(&data) else {
        // A bundle: the page takes it.
        return;
    };
    event.prevent_default();
    event.stop_propagation();
    // The page has shown that something is being dragged over it, and hears nothing of the drop.
    if let Ok(leave) = Event::new("dragleave") {
        let _ = window().dispatch_event(&leave);
    }
    let class = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|target| target.closest("[data-class]").ok().flatten())
        .and_then(|card| card.get_attribute("data-class")?.parse().ok());
    spawn_local(async move {
        place(tuner, files.await, class);
    });
}
