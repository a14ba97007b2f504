//! The training configuration: a TOML file, saved with every run.

use std::path::Path;

use anyhow::{Context, Result, bail};
use scanlight_model::arch::{Architecture, CompactResnetConfig, ReferenceCnnConfig};
use scanlight_model::preprocess::InputGeometry;
use serde::{Deserialize, Serialize};

/// Everything that shapes a training run. All fields have defaults; a TOML file names what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Seed of the split, the weights' start, the order of images and the augmentation.
    pub seed: u64,
    /// Most epochs to train.
    pub epochs: u32,
    /// Images per step.
    pub batch_size: usize,
    /// Whether the loss weights each class by the inverse of its share of the training images.
    pub class_weights: bool,
    /// Label smoothing, 0 (off) to below 1.
    pub label_smoothing: f32,
    /// The network: `kind = "compact_resnet"` or `"reference_cnn"`, and its sizes.
    pub architecture: Architecture,
    /// The input plane and how an image gets onto it.
    pub input: InputGeometry,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Which images train, validate and test.
    pub split: SplitConfig,
    /// When to stop before the last epoch.
    pub early_stopping: EarlyStoppingConfig,
    /// Random changes to training images.
    pub augmentation: AugmentationConfig,
    /// Synthetic images among the training images.
    pub phantoms: PhantomConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 42,
            epochs: 60,
            batch_size: 32,
            class_weights: true,
            label_smoothing: 0.05,
            architecture: Architecture::CompactResnet(CompactResnetConfig::default()),
            input: InputGeometry::default(),
            optimizer: OptimizerConfig::default(),
            split: SplitConfig::default(),
            early_stopping: EarlyStoppingConfig::default(),
            augmentation: AugmentationConfig::default(),
            phantoms: PhantomConfig::default(),
        }
    }
}

/// Adam (Kingma and Ba 2015, <https://arxiv.org/abs/1412.6980>) and its learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptimizerConfig {
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Learning rate over time.
    pub schedule: Schedule,
    /// Epochs over which the learning rate rises linearly from 0.
    pub warmup_epochs: f64,
    /// Weight decay (L2 penalty's gradient factor).
    pub weight_decay: f32,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            learning_rate: 2e-3,
            schedule: Schedule::Cosine,
            warmup_epochs: 1.0,
            weight_decay: 1e-4,
        }
    }
}

/// Learning rate over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always the highest.
    Constant,
    /// Falls to a hundredth along half a cosine until the last epoch.
    Cosine,
}

/// Which images train, validate and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitConfig {
    /// What to make of `Training/` and `Testing/` folders.
    pub folders: Folders,
    /// Share of each class's images held out for the test, where no folder says which.
    pub test_share: f64,
    /// Share of each class's remaining images that validates (early stopping).
    pub validation_share: f64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        Self {
            folders: Folders::Keep,
            test_share: 0.2,
            validation_share: 0.1,
        }
    }
}

/// What to make of `Training/` and `Testing/` folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Folders {
    /// Images under `Testing/` are the test images.
    Keep,
    /// All images together are split at random.
    Merge,
}

/// When to stop before the last epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStoppingConfig {
    /// Epochs without a lower validation loss before training stops; 0 never stops.
    pub patience: u32,
}

impl Default for EarlyStoppingConfig {
    fn default() -> Self {
        Self { patience: 20 }
    }
}

/// Random changes to training images; every value is drawn evenly from its range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AugmentationConfig {
    /// Share of images left as they are. Without it the network gets used to resampled images and
    /// does worse on real ones.
    pub untouched: f64,
    /// Rotation in degrees, both ways.
    pub rotation: f32,
    /// Zoom: factors from `1 - zoom` to `1 + zoom`.
    pub zoom: f32,
    /// Shift in fractions of a side, both ways and both axes.
    pub shift: f32,
    /// Shear in degrees, both ways.
    pub shear: f32,
    /// Probability of mirroring left and right; applies to all images.
    pub horizontal_flip: f64,
}

impl Default for AugmentationConfig {
    fn default() -> Self {
        Self {
            untouched: 0.3,
            rotation: 15.0,
            zoom: 0.12,
            shift: 0.08,
            shear: 6.0,
            horizontal_flip: 0.5,
        }
    }
}

/// Synthetic images among the training images; never among those that validate or test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhantomConfig {
    /// Phantoms for every real training image; only for the four canonical classes.
    pub share: f64,
}

impl Default for PhantomConfig {
    fn default() -> Self {
        Self { share: 0.1 }
    }
}

