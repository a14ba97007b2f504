//! What was dropped, picked or pasted: files with their paths; folders are walked.

use super::Dropped;
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemDirectoryReader,
    FileSystemEntry, FileSystemFileEntry,
};

/// The most files that are taken at once.
pub const MOST: usize = 20_000;
/// How deep folders are walked.
const DEEPEST: usize = 16;

/// The files of a list, in its order. Those of a folder that was picked know their paths.
pub fn of_list(files: &FileList) -> Vec<Dropped> {
    (0..files.length())
        .filter_map(|index| files.get(index))
        .map(of_file)
        .collect()
}

/// A file of a drop or of a list.
pub fn of_file(file: File) -> Dropped {
    let path = Reflect::get(&file, &"webkitRelativePath".into())
        .ok()
        .and_then(|path| path.as_string())
        .filter(|path| !path.is_empty())
        .unwrap_or_else(|| file.name());
    Dropped::new(path, file)
}

/// What lies at the top of a drop. To be taken during the event: afterwards the browser forgets it.
pub fn entries(data: &DataTransfer) -> Vec<FileSystemEntry> {
    let items = data.items();
    (0..items.length())
        .filter_map(|index| items.get(index))
        .filter(|item| item.kind() == "file")
        .filter_map(|item| item.webkit_get_as_entry().ok().flatten())
        .collect()
}

/// All files in these entries and the folders among them, by path; at most [`MOST`], and whether there were more.
/// A folder that cannot be read is passed over.
pub async fn walk(entries: Vec<FileSystemEntry>) -> (Vec<Dropped>, bool) {
    let mut found = Vec::new();
    let mut waiting: Vec<(FileSystemEntry, String, usize)> = entries
        .into_iter()
        .rev()
        .map(|entry| (entry, String::new(), 0))
        .collect();
    while let Some((entry, above, depth)) = waiting.pop() {
        let path = format!("{above}{}", entry.name());
        if entry.is_file() {
            if found.len() == MOST {
                return (found, true);
            }
            if let Some(file) = file_of(&entry).await {
                found.push(Dropped::new(path, file));
            }
        } else if depth < DEEPEST {
            let mut children = children_of(&entry).await;
            children.sort_by_key(FileSystemEntry::name);
            let below = children
                .into_iter()
                .rev()
                .map(|child| (child, format!("{path}/"), depth + 1));
            waiting.extend(below);
        }
    }
    (found, false)
}

async fn file_of(entry: &FileSystemEntry) -> Option<File> {
    let entry: &FileSystemFileEntry = entry.unchecked_ref();
    let file = called_back(|done, failed| {
        entry.file_with_callback_and_callback(&done, &failed);
    });
    file.await.ok()?.dyn_into().ok()
}

async fn children_of(entry: &FileSystemEntry) -> Vec<FileSystemEntry> {
    let folder: &FileSystemDirectoryEntry = entry.unchecked_ref();
    let reader: FileSystemDirectoryReader = folder.create_reader();
    let mut children = Vec::new();
    // A call gives some of them; none left is the end.
    while children.len() <= MOST {
        let some = called_back(|done, failed| {
            let read = reader.read_entries_with_callback_and_callback(&done, &failed);
            if read.is_err() {
                let _ = failed.call0(&JsValue::UNDEFINED);
            }
        });
        let some: Array = match some.await.map(JsCast::dyn_into) {
            Ok(Ok(some)) => some,
            _ => break,
        };
        if some.length() == 0 {
            break;
        }
        children.extend(some.iter().map(JsCast::unchecked_into::<FileSystemEntry>));
    }
    children
}

/// What a function gives to the first of two callbacks; an error if it calls the second.
async fn called_back(call: impl FnOnce(Function, Function)) -> Result<JsValue, JsValue> {
    let mut call = Some(call);
    let mut run = |resolve: Function, reject: Function| {
        if let Some(call) = call.take() {
            call(resolve, reject);
        }
    };
    let promise = Promise::new(&mut run);
    JsFuture::from(promise).await
}
