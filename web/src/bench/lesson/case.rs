//! A case: the scan alone and the question; once that is answered, everything that is known.

use super::answer::Reveal;
use super::picture::Picture;
use super::prepare::{Leave, focus};
use super::room::Room;
use super::{Notice, Words, class_title};
use crate::language::{tr, tv};
use leptos::html::H3;
use leptos::prelude::*;

/// The case of this index.
#[component]
pub fn Case(room: Room, index: usize) -> impl IntoView {
    let all = room.len();
    let heading = NodeRef::<H3>::new();
    focus(heading);
    let guess = Memo::new(move |_| room.guessed(index));
    let (hint, synthetic) = room.lesson.with_value(|lesson| {
        let hint = lesson.cases.get(index).and_then(|case| case.hint.clone());
        (hint, lesson.synthetic)
    });
    let hint = StoredValue::new(hint);
    let so_far = move || {
        let tally = room.tally();
        tv(
            "lesson.so_far",
            &[("you", tally.learner.into()), ("model", tally.model.into())],
        )
    };
    view! {
        <header class="lesson-head">
            <h3 id="lesson-title" tabindex="-1" node_ref=heading>
                {move || tv("lesson.case", &[("n", (index + 1).into()), ("all", all.into())])}
            </h3>
            <p class="hint number" id="lesson-so-far">{so_far}</p>
            <progress aria-labelledby="lesson-title" max=all.to_string() value=(index + 1).to_string()></progress>
        </header>
        <Notice synthetic brief=true />
        <div class="lesson-case" data-revealed=move || guess.get().is_some().to_string()>
            <Picture room index guess />
            <div class="lesson-side">
                {move || match guess.get() {
                    Some(guess) => view! { <Reveal room index guess /> }.into_any(),
                    None => view! { <Question room index hint /> }.into_any(),
                }}
            </div>
        </div>
        <div class="row">
            <Leave room />
        </div>
    }
}

/// The classes to choose from.
#[component]
fn Question(
    room: Room,
    index: usize,
    hint: StoredValue<Option<scanlight_lessons::Text>>,
) -> impl IntoView {
    let buttons = (0..room.classes.with_value(Vec::len)).map(|class| {
        let name = room.classes.with_value(|classes| classes[class].clone());
        let key = (class < 9).then(|| (class + 1).to_string());
        let shown = key.clone();
        view! {
            <button
                type="button"
                class="button guess"
                data-class=name
                aria-keyshortcuts=key
                on:click=move |_| room.guess(index, class)
            >
                {shown.map(|key| view! { <kbd aria-hidden="true">{key}</kbd> })}
                <span>{move || room.classes.with_value(|classes| class_title(classes, class))}</span>
            </button>
        }
    });
    view! {
        <p class="lesson-question" id="lesson-question">
            {tr("lesson.question")}
        </p>
        <div class="guesses" role="group" aria-labelledby="lesson-question">
            {buttons.collect_view()}
        </div>
        {hint
            .get_value()
            .map(|hint| {
                view! {
                    <details id="lesson-hint">
                        <summary>{tr("lesson.hint")}</summary>
                        <p>
                            <Words text=hint />
                        </p>
                    </details>
                }
            })}
    }
}
