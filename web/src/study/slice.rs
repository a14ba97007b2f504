//! One slice, and how its values become grey.

use super::Place;

/// A slice with square pixels.
#[derive(Debug, PartialEq)]
pub struct Slice {
    /// Which one.
    pub place: Place,
    /// Width and height.
    pub size: [u32; 2],
    /// Its values, row-major.
    pub values: Vec<f32>,
    /// The values that the file wants shown as black and as white.
    pub range: [f32; 2],
    /// How colourful the picture was; nothing where it has one channel.
    pub colourfulness: Option<f32>,
    /// A pixel's side in millimetres.
    pub spacing: Option<f32>,
}

impl Slice {
    /// The lowest and the highest value.
    pub fn extent(&self) -> [f32; 2] {
        let lowest = self.values.iter().copied().fold(f32::INFINITY, f32::min);
        let highest = self
            .values
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        if lowest <= highest {
            [lowest, highest]
        } else {
            [0.0, 1.0]
        }
    }

    /// The values below which a hundredth and 99 hundredths of the others lie, of those above the lowest: the air
    /// around a head would decide otherwise.
    fn bulk(&self) -> [f32; 2] {
        let [lowest, highest] = self.extent();
        let mut values: Vec<f32> = self
            .values
            .iter()
            .copied()
            .filter(|value| *value > lowest)
            .collect();
        if values.len() < 100 {
            return [lowest, highest];
        }
        let mut at = |hundredth: usize| {
            let index = (values.len() * hundredth / 100).min(values.len() - 1);
            *values.select_nth_unstable_by(index, f32::total_cmp).1
        };
        let (low, high) = (at(1), at(99));
        if low < high {
            [low, high]
        } else {
            [lowest, highest]
        }
    }

    /// The values shown as black and as white.
    pub fn shown(&self, window: Window) -> [f32; 2] {
        match window {
            Window::File => self.range,
            Window::Full => self.extent(),
            Window::Bulk => self.bulk(),
            Window::Own(range) => range,
        }
    }

    /// 8-bit grey.
    pub fn grey(&self, window: Window) -> Vec<u8> {
        let [black, white] = self.shown(window);
        let scale = if white > black {
            255.0 / (white - black)
        } else {
            0.0
        };
        let grey = |value: &f32| ((value - black) * scale).round().clamp(0.0, 255.0) as u8;
        self.values.iter().map(grey).collect()
    }
}

/// Which values are black and white on the screen. The network sees all values, whatever is shown.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Window {
    /// Those that the file names, or usual ones.
    #[default]
    File,
    /// The slice's lowest and highest.
    Full,
    /// Nearly all of them, without the few extreme ones.
    Bulk,
    /// These, black and white.
    Own([f32; 2]),
}

impl Window {
    /// Those with a name.
    pub const PRESETS: [Self; 3] = [Self::File, Self::Full, Self::Bulk];

    /// One word, for keys of messages and for tests.
    pub fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Full => "full",
            Self::Bulk => "bulk",
            Self::Own(_) => "own",
        }
    }

    /// Black and white of this centre and width; a width is above 0.
    pub fn of(centre: f32, width: f32) -> Option<Self> {
        (centre.is_finite() && width.is_finite() && width > 0.0)
            .then(|| Self::Own([centre - width / 2.0, centre + width / 2.0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scanlight_reader::protocol::Plane;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn slice(values: Vec<f32>) -> Slice {
        Slice {
            place: Place {
                study: 1,
                item: 0,
                plane: Plane::Axial,
                index: 0,
            },
            size: [values.len() as u32, 1],
            values,
            range: [0.0, 100.0],
            colourfulness: None,
            spacing: None,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn windows() {
        let slice = slice(vec![-50.0, 0.0, 50.0, 100.0, 450.0]);
        assert_eq!(slice.grey(Window::File), [0, 0, 128, 255, 255]);
        assert_eq!(slice.shown(Window::Full), [-50.0, 450.0]);
        assert_eq!(slice.grey(Window::Full), [0, 26, 51, 77, 255]);
        let own = Window::of(50.0, 20.0).unwrap();
        assert_eq!(slice.shown(own), [40.0, 60.0]);
        assert_eq!(slice.grey(own), [0, 0, 128, 255, 255]);
        assert_eq!(Window::of(50.0, 0.0), None);
        assert_eq!(Window::of(f32::NAN, 1.0), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_flat_slice_is_black_and_extremes_do_not_count() {
        assert_eq!(slice(vec![7.0; 300]).grey(Window::Full), vec![0; 300]);
        let mut values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
        values.push(1e9);
        let [low, high] = slice(values).shown(Window::Bulk);
        assert!(
            (5.0..20.0).contains(&low) && (980.0..1000.0).contains(&high),
            "{low} {high}"
        );
    }
}
