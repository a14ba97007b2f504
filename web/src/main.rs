//! Scanlight's page: a brain MRI slice in, class probabilities and a heat map out, all in the browser.
//!
//! The page itself holds no network. It picks an engine ([`options`], [`adapter`]), fetches the weights
//! once ([`fetch`], [`model`]), hands both to a web worker ([`engine_client`]) and shows what comes back;
//! [`session`] is the state machine that ties these together and [`state`] what the views read.

mod adapter;
mod app;
mod engine_client;
mod facts;
mod fetch;
mod footer;
mod intake;
mod label;
mod loading;
mod model;
mod options;
mod pixels;
mod requests;
mod samples;
mod session;
mod state;
mod verdict;
mod viewer;
mod words;

use leptos::prelude::*;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn main() {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
    }));
    // The notice that stands in the file until the module is there.
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
    mount_to_body(app::App);
}
