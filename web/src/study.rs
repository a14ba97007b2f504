//! What is more than one picture: volumes, series, files with several frames, archives, many files at once.
//!
//! The reader's worker ([`scanlight_reader`]) holds them; the page asks it for one slice at a time, shows that
//! ([`stage`]), and has the engine classify it ([`ask`]). [`survey`] does so with every slice of a plane.

mod ask;
mod controls;
mod open;
mod slice;
mod stage;
mod strip;
mod survey;
mod table;
mod tools;
mod troubles;

pub use controls::StudyControls;
pub use open::MOST_BYTES;
pub use slice::{Slice, Window};
pub use stage::Pane;
pub use strip::Strip;
pub use survey::{Glance, Survey, most_suspicious};
pub use troubles::{List, Troubles};

use crate::engine_client::Client;
use crate::intake::Dropped;
use crate::language::Piece;
use crate::state::{Desk, Opened};
use ask::Wanted;
use leptos::prelude::*;
use scanlight_reader::protocol::{Item, Plane, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A file that is not there, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: Piece,
}

/// Which slice of what was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counts what was opened, so that a place in one thing is none in the next.
    pub study: u32,
    /// Index of the item.
    pub item: usize,
    /// The plane; of no meaning where the item is no volume.
    pub plane: Plane,
    /// Index of the slice, from 0.
    pub index: usize,
}

/// A slice of files that are opened for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Index of the item.
    pub item: usize,
    /// The plane; of no meaning where the item is no volume.
    pub plane: Plane,
    /// Index of the slice, from 0.
    pub index: usize,
}

/// What a pointer does that is dragged over the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tool {
    /// Goes through the slices.
    #[default]
    Browse,
    /// Sets brightness and contrast.
    Window,
    /// Moves the enlarged scan.
    Pan,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Browse, Self::Window, Self::Pan];

    /// One word, for keys of messages and for tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Window => "window",
            Self::Pan => "pan",
        }
    }
}

/// How the scan lies in its pane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zoom {
    /// How many times it is enlarged, 1 to [`Zoom::MOST`].
    pub factor: f64,
    /// How far its centre is moved, in fractions of its own size before it is enlarged.
    pub shift: [f64; 2],
}

impl Default for Zoom {
    fn default() -> Self {
        Self {
            factor: 1.0,
            shift: [0.0; 2],
        }
    }
}

impl Zoom {
    /// The largest factor.
    pub const MOST: f64 = 8.0;

    /// Enlarged by so much more, the point `at` staying where it is: fractions of the pane from its centre.
    pub fn by(self, factor: f64, at: [f64; 2]) -> Self {
        let wanted = (self.factor * factor).clamp(1.0, Self::MOST);
        let share = wanted / self.factor;
        let shift = [0, 1].map(|axis| at[axis] - (at[axis] - self.shift[axis]) * share);
        Self {
            factor: wanted,
            shift,
        }
        .held()
    }

    /// Moved by fractions of the pane.
    pub fn moved(self, by: [f64; 2]) -> Self {
        Self {
            shift: [0, 1].map(|axis| self.shift[axis] + by[axis]),
            ..self
        }
        .held()
    }

    /// No edge comes into the pane.
    fn held(self) -> Self {
        let most = (self.factor - 1.0) / 2.0;
        Self {
            shift: self.shift.map(|shift| shift.clamp(-most, most)),
            ..self
        }
    }

    /// As CSS has it.
    pub fn transform(self) -> String {
        format!(
            "translate({:.3}%, {:.3}%) scale({:.4})",
            self.shift[0] * 100.0,
            self.shift[1] * 100.0,
            self.factor
        )
    }
}

/// What was opened. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Study {
    /// What can be looked at; empty while none of this is used.
    pub items: RwSignal<Vec<Item>>,
    /// Files that could not be read.
    pub failures: RwSignal<Vec<Absent>>,
    /// Files that were passed over.
    pub skipped: RwSignal<Vec<Absent>>,
    /// Files that are being read: how many of how many.
    pub reading: RwSignal<Option<[usize; 2]>>,
    /// The slice that is wanted.
    pub place: RwSignal<Option<Place>>,
    /// The slice that is there.
    pub slice: RwSignal<Option<Arc<Slice>>>,
    /// Which values are black and white.
    pub window: RwSignal<Window>,
    /// How it lies in its pane.
    pub zoom: RwSignal<Zoom>,
    /// What dragging does.
    pub tool: RwSignal<Tool>,
    /// Every slice of a plane.
    pub survey: Survey,
    inner: StoredValue<Inner, LocalStorage>,
}

