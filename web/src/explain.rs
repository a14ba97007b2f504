//! Explanations of the last result to compare: maps by every method, two of them blended, and what the
//! network's blocks make of the scan. Nothing is asked of the engine before a visitor wants to see it.

mod ask;
mod blend;
mod channels;
mod grid;
mod layers;

pub use ask::LayerView;
pub use grid::Compare;
pub use layers::Layers;

use crate::language::t;
use ask::Wanted;
use leptos::prelude::*;
use scanlight_engine::protocol::{Evidence, Method};
use std::sync::Arc;

/// The maps of every class by one method.
#[derive(Debug, PartialEq)]
pub struct Maps {
    /// Width and height of each.
    pub size: [u32; 2],
    /// One for each class, 8 bits.
    pub heat: Vec<Vec<u8>>,
    /// What each shows.
    pub evidence: Vec<Option<Evidence>>,
    /// Each one's largest value before it was scaled; nothing for Grad-CAM, which came with the result.
    pub strengths: Vec<f32>,
}

/// How far a method's maps have come.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum State {
    /// Nobody asked.
    #[default]
    Missing,
    /// Asked for, by the request of this id; passes made and passes in all, where there are many.
    Asked(u32, Option<[u32; 2]>),
    /// There.
    There(Arc<Maps>),
    /// The engine failed.
    Failed(String),
}

/// Explanations of the last result. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Explain {
    /// The method whose map lies on the scan.
    pub method: RwSignal<Method>,
    /// A second map on the scan: its method and class.
    pub second: RwSignal<Option<(Method, usize)>>,
    /// A visitor looks at the comparison.
    pub comparing: RwSignal<bool>,
    /// A visitor looks at the blocks.
    pub inside: RwSignal<bool>,
    /// The block that is wanted; nothing for the last.
    pub block: RwSignal<Option<u32>>,
    /// The block that is there.
    pub layer: RwSignal<Option<Arc<LayerView>>>,
    /// Why a block is not there.
    pub layer_failed: RwSignal<Option<String>>,
    states: [RwSignal<State>; Method::ALL.len()],
    pending: StoredValue<Vec<(u32, Wanted)>>,
}

impl Explain {
    /// Of no result. Call within a reactive owner.
    pub fn new() -> Self {
        Self {
            method: RwSignal::new(Method::GradCam),
            second: RwSignal::new(None),
            comparing: RwSignal::new(false),
            inside: RwSignal::new(false),
            block: RwSignal::new(None),
            layer: RwSignal::new(None),
            layer_failed: RwSignal::new(None),
            states: Method::ALL.map(|_| RwSignal::new(State::Missing)),
            pending: StoredValue::new(Vec::new()),
        }
    }

    /// How far a method's maps have come.
    pub fn state(self, method: Method) -> RwSignal<State> {
        // The enumeration's numbers are the list's.
        self.states[method as usize]
    }

    /// A method's maps, if they are there.
    pub fn maps(self, method: Method) -> Option<Arc<Maps>> {
        self.state(method).with(|state| match state {
            State::There(maps) => Some(Arc::clone(maps)),
            _ => None,
        })
    }
}

/// A method's name for a person.
pub fn method_title(method: Method) -> String {
    match method.title() {
        Some(title) => title.into(),
        None => t("method.occlusion"),
    }
}
