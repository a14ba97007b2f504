//! The page's end of a worker: starting it, talking to it, ending it.

use crate::offline;
use js_sys::{Array, Uint8Array};
use leptos::prelude::document;
use leptos::task::spawn_local;
use scanlight_engine::protocol::{EngineKind, Reply, Request};
use scanlight_engine::wire;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    Blob, BlobPropertyBag, ErrorEvent, Event, MessageEvent, Url, Worker, WorkerOptions, WorkerType,
};

/// What comes from a worker.
#[derive(Debug)]
pub enum Incoming {
    /// A message and its buffers.
    Reply(Reply, Vec<Uint8Array>),
    /// The worker could not start, or broke without a word of its own.
    Broken(String),
}

/// A running worker. Dropping it ends the worker.
pub struct Client {
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
        let base = document().base_uri()?.unwrap_or_default();
        // Of this page's own version, whatever lies in the browser's cache.
        let version = offline::version().unwrap_or_default();
        let address = |file: &str| {
            Url::new_with_base(&format!("{file}?version={version}"), &base).map(|url| url.href())
        };
        let source = loader_url(&address(kind.module())?, &address(&kind.wasm())?)?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&source, &options)?;
        // Later, in a task of its own: `receive` may drop this client, and with it these closures.
        let deliver = move |incoming| spawn_local(async move { receive(incoming) });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            deliver(match wire::unpack(&event.data()) {
                Ok((reply, buffers)) => Incoming::Reply(reply, buffers),
                Err(error) => Incoming::Broken(error.to_string()),
            });
        });
        let on_error = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            // A module that cannot be fetched gives a plain event without a message.
            let message = event
                .dyn_ref::<ErrorEvent>()
                .map(|error| wire::one_line(&error.message()))
                .filter(|message| !message.is_empty());
            deliver(Incoming::Broken(
                message.unwrap_or_else(|| "its program could not be loaded".into()),
            ));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self {
            worker,
            source,
            _on_message: on_message,
            _on_error: on_error,
        })
    }

    /// Sends a message. The buffers' memory goes with it.
    pub fn send(&self, request: &Request, buffers: &[Uint8Array]) -> Result<(), String> {
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

/// A `blob:` address of a script that starts the program `wasm` through its JavaScript `module`.
///
/// A worker started from a file obeys the headers that file was served with, which a static host does
/// not send. One started from a `blob:` inherits the page's own content security policy, so the policy
/// also binds the code that sees the scan.
fn loader_url(module: &str, wasm: &str) -> Result<String, JsValue> {
    let quote = |text: &str| {
        serde_json::to_string(text).map_err(|error| JsValue::from_str(&error.to_string()))
    };
    let [module, wasm] = [quote(module)?, quote(wasm)?];
    let script = format!(
        "try {{ const {{ default: start }} = await import({module}); await start({{ module_or_path: {wasm} }}); }}\n\
         catch (error) {{ postMessage([JSON.stringify({{ type: 'loadFailed', message: String(error) }})]); }}\n"
    );
    let properties = BlobPropertyBag::new();
    properties.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(
        &Array::of1(&JsValue::from_str(&script)),
        &properties,
    )?;
    Url::create_object_url_with_blob(&blob)
}
