//! The page's side of the workbench ([`crate::bench`]): fetching its program when it is asked for, giving it what it
//! needs, and taking it away again.

mod host;

pub use host::WorkbenchHost;

use crate::boot;
use crate::fetch;
use crate::intake::{self, Dropped};
use crate::language::{self, Line};
use crate::offline;
use crate::requests;
use crate::state::{Desk, Opened, Phase};
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::EngineKind;
use scanlight_engine::wire;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// The program's name, of which its files' are made.
const PROGRAM: &str = "scanlight-workbench";

/// The views that the page can ask for: each is an arm of `bench::show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A table of several pictures.
    Batch,
    /// How well the model does on a folder with one folder per class.
    Evaluate,
    /// The last layer of the model, trained further on a few scans of one's own.
    Personalise,
}

impl View {
    /// The name that the workbench knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Evaluate => "evaluate",
            Self::Personalise => "personalise",
        }
    }

    /// The key of its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Batch => "bench.batch",
            Self::Evaluate => "bench.evaluate",
            Self::Personalise => "bench.personalise",
        }
    }
}

/// Where the workbench stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Not asked for.
    Closed,
    /// Its program is on its way.
    Fetching,
    /// It is shown.
    Open,
    /// It cannot be.
    Failed(Line),
}

/// The workbench. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Workbench {
    /// Where it stands.
    pub stage: RwSignal<Stage>,
    /// The view that was asked for last.
    pub view: RwSignal<View>,
    /// Bytes of the program so far.
    pub fetched: RwSignal<f64>,
    /// The element that it is mounted in.
    pub element: NodeRef<Div>,
    inner: StoredValue<Inner, LocalStorage>,
}

/// What no view reads.
#[derive(Default)]
struct Inner {
    module: Option<JsValue>,
    /// Counts what was asked for: what was asked for before is ignored.
    asked: u32,
    /// Programs that have broken down.
    broken: u32,
    waiting: Option<Vec<Dropped>>,
    /// What the running view calls.
    calls: Vec<Box<dyn std::any::Any>>,
}

impl Workbench {
    /// Closed. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            stage: RwSignal::new(Stage::Closed),
            view: RwSignal::new(View::Batch),
            fetched: RwSignal::new(0.0),
            element: NodeRef::new(),
            inner: StoredValue::new_local(Inner::default()),
        }
    }

    fn update<T>(self, change: impl FnOnce(&mut Inner) -> T) -> Option<T> {
        self.inner.try_update_value(change)
    }

    fn is_current(self, asked: u32) -> bool {
        self.inner.try_with_value(|inner| inner.asked) == Some(asked)
    }
}

impl Desk {
    /// Shows a view of the workbench with these files, in place of what it shows. They wait for the model if need be.
    pub fn open_workbench(self, view: View, files: Vec<Dropped>) {
        let bench = self.workbench;
        self.close_workbench();
        self.alert.set(None);
        bench.view.set(view);
        bench.stage.set(Stage::Fetching);
        bench.update(|inner| inner.waiting = Some(files));
        self.workbench_on();
    }

    /// Goes on with what was asked for, once the model is there.
    fn workbench_on(self) {
        let bench = self.workbench;
        let ready = matches!(
            *self.phase.read_untracked(),
            Phase::Ready | Phase::Working(_)
        );
        if !ready || bench.stage.get_untracked() != Stage::Fetching {
            return;
        }
        let asked = bench.update(|inner| {
            inner.asked += 1;
            (inner.asked, inner.module.clone())
        });
        let Some((asked, module)) = asked else { return };
        spawn_local(async move {
            let program = match module {
                Some(module) => Ok(module),
                None => self.fetch_program().await,
            };
            if !bench.is_current(asked) {
                return;
            }
            let shown = match program {
                Ok(module) => {
                    bench.update(|inner| inner.module = Some(module.clone()));
                    self.mount(&module)
                }
                Err(line) => Err(line),
            };
            bench.stage.set(match shown {
                Ok(()) => Stage::Open,
                Err(line) => Stage::Failed(line),
            });
        });
    }

    /// Tries again after the program could not be had.
    fn retry_workbench(self) {
        self.workbench.stage.set(Stage::Fetching);
        self.workbench.update(|inner| inner.broken += 1);
        self.workbench_on();
    }

    /// Takes the workbench away, with all that it holds.
    pub fn close_workbench(self) {
        let bench = self.workbench;
        let module = bench.update(|inner| {
            inner.asked += 1;
            inner.waiting = None;
            inner.module.clone()
        });
        if let (Some(Some(module)), Stage::Open) = (module, bench.stage.get_untracked()) {
            report(call(&module, "close", &[]));
        }
        bench.update(|inner| inner.calls.clear());
        bench.stage.set(Stage::Closed);
    }

