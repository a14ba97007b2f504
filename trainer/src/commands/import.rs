//! `scanlight import`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use scanlight_model::arch::Architecture;
use scanlight_model::bundle::{
    Bundle, FORMAT, FORMAT_VERSION, MANIFEST_FILE, Manifest, WEIGHTS_FILE, is_id,
    weights::{self, Precision},
};
use scanlight_model::labels::CANONICAL_CLASSES;
use scanlight_model::preprocess::InputGeometry;
use serde_json::json;

use super::open_bundle;
use crate::backend::Candle;
use crate::import::{Imported, MAX_FILE_BYTES, read};
use crate::tensors::to_safetensors;
use crate::train::write_whole;

/// Make a model of weights that another program wrote.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Keras's .h5 of a network like the reference CNN, a PyTorch state dict (.pt, .pth), or .safetensors.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The model's folder.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Class names in the order of the network's outputs [default: those in the file, or glioma,
    /// meningioma, notumor, pituitary for four outputs].
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',')]
    classes: Vec<String>,
    /// Side of the square input plane in pixels [default: the file's, or 128].
    #[arg(long, value_name = "PIXELS")]
    size: Option<u32>,
    /// A model whose architecture, classes and input the weights are for. Needed for a MobileNetV2, whose
    /// sizes do not show in its tensors.
    #[arg(long, value_name = "DIR")]
    like: Option<PathBuf>,
    /// The model's name for people.
    #[arg(long)]
    title: Option<String>,
}

impl ImportArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let manifest_path = self.out.join(MANIFEST_FILE);
        ensure!(
            !manifest_path.exists(),
            "{} holds a model already; choose another --out",
            self.out.display()
        );
        let like = self.like.as_deref().map(open_bundle).transpose()?;
        let like = like.map(|bundle| bundle.manifest);
        let refused = || format!("{} cannot be imported", self.file.display());
        let bytes = read_file(&self.file)?;
        let imported =
            read(&bytes, like.as_ref().map(|like| &like.architecture)).with_context(refused)?;
        let own = imported.manifest.is_some();
        let source = imported.source;
        let bundle = self.bundle(imported, like).with_context(refused)?;
        write_whole(
            &self.out.join(&bundle.manifest.weights.file),
            bundle.weights(),
        )?;
        write_whole(&manifest_path, bundle.manifest.to_json()?.as_bytes())?;
        println!(
            "made {} of the {source} file: {}, classes {}, in {}",
            bundle.manifest.id,
            bundle.manifest.architecture.kind(),
            bundle.manifest.classes.join(", "),
            self.out.display()
        );
        if !own {
            eprintln!(
                "note: Scanlight crops to the head and brings each image to mean 0 and standard deviation 1. Weights \
                 that were trained on other inputs (pixels divided by 255, say) need more training here. Measure \
                 before use: scanlight evaluate --model {} --data DIR",
                self.out.display()
            );
        }
        Ok(())
    }

    /// The model with its manifest.
    fn bundle(&self, imported: Imported, like: Option<Manifest>) -> Result<Bundle> {
        let outputs = imported
            .tensors
            .get("head.output.weight")
            .and_then(|weight| weight.shape.first().copied())
            .context("it has no last layer (head.output.weight)")?;
        let mut manifest = match imported.manifest {
            Some(manifest) => manifest,
            None => {
                let classes = match &like {
                    Some(like) => like.classes.clone(),
                    None => self.class_names(outputs)?,
                };
                let mut input = like.map_or_else(InputGeometry::default, |like| like.input);
                if let Some([height, width]) = imported.input {
                    (input.height, input.width) = (height, width);
                }
                self.fresh_manifest(&imported.architecture, classes, input, imported.source)?
            }
        };
        if !self.classes.is_empty() {
            manifest.classes.clone_from(&self.classes);
        }
        if let Some(size) = self.size
            && [manifest.input.width, manifest.input.height] != [size, size]
        {
            (manifest.input.width, manifest.input.height) = (size, size);
            // What was measured and fitted at another size does not hold.
            manifest.metrics.clear();
            (manifest.calibration, manifest.trust, manifest.facts) = (None, None, None);
        }
        ensure!(
            manifest.classes.len() == outputs,
            "its network has {outputs} outputs, but there are {} class names ({})",
            manifest.classes.len(),
            manifest.classes.join(", ")
        );
        manifest.id = self.id();
        if let Some(title) = &self.title {
            manifest.title.clone_from(title);
        }
        let architecture = &manifest.architecture;
        architecture.validate(&manifest.input, outputs)?;
        let bytes = to_safetensors(&imported.tensors, None)?;
        // Names, shapes and values are checked here.
        let network = weights::load::<Candle>(architecture, outputs, &bytes, &Default::default())?;
        Ok(Bundle::pack(manifest, &network, Precision::Full)?)
    }

    /// The folder's name where it can be an id.
    fn id(&self) -> String {
        let name = self.out.file_name().unwrap_or_default().to_string_lossy();
        if is_id(&name) {
            name.into_owned()
        } else {
            "imported".into()
        }
    }

    fn class_names(&self, outputs: usize) -> Result<Vec<String>> {
        if !self.classes.is_empty() {
            return Ok(self.classes.clone());
        }
        if outputs != CANONICAL_CLASSES.len() {
            bail!(
                "its network has {outputs} outputs: name the classes in order with --classes A,B,…"
            );
        }
        Ok(CANONICAL_CLASSES.map(String::from).to_vec())
    }

    fn fresh_manifest(
        &self,
        architecture: &Architecture,
        classes: Vec<String>,
        input: InputGeometry,
        source: &str,
    ) -> Result<Manifest> {
        let file = self.file.file_name().unwrap_or_default().to_string_lossy();
        let created = time::OffsetDateTime::now_utc()
            .format(&time::format_description::well_known::Rfc3339)
            .context("the clock gives no date")?;
        // As JSON: a part that the format gains later has its default here.
        let manifest = json!({
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "id": self.id(),
            "title": format!("Imported from {file}"),
            "description": format!("Weights from a {source} file, not measured by Scanlight."),
            "architecture": architecture,
            "classes": classes,
            "input": input,
            "training": {
                "data": [],
                "split": { "method": "unknown", "seed": 0, "validation_share": 0.0 },
                "epochs": 0,
                "best_epoch": 0,
                "parameters": architecture.value_count(classes.len()),
                "backend": source,
                "notes": "Trained elsewhere.",
            },
            // An SPDX expression that says: not known.
            "licence": "LicenseRef-unknown",
            "created": created,
            "weights": { "file": WEIGHTS_FILE, "size": 0, "sha256": "" },
        });
        Ok(serde_json::from_value(manifest)?)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let refused = || format!("cannot read {}", path.display());
    let size = std::fs::metadata(path).with_context(refused)?.len();
    ensure!(
        size <= MAX_FILE_BYTES,
        "{} has {size} bytes, more than the {MAX_FILE_BYTES} that are read",
        path.display()
    );
    std::fs::read(path).with_context(refused)
}
