//! Links carry state: what the address asks for is shown, and the address follows what is shown. The name of a
//! visitor's own file never gets into it.

use crate::diagnostics::to_clipboard;
use crate::explain::State;
use crate::fetch;
use crate::intake::{self, Dropped};
use crate::language::{Line, tr};
use crate::model::{Choice, SampleEntry};
use crate::options::{self, method_name};
use crate::session::Input;
use crate::state::{Desk, Name, Step};
use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use leptos::task::spawn_local;
use scanlight_engine::protocol::Method;
use scanlight_engine::wire;
use wasm_bindgen::JsValue;
use web_sys::{File, Url, UrlSearchParams};

/// What a sample is called in an address: its file's name without the ending.
pub fn sample_id(entry: &SampleEntry) -> &str {
    entry
        .file
        .rsplit_once('.')
        .map_or(entry.file.as_str(), |(stem, _)| stem)
}

impl Desk {
    /// Opens the sample of this id. Tells whether there is one.
    pub fn open_sample(self, id: &str) -> bool {
        let found = self.samples.with_untracked(|samples| {
            let sample = samples
                .iter()
                .find(|sample| sample_id(&sample.entry) == id)?;
            let bytes = Uint8Array::from(&*sample.bytes);
            Some(Input::new(Name::Sample(sample.entry.clone()), bytes))
        });
        let there = found.is_some();
        if let Some(input) = found {
            self.open(input);
        }
        there
    }

    /// Shows the class of this name, if the last result has it.
    pub fn show_class(self, name: &str) {
        let index = self.outcome.with_untracked(|outcome| {
            let classes = &outcome.as_ref()?.classes;
            classes.iter().position(|class| class == name)
        });
        if let Some(index) = index {
            self.chosen.set(index);
        }
    }
}

/// Shows what the address asks for as soon as it can be shown, then keeps the address up to date.
pub fn keep(desk: Desk) {
    let asked = options::from_address();
    if let Some(id) = asked.lesson {
        desk.with_annex(move |annex| (annex.open_lesson)(desk, Some(&id)));
    }
    let sample = StoredValue::new(asked.sample);
    Effect::new(move |_| {
        desk.samples.track();
        let settled = desk.step.get() == Step::Done;
        let Some(id) = sample.get_value() else { return };
        if desk.open_sample(&id) {
            sample.set_value(None);
        } else if settled {
            sample.set_value(None);
            desk.notice.set(Some(Line::new("links.no_sample")));
        }
    });
    let src = StoredValue::new(asked.src);
    Effect::new(move |_| {
        if desk.step.get() == Step::Done
            && let Some(address) = src.try_update_value(Option::take).flatten()
        {
            spawn_local(async move { open_address(desk, &address).await });
        }
    });
    // Both are of the first result only: the next file is a new question.
    let class = StoredValue::new(asked.class);
    Effect::new(move |_| {
        if desk.outcome.with(Option::is_some)
            && let Some(name) = class.try_update_value(Option::take).flatten()
        {
            desk.show_class(&name);
        }
    });
    let wish = RwSignal::new(None::<Method>);
    let first = StoredValue::new(asked.method);
    Effect::new(move |_| {
        if desk.outcome.with(Option::is_some)
            && let Some(method) = first.try_update_value(Option::take).flatten()
        {
            wish.set(Some(method));
        }
    });
    desk.wishes(wish);
    provide_context(Wish(wish));
    Effect::new(move |_| write(desk));
}

/// Opens the file at an address of the page's own site, as if it had been dropped: the page's policy lets it fetch
/// from nowhere else.
async fn open_address(desk: Desk, address: &str) {
    let here = document().base_uri().ok().flatten().unwrap_or_default();
    let found = Url::new_with_base(address, &here).ok();
    let own = window().location().origin().ok();
    let Some(found) = found.filter(|url| Some(url.origin()) == own) else {
        return desk.complain(Line::new("links.src_elsewhere").with("address", address));
    };
    let bytes = match fetch::bytes(&found.href(), |_| {}).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let line = Line::new("links.src_failed").with("reason", error.line());
            return desk.complain(line);
        }
    };
    let path = file_name(address).to_string();
    match File::new_with_u8_array_sequence(&Array::of1(&bytes), &path) {
        Ok(file) => intake::open_one(desk, Dropped::new(path, file)),
        Err(error) => {
            desk.complain(Line::new("links.src_failed").with("reason", wire::describe(&error)))
        }
    }
}

