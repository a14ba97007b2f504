//! Mutated files for the decoders: on stable Rust and reproducible from a seed.
//!
//! The known engines (libFuzzer, AFL, honggfuzz) need a nightly compiler or C; bolero's engine on stable makes
//! random bytes, which no decoder takes for a file. So files of a corpus are changed: bits, numbers, lengths, parts.

// Used in part by the example and in part by the test.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use mutate::Mutator;
use scanlight_formats::dicom::DicomFile;
use scanlight_formats::directory::{self, Directory};
use scanlight_formats::nifti::NiftiFile;
use scanlight_formats::study::{Content, read_files};
use scanlight_formats::volume::Plane;
use scanlight_formats::{Scan, Volume, decode::decode, detect, limits, read_scan};
use scanlight_lessons::{MOST_CASES, is_lesson, is_safe};
use scanlight_model::bundle::{Bundle, Manifest, sha256_hex};

/// A decoder under test with the folder of its corpus.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// Folders of the corpus.
    pub corpus: &'static [&'static str],
    /// Whether the input was taken for what it should be.
    run: fn(&[u8]) -> bool,
}

pub const TARGETS: [Target; 8] = [
    Target {
        name: "image",
        corpus: &["image"],
        run: |bytes| {
            let scan = decode(bytes);
            scan.iter().for_each(check_scan);
            scan.is_ok()
        },
    },
    Target {
        name: "dicom",
        corpus: &["dicom"],
        run: dicom,
    },
    Target {
        name: "nifti",
        corpus: &["nifti"],
        run: nifti,
    },
    Target {
        name: "archive",
        corpus: &["archive"],
        run: |bytes| study(&[("a.zip", bytes)]),
    },
    Target {
        name: "directory",
        corpus: &["archive"],
        run: list,
    },
    Target {
        name: "lesson",
        corpus: &["lesson"],
        run: lesson,
    },
    Target {
        name: "bundle",
        corpus: &BUNDLES,
        run: bundle,
    },
    Target {
        name: "study",
        corpus: &["image", "dicom", "nifti", "archive"],
        run: |bytes| {
            detect(bytes);
            if let Ok(scan) = read_scan(bytes) {
                check_scan(&scan);
            }
            // With a slice of the corpus's series, a copy, and a good file behind.
            study(&[
                ("cd/a", bytes),
                ("cd/b", SLICE),
                ("cd/c", bytes),
                ("../c", GOOD),
            ])
        },
    },
];

/// The bundles of the model crate's tests, small and of random weights.
const BUNDLES: [&str; 3] = [
    "../../tests/golden/reference_cnn",
    "../../tests/golden/compact_merged",
    "../../tests/golden/mobilenet_v2",
];

/// A file that must be read, whatever came before it.
const GOOD: &[u8] = include_bytes!("../corpus/image/grey.png");
/// One slice of the series in the corpus.
const SLICE: &[u8] = include_bytes!("../corpus/dicom/explicit.dcm");

fn dicom(bytes: &[u8]) -> bool {
    let Ok(file) = DicomFile::parse(bytes) else {
        return false;
    };
    let pixels = file.frames() as u64 * file.shape().pixels() as u64;
    assert!(pixels <= limits::MAX_VOXELS && file.frames() > 0);
    for frame in 0..file.frames().min(3) {
        if let Ok(scan) = file.scan(frame) {
            check_scan(&scan);
        }
    }
    assert!(file.scan(file.frames()).is_err());
    true
}

fn nifti(bytes: &[u8]) -> bool {
    let Ok(file) = NiftiFile::parse(bytes) else {
        return false;
    };
    for time_point in [0, file.time_points() - 1] {
        if let Ok(volume) = file.volume(time_point) {
            check_volume(&volume);
        }
    }
    assert!(file.volume(file.time_points()).is_err());
    true
}

/// The directory of an archive, as the page reads it.
fn list(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(directory::TAIL)..];
    let Some(found) = Directory::find(tail) else {
        return false;
    };
    assert!(found.length <= directory::LONGEST);
    let end = found.offset.saturating_add(found.length).min(bytes.len());
    let entries = directory::entries(bytes.get(found.offset..end).unwrap_or_default());
    for entry in &entries {
        let clean = directory::clean(&entry.path);
        assert!(
            clean.is_empty()
                || clean
                    .split('/')
                    .all(|part| !matches!(part.trim(), "" | "." | ".."))
        );
        assert!(!clean.contains(char::is_control) && directory::clean(&clean) == clean);
        let header = bytes.get(entry.header..).unwrap_or_default();
        assert!(directory::header_length(header).is_none_or(|length| length >= 30));
    }
    entries.len() == found.count
}

/// A lesson's text.
fn lesson(bytes: &[u8]) -> bool {
    is_lesson(bytes);
    match scanlight_lessons::parse(&String::from_utf8_lossy(bytes)) {
        Ok(lesson) => {
            assert!((1..=MOST_CASES).contains(&lesson.cases.len()));
            assert!(lesson.cases.iter().all(|case| is_safe(&case.image)));
            let again = lesson.to_json("lesson.schema.json").unwrap();
            assert_eq!(scanlight_lessons::parse(&again), Ok(lesson));
            true
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            false
        }
    }
}

