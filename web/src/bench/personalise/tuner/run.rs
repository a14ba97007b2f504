//! Running the tuner's worker.

use super::{Point, Seen, Stage, Tuner};
use crate::bench::thumbnail::Thumbnail;
use crate::engine_client::{Client, Incoming};
use crate::intake::{self, Dropped};
use crate::language::{Line, Piece};
use crate::session::rejection;
use crate::words;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::wire;
use scanlight_tuner::protocol::{MODULE, PROTOCOL, Reply, Request, WASM};
use std::sync::Arc;
use std::time::Duration;

/// A worker that has said nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);
/// Crashes after which it is not started again.
const CRASHES: u32 = 3;

impl Tuner {
    /// Starts a worker, in place of the one that runs. All scans are shown to it.
    pub(super) fn start(self) {
        self.stage.set(Stage::Starting);
        self.scans
            .update(|scans| scans.iter_mut().for_each(|scan| scan.seen = None));
        let waiting: Vec<u32> = self
            .scans
            .with_untracked(|scans| scans.iter().map(|scan| scan.id).collect());
        let generation = self.update(|inner| {
            inner.client = None;
            inner.counted = 0;
            inner.under_way = None;
            inner.waiting = waiting.into();
            inner.generation += 1;
            inner.generation
        });
        let Some(generation) = generation else { return };
        let receive = move |incoming: Incoming<Reply>| {
            if self.inner.try_with_value(|inner| inner.generation) == Some(generation) {
                self.update(|inner| inner.heard = inner.heard.wrapping_add(1));
                self.receive(incoming);
            }
        };
        match Client::start_program(MODULE, WASM, receive) {
            Ok(client) => {
                self.update(|inner| inner.client = Some(client));
                self.watch();
            }
            Err(error) => self.fail(wire::describe(&error)),
        }
    }

    /// Tells the worker something that it answers.
    pub(super) fn send(self, request: &Request, buffers: &[Uint8Array]) {
        let sent = self.update(|inner| match &inner.client {
            Some(client) => client.send(request, buffers),
            None => Err("it has ended".into()),
        });
        match sent {
            Some(Ok(())) => self.watch(),
            Some(Err(message)) => self.broke(message),
            None => {}
        }
    }

