//! Matrix product: the loop that convolutions spend their time in.

use super::activation::Bounds;
use super::planes::{LANES, Lanes};

/// Rows that are computed at once: 4 x 8 sums fill 8 vector registers, and the operands fit into the
/// others of the 16 that x86 has (of which browsers keep one for themselves). Maps whose sides are powers
/// of two, which most are, leave no row over.
const ROWS: usize = 4;
/// Steps along the depth that are written out one after another.
const STEPS: usize = 8;
/// Values of the left operand that are gone through again and again: they fit into a first-level cache.
const NEAR: usize = 4096;

/// The right operand `[depth, columns]`, stored as it is read: panels `[columns / LANES][depth][LANES]`,
/// the last filled up with zeros.
#[derive(Debug, Clone)]
pub(super) struct Panels {
    values: Vec<Lanes>,
    depth: usize,
}

impl Panels {
    /// Packs the matrix whose value in row `k` and column `n` is `value(k, n)`; `depth` is at least 1.
    pub(super) fn pack(depth: usize, columns: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let lanes = |panel: usize, k: usize| {
            std::array::from_fn(|lane| match panel * LANES + lane {
                column if column < columns => value(k, column),
                _ => 0.0,
            })
        };
        let panels = 0..columns.div_ceil(LANES);
        Self {
            values: panels
                .flat_map(|panel| (0..depth).map(move |k| (panel, k)))
                .map(|(panel, k)| lanes(panel, k))
                .collect(),
            depth,
        }
    }

    /// Rows of the matrix.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    fn count(&self) -> usize {
        self.values.len() / self.depth
    }
}

/// `out = start + left * right` within the bounds, for `left` `[rows, depth]` and `out` `[rows, columns]` in
/// groups of lanes, both row-major; `start` has a value for each column, 0 where it is `None`.
pub(super) fn multiply(
    left: &[f32],
    right: &Panels,
    start: Option<&[Lanes]>,
    bounds: Bounds,
    out: &mut [Lanes],
) {
    let (depth, groups) = (right.depth, right.count());
    let near = (NEAR / depth).max(1).next_multiple_of(ROWS);
    for (left, out) in left.chunks(near * depth).zip(out.chunks_mut(near * groups)) {
        for (group, panel) in right.values.chunks_exact(depth).enumerate() {
            let start = start.map_or([0.0; LANES], |start| start[group]);
            let strips = left.chunks(ROWS * depth);
            for (left, out) in strips.zip(out.chunks_mut(ROWS * groups)) {
                let sums = tile(left, panel, start).map(|sum| bounds.clamp(sum));
                let count = out.len() / groups;
                for (row, sum) in sums.into_iter().enumerate() {
                    if row < count {
                        out[row * groups + group] = sum;
                    }
                }
            }
        }
    }
}

/// `ROWS` rows times one panel. Where there are fewer rows, the last is computed again and again: that
/// costs less than loops for every number of rows, which the compiler does not turn into vector
/// instructions for each.
#[inline(always)]
fn tile(left: &[f32], panel: &[Lanes], start: Lanes) -> [Lanes; ROWS] {
    let depth = panel.len();
    let last = left.len() / depth - 1;
    let [a, b, c, d]: [&[f32]; ROWS] =
        std::array::from_fn(|row| &left[row.min(last) * depth..][..depth]);
    let mut sums = [start; ROWS];
    let (steps, rest) = panel.as_chunks::<STEPS>();
    let [(a, a_rest), (b, b_rest), (c, c_rest), (d, d_rest)] =
        [a, b, c, d].map(|row| row.as_chunks::<STEPS>());
    // Side by side, not by index: nothing has to be held against the rows' ends.
    for ((((right, a), b), c), d) in steps.iter().zip(a).zip(b).zip(c).zip(d) {
        for step in 0..STEPS {
            add(
                &mut sums,
                [a[step], b[step], c[step], d[step]],
                &right[step],
            );
        }
    }
    let rests = a_rest.iter().zip(b_rest).zip(c_rest).zip(d_rest);
    for (right, (((a, b), c), d)) in rest.iter().zip(rests) {
        add(&mut sums, [*a, *b, *c, *d], right);
    }
    sums
}

/// Adds the outer product.
#[inline(always)]
fn add(sums: &mut [Lanes; ROWS], left: [f32; ROWS], right: &Lanes) {
    for (sum, left) in sums.iter_mut().zip(left) {
        for (sum, right) in sum.iter_mut().zip(right) {
            *sum += left * right;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::kernel::Activation;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equals_the_definition(
            rows in 1usize..15, depth in 1usize..20, columns in 1usize..20,
            seed in prop::collection::vec(-1f32..1.0, 32), bias: bool, relu: bool,
        ) {
            let at = |i: usize| seed[i * 7 % 32] + seed[i * 13 % 31] * 0.5;
            let left: Vec<f32> = (0..rows * depth).map(at).collect();
            let weight = |k: usize, n: usize| at(k * columns + n + 5);
            let right = Panels::pack(depth, columns, weight);
            let groups = columns.div_ceil(LANES);
            let start: Vec<Lanes> = vec![[0.25; LANES]; groups];
            let mut out = vec![[9.0; LANES]; rows * groups];
            let activation = if relu { Activation::Relu } else { Activation::Identity };
            multiply(&left, &right, bias.then_some(&start[..]), Bounds::of(activation), &mut out);
            for row in 0..rows {
                for column in 0..columns {
                    let mut sum: f32 = (0..depth).map(|k| left[row * depth + k] * weight(k, column)).sum();
                    if bias { sum += 0.25; }
                    if relu { sum = sum.max(0.0); }
                    let found = out[row * groups + column / LANES][column % LANES];
                    prop_assert!((sum - found).abs() < 1e-4, "{sum} {found}");
                }
            }
        }
    }

    #[test]
    fn rows_beyond_the_near_ones_are_computed_too() {
        let (rows, depth) = (50, 1000);
        let left: Vec<f32> = (0..rows * depth).map(|i| (i / depth) as f32).collect();
        let right = Panels::pack(depth, 1, |k, _| if k == 0 { 1.0 } else { 0.0 });
        let mut out = vec![[0.0; LANES]; rows];
        multiply(
            &left,
            &right,
            None,
            Bounds::of(Activation::Identity),
            &mut out,
        );
        for (row, out) in out.iter().enumerate() {
            assert_eq!(out[0], row as f32);
        }
    }
}
