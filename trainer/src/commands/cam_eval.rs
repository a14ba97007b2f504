//! `scanlight cam-eval`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::Bundle;
use scanlight_model::cam::CamMethod;
use scanlight_model::explain::ExplainOptions;
use scanlight_model::labels::canonical_class;
use serde::Serialize;

use super::{model_folder, open_bundle, write_json};
use crate::backend::BackendName;
use crate::explain::boxes::{self, BoxTable};
use crate::explain::run::{ExplainWork, Outcomes, Settings, Subject, WhichClass};
use crate::explain::sample::stratified;
use crate::explain::summary::{Summary, summarise};

/// Measure class-activation maps against lesions' boxes, and against the network itself.
///
/// For each method and class: the pointing game (does the map's peak lie in the box?), the share of
/// the map's energy inside the box, the overlap (IoU) of the thresholded map with the box, and
/// deletion and insertion (how fast the class's probability falls when pixels go in the map's order,
/// and rises when they come). Intervals are 95 %, by a bootstrap over patients.
#[derive(Debug, Args)]
#[command(after_help = "A first run without any download:
  scanlight synth --out phantoms --per-class 20
  scanlight cam-eval --data phantoms --methods grad_cam,layer_cam,random")]
pub struct CamEvalArgs {
    /// The model: a published folder or a run [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Folder that the table's paths start from.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Table of boxes with the columns path, label, x_center, y_center, width, height (the box in
    /// fractions of the image; empty for none) and, if known, patient [default: slices.csv in DATA].
    #[arg(long, value_name = "FILE")]
    boxes: Option<PathBuf>,
    /// Methods, separated by commas: grad_cam, grad_cam_plus_plus, hires_cam, layer_cam, eigen_cam,
    /// score_cam, random (the floor) [default: all].
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    methods: Vec<CamMethod>,
    /// Only the images that this file lists, one path (as in the table) a line: those that the model
    /// was not trained on, say.
    #[arg(long, value_name = "FILE")]
    only: Option<PathBuf>,
    /// At most so many images, drawn by the seed with each class's share kept; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 300)]
    limit: usize,
    /// Whose map is measured: the true class's, or the one that the network predicts.
    #[arg(long = "class", value_name = "WHICH", default_value = "true")]
    which: WhichClass,
    /// Steps of deletion and insertion, each a pass for each method and curve; 0 leaves them out.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(0..=1000))]
    steps: u16,
    /// Feature maps that ScoreCAM tries, those with the most energy; each costs a pass.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    score_channels: u16,
    /// How far outside the box a peak still counts as a hit, as a share of the image's longer side
    /// (0 to 0.5). The default is strict; Zhang et al. allow 15 pixels.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    tolerance: f32,
    /// Draws the images, the random maps and the bootstrap.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write everything as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What computes.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

/// What the JSON file holds.
#[derive(Debug, Serialize)]
struct CamReport {
    model: String,
    data: String,
    class: WhichClass,
    seed: u64,
    limit: usize,
    steps: usize,
    score_channels: usize,
    tolerance: f32,
    /// Data sets that the model was trained on: they may hold some of these images.
    trained_on: Vec<String>,
    /// Lines and images that were left out, each with the reason.
    skipped: Vec<String>,
    /// Lines without a box, such as healthy heads.
    without_box: usize,
    notes: Vec<String>,
    #[serde(flatten)]
    summary: Summary,
}

impl CamEvalArgs {
    /// Runs the command. Images and lines that cannot be read are named, the others still done.
    pub fn run(self) -> Result<()> {
        if !(0.0..=0.5).contains(&self.tolerance) {
            bail!("--tolerance is {}, but must lie in 0..=0.5", self.tolerance);
        }
        let bundle = open_bundle(&model_folder(self.model.as_deref())?)?;
        let classes = &bundle.manifest.classes;
        if !self.data.is_dir() {
            bail!(
                "there is no folder {}; check the spelling of --data",
                self.data.display()
            );
        }
        let path = match &self.boxes {
            Some(path) => path.clone(),
            None => self.data.join("slices.csv"),
        };
        let mut table = boxes::read(&path)?;
        let mut skipped: Vec<String> = table
            .malformed
            .drain(..)
            .map(|line| format!("{} {line}", path.display()))
            .collect();
        if let Some(only) = &self.only {
            skipped.extend(keep_only(&mut table, only)?);
        }
        let lines = table.slices.len();
        let all = subjects(table, &self.data, classes)?;
        let without_box = lines - all.len();
        if all.is_empty() {
            bail!("{} names no image with a box to measure", path.display());
        }
        let labels: Vec<usize> = all.iter().map(|subject| subject.class).collect();
        let subjects: Vec<Subject> = stratified(&labels, self.limit, self.seed)
            .into_iter()
            .map(|index| all[index].clone())
            .collect();
        eprintln!(
            "{} on {}: {} of {} images with a box",
            bundle.manifest.id,
            self.data.display(),
            subjects.len(),
            all.len()
        );
        let settings = self.settings();
        let Outcomes { images, unreadable } = self.backend.infer(ExplainWork {
            bundle: &bundle,
            subjects: &subjects,
            settings: &settings,
        })?;
        skipped.extend(unreadable);
        for reason in &skipped {
            eprintln!("skipped {reason}");
        }
        if images.is_empty() {
            bail!("none of the {} images could be read", subjects.len());
        }
        let summary = summarise(&settings.methods, classes, &subjects, &images, self.seed);
        let report = self.report(&bundle, &settings, summary, skipped, without_box);
        println!("{}", report.summary.table());
        for note in &report.notes {
            println!("{note}");
        }
        if let Some(path) = &self.json {
            write_json(path, &report)?;
        }
        Ok(())
    }

