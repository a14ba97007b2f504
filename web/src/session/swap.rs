//! Another model while the page is open: fetched or dropped, handed to the engine that runs, and the open scan
//! classified again. Until the engine has taken it, the earlier one stays, and stays when it is refused.

use super::{BundleBytes, Session};
use crate::fetch::{self, FetchError};
use crate::language::{Line, Piece};
use crate::model::{Choice, Entry, Manifest};
use crate::state::{Desk, Phase, Step};
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::UrlSearchParams;

/// How long to wait for a manifest that only the chooser needs.
const PATIENCE_MS: u32 = 15_000;

/// A model as the engines get it and the page shows it.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) choice: Choice,
    pub(super) bundle: BundleBytes,
    pub(super) manifest: Manifest,
}

/// Models beside the one that runs.
#[derive(Default)]
pub(super) struct Swap {
    /// Those that were in use: going back to one fetches nothing.
    kept: Vec<Loaded>,
    /// Manifests of published models as they came, for the chooser and for the engine.
    manifests: Vec<(String, Uint8Array)>,
    /// The one that the engine is being given.
    next: Option<Loaded>,
    /// The engine has taken it; the page still shows the earlier one's answer.
    pub(super) taken: bool,
}

impl Swap {
    /// Whether the page shows another model's answer than the engine would give.
    pub(super) fn between(&self) -> bool {
        self.next.is_some()
    }

    /// Nothing is on its way any more.
    pub(super) fn end(&mut self) {
        self.next = None;
        self.taken = false;
    }

    fn keep(&mut self, loaded: Loaded) {
        self.kept.retain(|kept| kept.choice != loaded.choice);
        self.kept.push(loaded);
    }
}

impl Desk {
    /// Remembers the model that the page began with.
    pub(super) fn first_model(self, id: &str, bundle: &BundleBytes, manifest: Manifest) {
        let choice = Choice::Published(id.into());
        let loaded = Loaded {
            choice: choice.clone(),
            bundle: bundle.clone(),
            manifest: manifest.clone(),
        };
        self.update(|session| session.swap.keep(loaded));
        self.add_card(choice.clone(), manifest.clone());
        self.in_use.set(Some(choice));
        self.model.set(Some(manifest));
    }

    /// Fetches the other models' manifests while no file is open: the chooser shows what stands in them. A model
    /// whose manifest does not come is not offered. Calls `sent` once every request has been sent.
    pub(super) async fn fetch_other_manifests(self, others: Vec<Entry>, sent: impl FnOnce()) {
        let asked: Vec<_> = others
            .into_iter()
            .map(|Entry { id, .. }| {
                let file = format!("models/{id}/model.json");
                let bytes = fetch::bytes_within(&file, PATIENCE_MS);
                (id, file, bytes)
            })
            .collect();
        sent();
        for (id, file, bytes) in asked {
            let fetched = match bytes.await {
                Ok(bytes) => fetch::json::<Manifest>(&file, &bytes).map(|json| (bytes, json)),
                Err(error) => Err(error),
            };
            match fetched {
                Ok((bytes, manifest)) => {
                    self.update(|session| session.swap.manifests.push((id.clone(), bytes)));
                    self.add_card(Choice::Published(id), manifest);
                }
                Err(error) => web_sys::console::warn_1(&error.to_string().into()),
            }
        }
    }

    fn add_card(self, choice: Choice, manifest: Manifest) {
        self.cards.update(|cards| {
            cards.retain(|(known, _)| *known != choice);
            cards.push((choice, manifest));
            // In the index's order, however they came; the visitor's own last.
            self.models.with_untracked(|models| {
                cards.sort_by_key(|(choice, _)| {
                    let mut ids = models
                        .iter()
                        .map(|entry| Choice::Published(entry.id.clone()));
                    ids.position(|id| id == *choice).unwrap_or(usize::MAX)
                });
            });
        });
    }

    /// Whether another model can be taken now: none is on its way, and an engine runs.
    pub fn may_change(self) -> bool {
        self.changing.with_untracked(Option::is_none)
            && matches!(self.phase.get_untracked(), Phase::Ready | Phase::Working(_))
    }

    /// Changes to another of the models that the chooser shows.
    pub fn use_model(self, choice: Choice) {
        if !self.may_change() || self.in_use.get_untracked().as_ref() == Some(&choice) {
            return;
        }
        let kept = self.kept(&choice);
        self.changing.set(Some(choice.clone()));
        if let Some(kept) = kept {
            return self.give(kept);
        }
        spawn_local(async move {
            match self.fetch_chosen(&choice).await {
                Ok(Some(loaded)) => self.give(loaded),
                Ok(None) => self.changing.set(None),
                Err(error) => self.stay(error.line()),
            }
        });
    }

    fn kept(self, choice: &Choice) -> Option<Loaded> {
        self.session.with_value(|session| {
            let mut kept = session.swap.kept.iter();
            kept.find(|kept| kept.choice == *choice).cloned()
        })
    }

    /// The manifest and the weights of a model that the chooser shows, fetched if need be. `None` where it is gone.
    pub async fn bundle_of(self, choice: &Choice) -> Result<Option<[Uint8Array; 2]>, FetchError> {
        let loaded = match self.kept(choice) {
            Some(kept) => Some(kept),
            None => self.fetch_chosen(choice).await?,
        };
        Ok(loaded.map(|loaded| {
            let BundleBytes { manifest, weights } = loaded.bundle.clone();
            // Changing to it now fetches nothing more.
            self.update(|session| session.swap.keep(loaded));
            [manifest, weights]
        }))
    }

