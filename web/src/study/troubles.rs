//! What could not be read, and what in the files may say who the patient is.

use super::Absent;
use crate::language::{t, tv};
use crate::state::Desk;
use leptos::prelude::*;

/// The most files of a list that are named.
const MOST: usize = 200;

/// Lists that are shown where they are not empty.
#[component]
pub fn Troubles() -> impl IntoView {
    let study = expect_context::<Desk>().study;
    let tags = Memo::new(move |_| {
        study
            .here()
            .map(|(item, _)| item.identifying)
            .unwrap_or_default()
    });
    view! {
        <Show when=move || !tags.read().is_empty()>
            <div class="note" id="identifying">
                <p>{move || tv("study.identifying", &[("n", tags.read().len().into())])}</p>
                <p class="mono" dir="ltr">{move || tags.read().join(", ")}</p>
            </div>
        </Show>
        <List id="failures" key="study.failures" files=study.failures />
        <List id="skipped" key="study.skipped" files=study.skipped />
    }
}

/// Files that are not there, each with its reason, where there are some.
#[component]
pub fn List(
    /// What it is called in the page.
    id: &'static str,
    /// Its title in the catalogue.
    key: &'static str,
    /// The files.
    files: RwSignal<Vec<Absent>>,
) -> impl IntoView {
    let title = move || tv(key, &[("n", files.read().len().into())]);
    view! {
        <Show when=move || !files.read().is_empty()>
            <details class="note" id=id>
                <summary>{title}</summary>
                <div class="scroll" tabindex="0" role="region" aria-label=title>
                    <ul>
                        {move || {
                            files
                                .get()
                                .into_iter()
                                .take(MOST)
                                .map(|file| {
                                    view! {
                                        <li>
                                            <span class="mono">{file.name}</span>
                                            ": "
                                            {move || file.reason.text()}
                                        </li>
                                    }
                                })
                                .collect_view()
                        }}
                        {move || {
                            (files.read().len() > MOST).then(|| view! { <li>{t("study.more")}</li> })
                        }}
                    </ul>
                </div>
            </details>
        </Show>
    }
}
