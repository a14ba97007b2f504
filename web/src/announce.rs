//! What a screen reader is told: progress in a few steps, then the answer.

use crate::language::{t, tv};
use crate::state::{Desk, Phase, Step};
use crate::verdict::said;
use leptos::prelude::*;

/// The line of the live region. It changes with every step, not with every byte.
pub fn status(desk: Desk) -> String {
    if let Some([_, all]) = desk.study.reading.get() {
        return tv("study.opening", &[("n", all.into())]);
    }
    match desk.phase.get() {
        Phase::Loading => match desk.waiting.get() {
            Some(name) => tv("status.waits", &[("name", name.text().into())]),
            None => match desk.step.get() {
                Step::Fetch => t("status.loading"),
                Step::Prepare => t("status.preparing"),
                Step::WarmUp | Step::Done => t("status.warming"),
            },
        },
        Phase::Working(name) => tv("status.working", &[("name", name.text().into())]),
        Phase::Failed(_) => String::new(),
        Phase::Ready => answer(desk).unwrap_or_else(|| t("status.ready")),
    }
}

/// The verdict on the last file with its reason, and what it is not.
fn answer(desk: Desk) -> Option<String> {
    let name = desk.outcome.get()?.name.text();
    let said = said(desk)?;
    let file = tv(
        "status.answer",
        &[("name", name.into()), ("answer", said.headline.into())],
    );
    let parts = [file, said.reason.unwrap_or_default(), t("status.caution")];
    Some(
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    )
}
