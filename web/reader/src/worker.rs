//! The worker: files in, slices out. It has no state but what it read last, and the identifiers of series that it was asked
//! about.

use crate::items;
use crate::protocol::{PROTOCOL, Reply, Request};
use js_sys::{Float32Array, Uint8Array};
use scanlight_engine::wire;
use scanlight_formats::dicom::DicomFile;
use scanlight_formats::study::{Study, read_files};
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// Runs the worker: call this from `main`. Returns at once; the browser keeps the worker alive.
pub fn run() {
    std::panic::set_hook(Box::new(report_panic));
    let study = Rc::new(RefCell::new(Study::default()));
    let series = RefCell::new(Vec::new());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        handle(&study, &series, &event.data());
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(
        &Reply::Hello {
            protocol: PROTOCOL,
            requests: wire::requests(),
        },
        &[],
    );
}

fn handle(study: &RefCell<Study>, series: &RefCell<Vec<String>>, message: &JsValue) {
    match wire::unpack::<Request>(message) {
        Ok((Request::Open { id, names }, buffers)) => {
            // What was read before makes room first.
            study.replace(Study::default());
            let files = names.into_iter().zip(&buffers).enumerate();
            let read = read_files(files.map(|(index, (name, bytes))| {
                post(
                    &Reply::Reading {
                        id,
                        index,
                        name: wire::one_line(&name),
                    },
                    &[],
                );
                // One file's bytes at a time lie in this program's memory.
                (name, bytes.to_vec())
            }));
            let reply = Reply::Opened {
                id,
                items: read.items.iter().map(items::describe).collect(),
                failures: items::failures(&read),
                skipped: items::skipped(&read),
                requests: wire::requests(),
            };
            study.replace(read);
            post(&reply, &[]);
        }
        Ok((
            Request::Slice {
                id,
                item,
                plane,
                index,
            },
            _,
        )) => {
            let study = study.borrow();
            let Some(item) = study.items.get(item) else {
                return post(&failed(id, "nothing is open any more"), &[]);
            };
            match items::slice(item, plane, index) {
                Ok(scan) => {
                    let (black, white) = scan.display_range();
                    let reply = Reply::Slice {
                        id,
                        size: [scan.width(), scan.height()],
                        range: [black, white],
                        colourfulness: scan.colourfulness(),
                        spacing: scan.spacing().map(|[width, _]| width),
                    };
                    let values = Float32Array::from(scan.luma());
                    post(&reply, &[Uint8Array::new(&values.buffer())]);
                }
                Err(error) => post(&failed(id, &error.to_string()), &[]),
            }
        }
        Ok((Request::Series { id }, buffers)) => {
            let bytes = buffers.first().map(Uint8Array::to_vec).unwrap_or_default();
            let series = series_of(&bytes).map(|uid| number_of(&mut series.borrow_mut(), uid));
            post(&Reply::Series { id, series }, &[]);
        }
        Err(error) => web_sys::console::error_1(&error.to_string().into()),
    }
}

fn series_of(bytes: &[u8]) -> Option<String> {
    let file = DicomFile::parse(bytes).ok()?;
    file.series_uid().map(str::to_owned)
}

/// The number of a series, a new one if it was not known.
fn number_of(known: &mut Vec<String>, uid: String) -> usize {
    known
        .iter()
        .position(|other| *other == uid)
        .unwrap_or_else(|| {
            known.push(uid);
            known.len() - 1
        })
}

fn failed(id: u32, message: &str) -> Reply {
    Reply::Failed {
        id,
        message: wire::one_line(message),
    }
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

fn report_panic(info: &PanicHookInfo<'_>) {
    web_sys::console::error_1(&info.to_string().into());
    let message = wire::one_line(info.payload_as_str().unwrap_or("unknown cause"));
    post(&Reply::Panicked { message }, &[]);
}
