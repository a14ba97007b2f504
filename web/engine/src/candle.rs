//! The engine on burn-candle: what the CPU engine's answers are compared with. No worker runs it.

use crate::protocol::EngineKind;
use crate::worker::{Engine, EngineError};
use scanlight_model::Scan;
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{Classification, Classifier};
use scanlight_model::preprocess::ModelInput;

// burn-candle is deprecated as of burn 0.21; it is the CPU backend asked for, and 0.21 is pinned.
#[allow(deprecated)]
type Backend = burn_candle::Candle<f32, i64>;

/// A loaded network on burn-candle.
pub struct CandleEngine {
    classifier: Classifier<Backend>,
}

impl Engine for CandleEngine {
    const KIND: EngineKind = EngineKind::Cpu;

    async fn load(bundle: &Bundle) -> Result<Self, EngineError> {
        let classifier = bundle.classifier(&Default::default())?;
        Ok(Self { classifier })
    }

    fn detail(&self) -> String {
        "candle".into()
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
