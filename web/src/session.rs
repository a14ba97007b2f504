//! The page's state machine: load once, keep an engine alive, send files through it.
//!
//! The weights are fetched once and kept as a JavaScript array; every engine that is started (the first,
//! the CPU after a WebGPU failure, a restarted one after a crash) is given a copy.

mod swap;

use crate::adapter::{self, Adapter};
use crate::engine_client::{Client, Incoming, copy};
use crate::fetch::{self, FetchError};
use crate::intake;
use crate::language::{Line, Piece, known};
use crate::model::{Choice, Index, Manifest};
use crate::offline;
use crate::options::{self, Debug, Options};
use crate::samples;
use crate::state::{Desk, EngineInfo, Name, Opened, Outcome, Phase, Step};
use crate::study::Place;
use futures_channel::oneshot;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::{Complaint, EngineKind, PROTOCOL, Reply, Report, Request, Stage};
use scanlight_engine::wire;
use std::sync::Arc;
use std::time::Duration;
use wasm_bindgen::{JsCast, closure::Closure};

/// An engine that has said nothing for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(120);
/// Crashes in a row after which the same engine is not started again.
const CRASHES: u32 = 3;

/// What is to be classified.
#[derive(Debug, Clone)]
pub enum Content {
    /// A picture file's bytes.
    File(Uint8Array),
    /// A slice's values.
    Values(Values),
}

/// A slice's values, see [`Request::Values`].
#[derive(Debug, Clone)]
pub struct Values {
    /// 32-bit floats in the machine's order, row-major.
    pub values: Uint8Array,
    /// Width and height.
    pub size: [u32; 2],
    /// The values that are shown as black and as white.
    pub range: [f32; 2],
    /// How colourful the picture was; nothing where it had one channel.
    pub colourfulness: Option<f32>,
}

impl Values {
    /// Sends them to an engine.
    fn send(&self, client: &Client, id: u32, glance: bool) -> Result<(), String> {
        client.send(&self.request(id, glance), &[copy(&self.values)])
    }

    /// The request to classify them, or to look at them at a glance.
    pub fn request(&self, id: u32, glance: bool) -> Request {
        Request::Values {
            id,
            size: self.size,
            range: self.range,
            colourfulness: self.colourfulness,
            glance,
        }
    }
}

/// Something to classify.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name for a person.
    pub name: Name,
    /// What it is.
    content: Content,
    /// Which slice of what is open; nothing for a file of its own.
    place: Option<Place>,
    /// When it was first given to an engine, or its file to the reader.
    opened: Option<Opened>,
}

impl Input {
    /// A file that has just come.
    pub fn new(name: Name, bytes: Uint8Array) -> Self {
        Self {
            name,
            content: Content::File(bytes),
            place: None,
            opened: None,
        }
    }

    /// A slice of what is open.
    pub fn of_study(name: Name, content: Content, place: Place, opened: Option<Opened>) -> Self {
        Self {
            name,
            content,
            place: Some(place),
            opened,
        }
    }
}

/// The part of the page's state that no view reads.
#[derive(Default)]
pub struct Session {
    options: Options,
    adapter: Option<Adapter>,
    client: Option<Client>,
    /// Counts the engines started: what an ended one still says is ignored.
    generation: u32,
    /// Counts the bundles handed over: waiting for one is not waiting for the next.
    loads: u32,
    /// The published model that the running engine was given before the page's program was there.
    ahead: Option<String>,
    /// The worker has said hello.
    listening: bool,
    /// The network is loaded and warm.
    loaded: bool,
    /// The scan that the running engine holds: its generation, and the id of the request that brought it.
    held: Option<(u32, u32)>,
    /// The requests for the samples.
    samples: Requests,
    /// Those for the other models' manifests.
    manifests: Requests,
    bundle: Option<BundleBytes>,
    queued: Option<Input>,
    /// The file of the last result, for another model's answer.
    last: Option<Input>,
    swap: swap::Swap,
    running: Option<(u32, Input)>,
    next_id: u32,
    crashes: u32,
    /// Requests of workers that have ended.
    retired_requests: u32,
}

