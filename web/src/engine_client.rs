//! The page's end of a worker, an engine's or another: starting it, talking to it, ending it.

use crate::boot;
use crate::offline;
use js_sys::{Array, Uint8Array};
use leptos::prelude::document;
use leptos::task::spawn_local;
use scanlight_engine::protocol::{EngineKind, Reply};
use scanlight_engine::wire;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Url, Worker, WorkerOptions, WorkerType};

/// What comes from a worker.
#[derive(Debug)]
pub enum Incoming<R = Reply> {
    /// A message and its buffers.
    Reply(R, Vec<Uint8Array>),
    /// The worker could not start, or broke without a word of its own.
    Broken(String),
}

/// A copy that can be transferred: the original stays for the next engine.
pub fn copy(bytes: &Uint8Array) -> Uint8Array {
    bytes.slice(0, bytes.length())
}

/// A running worker. Dropping it ends the worker.
pub struct Client {
    /// The published model that the worker was given before the page's program was there.
    given: Option<String>,
    worker: Worker,
    source: String,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Client {
    /// Starts the worker of `kind`. `receive` is called after this function has returned.
    pub fn start(
        kind: EngineKind,
        receive: impl Fn(Incoming) + Copy + 'static,
    ) -> Result<Self, JsValue> {
        match boot::engine(kind) {
            Some(ahead) => {
                let mut client = Self::adopt(ahead.worker, ahead.source, &ahead.heard, receive);
                client.given = ahead.loaded;
                Ok(client)
            }
            None => Self::start_program(kind.module(), &kind.wasm(), receive),
        }
    }

    /// Starts the worker whose program `wasm` its JavaScript `module` runs.
    pub fn start_program<R: DeserializeOwned + 'static>(
        module: &str,
        wasm: &str,
        receive: impl Fn(Incoming<R>) + Copy + 'static,
    ) -> Result<Self, JsValue> {
        let (worker, source) = start_worker(module, wasm)?;
        Ok(Self::adopt(worker, source, &Array::new(), receive))
    }

    /// Takes over a worker that has said `heard` so far.
    fn adopt<R: DeserializeOwned + 'static>(
        worker: Worker,
        source: String,
        heard: &Array,
        receive: impl Fn(Incoming<R>) + Copy + 'static,
    ) -> Self {
        // Later, in a task of its own: `receive` may drop this client, and with it these closures.
        let deliver = move |incoming| spawn_local(async move { receive(incoming) });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            deliver(incoming(&event.data()));
        });
        let on_error = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            // A module that cannot be fetched gives a plain event without a message.
            let error = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
            deliver(broken(&error.unwrap_or_default()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        for said in heard.iter() {
            deliver(
                said.as_string()
                    .map_or_else(|| incoming(&said), |error| broken(&error)),
            );
        }
        Self {
            given: None,
            worker,
            source,
            _on_message: on_message,
            _on_error: on_error,
        }
    }

    /// The published model that the worker was given before the page's program was there; asked for once.
    pub fn take_given(&mut self) -> Option<String> {
        self.given.take()
    }

    /// Sends a message. The buffers' memory goes with it.
    pub fn send(&self, request: &impl Serialize, buffers: &[Uint8Array]) -> Result<(), String> {
        let packed = wire::pack(request, buffers).map_err(|error| error.to_string())?;
        self.worker
            .post_message_with_transfer(&packed.message, &packed.transfer)
            .map_err(|error| wire::describe(&error))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
        // Nothing is lost if this fails: the address holds a few bytes.
        let _ = Url::revoke_object_url(&self.source);
    }
}

fn incoming<R: DeserializeOwned>(message: &JsValue) -> Incoming<R> {
    match wire::unpack(message) {
        Ok((reply, buffers)) => Incoming::Reply(reply, buffers),
        Err(error) => Incoming::Broken(error.to_string()),
    }
}

fn broken<R>(message: &str) -> Incoming<R> {
    Incoming::Broken(match wire::one_line(message) {
        empty if empty.is_empty() => "its program could not be loaded".into(),
        message => message,
    })
}

/// Starts the program `wasm` through its JavaScript `module`, of this page's own version, whatever lies in the
/// browser's cache. The second value is the address it was started from.
pub fn start_worker(module: &str, wasm: &str) -> Result<(Worker, String), JsValue> {
    let base = document().base_uri()?.unwrap_or_default();
    let version = offline::version().unwrap_or_default();
    let address = |file: &str| {
        Url::new_with_base(&format!("{file}?version={version}"), &base).map(|url| url.href())
    };
    let source = boot::loader(&address(module)?, &address(wasm)?)?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&source, &options)?;
    Ok((worker, source))
}
