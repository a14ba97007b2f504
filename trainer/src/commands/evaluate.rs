//! `scanlight evaluate`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use scanlight_model::bundle::Bundle;
use scanlight_model::trust::Verdict;

use super::train::kept_groups;
use super::{model_folder, open_bundle, write_json};
use crate::backend::BackendName;
use crate::baseline;
use crate::data::{self, Dataset, Groups, Image, Part, remake_split, scan_folders};
use crate::metrics::{Answer, Report, report};
use crate::trust::{OutputsWork, judge_answers, view_outputs};

/// Measure a model on labelled images.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The model: a published folder or a run [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Data set: a folder with one folder per class; repeat it to put several together.
    #[arg(long, value_name = "DIR", required = true)]
    data: Vec<PathBuf>,
    /// Which images: of a set with Training/ and Testing/ the latter, of others all, unless said.
    /// train, validation and test remake the split that the model's manifest describes.
    #[arg(long, default_value = "auto")]
    part: WhichPart,
    /// The groups file that the model was trained with [default: the one that the run keeps].
    #[arg(long, value_name = "FILE.csv")]
    groups: Option<PathBuf>,
    /// Leave out images that the model saw in another copy: those with a near-duplicate among its
    /// training and validation images, or those of a group with one (the same patient, if known);
    /// these two need a groups file. Or those that correlate with one.
    #[arg(long, value_name = "WHICH")]
    leak_free: Option<LeakFree>,
    /// See each image in the slightly changed ways that the manifest names, and measure their mean:
    /// as many passes as views.
    #[arg(long)]
    views: bool,
    /// Also write everything, each image's probabilities included, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What computes.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

/// Which of a data set's images are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WhichPart {
    /// Testing/ where there is one, else everything.
    Auto,
    /// Everything.
    All,
    /// The model's training images.
    Train,
    /// The model's validation images.
    Validation,
    /// The images held out from the model's training.
    Test,
}

/// What counts as seen in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LeakFree {
    /// A near-duplicate.
    Duplicates,
    /// Any image of the group: near-duplicates, and the same patient where known.
    Groups,
    /// An image whose grey thumbnail of 32 x 32 pixels correlates above 0.995 with this one's: the
    /// usual, narrower count of near-duplicates, without mirrored, turned or recoloured copies.
    Correlated,
}

/// Thumbnails that correlate more are of one picture.
const SAME_PICTURE: f32 = 0.995;

