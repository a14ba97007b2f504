//! The answer before and now.

use crate::language::{decimal, t, tr, tv};
use crate::state::Desk;
use crate::words;
use crate::words::answer;
use leptos::prelude::*;

/// The verdict on the changed scan, and each class's probability before and now.
#[component]
pub fn Table() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let headline = move || {
        let outcome = desk.outcome.get()?;
        let measured = desk
            .model
            .with(|model| model.as_ref()?.threshold())
            .is_some();
        let answer = desk.poke.answer.get();
        let Some(answer) = answer else {
            return Some(t("poke.untouched"));
        };
        let report = &answer.report;
        let said = answer::say(
            &outcome.classes,
            &report.probabilities,
            report.verdict,
            measured,
        );
        Some(tv("poke.now", &[("answer", said.headline.into())]))
    };
    let failed = move || {
        let reason = desk.poke.failed.get()?;
        Some(tv("explain.failed", &[("reason", reason.into())]))
    };
    let rows = move || {
        let outcome = desk.outcome.get()?;
        let answer = desk.poke.answer.get();
        let before = &outcome.report.probabilities;
        let rows = outcome.classes.iter().enumerate().map(|(index, class)| {
            let before = before.get(index).copied().unwrap_or_default();
            let now = answer
                .as_ref()
                .and_then(|answer| answer.report.probabilities.get(index).copied());
            view! {
                <tr data-class=class.clone()>
                    <th scope="row">{words::class_title(class)}</th>
                    <td>{words::percent(before)}</td>
                    <td>{now.map(words::percent)}</td>
                    <td>{now.map(|now| points(now - before))}</td>
                </tr>
            }
        });
        Some(rows.collect_view())
    };
    view! {
        <p class="poke-now" id="poke-now" role="status">
            {headline}
        </p>
        {move || failed().map(|line| view! { <p class="bad-line">{line}</p> })}
        <table class="poke-table number">
            <caption class="unseen">{tr("poke.table")}</caption>
            <thead>
                <tr>
                    <th scope="col">{tr("poke.class")}</th>
                    <th scope="col">{tr("poke.before")}</th>
                    <th scope="col">{tr("poke.after")}</th>
                    <th scope="col">{tr("poke.change")}</th>
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </table>
    }
}

/// A change of a probability in percentage points, with its sign.
fn points(change: f32) -> String {
    let points = (change * 100.0).round();
    let sign = if points > 0.0 { "+" } else { "" };
    // Not "-0".
    format!("{sign}{}", decimal(f64::from(points) + 0.0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn changes_have_signs() {
        for (change, text) in [(0.123, "+12"), (-0.4, "-40"), (0.001, "0"), (-0.001, "0")] {
            assert_eq!(points(change), text);
        }
    }
}
