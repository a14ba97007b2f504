//! The closed form of Grad-CAM against automatic differentiation.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use burn::tensor::{Tensor, TensorData};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use scanlight_model::arch::HeadConfig;
use scanlight_model::cam::grad_cam;

type B = Autodiff<Flex>;

/// Grad-CAM by its definition: weights are the means of the gradients over the plane.
fn by_autodiff(
    head: &scanlight_model::arch::Head<B>,
    values: TensorData,
    class: usize,
) -> Vec<f32> {
    let device = Default::default();
    let features = Tensor::<B, 4>::from_data(values, &device).require_grad();
    let logit = head.forward(features.clone()).narrow(1, class, 1).sum();
    let gradients = logit.backward();
    let gradient = features.grad(&gradients).unwrap();
    let [batch, channels, height, width] = gradient.dims();
    let weights = gradient
        .reshape([batch, channels, height * width])
        .mean_dim(2)
        .reshape([batch, channels, 1, 1]);
    let map = (features.inner() * weights).sum_dim(1);
    burn::tensor::activation::relu(map)
        .into_data()
        .into_vec()
        .unwrap()
}

#[test]
fn closed_form_equals_autodiff_for_every_class() {
    let device = Default::default();
    for hidden in [0, 16] {
        // No dropout: the head of a loaded model never drops.
        let head = HeadConfig::new(24, 4, hidden, 0.0).init::<B>(&device);
        let values: Vec<f32> = (0..2 * 24 * 5 * 7)
            .map(|i| ((i * 37 % 101) as f32 / 50.0 - 0.6).max(0.0))
            .collect();
        let data = TensorData::new(values, [2, 24, 5, 7]);
        let features = Tensor::<B, 4>::from_data(data.clone(), &device);
        let (logits, gradients) = head.logits_and_gradients(features.clone());
        let forward = head.forward(features.clone());
        let difference = (logits - forward).abs().max().into_scalar();
        assert!(difference < 1e-6, "{difference}");

        let maps = grad_cam(features, gradients);
        for class in 0..4 {
            let ours: Vec<f32> = maps
                .clone()
                .narrow(1, class, 1)
                .into_data()
                .into_vec()
                .unwrap();
            let theirs = by_autodiff(&head, data.clone(), class);
            assert_eq!(ours.len(), theirs.len());
            for (a, b) in ours.iter().zip(&theirs) {
                assert!(
                    (a - b).abs() < 1e-6,
                    "hidden {hidden}, class {class}: {a} {b}"
                );
            }
        }
    }
}
