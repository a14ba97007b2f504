//! A short run of every fuzz target; `cargo xtask fuzz` runs them longer.
#![cfg(all(
    feature = "images",
    feature = "dicom",
    feature = "nifti",
    feature = "archive"
))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/mod.rs"]
mod fuzz;

use fuzz::TARGETS;
use proptest::prelude::*;
use scanlight_formats::{FileKind, detect, read_files, read_scan};

/// Changed files of each target, beside its corpus.
const INPUTS: usize = 4000;
/// Changed bundles: each that is sound runs its network.
const BUNDLES: usize = 400;

#[test]
fn changed_files_never_panic() {
    for target in TARGETS {
        let count = if target.name == "bundle" {
            BUNDLES
        } else {
            INPUTS
        };
        for (number, input) in target.inputs(7).take(count).enumerate() {
            if let Some(text) = target.panics(&input) {
                let path = std::env::temp_dir().join(format!("scanlight-{}-{number}", target.name));
                std::fs::write(&path, &input).unwrap();
                panic!("{}: {text}; the input is {}", target.name, path.display());
            }
        }
    }
}

#[test]
fn the_corpus_is_read() {
    for target in &TARGETS {
        for (number, file) in target.corpus().iter().enumerate() {
            assert!(target.takes(file), "{} {number}", target.name);
        }
    }
    let files = ["image", "dicom", "nifti", "archive"];
    for target in TARGETS.iter().filter(|target| files.contains(&target.name)) {
        for file in target.corpus() {
            assert_ne!(detect(&file), FileKind::Unknown);
            let study = read_files([("file", &file)]);
            assert!(
                study.failures.is_empty(),
                "{}: {:?}",
                target.name,
                study.failures
            );
            assert!(!study.items.is_empty());
        }
    }
}

proptest! {
    /// Bytes that begin like a file and go on at random.
    #[test]
    fn random_bytes_never_panic(
        start in prop::sample::select(vec![
            &b""[..], b"\x08\0\x05\0CS", b"\x02\0\0\0UL\x04\0\xFF\xFF\0\0", b"\x1F\x8B\x08\0\0\0\0\0\0\0", b"PK\x03\x04",
            b"\x5C\x01\0\0", b"\0\0\x02\x1Cn+2\0", b"BM", b"II*\0", b"\xFF\xD8\xFF\xC0",
        ]),
        preamble in any::<bool>(),
        rest in prop::collection::vec(any::<u8>(), 0..700),
    ) {
        let mut bytes = Vec::new();
        if preamble {
            bytes.resize(128, 0);
            bytes.extend(b"DICM");
        }
        bytes.extend(start);
        bytes.extend(rest);
        detect(&bytes);
        let _ = read_scan(&bytes);
        let study = read_files([("a", &bytes)]);
        prop_assert!(study.items.len() + study.failures.len() + study.skipped.len() >= 1);
    }
}
