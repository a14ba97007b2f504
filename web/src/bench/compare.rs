//! Two models on one scan, side by side.

mod run;

use super::given::Given;
use crate::canvas::paint;
use crate::finding::Finding;
use crate::heat::Look;
use crate::language::{decimal, t, tr, tv};
use crate::model::Manifest;
use crate::pixels;
use crate::words;
use crate::words::answer::Kind;
use leptos::html::Canvas;
use leptos::prelude::*;
use run::{Duel, Side, Stage};
use std::sync::Arc;

/// Both answers, one beside the other.
#[component]
pub fn Compare(given: Given) -> impl IntoView {
    let Some(duel) = Duel::new(given) else {
        return view! { <p role="alert" class="bad-line">{tr("compare.nothing")}</p> }.into_any();
    };
    let look = Look::new();
    // By name: the models need not have the same classes.
    let chosen = RwSignal::new(None::<String>);
    let shown = Memo::new(move |_| {
        chosen.get().or_else(|| {
            let first = duel.sides[0].get()?;
            first.finding.classes.get(first.finding.chosen).cloned()
        })
    });
    let classes = StoredValue::new(duel.models.with_value(union));
    view! {
        <div class="compare" data-status=move || duel.stage.with(Stage::word)>
            <p class="compare-scan" dir="auto">{duel.name.get_value()}</p>
            <p role="status" id="compare-said" class:bad-line=move || duel.stage.with(Stage::is_bad)>
                {move || said(duel)}
            </p>
            <Show when=move || duel.both().is_some()>
                <Numbers duel classes />
                <fieldset class="compare-classes">
                    <legend>{tr("verdict.evidence_for")}</legend>
                    {classes
                        .get_value()
                        .into_iter()
                        .map(|class| {
                            let own = class.clone();
                            let title = class.clone();
                            view! {
                                <label>
                                    <input
                                        type="radio"
                                        name="compare-class"
                                        value=class.clone()
                                        prop:checked=move || shown.read().as_ref() == Some(&own)
                                        on:change=move |_| chosen.set(Some(class.clone()))
                                    />
                                    {move || words::class_title(&title)}
                                </label>
                            }
                        })
                        .collect_view()}
                </fieldset>
            </Show>
            <div class="compare-sides">
                {(0..2)
                    .map(|index| view! { <OneSide duel index shown look /> })
                    .collect_view()}
            </div>
        </div>
    }
    .into_any()
}

/// All classes of both models, those of the first in its order.
fn union(models: &[Arc<Manifest>; 2]) -> Vec<String> {
    let mut classes = models[0].classes.clone();
    for class in &models[1].classes {
        if !classes.contains(class) {
            classes.push(class.clone());
        }
    }
    classes
}

/// How far it has come, and then whether they agree.
fn said(duel: Duel) -> String {
    match duel.stage.get() {
        Stage::Working(index) => tv("compare.working", &[("title", duel.title(index).into())]),
        Stage::Failed(line) => line.text(),
        Stage::Done => {
            let Some([first, second]) = duel.both() else {
                return String::new();
            };
            let [a, b] = [(0, &first), (1, &second)].map(|(index, side)| {
                let model = duel.models.with_value(|models| Arc::clone(&models[index]));
                (side.finding.said(&model), side)
            });
            let class = |(said, side): &(words::answer::Said, &Arc<Side>)| {
                (said.kind == Kind::Class)
                    .then(|| {
                        side.finding
                            .classes
                            .get(side.finding.report.predicted)
                            .cloned()
                    })
                    .flatten()
            };
            match (class(&a), class(&b)) {
                (Some(x), Some(y)) if x == y => {
                    tv("compare.agree", &[("class", words::class_title(&x).into())])
                }
                (None, None) if a.0.kind == Kind::Strange && b.0.kind == Kind::Strange => {
                    t("compare.both_refuse")
                }
                _ => tv(
                    "compare.differ",
                    &[
                        ("first", a.0.headline.into()),
                        ("second", b.0.headline.into()),
                    ],
                ),
            }
        }
    }
}