/// How far the requests for something have come that a first answer does not need.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Requests {
    #[default]
    Unsent,
    /// All of them have been sent.
    Sent,
    /// What was asked for is there, or will not come.
    Settled,
}

#[derive(Clone)]
struct BundleBytes {
    manifest: Uint8Array,
    weights: Uint8Array,
}

impl Desk {
    /// Begins to load: engine, model and samples side by side.
    pub fn start(self) {
        let options = options::from_address();
        if let Some(complaint) = &options.complaint {
            self.notice.set(Some(complaint.clone()));
        }
        match options.debug {
            Some(Debug::Panic) => self.expose_hook("__scanlight_debug_panic", Request::Panic),
            Some(Debug::Lose) => self.expose_hook("__scanlight_debug_lose", Request::Lose),
            _ => {}
        }
        self.update(|session| session.options = options);
        let leisure = self.leisure();
        spawn_local(async move {
            let sent = move || {
                self.update(|session| session.samples = Requests::Sent);
                self.settle();
            };
            samples::load(self, sent, leisure).await;
            self.update(|session| session.samples = Requests::Settled);
            self.settle();
        });
        self.load();
    }

    /// Tries again after loading has failed.
    pub fn retry(self) {
        self.alert.set(None);
        self.phase.set(Phase::Loading);
        self.update(|session| session.crashes = 0);
        self.load();
    }

    /// Classifies a file: at once, or as soon as the engine is free. Of several that wait, the last counts.
    pub fn open(self, input: Input) {
        if input.place.is_none() {
            self.alert.set(None);
            // What is still being read would come after it and take its place.
            intake::next_turn();
            self.abandon_files();
            self.close_study();
            self.leave_lesson();
        }
        self.queue(input);
        self.advance();
    }

    /// Shows one line about what went wrong; the last result stays.
    pub fn complain(self, line: Line) {
        self.alert.set(Some(line));
    }

    fn queue(self, input: Input) {
        self.waiting.set(Some(input.name.clone()));
        offline::hold();
        self.update(|session| session.queued = Some(input));
    }

    /// Queues a file again that an engine failed on, unless a newer one waits.
    fn queue_again(self, input: Input) {
        if self.session.with_value(|session| session.queued.is_none()) {
            self.queue(input);
        }
    }

    fn update<T>(self, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.session.try_update_value(change)
    }

    fn load(self) {
        self.step.set(Step::Fetch);
        spawn_local(async move { self.choose_engine().await });
        if self.session.with_value(|session| session.bundle.is_none()) {
            spawn_local(async move {
                match self.fetch_bundle().await {
                    Ok(bundle) => {
                        self.update(|session| session.bundle = Some(bundle));
                        self.hand_over_bundle();
                        // An engine that was given it ahead may be ready.
                        self.settle();
                    }
                    Err(error) => {
                        self.give_up(Line::new("failure.model").with("reason", error.line()));
                    }
                }
            });
        }
    }

    async fn choose_engine(self) {
        let asked = self.session.with_value(|session| session.options.backend);
        let kind = if asked == Some(EngineKind::Cpu) {
            EngineKind::Cpu
        } else {
            let adapter = adapter::probe().await;
            let usable = match (&adapter, asked) {
                (Some(_), Some(_)) => true,
                (Some(adapter), None) => !adapter.software,
                (None, _) => false,
            };
            if asked.is_some() && adapter.is_none() {
                self.notice.set(Some(Line::new("engine.no_adapter")));
            }
            self.update(|session| session.adapter = adapter);
            if usable {
                EngineKind::Webgpu
            } else {
                EngineKind::Cpu
            }
        };
        self.start_engine(kind);
    }

