//! Adam with either kind of weight decay, and the gradient's length.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::{Adam, AdamConfig, AdamState, GradientsParams, LearningRate, SimpleOptimizer};
use burn::tensor::Tensor;
use burn::tensor::backend::{AutodiffBackend, Backend};
use scanlight_model::arch::Network;

use crate::config::{OptimizerConfig, OptimizerKind};

/// The optimiser of a network.
pub type NetworkOptimizer<B> = OptimizerAdaptor<AdamRule, Network<B>, B>;

/// Adam's step, before which decoupled weight decay may shrink the weights.
///
/// burn's own AdamW is not used because it decays every tensor, biases and batch norm's factors
/// too, and because its state is another type than Adam's.
#[derive(Clone)]
pub struct AdamRule {
    adam: Adam,
    /// Share that a step takes off the weights, divided by the learning rate.
    decay: f64,
}

impl<B: Backend> SimpleOptimizer<B> for AdamRule {
    type State<const D: usize> = AdamState<B, D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<B, D>,
        gradient: Tensor<B, D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<B, D>, Option<Self::State<D>>) {
        // Vectors are biases and norms: pulling them to 0 regularises nothing.
        let tensor = if D > 1 && self.decay > 0.0 {
            tensor.mul_scalar(1.0 - rate * self.decay)
        } else {
            tensor
        };
        self.adam.step(rate, tensor, gradient, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &B::Device) -> Self::State<D> {
        <Adam as SimpleOptimizer<B>>::to_device(state, device)
    }
}

/// A fresh optimiser.
pub fn optimizer<B: AutodiffBackend>(config: &OptimizerConfig) -> NetworkOptimizer<B> {
    let decay = config.weight_decay;
    let decoupled = config.kind == OptimizerKind::AdamW;
    let penalty = (decay > 0.0 && !decoupled).then(|| WeightDecayConfig::new(decay));
    AdamRule {
        adam: AdamConfig::new()
            .with_epsilon(1e-8)
            .with_weight_decay(penalty)
            .build(),
        decay: if decoupled { decay.into() } else { 0.0 },
    }
    .into()
}

/// Length of the whole gradient, a tensor of one element on the device; where it exceeds `limit`
/// (above 0) the gradient is shortened to that.
///
/// Over all parameters together, so that the direction stays (burn's own clipping looks at each
/// tensor alone). Nothing is read back from the device.
pub fn clip<B: AutodiffBackend>(
    network: &Network<B>,
    gradients: &mut GradientsParams,
    limit: f32,
    device: &B::Device,
) -> Tensor<B::InnerBackend, 1> {
    let mut squares = Squares::<B> {
        gradients,
        sum: Tensor::zeros([1], device),
    };
    network.visit(&mut squares);
    let norm = squares.sum.sqrt();
    if limit > 0.0 {
        let factor = norm
            .clone()
            .add_scalar(1e-6)
            .recip()
            .mul_scalar(limit)
            .clamp_max(1.0);
        network.visit(&mut Scale::<B> { gradients, factor });
    }
    norm
}

/// Sums the squares of all gradients.
struct Squares<'a, B: AutodiffBackend> {
    gradients: &'a GradientsParams,
    sum: Tensor<B::InnerBackend, 1>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Squares<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        // Frozen parameters and running statistics have none.
        if let Some(gradient) = self.gradients.get::<B::InnerBackend, D>(param.id) {
            self.sum = self.sum.clone().add(gradient.square().sum());
        }
    }
}

/// Multiplies all gradients.
struct Scale<'a, B: AutodiffBackend> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<B::InnerBackend, 1>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Scale<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.remove::<B::InnerBackend, D>(param.id) {
            let scaled = gradient.mul(self.factor.clone().unsqueeze());
            self.gradients.register(param.id, scaled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::ElementConversion;
    use burn_autodiff::Autodiff;
    use scanlight_model::arch::{Architecture, ReferenceCnnConfig};

    type B = Autodiff<burn_flex::Flex>;
    type Inner = burn_flex::Flex;

    fn values<const D: usize>(tensor: Tensor<Inner, D>) -> Vec<f32> {
        tensor.into_data().into_vec().unwrap()
    }

    #[test]
    fn a_long_gradient_is_shortened_to_the_limit() {
        let device = Default::default();
        let network: Network<B> = Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![2],
            hidden: 0,
            dropout: 0.0,
        })
        .init(2, &device);
        let gradients = || {
            let input = Tensor::<B, 4>::ones([2, 1, 8, 8], &device);
            let loss = network.forward(input).mul_scalar(50.0).sum();
            GradientsParams::from_grads(loss.backward(), &network)
        };
        let norm = |limit: f32| -> (f32, f32) {
            let mut gradients = gradients();
            let before = clip(&network, &mut gradients, limit, &device).into_scalar();
            let after = clip(&network, &mut gradients, 0.0, &device).into_scalar();
            (before.elem(), after.elem())
        };
        let (before, after) = norm(0.0);
        assert!(before > 2.0 && before == after);
        let (before, after) = norm(2.0);
        assert!(before > 2.0 && (after - 2.0).abs() < 1e-3, "{after}");
        let (before, after) = norm(1e6);
        assert!((before - after).abs() < 1e-3);
    }

    #[test]
    fn decoupled_decay_shrinks_matrices_only() {
        let device = Default::default();
        let config = OptimizerConfig {
            kind: OptimizerKind::AdamW,
            weight_decay: 0.5,
            ..OptimizerConfig::default()
        };
        let rule = AdamRule {
            adam: AdamConfig::new().build(),
            decay: config.weight_decay.into(),
        };
        // Without a gradient only the decay moves anything.
        let matrix = Tensor::<Inner, 2>::full([2, 2], 2.0, &device);
        let (moved, _) = rule.step(0.1, matrix.clone(), matrix.zeros_like(), None);
        assert!(values(moved).iter().all(|v| (v - 1.9).abs() < 1e-6));
        let vector = Tensor::<Inner, 1>::full([2], 2.0, &device);
        let (moved, _) = rule.step(0.1, vector.clone(), vector.zeros_like(), None);
        assert_eq!(values(moved), [2.0, 2.0]);
    }
}
