//! Memory that layers use one after the other, and run after run.

use super::planes::{LANES, Lanes};

/// Room for what a layer needs while it runs.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    /// Rows of a left operand.
    pub(super) rows: Room<f32>,
    /// Transformed tiles.
    pub(super) tiles: Room<[f32; 4]>,
    /// A product before it is transformed back.
    pub(super) product: Room<Lanes>,
}

/// A buffer that only grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Room<T>(Vec<T>);

impl<T: Copy + Default> Room<T> {
    /// So many values; what they are is left from earlier.
    pub(super) fn take(&mut self, count: usize) -> &mut [T] {
        if self.0.len() < count {
            self.0.resize(count, T::default());
        }
        &mut self.0[..count]
    }
}

/// Zeros in place of a pixel of so many groups outside a plane.
pub(super) fn outside(groups: usize) -> Vec<Lanes> {
    vec![[0.0; LANES]; groups]
}
