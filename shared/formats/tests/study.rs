//! Many files at once: series, volumes, archives, and bad files among them.
#![cfg(all(feature = "dicom", feature = "nifti", feature = "archive"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Dicom, gz, nifti, png, zip};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use scanlight_formats::study::{Content, Item, SkipReason};
use scanlight_formats::volume::{Orientation, Plane};
use scanlight_formats::{ReadError, Volume, read_files, read_scan};

fn series(name: &str, count: u16, step: f64) -> Vec<(String, Vec<u8>)> {
    (0..count)
        .map(|index| {
            let values = [100 * index, 1, 2, 3, 4, 5];
            // Numbered against their positions.
            let dicom =
                Dicom::grey16(3, 2, &values).slice(name, count - index, f64::from(index) * step);
            (format!("cd/{name}/{index:03}"), dicom.bytes())
        })
        .collect()
}

fn volume(item: &Item) -> &Volume {
    match &item.content {
        Content::Volume(volume) => volume,
        other => panic!("{} is no volume but {other:?}", item.name),
    }
}

#[test]
fn a_series_becomes_a_volume() {
    let mut files = series("2.25.7", 5, 3.0);
    files.reverse();
    let study = read_files(files);
    assert!(study.failures.is_empty(), "{:?}", study.failures);
    let [item] = study.items.as_slice() else {
        panic!("{:?}", study.items);
    };
    assert_eq!((item.name.as_str(), item.sources.len()), ("cd/2.25.7", 5));
    let volume = volume(item);
    assert_eq!(volume.dims(), [3, 2, 5]);
    assert_eq!(volume.spacing(), [1.0, 2.0, 3.0]);
    assert_eq!(volume.orientation(), Orientation::Known);
    // DICOM's rows run to the left and its columns to the back: the slice looks as it was stored.
    let slice = volume.slice(Plane::Axial, 3).unwrap();
    assert_eq!(slice.luma(), [300.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(slice.spacing(), Some([1.0, 2.0]));
    assert_eq!(volume.acquired_plane(), Plane::Axial);
    // The stored first pixel lies at (-10, -20) to the left and back: (10, 20) in RAS+.
    assert_eq!(volume.affine().apply([2.0, 1.0, 0.0]), [10.0, 20.0, 0.0]);
    assert!(
        item.identifying
            .iter()
            .any(|tag| tag.keyword == "SeriesInstanceUID")
    );
}

#[test]
fn what_does_not_belong_together_is_parted() {
    let mut files = series("2.25.7", 3, 3.0);
    files.extend(series("2.25.8", 3, 1.0));
    // A coronal localiser of the first series.
    let localiser = Dicom::grey16(3, 2, &[9; 6]).slice("2.25.7", 9, 0.0).text(
        tags::IMAGE_ORIENTATION_PATIENT,
        VR::DS,
        "1\\0\\0\\0\\0\\-1",
    );
    files.push(("cd/localiser".into(), localiser.bytes()));
    let study = read_files(files);
    assert_eq!(study.items.len(), 3);
    assert_eq!(volume(&study.items[0]).spacing()[2], 3.0);
    assert_eq!(volume(&study.items[1]).spacing()[2], 1.0);
    assert!(matches!(study.items[2].content, Content::Picture(_)));
    let edges = study.items[2].edges.unwrap();
    let letters = [edges.left, edges.right, edges.top, edges.bottom];
    assert_eq!(letters, ['R', 'L', 'S', 'I']);
    // A volume says it of each plane by itself.
    assert_eq!(study.items[0].edges, None);
}

#[test]
fn a_picture_says_how_the_patient_lies() {
    let letters = |orientation: Option<&str>| {
        let mut slice = Dicom::grey16(3, 2, &[9; 6]).slice("2.25.7", 1, 0.0);
        if let Some(orientation) = orientation {
            slice = slice.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, orientation);
        }
        let study = read_files([("a", slice.bytes())]);
        let edges = study.items[0].edges?;
        Some(
            [edges.left, edges.right, edges.top, edges.bottom]
                .map(String::from)
                .concat(),
        )
    };
    assert_eq!(letters(None).as_deref(), Some("RLAP"));
    assert_eq!(letters(Some("0\\1\\0\\0\\0\\-1")).as_deref(), Some("APSI"));
    // Face down, turned by thirty degrees.
    assert_eq!(
        letters(Some("-0.87\\0.5\\0\\-0.5\\-0.87\\0")).as_deref(),
        Some("LRPA")
    );
    assert_eq!(letters(Some("1\\0\\0\\1\\0\\0")), None);
}

#[test]
fn uneven_slices_make_a_stack_and_repetitions_make_volumes() {
    let mut files = series("2.25.7", 4, 3.0);
    files.remove(1);
    let study = read_files(files);
    let Content::Stack(scans) = &study.items[0].content else {
        panic!("{:?}", study.items);
    };
    let first: Vec<f32> = scans.iter().map(|scan| scan.luma()[0]).collect();
    assert_eq!(first, [0.0, 200.0, 300.0]);
    assert_eq!(study.items[0].edges.map(|edges| edges.top), Some('A'));

    let mut twice = series("2.25.7", 3, 3.0);
    for (index, (name, bytes)) in series("2.25.7", 3, 3.0).into_iter().enumerate() {
        let _ = bytes;
        let again =
            Dicom::grey16(3, 2, &[7; 6]).slice("2.25.7", 10 + index as u16, 3.0 * index as f64);
        twice.push((format!("{name}b"), again.bytes()));
    }
    // A copy of a slice is passed over.
    let (_, copy) = twice[1].clone();
    twice.push(("copy".into(), copy));
    let study = read_files(twice);
    assert_eq!(study.items.len(), 2);
    assert_eq!(study.skipped.len(), 1);
    assert_eq!(study.skipped[0].reason, SkipReason::Copy);
    assert_eq!(volume(&study.items[1]).voxels(), [7.0; 18]);
}

#[test]
fn a_multi_frame_file_becomes_a_volume() {
    let item = |tag, inner| {
        let mut object = InMemDicomObject::new_empty();
        object.put(dicom_core::DataElement::new(
            tag,
            VR::SQ,
            dicom_core::value::Value::from(dicom_core::value::DataSetSequence::from(vec![inner])),
        ));
        object
    };
    let with = |pairs: &[(dicom_core::Tag, &str)]| {
        let mut object = InMemDicomObject::new_empty();
        for (tag, value) in pairs {
            let parts: Vec<String> = value.split('\\').map(str::to_owned).collect();
            object.put(dicom_core::DataElement::new(
                *tag,
                VR::DS,
                dicom_core::PrimitiveValue::Strs(parts.into()),
            ));
        }
        object
    };
    let mut shared = item(
        tags::PIXEL_MEASURES_SEQUENCE,
        with(&[(tags::PIXEL_SPACING, "2\\1")]),
    );
    for element in item(
        tags::PLANE_ORIENTATION_SEQUENCE,
        with(&[(tags::IMAGE_ORIENTATION_PATIENT, "0\\1\\0\\0\\0\\-1")]),
    ) {
        shared.put(element);
    }
    // Sagittal frames from the patient's left to the right.
    let frames = [4, 0, -4]
        .map(|x| {
            let place = with(&[(tags::IMAGE_POSITION_PATIENT, &format!("{x}\\0\\0"))]);
            item(tags::PLANE_POSITION_SEQUENCE, place)
        })
        .to_vec();
    let values: Vec<u16> = (0..18).collect();
    for syntax in [
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
    ] {
        let bytes = Dicom::grey16(3, 2, &values)
            .text(tags::NUMBER_OF_FRAMES, VR::IS, "3")
            .text(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.9")
            .items(
                tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                vec![shared.clone()],
            )
            .items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames.clone())
            .syntax(syntax)
            .bytes();
        let study = read_files([("head", bytes)]);
        assert!(study.failures.is_empty(), "{:?}", study.failures);
        let volume = volume(&study.items[0]);
        assert_eq!(volume.dims(), [3, 3, 2]);
        assert_eq!(volume.spacing(), [4.0, 1.0, 2.0]);
        assert_eq!(volume.acquired_plane(), Plane::Sagittal);
        // Looks as it was stored: the front at the left.
        let slice = volume.slice(Plane::Sagittal, 0).unwrap();
        assert_eq!(slice.luma(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}

#[test]
fn archives_are_read_and_bad_files_stop_nothing() {
    let head = nifti([2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let slices = series("2.25.7", 3, 3.0);
    let inner = zip(&[("a.png", &png(2, 2))]);
    let head_gz = gz(&head);
    let mut files: Vec<(&str, &[u8])> = vec![
        ("../../etc/evil.png", &head),
        ("__MACOSX/._a.png", b"fork"),
        ("cd/DICOMDIR", b"index"),
        ("notes.txt", b"Dear diary"),
        ("inner.zip", &inner),
        ("cut.nii", &head[..360]),
        ("head.nii.gz", &head_gz),
        ("empty", b""),
    ];
    for (name, bytes) in &slices {
        files.push((name, bytes));
    }
    let picture = png(5, 4);
    let study = read_files([("all.zip", zip(&files)), ("b.png", picture)]);
    let names: Vec<&str> = study.items.iter().map(|item| item.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "all.zip/etc/evil.png",
            "all.zip/head.nii.gz",
            "all.zip/cd/2.25.7",
            "b.png"
        ]
    );
    let skipped: Vec<_> = study
        .skipped
        .iter()
        .map(|s| (s.name.as_str(), s.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            ("all.zip/__MACOSX/._a.png", SkipReason::Clutter),
            ("all.zip/cd/DICOMDIR", SkipReason::Index)
        ]
    );
    let failed: Vec<&str> = study
        .failures
        .iter()
        .map(|failure| failure.name.as_str())
        .collect();
    assert_eq!(
        failed,
        [
            "all.zip/notes.txt",
            "all.zip/inner.zip",
            "all.zip/cut.nii",
            "all.zip/empty"
        ]
    );
    assert!(
        study
            .failures
            .iter()
            .all(|f| !f.error.to_string().contains('\n'))
    );
    let cut = zip(&files);
    let study = read_files([("cut.zip", &cut[..cut.len() / 2])]);
    assert!(study.items.is_empty() && study.failures.len() == 1);
}

#[test]
fn one_file_makes_one_scan() {
    let scan = read_scan(
        &Dicom::grey16(3, 2, &[1, 2, 3, 4, 5, 6])
            .slice("1", 1, 0.0)
            .bytes(),
    )
    .unwrap();
    // Pixels of 1 x 2 mm become square.
    assert_eq!((scan.width(), scan.height()), (3, 4));
    let scan = read_scan(&nifti([2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])).unwrap();
    assert_eq!(scan.luma(), [8.0, 7.0, 6.0, 5.0]);
    assert_eq!(read_scan(&png(6, 5)).unwrap().width(), 6);
    assert!(matches!(read_scan(b""), Err(ReadError::Empty)));
    assert!(matches!(
        read_scan(&zip(&[])),
        Err(ReadError::Archive { .. })
    ));
    assert!(matches!(read_scan(&gz(b"text")), Err(ReadError::Gzip)));
    let mut pair = vec![0; 348];
    pair[..2].copy_from_slice(&348u16.to_le_bytes());
    assert!(matches!(read_scan(&pair), Err(ReadError::Pair)));
}
