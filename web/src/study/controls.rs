//! Which item, plane and slice is shown.

use super::tools::Tools;
use super::{Place, Strip, Troubles};
use crate::language::{decimal, t, tr, tv};
use crate::state::Desk;
use crate::words;
use leptos::prelude::*;
use scanlight_reader::protocol::{Item, Plane, Shape};

/// A plane's name for a person.
pub fn plane_title(plane: Plane) -> String {
    t(match plane {
        Plane::Axial => "plane.axial",
        Plane::Coronal => "plane.coronal",
        Plane::Sagittal => "plane.sagittal",
    })
}

/// Everything around the slice that is shown, where something is open.
#[component]
pub fn StudyControls() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let open = Memo::new(move |_| study.is_open());
    view! {
        <Show when=move || open.get()>
            <section class="study" id="study" aria-label=tr("study.label")>
                <Items />
                <Planes />
                <Scrubber />
                <Tools />
                <Facts />
                <Strip />
                <Troubles />
            </section>
        </Show>
    }
}

/// An item in a few words.
fn item_title(item: &Item) -> String {
    let name = words::short_name(&item.name);
    match &item.shape {
        Shape::Pictures { count: 1, .. } => name,
        Shape::Pictures { count, .. } => tv(
            "study.item_pictures",
            &[("name", name.into()), ("n", (*count).into())],
        ),
        Shape::Volume { slices, .. } => tv(
            "study.item_volume",
            &[
                ("name", name.into()),
                (
                    "size",
                    format!("{} × {} × {}", slices[2], slices[1], slices[0]).into(),
                ),
            ],
        ),
    }
}

/// What was opened, where it is several things.
#[component]
fn Items() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let several = Memo::new(move |_| study.items.read().len() > 1);
    // While other files are being read these are not what a table would be about; and a table that is there is not
    // thrown away for a part of it.
    let offers = Memo::new(move |_| study.reading.read().is_none() && !desk.has_table());
    view! {
        <Show when=move || several.get()>
            <label class="choice wide">
                <span>
                    {move || tv("study.items", &[("n", study.items.read().len().into())])}
                </span>
                <select
                    id="study-item"
                    on:change:target=move |event| {
                        if let Ok(index) = event.target().value().parse() {
                            desk.go_to_item(index);
                        }
                    }
                >
                    {move || {
                        study
                            .items
                            .get()
                            .iter()
                            .enumerate()
                            .map(|(index, item)| {
                                view! {
                                    <option
                                        value=index
                                        selected=move || {
                                            study.place.get().is_some_and(|place| place.item == index)
                                        }
                                    >
                                        {item_title(item)}
                                    </option>
                                }
                            })
                            .collect_view()
                    }}
                </select>
            </label>
            <Show when=move || offers.get()>
                <button
                    type="button"
                    class="button"
                    id="study-table"
                    on:click=move |_| desk.open_table(study.listed())
                >
                    {move || tv("table.open", &[("n", study.items.read().len().into())])}
                </button>
            </Show>
        </Show>
    }
}

/// The three planes of a volume.
#[component]
fn Planes() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let volume = Memo::new(move |_| study.is_volume());
    let plane = Memo::new(move |_| study.place.get().map(|place| place.plane));
    view! {
        <Show when=move || volume.get()>
            <fieldset class="tools" id="planes">
                <legend class="unseen">{tr("study.plane")}</legend>
                {Plane::ALL
                    .into_iter()
                    .map(|each| {
                        view! {
                            <label class="tool">
                                <input
                                    type="radio"
                                    class="unseen"
                                    name="plane"
                                    value=each.word()
                                    prop:checked=move || plane.get() == Some(each)
                                    on:change=move |_| desk.go_to_plane(each)
                                />
                                <span>{move || plane_title(each)}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </fieldset>
        </Show>
    }
}

/// The slider through the slices.
#[component]
fn Scrubber() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let count = Memo::new(move |_| study.count());
    let index = Memo::new(move |_| study.place.get().map_or(0, |place| place.index));
    let text = move || {
        tv(
            "study.slice_of",
            &[("n", (index.get() + 1).into()), ("all", count.get().into())],
        )
    };
    let step = move |steps: i64, key: &'static str, id: &'static str| {
        let end = move || match steps {
            ..0 => index.get() == 0,
            _ => index.get() + 1 >= count.get(),
        };
        view! {
            <button
                type="button"
                class="button step"
                id=id
                aria-label=tr(key)
                aria-disabled=move || end().then_some("true")
                on:click=move |_| desk.go_by(steps)
            >
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d=if steps < 0 { "M10 3L5 8l5 5" } else { "M6 3l5 5-5 5" } />
                </svg>
            </button>
        }
    };
    view! {
        <Show when=move || { count.get() > 1 }>
            <div class="scrubber">
                {step(-1, "study.previous", "slice-previous")}
                <label class="slider">
                    <span>{tr("study.slice")}</span>
                    <input
                        type="range"
                        id="slice"
                        min="1"
                        max=move || count.get().to_string()
                        step="1"
                        prop:value=move || (index.get() + 1).to_string()
                        aria-valuetext=text
                        on:input:target=move |event| {
                            let number = event.target().value().parse::<usize>();
                            if let (Ok(number), Some(place)) = (number, study.place.get_untracked()) {
                                desk.go_to(Place { index: number.saturating_sub(1), ..place });
                            }
                        }
                    />
                    <span class="number" id="slice-text">{text}</span>
                </label>
                {step(1, "study.next", "slice-next")}
            </div>
        </Show>
    }
}

/// What is known of the slice: its thickness, how the patient lies, what else the file holds.
#[component]
fn Facts() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let study = desk.study;
    let lines = move || {
        let Some((item, place)) = study.here() else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        if let Shape::Volume {
            thickness, edges, ..
        } = &item.shape
        {
            let thickness = thickness[place.plane.index()];
            lines.push(tv(
                "study.thickness",
                &[("n", decimal(thickness.into(), 1).into())],
            ));
            if edges.is_none() {
                lines.push(t("study.no_orientation"));
            }
        }
        if item.time_points > 1 {
            lines.push(tv("study.time_points", &[("n", item.time_points.into())]));
        }
        lines
    };
    view! {
        <p class="hint" id="study-facts">
            {move || lines().join(" ")}
        </p>
    }
}