    async fn fetch_bundle(self) -> Result<BundleBytes, FetchError> {
        let file = "models/index.json";
        let index: Index = fetch::json(file, &fetch::bytes(file, |_| {}).await?)?;
        let asked = self
            .session
            .with_value(|session| session.options.model.clone());
        let (id, found) = index.choose(asked.as_deref());
        if !found {
            self.notice.set(Some(Line::new("options.model")));
        }
        let others = index.models.iter().filter(|entry| entry.id != id);
        let others: Vec<_> = others.cloned().collect();
        self.models.set(index.models);
        spawn_local(async move {
            self.fetch_other_manifests(others, move || {
                self.update(|session| session.manifests = Requests::Sent);
                self.settle();
            })
            .await;
            self.update(|session| session.manifests = Requests::Settled);
            self.settle();
        });
        let file = format!("models/{id}/model.json");
        let manifest_bytes = fetch::bytes(&file, |_| {}).await?;
        let manifest: Manifest = fetch::json(&file, &manifest_bytes)?;
        #[allow(clippy::cast_precision_loss)]
        let expected = manifest.weights.size as f64;
        self.fetched.set((0.0, expected));
        let file = manifest.weights_address(&id);
        let weights = fetch::bytes(&file, |count| self.fetched.set((count, expected))).await?;
        let bundle = BundleBytes {
            manifest: manifest_bytes,
            weights,
        };
        self.first_model(&id, &bundle, manifest);
        Ok(bundle)
    }

    /// Ends the engine that runs, if any, and starts one of `kind`.
    fn start_engine(self, kind: EngineKind) {
        self.kind.set(Some(kind));
        self.engine.set(None);
        let workers = self.worker_requests.get_untracked();
        let generation = self
            .update(|session| {
                session.client = None;
                session.ahead = None;
                session.listening = false;
                session.loaded = false;
                session.generation += 1;
                session.retired_requests = workers;
                session.generation
            })
            .unwrap_or_default();
        self.explanations_lost();
        self.poke_lost();
        self.survey_lost();
        let receive = move |incoming| {
            if self.session.with_value(|session| session.generation) == generation {
                self.receive(kind, incoming);
            }
        };
        match Client::start(kind, receive) {
            Ok(mut client) => {
                self.update(|session| {
                    session.ahead = client.take_given();
                    session.client = Some(client);
                });
            }
            Err(error) => self.engine_failed(kind, wire::describe(&error)),
        }
    }

    /// Gives the bundle to the engine once both are there.
    fn hand_over_bundle(self) {
        let settled_on = self.in_use.get_untracked();
        let other = self.session.with_value(|session| {
            let given = session.ahead.clone().map(Choice::Published);
            session.bundle.is_some() && given.is_some() && given != settled_on
        });
        if let (true, Some(kind)) = (other, self.kind.get_untracked()) {
            // It may still be at the one that it was given.
            return self.start_engine(kind);
        }
        let sent = self.update(|session| {
            let (Some(client), Some(bundle), true) =
                (&session.client, session.wanted(), session.listening)
            else {
                return Ok(None);
            };
            // The hook is for the fall-back: the engine that is fallen back to works.
            let fault = match session.options.debug {
                Some(Debug::Fail(fault))
                    if self.kind.get_untracked() == Some(EngineKind::Webgpu) =>
                {
                    Some(fault)
                }
                _ => None,
            };
            if session.ahead.is_none() {
                let copies = [copy(&bundle.manifest), copy(&bundle.weights)];
                client.send(&Request::Load { fault }, &copies)?;
            }
            session.ahead = None;
            session.loads += 1;
            Ok(Some(session.generation))
        });
        match sent {
            Some(Ok(Some(generation))) => self.watch(generation, None),
            Some(Err(message)) => {
                let message: String = message;
                self.give_up(Line::new("engine.unreachable").with("reason", message));
            }
            _ => {}
        }
    }

    fn receive(self, kind: EngineKind, incoming: Incoming) {
        match incoming {
            Incoming::Broken(message) => self.engine_broke(kind, message.into()),
            Incoming::Reply(reply, buffers) => self.reply(kind, reply, buffers),
        }
    }

