//! The scan under the brush.

use super::Tool;
use super::pose::Pose;
use crate::canvas::paint;
use crate::language::{percent_with, tr, tv};
use crate::pixels;
use crate::state::Desk;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::{Canvas, Div};
use leptos::prelude::*;

/// How far an arrow key goes, in fractions of the picture.
const STEP: f32 = 0.02;
/// How far it goes with Shift.
const LEAP: f32 = 0.1;

/// What a pointer or a key that is down is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hold {
    Nothing,
    Painting,
    /// Moving the scan: where the pointer went down, and where the scan lay.
    Moving([f32; 2], Pose),
}

/// The changed scan with its heat map; painted on by pointer and keyboard.
#[component]
pub fn Stage() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let poke = desk.poke;
    let frame = NodeRef::<Div>::new();
    let hold = StoredValue::new(Hold::Nothing);
    // Where the keyboard has brought the brush, to be said.
    let said = RwSignal::new(None::<[f32; 2]>);
    let press = move |at: [f32; 2]| match poke.tool.get_untracked() {
        Tool::Brush(brush) => {
            hold.set_value(Hold::Painting);
            #[allow(clippy::cast_precision_loss)]
            let size = poke.size.get_untracked() as f32 / 100.0;
            desk.poke(|editor| editor.begin(brush, size, at));
        }
        Tool::Move => {
            let pose = poke.peek(|editor| editor.pose()).unwrap_or_default();
            hold.set_value(Hold::Moving(at, pose));
        }
    };
    let drag = move |at: [f32; 2]| match hold.get_value() {
        Hold::Nothing => {}
        Hold::Painting => desk.poke(|editor| editor.go_on(at)),
        Hold::Moving(from, pose) => desk.poke(|editor| {
            let shift =
                [0, 1].map(|axis| (pose.shift[axis] + at[axis] - from[axis]).clamp(-0.5, 0.5));
            editor.lay(Pose { shift, ..pose });
        }),
    };
    let release = move || match hold.get_value() {
        Hold::Nothing => {}
        _ => {
            hold.set_value(Hold::Nothing);
            desk.poke(|editor| {
                editor.end();
                editor.settle();
            });
        }
    };
    let place = move |event: &PointerEvent| {
        let area = frame.get_untracked()?.get_bounding_client_rect();
        let x = (f64::from(event.client_x()) - area.left()) / area.width();
        let y = (f64::from(event.client_y()) - area.top()) / area.height();
        (x.is_finite() && y.is_finite()).then_some([x as f32, y as f32])
    };
    let down = move |event: PointerEvent| {
        if event.button() != 0 {
            return;
        }
        if let (Some(frame), Some(at)) = (frame.get_untracked(), place(&event)) {
            // Without it a drag ends at the frame's edge.
            let _ = frame.set_pointer_capture(event.pointer_id());
            press(at);
        }
    };
    let moved = move |event: PointerEvent| {
        if let Some(at) = place(&event) {
            poke.cursor.set(Some(at));
            drag(at);
        }
    };
    let key_down = move |event: KeyboardEvent| {
        let key = event.key();
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let cursor = poke
            .cursor
            .get_untracked()
            .unwrap_or([0.5; 2])
            .map(|at| at.clamp(0.0, 1.0));
        if key == " " {
            event.prevent_default();
            if !event.repeat() && poke.tool.get_untracked() != Tool::Move {
                poke.cursor.set(Some(cursor));
                press(cursor);
            }
            return;
        }
        let step = if event.shift_key() { LEAP } else { STEP };
        let [x, y] = match key.as_str() {
            "ArrowLeft" => [-step, 0.0],
            "ArrowRight" => [step, 0.0],
            "ArrowUp" => [0.0, -step],
            "ArrowDown" => [0.0, step],
            _ => return,
        };
        event.prevent_default();
        if poke.tool.get_untracked() == Tool::Move {
            let pose = poke.peek(|editor| editor.pose()).unwrap_or_default();
            if hold.get_value() == Hold::Nothing {
                hold.set_value(Hold::Moving(cursor, pose));
            }
            let shift = [pose.shift[0] + x, pose.shift[1] + y].map(|at| at.clamp(-0.5, 0.5));
            desk.poke(|editor| editor.lay(Pose { shift, ..pose }));
        } else {
            let cursor = [cursor[0] + x, cursor[1] + y].map(|at| at.clamp(0.0, 1.0));
            poke.cursor.set(Some(cursor));
            said.set(Some(cursor));
            drag(cursor);
        }
    };
    let key_up = move |event: KeyboardEvent| {
        if event.key() == " "
            || event.key().starts_with("Arrow") && hold.get_value() != Hold::Painting
        {
            release();
        }
    };
    let size = move || {
        let size = poke.read(|editor| editor.size()).unwrap_or([1, 1]);
        size.map(|side| f64::from(side.max(1)))
    };
    let ring = move || {
        let shown = poke.tool.get() != Tool::Move;
        poke.cursor.get().filter(|_| shown)
    };
    let diameter = move || {
        let [width, height] = size();
        format!(
            "{:.2}%",
            f64::from(poke.size.get()) * width.max(height) / width
        )
    };
    let percent = move |at: f32| percent_with(f64::from(at), 0);
    view! {
        <div
            class="frame poke-frame"
            class:moves=move || poke.tool.get() == Tool::Move
            id="poke-stage"
            node_ref=frame
            tabindex="0"
            role="application"
            aria-label=tr("poke.stage")
            aria-describedby="poke-keys"
            style:--ratio=move || {
                let [width, height] = size();
                format!("{:.4}", width / height)
            }
            on:pointerdown=down
            on:pointermove=moved
            on:pointerup=move |_| release()
            on:pointercancel=move |_| release()
            on:pointerleave=move |_| {
                if hold.get_value() == Hold::Nothing {
                    poke.cursor.set(None);
                }
            }
            on:keydown=key_down
            on:keyup=key_up
            on:blur=move |_| release()
        >
            <Pictures />
            <span
                class="brush"
                aria-hidden="true"
                hidden=move || ring().is_none()
                style:left=move || ring().map(|at| format!("{:.2}%", at[0] * 100.0))
                style:top=move || ring().map(|at| format!("{:.2}%", at[1] * 100.0))
                style:width=diameter
            ></span>
        </div>
        <p class="unseen" role="status">
            {move || {
                said.get()
                    .map(|[x, y]| tv("poke.at", &[("left", percent(x).into()), ("top", percent(y).into())]))
            }}
        </p>
    }
}

