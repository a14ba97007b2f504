//! What the page does not need for a first answer: views and ways that a visitor gets to later. The build cuts them
//! off the page's program into one of their own, which is fetched when the page has nothing else to do, or when
//! somebody asks for one of them first.
//!
//! [`Annex`] is all that leads into it: whatever only its functions reach is cut off with them. So nothing else may
//! name those functions, or they stay in the page's own program.

use crate::diagnostics::DiagnosticsText;
use crate::explain::{Compare, Layers};
use crate::facts::FactsText;
use crate::intake::{Dropped, sort};
use crate::language::{Line, tr};
use crate::model::Choice;
use crate::offline;
use crate::poke::Bench;
use crate::state::{Desk, Phase};
use crate::study::StudyControls;
use crate::workbench::{View, WorkbenchHost};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::Cell;
use std::pin::Pin;

/// The ways into the annex.
#[derive(Clone, Copy)]
pub struct Annex {
    /// One of its views.
    view: fn(Part) -> AnyView,
    /// Opens files that are more than one plain picture; whether there were too many, and their turn.
    pub sort: fn(Desk, Vec<Dropped>, bool, u32),
    /// Shows a view of the workbench with these files.
    pub open_workbench: fn(Desk, View, Vec<Dropped>),
    /// Begins the lesson of this id, or lets the visitor choose.
    pub open_lesson: fn(Desk, Option<&str>),
    /// Shows the last answer on one page.
    pub open_report: fn(Desk),
    /// Shows what another model makes of the scan.
    pub compare_with: fn(Desk, Choice),
}

/// The annex: to be called by what was cut off, and by nothing else.
pub fn annex() -> Annex {
    Annex {
        view: |part| match part {
            Part::Compare => view! { <Compare /> }.into_any(),
            Part::Layers => view! { <Layers /> }.into_any(),
            Part::Poke => view! { <Bench /> }.into_any(),
            Part::Study => view! { <StudyControls /> }.into_any(),
            Part::Facts => view! { <FactsText /> }.into_any(),
            Part::Diagnostics => view! { <DiagnosticsText /> }.into_any(),
            Part::Workbench => view! { <WorkbenchHost /> }.into_any(),
        },
        sort,
        open_workbench: Desk::open_workbench,
        open_lesson: Desk::open_lesson,
        open_report: Desk::open_report,
        compare_with: Desk::compare_with,
    }
}

/// How the page's program gets at its annex; the error is a reason.
pub type Fetch = fn() -> Pin<Box<dyn Future<Output = Result<Annex, String>>>>;

thread_local! {
    static FETCH: Cell<Option<Fetch>> = const { Cell::new(None) };
}

/// How far the annex has come.
#[derive(Clone, Copy)]
pub enum Stage {
    /// Nobody asked.
    Missing,
    /// It was asked for.
    Fetching,
    /// It is there.
    There(Annex),
    /// It could not be had.
    Failed,
}

/// Says how the annex is fetched, and has that done as soon as the page has been ready for a moment: so that nothing
/// is left to fetch when a file is opened.
pub fn keep(desk: Desk, fetch: Fetch) {
    FETCH.set(Some(fetch));
    let begun = StoredValue::new(false);
    Effect::new(move |_| {
        if *desk.phase.read() == Phase::Ready && !begun.get_value() {
            begun.set_value(true);
            set_timeout(
                move || {
                    if !offline::is_held() {
                        desk.fetch_annex();
                    }
                },
                offline::AT_LEISURE,
            );
        }
    });
}

impl Stage {
    /// One word, for tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fetching => "fetching",
            Self::There(_) => "there",
            Self::Failed => "failed",
        }
    }
}

impl Desk {
    /// Has the annex fetched, if it is not there.
    pub fn fetch_annex(self) {
        spawn_local(async move {
            // What went wrong stands where the annex is missing.
            let _ = self.annex().await;
        });
    }

    /// Does something with the annex as soon as it is there.
    pub fn with_annex(self, then: impl FnOnce(Annex) + 'static) {
        spawn_local(async move {
            match self.annex().await {
                Ok(annex) => then(annex),
                Err(reason) => self.complain(Line::new("annex.failed").with("reason", reason)),
            }
        });
    }

    /// The annex, fetched if need be; the error is a reason.
    pub async fn annex(self) -> Result<Annex, String> {
        let state = self.annex;
        if let Stage::There(annex) = state.get_untracked() {
            return Ok(annex);
        }
        if !matches!(state.get_untracked(), Stage::Fetching) {
            state.set(Stage::Fetching);
            if self.opened.read_untracked().is_some() {
                self.ask_for(1);
            }
        }
        let fetch = FETCH.get().ok_or("the page has none")?;
        let fetched = fetch().await;
        match &fetched {
            // Another call may have been first.
            Ok(_) if matches!(state.get_untracked(), Stage::There(_)) => {}
            Ok(annex) => state.set(Stage::There(*annex)),
            Err(_) => state.set(Stage::Failed),
        }
        fetched
    }
}

/// One view of the annex.
#[derive(Clone, Copy)]
pub enum Part {
    /// All methods' maps beside each other.
    Compare,
    /// What the network's blocks see.
    Layers,
    /// The scan under a brush.
    Poke,
    /// What surrounds a slice of something larger.
    Study,
    /// The model's facts.
    Facts,
    /// The support text.
    Diagnostics,
    /// The place of the workbench.
    Workbench,
}

/// A part of the annex once that is there; until then nothing. It does not ask for the annex.
#[component]
pub fn Quiet(part: Part) -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || match desk.annex.get() {
        Stage::There(annex) => Some((annex.view)(part)),
        _ => None,
    }
}

/// A part of the annex, with a word about where it is until then. It does not ask for the annex.
#[component]
pub fn Awaited(part: Part) -> impl IntoView {
    let desk = expect_context::<Desk>();
    move || match desk.annex.get() {
        Stage::There(annex) => (annex.view)(part),
        Stage::Failed => view! {
            <p class="bad-line" role="status">{tr("annex.missing")}</p>
            <button type="button" class="button" on:click=move |_| desk.fetch_annex()>
                {tr("bench.retry")}
            </button>
        }
        .into_any(),
        _ => view! { <p class="hint" role="status">{tr("annex.coming")}</p> }.into_any(),
    }
}
