//! Training that starts from a model of ours or from pretrained weights, as a person runs it.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

use scanlight_model::bundle::weights::{Precision, StoredTensor, Tensors, decode, encode};
use serde_json::Value;

/// A MobileNetV2 so small that an epoch takes a moment.
const CONFIG: &str = r#"
epochs = 1
batch_size = 8
calibrate = false

[architecture]
kind = "mobilenet_v2"
width = 0.5
stem = 16
last = 16
stages = [
  { expansion = 1, channels = 16, blocks = 1, stride = 1 },
  { expansion = 2, channels = 32, blocks = 2, stride = 2 },
]

[input]
width = 32
height = 32
"#;

/// Runs the program in a folder (the line is cut at spaces); whether it succeeded, and what it said.
fn scanlight(folder: &Path, line: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_scanlight"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(!text.contains("panicked"), "{line}\n{text}");
    (output.status.success(), text)
}

fn good(folder: &Path, line: &str) -> String {
    let (success, text) = scanlight(folder, line);
    assert!(success, "{line}\n{text}");
    text
}

fn bad(folder: &Path, line: &str) -> String {
    let (success, text) = scanlight(folder, line);
    assert!(!success, "{line} must fail\n{text}");
    text
}

fn manifest(run: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(run.join("model.json")).unwrap()).unwrap()
}

fn tensors(run: &Path) -> Tensors {
    decode(&std::fs::read(run.join("model.safetensors")).unwrap()).unwrap()
}

/// A folder with drawn data and a run of one epoch on it.
fn trained() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 8 --size 48 --seed 11");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    std::fs::write(
        at.join("short.toml"),
        "epochs = 1\nbatch_size = 8\ncalibrate = false\n",
    )
    .unwrap();
    good(at, "train --data data --out run --config config.toml");
    folder
}

#[test]
fn a_model_of_ours_learns_other_classes() {
    let folder = trained();
    let at = folder.path();
    std::fs::create_dir(at.join("other")).unwrap();
    for (class, new) in [
        ("pituitary", "pituitary"),
        ("glioma", "glioma"),
        ("notumor", "zebra"),
    ] {
        std::fs::rename(at.join("data").join(class), at.join("other").join(new)).unwrap();
    }
    let text = good(
        at,
        "train --data other --out next --init run --config short.toml",
    );
    assert!(text.contains("zebra start at random"), "{text}");
    let (first, next) = (manifest(&at.join("run")), manifest(&at.join("next")));
    assert_eq!(first["architecture"], next["architecture"]);
    assert_eq!(first["input"], next["input"]);
    assert_eq!(next["classes"].as_array().unwrap().len(), 3);
    let initial = &next["training"]["initial"];
    assert_eq!(
        (&initial["kind"], &initial["name"]),
        (&"bundle".into(), &"run".into())
    );
    assert_eq!(initial["sha256"], first["weights"]["sha256"]);
    assert_eq!(initial["frozen"], false);
    assert!(first["training"].get("initial").is_none());
    let text = next.to_string();
    assert!(
        !text.contains(at.to_str().unwrap()),
        "no path in the manifest: {text}"
    );
    good(at, "evaluate --model next --data other");
}

#[test]
fn a_frozen_backbone_stays_and_the_head_learns() {
    let folder = trained();
    let at = folder.path();
    good(
        at,
        "train --data data --out frozen --init run --freeze backbone --config short.toml",
    );
    let (before, after) = (tensors(&at.join("run")), tensors(&at.join("frozen")));
    assert!(before.keys().eq(after.keys()));
    for (name, before) in &before {
        let head = name.starts_with("head.");
        assert_eq!(before != &after[name], head, "{name}");
    }
    assert_eq!(
        manifest(&at.join("frozen"))["training"]["initial"]["frozen"],
        true
    );

    good(
        at,
        "train --data data --out tuned --init run --config short.toml",
    );
    let tuned = tensors(&at.join("tuned"));
    assert_ne!(before["stem.conv.weight"], tuned["stem.conv.weight"]);
}

