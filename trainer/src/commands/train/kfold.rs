//! `scanlight train --kfold K`: cross-validation.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, FromArgMatches};
use scanlight_model::bundle::Folds;
use serde::{Deserialize, Serialize};

use super::super::{read_json, write_json};
use super::{GROUPS_FILE, Interrupt, TrainArgs};
use crate::data::{Loaded, scan_folders};
use crate::metrics::{Answer, Report, report};
use crate::train::write_whole;

/// Name of the file that says how far a cross-validation is and what it found.
const KFOLD_FILE: &str = "kfold.json";
/// Name of the configuration's copy.
pub const CONFIG_FILE: &str = "kfold.toml";

/// A cross-validation, as `kfold.json` holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossValidation {
    /// Number of folds.
    pub folds: u32,
    /// Name of the data sets.
    pub data: String,
    /// Images found, unreadable ones included.
    pub images: usize,
    /// SHA-256 of the groups file, if one keeps groups whole.
    groups_sha256: Option<String>,
    /// The command line that started it, for going on.
    arguments: Vec<String>,
    /// Finished folds.
    pub results: Vec<FoldResult>,
    /// All of them together, once they are finished.
    summary: Option<Together>,
}

/// One fold's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldResult {
    /// Counted from 1.
    pub fold: u32,
    /// Test images.
    pub images: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Mean AUC over the classes.
    pub auc_macro: Option<f64>,
    /// Mean F1 over the classes.
    pub f1_macro: Option<f64>,
    /// Share that a nearest neighbour on raw pixels names rightly.
    #[serde(default)]
    pub nearest_neighbour_accuracy: Option<f64>,
}

/// Mean and sample standard deviation over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub sd: f64,
}

/// All folds together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Together {
    /// Share of right answers.
    pub accuracy: Spread,
    /// Mean cross-entropy.
    pub loss: Spread,
    /// Mean AUC over the classes.
    pub auc_macro: Option<Spread>,
    /// Mean F1 over the classes.
    pub f1_macro: Option<Spread>,
    /// Share that a nearest neighbour on raw pixels names rightly.
    #[serde(default)]
    pub nearest_neighbour_accuracy: Option<Spread>,
    /// All folds' answers as if they were one test; the images' answers are in `fold-*/test.json`.
    pub pooled: Report,
}

impl TrainArgs {
    /// Whether this is, or goes on with, a cross-validation.
    pub(super) fn is_kfold(&self) -> bool {
        let resumes = |run: &PathBuf| run.join(KFOLD_FILE).is_file();
        self.kfold.is_some() || self.resume.as_ref().is_some_and(resumes)
    }

    /// Runs all folds that are not finished.
    pub(super) fn run_folds(self) -> Result<()> {
        let (root, args, mut whole) = match &self.resume {
            Some(root) => go_on(root, &self)?,
            None => self.start_folds()?,
        };
        let interrupt = Interrupt::listen()?;
        let mut loaded: Option<Loaded> = None;
        let mut trained = 0;
        for fold in 1..=whole.folds {
            if whole.results.iter().any(|result| result.fold == fold) {
                continue;
            }
            if self.fold_limit == Some(trained) {
                eprintln!(
                    "{trained} folds trained; go on with `scanlight train --resume {}`",
                    root.display()
                );
                return Ok(());
            }
            eprintln!("fold {fold} of {}", whole.folds);
            let run = args.of_fold(&root.join(format!("fold-{fold}")));
            let prepared = run.prepare(Some(Folds {
                count: whole.folds,
                fold,
            }))?;
            if prepared.dataset.entries.len() != whole.images {
                bail!(
                    "{} had {} images when the cross-validation began and has {} now: its folds \
                     cannot be made again",
                    whole.data,
                    whole.images,
                    prepared.dataset.entries.len()
                );
            }
            // The images are the same for all folds.
            let images = match loaded.take() {
                Some(images) => images,
                None => prepared.load()?,
            };
            let found = run.train_once(&prepared, &images, &interrupt)?;
            loaded = Some(images);
            let Some(found) = found else {
                eprintln!("go on with `scanlight train --resume {}`", root.display());
                return Ok(());
            };
            trained += 1;
            whole.results.push(FoldResult {
                fold,
                images: found.report.images.len(),
                accuracy: found.report.accuracy,
                loss: found.report.loss,
                auc_macro: found.report.auc_macro,
                f1_macro: found.report.f1_macro,
                nearest_neighbour_accuracy: found.floor,
            });
            write_json(&root.join(KFOLD_FILE), &whole)?;
        }
        let together = whole.together(&root)?;
        println!("{}", table(&whole, &together));
        whole.summary = Some(Together {
            pooled: Report {
                images: Vec::new(),
                ..together.pooled
            },
            ..together
        });
        write_json(&root.join(KFOLD_FILE), &whole)
    }

