//! Reads what is more than one plain picture (volumes, series, archives, many files) in a web worker of its own.
//! Its program is fetched when somebody brings such files, so that nobody else pays for the decoders.
//!
//! - [`protocol`]: what the page and the worker say to each other (no features needed),
//! - `items` and `reasons` (feature `worker`): what was read and what could not be, in the protocol's words,
//! - `worker` (feature `worker`): the worker.

pub mod protocol;

#[cfg(feature = "worker")]
pub mod items;
#[cfg(feature = "worker")]
pub mod reasons;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
