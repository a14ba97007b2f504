//! The parts of `models/index.json` and a bundle's manifest that the page shows.
//!
//! The worker reads and checks the whole bundle; the page only needs names, sizes and addresses.

mod details;

pub use details::{
    Calibration, DataSource, Facts, Metrics, Split, Strangeness, Training, Trust, Uncertainty,
};

use crate::language::{t, tv};
use serde::Deserialize;

/// `models/index.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct Index {
    /// Id of the bundle to use when none is asked for.
    pub default: String,
    /// All bundles.
    pub models: Vec<Entry>,
}

/// A bundle in the index.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// The bundle's folder.
    pub id: String,
    /// Its name for a person.
    #[serde(default)]
    pub title: String,
}

/// A model that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The published one of this id.
    Published(String),
    /// The visitor's.
    Own,
}

impl Index {
    /// The id to load: `asked` where the index lists it. The second value is false where it doesn't.
    pub fn choose(&self, asked: Option<&str>) -> (String, bool) {
        match asked {
            Some(id) if self.models.iter().any(|entry| entry.id == id) => (id.into(), true),
            Some(_) => (self.default.clone(), false),
            None => (self.default.clone(), true),
        }
    }
}

/// `models/<id>/model.json`, as far as the page shows it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// The bundle's id.
    pub id: String,
    /// Its name for a person.
    pub title: String,
    /// Class names, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// Where the weights are.
    pub weights: Weights,
    /// Licence of the weights.
    #[serde(default)]
    pub licence: String,
    /// When it was made.
    #[serde(default)]
    pub created: String,
    /// What it is, in a sentence or two.
    #[serde(default)]
    pub description: String,
    /// What it was trained on.
    #[serde(default)]
    pub training: Training,
    /// Measured on images that were not trained on.
    #[serde(default)]
    pub metrics: Vec<Metrics>,
    /// Calibration of the probabilities.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// Uncertainty and strangeness with their thresholds.
    #[serde(default)]
    pub trust: Option<Trust>,
    /// The label for people.
    #[serde(default)]
    pub facts: Option<Facts>,
}

/// The weights' file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Weights {
    /// File name, beside the manifest.
    pub file: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// What the network was trained on: names and numbers of training images.
    pub fn training_line(&self) -> Option<String> {
        let sources: Vec<String> = self
            .training
            .data
            .iter()
            .map(|source| {
                let images = source.count("train");
                let key = if source.synthetic {
                    "label.source_generated"
                } else {
                    "label.source"
                };
                match images {
                    0 => source.name.clone(),
                    n => tv(
                        key,
                        &[("data", source.name.as_str().into()), ("n", n.into())],
                    ),
                }
            })
            .collect();
        (!sources.is_empty()).then(|| sources.join(&t("list.separator")))
    }

    /// Where the published model `id` has its weights: with the hash, so that no cache pairs this manifest with
    /// other weights.
    pub fn weights_address(&self, id: &str) -> String {
        format!(
            "models/{id}/{}?sha256={}",
            self.weights.file, self.weights.sha256
        )
    }

    /// The uncertainty above which an answer is unsure, where it was measured.
    pub fn threshold(&self) -> Option<f32> {
        let spec = self.trust.as_ref()?.uncertainty.as_ref()?;
        Some(spec.abstain_above)
    }

    /// Whether it refuses pictures that are unlike its training images.
    pub fn refuses(&self) -> bool {
        self.trust.as_ref().is_some_and(|trust| trust.ood.is_some())
    }

    /// The first eight digits of the weights' hash: enough to tell two versions apart.
    pub fn short_hash(&self) -> &str {
        self.weights.sha256.get(..8).unwrap_or(&self.weights.sha256)
    }
}

/// `samples/index.json`: pictures to try.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SampleEntry {
    /// File name in `samples/`.
    pub file: String,
    /// Caption.
    #[serde(default)]
    pub title: String,
    /// The class it was drawn as.
    #[serde(default)]
    pub class: String,
    /// The plane it was drawn in.
    #[serde(default)]
    pub plane: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn index_falls_back_to_its_default() {
        let index: Index = serde_json::from_str(
            r#"{"default":"a","models":[{"id":"a","title":"A"},{"id":"b","title":"B"}]}"#,
        )
        .unwrap();
        assert_eq!(index.choose(None), ("a".into(), true));
        assert_eq!(index.choose(Some("b")), ("b".into(), true));
        assert_eq!(index.choose(Some("c")), ("a".into(), false));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn manifest_with_unknown_fields() {
        let manifest: Manifest = serde_json::from_str(
            r#"{"format":1,"id":"m","title":"M","classes":["x","y"],
                "weights":{"file":"w.safetensors","size":12,"sha256":"0123456789abcdef"},
                "training":{"data":[{"name":"figshare","images":{"train":{"x":3,"y":4},"test":{"x":1}}}]}}"#,
        )
        .unwrap();
        assert_eq!(
            manifest.training_line().as_deref(),
            Some("figshare (7 images)")
        );
        assert_eq!(manifest.short_hash(), "01234567");
        assert_eq!(manifest.threshold(), None);
        assert!(!manifest.refuses());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn manifest_with_thresholds() {
        let manifest: Manifest = serde_json::from_str(
            r#"{"id":"m","title":"M","classes":["x","y"],
                "weights":{"file":"w.safetensors","size":12,"sha256":"0123456789abcdef"},
                "trust":{"uncertainty":{"method":"entropy","abstain_above":0.5,"coverage":0.9},
                         "ood":{"method":"energy","threshold":-3.5,"colour_limit":0.06}}}"#,
        )
        .unwrap();
        assert_eq!(manifest.threshold(), Some(0.5));
        assert!(manifest.refuses());
    }
}