impl EvaluateArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let folder = model_folder(self.model.as_deref())?;
        let bundle = open_bundle(&folder)?;
        let mut dataset = scan_folders(&self.data)?;
        relabel(&mut dataset, &bundle.manifest.classes)?;
        let (mut chosen, mut description) = self.choose(&dataset, &bundle, &folder)?;
        if self.leak_free == Some(LeakFree::Correlated) {
            let groups = self.groups(&folder)?;
            let parts = parts(&dataset, &bundle, groups.as_ref())?;
            let before = chosen.len();
            chosen = without_correlated(&dataset, &parts, &chosen);
            description += &left_out(before, chosen.len())?;
        }
        eprintln!(
            "{} on {}: {} images ({description})",
            bundle.manifest.id,
            dataset.name(),
            chosen.len()
        );
        let loaded = data::load(&dataset, &chosen, &bundle.manifest.input, self.views)?;
        let images: Vec<_> = loaded.images.iter().collect();
        let report = measure(&bundle, &dataset, &images, self.views, self.backend)?;
        println!("{}", report.table());
        if let Some((known, right)) = self.floor(&dataset, &bundle, &folder, &images)? {
            println!(
                "nearest neighbour on raw pixels among the {known} images that the model learned from: accuracy \
                 {right:.4}"
            );
        }
        if let Some(path) = &self.json {
            write_json(path, &report)?;
        }
        Ok(())
    }

    fn choose(
        &self,
        dataset: &Dataset,
        bundle: &Bundle,
        folder: &Path,
    ) -> Result<(Vec<usize>, String)> {
        let groups = self.groups(folder)?;
        let (mut chosen, mut description) = self.choose_part(dataset, bundle, groups.as_ref())?;
        if let Some(seen @ (LeakFree::Duplicates | LeakFree::Groups)) = self.leak_free {
            let groups =
                groups.context("this --leak-free needs a groups file; name it with --groups")?;
            let numbers = match seen {
                LeakFree::Duplicates => groups.duplicates_of(dataset)?,
                _ => groups.of(dataset)?,
            };
            let parts = parts(dataset, bundle, Some(&groups))?;
            let learned = |index: &usize| matches!(parts[*index], Part::Train | Part::Validation);
            let known: HashSet<usize> = (0..parts.len())
                .filter(learned)
                .map(|index| numbers[index])
                .collect();
            let before = chosen.len();
            chosen.retain(|&index| !known.contains(&numbers[index]));
            description += &left_out(before, chosen.len())?;
        }
        Ok((chosen, description))
    }

    /// How many of the images here the model learned from, and how often the one that looks most like a measured one
    /// has its class. Nothing where the split cannot be made again, or measured images are among those learned from.
    fn floor(
        &self,
        dataset: &Dataset,
        bundle: &Bundle,
        folder: &Path,
        images: &[&(usize, Image)],
    ) -> Result<Option<(usize, f64)>> {
        let groups = self.groups(folder)?;
        let Ok(parts) = parts(dataset, bundle, groups.as_ref()) else {
            return Ok(None);
        };
        let learned = learned(&parts);
        if images.iter().any(|(index, _)| learned.contains(index)) {
            return Ok(None);
        }
        let thumbnails = data::thumbnails(dataset, &learned);
        let class = |index: usize| dataset.entries[index].class;
        let known: Vec<(&[f32], usize)> = thumbnails
            .iter()
            .map(|(index, thumbnail)| (thumbnail.as_slice(), class(*index)))
            .collect();
        let asked: Vec<(&[f32], usize)> = images
            .iter()
            .map(|(_, image)| (image.thumbnail.as_slice(), image.class))
            .collect();
        let right = baseline::nearest_neighbour_accuracy(&known, &asked);
        Ok(right.map(|right| (known.len(), right)))
    }

    fn groups(&self, folder: &Path) -> Result<Option<Groups>> {
        match &self.groups {
            Some(path) => Groups::load(path).map(Some),
            None => kept_groups(folder),
        }
    }

    fn choose_part(
        &self,
        dataset: &Dataset,
        bundle: &Bundle,
        groups: Option<&Groups>,
    ) -> Result<(Vec<usize>, String)> {
        let wanted = match self.part {
            WhichPart::All => return Ok(((0..dataset.entries.len()).collect(), "all".into())),
            WhichPart::Auto => {
                let tests: Vec<usize> = (0..dataset.entries.len())
                    .filter(|&i| dataset.entries[i].folder == Some(Part::Test))
                    .collect();
                return Ok(if tests.is_empty() {
                    ((0..dataset.entries.len()).collect(), "all".into())
                } else {
                    (
                        tests,
                        "the Testing folder; --part all for everything".into(),
                    )
                });
            }
            WhichPart::Train => Part::Train,
            WhichPart::Validation => Part::Validation,
            WhichPart::Test => Part::Test,
        };
        let training = &bundle.manifest.training;
        let parts = parts(dataset, bundle, groups)?;
        let chosen: Vec<usize> = (0..parts.len()).filter(|&i| parts[i] == wanted).collect();
        if chosen.is_empty() {
            bail!("the model's split has no {} images", wanted.name());
        }
        let description = format!(
            "{} part of its {} split, seed {}",
            wanted.name(),
            training.split.method,
            training.split.seed
        );
        Ok((chosen, description))
    }
}

fn left_out(before: usize, after: usize) -> Result<String> {
    if after == 0 {
        bail!("all of the {before} images have a copy among the model's training images");
    }
    Ok(format!(
        "; {} left out, seen in training in another copy",
        before - after
    ))
}

/// Entries that the model learned from: training and validation.
fn learned(parts: &[Part]) -> Vec<usize> {
    (0..parts.len())
        .filter(|&index| matches!(parts[index], Part::Train | Part::Validation))
        .collect()
}

