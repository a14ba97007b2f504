//! `cargo xtask bench native`: inference outside the browser, beside ONNX Runtime.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::material::{Choice, Material, TOLERANCE};
use super::stats::{Summary, digits};
use super::{difference, folder, load, machine, numbers, publish, read_json, text};
use crate::shell::{Cmd, write};
use crate::steps::{Steps, note};
use crate::{browser, dirs, python};

/// Measure how long one image takes outside the browser: our direct path, burn-candle and burn-wgpu beside
/// ONNX Runtime, on the same weights and input.
#[derive(Debug, Args)]
pub struct NativeBench {
    #[command(flatten)]
    choice: Choice,
    /// Engines to measure, as `scanlight latency --engine` names them
    #[arg(long, value_delimiter = ',', default_value = "direct,candle,wgpu")]
    engines: Vec<String>,
    /// ONNX Runtime's execution providers
    #[arg(long, value_delimiter = ',', default_value = "CPUExecutionProvider")]
    providers: Vec<String>,
    /// Numbers of threads, for engines on the CPU that can use several
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Runs that are timed in each round
    #[arg(long, default_value_t = 10)]
    iterations: usize,
    /// Rounds: every contestant has its turn in each, so that a busy moment hits all
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

/// One contestant's times in seconds, of all rounds.
#[derive(Debug, Default)]
struct Row {
    name: String,
    /// Number of threads; none where they are no matter of the CPU's.
    threads: Option<usize>,
    ours: bool,
    /// Why it has no times.
    failure: Option<String>,
    /// The largest difference from the reference's probabilities.
    difference: f64,
    network: Vec<f64>,
    explained: Vec<f64>,
    whole: Vec<f64>,
}

impl NativeBench {
    /// Runs the benchmark.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        let vulkan = steps.run("Vulkan driver", browser::ensure_vulkan)?;
        let python = steps.run("Python packages with ONNX Runtime", python::ensure)?;
        let material = steps.run("trainer and model", || self.choice.prepare())?;
        let mut rows = self.rows(python.is_some());
        steps.run("inference", || {
            for round in 1..=self.rounds {
                note(&format!("round {round} of {}", self.rounds));
                for row in rows.iter_mut().filter(|row| row.failure.is_none()) {
                    let found = match (&python, row.ours) {
                        (Some(python), false) => self.peer(python, &material, row),
                        _ => self.ours(&material, row, &vulkan),
                    };
                    if let Err(error) = found.and_then(|found| row.take(&found, &material)) {
                        note(&format!("{} FAILED: {error:#}", row.name));
                        row.failure = Some(format!("{error:#}"));
                    }
                }
            }
            Ok(())
        })?;
        let results = json!({
            "machine": machine(),
            "load": load(),
            "model": material.id,
            "tolerance": TOLERANCE,
            "contestants": rows.iter().map(Row::json).collect::<Vec<_>>(),
        });
        let mut report = format!("{}.\n\n", machine());
        if rows.iter().any(|row| row.name == "wgpu") && browser::is_software_vulkan(&vulkan) {
            report += "**burn-wgpu runs on a program on the CPU (lavapipe) here: its row proves that it works, \
                       not how fast.**\n\n";
        }
        publish("native", &(report + &table(&rows)), &results)
    }

    /// The contestants, without times.
    fn rows(&self, with_peers: bool) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut add = |name: &str, threads: Option<usize>, ours| {
            rows.push(Row {
                name: name.to_owned(),
                threads,
                ours,
                ..Row::default()
            });
        };
        for engine in &self.engines {
            match engine.as_str() {
                "direct" => add(engine, Some(1), true),
                "candle" | "tch" => {
                    for &threads in &self.threads {
                        add(engine, Some(threads), true);
                    }
                }
                _ => add(engine, None, true),
            }
        }
        for provider in self.providers.iter().filter(|_| with_peers) {
            if provider == "CPUExecutionProvider" {
                for &threads in &self.threads {
                    add(provider, Some(threads), false);
                }
            } else {
                add(provider, None, false);
            }
        }
        rows
    }

    fn ours(
        &self,
        material: &Material,
        row: &Row,
        vulkan: &[(String, std::path::PathBuf)],
    ) -> Result<Value> {
        let json = folder().join("latency.json");
        write(&json, "")?;
        let mut call = Cmd::new(&material.program)
            .args(["latency", "--engine", &row.name, "--model"])
            .arg(&material.model)
            .args(["--runs", &self.iterations.to_string(), "--json"])
            .arg(&json)
            .arg(&material.image)
            .envs(vulkan.iter().cloned());
        if let Some(threads) = row.threads {
            call = call
                .env("RAYON_NUM_THREADS", threads.to_string())
                .env("OMP_NUM_THREADS", threads.to_string());
        }
        call.output()?;
        read_json(&json)
    }

    fn peer(&self, python: &Path, material: &Material, row: &Row) -> Result<Value> {
        let numbers = [row.threads.unwrap_or(1), self.iterations].map(|number| number.to_string());
        let output = Cmd::new(python)
            .arg(dirs::root().join("xtask/bench/infer_onnxruntime.py"))
            .args([&material.onnx, &material.plane])
            .args(numbers)
            .arg(&row.name)
            .output()?;
        serde_json::from_str(&output).context("ONNX Runtime's script printed no JSON")
    }
}

