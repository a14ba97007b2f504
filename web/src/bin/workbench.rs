//! The workbench: a program that the page fetches when somebody brings many files or asks for one of its other views.
//!
//! The page mounts it into an element of its own; see `scanlight_web::bench`.

// What the attribute below makes of these functions.
#![allow(unsafe_code)]

use js_sys::Uint8Array;
use scanlight_web::bench;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

fn main() {}

/// Shows a view in `element`; `given` is what `workbench::payload` of the page made.
///
/// # Errors
/// What is missing in `given`.
#[wasm_bindgen]
pub fn mount(element: web_sys::HtmlElement, given: JsValue) -> Result<(), JsValue> {
    bench::mount(element, &given).map_err(|error| JsValue::from_str(&error))
}

/// Speaks another language.
#[wasm_bindgen]
pub fn speak(code: &str, catalogue: Option<Uint8Array>) {
    bench::speak(code, catalogue.as_ref());
}

/// Takes the view away and frees what it held.
#[wasm_bindgen]
pub fn close() {
    bench::close();
}
