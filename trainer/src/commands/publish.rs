//! `scanlight publish`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use scanlight_model::bundle::{
    Bundle, INDEX_FILE, MANIFEST_FILE, ModelIndex, extra, is_id, weights::Precision,
};

use super::calibrate::calibrate_again;
use super::report::read_report;
use super::{open_bundle, write_json};
use crate::backend::{BackendName, Candle};
use crate::card::{facts, model_card};
use crate::train::write_whole;

/// Put a run's best weights where the page finds them.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The run's folder.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The model's folder, such as public/models/compact; its name becomes the model's id, and
    /// index.json beside it lists the model.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The model's name for people.
    #[arg(long)]
    title: Option<String>,
    /// What the model is, in a sentence or two.
    #[arg(long)]
    description: Option<String>,
    /// Make it the model that the page uses unless another is chosen.
    #[arg(long)]
    default: bool,
    /// How weights are stored: 32-bit or 16-bit floats, or rounded to so many bits, which compress to about
    /// as many on their way to a page; the thresholds are then fitted and the model measured again.
    #[arg(long, value_name = "KIND", default_value = "float32")]
    weights: Weights,
    /// Where the images are that the run was trained on, to fit rounded weights' thresholds [default: where they
    /// were].
    #[arg(long, value_name = "DIR")]
    data: Vec<PathBuf>,
}

/// The kinds of numbers that weights are stored as.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Weights {
    Float32,
    Float16,
    Bits8,
    Bits7,
    Bits6,
    Bits5,
    Bits4,
}

impl Weights {
    fn precision(self) -> Precision {
        match self {
            Self::Float32 => Precision::Full,
            Self::Float16 => Precision::Half,
            Self::Bits8 => Precision::Rounded(8),
            Self::Bits7 => Precision::Rounded(7),
            Self::Bits6 => Precision::Rounded(6),
            Self::Bits5 => Precision::Rounded(5),
            Self::Bits4 => Precision::Rounded(4),
        }
    }
}

impl PublishArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let bundle = open_bundle(&self.run)?;
        let id = self
            .to
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if !is_id(&id) {
            bail!(
                "{id:?} cannot be a model's id: use 1 to 64 lower-case letters, digits, '-' or '_' as the folder's name"
            );
        }
        let mut manifest = bundle.manifest.clone();
        manifest.id.clone_from(&id);
        if let Some(title) = self.title {
            manifest.title = title;
        }
        if let Some(description) = self.description {
            manifest.description = description;
        }
        if manifest.training.data.iter().any(|source| source.synthetic) {
            manifest.training.notes =
                "Trained with a share of synthetic phantoms; every metric is on real images alone."
                    .into();
        }
        let mut report = read_report(&self.run)?;
        let device = Default::default();
        let network = bundle.network::<Candle>(&device)?;
        let precision = self.weights.precision();
        let mut packed = Bundle::pack(manifest, &network, precision)?;
        let mut arrays = extra::read(bundle.weights())?;
        if let Precision::Rounded(_) = precision
            && bundle.manifest.trust.is_some()
        {
            // Rounding moves the features a little, and with them what is strange and how sure is sure.
            let again = calibrate_again(&self.run, &self.data, &packed, &[], BackendName::Cpu)
                .context(
                    "the thresholds of rounded weights are fitted on the run's own images, and these are \
                     not to be had: name them by --data, or publish with --weights float16",
                )?;
            println!("{}", again.fitted.table());
            if let Some(again) = &again.report {
                println!("\n{}", again.table());
            }
            arrays = extra::read(again.bundle.weights())?;
            packed.manifest = again.bundle.manifest;
            report = again.report.or(report);
        }
        packed.manifest.facts = Some(facts(&packed.manifest, report.as_ref()));
        let packed = packed.with_extra(packed.manifest.clone(), &arrays, precision)?;
        let parent = self
            .to
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or_else(|| PathBuf::from("."), PathBuf::from);
        let path = parent.join(INDEX_FILE);
        let mut index = if path.exists() {
            let json =
                std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            ModelIndex::parse(&json).with_context(|| format!("{} is refused", path.display()))?
        } else {
            ModelIndex::default()
        };
        index.insert(&id, &packed.manifest.title);
        if self.default {
            index.default.clone_from(&id);
        }
        write_whole(
            &self.to.join(&packed.manifest.weights.file),
            packed.weights(),
        )?;
        write_whole(
            &self.to.join(MANIFEST_FILE),
            packed.manifest.to_json()?.as_bytes(),
        )?;
        write_whole(
            &self.to.join("model_card.md"),
            model_card(&packed.manifest, report.as_ref()).as_bytes(),
        )?;
        write_json(&path, &index)?;
        println!(
            "published {id}: {} bytes of weights in {}, listed in {}",
            packed.manifest.weights.size,
            self.to.display(),
            path.display()
        );
        Ok(())
    }
}
