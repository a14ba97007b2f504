//! One engine, which is given one model after the other and asked about the same scan.

use crate::bench::given::{Given, Page};
use crate::engine_client::{Client, Incoming, copy};
use crate::finding::Finding;
use crate::language::{Line, Piece};
use crate::model::Manifest;
use crate::session::rejection;
use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use scanlight_engine::protocol::{EngineKind, Method, PROTOCOL, Reply, Report, Request};
use scanlight_engine::wire;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// An engine that has said nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The model of this index is at work.
    Working(usize),
    /// Both answers are there.
    Done,
    /// There will be no more answers.
    Failed(Line),
}

impl Stage {
    /// One word, for style sheets and tests.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Working(_) => "working",
            Self::Done => "done",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it has ended without both answers.
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// A model's answer with its pictures.
#[derive(Debug, PartialEq)]
pub struct Side {
    /// The answer, about its most probable class.
    pub finding: Finding,
    /// The scan, 8-bit grey.
    pub grey: Vec<u8>,
    /// 256 RGB triples for each of the colour maps.
    pub colour_maps: Vec<u8>,
    /// One map per class, 8 bits.
    pub heat: Vec<Vec<u8>>,
}

/// Two models on one scan. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Duel {
    /// How far it has come.
    pub stage: RwSignal<Stage>,
    /// Both answers.
    pub sides: [RwSignal<Option<Arc<Side>>>; 2],
    /// Both manifests.
    pub models: StoredValue<[Arc<Manifest>; 2]>,
    /// What the scan is called.
    pub name: StoredValue<String>,
    inner: StoredValue<Inner, LocalStorage>,
}

/// What no view reads.
struct Inner {
    kind: EngineKind,
    client: Option<Client>,
    /// Counts the engines started: what an ended one still says is ignored.
    generation: u32,
    /// Manifest and weights of both models.
    bundles: [[Uint8Array; 2]; 2],
    request: Request,
    scan: Uint8Array,
    page: Page,
    /// Requests of this worker that the page has been told of.
    counted: u32,
    engine: String,
}

impl Duel {
    /// Of what the page gave; nothing where something is missing or unreadable.
    pub fn new(given: Given) -> Option<Self> {
        let second: Array = given.more("second")?.dyn_into().ok()?;
        let bytes = |index| second.get(index).dyn_into::<Uint8Array>().ok();
        let second = [bytes(0)?, bytes(1)?];
        let facts = String::from_utf8(second[0].to_vec()).ok()?;
        let facts: Manifest = serde_json::from_str(&facts).ok()?;
        let inner = Inner {
            request: given.read_more("request")?,
            scan: given.more("scan")?.dyn_into().ok()?,
            kind: given.kind,
            client: None,
            generation: 0,
            bundles: [
                [given.bundle.manifest.clone(), given.bundle.weights.clone()],
                second,
            ],
            page: given.page.clone(),
            counted: 0,
            engine: String::new(),
        };
        let name = given.more("name").and_then(|name| name.as_string());
        let duel = Self {
            stage: RwSignal::new(Stage::Working(0)),
            sides: [RwSignal::new(None), RwSignal::new(None)],
            models: StoredValue::new([Arc::new(given.bundle.facts), Arc::new(facts)]),
            name: StoredValue::new(name.unwrap_or_default()),
            inner: StoredValue::new_local(inner),
        };
        duel.start();
        Some(duel)
    }

    /// A model's name for a person.
    pub fn title(self, index: usize) -> String {
        self.models.with_value(|models| models[index].title.clone())
    }

    /// Both answers, once they are there.
    pub fn both(self) -> Option<[Arc<Side>; 2]> {
        Some([self.sides[0].get()?, self.sides[1].get()?])
    }

    fn update<T>(self, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        self.inner.try_update_value(change)
    }

    /// The index of the model whose answer is missing.
    fn turn(self) -> Option<usize> {
        self.sides
            .iter()
            .position(|side| side.with_untracked(Option::is_none))
    }

    fn start(self) {
        let started = self.update(|inner| {
            inner.client = None;
            inner.counted = 0;
            inner.generation += 1;
            (inner.kind, inner.generation)
        });
        let Some((kind, generation)) = started else {
            return;
        };
        let receive = move |incoming| {
            let current = self.inner.try_with_value(|inner| inner.generation);
            if current == Some(generation) {
                self.receive(kind, incoming);
            }
        };
        match Client::start(kind, receive) {
            Ok(client) => {
                self.update(|inner| inner.client = Some(client));
                self.watch(generation);
            }
            Err(error) => self.failed(wire::describe(&error)),
        }
    }

