//! From tissue signal to grey values: coil shading, point spread, noise, window.

use image::GrayImage;
use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;

use super::field::{noise, pt};

/// Turns `signal` (row by row, `size` × `size`, 0 air to about 1 fat) into 8-bit grey values.
pub(super) fn develop(rng: &mut ChaCha8Rng, mut signal: Vec<f32>, size: u32) -> GrayImage {
    let seed: u32 = rng.random();
    let (bias, surface) = (rng.random_range(0.05..0.35), rng.random_range(-0.05..0.3));
    let at = |i: usize| {
        let (x, y) = (i as u32 % size, i as u32 / size);
        let scale = 2.0 / size as f32;
        pt(
            (x as f32 + 0.5) * scale - 1.0,
            (y as f32 + 0.5) * scale - 1.0,
        )
    };
    for (i, value) in signal
        .iter_mut()
        .enumerate()
        .filter(|(_, value)| **value > 0.0)
    {
        let p = at(i);
        let smooth =
            1.0 + bias * (noise(p * 0.9 + pt(7.3, 2.1), seed) + 0.5 * noise(p * 1.7, seed ^ 1));
        *value *= smooth * (1.0 + surface * (p.x * p.x + p.y * p.y - 0.4));
    }
    let blurred = blur(&signal, size as usize, rng.random_range(0.16..0.30));
    let sigma = rng.random_range(0.006..0.024);
    // Brain at about 20 to 45 % of full scale, as on clinical exports.
    let gain = rng.random_range(145.0..275.0);
    let gamma = rng.random_range(0.0..0.5);
    let pixels = blurred
        .into_iter()
        .map(|value| {
            let (re, im) = (value + sigma * gaussian(rng), sigma * gaussian(rng));
            let magnitude = (re * re + im * im).sqrt();
            // Between linear and a soft square-root-like curve.
            let toned = magnitude * (1.0 + gamma) / (1.0 + gamma * magnitude);
            (toned * gain + 0.5).clamp(0.0, 255.0) as u8
        })
        .collect();
    GrayImage::from_raw(size, size, pixels).unwrap_or_else(|| GrayImage::new(size, size))
}

/// Symmetric three-tap blur in both directions; `side` is the weight of each neighbour.
fn blur(signal: &[f32], size: usize, side: f32) -> Vec<f32> {
    let tap = |a: f32, b: f32, c: f32| (a + c) * side + b * (1.0 - 2.0 * side);
    let mut rows = signal.to_vec();
    for (out, line) in rows.chunks_exact_mut(size).zip(signal.chunks_exact(size)) {
        for x in 1..size - 1 {
            out[x] = tap(line[x - 1], line[x], line[x + 1]);
        }
    }
    let mut both = rows.clone();
    for i in size..size * (size - 1) {
        both[i] = tap(rows[i - size], rows[i], rows[i + size]);
    }
    both
}

/// Nearly normal, mean 0, deviation 1: the sum of four uniform values.
fn gaussian(rng: &mut ChaCha8Rng) -> f32 {
    let bits = rng.next_u64();
    let sum: u32 = (0..4).map(|i| (bits >> (16 * i)) as u32 & 0xFFFF).sum();
    (sum as f32 / 65536.0 - 2.0) * 1.732
}
