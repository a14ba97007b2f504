//! Models on their way to other programs and back.
//!
//! `SCANLIGHT_PYTHON` names a Python with onnxruntime, h5py, numpy and safetensors (`cargo xtask test` installs one);
//! without it, the checks in those tools are left out, and say so.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::{Tensor, TensorData};
use scanlight_model::bundle::weights::{self, Precision};
use scanlight_model::bundle::{Bundle, MANIFEST_FILE, Manifest};
use scanlight_model::classify::softmax;
use scanlight_model::decode::decode;
use scanlight_model::preprocess::preprocess;
use serde_json::{Value, json};

type Backend = burn_flex::Flex;

const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn scanlight(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scanlight"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn good(folder: &Path, arguments: &[&str]) -> String {
    let output = scanlight(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}\n{text}\n{errors}");
    text + &errors
}

/// What a command that must fail says.
fn bad(folder: &Path, arguments: &[&str]) -> String {
    let output = scanlight(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} must fail");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(errors.contains("error: "), "{errors}");
    errors
}

fn bundle(folder: &Path) -> Bundle {
    let manifest = Manifest::parse(&std::fs::read(folder.join(MANIFEST_FILE)).unwrap()).unwrap();
    let weights = std::fs::read(folder.join(&manifest.weights.file)).unwrap();
    Bundle::new(manifest, weights).unwrap()
}

/// What a model says of inputs `[N, 1, H, W]`.
fn probabilities(bundle: &Bundle, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let manifest = &bundle.manifest;
    let device = Default::default();
    let shape = [
        inputs.len(),
        1,
        manifest.input.height as usize,
        manifest.input.width as usize,
    ];
    let input = Tensor::<Backend, 4>::from_data(TensorData::new(inputs.concat(), shape), &device);
    let logits = bundle.network::<Backend>(&device).unwrap().forward(input);
    let logits: Vec<f32> = logits.into_data().into_vec().unwrap();
    logits
        .chunks_exact(manifest.classes.len())
        .map(|row| softmax(row, manifest.temperature()))
        .collect()
}

fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.concat().len(), b.concat().len());
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// A model of the tests of the model crate.
fn golden(name: &str) -> Bundle {
    bundle(&Path::new(PROJECT).join("shared/tests/golden").join(name))
}

/// A network of this architecture with weights that are nowhere trivial.
fn fresh(architecture: Value, side: u32) -> Bundle {
    let mut manifest = serde_json::to_value(golden("reference_cnn").manifest).unwrap();
    manifest["architecture"] = architecture;
    manifest["input"]["width"] = side.into();
    manifest["input"]["height"] = side.into();
    let manifest: Manifest = serde_json::from_value(manifest).unwrap();
    let device = Default::default();
    let classes = manifest.classes.len();
    let network = manifest.architecture.init::<Backend>(classes, &device);
    let mut bytes = weights::save(&network, Precision::Full).unwrap();
    // Batch norm's fresh statistics are 0 and 1, which would hide mistakes.
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut noise = noise();
    for value in bytes[header..].as_chunks_mut::<4>().0 {
        let changed = f32::from_le_bytes(*value) * (1.2 + noise()) + 0.05 * noise().abs();
        *value = changed.to_le_bytes();
    }
    let network = weights::load(&manifest.architecture, classes, &bytes, &device).unwrap();
    Bundle::pack::<Backend>(manifest, &network, Precision::Full).unwrap()
}

/// Numbers in -1..1, the same every time.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 1u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// A copy of a model in a folder, with a temperature, which every export has to carry.
fn calibrated(original: &Bundle, to: &Path) -> Bundle {
    let mut manifest: Value = serde_json::to_value(&original.manifest).unwrap();
    manifest["calibration"] = json!({ "temperature": 1.7, "fitted_on": "nothing" });
    std::fs::create_dir_all(to).unwrap();
    std::fs::write(to.join(MANIFEST_FILE), manifest.to_string()).unwrap();
    std::fs::write(to.join(&original.manifest.weights.file), original.weights()).unwrap();
    bundle(to)
}

