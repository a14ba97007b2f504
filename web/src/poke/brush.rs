//! What a brush does to pixels.

/// A grey picture, 8 bits, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels, at least 1.
    pub width: usize,
    /// Height in pixels, at least 1.
    pub height: usize,
    /// The values.
    pub pixels: Vec<u8>,
}

/// A part of a picture: columns and rows, first and behind the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// Columns.
    pub x: [usize; 2],
    /// Rows.
    pub y: [usize; 2],
}

impl Area {
    /// The smallest area that holds both.
    pub fn with(self, other: Self) -> Self {
        let both = |a: [usize; 2], b: [usize; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        Self {
            x: both(self.x, other.x),
            y: both(self.y, other.y),
        }
    }

    /// Columns across.
    pub fn width(self) -> usize {
        self.x[1] - self.x[0]
    }
}

impl Picture {
    /// An area's values, row by row.
    pub fn copy(&self, area: Area) -> Vec<u8> {
        let rows = self.pixels.chunks_exact(self.width);
        rows.take(area.y[1])
            .skip(area.y[0])
            .flat_map(|row| row[area.x[0]..area.x[1]].iter().copied())
            .collect()
    }

    /// Puts an area's values back.
    pub fn paste(&mut self, area: Area, values: &[u8]) {
        let rows = self.pixels.chunks_exact_mut(self.width);
        let rows = rows.take(area.y[1]).skip(area.y[0]);
        for (row, values) in rows.zip(values.chunks_exact(area.width().max(1))) {
            row[area.x[0]..area.x[1]].copy_from_slice(values);
        }
    }

    /// The pixels that a disc reaches, if any.
    fn reach(&self, [x, y]: [f32; 2], radius: f32) -> Option<Area> {
        let span = |middle: f32, side: usize| {
            let first = (middle - radius).floor().max(0.0);
            let end = (middle + radius).ceil().min(side as f32);
            (end > first).then_some([first as usize, end as usize])
        };
        Some(Area {
            x: span(x, self.width)?,
            y: span(y, self.height)?,
        })
    }
}

/// What painting does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Brush {
    /// Puts the background in place of the scan.
    Erase,
    /// Takes fine detail away.
    Blur,
    /// Makes brighter, more with every dab.
    Brighten,
}

/// How much one dab brightens in its middle.
const BRIGHTER: f32 = 28.0;

impl Brush {
    /// One dab: a disc around `middle`, in pixels, soft at its edge. `background` is what erasing leaves.
    /// Gives the area that may have changed.
    pub fn dab(
        self,
        picture: &mut Picture,
        middle: [f32; 2],
        radius: f32,
        background: u8,
    ) -> Option<Area> {
        let radius = radius.max(0.5);
        let area = picture.reach(middle, radius)?;
        let blurred = (self == Self::Blur).then(|| blurred(picture, area, radius));
        let width = area.width();
        for y in area.y[0]..area.y[1] {
            for x in area.x[0]..area.x[1] {
                let away = [x as f32 + 0.5 - middle[0], y as f32 + 0.5 - middle[1]];
                let share = softness(away[0].hypot(away[1]) / radius, self);
                if share <= 0.0 {
                    continue;
                }
                let value = &mut picture.pixels[y * picture.width + x];
                let now = f32::from(*value);
                let wanted = match self {
                    Self::Erase => f32::from(background),
                    Self::Blur => blurred.as_ref().map_or(now, |values| {
                        values[(y - area.y[0]) * width + x - area.x[0]]
                    }),
                    Self::Brighten => now + BRIGHTER,
                };
                *value = (now + (wanted - now) * share).round().clamp(0.0, 255.0) as u8;
            }
        }
        Some(area)
    }
}

/// How much of a dab's effect a pixel gets at this distance from the middle, in radii.
fn softness(distance: f32, brush: Brush) -> f32 {
    // Erased parts shall be gone, brightened ones have no edge of their own.
    let hard = match brush {
        Brush::Erase => 0.85,
        Brush::Blur => 0.6,
        Brush::Brighten => 0.2,
    };
    ((1.0 - distance) / (1.0 - hard)).clamp(0.0, 1.0)
}

