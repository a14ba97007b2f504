//! A running mean of a network's weights.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorPrimitive};
use scanlight_model::arch::Network;

/// A network whose values are a running mean of another's.
///
/// Batch norm's running statistics are averaged with the weights: copied from the newest weights
/// they would describe activations that the averaged weights do not give. Everything stays on the
/// device.
pub struct Ema<B: Backend> {
    network: Network<B>,
    updates: u64,
    decay: f64,
}

impl<B: Backend> Ema<B> {
    /// Starts at a network's values, or goes on with a mean after so many updates.
    ///
    /// The network must share no running statistics with one in use: take it from `valid()` or a
    /// record, not from `clone()`.
    pub fn new(network: Network<B>, updates: u64, decay: f64) -> Self {
        Self {
            network,
            updates,
            decay,
        }
    }

    /// The mean.
    pub fn network(&self) -> &Network<B> {
        &self.network
    }

    /// Updates so far.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Share of the mean that an update keeps in the long run.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// Takes a network's values into the mean.
    pub fn update(self, current: &Network<B>) -> Self {
        let mut newest = Collect {
            tensors: HashMap::new(),
        };
        current.visit(&mut newest);
        let keep = decay_after(self.updates, self.decay);
        let network = self.network.map(&mut Average { newest, keep });
        Self {
            network,
            updates: self.updates + 1,
            decay: self.decay,
        }
    }
}

/// Share of the mean that an update keeps: less at first, so that the random start is forgotten.
fn decay_after(updates: u64, decay: f64) -> f64 {
    let updates = updates as f64;
    decay.min((1.0 + updates) / (10.0 + updates))
}

/// A network's tensors by their ids.
struct Collect<B: Backend> {
    tensors: HashMap<ParamId, TensorPrimitive<B>>,
}

impl<B: Backend> ModuleVisitor<B> for Collect<B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        self.tensors.insert(param.id, param.val().into_primitive());
    }
}

struct Average<B: Backend> {
    newest: Collect<B>,
    keep: f64,
}

impl<B: Backend> ModuleMapper<B> for Average<B> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let (id, mean, mapper) = param.consume();
        let mean = match self.newest.tensors.remove(&id) {
            Some(newest) => {
                let newest = Tensor::<B, D>::from_primitive(newest);
                // As a difference, so that the mean of what does not change is that very value.
                mean.clone() + (newest - mean).mul_scalar(1.0 - self.keep)
            }
            None => mean,
        };
        Param::from_mapped_value(id, mean, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::AutodiffModule;
    use burn_autodiff::Autodiff;
    use scanlight_model::arch::{Architecture, ReferenceCnnConfig};
    use scanlight_model::bundle::weights::{Precision, save};

    type Inner = burn_flex::Flex;
    type B = Autodiff<Inner>;

    fn values(network: &Network<Inner>) -> Vec<f32> {
        let bytes = save(network, Precision::Full).unwrap();
        let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[start..]
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect()
    }

    struct Shift(f32);

    impl ModuleMapper<B> for Shift {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
            let (id, tensor, mapper) = param.consume();
            let tensor = Tensor::from_inner(tensor.inner().add_scalar(self.0)).require_grad();
            Param::from_mapped_value(id, tensor, mapper)
        }
    }

    #[test]
    fn the_mean_equals_the_sum_by_hand() {
        let device = Default::default();
        let mut network: Network<B> = Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![2],
            hidden: 0,
            dropout: 0.0,
        })
        .init(2, &device);
        let mut ema = Ema::new(network.valid(), 0, 0.25);
        let mut expected = values(&network.valid());
        let start = expected.clone();
        for update in 0..6u64 {
            network = network.map(&mut Shift(1.0));
            let newest = values(&network.valid());
            ema = ema.update(&network.valid());
            let keep = (0.25f32).min((1.0 + update as f32) / (10.0 + update as f32));
            for (mean, new) in expected.iter_mut().zip(newest) {
                *mean = keep * *mean + (1.0 - keep) * new;
            }
        }
        assert_eq!(ema.updates(), 6);
        let found = values(ema.network());
        // Weights and running statistics alike.
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        // The mean lags behind the newest and is ahead of the start; the start was not touched.
        assert!(
            found
                .iter()
                .zip(&start)
                .all(|(a, b)| a - b > 4.0 && a - b < 6.0)
        );
    }

    #[test]
    fn the_first_updates_forget_the_start() {
        assert_eq!(decay_after(0, 0.998), 0.1);
        assert!(decay_after(90, 0.998) < 0.92);
        assert_eq!(decay_after(100_000, 0.998), 0.998);
        assert_eq!(decay_after(1_000, 0.5), 0.5);
    }
}
