//! The page as a whole.

use crate::annex::{self, Fetch, Part, Quiet};
use crate::announce;
use crate::diagnostics::DiagnosticsDialog;
use crate::embed;
use crate::facts::FactsDialog;
use crate::focus;
use crate::footer::Footer;
use crate::intake;
use crate::lab::Lab;
use crate::language::{Chooser, Line, tr};
use crate::links;
use crate::loading::{Failure, Loading};
use crate::models::Models;
use crate::offline;
use crate::samples::Samples;
use crate::state::{Desk, Phase};
use crate::verdict::{Caution, Verdict};
use crate::viewer::Viewer;
use leptos::prelude::*;
use std::time::Duration;

/// The page.
#[component]
pub fn App(
    /// How the annex is fetched.
    annex: Fetch,
) -> impl IntoView {
    let desk = Desk::new();
    provide_context(desk);
    intake::listen(desk);
    desk.start();
    links::keep(desk);
    embed::start(desk);
    offline::keep(desk);
    annex::keep(desk, annex);
    furnish(desk);
    view! {
        <header class="top">
            <h1 class="brand">
                <Mark />
                "Scanlight"
            </h1>
            <p class="tag-line"><span>{tr("page.tag_what")} " "</span> {tr("page.tag_where")}</p>
            <Chooser />
        </header>
        <main data-phase=move || desk.phase.read().word() data-annex=move || desk.annex.get().word()>
            <Banners />
            <Quiet part=Part::Workbench />
            <div class="desk">
                <Viewer />
                <div class="panel" class:stale=move || desk.is_ahead()>
                    <Loading />
                    <Failure />
                    <Verdict />
                    <Caution />
                    <Later>
                        <Models />
                    </Later>
                </div>
                <Lab />
                <Samples />
            </div>
        </main>
        <Later>
            <Footer />
            <FactsDialog />
            <DiagnosticsDialog />
        </Later>
        <p class="unseen" role="status" id="status">
            {move || announce::status(desk)}
        </p>
        <div class="veil" class:shown=move || desk.dragging.get() aria-hidden="true">
            <p>{tr("page.drop")}</p>
        </div>
    }
}

/// How long nothing is asked of the page that takes files until the rest of it is drawn.
const SOON: Duration = Duration::from_millis(100);
/// When the rest is drawn in any case, after the page's program has begun.
const LATEST: Duration = Duration::from_millis(1000);

/// Has the parts that a first answer does not need drawn once the page has nothing more urgent to do: drawn first, they hold
/// up the answer to a file that came early by as long as they take.
fn furnish(desk: Desk) {
    set_timeout(move || desk.furnished.set(true), LATEST);
    Effect::new(move |_| {
        if is_idle(&desk.phase.read()) && !desk.furnished.get_untracked() {
            let draw = move || {
                // An answer that is on its way comes first, and brings this here again.
                if is_idle(&desk.phase.read_untracked()) {
                    desk.furnished.set(true);
                }
            };
            set_timeout(draw, SOON);
        }
    });
}

fn is_idle(phase: &Phase) -> bool {
    matches!(phase, Phase::Ready | Phase::Failed(_))
}

/// A part that waits for [`furnish`].
#[component]
fn Later(children: ChildrenFn) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! { <Show when=move || desk.furnished.get()>{children()}</Show> }
}

/// The mark: a slice and the line that scans it.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <circle cx="16" cy="16" r="11.5" />
            <path d="M2 16h28" />
            <circle class="spot" cx="20.5" cy="16" r="3" />
        </svg>
    }
}

/// The ways to open a file.
const FILES: &str = "#drop-zone, #open-another";

/// One line each about what went wrong and what is worth knowing.
#[component]
fn Banners() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div class="banners">
            <div role="alert" id="alert">
                {move || {
                    desk.alert
                        .get()
                        .map(|line| view! { <Banner class="banner bad" line close=move || { desk.alert.set(None); focus::give(FILES) } /> })
                }}
            </div>
            <div role="status" id="notice">
                {move || {
                    desk.notice
                        .get()
                        .map(|line| view! { <Banner class="banner" line close=move || { desk.notice.set(None); focus::give(FILES) } /> })
                }}
            </div>
            <div role="status" id="update">
                <Show when=move || desk.update_waits.get()>
                    <div class="banner">
                        <p>{tr("update.ready")}</p>
                        <button type="button" class="button" on:click=move |_| offline::use_update()>
                            {tr("update.use")}
                        </button>
                    </div>
                </Show>
            </div>
        </div>
    }
}

#[component]
fn Banner(class: &'static str, line: Line, close: impl Fn() + 'static) -> impl IntoView {
    view! {
        <div class=class>
            <p>{move || line.text()}</p>
            <button type="button" class="close" aria-label=tr("dismiss") on:click=move |_| close()>
                <svg viewBox="0 0 16 16" aria-hidden="true">
                    <path d="M3.5 3.5l9 9m0-9l-9 9" />
                </svg>
            </button>
        </div>
    }
}
