//! The subcommands.

pub mod audit;
pub mod calibrate;
pub mod cam_eval;
pub mod compare;
pub mod config;
pub mod evaluate;
pub mod export;
pub mod find_lr;
pub mod import;
pub mod latency;
pub mod predict;
pub mod publish;
pub mod report;
pub mod synth;
pub mod throughput;
pub mod train;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use scanlight_model::bundle::{Bundle, INDEX_FILE, MANIFEST_FILE, Manifest, ModelIndex};

/// Where the shipped models lie, seen from the project's folder.
pub const SHIPPED_MODELS: &str = "public/models";

/// Reads a bundle's folder (a published model or a run).
pub fn open_bundle(folder: &Path) -> Result<Bundle> {
    let path = folder.join(MANIFEST_FILE);
    if !folder.is_dir() {
        bail!(
            "there is no model folder {}; name a folder with {MANIFEST_FILE}, such as {SHIPPED_MODELS}/compact or a run",
            folder.display()
        );
    }
    let json = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let manifest =
        Manifest::parse(&json).with_context(|| format!("{} is refused", path.display()))?;
    let path = folder.join(&manifest.weights.file);
    let weights =
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Bundle::new(manifest, weights).with_context(|| format!("{} is refused", path.display()))
}

/// The folder of the model to use: the given one, or the default of the shipped models.
pub fn model_folder(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(folder) = given {
        return Ok(folder.into());
    }
    let root = shipped_models()?;
    let path = root.join(INDEX_FILE);
    let json = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let index =
        ModelIndex::parse(&json).with_context(|| format!("{} is refused", path.display()))?;
    Ok(root.join(index.default))
}

/// The shipped models, looked for upwards from the working folder, then beside the program.
fn shipped_models() -> Result<PathBuf> {
    let working = std::env::current_dir().context("the working folder is gone")?;
    let program = std::env::current_exe().unwrap_or_default();
    working
        .ancestors()
        .chain(program.ancestors())
        .map(|folder| folder.join(SHIPPED_MODELS))
        .find(|folder| folder.join(INDEX_FILE).is_file())
        .with_context(|| {
            format!(
                "no shipped model was found ({SHIPPED_MODELS}/{INDEX_FILE}); name one with --model"
            )
        })
}

/// Reads a JSON file.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not valid", path.display()))
}

/// Writes a value as readable JSON.
pub fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    crate::train::write_whole(path, &bytes)
}
