//! Choices that are kept for the next visit, where the browser allows it.

use leptos::prelude::window;
use web_sys::Storage;

/// The choice of this name.
pub fn read(name: &str) -> Option<String> {
    storage()?.get_item(&key(name)).ok().flatten()
}

/// Keeps a choice. Full or forbidden, it holds for this visit.
pub fn write(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&key(name), value);
    }
}

fn key(name: &str) -> String {
    format!("scanlight.{name}")
}

/// `None` where the browser forbids it, as some do in private windows.
fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}
