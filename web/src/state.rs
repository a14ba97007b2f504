//! What the page knows, as signals that the views read. [`crate::session`] writes them.

use crate::annex::Stage;
use crate::explain::Explain;
use crate::heat::Look;
use crate::language::{Line, tv};
use crate::model::{Choice, Entry, Manifest, SampleEntry};
use crate::poke::Poke;
use crate::requests;
use crate::samples;
use crate::session::Session;
use crate::study::{Place, Study};
use crate::words;
use crate::workbench::Workbench;
use leptos::html::Dialog;
use leptos::prelude::*;
use scanlight_engine::protocol::{EngineKind, Report};
use scanlight_reader::protocol::Plane;
use std::sync::Arc;

/// What the page is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The model is on its way.
    Loading,
    /// Waiting for a file.
    Ready,
    /// The worker is at work on the file of this name.
    Working(Name),
    /// No engine runs; one line says why.
    Failed(Line),
}

impl Phase {
    /// One word, for style sheets and tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Working(_) => "working",
            Self::Failed(_) => "failed",
        }
    }
}

/// The steps of loading, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Bytes are being fetched: the weights and the engine, side by side.
    Fetch,
    /// The weights are being checked and placed.
    Prepare,
    /// The network runs once on nothing.
    WarmUp,
    /// Nothing is left to do.
    Done,
}

/// The engine that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineInfo {
    /// Which one.
    pub kind: EngineKind,
    /// Its name with the library or the adapter: "CPU (direct, SIMD)".
    pub label: String,
    /// Time to set up and load, in milliseconds.
    pub load_ms: f64,
    /// Time of the warm-up run, in milliseconds.
    pub warm_up_ms: f64,
}

/// What was opened, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A file of the visitor's.
    File(String),
    /// One of the page's samples.
    Sample(SampleEntry),
    /// A slice of a volume or series, or one of several pictures.
    Slice {
        /// The name of what it is in.
        name: String,
        /// The plane, of a volume.
        plane: Option<Plane>,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        count: usize,
    },
}

impl Name {
    /// The same of a file that is called otherwise.
    pub fn called(mut self, other: String) -> Self {
        match &mut self {
            Self::File(name) | Self::Slice { name, .. } => *name = other,
            Self::Sample(_) => {}
        }
        self
    }

    /// Its words. Follows the language.
    pub fn text(&self) -> String {
        match self {
            Self::File(name) => name.clone(),
            Self::Sample(entry) => tv("samples.opened", &[("title", samples::title(entry).into())]),
            Self::Slice {
                name,
                plane,
                number,
                count,
            } => {
                let key = match plane {
                    None => "study.name_picture",
                    Some(Plane::Axial) => "study.name_axial",
                    Some(Plane::Coronal) => "study.name_coronal",
                    Some(Plane::Sagittal) => "study.name_sagittal",
                };
                let values = [
                    ("name", words::short_name(name).into()),
                    ("n", (*number).into()),
                    ("all", (*count).into()),
                ];
                tv(key, &values)
            }
        }
    }

    /// Its words, short enough for one line. A slice's number is never cut off: its file's name is short already.
    pub fn short(&self) -> String {
        match self {
            Self::File(name) => words::short_name(name),
            Self::Sample(_) | Self::Slice { .. } => self.text(),
        }
    }
}

/// A result, with the pictures.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// The request that brought it: what an engine holds the scan under.
    pub id: u32,
    /// What was opened.
    pub name: Name,
    /// Which slice of what is open; nothing for a file of its own.
    pub place: Option<Place>,
    /// Class names.
    pub classes: Vec<String>,
    /// The numbers.
    pub report: Report,
    /// The engine that made it.
    pub engine: String,
    /// The picture, 8-bit grey.
    pub grey: Vec<u8>,
    /// 256 RGB triples for each of [`scanlight_engine::protocol::COLOUR_MAPS`].
    pub colour_maps: Vec<u8>,
}

/// The moment at which a file was given to an engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Opened {
    /// Milliseconds since the page began.
    pub at: f64,
    /// Requests of all workers until then.
    pub worker_requests: u32,
    /// Requests that somebody had asked for until then: a count, as the clock is too coarse to tell the last of them
    /// from what came after.
    pub asked: u32,
}

/// A picture to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it shows.
    pub entry: SampleEntry,
    /// The file, fetched while the page loaded.
    pub bytes: Arc<[u8]>,
    /// A `blob:` address of the same bytes, for the thumbnail.
    pub thumbnail: String,
}

