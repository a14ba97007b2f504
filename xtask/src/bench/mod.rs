//! Benchmarks: timings belong here, not into tests.

pub mod train;

use std::path::PathBuf;

use crate::dirs;

/// The folder for what benchmarks install and find out.
fn folder() -> PathBuf {
    dirs::root().join("target").join("bench")
}

/// The middle of some numbers; the mean of the middle two of an even count. 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }
}
