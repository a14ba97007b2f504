//! DICOM files made by dicom-rs: every encoding, every way from stored numbers to grey.
#![cfg(feature = "dicom")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{Dicom, rle16};
use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use scanlight_formats::Scan;
use scanlight_formats::dicom::{DicomError, DicomFile};

fn scan(dicom: &Dicom) -> Scan {
    let bytes = dicom.bytes();
    DicomFile::parse(&bytes).unwrap().scan(0).unwrap()
}

fn refused(bytes: &[u8]) -> DicomError {
    let error = match DicomFile::parse(bytes) {
        Ok(file) => file.scan(0).expect_err("the file must be refused"),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 500, "{text}");
    error
}

const SHADES: [u16; 6] = [0, 1, 300, 1000, 4095, 65535];

#[test]
fn every_plain_encoding_is_read() {
    let expected = SHADES.map(f32::from);
    for syntax in [
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.2",
    ] {
        let dicom = Dicom::grey16(3, 2, &SHADES).syntax(syntax);
        let found = scan(&dicom);
        assert_eq!(found.luma(), expected, "{syntax}");
        assert_eq!((found.width(), found.height()), (3, 2));
        assert_eq!(found.display_range(), (0.0, 65535.0));
        // Without the preamble, and without the file's meta group.
        let bytes = dicom.bytes();
        assert_eq!(
            DicomFile::parse(&bytes[128..]).unwrap().scan(0).unwrap(),
            found
        );
        if syntax != "1.2.840.10008.1.2.2" {
            let group = bytes.windows(4).position(|w| w == [8, 0, 0x16, 0]).unwrap();
            let bare = &bytes[group..];
            assert_eq!(DicomFile::parse(bare).unwrap().scan(0).unwrap(), found);
            assert_eq!(
                scanlight_formats::detect(bare),
                scanlight_formats::FileKind::Dicom
            );
        }
    }
}

#[test]
fn a_deflated_data_set_is_read() {
    use std::io::Write;

    let plain = Dicom::grey16(3, 2, &SHADES).bytes();
    let start = plain.windows(4).position(|w| w == [8, 0, 0x16, 0]).unwrap();
    let uid = b"1.2.840.10008.1.2.1\0";
    let at = plain.windows(uid.len()).position(|w| w == uid).unwrap();
    let mut bytes = plain[..at - 2].to_vec();
    bytes.extend(22u16.to_le_bytes());
    bytes.extend(b"1.2.840.10008.1.2.1.99");
    bytes.extend(&plain[at + uid.len()..start]);
    let mut encoder = flate2::write::DeflateEncoder::new(bytes, flate2::Compression::best());
    encoder.write_all(&plain[start..]).unwrap();
    let bytes = encoder.finish().unwrap();
    let file = DicomFile::parse(&bytes).unwrap();
    assert!(file.syntax().deflated);
    assert_eq!(file.scan(0).unwrap().luma(), SHADES.map(f32::from));
}

#[test]
fn compressed_pixels_are_read() {
    let rle = Dicom::new(3, 2, 16).fragments(uids::RLE_LOSSLESS, &[rle16(&SHADES)]);
    assert_eq!(scan(&rle).luma(), SHADES.map(f32::from));

    let mut jpegls = Vec::new();
    jpegls::encode(&SHADES, 3, 2, &mut jpegls).unwrap();
    let dicom = Dicom::new(3, 2, 16).fragments(uids::JPEGLS_LOSSLESS, &[jpegls]);
    assert_eq!(scan(&dicom).luma(), SHADES.map(f32::from));

    let jpeg = common::image_file(16, 8, image::ImageFormat::Jpeg);
    let dicom =
        Dicom::new(16, 8, 8).fragments(uids::JPEG_BASELINE8_BIT, std::slice::from_ref(&jpeg));
    let expected = scanlight_formats::decode::decode(&jpeg).unwrap();
    let found = scan(&dicom);
    let worst = found
        .luma()
        .iter()
        .zip(expected.luma())
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(worst <= 2.0, "{worst}");
    // Of a stated size that is not the picture's.
    let wrong = Dicom::new(16, 9, 8).fragments(uids::JPEG_BASELINE8_BIT, &[jpeg]);
    assert!(matches!(refused(&wrong.bytes()), DicomError::Frame { .. }));
}

