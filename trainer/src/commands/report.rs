//! `scanlight report`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::Bundle;

use super::train::{CrossValidation, KFOLD_CONFIG};
use super::{open_bundle, read_json};
use crate::gallery;
use crate::html::Page;
use crate::metrics::Report;
use crate::report::{audit, classes, curves, data, folds, mistakes, reliability, summary, trust};
use crate::train::{RunFolder, write_whole};

/// Write everything about a run into one HTML file.
///
/// The file loads nothing and runs no script. Scans are only put into it with --with-images: mind
/// that whoever gets the file gets them too.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run's folder, that of a cross-validation, or a published model with a report.json or test.json beside it.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where to write it [default: RUN/report.html].
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Also show scans with their heatmaps: the worst mistakes and some right answers.
    #[arg(long)]
    with_images: bool,
    /// The data set's folder, for --with-images [default: the folders the run was trained from].
    #[arg(long, value_name = "DIR", requires = "with_images")]
    data: Vec<PathBuf>,
    /// What `scanlight audit --json FILE` found in the data, to sum it up in the report [default: RUN/audit.json
    /// where there is one].
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
}

impl ReportArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let html = match CrossValidation::read(&self.run)? {
            Some(whole) => self.folds_page(&whole)?,
            None => self.page(&open_bundle(&self.run)?, read_report(&self.run)?.as_ref())?,
        };
        let out = self.out.unwrap_or_else(|| self.run.join("report.html"));
        write_whole(&out, html.as_bytes())?;
        println!("{} ({} kB)", out.display(), html.len() / 1000);
        Ok(())
    }

    fn page(&self, bundle: &Bundle, report: Option<&Report>) -> Result<String> {
        let manifest = &bundle.manifest;
        let mut page = Page::new(
            &manifest.title,
            &format!(
                "{}, {} parameters, {} bytes of weights, made {}",
                manifest.architecture.kind(),
                manifest.training.parameters,
                manifest.weights.size,
                manifest.created
            ),
        );
        summary(&mut page, manifest, report);
        curves(&mut page, &self.run)?;
        if let Some(report) = report {
            classes(&mut page, manifest, report);
            trust(&mut page, manifest, report, &self.run);
            mistakes(&mut page, report);
            if self.with_images {
                let roots = self.roots()?;
                page.heading("Scans");
                page.raw(&gallery::gallery(bundle, report, &roots)?);
            }
        } else if self.with_images {
            bail!(
                "{} has no test.json: there are no answers whose scans could be shown",
                self.run.display()
            );
        }
        data(&mut page, manifest);
        self.audit(&mut page)?;
        let made_with = &manifest.training.configuration;
        if let Ok(text) = std::fs::read_to_string(self.run.join("config.toml")) {
            page.heading("Configuration");
            page.listing(&text);
        } else if !made_with.is_null() {
            page.heading("Configuration");
            page.listing(&serde_json::to_string_pretty(made_with)?);
        }
        Ok(page.finish())
    }

    fn folds_page(&self, whole: &CrossValidation) -> Result<String> {
        if self.with_images {
            bail!(
                "--with-images is for a single run: name a fold, such as {}",
                self.run.join("fold-1").display()
            );
        }
        let Some(first) = whole.results.first() else {
            bail!("{} has no finished fold yet", self.run.display());
        };
        let bundle = open_bundle(&self.run.join(format!("fold-{}", first.fold)))?;
        let manifest = &bundle.manifest;
        let together = whole.together(&self.run)?;
        let pooled = &together.pooled;
        let mut page = Page::new(
            &format!("Cross-validation on {}", whole.data),
            &format!(
                "{}, {} parameters; {} images, {} folds",
                manifest.architecture.kind(),
                manifest.training.parameters,
                whole.images,
                whole.folds
            ),
        );
        folds(&mut page, whole, &together);
        classes(&mut page, manifest, pooled);
        reliability(&mut page, pooled);
        mistakes(&mut page, pooled);
        page.paragraph(&format!("Fold {}:", first.fold));
        data(&mut page, manifest);
        self.audit(&mut page)?;
        if let Ok(text) = std::fs::read_to_string(self.run.join(KFOLD_CONFIG)) {
            page.heading("Configuration");
            page.listing(&text);
        }
        Ok(page.finish())
    }

    /// The audit's findings, where there are some.
    fn audit(&self, page: &mut Page) -> Result<()> {
        let path = match &self.audit {
            Some(path) => path.clone(),
            None => self.run.join("audit.json"),
        };
        if self.audit.is_some() || path.is_file() {
            audit(page, &read_json(&path)?);
        }
        Ok(())
    }

    fn roots(&self) -> Result<Vec<PathBuf>> {
        if !self.data.is_empty() {
            return Ok(self.data.clone());
        }
        let info = RunFolder::open(&self.run).and_then(|folder| folder.info());
        Ok(info
            .context("--data is missing, and the folder does not say where its data is")?
            .data)
    }
}

/// What was measured on the run's test images; `None` where nothing was.
pub fn read_report(run: &Path) -> Result<Option<Report>> {
    for name in ["test.json", "report.json"] {
        let path = run.join(name);
        if path.is_file() {
            let bytes =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let report = serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not valid", path.display()))?;
            return Ok(Some(report));
        }
    }
    Ok(None)
}
