//! The controls of the heat map, and the same in words.

use super::{colours_title, in_words};
use crate::canvas::paint;
use crate::language::{percent_with, tr};
use crate::state::Desk;
use leptos::html::Canvas;
use leptos::prelude::*;
use scanlight_engine::protocol::COLOUR_MAPS;

/// Switches, sliders and colours of the heat map, and the same in words.
#[component]
pub fn HeatControls() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let look = desk.look;
    view! {
        <div class="heat">
            <label class="switch">
                <input
                    type="checkbox"
                    id="heat-shown"
                    prop:checked=move || look.shown.get()
                    on:change:target=move |event| look.shown.set(event.target().checked())
                />
                {tr("heat.shown")}
            </label>
            <Percent id="opacity" key="heat.opacity" value=look.opacity low=0 enabled=look.shown />
            <Scale />
            <label class="choice">
                <span>{tr("heat.colours")}</span>
                <select id="colours" on:change:target=move |event| look.choose(&event.target().value())>
                    {COLOUR_MAPS
                        .iter()
                        .enumerate()
                        .map(|(index, name)| {
                            view! {
                                <option value=*name selected=move || look.colours.get() == index>
                                    {move || colours_title(name)}
                                </option>
                            }
                        })
                        .collect_view()}
                </select>
            </label>
            <label class="switch">
                <input
                    type="checkbox"
                    id="contour"
                    prop:checked=move || look.contour.get()
                    on:change:target=move |event| look.contour.set(event.target().checked())
                />
                {tr("heat.contour")}
            </label>
            <Show when=move || look.contour.get()>
                <Percent id="level" key="heat.level" value=look.level low=5 enabled=look.contour />
            </Show>
        </div>
        <div class="heat-words">
            <label class="switch">
                <input
                    type="checkbox"
                    id="words-shown"
                    prop:checked=move || desk.words_shown.get()
                    on:change:target=move |event| desk.words_shown.set(event.target().checked())
                />
                {tr("heat.in_words")}
            </label>
            <p class="heat-text" class:unseen=move || !desk.words_shown.get() id="heat-text">
                {move || in_words(desk)}
            </p>
        </div>
    }
}

/// A slider in per cent.
#[component]
fn Percent(
    id: &'static str,
    /// Its name in the catalogue.
    key: &'static str,
    value: RwSignal<u32>,
    /// The smallest value.
    low: u32,
    enabled: RwSignal<bool>,
) -> impl IntoView {
    let text = move || percent_with(f64::from(value.get()) / 100.0, 0);
    view! {
        <label class="slider">
            <span>{tr(key)}</span>
            <input
                type="range"
                id=id
                min=low
                max="100"
                step="5"
                prop:value=move || value.get().to_string()
                aria-valuetext=text
                disabled=move || !enabled.get()
                on:input:target=move |event| {
                    if let Ok(number) = event.target().value().parse() {
                        value.set(number);
                    }
                }
            />
            <span class="number">{text}</span>
        </label>
    }
}

/// The colours from low to high.
#[component]
fn Scale() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let scale = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let Some(canvas) = scale.get() {
            let rgba: Vec<u8> = desk
                .colours()
                .chunks_exact(3)
                .flat_map(|colour| [colour[0], colour[1], colour[2], 255])
                .collect();
            let width = u32::try_from(rgba.len() / 4).unwrap_or(0);
            if width > 0 {
                paint(&canvas, &rgba, [width, 1]);
            }
        }
    });
    let legend = move || {
        let (method, class) = desk.explain.second.get()?;
        Some(view! {
            <ul class="legend">
                <li class="first">{desk.map_title(desk.explain.method.get(), desk.chosen.get())}</li>
                <li class="second">{desk.map_title(method, class)}</li>
                <li class="both">{tr("explain.both")}</li>
            </ul>
        })
    };
    let single = Memo::new(move |_| desk.explain.second.read().is_none());
    view! {
        <Show when=move || single.get() fallback=legend>
            <p class="scale" aria-hidden="true">
                <span>{tr("heat.low")}</span>
                <canvas node_ref=scale></canvas>
                <span>{tr("heat.high")}</span>
            </p>
        </Show>
    }
}
