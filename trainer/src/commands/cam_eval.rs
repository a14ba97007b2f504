//! `scanlight cam-eval`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::{Bundle, MANIFEST_FILE};
use scanlight_model::cam::CamMethod;
use scanlight_model::explain::ExplainOptions;
use scanlight_model::labels::canonical_class;
use serde::Serialize;

use super::calibrate::read_split;
use super::{model_folder, open_bundle, write_json};
use crate::backend::BackendName;
use crate::data::Part;
use crate::explain::boxes::{self, BoxTable};
use crate::explain::run::{ExplainWork, Outcome, Outcomes, Settings, Subject, WhichClass};
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
    /// The model: a published folder, a run, or a cross-validation, of which each fold is measured on
    /// its own test images [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Only the images that the run held out for testing, by its split.csv.
    #[arg(long)]
    held_out: bool,
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

/// A model and the images that it may be measured on; all where nothing is said.
struct Model {
    bundle: Bundle,
    only: Option<BTreeSet<String>>,
}

/// The images that a run held out for testing.
fn held_out(run: &Path) -> Result<BTreeSet<String>> {
    let path = run.join("split.csv");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "cannot read {}: --held-out needs a run with its split, not a published model",
            path.display()
        )
    })?;
    let parts = read_split(&text).with_context(|| format!("{} is not valid", path.display()))?;
    Ok(parts
        .into_iter()
        .filter(|(_, part)| *part == Part::Test)
        .map(|(path, _)| path)
        .collect())
}

/// What the JSON file holds.
#[derive(Debug, Serialize)]
struct CamReport {
    model: String,
    /// 1, or the folds of a cross-validation.
    models: usize,
    /// Whether each model was measured only on images that its run held out for testing.
    held_out: bool,
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
        let models = self.models()?;
        let classes = &models[0].bundle.manifest.classes;
        if models
            .iter()
            .any(|model| model.bundle.manifest.classes != *classes)
        {
            bail!("the folds know different classes: they are no cross-validation");
        }
        let mut without_box = 0;
        let mut all: Vec<(usize, Subject)> = Vec::new();
        for (number, model) in models.iter().enumerate() {
            let mut table = table.clone();
            if let Some(only) = &model.only {
                table.slices.retain(|slice| only.contains(&slice.path));
            }
            let lines = table.slices.len();
            let found = subjects(table, &self.data, classes)?;
            without_box += lines - found.len();
            all.extend(found.into_iter().map(|subject| (number, subject)));
        }
        if all.is_empty() {
            bail!(
                "{} names no image with a box to measure{}",
                path.display(),
                if self.held_out || models.len() > 1 {
                    ", or none that was held out"
                } else {
                    ""
                }
            );
        }
        let labels: Vec<usize> = all.iter().map(|(_, subject)| subject.class).collect();
        let chosen = stratified(&labels, self.limit, self.seed);
        let settings = self.settings();
        let (mut subjects, mut images) = (Vec::new(), Vec::new());
        for (number, model) in models.iter().enumerate() {
            let own: Vec<Subject> = chosen
                .iter()
                .filter(|&&index| all[index].0 == number)
                .map(|&index| all[index].1.clone())
                .collect();
            eprintln!(
                "{} on {}: {} of {} images with a box",
                model.bundle.manifest.id,
                self.data.display(),
                own.len(),
                all.iter().filter(|(of, _)| *of == number).count()
            );
            let found: Outcomes = self.backend.infer(ExplainWork {
                bundle: &model.bundle,
                subjects: &own,
                settings: &settings,
            })?;
            skipped.extend(found.unreadable);
            images.extend(found.images.into_iter().map(|image| Outcome {
                subject: image.subject + subjects.len(),
                ..image
            }));
            subjects.extend(own);
        }
        for reason in &skipped {
            eprintln!("skipped {reason}");
        }
        if images.is_empty() {
            bail!("none of the {} images could be read", subjects.len());
        }
        let summary = summarise(&settings.methods, classes, &subjects, &images, self.seed);
        let held_out = models.iter().all(|model| model.only.is_some());
        let report = self.report(&models, &settings, summary, skipped, without_box, held_out);
        println!("{}", report.summary.table());
        for note in &report.notes {
            println!("{note}");
        }
        if let Some(path) = &self.json {
            write_json(path, &report)?;
        }
        Ok(())
    }

    /// The model, or the models of all folds.
    fn models(&self) -> Result<Vec<Model>> {
        let folder = model_folder(self.model.as_deref())?;
        let folds = (1..)
            .map(|fold| folder.join(format!("fold-{fold}")))
            .take_while(|fold| fold.join(MANIFEST_FILE).is_file());
        let folds: Vec<PathBuf> = if folder.join(MANIFEST_FILE).is_file() {
            Vec::new()
        } else {
            folds.collect()
        };
        if folds.is_empty() {
            return Ok(vec![Model {
                bundle: open_bundle(&folder)?,
                only: self.held_out.then(|| held_out(&folder)).transpose()?,
            }]);
        }
        folds
            .iter()
            .map(|fold| {
                Ok(Model {
                    bundle: open_bundle(fold)?,
                    only: Some(held_out(fold)?),
                })
            })
            .collect()
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
        models: &[Model],
        settings: &Settings,
        summary: Summary,
        skipped: Vec<String>,
        without_box: usize,
        held_out: bool,
    ) -> CamReport {
        let bundle = &models[0].bundle;
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
            models: models.len(),
            held_out,
            notes: notes(settings, &trained_on, held_out),
            trained_on,
            skipped,
            without_box,
            summary,
        }
    }
}

/// What a reader of the table must know.
fn notes(settings: &Settings, trained_on: &[String], held_out: bool) -> Vec<String> {
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
    if held_out {
        notes.push(
            "Only images that the runs held out for testing; whether patients were kept whole stands in \
             the runs' split."
                .into(),
        );
    } else if !trained_on.is_empty() {
        notes.push(format!(
            "The model was trained on {}, which may hold some of these images or of these \
             patients; --held-out and --only restrict to others.",
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