/// A bundle, see [`packed`], to the answer about a picture.
fn bundle(bytes: &[u8]) -> bool {
    let Some((manifest, weights)) = unpacked(bytes) else {
        return false;
    };
    let Ok(mut manifest) = Manifest::parse(manifest) else {
        return false;
    };
    // Otherwise every change would be stopped by what the manifest says of the weights.
    manifest.weights.size = weights.len() as u64;
    manifest.weights.sha256 = sha256_hex(weights);
    let classes = manifest.classes.len();
    let Ok(bundle) = Bundle::new(manifest, weights.to_vec()) else {
        return false;
    };
    let Ok(model) = bundle.direct_classifier() else {
        return false;
    };
    let scan = decode(GOOD).unwrap();
    let Ok(answer) = pollster::block_on(model.classify(&scan)) else {
        // Its values are none.
        return false;
    };
    assert_eq!(answer.probabilities.len(), classes);
    assert!(answer.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    true
}

/// A manifest and its weights as one input: the manifest's length in four bytes, then both.
fn packed(manifest: &[u8], weights: &[u8]) -> Vec<u8> {
    let length = u32::try_from(manifest.len()).unwrap();
    [&length.to_le_bytes(), manifest, weights].concat()
}

fn unpacked(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

/// Whether all was read.
fn study(files: &[(&str, &[u8])]) -> bool {
    let study = read_files(files.iter().copied());
    for item in &study.items {
        match &item.content {
            Content::Picture(scan) => check_scan(scan),
            Content::Stack(scans) => scans.iter().for_each(check_scan),
            Content::Volume(volume) => check_volume(volume),
        }
        assert!(
            item.name
                .split('/')
                .all(|part| !matches!(part, "" | "." | ".."))
        );
    }
    for failure in &study.failures {
        let text = failure.error.to_string();
        assert!(!text.contains('\n'), "{text}");
    }
    if let Some((_, last)) = files.last().filter(|_| files.len() > 1) {
        assert_eq!(*last, GOOD);
        assert!(study.items.iter().any(|item| item.name == "c"));
    }
    study.failures.is_empty()
}

fn check_scan(scan: &Scan) {
    let length = u64::from(scan.width()) * u64::from(scan.height());
    assert!(length <= limits::MAX_PIXELS && length == scan.luma().len() as u64);
    assert!(scan.luma().iter().all(|value| value.is_finite()));
    if length < 1 << 16 {
        let square = scan.to_square_pixels().unwrap();
        assert!(square.luma().len() as u64 <= limits::MAX_PIXELS);
    }
}

fn check_volume(volume: &Volume) {
    let [x, y, z] = volume.dims();
    assert_eq!(x * y * z, volume.voxels().len());
    assert!(volume.affine().is_sound());
    for plane in Plane::ALL {
        volume.slice(plane, volume.middle(plane)).unwrap();
        assert!(volume.slice(plane, volume.slices(plane)).is_err());
    }
}

impl Target {
    /// The target's files, by name.
    pub fn corpus(&self) -> Vec<Vec<u8>> {
        let mut paths: Vec<PathBuf> = self.corpus.iter().flat_map(|f| files(f)).collect();
        paths.sort();
        let contents = paths.iter().map(|path| std::fs::read(path).unwrap());
        let contents: Vec<Vec<u8>> = contents.collect();
        if self.name == "bundle" {
            // `model.json` comes before `model.safetensors`.
            contents
                .chunks(2)
                .map(|pair| packed(&pair[0], &pair[1]))
                .collect()
        } else {
            contents
        }
    }

    /// Whether the input is taken for what it should be.
    pub fn takes(&self, input: &[u8]) -> bool {
        (self.run)(input)
    }

    /// Runs one input; the panic's words, if it panics.
    pub fn panics(&self, input: &[u8]) -> Option<String> {
        let result = catch_unwind(AssertUnwindSafe(|| (self.run)(input)));
        let payload = result.err()?;
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied());
        Some(text.unwrap_or("panicked").to_owned())
    }

    /// Inputs without end: the corpus as it is, then changed.
    pub fn inputs(&self, seed: u64) -> impl Iterator<Item = Vec<u8>> {
        let corpus = self.corpus();
        assert!(!corpus.is_empty(), "the corpus of {} is empty", self.name);
        let mut mutator = Mutator::new(seed);
        let name = self.name;
        let first = corpus.clone().into_iter();
        first.chain(std::iter::repeat_with(move || {
            let input = mutator.changed(&corpus);
            // Checksums would stop what is changed behind compression: so it is compressed after the change.
            match name {
                // Most changes of the text are no JSON: every second one is of the weights alone.
                "bundle" if mutator.one_in(2) => {
                    let whole = &corpus[mutator.below(corpus.len())];
                    let (manifest, weights) = unpacked(whole).unwrap();
                    packed(manifest, &mutator.changed(&[weights.to_vec()]))
                }
                "nifti" | "study" if mutator.one_in(3) && input.len() < 1 << 16 => gz(&input),
                "archive" if mutator.one_in(2) => zipped(&input, &mut mutator),
                _ => input,
            }
        }))
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(folder);
    std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An archive of the input cut into files, with names that lead elsewhere.
fn zipped(bytes: &[u8], mutator: &mut Mutator) -> Vec<u8> {
    use std::io::{Cursor, Write};

    let names = [
        "a",
        "../b",
        "/c",
        "__MACOSX/._d",
        "e/f.png",
        "g\\h",
        "DICOMDIR",
        "\u{7}",
    ];
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in names
        .iter()
        .zip(bytes.chunks(1 + mutator.below(bytes.len() + 1)))
    {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(part).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
