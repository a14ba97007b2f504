//! The end of a lesson: how the learner did, how the model did, and every case once more.

use super::prepare::{Leave, focus};
use super::room::{Mark, Room, Tally};
use super::{Notice, class_title};
use crate::bench::table::in_words;
use crate::canvas::paint;
use crate::language::{t, tr, tv};
use crate::pixels;
use leptos::html::{Canvas, H3};
use leptos::prelude::*;

/// The learner's line of the score.
fn yours(tally: Tally) -> String {
    let values = [
        ("right", tally.learner.into()),
        ("all", tally.counted.into()),
    ];
    tv("lesson.score_you", &values)
}

/// The model's line of the score.
fn models(tally: Tally) -> String {
    let values = [("right", tally.model.into()), ("all", tally.counted.into())];
    tv("lesson.score_model", &values)
}

/// What a screen reader is told.
pub fn said(room: Room) -> String {
    let tally = room.tally();
    if tally.counted == 0 {
        return t("lesson.score_none");
    }
    let values = [
        ("you", yours(tally).into()),
        ("model", models(tally).into()),
    ];
    tv("lesson.said_score", &values)
}

/// The score.
#[component]
pub fn Score(room: Room) -> impl IntoView {
    let heading = NodeRef::<H3>::new();
    focus(heading);
    let tally = room.tally();
    let synthetic = room.lesson.with_value(|lesson| lesson.synthetic);
    let boxes = tally.boxes > 0;
    let numbers = (tally.counted > 0).then(|| {
        view! {
            <p class="lesson-verdict" id="score-you">{move || yours(tally)}</p>
            <p class="lesson-verdict" id="score-model">{move || models(tally)}</p>
            {(tally.model < tally.counted)
                .then(|| {
                    let values = move || {
                        [
                            ("unsure", tally.unsure.into()),
                            ("refused", tally.refused.into()),
                            ("wrong", tally.wrong().into()),
                        ]
                    };
                    view! { <p class="hint">{move || tv("lesson.score_more", &values())}</p> }
                })}
        }
    });
    let nothing = (tally.counted == 0).then(|| view! { <p>{tr("lesson.score_none")}</p> });
    let uncounted = (tally.counted > 0 && tally.uncounted > 0).then(|| {
        view! { <p class="hint">{move || tv("lesson.uncounted", &[("n", tally.uncounted.into())])}</p> }
    });
    let maps = boxes.then(|| {
        let values = move || [("hits", tally.hits.into()), ("all", tally.boxes.into())];
        view! { <p class="hint" id="score-map">{move || tv("lesson.score_map", &values())}</p> }
    });
    let rows = (0..room.len()).map(|index| view! { <Row room index boxes /> });
    view! {
        <h3 id="lesson-title" tabindex="-1" node_ref=heading>
            {tr("lesson.score")}
        </h3>
        <Notice synthetic brief=false />
        <div class="lesson-score">{numbers} {nothing} {uncounted} {maps}</div>
        <div class="table-box" tabindex="0" role="region" aria-label=tr("lesson.table")>
            <table class="answers" id="lesson-table">
                <caption>{tr("lesson.table")}</caption>
                <thead>
                    <tr>
                        <th scope="col" colspan="2">{tr("lesson.column_case")}</th>
                        <th scope="col">{tr("batch.label")}</th>
                        <th scope="col">{tr("lesson.column_you")}</th>
                        <th scope="col">{tr("lesson.column_model")}</th>
                        {boxes.then(|| view! { <th scope="col">{tr("lesson.column_map")}</th> })}
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
        <div class="row">
            <button type="button" class="button primary" id="lesson-restart" on:click=move |_| room.restart()>
                {tr("lesson.restart")}
            </button>
            <Leave room />
        </div>
    }
}

/// A case. Its button shows it again.
#[component]
fn Row(room: Room, index: usize, boxes: bool) -> impl IntoView {
    let truth = room.truth(index);
    let guess = untrack(|| room.guessed(index));
    let answer = room.answer(index);
    let title = move |class: Option<usize>| match class {
        Some(class) => room
            .classes
            .with_value(|classes| class_title(classes, class)),
        None => "–".to_string(),
    };
    let verdict = answer.as_ref().map(|answer| answer.verdict);
    let model = move || {
        let verdict = verdict?;
        Some(
            room.classes
                .with_value(|classes| in_words(classes, verdict)),
        )
    };
    let mark = |mark: Option<Mark>| mark.map(|mark| view! { <Sign mark /> });
    let yours = guess
        .zip(truth)
        .map(|(guess, truth)| Mark::of_class(guess, truth));
    let models = verdict
        .zip(truth)
        .map(|(verdict, truth)| Mark::of_verdict(verdict, truth));
    let hit = room.hit(index);
    let picture = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let (Some(canvas), Some(answer)) = (picture.get(), &answer) {
            let small = &answer.thumbnail;
            paint(&canvas, &pixels::from_grey(&small.grey), small.size);
        }
    });
    view! {
        // The whole row takes the pointer; its button, whose clicks come here as well, is for the keyboard.
        <tr
            class="opens"
            data-case=(index + 1).to_string()
            on:click=move |_| room.step.set(super::room::Step::Case(index))
        >
            <td class="thumb">
                <canvas node_ref=picture aria-hidden="true" width="1" height="1"></canvas>
            </td>
            <th scope="row">
                <button type="button" class="open-row">
                    {move || tv("lesson.review", &[("n", (index + 1).into())])}
                </button>
            </th>
            <td>{move || title(truth)}</td>
            <td data-mark=yours.map(Mark::key)>{mark(yours)} {move || title(guess)}</td>
            <td data-mark=models.map(Mark::key)>{mark(models)} {model}</td>
            {boxes
                .then(|| {
                    view! {
                        <td>
                            {move || match hit {
                                Some(true) => t("lesson.yes"),
                                Some(false) => t("lesson.no"),
                                None => "–".to_string(),
                            }}
                        </td>
                    }
                })}
        </tr>
    }
}

/// Right or not, as a sign for the eye and a word for the ear.
#[component]
fn Sign(mark: Mark) -> impl IntoView {
    let sign = match mark {
        Mark::Right => "✓",
        Mark::Wrong => "✗",
        Mark::Unsure | Mark::Refused => "?",
    };
    view! {
        <span class="sign" class:good=mark == Mark::Right aria-hidden="true">
            {sign}
        </span>
        <span class="unseen">{tr(mark.key())} ": "</span>
    }
}
