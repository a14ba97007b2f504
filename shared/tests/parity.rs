//! The same picture gives the same answer on every backend.
//!
//! `tests/golden/` holds a synthetic picture, a small bundle of each architecture with random
//! weights, and the answers that burn-flex gave. Native candle and wgpu and the direct path are held to
//! it here, the page's engines in `web/engine/tests/parity.rs`. After a change of the architectures or the
//! preprocessing that is meant, write the answers anew (and new weights for an architecture whose
//! folder was removed):
//! `SCANLIGHT_WRITE_GOLDEN=1 cargo test -p scanlight-model --test parity`
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use burn::tensor::backend::Backend;
use burn_flex::Flex;
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, InvertedStageConfig, MobileNetV2Config, ReferenceCnnConfig,
    StageConfig,
};
use scanlight_model::bundle::{Bundle, MANIFEST_FILE, Manifest, WEIGHTS_FILE};
use scanlight_model::classify::{Classification, Pipeline};
use scanlight_model::decode::decode;
use scanlight_model::runner::Runner;
use serde::{Deserialize, Serialize};

/// What `golden.json` says of one bundle.
#[derive(Debug, Serialize, Deserialize)]
struct Golden {
    logits: Vec<f32>,
    probabilities: Vec<f32>,
    /// Every class's map on the network's grid.
    maps: Vec<Vec<f32>>,
    /// Peak of every class's map in fractions of the picture.
    peaks: Vec<[f32; 2]>,
}

const TOLERANCE: f32 = 1e-4;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The architectures by the names of their folders.
fn small_architectures() -> [(&'static str, Architecture); 4] {
    let stage = |channels, blocks| StageConfig { channels, blocks };
    let inverted = |expansion, channels, blocks, stride| InvertedStageConfig {
        expansion,
        channels,
        blocks,
        stride,
    };
    let compact = |merge| {
        Architecture::CompactResnet(CompactResnetConfig {
            stem: 8,
            stages: vec![stage(12, 1), stage(16, 2), stage(24, 1)],
            merge,
            ..CompactResnetConfig::default()
        })
    };
    let reference = Architecture::ReferenceCnn(ReferenceCnnConfig {
        channels: vec![8, 12, 16],
        hidden: 16,
        ..ReferenceCnnConfig::default()
    });
    let mobilenet = Architecture::MobileNetV2(MobileNetV2Config {
        width: 0.25,
        stages: vec![
            inverted(1, 16, 1, 1),
            inverted(3, 24, 2, 2),
            inverted(3, 48, 2, 2),
            inverted(2, 64, 1, 2),
        ],
        last: 48,
        ..MobileNetV2Config::default()
    });
    [
        ("compact_resnet", compact(0)),
        ("compact_merged", compact(20)),
        ("reference_cnn", reference),
        ("mobilenet_v2", mobilenet),
    ]
}

fn open(path: &std::path::Path) -> Bundle {
    let manifest = Manifest::parse(&std::fs::read(path.join(MANIFEST_FILE)).unwrap()).unwrap();
    let weights = std::fs::read(path.join(&manifest.weights.file)).unwrap();
    Bundle::new(manifest, weights).unwrap()
}

async fn classify<B: Backend>(
    bundle: &Bundle,
    picture: &[u8],
    device: B::Device,
) -> Classification {
    answer(&bundle.classifier::<B>(&device).unwrap(), picture).await
}

async fn answer(classifier: &Pipeline<impl Runner>, picture: &[u8]) -> Classification {
    classifier.warm_up().await.unwrap();
    classifier
        .classify(&decode(picture).unwrap())
        .await
        .unwrap()
}

fn classify_directly(bundle: &Bundle, picture: &[u8]) -> Classification {
    pollster::block_on(answer(&bundle.direct_classifier().unwrap(), picture))
}

fn golden(result: &Classification) -> Golden {
    Golden {
        logits: result.logits.clone(),
        probabilities: result.probabilities.clone(),
        maps: result.maps.iter().map(|m| m.values().to_vec()).collect(),
        peaks: (0..result.maps.len()).map(|c| result.peak(c)).collect(),
    }
}

/// Random weights give logits near 0, which would agree by being small: the last layer's weights are
/// enlarged until the logits have the size of a trained network's. In MobileNetV2's many narrow layers
/// the values shrink on their way; there every norm makes up for it, so that ReLU6 has work to do.
fn amplified(bundle: &Bundle) -> Bundle {
    let deep = matches!(bundle.manifest.architecture, Architecture::MobileNetV2(_));
    let file = safetensors::SafeTensors::deserialize(bundle.weights()).unwrap();
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let gain = match (name.as_str(), deep) {
                ("head.output.weight", false) => 60.0,
                ("head.output.weight", true) => 3.0,
                (name, true) if name.ends_with("norm.weight") => 2.5,
                _ => 1.0f32,
            };
            let bytes = view
                .data()
                .chunks_exact(4)
                .flat_map(|b| (f32::from_le_bytes([b[0], b[1], b[2], b[3]]) * gain).to_le_bytes())
                .collect();
            (name, view.shape().to_vec(), bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let dtype = safetensors::Dtype::F32;
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    common::with_weights(bundle, safetensors::serialize(views, None).unwrap())
}

/// Writes what is missing and answers anew; weights that are there stay, in the format they have.
fn write_golden() {
    let folder = folder();
    let path = folder.join("picture.png");
    if !path.exists() {
        let picture = common::picture();
        let (width, height) = (picture.width(), picture.height());
        let image = image::GrayImage::from_raw(width, height, picture.to_luma8()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        image.save(&path).unwrap();
    }
    let bytes = std::fs::read(path).unwrap();
    let mut all = std::collections::BTreeMap::new();
    for (name, architecture) in small_architectures() {
        let path = folder.join(name);
        if path.exists() {
            let bundle = open(&path);
            let result = pollster::block_on(classify::<Flex>(&bundle, &bytes, Default::default()));
            all.insert(name, golden(&result));
            continue;
        }
        let bundle = amplified(&common::fresh_bundle::<Flex>(
            architecture,
            &Default::default(),
        ));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join(MANIFEST_FILE), bundle.manifest.to_json().unwrap()).unwrap();
        std::fs::write(path.join(WEIGHTS_FILE), bundle.weights()).unwrap();
        let result = pollster::block_on(classify::<Flex>(&bundle, &bytes, Default::default()));
        all.insert(name, golden(&result));
    }
    let json = serde_json::to_string_pretty(&all).unwrap() + "\n";
    std::fs::write(folder.join("golden.json"), json).unwrap();
}

fn compare(name: &str, expected: &Golden, found: &Golden) {
    let worst = |a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len());
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max)
    };
    let logits = worst(&expected.logits, &found.logits);
    let maps = expected
        .maps
        .iter()
        .zip(&found.maps)
        .map(|(a, b)| worst(a, b))
        .fold(0.0, f32::max);
    println!("{name}: logits differ by {logits:.1e}, maps by {maps:.1e}");
    assert!(logits < TOLERANCE, "{name}: logits differ by {logits}");
    let largest = expected.logits.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    assert!(
        largest > 0.5,
        "{name}: logits of {largest} at most prove nothing"
    );
    assert!(maps < 1e-3, "{name}: maps differ by {maps}");
    assert!(worst(&expected.probabilities, &found.probabilities) < TOLERANCE);
    for (a, b) in expected.peaks.iter().zip(&found.peaks) {
        assert!(worst(a, b) < 1e-3, "{name}: peaks {a:?} {b:?}");
    }
}

