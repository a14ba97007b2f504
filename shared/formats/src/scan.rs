//! A decoded scan: grey pixels of any size and bit depth.

mod packed;
mod square;
mod turn;

pub use turn::Turn;

use thiserror::Error;

/// Why a [`Scan`] cannot be made from the given pixels.
#[derive(Debug, Error, PartialEq)]
pub enum ScanError {
    /// A side is zero.
    #[error("the image is empty ({width} x {height} pixels)")]
    Empty {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The number of values does not equal width times height.
    #[error("{width} x {height} pixels need {expected} values, but there are {found}")]
    Length {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Values needed.
        expected: u64,
        /// Values given.
        found: usize,
    },
}

/// A two-dimensional grey image, row-major from the top left corner.
///
/// Values keep the scale of their source (0..=255, 0..=65535, Hounsfield units, …): the networks
/// normalise each image by its own statistics. Values that are not finite are replaced by 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    width: u32,
    height: u32,
    luma: Vec<f32>,
    display_range: (f32, f32),
    colourfulness: Option<f32>,
    spacing: Option<[f32; 2]>,
}

impl Scan {
    /// A scan from `width * height` values; `display_range` is what is shown as black and white.
    pub fn new(
        width: u32,
        height: u32,
        mut luma: Vec<f32>,
        display_range: (f32, f32),
    ) -> Result<Self, ScanError> {
        if width == 0 || height == 0 {
            return Err(ScanError::Empty { width, height });
        }
        let expected = u64::from(width) * u64::from(height);
        if luma.len() as u64 != expected {
            return Err(ScanError::Length {
                width,
                height,
                expected,
                found: luma.len(),
            });
        }
        for value in &mut luma {
            if !value.is_finite() {
                *value = 0.0;
            }
        }
        Ok(Self {
            width,
            height,
            luma,
            display_range,
            colourfulness: None,
            spacing: None,
        })
    }

    /// The same scan, known to come from a picture this colourful.
    #[must_use]
    pub fn with_colourfulness(mut self, value: f32) -> Self {
        self.colourfulness = Some(value);
        self
    }

    /// How colourful the picture was before it became grey, see
    /// [`crate::colour::colourfulness`]; `None` where the source had but one channel.
    pub fn colourfulness(&self) -> Option<f32> {
        self.colourfulness
    }

    /// The same scan with pixels of this width and height in millimetres. Sizes that are not above 0
    /// and finite are left out.
    #[must_use]
    pub fn with_spacing(mut self, spacing: [f32; 2]) -> Self {
        let sound = spacing.iter().all(|side| side.is_finite() && *side > 0.0);
        self.spacing = sound.then_some(spacing);
        self
    }

    /// A pixel's width and height in millimetres, where the source says it.
    pub fn spacing(&self) -> Option<[f32; 2]> {
        self.spacing
    }

    /// A pixel's width divided by its height: 1 for square pixels, and where nothing is known.
    pub fn pixel_aspect(&self) -> f32 {
        self.spacing.map_or(1.0, |[width, height]| width / height)
    }

    /// The same scan with these values shown as black and white.
    #[must_use]
    pub fn with_display_range(mut self, display_range: (f32, f32)) -> Self {
        self.display_range = display_range;
        self
    }

    /// The values that are shown as black and as white.
    pub fn display_range(&self) -> (f32, f32) {
        self.display_range
    }

    /// A scan from 8-bit grey pixels.
    pub fn from_luma8(width: u32, height: u32, pixels: &[u8]) -> Result<Self, ScanError> {
        let luma = pixels.iter().map(|&value| f32::from(value)).collect();
        Self::new(width, height, luma, (0.0, 255.0))
    }

    /// A scan from 16-bit grey pixels.
    pub fn from_luma16(width: u32, height: u32, pixels: &[u16]) -> Result<Self, ScanError> {
        let luma = pixels.iter().map(|&value| f32::from(value)).collect();
        Self::new(width, height, luma, (0.0, 65535.0))
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The values, row-major, all finite.
    pub fn luma(&self) -> &[f32] {
        &self.luma
    }

    /// The image as 8-bit grey for a screen: the display range mapped to 0..=255.
    pub fn to_luma8(&self) -> Vec<u8> {
        let (black, white) = self.display_range;
        let scale = if white > black {
            255.0 / (white - black)
        } else {
            0.0
        };
        self.luma
            .iter()
            .map(|&value| ((value - black) * scale).round().clamp(0.0, 255.0) as u8)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_wrong_sizes() {
        assert_eq!(
            Scan::from_luma8(0, 3, &[]),
            Err(ScanError::Empty {
                width: 0,
                height: 3
            })
        );
        assert!(matches!(
            Scan::from_luma8(2, 2, &[1, 2, 3]),
            Err(ScanError::Length {
                expected: 4,
                found: 3,
                ..
            })
        ));
    }

    #[test]
    fn display_keeps_eight_bit_values() {
        let pixels = [0, 1, 127, 255];
        let scan = Scan::from_luma8(2, 2, &pixels).unwrap();
        assert_eq!(scan.to_luma8(), pixels);
        let deep = Scan::from_luma16(2, 1, &[0, 65535]).unwrap();
        assert_eq!(deep.to_luma8(), [0, 255]);
    }

    #[test]
    fn values_that_are_not_finite_become_zero() {
        let scan = Scan::new(2, 1, vec![f32::NAN, 5.0], (0.0, 10.0)).unwrap();
        assert_eq!(scan.luma(), [0.0, 5.0]);
    }
}
