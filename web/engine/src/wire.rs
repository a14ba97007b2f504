//! Messages as values for `postMessage`: an array of the JSON text and then the buffers; and how many requests a worker has
//! made, which it puts into some of them.
//!
//! Buffers are transferred, not copied, so a scan or the weights never exist twice on the way.

use js_sys::{Array, JSON, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DedicatedWorkerGlobalScope;

/// Why a message could not be read or written.
#[derive(Debug, Error)]
pub enum WireError {
    /// The value is no array of a text and byte arrays.
    #[error("a message has an unexpected shape")]
    Shape,
    /// The text is not the expected message.
    #[error("a message cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// A message ready for `postMessage`.
#[derive(Debug)]
pub struct Packed {
    /// The message.
    pub message: Array,
    /// What to transfer with it: the buffers' memory, which the sender loses.
    pub transfer: Array,
}

/// Packs `message` and `buffers`. Each buffer must own its memory whole: it is transferred.
pub fn pack(message: &impl Serialize, buffers: &[Uint8Array]) -> Result<Packed, WireError> {
    let text = serde_json::to_string(message)?;
    let packed = Packed {
        message: Array::of1(&JsValue::from_str(&text)),
        transfer: Array::new(),
    };
    for buffer in buffers {
        packed.message.push(buffer);
        packed.transfer.push(&buffer.buffer());
    }
    Ok(packed)
}

/// Reads what [`pack`] wrote.
pub fn unpack<T: DeserializeOwned>(value: &JsValue) -> Result<(T, Vec<Uint8Array>), WireError> {
    let array: &Array = value.dyn_ref().ok_or(WireError::Shape)?;
    let text = array.get(0).as_string().ok_or(WireError::Shape)?;
    let message = serde_json::from_str(&text)?;
    let buffers = array
        .iter()
        .skip(1)
        .map(|buffer| buffer.dyn_into().map_err(|_| WireError::Shape))
        .collect::<Result<_, _>>()?;
    Ok((message, buffers))
}

/// How many requests a worker has made, which the page cannot see itself. They are the browser's own record of them, and at
/// least the two that every worker begins with, its script's and its program's: that may be recorded a moment after the
/// program runs.
pub fn requests() -> u32 {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let recorded = scope.performance().map_or(0, |clock| {
        let entries = clock.get_entries_by_type("resource");
        entries.length()
    });
    recorded.max(2)
}

/// A JavaScript value as one line of text: an error's message, or the value as JSON.
pub fn describe(value: &JsValue) -> String {
    let text = if let Some(error) = value.dyn_ref::<js_sys::Error>() {
        String::from(error.message())
    } else if let Some(text) = value.as_string() {
        text
    } else {
        JSON::stringify(value)
            .map(String::from)
            .unwrap_or_else(|_| "unknown error".into())
    };
    one_line(&text)
}

/// `text` with runs of white space (line breaks above all) as single spaces, at most 300 characters.
pub fn one_line(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &joined[..end]),
        None => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::one_line;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn one_line_is_one_short_line() {
        assert_eq!(one_line("  a\n b\t\tc \r\n"), "a b c");
        let long = one_line(&"é ".repeat(1000));
        assert_eq!(long.chars().count(), 301);
    }
}
