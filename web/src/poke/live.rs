//! The answer follows the scan: one picture under way at a time, and after it the newest.

use super::{Poked, editor::Editor};
use crate::state::Desk;
use js_sys::Uint8Array;
use leptos::prelude::*;
use scanlight_engine::protocol::Report;
use std::sync::Arc;
use std::time::Duration;

/// How long changes are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(50);

/// What is on its way to the engine.
#[derive(Debug, Default)]
pub struct Flight {
    /// The request that was sent.
    under_way: Option<u32>,
    /// A timer runs that will send.
    timer: bool,
    /// The scan has changed since it was sent, or could not be sent.
    stale: bool,
}

impl Desk {
    /// A new result: the changes were those of another scan.
    pub fn poke_anew(self) {
        let poke = self.poke;
        poke.editor.set_value(None);
        poke.flight.update_value(|flight| {
            // A timer cannot be taken back; it finds nothing to send.
            flight.under_way = None;
            flight.stale = false;
        });
        poke.answer.set(None);
        poke.failed.set(None);
        poke.cursor.set(None);
        poke.revision.update(|revision| *revision += 1);
    }

    /// The engine was replaced: what was under way never comes.
    pub fn poke_lost(self) {
        self.poke.flight.update_value(|flight| {
            flight.stale |= flight.under_way.take().is_some();
        });
    }

    /// Makes the scan of the last result ready for changes, unless it is.
    pub fn poke_start(self) {
        if self.poke.peek(|_| ()).is_some() {
            return;
        }
        if let Some(outcome) = self.outcome.get_untracked() {
            let editor = Editor::new(outcome.report.picture, &outcome.grey);
            self.poke.editor.set_value(editor);
            self.poke.revision.update(|revision| *revision += 1);
        }
    }

    /// Changes the scan.
    pub fn poke<T>(self, change: impl FnOnce(&mut Editor) -> T) {
        let poke = self.poke;
        poke.editor.update_value(|editor| {
            if let Some(editor) = editor {
                change(editor);
            }
        });
        poke.revision.update(|revision| *revision += 1);
        let wait = poke
            .flight
            .try_update_value(|flight| std::mem::replace(&mut flight.timer, true));
        if wait == Some(false) {
            set_timeout(
                move || {
                    poke.flight.update_value(|flight| flight.timer = false);
                    self.poke_send();
                },
                GATHER,
            );
        }
    }

    /// Sends the scan if nothing is under way; else it goes when that has come.
    fn poke_send(self) {
        let poke = self.poke;
        let Some((size, pixels)) = poke
            .peek(|editor| (!editor.is_untouched()).then(|| (editor.size(), editor.view())))
            .flatten()
        else {
            poke.flight.update_value(|flight| flight.stale = false);
            poke.answer.set(None);
            return;
        };
        poke.flight.update_value(|flight| {
            flight.stale = true;
            if flight.under_way.is_none() {
                flight.under_way = self.ask_about_pixels(size, &pixels);
                flight.stale = flight.under_way.is_none();
            }
        });
    }

    /// Sends what could not be sent before.
    pub fn poke_go_on(self) {
        let waits = self
            .poke
            .flight
            .with_value(|flight| flight.stale && flight.under_way.is_none());
        if waits {
            self.poke_send();
        }
    }

    /// An answer about a changed scan. One that nobody waits for is dropped.
    pub fn poked(self, id: u32, report: Report, buffers: &[Uint8Array]) {
        if !self.landed(id) {
            return;
        }
        let poke = self.poke;
        poke.failed.set(None);
        if poke.peek(Editor::is_untouched) == Some(false) {
            let heat = buffers.iter().map(Uint8Array::to_vec).collect();
            poke.answer.set(Some(Arc::new(Poked { report, heat })));
        }
        self.poke_go_on();
    }

    /// The engine failed at request `id`; whether that was about a changed scan.
    pub fn poke_failed(self, id: u32, message: &str) -> bool {
        let ours = self.landed(id);
        if ours {
            self.poke.failed.set(Some(message.into()));
        }
        ours
    }

    fn landed(self, id: u32) -> bool {
        let landed = self.poke.flight.try_update_value(|flight| {
            let ours = flight.under_way == Some(id);
            if ours {
                flight.under_way = None;
            }
            ours
        });
        landed == Some(true)
    }
}
