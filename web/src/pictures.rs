//! The rarer kinds of pictures: another worker reads them for the engines.
//!
//! The first bytes of a file tell its kind, whatever its name says. The worker's program is fetched before anything
//! else of the file is read.

use crate::boot;
use crate::engine_client::start_worker;
use crate::intake::HEAD;
use crate::language::Line;
use crate::session::rejection;
use js_sys::{Function, Promise, Uint8Array};
use scanlight_engine::protocol::{PICTURES_MODULE, PICTURES_WASM, PROTOCOL, Reply, Request};
use scanlight_engine::wire;
use std::cell::RefCell;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, MessageEvent, Worker};

/// A file of at most so many bytes is read in one go.
const SMALL: f64 = 1024.0 * 1024.0;

thread_local! {
    /// The worker, once it was needed.
    static READER: RefCell<Option<Worker>> = const { RefCell::new(None) };
    /// Settles when the last of those who wait for the worker is done with it.
    static LAST: RefCell<Option<Promise>> = const { RefCell::new(None) };
}

/// The first bytes of a file, enough to tell its kind; all of a small one.
pub struct Beginning(Uint8Array);

impl Beginning {
    /// Reads them.
    pub async fn of(file: &File) -> Result<Self, JsValue> {
        let part = if file.size() <= SMALL {
            boot::bytes(file)
        } else {
            file.slice_with_f64_and_f64(0.0, HEAD.into())?
                .array_buffer()
        };
        Ok(Self(Uint8Array::new(&JsFuture::from(part).await?)))
    }

    /// At most [`HEAD`] of them.
    pub fn head(&self) -> Vec<u8> {
        self.0.subarray(0, HEAD.min(self.0.length())).to_vec()
    }

    /// All of the file.
    async fn whole(self, file: &File) -> Result<Uint8Array, JsValue> {
        if f64::from(self.0.length()) >= file.size() {
            return Ok(self.0);
        }
        Ok(Uint8Array::new(&JsFuture::from(file.array_buffer()).await?))
    }
}

/// The bytes to give to an engine for `file`; an error is what the browser says about an unreadable file, or why
/// there is no picture in it.
pub async fn read(file: &File) -> Result<Uint8Array, Problem> {
    read_on(file, Beginning::of(file).await?).await
}

/// The same of a file that begins so.
pub async fn read_on(file: &File, beginning: Beginning) -> Result<Uint8Array, Problem> {
    if !is_rare(&beginning.head()) {
        return Ok(beginning.whole(file).await?);
    }
    // One file at a time: the worker's next message answers the last question.
    let _turn = turn().await;
    let reader = reader().await?;
    let bytes = beginning.whole(file).await?;
    convert(&reader, bytes).await
}

/// The right to use the worker, until it is dropped.
struct Turn(Option<Function>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            // Settling a promise cannot fail.
            let _ = done.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Waits until all who asked before are done.
async fn turn() -> Turn {
    let mut done = None;
    let mine = Promise::new(&mut |resolve, _| done = Some(resolve));
    // Before the wait: it may be dropped, and the next must not wait for ever.
    let turn = Turn(done);
    if let Some(before) = LAST.replace(Some(mine)) {
        // Nothing rejects it.
        let _ = JsFuture::from(before).await;
    }
    turn
}

/// Why a file cannot be given to an engine.
pub enum Problem {
    /// What the browser threw.
    Unreadable(JsValue),
    /// What is wrong with the picture, or with the worker.
    Rejected(Line),
}

impl From<JsValue> for Problem {
    fn from(value: JsValue) -> Self {
        Self::Unreadable(value)
    }
}

/// WebP and TIFF.
fn is_rare(head: &[u8]) -> bool {
    (head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        || head.starts_with(b"II*\0")
        || head.starts_with(b"MM\0*")
}

/// The worker, ready.
async fn reader() -> Result<Worker, Problem> {
    if let Some(reader) = READER.with_borrow(Clone::clone) {
        return Ok(reader);
    }
    let failed = |reason: String| {
        Problem::Rejected(Line::new("engine.no_start").with("reason", wire::one_line(&reason)))
    };
    let (reader, _) = start_worker(PICTURES_MODULE, PICTURES_WASM)
        .map_err(|error| failed(wire::describe(&error)))?;
    match next(&reader).await {
        Ok((Reply::Hello { protocol, .. }, _)) if protocol == PROTOCOL => {
            READER.set(Some(reader.clone()));
            Ok(reader)
        }
        Ok((Reply::LoadFailed { message }, _)) | Err(message) => Err(failed(message)),
        Ok(_) => Err(Problem::Rejected(Line::new("engine.version"))),
    }
}

async fn convert(reader: &Worker, file: Uint8Array) -> Result<Uint8Array, Problem> {
    let broken = |message: String| {
        // A worker that has broken is started anew next time.
        READER.set(None);
        Problem::Rejected(Line::new("engine.crashed").with("reason", message))
    };
    let packed = wire::pack(&Request::Convert { id: 0 }, &[file])
        .map_err(|error| broken(error.to_string()))?;
    let answer = next(reader);
    reader.post_message_with_transfer(&packed.message, &packed.transfer)?;
    match answer.await {
        Ok((Reply::Converted { .. }, buffers)) => match buffers.into_iter().next() {
            Some(scan) => Ok(scan),
            None => Err(broken("no scan".into())),
        },
        Ok((Reply::Rejected { complaint, .. }, _)) => Err(Problem::Rejected(
            Line::new("intake.rejected").with("reason", rejection(&complaint)),
        )),
        Ok((Reply::Panicked { message }, _)) | Err(message) => Err(broken(message)),
        Ok(_) => Err(broken("an unexpected answer".into())),
    }
}

/// The worker's next message; the error is one line. It listens from the call on, not from the first poll.
fn next(worker: &Worker) -> impl Future<Output = Result<(Reply, Vec<Uint8Array>), String>> + use<> {
    let message = Promise::new(&mut |resolve, reject| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&reject));
    });
    async move {
        let event = JsFuture::from(message)
            .await
            .map_err(|error| wire::describe(&error))?;
        let data = event.unchecked_into::<MessageEvent>().data();
        wire::unpack(&data).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{is_rare, turn};
    use js_sys::Promise;
    use wasm_bindgen::JsValue;
    use wasm_bindgen_futures::{JsFuture, spawn_local};
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn turns_follow_one_another() {
        let first = turn().await;
        let (said, heard) = std::sync::mpsc::channel();
        for number in [1, 2] {
            let said = said.clone();
            spawn_local(async move {
                let turn = turn().await;
                said.send(number).unwrap();
                drop(turn);
            });
        }
        let pause = || JsFuture::from(Promise::resolve(&JsValue::UNDEFINED));
        for _ in 0..9 {
            pause().await.unwrap();
        }
        assert!(heard.try_recv().is_err(), "somebody did not wait");
        drop(first);
        let last = turn().await;
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [1, 2]);
        drop(last);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn kinds() {
        assert!(is_rare(b"RIFF\x10\0\0\0WEBPVP8 "));
        assert!(is_rare(b"II*\0\x08\0\0\0"));
        assert!(is_rare(b"MM\0*\0\0\0\x08"));
        assert!(!is_rare(b"RIFF\x10\0\0\0WAVEfmt "));
        assert!(!is_rare(b"\x89PNG\r\n\x1a\n"));
        assert!(!is_rare(b""));
    }
}
