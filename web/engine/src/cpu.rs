//! The engine on the CPU: the model crate's direct path, with the SIMD instructions of wasm.

use crate::protocol::EngineKind;
use crate::worker::{Engine, EngineError};
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{DirectClassifier, Pipeline};
use scanlight_model::direct::DirectRunner;

/// A loaded network on the CPU.
pub struct CpuEngine {
    classifier: DirectClassifier,
}

impl Engine for CpuEngine {
    type Runner = DirectRunner;
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

    /// There is nothing to compile: a run on nothing would only keep a first scan waiting.
    async fn warm_up(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn pipeline(&self) -> &Pipeline<DirectRunner> {
        &self.classifier
    }
}
