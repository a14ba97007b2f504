//! Trains the last layer of a network on a few scans of the visitor's, in a web worker of its own. Its program is fetched
//! when somebody asks for it, before anything of a scan is read.
//!
//! - [`protocol`]: what the page and the worker say to each other (no features needed),
//! - `session` (feature `worker`): the parent, the scans, the training under way,
//! - `archive` (feature `worker`): the new bundle as one file,
//! - `worker` (feature `worker`): messages in, steps in between, messages out.

pub mod protocol;

#[cfg(feature = "worker")]
mod archive;
#[cfg(feature = "worker")]
pub mod session;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
