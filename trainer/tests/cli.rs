//! The program as a person runs it: draw data, train, measure, predict, publish, go on, go wrong.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A network and images so small that an epoch takes a moment.
const CONFIG: &str = r#"
epochs = 2
batch_size = 8

[architecture]
kind = "reference_cnn"
channels = [4, 6, 8]
hidden = 8
dropout = 0.1

[input]
width = 32
height = 32
"#;

/// Runs the program in a folder; the line is cut at spaces.
fn scanlight(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scanlight"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap()
}

fn good(folder: &Path, line: &str) -> String {
    let output = scanlight(folder, line);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}\n{text}\n{errors}");
    text + &errors
}

/// What a command that must fail says.
fn bad(folder: &Path, line: &str) -> String {
    let output = scanlight(folder, line);
    assert!(!output.status.success(), "{line} must fail");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    assert!(errors.contains("error: "), "{errors}");
    errors
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A folder with drawn data, a configuration and a run of two epochs.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 12 --size 64 --seed 5");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    // One broken picture must be named and left out.
    std::fs::write(
        at.join("data/glioma/broken.png"),
        b"\x89PNG\r\n\x1a\nrubbish",
    )
    .unwrap();
    let text = good(at, "train --data data --out run --config config.toml");
    assert!(text.contains("skipped glioma/broken.png"), "{text}");
    assert!(text.contains("nearest neighbour"), "{text}");
    folder
}

