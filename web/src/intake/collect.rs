//! What was dropped, picked or pasted: files with their paths.

use web_sys::{File, FileList};

/// One file of what was dropped or picked.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its path below what was dropped, with `/` between folders; the name alone for a single file.
    pub path: String,
    /// The file. Nothing of it has been read.
    pub file: File,
}

/// The files of a list, in its order.
pub fn of_list(files: &FileList) -> Vec<Dropped> {
    (0..files.length())
        .filter_map(|index| files.get(index))
        .map(|file| Dropped {
            path: file.name(),
            file,
        })
        .collect()
}
