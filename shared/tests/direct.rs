//! The direct path gives what burn's networks give, and refuses what they refuse.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Instant;

use burn::tensor::backend::Backend;
use burn_flex::Flex;
use proptest::prelude::*;
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, InvertedStageConfig, MobileNetV2Config, ReferenceCnnConfig,
    StageConfig,
};
use scanlight_model::bundle::{Bundle, BundleError, weights};
use scanlight_model::cam::{Activations, random_map};
use scanlight_model::preprocess::InputGeometry;

fn bundle(architecture: Architecture, [width, height]: [u32; 2], classes: usize) -> Bundle {
    let mut manifest = common::manifest(architecture);
    manifest.input = InputGeometry {
        width,
        height,
        ..InputGeometry::default()
    };
    manifest.classes = (0..classes).map(|class| format!("class {class}")).collect();
    let device = Default::default();
    Flex::seed(&device, 3);
    let network = manifest.architecture.init::<Flex>(classes, &device);
    Bundle::pack(manifest, &network, weights::Precision::Full).unwrap()
}

/// The same network with batch norms as training leaves them: every tensor of a norm has other values.
fn trained(bundle: &Bundle) -> Bundle {
    let mut tensors = weights::decode(bundle.weights()).unwrap();
    for (seed, (name, tensor)) in (1..).zip(&mut tensors) {
        let random = random_map(tensor.values.len(), 1, seed);
        if name.contains("norm.") {
            for (value, random) in tensor.values.iter_mut().zip(random) {
                *value = if name.ends_with("mean") || name.ends_with("bias") {
                    random - 0.5
                } else {
                    0.5 + 2.0 * random
                };
            }
        }
    }
    let bytes = weights::encode(&tensors, weights::Precision::Full).unwrap();
    common::with_weights(bundle, bytes)
}

fn plane(bundle: &Bundle, seed: u64) -> Vec<f32> {
    let random = random_map(bundle.manifest.input.len(), 1, seed);
    random.into_iter().map(|v| 4.0 * v - 2.0).collect()
}

fn agrees(bundle: &Bundle) {
    let planes = [plane(bundle, 1), plane(bundle, 2)];
    let planes = [planes[0].as_slice(), planes[1].as_slice()];
    let burn = bundle.classifier::<Flex>(&Default::default()).unwrap();
    let direct = bundle.direct_classifier().unwrap();
    let expected = pollster::block_on(burn.activations(&planes)).unwrap();
    let found = pollster::block_on(direct.activations(&planes)).unwrap();
    let kind = &bundle.manifest.architecture;
    let close = |what: &str, found: &[f32], expected: &[f32]| {
        assert_eq!(found.len(), expected.len(), "{what} of {kind:?}");
        let largest = expected.iter().fold(1.0f32, |a, b| a.max(b.abs()));
        for (found, expected) in found.iter().zip(expected) {
            let difference = (found - expected).abs();
            assert!(
                difference < 1e-4 * largest,
                "{what} of {kind:?}: {found} {expected}"
            );
        }
    };
    let features = |a: &Activations| -> Vec<f32> {
        (0..a.channels())
            .flat_map(|k| a.feature(k).to_vec())
            .collect()
    };
    for (found, expected) in found.iter().zip(&expected) {
        let size = |a: &Activations| [a.width(), a.height(), a.channels(), a.classes()];
        assert_eq!(size(found), size(expected), "{kind:?}");
        close("features", &features(found), &features(expected));
        close("logits", found.logits(), expected.logits());
        for class in 0..found.classes() {
            close("gradients", found.gradient(class), expected.gradient(class));
        }
        close("moments", &found.moments(), &expected.moments());
    }
    let logits = pollster::block_on(direct.logits(&planes)).unwrap();
    assert_eq!(logits[1], found[1].logits());
}

