//! A lesson among the files that were dropped: a JSON file that says so at its beginning.

use super::beginning;
use super::collect::Dropped;
use scanlight_lessons::is_lesson;

/// So far into a file it says what it is.
const BEGINNING: f64 = 4096.0;
/// So many JSON files are looked into: data sets may hold one for each image.
const LOOKED_AT: usize = 20;

/// Which of these files is a lesson; of several the first. Nothing of the others is read.
pub async fn find(files: &[Dropped]) -> Option<usize> {
    let named = files
        .iter()
        .enumerate()
        .filter(|(_, file)| may_be(&file.path));
    for (index, Dropped { file, .. }) in named.take(LOOKED_AT) {
        if beginning(file, BEGINNING)
            .await
            .is_ok_and(|bytes| is_lesson(&bytes))
        {
            return Some(index);
        }
    }
    None
}

/// Whether a file called so may be a lesson.
fn may_be(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use js_sys::Array;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::File;

    fn dropped(path: &str, text: &str) -> Dropped {
        let file = File::new_with_str_sequence(&Array::of1(&text.into()), path).unwrap();
        Dropped {
            path: path.into(),
            file,
        }
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
}
