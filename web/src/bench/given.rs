//! What the page gives the workbench.

use super::function;
use crate::engine_client::copy;
use crate::intake::Dropped;
use crate::model::Manifest;
use crate::study::At;
use js_sys::{Array, Function, Reflect, Uint8Array};
use scanlight_engine::protocol::EngineKind;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

/// Everything that the page hands over.
pub struct Given {
    /// The view's name.
    pub view: String,
    /// The files to work on. Nothing of them has been read.
    pub files: Vec<Dropped>,
    /// The model.
    pub bundle: Bundle,
    /// The engine to run.
    pub kind: EngineKind,
    /// The tag of the language in use.
    pub language: String,
    /// The bytes of its catalogue; none for English.
    pub catalogue: Option<Uint8Array>,
    /// What the page does for the workbench.
    pub page: Page,
    /// All of it, with what only one view needs: see [`Given::more`].
    pub whole: JsValue,
}

/// The model in use.
#[derive(Clone)]
pub struct Bundle {
    /// The manifest as it was fetched.
    pub manifest: Uint8Array,
    /// The weights.
    pub weights: Uint8Array,
    /// The manifest, read.
    pub facts: Manifest,
}

/// What the page does when it is asked.
#[derive(Clone)]
pub struct Page {
    count: Function,
    asks: Function,
    begin: Function,
    open: Function,
    leave: Function,
    use_bundle: Function,
    failed: Function,
}

impl Given {
    /// Reads what the page's `workbench::payload` wrote.
    pub fn read(given: &JsValue) -> Result<Self, String> {
        let field = |name: &str| Reflect::get(given, &name.into()).unwrap_or(JsValue::UNDEFINED);
        let text = |name: &str| {
            field(name)
                .as_string()
                .ok_or_else(|| format!("the page gave no {name}"))
        };
        let bytes = |name: &str| field(name).dyn_into::<Uint8Array>().ok();
        let manifest = bytes("manifest").ok_or("the page gave no manifest")?;
        let facts = serde_json::from_str(&String::from_utf8_lossy(&manifest.to_vec()))
            .map_err(|error| format!("the manifest cannot be read: {error}"))?;
        let files: Array = field("files").dyn_into().unwrap_or_default();
        Ok(Self {
            view: text("view")?,
            files: files
                .iter()
                .filter_map(|file| Dropped::from_js(&file))
                .collect(),
            bundle: Bundle {
                weights: bytes("weights").ok_or("the page gave no weights")?,
                manifest,
                facts,
            },
            kind: if text("engine")? == "webgpu" {
                EngineKind::Webgpu
            } else {
                EngineKind::Cpu
            },
            language: text("language")?,
            catalogue: bytes("catalogue"),
            page: Page {
                count: function(given, "count")?,
                asks: function(given, "asks")?,
                begin: function(given, "begin")?,
                open: function(given, "open")?,
                leave: function(given, "leave")?,
                use_bundle: function(given, "use")?,
                failed: function(given, "failed")?,
            },
            whole: given.clone(),
        })
    }

    /// What the page gave this view under `name`.
    pub fn more(&self, name: &str) -> Option<JsValue> {
        let value = Reflect::get(&self.whole, &name.into()).ok()?;
        (!value.is_undefined()).then_some(value)
    }

    /// What the page gave this view under `name`, written as JSON.
    pub fn read_more<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(&self.more(name)?.as_string()?).ok()
    }
}

impl Page {
    /// A worker of the workbench has made so many more requests.
    pub fn count(&self, more: u32) {
        call(&self.count, &[more.into()]);
    }

    /// So many requests follow that the visitor asked for.
    pub fn asks(&self, more: usize) {
        call(
            &self.asks,
            &[JsValue::from(u32::try_from(more).unwrap_or(u32::MAX))],
        );
    }

    /// The next thing that happens is that a file is read: from now on there shall be no requests.
    pub fn begin(&self) {
        call(&self.begin, &[]);
    }

    /// Open files that belong together in the reading room: a picture, or what `at` is a slice of.
    pub fn open(&self, files: &[Dropped], at: Option<At>) {
        let files: Array = files.iter().map(Dropped::to_js).collect();
        // Nothing in it can fail to be written.
        let at = at.and_then(|at| serde_json::to_string(&at).ok());
        let at = at.map_or(JsValue::UNDEFINED, JsValue::from);
        call(&self.open, &[files.into(), at]);
    }

    /// The visitor leaves the view.
    pub fn leave(&self) {
        call(&self.leave, &[]);
    }

    /// Answer with another bundle from now on: its manifest and its weights. Says whether the page can change just now.
    pub fn use_bundle(&self, manifest: &Uint8Array, weights: &Uint8Array) -> bool {
        let copies = [manifest, weights].map(copy);
        let [manifest, weights] = copies;
        match self.use_bundle.call2(&JsValue::NULL, &manifest, &weights) {
            Ok(taken) => taken.is_truthy(),
            Err(error) => {
                web_sys::console::error_1(&error);
                false
            }
        }
    }

    /// The workbench has broken down.
    pub fn failed(&self, message: &str) {
        call(&self.failed, &[message.into()]);
    }
}

fn call(function: &Function, values: &[JsValue]) {
    let values: Array = values.iter().collect();
    if let Err(error) = function.apply(&JsValue::NULL, &values) {
        web_sys::console::error_1(&error);
    }
}
