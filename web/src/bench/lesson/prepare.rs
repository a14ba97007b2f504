//! Before the first case: what the lesson is, while the model answers every case, unseen. That finds the images that cannot
//! be read, and the boxes that do not lie in them, before anybody has begun.

use super::case::Case;
use super::load::Loaded;
use super::problem;
use super::room::{Room, Step};
use super::score::Score;
use super::{Bad, Notice, Words};
use crate::bench::given::Given;
use crate::bench::queue::{Queue, State, Status};
use crate::language::{Line, t, tr, tv};
use leptos::html::H3;
use leptos::prelude::*;
use std::sync::Arc;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

/// The lesson, from its first words to the score.
#[component]
pub fn Prepare(mut given: Given, loaded: Arc<Loaded>) -> impl IntoView {
    given.files = loaded.images.clone();
    let page = given.page.clone();
    let classes = given.bundle.facts.classes.clone();
    let count = loaded.lesson.cases.len();
    let room = Room {
        lesson: StoredValue::new(Arc::new(loaded.lesson.clone())),
        classes: StoredValue::new(classes),
        truths: StoredValue::new(loaded.truths.clone()),
        places: StoredValue::new(Vec::new()),
        queue: Queue::keeping(given),
        step: RwSignal::new(Step::Intro),
        guesses: RwSignal::new(vec![None; count]),
        page: StoredValue::new_local(page),
        shows: [RwSignal::new(true), RwSignal::new(true)],
    };
    let ready = RwSignal::new(false);
    let bad = RwSignal::new(Vec::<Line>::new());
    Effect::new(move |_| match room.queue.status.get() {
        Status::Done => match check(room, &loaded.file) {
            Ok(places) => {
                room.places.set_value(places);
                ready.set(true);
            }
            Err(lines) => bad.set(lines),
        },
        Status::Failed(line) => bad.set(vec![line]),
        _ => {}
    });
    let shown = move || {
        let lines = bad.get();
        if !lines.is_empty() {
            // An engine that failed may be tried again; what is wrong with the lesson stays wrong.
            let failed = matches!(*room.queue.status.read_untracked(), Status::Failed(_));
            let again: Option<Callback<()>> = failed.then(|| {
                Callback::new(move |()| {
                    bad.set(Vec::new());
                    room.queue.resume();
                })
            });
            let leave = move || room.page.with_value(|page| page.leave());
            return view! { <Bad lines again leave /> }.into_any();
        }
        match room.step.get() {
            Step::Intro => view! { <Intro room ready /> }.into_any(),
            Step::Case(index) => view! { <Case room index /> }.into_any(),
            Step::Score => view! { <Score room /> }.into_any(),
        }
    };
    view! {
        // The keys count only while the focus is in here; a click anywhere in it brings it.
        <div class="lesson-body" tabindex="-1" on:keydown=move |event| key(room, &event)>
            <p class="unseen" role="status" id="lesson-status">
                {move || said(room, ready)}
            </p>
            {shown}
        </div>
    }
}

/// A number guesses, Enter goes on.
fn key(room: Room, event: &KeyboardEvent) {
    let Step::Case(index) = room.step.get_untracked() else {
        return;
    };
    if event.ctrl_key() || event.alt_key() || event.meta_key() || event.repeat() {
        return;
    }
    // The key's place counts too: where digits need Shift, or are written otherwise, it is the same.
    let (key, code) = (event.key(), event.code());
    let place = code
        .strip_prefix("Digit")
        .or_else(|| code.strip_prefix("Numpad"));
    let digit = key.parse::<usize>().ok().or_else(|| place?.parse().ok());
    let guessed = untrack(|| room.guessed(index)).is_some();
    match digit {
        Some(digit @ 1..=9) if !guessed => {
            event.prevent_default();
            room.guess(index, digit - 1);
        }
        None if key == "Enter" && guessed && !is_control(event) => {
            event.prevent_default();
            room.go_on();
        }
        _ => {}
    }
}

