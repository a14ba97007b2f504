//! Changes of grey values: curve, uneven field, brightness and contrast.

use std::f32::consts::PI;

use rand::Rng;

use super::both_ways;
use crate::config::AugmentationConfig;

/// How grey values change.
#[derive(Debug, Clone, PartialEq)]
pub struct Grey {
    /// Exponent of the curve.
    pub exponent: f32,
    /// The field's logarithm at its strongest.
    pub field: f32,
    /// Weights of the field's waves.
    pub waves: [f32; 5],
    /// Added, as a share of the range.
    pub brightness: f32,
    /// Factor about the mean.
    pub contrast: f32,
}

impl Grey {
    /// A random change within the configuration's ranges.
    pub fn draw(config: &AugmentationConfig, rng: &mut impl Rng) -> Self {
        // Evenly in the logarithm: as often darker as brighter.
        let exponent = both_ways((1.0 + config.gamma).ln(), rng).exp();
        let field = config.bias_field * rng.random::<f32>();
        let mut waves = [0.0; 5];
        for wave in &mut waves {
            *wave = both_ways(1.0, rng);
        }
        Self {
            exponent,
            field,
            waves,
            brightness: both_ways(config.brightness, rng),
            contrast: 1.0 + both_ways(config.contrast, rng),
        }
    }

    /// Changes values of 0 to 255; they stay there.
    pub fn apply(&self, values: &mut [f32], width: usize) {
        let height = values.len() / width.max(1);
        let field = self.field_of(width, height);
        let mut sum = 0.0f64;
        for (value, factor) in values.iter_mut().zip(&field) {
            let level = (*value / 255.0).clamp(0.0, 1.0).powf(self.exponent);
            *value = level * factor;
            sum += f64::from(*value);
        }
        // The field may push bright parts out of the range: only brightness and contrast cut off.
        let mean = (sum / values.len().max(1) as f64) as f32;
        let highest = values.iter().copied().fold(0.0, f32::max).max(1.0);
        for value in values {
            let level = (*value - mean) * self.contrast + mean + self.brightness * highest;
            *value = level.clamp(0.0, highest) * 255.0 / highest;
        }
    }

    /// The smooth field's factors: the exponential of a few slow waves, at most `field` either way.
    fn field_of(&self, width: usize, height: usize) -> Vec<f32> {
        if self.field == 0.0 {
            return vec![1.0; width * height];
        }
        // Half waves and whole ones along each side, and one across both.
        let wave = |count: usize| -> Vec<[f32; 2]> {
            (0..count)
                .map(|i| {
                    let at = (i as f32 + 0.5) / count as f32;
                    [(PI * at).cos(), (2.0 * PI * at).cos()]
                })
                .collect()
        };
        let (across, down) = (wave(width), wave(height));
        let [w0, w1, w2, w3, w4] = self.waves;
        let mut field = Vec::with_capacity(width * height);
        for y in &down {
            for x in &across {
                field.push(w0 * x[0] + w1 * y[0] + w2 * x[1] + w3 * y[1] + w4 * x[0] * y[0]);
            }
        }
        let strongest = field.iter().fold(0.0f32, |s, v| s.max(v.abs()));
        if strongest > 0.0 {
            let scale = self.field / strongest;
            for value in &mut field {
                *value = (*value * scale).exp();
            }
        } else {
            field.fill(1.0);
        }
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn still() -> Grey {
        Grey {
            exponent: 1.0,
            field: 0.0,
            waves: [1.0, 0.5, -0.25, 0.0, 0.3],
            brightness: 0.0,
            contrast: 1.0,
        }
    }

    fn ramp() -> Vec<f32> {
        (0..256).map(|v| v as f32).collect()
    }

    #[test]
    fn nothing_changes_nothing() {
        let mut values = ramp();
        still().apply(&mut values, 16);
        assert!(values.iter().zip(ramp()).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn gamma_is_a_power_and_keeps_the_ends() {
        let mut values = ramp();
        let change = Grey {
            exponent: 2.0,
            ..still()
        };
        change.apply(&mut values, 16);
        assert!(values[0] == 0.0 && (values[255] - 255.0).abs() < 1e-3);
        assert!((values[128] - 255.0 * (128.0f32 / 255.0).powi(2)).abs() < 1e-2);
    }

    #[test]
    fn the_field_is_smooth_and_within_its_strength() {
        let change = Grey {
            field: 0.5,
            ..still()
        };
        let field = change.field_of(32, 24);
        let (low, high) = ((-0.5f32).exp(), 0.5f32.exp());
        assert!(field.iter().all(|f| (low - 1e-4..=high + 1e-4).contains(f)));
        let strongest = field.iter().fold(0.0f32, |s, f| s.max(f.ln().abs()));
        assert!((strongest - 0.5).abs() < 1e-4, "the strength is reached");
        for row in field.chunks(32) {
            for pair in row.windows(2) {
                assert!((pair[0] - pair[1]).abs() < 0.15);
            }
        }
    }

    #[test]
    fn contrast_and_brightness_cut_off() {
        let mut values = ramp();
        let change = Grey {
            brightness: 0.2,
            contrast: 1.5,
            ..still()
        };
        change.apply(&mut values, 16);
        assert!(values.iter().all(|v| (0.0..=255.0).contains(v)));
        assert!(values.iter().filter(|v| **v == 255.0).count() > 20);
    }
}
