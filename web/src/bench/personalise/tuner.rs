//! The scans, the tuner's worker, and where training stands.

mod evenly;
mod run;

use crate::bench::given::{Bundle, Page};
use crate::bench::thumbnail::Thumbnail;
use crate::engine_client::Client;
use crate::intake::Dropped;
use crate::language::Line;
use crate::model::Manifest;
use evenly::evenly;
use js_sys::{Date, Uint8Array};
use leptos::prelude::*;
use scanlight_tuner::protocol::{LEAST, Report, Request};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most scans. Each takes the network several passes, and a few are what this is for.
pub const MOST: usize = 400;

/// A scan that is learned from, or waits to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// What the worker knows it by.
    pub id: u32,
    /// Its path below what was brought.
    pub path: String,
    /// Index of its class.
    pub class: usize,
    /// What came of the look at it.
    pub seen: Option<Arc<Seen>>,
}

/// A scan that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// It, small.
    pub thumbnail: Thumbnail,
    /// What the model says as it is: the index of the most probable class.
    pub predicted: usize,
}

/// Where the tuner stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Its program is on its way.
    Starting,
    /// It takes scans.
    Ready,
    /// It trains.
    Tuning,
    /// It cannot be used.
    Failed(Line),
}

impl Stage {
    /// One word, for style sheets and tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Tuning => "tuning",
            Self::Failed(_) => "failed",
        }
    }
}

/// A point of the loss curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Steps made.
    pub step: usize,
    /// On what is learned from.
    pub loss: f64,
    /// On what is held out.
    pub held_out: f64,
}

/// The tuner. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Tuner {
    /// Where it stands.
    pub stage: RwSignal<Stage>,
    /// The scans.
    pub scans: RwSignal<Vec<Scan>>,
    /// A line for each file that was left out, and for other things that happened to files.
    pub left_out: RwSignal<Vec<Line>>,
    /// The loss so far.
    pub curve: RwSignal<Vec<Point>>,
    /// Steps at most.
    pub most: RwSignal<usize>,
    /// What came of training.
    pub report: RwSignal<Option<Report>>,
    /// The model to begin with.
    pub model: StoredValue<Arc<Manifest>>,
    inner: StoredValue<Inner, LocalStorage>,
}

/// What no view reads.
struct Inner {
    bundle: Bundle,
    page: Page,
    client: Option<Client>,
    /// Counts the workers started: what an ended one still says is ignored.
    generation: u32,
    /// Requests of this worker that the page has been told of.
    counted: u32,
    /// Messages of this worker: one that says nothing more is dead.
    heard: u32,
    crashes: u32,
    next_id: u32,
    /// Every scan's file: a worker that has broken down must be shown them again.
    files: Vec<(u32, Dropped)>,
    /// Scans to be looked at.
    waiting: VecDeque<u32>,
    /// The one that is being looked at.
    under_way: Option<u32>,
    /// Files in which there was no scan.
    unreadable: u32,
    /// A first file has been read.
    touched: bool,
    /// See [`Tuner::has_come_back`].
    back: bool,
    /// The new bundle's manifest, weights and archive.
    result: Option<[Uint8Array; 3]>,
}

impl Tuner {
    /// Begins to fetch the worker. Nothing of a file is read before it is there.
    pub fn new(bundle: Bundle, page: Page) -> Self {
        let tuner = Self {
            stage: RwSignal::new(Stage::Starting),
            scans: RwSignal::new(Vec::new()),
            left_out: RwSignal::new(Vec::new()),
            curve: RwSignal::new(Vec::new()),
            most: RwSignal::new(1),
            report: RwSignal::new(None),
            model: StoredValue::new(Arc::new(bundle.facts.clone())),
            inner: StoredValue::new_local(Inner {
                bundle,
                page,
                client: None,
                generation: 0,
                counted: 0,
                heard: 0,
                crashes: 0,
                next_id: 0,
                files: Vec::new(),
                waiting: VecDeque::new(),
                under_way: None,
                unreadable: 0,
                touched: false,
                back: false,
                result: None,
            }),
        };
        tuner.start();
        tuner
    }

    fn update<T>(self, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        self.inner.try_update_value(change)
    }

    /// Tries again after the worker could not be used.
    pub fn start_again(self) {
        self.update(|inner| inner.crashes = 0);
        self.start();
    }

