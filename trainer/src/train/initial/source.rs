//! The files that training starts from, and what is recorded of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use scanlight_model::bundle::{
    Bundle, InitialWeights, MAX_WEIGHTS_BYTES, sha256_hex,
    weights::{self, Tensors},
};

use crate::commands::open_bundle;
use crate::config::{Freeze, InitialConfig};

/// What training starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source<'a> {
    /// A weights file.
    Pretrained(&'a Path),
    /// A bundle's folder.
    Bundle(&'a Path),
}

impl InitialConfig {
    pub(super) fn source(&self) -> Option<Source<'_>> {
        match (&self.pretrained, &self.init) {
            (Some(path), _) => Some(Source::Pretrained(path)),
            (None, Some(path)) => Some(Source::Bundle(path)),
            (None, None) => None,
        }
    }

    /// Checks what can be known without the files.
    pub fn validate(&self) -> Result<()> {
        if self.pretrained.is_some() && self.init.is_some() {
            bail!(
                "initial.pretrained and initial.init are both set, but training starts from one of them"
            );
        }
        if self.source().is_none() && self.freeze != Freeze::None {
            bail!(
                "initial.freeze keeps the backbone as it was at the start, but it starts at random: add --pretrained FILE or --init DIR"
            );
        }
        if self.unfreeze_after.is_some() && self.freeze == Freeze::None {
            bail!("initial.unfreeze_after is set, but nothing is frozen: add --freeze backbone");
        }
        let rate = self.backbone_rate;
        if !(rate.is_finite() && rate > 0.0 && rate <= 1.0) {
            bail!("initial.backbone_rate is {rate}, but must be above 0 and at most 1");
        }
        Ok(())
    }

    /// Whether only the head is trained in an epoch, counted from 0.
    pub fn frozen(&self, epoch: u32) -> bool {
        self.freeze == Freeze::Backbone && self.unfreeze_after.is_none_or(|until| epoch < until)
    }

    /// The tensors of the pretrained weights file.
    pub(super) fn read_weights(&self, path: &Path) -> Result<Tensors> {
        let (bytes, hash) = read_file(path)?;
        self.check_hash(path, &hash)?;
        weights::decode(&bytes).with_context(|| format!("{} is refused", path.display()))
    }

    /// The bundle to start from.
    pub(super) fn read_bundle(&self, path: &Path) -> Result<Bundle> {
        let bundle = open_bundle(path)?;
        self.check_hash(path, &bundle.manifest.weights.sha256)?;
        Ok(bundle)
    }

    fn check_hash(&self, path: &Path, found: &str) -> Result<()> {
        match &self.sha256 {
            Some(expected) if !expected.eq_ignore_ascii_case(found) => bail!(
                "the weights in {} are not those that initial.sha256 names (found {found}, expected {expected}): restore the file, or start a new run",
                path.display()
            ),
            _ => Ok(()),
        }
    }

    /// Makes the paths independent of the working folder and notes the weights' SHA-256. Gives the
    /// bundle where there is one.
    pub(super) fn resolve(&mut self) -> Result<Option<Bundle>> {
        for path in [&mut self.pretrained, &mut self.init].into_iter().flatten() {
            *path = std::path::absolute(&*path)
                .with_context(|| format!("cannot resolve {}", path.display()))?;
        }
        match self.source() {
            None => Ok(None),
            Some(Source::Pretrained(path)) => {
                let (bytes, hash) = read_file(path)?;
                self.check_hash(path, &hash)?;
                weights::decode(&bytes)
                    .with_context(|| format!("{} is refused", path.display()))?;
                self.sha256 = Some(hash);
                Ok(None)
            }
            Some(Source::Bundle(path)) => {
                let bundle = self.read_bundle(path)?;
                self.sha256 = Some(bundle.manifest.weights.sha256.to_ascii_lowercase());
                Ok(Some(bundle))
            }
        }
    }

    /// What the manifest says of the start.
    pub fn record(&self) -> Option<InitialWeights> {
        let (kind, path) = match self.source()? {
            Source::Pretrained(path) => ("pretrained", path),
            Source::Bundle(path) => ("bundle", path),
        };
        Some(InitialWeights {
            kind: kind.into(),
            name: file_name(path),
            sha256: self.sha256.clone().unwrap_or_default(),
            frozen: self.freeze == Freeze::Backbone,
            unfrozen_after: self.unfreeze_after,
        })
    }

    /// The same with names for paths: nobody's folders belong into a published manifest.
    pub fn without_paths(&self) -> Self {
        let name = |path: &PathBuf| PathBuf::from(file_name(path));
        Self {
            pretrained: self.pretrained.as_ref().map(name),
            init: self.init.as_ref().map(name),
            ..self.clone()
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A weights file's bytes and their SHA-256.
fn read_file(path: &Path) -> Result<(Vec<u8>, String)> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    if size > MAX_WEIGHTS_BYTES {
        bail!(
            "{} has {size} bytes, more than the {MAX_WEIGHTS_BYTES} allowed for weights",
            path.display()
        );
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let hash = sha256_hex(&bytes);
    Ok((bytes, hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> InitialConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn freezing_ends_when_told() {
        let config = from("init = \"a\"\nfreeze = \"backbone\"\nunfreeze_after = 2\n");
        config.validate().unwrap();
        assert_eq!(
            [0, 1, 2, 3].map(|e| config.frozen(e)),
            [true, true, false, false]
        );
        assert!(from("init = \"a\"\nfreeze = \"backbone\"\n").frozen(1000));
        assert!(!InitialConfig::default().frozen(0));
    }

    #[test]
    fn contradictions_are_named() {
        let error = |text: &str| from(text).validate().unwrap_err().to_string();
        assert!(error("init = \"a\"\npretrained = \"b\"\n").contains("both set"));
        assert!(error("freeze = \"backbone\"\n").contains("--init"));
        assert!(error("init = \"a\"\nunfreeze_after = 2\n").contains("--freeze"));
        assert!(error("backbone_rate = 0.0\n").contains("above 0"));
        InitialConfig::default().validate().unwrap();
    }

    #[test]
    fn manifests_name_the_file_and_not_its_folder() {
        let config = from("pretrained = \"/home/someone/weights.safetensors\"\nsha256 = \"ab\"\n");
        let record = config.record().unwrap();
        assert_eq!(
            (
                record.kind.as_str(),
                record.name.as_str(),
                record.sha256.as_str(),
                record.frozen
            ),
            ("pretrained", "weights.safetensors", "ab", false)
        );
        let text = toml::to_string(&config.without_paths()).unwrap();
        assert!(!text.contains("someone"), "{text}");
        assert_eq!(InitialConfig::default().record(), None);
    }

    #[test]
    fn other_weights_than_the_run_s_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let empty = weights::encode(&Tensors::new(), weights::Precision::Full).unwrap();
        std::fs::write(&path, &empty).unwrap();
        let mut config = InitialConfig {
            pretrained: Some(path.clone()),
            ..InitialConfig::default()
        };
        config.resolve().unwrap();
        assert_eq!(config.sha256.as_deref(), Some(sha256_hex(&empty).as_str()));
        std::fs::write(&path, b"second").unwrap();
        let error = config.read_weights(&path).unwrap_err().to_string();
        assert!(error.contains("initial.sha256"), "{error}");
    }
}
