//! Every method against its paper's formula, written out slowly.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use burn::tensor::{Tensor, TensorData, backend::Backend};
use burn_autodiff::Autodiff;
use burn_flex::Flex;
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, Head, HeadConfig, ReferenceCnnConfig, StageConfig,
};
use scanlight_model::bundle::Bundle;
use scanlight_model::cam::{Activations, CamMethod, ClassMap};
use scanlight_model::classify::Pipeline;
use scanlight_model::explain::ExplainOptions;
use scanlight_model::preprocess::{InputGeometry, ModelInput, preprocess};
use scanlight_model::runner::Runner;

type B = Autodiff<Flex>;

const CHANNELS: usize = 12;
const CLASSES: usize = 4;
const WIDTH: usize = 5;
const HEIGHT: usize = 3;
const AREA: usize = WIDTH * HEIGHT;

/// Feature maps as a ReLU leaves them, `[K][cell]`.
fn features() -> Vec<f32> {
    (0..CHANNELS * AREA)
        .map(|i| ((i * 37 % 101) as f32 / 50.0 - 0.6).max(0.0))
        .collect()
}

fn tensor(values: Vec<f32>) -> Tensor<B, 4> {
    let data = TensorData::new(values, [1, CHANNELS, HEIGHT, WIDTH]);
    Tensor::from_data(data, &Default::default())
}

fn vector<const D: usize>(tensor: Tensor<impl Backend, D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().into_vec().unwrap()
}

fn activations(head: &Head<B>, values: Vec<f32>) -> Activations {
    let (logits, gradients) = head.logits_and_gradients(tensor(values.clone()));
    Activations::new(vector(logits), vector(gradients), values, WIDTH, HEIGHT).unwrap()
}

/// The gradient of a class's logit with respect to every cell of every map, by autodiff.
fn cell_gradients(head: &Head<B>, values: Vec<f32>, class: usize) -> Vec<f32> {
    let features = tensor(values).require_grad();
    let logit = head.forward(features.clone()).narrow(1, class, 1).sum();
    let gradients = logit.backward();
    vector(features.grad(&gradients).unwrap())
}

/// One number per cell from the features and gradients of all maps there.
fn cell_by_cell(weight: impl Fn(usize, usize) -> f32, features: &[f32]) -> Vec<f32> {
    (0..AREA)
        .map(|cell| {
            (0..CHANNELS)
                .map(|k| weight(k, cell) * features[k * AREA + cell])
                .sum()
        })
        .collect()
}

fn positive(values: Vec<f32>) -> Vec<f32> {
    values.into_iter().map(|v| v.max(0.0)).collect()
}

fn close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let largest = theirs.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    assert!(largest > 1e-5, "{what}: a map of zeros proves nothing");
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-4 * largest, "{what}: {a} {b}");
    }
}

/// A head without dropout, and a class whose map is not empty.
fn heads() -> Vec<(Head<B>, usize)> {
    let device = Default::default();
    B::seed(&device, 11);
    [0, 16]
        .map(|hidden| {
            let head = HeadConfig::new(CHANNELS, CLASSES, hidden, 0.0).init::<B>(&device);
            let a = activations(&head, features());
            let strength = |class: usize| a.grad_cam(class).into_iter().fold(0.0, f32::max);
            let class = (0..CLASSES)
                .max_by(|&a, &b| strength(a).total_cmp(&strength(b)))
                .unwrap();
            (head, class)
        })
        .into()
}

