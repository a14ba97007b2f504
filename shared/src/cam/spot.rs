//! A heat map in a few numbers: where it lies, how far it reaches, how strong it is. Text
//! alternatives are made of these.

use super::ClassMap;
use crate::geometry::Placement;

/// What there is to say about one class's map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Where the map peaks, `[x, y]` in fractions of the original image.
    pub peak: [f32; 2],
    /// The same in fractions of the part that the network saw: of the head, where it is cut out.
    pub place: [f32; 2],
    /// Share of the original image, 0..=1, on which the map has at least half of its maximum.
    pub extent: f32,
    /// Its strength as a share of the strongest class's, above 0 and at most 1.
    pub relative: f32,
}

impl Spot {
    /// The spot of `map`, which covers the original image as `heat` (see [`ClassMap::upsample`], of
    /// any size); `strongest` is the highest strength of all classes' maps. `None` for a map that
    /// nothing in the picture speaks for.
    pub fn of(map: &ClassMap, placement: &Placement, heat: &[f32], strongest: f32) -> Option<Self> {
        if map.strength() <= 0.0 {
            return None;
        }
        let peak = map.peak(placement);
        let source = &placement.source;
        let fraction = |axis: usize, start: f32, length: f32| {
            ((peak[axis] * placement.image[axis] as f32 - start) / length).clamp(0.0, 1.0)
        };
        Some(Self {
            peak,
            place: [
                fraction(0, source.x, source.width),
                fraction(1, source.y, source.height),
            ],
            extent: extent(heat),
            relative: (map.strength() / strongest.max(map.strength())).clamp(0.0, 1.0),
        })
    }
}

/// The spots of all classes, in class order; `heat` gives each class's map over the original image.
pub fn spots<'a>(
    maps: &[ClassMap],
    placement: &Placement,
    heat: impl IntoIterator<Item = &'a [f32]>,
) -> Vec<Option<Spot>> {
    let strongest = maps.iter().map(ClassMap::strength).fold(0.0, f32::max);
    maps.iter()
        .zip(heat)
        .map(|(map, heat)| Spot::of(map, placement, heat, strongest))
        .collect()
}

/// The share of `values` that reach half of the largest; 0 where none is above 0.
pub fn extent(values: &[f32]) -> f32 {
    let highest = values.iter().copied().fold(0.0, f32::max);
    if highest <= 0.0 {
        return 0.0;
    }
    let within = values.iter().filter(|&&value| value >= highest / 2.0);
    within.count() as f32 / values.len() as f32
}

/// Whether the network saw only a part of the image, as where the head is cut out of a wide frame.
pub fn is_cut_out(placement: &Placement) -> bool {
    let [width, height] = placement.image.map(|side| side as f32);
    placement.source.width * placement.source.height < 0.98 * width * height
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;
    use proptest::prelude::*;

    fn placement(source: Rect) -> Placement {
        Placement {
            image: [200, 100],
            model: [64, 64],
            source,
            target: Rect {
                x: 0.0,
                y: 0.0,
                width: 64.0,
                height: 64.0,
            },
        }
    }

    /// The right half of the image.
    fn half() -> Placement {
        placement(Rect {
            x: 100.0,
            y: 0.0,
            width: 100.0,
            height: 100.0,
        })
    }

    #[test]
    fn places_count_from_the_part_that_was_seen() {
        let mut values = vec![0.0; 16];
        values[4 + 3] = 2.0; // row 1, column 3
        let strong = ClassMap::new(4, 4, values.clone());
        let weak = ClassMap::new(4, 4, values.iter().map(|v| v / 4.0).collect());
        let none = ClassMap::new(4, 4, vec![0.0; 16]);
        let maps = [weak, none, strong];
        let heat: Vec<Vec<f32>> = maps.iter().map(|m| m.upsample(&half(), 80, 40)).collect();
        let spots = spots(&maps, &half(), heat.iter().map(Vec::as_slice));
        let [Some(weak), None, Some(strong)] = spots[..] else {
            panic!("{spots:?}")
        };
        assert_eq!((weak.relative, strong.relative), (0.25, 1.0));
        assert_eq!(weak.place, strong.place);
        assert!((strong.place[0] - 3.5 / 4.0).abs() < 1e-5, "{strong:?}");
        assert!((strong.place[1] - 1.5 / 4.0).abs() < 1e-5, "{strong:?}");
        assert!((strong.peak[0] - (0.5 + 3.5 / 8.0)).abs() < 1e-5);
        // A tent one cell high and wide to either side, cut at the edge, in half of the image.
        assert!((0.01..0.08).contains(&strong.extent), "{strong:?}");
        assert_eq!(weak.extent, strong.extent);
        assert!(is_cut_out(&half()));
    }

    #[test]
    fn an_even_map_covers_what_was_seen() {
        let map = ClassMap::new(4, 4, vec![1.0; 16]);
        let heat = map.upsample(&half(), 80, 40);
        assert!((extent(&heat) - 0.5).abs() < 0.02);
        assert_eq!(extent(&[]), 0.0);
        assert_eq!(extent(&[0.0; 4]), 0.0);
        assert_eq!(extent(&[0.1, 0.2, 0.05, 0.0]), 0.5);
        let whole = placement(Rect {
            x: 0.0,
            y: 0.0,
            width: 200.0,
            height: 100.0,
        });
        assert!(!is_cut_out(&whole));
    }

    proptest! {
        #[test]
        fn every_number_is_a_fraction(values in prop::collection::vec(0f32..3.0, 12), x in 0f32..150.0, width in 1f32..50.0) {
            let placement = placement(Rect { x, y: 10.0, width, height: 60.0 });
            let map = ClassMap::new(4, 3, values);
            let heat = map.upsample(&placement, 30, 20);
            if let Some(spot) = Spot::of(&map, &placement, &heat, 1.0) {
                let all = [spot.peak[0], spot.peak[1], spot.place[0], spot.place[1], spot.extent, spot.relative];
                prop_assert!(all.iter().all(|v| (0.0..=1.0).contains(v)), "{:?}", spot);
            }
        }
    }
}
