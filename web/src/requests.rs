//! The browser's own record of the requests that this page has sent.

use js_sys::{Array, Object, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    PerformanceEntry, PerformanceObserver, PerformanceObserverEntryList, PerformanceObserverInit,
    Url,
};

/// Starts to record. The signal holds the time at which each request began, those before this call
/// included, on the clock of [`now`].
///
/// Entries come a little after a request has ended: whether it began after some event is told by its
/// time, not by when its entry came. Requests of workers are not in a page's record; they report theirs.
pub fn observe() -> RwSignal<Vec<f64>> {
    let starts = RwSignal::new(Vec::new());
    let on_entries = Closure::<dyn FnMut(PerformanceObserverEntryList)>::new(
        move |list: PerformanceObserverEntryList| {
            let new = requests_in(&list.get_entries());
            if !new.is_empty() {
                starts.update(|starts| starts.extend(new));
            }
        },
    );
    if let Ok(observer) = PerformanceObserver::new(on_entries.as_ref().unchecked_ref()) {
        // By hand: web-sys knows `entryTypes` only, with which earlier entries are not reported.
        let init = Object::new();
        let set = |name: &str, value: JsValue| Reflect::set(&init, &name.into(), &value).is_ok();
        if set("type", "resource".into()) && set("buffered", true.into()) {
            observer.observe(init.unchecked_ref::<PerformanceObserverInit>());
        }
    }
    // The observer works as long as the page lives.
    on_entries.forget();
    starts
}

/// Milliseconds since the page began.
pub fn now() -> f64 {
    web_sys::window()
        .and_then(|window| window.performance())
        .map_or(0.0, |clock| clock.now())
}

/// `blob:` and `data:` never leave the browser. Nor does the page's icon when the address changes: Chromium notes that
/// it took it from its memory once more, with nothing transferred.
fn requests_in(entries: &Array) -> Vec<f64> {
    let icon = document()
        .query_selector("link[rel~=icon]")
        .ok()
        .flatten()
        .and_then(|link| link.get_attribute("href"))
        .zip(document().base_uri().ok().flatten())
        .and_then(|(href, base)| Url::new_with_base(&href, &base).ok())
        .map(|url| url.href());
    let transferred = |entry: &PerformanceEntry| {
        Reflect::get(entry, &"transferSize".into())
            .ok()
            .and_then(|size| size.as_f64())
            != Some(0.0)
    };
    entries
        .iter()
        .filter_map(|entry| entry.dyn_into::<PerformanceEntry>().ok())
        .filter(|entry| entry.name().starts_with("http"))
        .filter(|entry| transferred(entry) || icon.as_ref() != Some(&entry.name()))
        .map(|entry| entry.start_time())
        .collect()
}
