//! A sheet over the page: closed at first; Esc closes it, as do its button and a press beside it.

use crate::language::tr;
use leptos::ev::MouseEvent;
use leptos::html::Dialog;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// Opens a sheet. The browser gives the focus back when it closes.
pub fn open(dialog: NodeRef<Dialog>) {
    if let Some(dialog) = dialog.get_untracked()
        && let Err(error) = dialog.show_modal()
    {
        web_sys::console::error_1(&error);
    }
}

/// The sheet; `id` is its own and, with `-title` behind it, its heading's.
#[component]
pub fn Sheet(
    /// The element's id.
    id: &'static str,
    /// The element, for [`open`].
    node: NodeRef<Dialog>,
    /// The line above the heading.
    #[prop(into)]
    eyebrow: Signal<String>,
    /// The heading.
    heading: AnyView,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let close = move || {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    // The dialog's own box is filled by its content: what else is hit is the backdrop.
    let beside = move |event: MouseEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlDialogElement>().ok());
        if target.is_some() {
            close();
        }
    };
    let title = format!("{id}-title");
    let label = title.clone();
    view! {
        <dialog class="sheet" id=id aria-labelledby=label node_ref=node on:click=beside>
            <div class="sheet-body">
                <header>
                    <div>
                        <p class="eyebrow">{move || eyebrow.get()}</p>
                        <h2 id=title>{heading}</h2>
                    </div>
                    <button
                        type="button"
                        class="close"
                        aria-label=tr("close")
                        on:click=move |_| close()
                    >
                        <svg viewBox="0 0 16 16" aria-hidden="true">
                            <path d="M3.5 3.5l9 9m0-9l-9 9" />
                        </svg>
                    </button>
                </header>
                {children()}
            </div>
        </dialog>
    }
}
