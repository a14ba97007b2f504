//! Getting a lesson with all its images: from what was dropped, or from this site.

use super::problem;
use crate::bench::given::Page;
use crate::fetch;
use crate::intake::{self, Dropped};
use crate::language::Line;
use js_sys::{Array, Uint8Array};
use scanlight_engine::wire;
use scanlight_lessons::{Lesson, Problem, Text, find, parse};
use serde::Deserialize;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::File;

/// The list of this site's lessons.
const INDEX: &str = "lessons/index.json";

/// A lesson of this site.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry {
    /// Its folder.
    pub id: String,
    /// Its name.
    pub title: Text,
}

#[derive(Deserialize)]
struct Index {
    lessons: Vec<Entry>,
}

/// A lesson with its images.
pub struct Loaded {
    /// Its id, of one of this site's.
    pub id: Option<String>,
    /// What its file is called, for what is said about it.
    pub file: String,
    /// The lesson.
    pub lesson: Lesson,
    /// Each case's image, in their order. Nothing of those that were dropped has been read.
    pub images: Vec<Dropped>,
    /// Each case's true class, as the model counts them.
    pub truths: Vec<Option<usize>>,
}

/// What was found.
pub enum Found {
    /// A lesson.
    Lesson(Box<Loaded>),
    /// Several, of which the visitor has to choose one.
    Choice(Vec<Entry>),
}

/// Gets the lesson among `files`, or the one of this site that is called `id`; without either the visitor chooses, if
/// there is a choice. `progress` is told how many of a site's images are there.
///
/// # Errors
/// One line for each thing that is wrong.
pub async fn load(
    files: &[Dropped],
    id: Option<&str>,
    classes: &[String],
    page: &Page,
    progress: impl Fn(usize, usize) + Clone + 'static,
) -> Result<Found, Vec<Line>> {
    let unpacked = match files {
        [only] => match only.own() {
            Some(file) => intake::lesson::unpack(file).await,
            None => None,
        },
        _ => None,
    };
    let files = unpacked.as_deref().unwrap_or(files);
    if let Some(index) = intake::lesson::find(files).await {
        return dropped(files, index, classes).await;
    }
    page.asks(1);
    let bytes = fetch::bytes(INDEX, |_| {}).await;
    let index = bytes.and_then(|bytes| fetch::json::<Index>(INDEX, &bytes));
    let entries = index.map_err(|error| vec![error.line()])?.lessons;
    let chosen = match (id, entries.as_slice()) {
        (_, []) => return Err(vec![Line::new("lesson.bad_index")]),
        (None, [only]) => only.id.clone(),
        (None, _) => return Ok(Found::Choice(entries)),
        (Some(id), _) if entries.iter().any(|entry| entry.id == id) => id.into(),
        (Some(id), _) => {
            let known: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
            let line = Line::new("lesson.bad_id").with("id", id);
            return Err(vec![line.with("known", known.join(", "))]);
        }
    };
    let loaded = of_site(&chosen, classes, page, progress).await?;
    Ok(Found::Lesson(Box::new(loaded)))
}

/// The lesson that is `files[index]`, with its images among the others.
async fn dropped(files: &[Dropped], index: usize, classes: &[String]) -> Result<Found, Vec<Line>> {
    let path = &files[index].path;
    let text = match text(&files[index]).await {
        Ok(text) => text,
        Err(error) => {
            let reason = wire::describe(&error);
            let line = Line::new("intake.unreadable").with("name", path.as_str());
            return Err(vec![line.with("reason", reason.trim_end_matches('.'))]);
        }
    };
    let (lesson, truths) = read(path, &text, classes)?;
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut images = Vec::new();
    let mut missing = Vec::new();
    for (number, case) in (1..).zip(&lesson.cases) {
        match find(&paths, path, &case.image) {
            Some(at) => images.push(files[at].clone()),
            None => {
                let what = Line::new("lesson.bad_missing").with("image", case.image.as_str());
                missing.push(problem::about_case(path, number, what));
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    Ok(Found::Lesson(Box::new(Loaded {
        id: None,
        file: path.clone(),
        lesson,
        images,
        truths,
    })))
}

async fn text(file: &Dropped) -> Result<String, JsValue> {
    let text = JsFuture::from(file.file().await?.text()).await?;
    Ok(text.as_string().unwrap_or_default())
}

/// The lesson in the folder `id` of this site. Its images are fetched side by side.
async fn of_site(
    id: &str,
    classes: &[String],
    page: &Page,
    progress: impl Fn(usize, usize) + Clone + 'static,
) -> Result<Loaded, Vec<Line>> {
    let file = format!("lessons/{id}/lesson.json");
    page.asks(1);
    let bytes = fetch::bytes(&file, |_| {})
        .await
        .map_err(|error| vec![error.line()])?;
    let text = String::from_utf8_lossy(&bytes.to_vec()).into_owned();
    let (lesson, truths) = read(&file, &text, classes)?;
    let all = lesson.cases.len();
    let done = Rc::new(Cell::new(0));
    page.asks(all);
    progress(0, all);
    let asked: Vec<_> = lesson
        .cases
        .iter()
        .map(|case| {
            let address = format!(
                "lessons/{id}/{}",
                String::from(js_sys::encode_uri(&case.image))
            );
            let (done, progress) = (Rc::clone(&done), progress.clone());
            future_to_promise(async move {
                let bytes = fetch::bytes(&address, |_| {})
                    .await
                    .map_err(|error| JsValue::from_str(&error.line().text()))?;
                done.set(done.get() + 1);
                progress(done.get(), all);
                Ok(bytes.into())
            })
        })
        .collect();
    let mut images = Vec::new();
    let mut missing = Vec::new();
    for ((number, case), answer) in (1..).zip(&lesson.cases).zip(asked) {
        let image = JsFuture::from(answer).await;
        match image.and_then(|bytes| image_file(&case.image, bytes)) {
            Ok(image) => images.push(image),
            Err(error) => {
                let what = Line::new("lesson.bad_served").with("reason", wire::describe(&error));
                missing.push(problem::about_case(&file, number, what));
            }
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    Ok(Loaded {
        id: Some(id.into()),
        file,
        lesson,
        images,
        truths,
    })
}

/// Fetched bytes as a file, which is what pictures are read from.
fn image_file(path: &str, bytes: JsValue) -> Result<Dropped, JsValue> {
    let bytes: Uint8Array = bytes.dyn_into()?;
    let file = File::new_with_u8_array_sequence(&Array::of1(&bytes), path)?;
    Ok(Dropped::new(path, file))
}

/// A lesson's text, and its true classes by the model's count.
fn read(
    file: &str,
    text: &str,
    classes: &[String],
) -> Result<(Lesson, Vec<Option<usize>>), Vec<Line>> {
    let said = |problems: Vec<Problem>| {
        let lines = problems.iter().map(|problem| problem::line(file, problem));
        lines.collect::<Vec<_>>()
    };
    let lesson = parse(text).map_err(said)?;
    let mut problems = Vec::new();
    let mut truths = Vec::new();
    for (number, case) in (1..).zip(&lesson.cases) {
        match case.truth(number, classes) {
            Ok(truth) => truths.push(truth),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok((lesson, truths))
    } else {
        Err(said(problems))
    }
}
