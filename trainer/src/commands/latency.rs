//! `scanlight latency`.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::tensor::backend::Backend;
use clap::{Args, ValueEnum};
use scanlight_model::bundle::Bundle;
use scanlight_model::classify::{ClassifyError, Pipeline};
use scanlight_model::decode::decode;
use scanlight_model::preprocess::preprocess;
use scanlight_model::runner::Runner;
use serde::Serialize;

use super::{model_folder, open_bundle, write_json};
use crate::backend::{BackendName, WithInferenceBackend};
use crate::npy;
use crate::train::write_whole;

/// Measure how long a model takes for one image: the network alone, with its maps, and from the file on.
///
/// RAYON_NUM_THREADS (candle) and OMP_NUM_THREADS (tch) set the number of threads; direct has one.
#[derive(Debug, Args)]
pub struct LatencyArgs {
    /// The image.
    #[arg(value_name = "IMAGE")]
    image: PathBuf,
    /// The model: a published folder or a run [default: the shipped one].
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// What computes.
    #[arg(long, value_enum, default_value = "direct")]
    engine: Engine,
    /// Runs that are timed.
    #[arg(long, default_value_t = 20)]
    runs: usize,
    /// Runs before the clock starts.
    #[arg(long, default_value_t = 3)]
    warm_up: usize,
    /// Another side of the input plane than the model's, in pixels: for times, not for answers.
    #[arg(long, value_name = "PIXELS")]
    side: Option<u32>,
    /// Also write the network's input, [1, 1, height, width], as a NumPy file.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Also write times and probabilities as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What may compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The page's path on the CPU, without burn.
    Direct,
    /// burn-candle on the CPU.
    Candle,
    /// burn-wgpu: Vulkan, Metal or DirectX 12.
    Wgpu,
    /// burn-cuda; needs a build with `--features cuda`.
    Cuda,
    /// burn-tch; needs a build with `--features tch`.
    Tch,
}

/// What was measured. Times are in seconds, one for each run.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Latency {
    /// What computed.
    engine: String,
    /// Probabilities in class order.
    probabilities: Vec<f32>,
    /// Input plane to probabilities.
    network: Vec<f64>,
    /// Input plane to probabilities and every class's map, at the plane's size.
    explained: Vec<f64>,
    /// The file's bytes to the same.
    whole: Vec<f64>,
}

impl LatencyArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        if self.runs == 0 {
            bail!("--runs must be at least 1");
        }
        let mut bundle = open_bundle(&model_folder(self.model.as_deref())?)?;
        if let Some(side) = self.side {
            (bundle.manifest.input.width, bundle.manifest.input.height) = (side, side);
            bundle.manifest.validate()?;
        }
        let file = std::fs::read(&self.image)
            .with_context(|| format!("cannot read {}", self.image.display()))?;
        let work = LatencyWork {
            bundle: &bundle,
            file: &file,
            args: &self,
        };
        let found = match self.engine {
            Engine::Direct => work.measure("direct", &bundle.direct_classifier()?),
            Engine::Candle => BackendName::Cpu.infer(work),
            Engine::Wgpu => BackendName::Wgpu.infer(work),
            Engine::Cuda => BackendName::Cuda.infer(work),
            Engine::Tch => BackendName::Tch.infer(work),
        }?;
        println!(
            "{}: network {:.2} ms, with maps {:.2} ms, from the file {:.2} ms; medians of {}",
            found.engine,
            median(&found.network) * 1e3,
            median(&found.explained) * 1e3,
            median(&found.whole) * 1e3,
            self.runs
        );
        match &self.json {
            Some(path) => write_json(path, &found),
            None => Ok(()),
        }
    }
}

struct LatencyWork<'a> {
    bundle: &'a Bundle,
    file: &'a [u8],
    args: &'a LatencyArgs,
}

impl WithInferenceBackend for LatencyWork<'_> {
    type Output = Latency;

    fn run<B: Backend>(self, name: &str, device: B::Device) -> Result<Latency> {
        self.measure(name, &self.bundle.classifier::<B>(&device)?)
    }
}

impl LatencyWork<'_> {
    fn measure<R: Runner>(&self, name: &str, model: &Pipeline<R>) -> Result<Latency> {
        let image = self.args.image.display();
        let scan = decode(self.file).with_context(|| format!("cannot read {image}"))?;
        let geometry = &model.manifest().input;
        let (width, height) = (geometry.width, geometry.height);
        let input = preprocess(&scan, geometry);
        if let Some(path) = &self.args.input {
            let shape = [1, 1, height as usize, width as usize];
            write_whole(path, &npy::write(&shape, &input.values))?;
        }
        let classes = model.manifest().classes.len();
        let maps = |result: &scanlight_model::classify::Classification| {
            for class in 0..classes {
                black_box(result.heatmap(class, width, height));
            }
        };
        let network = self.times(async || {
            black_box(model.probabilities(&input.values).await?);
            Ok(())
        })?;
        let explained = self.times(async || {
            maps(&model.classify_input(input.clone()).await?);
            Ok(())
        })?;
        let whole = self.times(async || {
            // It was read above, so it is read again.
            if let Ok(scan) = decode(self.file) {
                maps(&model.classify(&scan).await?);
            }
            Ok(())
        })?;
        Ok(Latency {
            engine: name.into(),
            probabilities: pollster::block_on(model.probabilities(&input.values))?,
            network,
            explained,
            whole,
        })
    }

    /// Seconds of each timed run.
    fn times(&self, run: impl AsyncFn() -> Result<(), ClassifyError>) -> Result<Vec<f64>> {
        let mut seconds = Vec::with_capacity(self.args.runs);
        for index in 0..self.args.warm_up + self.args.runs {
            let start = Instant::now();
            pollster::block_on(run())?;
            if index >= self.args.warm_up {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        Ok(seconds)
    }
}

/// The upper middle of some numbers.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
