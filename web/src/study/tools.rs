//! What dragging does, brightness and contrast, and the zoom.

use super::{Tool, Window, Zoom};
use crate::language::{percent_with, t, tr};
use crate::state::Desk;
use leptos::prelude::*;

/// Tools for looking at the slice.
#[component]
pub fn Tools() -> impl IntoView {
    view! {
        <div class="row">
            <Drag />
            <Enlarge />
            <Pan />
        </div>
        <Windows />
    }
}

#[component]
fn Drag() -> impl IntoView {
    let study = expect_context::<Desk>().study;
    view! {
        <fieldset class="tools" id="drag-tools">
            <legend class="unseen">{tr("study.tool")}</legend>
            {Tool::ALL
                .into_iter()
                .map(|tool| {
                    view! {
                        <label class="tool">
                            <input
                                type="radio"
                                class="unseen"
                                name="drag"
                                value=tool.word()
                                prop:checked=move || study.tool.get() == tool
                                on:change=move |_| study.tool.set(tool)
                            />
                            <span>
                                {move || {
                                    t(
                                        match tool {
                                            Tool::Browse => "study.browse",
                                            Tool::Window => "study.window",
                                            Tool::Pan => "study.pan",
                                        },
                                    )
                                }}
                            </span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

#[component]
fn Enlarge() -> impl IntoView {
    let study = expect_context::<Desk>().study;
    let zoom = study.zoom;
    let by = move |factor: f64| zoom.update(|zoom| *zoom = zoom.by(factor, [0.0; 2]));
    view! {
        <div class="zoom" role="group" aria-label=tr("study.zoom")>
            <button
                type="button"
                class="button step"
                id="zoom-out"
                aria-label=tr("study.smaller")
                aria-disabled=move || (zoom.get().factor <= 1.0).then_some("true")
                on:click=move |_| by(1.0 / 1.25)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M3 8h10" />
                </svg>
            </button>
            <span class="number" id="zoom-text">
                {move || percent_with(zoom.get().factor, 0)}
            </span>
            <button
                type="button"
                class="button step"
                id="zoom-in"
                aria-label=tr("study.larger")
                aria-disabled=move || (zoom.get().factor >= Zoom::MOST).then_some("true")
                on:click=move |_| by(1.25)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M3 8h10M8 3v10" />
                </svg>
            </button>
            <button
                type="button"
                class="button"
                id="zoom-reset"
                on:click=move |_| {
                    zoom.set(Zoom::default());
                    study.window.set(Window::File);
                }
            >
                {tr("study.reset")}
            </button>
        </div>
    }
}

/// Moves the enlarged slice without dragging.
#[component]
fn Pan() -> impl IntoView {
    let zoom = expect_context::<Desk>().study.zoom;
    let enlarged = Memo::new(move |_| zoom.read().factor > 1.0);
    /// Of the pane, with each press.
    const STEP: f64 = 0.15;
    // What is further left comes into sight when the slice moves right.
    let ways = [
        ("pan-left", "study.pan_left", [STEP, 0.0], "M10 3L5 8l5 5"),
        ("pan-right", "study.pan_right", [-STEP, 0.0], "M6 3l5 5-5 5"),
        ("pan-up", "study.pan_up", [0.0, STEP], "M3 10l5-5 5 5"),
        ("pan-down", "study.pan_down", [0.0, -STEP], "M3 6l5 5 5-5"),
    ];
    view! {
        <Show when=move || enlarged.get()>
            // As it lies on the screen, in any language.
            <div class="zoom" role="group" dir="ltr" aria-label=tr("study.pan_group")>
                {ways
                    .into_iter()
                    .map(|(id, key, by, path)| {
                        view! {
                            <button
                                type="button"
                                class="button step"
                                id=id
                                aria-label=tr(key)
                                on:click=move |_| zoom.update(|zoom| *zoom = zoom.moved(by))
                            >
                                <svg viewBox="0 0 16 16" aria-hidden="true">
                                    <path d=path />
                                </svg>
                            </button>
                        }
                    })
                    .collect_view()}
            </div>
        </Show>
    }
}

/// Presets, and centre and width as numbers.
#[component]
fn Windows() -> impl IntoView {
    let study = expect_context::<Desk>().study;
    let shown = Memo::new(move |_| {
        let window = study.window.get();
        study.slice.get().map(|slice| slice.shown(window))
    });
    let centre = move || {
        shown
            .get()
            .map_or(0.0, |[black, white]| (black + white) / 2.0)
    };
    let width = move || shown.get().map_or(0.0, |[black, white]| white - black);
    let set = move |centre: f32, width: f32| {
        if let Some(window) = Window::of(centre, width) {
            study.window.set(window);
        }
    };
    view! {
        <div class="row windows">
            <label class="choice">
                <span>{tr("study.shades")}</span>
                <select
                    id="window-preset"
                    on:change:target=move |event| {
                        let chosen = event.target().value();
                        let preset = Window::PRESETS.into_iter().find(|preset| preset.word() == chosen);
                        if let Some(preset) = preset {
                            study.window.set(preset);
                        }
                    }
                >
                    {Window::PRESETS
                        .into_iter()
                        .map(|preset| {
                            view! {
                                <option value=preset.word() selected=move || study.window.get() == preset>
                                    {move || {
                                        t(
                                            match preset {
                                                Window::Full => "study.shades_full",
                                                Window::Bulk => "study.shades_bulk",
                                                _ => "study.shades_file",
                                            },
                                        )
                                    }}
                                </option>
                            }
                        })
                        .collect_view()}
                    <option
                        value="own"
                        disabled=true
                        selected=move || matches!(study.window.get(), Window::Own(_))
                    >
                        {tr("study.shades_own")}
                    </option>
                </select>
            </label>
            <Number
                id="window-centre"
                key="study.centre"
                value=Signal::derive(centre)
                set=move |value| set(value, width())
            />
            <Number
                id="window-width"
                key="study.width"
                value=Signal::derive(width)
                set=move |value| set(centre(), value)
            />
        </div>
        <p class="hint">{tr("study.shades_hint")}</p>
    }
}

#[component]
fn Number(
    id: &'static str,
    /// Its name in the catalogue.
    key: &'static str,
    value: Signal<f32>,
    set: impl Fn(f32) + 'static,
) -> impl IntoView {
    // As many digits as the range deserves: grey values are whole, parametric maps are not.
    let digits = move || if value.get().abs() < 10.0 { 3 } else { 0 };
    let text = move || format!("{:.*}", digits(), value.get());
    view! {
        <label class="choice">
            <span>{tr(key)}</span>
            <input
                type="number"
                id=id
                step="any"
                inputmode="decimal"
                prop:value=text
                on:change:target=move |event| {
                    if let Ok(number) = event.target().value().parse() {
                        set(number);
                    }
                }
            />
        </label>
    }
}
