//! `cargo xtask bench scale`: what the page's engine costs as work grows.

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use super::material::Choice;
use super::stats::{Summary, digits};
use super::web::{PageChoice, drive, packages};
use super::{folder, load, machine, numbers, publish, read_json, text};
use crate::browser;
use crate::steps::Steps;

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
            "sides": self.sides,
            "iterations": self.iterations,
        });
        steps.run("growing work", || drive("scale.mjs", &config, &vulkan))?;
        let found = read_json(&out)?;
        let results = json!({
            "machine": machine(),
            "load": load(),
            "model": material.id,
            "engines": found,
        });
        publish(
            "scale",
            &format!("{}.\n\n{}", machine(), table(&found)),
            &results,
        )
    }
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
