//! How many images a second training takes, without data, decoding or augmentation.

use std::time::Instant;

use anyhow::Result;
use burn::module::Module;
use burn::tensor::backend::AutodiffBackend;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scanlight_model::arch::Network;
use serde::Serialize;

use super::batches::Batch;
use super::loss::Targets;
use super::optimizer::optimizer;
use super::step::step;
use crate::backend::WithTrainingBackend;
use crate::config::Config;

/// What to measure.
pub struct ThroughputWork<'a> {
    /// Network, input plane, batch size and optimiser.
    pub config: &'a Config,
    /// Number of classes.
    pub classes: usize,
    /// Steps before the clock starts: allocators and caches fill up.
    pub warm_up: usize,
    /// Steps that are timed.
    pub steps: usize,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Throughput {
    /// Name of the backend.
    pub backend: String,
    /// The network's kind.
    pub architecture: String,
    /// Trained values.
    pub parameters: usize,
    /// Images a step.
    pub batch_size: usize,
    /// Seconds of each timed step: forward pass, backward pass, optimiser.
    pub seconds: Vec<f64>,
    /// Images a second at the median step.
    pub images_per_second: f64,
}

impl WithTrainingBackend for ThroughputWork<'_> {
    type Output = Throughput;

    fn run<B: AutodiffBackend>(self, name: &str, device: B::Device) -> Result<Throughput> {
        let config = self.config;
        B::seed(&device, config.seed);
        let mut network: Network<B> = config.architecture.init(self.classes, &device);
        let parameters = network.num_params();
        let mut optimizer = optimizer::<B>(&config.optimizer);
        let targets = Targets {
            class_weights: vec![1.0; self.classes],
            smoothing: config.label_smoothing,
        };
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let batch = Batch {
            inputs: (0..config.batch_size)
                .map(|_| (0..config.input.len()).map(|_| rng.random()).collect())
                .collect(),
            targets: (0..config.batch_size)
                .map(|index| targets.distribution(index % self.classes, 0, 1.0))
                .collect(),
            lesions: Vec::new(),
        };
        let rates = config.initial.rates(config.optimizer.learning_rate, 0);
        let mut seconds = Vec::with_capacity(self.steps);
        for index in 0..self.warm_up + self.steps {
            let start = Instant::now();
            // The step reads its loss back, so the device has finished when it returns.
            (network, _) = step(
                network,
                &mut optimizer,
                &batch,
                &targets,
                config,
                rates,
                &device,
            )?;
            B::sync(&device)?;
            if index >= self.warm_up {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        let mut sorted = seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
        Ok(Throughput {
            backend: name.into(),
            architecture: config.architecture.kind().into(),
            parameters,
            batch_size: config.batch_size,
            images_per_second: config.batch_size as f64 / median,
            seconds,
        })
    }
}
