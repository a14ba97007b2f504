//! Files into the page: dropped, picked or pasted.

mod collect;
mod own;
mod zip;

use crate::language::Line;
use crate::session::Input;
use crate::state::{Desk, Name};
use collect::Dropped;
use js_sys::Uint8Array;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, HtmlInputElement};

/// What the file picker offers.
pub const ACCEPT: &str =
    ".png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff,image/png,image/jpeg,image/webp,image/bmp,image/tiff";

/// No picture of a scan is larger; a video dropped by mistake is.
const LARGEST: f64 = 256.0 * 1024.0 * 1024.0;

/// Listens for drops and pastes anywhere on the page, for as long as it lives.
pub fn listen(desk: Desk) {
    let over = window_event_listener(ev::dragover, move |event| {
        if let Some(data) = event.data_transfer().filter(holds_files) {
            event.prevent_default();
            data.set_drop_effect("copy");
            desk.dragging.set(true);
        }
    });
    let leave = window_event_listener(ev::dragleave, move |event| {
        // Between two elements of the page there is a related target; at the window's edge none.
        if event.related_target().is_none() {
            desk.dragging.set(false);
        }
    });
    let drop = window_event_listener(ev::drop, move |event| {
        desk.dragging.set(false);
        if let Some(data) = event.data_transfer() {
            // Otherwise the browser would leave the page for the file or link.
            event.prevent_default();
            match data.files().filter(|files| files.length() > 0) {
                Some(files) => take(desk, &files),
                None => desk.complain(Line::new("intake.no_file")),
            }
        }
    });
    let paste = window_event_listener(ev::paste, move |event| {
        let files = event
            .dyn_ref::<web_sys::ClipboardEvent>()
            .and_then(|event| event.clipboard_data())
            .and_then(|data| data.files());
        match files.filter(|files| files.length() > 0) {
            Some(files) => take(desk, &files),
            None => desk.complain(Line::new("intake.no_paste")),
        }
    });
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
        paste.remove();
    });
}

/// Takes the files that were picked with `input`.
pub fn picked(desk: Desk, input: &HtmlInputElement) {
    if let Some(files) = input.files().filter(|files| files.length() > 0) {
        take(desk, &files);
    }
    // So that picking the same file again is a change.
    input.set_value("");
}

fn holds_files(data: &DataTransfer) -> bool {
    data.types().iter().any(|kind| kind == "Files")
}

fn take(desk: Desk, files: &FileList) {
    route(desk, collect::of_list(files));
}

/// Decides what becomes of the files that came together.
fn route(desk: Desk, files: Vec<Dropped>) {
    if own::is_bundle(files.iter().map(|file| file.path.as_str())) {
        return spawn_local(own::take(desk, files));
    }
    if files.len() > 1 {
        desk.notice
            .set(Some(Line::new("intake.first").with("n", files.len())));
    }
    if let Some(first) = files.into_iter().next() {
        spawn_local(async move { read(desk, first.file).await });
    }
}

async fn read(desk: Desk, file: File) {
    let name = file.name();
    if file.size() > LARGEST {
        return desk.complain(Line::new("intake.too_large").with("name", name));
    }
    if let Some(files) = zip::files(&file, own::is_part).await {
        return own::take(desk, files).await;
    }
    match JsFuture::from(file.array_buffer()).await {
        Ok(buffer) => desk.open(Input::new(Name::File(name), Uint8Array::new(&buffer))),
        // A folder, or a file that was moved or changed meanwhile.
        Err(error) => desk.complain(
            Line::new("intake.unreadable")
                .with("name", name)
                .with("reason", wire::describe(&error).trim_end_matches('.')),
        ),
    }
}
