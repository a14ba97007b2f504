//! A case's scan; after the guess with the heat map and the true box over it, and both in words.

use super::room::Room;
use crate::bench::queue::Whole;
use crate::canvas::paint;
use crate::heat::Look;
use crate::language::{percent_with, t, tr, tv};
use crate::pixels;
use crate::words::evidence::{self, Frame};
use leptos::html::Canvas;
use leptos::prelude::*;
use scanlight_engine::protocol::{Method, Verdict};

/// The picture of the case of this index.
#[component]
pub fn Picture(room: Room, index: usize, guess: Memo<Option<usize>>) -> impl IntoView {
    let Some(answer) = room.answer(index) else {
        return ().into_any();
    };
    let Some(whole) = answer.whole.clone() else {
        return ().into_any();
    };
    let [width, height] = whole.report.picture;
    let ratio = format!("{:.4}", f64::from(width.max(1)) / f64::from(height.max(1)));
    let scan = NodeRef::<Canvas>::new();
    let grey = pixels::from_grey(&whole.grey);
    Effect::new(move |_| {
        if let Some(canvas) = scan.get() {
            paint(&canvas, &grey, [width, height]);
        }
    });
    let revealed = Memo::new(move |_| guess.get().is_some());
    let [heat_shown, box_shown] = room.shows;
    let whole = StoredValue::new(whole);
    view! {
        <div class="lesson-picture">
            <div class="lesson-stage">
                <div class="frame" style:--ratio=ratio>
                    <canvas
                        id="lesson-scan"
                        role="img"
                        node_ref=scan
                        aria-label=move || tv("lesson.picture", &[("n", (index + 1).into())])
                    ></canvas>
                    <Show when=move || revealed.get() && heat_shown.get()>
                        <Heat room whole />
                    </Show>
                    <Show when=move || revealed.get() && box_shown.get()>
                        <TrueBox room index />
                    </Show>
                </div>
            </div>
            <Show when=move || revealed.get()>
                <div class="row lesson-switches">
                    <Switch id="lesson-heat-shown" key="heat.shown" on=heat_shown />
                    {room
                        .place(index)
                        .is_some()
                        .then(|| view! { <Switch id="lesson-box-shown" key="lesson.box" on=box_shown /> })}
                </div>
                <p class="hint" id="lesson-box-text">
                    {move || box_in_words(room, index)}
                </p>
                <p class="hint" id="lesson-heat-text">
                    {move || whole.with_value(|whole| heat_in_words(room, whole))}
                </p>
            </Show>
        </div>
    }
    .into_any()
}

#[component]
fn Switch(id: &'static str, key: &'static str, on: RwSignal<bool>) -> impl IntoView {
    view! {
        <label class="switch">
            <input type="checkbox" id=id prop:checked=move || on.get() on:change=move |_| on.update(|on| *on = !*on) />
            {tr(key)}
        </label>
    }
}

/// The map of the most probable class, in the colours that were chosen on the page.
#[component]
fn Heat(room: Room, whole: StoredValue<Whole>) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    let look = Look::new();
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        whole.with_value(|whole| {
            let colours = look.colours.get_untracked();
            let map = whole
                .colour_maps
                .chunks_exact(768)
                .nth(colours)
                .unwrap_or_default();
            paint(
                &canvas,
                &pixels::from_heat(&whole.heat, map),
                whole.report.heat,
            );
        });
    });
    let label = move || {
        let class = whole.with_value(|whole| whole.report.predicted);
        let class = room
            .classes
            .with_value(|classes| super::class_title(classes, class));
        let method = Method::GradCam.title().unwrap_or_default();
        tv(
            "heat.label",
            &[("class", class.into()), ("method", method.into())],
        )
    };
    view! {
        <canvas
            id="lesson-heat"
            role="img"
            node_ref=canvas
            aria-label=label
            aria-describedby="lesson-heat-text"
            style:opacity=move || look.opacity()
        ></canvas>
    }
}

/// The true box, as a line that is seen on any grey.
#[component]
fn TrueBox(room: Room, index: usize) -> impl IntoView {
    room.place(index).map(|[left, top, width, height]| {
        let [x, y, wide, high] =
            [left, top, width, height].map(|share| format!("{:.3}", share * 100.0));
        let line = move |class: &'static str| {
            let [x, y, wide, high] = [&x, &y, &wide, &high].map(String::clone);
            view! { <rect class=class x=x y=y width=wide height=high /> }
        };
        view! {
            <svg
                class="true-box"
                id="lesson-box"
                role="img"
                aria-label=tr("lesson.box")
                aria-describedby="lesson-box-text"
                viewBox="0 0 100 100"
                preserveAspectRatio="none"
            >
                {line("edge")}
                {line("line")}
            </svg>
        }
    })
}

/// Where the true box is, and whether the map is strongest there.
fn box_in_words(room: Room, index: usize) -> String {
    let Some([left, top, width, height]) = room.place(index) else {
        return t("lesson.no_box");
    };
    // Fractions need no more digits than that.
    #[allow(clippy::cast_possible_truncation)]
    let middle = [left + width / 2.0, top + height / 2.0].map(|share| share as f32);
    let share = |share: f64| percent_with(share.clamp(0.0, 1.0), 0);
    let place = tv(
        "lesson.box_words",
        &[
            ("place", evidence::quadrant(middle).into()),
            ("left", share(left).into()),
            ("right", share(left + width).into()),
            ("top", share(top).into()),
            ("bottom", share(top + height).into()),
        ],
    );
    match room.hit(index) {
        Some(true) => format!("{place} {}", t("lesson.box_hit")),
        Some(false) => format!("{place} {}", t("lesson.box_missed")),
        None => place,
    }
}

/// What the map shows.
fn heat_in_words(room: Room, whole: &Whole) -> Option<String> {
    let report = &whole.report;
    let frame = match (report.cut_out, report.verdict) {
        (false, _) => Frame::Picture,
        (true, Verdict::Strange { .. }) => Frame::Part,
        (true, _) => Frame::Head,
    };
    room.classes.with_value(|classes| {
        evidence::describe(classes, &report.evidence, report.predicted, frame)
    })
}
