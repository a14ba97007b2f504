//! What runs in the workbench, a program of its own that the page fetches when it is needed (`bin/workbench.rs`).
//!
//! The page hands over everything by [`mount`]: files, the model's bytes, the language with its catalogue, the engine
//! that it has chosen. Nothing of these is fetched again. The views share the library with the page, but no memory:
//! signals, the language and the engine's worker are the workbench's own.
//!
//! A view is one arm of [`show`].

mod compare;
mod evaluate;
mod export;
mod files;
mod given;
mod lesson;
mod order;
mod personalise;
mod progress;
mod queue;
mod report;
mod sort;
mod table;
mod thumbnail;
mod views;

use crate::language;
use given::Given;
use js_sys::Uint8Array;
use leptos::prelude::*;
use std::any::Any;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

thread_local! {
    /// What is shown. Dropping it takes it away.
    static SHOWN: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Shows the view that `given` names in `element`, in place of an earlier one.
///
/// # Errors
/// One line that says what is missing in `given`.
pub fn mount(element: HtmlElement, given: &JsValue) -> Result<(), String> {
    close();
    let given = Given::read(given)?;
    let failed = given.page.clone();
    std::panic::set_hook(Box::new(move |info| {
        web_sys::console::error_1(&info.to_string().into());
        failed.failed(&info.to_string());
    }));
    speak(&given.language, given.catalogue.as_ref());
    let handle = leptos::mount::mount_to(element, move || show(given));
    SHOWN.with(|shown| shown.replace(Some(Box::new(handle))));
    Ok(())
}

/// The view of that name.
fn show(given: Given) -> AnyView {
    match given.view.as_str() {
        "batch" => view! { <views::Batch given /> }.into_any(),
        "evaluate" => view! { <evaluate::Evaluate given /> }.into_any(),
        "report" => view! { <report::OnePage given /> }.into_any(),
        "compare" => view! { <compare::Compare given /> }.into_any(),
        "lesson" => view! { <lesson::LessonRoom given /> }.into_any(),
        "personalise" => view! { <personalise::Personalise given /> }.into_any(),
        // The page asks for those only that are here.
        other => view! { <p role="alert">{other.to_string()}</p> }.into_any(),
    }
}

/// Speaks the language of this tag; `catalogue` holds the bytes of its file, which English does not need.
pub fn speak(code: &str, catalogue: Option<&Uint8Array>) {
    if let Err(error) = language::take_over(code, catalogue) {
        web_sys::console::warn_1(&error.into());
    }
}

/// Takes away what is shown and frees it; the engine's worker ends.
pub fn close() {
    let shown = SHOWN.with(RefCell::take);
    drop(shown);
}

/// Hands a text over as a file to keep.
fn save(name: &str, kind: &str, text: &str) {
    let parts = js_sys::Array::of1(&text.into());
    let properties = web_sys::BlobPropertyBag::new();
    properties.set_type(kind);
    report_error(
        web_sys::Blob::new_with_str_sequence_and_options(&parts, &properties)
            .and_then(|blob| files::save(name, &blob)),
    );
}

/// What goes wrong without harm is for the console.
fn report_error(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::error_1(&error);
    }
}

/// The function at `name` of an object.
fn function(object: &JsValue, name: &str) -> Result<js_sys::Function, String> {
    js_sys::Reflect::get(object, &name.into())
        .ok()
        .and_then(|value| value.dyn_into().ok())
        .ok_or_else(|| format!("the page gave no function {name}"))
}
