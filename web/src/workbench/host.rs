//! The place of the workbench on the page: its heading, its progress while it is fetched, and the way out.

use super::Stage;
use crate::language::{self, t, tr, tv};
use crate::state::{Desk, Phase};
use crate::words;
use leptos::html::H2;
use leptos::prelude::*;

/// The workbench, where it is asked for.
#[component]
pub fn WorkbenchHost() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let bench = desk.workbench;
    let heading = NodeRef::<H2>::new();
    let closed = Memo::new(move |_| *bench.stage.read() == Stage::Closed);
    let open = Memo::new(move |_| *bench.stage.read() == Stage::Open);
    Effect::new(move |_| {
        if matches!(*desk.phase.read(), Phase::Ready) {
            untrack(|| desk.workbench_on());
        }
    });
    Effect::new(move |_| {
        language::code();
        untrack(|| desk.speak_to_workbench());
    });
    Effect::new(move |_| {
        if let (Some(heading), false) = (heading.get(), closed.get()) {
            // In a moment: what is hidden cannot have the focus.
            request_animation_frame(move || {
                // Without it the focus stays where it was: a nuisance, no failure.
                let _ = heading.focus();
                heading.scroll_into_view();
            });
        }
    });
    let title = move || t(bench.view.get().title());
    let said = move || match bench.stage.get() {
        Stage::Fetching if *desk.phase.read() == Phase::Loading => Some(t("bench.waits")),
        Stage::Fetching => Some(tv(
            "bench.fetching",
            &[("size", words::bytes(bench.fetched.get()).into())],
        )),
        Stage::Failed(line) => Some(tv("bench.failed", &[("reason", line.text().into())])),
        _ => None,
    };
    let failed = Memo::new(move |_| matches!(*bench.stage.read(), Stage::Failed(_)));
    view! {
        <section
            class="card bench"
            aria-labelledby="bench-title"
            hidden=move || closed.get()
            data-view=move || bench.view.get().word()
            data-stage=move || if open.get() { "open" } else if failed.get() { "failed" } else { "fetching" }
        >
            <header>
                <h2 id="bench-title" tabindex="-1" node_ref=heading>{title}</h2>
                <button
                    type="button"
                    class="close"
                    id="bench-close"
                    aria-label=tr("close")
                    on:click=move |_| desk.dismiss_workbench()
                >
                    <svg viewBox="0 0 16 16" aria-hidden="true">
                        <path d="M3.5 3.5l9 9m0-9l-9 9" />
                    </svg>
                </button>
            </header>
            <p role="status" id="bench-said" class:bad-line=move || failed.get()>
                {said}
            </p>
            <Show when=move || failed.get()>
                <button type="button" class="button" id="bench-retry" on:click=move |_| desk.retry_workbench()>
                    {tr("bench.retry")}
                </button>
            </Show>
            <div id="bench" node_ref=bench.element hidden=move || !open.get()></div>
        </section>
    }
}