    /// The program, run: it has been mounted nowhere yet.
    async fn fetch_program(self) -> Result<JsValue, Line> {
        let bench = self.workbench;
        bench.fetched.set(0.0);
        let version = offline::version().unwrap_or_default();
        let file = format!("{PROGRAM}_bg.wasm?version={version}");
        let bytes = fetch::bytes(&file, |count| bench.fetched.set(count))
            .await
            .map_err(|error| error.line())?;
        let broken = bench.inner.with_value(|inner| inner.broken);
        let failed =
            |error: JsValue| Line::new("bench.broken").with("reason", wire::describe(&error));
        let program = boot::program(PROGRAM, &bytes, broken).map_err(failed)?;
        JsFuture::from(program).await.map_err(failed)
    }

    fn mount(self, module: &JsValue) -> Result<(), Line> {
        let failed =
            |error: JsValue| Line::new("bench.broken").with("reason", wire::describe(&error));
        let element = self
            .workbench
            .element
            .get_untracked()
            .ok_or_else(|| Line::new("bench.broken").with("reason", "no element"))?;
        let files = self.workbench.update(|inner| inner.waiting.take());
        let payload = self
            .payload(&files.flatten().unwrap_or_default())
            .map_err(failed)?;
        call(module, "mount", &[element.into(), payload]).map_err(failed)
    }

    /// What `bench::given::Given` reads.
    fn payload(self, files: &[Dropped]) -> Result<JsValue, JsValue> {
        let payload = Object::new();
        let set =
            |name: &str, value: JsValue| Reflect::set(&payload, &name.into(), &value).map(|_| ());
        let files: Array = files
            .iter()
            .map(|file| Array::of2(&file.path.as_str().into(), &file.file))
            .collect();
        let Some([manifest, weights]) = self.bundle_bytes() else {
            return Err(JsValue::from_str("the model is not there"));
        };
        let (code, catalogue) = language::source();
        let engine = match self.kind.get_untracked() {
            Some(EngineKind::Webgpu) => "webgpu",
            _ => "cpu",
        };
        set("view", self.workbench.view.get_untracked().word().into())?;
        set("files", files.into())?;
        set("manifest", manifest.into())?;
        set("weights", weights.into())?;
        set("engine", engine.into())?;
        set("language", code.into())?;
        set(
            "catalogue",
            catalogue.map_or(JsValue::UNDEFINED, Uint8Array::into),
        )?;
        set(
            "count",
            self.keep(Closure::<dyn FnMut(u32)>::new(move |more| {
                self.count_others_requests(more);
            })),
        )?;
        set(
            "begin",
            self.keep(Closure::<dyn FnMut()>::new(move || self.begin_workbench())),
        )?;
        set(
            "open",
            self.keep(Closure::<dyn FnMut(String, File)>::new(
                move |path: String, file: File| {
                    intake::open_one(self, Dropped { path, file });
                },
            )),
        )?;
        set(
            "use",
            self.keep(Closure::<dyn FnMut(Uint8Array, Uint8Array) -> bool>::new(
                move |manifest: Uint8Array, weights: Uint8Array| {
                    let may = self.may_change();
                    self.use_own(manifest, weights);
                    may
                },
            )),
        )?;
        set(
            "failed",
            self.keep(Closure::<dyn FnMut(String)>::new(move |message: String| {
                // In a task of its own: this was called by what is to be taken away.
                spawn_local(async move {
                    self.workbench.update(|inner| {
                        inner.module = None;
                        inner.broken += 1;
                    });
                    self.workbench.stage.set(Stage::Failed(
                        Line::new("bench.broken").with("reason", message),
                    ));
                });
            })),
        )?;
        Ok(payload.into())
    }

    /// Keeps what the view calls for as long as it is shown.
    fn keep<T: ?Sized + 'static>(self, call: Closure<T>) -> JsValue {
        let function = call.as_ref().clone();
        self.workbench
            .update(|inner| inner.calls.push(Box::new(call)));
        function
    }

    /// From now on there shall be no requests: a file is about to be read.
    fn begin_workbench(self) {
        offline::hold();
        self.opened.set(Some(Opened {
            at: requests::now(),
            worker_requests: self.worker_requests.get_untracked(),
        }));
    }

    /// Tells an open view of another language.
    fn speak_to_workbench(self) {
        let module = self
            .workbench
            .inner
            .with_value(|inner| inner.module.clone());
        if let (Some(module), Stage::Open) = (module, self.workbench.stage.get_untracked()) {
            let (code, catalogue) = language::source();
            let catalogue = catalogue.map_or(JsValue::UNDEFINED, Uint8Array::into);
            report(call(&module, "speak", &[code.into(), catalogue]));
        }
    }
}

fn call(module: &JsValue, name: &str, values: &[JsValue]) -> Result<(), JsValue> {
    let function: Function = Reflect::get(module, &name.into())?.dyn_into()?;
    function
        .apply(&JsValue::UNDEFINED, &values.iter().collect::<Array>())
        .map(|_| ())
}

fn report(result: Result<(), JsValue>) {
    if let Err(error) = result {
        web_sys::console::error_1(&error);
    }
}
