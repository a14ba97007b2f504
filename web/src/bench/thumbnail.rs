//! Small pictures for tables: a few kilobytes each, so that thousands stay.

/// The longest side.
const SIDE: u32 = 48;

/// A small grey picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width and height.
    pub size: [u32; 2],
    /// 8-bit grey.
    pub grey: Vec<u8>,
}

impl Thumbnail {
    /// Of a grey picture: each pixel the mean of those it stands for.
    pub fn of(grey: &[u8], [width, height]: [u32; 2]) -> Self {
        let longest = width.max(height).max(1);
        let side = |side: u32| (side * SIDE.min(longest) / longest).max(1);
        let size = [side(width), side(height)];
        let range = |at: u32, small: u32, large: u32| {
            let from = at * large / small;
            from..((at + 1) * large / small).max(from + 1)
        };
        let mut small = Vec::with_capacity((size[0] * size[1]) as usize);
        for y in 0..size[1] {
            for x in 0..size[0] {
                let (mut sum, mut count) = (0u64, 0u64);
                for row in range(y, size[1], height) {
                    for column in range(x, size[0], width) {
                        let at = row as usize * width as usize + column as usize;
                        if let Some(&value) = grey.get(at) {
                            sum += u64::from(value);
                            count += 1;
                        }
                    }
                }
                small.push((sum / count.max(1)) as u8);
            }
        }
        Self { size, grey: small }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn means_and_proportions() {
        let picture: Vec<u8> = (0..96 * 48)
            .map(|at| if at % 2 == 0 { 0 } else { 100 })
            .collect();
        let small = Thumbnail::of(&picture, [96, 48]);
        assert_eq!(small.size, [48, 24]);
        assert!(small.grey.iter().all(|value| *value == 50));
        // A picture that is small already stays as it is; one without pixels does no harm.
        assert_eq!(Thumbnail::of(&[7, 9], [2, 1]).grey, [7, 9]);
        assert_eq!(Thumbnail::of(&[], [0, 0]).size, [1, 1]);
        assert_eq!(Thumbnail::of(&[], [5000, 1]).size, [48, 1]);
    }
}
