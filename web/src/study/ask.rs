//! Opening files through the reader, and one slice after another from it to the screen and the engine.

use super::{Place, Slice, Window, Zoom, first_place};
use crate::engine_client::{Client, Incoming};
use crate::intake::Dropped;
use crate::language::Line;
use crate::offline;
use crate::requests;
use crate::session::{Content, Input, Values};
use crate::state::{Desk, Name, Opened};
use js_sys::{Float32Array, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_reader::protocol::{Failure, MODULE, PROTOCOL, Plane, Reply, Request, Shape, WASM};
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen_futures::JsFuture;

/// How many bytes are read in one go: what a browser lets a page and its worker hold.
const MOST_BYTES: f64 = 1024.0 * 1024.0 * 1024.0;
/// How long a slice stays on the screen before the engine is asked: who scrolls on wants no answer.
const REST: Duration = Duration::from_millis(90);

/// What a slice is wanted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wanted {
    /// The screen.
    Screen(Place),
    /// The survey.
    Survey(usize),
}

impl Desk {
    /// Opens files that the engine cannot read by itself, or several. The reader is fetched first; nothing of the
    /// files is read before it runs, and nothing is fetched after.
    pub fn open_files(self, files: Vec<Dropped>) {
        self.alert.set(None);
        self.notice.set(None);
        offline::hold();
        self.study.reading.set(Some([0, files.len()]));
        let running = self.study.update(|inner| {
            inner.waiting = Some(files);
            inner.client.is_some()
        });
        if running != Some(true) {
            self.start_reader();
        }
        self.read_waiting();
    }

    /// Closes what is open, for another scan.
    pub fn close_study(self) {
        let study = self.study;
        if !study.items.with_untracked(Vec::is_empty) {
            study.items.set(Vec::new());
        }
        self.stop_survey();
        study.survey.forget();
        study.failures.set(Vec::new());
        study.skipped.set(Vec::new());
        study.place.set(None);
        study.slice.set(None);
        study.update(|inner| {
            inner.wanted.clear();
            inner.showing = false;
            inner.shown += 1;
        });
    }

    fn start_reader(self) {
        let generation = self.study.update(|inner| {
            inner.client = None;
            inner.listening = false;
            inner.opening = None;
            inner.showing = false;
            inner.requests = 0;
            inner.wanted.clear();
            inner.generation += 1;
            inner.generation
        });
        let receive = move |incoming: Incoming<Reply>| {
            if self.study.inner.try_with_value(|inner| inner.generation) == generation {
                match incoming {
                    Incoming::Broken(message) => self.reader_broke(message),
                    Incoming::Reply(reply, buffers) => self.read(reply, &buffers),
                }
            }
        };
        match Client::start_program(MODULE, WASM, receive) {
            Ok(client) => {
                self.study.update(|inner| inner.client = Some(client));
            }
            Err(error) => self.reader_broke(wire::describe(&error)),
        }
    }

    /// The reader ended. What it was reading is given up; the next files start another.
    fn reader_broke(self, message: String) {
        let was_open = self.study.items.with_untracked(|items| !items.is_empty());
        self.study.update(|inner| {
            inner.client = None;
            inner.generation += 1;
            inner.waiting = None;
        });
        self.study.reading.set(None);
        self.close_study();
        self.complain(
            Line::new(if was_open {
                "study.reader_crashed"
            } else {
                "study.reader_failed"
            })
            .with("reason", message),
        );
    }

    /// Reads the files that wait, if the reader listens.
    fn read_waiting(self) {
        let files = self.study.update(|inner| {
            (inner.listening && inner.opening.is_none())
                .then(|| inner.waiting.take())
                .flatten()
        });
        let Some(Some(files)) = files else { return };
        let opened = Opened {
            at: requests::now(),
            worker_requests: self.worker_requests.get_untracked(),
        };
        let id = self.study.update(|inner| {
            inner.opened = Some(opened);
            inner.next_id += 1;
            inner.opening = Some(inner.next_id);
            inner.next_id
        });
        self.opened.set(Some(opened));
        let Some(id) = id else { return };
        spawn_local(async move { self.hand_over(id, files).await });
    }