    fn receive(self, kind: EngineKind, incoming: Incoming) {
        let (reply, buffers) = match incoming {
            Incoming::Reply(reply, buffers) => (reply, buffers),
            Incoming::Broken(message) => return self.failed(message),
        };
        match reply {
            Reply::Hello { protocol, .. } if protocol != PROTOCOL => {
                self.end(Stage::Failed(Line::new("engine.version")));
            }
            Reply::Hello { .. } => self.load(),
            Reply::Ready {
                detail, requests, ..
            } => {
                self.count(requests);
                self.update(|inner| inner.engine = format!("{} ({detail})", kind.title()));
                self.ask();
            }
            Reply::Classified { report, .. } => {
                self.count(report.requests);
                self.answered(report, buffers);
            }
            Reply::Rejected { complaint, .. } => self.end(Stage::Failed(
                Line::new("batch.bad").with("reason", rejection(&complaint)),
            )),
            Reply::LoadFailed { message }
            | Reply::Failed { message, .. }
            | Reply::Panicked { message }
            | Reply::Lost { message } => self.failed(message),
            // Nothing else is asked for.
            _ => {}
        }
    }

    /// Gives the engine the model whose turn it is.
    fn load(self) {
        let Some(turn) = self.turn() else {
            return self.end(Stage::Done);
        };
        self.stage.set(Stage::Working(turn));
        self.send(&Request::Load { fault: None }, |inner| {
            inner.bundles[turn].iter().map(copy).collect()
        });
    }

    fn ask(self) {
        if let Some(request) = self.inner.try_with_value(|inner| inner.request.clone()) {
            self.send(&request, |inner| vec![copy(&inner.scan)]);
        }
    }

    fn send(self, request: &Request, buffers: impl FnOnce(&Inner) -> Vec<Uint8Array>) {
        let sent = self.inner.try_with_value(|inner| {
            let client = inner.client.as_ref().ok_or("it has ended")?;
            client.send(request, &buffers(inner))
        });
        if let Some(Err(message)) = sent {
            self.failed(message);
        }
    }

    fn answered(self, report: Report, buffers: Vec<Uint8Array>) {
        let Some(turn) = self.turn() else { return };
        let classes = self
            .models
            .with_value(|models| models[turn].classes.clone());
        let engine = self.inner.with_value(|inner| inner.engine.clone());
        let mut buffers = buffers.into_iter().map(|buffer| buffer.to_vec());
        let side = Side {
            grey: buffers.next().unwrap_or_default(),
            colour_maps: buffers.next().unwrap_or_default(),
            heat: buffers.collect(),
            finding: Finding {
                name: self.name.get_value(),
                classes,
                engine,
                method: Method::GradCam,
                chosen: report.predicted,
                evidence: report.evidence.clone(),
                strengths: Vec::new(),
                opacity: 100,
                anyway: true,
                second: None,
                report,
            },
        };
        self.sides[turn].set(Some(Arc::new(side)));
        self.load();
    }

    /// The engine is of no use: from WebGPU to the CPU, from the CPU to an end.
    fn failed(self, message: impl Into<Piece>) {
        let kind = self.inner.try_with_value(|inner| inner.kind);
        if kind == Some(EngineKind::Webgpu) {
            self.update(|inner| inner.kind = EngineKind::Cpu);
            return self.start();
        }
        let title = self.turn().map(|turn| self.title(turn)).unwrap_or_default();
        self.end(Stage::Failed(
            Line::new("compare.broken")
                .with("title", title)
                .with("reason", message),
        ));
    }

    /// Its memory is not needed any more.
    fn end(self, stage: Stage) {
        self.update(|inner| {
            inner.client = None;
            inner.generation += 1;
        });
        self.stage.set(stage);
    }

    /// The page's counter has this worker's requests too.
    fn count(self, of_this_worker: u32) {
        self.update(|inner| {
            let more = of_this_worker.saturating_sub(inner.counted);
            inner.counted = of_this_worker.max(inner.counted);
            if more > 0 {
                inner.page.count(more);
            }
        });
    }

    fn watch(self, generation: u32) {
        set_timeout(
            move || {
                let current = self.inner.try_with_value(|inner| inner.generation);
                if current == Some(generation) {
                    self.failed(Line::new("engine.silent"));
                }
            },
            PATIENCE,
        );
    }
}