#[test]
fn gradient_methods_equal_their_papers_cell_by_cell() {
    for (head, class) in heads() {
        let a = activations(&head, features());
        let f = features();
        let g = cell_gradients(&head, features(), class);
        let at = |k: usize, cell: usize| g[k * AREA + cell];
        let mean = |k: usize| (0..AREA).map(|cell| at(k, cell)).sum::<f32>() / AREA as f32;

        let expected = positive(cell_by_cell(|k, _| mean(k), &f));
        close("Grad-CAM", &a.grad_cam(class), &expected);

        let expected = positive(cell_by_cell(at, &f));
        close("HiResCAM", &a.hires_cam(class), &expected);

        let expected = positive(cell_by_cell(|k, cell| at(k, cell).max(0.0), &f));
        close("LayerCAM", &a.layer_cam(class), &expected);

        let plus_plus = |k: usize| -> f32 {
            let sum: f32 = f[k * AREA..(k + 1) * AREA].iter().sum();
            (0..AREA)
                .map(|cell| {
                    let g = at(k, cell);
                    let below = 2.0 * g * g + sum * g * g * g;
                    let alpha = if below == 0.0 { 0.0 } else { g * g / below };
                    alpha * g.max(0.0)
                })
                .sum()
        };
        let expected = positive(cell_by_cell(|k, _| plus_plus(k), &f));
        close("Grad-CAM++", &a.grad_cam_plus_plus(class), &expected);
        // It weights otherwise than the others do: the comparison above could tell them apart.
        let layer = ClassMap::new(WIDTH, HEIGHT, a.layer_cam(class));
        let plus_plus = ClassMap::new(WIDTH, HEIGHT, a.grad_cam_plus_plus(class));
        assert_ne!(layer.values(), plus_plus.values());
    }
}

/// Why two of the methods give one map: behind an average pooling the gradient does not vary
/// within a feature map, so that taking its mean (Grad-CAM) or not (HiResCAM) is the same.
#[test]
fn gradients_are_constant_in_space_so_that_hirescam_is_gradcam() {
    for (head, _) in heads() {
        for class in 0..CLASSES {
            for map in cell_gradients(&head, features(), class).chunks_exact(AREA) {
                assert!(map.iter().all(|g| (g - map[0]).abs() < 1e-7), "{map:?}");
            }
            let a = activations(&head, features());
            assert_eq!(a.grad_cam(class), a.hires_cam(class));
        }
    }
}

#[test]
fn the_order_of_the_channels_does_not_matter() {
    let (head, class) = heads().remove(1);
    let a = activations(&head, features());
    let order: Vec<usize> = (0..CHANNELS).map(|k| (k * 5 + 3) % CHANNELS).collect();
    let gradients = (0..CLASSES).flat_map(|class| order.iter().map(move |&k| (class, k)));
    let turned = Activations::new(
        a.logits().to_vec(),
        gradients.map(|(class, k)| a.gradient(class)[k]).collect(),
        order.iter().flat_map(|&k| a.feature(k).to_vec()).collect(),
        WIDTH,
        HEIGHT,
    )
    .unwrap();
    for values in [
        Activations::grad_cam,
        Activations::hires_cam,
        Activations::grad_cam_plus_plus,
        Activations::layer_cam,
    ] {
        close(
            "turned channels",
            &values(&turned, class),
            &values(&a, class),
        );
    }
    close("EigenCAM", &turned.eigen_cam(), &a.eigen_cam());
    let strongest = |a: &Activations, back: &dyn Fn(usize) -> usize| -> Vec<usize> {
        let channels = a.strongest_channels(4);
        channels.into_iter().map(back).collect()
    };
    assert_eq!(
        strongest(&turned, &|k| order[k]),
        strongest(&a, &|k| k),
        "the same channels are the strongest"
    );
}

#[test]
fn features_of_zeros_give_maps_of_zeros() {
    for (head, _) in heads() {
        let a = activations(&head, vec![0.0; CHANNELS * AREA]);
        for class in 0..CLASSES {
            for values in [
                a.grad_cam(class),
                a.hires_cam(class),
                a.grad_cam_plus_plus(class),
                a.layer_cam(class),
                a.eigen_cam(),
                a.score_cam(&a.strongest_channels(9), &[]),
            ] {
                assert_eq!(values, [0.0; AREA]);
            }
        }
    }
}

