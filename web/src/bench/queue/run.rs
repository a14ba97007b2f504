//! Running the engine of a [`Queue`].

use super::ask::Heard;
use super::{Answer, Inner, Queue, State, Status};
use crate::engine_client::{Client, Incoming, copy};
use crate::intake::{self, Dropped};
use crate::language::{Line, Piece};
use crate::pictures::{self, Problem};
use crate::requests;
use crate::session::rejection;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::{EngineKind, PROTOCOL, Reply, Request};
use scanlight_engine::wire;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::JsValue;

/// An engine that has said nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);
/// Crashes in a row after which the engine is not started again.
const CRASHES: u32 = 3;
/// Files under way at once: while one is classified the next is read.
const AT_ONCE: usize = 2;

/// What is to be done next.
enum Job {
    /// Read and send a picture: its row, its file, and the engine and the turn that it is for.
    Picture(usize, Dropped, [u32; 2]),
    /// Look through a unit.
    Study(usize, u32),
}

impl Queue {
    /// Starts an engine, in place of the one that runs.
    pub(super) fn start(self) {
        self.status.set(Status::Starting);
        let started = self.update(|inner| {
            inner.client = None;
            inner.loaded = false;
            inner.counted = 0;
            inner.under_way.clear();
            inner.asked.clear();
            inner.generation += 1;
            (inner.kind, inner.generation)
        });
        let Some((kind, generation)) = started else {
            return;
        };
        let receive = move |incoming| {
            if self.generation() == Some(generation) {
                self.receive(kind, incoming);
            }
        };
        match Client::start(kind, receive) {
            Ok(client) => {
                self.update(|inner| inner.client = Some(client));
                self.watch(generation, None);
            }
            Err(error) => self.engine_failed(kind, wire::describe(&error)),
        }
    }

    fn generation(self) -> Option<u32> {
        self.inner.try_with_value(|inner| inner.generation)
    }

    fn receive(self, kind: EngineKind, incoming: Incoming) {
        let (reply, buffers) = match incoming {
            Incoming::Reply(reply, buffers) => (reply, buffers),
            Incoming::Broken(message) => return self.engine_broke(kind, message),
        };
        let Some((reply, buffers)) = self.passed_on(kind, reply, buffers) else {
            return;
        };
        match reply {
            Reply::Hello { protocol, .. } if protocol != PROTOCOL => {
                self.give_up(Line::new("engine.version"));
            }
            Reply::Hello { .. } => self.load(kind),
            Reply::Ready {
                detail, requests, ..
            } => {
                self.engine.set(format!("{} ({detail})", kind.title()));
                self.count(requests);
                // The time that is left is told from those that this engine does.
                let goes = self.update(|inner| {
                    inner.loaded = true;
                    inner.begun = requests::now();
                    for waiting in inner.waiting.drain(..) {
                        // Who waits no longer has gone.
                        let _ = waiting.send(());
                    }
                    !inner.paused
                });
                if goes == Some(true) {
                    self.status.set(Status::Running);
                    self.go_on();
                }
            }
            Reply::LoadFailed { message } => self.engine_failed(kind, message),
            Reply::Classified { id, report } => {
                self.count(report.requests);
                let keeps = self.update(|inner| {
                    inner.crashes = 0;
                    inner.keeps
                });
                let answer = Answer::new(report, &buffers, keeps == Some(true));
                self.finish(id, State::Done(Arc::new(answer)));
            }
            Reply::Rejected { id, complaint } => {
                self.finish(
                    id,
                    State::Bad(Line::new("batch.bad").with("reason", rejection(&complaint))),
                );
            }
            Reply::Failed { id, message } if kind == EngineKind::Cpu => {
                self.finish(
                    id,
                    State::Bad(Line::new("batch.bad").with("reason", message)),
                );
            }
            Reply::Failed { message, .. } => self.engine_failed(kind, message),
            Reply::Panicked { message } => self.engine_broke(kind, message),
            Reply::Lost { message } => self.engine_failed(kind, message),
            // Nothing else is asked for.
            _ => {}
        }
    }

