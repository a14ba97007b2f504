//! The training configuration: a TOML file, saved with every run.

mod augmentation;
mod comments;
mod data;
mod documented;
mod initial;
mod optimizer;
mod training;
mod validate;

use std::path::Path;

use anyhow::{Context, Result};
use scanlight_model::arch::{
    Architecture, CompactResnetConfig, MobileNetV2Config, ReferenceCnnConfig,
};
use scanlight_model::preprocess::InputGeometry;

pub use augmentation::{AugmentationConfig, MixConfig};
pub use data::{Folders, PhantomConfig, SplitConfig, TestedGroups};
use documented::section;
pub use initial::{Freeze, InitialConfig};
pub use optimizer::{OptimizerConfig, OptimizerKind};
pub use training::{EarlyStoppingConfig, EmaConfig, Keep, LocalisationConfig, Selection};

section! {
    /// Everything that shapes a training run. All keys have defaults; a TOML file names what differs.
    pub struct Config {
        /// Seed of the split, the weights' start, the order of images and every random change.
        pub seed: u64 = 42,
        /// Most epochs to train, at least 1.
        pub epochs: u32 = 60,
        /// Images per step, at least 2.
        pub batch_size: usize = 32,
        /// Whether the loss weights each class by the inverse of its share of the training images.
        pub class_weights: bool = true,
        /// Label smoothing (Szegedy 2016, <https://arxiv.org/abs/1512.00567>): the share of each target
        /// that is spread evenly over all classes, 0 (off) to below 1.
        pub label_smoothing: f32 = 0.05,
        /// Which epoch's weights are kept: "loss" the one with the lowest validation loss; "accuracy" the
        /// one with the highest validation accuracy, which a few images that are wrong with great
        /// confidence do not sway; "last" the last.
        pub select: Selection = Selection::Loss,
        /// Whether every step's loss, learning rate and gradient length go into steps.jsonl.
        pub log_steps: bool = false,
        /// Whether temperature, uncertainty and strangeness are fitted at the end. It takes as long as a few
        /// epochs' validation; `scanlight calibrate RUN` makes up for it.
        pub calibrate: bool = true,
        /// The network and its sizes; `kind` says which.
        pub architecture: Architecture =
            Architecture::CompactResnet(CompactResnetConfig::default()),
        /// The input plane and how an image gets onto it.
        pub input: InputGeometry = InputGeometry::default(),
        /// What training starts from instead of at random, and how much of it stays. One of these can be
        /// set: pretrained = "FILE" (ImageNet weights for mobilenet_v2), init = "DIR" (a model of ours);
        /// unfreeze_after = EPOCHS ends a freeze.
        pub initial: InitialConfig = InitialConfig::default(),
        /// How the gradients change the weights.
        pub optimizer: OptimizerConfig = OptimizerConfig::default(),
        /// A running mean of the weights, which often generalises better than the weights themselves.
        /// Batch norm's statistics are averaged with them.
        pub ema: EmaConfig = EmaConfig::default(),
        /// When to stop before the last epoch.
        pub early_stopping: EarlyStoppingConfig = EarlyStoppingConfig::default(),
        /// Which images train, validate and test.
        pub split: SplitConfig = SplitConfig::default(),
        /// Random changes to training images; every strength is drawn evenly from its range. The
        /// network sees each image at mean 0 and deviation 1, after these changes: of brightness and
        /// contrast only that remains which they push out of the range of grey values.
        pub augmentation: AugmentationConfig = AugmentationConfig::default(),
        /// Two training images in one, with both classes as the target.
        pub mix: MixConfig = MixConfig::default(),
        /// Where the network shall look, for images whose lesion's box is known.
        pub localisation: LocalisationConfig = LocalisationConfig::default(),
        /// Synthetic images among the training images; never among those that validate or test.
        pub phantoms: PhantomConfig = PhantomConfig::default(),
    }
}

/// Short names of the architectures for the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ArchitectureName {
    /// Residual network with channel attention, 0.7 million parameters.
    Compact,
    /// Three convolution blocks and a dense head, 0.1 million parameters.
    ReferenceCnn,
    /// MobileNetV2, 2.2 million parameters; --pretrained starts it from ImageNet weights. Its maps are
    /// 4 x 4 at the default input of 128 x 128, and 7 x 7 at 224 x 224 (`[input]` in --config).
    #[value(name = "mobilenet-v2")]
    MobileNetV2,
}

impl ArchitectureName {
    /// The architecture with its default sizes.
    pub fn architecture(self) -> Architecture {
        match self {
            Self::Compact => Architecture::CompactResnet(CompactResnetConfig::default()),
            Self::ReferenceCnn => Architecture::ReferenceCnn(ReferenceCnnConfig::default()),
            Self::MobileNetV2 => Architecture::MobileNetV2(MobileNetV2Config::default()),
        }
    }
}

impl Config {
    /// Reads a configuration file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::parse(&text)
            .with_context(|| format!("the configuration {} is not valid", path.display()))
    }

    /// Reads a configuration's text.
    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut config: Self = toml::from_str(text)?;
        // In a manifest a compact network that says nothing of `merge` has none: it is older than the merge.
        // Here a key that is not there means the default, as with all others.
        let named = toml::from_str::<toml::Table>(text)?
            .get("architecture")
            .is_some_and(|architecture| architecture.get("merge").is_some());
        if let (Architecture::CompactResnet(compact), false) = (&mut config.architecture, named) {
            compact.merge = CompactResnetConfig::default().merge;
        }
        Ok(config)
    }

    /// The configuration as the text of a file, with a comment for every key.
    pub fn to_toml(&self) -> Result<String> {
        let text =
            toml::to_string_pretty(self).context("cannot write the configuration as TOML")?;
        Ok(comments::with_comments(&text))
    }

    /// Learning rate at a point of the training, counted in epochs from 0.
    pub fn learning_rate(&self, epoch: f64) -> f64 {
        self.optimizer.rate(epoch, f64::from(self.epochs))
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
    fn a_network_without_the_key_merge_has_the_default_one() {
        let merge = |text: &str| match Config::parse(text).unwrap().architecture {
            Architecture::CompactResnet(compact) => compact.merge,
            other => panic!("{other:?}"),
        };
        let usual = CompactResnetConfig::default().merge;
        assert!(usual > 0);
        let network = "[architecture]\nkind = \"compact_resnet\"\n";
        assert_eq!(merge("epochs = 3\n"), usual);
        assert_eq!(merge(network), usual);
        assert_eq!(merge(&format!("{network}merge = 0\n")), 0);
    }

    #[test]
    fn a_typo_is_named() {
        let error = toml::from_str::<Config>("epoch = 3\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("epoch"), "{error}");
    }
}
