//! Where training starts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::documented::section;

section! {
    /// Where training starts and how much of the network it changes.
    pub struct InitialConfig {
        /// File with ImageNet weights for mobilenet_v2: safetensors, batch norm folded in.
        pub pretrained: Option<PathBuf> = None,
        /// Folder of a model of ours (published or a run), possibly for other classes; its network and
        /// input plane are taken over.
        pub init: Option<PathBuf> = None,
        /// SHA-256 of those weights. Filled in when a run starts: going on with the run, or training
        /// again from its configuration, refuses others.
        pub sha256: Option<String> = None,
        /// What stays as it was at the start: "none", or "backbone" (everything but the head).
        pub freeze: Freeze = Freeze::None,
        /// Epochs after which a frozen backbone is trained too.
        pub unfreeze_after: Option<u32> = None,
        /// Learning rate of everything but the head, as a factor on the head's; above 0, at most 1.
        pub backbone_rate: f64 = 1.0,
    }
}

/// What stays as it is while training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// Nothing: all layers are trained.
    None,
    /// Everything but the head: faster, and enough where the data resemble those of the start.
    Backbone,
}