    fn reply(self, kind: EngineKind, reply: Reply, buffers: Vec<Uint8Array>) {
        match reply {
            Reply::Hello { protocol, .. } if protocol != PROTOCOL => {
                self.give_up(Line::new("engine.version"))
            }
            Reply::Hello { .. } => {
                self.update(|session| session.listening = true);
                self.hand_over_bundle();
            }
            // Of an engine that was given the model ahead, while the page itself still waits for it.
            Reply::Progress { .. }
                if self.session.with_value(|session| session.bundle.is_none()) => {}
            Reply::Progress { stage } => self.step.set(match stage {
                Stage::Weights => Step::Prepare,
                Stage::WarmUp => Step::WarmUp,
            }),
            Reply::Ready {
                detail,
                load_ms,
                warm_up_ms,
                requests,
            } => {
                let label = self.engine_label(kind, &detail);
                self.engine.set(Some(EngineInfo {
                    kind,
                    label,
                    load_ms,
                    warm_up_ms,
                }));
                self.count_worker_requests(requests);
                self.update(|session| session.loaded = true);
                self.taken();
                self.settle();
                self.survey_on();
            }
            Reply::LoadFailed { message } => {
                if self.refused(message.as_str()) {
                    // The engine still has the earlier network.
                    self.update(|session| session.loaded = true);
                    self.settle();
                } else {
                    self.engine_failed(kind, message);
                }
            }
            Reply::Classified { id, report } => {
                if let Some(input) = self.finish(id) {
                    self.update(|session| {
                        session.crashes = 0;
                        session.held = Some((session.generation, id));
                        session.last = Some(input.clone());
                    });
                    self.show_taken();
                    self.show(id, input, report, buffers);
                    self.advance();
                }
            }
            // Only benchmarks ask for it, and `pictures` another worker.
            Reply::Computed { .. } | Reply::Converted { .. } => {}
            Reply::Rejected { id, complaint } => {
                if let Some(input) = self.finish(id) {
                    self.forget_if_taken();
                    self.complain(
                        Line::new("intake.rejected")
                            .with("name", input.name)
                            .with("reason", rejection(&complaint)),
                    );
                    self.advance();
                }
            }
            Reply::Failed { id, message } => {
                if let Some(input) = self.finish(id) {
                    if kind == EngineKind::Webgpu {
                        self.queue_again(input);
                        self.engine_failed(kind, message);
                    } else {
                        self.forget_if_taken();
                        self.complain(
                            Line::new("engine.failed_on")
                                .with("name", input.name)
                                .with("reason", message),
                        );
                        self.advance();
                    }
                } else if !(self.poke_failed(id, &message) || self.survey_failed(id, &message)) {
                    self.explanation_failed(id, message);
                }
            }
            Reply::Glanced {
                id,
                probabilities,
                verdict,
                ..
            } => self.glanced(id, probabilities, verdict),
            Reply::Edited { id, report } => {
                self.count_worker_requests(report.requests);
                self.poked(id, report, &buffers);
            }
            reply @ (Reply::Explained { .. }
            | Reply::Trying { .. }
            | Reply::Stopped { .. }
            | Reply::Layer { .. }
            | Reply::NotHeld { .. }) => self.explained(reply, buffers),
            Reply::Panicked { message } => self.engine_broke(kind, message.into()),
            Reply::Lost { message } => self.device_lost(&message),
        }
    }

    /// A change of model of which the open scan has no answer: none is shown rather than the earlier model's.
    fn forget_if_taken(self) {
        if self.show_taken() {
            self.update(|session| session.last = None);
            self.outcome.set(None);
        }
    }

    fn engine_label(self, kind: EngineKind, detail: &str) -> String {
        let adapter = self
            .session
            .with_value(|session| session.adapter.as_ref().map(|adapter| adapter.name.clone()));
        match (kind, adapter) {
            (EngineKind::Webgpu, Some(adapter)) => format!("{} ({adapter})", kind.title()),
            _ => format!("{} ({detail})", kind.title()),
        }
    }

