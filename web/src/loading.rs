//! The card that shows how far loading has come, and the one that shows that it failed.

use crate::language::{tr, tv};
use crate::state::{Desk, Phase, Step};
use crate::words;
use leptos::prelude::*;

/// Progress until the page is ready.
#[component]
pub fn Loading() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| *desk.phase.read() == Phase::Loading);
    let percent = Memo::new(move |_| (share(desk.step.get(), desk.fetched.get()) * 100.0).round());
    view! {
        <Show when=move || shown.get()>
            <section class="card loading" aria-labelledby="loading-title">
                <h2 id="loading-title">{tr("loading.title")}</h2>
                <div
                    class="meter"
                    role="progressbar"
                    aria-labelledby="loading-title"
                    aria-valuemin="0"
                    aria-valuemax="100"
                    aria-valuenow=move || percent.get().to_string()
                >
                    <div class="fill" style:width=move || format!("{}%", percent.get())></div>
                </div>
                <ol class="steps">
                    <StepLine step=Step::Fetch>
                        {tr("loading.weights")}
                        <span class="number">{move || weights(desk.fetched.get())}</span>
                    </StepLine>
                    <StepLine step=Step::Prepare>
                        {tr("loading.engine")}
                        <span class="number">
                            {move || desk.kind.get().map(|kind| kind.title())}
                        </span>
                    </StepLine>
                    <StepLine step=Step::WarmUp>{tr("loading.warm_up")}</StepLine>
                </ol>
                <p class="hint">
                    {tr("loading.hint")}
                </p>
            </section>
        </Show>
    }
}

#[component]
fn StepLine(step: Step, children: Children) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <li
            class:done=move || { desk.step.get() > step }
            class:now=move || desk.step.get() == step
            aria-current=move || (desk.step.get() == step).then_some("step")
        >
            {children()}
        </li>
    }
}

/// Why nothing can be classified, and a way to try again.
#[component]
pub fn Failure() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        {move || match desk.phase.get() {
            Phase::Failed(line) => {
                Some(
                    view! {
                        <section class="card failure" role="alert">
                            <h2>{tr("failure.title")}</h2>
                            <p>{move || line.text()}</p>
                            <button type="button" class="button" on:click=move |_| desk.retry()>
                                {tr("failure.again")}
                            </button>
                        </section>
                    },
                )
            }
            _ => None,
        }}
    }
}

/// The share of loading that is done, in 0..=1. Bytes are most of it on most connections.
fn share(step: Step, (count, expected): (f64, f64)) -> f64 {
    match step {
        Step::Fetch if expected > 0.0 => 0.04 + 0.66 * (count / expected).min(1.0),
        Step::Fetch => 0.04,
        Step::Prepare => 0.75,
        Step::WarmUp => 0.9,
        Step::Done => 1.0,
    }
}

fn weights((count, expected): (f64, f64)) -> String {
    if expected > 0.0 && count < expected {
        tv(
            "loading.part",
            &[
                ("part", words::bytes(count).into()),
                ("whole", words::bytes(expected).into()),
            ],
        )
    } else if expected > 0.0 {
        words::bytes(expected)
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn the_share_only_grows() {
        let shares = [
            share(Step::Fetch, (0.0, 0.0)),
            share(Step::Fetch, (0.0, 10.0)),
            share(Step::Fetch, (5.0, 10.0)),
            share(Step::Fetch, (12.0, 10.0)),
            share(Step::Prepare, (10.0, 10.0)),
            share(Step::WarmUp, (10.0, 10.0)),
            share(Step::Done, (10.0, 10.0)),
        ];
        assert!(shares.is_sorted(), "{shares:?}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn weights_in_words() {
        assert_eq!(weights((0.0, 0.0)), "");
        assert_eq!(weights((2e6, 4e6)), "2.0 MB of 4.0 MB");
        assert_eq!(weights((4e6, 4e6)), "4.0 MB");
    }
}