/// Whether the key is the business of what has the focus.
fn is_control(event: &KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| {
        let control = target.closest("button, summary, a, input, select, textarea");
        control.is_ok_and(|found| found.is_some())
    })
}

/// What a screen reader is told.
fn said(room: Room, ready: RwSignal<bool>) -> String {
    let all = room.len();
    match room.step.get() {
        Step::Intro if ready.get() => t("lesson.ready"),
        Step::Intro => t("lesson.fetching"),
        Step::Case(index) => match super::answer::outcome(room, index) {
            Some(outcome) => {
                let model = super::answer::model_line(room, index);
                tv(
                    "lesson.said_result",
                    &[("outcome", outcome.into()), ("model", model.into())],
                )
            }
            None => tv(
                "lesson.said_case",
                &[("n", (index + 1).into()), ("all", all.into())],
            ),
        },
        Step::Score => super::score::said(room),
    }
}

/// The boxes in fractions of their images, or all that is wrong.
fn check(room: Room, file: &str) -> Result<Vec<Option<[f64; 4]>>, Vec<Line>> {
    let lesson = room.lesson.get_value();
    let mut places = Vec::new();
    let mut lines = Vec::new();
    room.queue.rows.with_value(|rows| {
        for ((number, case), row) in (1..).zip(&lesson.cases).zip(rows) {
            match &row.state {
                State::Done(answer) => match case.place_in(number, answer.image) {
                    Ok(place) => places.push(place),
                    Err(found) => lines.push(problem::line(file, &found)),
                },
                State::Bad(reason) => {
                    let what = Line::new("lesson.bad_image")
                        .with("image", case.image.as_str())
                        .with("reason", reason.clone());
                    lines.push(problem::about_case(file, number, what));
                }
                // All have been answered, or the queue would not be done.
                State::Waiting | State::Looking { .. } => {
                    lines.push(Line::new("engine.incomplete"))
                }
            }
        }
    });
    if lines.is_empty() {
        Ok(places)
    } else {
        Err(lines)
    }
}

/// What the lesson is, and how it goes.
#[component]
fn Intro(room: Room, ready: RwSignal<bool>) -> impl IntoView {
    let lesson = room.lesson.get_value();
    let (title, about, synthetic) = (lesson.title.clone(), lesson.about.clone(), lesson.synthetic);
    let (all, classes) = (room.len(), room.classes.with_value(Vec::len));
    let counts = move || room.queue.counts().0;
    view! {
        <h3 id="lesson-title">
            <Words text=title />
        </h3>
        <Notice synthetic brief=false />
        {about.map(|about| view! { <p class="lesson-about"><Words text=about /></p> })}
        <p>
            {move || tv("lesson.count", &[("n", all.into())])} ". "
            {move || tv("lesson.how", &[("n", classes.min(9).into())])}
        </p>
        <p class="hint" id="lesson-progress">
            {move || {
                if ready.get() {
                    t("lesson.ready")
                } else {
                    tv("lesson.preparing", &[("n", counts().into()), ("all", all.into())])
                }
            }}
        </p>
        <div class="row">
            <button
                type="button"
                class="button primary"
                id="lesson-begin"
                aria-disabled=move || (!ready.get()).to_string()
                on:click=move |_| {
                    if ready.get_untracked() {
                        room.restart();
                    }
                }
            >
                {tr("lesson.begin")}
            </button>
            <Leave room />
        </div>
    }
}

/// The way back to the page.
#[component]
pub fn Leave(room: Room) -> impl IntoView {
    view! {
        <button
            type="button"
            class="button"
            id="lesson-leave"
            on:click=move |_| room.page.with_value(|page| page.leave())
        >
            {tr("lesson.leave")}
        </button>
    }
}

/// Brings the focus to a heading as soon as it is there, and into sight.
pub fn focus(heading: NodeRef<H3>) {
    Effect::new(move |_| {
        if let Some(heading) = heading.get() {
            request_animation_frame(move || {
                // Without it the focus is at the top of the page: a nuisance, no failure.
                let _ = heading.focus();
            });
        }
    });
}