    /// The page takes files once the network is loaded and all else has been asked for: from then on nothing is sent.
    /// Everything is loaded once all else is there as well.
    fn settle(self) {
        let [sent, settled] = self.session.with_value(|session| {
            [Requests::Sent, Requests::Settled].map(|step| session.loaded && session.all(step))
        });
        if settled {
            self.step.set(Step::Done);
        }
        if sent {
            if self.phase.get_untracked() == Phase::Loading {
                self.phase.set(Phase::Ready);
            }
            self.advance();
        }
    }

    /// Ends when the page has drawn what a first answer does not need. Call within a reactive owner.
    fn leisure(self) -> impl Future {
        let (ended, leisure) = oneshot::channel();
        let mut ended = Some(ended);
        Effect::new(move |_| {
            if self.furnished.get()
                && let Some(ended) = ended.take()
            {
                // Nobody waits any more where this fails.
                let _ = ended.send(());
            }
        });
        leisure
    }

    /// Sends the waiting file to the engine if that is free.
    fn advance(self) {
        let now = self.opened_now();
        let sent = self.update(|session| {
            if !(session.loaded && session.all(Requests::Sent)) || session.running.is_some() {
                return Ok(None);
            }
            let (Some(client), Some(mut input)) = (&session.client, session.queued.take()) else {
                return Ok(None);
            };
            // A file that comes here again, after an engine failed on it, was opened before.
            let opened = *input.opened.get_or_insert(now);
            session.next_id += 1;
            let id = session.next_id;
            match &input.content {
                Content::File(bytes) => client.send(&Request::Classify { id }, &[copy(bytes)])?,
                Content::Values(values) => values.send(client, id, false)?,
            }
            let name = input.name.clone();
            session.running = Some((id, input));
            Ok(Some((id, session.generation, name, opened)))
        });
        match sent {
            Some(Ok(Some((id, generation, name, opened)))) => {
                self.opened.set(Some(opened));
                self.waiting.set(None);
                self.phase.set(Phase::Working(name));
                self.watch(generation, Some(id));
            }
            Some(Err(message)) => {
                let message: String = message;
                self.complain(Line::new("engine.unreachable").with("reason", message));
            }
            _ => {}
        }
    }

    /// Asks the engine about the last result's scan: `request` gets its own id and the scan's. An engine that
    /// has been started since then is given the picture first. `None` where none runs.
    pub fn ask(self, request: impl FnOnce(u32, u32) -> Request) -> Option<u32> {
        let outcome = self.outcome.get_untracked()?;
        self.update(|session| {
            if session.swap.between() {
                return None;
            }
            let client = session.client.as_ref().filter(|_| session.loaded)?;
            let held = Some((session.generation, outcome.id));
            if session.held != held {
                let hold = Request::Edit {
                    id: outcome.id,
                    size: outcome.report.picture,
                    hold: true,
                };
                let picture = Uint8Array::from(outcome.grey.as_slice());
                client.send(&hold, &[picture]).ok()?;
                session.held = held;
            }
            session.next_id += 1;
            let request = request(session.next_id, outcome.id);
            client.send(&request, &[]).ok()?;
            Some(session.next_id)
        })?
    }

    /// Has the engine classify a picture of the page's. `None` where none runs.
    pub fn ask_about_pixels(self, size: [u32; 2], pixels: &[u8]) -> Option<u32> {
        self.update(|session| {
            let client = session.client.as_ref().filter(|_| session.loaded)?;
            session.next_id += 1;
            let id = session.next_id;
            let request = Request::Edit {
                id,
                size,
                hold: false,
            };
            client.send(&request, &[Uint8Array::from(pixels)]).ok()?;
            Some(id)
        })?
    }

