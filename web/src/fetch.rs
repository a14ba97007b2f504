//! Fetching files that lie beside the page, with progress.

use crate::boot;
use crate::language::Line;
use js_sys::{Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use scanlight_engine::wire;
use thiserror::Error;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, ReadableStreamDefaultReader, RequestCache, RequestInit, Response};

/// Why a file could not be had.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The server answered with an error.
    #[error("{file}: the server answered {status}")]
    Status {
        /// The file's address.
        file: String,
        /// HTTP status.
        status: u16,
    },
    /// No answer, or it broke off.
    #[error("{file}: {reason}")]
    Network {
        /// The file's address.
        file: String,
        /// The browser's words.
        reason: String,
    },
    /// The file is there but cannot be read.
    #[error("{file} cannot be read: {source}")]
    Json {
        /// The file's address.
        file: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl FetchError {
    /// What went wrong in the page's language. What the browser or the parser says is theirs.
    pub fn line(&self) -> Line {
        match self {
            Self::Status { file, status } => Line::new("fetch.status")
                .with("file", file.as_str())
                .with("status", status.to_string()),
            Self::Network { file, reason } => Line::new("fetch.network")
                .with("file", file.as_str())
                .with("reason", reason.as_str()),
            Self::Json { file, source } => Line::new("fetch.json")
                .with("file", file.as_str())
                .with("reason", source.to_string()),
        }
    }
}

/// The bytes of `file`; `progress` is told the number of bytes so far.
pub async fn bytes(file: &str, progress: impl FnMut(f64)) -> Result<Uint8Array, FetchError> {
    let answer = ask(file, None);
    read(answer, progress)
        .await
        .map_err(|problem| problem.at(file))
}

/// The bytes of `file`, given up after `patience` milliseconds. The request is sent when this function is called, before
/// anything is awaited.
pub fn bytes_within(
    file: &str,
    patience: u32,
) -> impl Future<Output = Result<Uint8Array, FetchError>> + use<> {
    let answer = ask(file, Some(&AbortSignal::timeout_with_u32(patience)));
    let file = file.to_string();
    async move {
        read(answer, |_| {})
            .await
            .map_err(|problem| problem.at(&file))
    }
}

/// `bytes` as JSON; `file` is named in the error.
pub fn json<T: serde::de::DeserializeOwned>(
    file: &str,
    bytes: &Uint8Array,
) -> Result<T, FetchError> {
    let bytes = bytes.to_vec();
    serde_json::from_str(&String::from_utf8_lossy(&bytes)).map_err(|source| FetchError::Json {
        file: file.into(),
        source,
    })
}

enum Problem {
    Status(u16),
    Thrown(JsValue),
}

impl Problem {
    fn at(self, file: &str) -> FetchError {
        // Without the hash that keeps caches honest.
        let file = file.split('?').next().unwrap_or(file);
        match self {
            Self::Status(status) => FetchError::Status {
                file: file.into(),
                status,
            },
            Self::Thrown(value) => FetchError::Network {
                file: file.into(),
                reason: wire::describe(&value),
            },
        }
    }
}

impl From<JsValue> for Problem {
    fn from(value: JsValue) -> Self {
        Self::Thrown(value)
    }
}

/// Sends the request for `file`, unless that has been done ahead.
fn ask(file: &str, signal: Option<&AbortSignal>) -> Promise {
    if let Some(answer) = boot::file(file) {
        return answer;
    }
    let init = RequestInit::new();
    init.set_signal(signal);
    if file.ends_with(".json") {
        // Small, and they say what else is fetched: the server is asked whether they are still the same.
        init.set_cache(RequestCache::NoCache);
    }
    window().fetch_with_str_and_init(file, &init)
}

async fn read(answer: Promise, mut progress: impl FnMut(f64)) -> Result<Uint8Array, Problem> {
    let response: Response = JsFuture::from(answer).await?.dyn_into()?;
    if !response.ok() {
        return Err(Problem::Status(response.status()));
    }
    let Some(body) = response.body() else {
        let buffer = JsFuture::from(response.array_buffer()?).await?;
        return Ok(Uint8Array::new(&buffer));
    };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    let mut chunks: Vec<Uint8Array> = Vec::new();
    let mut total: u32 = 0;
    loop {
        let step = JsFuture::from(reader.read()).await?;
        if Reflect::get(&step, &"done".into())?.is_truthy() {
            break;
        }
        let chunk: Uint8Array = Reflect::get(&step, &"value".into())?.dyn_into()?;
        total += chunk.length();
        chunks.push(chunk);
        progress(f64::from(total));
    }
    let whole = Uint8Array::new_with_length(total);
    let mut offset = 0;
    for chunk in chunks {
        whole.set(&chunk, offset);
        offset += chunk.length();
    }
    Ok(whole)
}
