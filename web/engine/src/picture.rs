//! Pictures for the screen: the scan at a size a screen can use, heat maps as bytes.

use scanlight_model::Scan;
use scanlight_model::cam::{ClassMap, ColourMap};
use scanlight_model::geometry::Placement;

/// Longest side of the picture sent to the page: sharp on a phone's or a laptop's screen.
pub const PICTURE_SIDE: u32 = 1024;
/// Longest side of a heat map: the network's own grid is far coarser.
pub const HEAT_SIDE: u32 = 256;

/// `width` x `height` scaled down so that neither side exceeds `longest`; proportions are kept.
pub fn fit(width: u32, height: u32, longest: u32) -> [u32; 2] {
    let side = width.max(height);
    if side <= longest {
        return [width, height];
    }
    let scale = |value: u32| {
        let scaled = u64::from(value) * u64::from(longest) / u64::from(side);
        u32::try_from(scaled).unwrap_or(longest).max(1)
    };
    [scale(width), scale(height)]
}

/// The size of a heat map over a picture.
pub fn heat_size(placement: &Placement) -> [u32; 2] {
    let [width, height] = placement.image;
    fit(width, height, HEAT_SIDE)
}

/// Maps over the whole picture, at [`heat_size`].
pub fn over_the_picture(maps: &[ClassMap], placement: &Placement) -> Vec<Vec<f32>> {
    let [width, height] = heat_size(placement);
    maps.iter()
        .map(|map| map.upsample(placement, width, height))
        .collect()
}

/// The scan as 8-bit grey, averaged down to `size` where it is larger.
pub fn picture(scan: &Scan, [width, height]: [u32; 2]) -> Vec<u8> {
    let full = scan.to_luma8();
    if [width, height] == [scan.width(), scan.height()] {
        return full;
    }
    let (full_width, full_height) = (scan.width() as usize, scan.height() as usize);
    let (width, height) = (width as usize, height as usize);
    let mut shrunk = Vec::with_capacity(width * height);
    for y in 0..height {
        let rows = span(y, height, full_height);
        for x in 0..width {
            let columns = span(x, width, full_width);
            let mut sum = 0_u64;
            for row in rows.clone() {
                let start = row * full_width;
                sum += full[start + columns.start..start + columns.end]
                    .iter()
                    .map(|&value| u64::from(value))
                    .sum::<u64>();
            }
            let count = (rows.len() * columns.len()) as u64;
            shrunk.push(((sum + count / 2) / count) as u8);
        }
    }
    shrunk
}

/// The source pixels under target pixel `index`: at least one.
fn span(index: usize, target: usize, source: usize) -> std::ops::Range<usize> {
    let start = index * source / target;
    let end = ((index + 1) * source / target).max(start + 1);
    start..end.min(source)
}

/// Values in 0..=1 as bytes.
pub fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        // Not by `round`, which is a call for each of them.
        .map(|value| (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8)
        .collect()
}

/// All colour maps, one after the other, as 256 RGB triples each, from 0 to 1.
pub fn colour_maps() -> Vec<u8> {
    ColourMap::ALL
        .into_iter()
        .flat_map(|map| (0..=255_u8).flat_map(move |value| map.colour(f32::from(value) / 255.0)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn fit_keeps_proportions() {
        assert_eq!(fit(512, 256, 1024), [512, 256]);
        assert_eq!(fit(2048, 1024, 1024), [1024, 512]);
        assert_eq!(fit(1, 16_384, 1024), [1, 1024]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn shrinking_averages() {
        let scan = Scan::from_luma8(4, 2, &[0, 100, 10, 10, 100, 200, 10, 10]).unwrap();
        assert_eq!(picture(&scan, [2, 1]), [100, 10]);
        assert_eq!(picture(&scan, [4, 2]), scan.to_luma8());
        // Not a whole multiple: every target pixel still covers at least one source pixel.
        assert_eq!(picture(&scan, [3, 2]).len(), 6);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn colour_maps_are_those_of_the_protocol() {
        assert_eq!(
            ColourMap::ALL.map(ColourMap::name),
            crate::protocol::COLOUR_MAPS
        );
        let maps = colour_maps();
        assert_eq!(maps.len(), 4 * 768);
        assert_eq!(maps[768..771], ColourMap::Viridis.colour(0.0));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn heat_as_bytes() {
        assert_eq!(bytes(&[0.0, 0.5, 1.0, 2.0, -1.0]), [0, 128, 255, 255, 0]);
    }
}
