//! A support text: what runs where, without anything about the pictures but their size.

use crate::adapter;
use crate::annex::{Awaited, Part};
use crate::dialog::{self, Sheet};
use crate::language::{self, t, tr};
use crate::offline;
use crate::state::Desk;
use js_sys::Reflect;
use leptos::html::Textarea;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::PROTOCOL;
use std::fmt::Write;
use wasm_bindgen_futures::JsFuture;

/// Opens the sheet.
#[component]
pub fn DiagnosticsButton() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <button
            type="button"
            class="small-button"
            id="diagnostics-button"
            aria-haspopup="dialog"
            on:click=move |_| {
                desk.fetch_annex();
                dialog::open(desk.diagnostics);
            }
        >
            {tr("diagnostics.button")}
        </button>
    }
}

/// The sheet, closed at first: what is copied can be read in it before.
#[component]
pub fn DiagnosticsDialog() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <Sheet
            id="diagnostics"
            node=desk.diagnostics
            eyebrow=Signal::derive(tr("diagnostics.eyebrow"))
            heading=view! { {tr("diagnostics.title")} }.into_any()
        >
            <Awaited part=Part::Diagnostics />
        </Sheet>
    }
}

/// What the sheet holds.
#[component]
pub fn DiagnosticsText() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let content = RwSignal::new(String::new());
    let copied = RwSignal::new(None::<bool>);
    let area = NodeRef::<Textarea>::new();
    let copy = move |_| {
        copied.set(None);
        spawn_local(async move {
            let text = text(desk).await;
            content.set(text.clone());
            let done = to_clipboard(&text).await;
            // Only once it is shown can it be selected.
            leptos::task::tick().await;
            if !done && let Some(area) = area.get_untracked() {
                area.select();
            }
            copied.set(Some(done));
        });
    };
    view! {
            <p>{tr("diagnostics.about")}</p>
            <p class="row">
                <button type="button" class="button" id="diagnostics-copy" on:click=copy>
                    {tr("diagnostics.copy")}
                </button>
                <span role="status" id="diagnostics-status">
                    {move || {
                        copied
                            .get()
                            .map(|done| t(if done { "diagnostics.copied" } else { "diagnostics.by_hand" }))
                    }}
                </span>
            </p>
            <textarea
                id="diagnostics-text"
                readonly
                rows="14"
                lang="en"
                dir="ltr"
                hidden=move || content.read().is_empty()
                aria-label=tr("diagnostics.title")
                prop:value=content
                node_ref=area
            ></textarea>
    }
}

/// Whether the browser let the page write there.
pub async fn to_clipboard(text: &str) -> bool {
    let navigator = window().navigator();
    // Undefined without HTTPS.
    let there =
        Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object());
    there
        && JsFuture::from(navigator.clipboard().write_text(text))
            .await
            .is_ok()
}

/// The support text, in English whatever the page speaks: who reads it may speak another language.
async fn text(desk: Desk) -> String {
    let adapter = adapter::describe().await;
    let mut text = String::new();
    for (name, value) in untrack(|| lines(desk)).into_iter().chain(adapter) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

/// What there is to say, line by line. No pixels, no file names, no addresses.
fn lines(desk: Desk) -> Vec<(String, String)> {
    let mut lines: Vec<(&str, Option<String>)> = vec![
        (
            "Scanlight",
            Some(format!(
                "{}, build {}, protocol {PROTOCOL}",
                env!("CARGO_PKG_VERSION"),
                offline::version().unwrap_or_else(|| "unknown".into())
            )),
        ),
        ("Phase", Some(desk.phase.read().word().into())),
        ("Language", Some(language::code().into())),
        ("Browser", window().navigator().user_agent().ok()),
        ("Browser's languages", Some(browser_languages())),
        ("Platform", navigator("platform")),
        ("Cores", navigator("hardwareConcurrency")),
        ("Memory, GB", navigator("deviceMemory")),
        ("Window", Some(window_size())),
        (
            "Secure context",
            Some(window().is_secure_context().to_string()),
        ),
        ("Offline copy", Some(offline::state().into())),
    ];
    let engine = desk.engine.read();
    lines.push(("Engine", engine.as_ref().map(|engine| engine.label.clone())));
    let ms = |time: f64| format!("{time:.1} ms");
    lines.push((
        "Loading the engine",
        engine.as_ref().map(|engine| ms(engine.load_ms)),
    ));
    lines.push((
        "Warm-up",
        engine.as_ref().map(|engine| ms(engine.warm_up_ms)),
    ));
    let model = desk.model.read();
    lines.push(("Model", model.as_ref().map(|model| model.id.clone())));
    lines.push((
        "Weights' SHA-256",
        model.as_ref().map(|model| model.weights.sha256.clone()),
    ));
    if let Some(outcome) = &*desk.outcome.read() {
        let report = &outcome.report;
        let [width, height] = report.image;
        lines.push(("Last picture", Some(format!("{width} x {height} pixels"))));
        lines.push(("Decoding", Some(ms(report.decode_ms))));
        lines.push(("Classifying", Some(ms(report.classify_ms))));
        lines.push(("Computed by", Some(outcome.engine.clone())));
    }
    let requests = desk.requests_since_open().map(|count| count.to_string());
    lines.push(("Requests since a file was opened", requests));
    // The messages' keys only: their values hold file names.
    let key = |line: &Option<language::Line>| line.as_ref().map(|line| line.key().to_string());
    lines.push(("Last notice", key(&desk.notice.read())));
    lines.push(("Last complaint", key(&desk.alert.read())));
    lines
        .into_iter()
        .map(|(name, value)| (name.into(), value.unwrap_or_else(|| "none".into())))
        .collect()
}

fn browser_languages() -> String {
    window().navigator().languages().join(", ").into()
}

/// A property of `navigator` that not every browser has.
fn navigator(name: &str) -> Option<String> {
    let value = Reflect::get(&window().navigator(), &name.into()).ok()?;
    value
        .as_string()
        .or_else(|| value.as_f64().map(|number| number.to_string()))
}

fn window_size() -> String {
    let size = |value: Result<wasm_bindgen::JsValue, _>| {
        value
            .ok()
            .and_then(|value| value.as_f64())
            .unwrap_or_default()
    };
    format!(
        "{} x {} at {} device pixels each",
        size(window().inner_width()),
        size(window().inner_height()),
        window().device_pixel_ratio()
    )
}
