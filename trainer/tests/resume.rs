//! A run that is interrupted and goes on ends with the very weights of one that is not.
#![cfg(unix)]
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scanlight_model::bundle::weights::decode;
use serde_json::Value;

/// Everything that could differ is on: dropout, the mean of the weights, mixing, all changes.
const CONFIG: &str = r#"
seed = 7
epochs = 14
batch_size = 4
log_steps = true
calibrate = false

[architecture]
kind = "reference_cnn"
channels = [4, 6]
hidden = 8
dropout = 0.4

[input]
width = 32
height = 32

[optimizer]
warmup_epochs = 1.0

[ema]
decay = 0.9

[early_stopping]
patience = 0

[mix]
mixup_probability = 0.5
cutmix_probability = 0.3

[augmentation]
untouched = 0.2
noise_probability = 0.5
blur_probability = 0.5
erase_probability = 0.5
"#;

fn command(at: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanlight"));
    command
        .args(line.split_whitespace())
        .current_dir(at)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn good(at: &Path, line: &str) -> String {
    let output = command(at, line).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned() + &errors
}

/// Steps that a run logged.
fn steps(run: &Path) -> usize {
    std::fs::read_to_string(run.join("steps.jsonl")).map_or(0, |text| text.lines().count())
}

/// Starts a run and interrupts it, as Ctrl-C does, once it has logged so many steps.
fn interrupt(at: &Path, line: &str, run: &str, after: usize) {
    let child = command(at, line).spawn().unwrap();
    let started = Instant::now();
    while steps(&at.join(run)) < after {
        assert!(started.elapsed() < Duration::from_secs(120), "no steps");
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("interrupted"), "{errors}");
    let state: Value =
        serde_json::from_slice(&std::fs::read(at.join(run).join("checkpoint/state.json")).unwrap())
            .unwrap();
    assert_eq!(state["finished"], false);
}

/// The log without what depends on the clock.
fn log(run: &Path, name: &str) -> Vec<Value> {
    std::fs::read_to_string(run.join(name))
        .unwrap()
        .lines()
        .map(|line| {
            let mut value: Value = serde_json::from_str(line).unwrap();
            let object = value.as_object_mut().unwrap();
            for key in ["seconds", "waiting_seconds", "images_per_second"] {
                object.remove(key);
            }
            value
        })
        .collect()
}

#[test]
fn an_interrupted_run_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 10 --size 48 --seed 9");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    good(at, "train --data data --out whole --config config.toml");

    // In the first epoch, in the middle of a later one, and once more.
    let total = steps(&at.join("whole"));
    let each = total / 14;
    assert!(each >= 6, "{total} steps");
    let start = "train --data data --out pieces --config config.toml";
    interrupt(at, start, "pieces", 2);
    interrupt(at, "train --resume pieces", "pieces", 3 * each + each / 2);
    interrupt(at, "train --resume pieces", "pieces", 6 * each - 1);
    let text = good(at, "train --resume pieces");
    assert!(text.contains("going on after epoch"), "{text}");

    let (whole, pieces) = (at.join("whole"), at.join("pieces"));
    for file in [
        "model.safetensors",
        "last/model.safetensors",
        "test.json",
        "split.csv",
    ] {
        let read = |run: &Path| std::fs::read(run.join(file)).unwrap();
        assert!(read(&whole) == read(&pieces), "{file} differs");
    }
    for file in ["metrics.jsonl", "steps.jsonl"] {
        assert_eq!(log(&whole, file), log(&pieces, file), "{file}");
    }
    // The best and the last weights can both be used, and one checkpoint is left.
    good(at, "evaluate --model whole/last --data data");
    let checkpoints = std::fs::read_dir(whole.join("checkpoint"))
        .unwrap()
        .filter(|entry| {
            let path = entry.as_ref().unwrap().path();
            path.extension().is_some_and(|extension| extension == "bin")
        })
        .count();
    assert_eq!(checkpoints, 1);
    // Another seed gives other weights: the comparison can fail.
    good(
        at,
        "train --data data --out other --config config.toml --seed 8 --epochs 1",
    );
    let first = |run: &Path| log(run, "steps.jsonl")[0].clone();
    assert_ne!(first(&at.join("other")), first(&whole));
}