    fn load(self, kind: EngineKind) {
        let sent = self.update(|inner| {
            let copies = [copy(&inner.bundle.manifest), copy(&inner.bundle.weights)];
            match &inner.client {
                Some(client) => client.send(&Request::Load { fault: None }, &copies),
                None => Ok(()),
            }
        });
        if let Some(Err(message)) = sent {
            self.engine_failed(kind, message);
        }
    }

    /// The page's counter has the workbench's requests too.
    pub(super) fn count(self, of_this_worker: u32) {
        self.update(|inner| {
            let more = of_this_worker.saturating_sub(inner.counted);
            inner.counted = of_this_worker.max(inner.counted);
            if more > 0 {
                inner.page.count(more);
            }
        });
    }

    /// Takes up files as long as there is room for more.
    pub(super) fn go_on(self) {
        let unsorted = self.inner.try_with_value(|inner| !inner.is_sorted);
        if unsorted == Some(true) {
            return self.sort();
        }
        while let Some(job) = self.update(next).flatten() {
            match job {
                Job::Picture(index, file, marks) => {
                    spawn_local(async move { self.read(index, file, marks).await });
                }
                Job::Study(unit, turn) => {
                    spawn_local(async move { self.look_through(unit, turn).await });
                }
            }
        }
        let over = self.update(|inner| {
            inner.loaded
                && !inner.paused
                && !inner.looks
                && inner.reading == 0
                && inner.under_way.is_empty()
                && inner.again.is_empty()
                && inner.next >= inner.units.len()
        });
        if over == Some(true) {
            self.update(|inner| {
                // Their memory is worth more than the moment that starting others takes.
                inner.reader.end();
                inner.client = None;
                inner.loaded = false;
                inner.generation += 1;
            });
            self.status.set(Status::Done);
            self.tell();
        }
    }

    async fn read(self, index: usize, file: Dropped, [generation, turn]: [u32; 2]) {
        let bytes = if file.size() > intake::LARGEST {
            Err(Line::new("batch.too_large"))
        } else {
            let read = match file.file().await {
                Ok(found) => pictures::read(&found).await,
                Err(error) => Err(Problem::Unreadable(error)),
            };
            match read {
                Ok(bytes) => Ok(bytes),
                Err(Problem::Rejected(line)) => Err(line.with("name", name(&file.path))),
                Err(Problem::Unreadable(error)) => Err(unreadable(&error)),
            }
        };
        let current = self.update(|inner| {
            // Cancelled meanwhile: whoever goes on takes up the file anew.
            if inner.turn != turn {
                return None;
            }
            inner.reading = inner.reading.saturating_sub(1);
            Some(inner.generation == generation)
        });
        let current = current.flatten();
        match (current, bytes) {
            (Some(true), Ok(bytes)) => self.send(index, &bytes, generation),
            (Some(true), Err(line)) => {
                self.settle(index, State::Bad(line));
                self.go_on();
            }
            // Another engine has been started meanwhile.
            (Some(false), _) => {
                self.update(|inner| {
                    if !inner.again.contains(&index) {
                        inner.again.push(index);
                    }
                });
                self.go_on();
            }
            (None, _) => {}
        }
    }

    fn send(self, index: usize, bytes: &Uint8Array, generation: u32) {
        let sent = self.update(|inner| {
            inner.next_id += 1;
            let id = inner.next_id;
            let client = inner.client.as_ref().ok_or("it has ended")?;
            client.send(&Request::Classify { id }, std::slice::from_ref(bytes))?;
            inner.under_way.insert(id, index);
            Ok(id)
        });
        match sent {
            Some(Ok(id)) => self.watch(generation, Some(id)),
            Some(Err(reason)) => {
                let reason: String = reason;
                self.settle(
                    index,
                    State::Bad(Line::new("batch.bad").with("reason", reason)),
                );
                self.go_on();
            }
            None => {}
        }
    }

