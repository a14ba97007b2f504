//! `scanlight calibrate`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::{Bundle, MANIFEST_FILE};

use super::train::kept_groups;
use super::{evaluate, open_bundle, write_json};
use crate::backend::BackendName;
use crate::data::{self, Dataset, Image, Part, scan_folders};
use crate::metrics::Report;
use crate::train::{RunFolder, write_whole};
use crate::trust::{FitWork, Fitted, fit};

/// Fit a run's temperature, abstain threshold and strangeness score, and write them into its bundle.
///
/// `train` does the same at its end; this is for runs made before, for other data of the same split,
/// and to compare with an ensemble.
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The run's folder; its model.json and weights are rewritten.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The data set that it was trained on [default: the folders it was trained from].
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Other runs of the same classes and input, to compare their joint uncertainty with the run's
    /// own. They must have been trained with the same split.
    #[arg(long, value_name = "RUN", num_args = 1..)]
    ensemble: Vec<PathBuf>,
    /// Also write the whole comparison as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// What computes.
    #[arg(long, default_value = "cpu")]
    backend: BackendName,
}

impl CalibrateArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let bundle = open_bundle(&self.run)?;
        let ensemble = self
            .ensemble
            .iter()
            .map(|folder| open_bundle(folder))
            .collect::<Result<Vec<_>>>()?;
        let again = calibrate_again(&self.run, &self.data, &bundle, &ensemble, self.backend)?;
        println!("{}", again.fitted.table());
        if let Some(report) = &again.report {
            println!("\n{}", report.table());
            write_json(&self.run.join("test.json"), report)?;
        }
        let manifest = &again.bundle.manifest;
        let path = self.run.join(MANIFEST_FILE);
        write_whole(
            &self.run.join(&manifest.weights.file),
            again.bundle.weights(),
        )?;
        write_whole(&path, manifest.to_json()?.as_bytes())?;
        write_json(&self.run.join("trust.json"), &again.fitted)?;
        if let Some(path) = &self.json {
            write_json(path, &again.fitted)?;
        }
        println!("stored in {}", path.display());
        Ok(())
    }
}

/// What [`calibrate_again`] found.
pub struct Again {
    /// The model with what was fitted.
    pub bundle: Bundle,
    /// What was fitted, and how well.
    pub fitted: Fitted,
    /// What it reaches on the test images, if there are any.
    pub report: Option<Report>,
}

/// Fits a model on the images that the run in this folder trained and validated on, and measures it on those
/// that it tested on. The run says where its data is, unless `data` does.
///
/// # Errors
/// A run that does not know its data, data that has changed since, or images that cannot be read.
pub fn calibrate_again(
    run: &Path,
    data: &[PathBuf],
    bundle: &Bundle,
    ensemble: &[Bundle],
    backend: BackendName,
) -> Result<Again> {
    let roots = if data.is_empty() {
        RunFolder::open(run)
            .and_then(|folder| folder.info())
            .context("--data is missing, and the folder does not say where its data is")?
            .data
    } else {
        data.to_vec()
    };
    let mut dataset = scan_folders(&roots)?;
    evaluate::relabel(&mut dataset, &bundle.manifest.classes)?;
    let parts = parts_of(run, &dataset, bundle)?;
    let all: Vec<usize> = (0..dataset.entries.len())
        .filter(|&index| parts[index] != Part::Dropped)
        .collect();
    let loaded = data::load(&dataset, &all, &bundle.manifest.input, true)?;
    let (mut bundle, fitted) = calibrate(bundle, &loaded.images, &parts, ensemble, backend)?;
    let tests: Vec<&(usize, Image)> = loaded
        .images
        .iter()
        .filter(|(index, _)| parts[*index] == Part::Test)
        .collect();
    let report = if tests.is_empty() {
        None
    } else {
        let report = evaluate::measure(&bundle, &dataset, &tests, false, backend)?;
        // The temperature changes the loss; rounded weights change all of it.
        if let Some(metrics) = bundle.manifest.metrics.first_mut()
            && metrics.images == report.images.len() as u64
        {
            metrics.loss = report.loss;
            metrics.accuracy = report.accuracy;
            metrics.auc_macro = report.auc_macro;
            metrics.f1_macro = report.f1_macro;
        }
        Some(report)
    };
    Ok(Again {
        bundle,
        fitted,
        report,
    })
}

