//! The page as a whole.

use crate::facts::FactsDialog;
use crate::footer::Footer;
use crate::intake;
use crate::loading::{Failure, Loading};
use crate::samples::Samples;
use crate::state::{Desk, Phase};
use crate::verdict::{Caution, Verdict, said};
use crate::viewer::Viewer;
use leptos::prelude::*;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let desk = Desk::new();
    provide_context(desk);
    intake::listen(desk);
    desk.start();
    view! {
        <header class="top">
            <h1 class="brand">
                <Mark />
                "Scanlight"
            </h1>
            <p class="tag-line"><span>"Brain MRI classification. "</span>
                "Runs entirely in your browser."</p>
        </header>
        <main data-phase=move || desk.phase.read().word()>
            <Banners />
            <div class="desk">
                <Viewer />
                <div class="panel">
                    <Loading />
                    <Failure />
                    <Verdict />
                    <Caution />
                </div>
                <Samples />
            </div>
        </main>
        <Footer />
        <FactsDialog />
        <p class="unseen" role="status" id="status">
            {move || status(desk)}
        </p>
        <div class="veil" class:shown=move || desk.dragging.get() aria-hidden="true">
            <p>"Drop to open"</p>
        </div>
    }
}

/// The mark: a slice and the line that scans it.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="11.5" />
            <path d="M2 16h28" />
            <circle class="spot" cx="20.5" cy="16" r="3" />
        </svg>
    }
}

/// One line each about what went wrong and what is worth knowing.
#[component]
fn Banners() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div class="banners">
            <div role="alert" id="alert">
                {move || {
                    desk.alert
                        .get()
                        .map(|line| view! { <Banner class="banner bad" line close=move || desk.alert.set(None) /> })
                }}
            </div>
            <div role="status" id="notice">
                {move || {
                    desk.notice
                        .get()
                        .map(|line| view! { <Banner class="banner" line close=move || desk.notice.set(None) /> })
                }}
            </div>
        </div>
    }
}

#[component]
fn Banner(class: &'static str, line: String, close: impl Fn() + 'static) -> impl IntoView {
    view! {
        <div class=class>
            <p>{line}</p>
            <button type="button" class="close" aria-label="Dismiss" on:click=move |_| close()>
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M3.5 3.5l9 9m0-9l-9 9" />
                </svg>
            </button>
        </div>
    }
}

/// What a screen reader is told; it changes with every step, not with every byte.
fn status(desk: Desk) -> String {
    match desk.phase.get() {
        Phase::Loading => match desk.waiting.get() {
            Some(name) => format!("{name} waits for the model."),
            None => "Loading the model.".into(),
        },
        Phase::Working(name) => format!("Working on {name}."),
        Phase::Failed(_) => String::new(),
        Phase::Ready => match desk.outcome.get() {
            None => "Ready for a scan.".into(),
            Some(outcome) => {
                let (headline, reason) = said(desk)
                    .map(|said| (said.headline, said.reason.unwrap_or_default()))
                    .unwrap_or_default();
                let file = format!("{}: {headline}.", outcome.name);
                [file.as_str(), &reason, "Not a diagnosis."]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
        },
    }
}