fn small_bundles() -> [Bundle; 2] {
    let stage = |channels, blocks| StageConfig { channels, blocks };
    [
        Architecture::CompactResnet(CompactResnetConfig {
            stem: 6,
            stages: vec![stage(8, 1), stage(10, 1)],
            ..CompactResnetConfig::default()
        }),
        Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![4, 6, 8],
            hidden: 8,
            ..ReferenceCnnConfig::default()
        }),
    ]
    .map(|architecture| {
        let device = Default::default();
        let mut manifest = common::manifest(architecture);
        manifest.input = InputGeometry::square(48);
        Flex::seed(&device, 5);
        let network = manifest.architecture.init::<Flex>(CLASSES, &device);
        let precision = scanlight_model::bundle::weights::Precision::Full;
        Bundle::pack(manifest, &network, precision).unwrap()
    })
}

fn input(bundle: &Bundle) -> ModelInput {
    preprocess(&common::picture(), &bundle.manifest.input)
}

fn explain(classifier: &Pipeline<impl Runner>, input: &ModelInput) -> Vec<Vec<ClassMap>> {
    let each = CamMethod::ALL.map(|method| {
        let maps = pollster::block_on(classifier.explain(input, method)).unwrap();
        assert_eq!(maps.len(), CLASSES, "{method}");
        for map in &maps {
            let values = map.values();
            assert!(values.iter().all(|v| (0.0..=1.0).contains(v)), "{method}");
            assert!(map.strength().is_finite() && map.strength() >= 0.0);
            assert!(map.strength() == 0.0 || values.contains(&1.0), "{method}");
        }
        if !method.class_specific() {
            assert!(maps.iter().all(|map| map == &maps[0]), "{method}");
        }
        maps
    });
    each.into()
}

#[test]
fn a_classifier_explains_by_every_method() {
    for bundle in small_bundles() {
        let classifier = bundle.classifier::<Flex>(&Default::default()).unwrap();
        let input = input(&bundle);
        let maps = explain(&classifier, &input);
        let classified = pollster::block_on(classifier.classify_input(input.clone())).unwrap();
        for (ours, theirs) in maps[0].iter().zip(&classified.maps) {
            for (a, b) in ours.values().iter().zip(theirs.values()) {
                assert!((a - b).abs() < 1e-4, "explain and classify: {a} {b}");
            }
        }
        // All at once, for two inputs, is the same as each by itself.
        let mut other = input.clone();
        other.values.reverse();
        let inputs = [other, input];
        let options = ExplainOptions::default();
        let together = classifier.explain_batch(&inputs, &CamMethod::ALL, &options);
        let together = pollster::block_on(together).unwrap();
        assert_eq!(together[1].maps.len(), CamMethod::ALL.len());
        for (a, b) in together[1].maps.iter().zip(&maps) {
            for (a, b) in a.iter().zip(b) {
                for (a, b) in a.values().iter().zip(b.values()) {
                    assert!((a - b).abs() < 1e-3);
                }
            }
        }
        let random = CamMethod::ALL.len() - 1;
        assert_ne!(together[0].maps[random], together[1].maps[random]);
        for (a, b) in together[1].logits.iter().zip(&classified.logits) {
            assert!((a - b).abs() < 1e-5);
        }
    }
}

