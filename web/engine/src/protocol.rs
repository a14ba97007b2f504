//! The messages between the page and a worker.
//!
//! Every message is a small serde value with a list of byte buffers beside it (see [`crate::wire`]);
//! what the buffers are is said at each variant. The page sends nothing before [`Reply::Hello`]: a
//! module worker drops messages that come while its wasm module is still loading. Only [`Request::Load`] may come
//! earlier, from `web/boot.js`, whose loader keeps it until the module listens.
//!
//! Enumerations are written with the variant's name outside, `{"classify": {"id": 1}}`: a name inside, beside the
//! fields, would need a reader that first keeps all fields, which costs tens of kilobytes in each program.

use serde::{Deserialize, Serialize};

/// Raised whenever a message changes. The workers' file names carry no hash; the page asks for them with its
/// version, and should a page get another version's worker all the same, [`Reply::Hello`] makes that visible.
pub const PROTOCOL: u32 = 6;

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

/// The file name of the JavaScript module of the worker that reads the rarer kinds of pictures.
pub const PICTURES_MODULE: &str = "scanlight-pictures.js";
/// The file name of its program.
pub const PICTURES_WASM: &str = "scanlight-pictures_bg.wasm";

/// What the page asks of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Set up the device, load the network, run it once. Buffers: the bundle's manifest (JSON), its
    /// weights. Answered by [`Reply::Progress`] and then [`Reply::Ready`] or [`Reply::LoadFailed`].
    Load {
        /// For tests of the page: the failure to simulate.
        fault: Option<Fault>,
    },
    /// Classify an image file and hold it for what is asked about it next, in place of an earlier one.
    /// Buffers: its bytes, or the scan's from [`Reply::Converted`]. Answered by [`Reply::Classified`],
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
    /// Explain the scan that the worker holds by a method: [`Reply::Explained`] with every class's map. A
    /// method that [takes long](Method::is_slow) is worked off in steps, each told by [`Reply::Trying`],
    /// between which other requests are answered; a later one of them takes its place
    /// ([`Reply::Stopped`]). Or [`Reply::NotHeld`], [`Reply::Failed`].
    Explain {
        /// Repeated in the answers.
        id: u32,
        /// The scan, by the id of the request that brought it.
        scan: u32,
        /// How.
        method: Method,
    },
    /// End the request of this id, a slow [`Request::Explain`], if it is at work: [`Reply::Stopped`].
    Stop {
        /// Its id.
        id: u32,
    },
    /// Show what a block of the network makes of the scan that the worker holds. Answered by
    /// [`Reply::Layer`], [`Reply::NotHeld`] or [`Reply::Failed`].
    Layer {
        /// Repeated in the answer.
        id: u32,
        /// The scan, by the id of the request that brought it.
        scan: u32,
        /// Index of the block; nothing for the last.
        layer: Option<u32>,
        /// How many channels at most, the most active first.
        most: u32,
    },
    /// Classify these pixels. Buffers: the picture (grey, 8 bits). Answered by [`Reply::Edited`] or
    /// [`Reply::Failed`].
    Edit {
        /// Repeated in the answer.
        id: u32,
        /// Width and height.
        size: [u32; 2],
        /// Hold it from now on, as [`Request::Classify`] does, for [`Request::Explain`] and
        /// [`Request::Layer`].
        hold: bool,
    },
    /// Classify these values: a slice of a volume, say, as the file has it. Buffers: the values, 32-bit floats in the
    /// machine's order, row-major. Answered as [`Request::Classify`] is, or, at a glance, by
    /// [`Reply::Glanced`] or [`Reply::Failed`]; then nothing is held and no map is made.
    Values {
        /// Repeated in the answer.
        id: u32,
        /// Width and height; pixels are square.
        size: [u32; 2],
        /// The values that are shown as black and as white.
        range: [f32; 2],
        /// How colourful the picture was; nothing where it had one channel.
        colourfulness: Option<f32>,
        /// Whether the numbers are enough.
        glance: bool,
    },
    /// To the worker of `pictures`: read a picture. Buffers: the file. Answered by [`Reply::Converted`] or
    /// [`Reply::Rejected`].
    Convert {
        /// Repeated in the answer.
        id: u32,
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
#[serde(rename_all = "camelCase")]
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
    /// A result. Buffers: the picture (grey, 8 bits), the [`COLOUR_MAPS`] (256 RGB triples each), then
    /// one heat map per class (8 bits).
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
    /// An explanation. Buffers: one heat map per class (8 bits).
    Explained {
        /// The request's.
        id: u32,
        /// The method.
        method: Method,
        /// Width and height of every heat map; it covers the whole picture.
        heat: [u32; 2],
        /// What each map shows; nothing for a class that nothing in the picture speaks for.
        evidence: Vec<Option<Evidence>>,
        /// Each map's largest value before it was scaled; for [`Method::Occlusion`] the largest drop of
        /// the class's probability.
        strengths: Vec<f32>,
        /// Time it took, in milliseconds.
        ms: f64,
    },
    /// So far has a slow explanation come.
    Trying {
        /// The request's.
        id: u32,
        /// Passes made.
        tried: u32,
        /// Passes in all.
        count: u32,
    },
    /// A slow explanation was ended, by [`Request::Stop`], by another one, or by another scan.
    Stopped {
        /// The request's.
        id: u32,
    },
    /// What a block makes of the scan. Buffers: one for each channel (8 bits, lowest value to highest).
    Layer {
        /// The request's.
        id: u32,
        /// All blocks, in the network's order.
        layers: Vec<LayerInfo>,
        /// Index of the one that is shown.
        layer: u32,
        /// The shown channels, the most active first: each one's index and mean magnitude.
        channels: Vec<(u32, f32)>,
        /// Width and height of the part of the channels that the picture is mapped to, and where it
        /// begins: left, top, width, height in fractions. The rest is padding.
        seen: [f32; 4],
    },
    /// Another scan, or none, is held: the engine was restarted, for one.
    NotHeld {
        /// The request's.
        id: u32,
    },
    /// The answer to [`Request::Edit`]. Buffers: one heat map per class (8 bits).
    Edited {
        /// The request's.
        id: u32,
        /// The numbers.
        report: Report,
    },
    /// The answer to [`Request::Values`] at a glance.
    Glanced {
        /// The request's.
        id: u32,
        /// One probability per class.
        probabilities: Vec<f32>,
        /// What should be said about it.
        verdict: Verdict,
        /// How unsure the answer is; nothing where the manifest names no measure.
        uncertainty: Option<f32>,
    },
    /// A picture was read. Buffers: the scan, for [`Request::Classify`].
    Converted {
        /// The request's.
        id: u32,
    },
    /// The file is none that can be classified.
    Rejected {
        /// The request's.
        id: u32,
        /// Why.
        complaint: Complaint,
    },
    /// The engine failed at a request about a scan that is good.
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

/// A way to explain an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Method {
    /// Grad-CAM, which every result has.
    GradCam,
    /// Grad-CAM++.
    GradCamPlusPlus,
    /// HiResCAM.
    HiresCam,
    /// LayerCAM.
    LayerCam,
    /// EigenCAM: one map for all classes.
    EigenCam,
    /// ScoreCAM.
    ScoreCam,
    /// Occlusion sensitivity.
    Occlusion,
}

