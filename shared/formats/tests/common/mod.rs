//! Files made in memory, and where the real ones are.
// Each test uses some of it. clippy.toml allows the others in tests, but their helper functions do not count.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::io::{Cursor, Write};
use std::path::PathBuf;

use dicom_core::smallvec::SmallVec;
use dicom_core::value::{PixelFragmentSequence, Value};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// A folder of real data, in `SCANLIGHT_DATA` or beside the repository in `shared/data`; says so where there is none.
pub fn real_data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SCANLIGHT_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = root.join(folder);
    if path.is_dir() {
        Some(path)
    } else {
        eprintln!(
            "SKIPPED: there is no folder {}: nothing real is read in this test",
            path.display()
        );
        None
    }
}

/// A DICOM file to be.
#[derive(Clone)]
pub struct Dicom {
    pub object: InMemDicomObject,
    pub syntax: &'static str,
}

impl Dicom {
    /// A grey picture of 16 unsigned bits.
    pub fn grey16(columns: u16, rows: u16, values: &[u16]) -> Self {
        Self::new(columns, rows, 16).set(
            tags::PIXEL_DATA,
            VR::OW,
            PrimitiveValue::U16(SmallVec::from_slice(values)),
        )
    }

    /// A grey picture of 8 bits.
    pub fn grey8(columns: u16, rows: u16, values: &[u8]) -> Self {
        Self::new(columns, rows, 8).set(
            tags::PIXEL_DATA,
            VR::OB,
            PrimitiveValue::U8(SmallVec::from_slice(values)),
        )
    }

    /// All but the pixels.
    pub fn new(columns: u16, rows: u16, bits: u16) -> Self {
        let object = InMemDicomObject::new_empty();
        Self {
            object,
            syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN,
        }
        .text(tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE)
        .text(tags::SOP_INSTANCE_UID, VR::UI, "2.25.1")
        .text(tags::MODALITY, VR::CS, "MR")
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .number(tags::SAMPLES_PER_PIXEL, 1)
        .number(tags::ROWS, rows)
        .number(tags::COLUMNS, columns)
        .number(tags::BITS_ALLOCATED, bits)
        .number(tags::BITS_STORED, bits)
        .number(tags::HIGH_BIT, bits - 1)
        .number(tags::PIXEL_REPRESENTATION, 0)
    }

    pub fn set(mut self, tag: Tag, vr: VR, value: PrimitiveValue) -> Self {
        self.object.put(DataElement::new(tag, vr, value));
        self
    }

    pub fn text(self, tag: Tag, vr: VR, value: &str) -> Self {
        let parts: Vec<String> = value.split('\\').map(str::to_owned).collect();
        self.set(tag, vr, PrimitiveValue::Strs(parts.into()))
    }

    pub fn number(self, tag: Tag, value: u16) -> Self {
        self.set(tag, VR::US, PrimitiveValue::from(value))
    }

    pub fn items(mut self, tag: Tag, items: Vec<InMemDicomObject>) -> Self {
        let value = Value::from(dicom_core::value::DataSetSequence::from(items));
        self.object.put(DataElement::new(tag, VR::SQ, value));
        self
    }

    pub fn without(mut self, tag: Tag) -> Self {
        self.object.remove_element(tag);
        self
    }

    /// A slice of a series, lying at `z` millimetres with pixels of 1 x 2 mm.
    pub fn slice(self, series: &str, instance: u16, z: f64) -> Self {
        self.text(tags::SERIES_INSTANCE_UID, VR::UI, series)
            .text(
                tags::SOP_INSTANCE_UID,
                VR::UI,
                &format!("{series}.{instance}"),
            )
            .text(tags::INSTANCE_NUMBER, VR::IS, &instance.to_string())
            .text(
                tags::IMAGE_POSITION_PATIENT,
                VR::DS,
                &format!("-10\\-20\\{z}"),
            )
            .text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0")
            .text(tags::PIXEL_SPACING, VR::DS, "2\\1")
    }

    pub fn syntax(mut self, uid: &'static str) -> Self {
        self.syntax = uid;
        self
    }

    /// Compressed pixels, a part each.
    pub fn fragments(mut self, uid: &'static str, parts: &[Vec<u8>]) -> Self {
        self.syntax = uid;
        let parts: SmallVec<[Vec<u8>; 2]> = parts
            .iter()
            .map(|part| {
                let mut part = part.clone();
                part.resize(part.len().next_multiple_of(2), 0);
                part
            })
            .collect();
        let value: Value<InMemDicomObject, Vec<u8>> =
            Value::PixelSequence(PixelFragmentSequence::new_fragments(parts));
        self.object
            .put(DataElement::new(tags::PIXEL_DATA, VR::OB, value));
        self
    }

    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.syntax)
            .media_storage_sop_class_uid(uids::MR_IMAGE_STORAGE)
            .media_storage_sop_instance_uid("2.25.1");
        let file = self.object.clone().with_meta(meta).unwrap();
        let mut bytes = Vec::new();
        file.write_all(&mut bytes).unwrap();
        bytes
    }
}

/// Run lengths of a frame's bytes: literals alone, a segment for each byte of a number.
pub fn rle16(values: &[u16]) -> Vec<u8> {
    let mut segments = Vec::new();
    for byte in [1, 0] {
        let plane: Vec<u8> = values.iter().map(|v| v.to_le_bytes()[byte]).collect();
        let mut packed = Vec::new();
        for part in plane.chunks(100) {
            packed.push(part.len() as u8 - 1);
            packed.extend(part);
        }
        packed.resize(packed.len().next_multiple_of(2), 0x80);
        segments.push(packed);
    }
    let mut bytes = vec![0; 64];
    bytes[..4].copy_from_slice(&2u32.to_le_bytes());
    bytes[4..8].copy_from_slice(&64u32.to_le_bytes());
    bytes[8..12].copy_from_slice(&(64 + segments[0].len() as u32).to_le_bytes());
    bytes.extend(segments.concat());
    bytes
}

/// A NIfTI-1 file of 16-bit numbers with an sform: voxels of 2 mm, axes as RAS+.
pub fn nifti(dims: [i16; 3], values: &[i16]) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    for (index, length) in [3, dims[0], dims[1], dims[2]].into_iter().enumerate() {
        put(40 + 2 * index, &length.to_le_bytes());
    }
    put(70, &4i16.to_le_bytes());
    put(72, &16i16.to_le_bytes());
    for index in 0..4 {
        put(76 + 4 * index, &2f32.to_le_bytes());
    }
    put(108, &352f32.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    for at in [280, 300, 320] {
        put(at, &2f32.to_le_bytes());
    }
    put(344, b"n+1\0");
    bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}

pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A picture of shades.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    image_file(width, height, image::ImageFormat::Png)
}

pub fn image_file(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let grey =
        image::GrayImage::from_fn(width, height, |x, y| image::Luma([(x * 7 + y * 11) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    let picture = image::DynamicImage::from(grey);
    match format {
        image::ImageFormat::WebP => picture.to_rgb8().write_to(&mut bytes, format).unwrap(),
        _ => picture.write_to(&mut bytes, format).unwrap(),
    }
    bytes.into_inner()
}
