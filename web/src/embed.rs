//! The page inside another one: `?embed`. It speaks with the page around it by `postMessage`, and with no other.
//!
//! Whom it speaks with is settled once, at the start: the origin that `?origin=` names, else the one that the browser
//! gives as the referrer. Where neither is known, nothing is sent and nothing is heard: there is no `*`. Pixels,
//! and the names of files, are never sent.

mod message;

use crate::language::Line;
use crate::links::{Wish, sample_id};
use crate::options::{self, Controls};
use crate::session::Input;
use crate::state::{Desk, Name, Phase};
use js_sys::{ArrayBuffer, Function, JSON, Reflect, Uint8Array};
use leptos::ev;
use leptos::prelude::*;
use leptos::task::spawn_local;
use message::{Ask, Said};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, MessageEvent, Url, UrlSearchParams, Window};

#[wasm_bindgen]
extern "C" {
    type ResizeObserver;
    #[wasm_bindgen(constructor)]
    fn new(callback: &Function) -> ResizeObserver;
    #[wasm_bindgen(method)]
    fn observe(this: &ResizeObserver, target: &web_sys::Element);
}

/// The page around this one.
#[derive(Clone)]
struct Host {
    window: Window,
    origin: String,
}

impl Host {
    /// The page around this one, if there is one and its origin is known.
    fn find(named: Option<&str>) -> Option<Self> {
        let here = window();
        let around = here.parent().ok().flatten()?;
        if JsValue::from(around.clone()) == JsValue::from(here) {
            return None;
        }
        let referrer = document().referrer();
        let address = named.unwrap_or(&referrer);
        let origin = Url::new(address).ok()?.origin();
        // A page without an origin of its own says "null", and so does every other such page.
        (origin != "null").then_some(Self {
            window: around,
            origin,
        })
    }

    fn say(&self, said: &Said) {
        let sent = serde_json::to_string(said)
            .ok()
            .and_then(|text| JSON::parse(&text).ok())
            .map(|value| self.window.post_message(&value, &self.origin));
        if let Some(Err(error)) = sent {
            web_sys::console::warn_1(&error);
        }
    }

    fn is_from(&self, event: &MessageEvent) -> bool {
        let source = Reflect::get(event, &"source".into()).unwrap_or_default();
        event.origin() == self.origin && source == JsValue::from(self.window.clone())
    }
}

/// Makes the page one that lies in another, where the address asks for it. Call once [`crate::links`] is at work.
pub fn start(desk: Desk) {
    let options = options::from_address();
    if !options.embed {
        return;
    }
    if let Some(root) = document().document_element() {
        let controls = match options.controls {
            Controls::Full => "full",
            Controls::Basic => "basic",
            Controls::None => "none",
        };
        let _ = root.set_attribute("data-embed", controls);
    }
    let Some(host) = Host::find(options.origin.as_deref()) else {
        return;
    };
    listen(desk, &host);
    tell(desk, &host);
    measure(host);
}

/// Tells the host how things stand, whenever they change.
fn tell(desk: Desk, host: &Host) {
    let speaker = host.clone();
    let greeted = StoredValue::new(false);
    Effect::new(move |_| {
        let phase = desk.phase.get();
        match &phase {
            Phase::Ready if !greeted.get_value() => {
                greeted.set_value(true);
                let samples = desk.samples.with_untracked(|samples| {
                    let ids = samples.iter().map(|sample| sample_id(&sample.entry).into());
                    ids.collect()
                });
                speaker.say(&Said::ready(model(desk), samples));
            }
            Phase::Failed(line) => speaker.say(&Said::error(line.key())),
            _ => speaker.say(&Said::progress(phase.word())),
        }
    });
    let speaker = host.clone();
    Effect::new(move |_| {
        if let Some(outcome) = desk.outcome.get() {
            speaker.say(&Said::result(&outcome, model(desk)));
        }
    });
    let speaker = host.clone();
    Effect::new(move |_| {
        // Only the key: the words may hold a file's name.
        if let Some(line) = desk.alert.get() {
            speaker.say(&Said::error(line.key()));
        }
    });
}

fn model(desk: Desk) -> Option<String> {
    desk.model
        .with_untracked(|model| model.as_ref().map(|model| model.id.clone()))
}

/// Does what the host asks.
fn listen(desk: Desk, host: &Host) {
    let wish = use_context::<Wish>();
    let host = host.clone();
    let handle = window_event_listener(ev::message, move |event: MessageEvent| {
        if !host.is_from(&event) {
            return;
        }
        match message::read(&event.data()) {
            Ok(None) => {}
            Ok(Some(Ask::Open { name, bytes })) => {
                spawn_local(async move { open(desk, name, bytes).await });
            }
            Ok(Some(Ask::Sample(id))) => {
                if !desk.open_sample(&id) {
                    desk.complain(Line::new("links.no_sample"));
                }
            }
            Ok(Some(Ask::Model(id))) => choose(&id),
            Ok(Some(Ask::Method(method))) => {
                if let Some(Wish(wish)) = wish {
                    wish.set(Some(method));
                }
            }
            Ok(Some(Ask::Class(name))) => desk.show_class(&name),
            Err(code) => host.say(&Said::error(code)),
        }
    });
    on_cleanup(move || handle.remove());
}

/// Loads the page anew with another model. The address of a host's own choosing holds nothing of a scan.
fn choose(id: &str) {
    let location = window().location();
    let search = location.search().unwrap_or_default();
    if let Ok(parameters) = UrlSearchParams::new_with_str(&search) {
        parameters.set("model", id);
        let _ = location.set_search(&String::from(parameters.to_string()));
    }
}

async fn open(desk: Desk, name: String, bytes: JsValue) {
    let buffer = match bytes.dyn_into::<Blob>() {
        Ok(blob) => match JsFuture::from(blob.array_buffer()).await {
            Ok(buffer) => buffer,
            Err(_) => return desk.complain(Line::new("embed.unreadable").with("name", name)),
        },
        Err(bytes) => bytes,
    };
    match buffer.dyn_into::<ArrayBuffer>() {
        Ok(buffer) => desk.open(Input::new(Name::File(name), Uint8Array::new(&buffer))),
        Err(_) => desk.complain(Line::new("embed.unreadable").with("name", name)),
    }
}

/// Tells the host how high the page is, so that it can make room.
fn measure(host: Host) {
    let Some(body) = document().body() else {
        return;
    };
    let watched = body.clone();
    let changed = Closure::<dyn FnMut()>::new(move || {
        host.say(&Said::resize(
            watched.get_bounding_client_rect().height().ceil(),
        ));
    });
    ResizeObserver::new(changed.as_ref().unchecked_ref()).observe(&body);
    // As long as the page.
    changed.forget();
}
