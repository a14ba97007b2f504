//! The loop that every engine's worker runs: messages in, one at a time, answers out. What a scan is held
//! for is in the module `explain`.

use crate::answer;
use crate::explain::{Held, Job};
use crate::picture;
use crate::protocol::{EngineKind, Fault, PROTOCOL, Reply, Report, Request, Stage};
use crate::wire;
use futures_channel::mpsc;
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use js_sys::{Float32Array, Function, Promise, Reflect, Uint8Array};
use scanlight_model::Scan;
use scanlight_model::bundle::{Bundle, BundleError, Manifest};
use scanlight_model::cam::is_cut_out;
use scanlight_model::classify::{Classification, ClassifyError, Look, Pipeline};
use scanlight_model::decode::{DecodeError, decode};
use scanlight_model::preprocess::ModelInput;
use scanlight_model::runner::Runner;
use scanlight_model::scan::ScanError;
use std::panic::PanicHookInfo;
use std::pin::pin;
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// A network loaded on some backend. Implementations are not generic, so that a backend's kernels are
/// compiled once, in its own module.
// Workers have one thread: futures need not be `Send`, and only this crate implements the trait.
#[allow(async_fn_in_trait)]
pub trait Engine: Sized + 'static {
    /// What computes the network.
    type Runner: Runner;
    /// Which engine this is.
    const KIND: EngineKind;
    /// Sets up the device and places the network on it.
    async fn load(bundle: &Bundle) -> Result<Self, EngineError>;
    /// What runs, for a person.
    fn detail(&self) -> String;
    /// Gives the device up, where there is one: for the page's tests.
    fn lose(&self) {}
    /// The network and everything around it.
    fn pipeline(&self) -> &Pipeline<Self::Runner>;
    /// Runs the network once, so that later runs find everything compiled.
    async fn warm_up(&self) -> Result<(), EngineError> {
        Ok(self.pipeline().warm_up().await?)
    }
    /// Classifies a scan.
    async fn classify(&self, scan: &Scan) -> Result<Classification, EngineError> {
        Ok(self.pipeline().classify(scan).await?)
    }
}

/// Why an engine could not load or classify.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The bundle is damaged or does not fit.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The network could not run.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// Pixels that make no picture.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// A message without its buffers.
    #[error("the page sent an incomplete message")]
    Incomplete,
    /// A plane that is not of the network's size.
    #[error("an input plane has {found} values instead of {expected}")]
    Plane {
        /// What came.
        found: usize,
        /// What the network takes.
        expected: usize,
    },
    /// A scan came before the network.
    #[error("the network is not loaded")]
    NotLoaded,
    /// Asked for by a test.
    #[error("simulated failure")]
    Simulated,
}

/// Runs the worker: call this from `main`. Returns at once; the browser keeps the worker alive.
pub fn run<E: Engine>() {
    std::panic::set_hook(Box::new(report_panic));
    let (sender, mut messages) = mpsc::unbounded();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        // The loop below never ends, so the channel is open as long as the worker lives.
        let _ = sender.unbounded_send(event.data());
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    wasm_bindgen_futures::spawn_local(async move {
        post(
            &Reply::Hello {
                protocol: PROTOCOL,
                engine: E::KIND,
            },
            &[],
        );
        let mut session = Session::<E> {
            engine: None,
            plane: [0, 0],
            fault: None,
            unrehearsed: false,
            held: None,
            job: None,
        };
        loop {
            let message = if session.job.is_some() {
                // Between two steps of a long job the browser hands over what the page has sent.
                breathe().await;
                messages.next().now_or_never()
            } else if session.unrehearsed {
                // Not before: on few cores it would hold up the page, which is being drawn.
                match select(messages.next(), pin!(pause(AT_LEISURE))).await {
                    Either::Left((message, _)) => Some(message),
                    Either::Right(_) => {
                        session.rehearse().await;
                        continue;
                    }
                }
            } else {
                Some(messages.next().await)
            };
            match message {
                Some(Some(message)) => session.handle(&message).await,
                Some(None) => break,
                None => session.work().await,
            }
        }
    });
}