/// A picture on the model's input plane, and planes of noise.
fn inputs(manifest: &Manifest) -> Vec<Vec<f32>> {
    let picture = Path::new(PROJECT).join("shared/tests/golden/picture.png");
    let scan = decode(&std::fs::read(picture).unwrap()).unwrap();
    let mut planes = vec![preprocess(&scan, &manifest.input).values];
    let mut noise = noise();
    for scale in [0.7, 2.0] {
        planes.push((0..manifest.input.len()).map(|_| scale * noise()).collect());
    }
    planes
}

/// The Python with the packages, if there is one.
fn python() -> Option<PathBuf> {
    std::env::var_os("SCANLIGHT_PYTHON")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Lets a tool's own reader check a file; without Python, says that it did not.
fn check_in_python(format: &str, file: &Path, cases: &Path) {
    let Some(python) = python() else {
        // Past the harness, which swallows what a passing test prints.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {format} was not loaded in Python; `cargo xtask test` sets SCANLIGHT_PYTHON where it can"
        );
        return;
    };
    let script = Path::new(PROJECT).join("trainer/tests/python/check_export.py");
    let output = Command::new(python)
        .arg(script)
        .arg(format)
        .args([file, cases])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{format}\n{text}\n{errors}");
    println!("{text}");
}

/// Exports a model in each of these formats; checks the files in Python, and imported again.
fn there_and_back(model: &Bundle, formats: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let original = calibrated(model, &at.join("model"));
    let planes = inputs(&original.manifest);
    let expected = probabilities(&original, &planes);
    // A model that says the same of everything would prove nothing.
    assert!(
        difference(&expected[..1], &expected[1..2]) > 1e-3,
        "{expected:?}"
    );
    let cases = json!({
        "shape": [planes.len(), 1, original.manifest.input.height, original.manifest.input.width],
        "inputs": planes,
        "probabilities": expected,
    });
    std::fs::write(at.join("cases.json"), cases.to_string()).unwrap();

    for (format, ending) in formats {
        let name = format!("model.{ending}");
        good(
            at,
            &[
                "export", "--model", "model", "--format", format, "--out", &name,
            ],
        );
        check_in_python(format, &at.join(&name), &at.join("cases.json"));
        if *format == "onnx" {
            assert!(bad(at, &["import", &name, "--out", "onnx"]).contains("none of the files"));
            continue;
        }
        let back = format!("from-{ending}");
        let text = good(at, &["import", &name, "--out", &back]);
        assert!(!text.contains("note:"), "{text}");
        let imported = bundle(&at.join(&back));
        assert_eq!(imported.manifest.classes, original.manifest.classes);
        assert_eq!(imported.manifest.calibration, original.manifest.calibration);
        assert_eq!(
            imported.manifest.architecture,
            original.manifest.architecture
        );
        assert_eq!(imported.manifest.id, back);
        let off = difference(&probabilities(&imported, &planes), &expected);
        assert!(off < 1e-5, "{format}: {off}");
        assert!(bad(at, &["import", &name, "--out", &back]).contains("a model already"));
    }
}

#[test]
fn the_reference_cnn_goes_everywhere() {
    there_and_back(
        &golden("reference_cnn"),
        &[
            ("safetensors", "safetensors"),
            ("onnx", "onnx"),
            ("keras-h5", "h5"),
        ],
    );
}

#[test]
fn the_compact_network_goes_where_it_can() {
    there_and_back(
        &golden("compact_resnet"),
        &[("safetensors", "safetensors"), ("onnx", "onnx")],
    );
    there_and_back(
        &golden("compact_merged"),
        &[("safetensors", "safetensors"), ("onnx", "onnx")],
    );
    let folder = tempfile::tempdir().unwrap();
    let model = format!("{PROJECT}/shared/tests/golden/compact_resnet");
    let text = bad(
        folder.path(),
        &[
            "export", "--model", &model, "--format", "keras-h5", "--out", "x.h5",
        ],
    );
    assert!(
        text.contains("compact_resnet") && text.contains("onnx"),
        "{text}"
    );
    assert!(!folder.path().join("x.h5").exists());
}

#[test]
fn mobilenet_v2_goes_where_it_can() {
    let stage = |expansion, channels, blocks, stride| json!({ "expansion": expansion, "channels": channels, "blocks": blocks, "stride": stride });
    let architecture = json!({
        "kind": "mobilenet_v2", "width": 0.5, "stem": 16, "last": 24,
        "stages": [stage(1, 16, 1, 1), stage(3, 24, 2, 2), stage(2, 32, 1, 2)],
    });
    // An odd plane: SAME padding depends on it.
    there_and_back(
        &fresh(architecture, 49),
        &[("safetensors", "safetensors"), ("onnx", "onnx")],
    );
}