/// Fits a model on a decoded data set (with the larger copies) whose entries are in these parts.
pub fn calibrate(
    bundle: &Bundle,
    images: &[(usize, Image)],
    parts: &[Part],
    ensemble: &[Bundle],
    backend: BackendName,
) -> Result<(Bundle, Fitted)> {
    let of = |part: Part| -> Vec<&Image> {
        images
            .iter()
            .filter(|(index, _)| parts[*index] == part)
            .map(|(_, image)| image)
            .collect()
    };
    fit(&FitWork {
        bundle,
        train: &of(Part::Train),
        validation: &of(Part::Validation),
        test: &of(Part::Test),
        ensemble,
        backend,
        seed: bundle.manifest.training.split.seed,
    })
}

/// At the end of a training run: fits, writes weights and manifest into the run's folder, and gives
/// the new bundle. A model that cannot be fitted stays as it is, and the reason is printed.
pub fn calibrate_run(
    folder: &RunFolder,
    bundle: Bundle,
    images: &[(usize, Image)],
    parts: &[Part],
) -> Result<Bundle> {
    let (fresh, fitted) = match calibrate(&bundle, images, parts, &[], BackendName::Cpu) {
        Ok(done) => done,
        Err(error) => {
            eprintln!("not calibrated: {error:#}");
            return Ok(bundle);
        }
    };
    folder.write(&fresh.manifest.weights.file, fresh.weights())?;
    folder.write(MANIFEST_FILE, fresh.manifest.to_json()?.as_bytes())?;
    folder.write("trust.json", &serde_json::to_vec_pretty(&fitted)?)?;
    println!("{}\n", fitted.table());
    Ok(fresh)
}

/// The part of each entry: as the run's `split.csv` says, or made again from the manifest's split.
///
/// # Errors
/// A `split.csv` that does not know an image of the data set; without one, another data set than the model was
/// made from, or a split that cannot be made again.
fn parts_of(run: &Path, dataset: &Dataset, bundle: &Bundle) -> Result<Vec<Part>> {
    let path = run.join("split.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return evaluate::parts(dataset, bundle, kept_groups(run)?.as_ref()).with_context(|| {
            format!(
                "{} does not exist, and the split was not made again",
                path.display()
            )
        });
    };
    let known = read_split(&text).with_context(|| format!("{} is not valid", path.display()))?;
    dataset
        .entries
        .iter()
        .map(|entry| {
            known.get(&entry.relative).copied().with_context(|| {
                format!(
                    "{} does not list {}: this is not the data set that the run was trained on",
                    path.display(),
                    entry.relative
                )
            })
        })
        .collect()
}

/// Path to part; columns are found by their names.
pub fn read_split(text: &str) -> Result<BTreeMap<String, Part>> {
    let mut lines = text.lines();
    let header = fields(lines.next().unwrap_or_default());
    let column = |name: &str| {
        let found = header.iter().position(|field| field == name);
        found.with_context(|| format!("there is no column {name:?}"))
    };
    let (part_column, path_column) = (column("part")?, column("path")?);
    let mut known = BTreeMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let fields = fields(line);
        let (Some(part), Some(path)) = (fields.get(part_column), fields.get(path_column)) else {
            bail!("the line {line:?} is too short");
        };
        let parts = [Part::Train, Part::Validation, Part::Test, Part::Dropped];
        let found = parts.into_iter().find(|p| p.name() == part);
        let found = found.with_context(|| format!("{part:?} is no part of a split"))?;
        known.insert(path.clone(), found);
    }
    Ok(known)
}

/// A line of comma-separated fields, quoted where they need it.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields[last].push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_read_by_column_name() {
        let text = "part,class,path\ntrain,\"a\",\"a/x, \"\"1\"\".png\"\ntest,\"b\",\"b/y.png\"\n\
            dropped,\"b\",\"b/z.png\"\n";
        let known = read_split(text).unwrap();
        assert_eq!(known["a/x, \"1\".png"], Part::Train);
        assert_eq!(known["b/y.png"], Part::Test);
        assert_eq!(known["b/z.png"], Part::Dropped);
        assert!(read_split("part,path\nnone,a.png\n").is_err());
        let other = read_split("group,path,part\n7,a.png,validation\n").unwrap();
        assert_eq!(other["a.png"], Part::Validation);
        assert!(read_split("path,class\n").is_err());
    }
}
