//! What was measured in the browser.

use serde_json::{Value, json};

use super::measure::Measure;
use crate::bench::stats::Summary;
use crate::bench::text;

/// All contestants, and where they ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Results {
    /// The browser's version.
    pub browser: String,
    /// The GPU as WebGPU tells it; nothing where there is none.
    pub adapter: Option<String>,
    /// Whether that is a program on the CPU.
    pub software: bool,
    /// The largest memory of an empty page's renderer and of the GPU process, in bytes.
    pub empty: [Option<f64>; 2],
    /// Who was measured.
    pub contestants: Vec<Contestant>,
}

/// One contestant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contestant {
    /// Its short name.
    pub name: String,
    /// Its name in tables.
    pub title: String,
    /// `cpu`, `threads` or `webgpu`.
    pub path: String,
    /// Whether it is Scanlight.
    pub ours: bool,
    /// Why it has no times.
    pub failure: Option<String>,
    /// The largest difference from the reference's probabilities.
    pub difference: f64,
    /// What is sent up to the first answer.
    pub bytes: Bytes,
    /// The single values of each measure.
    values: Vec<(Measure, Vec<f64>)>,
}

/// Bytes sent up to the first answer, brotli-compressed, without images and without the benchmark's own scripts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bytes {
    /// Weights, graph and manifest.
    pub model: f64,
    /// All other files: programs, scripts, styles, documents.
    pub program: f64,
}

impl Bytes {
    /// All of them.
    pub fn total(self) -> f64 {
        self.model + self.program
    }
}

impl Results {
    /// Reads what the scripts wrote.
    pub fn read(raw: &Value) -> Self {
        let machine = &raw["machine"];
        let adapter = &machine["adapter"];
        let words = ["vendor", "architecture", "device", "description"]
            .map(|key| adapter[key].as_str().unwrap_or_default());
        let name = words
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        Self {
            browser: text(&machine["version"]),
            software: adapter["fallback"] == true || is_software(&name),
            adapter: adapter.is_object().then_some(name),
            empty: ["renderer", "gpu"].map(|key| machine["emptyPage"][key].as_f64()),
            contestants: raw["results"]
                .as_array()
                .into_iter()
                .flatten()
                .map(Contestant::read)
                .collect(),
        }
    }

    /// Everything with its medians, for the results file.
    pub fn json(&self) -> Value {
        self.contestants.iter().map(Contestant::json).collect()
    }
}

impl Contestant {
    fn read(raw: &Value) -> Self {
        let visits = raw["visits"].as_array().map_or(&[][..], Vec::as_slice);
        let values = Measure::ALL.map(|measure| {
            let values = visits.iter().flat_map(|visit| measure.of_visit(visit, raw));
            (measure, values.collect())
        });
        Self {
            name: text(&raw["name"]),
            title: text(&raw["title"]),
            path: text(&raw["path"]),
            ours: raw["ours"] == true,
            failure: raw["failure"].as_str().map(str::to_owned),
            difference: raw["difference"].as_f64().unwrap_or(f64::INFINITY),
            bytes: bytes(&raw["files"]),
            values: values.into(),
        }
    }

    /// The longest task of the middle visit and of all visits: of an even number of visits the upper middle one,
    /// since there is nothing between a task of 50 ms and none.
    pub fn long_tasks(&self) -> Option<[f64; 2]> {
        let (_, values) = self
            .values
            .iter()
            .find(|(of, _)| *of == Measure::LongTask)?;
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Some([*sorted.get(sorted.len() / 2)?, *sorted.last()?])
    }

    /// A measure's median and spread; nothing where it has none.
    pub fn summary(&self, measure: Measure) -> Option<Summary> {
        let (_, values) = self.values.iter().find(|(of, _)| *of == measure)?;
        Summary::of(values)
    }

    fn json(&self) -> Value {
        let measures: serde_json::Map<String, Value> = self
            .values
            .iter()
            .filter_map(|(measure, values)| {
                let Summary {
                    count,
                    median,
                    low,
                    high,
                } = Summary::of(values)?;
                let value = json!({ "count": count, "median": median, "low": low, "high": high });
                Some((measure.key().to_owned(), value))
            })
            .collect();
        json!({
            "name": self.name,
            "title": self.title,
            "path": self.path,
            "failure": self.failure,
            "difference": self.difference.is_finite().then_some(self.difference),
            "bytes": { "model": self.bytes.model, "program": self.bytes.program, "all": self.bytes.total() },
            "measures": measures,
        })
    }
}

