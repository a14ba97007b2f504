//! Opening files through the reader, and what it answers.

use super::ask::Wanted;
use super::{Absent, At, Place, Slice, Window, Zoom, first_place};
use crate::engine_client::{Client, Incoming};
use crate::intake::Dropped;
use crate::language::{Line, Piece};
use crate::offline;
use crate::session::rejection;
use crate::state::Desk;
use js_sys::{Float32Array, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_reader::protocol::{Failure, Item, MODULE, PROTOCOL, Reply, Request, WASM};

/// How many bytes are read in one go: what a browser lets a page and its worker hold.
pub const MOST_BYTES: f64 = 1024.0 * 1024.0 * 1024.0;

impl Desk {
    /// Opens files that the engine cannot read by itself, or several. The reader is fetched first; nothing of the
    /// files is read before it runs, and nothing is fetched after. `listed` are the same files for a table of them; `at`
    /// is the slice that is wanted first.
    pub fn open_files(self, files: Vec<Dropped>, listed: Vec<Dropped>, at: Option<At>) {
        self.alert.set(None);
        self.notice.set(None);
        self.leave_lesson();
        offline::hold();
        self.study.reading.set(Some([0, files.len()]));
        // A worker that is at work on other files would keep these waiting.
        let free = self.study.update(|inner| {
            inner.waiting = Some(files);
            inner.listed = listed;
            inner.at = at;
            inner.opening = None;
            inner.reads = None;
            inner.client.is_some() && !inner.busy
        });
        if free != Some(true) {
            self.start_reader();
        }
        self.read_waiting();
    }

    /// Nobody waits any more for the files that are being read.
    pub fn abandon_files(self) {
        self.study.update(|inner| {
            inner.waiting = None;
            inner.opening = None;
            inner.reads = None;
            if inner.busy {
                inner.client = None;
                inner.generation += 1;
                inner.listening = false;
                inner.busy = false;
            }
        });
        if self.study.reading.read_untracked().is_some() {
            self.study.reading.set(None);
        }
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
            inner.busy = false;
            inner.reads = None;
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
    pub(super) fn reader_broke(self, message: String) {
        let (ran, at) = self
            .study
            .update(|inner| {
                inner.client = None;
                inner.generation += 1;
                inner.waiting = None;
                inner.opening = None;
                inner.busy = false;
                (std::mem::take(&mut inner.listening), inner.reads.take())
            })
            .unwrap_or_default();
        self.study.reading.set(None);
        self.close_study();
        let line = match at {
            Some(name) => Line::new("study.reader_crashed_on").with("name", name),
            None if ran => Line::new("study.reader_crashed"),
            None => Line::new("study.reader_failed"),
        };
        self.complain(line.with("reason", message.trim_end_matches('.')));
    }

    /// Reads the files that wait, if the reader listens.
    fn read_waiting(self) {
        let files = self.study.update(|inner| {
            (inner.listening && inner.opening.is_none())
                .then(|| inner.waiting.take())
                .flatten()
        });
        let Some(Some(files)) = files else { return };
        let opened = self.opened_now();
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
        self.study.reading.set(Some([0, count]));
        for file in files {
            let absent = |reason: Piece| Absent {
                name: file.path.clone(),
                reason,
            };
            if bytes + file.size() > MOST_BYTES {
                failures.push(absent(Line::new("study.too_many_bytes").into()));
                continue;
            }
            bytes += file.size();
            let read = file.bytes().await;
            if !self.is_opening(id) {
                return;
            }
            match read {
                Ok(bytes) => {
                    names.push(file.path);
                    buffers.push(bytes);
                }
                // A file that was moved or changed meanwhile.
                Err(error) => {
                    let reason = wire::describe(&error);
                    failures.push(absent(reason.trim_end_matches('.').into()));
                }
            }
        }
        if !self.is_opening(id) {
            return;
        }
        self.close_study();
        self.study.failures.set(failures);
        let sent = self.study.update(|inner| {
            let client = inner.client.as_ref()?;
            inner.busy = true;
            Some(client.send(&Request::Open { id, names }, &buffers))
        });
        if let Some(Some(Err(message))) = sent {
            self.reader_broke(message);
        }
    }

    /// Whether request `id` is the one whose files are wanted.
    fn is_opening(self, id: u32) -> bool {
        self.study.inner.try_with_value(|inner| inner.opening) == Some(Some(id))
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
            Reply::Reading { id, index, name } if self.is_opening(id) => {
                self.study.update(|inner| inner.reads = Some(name));
                self.study.reading.update(|reading| {
                    if let Some([done, _]) = reading {
                        *done = index;
                    }
                });
            }
            Reply::Reading { .. } => {}
            Reply::Opened {
                id,
                items,
                failures,
                skipped,
                requests,
            } => {
                let ours = self.study.update(|inner| {
                    inner.busy = false;
                    inner.reads = None;
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
            // The table asks for it, of a reader of its own.
            Reply::Series { .. } => {}
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

    fn opened_study(self, items: Vec<Item>, failures: Vec<Failure>, skipped: Vec<Failure>) {
        let study = self.study;
        study.reading.set(None);
        let failures = failures.into_iter().map(absent);
        study.failures.update(|known| known.extend(failures));
        study.skipped.set(skipped.into_iter().map(absent).collect());
        let Some(first) = items.first() else {
            let failed = study.failures.get_untracked();
            return self.complain(match failed.as_slice() {
                [] => Line::new("study.nothing"),
                [Absent { name, reason }, rest @ ..] => {
                    let line = match rest {
                        [] => Line::new("intake.rejected"),
                        _ => Line::new("study.nothing_of").with("n", failed.len()),
                    };
                    line.with("name", name.as_str())
                        .with("reason", reason.clone())
                }
            });
        };
        let (number, at) = study
            .update(|inner| {
                inner.studies += 1;
                (inner.studies, inner.at.take())
            })
            .unwrap_or_default();
        let wanted = at.and_then(|at| {
            let slices = items.get(at.item)?.shape.slices(at.plane);
            (at.index < slices).then_some(Place {
                study: number,
                item: at.item,
                plane: at.plane,
                index: at.index,
            })
        });
        let place = wanted.unwrap_or_else(|| first_place(number, 0, first));
        study.window.set(Window::File);
        study.zoom.set(Zoom::default());
        study.items.set(items);
        self.go_to(place);
    }
}

fn absent(Failure { name, complaint }: Failure) -> Absent {
    Absent {
        name,
        reason: rejection(&complaint),
    }
}
