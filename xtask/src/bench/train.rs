//! `cargo xtask bench train`: images a second of each training backend, beside PyTorch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::{Value, json};

use super::{folder, median};
use crate::dirs;
use crate::shell::{Cmd, OrTodo, path_with, which, write};
use crate::steps::{Steps, note};

/// How long PyTorch's download may take.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// The variable that names a Python that has PyTorch already.
const VARIABLE: &str = "SCANLIGHT_TORCH_PYTHON";

/// Measure how many images a second each backend trains, beside PyTorch on the same machine.
#[derive(Debug, Args)]
pub struct TrainBench {
    /// Networks to train
    #[arg(long, value_delimiter = ',', default_value = "reference-cnn,compact")]
    arch: Vec<String>,
    /// Backends to measure, as `scanlight train --backend` names them
    #[arg(long, value_delimiter = ',', default_value = "cpu,tch")]
    backends: Vec<String>,
    /// Numbers of threads
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// Images of a step
    #[arg(long, default_value_t = 32)]
    batch: usize,
    /// Steps that are timed in each round
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Rounds: every contestant has its turn in each, so that a busy moment hits all
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// A trainer that is built already, with the features that the backends need
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where PyTorch computes: cpu or cuda
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// One contestant's times.
struct Row {
    name: String,
    architecture: String,
    threads: usize,
    /// Seconds of each step, of all rounds.
    seconds: Vec<f64>,
}

impl TrainBench {
    /// Runs the benchmark.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        let python = steps.run("PyTorch", ensure_torch)?;
        let program = match &self.program {
            Some(program) => program.clone(),
            None => steps.run("trainer", || self.build(python.as_deref()))?,
        };
        let rows = steps.run("training", || self.measure(&program, python.as_deref()))?;
        let table = self.table(&rows);
        println!("\n{table}");
        let results: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name,
                    "architecture": row.architecture,
                    "threads": row.threads,
                    "batch_size": self.batch,
                    "images_per_second": self.rate(row),
                    "seconds": row.seconds,
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&results)? + "\n";
        write(&folder().join("train.json"), &text)?;
        write(&folder().join("train.md"), &table)?;
        note(&format!(
            "written to {}",
            folder().join("train.json").display()
        ));
        Ok(())
    }

    /// Builds the release trainer; with LibTorch out of PyTorch's own package where it is wanted.
    fn build(&self, python: Option<&Path>) -> Result<PathBuf> {
        let features: Vec<&str> = ["tch", "cuda"]
            .into_iter()
            .filter(|feature| self.wants(feature))
            .collect();
        let mut call = Cmd::cargo()
            .args(["build", "--release", "--package", "scanlight", "--features"])
            .arg(features.join(","))
            .dir(dirs::root());
        if let Some(python) = python.filter(|_| self.wants("tch")) {
            let bin = python.parent().unwrap_or(Path::new(""));
            call = call
                .env("LIBTORCH_USE_PYTORCH", "1")
                .env("LIBTORCH_BYPASS_VERSION_CHECK", "1")
                .env("PATH", path_with(&[bin.to_owned()])?);
        }
        call.run().or_todo(
            "the trainer could not be built",
            "Leave out what this machine cannot build: --backends cpu",
        )?;
        Ok(dirs::root().join("target/release/scanlight"))
    }

    fn wants(&self, backend: &str) -> bool {
        self.backends.iter().any(|wanted| wanted == backend)
    }

    fn measure(&self, program: &Path, python: Option<&Path>) -> Result<Vec<Row>> {
        let mut rows: Vec<Row> = Vec::new();
        let mut add = |name: String, architecture: &str, threads: usize, seconds: Vec<f64>| {
            let known = rows.iter_mut().find(|row| {
                (row.name.as_str(), row.architecture.as_str(), row.threads)
                    == (name.as_str(), architecture, threads)
            });
            match known {
                Some(row) => row.seconds.extend(seconds),
                None => rows.push(Row {
                    name,
                    architecture: architecture.to_owned(),
                    threads,
                    seconds,
                }),
            }
        };
        for round in 1..=self.rounds {
            note(&format!("round {round} of {}", self.rounds));
            for architecture in &self.arch {
                for &threads in &self.threads {
                    if let Some(python) = python {
                        for line in self.torch(python, architecture, threads)? {
                            let name = format!(
                                "{}, {}",
                                text(&line, "backend"),
                                text(&line, "memory_format")
                            );
                            add(name, architecture, threads, seconds(&line));
                        }
                    }
                    for backend in &self.backends {
                        let step = Step {
                            architecture,
                            backend,
                            threads,
                            batch: self.batch,
                            steps: self.steps,
                        };
                        let found = step.time(program, python)?;
                        add(
                            text(&found, "backend"),
                            architecture,
                            threads,
                            seconds(&found),
                        );
                    }
                }
            }
        }
        Ok(rows)
    }

    fn torch(&self, python: &Path, architecture: &str, threads: usize) -> Result<Vec<Value>> {
        let numbers = [self.batch, threads, self.steps].map(|number| number.to_string());
        let output = Cmd::new(python)
            .arg(dirs::root().join("xtask/bench/train_pytorch.py"))
            .arg(architecture)
            .args(numbers)
            .arg(&self.device)
            .env("OMP_NUM_THREADS", threads.to_string())
            .output()?;
        output
            .lines()
            .map(|line| serde_json::from_str(line).context("PyTorch's script printed no JSON"))
            .collect()
    }

    fn rate(&self, row: &Row) -> f64 {
        self.batch as f64 / median(&row.seconds)
    }

    /// The results as a Markdown table; ratios are to PyTorch's better memory format.
    fn table(&self, rows: &[Row]) -> String {
        let mut text = String::from(
            "| network | threads | backend | images/s | slowest and fastest step | of PyTorch |\n\
             |---|---|---|---|---|---|\n",
        );
        for row in rows {
            let peers = rows.iter().filter(|peer| {
                peer.name.starts_with("PyTorch")
                    && (peer.architecture.as_str(), peer.threads)
                        == (row.architecture.as_str(), row.threads)
            });
            let best = peers.map(|peer| self.rate(peer)).fold(0.0, f64::max);
            let ratio = if best > 0.0 {
                format!("{:.2}", self.rate(row) / best)
            } else {
                "-".into()
            };
            let of = |seconds: f64| self.batch as f64 / seconds;
            let slowest = row.seconds.iter().copied().fold(0.0, f64::max);
            let fastest = row.seconds.iter().copied().fold(f64::INFINITY, f64::min);
            text += &format!(
                "| {} | {} | {} | {:.1} | {:.1} to {:.1} | {ratio} |\n",
                row.architecture,
                row.threads,
                row.name,
                self.rate(row),
                of(slowest),
                of(fastest),
            );
        }
        text
    }
}

