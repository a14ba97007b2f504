//! How fast each part of the network learns, and a backbone that does not.

use burn::module::{AutodiffModule, Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::{Tensor, backend::AutodiffBackend};
use scanlight_model::arch::Network;

use crate::config::InitialConfig;

/// Learning rates of one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The head's.
    pub head: f64,
    /// That of everything else; `None` keeps it as it is.
    pub backbone: Option<f64>,
}

impl InitialConfig {
    /// The rates of a step in an epoch (counted from 0) whose learning rate is `rate`.
    pub fn rates(&self, rate: f64, epoch: u32) -> Rates {
        Rates {
            head: rate,
            backbone: (!self.frozen(epoch)).then_some(rate * self.backbone_rate),
        }
    }
}

impl Rates {
    /// Feature maps `[N, K, h, w]` to train on.
    ///
    /// A frozen backbone is in evaluation mode and out of reach of the gradients: it costs a forward
    /// pass only, and neither its weights nor batch norm's statistics change.
    pub fn features<B: AutodiffBackend>(
        &self,
        network: &Network<B>,
        input: Tensor<B, 4>,
    ) -> Tensor<B, 4> {
        match self.backbone {
            Some(_) => network.features(input),
            None => Tensor::from_inner(network.valid().features(input.inner())),
        }
    }

    /// Lets an optimiser take a step.
    pub fn step<B: AutodiffBackend>(
        &self,
        optimizer: &mut impl Optimizer<Network<B>, B>,
        network: Network<B>,
        mut gradients: GradientsParams,
    ) -> Network<B> {
        match self.backbone {
            Some(rate) if rate != self.head => {
                let mut take = Take {
                    from: &mut gradients,
                    to: GradientsParams::new(),
                };
                network.head_module().visit(&mut take);
                let head = take.to;
                let network = optimizer.step(rate, network, gradients);
                optimizer.step(self.head, network, head)
            }
            // The optimiser leaves alone what has no gradient.
            _ => optimizer.step(self.head, network, gradients),
        }
    }
}

/// Moves the gradients of the parameters that it visits.
struct Take<'a> {
    from: &'a mut GradientsParams,
    to: GradientsParams,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Take<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.from.remove::<B::InnerBackend, D>(param.id) {
            self.to.register(param.id, gradient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Freeze;
    use burn::optim::SgdConfig;
    use burn_autodiff::Autodiff;
    use scanlight_model::arch::{Architecture, ReferenceCnnConfig};
    use scanlight_model::bundle::weights::{Tensors, tensors};

    type B = Autodiff<burn_flex::Flex>;

    /// How far each tensor moves in one step of plain gradient descent.
    fn moved(rates: Rates) -> Vec<(String, f32)> {
        let device = Default::default();
        <B as burn::tensor::backend::Backend>::seed(&device, 1);
        let network: Network<B> = Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![2, 3],
            hidden: 4,
            dropout: 0.0,
        })
        .init(2, &device);
        let values = |network: &Network<B>| -> Tensors { tensors(&network.valid()).unwrap() };
        let before = values(&network);
        let input = Tensor::<B, 4>::random(
            [4, 1, 16, 16],
            burn::tensor::Distribution::Normal(0.0, 1.0),
            &device,
        );
        let logits = network.head(rates.features(&network, input));
        let loss = logits.narrow(1, 0, 1).sum().backward();
        let gradients = GradientsParams::from_grads(loss, &network);
        let mut optimizer = SgdConfig::new().init();
        let network = rates.step(&mut optimizer, network, gradients);
        let after = values(&network);
        before
            .into_iter()
            .map(|(name, before)| {
                let after = &after[&name].values;
                let differences = before.values.iter().zip(after).map(|(a, b)| (a - b).abs());
                let largest = differences.fold(0.0, f32::max);
                (name, largest)
            })
            .collect()
    }

    #[test]
    fn a_frozen_backbone_keeps_every_value_and_the_head_learns() {
        for (name, distance) in moved(Rates {
            head: 0.1,
            backbone: None,
        }) {
            let head = name.starts_with("head.");
            assert_eq!(distance > 0.0, head, "{name} moved by {distance}");
        }
    }

    #[test]
    fn the_backbone_s_rate_is_a_factor_on_its_steps() {
        let whole = moved(Rates {
            head: 0.1,
            backbone: Some(0.1),
        });
        let slow = moved(Rates {
            head: 0.1,
            backbone: Some(0.05),
        });
        for ((name, whole), (_, slow)) in whole.into_iter().zip(slow) {
            if name.contains("running") {
                continue; // not moved by gradients
            }
            let factor = if name.starts_with("head.") { 1.0 } else { 0.5 };
            assert!(
                (slow - factor * whole).abs() <= 1e-3 * whole + 1e-6,
                "{name}: {slow} {whole}"
            );
        }
    }

    #[test]
    fn rates_follow_the_configuration() {
        let config = InitialConfig {
            freeze: Freeze::Backbone,
            unfreeze_after: Some(1),
            backbone_rate: 0.5,
            ..InitialConfig::default()
        };
        assert_eq!(config.rates(0.2, 0).backbone, None);
        assert_eq!(
            config.rates(0.2, 1),
            Rates {
                head: 0.2,
                backbone: Some(0.1)
            }
        );
    }
}
