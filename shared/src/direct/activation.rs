//! Activations, lane by lane.

use super::planes::Lanes;
use crate::arch::kernel::Activation;

/// An activation of a group of channels.
#[inline(always)]
pub(super) fn activated(values: Lanes, activation: Activation) -> Lanes {
    match activation {
        Activation::Identity => values,
        Activation::Relu => values.map(relu),
        Activation::Relu6 => values.map(relu6),
    }
}

/// Negative values become 0. A value that is no number stays what it is, so that it shows in the
/// output (`f32::max` would make it 0).
#[inline(always)]
pub(super) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// Clamped to 0..=6; a value that is no number stays what it is.
#[inline(always)]
fn relu6(value: f32) -> f32 {
    let value = relu(value);
    if value > 6.0 { 6.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_clamped_and_faults_stay_visible() {
        let values = [-1.0, 0.0, 3.0, 7.0, f32::NAN, f32::INFINITY, -7.0, 6.0];
        let relu6 = activated(values, Activation::Relu6);
        assert_eq!(relu6[..4], [0.0, 0.0, 3.0, 6.0]);
        assert!(relu6[4].is_nan());
        let relu = activated(values, Activation::Relu);
        assert_eq!(relu[..4], [0.0, 0.0, 3.0, 7.0]);
        assert!(relu[4].is_nan() && relu[5].is_infinite());
        assert_eq!(activated([-1.5; 8], Activation::Identity), [-1.5; 8]);
    }
}
