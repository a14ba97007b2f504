//! Convolutions over all channels, as matrix products.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use super::Sizes;
use super::columns::{gather, scatter};

/// Columns of one matrix product: images are put together until there are so many.
const WIDE: usize = 512;

/// Images of one matrix product.
fn together(sizes: &Sizes) -> usize {
    (WIDE / sizes.window.outputs().max(1)).clamp(1, sizes.count.max(1))
}

fn matrix(values: &[f32], rows: usize, columns: usize) -> ArrayView2<'_, f32> {
    // Lengths are this module's own: rows times columns.
    ArrayView2::from_shape((rows, columns), values).unwrap_or_else(|_| unreachable!())
}

fn matrix_mut(values: &mut [f32], rows: usize, columns: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((rows, columns), values).unwrap_or_else(|_| unreachable!())
}

/// The patches of some images, `[C h w, images H' W']`.
fn patches(x: &[f32], sizes: &Sizes, columns: &mut Vec<f32>) {
    let [length, _] = sizes.lengths();
    let count = sizes.window.outputs();
    let images = x.len() / length;
    let wide = images * count;
    columns.resize(sizes.channels[0] * sizes.window.taps() * wide, 0.0);
    for (index, image) in x.chunks_exact(length).enumerate() {
        gather(image, &sizes.window, columns, wide, index * count);
    }
}

/// From `[images, K, P]` to `[K, images P]` and, for `back`, the other way.
fn exchange(from: &[f32], to: &mut [f32], images: usize, channels: usize, back: bool) {
    let plane = from.len() / (images * channels).max(1);
    for image in 0..images {
        for channel in 0..channels {
            let (a, b) = (
                (image * channels + channel) * plane,
                (channel * images + image) * plane,
            );
            let (a, b) = if back { (b, a) } else { (a, b) };
            to[b..b + plane].copy_from_slice(&from[a..a + plane]);
        }
    }
}

/// `x [N, C, H, W]`, `weight [K, C, h, w]` to `[N, K, H', W']`.
pub fn forward(x: &[f32], weight: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = sizes.lengths();
    let [from, to] = sizes.channels;
    let (images, taps) = (together(sizes), from * sizes.window.taps());
    let weight = matrix(weight, to, taps);
    let mut output = vec![0.0; sizes.count * after];
    output
        .par_chunks_mut(images * after)
        .zip(x.par_chunks(images * before))
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(columns, product), (output, x)| {
                let images = x.len() / before;
                let wide = images * sizes.window.outputs();
                let columns = if sizes.window.is_pointwise() && images == 1 {
                    x
                } else {
                    patches(x, sizes, columns);
                    columns.as_slice()
                };
                let columns = matrix(columns, taps, wide);
                if images == 1 {
                    general_mat_mul(
                        1.0,
                        &weight,
                        &columns,
                        0.0,
                        &mut matrix_mut(output, to, wide),
                    );
                } else {
                    product.resize(to * wide, 0.0);
                    general_mat_mul(
                        1.0,
                        &weight,
                        &columns,
                        0.0,
                        &mut matrix_mut(product, to, wide),
                    );
                    exchange(product, output, images, to, true);
                }
            },
        );
    output
}

/// The gradient of `x` for that of the output.
pub fn input_gradient(gradient: &[f32], weight: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = sizes.lengths();
    let [from, to] = sizes.channels;
    let (images, taps) = (together(sizes), from * sizes.window.taps());
    let weight = matrix(weight, to, taps);
    let mut output = vec![0.0; sizes.count * before];
    output
        .par_chunks_mut(images * before)
        .zip(gradient.par_chunks(images * after))
        .for_each_init(
            || (Vec::new(), Vec::new()),
            |(columns, rows), (output, gradient)| {
                let images = gradient.len() / after;
                let count = sizes.window.outputs();
                let wide = images * count;
                let gradient = if images == 1 {
                    gradient
                } else {
                    rows.resize(gradient.len(), 0.0);
                    exchange(gradient, rows, images, to, false);
                    rows.as_slice()
                };
                let gradient = matrix(gradient, to, wide);
                if sizes.window.is_pointwise() && images == 1 {
                    let mut output = matrix_mut(output, taps, wide);
                    general_mat_mul(1.0, &weight.t(), &gradient, 0.0, &mut output);
                    return;
                }
                columns.resize(taps * wide, 0.0);
                general_mat_mul(
                    1.0,
                    &weight.t(),
                    &gradient,
                    0.0,
                    &mut matrix_mut(columns, taps, wide),
                );
                for (index, image) in output.chunks_exact_mut(before).enumerate() {
                    scatter(columns, wide, index * count, &sizes.window, image);
                }
            },
        );
    output
}

/// The gradient of the weight for that of the output.
pub fn weight_gradient(gradient: &[f32], x: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = sizes.lengths();
    let [from, to] = sizes.channels;
    let taps = from * sizes.window.taps();
    // Parts whose borders do not depend on the number of threads, each a multiple of `together`.
    let images = together(sizes);
    let part = images * sizes.count.div_ceil(PARTS * images).max(1);
    let parts: Vec<Vec<f32>> = gradient
        .par_chunks(part * after)
        .zip(x.par_chunks(part * before))
        .map_init(
            || (Vec::new(), Vec::new()),
            |(columns, rows), (gradient, x)| {
                let mut sum = vec![0.0; to * taps];
                let chunks = gradient
                    .chunks(images * after)
                    .zip(x.chunks(images * before));
                for (gradient, x) in chunks {
                    let images = x.len() / before;
                    let wide = images * sizes.window.outputs();
                    patches(x, sizes, columns);
                    let gradient = if images == 1 {
                        gradient
                    } else {
                        rows.resize(gradient.len(), 0.0);
                        exchange(gradient, rows, images, to, false);
                        rows.as_slice()
                    };
                    general_mat_mul(
                        1.0,
                        &matrix(gradient, to, wide),
                        &matrix(columns, taps, wide).t(),
                        1.0,
                        &mut matrix_mut(&mut sum, to, taps),
                    );
                }
                sum
            },
        )
        .collect();
    total(parts, to * taps)
}

/// Parts of a batch whose sums are added up at the end.
const PARTS: usize = 8;

/// The sum of vectors, in their order.
pub fn total(parts: Vec<Vec<f32>>, length: usize) -> Vec<f32> {
    let mut sum = vec![0.0; length];
    for part in parts {
        for (sum, value) in sum.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sum
}
