//! The comments of a configuration file.

use std::collections::HashSet;

use super::documented::Documented;
use super::{
    AugmentationConfig, Config, EarlyStoppingConfig, EmaConfig, InitialConfig, LocalisationConfig,
    MixConfig, OptimizerConfig, PhantomConfig, SplitConfig,
};

type Keys = &'static [(&'static str, &'static [&'static str])];

/// The keys of sections that the model crate defines, by their path.
const MODEL_KEYS: Keys = &[
    (
        "architecture.kind",
        &[
            " \"compact_resnet\": residual network with channel attention; \"reference_cnn\": three",
            " convolution blocks and a dense head; \"mobilenet_v2\": inverted residuals. The keys below",
            " depend on it.",
        ],
    ),
    (
        "architecture.stem",
        &[" Channels after the first convolution, which halves the plane."],
    ),
    (
        "architecture.merge",
        &[
            " Channels of the last two stages put together, which makes the maps as fine as the last stage",
            " but one; 0 leaves them apart.",
        ],
    ),
    (
        "architecture.squeeze",
        &[" The attention's bottleneck has the block's channels divided by this."],
    ),
    (
        "architecture.dropout",
        &[" Probability of dropping a value before the last layer while training, 0 to below 1."],
    ),
    (
        "architecture.stages",
        &[" A stage: its first block halves the plane (mobilenet_v2: where its stride is 2)."],
    ),
    (
        "architecture.width",
        &[" Width multiplier: a factor on all channel counts but the last."],
    ),
    ("architecture.last", &[" Channels of the feature maps."]),
    (
        "architecture.stages.expansion",
        &[" Channels inside a block are its input channels times this."],
    ),
    (
        "architecture.stages.stride",
        &[" Stride of the stage's first block, 1 or 2."],
    ),
    ("architecture.stages.channels", &[" Channels of the stage."]),
    (
        "architecture.stages.blocks",
        &[" Residual blocks of the stage, at least 1."],
    ),
    (
        "architecture.channels",
        &[" Channels after each block; every block halves the plane."],
    ),
    (
        "architecture.hidden",
        &[" Width of the dense layer before the last; 0 for none."],
    ),
    ("input.width", &[" Width of the input plane in pixels."]),
    ("input.height", &[" Height of the input plane in pixels."]),
    (
        "input.crop",
        &[" \"foreground\" crops to what is not dark background, \"none\" keeps the whole image."],
    ),
    (
        "input.fit",
        &[" \"letterbox\" keeps the aspect ratio and pads, \"stretch\" fills the plane."],
    ),
    (
        "input.filter",
        &[" \"triangle\": linear interpolation that averages when it reduces."],
    ),
    (
        "input.normalisation",
        &[" \"per_image_standard\": mean 0 and deviation 1 of each image."],
    ),
];

/// The sections that this program defines.
const SECTIONS: &[(&str, Keys)] = &[
    ("", Config::KEYS),
    ("initial", InitialConfig::KEYS),
    ("optimizer", OptimizerConfig::KEYS),
    ("ema", EmaConfig::KEYS),
    ("early_stopping", EarlyStoppingConfig::KEYS),
    ("split", SplitConfig::KEYS),
    ("augmentation", AugmentationConfig::KEYS),
    ("mix", MixConfig::KEYS),
    ("localisation", LocalisationConfig::KEYS),
    ("phantoms", PhantomConfig::KEYS),
];

/// The documentation of a key, such as `optimizer.learning_rate`.
fn comment(path: &str) -> Option<&'static [&'static str]> {
    let find = |keys: Keys, wanted: &str| {
        keys.iter()
            .find(|(key, _)| *key == wanted)
            .map(|(_, lines)| *lines)
    };
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    SECTIONS
        .iter()
        .find(|(name, _)| *name == section)
        .and_then(|(_, keys)| find(keys, key))
        .or_else(|| find(MODEL_KEYS, path))
}

/// Puts each key's documentation above it, in text as `toml` writes it: one key or header a line,
/// the lines within a value indented.
pub fn with_comments(text: &str) -> String {
    let mut result = String::new();
    let mut section = String::new();
    // Repeated tables (`[[architecture.stages]]`) are explained once.
    let mut explained = HashSet::new();
    for line in text.lines() {
        let path = if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_string();
            Some(section.clone())
        } else {
            key(line).map(|key| match section.as_str() {
                "" => key.to_string(),
                section => format!("{section}.{key}"),
            })
        };
        if let Some(path) = path
            && let Some(lines) = comment(&path)
            && explained.insert(path)
        {
            for comment in lines {
                result.push('#');
                result.push_str(comment);
                result.push('\n');
            }
        }
        result.push_str(line);
        result.push('\n');
    }
    result
}

/// The key that a line of TOML gives a value to.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!key.is_empty() && key.chars().all(plain)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ArchitectureName;
    use clap::ValueEnum;

    /// Keys of the text that have no comment right above them (or above their first appearance).
    fn bare(text: &str) -> Vec<String> {
        let mut missing = Vec::new();
        let mut section = String::new();
        let mut seen = HashSet::new();
        let mut before = "";
        for line in text.lines() {
            let name = if line.starts_with('[') {
                section = line.trim_matches(['[', ']']).to_string();
                Some(section.clone())
            } else {
                key(line).map(|key| format!("{section}.{key}"))
            };
            if let Some(name) = name
                && seen.insert(name.clone())
                && !before.starts_with("# ")
            {
                missing.push(name);
            }
            before = line;
        }
        assert!(seen.len() > 40, "the test must see the keys: {seen:?}");
        missing
    }

    #[test]
    fn every_key_of_every_architecture_has_a_comment() {
        for name in ArchitectureName::value_variants() {
            let config = Config {
                architecture: name.architecture(),
                ..Config::default()
            };
            let text = config.to_toml().unwrap();
            assert_eq!(bare(&text), Vec::<String>::new(), "{text}");
            assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
        }
    }

    #[test]
    fn a_key_without_a_comment_is_noticed() {
        let text = Config::default()
            .to_toml()
            .unwrap()
            .replacen("\nepochs = ", "\n\nepochs = ", 1);
        assert_eq!(bare(&text), [".epochs"]);
    }
}