    /// Takes scans with their classes. Those beyond [`MOST`] are left out.
    pub fn add(self, files: Vec<(usize, Dropped)>) {
        if files.is_empty() {
            return;
        }
        self.forget_result();
        let there = self.scans.with_untracked(Vec::len);
        let room = MOST.saturating_sub(there);
        let more = files.len().saturating_sub(room);
        let files = evenly(files, room);
        let added = self.update(|inner| {
            let mut added = Vec::with_capacity(files.len());
            for (class, file) in files {
                inner.next_id += 1;
                let id = inner.next_id;
                added.push(Scan {
                    id,
                    path: file.path.clone(),
                    class,
                    seen: None,
                });
                inner.files.push((id, file));
                inner.waiting.push_back(id);
            }
            added
        });
        self.scans
            .update(|scans| scans.extend(added.unwrap_or_default()));
        if more > 0 {
            self.say([Line::new("personalise.too_many")
                .with("n", more)
                .with("most", MOST)]);
        }
        self.go_on();
    }

    /// Takes a scan away.
    pub fn remove(self, id: u32) {
        self.forget_result();
        self.scans
            .update(|scans| scans.retain(|scan| scan.id != id));
        self.update(|inner| {
            inner.files.retain(|(known, _)| *known != id);
            inner.waiting.retain(|known| *known != id);
            if let Some(client) = &inner.client {
                // A worker that cannot be told anything is replaced by who waits for it.
                let _ = client.send(&Request::Remove { id }, &[]);
            }
        });
    }

    /// Says something about files.
    pub fn say(self, lines: impl IntoIterator<Item = Line>) {
        self.left_out.update(|left_out| left_out.extend(lines));
    }

    /// How many scans each class has; those that wait are counted. Follows the scans.
    pub fn counts(self) -> Vec<usize> {
        let classes = self.model.with_value(|model| model.classes.len());
        let mut counts = vec![0; classes];
        self.scans.with(|scans| {
            for scan in scans {
                if let Some(count) = counts.get_mut(scan.class) {
                    *count += 1;
                }
            }
        });
        counts
    }

    /// How many classes have scans enough. Follows the scans.
    pub fn enough(self) -> usize {
        self.counts()
            .iter()
            .filter(|count| **count >= LEAST)
            .count()
    }

    /// How many scans wait to be looked at. Follows the scans.
    pub fn waiting(self) -> usize {
        self.scans
            .with(|scans| scans.iter().filter(|scan| scan.seen.is_none()).count())
    }

    /// Whether training can begin. Follows what it depends on.
    pub fn may_tune(self) -> bool {
        *self.stage.read() == Stage::Ready && self.waiting() == 0 && self.enough() >= LEAST
    }

    /// Begins to train.
    pub fn tune(self) {
        if !untrack(|| self.may_tune()) {
            return;
        }
        self.forget_result();
        let request = Request::Tune {
            created: String::from(Date::new_0().to_iso_string()),
            skipped: self.inner.with_value(|inner| inner.unreadable),
        };
        self.stage.set(Stage::Tuning);
        self.send(&request, &[]);
    }

    /// Ends training.
    pub fn stop(self) {
        self.update(|inner| inner.back = true);
        self.send(&Request::Stop, &[]);
    }

    /// Forgets what came of training.
    fn forget_result(self) {
        self.update(|inner| inner.result = None);
        self.curve.set(Vec::new());
        self.report.set(None);
    }

    /// The new bundle's manifest, weights and archive.
    pub fn result(self) -> Option<[Uint8Array; 3]> {
        self.inner.with_value(|inner| inner.result.clone())
    }

    /// The files were opened before: nothing begins with the first look at one.
    pub fn are_open(self) {
        self.update(|inner| inner.touched = true);
    }

    /// Whether the visitor has come back to the scans, once: the focus is to come along.
    pub fn has_come_back(self) -> bool {
        self.update(|inner| std::mem::take(&mut inner.back)) == Some(true)
    }

    /// Goes back from the numbers to the scans.
    pub fn back(self) {
        self.update(|inner| inner.back = true);
        self.forget_result();
    }

    /// Has the page answer with the new bundle from now on. Says whether it can just now.
    pub fn use_result(self) -> bool {
        self.inner.with_value(|inner| match &inner.result {
            Some([manifest, weights, _]) => inner.page.use_bundle(manifest, weights),
            None => false,
        })
    }
}