    fn finish(self, id: u32, state: State) {
        if let Some(Some(index)) = self.update(|inner| inner.under_way.remove(&id)) {
            self.settle(index, state);
        }
        self.go_on();
    }

    /// The engine crashed, presumably on the file that it was at work on: the first that was sent.
    fn engine_broke(self, kind: EngineKind, message: impl Into<Piece>) {
        let message = message.into();
        let broken = self.update(|inner| {
            inner.crashes += 1;
            let culprit = inner.under_way.pop_first();
            inner.again.extend(inner.under_way.values().rev());
            if let Some((_, asked)) = inner.asked.pop_first() {
                // Who waits no longer has gone.
                let _ = asked.send(Heard::Broke(message.clone()));
            }
            (inner.loaded, inner.crashes, culprit)
        });
        let Some((loaded, crashes, culprit)) = broken else {
            return;
        };
        if let Some((_, index)) = culprit {
            let line = Line::new("batch.bad").with("reason", message.clone());
            self.settle(index, State::Bad(line));
        }
        if !loaded || crashes >= CRASHES {
            return self.engine_failed(kind, message);
        }
        self.start();
    }

    /// The engine is of no use: from WebGPU to the CPU, from the CPU to an end.
    fn engine_failed(self, kind: EngineKind, message: impl Into<Piece>) {
        if kind == EngineKind::Cpu {
            return self.give_up(Line::new("engine.no_start").with("reason", message));
        }
        self.update(|inner| {
            inner.again.extend(inner.under_way.values().rev());
            inner.kind = EngineKind::Cpu;
            inner.crashes = 0;
        });
        self.start();
    }

    pub(super) fn give_up(self, line: Line) {
        self.update(|inner| {
            inner.client = None;
            inner.loaded = false;
            inner.generation += 1;
            inner.turn += 1;
            inner.reading = 0;
            inner.under_way.clear();
            inner.end_looking();
        });
        self.put_back();
        self.status.set(Status::Failed(line));
        self.tell();
    }

    /// Takes the engine for dead if loading (`None`) or request `id` isn't over after [`PATIENCE`].
    pub(super) fn watch(self, generation: u32, id: Option<u32>) {
        set_timeout(
            move || {
                let stuck = self.inner.try_with_value(|inner| {
                    let waits = match id {
                        None => !inner.loaded,
                        Some(id) => {
                            inner.under_way.contains_key(&id) || inner.asked.contains_key(&id)
                        }
                    };
                    (inner.generation == generation && waits).then_some(inner.kind)
                });
                if let Some(Some(kind)) = stuck {
                    self.engine_broke(kind, Line::new("engine.silent"));
                }
            },
            PATIENCE,
        );
    }
}

/// What to do next, if there is room for it. A unit that is looked through has the engine for itself.
fn next(inner: &mut Inner) -> Option<Job> {
    let busy = inner.reading + inner.under_way.len();
    if !inner.loaded || inner.paused || inner.looks || busy >= AT_ONCE {
        return None;
    }
    let index = inner.again.last().copied().unwrap_or(inner.next);
    let unit = inner.units.get(index)?;
    if unit.study && busy > 0 {
        return None;
    }
    let file = inner.files.get(*unit.files.first()?)?.clone();
    let study = unit.study;
    if inner.again.pop().is_none() {
        inner.next += 1;
    }
    if !inner.touched {
        inner.touched = true;
        inner.page.begin();
    }
    if study {
        inner.looks = true;
        return Some(Job::Study(index, inner.turn));
    }
    inner.reading += 1;
    Some(Job::Picture(index, file, [inner.generation, inner.turn]))
}

/// A file's name in its folder.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What the browser says of a file that it cannot read.
pub(super) fn unreadable(error: &JsValue) -> Line {
    let reason = wire::describe(error);
    let reason = reason.trim_end_matches('.').to_string();
    Line::new("batch.unreadable").with("reason", reason)
}
