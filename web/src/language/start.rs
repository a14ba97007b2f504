//! Choosing and fetching a language.

use super::{BUILT_IN, speak};
use crate::fetch::{self, FetchError};
use crate::kept;
use crate::offline;
use js_sys::Uint8Array;
use leptos::prelude::*;
use scanlight_messages::{Language, choice};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response, UrlSearchParams};

/// The name of the choice that is kept.
const REMEMBERED: &str = "language";
/// The address's parameter.
const PARAMETER: &str = "lang";
/// How long the page waits for its words before it begins in English.
const PATIENCE_MS: u32 = 4000;

/// Finds out the visitor's language and speaks it: that of the address, else the one chosen on an earlier
/// visit, else the browser's. If its file cannot be had, the page is in English.
pub async fn start() {
    let asked = parameters().and_then(|parameters| parameters.get(PARAMETER));
    let kept = kept::read(REMEMBERED);
    let browser: Vec<String> = window()
        .navigator()
        .languages()
        .iter()
        .filter_map(|tag| tag.as_string())
        .collect();
    let wishes = asked.iter().chain(&kept).chain(&browser);
    if let Some(language) = choice::best(wishes.map(String::as_str))
        && let Err(error) = load(language).await
    {
        web_sys::console::warn_1(&error.to_string().into());
    }
}

/// Fetches a language's file, unless it lies in the program, and speaks it.
pub async fn load(language: &'static Language) -> Result<(), FetchError> {
    let catalogue = if language.code == BUILT_IN {
        None
    } else {
        let file = format!("languages/{}.json", language.code);
        let bytes = match kept_copy(&file).await {
            Some(bytes) => bytes,
            None => fetch::bytes_within(&file, PATIENCE_MS).await?,
        };
        Some((fetch::json(&file, &bytes)?, Some(bytes)))
    };
    speak(language, catalogue);
    Ok(())
}

/// The file as the service worker has stored it: taken from there it makes no request, which matters while
/// a scan is open.
async fn kept_copy(file: &str) -> Option<Uint8Array> {
    let stores: CacheStorage = window().caches().ok()?;
    let name = offline::cache_name()?;
    // To open a store that is not there would make one.
    let there = JsFuture::from(stores.has(&name)).await.ok()?;
    if !there.is_truthy() {
        return None;
    }
    let store: Cache = JsFuture::from(stores.open(&name))
        .await
        .ok()?
        .dyn_into()
        .ok()?;
    let found = JsFuture::from(store.match_with_str(file)).await.ok()?;
    let response: Response = found.dyn_into().ok()?;
    let buffer = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
    Some(Uint8Array::new(&buffer))
}

/// Remembers a choice: for the next visit, and in an address that asks for a language.
pub fn remember(language: &Language) {
    kept::write(REMEMBERED, language.code);
    let Some(parameters) = parameters().filter(|parameters| parameters.has(PARAMETER)) else {
        return;
    };
    parameters.set(PARAMETER, language.code);
    let address = format!("?{}", String::from(parameters.to_string()));
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

fn parameters() -> Option<UrlSearchParams> {
    let search = window().location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()
}
