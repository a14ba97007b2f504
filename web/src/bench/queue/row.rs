//! What is known of a picture, volume or series of a [`super::Queue`].

use crate::bench::thumbnail::Thumbnail;
use crate::language::Line;
use js_sys::Uint8Array;
use scanlight_engine::protocol::{Report, Verdict};
use scanlight_reader::protocol::Plane;
use std::sync::Arc;

/// What is known of one picture, volume or series.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its path below what was brought.
    pub path: String,
    /// The index of its true class, where it is known.
    pub label: Option<usize>,
    /// What became of it.
    pub state: State,
    /// Which of the units it is of, in the order in which they came.
    pub unit: usize,
    /// Which of the things in it.
    pub item: usize,
}

impl Row {
    /// The first thing in a unit.
    pub fn new(path: impl Into<String>, unit: usize, label: Option<usize>) -> Self {
        Self {
            path: path.into(),
            label,
            state: State::Waiting,
            unit,
            item: 0,
        }
    }
}

/// What became of a file.
#[derive(Debug, Clone)]
pub enum State {
    /// Nothing yet.
    Waiting,
    /// Its slices are being looked at.
    Looking {
        /// How many have been.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// It was classified.
    Done(Arc<Answer>),
    /// It could not be.
    Bad(Line),
}

/// The answer to one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One probability per class.
    pub probabilities: Vec<f32>,
    /// Index of the most probable class.
    pub predicted: usize,
    /// What should be said.
    pub verdict: Verdict,
    /// How unsure it is, by the model's measure.
    pub uncertainty: Option<f32>,
    /// How unlike the training images it is, by the model's measure.
    pub strangeness: Option<f32>,
    /// Width and height of the image.
    pub image: [u32; 2],
    /// Time to decode and classify it, in milliseconds.
    pub ms: f64,
    /// The picture, small.
    pub thumbnail: Thumbnail,
    /// Which of several slices this is.
    pub slice: Option<SliceOf>,
    /// The picture and its map, where the view needs them.
    pub whole: Option<Whole>,
}

/// The slice that stands for a volume or series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceOf {
    /// The plane, of a volume.
    pub plane: Option<Plane>,
    /// Its index, from 0.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

/// The picture of an answer, and where the model looked.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// The numbers.
    pub report: Report,
    /// The picture, 8-bit grey.
    pub grey: Vec<u8>,
    /// 256 RGB triples for each of the colour maps.
    pub colour_maps: Vec<u8>,
    /// The heat map of the most probable class.
    pub heat: Vec<u8>,
}

impl Answer {
    /// Of an engine's report.
    pub(super) fn new(report: Report, buffers: &[Uint8Array], keeps: bool) -> Self {
        let buffer = |index: usize| {
            buffers
                .get(index)
                .map(Uint8Array::to_vec)
                .unwrap_or_default()
        };
        let grey = buffer(0);
        Self {
            thumbnail: Thumbnail::of(&grey, report.picture),
            slice: None,
            whole: keeps.then(|| Whole {
                colour_maps: buffer(1),
                heat: buffer(2 + report.predicted),
                report: report.clone(),
                grey,
            }),
            probabilities: report.probabilities,
            predicted: report.predicted,
            verdict: report.verdict,
            uncertainty: report.uncertainty,
            strangeness: report.strangeness,
            image: report.image,
            ms: report.decode_ms + report.classify_ms,
        }
    }
}
