//! A scan among those of its class.

use super::tuner::{Scan, Seen, Tuner};
use crate::canvas::paint;
use crate::language::tv;
use crate::pixels;
use crate::words;
use leptos::ev::MouseEvent;
use leptos::html::Canvas;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// A scan, small, with the button that takes it away.
#[component]
pub fn Picture(tuner: Tuner, scan: Scan) -> impl IntoView {
    let Scan {
        id,
        path,
        class,
        seen,
    } = scan;
    let canvas = NodeRef::<Canvas>::new();
    let drawn = seen.clone();
    Effect::new(move |_| {
        if let (Some(canvas), Some(seen)) = (canvas.get(), &drawn) {
            let small = &seen.thumbnail;
            paint(&canvas, &pixels::from_grey(&small.grey), small.size);
        }
    });
    let differs = seen.as_ref().is_some_and(|seen| seen.predicted != class);
    let name = words::short_name(path.rsplit('/').next().unwrap_or(&path));
    let (spoken, removed) = (name.clone(), name);
    let hint = Signal::derive(move || describe(tuner, &spoken, seen.as_ref()));
    view! {
        <li class:differs=differs data-path=path title=move || hint.get()>
            <canvas node_ref=canvas aria-hidden="true" width="1" height="1"></canvas>
            <span class="unseen">{move || hint.get()}</span>
            <button
                type="button"
                class="tune-remove"
                aria-label=move || tv("personalise.remove", &[("name", removed.clone().into())])
                on:click=move |event| {
                    focus_add(&event);
                    tuner.remove(id);
                }
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M4.5 4.5l7 7m0-7l-7 7" />
                </svg>
            </button>
        </li>
    }
}

/// Moves the focus from a scan that is about to go to the button of its class.
fn focus_add(event: &MouseEvent) {
    let add = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .and_then(|target| target.closest("[data-class]").ok().flatten())
        .and_then(|card| card.query_selector(".tune-add").ok().flatten())
        .and_then(|add| add.dyn_into::<HtmlElement>().ok());
    if let Some(add) = add {
        // Without it the keyboard begins at the top of the page: a nuisance, no failure.
        let _ = add.focus();
    }
}

/// A scan's name and what the model says of it as it is.
fn describe(tuner: Tuner, name: &str, seen: Option<&Arc<Seen>>) -> String {
    let class = seen.and_then(|seen| {
        tuner
            .model
            .with_value(|model| model.classes.get(seen.predicted).cloned())
    });
    match class {
        None => name.to_string(),
        Some(class) => tv(
            "personalise.says",
            &[
                ("name", name.into()),
                ("class", words::class_title(&class).into()),
            ],
        ),
    }
}