/// What a worker knows.
pub(crate) struct Session<E> {
    pub(crate) engine: Option<E>,
    /// Width and height of the network's input.
    plane: [u32; 2],
    fault: Option<Fault>,
    /// The network is loaded, and nobody has asked for anything since.
    unrehearsed: bool,
    /// The scan that can be asked about.
    pub(crate) held: Option<Held>,
    /// The slow explanation that is at work.
    pub(crate) job: Option<Job>,
}

impl<E: Engine> Session<E> {
    async fn handle(&mut self, message: &JsValue) {
        self.unrehearsed = false;
        match wire::unpack::<Request>(message) {
            Ok((Request::Load { fault }, buffers)) => {
                self.fault = fault;
                if let Err(error) = self.load(&buffers).await {
                    post(
                        &Reply::LoadFailed {
                            message: wire::one_line(&error.to_string()),
                        },
                        &[],
                    );
                }
            }
            // The worker of `pictures` does that.
            Ok((Request::Convert { .. }, _)) => {}
            Ok((Request::Classify { id }, buffers)) => self.classify(id, &buffers).await,
            Ok((Request::Compute { id, maps }, buffers)) => {
                let result = self.compute(id, maps, &buffers).await;
                respond(id, result.map(|reply| (reply, Vec::new())));
            }
            Ok((Request::Edit { id, size, hold }, buffers)) => {
                self.edit(id, size, hold, &buffers).await;
            }
            Ok((
                Request::Values {
                    id,
                    size,
                    range,
                    colourfulness,
                    glance,
                },
                buffers,
            )) => {
                let scan = values(size, range, colourfulness, &buffers);
                let result = match scan {
                    Ok(scan) if glance => self.glance(id, &scan).await,
                    Ok(scan) => self.first_look(id, &scan, 0.0).await,
                    Err(error) => Err(error),
                };
                respond(id, result);
            }
            Ok((Request::Explain { id, scan, method }, _)) => self.explain(id, scan, method),
            Ok((Request::Stop { id }, _)) => self.stop(Some(id)),
            Ok((
                Request::Layer {
                    id,
                    scan,
                    layer,
                    most,
                },
                _,
            )) => self.layer(id, scan, layer, most).await,
            // Only the page's tests send this.
            #[allow(clippy::panic)]
            Ok((Request::Panic, _)) => panic!("simulated panic"),
            Ok((Request::Lose, _)) => {
                if let Some(engine) = &self.engine {
                    engine.lose();
                }
            }
            Err(error) => web_sys::console::error_1(&error.to_string().into()),
        }
    }

    async fn load(&mut self, buffers: &[Uint8Array]) -> Result<(), EngineError> {
        let [manifest, weights] = buffers else {
            return Err(EngineError::Incomplete);
        };
        if self.fault == Some(Fault::Load) {
            return Err(EngineError::Simulated);
        }
        self.let_go();
        let start = now();
        post(
            &Reply::Progress {
                stage: Stage::Weights,
            },
            &[],
        );
        let manifest = Manifest::parse(&manifest.to_vec())?;
        let bundle = match sha256(weights).await {
            Some(hash) => Bundle::with_hash(manifest, weights.to_vec(), hash)?,
            None => Bundle::new(manifest, weights.to_vec())?,
        };
        let engine = E::load(&bundle).await?;
        let loaded = now();
        post(
            &Reply::Progress {
                stage: Stage::WarmUp,
            },
            &[],
        );
        engine.warm_up().await?;
        let ready = Reply::Ready {
            detail: engine.detail(),
            load_ms: loaded - start,
            warm_up_ms: now() - loaded,
            requests: wire::requests(),
        };
        self.plane = [bundle.manifest.input.width, bundle.manifest.input.height];
        self.engine = Some(engine);
        // A run on WebGPU is longer than what it would save, and `Engine::warm_up` has compiled the kernels.
        self.unrehearsed = E::KIND == EngineKind::Cpu;
        post(&ready, &[]);
        Ok(())
    }

    /// One answer about a picture that nobody brought. Browsers compile a function when it is called first: the first scan
    /// need not wait for all of them.
    async fn rehearse(&mut self) {
        self.unrehearsed = false;
        if let Ok(scan) = read(REHEARSAL) {
            // What is wrong shows with the first scan.
            let _ = self.look(&scan, 0.0).await;
        }
    }

