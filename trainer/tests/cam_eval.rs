//! `scanlight cam-eval` as a person runs it, on drawn heads.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CONFIG: &str = r#"
epochs = 1
batch_size = 8

[architecture]
kind = "reference_cnn"
channels = [4, 6]
hidden = 0
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

fn bad(folder: &Path, line: &str) -> String {
    let output = scanlight(folder, line);
    assert!(!output.status.success(), "{line} must fail");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn every_method_is_measured_on_drawn_heads() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 6 --size 64 --seed 2");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    good(at, "train --data data --out run --config config.toml");

    let text = good(
        at,
        "cam-eval --model run --data data --steps 3 --score-channels 3 --json all.json",
    );
    assert!(
        text.contains("all classes: 18 images of 18 patients"),
        "{text}"
    );
    assert!(
        text.contains("Grad-CAM++") && text.contains("same map"),
        "{text}"
    );
    assert!(text.contains("trained on data"), "{text}");
    let all = json(&at.join("all.json"));
    assert_eq!(all["without_box"], 6);
    assert_eq!(all["class"], "true");
    let classes = all["per_class"].as_object().unwrap();
    assert_eq!(classes.len(), 3, "healthy heads have no box");
    let methods = all["methods"].as_object().unwrap();
    assert_eq!(methods.len(), 7);
    for (name, method) in methods {
        let numbers = &method["overall"];
        assert_eq!(numbers["images"], 18, "{name}");
        let hits = number(&numbers["hits"]);
        assert!((number(&numbers["pointing"]["value"]) - hits / 18.0).abs() < 1e-9);
        for value in ["iou", "deletion", "insertion"] {
            assert!((0.0..=1.0).contains(&number(&numbers[value])), "{name}");
        }
        let of_classes: f64 = method["per_class"]
            .as_object()
            .unwrap()
            .values()
            .map(|c| number(&c["hits"]))
            .sum();
        assert_eq!(of_classes, hits, "{name}");
    }
    assert_eq!(
        methods["grad_cam"]["overall"],
        methods["hires_cam"]["overall"]
    );
    let floor = number(&all["overall"]["floor"]["energy"]);
    let random = number(&methods["random"]["overall"]["energy"]["value"]);
    assert!(floor > 0.0 && floor < 0.5, "{floor}");
    assert!((random - floor).abs() < 0.1, "{random} {floor}");

    // The same seed says the same; a list and a limit restrict; a broken image is named.
    std::fs::write(at.join("data/glioma/glioma_0001.png"), "rubbish").unwrap();
    std::fs::write(
        at.join("list"),
        "glioma/glioma_0001.png\nglioma/glioma_0002.png\nmeningioma/meningioma_0000.png\nx/y.png\n",
    )
    .unwrap();
    let line = "cam-eval --model run --data data --only list --methods layer-cam,Grad-CAM++ \
                --steps 0 --class predicted --tolerance 0.5 --json";
    let text = good(at, &format!("{line} a.json"));
    assert!(text.contains("skipped glioma/glioma_0001.png: "), "{text}");
    assert!(text.contains("skipped x/y.png: "), "{text}");
    good(at, &format!("{line} b.json"));
    let found = json(&at.join("a.json"));
    assert_eq!(found, json(&at.join("b.json")));
    assert_eq!(found["overall"]["images"], 2);
    let layer = &found["methods"]["layer_cam"]["overall"];
    assert!(layer["deletion"].is_null());
    assert_eq!(found["methods"].as_object().unwrap().len(), 2);

    good(
        at,
        "cam-eval --model run --data data --limit 4 --methods random --steps 0 --json few.json",
    );
    assert!(number(&json(&at.join("few.json"))["overall"]["images"]) <= 4.0);

    // What is wrong is said by name.
    let line = "cam-eval --model run --data data";
    let text = bad(at, &format!("{line} --boxes nowhere.csv"));
    assert!(
        text.contains("nowhere.csv") && text.contains("x_center"),
        "{text}"
    );
    assert!(bad(at, &format!("{line} --only nowhere")).contains("nowhere"));
    assert!(bad(at, &format!("{line} --methods lime")).contains("grad_cam"));
    assert!(bad(at, &format!("{line} --tolerance 2")).contains("tolerance"));
    assert!(bad(at, "cam-eval --model run --data dota").contains("dota"));
    std::fs::write(at.join("boxes.csv"), "path,label\na,b\n").unwrap();
    assert!(bad(at, &format!("{line} --boxes boxes.csv")).contains("boxes.csv"));
    let table = "path,label,x_center,y_center,width,height\na.png,cat,0.5,0.5,0.1,0.1\n";
    std::fs::write(at.join("boxes.csv"), table).unwrap();
    assert!(bad(at, &format!("{line} --boxes boxes.csv")).contains("cat"));
    let table = "path,label,x_center,y_center,width,height\na.png,glioma,0.5,0.5,0.1\n";
    std::fs::write(at.join("boxes.csv"), table).unwrap();
    assert!(bad(at, &format!("{line} --boxes boxes.csv")).contains("no image with a box"));
}
