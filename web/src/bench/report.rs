//! One answer on one page, to print or to keep as a picture. It holds what the page shows and what stands in the
//! model's manifest, and nothing that a file said about a person but its name, which can be changed.

mod paper;
mod picture;
mod sheet;

use super::given::Given;
use super::{files, report_error};
use crate::finding::Finding;
use crate::language::{t, tr};
use crate::words;
use leptos::html::Canvas;
use leptos::prelude::*;
use picture::Pictures;
use sheet::Sheet;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Blob, HtmlCanvasElement};

/// The name of the picture that is kept. No file's name is in it.
const FILE: &str = "scanlight-report.png";

/// The page, and the ways to keep it.
#[component]
pub fn OnePage(given: Given) -> impl IntoView {
    let finding = given.read_more::<Finding>("finding");
    let pictures = finding
        .as_ref()
        .and_then(|found| Pictures::take(found).ok());
    let (Some(finding), Some(pictures)) = (finding, pictures) else {
        return view! { <p role="alert" class="bad-line">{tr("report.nothing")}</p> }.into_any();
    };
    let name = RwSignal::new(finding.name.clone());
    let date = js_sys::Date::new_0();
    let model = given.bundle.facts.clone();
    // Follows the language and the name.
    let sheet = StoredValue::new_local(move || {
        name.with(|name| Sheet::of(&finding, &model, name.trim(), &date))
    });
    let sheet = move || sheet.with_value(|make| make());
    let pictures = StoredValue::new_local(pictures);
    let keep = move |_| {
        let made = pictures.with_value(|pictures| paper::draw(&untrack(sheet), pictures));
        report_error(made.and_then(|canvas| keep(&canvas)));
    };
    view! {
        <div class="report-tools">
            <label class="report-name">
                <span>{tr("report.name")}</span>
                <input
                    type="text"
                    id="report-name"
                    maxlength="200"
                    autocomplete="off"
                    aria-describedby="report-name-hint"
                    prop:value=move || name.get()
                    on:input:target=move |event| name.set(event.target().value())
                />
            </label>
            <p class="hint" id="report-name-hint">{tr("report.name_hint")}</p>
            <div class="row">
                <button
                    type="button"
                    class="button"
                    id="report-print"
                    on:click=move |_| report_error(window().print())
                >
                    {tr("report.print")}
                </button>
                <button type="button" class="button" id="report-png" on:click=keep>
                    {tr("report.png")}
                </button>
            </div>
        </div>
        <article class="report" id="report" aria-label=tr("bench.report")>
            {move || page(sheet(), pictures)}
        </article>
    }
    .into_any()
}

fn page(sheet: Sheet, pictures: StoredValue<Pictures, LocalStorage>) -> impl IntoView {
    let Sheet {
        date,
        name,
        said,
        rows,
        facts,
        heat_title,
        heat,
        caution,
    } = sheet;
    let with_heat = pictures.with_value(|pictures| pictures.with_heat.is_some());
    view! {
        <header>
            <p class="report-title">{t("report.title")}</p>
            <p>{date}</p>
        </header>
        <p class="report-file" dir="auto">
            {name}
        </p>
        <div class="report-pictures">
            <figure>
                <Copy of=pictures.with_value(|pictures| pictures.scan.clone()) label=Some(t("report.scan")) />
                <figcaption>{t("report.scan")}</figcaption>
            </figure>
            {with_heat
                .then(|| {
                    let canvas = pictures.with_value(|pictures| pictures.with_heat.clone());
                    let label = heat_title.clone();
                    view! {
                        <figure>
                            {canvas.map(|of| view! { <Copy of label=label /> })}
                            <figcaption>{heat_title}</figcaption>
                        </figure>
                    }
                })}
        </div>
        <p class="report-eyebrow">{said.eyebrow}</p>
        <h3>{said.headline}</h3>
        {said.reason.map(|reason| view! { <p>{reason}</p> })}
        {if rows.is_empty() {
            view! { <p>{t("report.no_numbers")}</p> }.into_any()
        } else {
            let rows = rows
                .into_iter()
                .map(|(class, probability)| {
                    view! {
                        <tr>
                            <th scope="row">{class}</th>
                            <td class="number">{words::percent(probability)}</td>
                            <td class="report-bar" aria-hidden="true">
                                <span style:width=format!("{:.2}%", probability * 100.0)></span>
                            </td>
                        </tr>
                    }
                })
                .collect_view();
            view! {
                <table class="report-numbers">
                    <caption class="unseen">{t("report.probabilities")}</caption>
                    <tbody>{rows}</tbody>
                </table>
            }
                .into_any()
        }}
        {heat.map(|heat| view! { <p class="report-heat">{heat}</p> })}
        <dl class="report-facts">
            {facts
                .into_iter()
                .map(|(name, value)| {
                    view! {
                        <div>
                            <dt>{name}</dt>
                            <dd dir="auto">{value}</dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
        <footer class="report-caution">
            <p>
                <strong>{t("caution.strong")}</strong>
                " "
                {caution}
            </p>
        </footer>
    }
}

/// A canvas with what another one shows.
#[component]
fn Copy(of: HtmlCanvasElement, label: Option<String>) -> impl IntoView {
    let node = NodeRef::<Canvas>::new();
    let of = StoredValue::new_local(of);
    Effect::new(move |_| {
        if let Some(canvas) = node.get() {
            report_error(of.with_value(|of| picture::copy(of, &canvas)));
        }
    });
    view! { <canvas node_ref=node role="img" aria-label=label></canvas> }
}

/// Hands the picture over as a file.
fn keep(canvas: &HtmlCanvasElement) -> Result<(), JsValue> {
    let save = Closure::once_into_js(|blob: Option<Blob>| {
        report_error(match blob {
            Some(blob) => files::save(FILE, &blob),
            None => Err(JsValue::from_str(
                "the browser makes no picture of the report",
            )),
        });
    });
    canvas.to_blob(save.as_ref().unchecked_ref())
}
