//! The table of answers: sortable, a page at a time, so that thousands of rows cost no more than fifty.

use super::order::{Column, mistake, sorted};
use super::queue::{Answer, Queue, Row, SliceOf, State};
use crate::canvas::paint;
use crate::language::{t, tr, tv};
use crate::pixels;
use crate::words;
use crate::words::answer::number;
use leptos::html::Canvas;
use leptos::prelude::*;
use scanlight_engine::protocol::Verdict;
use scanlight_reader::protocol::Plane;
use std::sync::Arc;

/// Rows of a page.
const PAGE: usize = 50;

/// The table with its pages.
#[component]
pub fn Table(queue: Queue) -> impl IntoView {
    let column = RwSignal::new((Column::Given, false));
    let page = RwSignal::new(0usize);
    let pages = Memo::new(move |_| queue.len().div_ceil(PAGE).max(1));
    let classes = queue.model.with_value(|model| model.classes.clone());
    let labelled = queue
        .rows
        .with_value(|rows| rows.iter().any(|row| row.label.is_some()));
    let order = Memo::new(move |_| {
        queue.news.track();
        let (column, descending) = column.get();
        queue
            .rows
            .with_value(|rows| sorted(rows, column, descending))
    });
    // What is on the page, each row with a number that changes when it does.
    let shown = move || {
        queue.news.track();
        let begin = page.get() * PAGE;
        order.with(|order| {
            let indices = order.iter().skip(begin).take(PAGE);
            queue.rows.with_value(|rows| {
                indices
                    .map(|&index| (index, rows.get(index).map_or(0, |row| stage(&row.state))))
                    .collect::<Vec<_>>()
            })
        })
    };
    let head = |what: Column, text: Signal<String>| {
        let sort = move || match column.get() {
            (now, descending) if now == what => Some(if descending {
                "descending"
            } else {
                "ascending"
            }),
            _ => None,
        };
        let click = move |_| {
            // Probabilities and uncertainty: the highest are what one looks for.
            let high_first = matches!(what, Column::Class(_) | Column::Uncertainty | Column::Time);
            column.update(|(now, descending)| {
                *descending = if *now == what {
                    !*descending
                } else {
                    high_first
                };
                *now = what;
            });
            page.set(0);
        };
        view! {
            <th scope="col" aria-sort=sort>
                <button type="button" on:click=click>
                    {move || text.get()}
                    <span aria-hidden="true" class="arrow"></span>
                </button>
            </th>
        }
    };
    let named = |key: &'static str| Signal::derive(move || t(key));
    let of_classes = classes
        .iter()
        .enumerate()
        .map(|(index, class)| {
            let class = class.clone();
            head(
                Column::Class(index),
                Signal::derive(move || words::class_title(&class)),
            )
        })
        .collect_view();
    let classes = StoredValue::new(classes);
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=tr("batch.table")>
            <table class="answers">
                <caption class="unseen">{tr("batch.table")}</caption>
                <thead>
                    <tr>
                        {head(Column::Given, named(if labelled { "batch.mistakes" } else { "batch.picture" }))}
                        {head(Column::Name, named("batch.name"))}
                        {labelled.then(|| head(Column::Label, named("batch.label")))}
                        {head(Column::Verdict, named("batch.verdict"))} {of_classes}
                        {head(Column::Uncertainty, named("doubt.uncertainty"))}
                        {head(Column::Time, named("batch.time"))}
                    </tr>
                </thead>
                <tbody>
                    <For each=shown key=|row| *row let:row>
                        <Line queue index=row.0 classes labelled />
                    </For>
                </tbody>
            </table>
        </div>
        <Show when=move || { pages.get() > 1 }>
            <nav class="row pages" aria-label=tr("batch.pages")>
                <button
                    type="button"
                    class="button"
                    id="page-back"
                    disabled=move || page.get() == 0
                    on:click=move |_| page.update(|page| *page = page.saturating_sub(1))
                >
                    {tr("batch.back")}
                </button>
                <span class="number" aria-live="polite" id="page-number">
                    {move || tv("batch.page", &[("n", (page.get() + 1).into()), ("all", pages.get().into())])}
                </span>
                <button
                    type="button"
                    class="button"
                    id="page-on"
                    disabled=move || { page.get() + 1 >= pages.get() }
                    on:click=move |_| page.update(|page| *page = (*page + 1).min(pages.get_untracked() - 1))
                >
                    {tr("batch.on")}
                </button>
            </nav>
        </Show>
    }
}

/// A number that changes when what a row shows does.
fn stage(state: &State) -> usize {
    match state {
        State::Waiting => 0,
        State::Done(_) => 1,
        State::Bad(_) => 2,
        State::Looking { done, .. } => 3 + done,
    }
}

