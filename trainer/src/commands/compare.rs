//! `scanlight compare`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::bundle::Bundle;
use scanlight_model::trust::calibration::{brier, confidences, ece, reliability};
use serde::Serialize;

use super::report::read_report;
use super::{evaluate, open_bundle, write_json};
use crate::backend::{BackendName, Candle};
use crate::data::{self, Part, scan_folders};
use crate::html::charts::{Axes, Series, lines};
use crate::html::{Page, table};
use crate::metrics::Report;
use crate::stats::{bootstrap_interval, holm, mcnemar};
use crate::train::write_whole;

/// Compare models on the same test images: accuracy, calibration, size, speed, and whether the
/// difference of each pair is more than chance.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Runs, or published models with a report.json; each with the answers to the same test images.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Measure all of them anew on this data set (its Testing/ folder where it has one) instead of
    /// by their own test images. Mind that a model may have trained on it.
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
    /// Also write a page with the tables and reliability curves.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also write all numbers as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Passes over one image whose median time is given, after some that are not counted.
const TIMED: (usize, usize) = (3, 21);

/// One model's numbers.
#[derive(Debug, Clone, Serialize)]
struct Row {
    name: String,
    architecture: String,
    parameters: u64,
    bytes: u64,
    images: usize,
    accuracy: f64,
    accuracy_interval: Option<[f64; 2]>,
    loss: f64,
    auc_macro: Option<f64>,
    f1_macro: Option<f64>,
    f1: BTreeMap<String, Option<f64>>,
    ece: f64,
    brier: f64,
    latency_ms: f64,
}

/// McNemar's test of two models.
#[derive(Debug, Clone, Serialize)]
struct Pair {
    first: String,
    second: String,
    only_first_right: u64,
    only_second_right: u64,
    p: f64,
    p_holm: f64,
}

#[derive(Debug, Serialize)]
struct Comparison {
    models: Vec<Row>,
    pairs: Vec<Pair>,
    /// Accuracy of a nearest neighbour on raw pixels with the first model's split, as its training measured it.
    nearest_neighbour_accuracy: Option<f64>,
}

impl CompareArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut names: Vec<String> = self.runs.iter().map(|run| name(run)).collect();
        if names
            .iter()
            .any(|n| names.iter().filter(|m| *m == n).count() > 1)
        {
            names = self
                .runs
                .iter()
                .map(|run| run.display().to_string())
                .collect();
        }
        let bundles = self
            .runs
            .iter()
            .map(|run| open_bundle(run))
            .collect::<Result<Vec<_>>>()?;
        let mut reports = self.reports(&bundles)?;
        for report in &mut reports {
            report.images.sort_by(|a, b| a.path.cmp(&b.path));
        }
        same_images(&names, &reports)?;
        let models = names
            .iter()
            .zip(&bundles)
            .zip(&reports)
            .map(|((name, bundle), report)| row(name, bundle, report))
            .collect::<Result<Vec<_>>>()?;
        let comparison = Comparison {
            pairs: pairs(&names, &reports),
            nearest_neighbour_accuracy: self.floor(&bundles, &reports),
            models,
        };
        println!("{}", comparison.text());
        if let Some(path) = &self.json {
            write_json(path, &comparison)?;
        }
        if let Some(path) = &self.html {
            write_whole(path, comparison.html(&reports).as_bytes())?;
        }
        Ok(())
    }

    /// The floor that is on record for these test images.
    fn floor(&self, bundles: &[Bundle], reports: &[Report]) -> Option<f64> {
        let metrics = bundles.first()?.manifest.metrics.first()?;
        let same = self.data.is_empty() && metrics.images == reports.first()?.images.len() as u64;
        metrics.nearest_neighbour_accuracy.filter(|_| same)
    }

    fn reports(&self, bundles: &[Bundle]) -> Result<Vec<Report>> {
        if self.data.is_empty() {
            return self
                .runs
                .iter()
                .map(|run| {
                    read_report(run)?.with_context(|| {
                        format!(
                            "{} has no test.json: the run held out no test images; name a data set with --data",
                            run.display()
                        )
                    })
                })
                .collect();
        }
        bundles
            .iter()
            .map(|bundle| {
                let mut dataset = scan_folders(&self.data)?;
                evaluate::relabel(&mut dataset, &bundle.manifest.classes)?;
                let mut chosen: Vec<usize> = (0..dataset.entries.len())
                    .filter(|&i| dataset.entries[i].folder == Some(Part::Test))
                    .collect();
                if chosen.is_empty() {
                    chosen = (0..dataset.entries.len()).collect();
                }
                let loaded = data::load(&dataset, &chosen, &bundle.manifest.input, false)?;
                let images: Vec<_> = loaded.images.iter().collect();
                evaluate::measure(bundle, &dataset, &images, false, BackendName::Cpu)
            })
            .collect()
    }
}

