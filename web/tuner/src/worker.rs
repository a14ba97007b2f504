//! The worker: messages in, steps of training in between, messages out.

use crate::protocol::{PROTOCOL, Reply, Request};
use crate::session::{Added, Session, SessionError};
use js_sys::{Function, Uint8Array};
use scanlight_engine::wire;
use scanlight_reader::reasons;
use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::rc::Rc;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

/// So long the worker trains before it looks at what the page wants, in milliseconds.
const TURN_MS: f64 = 40.0;

/// The session, and how it goes on by itself.
struct Work {
    session: Session,
    /// When training began.
    begun: f64,
    /// Calls [`go_on`] soon.
    again: Option<Function>,
}

/// Runs the worker: call this from `main`. Returns at once; the browser keeps the worker alive.
pub fn run() {
    std::panic::set_hook(Box::new(report_panic));
    let work = Rc::new(RefCell::new(Work {
        session: Session::default(),
        begun: 0.0,
        again: None,
    }));
    let turn = Rc::clone(&work);
    let again = Closure::<dyn FnMut()>::new(move || go_on(&mut turn.borrow_mut()));
    work.borrow_mut().again = Some(again.as_ref().unchecked_ref::<Function>().clone());
    again.forget();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        handle(&mut work.borrow_mut(), &event.data());
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Reply::Hello { protocol: PROTOCOL }, &[]);
}

fn handle(work: &mut Work, message: &JsValue) {
    match wire::unpack::<Request>(message) {
        Ok((Request::Load, buffers)) => {
            let [manifest, weights] = buffers.as_slice() else {
                return load_failed("the page sent an incomplete message");
            };
            match work.session.load(&manifest.to_vec(), weights.to_vec()) {
                Ok(()) => post(
                    &Reply::Ready {
                        requests: wire::requests(),
                    },
                    &[],
                ),
                Err(error) => load_failed(&error.to_string()),
            }
        }
        Ok((Request::Add { id, class }, buffers)) => {
            let file = buffers.first().map(Uint8Array::to_vec).unwrap_or_default();
            add(&mut work.session, id, class, &file);
        }
        Ok((Request::Remove { id }, _)) => work.session.remove(id),
        Ok((Request::Tune { created, skipped }, _)) => match work.session.tune(created, skipped) {
            Ok(()) => {
                work.begun = now();
                call_again(work);
            }
            Err(error) => refused(&error),
        },
        Ok((Request::Stop, _)) => {
            if work.session.stop() {
                post(&Reply::Stopped, &[]);
            }
        }
        Err(error) => web_sys::console::error_1(&error.to_string().into()),
    }
}

fn add(session: &mut Session, id: u32, class: usize, file: &[u8]) {
    match session.add(id, class, file) {
        Ok(Added::Kept {
            size,
            grey,
            predicted,
        }) => post(
            &Reply::Added {
                id,
                picture: size,
                predicted,
                requests: wire::requests(),
            },
            &[Uint8Array::from(grey.as_slice())],
        ),
        Ok(Added::Twin(of)) => post(&Reply::Twin { id, of }, &[]),
        Err(SessionError::Read(error)) => {
            let complaint = reasons::complaint(&error);
            post(&Reply::Rejected { id, complaint }, &[]);
        }
        Err(error) => {
            let message = wire::one_line(&error.to_string());
            post(&Reply::Failed { id, message }, &[]);
        }
    }
}

/// Trains for a turn, then lets the browser hand over what the page has sent meanwhile.
fn go_on(work: &mut Work) {
    let start = now();
    while work.session.is_training() {
        match work.session.advance() {
            Ok((step, point, done)) => {
                post(
                    &Reply::Step {
                        step,
                        most: work.session.most(),
                        loss: point.loss,
                        held_out: point.held_out,
                    },
                    &[],
                );
                if done {
                    return finish(work);
                }
            }
            Err(error) => {
                work.session.stop();
                return refused(&error);
            }
        }
        if now() - start > TURN_MS {
            return call_again(work);
        }
    }
}

fn finish(work: &mut Work) {
    match work.session.finish() {
        Ok((mut report, files)) => {
            report.ms = now() - work.begun;
            let buffers = [&files.manifest, &files.weights, &files.archive]
                .map(|bytes| Uint8Array::from(bytes.as_slice()));
            post(&Reply::Tuned { report }, &buffers);
        }
        Err(error) => refused(&error),
    }
}

fn call_again(work: &Work) {
    if let Some(again) = &work.again
        && let Err(error) = scope().set_timeout_with_callback(again)
    {
        web_sys::console::error_1(&error);
    }
}

fn refused(error: &SessionError) {
    let message = wire::one_line(&error.to_string());
    post(&Reply::Refused { message }, &[]);
}

fn load_failed(message: &str) {
    let message = wire::one_line(message);
    post(&Reply::LoadFailed { message }, &[]);
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

fn report_panic(info: &PanicHookInfo<'_>) {
    web_sys::console::error_1(&info.to_string().into());
    let message = wire::one_line(info.payload_as_str().unwrap_or("unknown cause"));
    post(&Reply::Panicked { message }, &[]);
}
