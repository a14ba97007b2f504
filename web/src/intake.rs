//! Files into the page: dropped, picked or pasted.

mod collect;
mod dropped;
mod kind;
pub mod lesson;
mod own;
mod zip;

use crate::language::Line;
use crate::pictures::{self, Problem};
use crate::session::Input;
use crate::state::{Desk, Name};
use crate::study::At;
use crate::workbench::View;
pub use dropped::Dropped;
pub use kind::{HEAD, Kind, is_clutter};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_measures::labels::{CANONICAL_CLASSES, class_depth};
use std::cell::Cell;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, FileList, HtmlInputElement};

/// No file is larger that can be read here; a video dropped by mistake is.
pub const LARGEST: f64 = 768.0 * 1024.0 * 1024.0;
/// How many of several files that are called as pictures are looked at, to tell them from what the reader reads.
const LOOKED_AT: usize = 200;

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
            let entries = collect::entries(&data);
            match data.files().filter(|files| files.length() > 0) {
                // Without entries (an old browser) the files alone are known.
                Some(files) if entries.is_empty() => take(desk, &files),
                None if entries.is_empty() => desk.complain(Line::new("intake.no_file")),
                _ => {
                    let turn = next_turn();
                    spawn_local(async move {
                        let (files, more) = collect::walk(entries).await;
                        route(desk, files, more, turn).await;
                    });
                }
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

fn take(desk: Desk, files: &FileList) {
    let mut files = collect::of_list(files);
    let more = files.len() > collect::MOST;
    files.truncate(collect::MOST);
    let turn = next_turn();
    spawn_local(async move { route(desk, files, more, turn).await });
}

/// Decides what becomes of the files that came together: a bundle is used, a lesson begins, a plain picture that comes
/// alone goes to the engine, several to the workbench, all else to the reader. An archive stands for what is in it.
async fn route(desk: Desk, files: Vec<Dropped>, more: bool, turn: u32) {
    if !is_newest(turn) {
        return;
    }
    if own::is_bundle(files.iter().map(|file| file.path.as_str())) {
        return own::take(desk, files).await;
    }
    if files.is_empty() {
        return desk.complain(Line::new("intake.empty_folder"));
    }
    let too_many = || desk.complain(Line::new("intake.too_many").with("n", collect::MOST));
    if more {
        return too_many();
    }
    if let [only] = files.as_slice()
        && let Some(file) = only.own()
        && let Some(bundle) = zip::files(file, own::is_part).await
    {
        if is_newest(turn) {
            own::take(desk, bundle).await;
        }
        return;
    }
    let packed = match files.as_slice() {
        [only] => only.own(),
        _ => None,
    };
    let lesson = match packed {
        Some(file) if lesson::is_packed(file).await => true,
        _ => lesson::find(&files).await.is_some(),
    };
    if !is_newest(turn) {
        return;
    }
    if lesson {
        return desk.open_workbench(View::Lesson, files);
    }
    let unpacked = unpack(&files).await;
    if unpacked.len() > collect::MOST {
        return too_many();
    }
    let found = look(&unpacked, turn).await;
    if !is_newest(turn) {
        return;
    }
    // Of an archive without pictures the reader says in a line what is wrong.
    let packed = unpacked.iter().all(|file| file.own().is_none());
    if !found.studies && (found.pictures || !packed) {
        return open_pictures(desk, unpacked, turn).await;
    }
    // Larger than what the reading room can hold at once: the table takes one after another.
    match files.as_slice() {
        [only] if only.size() > LARGEST && unpacked.len() > 1 => desk.open_table(unpacked),
        [only] if only.size() > LARGEST => too_large(desk, only),
        _ => desk.open_files(files, unpacked, None),
    }
}

/// Pictures that the engine reads by itself: one in the reading room, several in a table.
async fn open_pictures(desk: Desk, mut files: Vec<Dropped>, turn: u32) {
    if let [_] = files.as_slice() {
        if let Some(only) = files.pop() {
            read(desk, only, turn).await;
        }
    } else if are_labelled(desk, &files) {
        desk.open_workbench(View::Evaluate, files);
    } else {
        desk.open_workbench(View::Batch, files);
    }
}

/// The files with those of archives in their places, without what systems leave behind. An archive that cannot be
/// read here stays as it is.
async fn unpack(files: &[Dropped]) -> Vec<Dropped> {
    let mut unpacked = Vec::new();
    for (index, file) in files.iter().enumerate() {
        // Of many files the names have to do.
        let may_be = index < LOOKED_AT || file.path.to_ascii_lowercase().ends_with(".zip");
        let inside = match file.own() {
            Some(own) if may_be => zip::all(&file.path, own).await,
            _ => None,
        };
        match inside {
            Some(inside) => unpacked.extend(inside),
            None => unpacked.push(file.clone()),
        }
    }
    if unpacked.len() > 1 {
        unpacked.retain(|file| !is_clutter(&file.path));
    }
    unpacked
}

/// What is among files.
#[derive(Default)]
struct Found {
    /// Something that only the reader reads.
    studies: bool,
    /// Something that begins as pictures do.
    pictures: bool,
}

/// Looks at the beginnings of the files.
async fn look(files: &[Dropped], turn: u32) -> Found {
    let mut found = Found::default();
    let mut looked_at = 0;
    for file in files {
        // Of many files the names of most have to do.
        if looked_at >= LOOKED_AT && lesson::is_picture(&file.path) {
            continue;
        }
        looked_at += 1;
        match file.beginning(HEAD).await.map(|head| Kind::of(&head)) {
            Ok(kind) => {
                found.studies |= kind.needs_reader();
                found.pictures |= kind == Kind::Picture;
            }
            // A file that cannot be read is told by whoever reads it all; of an archive that is the reader.
            Err(_) => found.studies |= file.own().is_none(),
        }
        if found.studies || !is_newest(turn) {
            break;
        }
    }
    found
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

/// Opens one file in the reading room.
pub fn open_one(desk: Desk, file: Dropped) {
    let turn = next_turn();
    spawn_local(async move { route(desk, vec![file], false, turn).await });
}

/// Opens files of a table that belong together in the reading room, at this slice.
pub fn open_at(desk: Desk, files: Vec<Dropped>, at: At) {
    next_turn();
    let listed = files.clone();
    desk.open_files(files, listed, Some(at));
}

async fn read(desk: Desk, file: Dropped, turn: u32) {
    if file.size() > LARGEST {
        return too_large(desk, &file);
    }
    let read = match file.file().await {
        Ok(found) => pictures::read(&found).await,
        Err(error) => Err(Problem::Unreadable(error)),
    };
    let name = file.path;
    match read {
        _ if !is_newest(turn) => {}
        Ok(bytes) => desk.open(Input::new(Name::File(name), bytes)),
        Err(Problem::Rejected(line)) => desk.complain(line.with("name", name)),
        // A file that was moved or changed meanwhile.
        Err(Problem::Unreadable(error)) => unreadable(desk, name, &wire::describe(&error)),
    }
}

fn too_large(desk: Desk, file: &Dropped) {
    desk.complain(Line::new("intake.too_large").with("name", file.path.as_str()));
}

fn unreadable(desk: Desk, name: String, reason: &str) {
    desk.complain(
        Line::new("intake.unreadable")
            .with("name", name)
            .with("reason", reason.trim_end_matches('.')),
    );
}
