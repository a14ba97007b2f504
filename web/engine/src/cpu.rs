//! The engine on the CPU: the model crate's direct path, with the SIMD instructions of wasm.

use crate::protocol::EngineKind;
use crate::worker::{Engine, EngineError};
use scanlight_model::Scan;
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{Classification, DirectClassifier};
use scanlight_model::preprocess::ModelInput;

/// A loaded network on the CPU.
pub struct CpuEngine {
    classifier: DirectClassifier,
}

impl Engine for CpuEngine {
    const KIND: EngineKind = EngineKind::Cpu;

    async fn load(bundle: &Bundle) -> Result<Self, EngineError> {
        let classifier = bundle.direct_classifier()?;
        Ok(Self { classifier })
    }

    fn detail(&self) -> String {
        if cfg!(target_feature = "simd128") {
            "direct, SIMD".into()
        } else {
            "direct".into()
        }
    }

    async fn warm_up(&self) -> Result<(), EngineError> {
        Ok(self.classifier.warm_up().await?)
    }

    async fn classify(&self, scan: &Scan) -> Result<Classification, EngineError> {
        Ok(self.classifier.classify(scan).await?)
    }

    async fn classify_input(&self, input: ModelInput) -> Result<Classification, EngineError> {
        Ok(self.classifier.classify_input(input).await?)
    }

    async fn probabilities(&self, plane: &[f32]) -> Result<Vec<f32>, EngineError> {
        Ok(self.classifier.probabilities(plane).await?)
    }
}
