//! Many files through one engine: read one after another, classified, and forgotten but for their answers.
//!
//! A file of its own is a unit; so are the DICOM files of a series ([`sort`]). What is more than a picture is read by a reader
//! of the queue's own ([`reader`]), one unit at a time, and looked through slice by slice ([`through`]).

mod ask;
mod reader;
mod row;
mod run;
mod sort;
mod through;

use super::given::{Bundle, Given, Page};
use crate::engine_client::Client;
use crate::intake::Dropped;
use crate::language::Line;
use crate::model::Manifest;
use crate::requests;
use crate::study::{Absent, At};
use futures_channel::oneshot::Sender;
use leptos::prelude::*;
pub use row::{Answer, Row, SliceOf, State, Whole};
use scanlight_engine::protocol::EngineKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often views hear of news, so that a fast engine does not keep them drawing.
const NEWS: Duration = Duration::from_millis(150);

/// Files that are read together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    /// Their indices.
    files: Vec<usize>,
    /// Whether the reader reads them.
    study: bool,
}

/// How the work goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The engine is being started.
    Starting,
    /// What belongs together is being found.
    Sorting,
    /// Files are being classified.
    Running,
    /// All files have been.
    Done,
    /// The visitor ended it.
    Cancelled,
    /// The engine cannot be used.
    Failed(Line),
}

impl Status {
    /// One word, for style sheets and tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Sorting => "sorting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
        }
    }
}

/// Files and what became of them. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Queue {
    /// How the work goes.
    pub status: RwSignal<Status>,
    /// Counts the news; views follow it and then look at [`Queue::rows`].
    pub news: RwSignal<u32>,
    /// The engine, for a person.
    pub engine: RwSignal<String>,
    /// How many files have been sorted, of how many.
    pub sorted: RwSignal<[usize; 2]>,
    /// Files that were passed over: copies, indices of others.
    pub skipped: RwSignal<Vec<Absent>>,
    /// The row that was opened last.
    pub opened: RwSignal<Option<usize>>,
    /// What is known of every file. Units are in the order in which they came, and the first rows are theirs; what
    /// else is in them follows. See [`Queue::in_order`].
    pub rows: StoredValue<Vec<Row>>,
    /// The model's manifest.
    pub model: StoredValue<Arc<Manifest>>,
    inner: StoredValue<Inner, LocalStorage>,
}

/// What no view reads.
struct Inner {
    files: Vec<Dropped>,
    units: Vec<Unit>,
    /// Whether the units are known.
    is_sorted: bool,
    reader: reader::Reader,
    /// The unit that is being looked through.
    looks: bool,
    /// Who waits for an engine's answer, by the request.
    asked: BTreeMap<u32, Sender<ask::Heard>>,
    /// Who waits for an engine.
    waiting: Vec<Sender<()>>,
    bundle: Bundle,
    page: Page,
    kind: EngineKind,
    /// Whether answers keep their pictures.
    keeps: bool,
    client: Option<Client>,
    /// Counts the engines started: what an ended one still says is ignored.
    generation: u32,
    loaded: bool,
    /// Requests of this worker that the page has been told of.
    counted: u32,
    next_id: u32,
    /// Index of the next unit.
    next: usize,
    /// Units that have to be done again: an engine broke beside them.
    again: Vec<usize>,
    /// Files that are being read.
    reading: usize,
    /// Nothing is taken up: somebody has cancelled.
    paused: bool,
    /// Counts the cancellations: what was read before one is not used after it.
    turn: u32,
    /// Requests about pictures under way, and their rows.
    under_way: BTreeMap<u32, usize>,
    crashes: u32,
    begun: f64,
    /// A first file has been read.
    touched: bool,
    telling: bool,
}

impl Queue {
    /// Of the files that the page gave, with their true classes where they are known.
    pub fn new(given: Given, labels: Option<Vec<usize>>) -> Self {
        Self::of(given, labels, false, false)
    }

    /// Of the files that the page gave, volumes and series among them.
    pub fn sorting(given: Given) -> Self {
        Self::of(given, None, false, true)
    }

    /// Of the files that the page gave, whose answers keep their pictures.
    pub fn keeping(given: Given) -> Self {
        Self::of(given, None, true, false)
    }

    fn of(given: Given, labels: Option<Vec<usize>>, keeps: bool, sorts: bool) -> Self {
        let label = |index: usize| {
            labels
                .as_ref()
                .and_then(|labels| labels.get(index).copied())
        };
        let all = given.files.len();
        let rows: Vec<Row> = given
            .files
            .iter()
            .enumerate()
            .map(|(index, file)| Row::new(&file.path, index, label(index)))
            .collect();
        let single = |index| Unit {
            files: vec![index],
            study: false,
        };
        let queue = Self {
            status: RwSignal::new(Status::Starting),
            news: RwSignal::new(0),
            engine: RwSignal::new(String::new()),
            sorted: RwSignal::new([0, all]),
            skipped: RwSignal::new(Vec::new()),
            opened: RwSignal::new(None),
            rows: StoredValue::new(if sorts { Vec::new() } else { rows }),
            model: StoredValue::new(Arc::new(given.bundle.facts.clone())),
            inner: StoredValue::new_local(Inner {
                files: given.files,
                units: if sorts {
                    Vec::new()
                } else {
                    (0..all).map(single).collect()
                },
                is_sorted: !sorts,
                reader: reader::Reader::default(),
                looks: false,
                asked: BTreeMap::new(),
                waiting: Vec::new(),
                bundle: given.bundle,
                page: given.page,
                kind: given.kind,
                keeps,
                client: None,
                generation: 0,
                loaded: false,
                counted: 0,
                next_id: 0,
                next: 0,
                again: Vec::new(),
                reading: 0,
                paused: false,
                turn: 0,
                under_way: BTreeMap::new(),
                crashes: 0,
                begun: 0.0,
                touched: false,
                telling: false,
            }),
        };
        queue.start();
        if sorts {
            queue.prepare_reader();
        }
        queue
    }

