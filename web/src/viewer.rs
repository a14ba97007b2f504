//! The viewer: a drop zone first, then the scan with its heat map ([`crate::heat`]).

use crate::annex::{Part, Quiet};
use crate::canvas::paint;
use crate::heat::{self, Contour, HeatControls};
use crate::intake;
use crate::language::{decimal, tr, tv};
use crate::pixels;
use crate::state::{Desk, Name, Outcome, Phase};
use crate::study::Pane;
use crate::verdict;
use leptos::html::{Button, Canvas, Div, Input};
use leptos::prelude::*;
use std::sync::Arc;
use web_sys::FocusOptions;

/// The viewer and the controls of the heat map.
#[component]
pub fn Viewer() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let picker = NodeRef::<Input>::new();
    let folder = NodeRef::<Input>::new();
    let zone_used = StoredValue::new(false);
    let pick = move || {
        zone_used.set_value(true);
        if let Some(input) = picker.get_untracked() {
            input.click();
        }
    };
    let pick_folder = move || {
        zone_used.set_value(true);
        if let Some(input) = folder.get_untracked() {
            input.click();
        }
    };
    let filled =
        Memo::new(move |_| desk.outcome.read().is_some() || desk.study.slice.read().is_some());
    let stage = NodeRef::<Div>::new();
    Effect::new(move |before: Option<u32>| {
        let visits = desk.workbench.visits.get();
        // The table is above: show what one of its rows opens.
        if before.is_some_and(|before| visits > before) {
            stage.with_untracked(|stage| stage.iter().for_each(|stage| stage.scroll_into_view()));
        }
        visits
    });
    Effect::new(move |_| {
        // On a phone the samples are far below: show what was asked for. Where it is, is asked when the browser has
        // placed everything anyway.
        if let (Some(stage), Some(_)) = (stage.get(), desk.outcome.get()) {
            request_animation_frame(move || {
                if stage.get_bounding_client_rect().top() < 0.0 {
                    stage.scroll_into_view();
                }
            });
        }
    });
    view! {
        <section class="viewer" aria-label=tr("viewer.label")>
            <input
                type="file"
                id="file"
                class="unseen"
                tabindex="-1"
                aria-hidden="true"
                multiple=true
                node_ref=picker
                on:change=move |_| {
                    if let Some(input) = picker.get_untracked() {
                        intake::picked(desk, &input);
                    }
                }
            />
            <input
                type="file"
                id="folder"
                class="unseen"
                tabindex="-1"
                aria-hidden="true"
                prop:webkitdirectory=true
                node_ref=folder
                on:change=move |_| {
                    if let Some(input) = folder.get_untracked() {
                        intake::picked(desk, &input);
                    }
                }
            />
            <div class="stage" id="stage" class:filled=move || filled.get() node_ref=stage>
                <Show when=move || filled.get() fallback=move || view! { <DropZone pick /> }>
                    <Pane>
                        <Screen />
                    </Pane>
                </Show>
                <Activity />
            </div>
            <Glance />
            <Show
                when=move || filled.get()
                fallback=move || {
                    view! {
                        <FolderButton pick=pick_folder />
                        <p class="hint">{tr("drop.more")}</p>
                    }
                }
            >
                <Caption pick pick_folder focus=zone_used />
            </Show>
            <Quiet part=Part::Study />
            <Show when=move || filled.get()>
                <HeatControls />
            </Show>
        </section>
    }
}

#[component]
fn FolderButton(pick: impl Fn() + Copy + 'static) -> impl IntoView {
    view! {
        <button type="button" class="button plain" id="pick-folder" on:click=move |_| pick()>
            {tr("drop.folder")}
        </button>
    }
}

#[component]
fn DropZone(pick: impl Fn() + Copy + 'static) -> impl IntoView {
    view! {
        <button type="button" class="drop-zone" id="drop-zone" on:click=move |_| pick()>
            <svg viewBox="0 0 48 48" aria-hidden="true">
                <path d="M24 31V9m0 0l-8 8m8-8l8 8" />
                <path d="M8 30v7a3 3 0 003 3h26a3 3 0 003-3v-7" />
            </svg>
            // The style sheet shows the words for the device: a phone has nothing to drop from.
            <span class="lead by-mouse">{tr("drop.lead")}</span>
            <span class="by-mouse">{tr("drop.or")}</span>
            <span class="lead by-touch">{tr("drop.touch")}</span>
            <span class="formats">"PNG · JPEG · WebP · BMP · TIFF · DICOM · NIfTI · ZIP"</span>
        </button>
    }
}

