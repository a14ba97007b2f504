//! The page's side of the workbench ([`crate::bench`]): fetching its program when it is asked for, giving it what it
//! needs, and taking it away again.

mod ask;
mod host;

pub use host::WorkbenchHost;

use crate::boot;
use crate::fetch;
use crate::focus;
use crate::intake::{self, Dropped};
use crate::language::{self, Line};
use crate::links;
use crate::offline;
use crate::state::{Desk, Opened, Phase};
use crate::study::At;
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use leptos::html::Div;
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::EngineKind;
use scanlight_engine::wire;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;

/// The program's name, of which its files' are made.
const PROGRAM: &str = "scanlight-workbench";

/// The views that the page can ask for: each is an arm of `bench::show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// A table of several pictures.
    Batch,
    /// How well the model does on a folder with one folder per class.
    Evaluate,
    /// The last answer on one page, to print or to keep.
    Report,
    /// Two models on one scan.
    Compare,
    /// Cases to guess.
    Lesson,
    /// The last layer of the model, trained further on a few scans of one's own.
    Personalise,
}

impl View {
    /// The name that the workbench knows it by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Evaluate => "evaluate",
            Self::Report => "report",
            Self::Compare => "compare",
            Self::Lesson => "lesson",
            Self::Personalise => "personalise",
        }
    }

    /// The key of its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Batch => "bench.batch",
            Self::Evaluate => "bench.evaluate",
            Self::Report => "bench.report",
            Self::Compare => "bench.compare",
            Self::Lesson => "bench.lesson",
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
    /// Counts the rows of tables that were opened in the reading room.
    pub visits: RwSignal<u32>,
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
    /// The button that was pressed for the view: it has the focus again when that is closed.
    opener: Option<HtmlElement>,
    /// When the view began with a file: what the page had open before, and that moment.
    began: Option<(Option<Opened>, Opened)>,
    /// Programs that have broken down.
    broken: u32,
    wanted: Option<Wanted>,
    /// What the running view calls.
    calls: Vec<Box<dyn std::any::Any>>,
}

/// What the view that was asked for works on.
#[derive(Clone, Default)]
struct Wanted {
    files: Vec<Dropped>,
    /// What only this view needs, by the names that it reads it by.
    more: Vec<(&'static str, JsValue)>,
}

impl Workbench {
    /// Closed. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            stage: RwSignal::new(Stage::Closed),
            view: RwSignal::new(View::Batch),
            fetched: RwSignal::new(0.0),
            visits: RwSignal::new(0),
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
        self.clear_workbench(view);
        self.open_view(Wanted {
            files,
            more: Vec::new(),
        });
    }

    /// Makes room for a view, whose place says that it is on its way.
    fn clear_workbench(self, view: View) {
        let bench = self.workbench;
        let opener = document()
            .active_element()
            .filter(|element| {
                element.tag_name() == "BUTTON"
                    && element.closest(".bench").is_ok_and(|bench| bench.is_none())
            })
            .and_then(|element| element.dyn_into::<HtmlElement>().ok());
        bench.update(|inner| inner.opener = opener);
        self.close_workbench();
        self.alert.set(None);
        bench.view.set(view);
        bench.visits.set(0);
        bench.stage.set(Stage::Fetching);
    }

    /// Shows the view that room was made for.
    fn open_view(self, wanted: Wanted) {
        self.workbench.update(|inner| inner.wanted = Some(wanted));
        self.workbench_on();
    }

    /// Begins the lesson of this id, or lets the visitor choose one of this site's.
    pub fn open_lesson(self, id: Option<&str>) {
        self.clear_workbench(View::Lesson);
        self.open_view(Wanted {
            // Without an id: one of the site's is yet to be chosen.
            more: id.map(|id| ("lesson", id.into())).into_iter().collect(),
            ..Wanted::default()
        });
    }

    /// Takes a lesson away, which covers the page: something else is to be seen there.
    pub fn leave_lesson(self) {
        let bench = self.workbench;
        let shown = bench.stage.with_untracked(|stage| *stage != Stage::Closed);
        if shown && bench.view.get_untracked() == View::Lesson {
            self.close_workbench();
        }
    }

