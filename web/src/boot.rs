//! What `web/boot.js`, which runs before this program is there, has begun and knows how to do.

use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use scanlight_engine::protocol::EngineKind;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{File, FileSystemEntry, Worker};

/// An engine that was started ahead.
pub struct Ahead {
    /// Its worker.
    pub worker: Worker,
    /// The address it was started from, to be revoked.
    pub source: String,
    /// What it has said so far: messages, or the text of an error.
    pub heard: Array,
    /// The published model that it was given.
    pub loaded: Option<String>,
}

/// The engine that was started ahead, once, if it is of this kind. One of another kind is ended.
pub fn engine(kind: EngineKind) -> Option<Ahead> {
    let word = match kind {
        EngineKind::Cpu => "cpu",
        EngineKind::Webgpu => "webgpu",
    };
    let found = call("engine", &[word.into()]).ok()?;
    let field = |name: &str| Reflect::get(&found, &name.into()).ok();
    Some(Ahead {
        worker: field("worker")?.dyn_into().ok()?,
        source: field("source")?.as_string()?,
        heard: field("heard")?.dyn_into().ok()?,
        loaded: field("loaded").and_then(|id| id.as_string()),
    })
}

/// The answer to a request for `file` that was made ahead, once.
pub fn file(file: &str) -> Option<Promise> {
    call("file", &[file.into()]).ok()?.dyn_into().ok()
}

/// What was dropped before the page's program listened: the browser's entries, and the files. From now on it listens.
pub fn dropped() -> Option<(Vec<FileSystemEntry>, Vec<File>)> {
    let found: Array = call("dropped", &[]).ok()?.dyn_into().ok()?;
    let entries: Array = found.get(0).dyn_into().ok()?;
    let files: Array = found.get(1).dyn_into().ok()?;
    Some((
        entries.iter().map(JsCast::unchecked_into).collect(),
        files.iter().map(JsCast::unchecked_into).collect(),
    ))
}

/// All bytes of a file: those that are being read already, or from now on.
pub fn bytes(file: &File) -> Promise {
    call("bytes", &[file.into()])
        .and_then(JsCast::dyn_into)
        .unwrap_or_else(|_| file.array_buffer())
}

/// WebGPU's adapter, or null: the one that was asked for at the start, then others.
pub fn adapter() -> Option<Promise> {
    call("adapter", &[]).ok()?.dyn_into().ok()
}

/// Whether an adapter is a program on the CPU.
pub fn is_software(adapter: &JsValue) -> bool {
    call("isSoftware", std::slice::from_ref(adapter)).is_ok_and(|answer| answer.is_truthy())
}

/// A `blob:` address of a script that starts the program `wasm` through its JavaScript `module`.
pub fn loader(module: &str, wasm: &str) -> Result<String, JsValue> {
    let address = call("loader", &[module.into(), wasm.into()])?;
    address.as_string().ok_or(address)
}

/// The JavaScript module of a program that is not a worker's, begun from its bytes. One that has broken down `again`
/// times is another one.
pub fn program(name: &str, bytes: &Uint8Array, again: u32) -> Result<Promise, JsValue> {
    call("program", &[name.into(), bytes.into(), again.into()])?.dyn_into()
}

fn call(name: &str, values: &[JsValue]) -> Result<JsValue, JsValue> {
    let boot = Reflect::get(&js_sys::global(), &"scanlight".into())?;
    let function: Function = Reflect::get(&boot, &name.into())?.dyn_into()?;
    function.apply(&boot, &values.iter().collect::<Array>())
}
