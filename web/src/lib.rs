//! Scanlight's page: a brain MRI slice in, class probabilities and a heat map out, all in the browser.
//!
//! The page itself holds no network. It picks an engine ([`options`], [`adapter`]), fetches the weights
//! once ([`fetch`], [`model`]), hands both to a web worker ([`engine_client`]) and shows what comes back;
//! [`session`] is the state machine that ties these together and [`state`] what the views read. Every word
//! comes from [`language`]; [`offline`] keeps the page for the next visit.
//!
//! A library, so that more than one program can be made of its parts: the page itself (`main.rs`) stays small, and what
//! is not needed for a first answer can be fetched when somebody asks for it.

// A library for the programs of this crate alone: its documentation is read by who works on it, with the private parts.
#![allow(rustdoc::private_intra_doc_links)]

mod adapter;
mod annex;
mod announce;
mod app;
pub mod bench;
mod boot;
mod canvas;
mod diagnostics;
mod dialog;
mod embed;
mod engine_client;
mod explain;
mod facts;
mod fetch;
mod finding;
mod focus;
mod footer;
mod heat;
mod intake;
mod kept;
mod lab;
mod label;
mod language;
mod links;
mod loading;
mod model;
mod models;
mod offline;
mod options;
mod pictures;
mod pixels;
mod poke;
mod requests;
mod samples;
mod session;
mod state;
mod study;
mod verdict;
mod viewer;
mod words;
mod workbench;

use leptos::prelude::*;

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

pub use annex::{Annex, Fetch, annex};

/// Starts the page, which gets at its annex so.
pub fn run(annex: Fetch) {
    std::panic::set_hook(Box::new(|info| {
        web_sys::console::error_1(&info.to_string().into());
    }));
    // Leptos has its own way to start tasks only once something is mounted.
    wasm_bindgen_futures::spawn_local(async move {
        offline::hand_over().await;
        language::start().await;
        // The notice that stands in the file until the page can speak.
        if let Some(boot) = document().get_element_by_id("boot") {
            boot.remove();
        }
        mount_to_body(move || view! { <app::App annex /> });
    });
}
