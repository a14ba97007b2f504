//! The line along which a heat map has one value: marching squares (Lorensen and Cline 1987, in the plane).

use std::fmt::Write;

/// The line of `level` (0..=255) over a map of `width` x `height` values, as the data of an SVG path in the
/// map's pixels. What lies outside the map counts as below the level, so that every line is closed.
pub fn path(values: &[u8], [width, height]: [u32; 2], level: u8) -> String {
    let (width, height) = (i64::from(width), i64::from(height));
    let level = f32::from(level) - 0.5;
    let value = |x: i64, y: i64| {
        let inside = (0..width).contains(&x) && (0..height).contains(&y);
        let found = usize::try_from(y * width + x).ok().filter(|_| inside);
        found
            .and_then(|at| values.get(at))
            .map_or(-1.0, |&value| f32::from(value))
    };
    let mut path = String::new();
    for y in -1..height {
        for x in -1..width {
            // The corners are the middles of four pixels, clockwise from the upper left.
            let corners = [
                value(x, y),
                value(x + 1, y),
                value(x + 1, y + 1),
                value(x, y + 1),
            ];
            let above = corners.map(|corner| corner > level);
            if above.iter().all(|&one| one == above[0]) {
                continue;
            }
            let cross = |edge: usize| {
                // From left to right and from top to bottom, so that two squares agree on their edge.
                let [from, to] =
                    [[0, 1], [1, 2], [3, 2], [0, 3]][edge].map(|at: usize| corners[at]);
                let share = (level - from) / (to - from);
                let [dx, dy] = match edge {
                    0 => [share, 0.0],
                    1 => [1.0, share],
                    2 => [share, 1.0],
                    _ => [0.0, share],
                };
                // Pixels of a picture are far fewer than 2^23.
                #[allow(clippy::cast_precision_loss)]
                [x as f32 + 0.5 + dx, y as f32 + 0.5 + dy]
            };
            let crossed: Vec<usize> = (0..4).filter(|&e| above[e] != above[(e + 1) % 4]).collect();
            let pairs: &[[usize; 2]] = match crossed[..] {
                [a, b] => &[[a, b]],
                // A saddle: whether the middle is above decides what hangs together.
                _ if (corners.iter().sum::<f32>() / 4.0 > level) == above[0] => &[[0, 1], [2, 3]],
                _ => &[[0, 3], [1, 2]],
            };
            for pair in pairs {
                let [a, b] = pair.map(cross);
                // Writing to a string cannot fail.
                let _ = write!(path, "M{:.1} {:.1}L{:.1} {:.1}", a[0], a[1], b[0], b[1]);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// Ends of all pieces, as often as they occur.
    fn ends(path: &str) -> HashMap<String, u32> {
        let mut ends = HashMap::new();
        for end in path.split(['M', 'L']).filter(|end| !end.is_empty()) {
            *ends.entry(end.into()).or_default() += 1;
        }
        ends
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_single_pixel_has_a_diamond() {
        let mut values = [0; 9];
        values[4] = 255;
        let path = path(&values, [3, 3], 128);
        assert_eq!(path.matches('M').count(), 4);
        // Half-way between the middles of two pixels.
        assert!(ends(&path).contains_key("1.5 1.0"), "{path}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn lines_are_closed() {
        let values: Vec<u8> = (0..400u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for level in [1, 60, 128, 250] {
            let path = path(&values, [20, 20], level);
            assert!(
                ends(&path).values().all(|count| count % 2 == 0),
                "level {level}"
            );
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn an_even_map_has_a_frame_or_nothing() {
        assert_eq!(path(&[0; 16], [4, 4], 100), "");
        assert_ne!(path(&[200; 16], [4, 4], 100), "");
        assert_eq!(path(&[], [0, 0], 100), "");
    }
}