    fn start_folds(&self) -> Result<(PathBuf, Self, CrossValidation)> {
        let root = self.out.clone().context("--out is missing")?;
        let taken = [KFOLD_FILE, "config.toml", "fold-1"];
        if taken.iter().any(|name| root.join(name).exists()) {
            bail!(
                "{} holds a run already; go on with `scanlight train --resume {}`, or choose another --out",
                root.display(),
                root.display()
            );
        }
        let dataset = scan_folders(&self.data)?;
        let mut groups_sha256 = None;
        if self.groups.is_none() {
            eprintln!(
                "the folds are drawn image by image: near-duplicates and slices of one patient will be parted; \
                 `scanlight audit --write-groups FILE.csv` and --groups FILE.csv keep them together"
            );
        }
        if let Some(path) = &self.groups {
            let groups = crate::data::Groups::load(path)?;
            groups.of(&dataset)?;
            write_whole(&root.join(GROUPS_FILE), &groups.bytes)?;
            groups_sha256 = Some(groups.sha256);
        }
        if let Some(path) = &self.config {
            let text = std::fs::read(path)
                .with_context(|| format!("cannot read the configuration {}", path.display()))?;
            write_whole(&root.join(CONFIG_FILE), &text)?;
        }
        let whole = CrossValidation {
            folds: self.kfold.unwrap_or(2),
            data: dataset.name(),
            images: dataset.entries.len(),
            groups_sha256,
            // The program's and the subcommand's names go first.
            arguments: std::env::args_os()
                .skip(2)
                .map(|argument| argument.to_string_lossy().into_owned())
                .collect(),
            results: Vec::new(),
            summary: None,
        };
        write_json(&root.join(KFOLD_FILE), &whole)?;
        Ok((root.clone(), self.with_copies(&root), whole))
    }

    /// The same options with the files that the folder keeps, which nobody edits meanwhile.
    fn with_copies(&self, root: &Path) -> Self {
        let copy = |given: &Option<PathBuf>, name: &str| given.as_ref().map(|_| root.join(name));
        Self {
            config: copy(&self.config, CONFIG_FILE),
            groups: copy(&self.groups, GROUPS_FILE),
            ..self.clone()
        }
    }

    /// The options of one fold: a new run, or one to go on with.
    fn of_fold(&self, folder: &Path) -> Self {
        let exists = folder.join("config.toml").is_file();
        Self {
            resume: exists.then(|| folder.into()),
            out: Some(folder.into()),
            ..self.clone()
        }
    }
}

/// The options and the state of a cross-validation that was begun.
fn go_on(root: &Path, now: &TrainArgs) -> Result<(PathBuf, TrainArgs, CrossValidation)> {
    let whole: CrossValidation = read_json(&root.join(KFOLD_FILE))?;
    let again = || format!("{} is damaged", root.join(KFOLD_FILE).display());
    let command = TrainArgs::augment_args(clap::Command::new("train").no_binary_name(true));
    let matches = command
        .try_get_matches_from(&whole.arguments)
        .with_context(again)?;
    let mut args = TrainArgs::from_arg_matches(&matches).with_context(again)?;
    if !now.data.is_empty() {
        args.data.clone_from(&now.data);
    }
    Ok((root.into(), args.with_copies(root), whole))
}