/// The rates of backbone and head differ, and the backbone begins to learn in the middle.
#[test]
fn so_does_one_that_starts_from_other_weights_and_thaws_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 10 --size 48 --seed 9");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    good(
        at,
        "train --data data --out start --config config.toml --epochs 1",
    );
    let initial = "[initial]\nfreeze = \"backbone\"\nunfreeze_after = 3\nbackbone_rate = 0.3\n";
    std::fs::write(at.join("config.toml"), format!("{CONFIG}\n{initial}")).unwrap();
    let start = "train --data data --init start --config config.toml";
    good(at, &format!("{start} --epochs 8 --out whole"));
    let each = steps(&at.join("whole")) / 8;
    // While frozen, and after it.
    interrupt(
        at,
        &format!("{start} --epochs 8 --out pieces"),
        "pieces",
        each + each / 2,
    );
    interrupt(at, "train --resume pieces", "pieces", 4 * each + 1);
    good(at, "train --resume pieces");
    let (whole, pieces) = (at.join("whole"), at.join("pieces"));
    for file in ["model.safetensors", "last/model.safetensors"] {
        let read = |run: &Path| std::fs::read(run.join(file)).unwrap();
        assert!(read(&whole) == read(&pieces), "{file} differs");
    }
    assert_eq!(log(&whole, "steps.jsonl"), log(&pieces, "steps.jsonl"));
    // The backbone stayed until then, and not after.
    let filter = |run: &str| {
        let bytes = std::fs::read(at.join(run).join("last/model.safetensors")).unwrap();
        decode(&bytes).unwrap()["blocks.0.conv.weight"]
            .values
            .clone()
    };
    good(at, &format!("{start} --epochs 3 --out frozen"));
    let started = decode(&std::fs::read(at.join("start/model.safetensors")).unwrap()).unwrap();
    assert_eq!(filter("frozen"), started["blocks.0.conv.weight"].values);
    assert_ne!(filter("whole"), filter("frozen"));
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 6 --size 32 --seed 3");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    interrupt(
        at,
        "train --data data --out run --config config.toml",
        "run",
        1,
    );
    let state: Value =
        serde_json::from_slice(&std::fs::read(at.join("run/checkpoint/state.json")).unwrap())
            .unwrap();
    let path = at.join("run").join(state["checkpoint"].as_str().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let output = command(at, "train --resume run").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        errors.contains("damaged") && !errors.contains("panicked"),
        "{errors}"
    );
}

#[test]
fn the_finder_and_the_configuration_print() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    good(at, "synth --out data --per-class 6 --size 32 --seed 3");
    std::fs::write(at.join("config.toml"), CONFIG).unwrap();
    let text = good(
        at,
        "find-lr --data data --config config.toml --steps 20 --from 1e-5 --json rates.json",
    );
    assert!(text.contains("learning rate"), "{text}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(at.join("rates.json")).unwrap()).unwrap();
    let points = report["points"].as_array().unwrap();
    assert!(points.len() > 3 && points.len() <= 20);
    assert!((points[0]["rate"].as_f64().unwrap() - 1e-5).abs() < 1e-12);

    // A mistake is found before a folder is made.
    std::fs::write(at.join("bad.toml"), "[ema]\ndecay = 1.0\n").unwrap();
    let output = command(at, "train --data data --out bad --config bad.toml")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && errors.contains("ema.decay is 1"),
        "{errors}"
    );
    assert!(!at.join("bad").exists());

    let text = good(at, "train --print-config --config config.toml --epochs 3");
    let printed: toml::Value = toml::from_str(&text).unwrap();
    assert_eq!(printed["epochs"].as_integer(), Some(3));
    assert_eq!(printed["ema"]["decay"].as_float(), Some(0.9));
    assert!(text.contains("# Highest learning rate"), "{text}");
    let defaults = good(at, "config --arch compact");
    assert!(defaults.contains("[[architecture.stages]]"), "{defaults}");
    let other = good(at, "config --config config.toml");
    assert_eq!(
        toml::from_str::<toml::Value>(&other).unwrap()["epochs"].as_integer(),
        Some(14)
    );
}
