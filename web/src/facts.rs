//! The model's facts: a button beside its name, and the sheet that it opens.

use crate::annex::{Awaited, Part};
use crate::dialog::{self, Sheet};
use crate::label::{self, Group, Section, Table, Words};
use crate::language::tr;
use crate::state::Desk;
use leptos::prelude::*;

/// Opens the sheet.
#[component]
pub fn FactsButton() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <button
            type="button"
            class="small-button facts-button"
            aria-haspopup="dialog"
            aria-label=tr("facts.button_long")
            on:click=move |_| {
                desk.fetch_annex();
                dialog::open(desk.facts);
            }
        >
            {tr("facts.button")}
        </button>
    }
}

/// The sheet, closed at first.
#[component]
pub fn FactsDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let title = move || {
        desk.model
            .with(|model| model.as_ref().map(|m| m.title.clone()))
    };
    view! {
        <Sheet
            id="facts"
            node=desk.facts
            eyebrow=Signal::derive(tr("facts.eyebrow"))
            heading=view! { <span lang="en">{title}</span> }.into_any()
        >
            <Awaited part=Part::Facts />
        </Sheet>
    }
}

/// What the sheet says.
#[component]
pub fn FactsText() -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || {
        desk.model
            .with(|model| model.as_ref().map(label::sections))
            .map(|sections| sections.into_iter().map(section).collect_view())
    }
}

/// Words; a manifest's say that they are in English, whatever the page speaks.
fn words(words: Words) -> impl IntoView {
    match words {
        Words::Ours(text) => text.into_any(),
        Words::Manifest(text) => view! { <bdi lang="en">{text}</bdi> }.into_any(),
    }
}

fn section(section: Section) -> impl IntoView {
    let points = (!section.points.is_empty()).then(|| {
        let points = section.points.into_iter();
        view! { <ul>{points.map(|point| view! { <li>{words(point)}</li> }).collect_view()}</ul> }
    });
    view! {
        <section>
            <h3>{section.heading}</h3>
            {section.lines.into_iter().map(|line| view! { <p>{words(line)}</p> }).collect_view()}
            {section.groups.into_iter().map(group).collect_view()}
            {section.tables.into_iter().map(table).collect_view()}
            {points}
        </section>
    }
}

fn group(group: Group) -> impl IntoView {
    let rows = group.rows.into_iter().map(|(name, value)| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd class="number">{words(value)}</dd>
            </div>
        }
    });
    view! {
        {group.caption.map(|caption| view! { <h4>{words(caption)}</h4> })}
        <dl>{rows.collect_view()}</dl>
        {group.remark.map(|remark| view! { <p class="hint">{words(remark)}</p> })}
    }
}

fn table(table: Table) -> impl IntoView {
    let columns = table
        .columns
        .into_iter()
        .map(|column| view! { <th scope="col">{column}</th> });
    let rows = table.rows.into_iter().map(|(name, cells)| {
        let cells = cells.into_iter().map(|cell| view! { <td>{cell}</td> });
        view! {
            <tr>
                <th scope="row">{name}</th>
                {cells.collect_view()}
            </tr>
        }
    });
    view! {
        <table>
            <caption>{table.caption}</caption>
            <thead>
                <tr>
                    <td></td>
                    {columns.collect_view()}
                </tr>
            </thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}