    fn receive(self, incoming: Incoming<Reply>) {
        let (reply, buffers) = match incoming {
            Incoming::Reply(reply, buffers) => (reply, buffers),
            Incoming::Broken(message) => return self.broke(message),
        };
        match reply {
            Reply::Hello { protocol } if protocol != PROTOCOL => {
                self.end(Line::new("engine.version"));
            }
            Reply::Hello { .. } => {
                let bundle = self.update(|inner| {
                    [&inner.bundle.manifest, &inner.bundle.weights].map(|b| b.slice(0, b.length()))
                });
                self.send(&Request::Load, &bundle.map_or_else(Vec::new, Vec::from));
            }
            Reply::Ready { requests } => {
                self.count(requests);
                self.stage.set(Stage::Ready);
                self.go_on();
            }
            Reply::LoadFailed { message } => self.fail(message),
            Reply::Added {
                id,
                picture,
                predicted,
                requests,
            } => {
                self.count(requests);
                let grey = buffers.first().map(Uint8Array::to_vec).unwrap_or_default();
                let seen = Arc::new(Seen {
                    thumbnail: Thumbnail::of(&grey, picture),
                    predicted,
                });
                self.update(|inner| inner.crashes = 0);
                self.scans.update(|scans| {
                    let scan = scans.iter_mut().find(|scan| scan.id == id);
                    if let Some(scan) = scan {
                        scan.seen = Some(seen);
                    }
                });
                // Taken away while it was being looked at.
                let gone = self
                    .scans
                    .with_untracked(|scans| scans.iter().all(|scan| scan.id != id));
                if gone {
                    self.send(&Request::Remove { id }, &[]);
                }
                self.looked_at();
            }
            Reply::Twin { id, of } => {
                let of = self.path(of).unwrap_or_default();
                self.leave_out(id, Line::new("personalise.twin").with("of", short(&of)));
            }
            Reply::Rejected { id, complaint } => self.unreadable(id, rejection(&complaint)),
            Reply::Failed { id, message } => self.unreadable(id, message),
            Reply::Step {
                step,
                most,
                loss,
                held_out,
            } => {
                self.most.set(most);
                self.curve.update(|curve| {
                    curve.push(Point {
                        step,
                        loss,
                        held_out,
                    });
                });
            }
            Reply::Tuned { report } => {
                let result: Option<[Uint8Array; 3]> = buffers.try_into().ok();
                self.update(|inner| inner.result = result);
                self.stage.set(Stage::Ready);
                self.report.set(Some(report));
            }
            Reply::Stopped => {
                self.forget_result();
                self.stage.set(Stage::Ready);
            }
            Reply::Refused { message } => {
                self.stage.set(Stage::Ready);
                self.say([Line::new("personalise.refused").with("reason", message)]);
            }
            Reply::Panicked { message } => self.broke(message),
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

    fn path(self, id: u32) -> Option<String> {
        self.scans.with_untracked(|scans| {
            let scan = scans.iter().find(|scan| scan.id == id);
            scan.map(|scan| scan.path.clone())
        })
    }

    /// Takes up the next file, if none is under way.
    pub(super) fn go_on(self) {
        if self.stage.get_untracked() != Stage::Ready {
            return;
        }
        let next = self.update(|inner| {
            if inner.under_way.is_some() {
                return None;
            }
            let id = inner.waiting.pop_front()?;
            let (_, file) = inner.files.iter().find(|(known, _)| *known == id)?;
            let file = file.clone();
            if !inner.touched {
                inner.touched = true;
                inner.page.begin();
            }
            inner.under_way = Some(id);
            Some((id, file, inner.generation))
        });
        if let Some(Some((id, file, generation))) = next {
            spawn_local(async move { self.read(id, file, generation).await });
        }
    }

    async fn read(self, id: u32, file: Dropped, generation: u32) {
        let bytes = if file.size() > intake::LARGEST {
            Err(Line::new("batch.too_large").into())
        } else {
            file.bytes().await.map_err(|error| {
                let reason = wire::describe(&error);
                Piece::from(reason.trim_end_matches('.'))
            })
        };
        if self.inner.try_with_value(|inner| inner.generation) != Some(generation) {
            return;
        }
        let class = self.scans.with_untracked(|scans| {
            let scan = scans.iter().find(|scan| scan.id == id);
            scan.map(|scan| scan.class)
        });
        match (bytes, class) {
            (Ok(bytes), Some(class)) => self.send(&Request::Add { id, class }, &[bytes]),
            (Err(reason), Some(_)) => self.unreadable(id, reason),
            // Taken away meanwhile.
            (_, None) => self.looked_at(),
        }
    }

    fn looked_at(self) {
        self.update(|inner| inner.under_way = None);
        self.go_on();
    }

    /// A file in which there is no scan.
    fn unreadable(self, id: u32, reason: impl Into<Piece>) {
        self.update(|inner| inner.unreadable += 1);
        self.leave_out(id, reason);
    }

    fn leave_out(self, id: u32, reason: impl Into<Piece>) {
        // Taken away meanwhile.
        let Some(name) = self.path(id) else {
            return self.looked_at();
        };
        self.scans
            .update(|scans| scans.retain(|scan| scan.id != id));
        self.update(|inner| inner.files.retain(|(known, _)| *known != id));
        self.say([Line::new("personalise.bad")
            .with("name", short(&name))
            .with("reason", reason)]);
        self.looked_at();
    }

    /// The worker broke down: at the file that it was looking at, if there was one.
    fn broke(self, message: impl Into<Piece>) {
        let message = message.into();
        let broken = self.update(|inner| {
            inner.crashes += 1;
            (inner.crashes, inner.under_way.take())
        });
        let Some((crashes, culprit)) = broken else {
            return;
        };
        match culprit {
            Some(id) if crashes < CRASHES => {
                self.stage.set(Stage::Starting);
                self.unreadable(id, message);
                self.start();
            }
            _ => self.fail(message),
        }
    }

    fn fail(self, message: impl Into<Piece>) {
        // The browser's own words about a program that did not come say nothing to a person.
        let line = if leptos::prelude::window().navigator().on_line() {
            Line::new("personalise.failed").with("reason", message)
        } else {
            Line::new("personalise.offline")
        };
        self.end(line);
    }

    fn end(self, line: Line) {
        self.update(|inner| {
            inner.client = None;
            inner.generation += 1;
            inner.under_way = None;
        });
        self.stage.set(Stage::Failed(line));
    }

    /// Takes the worker for dead if it says nothing more for [`PATIENCE`], though it was asked something.
    fn watch(self) {
        let state = move || {
            self.inner
                .try_with_value(|inner| (inner.generation, inner.heard))
        };
        let before = state();
        set_timeout(
            move || {
                let asked = self.stage.try_get_untracked().is_some_and(|stage| {
                    matches!(stage, Stage::Starting | Stage::Tuning)
                        || self.inner.try_with_value(|inner| inner.under_way.is_some())
                            == Some(true)
                });
                if asked && state() == before {
                    self.broke(Line::new("engine.silent"));
                }
            },
            PATIENCE,
        );
    }
}

/// A file's name without its folders, set apart from a sentence that runs the other way.
fn short(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    format!("\u{2068}{}\u{2069}", words::short_name(name))
}
