//! Tools, sliders and buttons around the scan under the brush.

use super::brush::Brush;
use super::pose::Pose;
use super::stage::Stage;
use super::table::Table;
use super::{Poke, Tool};
use crate::language::{decimal, percent_with, t, tr, tv};
use crate::state::{Desk, Phase};
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

/// The scan under the brush, its tools, and the answer.
#[component]
pub fn Bench() -> impl IntoView {
    let desk = expect_context::<Desk>();
    Effect::new(move |_| {
        // Again after a new result.
        if desk.poke.open.get() && desk.outcome.read().is_some() {
            desk.poke_start();
        }
    });
    Effect::new(move |_| {
        if desk.phase.get() == Phase::Ready && desk.engine.read().is_some() {
            desk.poke_go_on();
        }
    });
    let keys = move |event: KeyboardEvent| {
        if !(event.ctrl_key() || event.meta_key()) || event.alt_key() {
            return;
        }
        match (event.key().to_lowercase().as_str(), event.shift_key()) {
            ("z", false) => desk.poke(|editor| editor.undo()),
            ("z", true) | ("y", false) => desk.poke(|editor| editor.redo()),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <p class="hint">{tr("poke.hint")}</p>
        <div class="poke-bench" on:keydown=keys>
            <div class="bench-scan">
                <Stage />
                <p class="hint" id="poke-keys">
                    {tr("poke.keys")}
                </p>
            </div>
            <div class="bench-tools">
                <Tools />
                <Lay />
                <Buttons />
                <Table />
            </div>
        </div>
    }
}

fn tool_title(tool: Tool) -> String {
    t(match tool {
        Tool::Brush(Brush::Erase) => "poke.erase",
        Tool::Brush(Brush::Blur) => "poke.blur",
        Tool::Brush(Brush::Brighten) => "poke.brighten",
        Tool::Move => "poke.move",
    })
}

#[component]
fn Tools() -> impl IntoView {
    let poke = expect_context::<Desk>().poke;
    let size = move || percent_with(f64::from(poke.size.get()) / 100.0, 0);
    view! {
        <fieldset class="tools">
            <legend class="unseen">{tr("poke.tool")}</legend>
            {Tool::ALL
                .into_iter()
                .map(|tool| {
                    view! {
                        <label class="tool">
                            <input
                                type="radio"
                                class="unseen"
                                name="tool"
                                prop:checked=move || poke.tool.get() == tool
                                on:change=move |_| poke.tool.set(tool)
                            />
                            <span>{move || tool_title(tool)}</span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
        <label class="slider">
            <span>{tr("poke.size")}</span>
            <input
                type="range"
                id="brush-size"
                min="2"
                max="50"
                step="2"
                prop:value=move || poke.size.get().to_string()
                aria-valuetext=size
                disabled=move || poke.tool.get() == Tool::Move
                on:input:target=move |event| {
                    if let Ok(size) = event.target().value().parse() {
                        poke.size.set(size);
                    }
                }
            />
            <span class="number">{size}</span>
        </label>
    }
}

/// Where the scan lies.
#[component]
fn Lay() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let pose = move || pose(desk.poke);
    let degrees = move || {
        tv(
            "poke.degrees",
            &[("n", decimal(pose().angle.into(), 0).into())],
        )
    };
    let percent = move |axis: usize| percent_with(pose().shift[axis].into(), 0);
    let shift = move |axis: usize, value: f32| {
        desk.poke(|editor| {
            let mut pose = editor.pose();
            pose.shift[axis] = value / 100.0;
            editor.lay(pose);
        });
    };
    view! {
        <Slide
            id="turn"
            key="poke.turn"
            reach=180
            value=Signal::derive(move || pose().angle)
            text=Signal::derive(degrees)
            set=move |angle| {
                desk.poke(|editor| {
                    let pose = editor.pose();
                    editor.lay(Pose { angle, ..pose });
                });
            }
        />
        <Slide
            id="shift-x"
            key="poke.across"
            reach=50
            value=Signal::derive(move || pose().shift[0] * 100.0)
            text=Signal::derive(move || percent(0))
            set=move |value| shift(0, value)
        />
        <Slide
            id="shift-y"
            key="poke.down"
            reach=50
            value=Signal::derive(move || pose().shift[1] * 100.0)
            text=Signal::derive(move || percent(1))
            set=move |value| shift(1, value)
        />
        <label class="switch">
            <input
                type="checkbox"
                id="mirror"
                prop:checked=move || pose().mirrored
                on:change:target=move |event| {
                    let mirrored = event.target().checked();
                    desk.poke(|editor| {
                        let pose = editor.pose();
                        editor.lay(Pose { mirrored, ..pose });
                        editor.settle();
                    });
                }
            />
            {tr("poke.mirror")}
        </label>
    }
}

fn pose(poke: Poke) -> Pose {
    poke.read(|editor| editor.pose()).unwrap_or_default()
}

/// A slider around 0.
#[component]
fn Slide(
    id: &'static str,
    /// Its name in the catalogue.
    key: &'static str,
    /// How far it goes to either side.
    reach: i32,
    value: Signal<f32>,
    /// The value in words.
    text: Signal<String>,
    set: impl Fn(f32) + 'static,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let low = -reach;
    view! {
        <label class="slider">
            <span>{tr(key)}</span>
            <input
                type="range"
                id=id
                min=low
                max=reach
                step="1"
                prop:value=move || value.get().round().to_string()
                aria-valuetext=move || text.get()
                on:input:target=move |event| {
                    if let Ok(value) = event.target().value().parse() {
                        set(value);
                    }
                }
                on:change=move |_| desk.poke(|editor| editor.settle())
            />
            <span class="number">{move || text.get()}</span>
        </label>
    }
}

#[component]
fn Buttons() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let can = move |which: usize| {
        desk.poke
            .read(|editor| editor.can()[which])
            .unwrap_or(false)
    };
    let touched = move || {
        desk.poke
            .read(|editor| !editor.is_untouched())
            .unwrap_or(false)
    };
    view! {
        <div class="row">
            <button
                type="button"
                class="button"
                id="undo"
                aria-disabled=move || (!can(0)).to_string()
                aria-keyshortcuts="Control+Z"
                on:click=move |_| desk.poke(|editor| editor.undo())
            >
                {tr("poke.undo")}
            </button>
            <button
                type="button"
                class="button"
                id="redo"
                aria-disabled=move || (!can(1)).to_string()
                aria-keyshortcuts="Control+Shift+Z"
                on:click=move |_| desk.poke(|editor| editor.redo())
            >
                {tr("poke.redo")}
            </button>
            <button
                type="button"
                class="button"
                id="reset"
                aria-disabled=move || (!touched()).to_string()
                on:click=move |_| desk.poke(|editor| editor.reset())
            >
                {tr("poke.reset")}
            </button>
        </div>
    }
}