/// The last part of an address's path.
fn file_name(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// The method that is to be shown as soon as its maps are there.
#[derive(Clone, Copy)]
pub struct Wish(pub RwSignal<Option<Method>>);

impl Desk {
    fn wishes(self, wish: RwSignal<Option<Method>>) {
        Effect::new(move |_| {
            let Some(method) = wish.get() else { return };
            if self.outcome.with(Option::is_none) {
                return;
            }
            match self.explain.state(method).get() {
                State::There(_) => {
                    self.explain.method.set(method);
                    wish.set(None);
                }
                State::Missing => self.want_maps(method),
                State::Failed(_) => wish.set(None),
                _ => {}
            }
        });
    }
}

/// Brings the address up to date with what is shown.
fn write(desk: Desk) {
    let Some(outcome) = desk.outcome.get() else {
        return;
    };
    let method = desk.explain.method.get();
    let chosen = desk.chosen.get();
    // A visitor's own model is nowhere that a link could lead to, and its name is theirs.
    let model = match desk.in_use.get() {
        Some(Choice::Published(id)) => Some(id),
        _ => None,
    };
    let Some(parameters) = parameters() else {
        return;
    };
    let set = |name: &str, value: Option<&str>| match value {
        Some(value) => parameters.set(name, value),
        None => parameters.delete(name),
    };
    set("model", model.as_deref());
    let asked = parameters.get("src");
    let shown = match &outcome.name {
        Name::Sample(entry) => {
            set("sample", Some(sample_id(entry)));
            None
        }
        Name::File(name) | Name::Slice { name, .. } => {
            set("sample", None);
            Some(name.as_str())
        }
    };
    if asked.as_deref().map(file_name) != shown {
        set("src", None);
    }
    set(
        "method",
        Some(method_name(method)).filter(|_| method != Method::GradCam),
    );
    let class = outcome.classes.get(chosen).map(String::as_str);
    set(
        "class",
        class.filter(|_| chosen != outcome.report.predicted),
    );
    replace(&parameters);
}

/// Says in the address which lesson is shown. One that a visitor has brought is nowhere that a link could lead to.
pub fn keep_lesson(id: Option<&str>) {
    let Some(parameters) = parameters() else {
        return;
    };
    match id {
        Some(id) => parameters.set("lesson", id),
        None => parameters.delete("lesson"),
    }
    replace(&parameters);
}

fn replace(parameters: &UrlSearchParams) {
    let hash = window().location().hash().unwrap_or_default();
    let address = format!("?{}{hash}", String::from(parameters.to_string()));
    // Browsers count changes of the address, and refuse too many; most slices of a volume change nothing.
    let now = window().location().search().unwrap_or_default() + &hash;
    if now == address {
        return;
    }
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

fn parameters() -> Option<UrlSearchParams> {
    UrlSearchParams::new_with_str(&window().location().search().ok()?).ok()
}

/// Copies the address.
#[component]
pub fn CopyLink() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        copied.set(false);
        spawn_local(async move {
            let address = window().location().href().unwrap_or_default();
            if to_clipboard(&address).await {
                copied.set(true);
            } else {
                let line = Line::new("links.by_hand").with("address", address);
                desk.notice.set(Some(line));
            }
        });
    };
    view! {
        <button type="button" class="small-button" id="copy-link" on:click=copy>
            {tr("links.copy")}
        </button>
        <span role="status" id="link-copied">
            {move || copied.get().then(tr("links.copied"))}
        </span>
    }
}