/// A training step of ours to be timed.
pub struct Step<'a> {
    /// The network.
    pub architecture: &'a str,
    /// The backend.
    pub backend: &'a str,
    /// Number of threads.
    pub threads: usize,
    /// Images of a step.
    pub batch: usize,
    /// Steps that are timed.
    pub steps: usize,
}

impl Step<'_> {
    /// What `scanlight throughput` found; `python` is one with the PyTorch that the trainer was built with.
    pub fn time(&self, program: &Path, python: Option<&Path>) -> Result<Value> {
        let json = folder().join("step.json");
        write(&json, "")?;
        let numbers = [self.batch, self.steps].map(|number| number.to_string());
        let mut call = Cmd::new(program)
            .args(["throughput", "--arch", self.architecture])
            .args(["--backend", self.backend])
            .args(["--batch-size", &numbers[0], "--steps", &numbers[1]])
            .arg("--json")
            .arg(&json)
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            .env("OMP_NUM_THREADS", self.threads.to_string());
        if let Some(python) = python {
            call = call.env("LD_LIBRARY_PATH", torch_libraries(python)?);
        }
        call.output()?;
        let text = std::fs::read_to_string(&json)
            .with_context(|| format!("cannot read {}", json.display()))?;
        serde_json::from_str(&text).context("the trainer wrote no JSON")
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("unknown").to_owned()
}

/// Seconds of each step.
pub fn seconds(value: &Value) -> Vec<f64> {
    let list = value["seconds"].as_array();
    list.into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect()
}

/// The folder of PyTorch's shared libraries.
fn torch_libraries(python: &Path) -> Result<String> {
    Cmd::new(python)
        .args([
            "-c",
            "import os, torch; print(os.path.join(os.path.dirname(torch.__file__), 'lib'))",
        ])
        .output()
        .context("PyTorch does not load")
}

/// A Python with PyTorch; none, with the reason said, where it cannot be had.
fn ensure_torch() -> Result<Option<PathBuf>> {
    if let Some(given) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        note(&format!("{VARIABLE} is set: {}", given.display()));
        return Ok(Some(given.into()));
    }
    let list = dirs::root().join("xtask/bench/requirements.txt");
    let wanted = std::fs::read_to_string(&list)
        .with_context(|| format!("cannot read {}", list.display()))?;
    let root = folder().join("python");
    let python = root.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    let stamp = root.join("requirements.txt");
    if python.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(Some(python));
    }
    match install(&root, &python, &list) {
        Ok(()) => {
            write(&stamp, &wanted)?;
            Ok(Some(python))
        }
        Err(error) => {
            note(&format!(
                "SKIPPED: there is no PyTorch to compare with. {error:#}"
            ));
            Ok(None)
        }
    }
}

fn install(root: &Path, python: &Path, list: &Path) -> Result<()> {
    let base = ["python3", "python"]
        .iter()
        .find_map(|name| which(name))
        .context("There is no python3 on PATH.")?;
    note("installing PyTorch (some GB to download)");
    crate::shell::remove_folder(root)?;
    Cmd::new(base)
        .args(["-m", "venv"])
        .arg(root)
        .limit(LIMIT)
        .log(dirs::logs().join("torch-venv.log"))
        .run()?;
    Cmd::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(list)
        .limit(LIMIT)
        .log(dirs::logs().join("torch-pip.log"))
        .run()
}