/// Frames that another program encoded: `corpus/README.md` says which.
#[test]
fn frames_of_other_encoders_are_read() {
    let shades: Vec<f32> = (0..24 * 16)
        .map(|i| ((i % 24) * 150 + (i / 24) * 31) as f32)
        .collect();
    for (file, syntax, signed) in [
        ("unsigned.j2k", uids::JPEG2000_LOSSLESS, 0),
        ("signed.j2k", uids::JPEG2000_LOSSLESS, 1),
        ("lossless.jpg", uids::JPEG_LOSSLESS_SV1, 0),
        ("lossless.jls", uids::JPEGLS_LOSSLESS, 0),
    ] {
        let path = format!("{}/corpus/frames/{file}", env!("CARGO_MANIFEST_DIR"));
        let dicom = Dicom::new(24, 16, 16)
            .number(tags::PIXEL_REPRESENTATION, signed)
            .fragments(syntax, &[std::fs::read(path).unwrap()]);
        let found = scan(&dicom);
        let moved = if signed == 1 { 2000.0 } else { 0.0 };
        let expected: Vec<f32> = shades.iter().map(|v| v - moved).collect();
        assert_eq!(found.luma(), expected, "{file}");
    }
}

#[test]
fn numbers_are_what_the_attributes_say() {
    // 12 bits in the upper part of 16, signed.
    let values: Vec<u16> = [-5i16, 7, 2047, -2048]
        .iter()
        .map(|v| (v << 4) as u16)
        .collect();
    let dicom = Dicom::grey16(2, 2, &values)
        .number(tags::BITS_STORED, 12)
        .number(tags::HIGH_BIT, 15)
        .number(tags::PIXEL_REPRESENTATION, 1);
    assert_eq!(scan(&dicom).luma(), [-5.0, 7.0, 2047.0, -2048.0]);

    let dicom =
        dicom
            .text(tags::RESCALE_SLOPE, VR::DS, "2")
            .text(tags::RESCALE_INTERCEPT, VR::DS, "-1000");
    assert_eq!(scan(&dicom).luma(), [-1010.0, -986.0, 3094.0, -5096.0]);

    // Bits above those stored are no part of the number.
    let overlay = Dicom::grey16(2, 1, &[0xF00F, 0x0FFF])
        .number(tags::BITS_STORED, 12)
        .number(tags::HIGH_BIT, 11);
    assert_eq!(scan(&overlay).luma(), [15.0, 4095.0]);
}

#[test]
fn monochrome1_is_turned_around() {
    let dicom = Dicom::grey8(3, 1, &[0, 100, 255]).text(
        tags::PHOTOMETRIC_INTERPRETATION,
        VR::CS,
        "MONOCHROME1",
    );
    assert_eq!(scan(&dicom).luma(), [255.0, 155.0, 0.0]);
    let windowed = dicom
        .text(tags::WINDOW_CENTER, VR::DS, "100")
        .text(tags::WINDOW_WIDTH, VR::DS, "50")
        .text(tags::VOILUT_FUNCTION, VR::CS, "LINEAR_EXACT");
    assert_eq!(scan(&windowed).display_range(), (130.0, 180.0));
}

#[test]
fn windows_become_the_display_range() {
    let dicom = Dicom::grey16(3, 2, &SHADES)
        .text(tags::WINDOW_CENTER, VR::DS, "2000\\50")
        .text(tags::WINDOW_WIDTH, VR::DS, "1000\\3");
    assert_eq!(scan(&dicom).display_range(), (1500.0, 2499.0));
    for function in ["LINEAR_EXACT", "SIGMOID"] {
        let dicom = dicom.clone().text(tags::VOILUT_FUNCTION, VR::CS, function);
        assert_eq!(scan(&dicom).display_range(), (1500.0, 2500.0));
    }
    let none = dicom.text(tags::WINDOW_WIDTH, VR::DS, "-3");
    assert_eq!(scan(&none).display_range(), (0.0, 65535.0));
}

