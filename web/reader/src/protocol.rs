//! The messages between the page and the reader. They travel as `scanlight_engine::wire` puts them: a JSON text,
//! then buffers.

use scanlight_engine::protocol::Complaint;
use serde::{Deserialize, Serialize};

/// Raised whenever a message changes.
pub const PROTOCOL: u32 = 3;

/// The file name of the reader's JavaScript module.
pub const MODULE: &str = "scanlight-reader.js";
/// The file name of its program.
pub const WASM: &str = "scanlight-reader_bg.wasm";

/// A plane through the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Plane {
    /// Counted from below.
    #[default]
    Axial,
    /// Counted from behind.
    Coronal,
    /// Counted from the patient's left.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// One word, for keys of messages, exports and tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Axial => 0,
            Self::Coronal => 1,
            Self::Sagittal => 2,
        }
    }
}

/// What the page asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Read these files in place of what was read before. Buffers: their bytes, in this order. Answered by
    /// [`Reply::Opened`].
    Open {
        /// Repeated in the answer.
        id: u32,
        /// Their names, with paths where they have some.
        names: Vec<String>,
    },
    /// Give a slice. Answered by [`Reply::Slice`] or [`Reply::Failed`].
    Slice {
        /// Repeated in the answer.
        id: u32,
        /// Index of the item.
        item: usize,
        /// The plane, of volumes; anything else has one order of pictures only.
        plane: Plane,
        /// Index of the slice, from 0.
        index: usize,
    },
    /// Say which series a DICOM file belongs to; nothing of it is kept. Buffers: its bytes. Answered by
    /// [`Reply::Series`].
    Series {
        /// Repeated in the answer.
        id: u32,
    },
}

/// What the reader answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// It runs and listens.
    Hello {
        /// Its [`PROTOCOL`].
        protocol: u32,
        /// Requests that it took to start this worker, by the browser's own record.
        requests: u32,
    },
    /// A file's turn has come. Should the worker break, that file is why.
    Reading {
        /// The request's.
        id: u32,
        /// Its place among the files, from 0.
        index: usize,
        /// Its name.
        name: String,
    },
    /// What the files hold.
    Opened {
        /// The request's.
        id: u32,
        /// What can be looked at.
        items: Vec<Item>,
        /// Files that could not be read.
        failures: Vec<Failure>,
        /// Files that were passed over on purpose.
        skipped: Vec<Failure>,
        /// Requests that this worker has sent since it started, by the browser's own record.
        requests: u32,
    },
    /// A slice with square pixels. Buffers: its values as 32-bit floats in the machine's order, row-major.
    Slice {
        /// The request's.
        id: u32,
        /// Width and height.
        size: [u32; 2],
        /// The values that the file wants shown as black and as white.
        range: [f32; 2],
        /// How colourful the picture was; nothing where it has one channel.
        colourfulness: Option<f32>,
        /// A pixel's side in millimetres; nothing where the file does not say.
        spacing: Option<f32>,
    },
    /// The answer to [`Request::Series`]. Series are numbered as they come: their identifiers, which may lead to a patient,
    /// stay in the worker.
    Series {
        /// The request's.
        id: u32,
        /// The same number for files of one series; nothing for a file that belongs to none or cannot be read.
        series: Option<usize>,
    },
    /// There is no such slice, or it cannot be made.
    Failed {
        /// The request's.
        id: u32,
        /// One line in English.
        message: String,
    },
    /// The program could not be started.
    LoadFailed {
        /// Why.
        message: String,
    },
    /// It panicked and answers no more.
    Panicked {
        /// The panic's text.
        message: String,
    },
}

/// A file and why it is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its name.
    pub name: String,
    /// Why. The codes are keys of the page's catalogue, as they are in the engines' complaints.
    pub complaint: Complaint,
}

/// Something that can be looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its name for people.
    pub name: String,
    /// What kind of file it came from: "DICOM", "PNG".
    pub kind: String,
    /// How many files it came from.
    pub files: usize,
    /// How many volumes the file holds, of which this is the first.
    pub time_points: usize,
    /// What it is.
    pub shape: Shape,
    /// What of the files may say who the patient is: keywords of the attributes, never their values.
    pub identifying: Vec<String>,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Shape {
    /// Pictures in order; one for a single picture.
    Pictures {
        /// How many.
        count: usize,
        /// The letters at the left, right, top and bottom edge; nothing where the file does not say how the
        /// patient lies.
        edges: Option<[char; 4]>,
    },
    /// A volume.
    Volume {
        /// Slices in each of [`Plane::ALL`].
        slices: [usize; 3],
        /// Distance of neighbouring slices in each of [`Plane::ALL`], in millimetres.
        thickness: [f32; 3],
        /// The plane that it was acquired in.
        acquired: Plane,
        /// The letters at the left, right, top and bottom edge in each of [`Plane::ALL`]; nothing where the
        /// file does not say how the patient lies.
        edges: Option<[[char; 4]; 3]>,
    },
}

impl Shape {
    /// The letters at the left, right, top and bottom edge of pictures of a plane, where they are known.
    pub fn edges(&self, plane: Plane) -> Option<[char; 4]> {
        match self {
            Self::Pictures { edges, .. } => *edges,
            Self::Volume { edges, .. } => Some((*edges)?[plane.index()]),
        }
    }

    /// How many slices there are in a plane.
    pub fn slices(&self, plane: Plane) -> usize {
        match self {
            Self::Pictures { count, .. } => *count,
            Self::Volume { slices, .. } => slices[plane.index()],
        }
    }
}
