//! The loss over the steps: a picture, a line of words that says the same, and a table.

use super::tuner::{Point, Tuner};
use crate::language::{decimal, t, tr, tv};
use crate::words;
use leptos::prelude::*;

/// The picture's plane and its margins, in its own units.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Lines of the table.
const LINES: usize = 12;

/// The curve.
#[component]
pub fn Curve(tuner: Tuner) -> impl IntoView {
    let any = Memo::new(move |_| !tuner.curve.read().is_empty());
    let path = move |value: fn(&Point) -> f64| {
        tuner.curve.with(|curve| {
            let (highest, last) = (highest(curve), span(curve));
            let points = curve.iter().map(|point| {
                let [x, y] = place(point.step, value(point), highest, last);
                format!("{x:.1},{y:.1}")
            });
            points.collect::<Vec<_>>().join(" ")
        })
    };
    let marks = move || {
        let highest = tuner.curve.with(|curve| highest(curve));
        [0.0, 0.5, 1.0].map(|share| {
            let [_, y] = place(0, share * highest, highest, 1);
            view! {
                <path class="rule" d=format!("M{LEFT} {y:.1}H{}", WIDTH - RIGHT) />
                <text class="tick" x=LEFT - 6.0 y=format!("{:.1}", y + 4.0) text-anchor="end">
                    {decimal(share * highest, 2)}
                </text>
            }
        })
    };
    let steps = move || {
        let last = tuner.curve.with(|curve| span(curve));
        [0, last].map(|step| {
            let [x, _] = place(step, 0.0, 1.0, last);
            let anchor = if step == 0 { "start" } else { "end" };
            view! {
                <text class="tick" x=format!("{x:.1}") y=HEIGHT - 6.0 text-anchor=anchor>
                    {words::count(step as u64)}
                </text>
            }
        })
    };
    view! {
        <Show when=move || any.get()>
            <figure class="tune-curve">
                <figcaption>
                    <span class="key learned">{tr("personalise.learned")}</span>
                    <span class="key held">{tr("personalise.held_out")}</span>
                    <span class="hint">{tr("personalise.loss_hint")}</span>
                </figcaption>
                // Charts run from left to right in every language.
                <svg
                    dir="ltr"
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    role="img"
                    aria-label=move || tuner.curve.with(|curve| in_words(curve))
                    data-points=move || tuner.curve.read().len().to_string()
                >
                    {marks}
                    {steps}
                    <polyline class="learned" points=move || path(|point| point.loss) />
                    <polyline class="held" points=move || path(|point| point.held_out) />
                </svg>
                <details>
                    <summary>{tr("personalise.table")}</summary>
                    <div class="table-box" tabindex="0" role="region" aria-label=tr("personalise.table")>
                        <table class="answers" id="tune-table">
                            <thead>
                                <tr>
                                    <th scope="col">{tr("personalise.step_head")}</th>
                                    <th scope="col">{tr("personalise.learned")}</th>
                                    <th scope="col">{tr("personalise.held_out")}</th>
                                </tr>
                            </thead>
                            <tbody>
                                {move || {
                                    tuner
                                        .curve
                                        .with(|curve| some(curve))
                                        .into_iter()
                                        .map(|point| {
                                            view! {
                                                <tr>
                                                    <th scope="row" class="number">{words::count(point.step as u64)}</th>
                                                    <td class="number">{decimal(point.loss, 3)}</td>
                                                    <td class="number">{decimal(point.held_out, 3)}</td>
                                                </tr>
                                            }
                                        })
                                        .collect_view()
                                }}
                            </tbody>
                        </table>
                    </div>
                </details>
            </figure>
        </Show>
    }
}

/// Where a value lies in the picture.
#[allow(clippy::cast_precision_loss)]
fn place(step: usize, value: f64, highest: f64, last: usize) -> [f64; 2] {
    let along = step as f64 / last.max(1) as f64;
    let up = (value / highest).clamp(0.0, 1.0);
    [
        LEFT + along * (WIDTH - LEFT - RIGHT),
        HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
    ]
}

/// The highest loss, for the scale.
fn highest(curve: &[Point]) -> f64 {
    let values = curve.iter().flat_map(|point| [point.loss, point.held_out]);
    values.fold(1e-3, f64::max)
}

/// The last step; at least so many that the first points do not fill the whole width.
fn span(curve: &[Point]) -> usize {
    curve.last().map_or(0, |point| point.step).max(10)
}

/// Some points, evenly, the first and the last among them.
fn some(curve: &[Point]) -> Vec<Point> {
    let last = curve.len().saturating_sub(1);
    if last < LINES {
        return curve.to_vec();
    }
    let indices = (0..LINES).map(|line| line * last / (LINES - 1));
    indices.map(|index| curve[index]).collect()
}

/// The picture in words.
fn in_words(curve: &[Point]) -> String {
    match (curve.first(), curve.last()) {
        (Some(first), Some(last)) => tv(
            "personalise.curve",
            &[
                ("steps", last.step.into()),
                ("from", decimal(first.loss, 3).into()),
                ("to", decimal(last.loss, 3).into()),
                ("held_from", decimal(first.held_out, 3).into()),
                ("held_to", decimal(last.held_out, 3).into()),
            ],
        ),
        _ => t("personalise.begins"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn curve(steps: usize) -> Vec<Point> {
        let point = |step| Point {
            step,
            loss: 2.0 / (step + 1) as f64,
            held_out: 2.5,
        };
        (0..=steps).map(point).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_point_lies_in_the_picture() {
        let curve = curve(80);
        let (highest, last) = (highest(&curve), span(&curve));
        for point in &curve {
            for value in [point.loss, point.held_out] {
                let [x, y] = place(point.step, value, highest, last);
                assert!(
                    (LEFT..=WIDTH - RIGHT).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y)
                );
            }
        }
        assert_eq!(place(0, 0.0, 1.0, 10)[0], LEFT);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_table_has_both_ends_and_is_short() {
        for steps in [0, 1, 11, 12, 80, 150] {
            let lines = some(&curve(steps));
            assert!(lines.len() <= LINES);
            assert_eq!((lines[0].step, lines[lines.len() - 1].step), (0, steps));
            assert!(lines.windows(2).all(|pair| pair[0].step < pair[1].step));
        }
        assert!(some(&[]).is_empty());
    }
}
