//! `cargo xtask bench native`: inference outside the browser, beside ONNX Runtime.

mod row;

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::material::{Choice, Material, TOLERANCE};
use super::{folder, load, machine, publish, read_json};
use crate::shell::{Cmd, write};
use crate::steps::{Steps, note};
use crate::{browser, dirs, python};

use row::{Row, table};

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
            rows.push(Row::new(name, threads, ours));
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