/// ScoreCAM by the paper's algorithm, one channel at a time, the empty input's logit included.
#[test]
fn scorecam_equals_the_algorithm_one_mask_at_a_time() {
    for bundle in small_bundles() {
        let device = Default::default();
        let classifier = bundle.classifier::<Flex>(&device).unwrap();
        let input = input(&bundle);
        let side = bundle.manifest.input.width as usize;
        let network = classifier.network();
        let plane = |values: Vec<f32>| {
            Tensor::<Flex, 4>::from_data(TensorData::new(values, [1, 1, side, side]), &device)
        };
        let features = network.features(plane(input.values.clone()));
        let [_, channels, height, width] = features.dims();
        let features = vector(features);
        let area = width * height;
        let dark = input.values.iter().copied().fold(f32::INFINITY, f32::min);
        let empty = vector(network.forward(plane(vec![dark; side * side])));
        let mut scores = Vec::new();
        for map in features.chunks_exact(area) {
            let low = map.iter().copied().fold(f32::INFINITY, f32::min);
            let high = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if high <= low {
                continue;
            }
            let mask: Vec<f32> = map.iter().map(|v| (v - low) / (high - low)).collect();
            let first = bundle.manifest.architecture.first_centre(side as u32);
            let origin = [width, height].map(|cells| first * cells as f32 / side as f32);
            let mask = ClassMap::new(width, height, mask).with_origin(origin);
            let mask = mask.on_plane(side, side);
            let masked = input.values.iter().zip(mask);
            let masked = masked.map(|(v, m)| dark * (1.0 - m) + v * m).collect();
            let logits = vector(network.forward(plane(masked)));
            let increase: Vec<f32> = logits.iter().zip(&empty).map(|(a, b)| a - b).collect();
            scores.push((map, increase));
        }
        let options = ExplainOptions {
            score_channels: channels,
            score_batch: 3,
            ..ExplainOptions::default()
        };
        let inputs = [input];
        let ours = classifier.explain_batch(&inputs, &[CamMethod::ScoreCam], &options);
        let ours = pollster::block_on(ours).unwrap().remove(0).maps.remove(0);
        for (class, ours) in ours.iter().enumerate() {
            let total: f32 = scores.iter().map(|(_, s)| s[class].exp()).sum();
            let expected = (0..area).map(|cell| {
                let sum = scores.iter().map(|(map, s)| s[class].exp() * map[cell]);
                sum.sum::<f32>() / total
            });
            let expected = ClassMap::new(width, height, positive(expected.collect()));
            close("ScoreCAM", ours.values(), expected.values());
        }
    }
}

#[test]
fn scorecam_takes_only_as_many_channels_as_asked() {
    let [bundle, _] = small_bundles();
    let classifier = bundle.classifier::<Flex>(&Default::default()).unwrap();
    let inputs = [input(&bundle)];
    let options = ExplainOptions {
        score_channels: 1,
        ..ExplainOptions::default()
    };
    let one = classifier.explain_batch(&inputs, &[CamMethod::ScoreCam], &options);
    let one = pollster::block_on(one).unwrap().remove(0).maps.remove(0);
    let planes: Vec<&[f32]> = inputs.iter().map(|i| i.values.as_slice()).collect();
    let a = pollster::block_on(classifier.activations(&planes)).unwrap();
    let strongest = a[0].strongest_channels(1)[0];
    let alone = ClassMap::new(a[0].width(), a[0].height(), a[0].feature(strongest).into());
    assert_eq!(one[0].values(), alone.values());
}

// Deprecated in 0.21, gone in 0.22: this project stays on 0.21 to have it.
#[allow(deprecated)]
type Candle = burn_candle::Candle<f32, i64>;

#[test]
fn backends_agree_on_every_method() {
    for (index, bundle) in small_bundles().iter().enumerate() {
        let input = input(bundle);
        let flex = bundle.classifier::<Flex>(&Default::default()).unwrap();
        let candle = bundle.classifier::<Candle>(&Default::default()).unwrap();
        let expected = explain(&flex, &input);
        let direct = bundle.direct_classifier().unwrap();
        let mut others = vec![explain(&candle, &input), explain(&direct, &input)];
        // A software GPU compiles its kernels slowly, and the read-back is the same for both networks.
        if index == 0 {
            let device = Default::default();
            let wgpu = bundle.classifier::<burn_wgpu::Wgpu>(&device).unwrap();
            others.push(explain(&wgpu, &input));
        }
        for found in others {
            for ((a, b), method) in expected.iter().zip(&found).zip(CamMethod::ALL) {
                for (a, b) in a.iter().zip(b).flat_map(|(a, b)| {
                    let b = b.values().iter();
                    a.values().iter().zip(b)
                }) {
                    // The random map depends on the input's bits, which are the same here.
                    assert!((a - b).abs() < 2e-3, "{method}: {a} {b}");
                }
            }
        }
    }
}
