//! Where training starts: at random, at pretrained weights, or at a model of our own.

mod args;
mod pretrained;
mod rates;
mod source;
mod transfer;

pub use args::InitialArgs;
pub use rates::Rates;

use anyhow::{Context, Result};
use burn::module::{AutodiffModule, Module};
use burn::tensor::backend::AutodiffBackend;
use scanlight_model::arch::Network;
use scanlight_model::bundle::weights::{self, Precision, Tensors};

use crate::config::Config;
use source::Source;

/// The network that training starts with.
///
/// `samples` are some training inputs; pretrained weights are fitted to them.
pub fn network<B: AutodiffBackend>(
    config: &Config,
    classes: &[String],
    samples: &[&[f32]],
    device: &B::Device,
) -> Result<Network<B>> {
    let (initial, architecture) = (&config.initial, &config.architecture);
    let fresh: Network<B> = architecture.init(classes.len(), device);
    // Weights are drawn when they are first looked at: all now, so that the head's start depends on
    // the seed alone.
    let _ = fresh.num_params();
    match initial.source() {
        None => Ok(fresh),
        Some(Source::Pretrained(path)) => {
            let file = initial.read_weights(path)?;
            let inner = pretrained::unfold(fresh.valid(), &file, samples, &config.input, device)
                .with_context(|| {
                    format!(
                        "{} does not fit {} of this size",
                        path.display(),
                        architecture.kind()
                    )
                })?;
            // Not `from_inner`: it would leave tensors that were put in place there without gradients.
            let tensors = weights::tensors(&inner)?;
            load(config, classes, &tensors, device)
        }
        Some(Source::Bundle(path)) => {
            let bundle = initial.read_bundle(path)?;
            let described = || format!("cannot start from {}", path.display());
            let source = weights::decode(bundle.weights()).with_context(described)?;
            let plan = transfer::Plan::new(&bundle.manifest.classes, classes);
            eprintln!("starting from {}: {plan}", path.display());
            let tensors = transfer::transfer(weights::tensors(&fresh)?, source, &plan)
                .with_context(described)?;
            load(config, classes, &tensors, device).with_context(described)
        }
    }
}

fn load<B: AutodiffBackend>(
    config: &Config,
    classes: &[String],
    tensors: &Tensors,
    device: &B::Device,
) -> Result<Network<B>> {
    let bytes = weights::encode(tensors, Precision::Full)?;
    Ok(weights::load(
        &config.architecture,
        classes.len(),
        &bytes,
        device,
    )?)
}
