//! The loop that every engine's worker runs: messages in, one at a time, answers out.

use crate::answer;
use crate::picture;
use crate::protocol::{EngineKind, Fault, PROTOCOL, Reply, Report, Request, Stage};
use crate::wire;
use futures_channel::mpsc;
use futures_util::StreamExt;
use js_sys::{Float32Array, Uint8Array};
use scanlight_model::Scan;
use scanlight_model::bundle::{Bundle, BundleError, Manifest};
use scanlight_model::cam::is_cut_out;
use scanlight_model::classify::{Classification, ClassifyError};
use scanlight_model::decode::{DecodeError, decode};
use scanlight_model::preprocess::ModelInput;
use std::panic::PanicHookInfo;
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// A network loaded on some backend. Implementations are not generic, so that a backend's kernels are
/// compiled once, in its own module.
// Workers have one thread: futures need not be `Send`, and only this crate implements the trait.
#[allow(async_fn_in_trait)]
pub trait Engine: Sized + 'static {
    /// Which engine this is.
    const KIND: EngineKind;
    /// Sets up the device and places the network on it.
    async fn load(bundle: &Bundle) -> Result<Self, EngineError>;
    /// What runs, for a person.
    fn detail(&self) -> String;
    /// Gives the device up, where there is one: for the page's tests.
    fn lose(&self) {}
    /// Runs the network once, so that later runs find everything compiled.
    async fn warm_up(&self) -> Result<(), EngineError>;
    /// Classifies a scan.
    async fn classify(&self, scan: &Scan) -> Result<Classification, EngineError>;
    /// Classifies a normalised input plane.
    async fn classify_input(&self, input: ModelInput) -> Result<Classification, EngineError>;
    /// Probabilities for a normalised input plane, without maps.
    async fn probabilities(&self, plane: &[f32]) -> Result<Vec<f32>, EngineError>;
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
        };
        while let Some(message) = messages.next().await {
            session.handle(&message).await;
        }
    });
}

struct Session<E> {
    engine: Option<E>,
    /// Width and height of the network's input.
    plane: [u32; 2],
    fault: Option<Fault>,
}

impl<E: Engine> Session<E> {
    async fn handle(&mut self, message: &JsValue) {
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
            Ok((Request::Classify { id }, buffers)) => self.classify(id, &buffers).await,
            Ok((Request::Compute { id, maps }, buffers)) => {
                let reply = self.compute(id, maps, &buffers).await;
                post(&reply.unwrap_or_else(|error| failed(id, &error)), &[]);
            }
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
        let start = now();
        post(
            &Reply::Progress {
                stage: Stage::Weights,
            },
            &[],
        );
        let bundle = Bundle::new(Manifest::parse(&manifest.to_vec())?, weights.to_vec())?;
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
            requests: requests(),
        };
        self.plane = [bundle.manifest.input.width, bundle.manifest.input.height];
        self.engine = Some(engine);
        post(&ready, &[]);
        Ok(())
    }

    async fn classify(&self, id: u32, buffers: &[Uint8Array]) {
        let start = now();
        let reply = match buffers.first().map(|file| decode(&file.to_vec())) {
            None => Err(EngineError::Incomplete),
            Some(Err(error)) => return post(&rejected(id, &error), &[]),
            Some(Ok(scan)) => self.report(id, &scan, now() - start).await,
        };
        match reply {
            Ok((reply, buffers)) => post(&reply, &buffers),
            Err(error) => post(&failed(id, &error), &[]),
        }
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
            let result = engine.classify_input(input).await?;
            for class in 0..result.probabilities.len() {
                std::hint::black_box(result.heatmap(class, width, height));
            }
            result.probabilities
        } else {
            engine.probabilities(&values).await?
        };
        Ok(Reply::Computed {
            id,
            probabilities,
            compute_ms: now() - start,
        })
    }

    async fn report(
        &self,
        id: u32,
        scan: &Scan,
        decode_ms: f64,
    ) -> Result<(Reply, Vec<Uint8Array>), EngineError> {
        let engine = self.engine.as_ref().ok_or(EngineError::NotLoaded)?;
        if self.fault == Some(Fault::Classify) {
            return Err(EngineError::Simulated);
        }
        let start = now();
        let result = engine.classify(scan).await?;
        let classes = result.probabilities.len();
        let size = picture::fit(scan.width(), scan.height(), picture::PICTURE_SIDE);
        let heat = picture::fit(scan.width(), scan.height(), picture::HEAT_SIDE);
        let maps: Vec<Vec<f32>> = (0..classes)
            .map(|class| result.heatmap(class, heat[0], heat[1]))
            .collect();
        let classify_ms = now() - start;
        let mut buffers = vec![
            Uint8Array::from(picture::picture(scan, size).as_slice()),
            Uint8Array::from(picture::colour_map().as_slice()),
        ];
        buffers.extend(
            maps.iter()
                .map(|map| Uint8Array::from(picture::bytes(map).as_slice())),
        );
        let report = Report {
            image: [scan.width(), scan.height()],
            picture: size,
            heat,
            predicted: result.predicted(),
            probabilities: result.probabilities.clone(),
            verdict: answer::verdict(result.verdict),
            uncertainty: result.uncertainty.map(answer::finite),
            strangeness: result.ood.map(answer::finite),
            evidence: answer::evidence(&result, &maps),
            cut_out: is_cut_out(&result.placement),
            decode_ms,
            classify_ms,
            requests: requests(),
        };
        Ok((Reply::Classified { id, report }, buffers))
    }
}

fn rejected(id: u32, error: &DecodeError) -> Reply {
    Reply::Rejected {
        id,
        complaint: answer::complaint(error),
    }
}

fn failed(id: u32, error: &EngineError) -> Reply {
    Reply::Failed {
        id,
        message: wire::one_line(&error.to_string()),
    }
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

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

fn post(reply: &Reply, buffers: &[Uint8Array]) {
    let sent = wire::pack(reply, buffers)
        .map_err(|error| JsValue::from_str(&error.to_string()))
        .and_then(|packed| scope().post_message_with_transfer(&packed.message, &packed.transfer));
    if let Err(error) = sent {
        web_sys::console::error_1(&error);
    }
}

fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now())
}

/// How many requests the browser has recorded for this worker. The page cannot see these itself.
fn requests() -> u32 {
    scope().performance().map_or(0, |clock| {
        let entries = clock.get_entries_by_type("resource");
        entries.length()
    })
}

fn report_panic(info: &PanicHookInfo<'_>) {
    web_sys::console::error_1(&info.to_string().into());
    let message = wire::one_line(info.payload_as_str().unwrap_or("unknown cause"));
    post(&Reply::Panicked { message }, &[]);
}