fn held_to_golden<B: Backend>(device: B::Device) {
    all_held_to_golden(&B::name(&device), |bundle, picture| {
        pollster::block_on(classify::<B>(bundle, picture, device.clone()))
    });
}

fn all_held_to_golden(what: &str, classify: impl Fn(&Bundle, &[u8]) -> Classification) {
    let folder = folder();
    let picture = std::fs::read(folder.join("picture.png")).unwrap();
    let text = std::fs::read(folder.join("golden.json")).unwrap();
    let all: std::collections::BTreeMap<String, Golden> = serde_json::from_slice(&text).unwrap();
    assert_eq!(all.len(), small_architectures().len());
    for (kind, expected) in &all {
        let bundle = open(&folder.join(kind));
        let result = classify(&bundle, &picture);
        compare(&format!("{kind} on {what}"), expected, &golden(&result));
    }
}

#[test]
fn golden_file_is_written_on_request_and_flex_agrees() {
    if std::env::var_os("SCANLIGHT_WRITE_GOLDEN").is_some() {
        write_golden();
    }
    held_to_golden::<Flex>(Default::default());
}

// Deprecated in 0.21, gone in 0.22: this project stays on 0.21 to have it.
#[allow(deprecated)]
type Candle = burn_candle::Candle<f32, i64>;

#[test]
fn native_candle_agrees() {
    held_to_golden::<Candle>(Default::default());
}

#[test]
fn the_direct_path_agrees() {
    all_held_to_golden("the direct path", classify_directly);
}

#[test]
fn native_wgpu_agrees() {
    held_to_golden::<burn_wgpu::Wgpu>(Default::default());
}

#[test]
fn shipped_models_agree_on_all_backends() {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../public/models");
    let picture = std::fs::read(folder().join("picture.png")).unwrap();
    let mut seen = 0;
    for item in std::fs::read_dir(&models).unwrap() {
        let path = item.unwrap().path();
        if !path.join(MANIFEST_FILE).is_file() {
            continue;
        }
        let bundle = open(&path);
        let name = &bundle.manifest.id;
        let expected = golden(&pollster::block_on(classify::<Flex>(
            &bundle,
            &picture,
            Default::default(),
        )));
        let direct = classify_directly(&bundle, &picture);
        compare(&format!("{name} directly"), &expected, &golden(&direct));
        let candle = pollster::block_on(classify::<Candle>(&bundle, &picture, Default::default()));
        compare(&format!("{name} on candle"), &expected, &golden(&candle));
        let wgpu = pollster::block_on(classify::<burn_wgpu::Wgpu>(
            &bundle,
            &picture,
            Default::default(),
        ));
        compare(&format!("{name} on wgpu"), &expected, &golden(&wgpu));
        seen += 1;
    }
    assert!(seen > 0, "no shipped model in {}", models.display());
}
