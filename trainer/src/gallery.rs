//! Scans with their heatmaps inside a report.

use std::fmt::Write;
use std::io::Cursor;
use std::path::PathBuf;

use anyhow::{Context, Result};
use image::{GrayImage, ImageFormat, Rgb, RgbImage, imageops};
use scanlight_model::bundle::Bundle;
use scanlight_model::cam::blend;
use scanlight_model::classify::Classifier;
use scanlight_model::formats::read_scan;

use crate::backend::Candle;
use crate::commands::evaluate::relabel;
use crate::data::{Dataset, scan_folders};
use crate::html::{data_uri, escape};
use crate::metrics::{ImageReport, Report};
use crate::report::worst;

/// Mistakes that are shown.
const MISTAKES: usize = 16;
/// Right answers that are shown of each class.
const RIGHT: usize = 3;
/// Longest side of a picture, in pixels.
const SIDE: u32 = 192;
/// How strongly the heatmap covers the scan.
const OPACITY: f32 = 0.6;

/// The worst mistakes and the surest right answers of each class, each beside its Grad-CAM.
pub fn gallery(bundle: &Bundle, report: &Report, roots: &[PathBuf]) -> Result<String> {
    let mut dataset = scan_folders(roots)?;
    relabel(&mut dataset, &bundle.manifest.classes)?;
    let classifier = bundle.classifier::<Candle>(&Default::default())?;
    let mut html = String::from("<p>Left the scan, right Grad-CAM of the predicted class.</p>");
    let mut section = |title: &str, images: Vec<&ImageReport>| -> Result<()> {
        if images.is_empty() {
            return Ok(());
        }
        let _ = write!(html, "<h3>{}</h3><div class=\"gallery\">", escape(title));
        for image in images {
            html.push_str(&entry(&classifier, &dataset, image)?);
        }
        html.push_str("</div>\n");
        Ok(())
    };
    section(
        "Worst mistakes",
        worst(report).into_iter().take(MISTAKES).collect(),
    )?;
    for class in &bundle.manifest.classes {
        let sure = |image: &ImageReport| image.probabilities.get(class).copied().unwrap_or(0.0);
        let mut right: Vec<&ImageReport> = report
            .images
            .iter()
            .filter(|image| image.label == *class && image.predicted == *class)
            .collect();
        right.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
        right.truncate(RIGHT);
        section(&format!("Surest right answers: {class}"), right)?;
    }
    Ok(html)
}

fn entry(
    classifier: &Classifier<Candle>,
    dataset: &Dataset,
    image: &ImageReport,
) -> Result<String> {
    let found = dataset
        .entries
        .iter()
        .find(|entry| entry.relative == image.path)
        .with_context(|| {
            format!(
                "{} is not in {}: name the data set that the run was measured on with --data",
                image.path,
                dataset.name()
            )
        })?;
    let bytes = std::fs::read(&found.path)
        .with_context(|| format!("cannot read {}", found.path.display()))?;
    let scan =
        read_scan(&bytes).with_context(|| format!("cannot read {}", found.path.display()))?;
    let result = pollster::block_on(classifier.classify(&scan))?;
    let grey = GrayImage::from_raw(scan.width(), scan.height(), scan.to_luma8())
        .context("the scan does not fit its size")?;
    let share = f64::from(SIDE) / f64::from(scan.width().max(scan.height()));
    let side = |length: u32| ((f64::from(length) * share.min(1.0)).round() as u32).max(1);
    let (width, height) = (side(scan.width()), side(scan.height()));
    let grey = imageops::thumbnail(&grey, width, height);
    let map = result.heatmap(result.predicted(), width, height);
    let overlay = RgbImage::from_fn(width, height, |x, y| {
        let value = map[(y * width + x) as usize];
        Rgb(blend(grey.get_pixel(x, y)[0], value, OPACITY))
    });
    let mut plain = Cursor::new(Vec::new());
    grey.write_to(&mut plain, ImageFormat::Png)?;
    let mut heat = Cursor::new(Vec::new());
    overlay.write_to(&mut heat, ImageFormat::Png)?;
    let p = |class: &str| 100.0 * image.probabilities.get(class).copied().unwrap_or_default();
    Ok(format!(
        "<div><img src=\"{}\" alt=\"scan\"> <img src=\"{}\" alt=\"heatmap\"><p>{}<br>true {} ({:.1} %), predicted {} ({:.1} %)</p></div>\n",
        data_uri("image/png", plain.get_ref()),
        data_uri("image/png", heat.get_ref()),
        escape(&image.path),
        escape(&image.label),
        p(&image.label),
        escape(&image.predicted),
        p(&image.predicted)
    ))
}
