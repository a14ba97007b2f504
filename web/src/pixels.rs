//! Pixels for the canvases.

/// 8-bit grey as opaque RGBA.
pub fn from_grey(grey: &[u8]) -> Vec<u8> {
    grey.iter()
        .flat_map(|&value| [value, value, value, 255])
        .collect()
}

/// Heat values as RGBA through a map of 256 RGB triples. A value is its own opacity, so that what the
/// network ignored stays as it was; `scanlight_model::cam::blend` does the same.
pub fn from_heat(heat: &[u8], map: &[u8]) -> Vec<u8> {
    heat.iter()
        .flat_map(|&value| {
            let colour = usize::from(value) * 3;
            let [red, green, blue] = match map.get(colour..colour + 3) {
                Some(&[red, green, blue]) => [red, green, blue],
                _ => [value; 3],
            };
            [red, green, blue, value]
        })
        .collect()
}

/// Two heat maps as RGBA: the first in orange light, the second in blue, which add up to white. Both
/// are told apart by eyes of any kind.
pub fn from_two(first: &[u8], second: &[u8]) -> Vec<u8> {
    first
        .iter()
        .zip(second)
        .flat_map(|(&a, &b)| {
            let highest = u32::from(a.max(b));
            let light = |channel: usize| {
                let sum = u32::from(a) * u32::from(FIRST[channel])
                    + u32::from(b) * u32::from(SECOND[channel]);
                sum.checked_div(highest).unwrap_or(0).min(255) as u8
            };
            [light(0), light(1), light(2), highest as u8]
        })
        .collect()
}

/// The light of the first of two heat maps.
const FIRST: [u8; 3] = [255, 140, 0];
/// The light of the second.
const SECOND: [u8; 3] = [0, 115, 255];

/// The longest side of a thumbnail.
const THUMBNAIL: u32 = 96;

/// A small picture with a heat map over it, opaque, as RGBA with its size.
pub fn thumbnail(
    grey: &[u8],
    picture: [u32; 2],
    heat: &[u8],
    heat_size: [u32; 2],
    map: &[u8],
) -> (Vec<u8>, [u32; 2]) {
    let longest = picture[0].max(picture[1]).max(1);
    let size = picture.map(|side| (side * THUMBNAIL.min(longest) / longest).max(1));
    let at = |values: &[u8], of: [u32; 2], x: u32, y: u32| {
        let place = |at: u32, side: u32, of: u32| ((2 * at + 1) * of / (2 * side)).min(of - 1);
        let index = place(y, size[1], of[1].max(1)) * of[0] + place(x, size[0], of[0].max(1));
        values.get(index as usize).copied().unwrap_or(0)
    };
    let mut rgba = Vec::with_capacity(4 * (size[0] * size[1]) as usize);
    for y in 0..size[1] {
        for x in 0..size[0] {
            let (below, value) = (at(grey, picture, x, y), at(heat, heat_size, x, y));
            let colour = from_heat(&[value], map);
            for channel in colour.iter().take(3) {
                let share = u32::from(value);
                let mixed = u32::from(below) * (255 - share) + u32::from(*channel) * share;
                rgba.push((mixed / 255) as u8);
            }
            rgba.push(255);
        }
    }
    (rgba, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn grey() {
        assert_eq!(from_grey(&[0, 9]), [0, 0, 0, 255, 9, 9, 9, 255]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn heat() {
        let map: Vec<u8> = (0..=255)
            .flat_map(|value| [value, 0, 255 - value])
            .collect();
        assert_eq!(
            from_heat(&[0, 100, 255], &map),
            [0, 0, 255, 0, 100, 0, 155, 100, 255, 0, 0, 255]
        );
        assert_eq!(from_heat(&[7], &[]), [7, 7, 7, 7]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn two_maps_make_white_where_they_agree() {
        let two = from_two(&[255, 0, 200, 0], &[0, 255, 200, 0]);
        assert_eq!(two[..4], [255, 140, 0, 255]);
        assert_eq!(two[4..8], [0, 115, 255, 255]);
        assert_eq!(two[8..], [255, 255, 255, 200, 0, 0, 0, 0]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn thumbnails_keep_proportions_and_places() {
        let grey = vec![10; 300 * 150];
        let mut heat = vec![0; 20 * 10];
        heat[19] = 255;
        let white = vec![255; 768];
        let (rgba, size) = thumbnail(&grey, [300, 150], &heat, [20, 10], &white);
        assert_eq!(size, [96, 48]);
        assert_eq!(rgba.len(), 4 * 96 * 48);
        assert_eq!(rgba[..4], [10, 10, 10, 255]);
        assert_eq!(rgba[4 * 95..4 * 96], [255; 4]);
        // A picture smaller than a thumbnail keeps its size.
        assert_eq!(thumbnail(&[7], [1, 1], &[0], [1, 1], &white).1, [1, 1]);
    }
}
