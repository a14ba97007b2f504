//! `scanlight report`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::{Bundle, Manifest};
use serde_json::Value;

use super::open_bundle;
use crate::gallery;
use crate::html::charts::{Axes, Bars, Series, bars, confusion, histogram, lines};
use crate::html::{Page, table};
use crate::metrics::{ImageReport, Report};
use crate::stats::{bootstrap_interval, precision_recall, roc};
use crate::train::{RunFolder, write_whole};
use scanlight_model::trust::uncertainty::risk_coverage;

/// Write everything about a run into one HTML file.
///
/// The file loads nothing and runs no script. Scans are only put into it with --with-images: mind
/// that whoever gets the file gets them too.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run's folder, or a published model with a report.json or test.json beside it.
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
}

/// Mistakes that are listed.
const MISTAKES: usize = 24;

impl ReportArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let bundle = open_bundle(&self.run)?;
        let report = read_report(&self.run)?;
        let html = self.page(&bundle, report.as_ref())?;
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
        data(&mut page, manifest, &self.run);
        if let Ok(text) = std::fs::read_to_string(self.run.join("config.toml")) {
            page.heading("Configuration");
            page.listing(&text);
        }
        Ok(page.finish())
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

fn percent(value: f64) -> String {
    format!("{:.2} %", 100.0 * value)
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |v| format!("{v:.4}"))
}

fn summary(page: &mut Page, manifest: &Manifest, report: Option<&Report>) {
    if !manifest.description.is_empty() {
        page.paragraph(&manifest.description);
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    if let Some(report) = report {
        let right: Vec<bool> = report.images.iter().map(is_right).collect();
        let interval = bootstrap_interval(&right).map_or(String::new(), |[low, high]| {
            format!(" ({} to {})", percent(low), percent(high))
        });
        rows.push(vec![
            "accuracy (95 % bootstrap interval)".into(),
            format!("{}{interval}", percent(report.accuracy)),
        ]);
        rows.push(vec!["test images".into(), report.images.len().to_string()]);
        rows.push(vec!["macro AUC".into(), number(report.auc_macro)]);
        rows.push(vec!["macro F1".into(), number(report.f1_macro)]);
        rows.push(vec![
            "cross-entropy (nats)".into(),
            format!("{:.4}", report.loss),
        ]);
    }
    for metrics in &manifest.metrics {
        if let Some(floor) = metrics.nearest_neighbour_accuracy {
            rows.push(vec![
                "nearest neighbour on raw pixels, same images".into(),
                percent(floor),
            ]);
        }
    }
    rows.push(vec![
        "epochs (kept)".into(),
        format!(
            "{} ({})",
            manifest.training.epochs, manifest.training.best_epoch
        ),
    ]);
    page.heading("Summary");
    page.raw(&table(&["", "value"], &rows));
    for metrics in manifest.metrics.iter().filter(|m| !m.remark.is_empty()) {
        page.paragraph(&format!("{}: {}", metrics.data, metrics.remark));
    }
}

/// The curves of `metrics.jsonl`, whatever numbers it has by epoch.
fn curves(page: &mut Page, run: &Path) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(run.join("metrics.jsonl")) else {
        return Ok(());
    };
    let records: Vec<Value> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("{} is not valid", run.join("metrics.jsonl").display()))?;
    let series = |key: &str, name: &str| -> Option<Series> {
        let points: Vec<[f64; 2]> = records
            .iter()
            .filter_map(|record| Some([record["epoch"].as_f64()?, record[key].as_f64()?]))
            .collect();
        (!points.is_empty()).then(|| Series::new(name, points))
    };
    let chart = |title: &str, unit: &str, keys: &[(&str, &str)]| -> Option<String> {
        let found: Vec<Series> = keys
            .iter()
            .filter_map(|(key, name)| series(key, name))
            .collect();
        (!found.is_empty()).then(|| lines(&Axes::new(title, "epoch", unit), &found))
    };
    let charts: Vec<String> = [
        chart(
            "Loss",
            "cross-entropy (nats)",
            &[
                ("train_loss", "training"),
                ("validation_loss", "validation"),
            ],
        ),
        chart(
            "Accuracy",
            "share of right answers",
            &[
                ("validation_accuracy", "validation"),
                ("clean_train_accuracy", "training images, unchanged"),
            ],
        ),
        chart("Learning rate", "rate", &[("learning_rate", "")]),
        chart("Gradient norm", "norm", &[("gradient_norm", "")]),
        chart("Time", "seconds an epoch", &[("seconds", "")]),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !charts.is_empty() {
        page.heading("Training");
        page.charts(&charts);
    }
    Ok(())
}

