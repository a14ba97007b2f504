//! Questions to the engine of a [`Queue`] whose answers somebody waits for.

use super::Queue;
use crate::engine_client::copy;
use crate::language::Piece;
use futures_channel::oneshot;
use js_sys::Uint8Array;
use scanlight_engine::protocol::{EngineKind, Reply, Request};

/// What becomes of a question to the engine.
pub(super) enum Heard {
    /// The answer, with its buffers.
    Answer(Reply, Vec<Uint8Array>),
    /// It broke on it.
    Broke(Piece),
}

impl Queue {
    /// Answers that somebody waits for; the others come back.
    pub(super) fn passed_on(
        self,
        kind: EngineKind,
        reply: Reply,
        buffers: Vec<Uint8Array>,
    ) -> Option<(Reply, Vec<Uint8Array>)> {
        let id = match &reply {
            Reply::Classified { id, .. }
            | Reply::Glanced { id, .. }
            | Reply::Rejected { id, .. } => *id,
            // The CPU is asked again what WebGPU failed at.
            Reply::Failed { id, .. } if kind == EngineKind::Cpu => *id,
            _ => return Some((reply, buffers)),
        };
        let Some(Some(asked)) = self.update(|inner| inner.asked.remove(&id)) else {
            return Some((reply, buffers));
        };
        if let Reply::Classified { report, .. } = &reply {
            self.count(report.requests);
        }
        self.update(|inner| inner.crashes = 0);
        // Who waits no longer has gone.
        let _ = asked.send(Heard::Answer(reply, buffers));
        None
    }

    /// Asks the engine and waits for what it says; nothing where it was replaced meanwhile.
    pub(super) async fn ask(
        self,
        request: impl FnOnce(u32) -> Request,
        bytes: &Uint8Array,
    ) -> Option<Heard> {
        let (says, hears) = oneshot::channel();
        let sent = self.update(|inner| {
            inner.next_id += 1;
            let id = inner.next_id;
            let client = inner.client.as_ref().filter(|_| inner.loaded)?;
            let sent = client.send(&request(id), &[copy(bytes)]);
            if sent.is_ok() {
                inner.asked.insert(id, says);
            }
            Some(sent.map(|()| (id, inner.generation)))
        });
        match sent?? {
            Ok((id, generation)) => self.watch(generation, Some(id)),
            Err(reason) => return Some(Heard::Broke(reason.into())),
        }
        hears.await.ok()
    }

    /// Waits until an engine is there; whether `turn` still counts then.
    pub(super) async fn engine_is_there(self, turn: u32) -> bool {
        loop {
            let (says, hears) = oneshot::channel();
            let state = self.update(|inner| {
                if inner.turn == turn && !inner.loaded {
                    inner.waiting.push(says);
                }
                (inner.turn == turn, inner.loaded)
            });
            match state {
                Some((true, true)) => return true,
                Some((true, false)) => {
                    // Whether it came or not is looked at above.
                    let _ = hears.await;
                }
                _ => return false,
            }
        }
    }
}