    /// Has the engine look at a slice at a glance. `None` where none runs.
    pub fn glance_at(self, values: &Values) -> Option<u32> {
        self.update(|session| {
            let client = session.client.as_ref().filter(|_| session.loaded)?;
            session.next_id += 1;
            let id = session.next_id;
            values.send(client, id, true).ok()?;
            Some(id)
        })?
    }

    /// The scan of the last result, as an engine is asked about it, and its bytes.
    pub fn last_scan(self) -> Option<(Request, Uint8Array)> {
        self.session.with_value(|session| {
            let last = session.last.as_ref()?;
            Some(match &last.content {
                Content::File(bytes) => (Request::Classify { id: 1 }, copy(bytes)),
                Content::Values(values) => (values.request(1, false), copy(&values.values)),
            })
        })
    }

    /// A worker beside the engine, the reader's or the workbench's, has made so many more requests: they count as
    /// well.
    pub fn count_others_requests(self, more: u32) {
        self.update(|session| session.retired_requests += more);
        self.worker_requests.update(|requests| *requests += more);
    }

    /// The manifest and the weights in use, as they were fetched.
    pub fn bundle_bytes(self) -> Option<[Uint8Array; 2]> {
        self.session.with_value(|session| {
            let bundle = session.bundle.as_ref()?;
            Some([bundle.manifest.clone(), bundle.weights.clone()])
        })
    }

    /// Tells the engine something that has no answer of its own.
    pub fn tell(self, request: &Request) {
        self.update(|session| {
            if let Some(client) = &session.client {
                // An engine that cannot be told anything is replaced by who waits for it.
                let _ = client.send(request, &[]);
            }
        });
    }

    /// The file of request `id` is done with, however it ended.
    fn finish(self, id: u32) -> Option<Input> {
        let input = self.update(|session| match session.running.take() {
            Some((running, input)) if running == id => Some(input),
            other => {
                session.running = other;
                None
            }
        })?;
        if input.is_some() {
            // An answer of the earlier model's may come while the engine is being given another.
            let loaded = self.session.with_value(|session| session.loaded);
            self.phase
                .set(if loaded { Phase::Ready } else { Phase::Loading });
        }
        input
    }

    fn show(self, id: u32, input: Input, report: Report, buffers: Vec<Uint8Array>) {
        let mut buffers = buffers.into_iter().map(|buffer| buffer.to_vec());
        let (Some(grey), Some(colour_maps)) = (buffers.next(), buffers.next()) else {
            return self.complain(Line::new("engine.incomplete"));
        };
        self.count_worker_requests(report.requests);
        if input.place.is_none() {
            self.alert.set(None);
        }
        self.chosen.set(report.predicted);
        self.anyway.set(false);
        let heat: Vec<Vec<u8>> = buffers.collect();
        self.explain_anew(&report, &heat);
        self.outcome.set(Some(Arc::new(Outcome {
            id,
            name: input.name,
            place: input.place,
            classes: self
                .model
                .with_untracked(|model| model.as_ref().map(|model| model.classes.clone()))
                .unwrap_or_default(),
            engine: self
                .engine
                .with_untracked(|engine| engine.as_ref().map(|engine| engine.label.clone()))
                .unwrap_or_default(),
            report,
            grey,
            colour_maps,
        })));
        self.poke_anew();
    }

    fn count_worker_requests(self, of_this_worker: u32) {
        let retired = self.session.with_value(|session| session.retired_requests);
        self.worker_requests.set(retired + of_this_worker);
    }