/// The scan as it lies, and the chosen class's map over it: the last result's until there is a newer answer.
#[component]
fn Pictures() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let scan = NodeRef::<Canvas>::new();
    let heat = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        let picture = desk.poke.read(|editor| (editor.view(), editor.size()));
        if let (Some(canvas), Some((grey, size))) = (scan.get(), picture) {
            paint(&canvas, &pixels::from_grey(&grey), size);
        }
    });
    Effect::new(move |_| {
        let (Some(canvas), Some(outcome)) = (heat.get(), desk.outcome.get()) else {
            return;
        };
        let class = desk.chosen.get();
        let colours = desk.colours();
        let draw = |map: Option<&Vec<u8>>, size: [u32; 2]| {
            if let Some(map) = map {
                paint(&canvas, &pixels::from_heat(map, &colours), size);
            }
        };
        match desk.poke.answer.get() {
            Some(answer) => draw(answer.heat.get(class), answer.report.heat),
            None => {
                let maps = desk
                    .explain
                    .maps(scanlight_engine::protocol::Method::GradCam);
                let map = maps.as_ref().and_then(|maps| maps.heat.get(class));
                draw(map, outcome.report.heat);
            }
        }
    });
    view! {
        <canvas id="poke-scan" node_ref=scan aria-hidden="true"></canvas>
        <canvas
            id="poke-heat"
            node_ref=heat
            aria-hidden="true"
            hidden=move || !desk.look.shown.get()
            style:opacity=move || desk.look.opacity()
        ></canvas>
    }
}