/// Sorts what was sent.
fn bytes(files: &Value) -> Bytes {
    let mut sum = Bytes::default();
    for file in files.as_array().into_iter().flatten() {
        let (path, kind) = (text(&file["path"]), text(&file["type"]));
        if kind.starts_with("image/") || path.starts_with("/bench/") {
            continue;
        }
        let size = file["bytes"].as_f64().unwrap_or_default();
        let of_model = ["/scanlight/models/", "/model/"]
            .iter()
            .any(|folder| path.starts_with(folder))
            || ["/tfjs/graph.json", "/tfjs/weights.bin"].contains(&path.as_str());
        *(if of_model {
            &mut sum.model
        } else {
            &mut sum.program
        }) += size;
    }
    sum
}

/// Whether an adapter's name is that of a program on the CPU.
fn is_software(name: &str) -> bool {
    let name = name.to_lowercase();
    ["swiftshader", "llvmpipe", "lavapipe", "basic render"]
        .iter()
        .any(|program| name.contains(program))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Results of one visit of ours and two of a peer, as the scripts write them.
    pub fn sample() -> Value {
        json!({
            "machine": {
                "version": "1.2",
                "adapter": { "vendor": "google", "architecture": "swiftshader", "device": "", "fallback": true },
                "emptyPage": { "renderer": 100e6, "gpu": 50e6 },
            },
            "results": [
                {
                    "name": "scanlight-cpu", "title": "Scanlight, CPU", "path": "cpu", "ours": true,
                    "failure": null, "difference": 1e-6,
                    "files": [
                        { "path": "/scanlight/index.html", "type": "text/html", "bytes": 1000 },
                        { "path": "/scanlight/models/m/model.safetensors", "type": "x", "bytes": 400_000 },
                        { "path": "/scanlight/samples/a.png", "type": "image/png", "bytes": 9000 },
                    ],
                    "visits": [{
                        "cold": 300.0, "warmCache": 200.0, "classify": [4.0, 6.0], "withMaps": [5.5], "whole": [9.0],
                        "page": [12.0], "longTasks": [], "memory": { "renderer": 150e6, "gpu": 60e6 },
                    }],
                },
                {
                    "name": "ort-wasm", "title": "onnxruntime-web", "path": "cpu", "ours": false,
                    "failure": null, "difference": 2e-7,
                    "files": [
                        { "path": "/bench/ort.mjs", "type": "text/javascript", "bytes": 500 },
                        { "path": "/ort/a.wasm", "type": "application/wasm", "bytes": 1_000_000 },
                        { "path": "/model/model.onnx", "type": "x", "bytes": 1_000_000 },
                    ],
                    "visits": [
                        { "cold": 900.0, "warmCache": 500.0, "classify": [10.0], "whole": [20.0], "page": [20.0],
                          "longTasks": [61.0, 80.0], "memory": { "renderer": 250e6, "gpu": 60e6 } },
                        { "cold": 1100.0, "warmCache": 500.0, "classify": [10.0], "whole": [20.0], "page": [20.0],
                          "longTasks": [70.0], "memory": { "renderer": 250e6, "gpu": 60e6 } },
                    ],
                },
                {
                    "name": "tfjs-wasm", "title": "TensorFlow.js", "path": "cpu", "ours": false,
                    "failure": "its probabilities differ by 0.2", "difference": null, "files": [], "visits": [],
                },
            ],
        })
    }

    #[test]
    fn images_and_the_benchmarks_scripts_are_not_counted() {
        let results = Results::read(&sample());
        let [ours, peer, _] = &results.contestants[..] else {
            panic!("three contestants");
        };
        assert_eq!((ours.bytes.model, ours.bytes.program), (400_000.0, 1000.0));
        assert_eq!(peer.bytes.total(), 2_000_000.0);
    }

    #[test]
    fn values_of_all_visits_are_taken_together() {
        let results = Results::read(&sample());
        let median = |index: usize, measure| {
            results.contestants[index]
                .summary(measure)
                .map(|summary| summary.median)
        };
        assert_eq!(median(0, Measure::Classify), Some(5.0));
        assert_eq!(results.contestants[0].long_tasks(), Some([0.0, 0.0]));
        assert_eq!(median(0, Measure::Memory), Some(150e6));
        assert_eq!(median(1, Measure::Cold), Some(1000.0));
        assert_eq!(results.contestants[1].long_tasks(), Some([80.0, 80.0]));
        assert_eq!(median(1, Measure::Page), None);
        assert_eq!(median(2, Measure::Cold), None);
        assert!(results.software);
    }
}
