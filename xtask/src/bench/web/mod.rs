//! `cargo xtask bench web`: the page beside onnxruntime-web and TensorFlow.js, in one browser.
//!
//! `xtask/bench/web/` holds what runs in Node.js and in the browser and gives every single time; here it is set
//! up, and the times become tables.

mod measure;
pub mod packages;
mod ratios;
mod results;
mod table;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::material::{Choice, TOLERANCE, absolute};
use super::{folder, load, machine, publish, read_json};
use crate::shell::{Cmd, OrTodo, failure, which, write};
use crate::steps::Steps;
use crate::{browser, dirs, page};

use results::Results;

/// Measure the page in headless Chromium, beside onnxruntime-web and TensorFlow.js with the same weights:
/// transferred bytes, times to the first and to later answers, memory, tasks on the main thread.
#[derive(Debug, Args)]
pub struct WebBench {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    page: PageChoice,
    /// Rounds: every contestant has one visit in each, in a browser started anew
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Calls of each kind that are timed in a visit
    #[arg(long, default_value_t = 5)]
    iterations: usize,
    /// Only these contestants: scanlight-cpu, scanlight-webgpu, ort-wasm, ort-wasm-threads, ort-webgpu,
    /// ort-webgpu-jspi, tfjs-wasm, tfjs-wasm-threads, tfjs-webgpu
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Threads of those peers that use several [default: as many as the machine has]
    #[arg(long)]
    threads: Option<usize>,
}

/// Which page, and how the browser is started.
#[derive(Debug, Clone, Args)]
pub struct PageChoice {
    /// Take the page in web/dist as it is
    #[arg(long)]
    no_build: bool,
    /// Take a page that was built elsewhere
    #[arg(long, value_name = "DIR")]
    dist: Option<PathBuf>,
    /// A further switch for Chromium, such as --browser-flag=--enable-features=Vulkan for a real GPU; repeatable
    #[arg(
        long = "browser-flag",
        value_name = "SWITCH",
        allow_hyphen_values = true
    )]
    flags: Vec<String>,
}

impl PageChoice {
    /// The folder of the page, built unless told otherwise.
    pub fn prepare(&self, steps: &mut Steps) -> Result<PathBuf> {
        let folder = match &self.dist {
            Some(folder) => absolute(folder)?,
            None => {
                if !self.no_build {
                    crate::build(steps)?;
                }
                page::folder()
            }
        };
        if folder.join("index.html").is_file() {
            return Ok(folder);
        }
        Err(failure(
            format!("there is no built page in {}", folder.display()),
            "Build it with `cargo xtask build`, or leave out --no-build and --dist.",
        ))
    }

    /// The further switches for Chromium.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }
}

impl WebBench {
    /// Runs the benchmark.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        let vulkan = steps.run("Vulkan driver", browser::ensure_vulkan)?;
        let browser = steps.run("browser", browser::ensure)?;
        let modules = steps.run("packages of the contestants", packages::ensure)?;
        let material = steps.run("trainer and model", || self.choice.prepare())?;
        let dist = self.page.prepare(steps)?;
        let out = folder().join("web-times.json");
        let threads = self
            .threads
            .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from));
        let config = json!({
            "out": out,
            "chrome": browser.chrome,
            "flags": self.page.flags(),
            "modules": modules,
            "work": folder().join("web"),
            "dist": dist,
            "model": { "id": material.id, "folder": material.model },
            "onnx": material.onnx,
            "image": material.image,
            "plane": material.plane,
            "reference": material.reference,
            "tolerance": TOLERANCE,
            "threads": threads,
            "only": self.only,
            "rounds": self.rounds,
            "iterations": self.iterations,
        });
        steps.run("visits", || drive("bench.mjs", &config, &vulkan))?;
        let raw = read_json(&out)?;
        let results = Results::read(&raw);
        let table = table::markdown(&results, &machine());
        let all = json!({
            "machine": machine(),
            "load": load(),
            "model": material.id,
            "tolerance": TOLERANCE,
            "browser": raw["machine"],
            "contestants": results.json(),
            "visits": raw["results"],
        });
        publish("web", &table, &all)
    }
}

/// Runs one of the scripts in `xtask/bench/web` with a configuration.
pub fn drive(
    script: &str,
    config: &serde_json::Value,
    environment: &[(String, PathBuf)],
) -> Result<()> {
    if which("node").is_none() {
        return Err(failure(
            "there is no node on PATH",
            "Install Node.js 20 or newer, then run the command again.",
        ));
    }
    let file = folder()
        .join("web")
        .join(Path::new(script).with_extension("json"));
    write(&file, &(serde_json::to_string_pretty(config)? + "\n"))?;
    Cmd::new("node")
        .arg(dirs::root().join("xtask/bench/web").join(script))
        .arg(&file)
        .envs(environment.iter().cloned())
        .run()
        .or_todo(
            "the benchmark broke off",
            "See the message above. `--only NAME` runs one contestant alone.",
        )
}