    async fn fetch_chosen(self, choice: &Choice) -> Result<Option<Loaded>, FetchError> {
        let Choice::Published(id) = choice else {
            return Ok(None);
        };
        let bytes = self.session.with_value(|session| {
            let mut manifests = session.swap.manifests.iter();
            manifests
                .find(|(known, _)| known == id)
                .map(|(_, b)| b.clone())
        });
        let Some(bytes) = bytes else {
            return Ok(None);
        };
        let manifest: Manifest = fetch::json(&format!("models/{id}/model.json"), &bytes)?;
        // The counter of requests tells these from any that nobody asked for.
        self.ask_for(1);
        #[allow(clippy::cast_precision_loss)]
        let expected = manifest.weights.size as f64;
        self.fetched.set((0.0, expected));
        let file = manifest.weights_address(id);
        let weights = fetch::bytes(&file, |count| self.fetched.set((count, expected))).await?;
        Ok(Some(Loaded {
            choice: choice.clone(),
            bundle: BundleBytes {
                manifest: bytes,
                weights,
            },
            manifest,
        }))
    }

    /// Takes a bundle of the visitor's, in place of an earlier one. It stays in memory only.
    pub fn use_own(self, manifest: Uint8Array, weights: Uint8Array) {
        if !self.may_change() {
            return self.complain(Line::new("models.not_now"));
        }
        match fetch::json::<Manifest>("model.json", &manifest) {
            Ok(parsed) => {
                self.alert.set(None);
                self.changing.set(Some(Choice::Own));
                self.give(Loaded {
                    choice: Choice::Own,
                    bundle: BundleBytes { manifest, weights },
                    manifest: parsed,
                });
            }
            Err(error) => {
                self.complain(Line::new("models.own_refused").with("reason", error.line()))
            }
        }
    }

    /// Forgets the visitor's bundle; where it is in use, the page goes back to the first published one.
    pub fn remove_own(self) {
        if !self.may_change() {
            return;
        }
        let in_use = self.in_use.get_untracked() == Some(Choice::Own);
        self.cards
            .update(|cards| cards.retain(|(choice, _)| *choice != Choice::Own));
        self.update(|session| session.swap.kept.retain(|kept| kept.choice != Choice::Own));
        let first = self
            .session
            .with_value(|session| session.swap.kept.first().map(|kept| kept.choice.clone()));
        if let (true, Some(first)) = (in_use, first) {
            self.use_model(first);
        }
    }

    /// Hands a model to the engine that runs.
    fn give(self, loaded: Loaded) {
        self.update(|session| {
            session.loaded = false;
            session.held = None;
            session.swap.taken = false;
            session.swap.next = Some(loaded);
        });
        self.explanations_lost();
        self.poke_lost();
        if !matches!(self.phase.get_untracked(), Phase::Working(_)) {
            self.phase.set(Phase::Loading);
        }
        self.step.set(Step::Prepare);
        self.hand_over_bundle();
    }

    /// The engine has taken its bundle. An open scan is classified again; its answer brings the change into view.
    pub(super) fn taken(self) {
        let again = self.update(|session| {
            session.swap.next.as_ref()?;
            session.swap.taken = true;
            Some(session.last.clone())
        });
        match again.flatten() {
            None => {}
            Some(Some(last)) => self.queue_again(last),
            Some(None) => {
                self.show_taken();
            }
        }
    }

    /// The page speaks of the new model from now on. Says whether there was one.
    pub(super) fn show_taken(self) -> bool {
        let next = self.update(|session| {
            if !session.swap.taken {
                return None;
            }
            session.swap.taken = false;
            let next = session.swap.next.take()?;
            session.bundle = Some(next.bundle.clone());
            session.swap.keep(next.clone());
            Some(next)
        });
        let Some(next) = next.flatten() else {
            return false;
        };
        if next.choice == Choice::Own {
            self.add_card(Choice::Own, next.manifest.clone());
        }
        if let Choice::Published(id) = &next.choice {
            remember(id);
        }
        self.model.set(Some(next.manifest));
        self.in_use.set(Some(next.choice));
        self.changing.set(None);
        true
    }

    /// The engine could not load a bundle. Says whether that was a change, and an earlier model stays.
    pub(super) fn refused(self, reason: impl Into<Piece>) -> bool {
        let changing = self.update(|session| {
            session.swap.taken = false;
            session.swap.next.take().is_some()
        });
        if changing == Some(true) {
            self.stay(reason);
            true
        } else {
            false
        }
    }

    fn stay(self, reason: impl Into<Piece>) {
        let own = self.changing.get_untracked() == Some(Choice::Own);
        self.changing.set(None);
        let key = if own {
            "models.own_refused"
        } else {
            "models.failed"
        };
        self.complain(Line::new(key).with("reason", reason));
    }
}

impl Session {
    /// The bundle that an engine is to be given.
    pub(super) fn wanted(&self) -> Option<&BundleBytes> {
        let next = self.swap.next.as_ref().map(|next| &next.bundle);
        next.or(self.bundle.as_ref())
    }
}

/// Keeps a choice in the address, so that a link or a reload comes back to it.
fn remember(id: &str) {
    let search = window().location().search().unwrap_or_default();
    let Ok(parameters) = UrlSearchParams::new_with_str(&search) else {
        return;
    };
    parameters.set("model", id);
    let address = format!("?{}", String::from(parameters.to_string()));
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}