/// The scan and, above it, the heat map of the chosen class.
#[component]
fn Screen() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let base = NodeRef::<Canvas>::new();
    let overlay = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        let Some(canvas) = base.get() else { return };
        if let Some(slice) = desk.study.slice.get() {
            let grey = slice.grey(desk.study.window.get());
            paint(&canvas, &pixels::from_grey(&grey), slice.size);
        } else if let Some(outcome) = desk.outcome.get() {
            let rgba = pixels::from_grey(&outcome.grey);
            paint(&canvas, &rgba, outcome.report.picture);
        }
    });
    // While another slice is shown than the one that was classified, its map would lie.
    let fits = Memo::new(move |_| !desk.is_ahead());
    Effect::new(move |_| {
        let (Some(canvas), Some(maps)) = (overlay.get(), desk.shown_maps()) else {
            return;
        };
        if let Some(heat) = maps.heat.get(desk.chosen.get()) {
            let rgba = match desk.second_heat() {
                Some(second) => pixels::from_two(heat, &second),
                None => pixels::from_heat(heat, &desk.colours()),
            };
            paint(&canvas, &rgba, maps.size);
        }
    });
    let ratio = move || {
        let slice = desk
            .study
            .slice
            .with(|slice| slice.as_ref().map(|slice| slice.size));
        let [width, height] = slice.unwrap_or_else(|| picture_size(desk.outcome.get()));
        format!("{:.4}", f64::from(width) / f64::from(height))
    };
    let peak = move || heat::peak(desk).filter(|_| desk.look.shown.get() && fits.get());
    let place = move |axis: usize| peak().map(|peak| format!("{:.2}%", peak[axis] * 100.0));
    view! {
        <div class="frame" style:--ratio=ratio>
            <canvas
                id="scan"
                node_ref=base
                role="img"
                aria-label=move || {
                    desk.outcome.get().map(|outcome| tv("viewer.scan", &[("name", outcome.name.text().into())]))
                }
            ></canvas>
            <canvas
                id="overlay"
                node_ref=overlay
                role="img"
                aria-describedby="heat-text"
                aria-label=move || heat::label(desk)
                hidden=move || !(desk.look.shown.get() && fits.get())
                style:opacity=move || desk.look.opacity()
            ></canvas>
            <Show when=move || fits.get()>
                <Contour />
            </Show>
            <span
                class="peak"
                aria-hidden="true"
                hidden=move || peak().is_none()
                style:left=move || place(0)
                style:top=move || place(1)
            ></span>
        </div>
    }
}

/// The verdict in one line, where the style sheet finds the verdict itself too far away. Screen readers hear that.
#[component]
fn Glance() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let said = move || verdict::said(desk).filter(|_| !desk.is_ahead());
    move || {
        said().map(|said| {
            view! {
                <p class="glance" aria-hidden="true" data-kind=said.kind.word()>
                    {said.headline}
                </p>
            }
        })
    }
}

/// What is going on, over whatever the stage shows.
#[component]
fn Activity() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let reading = move || {
        desk.study
            .reading
            .get()
            .map(|[done, all]| tv("study.reading", &[("n", done.into()), ("all", all.into())]))
    };
    let answered = move || desk.outcome.read().is_some();
    let line = move || match (desk.phase.get(), desk.waiting.get()) {
        _ if desk.study.reading.read().is_some() => reading(),
        // Scrolling through slices needs no notice of each.
        (Phase::Working(Name::Slice { .. }), _) if answered() => None,
        (Phase::Working(name), _) => Some(line_about("viewer.reading", &name)),
        (Phase::Loading, Some(name)) => Some(line_about("viewer.waits", &name)),
        _ => None,
    };
    view! {
        {move || {
            line()
                .map(|line| {
                    view! {
                        <p class="activity" aria-hidden="true">
                            <span class="spinner"></span>
                            {line}
                        </p>
                    }
                })
        }}
    }
}

/// What is shown, and the buttons for another file or folder.
#[component]
fn Caption(
    pick: impl Fn() + Copy + 'static,
    pick_folder: impl Fn() + Copy + 'static,
    /// Whether the drop zone, which has gone, had the focus.
    focus: StoredValue<bool>,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let button = NodeRef::<Button>::new();
    Effect::new(move |_| {
        if let (Some(button), true) = (button.get(), focus.get_value()) {
            // Without it the focus is at the top of the page: a nuisance, no failure.
            let _ = button.focus();
        }
    });
    let text = move || {
        desk.outcome.get().map(|outcome| {
            let [width, height] = outcome.report.image;
            (
                outcome.name.short(),
                tv(
                    "viewer.size",
                    &[
                        ("width", decimal(width.into(), 0).into()),
                        ("height", decimal(height.into(), 0).into()),
                    ],
                ),
            )
        })
    };
    view! {
        <div class="caption">
            <p>
                <span id="file-name">{move || text().map(|text| text.0)}</span>
                <span class="number" dir="ltr">{move || text().map(|text| text.1)}</span>
            </p>
            <TableButton />
            <FolderButton pick=pick_folder />
            <button type="button" class="button" id="open-another" node_ref=button on:click=move |_| pick()>
                {tr("viewer.open_another")}
            </button>
        </div>
    }
}

/// The way back to the table whose row is shown.
#[component]
fn TableButton() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| desk.workbench.visits.get() > 0 && desk.has_table());
    let button = NodeRef::<Button>::new();
    Effect::new(move |before: Option<u32>| {
        let visits = desk.workbench.visits.get();
        if let Some(button) = button.get()
            && visits > before.unwrap_or_default()
        {
            // Without it the focus stays on the row: a nuisance, no failure.
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = button.focus_with_options(&options);
            return visits;
        }
        before.unwrap_or_default().min(visits)
    });
    view! {
        <Show when=move || shown.get()>
            <button
                type="button"
                class="button"
                id="to-table"
                node_ref=button
                on:click=move |_| desk.back_to_table()
            >
                {tr("table.back")}
            </button>
        </Show>
    }
}

fn line_about(key: &str, name: &Name) -> String {
    tv(key, &[("name", name.short().into())])
}

fn picture_size(outcome: Option<Arc<Outcome>>) -> [u32; 2] {
    outcome
        .map(|outcome| outcome.report.picture)
        .filter(|[width, height]| *width > 0 && *height > 0)
        .unwrap_or([1, 1])
}