fn is_right(image: &ImageReport) -> bool {
    image.label == image.predicted
}

/// Points of a curve from scores and whether each is of the class.
type Curve = fn(&[(f64, bool)]) -> Vec<[f64; 2]>;

fn classes(page: &mut Page, manifest: &Manifest, report: &Report) {
    page.heading("Classes");
    let rows: Vec<Vec<String>> = report
        .per_class
        .iter()
        .map(|(name, class)| {
            vec![
                name.clone(),
                class.images.to_string(),
                number(class.auc),
                number(class.precision),
                number(class.recall),
                number(class.f1),
            ]
        })
        .collect();
    page.raw(&table(
        &["class", "images", "AUC", "precision", "recall", "F1"],
        &rows,
    ));
    page.raw(&confusion(&manifest.classes, &report.confusion));
    let curve = |make: Curve| -> Vec<Series> {
        manifest
            .classes
            .iter()
            .map(|class| {
                let scores: Vec<(f64, bool)> = report
                    .images
                    .iter()
                    .map(|image| {
                        let p = image.probabilities.get(class).copied().unwrap_or(0.0);
                        (p, image.label == *class)
                    })
                    .collect();
                Series::new(class.clone(), make(&scores))
            })
            .collect()
    };
    page.charts(&[
        lines(
            &Axes::unit(
                "ROC, each class against the rest",
                "false-positive rate",
                "true-positive rate",
            ),
            &curve(roc),
        ),
        lines(
            &Axes::unit("Precision and recall", "recall", "precision"),
            &curve(precision_recall),
        ),
    ]);
}

fn trust(page: &mut Page, manifest: &Manifest, report: &Report, run: &Path) {
    let Some(trust) = &report.trust else { return };
    page.heading("Trust");
    let rows = [("before", &trust.before), ("after", &trust.after)]
        .map(|(name, c)| {
            vec![
                format!("{name} (temperature {:.3})", c.temperature),
                percent(c.ece),
                percent(c.ece_adaptive),
                format!("{:.4}", c.brier),
                format!("{:.4}", c.loss),
            ]
        })
        .to_vec();
    page.raw(&table(
        &[
            "temperature scaling",
            "ECE, 15 equal bins",
            "ECE, adaptive",
            "Brier",
            "cross-entropy (nats)",
        ],
        &rows,
    ));
    let diagonal = Series::new("", vec![[0.0, 0.0], [1.0, 1.0]]);
    let reliability = |title: &str, bins: &[scanlight_model::trust::calibration::Bin]| {
        let bars_of = bins
            .iter()
            .filter(|bin| bin.count > 0)
            .map(|bin| [bin.low, bin.high, bin.accuracy])
            .collect();
        bars(
            &Axes::unit(title, "confidence", "share of right answers"),
            &[Bars {
                name: String::new(),
                bars: bars_of,
            }],
            std::slice::from_ref(&diagonal),
        )
    };
    let mut charts = vec![
        reliability("Reliability before scaling", &trust.before.reliability),
        reliability("Reliability after scaling", &trust.after.reliability),
    ];
    let answers: Vec<(f32, bool)> = report
        .images
        .iter()
        .filter_map(|image| Some((image.uncertainty? as f32, is_right(image))))
        .collect();
    if !answers.is_empty() {
        let points = risk_coverage(&answers)
            .iter()
            .map(|point| [point.coverage, point.risk])
            .collect();
        let axes = Axes {
            x_range: Some([0.0, 1.0]),
            ..Axes::new(
                "Risk and coverage",
                "share of the images answered, surest first",
                "share of wrong answers",
            )
        };
        charts.push(lines(&axes, &[Series::new("", points)]));
    }
    charts.extend(strangeness(manifest, report, run));
    page.charts(&charts);
    if let (Some(coverage), Some(accuracy)) = (trust.selective.coverage, trust.selective.accuracy) {
        page.paragraph(&format!(
            "At the abstain threshold {} of the test images are answered, {} of those rightly.",
            percent(coverage),
            percent(accuracy)
        ));
    }
    if let Some(ood) = &trust.ood {
        page.paragraph(&format!(
            "{} of the test images count as like the training images.",
            percent(ood.acceptance)
        ));
        let rows: Vec<Vec<String>> = ood
            .auroc
            .iter()
            .map(|(kind, area)| {
                let refused = ood.rejected.get(kind).copied().unwrap_or_default();
                vec![
                    kind.replace('_', " "),
                    format!("{area:.4}"),
                    percent(refused),
                ]
            })
            .collect();
        page.raw(&table(
            &[
                "drawn pictures that are no slices",
                "AUROC of the features' score",
                "refused, colour included",
            ],
            &rows,
        ));
    }
}

