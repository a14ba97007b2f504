//! The focus, where what had it is gone.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Gives the focus to the first element of the page that `selector` names, if there is one.
pub fn give(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
        // Without it the keyboard begins at the top of the page: a nuisance, no failure.
        let _ = element.focus();
    }
}
