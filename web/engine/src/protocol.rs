//! The messages between the page and a worker.
//!
//! Every message is a small serde value with a list of byte buffers beside it (see [`crate::wire`]);
//! what the buffers are is said at each variant. The page sends nothing before [`Reply::Hello`]: a
//! module worker drops messages that come while its wasm module is still loading.

use serde::{Deserialize, Serialize};

/// Raised whenever a message changes. The workers' file names carry no hash; the page asks for them with its
/// version, and should a page get another version's worker all the same, [`Reply::Hello`] makes that visible.
pub const PROTOCOL: u32 = 3;

/// The engines, each its own wasm module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// burn-wgpu on WebGPU.
    Webgpu,
    /// The CPU without a burn backend, with SIMD.
    Cpu,
}

impl EngineKind {
    /// The file name of the engine's JavaScript module; `_bg.wasm` belongs to it.
    pub fn module(self) -> &'static str {
        match self {
            Self::Webgpu => "scanlight-engine-webgpu.js",
            Self::Cpu => "scanlight-engine-cpu.js",
        }
    }

    /// The file name of the engine's program.
    pub fn wasm(self) -> String {
        self.module().replace(".js", "_bg.wasm")
    }

    /// The engine's name for a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Webgpu => "WebGPU",
            Self::Cpu => "CPU",
        }
    }
}

/// What the page asks of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Request {
    /// Set up the device, load the network, run it once. Buffers: the bundle's manifest (JSON), its
    /// weights. Answered by [`Reply::Progress`] and then [`Reply::Ready`] or [`Reply::LoadFailed`].
    Load {
        /// For tests of the page: the failure to simulate.
        fault: Option<Fault>,
    },
    /// Classify an image file. Buffers: its bytes. Answered by [`Reply::Classified`],
    /// [`Reply::Rejected`] or [`Reply::Failed`].
    Classify {
        /// Repeated in the answer.
        id: u32,
    },
    /// Run the network on an input plane: what benchmarks compare with other runtimes. Buffers: the
    /// normalised values, 32-bit floats in the machine's order, row-major. Answered by
    /// [`Reply::Computed`] or [`Reply::Failed`].
    Compute {
        /// Repeated in the answer.
        id: u32,
        /// Whether to make every class's map too, at the plane's size.
        maps: bool,
    },
    /// For tests of the page: panic.
    Panic,
    /// For tests of the page: give the device up, as if the GPU had gone.
    Lose,
}

/// Failures that the page's tests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// The device cannot be set up.
    Load,
    /// Loading succeeds; every classification fails.
    Classify,
}

/// The steps of loading that take a worker noticeable time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// The device is being set up and the weights are checked and placed on it.
    Weights,
    /// The network runs once, on nothing, so that the first result comes without delay.
    WarmUp,
}

/// Why a file cannot be classified, so that the page can say it in its own language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// A name of this kind of fault, for the page's catalogue; empty where it has none.
    pub code: String,
    /// What the catalogue's message puts into its places.
    pub values: Vec<(String, String)>,
    /// One line in English.
    pub message: String,
}

/// What a worker tells the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Reply {
    /// The worker runs and listens.
    Hello {
        /// The worker's [`PROTOCOL`].
        protocol: u32,
        /// Which engine it is.
        engine: EngineKind,
    },
    /// Loading has come to this stage.
    Progress {
        /// The stage that begins.
        stage: Stage,
    },
    /// The network is loaded and warm.
    Ready {
        /// What runs, for a person: library and instruction set.
        detail: String,
        /// Time to set up the device and load the weights, in milliseconds.
        load_ms: f64,
        /// Time of the warm-up run, in milliseconds.
        warm_up_ms: f64,
        /// Requests that the worker has sent since it started, by the browser's own record.
        requests: u32,
    },
    /// The network could not be loaded.
    LoadFailed {
        /// One line for a person.
        message: String,
    },
    /// A result. Buffers: the picture (grey, 8 bits), the colour map (256 RGB triples), then one heat
    /// map per class (8 bits).
    Classified {
        /// The request's.
        id: u32,
        /// The numbers.
        report: Report,
    },
    /// What the network makes of an input plane.
    Computed {
        /// The request's.
        id: u32,
        /// One probability per class.
        probabilities: Vec<f32>,
        /// Time from the plane to the probabilities, and to the maps if they were asked for, in
        /// milliseconds.
        compute_ms: f64,
    },
    /// The file is none that can be classified.
    Rejected {
        /// The request's.
        id: u32,
        /// Why.
        complaint: Complaint,
    },
    /// The file is good, but the engine failed on it.
    Failed {
        /// The request's.
        id: u32,
        /// One line for a person.
        message: String,
    },
    /// The GPU is gone: the engine can do no more.
    Lost {
        /// The browser's words; may be empty.
        message: String,
    },
    /// The worker panicked and answers no more.
    Panicked {
        /// The panic's text.
        message: String,
    },
}

/// The numbers of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Width and height of the image in the file.
    pub image: [u32; 2],
    /// Width and height of the picture to show.
    pub picture: [u32; 2],
    /// Width and height of every heat map; it covers the whole picture.
    pub heat: [u32; 2],
    /// Index of the most probable class.
    pub predicted: usize,
    /// One probability per class.
    pub probabilities: Vec<f32>,
    /// What should be said about the scan.
    pub verdict: Verdict,
    /// How unsure the answer is, by the manifest's measure; nothing where it names none.
    pub uncertainty: Option<f32>,
    /// How unlike the training images the picture is; nothing where the manifest names no measure.
    pub strangeness: Option<f32>,
    /// What each class's heat map shows; nothing for a class that nothing in the picture speaks for.
    pub evidence: Vec<Option<Evidence>>,
    /// The network saw only a part of the picture: the head, as far as it could be told.
    pub cut_out: bool,
    /// Time to decode the file, in milliseconds.
    pub decode_ms: f64,
    /// Time to run the network and make the maps, in milliseconds.
    pub classify_ms: f64,
    /// Requests that the worker has sent since it started, by the browser's own record.
    pub requests: u32,
}

/// What should be said about a scan: the model crate's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Verdict {
    /// The class of this index.
    Class {
        /// Index into the class list.
        class: usize,
    },
    /// One of these two classes.
    Unsure {
        /// Index of the likeliest class.
        first: usize,
        /// Index of the second.
        second: usize,
    },
    /// None: the picture is unlike what the model learned from.
    Strange {
        /// What it differs in.
        unlike: Unlike,
        /// How much.
        score: f32,
        /// How much is too much.
        threshold: f32,
    },
}

/// What a picture differs in from the training images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unlike {
    /// What the network makes of it.
    Features,
    /// It is colourful.
    Colour,
}

/// What there is to say about one class's heat map, all of it in fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Where it is strongest, from the picture's left and top.
    pub peak: [f32; 2],
    /// The same, from the left and top of the part that the network saw.
    pub place: [f32; 2],
    /// Share of the picture on which it has at least half of its maximum.
    pub extent: f32,
    /// Its strength as a share of the strongest class's.
    pub relative: f32,
}
