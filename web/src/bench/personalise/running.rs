//! Training under way.

use super::curve::Curve;
use super::tuner::Tuner;
use crate::language::{decimal, t, tr, tv};
use leptos::html::Button;
use leptos::prelude::*;

/// Steps between two lines that screen readers hear.
const HEARD: usize = 25;

/// How far it has come, the curve, and the way to end it.
#[component]
pub fn Running(tuner: Tuner) -> impl IntoView {
    let step = move || {
        tuner
            .curve
            .with(|curve| curve.last().map_or(0, |point| point.step))
    };
    let line = move || match tuner.curve.with(|curve| curve.last().copied()) {
        None => t("personalise.begins"),
        Some(point) => tv(
            "personalise.step",
            &[
                ("step", point.step.into()),
                ("most", tuner.most.get().into()),
                ("loss", decimal(point.loss, 3).into()),
                ("held", decimal(point.held_out, 3).into()),
            ],
        ),
    };
    let heard = Memo::new(move |_| step() / HEARD);
    let said = move || {
        // Read, not only tracked: a memo that nobody reads follows nothing.
        heard.with(|_| ());
        untrack(line)
    };
    // The button that had the focus is gone.
    let cancel = NodeRef::<Button>::new();
    Effect::new(move |_| {
        if let Some(cancel) = cancel.get() {
            // Without it the keyboard begins at the top of the page: a nuisance, no failure.
            let _ = cancel.focus();
        }
    });
    view! {
        <div class="progress">
            <p aria-hidden="true" id="tune-line" class="number">
                {line}
            </p>
            <p class="unseen" role="status">{said}</p>
            <progress
                aria-label=tr("batch.progress")
                max=move || tuner.most.get().to_string()
                value=move || step().to_string()
            ></progress>
            <button type="button" class="button" id="tune-cancel" node_ref=cancel on:click=move |_| tuner.stop()>
                {tr("batch.cancel")}
            </button>
        </div>
        <Curve tuner />
    }
}
