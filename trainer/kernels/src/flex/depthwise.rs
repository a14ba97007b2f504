//! Convolutions of each channel by itself, as sums of shifted lines.

use rayon::prelude::*;

use super::Sizes;
use super::columns::Window;
use super::dense::total;

/// Calls `line(output line, input line, tap)` with the ranges that belong together, for every line of
/// output and every place of the kernel. Ranges are of a plane's values; the input's are a stride apart.
fn lines(window: &Window, mut line: impl FnMut(std::ops::Range<usize>, usize, usize)) {
    for i in 0..window.kernel[0] {
        for j in 0..window.kernel[1] {
            let across = window.inside(1, j);
            if across.is_empty() {
                continue;
            }
            for y in window.inside(0, i) {
                let start = y * window.output[1];
                let from =
                    window.place(0, y, i) * window.input[1] + window.place(1, across.start, j);
                line(
                    start + across.start..start + across.end,
                    from,
                    i * window.kernel[1] + j,
                );
            }
        }
    }
}

/// Planes of one image's channels, before and after.
fn planes(sizes: &Sizes) -> [usize; 2] {
    [
        sizes.window.input[0] * sizes.window.input[1],
        sizes.window.outputs(),
    ]
}

/// `x [N, C, H, W]`, `weight [C, 1, h, w]` to `[N, C, H', W']`.
pub fn forward(x: &[f32], weight: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = planes(sizes);
    let (window, channels) = (&sizes.window, sizes.channels[0]);
    let mut output = vec![0.0; sizes.count * channels * after];
    output
        .par_chunks_mut(after)
        .zip(x.par_chunks(before))
        .enumerate()
        .for_each(|(index, (output, x))| {
            let weight = &weight[index % channels * window.taps()..];
            lines(window, |to, from, tap| {
                let from = x[from..].iter().step_by(window.stride[1]);
                for (to, from) in output[to].iter_mut().zip(from) {
                    *to += weight[tap] * from;
                }
            });
        });
    output
}

/// The gradient of `x` for that of the output.
pub fn input_gradient(gradient: &[f32], weight: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = planes(sizes);
    let (window, channels) = (&sizes.window, sizes.channels[0]);
    let mut output = vec![0.0; sizes.count * channels * before];
    output
        .par_chunks_mut(before)
        .zip(gradient.par_chunks(after))
        .enumerate()
        .for_each(|(index, (output, gradient))| {
            let weight = &weight[index % channels * window.taps()..];
            lines(window, |from, to, tap| {
                let to = output[to..].iter_mut().step_by(window.stride[1]);
                for (to, from) in to.zip(&gradient[from]) {
                    *to += weight[tap] * from;
                }
            });
        });
    output
}

/// The gradient of the weight for that of the output.
pub fn weight_gradient(gradient: &[f32], x: &[f32], sizes: &Sizes) -> Vec<f32> {
    let [before, after] = planes(sizes);
    let (window, channels) = (&sizes.window, sizes.channels[0]);
    let taps = window.taps();
    let images: Vec<Vec<f32>> = gradient
        .par_chunks(channels * after)
        .zip(x.par_chunks(channels * before))
        .map(|(gradient, x)| {
            let mut sums = vec![0.0; channels * taps];
            let planes = gradient.chunks(after).zip(x.chunks(before));
            for ((gradient, x), sums) in planes.zip(sums.chunks_mut(taps)) {
                lines(window, |to, from, tap| {
                    let from = x[from..].iter().step_by(window.stride[1]);
                    sums[tap] += gradient[to]
                        .iter()
                        .zip(from)
                        .map(|(a, b)| a * b)
                        .sum::<f32>();
                });
            }
            sums
        })
        .collect();
    total(images, channels * taps)
}
