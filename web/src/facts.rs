//! The model's facts: a button beside its name, and the dialog that it opens.

use crate::label::{self, Group, Section, Table};
use crate::state::Desk;
use leptos::ev::MouseEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Opens the dialog. The browser gives the focus back when the dialog closes.
#[component]
pub fn FactsButton() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let open = move |_| {
        if let Some(dialog) = desk.facts.get_untracked()
            && let Err(error) = dialog.show_modal()
        {
            web_sys::console::error_1(&error);
        }
    };
    view! {
        <button type="button" class="facts-button" aria-haspopup="dialog" on:click=open>
            "Facts"
            <span class="unseen">" about the model"</span>
        </button>
    }
}

/// The dialog, closed at first. Esc closes it, as does a press beside it.
#[component]
pub fn FactsDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let dialog: NodeRef<Dialog> = desk.facts;
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    // The dialog's own box is filled by its content: what else is hit is the backdrop.
    let beside = move |event: MouseEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if target.is_some() {
            close();
        }
    };
    view! {
        <dialog class="facts" id="facts" aria-labelledby="facts-title" node_ref=dialog on:click=beside>
            <div class="facts-sheet">
                <header>
                    <div>
                        <p class="eyebrow">"Facts about the model"</p>
                        <h2 id="facts-title">
                            {move || desk.model.with(|model| model.as_ref().map(|m| m.title.clone()))}
                        </h2>
                    </div>
                    <button type="button" class="close" aria-label="Close" on:click=move |_| close()>
                        <svg viewBox="0 0 16 16" aria-hidden="true">
                            <path d="M3.5 3.5l9 9m0-9l-9 9" />
                        </svg>
                    </button>
                </header>
                {move || {
                    desk.model
                        .with(|model| model.as_ref().map(label::sections))
                        .map(|sections| sections.into_iter().map(section).collect_view())
                }}
            </div>
        </dialog>
    }
}

fn section(section: Section) -> impl IntoView {
    let points = (!section.points.is_empty()).then(|| {
        let points = section.points.into_iter();
        view! { <ul>{points.map(|point| view! { <li>{point}</li> }).collect_view()}</ul> }
    });
    view! {
        <section>
            <h3>{section.heading}</h3>
            {section.lines.into_iter().map(|line| view! { <p>{line}</p> }).collect_view()}
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
                <dd class="number">{value}</dd>
            </div>
        }
    });
    view! {
        {some(group.caption).map(|caption| view! { <h4>{caption}</h4> })}
        <dl>{rows.collect_view()}</dl>
        {some(group.remark).map(|remark| view! { <p class="hint">{remark}</p> })}
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

fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
