//! Options of `scanlight train` that say where training starts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scanlight_model::arch::{Architecture, MobileNetV2Config};
use scanlight_model::bundle::Bundle;

use crate::config::{ArchitectureName, Config, Freeze};

/// Where training starts, instead of at random.
#[derive(Debug, Clone, Default, Args)]
pub struct InitialArgs {
    /// Start from ImageNet weights of MobileNetV2 (a safetensors file with batch norm folded in).
    /// Grey pictures are folded into its first layer. Implies --arch mobilenet-v2.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["init", "resume"])]
    pretrained: Option<PathBuf>,
    /// Start from a model of ours (a published folder or a run), whose classes may be others: classes
    /// are matched by name, new ones start at random. Network and input plane are the model's.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    init: Option<PathBuf>,
    /// Keep everything but the head as it is at the start [with --pretrained or --init].
    #[arg(long, value_name = "WHAT", conflicts_with = "resume")]
    freeze: Option<Freeze>,
}

impl InitialArgs {
    /// Puts the options into a configuration that was read from `file`, if from any.
    ///
    /// A model to start from says which network it is; that must not contradict `arch` or the file.
    pub fn apply(
        &self,
        config: &mut Config,
        arch: Option<ArchitectureName>,
        file: Option<&Path>,
    ) -> Result<()> {
        let initial = &mut config.initial;
        if self.pretrained.is_some() || self.init.is_some() {
            initial.pretrained.clone_from(&self.pretrained);
            initial.init.clone_from(&self.init);
            initial.sha256 = None;
        }
        initial.freeze = self.freeze.unwrap_or(initial.freeze);
        initial.validate()?;
        let bundle = initial.resolve()?;
        let said = |key: &str| mentions(file, key);
        if let Some(bundle) = bundle {
            return take_over(&bundle, config, arch, said);
        }
        if config.initial.pretrained.is_none() {
            return Ok(());
        }
        if arch.is_none() && !said("architecture")? {
            config.architecture = Architecture::MobileNetV2(MobileNetV2Config::default());
        } else if !matches!(config.architecture, Architecture::MobileNetV2(_)) {
            bail!(
                "--pretrained is for mobilenet_v2, but the architecture is {}: add --arch mobilenet-v2, or leave --pretrained away",
                config.architecture.kind()
            );
        }
        Ok(())
    }
}

/// Gives the configuration the bundle's network and input plane.
fn take_over(
    bundle: &Bundle,
    config: &mut Config,
    arch: Option<ArchitectureName>,
    said: impl Fn(&str) -> Result<bool>,
) -> Result<()> {
    let theirs = &bundle.manifest;
    let kind = theirs.architecture.kind();
    if let Some(arch) = arch {
        let wanted = arch.architecture();
        if wanted.kind() != kind {
            bail!(
                "--arch asks for {}, but the model to start from is a {kind}: leave --arch away",
                wanted.kind()
            );
        }
    } else if said("architecture")? && config.architecture != theirs.architecture {
        bail!(
            "the architecture in the configuration is not that of the model to start from ({kind}): take [architecture] out of the configuration"
        );
    }
    if said("input")? && config.input != theirs.input {
        bail!(
            "the input plane in the configuration is not that of the model to start from ({} x {}): take [input] out of the configuration",
            theirs.input.width,
            theirs.input.height
        );
    }
    config.architecture = theirs.architecture.clone();
    config.input = theirs.input;
    Ok(())
}

/// Whether a configuration file has a key at its top.
fn mentions(file: Option<&Path>, key: &str) -> Result<bool> {
    let Some(path) = file else {
        return Ok(false);
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    let table: toml::Table = toml::from_str(&text)
        .with_context(|| format!("the configuration {} is not valid", path.display()))?;
    Ok(table.contains_key(key))
}
