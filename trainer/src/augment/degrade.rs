//! Worse pictures: blur, noise and an erased rectangle.

use rand::Rng;
use rand_distr::StandardNormal;

use super::{Rectangle, rectangle};
use crate::config::AugmentationConfig;

/// How a picture gets worse.
#[derive(Debug, Clone, PartialEq)]
pub struct Degrade {
    /// Deviation of the blur in pixels; 0 for none.
    pub blur: f32,
    /// Deviation of the noise in grey values; 0 for none.
    pub noise: f32,
    /// The rectangle to fill, and its grey value.
    pub erased: Option<(Rectangle, f32)>,
}

impl Degrade {
    /// A random change within the configuration's ranges.
    pub fn draw(
        config: &AugmentationConfig,
        width: usize,
        height: usize,
        rng: &mut impl Rng,
    ) -> Self {
        // Every number is drawn whether used or not: one setting does not change the others' draws.
        let mut sometimes = |probability: f64, strength: f32| -> f32 {
            let chosen = rng.random_bool(probability);
            let strength = strength * rng.random::<f32>();
            if chosen { strength } else { 0.0 }
        };
        let blur = sometimes(config.blur_probability, config.blur);
        let noise = sometimes(config.noise_probability, config.noise) * 255.0;
        let area = sometimes(config.erase_probability, config.erase);
        let stretch = (rng.random::<f32>() * 2.0 - 1.0).exp();
        let middle = [rng.random::<f32>(), rng.random::<f32>()];
        let value = 255.0 * rng.random::<f32>();
        let erased = (area > 0.0).then(|| {
            let sides = [(area * stretch).sqrt(), (area / stretch).sqrt()];
            (rectangle(sides, middle, width, height), value)
        });
        Self {
            blur,
            noise,
            erased,
        }
    }

    /// Changes the picture.
    pub fn apply(&self, values: &mut [f32], width: usize, rng: &mut impl Rng) {
        if self.blur > 0.0 {
            blur(values, width, self.blur);
        }
        if self.noise > 0.0 {
            for value in values.iter_mut() {
                let normal: f32 = rng.sample(StandardNormal);
                // The magnitude of an MRI signal cannot be negative.
                *value = (*value + self.noise * normal).max(0.0);
            }
        }
        if let Some((area, value)) = &self.erased {
            for row in area.top..area.bottom {
                values[row * width + area.left..row * width + area.right].fill(*value);
            }
        }
    }
}

/// Gaussian blur; the edge's values go on beyond it.
fn blur(values: &mut [f32], width: usize, deviation: f32) {
    let radius = (3.0 * deviation).ceil().max(1.0) as usize;
    let mut kernel: Vec<f32> = (0..=2 * radius)
        .map(|i| {
            let x = (i as f32 - radius as f32) / deviation;
            (-0.5 * x * x).exp()
        })
        .collect();
    let sum: f32 = kernel.iter().sum();
    for weight in &mut kernel {
        *weight /= sum;
    }
    let height = values.len() / width.max(1);
    let mut padded = vec![0.0; width + 2 * radius];
    for row in values.chunks_exact_mut(width) {
        convolve(row, &mut padded, radius, &kernel);
    }
    let mut column = vec![0.0; height];
    let mut padded = vec![0.0; height + 2 * radius];
    for x in 0..width {
        for (y, value) in column.iter_mut().enumerate() {
            *value = values[y * width + x];
        }
        convolve(&mut column, &mut padded, radius, &kernel);
        for (y, value) in column.iter().enumerate() {
            values[y * width + x] = *value;
        }
    }
}

fn convolve(line: &mut [f32], padded: &mut [f32], radius: usize, kernel: &[f32]) {
    let (Some(&first), Some(&last)) = (line.first(), line.last()) else {
        return;
    };
    padded[..radius].fill(first);
    padded[radius..radius + line.len()].copy_from_slice(line);
    padded[radius + line.len()..].fill(last);
    for (value, window) in line.iter_mut().zip(padded.windows(kernel.len())) {
        *value = window.iter().zip(kernel).map(|(v, w)| v * w).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn blur_keeps_the_sum_and_has_the_deviation() {
        let mut values = vec![0.0; 41 * 41];
        values[20 * 41 + 20] = 1.0;
        blur(&mut values, 41, 1.7);
        let (mut sum, mut spread) = (0.0, 0.0);
        for (index, value) in values.iter().enumerate() {
            sum += value;
            spread += value * ((index % 41) as f32 - 20.0).powi(2);
        }
        assert!((sum - 1.0).abs() < 1e-4);
        assert!((spread.sqrt() - 1.7).abs() < 0.1, "{}", spread.sqrt());
        let mut flat = vec![3.0; 20];
        blur(&mut flat, 5, 0.4);
        assert!(flat.iter().all(|v| (v - 3.0).abs() < 1e-5));
    }

    #[test]
    fn noise_has_the_deviation() {
        let change = Degrade {
            blur: 0.0,
            noise: 9.0,
            erased: None,
        };
        let mut values = vec![128.0; 10_000];
        change.apply(&mut values, 100, &mut ChaCha8Rng::seed_from_u64(2));
        let variance = values.iter().map(|v| (v - 128.0).powi(2)).sum::<f32>() / 1e4;
        assert!((variance.sqrt() - 9.0).abs() < 0.3, "{}", variance.sqrt());
    }

    #[test]
    fn the_erased_area_is_at_most_the_range() {
        let config = AugmentationConfig {
            erase_probability: 1.0,
            erase: 0.1,
            blur_probability: 0.0,
            noise_probability: 0.0,
            ..AugmentationConfig::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut most = 0;
        for _ in 0..300 {
            let change = Degrade::draw(&config, 64, 64, &mut rng);
            let mut values = vec![-1.0; 64 * 64];
            change.apply(&mut values, 64, &mut rng);
            most = most.max(values.iter().filter(|v| **v >= 0.0).count());
        }
        let share = most as f32 / 4096.0;
        assert!((0.08..0.11).contains(&share), "{share}");
    }
}