    async fn classify(&mut self, id: u32, buffers: &[Uint8Array]) {
        let start = now();
        let result = match buffers.first().map(|file| read(&file.to_vec())) {
            None => Err(EngineError::Incomplete),
            Some(Err(error)) => return post(&answer::rejected(id, &error), &[]),
            Some(Ok(scan)) => self.first_look(id, &scan, now() - start).await,
        };
        respond(id, result);
    }

    async fn compute(
        &self,
        id: u32,
        maps: bool,
        buffers: &[Uint8Array],
    ) -> Result<Reply, EngineError> {
        let engine = self.engine.as_ref().ok_or(EngineError::NotLoaded)?;
        let buffer = buffers.first().ok_or(EngineError::Incomplete)?;
        let values = Float32Array::new(&buffer.buffer()).to_vec();
        let [width, height] = self.plane;
        let expected = width as usize * height as usize;
        if values.len() != expected {
            let found = values.len();
            return Err(EngineError::Plane { found, expected });
        }
        let start = now();
        let probabilities = if maps {
            let input = ModelInput::from_plane(values, width, height);
            let result = engine.pipeline().classify_input(input).await?;
            for class in 0..result.probabilities.len() {
                std::hint::black_box(result.heatmap(class, width, height));
            }
            result.probabilities
        } else {
            engine.pipeline().probabilities(&values).await?
        };
        Ok(Reply::Computed {
            id,
            probabilities,
            compute_ms: now() - start,
        })
    }

    async fn first_look(
        &mut self,
        id: u32,
        scan: &Scan,
        decode_ms: f64,
    ) -> Result<(Reply, Vec<Uint8Array>), EngineError> {
        let (look, report, maps) = self.look(scan, decode_ms).await?;
        self.hold(id, look);
        let mut buffers = vec![
            Uint8Array::from(picture::picture(scan, report.picture).as_slice()),
            Uint8Array::from(picture::colour_maps().as_slice()),
        ];
        buffers.extend(maps);
        Ok((Reply::Classified { id, report }, buffers))
    }

    async fn glance(&self, id: u32, scan: &Scan) -> Result<(Reply, Vec<Uint8Array>), EngineError> {
        let engine = self.engine.as_ref().ok_or(EngineError::NotLoaded)?;
        let look = engine.pipeline().look(scan).await?;
        let result = engine.pipeline().conclude(&look);
        let reply = Reply::Glanced {
            id,
            verdict: answer::verdict(result.verdict),
            uncertainty: result.uncertainty.map(answer::finite),
            probabilities: result.probabilities,
        };
        Ok((reply, Vec::new()))
    }

    async fn edit(&mut self, id: u32, size: [u32; 2], hold: bool, buffers: &[Uint8Array]) {
        let result = self.look_again(id, size, hold, buffers).await;
        respond(id, result);
    }

    async fn look_again(
        &mut self,
        id: u32,
        [width, height]: [u32; 2],
        hold: bool,
        buffers: &[Uint8Array],
    ) -> Result<(Reply, Vec<Uint8Array>), EngineError> {
        let pixels = buffers.first().ok_or(EngineError::Incomplete)?;
        let scan = Scan::from_luma8(width, height, &pixels.to_vec())?;
        let (look, report, maps) = self.look(&scan, 0.0).await?;
        if hold {
            self.hold(id, look);
        }
        Ok((Reply::Edited { id, report }, maps))
    }

    /// What there is to say about a scan, and its heat maps.
    async fn look(
        &self,
        scan: &Scan,
        decode_ms: f64,
    ) -> Result<(Look, Report, Vec<Uint8Array>), EngineError> {
        let engine = self.engine.as_ref().ok_or(EngineError::NotLoaded)?;
        if self.fault == Some(Fault::Classify) {
            return Err(EngineError::Simulated);
        }
        let start = now();
        let look = engine.pipeline().look(scan).await?;
        let result = engine.pipeline().conclude(&look);
        let heat = picture::heat_size(&result.placement);
        let maps = picture::over_the_picture(&result.maps, &result.placement);
        let report = Report {
            image: [scan.width(), scan.height()],
            picture: picture::fit(scan.width(), scan.height(), picture::PICTURE_SIDE),
            heat,
            predicted: result.predicted(),
            probabilities: result.probabilities.clone(),
            verdict: answer::verdict(result.verdict),
            uncertainty: result.uncertainty.map(answer::finite),
            strangeness: result.ood.map(answer::finite),
            evidence: answer::evidence(&result.maps, &result.placement, &maps),
            cut_out: is_cut_out(&result.placement),
            decode_ms,
            classify_ms: now() - start,
            requests: wire::requests(),
        };
        Ok((look, report, heat_buffers(&maps)))
    }
}

