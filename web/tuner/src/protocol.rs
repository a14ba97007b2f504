//! The messages between the page and the tuner, sent as the engines' are (`scanlight_engine::wire`).
//!
//! The page sends nothing before [`Reply::Hello`]: a module worker drops messages that come while its program is still
//! loading.

use scanlight_engine::protocol::Complaint;
use serde::{Deserialize, Serialize};

/// Raised whenever a message changes.
pub const PROTOCOL: u32 = 1;
/// The file name of the tuner's JavaScript module.
pub const MODULE: &str = "scanlight-tuner.js";
/// The file name of its program.
pub const WASM: &str = "scanlight-tuner_bg.wasm";
/// So many scans a class needs at least, in so many classes: the model crate's `tune::LEAST`.
pub const LEAST: usize = 2;

/// What the page asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Load the network to begin with. Buffers: the bundle's manifest (JSON), its weights. Answered by
    /// [`Reply::Ready`] or [`Reply::LoadFailed`].
    Load,
    /// Look at a scan and keep what the network makes of it. Buffers: the file. Answered by [`Reply::Added`],
    /// [`Reply::Twin`], [`Reply::Rejected`] or [`Reply::Failed`].
    Add {
        /// What the scan is called from now on.
        id: u32,
        /// Index of its class.
        class: usize,
    },
    /// Forget a scan.
    Remove {
        /// Its id.
        id: u32,
    },
    /// Train on the scans that were added. Answered by [`Reply::Step`]s and then [`Reply::Tuned`],
    /// [`Reply::Stopped`] or [`Reply::Refused`].
    Tune {
        /// The time, RFC 3339 in UTC: the new bundle says when it was made.
        created: String,
        /// How many files were left out.
        skipped: u32,
    },
    /// End the training that is under way.
    Stop,
}

/// What the tuner answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// It runs and listens.
    Hello {
        /// Its [`PROTOCOL`].
        protocol: u32,
    },
    /// The network is loaded.
    Ready {
        /// Requests that it took to start this worker, by the browser's own record.
        requests: u32,
    },
    /// The network could not be loaded, or the program not be started.
    LoadFailed {
        /// One line in English.
        message: String,
    },
    /// A scan was looked at. Buffers: the picture, small (grey, 8 bits).
    Added {
        /// The scan's.
        id: u32,
        /// Width and height of the picture.
        picture: [u32; 2],
        /// The network's answer as it is: the index of its most probable class.
        predicted: usize,
        /// Requests that this worker has sent since it started.
        requests: u32,
    },
    /// The scan is the same picture as another one, and was not kept.
    Twin {
        /// The scan's.
        id: u32,
        /// The other one.
        of: u32,
    },
    /// There is no scan in the file.
    Rejected {
        /// The scan's.
        id: u32,
        /// Why. The codes are keys of the page's catalogue, as they are in the engines' complaints.
        complaint: Complaint,
    },
    /// The network could not look at the scan.
    Failed {
        /// The scan's.
        id: u32,
        /// One line in English.
        message: String,
    },
    /// So far has training come. The first tells where it begins.
    Step {
        /// Steps made.
        step: usize,
        /// Steps at most; it may end earlier.
        most: usize,
        /// Mean cross-entropy on the scans that are learned from.
        loss: f64,
        /// The same on the scans that are held out.
        held_out: f64,
    },
    /// Training is over. Buffers: the new bundle's manifest (JSON), its weights, and both in one zip archive.
    Tuned {
        /// What came of it.
        report: Report,
    },
    /// Training was ended.
    Stopped,
    /// Training could not begin or go on.
    Refused {
        /// One line in English.
        message: String,
    },
    /// It panicked and answers no more.
    Panicked {
        /// The panic's text.
        message: String,
    },
}

/// What came of training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The new bundle's id.
    pub id: String,
    /// Scans learned from.
    pub images: u64,
    /// Steps made.
    pub steps: usize,
    /// In how many rounds scans were held out.
    pub rounds: usize,
    /// Whether one by one.
    pub alone: bool,
    /// The parent's answers.
    pub before: Score,
    /// Those of heads that had not seen the scan.
    pub after: Score,
    /// Right only after.
    pub mended: u64,
    /// Right only before.
    pub spoiled: u64,
    /// How far the weights have moved, as a share of their own length.
    pub moved: f64,
    /// Whether the parent says "unsure" and the new model does not.
    pub never_unsure: bool,
    /// What became of the threshold of strangeness.
    pub strangeness: Strangeness,
    /// Whether the temperature was fitted anew.
    pub refitted: bool,
    /// Classes without a scan.
    pub unseen: Vec<usize>,
    /// How long training took, in milliseconds.
    pub ms: f64,
}

/// How often answers were right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Right ones.
    pub right: u64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
}

/// What became of the threshold above which a picture counts as strange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strangeness {
    /// The parent has none.
    None,
    /// It is the parent's.
    Kept,
    /// It was raised.
    Raised,
    /// It was left out.
    Dropped,
}
