use proptest::prelude::*;

use super::*;
use crate::tensors::Values;

fn sample() -> Vec<u8> {
    let mut root = Group::default();
    root.attribute("title", Attribute::Text("a text with umlaut ä".into()));
    root.attribute(
        "names",
        Attribute::Texts(vec!["one".into(), String::new(), "three".into()]),
    );
    root.attribute("none", Attribute::Texts(Vec::new()));
    let inner = root.group("inner").unwrap();
    inner.array(
        "x",
        Values::new(vec![2, 1, 3], (0..6u8).map(f32::from).collect()).unwrap(),
    );
    inner.group("empty").unwrap();
    for index in 0..40 {
        root.array(&format!("many{index}"), Values::row(vec![index as f32]));
    }
    root.into_file().unwrap()
}

/// Reads whatever is there.
fn walk(bytes: &[u8]) -> anyhow::Result<()> {
    let root = File::open(bytes)?.root();
    for name in ["title", "names", "none", "model_config"] {
        let _ = root.attribute(name);
    }
    for path in ["inner", "inner/x", "inner/empty", "many7", "model_weights"] {
        if let Ok(Some(object)) = root.at(path) {
            let _ = object.attribute("layer_names");
            let _ = object.values();
        }
    }
    Ok(())
}

#[test]
fn what_was_written_is_read() {
    let bytes = sample();
    let root = File::open(&bytes).unwrap().root();
    assert_eq!(
        root.attribute("title").unwrap(),
        Some(Attribute::Text("a text with umlaut ä".into()))
    );
    assert_eq!(
        root.attribute("names").unwrap(),
        Some(Attribute::Texts(vec![
            "one".into(),
            String::new(),
            "three".into()
        ]))
    );
    assert_eq!(
        root.attribute("none").unwrap(),
        Some(Attribute::Texts(Vec::new()))
    );
    assert_eq!(root.attribute("other").unwrap(), None);
    let x = root.at("inner/x").unwrap().unwrap().values().unwrap();
    assert_eq!(x.shape, [2, 1, 3]);
    assert_eq!(x.values, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    for index in 0..40 {
        let object = root.at(&format!("/many{index}")).unwrap().unwrap();
        assert_eq!(object.values().unwrap().values, [index as f32]);
    }
    assert!(root.at("inner/y").unwrap().is_none());
    assert!(root.at("inner").unwrap().unwrap().values().is_err());
}

#[test]
fn attributes_have_a_limit() {
    let mut root = Group::default();
    root.attribute("long", Attribute::Text("x".repeat(70_000)));
    assert!(root.into_file().unwrap_err().to_string().contains("64 KiB"));
}

#[test]
fn a_file_without_end_is_refused() {
    let bytes = sample();
    for length in 0..bytes.len().min(6000) {
        let _ = walk(&bytes[..length]);
    }
    assert!(File::open(&bytes[..40]).is_err());
    assert!(File::open(b"PK\x03\x04").is_err());
}

proptest! {
    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0usize..20_000, any::<u8>()), 1..20)
    ) {
        let mut bytes = sample();
        for (place, value) in changes {
            let place = place % bytes.len();
            bytes[place] = value;
        }
        let _ = walk(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..400), version in 0u8..4) {
        let mut bytes = SIGNATURE.to_vec();
        bytes.push(version);
        bytes.extend(tail);
        let _ = walk(&bytes);
    }
}
