//! What the survey found: a strip with a cell for each slice, the same as a table, and the way to the most
//! suspicious one.

use super::Place;
use super::survey::{Glance, most_suspicious};
use super::table::Table;
use crate::language::{t, tr, tv};
use crate::state::Desk;
use crate::words::answer;
use leptos::ev::KeyboardEvent;
use leptos::html::Ol;
use leptos::prelude::*;
use scanlight_engine::protocol::Verdict;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The survey's button, progress and strip, where there is more than one slice.
#[component]
pub fn Strip() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let survey = study.survey;
    let count = Memo::new(move |_| study.count());
    let found = Memo::new(move |_| !survey.results.read().is_empty());
    let progress = move || {
        let [done, all] = survey.progress();
        tv(
            "survey.progress",
            &[("n", done.into()), ("all", all.into())],
        )
    };
    view! {
        <Show when=move || { count.get() > 1 }>
            <section class="survey" aria-label=tr("survey.label")>
                <div class="row">
                    // One button for both: it keeps the focus.
                    <button
                        type="button"
                        class="button"
                        id=move || if survey.running.get() { "survey-stop" } else { "survey-start" }
                        on:click=move |_| {
                            if survey.running.get_untracked() {
                                desk.stop_survey();
                            } else {
                                desk.start_survey();
                            }
                        }
                    >
                        {move || {
                            if survey.running.get() {
                                t("survey.stop")
                            } else {
                                tv("survey.start", &[("n", count.get().into())])
                            }
                        }}
                    </button>
                    <Show when=move || survey.running.get()>
                        <progress
                            max=move || survey.progress()[1].to_string()
                            prop:value=move || survey.progress()[0].to_string()
                            aria-label=tr("survey.label")
                        ></progress>
                        <span class="number">{progress}</span>
                    </Show>
                </div>
                <Show when=move || found.get()>
                    <Cells />
                    <Finding />
                    <Table />
                </Show>
            </section>
        </Show>
    }
}

/// The classes' names.
pub(super) fn classes(desk: Desk) -> Vec<String> {
    desk.model
        .with(|model| model.as_ref().map(|model| model.classes.clone()))
        .unwrap_or_default()
}

/// What became of a slice, in words.
pub(super) fn in_words(classes: &[String], glance: Option<&Glance>) -> String {
    match glance {
        None => t("survey.waits"),
        Some(Glance::Missed(reason)) => tv("survey.missed", &[("reason", reason.as_str().into())]),
        Some(Glance::Answer {
            probabilities,
            verdict,
        }) => answer::say(classes, probabilities, *verdict, true).headline,
    }
}

/// One word about it, for style sheets.
fn kind(glance: Option<&Glance>) -> &'static str {
    match glance {
        None => "waits",
        Some(Glance::Missed(_)) => "missed",
        Some(Glance::Answer { verdict, .. }) => match verdict {
            Verdict::Class { .. } => "class",
            Verdict::Unsure { .. } => "unsure",
            Verdict::Strange { .. } => "strange",
        },
    }
}

/// How high a cell's bar is: the probability of a tumour, or of the likeliest class where the model knows none
/// without one.
fn height(classes: &[String], glance: Option<&Glance>) -> f32 {
    let Some(glance) = glance else { return 0.0 };
    match glance {
        Glance::Answer {
            probabilities,
            verdict: Verdict::Class { .. } | Verdict::Unsure { .. },
        } => glance
            .tumour(classes)
            .unwrap_or_else(|| probabilities.iter().copied().fold(0.0, f32::max)),
        _ => 0.0,
    }
}

