//! Calibration, strangeness, reports, comparison and model card, as a person runs them.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CONFIG: &str = r#"
epochs = 3
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

fn bad(folder: &Path, line: &str) -> String {
    let output = scanlight(folder, line);
    assert!(!output.status.success(), "{line} must fail");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !errors.contains("panicked") && errors.contains("error: "),
        "{errors}"
    );
    errors
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_run_knows_how_far_to_trust_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 14 --size 64 --seed 5");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    let text = good(at, "train --data data --out one --config config.toml");
    for expected in [
        "temperature",
        "views: mutual information",
        "Mahalanobis",
        "landscape",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    // Everything is in the manifest, and the weights hold the detector's arrays.
    let manifest = json(&at.join("one/model.json"));
    assert_eq!(manifest["format_version"], 2);
    assert!(manifest["calibration"]["temperature"].as_f64().unwrap() > 0.0);
    let trust = &manifest["trust"];
    let abstain = &trust["uncertainty"];
    assert!((0.0..=1.0).contains(&abstain["abstain_above"].as_f64().unwrap()));
    assert!(abstain["coverage"].as_f64().unwrap() >= 0.7);
    assert_eq!(trust["tta"]["views"].as_array().unwrap().len(), 8);
    assert!(trust["ood"]["acceptance"].as_f64().unwrap() >= 0.95);
    let auroc = trust["ood"]["auroc"].as_object().unwrap();
    for kind in [
        "noise",
        "text",
        "face",
        "inverted",
        "cropped",
        "flat",
        "screenshot",
    ] {
        assert!(
            (0.0..=1.0).contains(&auroc[kind].as_f64().unwrap()),
            "{kind}"
        );
    }
    // Whatever the network learned, colour gives photographs away.
    assert_eq!(trust["ood"]["rejected"]["landscape"], 1.0);

    // `evaluate` keeps its keys and adds those of trust.
    let report = json(&at.join("one/test.json"));
    assert!(report["accuracy"].is_f64() && report["confusion"].is_array());
    let measured = &report["trust"];
    for when in ["before", "after"] {
        for key in ["ece", "ece_adaptive", "brier"] {
            assert!(measured[when][key].is_f64(), "{when} {key}");
        }
        assert_eq!(measured[when]["reliability"].as_array().unwrap().len(), 15);
    }
    assert!(measured["selective"]["aurc"].is_f64());
    assert!(measured["ood"]["acceptance"].is_f64());
    assert!(report["images"][0]["ood"].is_f64());

    // A second run, calibrated again beside the first; an ensemble's line appears.
    good(
        at,
        "train --data data --out two --config config.toml --epochs 2",
    );
    let before = json(&at.join("two/model.json"));
    let text = good(at, "calibrate two --ensemble one --json trust.json");
    assert!(text.contains("ensemble of 2: mutual information"), "{text}");
    let after = json(&at.join("two/model.json"));
    assert_eq!(
        after["trust"], before["trust"],
        "the same data gives the same"
    );
    assert_eq!(json(&at.join("trust.json"))["judged_on"], "test");

    // A coloured picture that is no slice is told so, and views can be asked for.
    let photo =
        image::RgbImage::from_fn(80, 60, |x, y| image::Rgb([3 * x as u8, 200, 4 * y as u8]));
    photo.save(at.join("photo.png")).unwrap();
    let text = good(at, "predict --model one photo.png --json p.json");
    assert!(
        text.contains("not like the training images (colour"),
        "{text}"
    );
    let predictions = json(&at.join("p.json"));
    assert_eq!(predictions[0]["verdict"]["kind"], "not_like_training");
    good(
        at,
        "predict --model one --views data/glioma/glioma_0001.png",
    );

    // The report is one page that loads nothing; scans are in it only when asked for.
    good(at, "report one --out plain.html");
    let plain = std::fs::read_to_string(at.join("plain.html")).unwrap();
    for part in [
        "Reliability after scaling",
        "ROC",
        "Risk and coverage",
        "Strangeness",
        "views: mutual information",
        "scores of strangeness compared",
        "Configuration",
        "Learning rate",
    ] {
        assert!(plain.contains(part), "{part}");
    }
    // The papers' addresses stand in it as text.
    for part in [
        "data:image",
        "<script",
        "<link",
        "src=",
        "href=\"http",
        "url(",
        "@import",
    ] {
        assert!(!plain.contains(part), "{part}");
    }
    assert!(!plain.contains("NaN"));
    good(at, "report one --out full.html --with-images --data data");
    let full = std::fs::read_to_string(at.join("full.html")).unwrap();
    assert!(full.contains("data:image/png;base64,iVBORw0KGgo"));

    let text = good(
        at,
        "compare one two --html compare.html --json compare.json",
    );
    assert!(text.contains("McNemar"), "{text}");
    let compared = json(&at.join("compare.json"));
    let first = &compared["models"][0];
    assert_eq!(first["accuracy"], report["accuracy"]);
    let [low, high] = [0, 1].map(|i| first["accuracy_interval"][i].as_f64().unwrap());
    assert!(
        low <= first["accuracy"].as_f64().unwrap() && first["accuracy"].as_f64().unwrap() <= high
    );
    assert!(first["latency_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(compared["pairs"].as_array().unwrap().len(), 1);
    assert!(
        std::fs::read_to_string(at.join("compare.html"))
            .unwrap()
            .contains("<svg")
    );

    // Another split is another exam.
    good(
        at,
        "train --data data --out three --config config.toml --epochs 1 --seed 7",
    );
    let text = bad(at, "compare one three");
    assert!(
        text.contains("not measured on the same test images"),
        "{text}"
    );
    good(at, "compare one three --data data");

    good(
        at,
        "publish one --to public/models/small --title Small --weights bits8",
    );
    let card = std::fs::read_to_string(at.join("public/models/small/model_card.md")).unwrap();
    for heading in [
        "# Small",
        "## Intended use",
        "## Quantitative analyses",
        "## Caveats and recommendations",
    ] {
        assert!(card.contains(heading), "{heading}");
    }
    let published = json(&at.join("public/models/small/model.json"));
    assert!(
        published["facts"]["accuracy"]
            .as_str()
            .unwrap()
            .contains("95 % interval")
    );
    assert!(!published["facts"]["limits"].as_array().unwrap().is_empty());
    // The published bundle still has its detector.
    let text = good(
        at,
        "evaluate --model public/models/small --data data --part test",
    );
    assert!(text.contains("like the training images"), "{text}");

    assert!(bad(at, "report nowhere").contains("no model folder"));
    assert!(bad(at, "calibrate public/models/small").contains("--data is missing"));
}
