//! The result in words and bars, and what it is not.

use crate::facts::FactsButton;
use crate::language::{t, tr, tv};
use crate::state::{Desk, Phase};
use crate::words;
use crate::words::answer::{self, Kind, Said};
use leptos::prelude::*;

/// The result: the verdict, how sure it is, all classes as bars, the engine and the model.
#[component]
pub fn Verdict() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| {
        desk.outcome.read().is_some()
            || matches!(*desk.phase.read(), Phase::Ready | Phase::Working(_))
    });
    let said = Memo::new(move |_| said(desk));
    let refused = Memo::new(move |_| {
        said.with(|said| said.as_ref().is_some_and(|said| said.kind == Kind::Strange))
    });
    view! {
        <Show when=move || shown.get()>
            <section
                class="card verdict"
                aria-labelledby="verdict"
                data-kind=move || said.with(|said| said.as_ref().map(|said| said.kind.word()))
            >
                <p class="eyebrow">
                    {move || said.get().map_or_else(|| t("verdict.ready"), |said| said.eyebrow)}
                </p>
                <h2 id="verdict">
                    {move || {
                        said.get()
                            .map_or_else(|| t("verdict.invitation"), |said| said.headline)
                    }}
                </h2>
                {move || {
                    said.get()
                        .and_then(|said| said.reason)
                        .map(|reason| view! { <p class="reason" id="reason">{reason}</p> })
                }}
                <Doubt />
                <Show when=move || refused.get()>
                    <Anyway />
                </Show>
                <Bars refused />
                <EngineLine />
            </section>
        </Show>
    }
}

/// The verdict on the last file in words.
pub fn said(desk: Desk) -> Option<Said> {
    let outcome = desk.outcome.get()?;
    let report = &outcome.report;
    Some(answer::say(
        &outcome.classes,
        &report.probabilities,
        report.verdict,
        threshold(desk).is_some(),
    ))
}

fn threshold(desk: Desk) -> Option<f32> {
    desk.model.with(|model| model.as_ref()?.threshold())
}

/// How sure the answer is, and whether the percentages are calibrated.
#[component]
fn Doubt() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| desk.outcome.read().is_some());
    let uncertainty = move || {
        let value = desk
            .outcome
            .with(|outcome| outcome.as_ref()?.report.uncertainty);
        answer::uncertainty(value, threshold(desk))
    };
    let calibrated = move || {
        let calibrated = desk
            .model
            .with(|model| model.as_ref().is_some_and(|m| m.calibration.is_some()));
        if calibrated {
            t("doubt.calibrated")
        } else {
            t("doubt.not_calibrated")
        }
    };
    view! {
        <Show when=move || shown.get()>
            <dl class="doubt">
                <div>
                    <dt>{tr("doubt.uncertainty")}</dt>
                    <dd id="uncertainty" class="number">
                        {uncertainty}
                    </dd>
                </div>
                <div>
                    <dt>{tr("doubt.percentages")}</dt>
                    <dd id="calibrated">{calibrated}</dd>
                </div>
            </dl>
        </Show>
    }
}

/// Numbers without a verdict mislead: they are there for who asks.
#[component]
fn Anyway() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <button
            type="button"
            class="button anyway"
            id="anyway"
            aria-expanded=move || desk.anyway.get().to_string()
            aria-controls="bars"
            on:click=move |_| desk.anyway.update(|anyway| *anyway = !*anyway)
        >
            {move || if desk.anyway.get() { t("verdict.hide") } else { t("verdict.anyway") }}
        </button>
    }
}

/// One bar per class; choosing one shows that class's heat map.
#[component]
fn Bars(
    /// Whether there is no answer to this picture.
    refused: Memo<bool>,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let classes = Memo::new(move |_| {
        desk.model
            .with(|model| model.as_ref().map(|model| model.classes.clone()))
            .unwrap_or_default()
    });
    let veiled = Memo::new(move |_| refused.get() && !desk.anyway.get());
    view! {
        <fieldset
            class="bars"
            id="bars"
            class:empty=move || desk.outcome.read().is_none()
            class:refused=move || refused.get()
            class:veiled=move || veiled.get()
        >
            <legend>
                {move || {
                    if desk.outcome.read().is_some() {
                        t("verdict.evidence_for")
                    } else {
                        t("verdict.classes")
                    }
                }}
            </legend>
            {move || {
                classes
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(index, class)| view! { <Bar index class veiled /> })
                    .collect_view()
            }}
        </fieldset>
    }
}

#[component]
fn Bar(index: usize, class: String, veiled: Memo<bool>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let probability = move || {
        desk.outcome
            .with(|outcome| outcome.as_ref()?.report.probabilities.get(index).copied())
    };
    let name = class.clone();
    let number = move || probability().filter(|_| !veiled.get());
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
            <span class="name">{move || words::class_title(&name)}</span>
            <span class="number">{move || number().map(words::percent)}</span>
            <span class="track" aria-hidden="true">
                <span
                    class="fill"
                    style:width=move || format!("{:.2}%", probability().unwrap_or(0.0) * 100.0)
                ></span>
            </span>
        </label>
    }
}

/// Which engine runs, how long it took, and which model it was.
#[component]
fn EngineLine() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let line = move || {
        if let Some(outcome) = desk.outcome.get() {
            let time = words::duration(outcome.report.classify_ms);
            return Some(tv(
                "engine.took",
                &[
                    ("engine", outcome.engine.as_str().into()),
                    ("time", time.into()),
                ],
            ));
        }
        let engine = desk.engine.get()?;
        let time = words::duration(engine.load_ms + engine.warm_up_ms);
        Some(tv(
            "engine.ready",
            &[("engine", engine.label.into()), ("time", time.into())],
        ))
    };
    let title = move || {
        desk.model
            .with(|model| model.as_ref().map(|model| model.title.clone()))
    };
    view! {
        <div class="made-by">
            <p class="engine" id="engine">
                {line}
            </p>
            <Show when=move || desk.outcome.read().is_some()>
                <button
                    type="button"
                    class="button"
                    id="report-open"
                    disabled=move || desk.is_ahead()
                    on:click=move |_| desk.with_annex(move |annex| (annex.open_report)(desk))
                >
                    {tr("report.open")}
                </button>
            </Show>
            <p class="model-line">
                <span lang="en">{title}</span>
                <FactsButton />
            </p>
        </div>
    }
}

/// What a result is not.
#[component]
pub fn Caution() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let scope = move || {
        let refuses = desk
            .model
            .with(|model| model.as_ref().is_some_and(|model| model.refuses()));
        if refuses {
            t("caution.scope_refuses")
        } else {
            t("caution.scope_answers")
        }
    };
    view! {
        <section class="card caution" aria-label=tr("caution.label")>
            <p>
                <strong>{tr("caution.strong")}</strong> " " {tr("caution.what")}
            </p>
            <details>
                <summary>{tr("caution.more")}</summary>
                <ul>
                    <li>{scope}</li>
                    <li>{tr("caution.percentage")}</li>
                    <li>{tr("caution.heat")}</li>
                    <li>{tr("caution.device")}</li>
                </ul>
            </details>
        </section>
    }
}
