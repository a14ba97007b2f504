//! Methods by classes: small maps to choose from.

use super::blend::Blend;
use super::{State, method_title};
use crate::canvas::paint;
use crate::focus;
use crate::language::{t, tr, tv};
use crate::pixels;
use crate::state::{Desk, Phase};
use crate::words;
use leptos::html::Canvas;
use leptos::prelude::*;
use scanlight_engine::protocol::Method;

/// The comparison: every method's map of every class, and a blend of two.
#[component]
pub fn Compare() -> impl IntoView {
    let desk = expect_context::<Desk>();
    Effect::new(move |_| {
        // Again after a new result and with a new engine.
        if desk.explain.comparing.get()
            && desk.outcome.read().is_some()
            && desk.phase.get() == Phase::Ready
        {
            for method in Method::ALL.into_iter().filter(|method| !method.is_slow()) {
                desk.want_maps(method);
            }
        }
    });
    let classes = Memo::new(move |_| {
        let outcome = desk.outcome.get();
        outcome
            .map(|outcome| outcome.classes.clone())
            .unwrap_or_default()
    });
    let chosen = move || {
        let class = classes.with(|classes| classes.get(desk.chosen.get()).cloned());
        class.map(|class| {
            tv(
                "explain.on_scan",
                &[
                    ("method", method_title(desk.explain.method.get()).into()),
                    ("class", words::class_title(&class).into()),
                ],
            )
        })
    };
    view! {
        <p class="hint">{tr("explain.hint")}</p>
        <p class="row">
            <span id="on-scan" role="status">
                {chosen}
            </span>
            <button type="button" class="small-button" on:click=move |_| to_scan()>
                {tr("explain.to_scan")}
            </button>
        </p>
        <div
            class="methods"
            role="radiogroup"
            aria-label=tr("explain.maps")
            style:--classes=move || classes.read().len().to_string()
        >
            <div class="method heads" aria-hidden="true">
                <span></span>
                {move || {
                    classes
                        .get()
                        .into_iter()
                        .map(|class| view! { <span>{words::class_title(&class)}</span> })
                        .collect_view()
                }}
            </div>
            {Method::ALL
                .into_iter()
                .map(|method| view! { <Row method classes /> })
                .collect_view()}
        </div>
        <Blend />
    }
}

/// Brings the scan into view.
fn to_scan() {
    if let Some(stage) = document().get_element_by_id("stage") {
        stage.scroll_into_view();
    }
}

/// What there is to know about a method, in a few words.
fn remark(method: Method) -> Option<String> {
    Some(t(match method {
        Method::HiresCam => "method.same_as_grad_cam",
        Method::EigenCam => "method.same_for_all",
        Method::ScoreCam => "method.score_cam",
        Method::Occlusion => "method.occlusion_what",
        _ => return None,
    }))
}

#[component]
fn Row(method: Method, classes: Memo<Vec<String>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let state = desk.explain.state(method);
    let there = Memo::new(move |_| state.with(|state| matches!(state, State::There(_))));
    view! {
        <div class="method" data-method=format!("{method:?}")>
            <p class="method-name">
                <strong>{move || method_title(method)}</strong>
                {move || remark(method).map(|remark| view! { <span class="hint">{remark}</span> })}
            </p>
            <Show when=move || there.get() fallback=move || view! { <Wait method /> }>
                {move || {
                    classes
                        .get()
                        .into_iter()
                        .enumerate()
                        .map(|(index, class)| view! { <Cell method index class /> })
                        .collect_view()
                }}
            </Show>
        </div>
    }
}

/// In place of maps that are not there: a button that asks for them, or how far they have come.
#[component]
fn Wait(method: Method) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let state = desk.explain.state(method);
    let failed = move || match state.get() {
        State::Failed(message) => Some(tv("explain.failed", &[("reason", message.into())])),
        _ => None,
    };
    let asked = Memo::new(move |_| state.with(|state| matches!(state, State::Asked(..))));
    let passes = move || match state.get() {
        State::Asked(_, passes) => passes,
        _ => None,
    };
    let line = move || {
        passes().map(|[tried, count]| {
            tv(
                "explain.passes",
                &[("tried", tried.into()), ("count", count.into())],
            )
        })
    };
    // Where the button with the focus was, the maps are now.
    on_cleanup(move || {
        if has_focus(method) {
            request_animation_frame(move || focus_map(method));
        }
    });
    view! {
        <div class="wait">
            {move || failed().map(|line| view! { <p class="bad-line">{line}</p> })}
            // One button for both: it keeps the focus.
            <Show when=move || !asked.get() || method.is_slow()>
                <button
                    type="button"
                    class="small-button"
                    class:ask=move || !asked.get()
                    class:stop=move || asked.get()
                    on:click=move |_| {
                        if asked.get_untracked() {
                            desk.stop_maps(method);
                        } else {
                            desk.want_maps(method);
                        }
                    }
                >
                    {move || {
                        if asked.get() {
                            t("explain.cancel")
                        } else {
                            tv("explain.compute", &[("method", method_title(method).into())])
                        }
                    }}
                </button>
            </Show>
            <Show when=move || asked.get()>
                <progress
                    aria-label=move || method_title(method)
                    max=move || passes().map(|passes| passes[1].to_string())
                    value=move || passes().map(|passes| passes[0].to_string())
                ></progress>
                <span class="number hint">{line}</span>
            </Show>
        </div>
    }
}

/// Whether the focus is in a method's row.
fn has_focus(method: Method) -> bool {
    document()
        .active_element()
        .and_then(|element| element.closest(".method").ok()?)
        .and_then(|row| row.get_attribute("data-method"))
        .is_some_and(|name| name == format!("{method:?}"))
}

/// Gives the focus to a method's first map.
fn focus_map(method: Method) {
    focus::give(&format!(".method[data-method=\"{method:?}\"] input"));
}

/// A class's map by a method: chosen, it lies on the scan.
#[component]
fn Cell(method: Method, index: usize, class: String) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some(outcome), Some(maps)) =
            (canvas.get(), desk.outcome.get(), desk.explain.maps(method))
        else {
            return;
        };
        if let Some(heat) = maps.heat.get(index) {
            let picture = outcome.report.picture;
            let map = desk.colours();
            let (rgba, size) = pixels::thumbnail(&outcome.grey, picture, heat, maps.size, &map);
            paint(&canvas, &rgba, size);
        }
    });
    let chosen = move || desk.explain.method.get() == method && desk.chosen.get() == index;
    let name = move || {
        tv(
            "explain.cell",
            &[
                ("method", method_title(method).into()),
                ("class", words::class_title(&class).into()),
            ],
        )
    };
    view! {
        <label class="cell" class:chosen=chosen>
            <input
                type="radio"
                class="unseen"
                name="map"
                aria-label=name
                prop:checked=chosen
                on:change=move |_| {
                    desk.chosen.set(index);
                    desk.explain.method.set(method);
                    desk.look.shown.set(true);
                }
            />
            <canvas node_ref=canvas aria-hidden="true"></canvas>
        </label>
    }
}
