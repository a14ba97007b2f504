//! The corpus's files: one of each kind and encoding, small, drawn by arithmetic.

use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use image::ImageFormat;

use crate::common::{Dicom, gz, image_file, nifti, rle16, zip};

/// Writes all of them; the frames of other encoders are there already.
pub fn write(folder: &Path) {
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
    };
    for (name, format) in [
        ("grey.png", ImageFormat::Png),
        ("grey.jpg", ImageFormat::Jpeg),
        ("grey.webp", ImageFormat::WebP),
        ("grey.bmp", ImageFormat::Bmp),
        ("grey.tiff", ImageFormat::Tiff),
    ] {
        put(&format!("image/{name}"), &image_file(24, 16, format));
    }

    let shades: Vec<u16> = (0..24 * 16)
        .map(|i| (i % 24 * 150 + i / 24 * 31) as u16)
        .collect();
    let slice = |z: f64| Dicom::grey16(24, 16, &shades).slice("2.25.7", 1 + z as u16, z);
    for (name, syntax) in [
        ("explicit", uids::EXPLICIT_VR_LITTLE_ENDIAN),
        ("implicit", uids::IMPLICIT_VR_LITTLE_ENDIAN),
        ("big-endian", "1.2.840.10008.1.2.2"),
    ] {
        let dicom = slice(0.0)
            .text(tags::PATIENT_NAME, VR::PN, "Nobody^Drawn")
            .text(tags::WINDOW_CENTER, VR::DS, "2000")
            .text(tags::WINDOW_WIDTH, VR::DS, "1000")
            .text(tags::RESCALE_SLOPE, VR::DS, "2")
            .text(tags::RESCALE_INTERCEPT, VR::DS, "-100")
            .number(tags::PIXEL_PADDING_VALUE, 0);
        put(&format!("dicom/{name}.dcm"), &dicom.syntax(syntax).bytes());
    }
    let frame = |name: &str| std::fs::read(folder.join("frames").join(name)).unwrap();
    let compressed = |syntax, parts: &[Vec<u8>]| {
        Dicom::new(24, 16, 16)
            .text(tags::NUMBER_OF_FRAMES, VR::IS, &parts.len().to_string())
            .fragments(syntax, parts)
            .bytes()
    };
    let rle = rle16(&shades);
    put(
        "dicom/rle.dcm",
        &compressed(uids::RLE_LOSSLESS, &[rle.clone(), rle]),
    );
    put(
        "dicom/jpeg-lossless.dcm",
        &compressed(uids::JPEG_LOSSLESS_SV1, &[frame("lossless.jpg")]),
    );
    put(
        "dicom/jpeg2000.dcm",
        &compressed(uids::JPEG2000_LOSSLESS, &[frame("unsigned.j2k")]),
    );
    put(
        "dicom/jpeg-ls.dcm",
        &compressed(uids::JPEGLS_LOSSLESS, &[frame("lossless.jls")]),
    );
    let baseline = Dicom::new(24, 16, 8).fragments(
        uids::JPEG_BASELINE8_BIT,
        &[image_file(24, 16, ImageFormat::Jpeg)],
    );
    put("dicom/jpeg.dcm", &baseline.bytes());
    let colour: Vec<u8> = (0..24 * 16 * 3).map(|i| (i * 5) as u8).collect();
    let colour = Dicom::grey8(24, 16, &colour)
        .number(tags::SAMPLES_PER_PIXEL, 3)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB");
    put("dicom/colour.dcm", &colour.bytes());

    let voxels: Vec<i16> = (0..6 * 5 * 4).map(|i| i * 13 - 100).collect();
    let head = nifti([6, 5, 4], &voxels);
    put("nifti/head.nii", &head);
    put("nifti/head.nii.gz", &gz(&head));
    put("nifti/two.nii", &nifti_two());

    let slices = [0.0, 3.0].map(|z| slice(z).bytes());
    let files: [(&str, &[u8]); 5] = [
        ("cd/1", &slices[0]),
        ("cd/2", &slices[1]),
        ("../head.nii", &head),
        ("__MACOSX/._1", b"x"),
        ("a.png", &image_file(8, 8, ImageFormat::Png)),
    ];
    put("archive/all.zip", &zip(&files));

    put("lesson/plain.json", PLAIN.as_bytes());
    put("lesson/languages.json", LANGUAGES.as_bytes());
}

const PLAIN: &str = r#"{
  "format": "scanlight-lesson",
  "version": 1,
  "title": "One scan",
  "cases": [{ "image": "a.png" }]
}
"#;

const LANGUAGES: &str = r#"{
  "$schema": "../lesson.schema.json",
  "format": "scanlight-lesson",
  "version": 1,
  "title": { "en": "Two scans", "ar": "صورتان" },
  "about": { "en": "Drawn." },
  "synthetic": true,
  "cases": [
    {
      "image": "scans/a.png",
      "class": "glioma_tumor",
      "box": { "x": 3, "y": 4.5, "width": 10, "height": 1e1 },
      "hint": { "en": "Look left.", "de": "Links." },
      "explanation": "\u00c4 ring."
    },
    { "image": "b.png", "class": "notumor" }
  ]
}
"#;

/// A NIfTI-2 file of 3 x 2 x 2 numbers of 64 bits, most significant byte first, with a quaternion.
fn nifti_two() -> Vec<u8> {
    let mut bytes = vec![0; 544];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &540i32.to_be_bytes());
    put(4, b"n+2\0\r\n\x1a\n");
    put(12, &64i16.to_be_bytes());
    for (index, length) in [3i64, 3, 2, 2].iter().enumerate() {
        put(16 + 8 * index, &length.to_be_bytes());
    }
    for index in 0..4 {
        put(104 + 8 * index, &1.5f64.to_be_bytes());
    }
    put(168, &544i64.to_be_bytes());
    put(344, &1i32.to_be_bytes());
    put(352, &0.5f64.to_be_bytes());
    bytes.extend((0..12).flat_map(|i| f64::from(i).to_be_bytes()));
    bytes
}
