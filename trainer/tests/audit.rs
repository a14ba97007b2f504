//! `scanlight audit` finds what is planted and nothing else, and training keeps its groups whole.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, imageops};
use serde_json::Value;

const CONFIG: &str = r#"
epochs = 1
batch_size = 8
calibrate = false

[architecture]
kind = "reference_cnn"
channels = [4, 4, 4]
hidden = 8
dropout = 0.0

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
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

const CLASSES: [&str; 4] = ["glioma", "meningioma", "notumor", "pituitary"];

/// Draws phantoms, spreads them over `first/Training` and `first/Testing`, and plants copies.
fn planted(at: &Path) {
    good(at, "synth --out drawn --per-class 8 --size 96 --seed 3");
    let from =
        |class: &str, number: usize| at.join(format!("drawn/{class}/{class}_{number:04}.png"));
    for class in CLASSES {
        for number in 0..8 {
            let part = if number < 6 { "Training" } else { "Testing" };
            let folder = at.join("first").join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::copy(from(class, number), folder.join(format!("{number}.png"))).unwrap();
        }
    }
    let grey = |class: &str, number: usize| image::open(from(class, number)).unwrap().to_luma8();
    let save = |image: &GrayImage, path: &str| {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    };
    // The same bytes, another compression, another brightness, a mirror image, a wrong label.
    std::fs::copy(from("glioma", 0), at.join("first/Testing/glioma/copy.png")).unwrap();
    save(&grey("meningioma", 1), "first/Testing/meningioma/again.jpg");
    let mut bright = grey("notumor", 2);
    for pixel in bright.pixels_mut() {
        pixel.0[0] = (f32::from(pixel.0[0]) * 0.7 + 20.0) as u8;
    }
    save(&bright, "first/Testing/notumor/bright.png");
    let mirror = imageops::flip_horizontal(&grey("pituitary", 5));
    save(&mirror, "first/Training/pituitary/mirror.png");
    let small = imageops::resize(&grey("glioma", 4), 70, 80, imageops::FilterType::Triangle);
    save(&small, "first/Training/meningioma/wrong.png");
    std::fs::write(
        at.join("first/Training/glioma/broken.png"),
        b"\x89PNG\r\n\x1a\nno",
    )
    .unwrap();
    // Another set knows the patient of two slices, one of them a framed copy.
    let mut framed = GrayImage::new(150, 120);
    imageops::replace(&mut framed, &grey("glioma", 3), 40, 10);
    save(&framed, "second/glioma/framed, \"1\".png");
    save(
        &GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * y % 251) as u8])),
        "second/glioma/2.png",
    );
    save(
        &GrayImage::from_fn(64, 64, |x, y| image::Luma([(x + 2 * y) as u8])),
        "second/notumor/3.png",
    );
    std::fs::write(
        at.join("second/slices.csv"),
        "path,label,patient\n\"glioma/framed, \"\"1\"\".png\",glioma,p7\nglioma/2.png,glioma,p7\n",
    )
    .unwrap();
}

