//! Small pictures for the report, as `data:` addresses.

use std::path::Path;

use base64::Engine;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use scanlight_model::formats::read_scan;
use scanlight_model::preprocess::Region;
use scanlight_model::scan::Scan;

use super::signature::shrink;

/// Longest side in pixels.
const SIDE: u32 = 112;
/// JPEG quality.
const QUALITY: u8 = 72;

/// An image file as a small JPEG in a `data:` address; `None` where it cannot be read any more.
pub fn data_uri(path: &Path) -> Option<String> {
    let scan = read_scan(&std::fs::read(path).ok()?).ok()?;
    let scale = f64::from(SIDE) / f64::from(scan.width().max(scan.height()));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, SIDE);
    let (width, height) = (side(scan.width()), side(scan.height()));
    let small = shrink(&scan, Region::whole(&scan), width as usize, height as usize);
    let range = scan
        .luma()
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
    let pixels = Scan::new(width, height, small, range).ok()?.to_luma8();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode(&pixels, width, height, ExtendedColorType::L8)
        .ok()?;
    let text = base64::engine::general_purpose::STANDARD.encode(jpeg);
    Some(format!("data:image/jpeg;base64,{text}"))
}