impl Method {
    /// All of them, those that take long last.
    pub const ALL: [Self; 7] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::HiresCam,
        Self::LayerCam,
        Self::EigenCam,
        Self::ScoreCam,
        Self::Occlusion,
    ];

    /// The name, which is the same in every language; nothing for occlusion, which has words.
    pub fn title(self) -> Option<&'static str> {
        match self {
            Self::GradCam => Some("Grad-CAM"),
            Self::GradCamPlusPlus => Some("Grad-CAM++"),
            Self::HiresCam => Some("HiResCAM"),
            Self::LayerCam => Some("LayerCAM"),
            Self::EigenCam => Some("EigenCAM"),
            Self::ScoreCam => Some("ScoreCAM"),
            Self::Occlusion => None,
        }
    }

    /// Whether it makes many passes.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::ScoreCam | Self::Occlusion)
    }
}

/// A block of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// Its name in the weights file: `stem`, `blocks.0`, `merge`, `head_conv`.
    pub name: String,
    /// Number of channels.
    pub channels: u32,
    /// Cells across.
    pub width: u32,
    /// Cells down.
    pub height: u32,
}

/// The heat map's colours: their names, in the order in which [`Reply::Classified`] brings them.
pub const COLOUR_MAPS: [&str; 4] = ["inferno", "viridis", "cividis", "amber"];

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
#[serde(rename_all = "camelCase")]
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
