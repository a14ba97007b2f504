//! Benchmarks: timings belong here, not into tests.

mod material;
mod native;
mod plot;
mod scale;
mod stats;
mod train;
mod web;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

use crate::dirs;
use crate::shell::write;
use crate::steps::{Steps, note};

use stats::median;

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Training, beside PyTorch
    Train(train::TrainBench),
    /// The page, beside onnxruntime-web and TensorFlow.js
    Web(web::WebBench),
    /// Inference outside the browser, beside ONNX Runtime
    Native(native::NativeBench),
    /// The page's engine as work grows
    Scale(scale::ScaleBench),
}

impl Bench {
    /// Runs the benchmark.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        match self {
            Self::Train(bench) => bench.run(steps),
            Self::Web(bench) => bench.run(steps),
            Self::Native(bench) => bench.run(steps),
            Self::Scale(bench) => bench.run(steps),
        }
    }
}

/// The folder for what benchmarks install and find out.
fn folder() -> PathBuf {
    dirs::root().join("target").join("bench")
}

/// Shows a table, and writes it beside all the numbers.
fn publish(name: &str, table: &str, results: &Value) -> Result<()> {
    println!("\n{table}");
    let json = folder().join(format!("{name}.json"));
    write(&json, &(serde_json::to_string_pretty(results)? + "\n"))?;
    write(&folder().join(format!("{name}.md")), table)?;
    note(&format!("written to {}", json.display()));
    Ok(())
}

/// Reads a JSON file.
fn read_json(path: &std::path::Path) -> Result<Value> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// A JSON list's numbers.
fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect()
}

/// A JSON text, or "unknown".
fn text(value: &Value) -> String {
    value.as_str().unwrap_or("unknown").to_owned()
}

/// The largest difference between two lists; infinite where their lengths differ or a value is missing.
fn difference(a: &[f64], b: &[f64]) -> f64 {
    if a.len() != b.len() || a.is_empty() {
        return f64::INFINITY;
    }
    let pairs = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    pairs.fold(0.0, f64::max)
}

/// The machine's processor and number of threads, for the results.
fn machine() -> String {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|line| line.split_once(':'))
        .map_or(std::env::consts::ARCH, |(_, name)| name.trim());
    let noun = if threads == 1 { "thread" } else { "threads" };
    format!("{model}, {threads} {noun}, {}", std::env::consts::OS)
}

/// How busy the machine was in the last minute, in running programs; nothing where the system does not say.
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences() {
        assert_eq!(difference(&[0.5, 0.5], &[0.5, 0.25]), 0.25);
        assert_eq!(difference(&[0.5], &[0.5, 0.5]), f64::INFINITY);
        assert_eq!(difference(&[], &[]), f64::INFINITY);
    }
}
