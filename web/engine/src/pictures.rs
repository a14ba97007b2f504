//! The worker that reads the rarer kinds of pictures (WebP and TIFF) for the engines: their decoders are a third of
//! what an engine would weigh, and few scans come in them. The page asks for it when such a picture comes, before it
//! reads the file.

use crate::answer::rejected;
use crate::protocol::{EngineKind, PROTOCOL, Reply, Request};
use crate::wire;
use crate::worker::{post, report_panic, scope};
use js_sys::Uint8Array;
use scanlight_model::decode::decode;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::MessageEvent;

/// Runs the worker: call this from `main`. Returns at once; the browser keeps the worker alive.
pub fn run() {
    std::panic::set_hook(Box::new(report_panic));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match wire::unpack::<Request>(&event.data()) {
            Ok((Request::Convert { id }, buffers)) => convert(id, &buffers),
            Ok(_) => {}
            Err(error) => web_sys::console::error_1(&error.to_string().into()),
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(
        &Reply::Hello {
            protocol: PROTOCOL,
            engine: EngineKind::Cpu,
        },
        &[],
    );
}

fn convert(id: u32, buffers: &[Uint8Array]) {
    let file = buffers.first().map(Uint8Array::to_vec).unwrap_or_default();
    match decode(&file) {
        Ok(scan) => {
            let packed = Uint8Array::from(scan.pack().as_slice());
            post(&Reply::Converted { id }, &[packed]);
        }
        Err(error) => post(&rejected(id, &error), &[]),
    }
}
