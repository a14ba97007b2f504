//! Occlusion maps and layer views, on every architecture and both ways of computing it.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;

use burn_flex::Flex;
use scanlight_model::bundle::{Bundle, MANIFEST_FILE, Manifest};
use scanlight_model::cam::CamMethod;
use scanlight_model::classify::{Look, Pipeline, softmax};
use scanlight_model::decode::decode;
use scanlight_model::explain::ExplainOptions;
use scanlight_model::layers::Layer;
use scanlight_model::runner::Runner;
use scanlight_model::trials::{OcclusionOptions, Trials};

const BUNDLES: [(&str, &[&str]); 4] = [
    (
        "compact_resnet",
        &["stem", "blocks.0", "blocks.1", "blocks.2", "blocks.3"],
    ),
    (
        "compact_merged",
        &[
            "stem", "blocks.0", "blocks.1", "blocks.2", "blocks.3", "merge",
        ],
    ),
    ("reference_cnn", &["blocks.0", "blocks.1", "blocks.2"]),
    (
        "mobilenet_v2",
        &[
            "stem",
            "blocks.0",
            "blocks.1",
            "blocks.2",
            "blocks.3",
            "blocks.4",
            "blocks.5",
            "head_conv",
        ],
    ),
];

fn bundle(name: &str) -> Bundle {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let manifest = Manifest::parse(&std::fs::read(folder.join(MANIFEST_FILE)).unwrap()).unwrap();
    let weights = std::fs::read(folder.join(&manifest.weights.file)).unwrap();
    Bundle::new(manifest, weights).unwrap()
}

fn look<R: Runner>(pipeline: &Pipeline<R>) -> Look {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let picture = decode(&std::fs::read(folder.join("picture.png")).unwrap()).unwrap();
    pollster::block_on(pipeline.look(&picture)).unwrap()
}

fn layers<R: Runner>(pipeline: &Pipeline<R>) -> (Look, Vec<Layer>) {
    let look = look(pipeline);
    let layers = pollster::block_on(pipeline.layers(&look)).unwrap();
    (look, layers)
}

#[test]
fn layers_agree_and_end_with_the_features() {
    for (name, blocks) in BUNDLES {
        let bundle = bundle(name);
        let (look, direct) = layers(&bundle.direct_classifier().unwrap());
        let (_, burn) = layers(&bundle.classifier::<Flex>(&Default::default()).unwrap());
        let names: Vec<String> = direct
            .iter()
            .map(|layer| layer.block().to_string())
            .collect();
        assert_eq!(names, blocks, "{name}");
        assert_eq!(direct.len(), burn.len(), "{name}");
        for (direct, burn) in direct.iter().zip(&burn) {
            let size = |layer: &Layer| {
                (
                    layer.block(),
                    layer.channels(),
                    layer.width(),
                    layer.height(),
                )
            };
            assert_eq!(size(direct), size(burn), "{name}");
            let largest = burn.values().iter().fold(1f32, |a, b| a.max(b.abs()));
            for (found, expected) in direct.values().iter().zip(burn.values()) {
                assert!(
                    (found - expected).abs() < 1e-4 * largest,
                    "{name}, {}: {found} {expected}",
                    direct.block()
                );
            }
        }
        let (last, features) = (direct.last().unwrap(), &look.activations);
        assert_eq!(last.channels(), features.channels());
        for channel in 0..features.channels() {
            assert_eq!(last.channel(channel), features.feature(channel), "{name}");
        }
    }
}

fn all<R: Runner>(pipeline: &Pipeline<R>, look: &Look, mut trials: Trials, batch: usize) -> Trials {
    while !trials.done() {
        let before = trials.tried();
        pollster::block_on(pipeline.advance(&mut trials, look, batch)).unwrap();
        assert!(trials.tried() > before && trials.tried() - before <= batch.max(1));
    }
    assert_eq!(trials.tried(), trials.count());
    trials
}

