//! Weights as small integers: one scale for each output channel, values rounded to a few levels.
//!
//! Symmetric, per channel, after training (Krishnamoorthi 2018, <https://arxiv.org/abs/1806.08342>). In the
//! file, tensor `NAME` holds 8-bit integers and `NAME.scale` one 32-bit float for each entry of its first
//! dimension: a weight is their product. Fewer levels than the 255 of 8 bits still take a byte each in the
//! file, but compress to about as many bits on the way to a page.

/// What a quantised tensor's scales are named, after the tensor's own name.
pub const SCALE: &str = ".scale";
/// The numbers of bits that weights can be rounded to.
pub const BITS: std::ops::RangeInclusive<u32> = 4..=8;
/// A tensor with fewer values, or of one dimension (biases, batch norm), is not worth rounding.
const LEAST_VALUES: usize = 256;
/// Scales are tried from the one at which the largest weight just fits down to this share of it: cutting off
/// a few large weights can cost less than rounding all of them coarsely.
const LEAST_SHARE: f32 = 0.5;
/// How many scales are tried.
const TRIALS: u16 = 26;

/// A tensor in rows of integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// The rounded values, row-major.
    pub values: Vec<i8>,
    /// One for each row, above 0.
    pub scales: Vec<f32>,
}

/// Whether a tensor of this shape is rounded.
pub fn is_worth(shape: &[usize]) -> bool {
    shape.len() > 1 && shape.iter().product::<usize>() >= LEAST_VALUES
}

/// Rounds `rows` rows of finite values to `2^bits - 1` levels (`bits` of [`BITS`]), each row with the scale of
/// least squared error.
pub fn quantise(values: &[f32], rows: usize, bits: u32) -> Quantised {
    let highest = f32::from((1u16 << (bits.clamp(*BITS.start(), *BITS.end()) - 1)) - 1);
    let length = (values.len() / rows.max(1)).max(1);
    let mut rounded = Quantised {
        values: Vec::with_capacity(values.len()),
        scales: Vec::with_capacity(rows),
    };
    for row in values.chunks(length) {
        let scale = best_scale(row, highest);
        let level = |value: &f32| (value / scale).round().clamp(-highest, highest) as i8;
        rounded.values.extend(row.iter().map(level));
        rounded.scales.push(scale);
    }
    rounded
}

/// The values again; `None` where the scales are not one for each of equally long rows.
pub fn dequantise(values: &[i8], scales: &[f32]) -> Option<Vec<f32>> {
    if scales.is_empty() || !values.len().is_multiple_of(scales.len()) {
        return None;
    }
    let length = (values.len() / scales.len()).max(1);
    let rows = values.chunks(length).zip(scales);
    Some(
        rows.flat_map(|(row, scale)| row.iter().map(move |&value| f32::from(value) * scale))
            .collect(),
    )
}

fn best_scale(row: &[f32], highest: f32) -> f32 {
    let largest = row.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let scale = |share: f32| (largest * share / highest).max(f32::MIN_POSITIVE);
    let error = |scale: f32| -> f64 {
        row.iter()
            .map(|&value| {
                let near = (value / scale).round().clamp(-highest, highest) * scale;
                f64::from(value - near).powi(2)
            })
            .sum()
    };
    let shares = (0..TRIALS)
        .map(|trial| 1.0 - (1.0 - LEAST_SHARE) * f32::from(trial) / f32::from(TRIALS - 1));
    shares
        .map(scale)
        .min_by(|a, b| error(*a).total_cmp(&error(*b)))
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// At the scale at which all fit, no weight is further off than half a step; the chosen one is no
        /// worse over the row.
        #[test]
        fn rounding_is_no_worse_than_at_the_full_scale(
            row in prop::collection::vec(-3f32..3.0, 1..200), bits in BITS,
        ) {
            let found = quantise(&row, 1, bits);
            let again = dequantise(&found.values, &found.scales).unwrap();
            prop_assert_eq!(again.len(), row.len());
            let levels = f32::from((1u16 << (bits - 1)) - 1);
            let largest = row.iter().fold(0.0f32, |most, v| most.max(v.abs()));
            let half_step = largest / levels / 2.0 + 1e-6;
            let error: f32 = row.iter().zip(&again).map(|(a, b)| (a - b).powi(2)).sum();
            prop_assert!(error <= half_step.powi(2) * row.len() as f32 * 1.001);
            prop_assert!(found.values.iter().all(|&v| f32::from(v).abs() <= levels));
        }

        /// What stands in a file comes out of rounding again: publishing twice changes nothing.
        #[test]
        fn rounded_weights_stay(
            values in prop::collection::vec(-127i8..=127, 8), exponent in -9i32..3,
        ) {
            let mut values = values;
            values[0] = 127;
            let scale = 2f32.powi(exponent);
            let weights = dequantise(&values, &[scale]).unwrap();
            let found = quantise(&weights, 1, 8);
            prop_assert_eq!(dequantise(&found.values, &found.scales).unwrap(), weights);
        }
    }

    #[test]
    fn rows_have_scales_of_their_own() {
        let found = quantise(&[1.0, -0.5, 0.001, -0.0005], 2, 8);
        assert_eq!(found.scales.len(), 2);
        let again = dequantise(&found.values, &found.scales).unwrap();
        for (value, near) in [1.0, -0.5, 0.001, -0.0005].into_iter().zip(again) {
            assert!((value - near).abs() < value.abs() / 100.0, "{value} {near}");
        }
    }

    #[test]
    fn zeros_stay_zeros_and_ragged_rows_are_refused() {
        let found = quantise(&[0.0; 6], 2, 6);
        assert_eq!(dequantise(&found.values, &found.scales).unwrap(), [0.0; 6]);
        assert_eq!(dequantise(&[1, 2, 3], &[1.0, 1.0]), None);
        assert_eq!(dequantise(&[1, 2, 3], &[]), None);
    }
}