/// Imports a file of another program and compares with what that program computed.
fn from_elsewhere(name: &str, file: &str, more: &[&str]) -> (tempfile::TempDir, Bundle) {
    let fixtures = Path::new(PROJECT).join("trainer/tests/fixtures");
    let json = std::fs::read(fixtures.join(format!("{name}.json"))).unwrap();
    let cases: Value = serde_json::from_slice(&json).unwrap();
    let rows = |key: &str| -> Vec<Vec<f32>> { serde_json::from_value(cases[key].clone()).unwrap() };
    let folder = tempfile::tempdir().unwrap();
    let file = fixtures.join(file);
    let mut call = vec!["import", file.to_str().unwrap(), "--out", "model"];
    call.extend(more);
    let text = good(folder.path(), &call);
    assert!(text.contains("mean 0 and standard deviation 1"), "{text}");
    let model = bundle(&folder.path().join("model"));
    assert_eq!(
        u64::from(model.manifest.input.width),
        cases["side"].as_u64().unwrap()
    );
    let expected = rows("probabilities");
    assert!(
        difference(&expected[..1], &expected[1..2]) > 1e-3,
        "{expected:?}"
    );
    let off = difference(&probabilities(&model, &rows("inputs")), &expected);
    assert!(off < 1e-4, "{name}: {off}");
    (folder, model)
}

#[test]
fn keras_s_file_gives_keras_s_probabilities() {
    let (_folder, model) = from_elsewhere("keras_reference", "keras_reference.h5", &[]);
    assert_eq!(
        model.manifest.classes,
        ["glioma", "meningioma", "notumor", "pituitary"]
    );
}

#[test]
fn a_state_dict_gives_pytorch_s_probabilities() {
    let (_folder, model) = from_elsewhere(
        "torch_reference",
        "torch_reference.pt",
        &["--size", "32", "--classes", "a,b,c,d", "--title", "Four"],
    );
    assert_eq!(model.manifest.classes, ["a", "b", "c", "d"]);
    assert_eq!(model.manifest.title, "Four");
    assert_eq!(model.manifest.architecture.kind(), "reference_cnn");
}

#[test]
fn a_checkpoint_with_our_names_is_recognised() {
    let (folder, model) = from_elsewhere("torch_compact", "torch_compact.pt", &["--size", "32"]);
    assert_eq!(model.manifest.architecture.kind(), "compact_resnet");
    // What was imported is a model like any other.
    let at = folder.path();
    let picture = format!("{PROJECT}/shared/tests/golden/picture.png");
    assert!(good(at, &["predict", "--model", "model", &picture]).contains("glioma"));
    let fixture = format!("{PROJECT}/trainer/tests/fixtures/torch_compact.pt");
    good(
        at,
        &["import", &fixture, "--like", "model", "--out", "again"],
    );
    assert_eq!(bundle(&at.join("again")).weights(), model.weights());
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("text.pt"), "no weights").unwrap();
    assert!(bad(at, &["import", "text.pt", "--out", "x"]).contains("text.pt"));
    assert!(bad(at, &["import", "nothing.h5", "--out", "x"]).contains("nothing.h5"));
    let fixture = format!("{PROJECT}/trainer/tests/fixtures/torch_reference.pt");
    let text = bad(at, &["import", &fixture, "--out", "x", "--classes", "a,b"]);
    assert!(
        text.contains("4 outputs") && text.contains("2 class names"),
        "{text}"
    );
    let text = bad(at, &["import", &fixture, "--out", "x", "--size", "8"]);
    assert!(text.contains("input width"), "{text}");
    let model = format!("{PROJECT}/shared/tests/golden/compact_resnet");
    let text = bad(at, &["import", &fixture, "--out", "x", "--like", &model]);
    assert!(
        text.contains("0.weight") || text.contains("head.output"),
        "{text}"
    );
    assert!(!at.join("x").exists());
    let text = bad(
        at,
        &[
            "export", "--model", "x", "--format", "onnx", "--out", "x.onnx",
        ],
    );
    assert!(text.contains("no model folder"), "{text}");
}
