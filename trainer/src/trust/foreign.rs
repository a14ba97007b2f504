//! Pictures that are no brain MRI, drawn from a seed: what a score of strangeness is judged on.
//!
//! Photographs are imitations (a sky over hills, a face), as nothing downloaded shall be needed; a
//! score that cannot tell even these from slices would not tell real ones.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use scanlight_model::decode::scan_from_rgb;
use scanlight_model::preprocess::InputGeometry;
use scanlight_model::scan::Scan;
use scanlight_model::trust::tta::FACTOR;

use super::draw::DRAWN;
use crate::data::Image;

/// A drawn picture.
pub struct Foreign {
    /// What it shows.
    pub kind: &'static str,
    /// The picture as it would be decoded.
    pub scan: Scan,
}

/// `each` pictures of every kind: drawn ones, and slices inverted, cropped to a piece, or flat.
///
/// `images` lend the slices; the same arguments give the same pictures.
pub fn pictures(
    images: &[&Image],
    geometry: &InputGeometry,
    each: usize,
    seed: u64,
) -> Vec<Foreign> {
    let generator = |kind: usize, number: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((kind * 100_000 + number) as u64);
        rng
    };
    let mut all: Vec<Foreign> = (0..DRAWN.len() * each)
        .into_par_iter()
        .filter_map(|index| {
            let (kind, draw) = DRAWN[index / each];
            let picture = draw(&mut generator(index / each, index % each));
            let scan = scan_from_rgb(picture).ok()?;
            Some(Foreign { kind, scan })
        })
        .collect();
    for number in 0..each {
        let mut rng = generator(DRAWN.len(), number);
        let level = rng.random_range(0..=255);
        let flat = Scan::from_luma8(64, 64, &[level; 64 * 64]);
        all.extend(flat.ok().map(|scan| Foreign { kind: "flat", scan }));
        if images.is_empty() {
            continue;
        }
        let image = images[rng.random_range(0..images.len())];
        let slice = slice(image, geometry);
        let made = [
            ("inverted", inverted(&slice)),
            ("cropped", cropped(&slice, &mut rng)),
        ];
        for (kind, scan) in made {
            all.extend(scan.map(|scan| Foreign { kind, scan }));
        }
    }
    all
}

/// An image's larger copy, or its input plane where it has none.
fn slice(image: &Image, geometry: &InputGeometry) -> (u32, u32, Vec<f32>) {
    let factor = if image.source.is_empty() { 1 } else { FACTOR };
    let values = if image.source.is_empty() {
        image.clean.clone()
    } else {
        image.source.iter().map(|&v| f32::from(v)).collect()
    };
    (geometry.width * factor, geometry.height * factor, values)
}

fn inverted((width, height, values): &(u32, u32, Vec<f32>)) -> Option<Scan> {
    let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let luma = values.iter().map(|v| high - v).collect();
    Scan::new(*width, *height, luma, (0.0, high)).ok()
}

/// A piece of a fifth to a third of each side, from the middle half, where the head is.
fn cropped((width, height, values): &(u32, u32, Vec<f32>), rng: &mut ChaCha8Rng) -> Option<Scan> {
    let share = rng.random_range(0.2..0.34);
    let side = |length: u32| ((length as f32 * share) as u32).max(4).min(length);
    let (wide, high) = (side(*width), side(*height));
    let mut start = |length: u32, piece: u32| {
        let low = length / 4;
        let most = (length * 3 / 4).saturating_sub(piece).max(low);
        rng.random_range(low..=most).min(length - piece)
    };
    let (left, top) = (start(*width, wide), start(*height, high));
    let luma = (top..top + high)
        .flat_map(|y| (left..left + wide).map(move |x| (x, y)))
        .map(|(x, y)| values[(y * width + x) as usize])
        .collect();
    Scan::new(wide, high, luma, (0.0, 255.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_model::preprocess::Crop;
    use scanlight_model::trust::ood::COLOUR_LIMIT;
    use std::collections::BTreeMap;

    /// A ramp from left to right.
    fn some_image() -> (Image, InputGeometry) {
        let geometry = InputGeometry {
            crop: Crop::None,
            ..InputGeometry::square(32)
        };
        let ramp = image::GrayImage::from_fn(64, 64, |x, _| image::Luma([4 * x as u8]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        ramp.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let image = Image::from_bytes(bytes.get_ref(), 0, &geometry, true, None).unwrap();
        (image, geometry)
    }

    #[test]
    fn a_seed_repeats_and_kinds_differ_as_they_should() {
        let (image, geometry) = some_image();
        let draw = |seed| pictures(&[&image], &geometry, 6, seed);
        let (first, again, other) = (draw(1), draw(1), draw(2));
        assert_eq!(first.len(), 6 * (DRAWN.len() + 3));
        let same = |a: &[Foreign], b: &[Foreign]| a.iter().zip(b).all(|(a, b)| a.scan == b.scan);
        assert!(same(&first, &again) && !same(&first, &other));

        let mut colours: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
        for picture in &first {
            let colour = picture.scan.colourfulness().unwrap_or(0.0);
            colours.entry(picture.kind).or_default().push(colour);
        }
        for kind in [
            "noise",
            "clouds",
            "text",
            "face_grey",
            "landscape_grey",
            "inverted",
        ] {
            assert!(colours[kind].iter().all(|&c| c < COLOUR_LIMIT), "{kind}");
        }
        for kind in ["noise_colour", "landscape", "face"] {
            assert!(colours[kind].iter().all(|&c| c > COLOUR_LIMIT), "{kind}");
        }
    }

    #[test]
    fn slices_are_inverted_and_cropped() {
        let (image, geometry) = some_image();
        let slice = slice(&image, &geometry);
        let turned = inverted(&slice).unwrap();
        assert!((3.0..6.0).contains(&(turned.luma()[0] - turned.luma()[1])));
        let piece = cropped(&slice, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        assert!((12..=22).contains(&piece.width()));
        assert!((3.0..6.0).contains(&(piece.luma()[1] - piece.luma()[0])));
        let bare = pictures(&[], &InputGeometry::square(32), 1, 1);
        assert_eq!(bare.len(), DRAWN.len() + 1);
    }
}
