//! Weights as small integers: one scale for each output channel, values rounded to a few levels.
//!
//! Symmetric, per channel, after training (Krishnamoorthi 2018, <https://arxiv.org/abs/1806.08342>). In the
//! file, tensor `NAME` holds 8-bit integers and `NAME.scale` one 32-bit float for each entry of its first
//! dimension: a weight is their product. A weight takes a byte in the file, but is compressed on the way to a page: so
//! the number of levels is not what counts, but how evenly they are used. For the same bytes, many levels at coarse
//! steps, of which the outer ones are rare, are closer to the weights than a few levels that all are used and cut off
//! what is beyond them: at high rates by 6 dB for each bit of the levels' entropy, 1.5 dB below what is possible (Gish and
//! Pierce 1968, <https://doi.org/10.1109/TIT.1968.1054193>).

/// What a quantised tensor's scales are named, after the tensor's own name.
pub const SCALE: &str = ".scale";
/// The numbers of bits that weights can be rounded to: the entropy of normally distributed ones after it.
pub const BITS: std::ops::RangeInclusive<u32> = 4..=8;
/// A tensor with fewer values, or of one dimension (biases, batch norm), is not worth rounding.
const LEAST_VALUES: usize = 256;
/// The largest level on either side.
const HIGHEST: f32 = 127.0;
/// The entropy in bits of a normal distribution of deviation 1 that is rounded at steps of 1: half the logarithm of
/// 2πe.
const ENTROPY: f32 = 2.047;

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

/// Rounds `rows` rows of finite values at steps such that a row's levels, if its values are normally distributed, have an
/// entropy of so many `bits` (of [`BITS`]); with the most, or where large values ask for it, at the smallest steps that 255
/// levels leave.
pub fn quantise(values: &[f32], rows: usize, bits: u32) -> Quantised {
    let length = (values.len() / rows.max(1)).max(1);
    let mut rounded = Quantised {
        values: Vec::with_capacity(values.len()),
        scales: Vec::with_capacity(rows),
    };
    for row in values.chunks(length) {
        let scale = step(row, bits);
        let level = |value: &f32| (value / scale).round().clamp(-HIGHEST, HIGHEST) as i8;
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

/// The step between a row's levels.
fn step(row: &[f32], bits: u32) -> f32 {
    let largest = row.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let smallest = (largest / HIGHEST).max(f32::MIN_POSITIVE);
    if bits >= *BITS.end() {
        return smallest;
    }
    let squares: f64 = row.iter().map(|&value| f64::from(value).powi(2)).sum();
    let deviation = (squares / row.len().max(1) as f64).sqrt() as f32;
    smallest.max(deviation * (ENTROPY - bits.max(*BITS.start()) as f32).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// No weight is further off than half a step, and the steps are as coarse as they may be.
        #[test]
        fn nothing_is_cut_off(row in prop::collection::vec(-3f32..3.0, 1..200), bits in BITS) {
            let found = quantise(&row, 1, bits);
            let again = dequantise(&found.values, &found.scales).unwrap();
            prop_assert_eq!(again.len(), row.len());
            let half_step = found.scales[0] * 0.5001;
            prop_assert!(row.iter().zip(&again).all(|(a, b)| (a - b).abs() <= half_step));
            let finer = quantise(&row, 1, *BITS.end());
            prop_assert!(found.scales[0] >= finer.scales[0]);
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

    /// The promise in the name: so many bits a weight, to the compressor's loss.
    #[test]
    fn normal_weights_have_the_entropy_that_was_asked_for() {
        // Sums of twelve uniform numbers, by a linear congruential generator.
        let mut state = 1u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let row: Vec<f32> = (0..20_000)
            .map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0)
            .collect();
        for bits in 4..=6 {
            let found = quantise(&row, 1, bits);
            let mut counts = [0u32; 256];
            for value in &found.values {
                counts[usize::from(value.cast_unsigned())] += 1;
            }
            let entropy: f64 = counts
                .iter()
                .filter(|&&count| count > 0)
                .map(|&count| f64::from(count) / row.len() as f64)
                .map(|share| -share * share.log2())
                .sum();
            assert!(
                (entropy - f64::from(bits)).abs() < 0.05,
                "{bits}: {entropy}"
            );
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