/// SHA-256 in lower-case hexadecimal, by the browser; nothing where it offers none, as to pages without HTTPS.
async fn sha256(bytes: &Uint8Array) -> Option<String> {
    let field = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).ok();
    let subtle = field(&field(&js_sys::global(), "crypto")?, "subtle")?;
    let digest: Function = field(&subtle, "digest")?.dyn_into().ok()?;
    let asked = digest.call2(&subtle, &"SHA-256".into(), bytes).ok()?;
    let hash = wasm_bindgen_futures::JsFuture::from(Promise::resolve(&asked)).await;
    let hash = Uint8Array::new(&hash.ok()?).to_vec();
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Milliseconds without a message after which the engine rehearses.
const AT_LEISURE: i32 = 500;
/// A drawn spot of 16 x 16 pixels, with each of PNG's filters.
const REHEARSAL: &[u8] = include_bytes!("rehearsal.png");

/// The scan that [`Request::Values`] brings.
fn values(
    [width, height]: [u32; 2],
    [black, white]: [f32; 2],
    colourfulness: Option<f32>,
    buffers: &[Uint8Array],
) -> Result<Scan, EngineError> {
    let buffer = buffers.first().ok_or(EngineError::Incomplete)?;
    let values = Float32Array::new(&buffer.buffer()).to_vec();
    let scan = Scan::new(width, height, values, (black, white))?;
    Ok(match colourfulness {
        Some(value) => scan.with_colourfulness(value),
        None => scan,
    })
}

/// Heat maps as the page gets them.
pub(crate) fn heat_buffers(maps: &[Vec<f32>]) -> Vec<Uint8Array> {
    maps.iter()
        .map(|map| Uint8Array::from(picture::bytes(map).as_slice()))
        .collect()
}

/// Tells the page what came of request `id`.
pub(crate) fn respond(id: u32, result: Result<(Reply, Vec<Uint8Array>), EngineError>) {
    match result {
        Ok((reply, buffers)) => post(&reply, &buffers),
        Err(error) => post(
            &Reply::Failed {
                id,
                message: wire::one_line(&error.to_string()),
            },
            &[],
        ),
    }
}

/// The scan in a file, or the one that another worker has read from a file.
fn read(bytes: &[u8]) -> Result<Scan, DecodeError> {
    if Scan::is_packed(bytes) {
        Ok(Scan::unpack(bytes)?)
    } else {
        decode(bytes)
    }
}

/// Lets the browser run what waits in this worker.
async fn breathe() {
    pause(0).await;
}

/// Waits for so many milliseconds.
async fn pause(time: i32) {
    let turn = Promise::new(&mut |resolve, _| {
        let timer = scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, time);
        if timer.is_err() {
            // Without a timer the job goes on at once.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    });
    let _ = wasm_bindgen_futures::JsFuture::from(turn).await;
}

/// Tells the page that the engine's device is gone.
pub fn report_loss(message: &str) {
    post(
        &Reply::Lost {
            message: wire::one_line(message),
        },
        &[],
    );
}

pub(crate) fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

pub(crate) fn post(reply: &Reply, buffers: &[Uint8Array]) {
    let sent = wire::pack(reply, buffers)
        .map_err(|error| JsValue::from_str(&error.to_string()))
        .and_then(|packed| scope().post_message_with_transfer(&packed.message, &packed.transfer));
    if let Err(error) = sent {
        web_sys::console::error_1(&error);
    }
}

pub(crate) fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

pub(crate) fn report_panic(info: &PanicHookInfo<'_>) {
    web_sys::console::error_1(&info.to_string().into());
    let message = wire::one_line(info.payload_as_str().unwrap_or("unknown cause"));
    post(&Reply::Panicked { message }, &[]);
}