#[component]
fn Cells() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let survey = study.survey;
    let list = NodeRef::<Ol>::new();
    let count = Memo::new(move |_| survey.results.read().len());
    let current = Memo::new(move |_| study.place.get().map(|place| place.index));
    let go = move |index: usize| {
        if let Some(place) = survey.of.get_untracked() {
            desk.go_to(Place { index, ..place });
        }
    };
    // The cell of the slice that is shown is in sight.
    Effect::new(move |_| {
        if let (Some(list), Some(index)) = (list.get(), current.get()) {
            show_cell(&list, index, false);
        }
    });
    let keys = move |event: KeyboardEvent| {
        let (Some(at), Some(last)) = (
            current.get_untracked(),
            count.get_untracked().checked_sub(1),
        ) else {
            return;
        };
        let right_to_left = document()
            .document_element()
            .is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"));
        let index = match event.key().as_str() {
            "ArrowRight" if right_to_left => at.saturating_sub(1),
            "ArrowLeft" if right_to_left => at + 1,
            "ArrowRight" | "ArrowUp" => at + 1,
            "ArrowLeft" | "ArrowDown" => at.saturating_sub(1),
            "PageUp" => at + 10,
            "PageDown" => at.saturating_sub(10),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        let index = index.min(last);
        go(index);
        if let Some(list) = list.get_untracked() {
            show_cell(&list, index, true);
        }
    };
    view! {
        <ol class="strip" id="strip" node_ref=list on:keydown=keys>
            {move || {
                let all = count.get();
                (0..all)
                    .map(|index| {
                        let glance = Memo::new(move |_| {
                            survey.results.with(|results| results.get(index).cloned().flatten())
                        });
                        let label = move || {
                            let said = glance.with(|glance| in_words(&classes(desk), glance.as_ref()));
                            tv("survey.cell", &[("n", (index + 1).into()), ("answer", said.into())])
                        };
                        view! {
                            <li>
                                <button
                                    type="button"
                                    data-kind=move || glance.with(|glance| kind(glance.as_ref()))
                                    tabindex=move || if current.get() == Some(index) { "0" } else { "-1" }
                                    aria-current=move || (current.get() == Some(index)).then_some("true")
                                    aria-label=label
                                    title=label
                                    on:click=move |_| go(index)
                                >
                                    <span style:height=move || {
                                        let part = glance
                                            .with(|glance| height(&classes(desk), glance.as_ref()));
                                        format!("{:.1}%", part * 100.0)
                                    }></span>
                                </button>
                            </li>
                        }
                    })
                    .collect_view()
            }}
        </ol>
        <p class="hint">{tr("survey.hint")}</p>
    }
}

/// Brings a cell into sight, without moving the page, and the focus to it.
fn show_cell(list: &HtmlElement, index: usize, focus: bool) {
    let cells = list.children();
    let Some(cell) = u32::try_from(index)
        .ok()
        .and_then(|index| cells.item(index))
        .and_then(|cell| cell.dyn_into::<HtmlElement>().ok())
    else {
        return;
    };
    let middle = cell.offset_left() + cell.offset_width() / 2 - list.offset_left();
    list.set_scroll_left(middle - list.client_width() / 2);
    if focus
        && let Some(button) = cell
            .first_element_child()
            .and_then(|button| button.dyn_into::<HtmlElement>().ok())
    {
        // Without it the focus stays where it was.
        let _ = button.focus();
    }
}

/// How many slices of each kind, and the way to the most suspicious one.
#[component]
fn Finding() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let survey = desk.study.survey;
    let best = Memo::new(move |_| {
        survey
            .results
            .with(|results| most_suspicious(results, &classes(desk), desk.study.is_volume()))
    });
    let refused = move || {
        survey.results.with(|results| {
            let strange = |glance: &&Option<Glance>| kind(glance.as_ref()) == "strange";
            results.iter().filter(strange).count()
        })
    };
    let said = move || {
        if survey.running.get() {
            return String::new();
        }
        let [done, all] = survey.progress();
        let mut said = tv(
            "survey.done",
            &[
                ("n", done.into()),
                ("all", all.into()),
                ("refused", refused().into()),
            ],
        );
        if let Some(index) = best.get() {
            let answer = survey.results.with(|results| {
                let glance = results.get(index).and_then(Option::as_ref);
                in_words(&classes(desk), glance)
            });
            said.push(' ');
            said.push_str(&tv(
                "survey.best",
                &[("n", (index + 1).into()), ("answer", answer.into())],
            ));
        }
        said
    };
    view! {
        <div class="row">
            <p role="status" id="survey-finding">{said}</p>
            <Show when=move || best.get().is_some()>
                <button
                    type="button"
                    class="button"
                    id="survey-best"
                    on:click=move |_| {
                        if let (Some(index), Some(place)) = (best.get_untracked(), survey.of.get_untracked()) {
                            desk.go_to(Place { index, ..place });
                        }
                    }
                >
                    {tr("survey.go_best")}
                </button>
            </Show>
        </div>
        <p class="hint">{tr("survey.what_best")}</p>
    }
}
