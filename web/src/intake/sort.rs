//! What becomes of files that are more than one plain picture.

use super::{
    Dropped, HEAD, Kind, LARGEST, collect, finish, is_clutter, is_newest, lesson, next_turn, own,
    unreadable, zip,
};
use crate::language::Line;
use crate::pictures;
use crate::state::Desk;
use crate::study::At;
use crate::workbench::View;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_measures::labels::{CANONICAL_CLASSES, class_depth};

/// How many of several files that are called as pictures are looked at, to tell them from what the reader reads.
const LOOKED_AT: usize = 200;

/// Sorts the files of this turn; `more` says that there were more than the page takes.
pub fn sort(desk: Desk, files: Vec<Dropped>, more: bool, turn: u32) {
    spawn_local(async move { decide(desk, files, more, turn).await });
}

/// Decides what becomes of the files that came together: a bundle is used, a lesson begins, a plain picture that comes
/// alone goes to the engine, several to the workbench, all else to the reader. An archive stands for what is in it.
async fn decide(desk: Desk, files: Vec<Dropped>, more: bool, turn: u32) {
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
            read_picture(desk, only, turn).await;
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

/// Opens files of a table that belong together in the reading room, at this slice.
pub fn open_at(desk: Desk, files: Vec<Dropped>, at: At) {
    next_turn();
    let listed = files.clone();
    desk.open_files(files, listed, Some(at));
}

/// Reads a picture, which may be packed.
async fn read_picture(desk: Desk, picture: Dropped, turn: u32) {
    if picture.size() > LARGEST {
        return too_large(desk, &picture);
    }
    match picture.file().await {
        Ok(file) => finish(desk, picture.path, pictures::read(&file).await, turn),
        Err(_) if !is_newest(turn) => {}
        Err(error) => unreadable(desk, picture.path, &wire::describe(&error)),
    }
}

fn too_large(desk: Desk, file: &Dropped) {
    desk.complain(Line::new("intake.too_large").with("name", file.path.as_str()));
}