#[test]
fn what_is_planted_is_found_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    planted(at);
    let text = good(
        at,
        "audit --data first --data second --json audit.json --report audit.html --write-groups groups.csv",
    );
    assert!(text.contains("label conflicts: 1 pairs"), "{text}");
    let found = json(&at.join("audit.json"));
    let sets = |group: &Value| -> BTreeSet<String> {
        let images = group["images"].as_array().unwrap();
        images
            .iter()
            .map(|i| i.as_str().unwrap().to_string())
            .collect()
    };
    let groups: BTreeSet<_> = found["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(sets)
        .collect();
    let pair = |a: &str, b: &str| BTreeSet::from([a.to_string(), b.to_string()]);
    let expected = BTreeSet::from([
        pair(
            "first/Training/glioma/0.png",
            "first/Testing/glioma/copy.png",
        ),
        pair(
            "first/Training/meningioma/1.png",
            "first/Testing/meningioma/again.jpg",
        ),
        pair(
            "first/Training/notumor/2.png",
            "first/Testing/notumor/bright.png",
        ),
        pair(
            "first/Training/pituitary/5.png",
            "first/Training/pituitary/mirror.png",
        ),
        pair(
            "first/Training/glioma/4.png",
            "first/Training/meningioma/wrong.png",
        ),
        pair(
            "first/Training/glioma/3.png",
            "second/glioma/framed, \"1\".png",
        ),
    ]);
    assert_eq!(groups, expected);
    assert_eq!(found["duplicates"]["exact_pairs"], 1);
    assert_eq!(found["duplicates"]["near_by_turn"]["mirrored"], 1);
    assert_eq!(found["duplicates"]["framed_pairs"], 1);
    assert_eq!(found["conflicts"][0]["class_a"], "glioma");
    assert_eq!(found["conflicts"][0]["class_b"], "meningioma");
    assert_eq!(
        found["unreadable"][0]["path"],
        "first/Training/glioma/broken.png"
    );
    let leak = &found["sets"][0]["leak"];
    assert_eq!(
        (&leak["all"]["near"], &leak["all"]["exact"]),
        (&3.into(), &1.into())
    );
    assert_eq!(leak["all"]["images"], 11);
    assert_eq!(found["sets"][0]["balance"]["test"]["glioma"], 3);
    assert_eq!(found["between"][0]["all"]["near"], 1);
    let floor = &found["sets"][0]["nearest_neighbour"][0];
    assert_eq!(
        (&floor["all"]["images"], &floor["without_twin"]["images"]),
        (&11.into(), &8.into())
    );
    let storage = found["sets"][0]["storage"].as_array().unwrap();
    assert!(
        storage
            .iter()
            .any(|kind| kind["kind"] == "JPEG, grey 8-bit")
    );

    // The page holds its pictures itself and refers to nothing else.
    let page = std::fs::read_to_string(at.join("audit.html")).unwrap();
    assert_eq!(
        page.matches("<img src=\"data:image/jpeg;base64,").count(),
        12
    );
    assert!(!page.contains("http") && !page.contains("<script"));
    assert!(page.contains("framed, &quot;1&quot;.png"));

    // Every image has a line; the slice with a framed copy shows the same patient as that copy.
    let table = std::fs::read_to_string(at.join("groups.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 32 + 5 + 1 + 3);
    let line = |start: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(start)).unwrap();
        line[start.len()..].split(',').map(str::to_string).collect()
    };
    let copy = line("first,Training/glioma/3.png,");
    let other = line("second,glioma/2.png,");
    assert_eq!((&copy[0], &copy[1]), (&other[0], &"second/p7".to_string()));
    assert_ne!(copy[2], other[2]);
    assert!(table.contains("second,\"glioma/framed, \"\"1\"\".png\","));
}

#[test]
fn training_keeps_groups_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    planted(at);
    std::fs::write(at.join("c.toml"), CONFIG).unwrap();
    good(at, "audit --data first --write-groups groups.csv");

    // The folders stay, and what is also tested no longer trains.
    let text = good(
        at,
        "train --data first --groups groups.csv --out run --config c.toml",
    );
    assert!(text.contains("3 images are dropped"), "{text}");
    let manifest = json(&at.join("run/model.json"));
    let split = &manifest["training"]["split"];
    assert_eq!(split["method"], "folders-groups");
    let hash = split["groups_sha256"].as_str().unwrap();
    assert_eq!(hash.len(), 64);
    let images = &manifest["training"]["data"][0]["images"];
    assert_eq!(images["dropped"]["glioma"], 1);
    let again = "evaluate --model run --data first --part test --json again.json";
    good(at, again);
    assert_eq!(
        json(&at.join("again.json")),
        json(&at.join("run/test.json"))
    );

    // Without the run's own copy the file must be named, and be the same.
    std::fs::remove_file(at.join("run/groups.csv")).unwrap();
    let text = bad(at, again);
    assert!(
        text.contains("--groups") && text.contains(&hash[..12]),
        "{text}"
    );
    good(at, &format!("{again} --groups groups.csv"));
    let table = std::fs::read_to_string(at.join("groups.csv")).unwrap();
    std::fs::write(at.join("other.csv"), table + "\n").unwrap();
    assert!(bad(at, &format!("{again} --groups other.csv")).contains("not the groups file"));

    // At random: no group in two parts, and a run can go on.
    good(
        at,
        "train --data first --groups groups.csv --folders merge --out merged --config c.toml",
    );
    let parts = std::fs::read_to_string(at.join("merged/split.csv")).unwrap();
    let table = std::fs::read_to_string(at.join("groups.csv")).unwrap();
    let group_of: BTreeMap<&str, &str> = table
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[1], fields[2])
        })
        .collect();
    let mut part_of: BTreeMap<&str, &str> = BTreeMap::new();
    for line in parts.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').map(|f| f.trim_matches('"')).collect();
        let before = part_of.insert(group_of[fields[2]], fields[0]);
        assert!(before.is_none_or(|part| part == fields[0]), "{line}");
    }
    good(at, "train --resume merged");

    // A set without groups in the file is refused before anything is made.
    let text = bad(
        at,
        "train --data drawn --groups groups.csv --out none --config c.toml",
    );
    assert!(text.contains("not in the groups file"), "{text}");
    assert!(!at.join("none").exists());

    // Without copies seen in training, fewer images are left to test on.
    good(at, "train --data first --out plain --config c.toml");
    let text = good(
        at,
        "evaluate --model plain --data first --groups groups.csv --leak-free duplicates",
    );
    assert!(
        text.contains("8 images") && text.contains("3 left out"),
        "{text}"
    );
    // The narrower count needs no groups file, and finds the same three: none of them is mirrored.
    let text = good(
        at,
        "evaluate --model plain --data first --leak-free correlated",
    );
    assert!(text.contains("3 left out"), "{text}");
}

