//! A lesson among the files that were dropped: a JSON file that says so at its beginning.

use super::{Dropped, zip};
use scanlight_lessons::is_lesson;
use std::cell::Cell;
use web_sys::File;

/// So far into a file it says what it is.
const BEGINNING: u32 = 4096;
/// So many files of an archive are unpacked.
const UNPACKED: usize = 500;
/// How the pictures of a lesson end.
const PICTURES: [&str; 7] = ["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff"];
/// A larger file is no lesson: it would hold texts that nobody reads.
const LARGEST: f64 = 8.0 * 1024.0 * 1024.0;
/// So many JSON files are looked into: data sets may hold one for each image.
const LOOKED_AT: usize = 20;

/// Which of these files is a lesson; of several the first. Nothing of the others is read.
pub async fn find(files: &[Dropped]) -> Option<usize> {
    let named = files
        .iter()
        .enumerate()
        .filter(|(_, file)| may_be(&file.path) && file.size() <= LARGEST);
    for (index, file) in named.take(LOOKED_AT) {
        if file
            .beginning(BEGINNING)
            .await
            .is_ok_and(|bytes| is_lesson(&bytes))
        {
            return Some(index);
        }
    }
    None
}

/// Whether a file is a zip archive with a lesson in it. Nothing but its list and its JSON files is read.
pub async fn is_packed(file: &File) -> bool {
    let count = Cell::new(0);
    match zip::files(file, |path| may_be(path) && within(&count, LOOKED_AT)).await {
        Some(files) => find(&files).await.is_some(),
        None => false,
    }
}

/// The files of an archive that a lesson may need; nothing if it is no archive.
pub async fn unpack(file: &File) -> Option<Vec<Dropped>> {
    let count = Cell::new(0);
    zip::files(file, |path| {
        (may_be(path) || is_picture(path)) && within(&count, UNPACKED)
    })
    .await
}

/// Counts, and tells whether there may be one more.
fn within(count: &Cell<usize>, most: usize) -> bool {
    count.set(count.get() + 1);
    count.get() <= most
}

/// Whether a file is called as pictures are.
pub fn is_picture(path: &str) -> bool {
    ending(path).is_some_and(|ending| PICTURES.contains(&ending.as_str()))
}

/// Whether a file called so may be a lesson.
fn may_be(path: &str) -> bool {
    ending(path).is_some_and(|ending| ending == "json")
}

/// A name's ending in small letters; nothing for what systems hide or leave behind.
fn ending(path: &str) -> Option<String> {
    let name = path
        .rsplit('/')
        .next()
        .filter(|name| !name.starts_with('.'))?;
    let (_, ending) = name.rsplit_once('.')?;
    Some(ending.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn dropped(path: &str, text: &str) -> Dropped {
        let file = File::new_with_str_sequence(&Array::of1(&text.into()), path).unwrap();
        Dropped::new(path, file)
    }

    #[wasm_bindgen_test]
    async fn lessons_are_told_by_what_they_say() {
        let other = dropped("a/data.json", "{}");
        let lesson = dropped("a/week 3.JSON", r#"{"format": "scanlight-lesson"}"#);
        let scan = dropped("a/scanlight-lesson.png", "scanlight-lesson");
        assert_eq!(find(&[other.clone(), scan.clone(), lesson]).await, Some(2));
        assert_eq!(find(&[other, scan]).await, None);
        assert_eq!(find(&[]).await, None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn names_tell_what_may_belong_to_a_lesson() {
        assert!(may_be("a.b/Week 1.JSON") && may_be("week.json"));
        assert!(!may_be("__MACOSX/._week.json") && !may_be("week.json/scan") && !may_be("json"));
        assert!(is_picture("a/SCAN.PNG") && is_picture("b.tiff") && !is_picture("c.dcm"));
    }
}
