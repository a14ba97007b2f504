//! What is asked of the engine, and what becomes of its answers.

use super::{Explain, Maps, State};
use crate::state::Desk;
use js_sys::Uint8Array;
use leptos::prelude::*;
use scanlight_engine::protocol::{LayerInfo, Method, Reply, Report, Request};
use std::sync::Arc;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Maps by this method.
    Maps(Method),
    /// A block's channels.
    Layer,
}

/// What a block makes of the scan.
#[derive(Debug, PartialEq)]
pub struct LayerView {
    /// All blocks, in the network's order.
    pub layers: Vec<LayerInfo>,
    /// Index of the one that is shown.
    pub shown: usize,
    /// Its channels, the most active first.
    pub channels: Vec<Channel>,
    /// The part of a channel that the picture is mapped to: left, top, width, height in fractions.
    pub seen: [f32; 4],
}

/// A channel.
#[derive(Debug, PartialEq)]
pub struct Channel {
    /// Its index in the block.
    pub index: u32,
    /// Mean magnitude of its values.
    pub activity: f32,
    /// Its values, lowest to highest.
    pub values: Vec<u8>,
}

impl Desk {
    /// Asks for a method's maps, unless they are there or on their way.
    pub fn want_maps(self, method: Method) {
        let state = self.explain.state(method);
        let idle = state.with_untracked(|state| matches!(state, State::Missing | State::Failed(_)));
        if !idle {
            return;
        }
        if let Some(id) = self.ask(|id, scan| Request::Explain { id, scan, method }) {
            self.explain.expect(id, Wanted::Maps(method));
            state.set(State::Asked(id, None));
        }
    }

    /// Stops working on a method's maps.
    pub fn stop_maps(self, method: Method) {
        if let State::Asked(id, _) = self.explain.state(method).get_untracked() {
            self.tell(&Request::Stop { id });
        }
    }

    /// Asks for at most `most` channels of a block; of several such requests the last counts.
    pub fn want_layer(self, layer: Option<u32>, most: u32) {
        self.explain.layer_failed.set(None);
        let asked = self.ask(|id, scan| Request::Layer {
            id,
            scan,
            layer,
            most,
        });
        if let Some(id) = asked {
            self.explain.forget(Wanted::Layer);
            self.explain.expect(id, Wanted::Layer);
        }
    }

    /// A new result: nothing of the last one's is left, and Grad-CAM came with it.
    pub fn explain_anew(self, report: &Report, heat: &[Vec<u8>]) {
        let explain = self.explain;
        explain.method.set(Method::GradCam);
        explain.second.set(None);
        explain.pending.set_value(Vec::new());
        explain.layer.set(None);
        explain.layer_failed.set(None);
        for method in Method::ALL {
            explain.state(method).set(State::Missing);
        }
        explain
            .state(Method::GradCam)
            .set(State::There(Arc::new(Maps {
                size: report.heat,
                heat: heat.to_vec(),
                evidence: report.evidence.clone(),
                strengths: Vec::new(),
            })));
    }

    /// The engine was replaced: what it was asked never comes.
    pub fn explanations_lost(self) {
        self.explain.pending.set_value(Vec::new());
        for method in Method::ALL {
            let state = self.explain.state(method);
            if state.with_untracked(|state| matches!(state, State::Asked(..))) {
                state.set(State::Missing);
            }
        }
    }

    /// The engine failed at request `id`.
    pub fn explanation_failed(self, id: u32, message: String) {
        match self.explain.take(id) {
            Some(Wanted::Maps(method)) => self.explain.state(method).set(State::Failed(message)),
            Some(Wanted::Layer) => self.explain.layer_failed.set(Some(message)),
            None => {}
        }
    }

    /// An answer about the last result's scan. What nobody waits for any more is dropped.
    pub fn explained(self, reply: Reply, buffers: Vec<Uint8Array>) {
        let explain = self.explain;
        let bytes = || buffers.iter().map(Uint8Array::to_vec);
        match reply {
            Reply::Trying { id, tried, count } => {
                if let Some(Wanted::Maps(method)) = explain.wanted(id) {
                    let state = State::Asked(id, Some([tried, count]));
                    explain.state(method).set(state);
                }
            }
            Reply::Explained {
                id,
                heat,
                evidence,
                strengths,
                ..
            } => {
                if let Some(Wanted::Maps(method)) = explain.take(id) {
                    explain.state(method).set(State::There(Arc::new(Maps {
                        size: heat,
                        heat: bytes().collect(),
                        evidence,
                        strengths,
                    })));
                }
            }
            Reply::Stopped { id } | Reply::NotHeld { id } => {
                if let Some(Wanted::Maps(method)) = explain.take(id) {
                    explain.state(method).set(State::Missing);
                }
            }
            Reply::Layer {
                id,
                layers,
                layer,
                channels,
                seen,
            } if explain.take(id) == Some(Wanted::Layer) => {
                let channels = channels.into_iter().zip(bytes());
                explain.layer.set(Some(Arc::new(LayerView {
                    layers,
                    shown: layer as usize,
                    channels: channels
                        .map(|((index, activity), values)| Channel {
                            index,
                            activity,
                            values,
                        })
                        .collect(),
                    seen,
                })));
            }
            _ => {}
        }
    }
}

impl Explain {
    fn expect(self, id: u32, wanted: Wanted) {
        self.pending
            .update_value(|pending| pending.push((id, wanted)));
    }

    fn wanted(self, id: u32) -> Option<Wanted> {
        self.pending.with_value(|pending| {
            let found = pending.iter().find(|(known, _)| *known == id);
            found.map(|(_, wanted)| *wanted)
        })
    }

    fn take(self, id: u32) -> Option<Wanted> {
        let wanted = self.wanted(id);
        self.pending
            .update_value(|pending| pending.retain(|(known, _)| *known != id));
        wanted
    }

    fn forget(self, wanted: Wanted) {
        self.pending
            .update_value(|pending| pending.retain(|(_, known)| *known != wanted));
    }
}