/// The area with every value replaced by the mean of the square around it.
fn blurred(picture: &Picture, area: Area, radius: f32) -> Vec<f32> {
    let reach = ((radius / 4.0).round() as usize).clamp(1, 24);
    let wide = |[first, end]: [usize; 2], side: usize| {
        [first.saturating_sub(reach), (end + reach).min(side)]
    };
    let (columns, rows) = (wide(area.x, picture.width), wide(area.y, picture.height));
    // Sums over all pixels to the upper left, with a row and a column of zeros.
    let across = columns[1] - columns[0] + 1;
    let mut sums = vec![0_u32; across * (rows[1] - rows[0] + 1)];
    for y in rows[0]..rows[1] {
        let mut line = 0;
        for x in columns[0]..columns[1] {
            line += u32::from(picture.pixels[y * picture.width + x]);
            let at = (y - rows[0] + 1) * across + x - columns[0] + 1;
            sums[at] = line + sums[at - across];
        }
    }
    let mut values = Vec::with_capacity(area.width() * (area.y[1] - area.y[0]));
    for y in area.y[0]..area.y[1] {
        for x in area.x[0]..area.x[1] {
            let [left, right] = wide([x, x + 1], picture.width).map(|at| at - columns[0]);
            let [top, bottom] = wide([y, y + 1], picture.height).map(|at| at - rows[0]);
            let sum = sums[bottom * across + right] + sums[top * across + left]
                - sums[top * across + right]
                - sums[bottom * across + left];
            values.push(sum as f32 / ((right - left) * (bottom - top)) as f32);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn picture(value: impl Fn(usize, usize) -> u8) -> Picture {
        let pixels = (0..30 * 40).map(|at| value(at % 40, at / 40)).collect();
        Picture {
            width: 40,
            height: 30,
            pixels,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn erasing_leaves_the_background_inside_the_disc_only() {
        let mut even = picture(|_, _| 200);
        let area = Brush::Erase.dab(&mut even, [20.0, 15.0], 6.0, 3).unwrap();
        assert_eq!(
            area,
            Area {
                x: [14, 26],
                y: [9, 21]
            }
        );
        assert_eq!(even.pixels[15 * 40 + 20], 3);
        assert_eq!(even.pixels[15 * 40 + 27], 200);
        assert_eq!(even.pixels[9 * 40 + 14], 200, "a corner of the square");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn blurring_takes_contrast_and_keeps_the_mean() {
        let mut board = picture(|x, y| if (x + y) % 2 == 0 { 0 } else { 200 });
        Brush::Blur.dab(&mut board, [20.0, 15.0], 8.0, 0);
        let middle = board.pixels[15 * 40 + 20];
        assert!((80..=120).contains(&middle), "{middle}");
        assert_eq!(board.pixels[0], 0);
        let mut even = picture(|_, _| 77);
        Brush::Blur.dab(&mut even, [0.0, 0.0], 30.0, 0);
        assert!(even.pixels.iter().all(|&value| value == 77));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn brightening_adds_up_and_ends_at_white() {
        let mut even = picture(|_, _| 100);
        Brush::Brighten.dab(&mut even, [20.0, 15.0], 6.0, 0);
        let once = even.pixels[15 * 40 + 20];
        assert!(once > 120);
        for _ in 0..20 {
            Brush::Brighten.dab(&mut even, [20.0, 15.0], 6.0, 0);
        }
        assert_eq!(even.pixels[15 * 40 + 20], 255);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn dabs_beside_the_picture_do_nothing() {
        let mut even = picture(|_, _| 9);
        for middle in [[-20.0, 5.0], [60.0, 5.0], [5.0, 90.0]] {
            assert_eq!(Brush::Erase.dab(&mut even, middle, 4.0, 0), None);
        }
        assert!(Brush::Erase.dab(&mut even, [-2.0, 5.0], 4.0, 0).is_some());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn areas_are_copied_and_put_back() {
        let mut some = picture(|x, y| (x * 7 + y * 3) as u8);
        let before = some.clone();
        let area = Area {
            x: [3, 9],
            y: [2, 5],
        };
        let kept = some.copy(area);
        assert_eq!(kept.len(), 18);
        some.paste(area, &[0; 18]);
        assert_ne!(some, before);
        some.paste(area, &kept);
        assert_eq!(some, before);
    }
}
