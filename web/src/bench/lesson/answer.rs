//! After the guess: whether it was right, what the model says, and what the lesson says about the case.

use super::prepare::focus;
use super::room::{Mark, Room};
use super::{Words, class_title};
use crate::bench::queue::Answer;
use crate::bench::table::in_words;
use crate::language::{t, tr, tv};
use crate::words;
use crate::words::answer::{Kind, say};
use leptos::html::H3;
use leptos::prelude::*;
use std::sync::Arc;

/// Whether the guess was right, in words; nothing before there is one. Follows the guesses.
pub fn outcome(room: Room, index: usize) -> Option<String> {
    let guess = room.guessed(index)?;
    let Some(truth) = room.truth(index) else {
        return Some(t("lesson.unknown"));
    };
    let class = room
        .classes
        .with_value(|classes| class_title(classes, truth));
    let key = match Mark::of_class(guess, truth) {
        Mark::Right => "lesson.right",
        _ => "lesson.wrong",
    };
    Some(tv(key, &[("class", class.into())]))
}

/// What the model says and whether it is right, in few words.
pub fn model_line(room: Room, index: usize) -> String {
    let Some(answer) = room.answer(index) else {
        return t("answer.unknown");
    };
    let said = room
        .classes
        .with_value(|classes| in_words(classes, answer.verdict));
    match room.truth(index) {
        Some(truth) => {
            let mark = t(Mark::of_verdict(answer.verdict, truth).key());
            tv(
                "lesson.model_was",
                &[("answer", said.into()), ("mark", mark.into())],
            )
        }
        None => tv("lesson.model_says", &[("answer", said.into())]),
    }
}

/// All of it, with the way on.
#[component]
pub fn Reveal(room: Room, index: usize, guess: usize) -> impl IntoView {
    let heading = NodeRef::<H3>::new();
    focus(heading);
    let truth = room.truth(index);
    let right = truth.map(|truth| Mark::of_class(guess, truth) == Mark::Right);
    let kind = match right {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "unknown",
    };
    let explanation = room.lesson.with_value(|lesson| {
        let case = lesson.cases.get(index)?;
        case.explanation.clone()
    });
    let yours = move || {
        let class = room
            .classes
            .with_value(|classes| class_title(classes, guess));
        tv("lesson.you_said", &[("class", class.into())])
    };
    // Seldom are all guessed but at the end, and when one looks back from there.
    let last = Memo::new(move |_| {
        room.guesses
            .with(|guesses| guesses.iter().all(Option::is_some))
    });
    view! {
        <h3 class="lesson-outcome" id="lesson-outcome" data-kind=kind tabindex="-1" node_ref=heading>
            {move || outcome(room, index)}
        </h3>
        <p>
            <span id="lesson-yours">{yours}</span>
            " "
            <span id="lesson-models">{move || model_line(room, index)} "."</span>
        </p>
        <div class="row">
            <button type="button" class="button primary" id="lesson-next" on:click=move |_| room.go_on()>
                {move || if last.get() { t("lesson.to_score") } else { t("lesson.next") }}
            </button>
        </div>
        {explanation
            .map(|text| {
                view! {
                    <section class="lesson-explanation" aria-label=tr("lesson.about")>
                        <p id="lesson-explanation">
                            <Words text />
                        </p>
                    </section>
                }
            })}
        {room.answer(index).map(|answer| view! { <ModelsAnswer room answer guess truth /> })}
    }
}

/// The model's verdict and its bars, with the guess and the truth marked.
#[component]
fn ModelsAnswer(
    room: Room,
    answer: Arc<Answer>,
    guess: usize,
    truth: Option<usize>,
) -> impl IntoView {
    let measured = room
        .queue
        .model
        .with_value(|model| model.threshold().is_some());
    let numbers = Arc::clone(&answer);
    let said = Memo::new(move |_| {
        room.classes
            .with_value(|classes| say(classes, &numbers.probabilities, numbers.verdict, measured))
    });
    // Numbers without a verdict mislead: they are there for who asks.
    let refused = Memo::new(move |_| said.with(|said| said.kind == Kind::Strange));
    let anyway = RwSignal::new(false);
    let veiled = Memo::new(move |_| refused.get() && !anyway.get());
    let (predicted, probabilities) = (answer.predicted, answer.probabilities.clone());
    let bars = probabilities.into_iter().enumerate().map(|(class, probability)| {
        let name = room
            .classes
            .with_value(|classes| classes.get(class).cloned().unwrap_or_default());
        view! {
            <li class="bar" class:predicted=class == predicted data-class=name>
                <span class="name">
                    {move || room.classes.with_value(|classes| class_title(classes, class))}
                    {(truth == Some(class))
                        .then(|| view! { " " <span class="tag true">{tr("lesson.tag_true")}</span> })}
                    {(guess == class).then(|| view! { " " <span class="tag">{tr("lesson.tag_guess")}</span> })}
                </span>
                <span class="number">{move || (!veiled.get()).then(|| words::percent(probability))}</span>
                <span class="track" aria-hidden="true">
                    <span class="fill" style:width=format!("{:.2}%", probability * 100.0)></span>
                </span>
            </li>
        }
    });
    view! {
        <section class="lesson-model" aria-labelledby="lesson-model-title" data-kind=move || said.with(|said| said.kind.word())>
            <h4 id="lesson-model-title" class="eyebrow">
                {tr("lesson.model")}
            </h4>
            <p class="hint">{move || said.with(|said| said.eyebrow.clone())}</p>
            <p class="lesson-verdict" id="lesson-verdict">
                {move || said.with(|said| said.headline.clone())}
            </p>
            {move || said.with(|said| said.reason.clone()).map(|reason| view! { <p class="reason">{reason}</p> })}
            <Show when=move || refused.get()>
                <button
                    type="button"
                    class="button anyway"
                    id="lesson-anyway"
                    aria-expanded=move || anyway.get().to_string()
                    aria-controls="lesson-bars"
                    on:click=move |_| anyway.update(|anyway| *anyway = !*anyway)
                >
                    {move || if anyway.get() { t("verdict.hide") } else { t("verdict.anyway") }}
                </button>
            </Show>
            <ul
                class="bars"
                id="lesson-bars"
                aria-labelledby="lesson-model-title"
                class:refused=move || refused.get()
                class:veiled=move || veiled.get()
            >
                {bars.collect_view()}
            </ul>
        </section>
    }
}