fn architecture() -> impl Strategy<Value = Architecture> {
    let stage =
        (1usize..20, 1usize..3).prop_map(|(channels, blocks)| StageConfig { channels, blocks });
    let compact = (
        1usize..14,
        prop::collection::vec(stage, 1..3),
        1usize..9,
        prop_oneof![Just(0), 1usize..20],
    )
        .prop_map(|(stem, stages, squeeze, merge)| {
            Architecture::CompactResnet(CompactResnetConfig {
                stem,
                stages,
                squeeze,
                merge,
                dropout: 0.0,
            })
        });
    let reference =
        (prop::collection::vec(1usize..14, 1..4), 0usize..9).prop_map(|(channels, hidden)| {
            Architecture::ReferenceCnn(ReferenceCnnConfig {
                channels,
                hidden,
                dropout: 0.0,
            })
        });
    let inverted = (1usize..4, 1usize..20, 1usize..3, 1usize..3).prop_map(
        |(expansion, channels, blocks, stride)| InvertedStageConfig {
            expansion,
            channels,
            blocks,
            stride,
        },
    );
    let mobilenet = (
        0.3f64..1.5,
        prop::collection::vec(inverted, 1..3),
        1usize..20,
    )
        .prop_map(|(width, stages, last)| {
            Architecture::MobileNetV2(MobileNetV2Config {
                width,
                stem: 8,
                stages,
                last,
                dropout: 0.0,
            })
        });
    prop_oneof![compact, reference, mobilenet]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_networks_on_odd_planes_agree(
        architecture in architecture(), width in 16u32..28, height in 16u32..28, classes in 2usize..5,
    ) {
        agrees(&trained(&bundle(architecture, [width, height], classes)));
    }
}

fn small() -> Bundle {
    bundle(
        Architecture::ReferenceCnn(ReferenceCnnConfig {
            channels: vec![4, 6],
            hidden: 5,
            dropout: 0.0,
        }),
        [20, 20],
        3,
    )
}

fn refusal(change: impl Fn(&mut weights::Tensors)) -> BundleError {
    let bundle = small();
    let mut tensors = weights::decode(bundle.weights()).unwrap();
    change(&mut tensors);
    let bytes = weights::encode(&tensors, weights::Precision::Half).unwrap();
    let bundle = common::with_weights(&bundle, bytes);
    bundle.direct_classifier().map(|_| ()).unwrap_err()
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    for name in [
        "blocks.1.conv.weight",
        "blocks.0.norm.running_var",
        "head.hidden.bias",
    ] {
        let missing = refusal(|tensors| drop(tensors.remove(name)));
        assert!(matches!(missing, BundleError::MissingTensor { name: found } if found == name));
        let flat = refusal(|tensors| {
            let tensor = tensors.get_mut(name).unwrap();
            tensor.shape = vec![1, tensor.values.len()];
        });
        assert!(matches!(flat, BundleError::Shape { name: found, .. } if found == name));
    }
    let more = refusal(|tensors| {
        let tensor = tensors["head.hidden.bias"].clone();
        tensors.insert("head.more".into(), tensor);
    });
    assert!(matches!(more, BundleError::UnexpectedTensor { name } if name == "head.more"));
    let negative = refusal(|tensors| {
        let variance = tensors.get_mut("blocks.0.norm.running_var").unwrap();
        variance.values[0] = -1.0;
    });
    assert!(matches!(negative, BundleError::NotFinite { .. }));
}

#[test]
fn short_weights_are_read_as_burn_reads_them() {
    let bundle = trained(&small());
    let tensors = weights::decode(bundle.weights()).unwrap();
    for precision in [weights::Precision::Half, weights::Precision::Rounded(5)] {
        let bytes = weights::encode(&tensors, precision).unwrap();
        agrees(&common::with_weights(&bundle, bytes));
    }
}

#[test]
fn faulty_inputs_are_errors() {
    let bundle = small();
    let classifier = bundle.direct_classifier().unwrap();
    let run = |plane: &[f32]| classifier.runner().run(plane);
    let short = run(&[0.0; 399]).unwrap_err().to_string();
    assert!(short.contains("399 values, not 400"), "{short}");
    let mut values = plane(&bundle, 1);
    assert!(run(&values).is_ok());
    values[7] = f32::NAN;
    let faulty = run(&values).unwrap_err().to_string();
    assert!(faulty.contains("not finite"), "{faulty}");
    assert!(
        pollster::block_on(classifier.activations(&[]))
            .unwrap()
            .is_empty()
    );
}

/// `cargo test --release -p scanlight-model --test direct -- --ignored --nocapture`
#[test]
#[ignore = "a measurement; means something in a release build only"]
fn time_of_the_default_networks() {
    for architecture in common::architectures() {
        let kind = architecture.kind();
        let bundle = bundle(architecture, [128, 128], 4);
        let classifier = bundle.direct_classifier().unwrap();
        let values = plane(&bundle, 1);
        let mut times: Vec<f64> = (0..50)
            .map(|_| {
                let start = Instant::now();
                classifier.runner().run(&values).unwrap();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{kind}: median {:.1} ms, fastest {:.1} ms",
            times[25], times[0]
        );
    }
}
