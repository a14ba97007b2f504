//! Keeps the page for the next visit, with or without a network.
//!
//! The service worker (`web/sw.js`) stores a whole version of the page, file by file with its hash, and answers
//! from that store only. It fetches nothing before the page says `go`, and stops when it says `hold`: as long
//! as a scan is open there shall be no requests. A newer version is stored beside the old one and waits until
//! a page begins alone, or until the visitor asks for it.

use crate::language::Line;
use crate::state::{Desk, Phase};
use js_sys::{Function, Promise, Reflect};
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    RegistrationOptions, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
    ServiceWorkerUpdateViaCache,
};

/// The service worker's file.
const WORKER: &str = "sw.js";
/// So long a page that begins waits for a stored newer version to take over.
const HANDOVER_MS: i32 = 800;
/// So long after the page is ready nothing is fetched: a file that waits for it comes first.
pub const AT_LEISURE: Duration = Duration::from_millis(500);

thread_local! {
    /// A scan was opened on this page.
    static HELD: Cell<bool> = const { Cell::new(false) };
    static REGISTRATION: RefCell<Option<ServiceWorkerRegistration>> = const { RefCell::new(None) };
    /// This page asked for the newer version.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// The version of this page, which the build writes into it; `None` in a page that was built otherwise.
pub fn version() -> Option<String> {
    let meta = document()
        .query_selector("meta[name=scanlight-version]")
        .ok()??;
    let version = meta.get_attribute("content")?;
    version
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then_some(version)
}

/// The name under which the service worker stores this version; other pages of the same origin have others.
pub fn cache_name() -> Option<String> {
    let base = document().base_uri().ok()??;
    let url = web_sys::Url::new_with_base("./", &base).ok()?;
    Some(format!("scanlight {} {}", url.href(), version()?))
}

/// `None` where the browser has no service workers, as without HTTPS.
fn container() -> Option<ServiceWorkerContainer> {
    let navigator = window().navigator();
    let there = Reflect::has(&navigator, &"serviceWorker".into()).unwrap_or(false);
    there.then(|| navigator.service_worker())
}

/// Whether the page came from the service worker, for the support text.
pub fn state() -> &'static str {
    match container() {
        None => "not offered by the browser",
        Some(container) if container.controller().is_some() => "in use",
        Some(_) if REGISTRATION.with_borrow(Option::is_some) => "registered",
        Some(_) => "not registered",
    }
}

/// Lets a newer version that is stored take over before anything has begun. If it does, the page is loaded
/// anew and this never returns.
pub async fn hand_over() {
    let Some(container) = container().filter(|container| container.controller().is_some()) else {
        return;
    };
    let Ok(found) = JsFuture::from(container.get_registration()).await else {
        return;
    };
    let waiting = found
        .dyn_into::<ServiceWorkerRegistration>()
        .ok()
        .and_then(|registration| registration.waiting());
    let Some(waiting) = waiting else { return };
    let changed = Promise::new(&mut |resolve: Function, _| {
        container.set_oncontrollerchange(Some(&resolve));
        let late = resolve.bind1(&JsValue::NULL, &JsValue::FALSE);
        let timer = window().set_timeout_with_callback_and_timeout_and_arguments_0(
            late.unchecked_ref(),
            HANDOVER_MS,
        );
        debug_assert!(timer.is_ok());
    });
    tell(&waiting, "use if alone");
    let outcome = JsFuture::from(changed).await;
    container.set_oncontrollerchange(None);
    if outcome.is_ok_and(|event| event.is_object()) {
        reload();
        // Nothing shall begin in a page that is about to go.
        std::future::pending::<()>().await;
    }
}

/// Registers the service worker soon after the page has loaded, and listens for newer versions.
pub fn keep(desk: Desk) {
    if version().is_none() {
        return;
    }
    let begun = StoredValue::new(false);
    Effect::new(move |_| {
        if *desk.phase.read() == Phase::Ready && !begun.get_value() {
            begun.set_value(true);
            let begin = move || {
                if let Some(container) = container().filter(|_| !HELD.get()) {
                    spawn_local(register(desk, container));
                }
            };
            set_timeout(begin, AT_LEISURE);
        }
    });
}

async fn register(desk: Desk, container: ServiceWorkerContainer) {
    let options = RegistrationOptions::new();
    options.set_scope("./");
    options.set_update_via_cache(ServiceWorkerUpdateViaCache::None);
    let registered = JsFuture::from(container.register_with_options(WORKER, &options)).await;
    // Not there, or forbidden: the page works without it.
    let Ok(Ok(registration)) =
        registered.map(|value| value.dyn_into::<ServiceWorkerRegistration>())
    else {
        return;
    };
    // On a first visit there is nobody to take over from.
    let known = container.controller().is_some();
    let watch = {
        let registration = registration.clone();
        move || {
            if let Some(installing) = registration.installing() {
                tell(&installing, if HELD.get() { "hold" } else { "go" });
                watch_install(desk, &registration, installing, known);
            }
        }
    };
    watch();
    if known && !HELD.get() {
        // Now, while nothing is open. Offline it fails, which is no matter.
        let _ = registration.update();
    }
    if known && registration.waiting().is_some() {
        desk.update_waits.set(true);
    }
    let on_update = Closure::<dyn FnMut()>::new(watch);
    registration.set_onupdatefound(Some(on_update.as_ref().unchecked_ref()));
    on_update.forget();
    if known {
        let on_change = Closure::<dyn FnMut()>::new(move || {
            if ASKED.get() {
                reload();
            } else {
                desk.update_waits.set(false);
                desk.notice.set(Some(Line::new("update.elsewhere")));
            }
        });
        container.set_oncontrollerchange(Some(on_change.as_ref().unchecked_ref()));
        on_change.forget();
    }
    REGISTRATION.set(Some(registration));
}

fn watch_install(
    desk: Desk,
    registration: &ServiceWorkerRegistration,
    installing: ServiceWorker,
    known: bool,
) {
    let registration = registration.clone();
    let on_state = Closure::<dyn FnMut()>::new(move || {
        if known && registration.waiting().is_some() {
            desk.update_waits.set(true);
        }
    });
    installing.set_onstatechange(Some(on_state.as_ref().unchecked_ref()));
    on_state.forget();
}

/// Whether a scan was opened on this page.
pub fn is_held() -> bool {
    HELD.get()
}

/// A scan is being opened: what is not stored yet waits for another visit.
pub fn hold() {
    if HELD.replace(true) {
        return;
    }
    let installing = REGISTRATION.with_borrow(|registration| registration.as_ref()?.installing());
    if let Some(installing) = installing {
        tell(&installing, "hold");
    }
}

/// Changes to the newer version that waits; the page is loaded anew.
pub fn use_update() {
    let waiting = REGISTRATION.with_borrow(|registration| registration.as_ref()?.waiting());
    if let Some(waiting) = waiting {
        ASKED.set(true);
        tell(&waiting, "use");
    }
}

fn tell(worker: &ServiceWorker, word: &str) {
    // A worker that is gone needs no word.
    let _ = worker.post_message(&word.into());
}

fn reload() {
    if let Err(error) = window().location().reload() {
        web_sys::console::error_1(&error);
    }
}