#[test]
fn padding_is_dark_and_does_not_count() {
    let dicom = Dicom::grey16(4, 1, &[63536, 10, 20, 30]).number(tags::PIXEL_PADDING_VALUE, 63536);
    let found = scan(&dicom);
    assert_eq!(found.luma(), [10.0, 10.0, 20.0, 30.0]);
    assert_eq!(found.display_range(), (10.0, 30.0));
    let signed = dicom.number(tags::PIXEL_REPRESENTATION, 1).set(
        tags::PIXEL_PADDING_VALUE,
        VR::SS,
        PrimitiveValue::from(-2000i16),
    );
    assert_eq!(scan(&signed).luma(), [10.0, 10.0, 20.0, 30.0]);
}

#[test]
fn colours_become_grey() {
    let colours = [255, 0, 0, 0, 255, 0];
    let rgb = Dicom::grey8(2, 1, &colours)
        .number(tags::SAMPLES_PER_PIXEL, 3)
        .number(tags::PLANAR_CONFIGURATION, 0)
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB");
    let found = scan(&rgb);
    assert!((found.luma()[0] - 54.2).abs() < 0.1 && (found.luma()[1] - 182.4).abs() < 0.1);
    assert!(found.colourfulness().unwrap() > 0.3);
    let planes = rgb.number(tags::PLANAR_CONFIGURATION, 1).set(
        tags::PIXEL_DATA,
        VR::OB,
        PrimitiveValue::U8([255, 0, 0, 255, 0, 0].into_iter().collect()),
    );
    assert_eq!(scan(&planes).luma(), found.luma());
    let grey = planes
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "YBR_FULL")
        .set(
            tags::PIXEL_DATA,
            VR::OB,
            PrimitiveValue::U8([90, 200, 128, 128, 128, 128].into_iter().collect()),
        );
    let found = scan(&grey);
    assert!((found.luma()[0] - 90.0).abs() < 0.1 && (found.luma()[1] - 200.0).abs() < 0.1);

    let mut palette = Dicom::grey8(3, 1, &[0, 1, 7]).text(
        tags::PHOTOMETRIC_INTERPRETATION,
        VR::CS,
        "PALETTE COLOR",
    );
    for (descriptor, data) in [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        ),
    ] {
        palette = palette
            .set(
                descriptor,
                VR::US,
                PrimitiveValue::U16([2, 0, 16].into_iter().collect()),
            )
            .set(
                data,
                VR::OW,
                PrimitiveValue::U16([0, 65535].into_iter().collect()),
            );
    }
    assert_eq!(scan(&palette).luma(), [0.0, 255.0, 255.0]);
}

#[test]
fn frames_are_read_one_by_one() {
    let bytes = Dicom::grey16(3, 1, &SHADES)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "2")
        .bytes();
    let file = DicomFile::parse(&bytes).unwrap();
    assert_eq!((file.frames(), file.missing_frames()), (2, 0));
    assert_eq!(file.scan(1).unwrap().luma(), [1000.0, 4095.0, 65535.0]);
    assert!(matches!(
        file.scan(2),
        Err(DicomError::NoFrame { last: 1, .. })
    ));
    // Cut off within the second frame.
    let cut = DicomFile::parse(&bytes[..bytes.len() - 2]).unwrap();
    assert_eq!((cut.frames(), cut.missing_frames()), (1, 1));
    assert!(matches!(
        refused(&bytes[..bytes.len() - 8]),
        DicomError::Truncated {
            expected: 6,
            found: 4
        }
    ));
    let parts = [&SHADES[..3], &SHADES[3..]].map(rle16);
    let bytes = Dicom::new(3, 1, 16)
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "2")
        .fragments(uids::RLE_LOSSLESS, &parts)
        .bytes();
    let file = DicomFile::parse(&bytes).unwrap();
    assert_eq!(file.scan(1).unwrap().luma(), [1000.0, 4095.0, 65535.0]);
    let cut = DicomFile::parse(&bytes[..bytes.len() - 20]).unwrap();
    assert_eq!(cut.frames(), 1);
    assert_eq!(cut.scan(0).unwrap().luma(), [0.0, 1.0, 300.0]);
}