#[test]
fn occlusion_is_what_covering_by_hand_gives() {
    for (name, _) in BUNDLES {
        let pipeline = bundle(name).direct_classifier().unwrap();
        let look = look(&pipeline);
        let [width, height] = look.input.placement.model.map(|side| side as usize);
        let options = OcclusionOptions {
            cells: 4,
            patch: 1.0,
        };
        let trials = all(
            &pipeline,
            &look,
            pipeline.occlusion_trials(&look, &options),
            3,
        );
        let maps = pipeline.trial_maps(&trials, &look);
        let temperature = pipeline.manifest().temperature();
        let probabilities = |plane: &[f32]| {
            let rows = pollster::block_on(pipeline.logits(&[plane])).unwrap();
            softmax(&rows[0], temperature)
        };
        let before = probabilities(&look.input.values);
        let mean = look.input.values.iter().sum::<f32>() / (width * height) as f32;
        let target = look.input.placement.target;
        let mut drops = vec![vec![0f32; 16]; before.len()];
        for row in 0..4 {
            for column in 0..4 {
                let mut plane = look.input.values.clone();
                for y in row * height / 4..(row + 1) * height / 4 {
                    for x in column * width / 4..(column + 1) * width / 4 {
                        let inside = |at: usize, start: f32, length: f32| {
                            at as f32 >= start && (at as f32) < start + length
                        };
                        if inside(x, target.x, target.width) && inside(y, target.y, target.height) {
                            plane[y * width + x] = mean;
                        }
                    }
                }
                for (class, now) in probabilities(&plane).into_iter().enumerate() {
                    drops[class][row * 4 + column] = (before[class] - now).max(0.0);
                }
            }
        }
        for (class, (map, drops)) in maps.iter().zip(&drops).enumerate() {
            let largest = drops.iter().copied().fold(0.0, f32::max);
            assert!((map.strength() - largest).abs() < 1e-5, "{name}, {class}");
            for (value, drop) in map.values().iter().zip(drops) {
                assert!(
                    (value * map.strength() - drop).abs() < 1e-5,
                    "{name}, {class}"
                );
            }
        }
        assert!(maps.iter().any(|map| map.strength() > 0.0), "{name}");
    }
}

#[test]
fn trials_in_steps_give_score_cam() {
    let pipeline = bundle("compact_merged").direct_classifier().unwrap();
    let look = look(&pipeline);
    // Each channel costs a pass, in a build that is hardly optimised.
    let options = ExplainOptions {
        score_channels: 6,
        ..ExplainOptions::default()
    };
    let inputs = std::slice::from_ref(&look.input);
    let whole = pipeline.explain_batch(inputs, &[CamMethod::ScoreCam], &options);
    let whole = pollster::block_on(whole).unwrap().remove(0).maps.remove(0);
    for batch in [0, 4, 100] {
        let trials = pipeline.score_cam_trials(&look, options.score_channels);
        let trials = all(&pipeline, &look, trials, batch);
        assert_eq!(pipeline.trial_maps(&trials, &look), whole);
    }
    assert!(
        pipeline
            .quick_maps(&look, CamMethod::ScoreCam, &options)
            .is_none()
    );
    let quick = pipeline
        .quick_maps(&look, CamMethod::LayerCam, &options)
        .unwrap();
    let slow = pollster::block_on(pipeline.explain(&look.input, CamMethod::LayerCam)).unwrap();
    assert_eq!(quick, slow);
}

#[test]
fn a_kept_look_gives_the_same_answer() {
    let pipeline = bundle("compact_resnet").direct_classifier().unwrap();
    let look = look(&pipeline);
    let kept = pipeline.conclude(&look);
    let again = pollster::block_on(pipeline.classify_input(look.input)).unwrap();
    assert_eq!(kept.logits, again.logits);
    assert_eq!(kept.maps, again.maps);
}