    /// Goes on with what was asked for, once the model is there.
    fn workbench_on(self) {
        let bench = self.workbench;
        let ready = matches!(
            *self.phase.read_untracked(),
            Phase::Ready | Phase::Working(_)
        );
        let wanted = bench.inner.with_value(|inner| inner.wanted.is_some());
        if !(ready && wanted) || bench.stage.get_untracked() != Stage::Fetching {
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

    /// Shows these files as a table, volumes and series among them.
    pub fn open_table(self, files: Vec<Dropped>) {
        self.clear_workbench(View::Batch);
        self.open_view(Wanted {
            files,
            more: vec![("studies", true.into())],
        });
    }

    /// Whether a table is there to come back to. Follows it.
    pub fn has_table(self) -> bool {
        let bench = self.workbench;
        let table = matches!(*bench.view.read(), View::Batch | View::Evaluate);
        table && *bench.stage.read() == Stage::Open
    }

    /// Opens what a row of the table is about: `at` is the slice, of files that the reader reads.
    fn open_row(self, files: Vec<Dropped>, at: Option<String>) {
        match at.map(|at| serde_json::from_str::<At>(&at)) {
            Some(Ok(at)) => intake::open_at(self, files, at),
            Some(Err(error)) => report(Err(error.to_string().into())),
            None => files
                .into_iter()
                .for_each(|file| intake::open_one(self, file)),
        }
        self.workbench.visits.update(|visits| *visits += 1);
    }

    /// Back to the row of the table that was opened last, or to the table's heading.
    pub fn back_to_table(self) {
        let row = document().query_selector(".answers tr[aria-current] .open-row");
        let row = row.ok().flatten();
        let found = row.or_else(|| document().get_element_by_id("bench-title"));
        if let Some(found) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            // Without it the focus stays where it was: a nuisance, no failure.
            let _ = found.focus();
            found.scroll_into_view();
        }
    }

    /// Takes the workbench away, with all that it holds.
    pub fn close_workbench(self) {
        let bench = self.workbench;
        let module = bench.update(|inner| {
            inner.asked += 1;
            inner.wanted = None;
            inner.module.clone()
        });
        if bench.view.get_untracked() == View::Lesson {
            links::keep_lesson(None);
        }
        if let (Some(Some(module)), Stage::Open) = (module, bench.stage.get_untracked()) {
            report(call(&module, "close", &[]));
        }
        bench.update(|inner| inner.calls.clear());
        // The page's own file is what counts again, with all that was asked for meanwhile.
        if let Some(Some((before, began))) = bench.update(|inner| inner.began.take())
            && self.opened.get_untracked() == Some(began)
            && self.outcome.read_untracked().is_some()
        {
            self.opened.set(before);
        }
        bench.stage.set(Stage::Closed);
    }

    /// The visitor has had enough of it. The focus goes back to where a lesson is opened.
    fn dismiss_workbench(self) {
        let opener = self.workbench.update(|inner| inner.opener.take()).flatten();
        self.close_workbench();
        if let Some(opener) = opener.filter(|opener| opener.is_connected()) {
            request_animation_frame(move || {
                // Without it the focus is at the top of the page: a nuisance, no failure.
                let _ = opener.focus();
            });
            return;
        }
        if self.workbench.view.get_untracked() == View::Lesson {
            request_animation_frame(|| focus::give("#open-lesson"));
        }
    }

    /// The program, run: it has been mounted nowhere yet.
    async fn fetch_program(self) -> Result<JsValue, Line> {
        let bench = self.workbench;
        bench.fetched.set(0.0);
        let version = offline::version().unwrap_or_default();
        let file = format!("{PROGRAM}_bg.wasm?version={version}");
        // The counter of requests tells these two, the program and its script, from any that nobody asked for.
        self.ask_for(2);
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
        let wanted = self
            .workbench
            .inner
            .with_value(|inner| inner.wanted.clone())
            .unwrap_or_default();
        let payload = self.payload(&wanted).map_err(failed)?;
        call(module, "mount", &[element.into(), payload]).map_err(failed)
    }

    /// What `bench::given::Given` reads.
    fn payload(self, wanted: &Wanted) -> Result<JsValue, JsValue> {
        let payload = Object::new();
        let set =
            |name: &str, value: JsValue| Reflect::set(&payload, &name.into(), &value).map(|_| ());
        for (name, value) in &wanted.more {
            set(name, value.clone())?;
        }
        let files: Array = wanted.files.iter().map(Dropped::to_js).collect();
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
                // A worker of the workbench fetches its program, for what somebody asked for.
                self.ask_for(more);
            })),
        )?;
        set(
            "asks",
            self.keep(Closure::<dyn FnMut(u32)>::new(move |more: u32| {
                // The browser's record has the requests; these are the ones that somebody asked for.
                self.ask_for(more);
            })),
        )?;
        set(
            "begin",
            self.keep(Closure::<dyn FnMut()>::new(move || self.begin_workbench())),
        )?;
        set(
            "open",
            self.keep(Closure::<dyn FnMut(Array, JsValue)>::new(
                move |files: Array, at: JsValue| {
                    let files: Vec<Dropped> = files
                        .iter()
                        .filter_map(|file| Dropped::from_js(&file))
                        .collect();
                    self.open_row(files, at.as_string());
                },
            )),
        )?;
        set(
            "leave",
            self.keep(Closure::<dyn FnMut()>::new(move || {
                // In a task of its own: this was called by what is to be taken away.
                spawn_local(async move { self.dismiss_workbench() });
            })),
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
        let now = self.opened_now();
        let before = self.opened.get_untracked();
        self.workbench.update(|inner| {
            // Of what the view opens one after another only the first has the page's own file before it.
            let before = inner.began.take().map_or(before, |(first, _)| first);
            inner.began = Some((before, now));
        });
        self.opened.set(Some(now));
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