    async fn hand_over(self, id: u32, files: Vec<Dropped>) {
        let count = files.len();
        let (mut names, mut buffers, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0.0;
        for (index, Dropped { path, file }) in files.into_iter().enumerate() {
            self.study.reading.set(Some([index, count]));
            bytes += file.size();
            if bytes > MOST_BYTES {
                failures.push(Failure {
                    name: path,
                    message: "all files together are larger than 1 GB; open fewer".into(),
                });
                bytes -= file.size();
                continue;
            }
            match JsFuture::from(file.array_buffer()).await {
                Ok(buffer) => {
                    names.push(path);
                    buffers.push(Uint8Array::new(&buffer));
                }
                // A file that was moved or changed meanwhile.
                Err(error) => failures.push(Failure {
                    name: path,
                    message: wire::describe(&error).trim_end_matches('.').into(),
                }),
            }
        }
        self.close_study();
        self.study.failures.set(failures);
        self.study.reading.set(Some([count, count]));
        let sent = self.study.update(|inner| {
            let client = inner.client.as_ref().filter(|_| inner.opening == Some(id));
            client.map(|client| client.send(&Request::Open { id, names }, &buffers))
        });
        if let Some(Some(Err(message))) = sent {
            self.reader_broke(message);
        }
    }

    fn read(self, reply: Reply, buffers: &[Uint8Array]) {
        match reply {
            Reply::Hello { protocol, .. } if protocol != PROTOCOL => {
                self.reader_broke("it belongs to another version of the page".into());
            }
            Reply::Hello { requests, .. } => {
                self.study.update(|inner| {
                    inner.listening = true;
                    inner.requests = requests;
                });
                self.read_waiting();
            }
            Reply::Opened {
                id,
                items,
                failures,
                skipped,
                requests,
            } => {
                let ours = self.study.update(|inner| {
                    let more = requests.saturating_sub(inner.requests);
                    inner.requests = requests;
                    let ours = inner.opening == Some(id);
                    if ours {
                        inner.opening = None;
                    }
                    (ours, more)
                });
                let (ours, more) = ours.unwrap_or_default();
                self.count_others_requests(more);
                if ours {
                    self.opened_study(items, failures, skipped);
                }
                self.read_waiting();
            }
            Reply::Slice {
                id,
                size,
                range,
                colourfulness,
                spacing,
            } => {
                let wanted = self.study.update(|inner| inner.wanted.remove(&id));
                let values = buffers
                    .first()
                    .map(|bytes| Float32Array::new(&bytes.buffer()).to_vec())
                    .unwrap_or_default();
                let slice = |place| Slice {
                    place,
                    size,
                    values,
                    range,
                    colourfulness,
                    spacing,
                };
                match wanted.flatten() {
                    Some(Wanted::Screen(place)) => self.slice_came(slice(place)),
                    Some(Wanted::Survey(index)) => self.survey_slice(index, slice),
                    None => {}
                }
            }
            Reply::Failed { id, message } => {
                let wanted = self.study.update(|inner| inner.wanted.remove(&id));
                match wanted.flatten() {
                    Some(Wanted::Screen(_)) => {
                        self.study.update(|inner| inner.showing = false);
                        self.complain(Line::new("study.no_slice").with("reason", message));
                    }
                    Some(Wanted::Survey(index)) => self.survey_missed(index, message),
                    None => {}
                }
            }
            Reply::LoadFailed { message } | Reply::Panicked { message } => {
                self.reader_broke(message);
            }
        }
    }

    fn opened_study(
        self,
        items: Vec<scanlight_reader::protocol::Item>,
        failures: Vec<Failure>,
        skipped: Vec<Failure>,
    ) {
        let study = self.study;
        study.reading.set(None);
        study.failures.update(|known| known.extend(failures));
        study.skipped.set(skipped);
        let Some(first) = items.first() else {
            let failed = study.failures.get_untracked();
            return self.complain(match failed.first() {
                Some(failure) if failed.len() == 1 => Line::new("intake.rejected")
                    .with("name", failure.name.as_str())
                    .with("reason", failure.message.as_str()),
                Some(failure) => Line::new("study.nothing_of")
                    .with("n", failed.len())
                    .with("name", failure.name.as_str())
                    .with("reason", failure.message.as_str()),
                None => Line::new("study.nothing"),
            });
        };
        let number = study.update(|inner| {
            inner.studies += 1;
            inner.studies
        });
        let place = first_place(number.unwrap_or_default(), 0, first);
        study.window.set(Window::File);
        study.zoom.set(Zoom::default());
        study.items.set(items);
        self.go_to(place);
    }

    /// Shows another item.
    pub fn go_to_item(self, index: usize) {
        let number = self.study.inner.with_value(|inner| inner.studies);
        let place = self
            .study
            .items
            .with_untracked(|items| Some(first_place(number, index, items.get(index)?)));
        if let Some(place) = place {
            self.stop_survey();
            self.study.survey.forget();
            self.study.window.set(Window::File);
            self.study.zoom.set(Zoom::default());
            self.go_to(place);
        }
    }

    /// Shows another plane of the volume, at its middle.
    pub fn go_to_plane(self, plane: Plane) {
        let place = self.study.place.get_untracked();
        let item = place.and_then(|place| {
            self.study
                .items
                .with_untracked(|items| items.get(place.item).cloned())
        });
        if let (Some(place), Some(item)) = (place, item)
            && place.plane != plane
            && matches!(item.shape, Shape::Volume { .. })
        {
            self.stop_survey();
            self.study.survey.forget();
            self.study.zoom.set(Zoom::default());
            self.go_to(Place {
                plane,
                index: item.shape.slices(plane) / 2,
                ..place
            });
        }
    }

    /// Shows the slice so many further on, or the last one that way.
    pub fn go_by(self, steps: i64) {
        let count = untrack(|| self.study.count());
        if let (Some(place), Some(last)) = (self.study.place.get_untracked(), count.checked_sub(1))
        {
            let last = i64::try_from(last).unwrap_or(i64::MAX);
            let index = i64::try_from(place.index)
                .unwrap_or(0)
                .saturating_add(steps);
            let index = usize::try_from(index.clamp(0, last)).unwrap_or(0);
            self.go_to(Place { index, ..place });
        }
    }

    /// Shows a slice: as soon as it is there, and the newest that was asked for.
    pub fn go_to(self, place: Place) {
        if self.study.place.get_untracked() == Some(place) {
            return;
        }
        self.study.place.set(Some(place));
        let free = self.study.update(|inner| !inner.showing);
        if free == Some(true) {
            self.fetch_slice(place, Wanted::Screen(place));
        }
    }

    /// Asks the reader for a slice.
    pub fn fetch_slice(self, place: Place, wanted: Wanted) {
        let sent = self.study.update(|inner| {
            inner.next_id += 1;
            let id = inner.next_id;
            let request = Request::Slice {
                id,
                item: place.item,
                plane: place.plane,
                index: place.index,
            };
            let client = inner.client.as_ref()?;
            let sent = client.send(&request, &[]);
            if sent.is_ok() {
                inner.wanted.insert(id, wanted);
                inner.showing |= matches!(wanted, Wanted::Screen(_));
            }
            Some(sent)
        });
        if let Some(Some(Err(message))) = sent {
            self.reader_broke(message);
        }
    }

    fn slice_came(self, slice: Slice) {
        let place = slice.place;
        self.study.slice.set(Some(Arc::new(slice)));
        let turn = self.study.update(|inner| {
            inner.showing = false;
            inner.shown += 1;
            inner.shown
        });
        match self.study.place.get_untracked() {
            Some(wanted) if wanted != place => {
                self.fetch_slice(wanted, Wanted::Screen(wanted));
            }
            _ => set_timeout(
                move || {
                    let last = self.study.inner.try_with_value(|inner| inner.shown);
                    if last == turn {
                        self.classify_slice();
                    }
                },
                REST,
            ),
        }
    }

    /// Has the engine classify the slice that is shown.
    fn classify_slice(self) {
        let Some(slice) = self.study.slice.get_untracked() else {
            return;
        };
        let Some((item, place)) = untrack(|| self.study.here()) else {
            return;
        };
        if slice.place != place {
            return;
        }
        let count = item.shape.slices(place.plane);
        let name = match item.shape {
            Shape::Pictures { count: 1 } => Name::File(item.name),
            Shape::Pictures { .. } => Name::Slice {
                name: item.name,
                plane: None,
                number: place.index + 1,
                count,
            },
            Shape::Volume { .. } => Name::Slice {
                name: item.name,
                plane: Some(place.plane),
                number: place.index + 1,
                count,
            },
        };
        let content = Content::Values(Values {
            values: values_bytes(&slice.values),
            size: slice.size,
            range: slice.range,
            colourfulness: slice.colourfulness,
        });
        let opened = self.study.inner.with_value(|inner| inner.opened);
        self.open(Input::of_study(name, content, place, opened));
    }
}

/// The values' bytes, as messages carry them.
pub fn values_bytes(values: &[f32]) -> Uint8Array {
    Uint8Array::new(&Float32Array::from(values).buffer())
}
