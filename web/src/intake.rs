//! Files into the page: dropped, picked or pasted.

mod collect;

use crate::language::Line;
use crate::session::Input;
use crate::state::{Desk, Name};
use crate::workbench::View;
pub use collect::Dropped;
use js_sys::Uint8Array;
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_measures::labels::{CANONICAL_CLASSES, class_depth};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, HtmlInputElement};

/// What the file picker offers.
pub const ACCEPT: &str =
    ".png,.jpg,.jpeg,.webp,.bmp,.tif,.tiff,image/png,image/jpeg,image/webp,image/bmp,image/tiff";

/// No picture of a scan is larger; a video dropped by mistake is.
pub const LARGEST: f64 = 256.0 * 1024.0 * 1024.0;

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
            let entries = collect::entries(&data);
            match data.files().filter(|files| files.length() > 0) {
                // Without entries (an old browser) the files alone are known.
                Some(files) if entries.is_empty() => take(desk, &files),
                None if entries.is_empty() => desk.complain(Line::new("intake.no_file")),
                _ => spawn_local(async move {
                    let (files, _) = collect::walk(entries).await;
                    route(desk, files);
                }),
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
    match <[Dropped; 1]>::try_from(files) {
        Ok([only]) => open_one(desk, only),
        Err(files) if files.is_empty() => desk.complain(Line::new("intake.no_file")),
        Err(files) if are_labelled(desk, &files) => desk.open_workbench(View::Evaluate, files),
        Err(files) => desk.open_workbench(View::Batch, files),
    }
}

/// Whether the files lie in one folder per class.
fn are_labelled(desk: Desk, files: &[Dropped]) -> bool {
    let classes = desk
        .model
        .with_untracked(|model| model.as_ref().map(|model| model.classes.clone()))
        .unwrap_or_default();
    let is_known =
        |class: &str| CANONICAL_CLASSES.contains(&class) || classes.iter().any(|own| own == class);
    class_depth(files.iter().map(|file| file.path.as_str()), is_known).is_some()
}

/// Opens one picture in the reading room.
pub fn open_one(desk: Desk, file: Dropped) {
    spawn_local(async move { read(desk, file.path, file.file).await });
}

async fn read(desk: Desk, name: String, file: File) {
    if file.size() > LARGEST {
        return desk.complain(Line::new("intake.too_large").with("name", name));
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
