//! Files into the page: dropped, picked or pasted.

mod collect;
pub mod lesson;
mod own;
mod zip;

use crate::language::Line;
use crate::pictures::{self, Problem};
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
use std::cell::Cell;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, HtmlInputElement};

/// No file is larger that can be read here; a video dropped by mistake is.
pub const LARGEST: f64 = 768.0 * 1024.0 * 1024.0;
/// How many of several files are looked at, to tell pictures from what the reader reads.
const LOOKED_AT: usize = 200;
/// The bytes of a file that tell what it is.
const HEAD: f64 = 132.0;

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
/// alone goes to the engine, several to the workbench, all else to the reader.
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
    if more {
        desk.complain(Line::new("intake.too_many").with("n", collect::MOST));
        return;
    }
    let lesson = lesson::find(&files).await.is_some();
    if !is_newest(turn) {
        return;
    }
    if lesson {
        return in_workbench(desk, View::Lesson, files);
    }
    if let [only] = files.as_slice() {
        return open_in_turn(desk, only.clone(), turn).await;
    }
    for Dropped { file, .. } in files.iter().take(LOOKED_AT) {
        // A file that cannot be read is told by whoever reads it all.
        let read = head(file).await.is_ok_and(|head| needs_reader(&head));
        if !is_newest(turn) {
            return;
        }
        if read {
            return in_study(desk, files, turn);
        }
    }
    let view = if are_labelled(desk, &files) {
        View::Evaluate
    } else {
        View::Batch
    };
    in_workbench(desk, view, files);
}

fn in_workbench(desk: Desk, view: View, files: Vec<Dropped>) {
    desk.with_annex(move |annex| (annex.open_workbench)(desk, view, files));
}

fn in_study(desk: Desk, files: Vec<Dropped>, turn: u32) {
    desk.with_annex(move |annex| {
        if is_newest(turn) {
            (annex.open_files)(desk, files);
        }
    });
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
    spawn_local(async move { open_in_turn(desk, file, turn).await });
}

async fn open_in_turn(desk: Desk, Dropped { path, file }: Dropped, turn: u32) {
    if file.size() > LARGEST {
        return desk.complain(Line::new("intake.too_large").with("name", path));
    }
    let head = head(&file).await;
    if !is_newest(turn) {
        return;
    }
    match head {
        Ok(head) if needs_reader(&head) => match zip::files(&file, own::is_part).await {
            _ if !is_newest(turn) => {}
            Some(bundle) => own::take(desk, bundle).await,
            None => {
                let lesson = lesson::is_packed(&file).await;
                if is_newest(turn) {
                    let files = vec![Dropped { path, file }];
                    if lesson {
                        in_workbench(desk, View::Lesson, files);
                    } else {
                        in_study(desk, files, turn);
                    }
                }
            }
        },
        Ok(_) => read(desk, path, file, turn).await,
        // A file that was moved or changed meanwhile.
        Err(reason) => unreadable(desk, path, &reason),
    }
}

async fn head(file: &File) -> Result<Vec<u8>, String> {
    beginning(file, HEAD).await
}

async fn beginning(file: &File, length: f64) -> Result<Vec<u8>, String> {
    let part = file
        .slice_with_f64_and_f64(0.0, length)
        .map_err(|error| wire::describe(&error))?;
    match JsFuture::from(part.array_buffer()).await {
        Ok(buffer) => Ok(Uint8Array::new(&buffer).to_vec()),
        Err(error) => Err(wire::describe(&error)),
    }
}

/// Whether a file is (or may be) of a kind that the engine does not read by itself: DICOM, NIfTI, an archive. What
/// it is for sure, the reader finds out.
fn needs_reader(head: &[u8]) -> bool {
    let is = |at: usize, what: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(what));
    let number = |bytes: [u8; 4]| [u32::from_le_bytes(bytes), u32::from_be_bytes(bytes)];
    is(128, b"DICM")
        || is(0, b"DICM")
        || is(0, b"PK")
        || is(0, b"\x1F\x8B")
        // A NIfTI header begins with its own size.
        || head.first_chunk().is_some_and(|bytes| {
            number(*bytes).into_iter().any(|size| [348, 540].contains(&size))
        })
        // DICOM without its preamble begins with an element of group 2 or 8.
        || is(0, b"\x02\0")
        || is(0, b"\x08\0")
}

async fn read(desk: Desk, name: String, file: File, turn: u32) {
    match pictures::read(&file).await {
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

#[cfg(test)]
mod tests {
    use super::needs_reader;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn plain_pictures_go_to_the_engine() {
        let mut dicom = b"II*\0".to_vec();
        dicom.resize(128, 0);
        dicom.extend(b"DICM");
        assert!(needs_reader(&dicom));
        assert!(needs_reader(b"PK\x03\x04"));
        assert!(needs_reader(&348u32.to_be_bytes()));
        assert!(needs_reader(b"\x08\0\x05\0CS\x0A\0ISO_IR 100"));
        for picture in [
            b"\x89PNG\r\n\x1a\n".as_slice(),
            b"\xFF\xD8\xFF\xE0",
            b"II*\0\x08\0\0\0",
            b"BM",
            b"RIFF....WEBP",
            b"Dear diary",
            b"",
        ] {
            assert!(!needs_reader(picture), "{picture:?}");
        }
    }
}