/// One file. The whole row takes the pointer; its name is the button for the keyboard.
#[component]
fn Line(
    queue: Queue,
    index: usize,
    classes: StoredValue<Vec<String>>,
    labelled: bool,
) -> impl IntoView {
    let row = queue.rows.with_value(|rows| rows.get(index).cloned());
    let Some(Row {
        path, label, state, ..
    }) = row
    else {
        return ().into_any();
    };
    let wide = classes.with_value(Vec::len) + 3;
    let answer = match &state {
        State::Done(answer) => Some(Arc::clone(answer)),
        _ => None,
    };
    let wrong = answer
        .as_ref()
        .is_some_and(|answer| mistake(&Row::new("", index, label), answer));
    let picture = NodeRef::<Canvas>::new();
    let drawn = answer.clone();
    Effect::new(move |_| {
        if let (Some(canvas), Some(answer)) = (picture.get(), &drawn) {
            let small = &answer.thumbnail;
            paint(&canvas, &pixels::from_grey(&small.grey), small.size);
        }
    });
    let opens = answer.is_some();
    let slice = answer.as_ref().and_then(|answer| answer.slice);
    let slice =
        slice.map(|slice| view! { <span class="slice-of">{move || slice_in_words(slice)}</span> });
    let title = path.clone();
    let short = words::short_name(&path);
    let name = if opens {
        view! {
            <button
                type="button"
                class="open-row"
                title=title
                on:click=move |event| {
                    event.stop_propagation();
                    queue.open(index);
                }
            >
                <bdi>{short}</bdi>
            </button>
        }
        .into_any()
    } else {
        view! { <bdi title=title>{short}</bdi> }.into_any()
    };
    let cells = match state {
        State::Waiting => {
            view! { <td colspan=wide.to_string() class="hint">{tr("batch.waits")}</td> }.into_any()
        }
        State::Looking { done, all } => {
            let said = move || {
                tv(
                    "table.looking",
                    &[("n", (done + 1).into()), ("all", all.into())],
                )
            };
            view! { <td colspan=wide.to_string() class="hint">{said}</td> }.into_any()
        }
        State::Bad(line) => {
            view! { <td colspan=wide.to_string() class="bad-line">{move || line.text()}</td> }
                .into_any()
        }
        State::Done(answer) => view! { <Numbers answer classes /> }.into_any(),
    };
    view! {
        <tr
            class:opens=opens
            class:mistake=wrong
            data-path=path
            aria-current=move || (queue.opened.get() == Some(index)).then_some("true")
            on:click=move |_| {
                if opens {
                    queue.open(index);
                }
            }
        >
            <td class="thumb">
                <canvas node_ref=picture aria-hidden="true" width="1" height="1"></canvas>
            </td>
            <th scope="row">{name} {slice}</th>
            {labelled
                .then(|| {
                    let class = label.and_then(|label| classes.with_value(|classes| classes.get(label).cloned()));
                    view! { <td>{move || class.as_deref().map(words::class_title)}</td> }
                })} {cells}
        </tr>
    }
        .into_any()
}

#[component]
fn Numbers(answer: Arc<Answer>, classes: StoredValue<Vec<String>>) -> impl IntoView {
    let verdict = {
        let answer = Arc::clone(&answer);
        move || classes.with_value(|classes| in_words(classes, answer.verdict))
    };
    let probabilities = answer
        .probabilities
        .iter()
        .enumerate()
        .map(|(class, &probability)| {
            let best = class == answer.predicted;
            view! { <td class="number" class:best=best>{move || words::percent(probability)}</td> }
        })
        .collect_view();
    let (uncertainty, ms) = (answer.uncertainty, answer.ms);
    view! {
        <td class="verdict-cell">{verdict}</td>
        {probabilities}
        <td class="number">{move || uncertainty.map_or_else(|| "–".to_string(), number)}</td>
        <td class="number">{move || words::duration(ms)}</td>
    }
}

/// Which slice it is, in few words.
fn slice_in_words(slice: SliceOf) -> String {
    let key = match slice.plane {
        None => "table.picture",
        Some(Plane::Axial) => "table.axial",
        Some(Plane::Coronal) => "table.coronal",
        Some(Plane::Sagittal) => "table.sagittal",
    };
    let values = [("n", (slice.index + 1).into()), ("all", slice.count.into())];
    tv(key, &values)
}

/// A verdict in few words.
pub fn in_words(classes: &[String], verdict: Verdict) -> String {
    let title = |class: usize| {
        classes
            .get(class)
            .map_or_else(|| t("answer.unknown"), |class| words::class_title(class))
    };
    match verdict {
        Verdict::Class { class } => title(class),
        Verdict::Unsure { first, second } => tv(
            "answer.unsure",
            &[
                ("first", title(first).into()),
                ("second", title(second).into()),
            ],
        ),
        Verdict::Strange { .. } => t("batch.strange"),
    }
}
