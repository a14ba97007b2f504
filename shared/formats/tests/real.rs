//! Real files, where this machine has them.
#![cfg(all(feature = "dicom", feature = "nifti"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::real_data;
use scanlight_formats::dicom::{DicomError, DicomFile};
use scanlight_formats::nifti::NiftiFile;
use scanlight_formats::volume::{Orientation, Plane};
use scanlight_formats::{FileKind, Scan, Volume, detect};

fn dicom(name: &str) -> Option<Vec<u8>> {
    let path = real_data("dicom")?.join(name);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(detect(&bytes), FileKind::Dicom);
    Some(bytes)
}

fn scan(bytes: &[u8]) -> Scan {
    DicomFile::parse(bytes).unwrap().scan(0).unwrap()
}

#[test]
fn every_encoding_of_one_picture_gives_the_same() {
    let Some(bytes) = dicom("MR_small.dcm") else {
        return;
    };
    let plain = scan(&bytes);
    assert_eq!((plain.width(), plain.height()), (64, 64));
    // As pydicom reads it.
    assert_eq!(plain.luma()[..4], [905.0, 1019.0, 1227.0, 1259.0]);
    assert_eq!(plain.display_range(), (-200.0, 1399.0));
    for name in [
        "MR_small_implicit.dcm",
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
    ] {
        assert_eq!(scan(&dicom(name).unwrap()).luma(), plain.luma(), "{name}");
    }
}

#[test]
fn files_that_cannot_be_shown_say_why() {
    let Some(bytes) = dicom("MR_truncated.dcm") else {
        return;
    };
    let error = DicomFile::parse(&bytes).err().unwrap();
    assert!(
        matches!(
            error,
            DicomError::Truncated {
                expected: 8192,
                found: 8130
            }
        ),
        "{error}"
    );
    let error = DicomFile::parse(&dicom("rtplan.dcm").unwrap())
        .err()
        .unwrap();
    assert!(error.to_string().contains("RT Plan"), "{error}");
    // 12 bits, lossy: no pure-Rust decoder reads it.
    let bytes = dicom("JPEG-lossy.dcm").unwrap();
    let error = DicomFile::parse(&bytes).unwrap().scan(0).unwrap_err();
    assert!(error.to_string().contains("JPEG Extended"), "{error}");
}

#[test]
fn near_lossless_jpegls_is_read() {
    let Some(bytes) = dicom("JPEGLSNearLossless_16.dcm") else {
        return;
    };
    let scan = scan(&bytes);
    assert_eq!((scan.width(), scan.height()), (10, 50));
    // As CharLS reads it: ten bands of five rows.
    let bands: Vec<f32> = scan.luma().iter().copied().step_by(50).collect();
    let expected = [
        65535.0, 32765.0, 16385.0, 4095.0, 1025.0, 255.0, 65.0, 15.0, 5.0, 0.0,
    ];
    assert_eq!(bands, expected);
}

fn volume(name: &str) -> Option<Volume> {
    let bytes = std::fs::read(real_data("volumes")?.join(name)).unwrap();
    assert_eq!(detect(&bytes), FileKind::NiftiGz);
    Some(NiftiFile::parse(&bytes).unwrap().volume(0).unwrap())
}

/// The mean over a part of a scan, in fractions of its sides.
fn mean(scan: &Scan, x: [f32; 2], y: [f32; 2]) -> f32 {
    let (width, height) = (scan.width() as f32, scan.height() as f32);
    let (mut sum, mut count) = (0.0, 0.0);
    for (index, value) in scan.luma().iter().enumerate() {
        let place = [
            (index as u32 % scan.width()) as f32 / width,
            (index as u32 / scan.width()) as f32 / height,
        ];
        if (x[0]..x[1]).contains(&place[0]) && (y[0]..y[1]).contains(&place[1]) {
            sum += value;
            count += 1.0;
        }
    }
    sum / count
}

#[test]
fn the_healthy_head_is_upright() {
    let Some(head) = volume("healthy_t1_256.nii.gz") else {
        return;
    };
    assert_eq!(head.dims(), [256, 256, 256]);
    assert_eq!(head.orientation(), Orientation::Known);
    // The field of view ends below the skull: neck and air in the last rows, never at the top.
    let coronal = head
        .slice(Plane::Coronal, head.middle(Plane::Coronal))
        .unwrap();
    assert!(mean(&coronal, [0.3, 0.7], [0.0, 0.15]) < 2.0);
    assert!(mean(&coronal, [0.3, 0.7], [0.6, 0.8]) > 20.0);
    // In the sagittal slice the face lies at the left, the back of the head is round and dark behind.
    let sagittal = head
        .slice(Plane::Sagittal, head.middle(Plane::Sagittal))
        .unwrap();
    assert!(
        mean(&sagittal, [0.1, 0.3], [0.7, 0.8]) > mean(&sagittal, [0.9, 1.0], [0.7, 0.8]) + 10.0
    );
    let axial = head.slice(Plane::Axial, head.middle(Plane::Axial)).unwrap();
    assert!(mean(&axial, [0.4, 0.6], [0.4, 0.6]) > 50.0);
}

#[test]
fn the_tumour_lies_where_its_mask_lies() {
    let Some(t1) = volume("progression_01_t1.nii.gz") else {
        return;
    };
    let mask = volume("progression_01_mask.nii.gz").unwrap();
    assert_eq!(t1.dims(), mask.dims());
    let (mut inside, mut brain) = ((0.0f64, 0.0f64), (0.0f64, 0.0f64));
    for (value, marked) in t1.voxels().iter().zip(mask.voxels()) {
        let sum = if *marked > 0.5 {
            &mut inside
        } else {
            &mut brain
        };
        if *value > 100.0 {
            sum.0 += f64::from(*value);
            sum.1 += 1.0;
        }
    }
    // Enhancing tumour is brighter than the brain around it.
    assert!(inside.1 > 100.0);
    assert!(inside.0 / inside.1 > brain.0 / brain.1);
}
