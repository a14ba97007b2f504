//! How far a share can be trusted.

/// 95 % interval of a share by Wilson's score (Wilson 1927,
/// <https://doi.org/10.1080/01621459.1927.10502953>): sensible even where all answers are right.
pub fn wilson_interval(right: u64, all: u64) -> Option<[f64; 2]> {
    if all == 0 {
        return None;
    }
    let z = 1.959_964;
    let (n, p) = (all as f64, right as f64 / all as f64);
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Some([
        ((middle - half) / scale).max(0.0),
        ((middle + half) / scale).min(1.0),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_s_known_values() {
        // Newcombe 1998, table I: 81 of 263.
        let [low, high] = wilson_interval(81, 263).unwrap();
        assert!((low - 0.2553).abs() < 1e-4 && (high - 0.3662).abs() < 1e-4);
        let [low, high] = wilson_interval(10, 10).unwrap();
        assert!((low - 0.7225).abs() < 1e-4 && (high - 1.0).abs() < 1e-12);
        assert_eq!(wilson_interval(0, 0), None);
    }
}
