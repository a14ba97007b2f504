//! What can be done with a result beyond reading it. Each part is closed at first, and does nothing before it
//! is opened.

use crate::annex::{self, Awaited};
use crate::language::tr;
use crate::state::Desk;
use leptos::html::Details;
use leptos::prelude::*;

/// The parts, once there is a result.
#[component]
pub fn Lab() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let shown = Memo::new(move |_| desk.outcome.read().is_some());
    view! {
        <Show when=move || shown.get()>
            <div class="lab">
                <Part id="compare" title="explain.title" open=desk.explain.comparing part=annex::Part::Compare />
                <Part id="inside" title="layers.title" open=desk.explain.inside part=annex::Part::Layers />
                <Part id="poke" title="poke.title" open=desk.poke.open part=annex::Part::Poke />
            </div>
        </Show>
    }
}

/// A part that can be opened.
#[component]
fn Part(
    id: &'static str,
    /// Its heading in the catalogue.
    title: &'static str,
    /// Whether it is.
    open: RwSignal<bool>,
    part: annex::Part,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let details = NodeRef::<Details>::new();
    view! {
        <details
            class="card part"
            id=id
            node_ref=details
            prop:open=open.get_untracked()
            on:toggle=move |_| {
                if let Some(details) = details.get_untracked() {
                    open.set(details.open());
                    if details.open() {
                        desk.fetch_annex();
                    }
                }
            }
        >
            <summary>
                <h2>{tr(title)}</h2>
            </summary>
            <Show when=move || open.get()>
                <div class="part-body">
                    <Awaited part />
                </div>
            </Show>
        </details>
    }
}