    fn settings(&self) -> Settings {
        let mut methods: Vec<CamMethod> = Vec::new();
        for &method in &self.methods {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        if methods.is_empty() {
            methods.extend(CamMethod::ALL);
        }
        Settings {
            methods,
            which: self.which,
            options: ExplainOptions {
                score_channels: self.score_channels.into(),
                seed: self.seed,
                ..ExplainOptions::default()
            },
            steps: self.steps.into(),
            tolerance: self.tolerance,
        }
    }

    fn report(
        &self,
        bundle: &Bundle,
        settings: &Settings,
        summary: Summary,
        skipped: Vec<String>,
        without_box: usize,
    ) -> CamReport {
        let sources = bundle.manifest.training.data.iter();
        let trained_on: Vec<String> = sources.map(|source| source.name.clone()).collect();
        CamReport {
            model: bundle.manifest.id.clone(),
            data: folder_name(&self.data),
            class: self.which,
            seed: self.seed,
            limit: self.limit,
            steps: settings.steps,
            score_channels: settings.options.score_channels,
            tolerance: settings.tolerance,
            notes: notes(settings, &trained_on),
            trained_on,
            skipped,
            without_box,
            summary,
        }
    }
}

/// What a reader of the table must know.
fn notes(settings: &Settings, trained_on: &[String]) -> Vec<String> {
    let whose = match settings.which {
        WhichClass::True => "the true class, whatever the network says",
        WhichClass::Predicted => "the class that the network predicts",
    };
    let mut notes = vec![
        format!(
            "Maps are those of {whose}. Intervals: 95 %, bootstrap over patients. An empty map \
             misses, and has no energy."
        ),
        "chance: a peak in any cell of the map alike, and the box's share of what the network sees."
            .into(),
        "IoU: the threshold, one for the whole set, is the best of 0.05, 0.10, ..., 0.95 on these \
         very images."
            .into(),
    ];
    if settings.tolerance > 0.0 {
        notes.push(format!(
            "Pointing game: peaks up to {} of the longer side outside the box count as hits.",
            settings.tolerance
        ));
    }
    if settings.steps > 0 {
        notes.push(format!(
            "Deletion (less is better) ends at the darkest value, insertion (more is better) starts \
             from the image blurred by 1/16 of its side; {} steps.",
            settings.steps
        ));
    }
    let both = [CamMethod::GradCam, CamMethod::HiresCam];
    if both.iter().all(|method| settings.methods.contains(method)) {
        notes.push(
            "Grad-CAM and HiResCAM are the same map in networks that end in average pooling: the \
             gradient does not vary within a feature map."
                .into(),
        );
    }
    if !trained_on.is_empty() {
        notes.push(format!(
            "The model was trained on {}, which may hold some of these images or of these \
             patients; --only restricts to a list of others.",
            trained_on.join(", ")
        ));
    }
    notes
}

/// Keeps the slices whose path the file lists; tells which of its lines the table does not have.
fn keep_only(table: &mut BoxTable, file: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the list of images {}", file.display()))?;
    let lines = text.lines().map(str::trim);
    let mut wanted: BTreeSet<&str> = lines.filter(|line| !line.is_empty()).collect();
    table
        .slices
        .retain(|slice| wanted.remove(slice.path.as_str()));
    Ok(wanted
        .into_iter()
        .map(|path| {
            format!(
                "{path}: {} lists it, the table of boxes does not",
                file.display()
            )
        })
        .collect())
}

/// The slices with a lesion. A class that the model does not know is an error.
fn subjects(table: BoxTable, data: &Path, classes: &[String]) -> Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for slice in table.slices {
        let Some(lesion) = slice.lesion else { continue };
        let name = canonical_class(&slice.label);
        let class = classes.iter().position(|class| *class == name);
        let class = class.with_context(|| {
            format!(
                "{} has the class {:?}, which the model does not know; it knows {}",
                slice.path,
                slice.label,
                classes.join(", ")
            )
        })?;
        subjects.push(Subject {
            path: data.join(&slice.path),
            relative: slice.path,
            class,
            patient: slice.patient,
            lesion,
        });
    }
    Ok(subjects)
}

/// A folder's own name: where it lies is nobody's business.
fn folder_name(folder: &Path) -> String {
    let full = folder.canonicalize().unwrap_or_else(|_| folder.into());
    let name = full.file_name().unwrap_or(full.as_os_str());
    name.to_string_lossy().into_owned()
}