/// Short names of the architectures for the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ArchitectureName {
    /// Residual network with channel attention, 0.7 million parameters.
    Compact,
    /// Three convolution blocks and a dense head, 0.1 million parameters.
    ReferenceCnn,
}

impl ArchitectureName {
    /// The architecture with its default sizes.
    pub fn architecture(self) -> Architecture {
        match self {
            Self::Compact => Architecture::CompactResnet(CompactResnetConfig::default()),
            Self::ReferenceCnn => Architecture::ReferenceCnn(ReferenceCnnConfig::default()),
        }
    }
}

impl Config {
    /// Reads a configuration file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        toml::from_str(&text)
            .with_context(|| format!("the configuration {} is not valid", path.display()))
    }

    /// The configuration as the text of a file.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string_pretty(self).context("cannot write the configuration as TOML")
    }

    /// Checks every value's range.
    pub fn validate(&self, classes: usize) -> Result<()> {
        let share = |name: &str, value: f64, below_one: bool| -> Result<()> {
            let fine =
                value.is_finite() && value >= 0.0 && (value < 1.0 || !below_one && value <= 1.0);
            if !fine {
                bail!("{name} is {value}, but must lie between 0 and 1");
            }
            Ok(())
        };
        if self.epochs == 0 || self.batch_size < 2 {
            bail!(
                "epochs must be at least 1 and batch_size at least 2 (batch norm needs two images)"
            );
        }
        share("split.test_share", self.split.test_share, true)?;
        share("split.validation_share", self.split.validation_share, true)?;
        if self.split.validation_share == 0.0 {
            bail!("split.validation_share is 0, but early stopping needs validation images");
        }
        share("label_smoothing", self.label_smoothing.into(), true)?;
        share("augmentation.untouched", self.augmentation.untouched, false)?;
        share(
            "augmentation.horizontal_flip",
            self.augmentation.horizontal_flip,
            false,
        )?;
        share("augmentation.zoom", self.augmentation.zoom.into(), true)?;
        share("augmentation.shift", self.augmentation.shift.into(), true)?;
        share("phantoms.share", self.phantoms.share, false)?;
        let augmentation = &self.augmentation;
        if !(0.0..=180.0).contains(&augmentation.rotation)
            || !(0.0..=60.0).contains(&augmentation.shear)
        {
            bail!(
                "augmentation.rotation must lie in 0..=180 degrees and augmentation.shear in 0..=60"
            );
        }
        let rate = self.optimizer.learning_rate;
        if !(rate.is_finite() && rate > 0.0) {
            bail!("optimizer.learning_rate is {rate}, but must be above 0");
        }
        self.architecture
            .validate(&self.input, classes)
            .context("the architecture in the configuration makes no network")
    }

    /// Learning rate at a point of the training, counted in epochs from 0.
    pub fn learning_rate(&self, epoch: f64) -> f64 {
        let optimizer = &self.optimizer;
        let warm = if optimizer.warmup_epochs > 0.0 {
            (epoch / optimizer.warmup_epochs).min(1.0)
        } else {
            1.0
        };
        let fall = match optimizer.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let span = (f64::from(self.epochs) - optimizer.warmup_epochs).max(1e-9);
                let done = ((epoch - optimizer.warmup_epochs) / span).clamp(0.0, 1.0);
                0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
        };
        // A first step of exactly 0 would be wasted.
        optimizer.learning_rate * (warm * fall).max(1e-4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_round_trip_and_defaults() {
        let config = Config::default();
        let text = config.to_toml().unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
        let partial: Config =
            toml::from_str("epochs = 3\n[augmentation]\nrotation = 5.0\n").unwrap();
        assert_eq!(partial.epochs, 3);
        assert_eq!(partial.augmentation.rotation, 5.0);
        assert_eq!(partial.augmentation.zoom, config.augmentation.zoom);
        config.validate(4).unwrap();
    }

    #[test]
    fn a_typo_is_named() {
        let error = toml::from_str::<Config>("epoch = 3\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("epoch"), "{error}");
    }

    #[test]
    fn ranges_are_checked() {
        let mut config = Config::default();
        config.augmentation.zoom = 1.5;
        assert!(config.validate(4).is_err());
        let mut config = Config::default();
        config.input.width = 8;
        assert!(config.validate(4).is_err());
    }

    #[test]
    fn learning_rate_rises_then_falls() {
        let config = Config::default();
        assert!(config.learning_rate(0.0) < config.learning_rate(0.5));
        assert!((config.learning_rate(1.0) - 2e-3).abs() < 1e-9);
        assert!(config.learning_rate(30.0) < config.learning_rate(10.0));
        assert!((config.learning_rate(60.0) - 2e-5).abs() < 1e-9);
    }
}
