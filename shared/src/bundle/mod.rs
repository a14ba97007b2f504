//! The bundle: `model.json` beside `model.safetensors`, the one format in which models travel.

mod error;
pub mod extra;
mod index;
mod manifest;
pub mod quantised;
mod trust;
pub mod weights;

pub use error::BundleError;
pub use index::{ModelEntry, ModelIndex};
pub use manifest::{
    Calibration, FORMAT, FORMAT_VERSION, MAX_MANIFEST_BYTES, MAX_WEIGHTS_BYTES, Manifest,
    OLDEST_VERSION, WeightsInfo, is_id,
};
#[cfg(feature = "records")]
pub use manifest::{DataSource, Folds, InitialWeights, Metrics, Split, Training};

#[cfg(feature = "records")]
pub use trust::Facts;
pub use trust::{OodMethod, OodSpec, Trust, TtaSpec, UncertaintyMethod, UncertaintySpec};

use burn::tensor::backend::Backend;
use sha2::{Digest, Sha256};

use crate::arch::Network;
use crate::classify::{Classifier, DirectClassifier};
use crate::direct::DirectRunner;
use crate::runner::BurnRunner;
use crate::trust::ood::{Arrays, Detector};

/// File name of the manifest in a bundle's folder.
pub const MANIFEST_FILE: &str = "model.json";
/// File name of the weights in a bundle's folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";
/// File name of the list of published models beside the bundles' folders.
pub const INDEX_FILE: &str = "index.json";

/// A manifest with weights that belong to it.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// What the model is.
    pub manifest: Manifest,
    weights: Vec<u8>,
}

impl Bundle {
    /// Puts a manifest and its weights together; size and SHA-256 must match.
    pub fn new(manifest: Manifest, weights: Vec<u8>) -> Result<Self, BundleError> {
        Self::checked(manifest, weights, sha256_hex)
    }

    /// [`Self::new`] with the weights' SHA-256 in lower-case hexadecimal, which the caller has computed: browsers do so
    /// many times faster than a program in them.
    pub fn with_hash(
        manifest: Manifest,
        weights: Vec<u8>,
        hash: String,
    ) -> Result<Self, BundleError> {
        Self::checked(manifest, weights, |_| hash)
    }

    fn checked(
        manifest: Manifest,
        weights: Vec<u8>,
        hash: impl FnOnce(&[u8]) -> String,
    ) -> Result<Self, BundleError> {
        manifest.validate()?;
        let found = weights.len() as u64;
        if found > MAX_WEIGHTS_BYTES {
            return Err(BundleError::TooLarge {
                found,
                limit: MAX_WEIGHTS_BYTES,
            });
        }
        if found != manifest.weights.size {
            return Err(BundleError::Size {
                found,
                expected: manifest.weights.size,
            });
        }
        let hash = hash(&weights);
        if hash != manifest.weights.sha256.to_ascii_lowercase() {
            return Err(BundleError::Hash {
                found: hash,
                expected: manifest.weights.sha256,
            });
        }
        Ok(Self { manifest, weights })
    }

    /// Makes a bundle from a trained network; fills in the manifest's `weights`.
    pub fn pack<B: Backend>(
        mut manifest: Manifest,
        network: &Network<B>,
        precision: weights::Precision,
    ) -> Result<Self, BundleError> {
        let bytes = weights::save(network, precision)?;
        manifest.weights = WeightsInfo {
            file: WEIGHTS_FILE.into(),
            size: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
        };
        Self::new(manifest, bytes)
    }

    /// The bytes of the weights file.
    pub fn weights(&self) -> &[u8] {
        &self.weights
    }

    /// The network with its weights on a device.
    pub fn network<B: Backend>(&self, device: &B::Device) -> Result<Network<B>, BundleError> {
        weights::load(
            &self.manifest.architecture,
            self.manifest.classes.len(),
            &self.weights,
            device,
        )
    }

    /// A classifier on a device of a burn backend.
    pub fn classifier<B: Backend>(&self, device: &B::Device) -> Result<Classifier<B>, BundleError> {
        let network = self.network(device)?;
        let detector = self.detector(network.head_module().channels())?;
        let runner = BurnRunner::new(network, self.manifest.input, device.clone());
        Ok(Classifier::new(self.manifest.clone(), runner, detector))
    }

    /// A classifier on the CPU that needs no burn backend, see [`crate::direct`].
    pub fn direct_classifier(&self) -> Result<DirectClassifier, BundleError> {
        let runner = DirectRunner::new(&self.manifest, &self.weights)?;
        let detector = self.detector(runner.channels())?;
        Ok(DirectClassifier::new(
            self.manifest.clone(),
            runner,
            detector,
        ))
    }

    /// What tells strange pictures, where the manifest names it, for a network with so many channels
    /// in its last feature maps.
    pub fn detector(&self, channels: usize) -> Result<Option<Detector>, BundleError> {
        let Some(spec) = self.manifest.trust.as_ref().and_then(|t| t.ood.as_ref()) else {
            return Ok(None);
        };
        let arrays = extra::read(&self.weights)?;
        Detector::read(spec, self.manifest.classes.len(), channels, &arrays).map(Some)
    }

    /// The same network with another manifest and other extra tensors ([`extra`]), stored as said; fills
    /// in the manifest's `weights` and format version.
    pub fn with_extra(
        &self,
        mut manifest: Manifest,
        arrays: &Arrays,
        precision: weights::Precision,
    ) -> Result<Self, BundleError> {
        let bytes = extra::replace(&self.weights, arrays, precision)?;
        manifest.format_version = FORMAT_VERSION;
        manifest.weights = WeightsInfo {
            file: manifest.weights.file,
            size: bytes.len() as u64,
            sha256: sha256_hex(&bytes),
        };
        Self::new(manifest, bytes)
    }
}

/// SHA-256 as lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