impl CrossValidation {
    /// Reads the one that a folder holds; `None` where it holds none.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged.
    pub fn read(root: &Path) -> Result<Option<Self>> {
        let path = root.join(KFOLD_FILE);
        path.is_file().then(|| read_json(&path)).transpose()
    }

    /// Everything from the finished folds' results and answers.
    ///
    /// # Errors
    /// A fold's `test.json` that cannot be read.
    pub fn together(&self, root: &Path) -> Result<Together> {
        let mut classes: Vec<String> = Vec::new();
        let mut answers = Vec::new();
        for result in &self.results {
            let path = root.join(format!("fold-{}/test.json", result.fold));
            let found: Report = read_json(&path)?;
            classes = found.per_class.keys().cloned().collect();
            for image in &found.images {
                let label = classes.iter().position(|class| *class == image.label);
                answers.push(Answer {
                    path: image.path.clone(),
                    label: label.with_context(|| format!("{} is damaged", path.display()))?,
                    probabilities: image.probabilities.values().map(|p| *p as f32).collect(),
                });
            }
        }
        let over = |value: fn(&FoldResult) -> Option<f64>| -> Option<Spread> {
            let values: Option<Vec<f64>> = self.results.iter().map(value).collect();
            spread(&values?)
        };
        let finite = "a fold has no numbers";
        Ok(Together {
            accuracy: over(|r| Some(r.accuracy)).context(finite)?,
            loss: over(|r| Some(r.loss)).context(finite)?,
            auc_macro: over(|r| r.auc_macro),
            f1_macro: over(|r| r.f1_macro),
            nearest_neighbour_accuracy: over(|r| r.nearest_neighbour_accuracy),
            pooled: report(&classes, &answers),
        })
    }
}

/// Mean and sample standard deviation; `None` of nothing.
fn spread(values: &[f64]) -> Option<Spread> {
    let count = values.len() as f64;
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some(Spread {
        mean,
        sd: (squares / (count - 1.0).max(1.0)).sqrt(),
    })
}

/// The folds as a table for people.
fn table(whole: &CrossValidation, together: &Together) -> String {
    let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.4}"));
    let mut text = String::from(
        "fold   images  accuracy         loss             macro AUC        macro F1         nearest neighbour\n",
    );
    for result in &whole.results {
        text += &format!(
            "{:<5}  {:>6}  {:<15}  {:<15}  {:<15}  {:<15}  {}\n",
            result.fold,
            result.images,
            number(Some(result.accuracy)),
            number(Some(result.loss)),
            number(result.auc_macro),
            number(result.f1_macro),
            number(result.nearest_neighbour_accuracy)
        );
    }
    let both = |value: Option<Spread>| {
        value.map_or("-".into(), |s| format!("{:.4} ± {:.4}", s.mean, s.sd))
    };
    text += &format!(
        "mean           {:<15}  {:<15}  {:<15}  {:<15}  {}\n",
        both(Some(together.accuracy)),
        both(Some(together.loss)),
        both(together.auc_macro),
        both(together.f1_macro),
        both(together.nearest_neighbour_accuracy)
    );
    let pooled = &together.pooled;
    text += &format!(
        "pooled {:>6}  {:<15}  {:<15}  {:<15}  {}",
        pooled.images.len(),
        number(Some(pooled.accuracy)),
        number(Some(pooled.loss)),
        number(pooled.auc_macro),
        number(pooled.f1_macro)
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_of_known_values() {
        let found = spread(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(found.mean, 5.0);
        assert!((found.sd - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(spread(&[3.0]).unwrap().sd, 0.0);
        assert_eq!(spread(&[]), None);
    }
}
