//! Pictures to try with one click: synthetic, and fetched while the page loads.

use crate::fetch::{self, FetchError};
use crate::language::{known, tr, tv};
use crate::model::SampleEntry;
use crate::session::Input;
use crate::state::{Desk, Name, Sample};
use crate::words;
use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use web_sys::{Blob, BlobPropertyBag, Url};

/// How long to wait for a file: samples must not hold up the page.
const PATIENCE_MS: u32 = 15_000;
const INDEX: &str = "samples/index.json";

/// Fetches all samples, so that a click on one sends nothing, and calls `sent` once every request has been sent. They are
/// read when the page is at `leisure`. A page without samples works.
pub async fn load(desk: Desk, sent: impl FnOnce(), leisure: impl Future) {
    let entries = entries().await.unwrap_or_else(|error| {
        warn(&error);
        Vec::new()
    });
    let asked: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            let file = format!("samples/{}", entry.file);
            (entry, fetch::bytes_within(&file, PATIENCE_MS))
        })
        .collect();
    sent();
    leisure.await;
    let mut samples = Vec::new();
    for (entry, bytes) in asked {
        match bytes.await {
            Ok(bytes) => samples.push(sample(entry, &bytes)),
            Err(error) => warn(&error),
        }
    }
    // All at once: the row is drawn once.
    desk.samples.set(samples);
}

fn warn(error: &FetchError) {
    web_sys::console::warn_1(&error.to_string().into());
}

async fn entries() -> Result<Vec<SampleEntry>, FetchError> {
    let bytes = fetch::bytes_within(INDEX, PATIENCE_MS).await?;
    fetch::json(INDEX, &bytes)
}

fn sample(entry: SampleEntry, bytes: &Uint8Array) -> Sample {
    let properties = BlobPropertyBag::new();
    properties.set_type("image/png");
    let thumbnail = Blob::new_with_u8_array_sequence_and_options(&Array::of1(bytes), &properties)
        .and_then(|blob| Url::create_object_url_with_blob(&blob))
        // Without a thumbnail the sample can still be opened.
        .unwrap_or_default();
    Sample {
        entry,
        bytes: bytes.to_vec().into(),
        thumbnail,
    }
}

/// The row of samples.
#[component]
pub fn Samples() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| !desk.samples.read().is_empty());
    view! {
        <Show when=move || shown.get()>
            <section class="samples" aria-labelledby="samples-title">
                <h2 id="samples-title">{tr("samples.title")}</h2>
                <div class="row samples-row">
                    <p class="hint">{tr("samples.hint")}</p>
                    <button
                        type="button"
                        class="small-button"
                        id="open-lesson"
                        on:click=move |_| desk.with_annex(move |annex| (annex.open_lesson)(desk, None))
                    >
                        {tr("lesson.open")}
                    </button>
                </div>
                <ul>
                    <For
                        each=move || desk.samples.get()
                        key=|sample| sample.thumbnail.clone()
                        let:sample
                    >
                        <li>
                            <SampleButton sample />
                        </li>
                    </For>
                </ul>
            </section>
        </Show>
    }
}

#[component]
fn SampleButton(sample: Sample) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let Sample {
        entry,
        bytes,
        thumbnail,
    } = sample;
    let name = entry.clone();
    view! {
        <button
            type="button"
            class="sample"
            on:click=move |_| {
                let name = Name::Sample(name.clone());
                desk.open(Input::new(name, Uint8Array::from(&*bytes)));
            }
        >
            <img src=thumbnail alt="" width="46" height="46" />
            <span>
                <span class="name">{move || title(&entry)}</span>
                <span class="tag">{tr("samples.tag")}</span>
            </span>
        </button>
    }
}

/// What a sample is called: its class and plane where the page knows words for them, else its caption.
pub fn title(entry: &SampleEntry) -> String {
    let plane = known(&format!("plane.{}", entry.plane), &[]);
    match plane.filter(|_| !entry.class.is_empty()) {
        Some(plane) => tv(
            "samples.name",
            &[
                ("class", words::class_title(&entry.class).into()),
                ("plane", plane.into()),
            ],
        ),
        None if entry.title.is_empty() => entry.file.clone(),
        None => entry.title.clone(),
    }
}
