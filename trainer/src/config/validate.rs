//! Every value's range.

use std::fmt::Display;

use anyhow::{Context, Result, bail};

use super::Config;

/// Refuses a value, naming its key, what it is, and what it must be.
fn check(fine: bool, key: &str, value: impl Display, range: &str) -> Result<()> {
    if !fine {
        bail!("{key} is {value}, but must {range}");
    }
    Ok(())
}

/// A number from 0 to 1, both included.
fn share(key: &str, value: f64) -> Result<()> {
    within(key, value, 1.0)
}

/// A number from 0 to a highest value, both included.
fn within(key: &str, value: f64, highest: f64) -> Result<()> {
    let fine = (0.0..=highest).contains(&value);
    check(fine, key, value, &format!("lie between 0 and {highest}"))
}

/// A number from 0, included, to a limit, excluded.
fn below(key: &str, value: f64, limit: f64) -> Result<()> {
    let fine = (0.0..limit).contains(&value);
    let range = format!("be at least 0 and below {limit}");
    check(fine, key, value, &range)
}

/// A number above 0.
fn positive(key: &str, value: f64) -> Result<()> {
    check(value.is_finite() && value > 0.0, key, value, "be above 0")
}

impl Config {
    /// Checks every value's range for a number of classes.
    pub fn validate(&self, classes: usize) -> Result<()> {
        check(self.epochs >= 1, "epochs", self.epochs, "be at least 1")?;
        let range = "be at least 2 (batch norm needs two images)";
        check(self.batch_size >= 2, "batch_size", self.batch_size, range)?;
        below("label_smoothing", self.label_smoothing.into(), 1.0)?;

        self.initial.validate()?;
        let optimizer = &self.optimizer;
        positive("optimizer.learning_rate", optimizer.learning_rate)?;
        within("optimizer.warmup_epochs", optimizer.warmup_epochs, 1e6)?;
        share("optimizer.final_share", optimizer.final_share)?;
        share("optimizer.weight_decay", optimizer.weight_decay.into())?;
        within("optimizer.clip_norm", optimizer.clip_norm.into(), 1e9)?;
        below("ema.decay", self.ema.decay, 1.0)?;

        below("split.test_share", self.split.test_share, 1.0)?;
        let validation = self.split.validation_share;
        let fine = validation > 0.0 && validation < 1.0;
        let range = "be above 0 and below 1: validation images choose the epoch that is kept";
        check(fine, "split.validation_share", validation, range)?;
        share("phantoms.share", self.phantoms.share)?;
        within(
            "localisation.weight",
            self.localisation.weight.into(),
            100.0,
        )?;
        self.validate_augmentation()?;
        self.architecture
            .validate(&self.input, classes)
            .context("the architecture in the configuration makes no network")
    }

    fn validate_augmentation(&self) -> Result<()> {
        let a = &self.augmentation;
        share("augmentation.untouched", a.untouched)?;
        share("augmentation.horizontal_flip", a.horizontal_flip)?;
        within("augmentation.rotation", a.rotation.into(), 180.0)?;
        below("augmentation.zoom", a.zoom.into(), 1.0)?;
        below("augmentation.stretch", a.stretch.into(), 1.0)?;
        below("augmentation.shift", a.shift.into(), 1.0)?;
        within("augmentation.shear", a.shear.into(), 60.0)?;
        below("augmentation.crop", a.crop.into(), 0.5)?;
        within("augmentation.gamma", a.gamma.into(), 10.0)?;
        within("augmentation.bias_field", a.bias_field.into(), 3.0)?;
        share("augmentation.brightness", a.brightness.into())?;
        below("augmentation.contrast", a.contrast.into(), 1.0)?;
        share("augmentation.blur_probability", a.blur_probability)?;
        within("augmentation.blur", a.blur.into(), 10.0)?;
        share("augmentation.noise_probability", a.noise_probability)?;
        share("augmentation.noise", a.noise.into())?;
        share("augmentation.erase_probability", a.erase_probability)?;
        share("augmentation.erase", a.erase.into())?;

        let mix = &self.mix;
        share("mix.mixup_probability", mix.mixup_probability)?;
        share("mix.cutmix_probability", mix.cutmix_probability)?;
        let both = mix.mixup_probability + mix.cutmix_probability;
        let key = "mix.mixup_probability + mix.cutmix_probability";
        check(both <= 1.0, key, both, "be at most 1")?;
        positive("mix.mixup_alpha", mix.mixup_alpha)?;
        positive("mix.cutmix_alpha", mix.cutmix_alpha)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(toml: &str) -> String {
        let config: Config = toml::from_str(toml).unwrap();
        config.validate(4).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_key() {
        for (toml, key) in [
            ("epochs = 0", "epochs"),
            ("batch_size = 1", "batch_size"),
            ("label_smoothing = 1.0", "label_smoothing"),
            (
                "[optimizer]\nlearning_rate = nan",
                "optimizer.learning_rate",
            ),
            ("[optimizer]\nweight_decay = -0.1", "optimizer.weight_decay"),
            ("[optimizer]\nclip_norm = inf", "optimizer.clip_norm"),
            ("[ema]\ndecay = 1.0", "ema.decay"),
            ("[split]\nvalidation_share = 0.0", "split.validation_share"),
            ("[augmentation]\nzoom = 1.5", "augmentation.zoom"),
            ("[augmentation]\ngamma = nan", "augmentation.gamma"),
            ("[augmentation]\ncrop = 0.5", "augmentation.crop"),
            (
                "[mix]\ncutmix_probability = 0.7",
                "mix.mixup_probability + mix.cutmix_probability",
            ),
            ("[mix]\nmixup_alpha = 0.0", "mix.mixup_alpha"),
        ] {
            let text = refused(toml);
            assert!(text.starts_with(&format!("{key} is ")), "{toml}: {text}");
        }
        assert!(refused("[input]\nwidth = 8\nheight = 8").contains("architecture"));
    }

    /// A key that nobody checks would be accepted at any value.
    #[test]
    fn every_number_has_a_range() {
        let defaults = toml::Value::try_from(Config::default()).unwrap();
        for section in [
            "initial",
            "optimizer",
            "ema",
            "split",
            "augmentation",
            "mix",
            "phantoms",
            "localisation",
        ] {
            for (key, value) in defaults[section].as_table().unwrap() {
                if !value.is_float() {
                    continue;
                }
                let mut changed = defaults.clone();
                changed[section][key] = toml::Value::Float(f64::NAN);
                let config: Config = changed.try_into().unwrap();
                let error = config.validate(4).unwrap_err().to_string();
                assert!(error.contains(&format!("{section}.{key}")), "{error}");
            }
        }
    }
}
