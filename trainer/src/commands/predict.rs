//! `scanlight predict`.

mod inputs;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use burn::tensor::backend::Backend;
use clap::Args;
use image::{ImageBuffer, Luma, Rgb};
use scanlight_model::bundle::Bundle;
use scanlight_model::cam::blend;
use scanlight_model::classify::Classification;
use scanlight_model::formats::volume::Plane;
use scanlight_model::scan::Scan;
use scanlight_model::trust::{Unlike, Verdict};
use serde::Serialize;

use self::inputs::{Slice, Slices, each_slice};
use super::{model_folder, open_bundle, write_json};
use crate::backend::{BackendName, WithInferenceBackend};
use crate::metrics::named;

/// Classify images and show where the network looked.
///
/// Reads PNG, JPEG, WebP, BMP, TIFF, DICOM and NIfTI (.nii, .nii.gz), folders and zip archives of them. What a file
/// is, its bytes tell. DICOM files of one series become a volume.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Images, volumes, folders or zip archives of them.
    #[arg(required = true, value_name = "FILE|FOLDER|ZIP")]
    images: Vec<PathBuf>,
    #[command(flatten)]
    slices: Slices,
    /// The model: a published folder or a run [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Also write heatmaps here: NAME.overlay.png (Grad-CAM over the image) and NAME.cam.png (the
    /// raw map, 16-bit grey).
    #[arg(long, value_name = "OUT_DIR")]
    cam: Option<PathBuf>,
    /// See every image in several slightly changed ways, where the model has views: slower, and its
    /// doubt is that between them.
    #[arg(long)]
    views: bool,
    /// Also write the results as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What computes.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

#[derive(Debug, Serialize)]
struct Prediction {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plane: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice: Option<usize>,
    predicted: String,
    probabilities: indexmap::IndexMap<String, f64>,
    cam: CamSummary,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ood: Option<f32>,
    verdict: Verdict,
}

#[derive(Debug, Serialize)]
struct CamSummary {
    peak: [f32; 2],
}

/// How strongly the heatmap covers the image in an overlay.
const OPACITY: f32 = 0.6;

impl PredictArgs {
    /// Runs the command. Images that cannot be read are named, the others are still done.
    pub fn run(self) -> Result<()> {
        let bundle = open_bundle(&model_folder(self.model.as_deref())?)?;
        if let Some(folder) = &self.cam {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let (predictions, failed) = self.backend.infer(PredictWork {
            bundle: &bundle,
            images: &self.images,
            slices: &self.slices,
            cam: self.cam.as_deref(),
            views: self.views,
        })?;
        if let Some(path) = &self.json {
            write_json(path, &predictions)?;
        }
        eprintln!("For education and research; this is not a diagnosis.");
        if failed > 0 {
            bail!("not everything could be read: what is missing is named above ({failed})");
        }
        Ok(())
    }
}

struct PredictWork<'a> {
    bundle: &'a Bundle,
    images: &'a [PathBuf],
    slices: &'a Slices,
    cam: Option<&'a Path>,
    views: bool,
}

impl WithInferenceBackend for PredictWork<'_> {
    type Output = (Vec<Prediction>, usize);

    fn run<B: Backend>(self, _name: &str, device: B::Device) -> Result<Self::Output> {
        let classifier = self.bundle.classifier::<B>(&device)?;
        let classes = &self.bundle.manifest.classes;
        let mut names = BTreeSet::new();
        let mut predictions = Vec::new();
        let failed = each_slice(self.images, self.slices, |slice| {
            let result = if self.views {
                pollster::block_on(classifier.classify_views(&slice.scan))?
            } else {
                pollster::block_on(classifier.classify(&slice.scan))?
            };
            let class = result.predicted();
            println!("{slice}: {}", line(classes, &result));
            if let Some(folder) = self.cam {
                let name = unique_name(&slice, &mut names);
                let (width, height) = (slice.scan.width(), slice.scan.height());
                write_maps(
                    folder,
                    &name,
                    &slice.scan,
                    &result.heatmap(class, width, height),
                )?;
            }
            predictions.push(Prediction {
                path: slice.name.clone(),
                plane: slice.plane.map(Plane::name),
                slice: slice.index,
                predicted: classes[class].clone(),
                probabilities: named(classes, &result.probabilities),
                cam: CamSummary {
                    peak: result.peak(class),
                },
                uncertainty: result.uncertainty,
                ood: result.ood,
                verdict: result.verdict,
            });
            Ok(())
        })?;
        Ok((predictions, failed))
    }
}

fn line(classes: &[String], result: &Classification) -> String {
    let all: Vec<String> = classes
        .iter()
        .zip(&result.probabilities)
        .map(|(class, probability)| format!("{class} {:.1} %", probability * 100.0))
        .collect();
    let remark = match result.verdict {
        Verdict::Class { .. } => String::new(),
        Verdict::Unsure { first, second } => {
            format!("; unsure: {} or {}", classes[first], classes[second])
        }
        Verdict::NotLikeTraining {
            unlike,
            score,
            threshold,
        } => {
            let what = match unlike {
                Unlike::Features => "strangeness",
                Unlike::Colour => "colour",
            };
            format!("; not like the training images ({what} {score:.3}, at most {threshold:.3})")
        }
    };
    format!(
        "{} ({}){remark}",
        classes[result.predicted()],
        all.join(", ")
    )
}

/// The file's stem and its slice; with a number where two images share one.
fn unique_name(slice: &Slice, taken: &mut BTreeSet<String>) -> String {
    let mut stem = Path::new(&slice.name).file_stem().map_or_else(
        || "image".into(),
        |stem| stem.to_string_lossy().into_owned(),
    );
    if let Some(plane) = slice.plane {
        stem = format!("{stem}-{plane}");
    }
    if let Some(index) = slice.index {
        stem = format!("{stem}-{index:03}");
    }
    let mut name = stem.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{stem}-{number}");
        number += 1;
    }
    name
}

fn write_maps(folder: &Path, name: &str, scan: &Scan, map: &[f32]) -> Result<()> {
    let (width, height) = (scan.width(), scan.height());
    let overlay: Vec<u8> = scan
        .to_luma8()
        .iter()
        .zip(map)
        .flat_map(|(&grey, &value)| blend(grey, value, OPACITY))
        .collect();
    let raw: Vec<u16> = map.iter().map(|v| (v * 65535.0).round() as u16).collect();
    let overlay = ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, overlay)
        .context("the overlay does not fit the image")?;
    let raw = ImageBuffer::<Luma<u16>, _>::from_raw(width, height, raw)
        .context("the map does not fit the image")?;
    let path = folder.join(format!("{name}.overlay.png"));
    overlay
        .save(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let path = folder.join(format!("{name}.cam.png"));
    raw.save(&path)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stems_get_numbers() {
        let mut taken = BTreeSet::new();
        let names: Vec<_> = ["a/x.png", "b/x.jpg", "x-2.png", "x.bmp"]
            .iter()
            .map(|path| unique_name(&slice(path, None, None), &mut taken))
            .collect();
        assert_eq!(names, ["x", "x-2", "x-2-2", "x-3"]);
        let cut = slice("c/head.nii", Some(Plane::Coronal), Some(7));
        assert_eq!(unique_name(&cut, &mut taken), "head-coronal-007");
    }

    fn slice(name: &str, plane: Option<Plane>, index: Option<usize>) -> Slice {
        Slice {
            name: name.into(),
            plane,
            index,
            of: 9,
            scan: Scan::from_luma8(1, 1, &[0]).unwrap(),
        }
    }
}
