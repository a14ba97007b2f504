//! Scanlight's inference engines: each runs in a dedicated web worker, as its own wasm module.
//!
//! - [`protocol`]: what the page and a worker say to each other (no features needed),
//! - [`wire`]: how that is put into `postMessage`,
//! - `answer` (feature `worker`): the model's answer in the protocol's words,
//! - `worker` (feature `worker`): the loop that both engines share, and `explain`, what can be asked about
//!   the scan that was classified last,
//! - `cpu` (feature `worker`) and `webgpu` (feature `webgpu`): one small, non-generic engine each,
//! - `pictures` (feature `pictures`): another worker, which reads the rarer kinds of pictures for them,
//! - `candle` (feature `candle`): a third one for the tests, which no worker runs.

pub mod protocol;
pub mod wire;

#[cfg(feature = "worker")]
pub mod answer;
#[cfg(feature = "worker")]
mod explain;
#[cfg(feature = "worker")]
pub mod picture;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(feature = "candle")]
pub mod candle;
#[cfg(feature = "worker")]
pub mod cpu;
#[cfg(feature = "pictures")]
pub mod pictures;
#[cfg(feature = "webgpu")]
pub mod webgpu;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
