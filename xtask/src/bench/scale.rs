//! `cargo xtask bench scale`: what the page's engine costs as work grows.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::material::Choice;
use super::plot::{Panel, svg};
use super::stats::{Summary, digits, median};
use super::train::{Step, seconds};
use super::web::{PageChoice, drive, packages};
use super::{folder, load, machine, numbers, publish, read_json, text};
use crate::browser;
use crate::shell::write;
use crate::steps::{Steps, note};

/// Images of a training step.
const BATCH: usize = 32;
/// Training steps that are timed.
const STEPS: usize = 8;

/// Measure how the page's engine copes with many images and with larger input planes: time, throughput, memory.
#[derive(Debug, Args)]
pub struct ScaleBench {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    page: PageChoice,
    /// Engines: cpu, webgpu
    #[arg(long, value_delimiter = ',', default_value = "cpu")]
    engines: Vec<String>,
    /// Numbers of images, one after another through one engine
    #[arg(long, value_delimiter = ',', default_value = "1,10,100,1000")]
    images: Vec<usize>,
    /// Slices of a volume, each handed over decoded, as a reader of volumes does; 0 for none
    #[arg(long, default_value_t = 256)]
    slices: usize,
    /// Numbers of threads to train with; none with an empty list
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    training_threads: Vec<usize>,
    /// Backends to train on, as `scanlight train --backend` names them
    #[arg(long, value_delimiter = ',', default_value = "cpu")]
    training_backends: Vec<String>,
    /// Sides of the input plane in pixels
    #[arg(long, value_delimiter = ',', default_value = "96,128,160,192,224")]
    sides: Vec<usize>,
    /// Calls that are timed for each side
    #[arg(long, default_value_t = 20)]
    iterations: usize,
}

impl ScaleBench {
    /// Runs the benchmark.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        let vulkan = steps.run("Vulkan driver", browser::ensure_vulkan)?;
        let browser = steps.run("browser", browser::ensure)?;
        let modules = steps.run("packages of the contestants", packages::ensure)?;
        let material = steps.run("trainer and model", || self.choice.prepare())?;
        let dist = self.page.prepare(steps)?;
        let out = folder().join("scale-times.json");
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
            "threads": 1,
            "engines": self.engines,
            "images": self.images,
            "slices": self.slices,
            "sides": self.sides,
            "iterations": self.iterations,
        });
        steps.run("growing work", || drive("scale.mjs", &config, &vulkan))?;
        let found = read_json(&out)?;
        let training = steps.run("training", || self.train(&material.program))?;
        let results = json!({
            "machine": machine(),
            "load": load(),
            "model": material.id,
            "engines": found,
            "training": training,
        });
        let plot = folder().join("scale.svg");
        write(&plot, &svg(&panels(&found, &training)))?;
        note(&format!("plotted in {}", plot.display()));
        publish(
            "scale",
            &format!(
                "{}.\n\n{}{}",
                machine(),
                table(&found),
                training_table(&training)
            ),
            &results,
        )
    }

    /// Images a second while training, one entry for each backend and number of threads.
    fn train(&self, program: &Path) -> Result<Value> {
        let mut found = Vec::new();
        for backend in &self.training_backends {
            for &threads in &self.training_threads {
                let step = Step {
                    architecture: "compact",
                    backend,
                    threads,
                    batch: BATCH,
                    steps: STEPS,
                };
                let seconds = seconds(&step.time(program, None)?);
                found.push(json!({
                    "backend": backend,
                    "threads": threads,
                    "images_per_second": BATCH as f64 / median(&seconds),
                    "seconds": seconds,
                }));
            }
        }
        Ok(Value::Array(found))
    }
}

/// Training's times as Markdown.
fn training_table(training: &Value) -> String {
    let rows = entries(training);
    if rows.is_empty() {
        return String::new();
    }
    let mut table = format!(
        "\nTraining the compact network, {BATCH} images a step:\n\n\
         | backend | threads | images/s |\n|---|---|---|\n"
    );
    for row in rows {
        table += &format!(
            "| {} | {} | {} |\n",
            text(&row["backend"]),
            row["threads"],
            digits(number(&row["images_per_second"]))
        );
    }
    table
}

/// What is plotted.
fn panels(engines: &Value, training: &Value) -> Vec<Panel> {
    let lines = |list: &str, point: &dyn Fn(&Value) -> Option<[f64; 2]>| {
        let engines = entries(engines).iter();
        engines
            .map(|engine| {
                let points = entries(&engine[list]).iter().filter_map(point).collect();
                (text(&engine["engine"]), points)
            })
            .collect::<Vec<_>>()
    };
    let panel = |title: &str, across: &str, up: &str, logarithmic, lines| Panel {
        title: title.into(),
        across: across.into(),
        up: up.into(),
        logarithmic,
        lines,
    };
    let rate = |batch: &Value| {
        let images = batch["images"].as_f64()?;
        Some([images, images / (batch["ms"].as_f64()? / 1e3)])
    };
    let memory = |batch: &Value| Some([batch["images"].as_f64()?, batch["memory"].as_f64()? / 1e6]);
    let time = |side: &Value| {
        let median = Summary::of(&numbers(&side["ms"]))?.median;
        Some([side["side"].as_f64()?, median])
    };
    let mut trained: Vec<(String, Vec<[f64; 2]>)> = Vec::new();
    for row in entries(training) {
        let name = text(&row["backend"]);
        let point = [number(&row["threads"]), number(&row["images_per_second"])];
        match trained.iter_mut().find(|(known, _)| *known == name) {
            Some((_, points)) => points.push(point),
            None => trained.push((name, vec![point])),
        }
    }
    let images = "images, one after another";
    vec![
        panel(
            "Throughput",
            images,
            "images a second",
            true,
            lines("batches", &rate),
        ),
        panel(
            "Memory",
            images,
            "peak of the renderer, MB",
            true,
            lines("batches", &memory),
        ),
        panel(
            "Input plane",
            "side, pixels",
            "ms an image",
            false,
            lines("sides", &time),
        ),
        panel("Training", "threads", "images a second", false, trained),
    ]
}

fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

/// The results as Markdown.
fn table(engines: &Value) -> String {
    let mut table = String::from(
        "Images one after another, each from its file to the answer with all maps:\n\n\
         | engine | images | seconds | images/s | peak memory of the renderer, MB |\n|---|---|---|---|---|\n",
    );
    let all = engines.as_array().map_or(&[][..], Vec::as_slice);
    for engine in all {
        let name = text(&engine["engine"]);
        for batch in engine["batches"].as_array().into_iter().flatten() {
            let (count, seconds) = (
                batch["images"].as_f64().unwrap_or_default(),
                batch["ms"].as_f64().unwrap_or(f64::NAN) / 1e3,
            );
            let memory = batch["memory"]
                .as_f64()
                .map_or("-".to_owned(), |bytes| digits(bytes / 1e6));
            table += &format!(
                "| {name} | {count} | {} | {} | {memory} |\n",
                digits(seconds),
                digits(count / seconds)
            );
        }
    }
    let volumes: Vec<&Value> = all.iter().filter(|e| !e["volume"].is_null()).collect();
    if !volumes.is_empty() {
        table += "\nA volume, slice by slice, each with all maps:\n\n\
                  | engine | slices | seconds | slices/s | peak memory of the renderer, MB |\n|---|---|---|---|---|\n";
        for engine in volumes {
            let volume = &engine["volume"];
            let (slices, seconds) = (number(&volume["images"]), number(&volume["ms"]) / 1e3);
            table += &format!(
                "| {} | {slices} | {} | {} | {} |\n",
                text(&engine["engine"]),
                digits(seconds),
                digits(slices / seconds),
                digits(number(&volume["memory"]) / 1e6)
            );
        }
    }
    table += "\nOne image with input planes of several sides, in milliseconds from its file to the answer: medians, \
              with the quarters around them.\n\n| engine | side | time | per thousand input pixels |\n|---|---|---|---|\n";
    for engine in all {
        let name = text(&engine["engine"]);
        for side in engine["sides"].as_array().into_iter().flatten() {
            let pixels = side["side"].as_f64().unwrap_or_default();
            if let Some(time) = Summary::of(&numbers(&side["ms"])) {
                table += &format!(
                    "| {name} | {pixels} | {} | {} |\n",
                    time.show(1.0),
                    digits(time.median / (pixels * pixels / 1e3))
                );
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_and_training() {
        let engines = json!([{
            "engine": "cpu",
            "batches": [{ "images": 10, "ms": 500.0, "memory": 1e8 }],
            "volume": { "images": 256, "ms": 4000.0, "memory": 2e8 },
            "sides": [{ "side": 96, "ms": [4.0, 6.0] }],
        }]);
        let training = json!([
            { "backend": "cpu", "threads": 1, "images_per_second": 20.0 },
            { "backend": "cpu", "threads": 2, "images_per_second": 35.0 },
        ]);
        let table = table(&engines);
        assert!(
            table.contains("| cpu | 256 | 4.00 | 64.0 | 200 |"),
            "{table}"
        );
        let trained = training_table(&training);
        assert!(trained.contains("| cpu | 2 | 35.0 |"), "{trained}");
        let points: Vec<_> = panels(&engines, &training)
            .into_iter()
            .map(|panel| panel.lines[0].1.clone())
            .collect();
        assert_eq!(points[0], [[10.0, 20.0]]);
        assert_eq!(points[1], [[10.0, 100.0]]);
        assert_eq!(points[2], [[96.0, 5.0]]);
        assert_eq!(points[3], [[1.0, 20.0], [2.0, 35.0]]);
        assert_eq!(training_table(&json!([])), "");
    }

    #[test]
    fn rates_and_memory() {
        let table = table(&json!([{
            "engine": "cpu",
            "batches": [{ "images": 100, "ms": 2000.0, "memory": 150e6 }, { "images": 1, "ms": 50.0, "memory": null }],
            "sides": [{ "side": 100, "ms": [5.0, 5.0] }],
        }]));
        assert!(
            table.contains("| cpu | 100 | 2.00 | 50.0 | 150 |"),
            "{table}"
        );
        assert!(table.contains("| cpu | 1 | 0.05 | 20.0 | - |"), "{table}");
        assert!(
            table.contains("| cpu | 100 | 5.00 (5.00 to 5.00) | 0.50 |"),
            "{table}"
        );
    }
}
