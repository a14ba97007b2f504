//! The closed form of Grad-CAM against automatic differentiation.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, HeadConfig, InvertedStageConfig, MobileNetV2Config,
    ReferenceCnnConfig, StageConfig,
};
use scanlight_model::cam::Activations;

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
        let data = TensorData::new(values.clone(), [2, 24, 5, 7]);
        let features = Tensor::<B, 4>::from_data(data.clone(), &device);
        let (logits, gradients) = head.logits_and_gradients(features.clone());
        let forward = head.forward(features);
        let difference = (logits - forward).abs().max().into_scalar();
        assert!(difference < 1e-6, "{difference}");

        let gradients: Vec<f32> = gradients.into_data().into_vec().unwrap();
        let images = values.chunks_exact(24 * 35);
        let images: Vec<Activations> = images
            .zip(gradients.chunks_exact(4 * 24))
            .map(|(features, gradients)| {
                let (features, gradients) = (features.to_vec(), gradients.to_vec());
                Activations::new(vec![0.0; 4], gradients, features, 7, 5).unwrap()
            })
            .collect();
        for class in 0..4 {
            let maps = images.iter().map(|image| image.grad_cam(class));
            let ours: Vec<f32> = maps.flatten().collect();
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

/// The middle of what one cell of the feature maps depends on, in pixels from the plane's edge: the
/// mean place, weighted by the squared gradient, of a network with random weights.
fn looks_at(architecture: &Architecture, side: usize, cell: usize) -> [f32; 2] {
    let device = Default::default();
    B::seed(&device, 7);
    let network = architecture.init::<B>(4, &device);
    let values: Vec<f32> = (0..side * side)
        .map(|i| ((i * 7919 % 1009) as f32 / 504.0) - 1.0)
        .collect();
    let input = Tensor::<B, 4>::from_data(TensorData::new(values, [1, 1, side, side]), &device)
        .require_grad();
    let features = network.features(input.clone());
    let picked = features.narrow(2, cell, 1).narrow(3, cell, 1);
    let gradients = picked.powi_scalar(2).sum().backward();
    let gradient: Vec<f32> = input
        .grad(&gradients)
        .unwrap()
        .into_data()
        .into_vec()
        .unwrap();
    let (mut x, mut y, mut weight) = (0.0, 0.0, 0.0);
    for (index, value) in gradient.iter().enumerate() {
        x += value * value * ((index % side) as f32 + 0.5);
        y += value * value * ((index / side) as f32 + 0.5);
        weight += value * value;
    }
    [x / weight, y / weight]
}

#[test]
fn cells_lie_where_the_network_looks() {
    // So few layers that what a cell depends on lies inside the plane.
    let inverted = |expansion, channels, stride| InvertedStageConfig {
        expansion,
        channels,
        blocks: 1,
        stride,
    };
    let architectures = [
        Architecture::ReferenceCnn(ReferenceCnnConfig::default()),
        Architecture::CompactResnet(CompactResnetConfig {
            stages: vec![StageConfig {
                channels: 32,
                blocks: 1,
            }],
            ..CompactResnetConfig::default()
        }),
        Architecture::MobileNetV2(MobileNetV2Config {
            stages: vec![inverted(1, 16, 1), inverted(4, 24, 2)],
            ..MobileNetV2Config::default()
        }),
    ];
    for architecture in architectures {
        let side = 64;
        let cells = {
            let network = architecture.init::<Flex>(4, &Default::default());
            let plane = Tensor::<Flex, 4>::zeros([1, 1, side, side], &Default::default());
            network.features(plane).dims()[3]
        };
        let stride = side as f32 / cells as f32;
        let cell = cells / 2;
        let expected = architecture.first_centre(side as u32) + stride * cell as f32;
        for found in looks_at(&architecture, side, cell) {
            let kind = architecture.kind();
            // A map that ignores the padding is off by half a cell.
            assert!(
                (found - expected).abs() < stride / 4.0,
                "{kind}: {found} {expected}"
            );
        }
    }
}
