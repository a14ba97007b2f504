//! A lesson: cases to guess, then what the model says, where it looked, and what is true; the score at the end.
//!
//! [`load`] gets the lesson and all its images, [`prepare`] has the model answer every case, [`room`] is what the visitor
//! does, and the other modules show it. Nothing is fetched once the first case is shown.

mod answer;
mod case;
mod load;
mod picture;
mod prepare;
mod problem;
mod room;
mod score;

use super::given::Given;
use crate::language::{self, Line, t, tr, tv};
use crate::links;
use leptos::prelude::*;
use leptos::task::spawn_local;
use load::{Entry, Found, Loaded};
use prepare::Prepare;
use scanlight_lessons::Text;
use std::sync::Arc;

/// How far the lesson is.
#[derive(Clone)]
enum Stage {
    /// It is being fetched: images so far, and all of them, once it is known how many.
    Fetching([usize; 2]),
    /// The visitor has to choose one.
    Choosing(Vec<Entry>),
    /// It cannot be shown.
    Bad(Vec<Line>),
    /// It is there, with its images.
    There(Arc<Loaded>),
}

/// The lesson that the page was asked for.
#[component]
pub fn LessonRoom(given: Given) -> impl IntoView {
    let stage = RwSignal::new_local(Stage::Fetching([0, 0]));
    let asked = given.more("lesson").and_then(|id| id.as_string());
    let of_site = given.files.is_empty();
    let page = given.page.clone();
    let given = StoredValue::new_local(Some(given));
    let begin = move |id: Option<String>| {
        stage.set(Stage::Fetching([0, 0]));
        // What is loaded is worked on with what the page gave; without that there is nothing to load.
        let parts = given.with_value(|given| {
            let given = given.as_ref()?;
            let classes = given.bundle.facts.classes.clone();
            Some((given.files.clone(), classes, given.page.clone()))
        });
        let Some((files, classes, page)) = parts else {
            return;
        };
        spawn_local(async move {
            let progress = move |done, all| {
                stage.try_set(Stage::Fetching([done, all]));
            };
            let found = load::load(&files, id.as_deref(), &classes, &page, progress).await;
            let id = match &found {
                Ok(Found::Lesson(loaded)) => Some(loaded.id.clone()),
                _ => None,
            };
            // The view may have gone meanwhile.
            let gone = stage.try_set(match found {
                Ok(Found::Lesson(loaded)) => Stage::There(Arc::new(*loaded)),
                Ok(Found::Choice(entries)) => Stage::Choosing(entries),
                Err(lines) => Stage::Bad(lines),
            });
            let is_shown = gone.is_none();
            if let Some(id) = id.filter(|_| is_shown) {
                links::keep_lesson(id.as_deref());
            }
        });
    };
    begin(asked.clone());
    let leave = move || page.leave();
    let shown = move || {
        match stage.get() {
            Stage::Fetching([done, all]) => {
                let count = move || tv("lesson.images", &[("n", done.into()), ("all", all.into())]);
                // A screen reader need not hear of each image.
                view! {
                    <p role="status">{tr("lesson.fetching")}</p>
                    <p class="hint" aria-hidden="true">
                        {move || (all > 0).then(count)}
                    </p>
                }
                .into_any()
            }
            Stage::Choosing(entries) => {
                view! { <Choice entries choose=move |id: String| begin(Some(id)) /> }.into_any()
            }
            Stage::Bad(lines) => {
                // What was dropped has to be dropped again: a file that was mended is another file.
                let asked = asked.clone();
                let again: Option<Callback<()>> =
                    of_site.then(|| Callback::new(move |()| begin(asked.clone())));
                let leave = leave.clone();
                view! { <Bad lines again leave /> }.into_any()
            }
            Stage::There(loaded) => match given.try_update_value(Option::take).flatten() {
                Some(given) => view! { <Prepare given loaded /> }.into_any(),
                None => ().into_any(),
            },
        }
    };
    view! { <div class="lesson">{shown}</div> }
}

/// The lessons of this site.
#[component]
fn Choice(entries: Vec<Entry>, choose: impl Fn(String) + Clone + 'static) -> impl IntoView {
    let buttons = entries.into_iter().map(|Entry { id, title }| {
        let choose = choose.clone();
        let chosen = id.clone();
        view! {
            <li>
                <button type="button" class="button" data-lesson=id on:click=move |_| choose(chosen.clone())>
                    <Words text=title />
                </button>
            </li>
        }
    });
    view! {
        <h3>{tr("lesson.choose")}</h3>
        <ul class="lesson-choice">{buttons.collect_view()}</ul>
    }
}

/// What is wrong, a line for each fault.
#[component]
fn Bad(lines: Vec<Line>, again: Option<Callback<()>>, leave: impl Fn() + 'static) -> impl IntoView {
    let lines = lines
        .into_iter()
        .map(|line| view! { <li dir="auto">{move || line.text()}</li> });
    view! {
        <h3>{tr("lesson.bad")}</h3>
        <div role="alert">
            <ul class="lesson-bad bad-line">{lines.collect_view()}</ul>
        </div>
        <div class="row">
            {again
                .map(|again| {
                    view! {
                        <button type="button" class="button" id="lesson-again" on:click=move |_| again.run(())>
                            {tr("bench.retry")}
                        </button>
                    }
                })}
            <button type="button" class="button" id="lesson-leave" on:click=move |_| leave()>
                {tr("lesson.leave")}
            </button>
        </div>
    }
}

/// A lesson's words, in the language of the page where it has them.
#[component]
fn Words(text: Text) -> impl IntoView {
    let text = Arc::new(text);
    let words = {
        let text = Arc::clone(&text);
        move || text.say(language::code()).text.to_string()
    };
    let code = move || text.say(language::code()).language.map(String::from);
    view! { <span dir="auto" lang=code>{words}</span> }
}

/// What the cases are not: drawn ones are no patients, and nothing here is a diagnosis. It stands wherever one is shown.
#[component]
fn Notice(
    /// Whether the cases are drawn.
    synthetic: bool,
    /// In few words, beside a case.
    brief: bool,
) -> impl IntoView {
    let drawn = synthetic.then(|| view! { <strong>{tr("lesson.drawn_tag")}</strong> " · " });
    let more = match (synthetic, brief) {
        (_, true) => None,
        (true, false) => Some("lesson.drawn"),
        (false, false) => Some("caution.what"),
    };
    view! {
        <p class="lesson-notice" id="lesson-notice">
            {drawn} <strong>{tr("caution.strong")}</strong> {more.map(|key| view! { " " {tr(key)} })}
        </p>
    }
}

/// A class by its index, in words.
fn class_title(classes: &[String], class: usize) -> String {
    classes.get(class).map_or_else(
        || t("answer.unknown"),
        |class| crate::words::class_title(class),
    )
}
