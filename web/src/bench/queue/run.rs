//! Running the engine of a [`Queue`].

use super::{Answer, Inner, Queue, State, Status, Whole};
use crate::bench::thumbnail::Thumbnail;
use crate::engine_client::{Client, Incoming, copy};
use crate::intake;
use crate::language::{Line, Piece};
use crate::pictures::{self, Problem};
use crate::requests;
use crate::session::rejection;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::{EngineKind, PROTOCOL, Reply, Report, Request};
use scanlight_engine::wire;
use std::sync::Arc;
use std::time::Duration;
use web_sys::File;

/// An engine that has said nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);
/// Crashes in a row after which the engine is not started again.
const CRASHES: u32 = 3;
/// Files under way at once: while one is classified the next is read.
const AT_ONCE: usize = 2;

impl Queue {
    /// Starts an engine, in place of the one that runs.
    pub(super) fn start(self) {
        self.status.set(Status::Starting);
        let started = self.update(|inner| {
            inner.client = None;
            inner.loaded = false;
            inner.counted = 0;
            inner.under_way.clear();
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
                let paused = self.update(|inner| {
                    inner.loaded = true;
                    inner.begun = requests::now();
                    inner.paused
                });
                if paused == Some(false) {
                    self.status.set(Status::Running);
                }
                self.go_on();
            }
            Reply::LoadFailed { message } => self.engine_failed(kind, message),
            Reply::Classified { id, report } => {
                self.count(report.requests);
                let keeps = self.update(|inner| {
                    inner.crashes = 0;
                    inner.keeps
                });
                let answer = answer(report, &buffers, keeps == Some(true));
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
    fn count(self, of_this_worker: u32) {
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
        while let Some((index, file, turn)) = self.update(next).flatten() {
            spawn_local(async move { self.read(index, file, turn).await });
        }
        let over = self.update(|inner| {
            inner.loaded
                && !inner.paused
                && inner.reading == 0
                && inner.under_way.is_empty()
                && inner.again.is_empty()
                && inner.next >= inner.files.len()
        });
        if over == Some(true) {
            self.update(|inner| {
                // Its memory is worth more than the moment that starting another takes.
                inner.client = None;
                inner.loaded = false;
                inner.generation += 1;
            });
            self.status.set(Status::Done);
            self.tell();
        }
    }

    async fn read(self, index: usize, file: File, [generation, turn]: [u32; 2]) {
        let bytes = if file.size() > intake::LARGEST {
            Err(Line::new("batch.too_large"))
        } else {
            match pictures::read(&file).await {
                Ok(bytes) => Ok(bytes),
                Err(Problem::Rejected(line)) => Err(line.with("name", file.name())),
                Err(Problem::Unreadable(error)) => {
                    let reason = wire::describe(&error);
                    let reason = reason.trim_end_matches('.').to_string();
                    Err(Line::new("batch.unreadable").with("reason", reason))
                }
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

    fn give_up(self, line: Line) {
        self.update(|inner| {
            inner.client = None;
            inner.loaded = false;
            inner.generation += 1;
            inner.again.extend(inner.under_way.values().rev());
            inner.under_way.clear();
        });
        self.status.set(Status::Failed(line));
        self.tell();
    }

    /// Takes the engine for dead if loading (`None`) or request `id` isn't over after [`PATIENCE`].
    fn watch(self, generation: u32, id: Option<u32>) {
        set_timeout(
            move || {
                let stuck = self.inner.try_with_value(|inner| {
                    let waits = match id {
                        None => !inner.loaded,
                        Some(id) => inner.under_way.contains_key(&id),
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

/// The next file to read, if there is room for one.
fn next(inner: &mut Inner) -> Option<(usize, File, [u32; 2])> {
    if !inner.loaded || inner.paused || inner.reading + inner.under_way.len() >= AT_ONCE {
        return None;
    }
    let index = inner.again.pop().or_else(|| {
        inner.next += 1;
        Some(inner.next - 1)
    })?;
    let Some(file) = inner.files.get(index) else {
        inner.next = inner.files.len();
        return None;
    };
    if !inner.touched {
        inner.touched = true;
        inner.page.begin();
    }
    inner.reading += 1;
    Some((index, file.file.clone(), [inner.generation, inner.turn]))
}

fn answer(report: Report, buffers: &[Uint8Array], keeps: bool) -> Answer {
    let buffer = |index: usize| {
        buffers
            .get(index)
            .map(Uint8Array::to_vec)
            .unwrap_or_default()
    };
    let grey = buffer(0);
    Answer {
        thumbnail: Thumbnail::of(&grey, report.picture),
        whole: keeps.then(|| Whole {
            colour_maps: buffer(1),
            heat: buffer(2 + report.predicted),
            report: report.clone(),
            grey,
        }),
        probabilities: report.probabilities,
        predicted: report.predicted,
        verdict: report.verdict,
        uncertainty: report.uncertainty,
        strangeness: report.strangeness,
        image: report.image,
        ms: report.decode_ms + report.classify_ms,
    }
}
