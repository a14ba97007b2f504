//! The colours that a map is shown in.

/// Anchors of a colour map, evenly spaced.
type Anchors = [[u8; 3]; 9];

/// van der Walt and Smith 2015, CC0.
const INFERNO: Anchors = [
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

/// van der Walt and Smith 2015, CC0.
const VIRIDIS: Anchors = [
    [68, 1, 84],
    [71, 45, 123],
    [59, 82, 139],
    [44, 114, 142],
    [33, 144, 140],
    [39, 173, 129],
    [93, 200, 99],
    [170, 220, 50],
    [253, 231, 37],
];

/// Nuñez, Anderton and Renslow 2018 (<https://doi.org/10.1371/journal.pone.0199239>), made to look
/// alike to eyes with and without red-green blindness.
const CIVIDIS: Anchors = [
    [0, 32, 81],
    [17, 54, 108],
    [60, 77, 110],
    [98, 100, 111],
    [127, 124, 117],
    [154, 148, 120],
    [187, 175, 113],
    [226, 203, 92],
    [253, 234, 69],
];

/// From a dark grey to one colour: nothing but lightness and saturation tells values apart.
const AMBER: Anchors = [
    [40, 40, 42],
    [64, 58, 50],
    [89, 76, 55],
    [115, 93, 58],
    [142, 111, 60],
    [170, 129, 60],
    [198, 147, 58],
    [227, 165, 54],
    [255, 184, 46],
];

/// A heatmap's colours. In each of them lightness grows with the value, so that all can be read without
/// telling hues apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ColourMap {
    /// Black, purple, orange, pale yellow.
    #[default]
    Inferno,
    /// Purple, green, yellow.
    Viridis,
    /// Blue, grey, yellow.
    Cividis,
    /// Grey to amber.
    Amber,
}

impl ColourMap {
    /// Every colour map, the default first.
    pub const ALL: [Self; 4] = [Self::Inferno, Self::Viridis, Self::Cividis, Self::Amber];

    /// The name in options and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inferno => "inferno",
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Amber => "amber",
        }
    }

    fn anchors(self) -> &'static Anchors {
        match self {
            Self::Inferno => &INFERNO,
            Self::Viridis => &VIRIDIS,
            Self::Cividis => &CIVIDIS,
            Self::Amber => &AMBER,
        }
    }

    /// The colour for a value in 0..=1 (clamped), as sRGB.
    pub fn colour(self, value: f32) -> [u8; 3] {
        let anchors = self.anchors();
        let position = value.clamp(0.0, 1.0) * (anchors.len() - 1) as f32;
        let index = (position as usize).min(anchors.len() - 2);
        let share = position - index as f32;
        let (low, high) = (anchors[index], anchors[index + 1]);
        std::array::from_fn(|channel| {
            let (a, b) = (f32::from(low[channel]), f32::from(high[channel]));
            (a + (b - a) * share).round() as u8
        })
    }
}

/// The heatmap's colour for a value in 0..=1 (clamped), as sRGB, in the default colour map.
pub fn colour(value: f32) -> [u8; 3] {
    ColourMap::default().colour(value)
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
        let light = |[red, green, blue]: [u8; 3]| {
            2126 * u32::from(red) + 7152 * u32::from(green) + 722 * u32::from(blue)
        };
        for map in ColourMap::ALL {
            for step in 1..=16 {
                let (low, high) = ((step - 1) as f32 / 16.0, step as f32 / 16.0);
                let (low, high) = (map.colour(low), map.colour(high));
                assert!(light(high) > light(low), "{}: {low:?} {high:?}", map.name());
            }
        }
        assert_eq!(colour(-1.0), INFERNO[0]);
        assert_eq!(colour(2.0), INFERNO[8]);
        assert_eq!(blend(77, 0.0, 1.0), [77; 3]);
    }
}
