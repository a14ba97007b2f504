//! Files into the page: dropped, picked or pasted.

mod collect;
mod dropped;
mod kind;
pub mod lesson;
mod own;
mod sort;
mod zip;

use crate::boot;
use crate::language::Line;
use crate::pictures::{self, Beginning, Problem};
use crate::session::Input;
use crate::state::{Desk, Name};
pub use dropped::Dropped;
use js_sys::Uint8Array;
pub use kind::{HEAD, Kind, is_clutter};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
pub use sort::{open_at, sort};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, File, FileSystemEntry, HtmlInputElement};

/// No file is larger that can be read here; a video dropped by mistake is.
pub const LARGEST: f64 = 768.0 * 1024.0 * 1024.0;
thread_local! {
    /// Counts what was to be opened. Files are read while others come: the newest counts.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Something is to be opened, in place of all that came before it.
pub fn next_turn() -> u32 {
    TURN.set(TURN.get().wrapping_add(1));
    TURN.get()
}

/// Whether nothing has come since that turn.
fn is_newest(turn: u32) -> bool {
    TURN.get() == turn
}

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
            let listed = data.files().map(|files| collect::of_list(&files));
            dropped(desk, collect::entries(&data), listed.unwrap_or_default());
        }
    });
    let paste = window_event_listener(ev::paste, move |event| {
        let files = event
            .dyn_ref::<web_sys::ClipboardEvent>()
            .and_then(|event| event.clipboard_data())
            .and_then(|data| data.files());
        match files.filter(|files| files.length() > 0) {
            Some(files) => take(desk, collect::of_list(&files)),
            None => desk.complain(Line::new("intake.no_paste")),
        }
    });
    if let Some((entries, files)) = boot::dropped() {
        dropped(
            desk,
            entries,
            files.into_iter().map(collect::of_file).collect(),
        );
    }
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
        paste.remove();
    });
}

/// Takes what was dropped. Without entries (an old browser) the files alone are known.
fn dropped(desk: Desk, entries: Vec<FileSystemEntry>, files: Vec<Dropped>) {
    // One file needs no walk.
    let lone = files.len() == 1 && entries.iter().all(FileSystemEntry::is_file);
    if !entries.is_empty() && !lone {
        let turn = next_turn();
        spawn_local(async move {
            let (files, more) = collect::walk(entries).await;
            route(desk, files, more, turn).await;
        });
    } else if files.is_empty() {
        desk.complain(Line::new("intake.no_file"));
    } else {
        take(desk, files);
    }
}

/// Takes the files that were picked with `input`.
pub fn picked(desk: Desk, input: &HtmlInputElement) {
    if let Some(files) = input.files().filter(|files| files.length() > 0) {
        take(desk, collect::of_list(&files));
    }
    // So that picking the same file again is a change.
    input.set_value("");
}

/// The files that were picked with `input`, for whoever does not open them in the reading room.
pub fn picked_files(input: &HtmlInputElement) -> Vec<Dropped> {
    let files = input.files().map(|files| collect::of_list(&files));
    input.set_value("");
    files.unwrap_or_default()
}

/// The files of a drop, for whoever does not open them in the reading room; nothing if a bundle is among them, or an
/// archive, in which one may be. To be called during the event.
pub fn dropped_files(data: &DataTransfer) -> Option<impl Future<Output = Vec<Dropped>> + use<>> {
    let entries = collect::entries(data);
    let listed = data.files().map(|files| collect::of_list(&files));
    let listed = listed.unwrap_or_default();
    let mut names = listed.iter().map(|file| file.path.as_str());
    if names.any(|name| own::is_part(name) || name.ends_with(".zip")) {
        return None;
    }
    Some(async move {
        // Without entries (an old browser) the files alone are known.
        if entries.is_empty() {
            listed
        } else {
            collect::walk(entries).await.0
        }
    })
}

fn holds_files(data: &DataTransfer) -> bool {
    data.types().iter().any(|kind| kind == "Files")
}

fn take(desk: Desk, mut files: Vec<Dropped>) {
    let more = files.len() > collect::MOST;
    files.truncate(collect::MOST);
    let turn = next_turn();
    spawn_local(async move { route(desk, files, more, turn).await });
}

/// A plain picture that comes alone goes to the engine at once; all else is sorted ([`sort`]).
async fn route(desk: Desk, files: Vec<Dropped>, more: bool, turn: u32) {
    if !is_newest(turn) {
        return;
    }
    if let [only] = files.as_slice()
        && let Some(file) = only.own()
        && let Some(beginning) = plain(&only.path, file).await
    {
        if is_newest(turn) {
            let read = pictures::read_on(file, beginning).await;
            finish(desk, only.path.clone(), read, turn);
        }
    } else {
        desk.with_annex(move |annex| (annex.sort)(desk, files, more, turn));
    }
}

/// The beginning of a file that is called as pictures are, and does not begin as what the reader reads.
async fn plain(name: &str, file: &File) -> Option<Beginning> {
    if !lesson::is_picture(name) || file.size() > LARGEST {
        return None;
    }
    let beginning = Beginning::of(file).await.ok()?;
    (!Kind::of(&beginning.head()).needs_reader()).then_some(beginning)
}

/// Opens one file in the reading room.
pub fn open_one(desk: Desk, file: Dropped) {
    let turn = next_turn();
    spawn_local(async move { route(desk, vec![file], false, turn).await });
}

/// Opens what was read, or says why it could not be.
fn finish(desk: Desk, name: String, read: Result<Uint8Array, Problem>, turn: u32) {
    match read {
        _ if !is_newest(turn) => {}
        Ok(bytes) => desk.open(Input::new(Name::File(name), bytes)),
        Err(Problem::Rejected(line)) => desk.complain(line.with("name", name)),
        // A file that was moved or changed meanwhile.
        Err(Problem::Unreadable(error)) => unreadable(desk, name, &wire::describe(&error)),
    }
}

fn unreadable(desk: Desk, name: String, reason: &str) {
    desk.complain(
        Line::new("intake.unreadable")
            .with("name", name)
            .with("reason", reason.trim_end_matches('.')),
    );
}