/// What no view reads.
#[derive(Default)]
struct Inner {
    client: Option<Client>,
    /// Counts the workers started: what an ended one still says is ignored.
    generation: u32,
    listening: bool,
    /// Requests that this worker has made, as far as they are counted.
    requests: u32,
    next_id: u32,
    /// Files that wait for the worker; nothing of them has been read.
    waiting: Option<Vec<Dropped>>,
    /// The same files, those of archives one by one, for a table of them.
    listed: Vec<Dropped>,
    /// The slice that is wanted first of the files that are opened.
    at: Option<At>,
    /// The request to open files that is under way, unless nobody wants it any more.
    opening: Option<u32>,
    /// The worker is at work on files, whether somebody wants them or not: it hears nothing else.
    busy: bool,
    /// The file that it reads, of those that are wanted.
    reads: Option<String>,
    /// The moment at which the files were opened.
    opened: Option<Opened>,
    /// What the requests for slices are for.
    wanted: BTreeMap<u32, Wanted>,
    /// A slice for the screen is under way.
    showing: bool,
    /// Counts what was opened.
    studies: u32,
    /// Counts the slices that came, so that only the last one's timer has the engine classify it.
    shown: u32,
}

impl Study {
    /// Nothing is open. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            items: RwSignal::new(Vec::new()),
            failures: RwSignal::new(Vec::new()),
            skipped: RwSignal::new(Vec::new()),
            reading: RwSignal::new(None),
            place: RwSignal::new(None),
            slice: RwSignal::new(None),
            window: RwSignal::new(Window::File),
            zoom: RwSignal::new(Zoom::default()),
            tool: RwSignal::new(Tool::Browse),
            survey: Survey::new(),
            inner: StoredValue::new_local(Inner::default()),
        }
    }

    /// Whether something is open. Follows it.
    pub fn is_open(self) -> bool {
        self.items.with(|items| !items.is_empty())
    }

    /// The item that is shown, and the place in it. Follows both.
    pub fn here(self) -> Option<(Item, Place)> {
        let place = self.place.get()?;
        let item = self.items.with(|items| items.get(place.item).cloned())?;
        Some((item, place))
    }

    /// How many slices there are where one is. Follows it.
    pub fn count(self) -> usize {
        self.here()
            .map_or(0, |(item, place)| item.shape.slices(place.plane))
    }

    /// Whether it is a volume, which has planes.
    pub fn is_volume(self) -> bool {
        self.here()
            .is_some_and(|(item, _)| matches!(item.shape, Shape::Volume { .. }))
    }

    /// Which slice is there. Follows it.
    pub fn shown(self) -> Option<Place> {
        self.slice.with(|slice| Some(slice.as_ref()?.place))
    }

    /// The files of what is open, those of archives one by one.
    pub fn listed(self) -> Vec<Dropped> {
        self.inner.with_value(|inner| inner.listed.clone())
    }

    fn update<T>(self, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        self.inner.try_update_value(change)
    }
}

impl Desk {
    /// Whether another slice is shown than the one that the last result is about, or the result is about nothing
    /// that is open any more: it is not for what is seen. Follows both.
    pub fn is_ahead(self) -> bool {
        let shown = self.study.shown();
        shown.is_some()
            && self
                .outcome
                .with(|outcome| outcome.as_ref().and_then(|outcome| outcome.place))
                != shown
    }
}

/// Where an item is looked at first: in the middle of the plane that it was acquired in, as the trainer does.
pub fn first_place(study: u32, index: usize, item: &Item) -> Place {
    let plane = match item.shape {
        Shape::Volume { acquired, .. } => acquired,
        Shape::Pictures { .. } => Plane::Axial,
    };
    Place {
        study,
        item: index,
        plane,
        index: item.shape.slices(plane) / 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn zooming_keeps_the_point_and_the_edges() {
        let close = |a: [f64; 2], b: [f64; 2]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        let zoom = Zoom::default().by(2.0, [0.25, -0.5]);
        assert!(close(zoom.shift, [-0.25, 0.5]), "{zoom:?}");
        // The point lies where it lay: shift + factor * (point in the picture).
        assert!(close(
            [zoom.shift[0] + 2.0 * 0.25, zoom.shift[1] - 2.0 * 0.5],
            [0.25, -0.5]
        ));
        assert!(close(zoom.moved([9.0, -9.0]).shift, [0.5, -0.5]));
        assert_eq!(zoom.by(0.01, [0.1, 0.1]), Zoom::default());
        assert_eq!(zoom.by(99.0, [0.0; 2]).factor, Zoom::MOST);
        assert_eq!(Zoom::default().moved([0.3, 0.3]), Zoom::default());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_volume_opens_in_the_middle_of_its_own_plane() {
        let mut item = Item {
            name: "v".into(),
            kind: "NIfTI".into(),
            files: 1,
            time_points: 1,
            shape: Shape::Volume {
                slices: [24, 256, 200],
                thickness: [5.0, 1.0, 1.0],
                acquired: Plane::Sagittal,
                edges: None,
            },
            identifying: Vec::new(),
        };
        let place = first_place(7, 3, &item);
        assert_eq!(
            (place.study, place.item, place.plane, place.index),
            (7, 3, Plane::Sagittal, 100)
        );
        item.shape = Shape::Pictures {
            count: 5,
            edges: None,
        };
        assert_eq!(first_place(7, 0, &item).index, 2);
    }
}