fn name(run: &Path) -> String {
    run.file_name().map_or_else(
        || run.display().to_string(),
        |n| n.to_string_lossy().into_owned(),
    )
}

/// An error where two models were not asked the same questions; images are sorted by path.
fn same_images(names: &[String], reports: &[Report]) -> Result<()> {
    let questions = |report: &Report| -> Vec<(String, String)> {
        let images = report.images.iter();
        images.map(|i| (i.path.clone(), i.label.clone())).collect()
    };
    let first = questions(&reports[0]);
    for (name, report) in names.iter().zip(reports).skip(1) {
        let other = questions(report);
        if other != first {
            let example = first
                .iter()
                .find(|question| !other.contains(question))
                .or_else(|| other.iter().find(|question| !first.contains(question)))
                .map_or(String::new(), |(path, _)| format!(" (such as {path})"));
            bail!(
                "{} and {name} were not measured on the same test images: {} against {}{example}; train them with the same data, split and seed, or name a common set with --data",
                names[0],
                first.len(),
                other.len()
            );
        }
    }
    Ok(())
}

fn right(report: &Report) -> Vec<bool> {
    let images = report.images.iter();
    images.map(|image| image.label == image.predicted).collect()
}

fn row(name: &str, bundle: &Bundle, report: &Report) -> Result<Row> {
    let (probabilities, labels) = report.answers();
    Ok(Row {
        name: name.into(),
        architecture: bundle.manifest.architecture.kind().into(),
        parameters: bundle.manifest.training.parameters,
        bytes: bundle.manifest.weights.size,
        images: report.images.len(),
        accuracy: report.accuracy,
        accuracy_interval: bootstrap_interval(&right(report)),
        loss: report.loss,
        auc_macro: report.auc_macro,
        f1_macro: report.f1_macro,
        f1: report
            .per_class
            .iter()
            .map(|(class, numbers)| (class.clone(), numbers.f1))
            .collect(),
        ece: ece(&confidences(&probabilities, &labels)),
        brier: brier(&probabilities, &labels),
        latency_ms: latency(bundle)?,
    })
}

