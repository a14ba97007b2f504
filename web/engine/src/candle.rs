//! The engine on burn-candle: what the CPU engine's answers are compared with. No worker runs it.

use crate::protocol::EngineKind;
use crate::worker::{Engine, EngineError};
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{Classifier, Pipeline};
use scanlight_model::runner::BurnRunner;

// burn-candle is deprecated as of burn 0.21; it is the CPU backend asked for, and 0.21 is pinned.
#[allow(deprecated)]
type Backend = burn_candle::Candle<f32, i64>;

/// A loaded network on burn-candle.
pub struct CandleEngine {
    classifier: Classifier<Backend>,
}

impl Engine for CandleEngine {
    type Runner = BurnRunner<Backend>;
    const KIND: EngineKind = EngineKind::Cpu;

    async fn load(bundle: &Bundle) -> Result<Self, EngineError> {
        let classifier = bundle.classifier(&Default::default())?;
        Ok(Self { classifier })
    }

    fn detail(&self) -> String {
        "candle".into()
    }

    fn pipeline(&self) -> &Pipeline<BurnRunner<Backend>> {
        &self.classifier
    }
}