#[test]
fn refusals_say_what_the_file_is() {
    let plan = Dicom::new(1, 1, 8)
        .text(tags::SOP_CLASS_UID, VR::UI, uids::RT_PLAN_STORAGE)
        .bytes();
    assert!(refused(&plan).to_string().contains("RT Plan"));
    let hevc = Dicom::grey8(1, 1, &[0])
        .fragments("1.2.840.10008.1.2.4.107", &[vec![0; 8]])
        .bytes();
    let text = refused(&hevc).to_string();
    assert!(text.contains("HEVC") && text.contains("gdcmconv"), "{text}");
    // A transfer syntax that spoils the line.
    let mut odd = Dicom::grey8(1, 1, &[0]).bytes();
    let at = odd.windows(5).position(|w| w == b"1.2.1").unwrap();
    odd[at + 1] = b'\n';
    assert!(
        refused(&odd)
            .to_string()
            .contains("unknown transfer syntax")
    );
    let huge = Dicom::grey8(60_000, 60_000, &[0; 4]).bytes();
    assert!(matches!(refused(&huge), DicomError::TooLarge { .. }));
    let many = Dicom::grey8(100, 100, &[0; 4])
        .text(tags::NUMBER_OF_FRAMES, VR::IS, "60000")
        .bytes();
    assert!(matches!(refused(&many), DicomError::TooLarge { .. }));
    let none = Dicom::grey8(2, 2, &[0; 4]).without(tags::ROWS).bytes();
    assert!(matches!(
        refused(&none),
        DicomError::Attribute { name: "Rows", .. }
    ));
    let directory = Dicom::grey8(1, 1, &[0])
        .items(Tag(0x0004, 0x1220), Vec::new())
        .bytes();
    assert!(matches!(refused(&directory), DicomError::Directory));
}

#[test]
fn lengths_are_not_believed() {
    let bytes = Dicom::grey16(3, 2, &SHADES).bytes();
    // An attribute that is not wanted states four gigabytes; those after it are lost, not the program.
    let modality = bytes
        .windows(6)
        .position(|w| w == b"\x08\0\x60\0CS")
        .unwrap();
    let mut lying = bytes[..modality].to_vec();
    lying.extend(b"\x08\0\x60\0OB\0\0\xFE\xFF\xFF\xFF");
    lying.extend(&bytes[modality..]);
    assert!(DicomFile::parse(&lying).is_err());
    // Sequences in sequences, as deep as the file is long.
    let mut deep = bytes[..modality].to_vec();
    for _ in 0..10_000 {
        deep.extend(b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF");
    }
    deep.extend(&bytes[modality..]);
    assert!(matches!(refused(&deep), DicomError::Nesting));
}

#[test]
fn identifying_attributes_are_listed() {
    let bytes = Dicom::grey8(1, 1, &[9])
        .text(tags::PATIENT_NAME, VR::PN, "Doe^Jane")
        .text(tags::PATIENT_ID, VR::LO, "")
        .text(tags::INSTITUTION_NAME, VR::LO, "Hospital")
        .bytes();
    let file = DicomFile::parse(&bytes).unwrap();
    let found: Vec<_> = file
        .identifying()
        .iter()
        .map(|tag| (tag.number(), tag.keyword, tag.value.as_str()))
        .collect();
    assert_eq!(found[0], ("(0010,0010)".into(), "PatientName", "Doe^Jane"));
    assert!(found.iter().any(|tag| tag.1 == "InstitutionName"));
    assert!(found.iter().all(|tag| tag.1 != "PatientID"));
}