/// Median time of one image's classification with maps, in milliseconds, on burn-candle.
fn latency(bundle: &Bundle) -> Result<f64> {
    let classifier = bundle.classifier::<Candle>(&Default::default())?;
    let (width, height) = (bundle.manifest.input.width, bundle.manifest.input.height);
    let pixels: Vec<u8> = (0..width * height)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let scan = scanlight_model::Scan::from_luma8(width, height, &pixels)?;
    let mut times = Vec::with_capacity(TIMED.1);
    for pass in 0..TIMED.0 + TIMED.1 {
        let start = Instant::now();
        pollster::block_on(classifier.classify(&scan))?;
        if pass >= TIMED.0 {
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn pairs(names: &[String], reports: &[Report]) -> Vec<Pair> {
    let answers: Vec<Vec<bool>> = reports.iter().map(right).collect();
    let mut pairs = Vec::new();
    for second in 1..names.len() {
        for first in 0..second {
            let count = |wanted: (bool, bool)| {
                let both = answers[first].iter().zip(&answers[second]);
                both.filter(|&(&a, &b)| (a, b) == wanted).count() as u64
            };
            let (only_first, only_second) = (count((true, false)), count((false, true)));
            pairs.push(Pair {
                first: names[first].clone(),
                second: names[second].clone(),
                only_first_right: only_first,
                only_second_right: only_second,
                p: mcnemar(only_first, only_second),
                p_holm: 1.0,
            });
        }
    }
    let raised = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
    for (pair, p) in pairs.iter_mut().zip(raised) {
        pair.p_holm = p;
    }
    pairs
}

const PAIR_HEADER: [&str; 6] = [
    "pair",
    "only the first right",
    "only the second right",
    "p (McNemar, exact)",
    "p (Holm)",
    "verdict",
];

impl Comparison {
    fn header(&self) -> Vec<String> {
        let mut header: Vec<String> = [
            "model",
            "architecture",
            "parameters",
            "size (kB)",
            "accuracy (95 % interval)",
            "macro AUC",
            "macro F1",
        ]
        .map(String::from)
        .to_vec();
        if let Some(first) = self.models.first() {
            header.extend(first.f1.keys().map(|class| format!("F1 {class}")));
        }
        header.extend(["ECE", "Brier", "loss (nats)", "latency (ms)"].map(String::from));
        header
    }

    fn rows(&self) -> Vec<Vec<String>> {
        let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.4}"));
        self.models
            .iter()
            .map(|row| {
                let interval = row.accuracy_interval.map_or(String::new(), |[low, high]| {
                    format!(" ({:.2} to {:.2})", 100.0 * low, 100.0 * high)
                });
                let mut cells = vec![
                    row.name.clone(),
                    row.architecture.clone(),
                    row.parameters.to_string(),
                    format!("{:.0}", row.bytes as f64 / 1000.0),
                    format!("{:.2} %{interval}", 100.0 * row.accuracy),
                    number(row.auc_macro),
                    number(row.f1_macro),
                ];
                cells.extend(row.f1.values().map(|f1| number(*f1)));
                cells.extend([
                    format!("{:.4}", row.ece),
                    format!("{:.4}", row.brier),
                    format!("{:.4}", row.loss),
                    format!("{:.1}", row.latency_ms),
                ]);
                cells
            })
            .collect()
    }

    fn pair_rows(&self) -> Vec<Vec<String>> {
        self.pairs
            .iter()
            .map(|pair| {
                let verdict = if pair.p_holm >= 0.05 {
                    "may be chance".into()
                } else if pair.only_first_right > pair.only_second_right {
                    format!("{} is better", pair.first)
                } else {
                    format!("{} is better", pair.second)
                };
                vec![
                    format!("{} / {}", pair.first, pair.second),
                    pair.only_first_right.to_string(),
                    pair.only_second_right.to_string(),
                    format!("{:.4}", pair.p),
                    format!("{:.4}", pair.p_holm),
                    verdict,
                ]
            })
            .collect()
    }

    fn text(&self) -> String {
        let header = self.header();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        format!(
            "{}{}\n{}",
            columns(&header, &self.rows()),
            self.floor_line().map_or(String::new(), |line| line + "\n"),
            columns(&PAIR_HEADER, &self.pair_rows())
        )
    }

    fn floor_line(&self) -> Option<String> {
        let floor = 100.0 * self.nearest_neighbour_accuracy?;
        Some(format!(
            "A nearest neighbour on raw pixels names {floor:.2} % of these images."
        ))
    }

    fn html(&self, reports: &[Report]) -> String {
        let images = self.models.first().map_or(0, |row| row.images);
        let mut page = Page::new(
            "Models compared",
            &format!(
                "{} models on the same {images} test images",
                self.models.len()
            ),
        );
        page.heading("Numbers");
        let header = self.header();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        page.raw(&table(&header, &self.rows()));
        page.paragraph(
            "Intervals: percentile bootstrap over the images. ECE: 15 bins of equal width. Latency: \
             median of one image's classification with heatmaps, burn-candle on this machine's processor.",
        );
        if let Some(line) = self.floor_line() {
            page.paragraph(&line);
        }
        page.heading("Pairs");
        page.raw(&table(&PAIR_HEADER, &self.pair_rows()));
        page.paragraph(
            "McNemar's exact test asks whether two models' different mistakes could be chance; Holm's \
             correction accounts for the number of pairs.",
        );
        page.heading("Calibration");
        let mut series: Vec<Series> = self
            .models
            .iter()
            .zip(reports)
            .map(|(row, report)| {
                let (probabilities, labels) = report.answers();
                let points = reliability(&confidences(&probabilities, &labels))
                    .iter()
                    .filter(|bin| bin.count > 0)
                    .map(|bin| [bin.confidence, bin.accuracy])
                    .collect();
                Series::new(row.name.clone(), points)
            })
            .collect();
        series.push(Series::dashed(
            "as it should be",
            vec![[0.0, 0.0], [1.0, 1.0]],
        ));
        page.charts(&[lines(
            &Axes::unit("Reliability", "confidence", "share of right answers"),
            &series,
        )]);
        page.finish()
    }
}

/// A table in plain text.
fn columns(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|i| {
            let cells = rows.iter().filter_map(|row| row.get(i));
            let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            longest.max(header[i].chars().count())
        })
        .collect();
    let line = |cells: &[&str]| -> String {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        padded.join("  ").trim_end().to_string() + "\n"
    };
    let mut text = line(header);
    for row in rows {
        text += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}
