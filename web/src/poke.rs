//! *Poke the model*: the scan under a brush, moved, turned and mirrored, with the answer following.
//!
//! The page changes the picture it shows, in 8 bits, and has the engine classify its pixels; the file is not
//! decoded again. At most one picture is under way: when its answer comes, the newest state goes next.

mod brush;
mod controls;
mod editor;
mod history;
mod live;
mod pose;
mod stage;
mod table;

pub use controls::Bench;

use brush::Brush;
use editor::Editor;
use leptos::prelude::*;
use live::Flight;
use scanlight_engine::protocol::Report;
use std::sync::Arc;

/// What a press on the scan does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Paints.
    Brush(Brush),
    /// Moves the scan.
    Move,
}

impl Tool {
    /// All tools.
    const ALL: [Self; 4] = [
        Self::Brush(Brush::Erase),
        Self::Brush(Brush::Blur),
        Self::Brush(Brush::Brighten),
        Self::Move,
    ];
}

/// The answer to the changed scan.
#[derive(Debug, PartialEq)]
pub struct Poked {
    /// The numbers.
    pub report: Report,
    /// One heat map for each class.
    pub heat: Vec<Vec<u8>>,
}

/// The scan as the visitor changes it. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Poke {
    /// A visitor looks at it.
    pub open: RwSignal<bool>,
    /// The tool in hand.
    pub tool: RwSignal<Tool>,
    /// The brush's diameter, in per cent of the picture's longer side.
    pub size: RwSignal<u32>,
    /// Where the brush hovers, in fractions of the picture; nothing while it does not.
    pub cursor: RwSignal<Option<[f32; 2]>>,
    /// Counts changes: who draws the picture follows it.
    pub revision: RwSignal<u32>,
    /// The last answer; nothing while the scan is as it was.
    pub answer: RwSignal<Option<Arc<Poked>>>,
    /// Why there is no answer.
    pub failed: RwSignal<Option<String>>,
    editor: StoredValue<Option<Editor>>,
    flight: StoredValue<Flight>,
}

impl Poke {
    /// Of no scan. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            open: RwSignal::new(false),
            tool: RwSignal::new(Tool::Brush(Brush::Erase)),
            size: RwSignal::new(16),
            cursor: RwSignal::new(None),
            revision: RwSignal::new(0),
            answer: RwSignal::new(None),
            failed: RwSignal::new(None),
            editor: StoredValue::new(None),
            flight: StoredValue::new(Flight::default()),
        }
    }

    /// Something of the picture. Follows its changes.
    fn read<T>(self, read: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.revision.track();
        self.editor.with_value(|editor| editor.as_ref().map(read))
    }

    /// Something of the picture, without following it.
    fn peek<T>(self, read: impl FnOnce(&Editor) -> T) -> Option<T> {
        self.editor.with_value(|editor| editor.as_ref().map(read))
    }
}