/// Every class with both probabilities and their difference.
#[component]
fn Numbers(duel: Duel, classes: StoredValue<Vec<String>>) -> impl IntoView {
    let rows = move || {
        let Some(sides) = duel.both() else {
            return Vec::new();
        };
        let of = |side: &Side, class: &String| {
            let finding = &side.finding;
            let index = finding.classes.iter().position(|own| own == class)?;
            finding.report.probabilities.get(index).copied()
        };
        classes.with_value(|classes| {
            classes
                .iter()
                .map(|class| {
                    (
                        words::class_title(class),
                        [of(&sides[0], class), of(&sides[1], class)],
                    )
                })
                .collect()
        })
    };
    let cell = |probability: Option<f32>| match probability {
        None => view! { <td class="number">"–"</td> }.into_any(),
        Some(probability) => view! {
            <td class="number">
                {words::percent(probability)}
                <span class="cell-bar" aria-hidden="true">
                    <span style:width=format!("{:.2}%", probability * 100.0)></span>
                </span>
            </td>
        }
        .into_any(),
    };
    view! {
        <div class="scroll" tabindex="0" role="group" aria-label=tr("compare.numbers")>
            <table class="answers" id="compare-numbers">
                <thead>
                    <tr>
                        <th scope="col">{tr("compare.class")}</th>
                        <th scope="col"><bdi lang="en">{duel.title(0)}</bdi></th>
                        <th scope="col"><bdi lang="en">{duel.title(1)}</bdi></th>
                        <th scope="col">{tr("compare.difference")}</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        rows()
                            .into_iter()
                            .map(|(title, [a, b])| {
                                let difference = a.zip(b).map(|(a, b)| points(b - a));
                                view! {
                                    <tr>
                                        <th scope="row">{title}</th>
                                        {cell(a)}
                                        {cell(b)}
                                        <td class="number">{difference.unwrap_or_else(|| "–".into())}</td>
                                    </tr>
                                }
                            })
                            .collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
}

/// A difference of probabilities in percentage points, with its sign.
fn points(difference: f32) -> String {
    let points = f64::from(difference) * 100.0;
    let sign = if points >= 0.05 { "+" } else { "" };
    // No "-0.0".
    let points = if points.abs() < 0.05 { 0.0 } else { points };
    tv(
        "compare.points",
        &[(
            "n",
            format!("\u{2066}{sign}{}\u{2069}", decimal(points, 1)).into(),
        )],
    )
}

/// One model: its facts, the scan with its heat map, the verdict.
#[component]
fn OneSide(duel: Duel, index: usize, shown: Memo<Option<String>>, look: Look) -> impl IntoView {
    let model = duel.models.with_value(|models| Arc::clone(&models[index]));
    let side = duel.sides[index];
    let title = model.title.clone();
    let identity = format!("{} · {}", model.id, model.short_hash());
    let model = StoredValue::new(model);
    let heading = format!("compare-{index}");
    let about = move || {
        let side = side.get()?;
        let class = shown.get()?;
        let mut finding = side.finding.clone();
        finding.chosen = finding.classes.iter().position(|own| *own == class)?;
        Some(finding)
    };
    let heat = move || match (side.get(), about()) {
        (Some(_), Some(finding)) => finding.heat().unwrap_or_default(),
        (Some(_), None) => t("compare.no_class"),
        _ => String::new(),
    };
    view! {
        // With the identity: two models may have one title.
        <section
            class="compare-side"
            aria-labelledby=format!("{heading} {heading}-model")
            data-side=index.to_string()
        >
            <h3 id=heading.clone()>
                <bdi lang="en">{title}</bdi>
            </h3>
            <p class="hint number" id=format!("{heading}-model")><bdi>{identity}</bdi></p>
            {move || side.get().map(|side| view! { <Scan side=Arc::clone(&side) about=Signal::derive(about) look /> })}
            {move || {
                side.get()
                    .map(|side| {
                        let said = model.with_value(|model| side.finding.said(model));
                        let report = &side.finding.report;
                        let uncertainty = words::answer::uncertainty(
                            report.uncertainty,
                            model.with_value(|model| model.threshold()),
                        );
                        view! {
                            <p class="eyebrow">{said.eyebrow}</p>
                            <p class="compare-verdict" data-kind=said.kind.word()>{said.headline}</p>
                            {said.reason.map(|reason| view! { <p class="reason">{reason}</p> })}
                            <p class="hint">
                                {t("doubt.uncertainty")} ": " {uncertainty} " · "
                                {words::duration(report.classify_ms)}
                            </p>
                        }
                    })
            }}
            <p class="hint">{heat}</p>
        </section>
    }
}

/// The scan as a model got it, under its heat map for the class that is shown.
#[component]
fn Scan(
    side: Arc<Side>,
    #[prop(into)] about: Signal<Option<Finding>>,
    look: Look,
) -> impl IntoView {
    let base = NodeRef::<Canvas>::new();
    let overlay = NodeRef::<Canvas>::new();
    let report = &side.finding.report;
    let ratio = format!(
        "{:.4}",
        f64::from(report.picture[0].max(1)) / f64::from(report.picture[1].max(1))
    );
    let side = StoredValue::new(side);
    Effect::new(move |_| {
        if let Some(canvas) = base.get() {
            side.with_value(|side| {
                paint(
                    &canvas,
                    &pixels::from_grey(&side.grey),
                    side.finding.report.picture,
                );
            });
        }
    });
    Effect::new(move |_| {
        let (Some(canvas), Some(finding)) = (overlay.get(), about.get()) else {
            return;
        };
        side.with_value(|side| {
            let colours = side.colour_maps.chunks_exact(768).nth(look.colours.get());
            if let Some(heat) = side.heat.get(finding.chosen) {
                let rgba = pixels::from_heat(heat, colours.unwrap_or_default());
                paint(&canvas, &rgba, finding.report.heat);
            }
        });
    });
    let label = move || about.get().and_then(|finding| finding.heat_title());
    view! {
        <div class="compare-frame" style:--ratio=ratio>
            <canvas node_ref=base aria-hidden="true"></canvas>
            <canvas
                node_ref=overlay
                role="img"
                aria-label=label
                hidden=move || about.read().is_none()
                style:opacity=move || look.opacity()
            ></canvas>
        </div>
    }
}