#[test]
fn from_drawn_data_to_a_published_model() {
    let folder = trained();
    let at = folder.path();
    let skipped = std::fs::read_to_string(at.join("run/skipped.txt")).unwrap();
    assert!(skipped.starts_with("glioma/broken.png: "), "{skipped}");
    let saved: toml::Value =
        toml::from_str(&std::fs::read_to_string(at.join("run/config.toml")).unwrap()).unwrap();
    assert_eq!(saved["architecture"]["hidden"].as_integer(), Some(8));
    let log = std::fs::read_to_string(at.join("run/metrics.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 2);

    // The held-out part, found again by the manifest's split, gives the run's own numbers.
    good(
        at,
        "evaluate --model run --data data --part test --json test.json",
    );
    assert_eq!(json(&at.join("test.json")), json(&at.join("run/test.json")));

    // Measured on a set that lacks a class.
    std::fs::create_dir(at.join("part")).unwrap();
    for class in ["glioma", "meningioma", "pituitary"] {
        let copy = at.join("part").join(format!("{class}_tumor"));
        std::fs::create_dir(&copy).unwrap();
        for item in std::fs::read_dir(at.join("data").join(class))
            .unwrap()
            .filter(|item| !item.as_ref().unwrap().path().ends_with("broken.png"))
            .take(3)
        {
            let item = item.unwrap();
            std::fs::copy(item.path(), copy.join(item.file_name())).unwrap();
        }
    }
    let text = good(at, "evaluate --model run --data part --json report.json");
    assert!(text.contains("accuracy"), "{text}");
    let report = json(&at.join("report.json"));
    assert!(report["per_class"]["notumor"]["auc"].is_null());
    assert_eq!(report["images"].as_array().unwrap().len(), 9);
    let image = &report["images"][0];
    let sum: f64 = image["probabilities"]
        .as_object()
        .unwrap()
        .values()
        .map(|p| p.as_f64().unwrap())
        .sum();
    assert!((sum - 1.0).abs() < 1e-4);
    for key in [
        "accuracy",
        "loss",
        "auc_macro",
        "precision_macro",
        "recall_macro",
        "f1_macro",
        "confusion",
    ] {
        assert!(report.get(key).is_some(), "{key}");
    }

    let text = good(
        at,
        "predict --model run data/glioma/glioma_0001.png --cam maps --json p.json",
    );
    assert!(text.contains("not a diagnosis"), "{text}");
    let predictions = json(&at.join("p.json"));
    // What is timed is the same answer, whatever computes it.
    let expected = predictions[0]["probabilities"].as_object().unwrap();
    for engine in ["direct", "candle"] {
        let line =
            "--runs 2 --warm-up 0 --input plane.npy --json times.json data/glioma/glioma_0001.png";
        good(at, &format!("latency --model run --engine {engine} {line}"));
        let found = json(&at.join("times.json"));
        for (a, b) in expected
            .values()
            .zip(found["probabilities"].as_array().unwrap())
        {
            assert!(
                (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4,
                "{found}"
            );
        }
        for times in ["network", "explained", "whole"] {
            assert_eq!(found[times].as_array().unwrap().len(), 2);
        }
        // A header of 128 bytes and the 32 x 32 plane.
        assert_eq!(
            std::fs::metadata(at.join("plane.npy")).unwrap().len(),
            128 + 4 * 32 * 32
        );
    }
    let peak = predictions[0]["cam"]["peak"].as_array().unwrap();
    assert!(
        peak.iter()
            .all(|v| (0.0..=1.0).contains(&v.as_f64().unwrap()))
    );
    let overlay = image::open(at.join("maps/glioma_0001.overlay.png")).unwrap();
    let map = image::open(at.join("maps/glioma_0001.cam.png")).unwrap();
    assert_eq!((overlay.width(), overlay.height()), (64, 64));
    assert_eq!(
        (map.width(), map.height(), map.color()),
        (64, 64, image::ColorType::L16)
    );

    good(at, "publish run --to public/models/small --title Small");
    let index = json(&at.join("public/models/index.json"));
    assert_eq!(index["default"], "small");
    assert_eq!(index["models"][0]["title"], "Small");
    // The shipped model is found without --model.
    good(at, "predict data/notumor/notumor_0000.png");
    volumes_are_read(at);
}

/// A NIfTI file of 40 x 40 x 5 voxels, in a folder beside a picture.
fn volumes_are_read(at: &Path) {
    let mut head = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| head[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    for (index, length) in [3i16, 40, 40, 5].iter().enumerate() {
        put(40 + 2 * index, &length.to_le_bytes());
    }
    put(70, &2i16.to_le_bytes());
    for (index, size) in [1f32, 1.0, 1.0, 4.0].iter().enumerate() {
        put(76 + 4 * index, &size.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(344, b"n+1\0");
    head.extend((0..40 * 40 * 5).map(|index| (index * 7 % 251) as u8));
    std::fs::create_dir_all(at.join("mixed/notumor")).unwrap();
    std::fs::write(at.join("mixed/notumor/head.nii"), &head).unwrap();
    std::fs::write(at.join("mixed/notes.txt"), "no image").unwrap();
    std::fs::copy(
        at.join("data/notumor/notumor_0000.png"),
        at.join("mixed/notumor/a.png"),
    )
    .unwrap();

    let text = good(at, "predict --model run mixed --json one.json");
    assert!(text.contains("axial slice 2 of 0 to 4"), "{text}");
    assert!(text.contains("passed over mixed/notes.txt"), "{text}");
    assert_eq!(json(&at.join("one.json")).as_array().unwrap().len(), 2);
    let file = "mixed/notumor/head.nii";
    good(
        at,
        &format!("predict --model run {file} --all-slices --json all.json"),
    );
    let all = json(&at.join("all.json"));
    let slices: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["slice"].clone())
        .collect();
    assert_eq!(slices, [0, 1, 2, 3, 4]);
    let line = format!("predict --model run {file} --plane coronal --slice 3 --cam maps");
    assert!(good(at, &line).contains("coronal slice 3 of 0 to 39"));
    // Voxels are 4 mm high: the picture's pixels were made square.
    let overlay = image::open(at.join("maps/head-coronal-003.overlay.png")).unwrap();
    assert_eq!((overlay.width(), overlay.height()), (40, 20));
    let text = bad(at, &format!("predict --model run {file} --slice 99"));
    assert!(
        text.contains("no slice 99") && text.contains("from 0 to 4"),
        "{text}"
    );

    // A class folder may hold volumes.
    std::fs::create_dir_all(at.join("mixed/glioma")).unwrap();
    std::fs::copy(at.join(file), at.join("mixed/glioma/b.nii")).unwrap();
    let text = good(at, "audit --data mixed");
    assert!(text.contains("3 images"), "{text}");
}

#[test]
fn a_run_in_two_pieces_ends_as_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 8 --size 48 --seed 9");
    // The learning rate must not depend on the number of epochs here.
    let config = format!("{CONFIG}\n[optimizer]\nschedule = \"constant\"\n");
    std::fs::write(at.join("config.toml"), &config).unwrap();
    std::fs::write(
        at.join("one.toml"),
        config.replace("epochs = 2", "epochs = 1"),
    )
    .unwrap();
    good(at, "train --data data --out whole --config config.toml");
    good(at, "train --data data --out pieces --config one.toml");
    // As if the run had been stopped after its first epoch.
    let state = at.join("pieces/checkpoint/state.json");
    let text = std::fs::read_to_string(&state).unwrap();
    std::fs::write(
        &state,
        text.replace("\"finished\": true", "\"finished\": false"),
    )
    .unwrap();
    std::fs::copy(at.join("whole/config.toml"), at.join("pieces/config.toml")).unwrap();
    let text = good(at, "train --resume pieces");
    assert!(text.contains("going on after epoch 1"), "{text}");

    let losses = |run: &str| -> Vec<f64> {
        std::fs::read_to_string(at.join(run).join("metrics.jsonl"))
            .unwrap()
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["train_loss"]
                    .as_f64()
                    .unwrap()
            })
            .collect()
    };
    let (whole, pieces) = (losses("whole"), losses("pieces"));
    assert_eq!(whole.len(), 2);
    for (a, b) in whole.iter().zip(&pieces) {
        assert!((a - b).abs() < 1e-5, "{whole:?} {pieces:?}");
    }
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out scans --per-class 2 --size 32");
    let train = |data: &str| bad(at, &format!("train --data {data} --out run"));
    assert!(train("scanz").contains("did you mean"));
    assert!(!at.join("run").exists(), "nothing is made for a typo");
    std::fs::create_dir(at.join("scans/empty")).unwrap();
    assert!(train("scans").contains("holds no images"));
    std::fs::remove_dir(at.join("scans/empty")).unwrap();

    std::fs::write(at.join("typo.toml"), "epoch = 3\n").unwrap();
    let text = bad(at, "train --data scans --out run --config typo.toml");
    assert!(
        text.contains("typo.toml") && text.contains("`epoch`"),
        "{text}"
    );
    assert!(bad(at, "predict --model nowhere x.png").contains("no model folder"));
    assert!(bad(at, "train --resume scans").contains("no run folder"));
    assert!(bad(at, "evaluate --model scans --data scans").contains("model.json"));
}
