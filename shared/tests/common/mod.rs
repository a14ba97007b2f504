//! What several tests need: a synthetic picture, manifests, and networks with random weights.

#![allow(dead_code)]

use burn::tensor::backend::Backend;
use scanlight_model::Scan;
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, MobileNetV2Config, ReferenceCnnConfig,
};
use scanlight_model::bundle::{
    Bundle, FORMAT, FORMAT_VERSION, Manifest, Split, Training, WEIGHTS_FILE, WeightsInfo,
    sha256_hex, weights::Precision,
};
use scanlight_model::preprocess::InputGeometry;

pub fn architectures() -> [Architecture; 3] {
    [
        Architecture::CompactResnet(CompactResnetConfig::default()),
        Architecture::ReferenceCnn(ReferenceCnnConfig::default()),
        Architecture::MobileNetV2(MobileNetV2Config::default()),
    ]
}

pub fn manifest(architecture: Architecture) -> Manifest {
    Manifest {
        format: FORMAT.into(),
        format_version: FORMAT_VERSION,
        id: architecture.kind().into(),
        title: "Test".into(),
        description: "Random weights, for tests only".into(),
        architecture,
        classes: ["glioma", "meningioma", "notumor", "pituitary"]
            .map(String::from)
            .to_vec(),
        input: InputGeometry::default(),
        calibration: None,
        trust: None,
        facts: None,
        training: Training {
            data: Vec::new(),
            split: Split {
                method: "stratified-random".into(),
                seed: 1,
                test_share: Some(0.2),
                validation_share: 0.1,
                groups_sha256: None,
                folds: None,
            },
            epochs: 1,
            best_epoch: 1,
            parameters: 1,
            backend: "none".into(),
            initial: None,
            configuration: serde_json::Value::Null,
            notes: String::new(),
        },
        metrics: Vec::new(),
        licence: "MIT OR Apache-2.0".into(),
        created: "2026-01-01T00:00:00Z".into(),
        weights: WeightsInfo {
            file: WEIGHTS_FILE.into(),
            size: 0,
            sha256: String::new(),
        },
    }
}

/// A bundle with the architecture's random start weights.
pub fn fresh_bundle<B: Backend>(architecture: Architecture, device: &B::Device) -> Bundle {
    B::seed(device, 7);
    let manifest = manifest(architecture);
    let network = manifest
        .architecture
        .init::<B>(manifest.classes.len(), device);
    Bundle::pack(manifest, &network, Precision::Full).unwrap()
}

/// A head-like picture drawn with plain arithmetic, the same on every platform.
pub fn picture() -> Scan {
    let (width, height) = (150u32, 180u32);
    let mut luma = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (u, v) = ((x as f32 - 75.0) / 62.0, (y as f32 - 92.0) / 78.0);
            let radius = u * u + v * v;
            let mut value = 4.0;
            if radius < 1.0 {
                value = 90.0 + 40.0 * u * v + 8.0 * ((x / 6 + y / 9) % 3) as f32;
            }
            if radius > 0.86 && radius < 1.0 {
                value = 190.0;
            }
            let (dx, dy) = (x as f32 - 95.0, y as f32 - 70.0);
            if dx * dx + dy * dy < 190.0 {
                value = 230.0;
            }
            luma.push(value);
        }
    }
    Scan::new(width, height, luma, (0.0, 255.0)).unwrap()
}

/// A bundle whose weights file is replaced, with matching size and hash.
pub fn with_weights(bundle: &Bundle, bytes: Vec<u8>) -> Bundle {
    let mut manifest = bundle.manifest.clone();
    manifest.weights.size = bytes.len() as u64;
    manifest.weights.sha256 = sha256_hex(&bytes);
    Bundle::new(manifest, bytes).unwrap()
}
