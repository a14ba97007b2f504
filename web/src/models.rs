//! The models that can be chosen: the published ones, and the visitor's own.

use crate::language::{Line, t, tr, tv};
use crate::model::{Choice, Manifest, Metrics};
use crate::state::Desk;
use crate::words;
use crate::workbench::View;
use leptos::prelude::*;

/// The chooser, where there is a choice, and the way to a model of one's own.
#[component]
pub fn Models() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| desk.cards.read().len() > 1);
    let loaded = Memo::new(move |_| desk.model.read().is_some());
    view! {
        <Show when=move || shown.get()>
            <fieldset class="card models" id="models" aria-busy=move || desk.changing.read().is_some().then_some("true")>
                <legend>{tr("models.title")}</legend>
                {move || {
                    desk.cards
                        .get()
                        .into_iter()
                        .map(|(choice, manifest)| view! { <Card choice manifest /> })
                        .collect_view()
                }}
                <p class="hint">{tr("models.hint")}</p>
                <p class="hint" role="status">{move || changing(desk).map(|line| line.text())}</p>
            </fieldset>
        </Show>
        <Show when=move || loaded.get()>
            <p class="personalise-open">
                <button
                    type="button"
                    class="button"
                    id="personalise"
                    on:click=move |_| {
                        desk.with_annex(move |annex| (annex.open_workbench)(desk, View::Personalise, Vec::new()));
                    }
                >
                    {tr("personalise.open")}
                </button>
            </p>
        </Show>
    }
}

/// What is said while a model is on its way.
fn changing(desk: Desk) -> Option<Line> {
    let choice = desk.changing.get()?;
    let title = desk.cards.with(|cards| {
        let mut cards = cards.iter();
        let card = cards.find(|(known, _)| *known == choice);
        card.map(|(_, manifest)| manifest.title.clone())
    });
    let title = title.unwrap_or_else(|| t("models.own"));
    Some(Line::new("models.changing").with("title", title))
}

#[component]
fn Card(choice: Choice, manifest: Manifest) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let own = choice == Choice::Own;
    let id = match &choice {
        Choice::Published(id) => id.clone(),
        Choice::Own => String::new(),
    };
    let mine = choice.clone();
    let title = StoredValue::new(manifest.title.clone());
    let beside = StoredValue::new(choice.clone());
    // With a scan on the screen, each of the others can be asked about it as well.
    let other = Memo::new(move |_| {
        desk.outcome.read().is_some()
            && desk.changing.read().is_none()
            && beside.with_value(|choice| desk.in_use.read().as_ref() != Some(choice))
    });
    view! {
        <div class="model-choice">
            <label data-model=id data-own=own.to_string()>
                <input
                    type="radio"
                    name="model"
                    prop:checked=move || desk.changing.get().or(desk.in_use.get()).as_ref() == Some(&mine)
                    // Not disabled meanwhile: the keyboard's place would be lost.
                    on:click=move |event| {
                        if !desk.may_change() {
                            event.prevent_default();
                        }
                    }
                    on:change=move |_| desk.use_model(choice.clone())
                />
                <span class="name">
                    <bdi lang="en">{manifest.title.clone()}</bdi>
                    {own.then(|| view! { <span class="tag">{tr("models.own")}</span> })}
                </span>
                <span class="facts">{move || facts(&manifest)}</span>
            </label>
            <Show when=move || other.get()>
                <button
                    type="button"
                    class="small-button compare-with"
                    aria-label=move || tv("compare.with", &[("title", title.get_value().into())])
                    on:click=move |_| {
                        desk.with_annex(move |annex| (annex.compare_with)(desk, beside.get_value()));
                    }
                >
                    {tr("compare.open")}
                </button>
            </Show>
            {own.then(|| {
                view! {
                    <button
                        type="button"
                        class="small-button"
                        id="remove-own"
                        on:click=move |_| desk.remove_own()
                    >
                        {tr("models.remove")}
                    </button>
                }
            })}
        </div>
    }
}

/// Parameters, size and accuracy, as far as the manifest says them.
fn facts(manifest: &Manifest) -> String {
    let parameters = manifest
        .training
        .parameters
        .map(|n| tv("models.parameters", &[("n", words::count(n).into())]));
    #[allow(clippy::cast_precision_loss)]
    let size = words::bytes(manifest.weights.size as f64);
    let accuracy = manifest
        .metrics
        .first()
        .map_or_else(|| t("models.unmeasured"), accuracy);
    let parts: Vec<String> = [parameters, Some(size), Some(accuracy)]
        .into_iter()
        .flatten()
        .collect();
    parts.join(" · ")
}

/// A measured accuracy, with what it was measured on.
pub fn accuracy(metrics: &Metrics) -> String {
    tv(
        "models.accuracy",
        &[
            ("accuracy", words::share(metrics.accuracy).into()),
            // The manifest's words, set apart from a sentence that runs the other way.
            ("data", format!("\u{2068}{}\u{2069}", metrics.data).into()),
        ],
    )
}
