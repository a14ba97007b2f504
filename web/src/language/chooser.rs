//! The chooser of languages.

use super::{code, start, tr};
use crate::language::Line;
use crate::state::Desk;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_messages::{LANGUAGES, Language};

/// A list of all languages, each by its own name.
#[component]
pub fn Chooser() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let choose = move |asked: String| {
        if let Some(language) = Language::of(&asked) {
            spawn_local(async move {
                match start::load(language).await {
                    Ok(()) => start::remember(language),
                    Err(error) => desk.complain(
                        Line::new("language.failed")
                            .with("language", language.name)
                            .with("reason", error.line()),
                    ),
                }
            });
        }
    };
    let options = LANGUAGES.iter().map(|language| {
        view! {
            <option
                value=language.code
                lang=language.code
                dir=language.direction.attribute()
                selected=move || code() == language.code
            >
                {language.name}
            </option>
        }
    });
    view! {
        <label class="language">
            <svg viewBox="0 0 24 24" aria-hidden="true">
                <circle cx="12" cy="12" r="9" />
                <path d="M3 12h18M12 3c3 3 4 6 4 9s-1 6-4 9c-3-3-4-6-4-9s1-6 4-9z" />
            </svg>
            <span class="unseen">{tr("language.label")}</span>
            <select
                id="language"
                prop:value=code
                title=tr("language.label")
                on:change:target=move |event| choose(event.target().value())
            >
                {options.collect_view()}
            </select>
        </label>
    }
}