/// The chosen images that correlate with no training or validation image.
fn without_correlated(dataset: &Dataset, parts: &[Part], chosen: &[usize]) -> Vec<usize> {
    let learned = data::thumbnails(dataset, &learned(parts));
    let asked = data::thumbnails(dataset, chosen);
    let known: Vec<&[f32]> = learned.iter().map(|(_, row)| row.as_slice()).collect();
    let queries: Vec<&[f32]> = asked.iter().map(|(_, row)| row.as_slice()).collect();
    let Some(nearest) = baseline::nearest(&known, &queries) else {
        return chosen.to_vec();
    };
    let correlation = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    asked
        .iter()
        .zip(nearest)
        .filter(|((_, query), index)| correlation(query, known[*index]) <= SAME_PICTURE)
        .map(|((index, _), _)| *index)
        .collect()
}

/// The part of each image in the split that the model's manifest describes.
pub(super) fn parts(
    dataset: &Dataset,
    bundle: &Bundle,
    groups: Option<&Groups>,
) -> Result<Vec<Part>> {
    let training = &bundle.manifest.training;
    // The split can be made again only from the very same set.
    let expected: u64 = training
        .data
        .iter()
        .filter(|source| !source.synthetic)
        .map(|source| {
            let read = source.images.values().flat_map(|counts| counts.values());
            source.skipped + read.sum::<u64>()
        })
        .sum();
    if expected != dataset.entries.len() as u64 {
        bail!(
            "the model was made from {expected} images ({}), but {} has {}: the split \
             cannot be made again from another data set; use --part all or auto",
            training
                .data
                .iter()
                .map(|source| source.name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
            dataset.name(),
            dataset.entries.len()
        );
    }
    remake_split(dataset, &training.split, groups)
}

/// Gives a data set the model's class list; a class that the model does not know is an error.
pub fn relabel(dataset: &mut Dataset, classes: &[String]) -> Result<()> {
    let indices: Vec<usize> = dataset
        .classes
        .iter()
        .map(|class| {
            classes.iter().position(|c| c == class).with_context(|| {
                format!(
                    "the data set has a class {class:?} that the model does not know; it knows {}",
                    classes.join(", ")
                )
            })
        })
        .collect::<Result<_>>()?;
    for entry in &mut dataset.entries {
        entry.class = indices[entry.class];
    }
    dataset.classes = classes.to_vec();
    Ok(())
}

/// Measures a model on decoded images, whose classes are the model's; with `views`, by the mean over the
/// manifest's views, for which the images need their larger copies.
pub fn measure(
    bundle: &Bundle,
    dataset: &Dataset,
    images: &[&(usize, Image)],
    views: bool,
    backend: BackendName,
) -> Result<Report> {
    let pictures: Vec<&Image> = images.iter().map(|(_, image)| image).collect();
    let outputs = if views {
        let trust = bundle.manifest.trust.as_ref();
        let views = trust.and_then(|trust| trust.tta.as_ref());
        let views = &views
            .with_context(|| {
                format!(
                    "the manifest of {} names no views; `scanlight calibrate` adds them",
                    bundle.manifest.id
                )
            })?
            .views;
        view_outputs(bundle, &pictures, views, backend)?
    } else {
        let inputs: Vec<&[f32]> = pictures
            .iter()
            .map(|image| image.clean.as_slice())
            .collect();
        vec![backend.infer(OutputsWork {
            bundle,
            inputs: &inputs,
            title: "classifying",
        })?]
    };
    let labels: Vec<usize> = images.iter().map(|(_, image)| image.class).collect();
    let (trust, scores) = judge_answers(bundle, &outputs, &labels)?;
    let answers: Vec<Answer> = scores
        .iter()
        .zip(images)
        .map(|(score, (index, image))| Answer {
            path: dataset.entries[*index].relative.clone(),
            label: image.class,
            probabilities: score.probabilities.clone(),
        })
        .collect();
    let mut report = report(&bundle.manifest.classes, &answers);
    report.trust = Some(trust);
    for (image, score) in report.images.iter_mut().zip(scores) {
        image.uncertainty = Some(score.uncertainty.into());
        image.ood = score.ood.map(Into::into);
        image.verdict = Some(verdict_name(&score.verdict).into());
    }
    Ok(report)
}

/// `class`, `unsure` or `not_like_training`.
pub fn verdict_name(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Class { .. } => "class",
        Verdict::Unsure { .. } => "unsure",
        Verdict::NotLikeTraining { .. } => "not_like_training",
    }
}