#[test]
fn folds_test_each_image_once_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    planted(at);
    std::fs::write(at.join("c.toml"), CONFIG).unwrap();
    good(
        at,
        "audit --data first --write-groups groups.csv --json audit.json",
    );
    let text = good(
        at,
        "train --data first --groups groups.csv --kfold 3 --fold-limit 1 --out cv --config c.toml",
    );
    assert!(text.contains("train --resume cv"), "{text}");
    assert!(at.join("cv/fold-1/test.json").exists() && !at.join("cv/fold-2").exists());
    std::fs::remove_file(at.join("c.toml")).unwrap();
    std::fs::remove_file(at.join("groups.csv")).unwrap();
    good(at, "report cv --out begun.html");
    let begun = std::fs::read_to_string(at.join("begun.html")).unwrap();
    assert!(begun.contains("Only 1 of 3 folds are trained so far"));
    let text = good(at, "train --resume cv");
    assert!(text.contains("nearest neighbour"), "{text}");
    assert!(text.contains("pooled") && text.contains("±"), "{text}");

    let found = json(&at.join("cv/kfold.json"));
    assert_eq!(found["results"].as_array().unwrap().len(), 3);
    let mut tested = BTreeMap::new();
    let mut right = 0;
    for fold in 1..=3 {
        let report = json(&at.join(format!("cv/fold-{fold}/test.json")));
        for image in report["images"].as_array().unwrap() {
            *tested
                .entry(image["path"].as_str().unwrap().to_string())
                .or_insert(0) += 1;
            right += i32::from(image["label"] == image["predicted"]);
        }
    }
    // 32 drawn ones and 5 copies; the broken file cannot be tested.
    assert_eq!(tested.len(), 37);
    assert!(tested.values().all(|&times| times == 1), "{tested:?}");
    let pooled = found["summary"]["pooled"]["accuracy"].as_f64().unwrap();
    assert!((pooled - f64::from(right) / 37.0).abs() < 1e-9);

    // One page for all of them, with what the audit found.
    good(at, "report cv --audit audit.json");
    let page = std::fs::read_to_string(at.join("cv/report.html")).unwrap();
    let audit = json(&at.join("audit.json"));
    let duplicates = format!(
        "{} exact and {} near pairs of duplicates in all",
        audit["duplicates"]["exact_pairs"], audit["duplicates"]["near_pairs"]
    );
    for part in [
        "Folds",
        "all answers together",
        "Reliability",
        "Worst mistakes",
        "kfold-groups",
        "80:20 by group, seed 42",
        &duplicates,
        &format!("{:.2} %", 100.0 * pooled),
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(bad(at, "report cv --with-images").contains("name a fold"));
    assert!(bad(at, "report cv --audit none.json").contains("none.json"));

    // A fold is a run like any other.
    good(
        at,
        "evaluate --model cv/fold-2 --data first --part test --json two.json",
    );
    assert_eq!(
        json(&at.join("two.json")),
        json(&at.join("cv/fold-2/test.json"))
    );
    assert!(bad(at, "train --data first --kfold 2 --out cv").contains("holds a run already"));

    // Without split.csv the split is made again from the manifest, with the groups that the run keeps.
    good(at, "calibrate cv/fold-2 --data first");
    let split = std::fs::read(at.join("cv/fold-2/split.csv")).unwrap();
    std::fs::remove_file(at.join("cv/fold-2/split.csv")).unwrap();
    let before = json(&at.join("cv/fold-2/model.json"));
    good(at, "calibrate cv/fold-2 --data first");
    assert_eq!(
        json(&at.join("cv/fold-2/model.json"))["trust"],
        before["trust"]
    );
    std::fs::remove_file(at.join("cv/fold-2/groups.csv")).unwrap();
    let text = bad(at, "calibrate cv/fold-2 --data first");
    assert!(text.contains("groups file"), "{text}");
    std::fs::write(at.join("cv/fold-2/split.csv"), split).unwrap();
    // A member that was trained on what judges the ensemble is none.
    let text = bad(at, "calibrate cv/fold-2 --data first --ensemble cv/fold-1");
    assert!(text.contains("another split"), "{text}");
}
