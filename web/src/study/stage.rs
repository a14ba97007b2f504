//! The pane that the scan lies in: going through slices, brightness, zoom and pan by pointer and wheel, and the
//! letters at the edges.

use super::{Tool, Window};
use crate::state::Desk;
use leptos::ev::{PointerEvent, WheelEvent};
use leptos::html::Div;
use leptos::prelude::*;

/// How many pixels of a dragging finger are a slice.
const PIXELS_A_SLICE: f64 = 24.0;
/// How many pixels a notch of a mouse's wheel is in most browsers, or a little less: one slice.
const PIXELS_A_NOTCH: f64 = 100.0;
/// How many pixels of dragging change the window by the range of the slice's values.
const PIXELS_A_RANGE: f64 = 400.0;

/// Where pointers are down, and what is left of a movement that was no whole slice.
#[derive(Debug, Clone, Default)]
struct Hold {
    /// Identifier and place of each pointer.
    pointers: Vec<(i32, [f64; 2])>,
    rest: f64,
}

/// The pane with what lies in it. For a single picture that was opened alone it is a plain box.
#[component]
pub fn Pane(children: ChildrenFn) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let pane = NodeRef::<Div>::new();
    let hold = StoredValue::new(Hold::default());
    let open = Memo::new(move |_| study.is_open());
    // Fractions of the pane from its centre.
    let place = move |x: i32, y: i32| {
        let area = pane.get_untracked()?.get_bounding_client_rect();
        let at = [
            (f64::from(x) - area.left()) / area.width() - 0.5,
            (f64::from(y) - area.top()) / area.height() - 0.5,
        ];
        at.iter().all(|at| at.is_finite()).then_some(at)
    };
    let browse = move |pixels: f64| {
        let slices = hold
            .try_update_value(|hold| {
                hold.rest += pixels;
                let slices = (hold.rest / PIXELS_A_SLICE).trunc();
                hold.rest -= slices * PIXELS_A_SLICE;
                slices
            })
            .unwrap_or_default();
        if slices != 0.0 {
            #[allow(clippy::cast_possible_truncation)]
            desk.go_by(slices as i64);
        }
    };
    let wheel = move |event: WheelEvent| {
        if !open.get_untracked() {
            return;
        }
        // Lines and pages, where a browser counts in them.
        let unit = match event.delta_mode() {
            0 => 1.0,
            1 => PIXELS_A_NOTCH / 3.0,
            _ => 10.0 * PIXELS_A_NOTCH,
        };
        let turn = event.delta_y() * unit;
        if event.ctrl_key() || event.meta_key() {
            event.prevent_default();
            if let Some(at) = place(event.client_x(), event.client_y()) {
                study
                    .zoom
                    .update(|zoom| *zoom = zoom.by((-turn / 240.0).exp(), at));
            }
        } else if untrack(|| study.count()) > 1 {
            event.prevent_default();
            browse(turn * PIXELS_A_SLICE / PIXELS_A_NOTCH);
        }
    };
    let down = move |event: PointerEvent| {
        if event.button() != 0 || !open.get_untracked() {
            return;
        }
        if let Some(pane) = pane.get_untracked() {
            // Without it a drag ends at the pane's edge.
            let _ = pane.set_pointer_capture(event.pointer_id());
        }
        let at = [f64::from(event.client_x()), f64::from(event.client_y())];
        hold.update_value(|hold| {
            hold.rest = 0.0;
            hold.pointers.retain(|(id, _)| *id != event.pointer_id());
            hold.pointers.push((event.pointer_id(), at));
        });
    };
    let moved = move |event: PointerEvent| {
        let to = [f64::from(event.client_x()), f64::from(event.client_y())];
        let before = hold.with_value(|hold| hold.pointers.clone());
        let Some(number) = before.iter().position(|(id, _)| *id == event.pointer_id()) else {
            return;
        };
        hold.update_value(|hold| {
            if let Some(pointer) = hold.pointers.get_mut(number) {
                pointer.1 = to;
            }
        });
        let from = before[number].1;
        if let [first, second] = before.as_slice() {
            let other = if number == 0 { second.1 } else { first.1 };
            let distance = |a: [f64; 2]| (a[0] - other[0]).hypot(a[1] - other[1]).max(1.0);
            #[allow(clippy::cast_possible_truncation)]
            let middle = [0, 1].map(|axis| ((to[axis] + other[axis]) / 2.0) as i32);
            if let Some(at) = place(middle[0], middle[1]) {
                let factor = distance(to) / distance(from);
                study.zoom.update(|zoom| *zoom = zoom.by(factor, at));
            }
            return;
        }
        let by = [to[0] - from[0], to[1] - from[1]];
        match study.tool.get_untracked() {
            Tool::Browse => browse(by[1]),
            Tool::Pan => {
                if let Some(area) = pane
                    .get_untracked()
                    .map(|pane| pane.get_bounding_client_rect())
                {
                    let by = [
                        by[0] / area.width().max(1.0),
                        by[1] / area.height().max(1.0),
                    ];
                    study.zoom.update(|zoom| *zoom = zoom.moved(by));
                }
            }
            Tool::Window => drag_window(desk, by),
        }
    };
    let up = move |event: PointerEvent| {
        hold.update_value(|hold| hold.pointers.retain(|(id, _)| *id != event.pointer_id()));
    };
    let edges = Memo::new(move |_| {
        let (item, place) = study.here()?;
        item.shape.edges(place.plane)
    });
    let letter = move |edge: usize| edges.get().map(|edges| edges[edge].to_string());
    view! {
        <div
            class="pane"
            id="pane"
            node_ref=pane
            class:open=move || open.get()
            data-tool=move || study.tool.get().word()
            on:wheel=wheel
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=up
            on:pointercancel=up
        >
            <div
                class="lens"
                style:transform=move || open.get().then(|| study.zoom.get().transform())
            >
                {children()}
            </div>
            <Show when=move || edges.get().is_some()>
                <div class="edges" aria-hidden="true">
                    {["at-left", "at-right", "at-top", "at-bottom"]
                        .into_iter()
                        .enumerate()
                        .map(|(edge, class)| view! { <span class=class>{move || letter(edge)}</span> })
                        .collect_view()}
                </div>
            </Show>
        </div>
    }
}

/// Across is contrast, up and down brightness.
fn drag_window(desk: Desk, by: [f64; 2]) {
    let study = desk.study;
    let Some(slice) = study.slice.get_untracked() else {
        return;
    };
    let [black, white] = slice.shown(study.window.get_untracked());
    let [lowest, highest] = slice.extent();
    let range = (highest - lowest).max(f32::MIN_POSITIVE);
    #[allow(clippy::cast_possible_truncation)]
    let change = |pixels: f64| (pixels / PIXELS_A_RANGE) as f32 * range;
    let width = (white - black + change(by[0])).max(range / 1000.0);
    let centre = (black + white) / 2.0 + change(by[1]);
    if let Some(window) = Window::of(centre, width) {
        study.window.set(window);
    }
}
