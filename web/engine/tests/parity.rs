//! The engines in wasm give the answers of the golden file, as the native backends do
//! (`shared/tests/parity.rs` says how it is made).
#![cfg(target_arch = "wasm32")]
// clippy.toml allows this in tests, but clippy does not know these functions as such.
#![allow(clippy::unwrap_used)]

use scanlight_engine::candle::CandleEngine;
use scanlight_engine::cpu::CpuEngine;
use scanlight_engine::webgpu::WebgpuEngine;
use scanlight_engine::worker::Engine;
use scanlight_model::bundle::{Bundle, Manifest};
use scanlight_model::decode::decode;
use scanlight_model::preprocess::preprocess;
use serde_json::Value;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const TOLERANCE: f64 = 1e-4;

macro_rules! golden {
    ($file:literal) => {
        include_bytes!(concat!("../../../shared/tests/golden/", $file))
    };
}

const PICTURE: &[u8] = golden!("picture.png");
const GOLDEN: &[u8] = golden!("golden.json");
const BUNDLES: [(&str, &[u8], &[u8]); 4] = [
    (
        "compact_resnet",
        golden!("compact_resnet/model.json"),
        golden!("compact_resnet/model.safetensors"),
    ),
    (
        "compact_merged",
        golden!("compact_merged/model.json"),
        golden!("compact_merged/model.safetensors"),
    ),
    (
        "reference_cnn",
        golden!("reference_cnn/model.json"),
        golden!("reference_cnn/model.safetensors"),
    ),
    (
        "mobilenet_v2",
        golden!("mobilenet_v2/model.json"),
        golden!("mobilenet_v2/model.safetensors"),
    ),
];

fn worst(expected: &Value, found: &[f32]) -> f64 {
    let expected = expected.as_array().unwrap();
    assert_eq!(expected.len(), found.len());
    expected
        .iter()
        .zip(found)
        .map(|(a, &b)| (a.as_f64().unwrap() - f64::from(b)).abs())
        .fold(0.0, f64::max)
}

async fn held_to_golden<E: Engine>(name: &str) {
    let golden: Value = serde_json::from_slice(GOLDEN).unwrap();
    let scan = decode(PICTURE).unwrap();
    for (kind, manifest, weights) in BUNDLES {
        let bundle = Bundle::new(Manifest::parse(manifest).unwrap(), weights.to_vec()).unwrap();
        let engine = E::load(&bundle).await.unwrap();
        engine.warm_up().await.unwrap();
        let result = engine.classify(&scan).await.unwrap();
        let expected = &golden[kind];
        let logits = worst(&expected["logits"], &result.logits);
        console_log!("{kind} on {name}: logits differ by {logits:.1e}");
        assert!(logits < TOLERANCE, "{kind}: logits differ by {logits}");
        assert!(worst(&expected["probabilities"], &result.probabilities) < TOLERANCE);
        let plane = preprocess(&scan, &bundle.manifest.input).values;
        let alone = engine.pipeline().probabilities(&plane).await.unwrap();
        assert!(worst(&expected["probabilities"], &alone) < TOLERANCE);
        for (class, map) in result.maps.iter().enumerate() {
            let maps = worst(&expected["maps"][class], map.values());
            assert!(maps < 1e-3, "{kind}, class {class}: maps differ by {maps}");
            let peak = worst(&expected["peaks"][class], &result.peak(class));
            assert!(peak < 1e-3, "{kind}, class {class}: peaks differ by {peak}");
        }
    }
}

#[wasm_bindgen_test]
async fn the_cpu_engine_agrees() {
    held_to_golden::<CpuEngine>("wasm CPU").await;
}

#[wasm_bindgen_test]
async fn the_candle_engine_agrees() {
    held_to_golden::<CandleEngine>("wasm candle").await;
}

#[wasm_bindgen_test]
async fn the_webgpu_engine_agrees() {
    held_to_golden::<WebgpuEngine>("wasm WebGPU").await;
}
