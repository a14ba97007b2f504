//! A map that knows nothing.

/// A map of independent uniform values in 0..1, row-major; the same seed gives the same map.
pub fn random_map(width: usize, height: usize, seed: u64) -> Vec<f32> {
    let mut random = SplitMix::new(seed);
    (0..width * height).map(|_| random.unit() as f32).collect()
}

/// SplitMix64 (Steele et al. 2014, <https://doi.org/10.1145/2660193.2660195>): few lines, and the
/// same numbers on every platform.
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_depend_on_the_seed_and_fill_the_range() {
        let map = random_map(40, 50, 3);
        assert_eq!(map, random_map(40, 50, 3));
        assert_ne!(map, random_map(40, 50, 4));
        assert!(map.iter().all(|v| (0.0..1.0).contains(v)));
        let mean = map.iter().sum::<f32>() / 2000.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
    }
}
