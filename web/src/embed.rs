//! The page inside another one: `?embed`. It speaks with the page around it by `postMessage`, and with no other.
//!
//! Whom it speaks with is settled once, at the start: the origin that `?origin=` names, else the one that the browser
//! gives as the referrer. Where neither is known, nothing is sent and nothing is heard: there is no `*`. Pixels,
//! and the names of files, are never sent.

mod message;

use crate::intake::{self, Dropped};
use crate::language::Line;
use crate::links::{Wish, sample_id};
use crate::model::Choice;
use crate::options::{self, Controls};
use crate::state::{Desk, Phase, Step};
use js_sys::{Array, ArrayBuffer, Function, JSON, Reflect};
use leptos::ev;
use leptos::prelude::*;
use message::{Ask, Said};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, File, MessageEvent, Url, Window};

#[wasm_bindgen]
extern "C" {
    type ResizeObserver;
    #[wasm_bindgen(constructor)]
    fn new(callback: &Function) -> ResizeObserver;
    #[wasm_bindgen(method)]
    fn observe(this: &ResizeObserver, target: &web_sys::Element);
}

/// What is said where the address asks for something that is not there.
const IN_VAIN: [&str; 4] = [
    "options.backend",
    "options.model",
    "links.no_sample",
    "links.no_method",
];

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
        // A file that came early is answered before the samples are there.
        let settled = desk.step.get() == Step::Done;
        match &phase {
            Phase::Ready if !settled => {}
            Phase::Ready if !greeted.get_value() => {
                greeted.set_value(true);
                speaker.say(&Said::ready(model(desk), samples(desk)));
            }
            Phase::Failed(line) => speaker.say(&Said::error(line.key())),
            _ => speaker.say(&Said::progress(phase.word())),
        }
    });
    let speaker = host.clone();
    Effect::new(move |before: Option<Option<Choice>>| {
        let now = desk.in_use.get();
        // Another model than the one that it was ready with.
        if before
            .flatten()
            .is_some_and(|before| now.as_ref() != Some(&before))
            && greeted.get_value()
        {
            speaker.say(&Said::ready(model(desk), samples(desk)));
        }
        now
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
    let speaker = host.clone();
    Effect::new(move |_| {
        // The host wrote the address.
        if let Some(line) = desk.notice.get()
            && IN_VAIN.contains(&line.key())
        {
            speaker.say(&Said::error(line.key()));
        }
    });
}

fn samples(desk: Desk) -> Vec<String> {
    desk.samples.with_untracked(|samples| {
        let ids = samples.iter().map(|sample| sample_id(&sample.entry).into());
        ids.collect()
    })
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
                open(desk, name, &bytes);
            }
            Ok(Some(Ask::Sample(id))) => {
                if !desk.open_sample(&id) {
                    desk.complain(Line::new("links.no_sample"));
                }
            }
            Ok(Some(Ask::Model(id))) => {
                let choice = Choice::Published(id);
                let known = |cards: &Vec<(Choice, _)>| cards.iter().any(|(own, _)| *own == choice);
                if desk.cards.with_untracked(known) {
                    desk.use_model(choice);
                } else {
                    host.say(&Said::error("protocol.model"));
                }
            }
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

/// Opens what the host gives as if it had been dropped: any kind of file that the page reads.
fn open(desk: Desk, path: String, bytes: &JsValue) {
    let parts = Array::of1(bytes);
    let file = if bytes.has_type::<Blob>() {
        File::new_with_blob_sequence(&parts, &path)
    } else if bytes.has_type::<ArrayBuffer>() {
        File::new_with_buffer_source_sequence(&parts, &path)
    } else {
        return desk.complain(Line::new("embed.unreadable").with("name", path));
    };
    match file {
        Ok(file) => intake::open_one(desk, Dropped::new(path, file)),
        Err(_) => desk.complain(Line::new("embed.unreadable").with("name", path)),
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
