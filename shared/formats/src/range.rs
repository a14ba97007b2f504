//! Which values are shown as black and as white.

/// Values that are looked at: enough for a percentile, quickly sorted.
const SAMPLES: usize = 1 << 20;
/// The share of values below black, and above white.
const TAIL: f64 = 0.005;

/// The smallest and largest finite value; `(0, 1)` where there is none.
pub fn full(values: &[f32]) -> (f32, f32) {
    let (low, high) = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// The 0.5th and 99.5th percentile of the finite values, so that a few bright voxels do not darken all
/// others; the full range where nearly all values are equal.
pub fn robust(values: &[f32]) -> (f32, f32) {
    let step = values.len().div_ceil(SAMPLES).max(1);
    let mut sample: Vec<f32> = values
        .iter()
        .copied()
        .step_by(step)
        .filter(|value| value.is_finite())
        .collect();
    if sample.is_empty() {
        return full(values);
    }
    sample.sort_unstable_by(f32::total_cmp);
    let last = sample.len() - 1;
    let at = |share: f64| {
        sample
            .get((last as f64 * share).round() as usize)
            .copied()
            .unwrap_or_default()
    };
    let (low, high) = (at(TAIL), at(1.0 - TAIL));
    if high > low {
        (low, high)
    } else {
        full(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bright_voxels_do_not_count() {
        let mut values: Vec<f32> = (0..10_000).map(|i| (i % 100) as f32).collect();
        values[17] = 1e6;
        values[18] = f32::NAN;
        assert_eq!(robust(&values), (0.0, 99.0));
        assert_eq!(full(&values), (0.0, 1e6));
    }

    #[test]
    fn a_mask_keeps_its_range() {
        let mut mask = vec![0.0; 10_000];
        mask[3] = 1.0;
        assert_eq!(robust(&mask), (0.0, 1.0));
        assert_eq!(robust(&[]), (0.0, 1.0));
        assert_eq!(robust(&[f32::NAN]), (0.0, 1.0));
    }
}
