//! What the survey found, as a table.

use super::strip::{classes, in_words};
use super::survey::Glance;
use crate::language::tr;
use crate::state::Desk;
use crate::words;
use leptos::prelude::*;
use std::time::Duration;

/// So many rows are made at a time; a volume's at once would hold the page up for a tenth of a second.
const ROWS: usize = 24;
/// Between two of them the browser does what else it has to.
const PAUSE: Duration = Duration::from_millis(8);

/// The slices with what became of each. Its rows are made when it is opened.
#[component]
pub fn Table() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = RwSignal::new(false);
    view! {
        <details class="survey-table" on:toggle:target=move |event| open.set(event.target().open())>
            <summary>{tr("survey.table")}</summary>
            <Show when=move || open.get()>
                <div class="scroll" tabindex="0" role="region" aria-label=tr("survey.table")>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">{tr("survey.slice")}</th>
                                <th scope="col">{tr("survey.answer")}</th>
                                {move || {
                                    classes(desk)
                                        .into_iter()
                                        .map(|class| {
                                            view! {
                                                <th scope="col">{move || words::class_title(&class)}</th>
                                            }
                                        })
                                        .collect_view()
                                }}
                            </tr>
                        </thead>
                        <tbody>
                            <Rows />
                        </tbody>
                    </table>
                </div>
            </Show>
        </details>
    }
}

#[component]
fn Rows() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let survey = desk.study.survey;
    let all = Memo::new(move |_| survey.results.read().len());
    let made = RwSignal::new(ROWS);
    Effect::new(move |_| {
        if made.get() < all.get() {
            // The table may have been closed by then.
            let more = move || {
                made.try_update(|made| *made += ROWS);
            };
            set_timeout(more, PAUSE);
        }
    });
    view! {
        <For each=move || 0..all.get().min(made.get()) key=|index| *index let:index>
            <Row index />
        </For>
    }
}

#[component]
fn Row(index: usize) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let survey = desk.study.survey;
    // Only the row of the slice that was just done is written anew.
    let glance = Memo::new(move |_| {
        survey
            .results
            .with(|results| results.get(index).cloned().flatten())
    });
    let cells = move || {
        let probabilities = match glance.get() {
            Some(Glance::Answer { probabilities, .. }) => probabilities,
            _ => Vec::new(),
        };
        (0..classes(desk).len())
            .map(|class| {
                let text = probabilities.get(class).map(|value| words::percent(*value));
                view! { <td class="number">{text}</td> }
            })
            .collect_view()
    };
    view! {
        <tr>
            <th scope="row" class="number">
                {move || words::count(index as u64 + 1)}
            </th>
            <td>{move || glance.with(|glance| in_words(&classes(desk), glance.as_ref()))}</td>
            {cells}
        </tr>
    }
}