/// Everything the views share. A handle: copies mean the same page.
#[derive(Clone, Copy)]
pub struct Desk {
    /// What the page is doing.
    pub phase: RwSignal<Phase>,
    /// What a first answer does not need is drawn as well, see [`crate::app`].
    pub furnished: RwSignal<bool>,
    /// How far loading has come.
    pub step: RwSignal<Step>,
    /// Bytes of the weights: fetched, expected.
    pub fetched: RwSignal<(f64, f64)>,
    /// The engine being set up or running.
    pub kind: RwSignal<Option<EngineKind>>,
    /// The engine that runs.
    pub engine: RwSignal<Option<EngineInfo>>,
    /// The bundle in use.
    pub model: RwSignal<Option<Manifest>>,
    /// All bundles of the index.
    pub models: RwSignal<Vec<Entry>>,
    /// The models that can be chosen.
    pub cards: RwSignal<Vec<(Choice, Manifest)>>,
    /// The one in use.
    pub in_use: RwSignal<Option<Choice>>,
    /// The one that is on its way.
    pub changing: RwSignal<Option<Choice>>,
    /// How many requests the visitor has asked for.
    pub asked: RwSignal<u32>,
    /// Pictures to try.
    pub samples: RwSignal<Vec<Sample>>,
    /// One line about something the visitor should know, such as a change of engine.
    pub notice: RwSignal<Option<Line>>,
    /// One line about what went wrong last.
    pub alert: RwSignal<Option<Line>>,
    /// The last result.
    pub outcome: RwSignal<Option<Arc<Outcome>>>,
    /// Index of the class whose heat map is shown.
    pub chosen: RwSignal<usize>,
    /// How the heat map is drawn.
    pub look: Look,
    /// Explanations of the last result.
    pub explain: Explain,
    /// The scan as the visitor changes it.
    pub poke: Poke,
    /// The volume, series or list of files that is open.
    pub study: Study,
    /// What was cut off the page's program.
    pub annex: RwSignal<Stage>,
    /// The program for many files, fetched on demand.
    pub workbench: Workbench,
    /// Whether the heat map's description is shown; screen readers have it in any case.
    pub words_shown: RwSignal<bool>,
    /// Whether the numbers are shown although the picture was refused.
    pub anyway: RwSignal<bool>,
    /// The dialog of the model's facts.
    pub facts: NodeRef<Dialog>,
    /// The dialog of the support text.
    pub diagnostics: NodeRef<Dialog>,
    /// How often the support text was asked for.
    pub diagnosed: RwSignal<u32>,
    /// A newer version of the page has been stored and waits to be used.
    pub update_waits: RwSignal<bool>,
    /// Name of the file that waits for the engine.
    pub waiting: RwSignal<Option<Name>>,
    /// A file is being dragged over the page.
    pub dragging: RwSignal<bool>,
    /// When each request of the page began.
    pub page_requests: RwSignal<Vec<f64>>,
    /// Requests of all workers, past and present.
    pub worker_requests: RwSignal<u32>,
    /// The moment at which the current file was given to an engine.
    pub opened: RwSignal<Option<Opened>>,
    /// What the views need not see.
    pub session: StoredValue<Session, LocalStorage>,
}

impl Desk {
    /// An empty page. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            phase: RwSignal::new(Phase::Loading),
            furnished: RwSignal::new(false),
            step: RwSignal::new(Step::Fetch),
            fetched: RwSignal::new((0.0, 0.0)),
            kind: RwSignal::new(None),
            engine: RwSignal::new(None),
            model: RwSignal::new(None),
            models: RwSignal::new(Vec::new()),
            cards: RwSignal::new(Vec::new()),
            in_use: RwSignal::new(None),
            changing: RwSignal::new(None),
            asked: RwSignal::new(0),
            samples: RwSignal::new(Vec::new()),
            notice: RwSignal::new(None),
            alert: RwSignal::new(None),
            outcome: RwSignal::new(None),
            chosen: RwSignal::new(0),
            look: Look::new(),
            explain: Explain::new(),
            poke: Poke::new(),
            study: Study::new(),
            annex: RwSignal::new(Stage::Missing),
            workbench: Workbench::new(),
            words_shown: RwSignal::new(true),
            anyway: RwSignal::new(false),
            facts: NodeRef::new(),
            diagnostics: NodeRef::new(),
            diagnosed: RwSignal::new(0),
            update_waits: RwSignal::new(false),
            waiting: RwSignal::new(None),
            dragging: RwSignal::new(false),
            page_requests: requests::observe(),
            worker_requests: RwSignal::new(0),
            opened: RwSignal::new(None),
            session: StoredValue::new_local(Session::default()),
        }
    }

    /// So many requests that the visitor asked for begin now.
    pub fn ask_for(self, requests: u32) {
        self.asked.update(|asked| *asked += requests);
    }

    /// What is known at the moment at which a file is opened.
    pub fn opened_now(self) -> Opened {
        Opened {
            at: requests::now(),
            worker_requests: self.worker_requests.get_untracked(),
            asked: self.asked.get_untracked(),
        }
    }

    /// Requests that the visitor asked for since the current file was opened.
    pub fn asked_since_open(&self) -> u32 {
        let before = self.opened.get().map_or(0, |opened| opened.asked);
        self.asked.get().saturating_sub(before)
    }

    /// Requests since the current file was opened, by the page and its worker.
    pub fn requests_since_open(&self) -> Option<u32> {
        let opened = self.opened.get()?;
        let of_page = self
            .page_requests
            .with(|starts| starts.iter().filter(|start| **start >= opened.at).count());
        let of_workers = self
            .worker_requests
            .get()
            .saturating_sub(opened.worker_requests);
        Some(
            u32::try_from(of_page)
                .unwrap_or(u32::MAX)
                .saturating_add(of_workers),
        )
    }
}