    /// Reads nothing before [`Queue::release`]. To be called at once: no engine is there yet.
    pub fn hold(self) {
        self.update(|inner| inner.paused = true);
    }

    /// Ends [`Queue::hold`].
    pub fn release(self) {
        if !matches!(self.status.get_untracked(), Status::Starting) {
            return;
        }
        let loaded = self.update(|inner| {
            inner.paused = false;
            inner.begun = requests::now();
            inner.loaded
        });
        if loaded == Some(true) {
            self.status.set(Status::Running);
            self.go_on();
        }
    }

    /// The number of rows. Follows the news.
    pub fn len(self) -> usize {
        self.news.track();
        self.rows.with_value(Vec::len)
    }

    /// The rows in the order in which their files came.
    pub fn in_order(self) -> Vec<Row> {
        self.rows.with_value(|rows| {
            let mut rows = rows.clone();
            // Stable: what is in a unit stays in its order.
            rows.sort_by_key(|row| row.unit);
            rows
        })
    }

    /// How many are done, and how many of them could not be classified. Follows the news.
    pub fn counts(self) -> (usize, usize) {
        self.news.track();
        self.rows.with_value(|rows| {
            let count =
                |wanted: fn(&State) -> bool| rows.iter().filter(|row| wanted(&row.state)).count();
            let bad = count(|state| matches!(state, State::Bad(_)));
            (count(|state| matches!(state, State::Done(_))) + bad, bad)
        })
    }

    /// The time that is left, in milliseconds, once there is something to tell it from. Follows the news.
    pub fn left(self) -> Option<f64> {
        let (done, _) = self.counts();
        let begun = self.inner.try_with_value(|inner| inner.begun)?;
        if done < 3 || *self.status.read() != Status::Running {
            return None;
        }
        let each = (crate::requests::now() - begun) / count(done);
        Some(each * count(self.len() - done))
    }

    /// Opens what a row is about in the reading room.
    pub fn open(self, index: usize) {
        let Some(row) = self.rows.with_value(|rows| rows.get(index).cloned()) else {
            return;
        };
        let slice = match &row.state {
            State::Done(answer) => answer.slice,
            _ => None,
        };
        self.opened.set(Some(index));
        self.inner.with_value(|inner| {
            let Some(unit) = inner.units.get(row.unit) else {
                return;
            };
            let files: Vec<Dropped> = unit
                .files
                .iter()
                .filter_map(|file| inner.files.get(*file).cloned())
                .collect();
            let at = At {
                item: row.item,
                plane: slice.and_then(|slice| slice.plane).unwrap_or_default(),
                index: slice.map_or(0, |slice| slice.index),
            };
            inner.page.open(&files, unit.study.then_some(at));
        });
    }

    /// Goes no further. What has been done stays.
    pub fn cancel(self) {
        // The engine stays: starting it again would fetch its program again, while files are open.
        self.update(|inner| {
            inner.paused = true;
            inner.turn += 1;
            inner.reading = 0;
            inner.under_way.clear();
            inner.end_looking();
        });
        self.put_back();
        self.status.set(Status::Cancelled);
        self.tell();
    }

    /// Goes on where it was cancelled.
    pub fn resume(self) {
        let mut waiting: Vec<usize> = self.rows.with_value(|rows| {
            let waiting = rows
                .iter()
                .filter(|row| matches!(row.state, State::Waiting));
            waiting.map(|row| row.unit).collect()
        });
        waiting.sort_unstable();
        waiting.dedup();
        let there = self.update(|inner| {
            inner.next = inner.units.len();
            inner.again = waiting.into_iter().rev().collect();
            inner.crashes = 0;
            inner.paused = false;
            inner.begun = requests::now();
            inner.loaded
        });
        if there == Some(true) {
            self.status.set(Status::Running);
            self.go_on();
        } else {
            self.start();
        }
    }

    /// What was being looked at waits again.
    fn put_back(self) {
        self.rows.update_value(|rows| {
            for row in rows {
                if matches!(row.state, State::Looking { .. }) {
                    row.state = State::Waiting;
                }
            }
        });
    }

    fn update<T>(self, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        self.inner.try_update_value(change)
    }

    fn settle(self, index: usize, state: State) {
        self.rows.update_value(|rows| {
            if let Some(row) = rows.get_mut(index) {
                row.state = state;
            }
        });
        self.tell();
    }

    /// Tells the views, in a moment.
    fn tell(self) {
        let told = self.update(|inner| std::mem::replace(&mut inner.telling, true));
        if told == Some(false) {
            set_timeout(
                move || {
                    self.update(|inner| inner.telling = false);
                    self.news.try_update(|news| *news = news.wrapping_add(1));
                },
                NEWS,
            );
        }
    }
}

impl Inner {
    /// Who waits for something hears that it does not come.
    fn end_looking(&mut self) {
        self.looks = false;
        self.asked.clear();
        self.waiting.clear();
        self.reader.asked.clear();
    }
}

/// A number of files as a float; they are far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub fn count(number: usize) -> f64 {
    number as f64
}