/// The network's convolutions as a pretrained file holds them: three input channels, biases.
fn folded(tensors: &Tensors) -> Tensors {
    let mut file = Tensors::new();
    for (name, tensor) in tensors {
        let Some(layer) = name.strip_suffix(".conv.weight") else {
            continue;
        };
        let mut tensor = tensor.clone();
        let layer = match layer
            .strip_prefix("blocks.")
            .and_then(|rest| rest.split_once('.'))
        {
            Some((index, part)) => format!("blocks.{}.{part}", index.parse::<usize>().unwrap() + 1),
            None => layer.to_string(),
        };
        if layer == "stem" {
            tensor.shape[1] = 3;
            let filters = tensor.values.chunks_exact(9);
            tensor.values = filters.flat_map(|filter| filter.repeat(3)).collect();
        }
        let bias = StoredTensor {
            shape: vec![tensor.shape[0]],
            values: vec![0.125; tensor.shape[0]],
        };
        file.insert(format!("{layer}.bias"), bias);
        file.insert(format!("{layer}.weight"), tensor);
    }
    file
}

#[test]
fn pretrained_weights_are_unfolded() {
    let folder = trained();
    let at = folder.path();
    let file = folded(&tensors(&at.join("run")));
    let bytes = encode(&file, Precision::Full).unwrap();
    std::fs::write(at.join("imagenet.safetensors"), bytes).unwrap();
    good(
        at,
        "train --data data --out next --pretrained imagenet.safetensors --freeze backbone --config config.toml",
    );
    let next = tensors(&at.join("next"));
    for (ours, theirs) in [
        ("blocks.0.depthwise", "blocks.1.depthwise"),
        ("blocks.2.expand", "blocks.3.expand"),
        ("head_conv", "head_conv"),
    ] {
        let weight = &file[&format!("{theirs}.weight")];
        assert_eq!(&next[&format!("{ours}.conv.weight")], weight);
        let get = |part: &str| &next[&format!("{ours}.norm.{part}")].values;
        for (shift, mean) in get("bias").iter().zip(get("running_mean")) {
            assert!((shift - mean - 0.125).abs() < 1e-5, "{shift} {mean}");
        }
    }
    let initial = &manifest(&at.join("next"))["training"]["initial"];
    assert_eq!(initial["kind"], "pretrained");
    assert_eq!(initial["name"], "imagenet.safetensors");

    // Another width than the file's.
    let text = bad(
        at,
        "train --data data --out wide --pretrained imagenet.safetensors",
    );
    assert!(
        text.contains("imagenet.safetensors") && text.contains("stem"),
        "{text}"
    );
}

#[test]
fn contradictions_are_named() {
    let folder = trained();
    let at = folder.path();
    let train = |options: &str| bad(at, &format!("train --data data --out next {options}"));
    assert!(train("--freeze backbone").contains("--init"));
    assert!(train("--init run --arch compact").contains("--arch"));
    assert!(train("--init nowhere").contains("no model folder"));
    assert!(train("--init run --pretrained x").contains("cannot be used with"));
    assert!(train("--pretrained x").contains("cannot read"));
    std::fs::write(at.join("rubbish"), b"rubbish").unwrap();
    assert!(train("--pretrained rubbish").contains("refused"));
    let none = encode(&Tensors::new(), Precision::Full).unwrap();
    std::fs::write(at.join("weights"), none).unwrap();
    let text = train("--pretrained weights --arch reference-cnn");
    assert!(text.contains("--arch mobilenet-v2"), "{text}");
    std::fs::write(at.join("input.toml"), "[input]\nwidth = 64\nheight = 64\n").unwrap();
    assert!(train("--init run --config input.toml").contains("[input]"));
    std::fs::write(
        at.join("arch.toml"),
        "[architecture]\nkind = \"reference_cnn\"\n",
    )
    .unwrap();
    assert!(train("--init run --config arch.toml").contains("[architecture]"));
    assert!(
        !at.join("next").exists(),
        "nothing is made for a contradiction"
    );
}