/// Histogram of the test images' strangeness, with that of the foreign pictures from `trust.json`.
fn strangeness(manifest: &Manifest, report: &Report, run: &Path) -> Option<String> {
    let threshold = manifest.trust.as_ref()?.ood.as_ref()?.threshold;
    let inside: Vec<f64> = report.images.iter().filter_map(|image| image.ood).collect();
    if inside.is_empty() {
        return None;
    }
    let foreign: Vec<f64> = std::fs::read(run.join("trust.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .and_then(|value| {
            let kinds = value.get("foreign_scores")?.as_object()?.clone();
            let scores = kinds.values().filter_map(Value::as_array).flatten();
            Some(scores.filter_map(Value::as_f64).collect())
        })
        .unwrap_or_default();
    let mut sorted: Vec<f64> = foreign.iter().chain(&inside).copied().collect();
    sorted.sort_by(f64::total_cmp);
    let high = sorted[(sorted.len() - 1) * 97 / 100].max(f64::from(threshold) * 1.05);
    let sets = [("test images", inside), ("drawn pictures", foreign)];
    let sets: Vec<(&str, Vec<f64>)> = sets.into_iter().filter(|set| !set.1.is_empty()).collect();
    let axes = Axes::new(
        "Strangeness (dashed: threshold)",
        "score, larger is stranger",
        "share of the pictures (%)",
    );
    Some(histogram(&axes, &sets, high, Some(threshold.into())))
}

fn mistakes(page: &mut Page, report: &Report) {
    let wrong = worst(report);
    page.heading("Worst mistakes");
    if wrong.is_empty() {
        page.paragraph("None: every answer on the test images is right.");
        return;
    }
    let rows: Vec<Vec<String>> = wrong
        .iter()
        .take(MISTAKES)
        .map(|image| {
            let p = |class: &str| {
                let value = image.probabilities.get(class).copied().unwrap_or_default();
                format!("{:.1} %", 100.0 * value)
            };
            vec![
                image.path.clone(),
                format!("{} ({})", image.label, p(&image.label)),
                format!("{} ({})", image.predicted, p(&image.predicted)),
                image.verdict.as_deref().unwrap_or("-").replace('_', " "),
            ]
        })
        .collect();
    page.raw(&table(&["image", "true", "predicted", "verdict"], &rows));
    page.paragraph(&format!(
        "{} of {} answers are wrong; the surest mistakes come first.",
        wrong.len(),
        report.images.len()
    ));
}

/// The wrong answers, those that give the truth least come first.
pub fn worst(report: &Report) -> Vec<&ImageReport> {
    let truth = |image: &ImageReport| {
        let p = image.probabilities.get(&image.label);
        p.copied().unwrap_or_default()
    };
    let mut wrong: Vec<&ImageReport> = report.images.iter().filter(|i| !is_right(i)).collect();
    wrong.sort_by(|a, b| truth(a).total_cmp(&truth(b)));
    wrong
}

fn data(page: &mut Page, manifest: &Manifest, run: &Path) {
    page.heading("Data");
    let mut rows = Vec::new();
    for source in &manifest.training.data {
        for (part, classes) in &source.images {
            let counts: Vec<String> = classes
                .iter()
                .map(|(class, count)| format!("{class} {count}"))
                .collect();
            rows.push(vec![
                format!(
                    "{}{}",
                    source.name,
                    if source.synthetic { " (synthetic)" } else { "" }
                ),
                part.clone(),
                classes.values().sum::<u64>().to_string(),
                counts.join(", "),
            ]);
        }
    }
    page.raw(&table(&["set", "part", "images", "by class"], &rows));
    page.paragraph(&format!(
        "Split: {}, seed {}.",
        manifest.training.split.method, manifest.training.split.seed
    ));
    let audit = std::fs::read(run.join("audit.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if let Some(Value::Object(audit)) = audit {
        page.heading("Data audit");
        let audit = match audit.get("summary") {
            Some(Value::Object(summary)) => summary.clone(),
            _ => audit,
        };
        // Whatever single numbers and words the audit gives; lists are its own report's matter.
        let rows: Vec<Vec<String>> = audit
            .iter()
            .filter_map(|(key, value)| {
                let text = match value {
                    Value::Array(items) => format!("{} entries", items.len()),
                    Value::Object(_) | Value::Null => return None,
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                Some(vec![key.replace('_', " "), text])
            })
            .collect();
        page.raw(&table(&["", "value"], &rows));
    }
}
