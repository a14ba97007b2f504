//! Activations, lane by lane.

use super::planes::Lanes;
use crate::arch::kernel::Activation;

/// An activation as the bounds that it keeps values in: one loop does for all, and the compiler makes vector
/// instructions of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    low: f32,
    high: f32,
}

impl Bounds {
    pub(super) fn of(activation: Activation) -> Self {
        let (low, high) = match activation {
            Activation::Identity => (f32::NEG_INFINITY, f32::INFINITY),
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
        };
        Self { low, high }
    }

    /// Lane by lane. A value that is no number stays what it is, so that it shows in the output (`f32::max` would
    /// make it a bound).
    #[inline(always)]
    pub(super) fn clamp(self, values: Lanes) -> Lanes {
        let raised: Lanes = std::array::from_fn(|lane| {
            if values[lane] < self.low {
                self.low
            } else {
                values[lane]
            }
        });
        std::array::from_fn(|lane| {
            if raised[lane] > self.high {
                self.high
            } else {
                raised[lane]
            }
        })
    }
}

/// Negative values become 0. A value that is no number stays what it is, so that it shows in the
/// output (`f32::max` would make it 0).
#[inline(always)]
pub(super) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_clamped_and_faults_stay_visible() {
        let values = [-1.0, 0.0, 3.0, 7.0, f32::NAN, f32::INFINITY, -7.0, 6.0];
        let relu6 = Bounds::of(Activation::Relu6).clamp(values);
        assert_eq!(relu6[..4], [0.0, 0.0, 3.0, 6.0]);
        assert!(relu6[4].is_nan());
        let relu = Bounds::of(Activation::Relu).clamp(values);
        assert_eq!(relu[..4], [0.0, 0.0, 3.0, 7.0]);
        assert!(relu[4].is_nan() && relu[5].is_infinite());
        assert_eq!(Bounds::of(Activation::Identity).clamp([-1.5; 8]), [-1.5; 8]);
    }
}
