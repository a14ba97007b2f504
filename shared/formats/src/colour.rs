//! Colours: how they become grey, and how much of them a picture has.

/// Rec. 709 luma; a grey triple gives exactly its grey value.
pub fn luma([red, green, blue]: [f32; 3]) -> f32 {
    if red == green && green == blue {
        red
    } else {
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

/// How colourful a picture is (Hasler and Süsstrunk 2003, <https://doi.org/10.1117/12.477378>), from
/// its pixels' red, green and blue in 0..=1: 0 for grey, about 0.06 for slightly, 0.4 for extremely
/// colourful.
pub fn colourfulness(pixels: impl Iterator<Item = [f32; 3]>) -> f32 {
    let (mut count, mut sums, mut squares) = (0.0f64, [0.0f64; 2], [0.0f64; 2]);
    for [red, green, blue] in pixels {
        let opponents = [red - green, 0.5 * (red + green) - blue].map(f64::from);
        for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(opponents) {
            *sum += value;
            *square += value * value;
        }
        count += 1.0;
    }
    if count == 0.0 {
        return 0.0;
    }
    let means = sums.map(|sum| sum / count);
    let variance: f64 = squares
        .iter()
        .zip(means)
        .map(|(square, mean)| (square / count - mean * mean).max(0.0))
        .sum();
    (variance.sqrt() + 0.3 * means[0].hypot(means[1])) as f32
}
