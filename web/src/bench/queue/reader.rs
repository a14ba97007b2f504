//! The worker that reads volumes and series for a [`Queue`]: the reading room's program, but not its worker, which
//! holds what is looked at there.

use super::Queue;
use crate::engine_client::{Client, Incoming};
use crate::language::Line;
use futures_channel::oneshot::{self, Sender};
use js_sys::Uint8Array;
use leptos::prelude::WithValue;
use scanlight_engine::wire;
use scanlight_reader::protocol::{MODULE, PROTOCOL, Reply, Request, WASM};
use std::collections::BTreeMap;

/// The worker, and who waits for it.
#[derive(Default)]
pub(super) struct Reader {
    client: Option<Client>,
    /// Counts the workers started: what an ended one still says is ignored.
    generation: u32,
    listening: bool,
    /// Who waits until it listens.
    waiting: Vec<Sender<Result<(), Line>>>,
    /// Who waits for an answer, by the request.
    pub(super) asked: BTreeMap<u32, Sender<Result<Heard, Line>>>,
    next_id: u32,
    /// Requests of this worker that the page has been told of.
    counted: u32,
    /// The file that it reads.
    reads: Option<String>,
}

/// An answer with its buffers.
pub(super) type Heard = (Reply, Vec<Uint8Array>);

/// Why something ends before it is done.
pub(super) enum Stop {
    /// Nobody wants it any more.
    Cancelled,
    /// It cannot be done.
    Bad(Line),
}

impl Reader {
    /// Ends the worker; its memory is given back.
    pub(super) fn end(&mut self) {
        self.client = None;
        self.listening = false;
        self.generation += 1;
        self.waiting.clear();
        self.asked.clear();
        self.counted = 0;
        self.reads = None;
    }
}

impl Queue {
    /// Starts the worker, if none runs.
    pub(super) fn prepare_reader(self) {
        let generation = self.update(|inner| {
            let reader = &mut inner.reader;
            reader.client.is_none().then(|| {
                reader.end();
                reader.generation
            })
        });
        let Some(Some(generation)) = generation else {
            return;
        };
        let receive = move |incoming: Incoming<Reply>| {
            let current = self.inner.try_with_value(|inner| inner.reader.generation);
            if current == Some(generation) {
                match incoming {
                    Incoming::Broken(message) => self.reader_broke(&message),
                    Incoming::Reply(reply, buffers) => self.reader_said(reply, buffers),
                }
            }
        };
        match Client::start_program(MODULE, WASM, receive) {
            Ok(client) => {
                self.update(|inner| inner.reader.client = Some(client));
            }
            Err(error) => self.reader_broke(&wire::describe(&error)),
        }
    }

    /// Waits until the worker listens.
    pub(super) async fn reader_is_there(self) -> Result<(), Stop> {
        let (says, hears) = oneshot::channel();
        let there = self.update(|inner| {
            if !inner.reader.listening {
                inner.reader.waiting.push(says);
            }
            (inner.reader.listening, inner.reader.client.is_some())
        });
        match there {
            Some((true, _)) => return Ok(()),
            // What waits is not forgotten by starting.
            Some((false, false)) => {
                let waiting = self.update(|inner| std::mem::take(&mut inner.reader.waiting));
                self.prepare_reader();
                self.update(|inner| inner.reader.waiting.extend(waiting.unwrap_or_default()));
            }
            Some((false, true)) => {}
            None => return Err(Stop::Cancelled),
        }
        match hears.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(line)) => Err(Stop::Bad(line)),
            Err(_) => Err(Stop::Cancelled),
        }
    }

    /// Asks the worker and waits for what it says.
    pub(super) async fn ask_reader(
        self,
        request: impl FnOnce(u32) -> Request,
        buffers: &[Uint8Array],
    ) -> Result<Heard, Stop> {
        self.reader_is_there().await?;
        let (says, hears) = oneshot::channel();
        let sent = self.update(|inner| {
            let reader = &mut inner.reader;
            reader.next_id += 1;
            let id = reader.next_id;
            let sent = match &reader.client {
                Some(client) => client.send(&request(id), buffers),
                None => Err("it has ended".into()),
            };
            if sent.is_ok() {
                reader.asked.insert(id, says);
            }
            sent
        });
        if let Some(Err(message)) = sent {
            let line = Line::new("batch.bad").with("reason", message);
            return Err(Stop::Bad(line));
        }
        match hears.await {
            Ok(heard) => heard.map_err(Stop::Bad),
            Err(_) => Err(Stop::Cancelled),
        }
    }

    fn reader_said(self, reply: Reply, buffers: Vec<Uint8Array>) {
        let id = match &reply {
            Reply::Hello { protocol, .. } if *protocol != PROTOCOL => {
                return self.reader_broke("it belongs to another version of the page");
            }
            Reply::Hello { requests, .. } => {
                self.count_reader(*requests);
                self.update(|inner| {
                    inner.reader.listening = true;
                    for waiting in inner.reader.waiting.drain(..) {
                        // Who waits no longer has gone.
                        let _ = waiting.send(Ok(()));
                    }
                });
                return;
            }
            Reply::Reading { name, .. } => {
                self.update(|inner| inner.reader.reads = Some(name.clone()));
                return;
            }
            Reply::Opened { id, requests, .. } => {
                self.count_reader(*requests);
                self.update(|inner| inner.reader.reads = None);
                *id
            }
            Reply::Slice { id, .. } | Reply::Series { id, .. } | Reply::Failed { id, .. } => *id,
            Reply::LoadFailed { message } | Reply::Panicked { message } => {
                return self.reader_broke(message);
            }
        };
        if let Some(Some(asked)) = self.update(|inner| inner.reader.asked.remove(&id)) {
            // Who waits no longer has gone.
            let _ = asked.send(Ok((reply, buffers)));
        }
    }

    /// The worker ended, on the file that it was at work on if there was one. The next question starts another.
    fn reader_broke(self, message: &str) {
        let reason = message.trim_end_matches('.');
        self.update(|inner| {
            let reader = &mut inner.reader;
            let line = match (reader.reads.take(), reader.listening) {
                (Some(name), _) => Line::new("study.reader_crashed_on").with("name", name),
                (None, true) => Line::new("study.reader_crashed"),
                (None, false) => Line::new("study.reader_failed"),
            };
            let line = line.with("reason", reason);
            let (waiting, asked) = (
                std::mem::take(&mut reader.waiting),
                std::mem::take(&mut reader.asked),
            );
            reader.end();
            // Who waits no longer has gone.
            for waiting in waiting {
                let _ = waiting.send(Err(line.clone()));
            }
            for asked in asked.into_values() {
                let _ = asked.send(Err(line.clone()));
            }
        });
    }

    /// The page's counter has this worker's requests too.
    fn count_reader(self, of_this_worker: u32) {
        self.update(|inner| {
            let more = of_this_worker.saturating_sub(inner.reader.counted);
            inner.reader.counted = of_this_worker.max(inner.reader.counted);
            if more > 0 {
                inner.page.count(more);
            }
        });
    }
}
