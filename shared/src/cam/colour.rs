//! The colours that a map is shown in.

/// Anchors of the colour map: inferno (van der Walt and Smith 2015, CC0), perceptually uniform and
/// distinct for colour-blind eyes.
const INFERNO: [[u8; 3]; 9] = [
    [0, 0, 4],
    [31, 12, 72],
    [85, 15, 109],
    [136, 34, 106],
    [186, 54, 85],
    [227, 89, 51],
    [249, 140, 10],
    [249, 201, 50],
    [252, 255, 164],
];

/// The heatmap's colour for a value in 0..=1 (clamped), as sRGB.
pub fn colour(value: f32) -> [u8; 3] {
    let position = value.clamp(0.0, 1.0) * (INFERNO.len() - 1) as f32;
    let index = (position as usize).min(INFERNO.len() - 2);
    let share = position - index as f32;
    let (low, high) = (INFERNO[index], INFERNO[index + 1]);
    std::array::from_fn(|channel| {
        let (a, b) = (f32::from(low[channel]), f32::from(high[channel]));
        (a + (b - a) * share).round() as u8
    })
}

/// A grey value with the heatmap laid over it: the map's value times `opacity` is how much of the
/// colour shows, so that what the network ignored stays as it was.
pub fn blend(grey: u8, value: f32, opacity: f32) -> [u8; 3] {
    let share = (value.clamp(0.0, 1.0) * opacity.clamp(0.0, 1.0)).min(1.0);
    colour(value)
        .map(|channel| (f32::from(grey) * (1.0 - share) + f32::from(channel) * share).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_run_from_dark_to_light() {
        let light = |c: [u8; 3]| c.iter().map(|&v| u32::from(v)).sum::<u32>();
        for step in 1..=16 {
            let (low, high) = ((step - 1) as f32 / 16.0, step as f32 / 16.0);
            assert!(light(colour(high)) > light(colour(low)));
        }
        assert_eq!(colour(-1.0), INFERNO[0]);
        assert_eq!(colour(2.0), INFERNO[8]);
        assert_eq!(blend(77, 0.0, 1.0), [77; 3]);
    }
}
