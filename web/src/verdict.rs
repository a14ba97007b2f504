//! The result in words and bars, and what it is not.

use crate::state::{Desk, Outcome, Phase};
use crate::words;
use leptos::prelude::*;
use std::sync::Arc;

/// The probability under which the answer is called undecided.
const DECIDED: f32 = 0.6;

/// The result: the most probable class, all classes as bars, the engine.
#[component]
pub fn Verdict() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| {
        desk.outcome.read().is_some()
            || matches!(*desk.phase.read(), Phase::Ready | Phase::Working(_))
    });
    view! {
        <Show when=move || shown.get()>
            <section class="card verdict" aria-labelledby="verdict">
                <p class="eyebrow">{move || eyebrow(desk)}</p>
                <h2 id="verdict">{move || headline(desk.outcome.get())}</h2>
                <Bars />
                <EngineLine />
            </section>
        </Show>
    }
}

fn eyebrow(desk: Desk) -> String {
    let Some(outcome) = desk.outcome.get() else {
        return "Ready".into();
    };
    let classes = outcome.classes.len();
    match best(&outcome) {
        Some((_, probability)) if probability < DECIDED => {
            format!("Undecided between {classes} classes, leaning to")
        }
        _ => format!("Most probable of {classes} classes"),
    }
}

fn headline(outcome: Option<Arc<Outcome>>) -> String {
    match outcome.as_deref().and_then(best) {
        Some((class, probability)) => format!(
            "{} — {}",
            words::class_title(&class),
            words::percent(probability)
        ),
        None => "Open a scan or try a sample".into(),
    }
}

fn best(outcome: &Outcome) -> Option<(String, f32)> {
    let predicted = outcome.report.predicted;
    let class = outcome.classes.get(predicted)?.clone();
    Some((class, *outcome.report.probabilities.get(predicted)?))
}

/// One bar per class; choosing one shows that class's heat map.
#[component]
fn Bars() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let classes = Memo::new(move |_| {
        desk.model
            .with(|model| model.as_ref().map(|model| model.classes.clone()))
            .unwrap_or_default()
    });
    view! {
        <fieldset class="bars" class:empty=move || desk.outcome.read().is_none()>
            <legend>
                {move || {
                    if desk.outcome.read().is_some() {
                        "Show the evidence for"
                    } else {
                        "What the model tells apart"
                    }
                }}
            </legend>
            {move || {
                classes
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(index, class)| view! { <Bar index class /> })
                    .collect_view()
            }}
        </fieldset>
    }
}

#[component]
fn Bar(index: usize, class: String) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let probability = move || {
        desk.outcome
            .with(|outcome| outcome.as_ref()?.report.probabilities.get(index).copied())
    };
    let predicted = move || {
        desk.outcome.with(|outcome| {
            outcome
                .as_ref()
                .is_some_and(|outcome| outcome.report.predicted == index)
        })
    };
    view! {
        <label class="bar" class:predicted=predicted data-class=class.clone()>
            <input
                type="radio"
                name="class"
                value=index.to_string()
                disabled=move || probability().is_none()
                prop:checked=move || probability().is_some() && desk.chosen.get() == index
                on:change=move |_| desk.chosen.set(index)
            />
            <span class="name">{words::class_title(&class)}</span>
            <span class="number">{move || probability().map(words::percent)}</span>
            <span class="track" aria-hidden="true">
                <span
                    class="fill"
                    style:width=move || format!("{:.2}%", probability().unwrap_or(0.0) * 100.0)
                ></span>
            </span>
        </label>
    }
}

/// Which engine runs, and how long it took.
#[component]
fn EngineLine() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let line = move || {
        if let Some(outcome) = desk.outcome.get() {
            let time = words::duration(outcome.report.classify_ms);
            return Some(format!("{} · {time}", outcome.engine));
        }
        let engine = desk.engine.get()?;
        let time = words::duration(engine.load_ms + engine.warm_up_ms);
        Some(format!("{} · ready in {time}", engine.label))
    };
    view! {
        <p class="engine" id="engine">
            {line}
        </p>
    }
}

/// What a result is not.
#[component]
pub fn Caution() -> impl IntoView {
    view! {
        <section class="card caution" aria-label="Not a diagnosis">
            <p>
                <strong>"This is not a diagnosis."</strong>
                " It is the guess of a small program about one picture, for education and research."
            </p>
            <details>
                <summary>"What does that mean?"</summary>
                <ul>
                    <li>
                        "The program learned from a few thousand public pictures. It knows the classes above and nothing else, and it chooses one of them for every picture, even for one of a cat."
                    </li>
                    <li>
                        "A high percentage says that the picture resembles its training pictures. It can be high and wrong: on scanners, sequences and patients it has not seen, above all."
                    </li>
                    <li>
                        "The heat map shows where the network found its evidence. It is no outline of a tumour."
                    </li>
                    <li>
                        "It is no medical device. Do not decide anything about anyone's health with it; what a scan shows is for a radiologist to say."
                    </li>
                </ul>
            </details>
        </section>
    }
}