    /// The engine crashed. While loading that is a failure; later it is started anew.
    fn engine_broke(self, kind: EngineKind, message: Piece) {
        let (loaded, crashes, running) = self
            .update(|session| {
                session.crashes += 1;
                (session.loaded, session.crashes, session.running.take())
            })
            .unwrap_or_default();
        if self.refused(message.clone()) {
            // A bundle that an engine broke on: the earlier one goes to a new engine.
            if let Some((_, input)) = running {
                self.queue_again(input);
            }
            self.phase.set(Phase::Loading);
            return self.start_engine(kind);
        }
        if !loaded || crashes >= CRASHES {
            if let Some((_, input)) = running {
                self.queue_again(input);
            }
            return self.engine_failed(kind, message);
        }
        self.complain(match running {
            Some((_, input)) => Line::new("engine.crashed_on")
                .with("name", input.name)
                .with("reason", message),
            None => Line::new("engine.crashed").with("reason", message),
        });
        self.phase.set(Phase::Loading);
        self.step.set(Step::Fetch);
        self.start_engine(kind);
    }

    /// The engine is of no use: from WebGPU to the CPU, from the CPU to an apology.
    fn engine_failed(self, kind: EngineKind, message: impl Into<Piece>) {
        if kind == EngineKind::Webgpu {
            self.fall_back(Line::new("engine.webgpu_failed").with("reason", message));
        } else {
            self.give_up(Line::new("engine.no_start").with("reason", message));
        }
    }

    /// The GPU is gone: a driver was restarted, a machine slept, a browser took it back. The file that it
    /// was at work on goes to the CPU.
    fn device_lost(self, message: &str) {
        if let Some(Some((_, input))) = self.update(|session| session.running.take()) {
            self.queue_again(input);
        }
        self.fall_back(match message {
            "" => Line::new("engine.lost"),
            reason => Line::new("engine.lost_because").with("reason", reason),
        });
    }

    fn fall_back(self, notice: Line) {
        self.notice.set(Some(notice));
        self.phase.set(Phase::Loading);
        self.step.set(Step::Fetch);
        self.update(|session| session.crashes = 0);
        self.start_engine(EngineKind::Cpu);
    }

    fn give_up(self, line: Line) {
        self.update(|session| {
            session.client = None;
            session.generation += 1;
            session.loaded = false;
            session.listening = false;
            session.running = None;
            session.swap.end();
        });
        self.changing.set(None);
        self.phase.set(Phase::Failed(line));
    }

    /// Takes the engine for dead if loading (`None`) or request `id` isn't over after [`PATIENCE`].
    fn watch(self, generation: u32, id: Option<u32>) {
        let loads = self.session.with_value(|session| session.loads);
        set_timeout(
            move || {
                let stuck = self.session.with_value(|session| {
                    session.generation == generation
                        && match id {
                            None => !session.loaded && session.loads == loads,
                            Some(id) => session
                                .running
                                .as_ref()
                                .is_some_and(|(running, _)| *running == id),
                        }
                });
                if let (true, Some(kind)) = (stuck, self.kind.get_untracked()) {
                    self.engine_broke(kind, Line::new("engine.silent").into());
                }
            },
            PATIENCE,
        );
    }

    /// For the page's tests: a function of the window that sends `request` to the worker.
    fn expose_hook(self, name: &str, request: Request) {
        let hook = Closure::<dyn FnMut()>::new(move || {
            self.update(|session| {
                if let Some(client) = &session.client {
                    // A test that calls this sees for itself what the worker does.
                    let _ = client.send(&request, &[]);
                }
            });
        });
        let _ = js_sys::Reflect::set(
            &js_sys::global(),
            &name.into(),
            hook.as_ref().unchecked_ref(),
        );
        hook.forget();
    }
}

impl Session {
    /// The model is there, and the requests for all else have come so far.
    fn all(&self, requests: Requests) -> bool {
        self.bundle.is_some() && self.samples.min(self.manifests) >= requests
    }
}

/// Why a file was rejected: in the page's words where it has some for the complaint, else in the worker's.
pub fn rejection(complaint: &Complaint) -> Piece {
    let key = format!("reject.{}", complaint.code);
    if known(&key, &[]).is_none() {
        return complaint.message.as_str().into();
    }
    let line = complaint
        .values
        .iter()
        .fold(Line::new(&key), |line, (name, value)| {
            line.with(name.clone(), value.as_str())
        });
    line.into()
}