impl Row {
    /// Takes one round's times, unless the answer is another one than the reference.
    fn take(&mut self, found: &Value, material: &Material) -> Result<()> {
        let difference = difference(&numbers(&found["probabilities"]), &material.reference);
        anyhow::ensure!(
            difference <= TOLERANCE,
            "its probabilities differ by {difference:.1e}"
        );
        self.difference = self.difference.max(difference);
        self.network.extend(numbers(&found["network"]));
        self.explained.extend(numbers(&found["explained"]));
        self.whole.extend(numbers(&found["whole"]));
        if let (None, Some(version)) = (self.threads, found["engine"].as_str()) {
            // The adapter or provider that really ran.
            note(&format!("{}: {version}", self.name));
        }
        Ok(())
    }

    fn title(&self) -> String {
        let name = match self.name.as_str() {
            "direct" => "Scanlight's direct path",
            "candle" => "burn-candle",
            "wgpu" => "burn-wgpu",
            "cuda" => "burn-cuda",
            "tch" => "burn-tch",
            "CPUExecutionProvider" => "ONNX Runtime",
            other => {
                return format!(
                    "ONNX Runtime, {}",
                    other.trim_end_matches("ExecutionProvider")
                );
            }
        };
        name.to_owned()
    }

    fn json(&self) -> Value {
        json!({
            "name": text(&json!(self.title())),
            "threads": self.threads,
            "failure": self.failure,
            "difference": self.difference,
            "network_seconds": self.network,
            "explained_seconds": self.explained,
            "whole_seconds": self.whole,
        })
    }
}

/// The results as a Markdown table; ratios are to the fastest ONNX Runtime.
fn table(rows: &[Row]) -> String {
    let best = rows
        .iter()
        .filter(|row| !row.ours && row.failure.is_none())
        .filter_map(|row| Summary::of(&row.network))
        .map(|summary| summary.median)
        .fold(f64::INFINITY, f64::min);
    let mut table = String::from(
        "Milliseconds for one image: medians, with the quarters around them.\n\n\
         | engine | threads | network alone | with Grad-CAM | from the file to Grad-CAM | of the best ONNX Runtime \
         | differs by |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let threads = row
            .threads
            .map_or("-".to_owned(), |threads| threads.to_string());
        if let Some(failure) = &row.failure {
            table += &format!(
                "| {} | {threads} | failed: {failure} | | | | |\n",
                row.title()
            );
            continue;
        }
        let show = |values: &[f64]| {
            Summary::of(values).map_or("-".to_owned(), |summary| summary.show(1e3))
        };
        let ratio = Summary::of(&row.network)
            .filter(|_| best.is_finite())
            .map_or("-".to_owned(), |summary| digits(summary.median / best));
        table += &format!(
            "| {} | {threads} | {} | {} | {} | {ratio} | {:.1e} |\n",
            row.title(),
            show(&row.network),
            show(&row.explained),
            show(&row.whole),
            row.difference
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ours: bool, network: &[f64]) -> Row {
        Row {
            name: name.to_owned(),
            threads: Some(1),
            ours,
            network: network.to_vec(),
            ..Row::default()
        }
    }

    #[test]
    fn ratios_are_to_the_best_peer() {
        let mut failed = row("CPUExecutionProvider", false, &[0.000_1]);
        failed.failure = Some("its probabilities differ by 2e-1".into());
        let rows = [
            row("direct", true, &[0.004, 0.005, 0.006]),
            row("CPUExecutionProvider", false, &[0.010]),
            row("CPUExecutionProvider", false, &[0.020]),
            failed,
        ];
        let table = table(&rows);
        assert!(
            table.contains("| Scanlight's direct path | 1 | 5.00 (4.50 to 5.50) | - | - | 0.50 |")
        );
        assert!(table.contains("| ONNX Runtime | 1 | 20.0 (20.0 to 20.0) | - | - | 2.00 |"));
        assert!(table.contains("failed: its probabilities differ by 2e-1"));
    }

    #[test]
    fn another_answer_is_not_timed() {
        let material = Material {
            program: "".into(),
            model: "".into(),
            id: "m".into(),
            onnx: "".into(),
            image: "".into(),
            plane: "".into(),
            reference: vec![0.75, 0.25],
        };
        let mut row = row("direct", true, &[]);
        let wrong = json!({ "probabilities": [0.70, 0.30], "network": [0.1] });
        assert!(row.take(&wrong, &material).is_err());
        assert!(row.network.is_empty());
        let right = json!({ "probabilities": [0.7501, 0.2499], "network": [0.1] });
        assert!(row.take(&right, &material).is_ok());
        assert_eq!(row.network, [0.1]);
    }
}
