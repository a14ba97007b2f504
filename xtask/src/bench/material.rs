//! What contestants are given: one model's weights in every form, one image, and the answer they must agree with.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::{folder, numbers, read_json};
use crate::dirs;
use crate::shell::{Cmd, failure, write};
use crate::steps::note;

/// The largest difference in a probability that still counts as the same answer.
pub const TOLERANCE: f64 = 1e-3;

/// Which model and image.
#[derive(Debug, Clone, Args)]
pub struct Choice {
    /// The model: a folder with model.json
    #[arg(long, value_name = "DIR", default_value = "public/models/compact")]
    pub model: PathBuf,
    /// The image: PNG or JPEG
    #[arg(
        long,
        value_name = "FILE",
        default_value = "public/samples/glioma-axial.png"
    )]
    image: PathBuf,
    /// A trainer that is built already
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// The files that contestants work with.
#[derive(Debug, Clone)]
pub struct Material {
    /// The trainer.
    pub program: PathBuf,
    /// The model's folder.
    pub model: PathBuf,
    /// The model's id.
    pub id: String,
    /// The same weights in an ONNX file.
    pub onnx: PathBuf,
    /// The image's file.
    pub image: PathBuf,
    /// The image on the network's input plane, a NumPy file.
    pub plane: PathBuf,
    /// Probabilities of burn's own network (burn-candle), in class order.
    pub reference: Vec<f64>,
}

impl Choice {
    /// Builds the trainer where none is given, and has it write all the files.
    pub fn prepare(&self) -> Result<Material> {
        let program = match &self.program {
            Some(program) => absolute(program)?,
            None => build()?,
        };
        let (model, image) = (find(&self.model)?, find(&self.image)?);
        let manifest = model.join("model.json");
        let id = read_json(&manifest)?["id"]
            .as_str()
            .with_context(|| format!("{} has no id", manifest.display()))?
            .to_owned();
        let [onnx, plane, answer] =
            ["model.onnx", "plane.npy", "reference.json"].map(|name| folder().join(name));
        // Makes the folder.
        write(&answer, "")?;
        Cmd::new(&program)
            .args(["export", "--format", "onnx", "--model"])
            .arg(&model)
            .arg("--out")
            .arg(&onnx)
            .output()?;
        Cmd::new(&program)
            .args(["latency", "--engine", "candle", "--runs", "1", "--model"])
            .arg(&model)
            .arg("--input")
            .arg(&plane)
            .arg("--json")
            .arg(&answer)
            .arg(&image)
            .output()?;
        let reference = numbers(&read_json(&answer)?["probabilities"]);
        note(&format!("{id}: the answer is {reference:.4?}"));
        Ok(Material {
            program,
            model,
            id,
            onnx,
            image,
            plane,
            reference,
        })
    }
}

/// A path as it stands, or below the repository.
fn find(path: &Path) -> Result<PathBuf> {
    let inside = dirs::root().join(path);
    let found = [path, &inside].into_iter().find(|path| path.exists());
    let Some(found) = found else {
        return Err(failure(
            format!("there is no {}", path.display()),
            "Name a model's folder with --model and an image with --image.",
        ));
    };
    absolute(found)
}

/// A path that is the same from every folder.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))
}

/// Builds the release trainer.
fn build() -> Result<PathBuf> {
    Cmd::cargo()
        .args(["build", "--release", "--package", "scanlight"])
        .dir(dirs::root())
        .run()?;
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| dirs::root().join("target"), PathBuf::from);
    let name = format!("scanlight{}", std::env::consts::EXE_SUFFIX);
    absolute(&target.join("release").join(name))
}
