//! Scans of which the pixels are not square, brought to square pixels.

use crate::limits::{MAX_PIXELS, MAX_SIDE};
use crate::scan::{Scan, ScanError};

/// From this difference of width and height on, pixels do not count as square.
const TOLERANCE: f32 = 0.01;

impl Scan {
    /// Whether its pixels are as wide as high, within one per cent.
    pub fn has_square_pixels(&self) -> bool {
        (self.pixel_aspect() - 1.0).abs() <= TOLERANCE
    }

    /// The same scan on square pixels as large as the shorter side of its own: linear interpolation
    /// along the other. Shapes are then true, as networks and screens expect it.
    ///
    /// # Errors
    /// None in practice; a picture that would grow beyond [`MAX_SIDE`] or [`MAX_PIXELS`] grows less.
    pub fn to_square_pixels(&self) -> Result<Self, ScanError> {
        let Some([wide, high]) = self.spacing().filter(|_| !self.has_square_pixels()) else {
            return Ok(self.clone());
        };
        let widen = f64::from(wide / high).max(1.0);
        let heighten = f64::from(high / wide).max(1.0);
        let (width, height) = (self.width(), self.height());
        let side = |length: u32, factor: f64, other: u32| {
            let most = u64::from(MAX_SIDE)
                .min(MAX_PIXELS / u64::from(other).max(1))
                .max(u64::from(length));
            ((f64::from(length) * factor).round() as u64).clamp(1, most) as u32
        };
        let (new_width, new_height) = if widen > 1.0 {
            (side(width, widen, height), height)
        } else {
            (width, side(height, heighten, width))
        };
        let columns = weights(width, new_width);
        let rows = weights(height, new_height);
        let luma = self.luma();
        let row_length = width as usize;
        let mut values = Vec::with_capacity(new_width as usize * new_height as usize);
        for &(top, bottom, down) in &rows {
            let line = |row: usize| {
                luma.get(row * row_length..(row + 1) * row_length)
                    .unwrap_or_default()
            };
            let (upper, lower) = (line(top), line(bottom));
            for &(left, right, across) in &columns {
                let mix = |line: &[f32]| {
                    let at = |index: usize| line.get(index).copied().unwrap_or_default();
                    at(left) + (at(right) - at(left)) * across
                };
                values.push(mix(upper) + (mix(lower) - mix(upper)) * down);
            }
        }
        let pixel = wide.min(high);
        let mut scan = Self::new(new_width, new_height, values, self.display_range())?
            .with_spacing([pixel, pixel]);
        if let Some(colour) = self.colourfulness() {
            scan = scan.with_colourfulness(colour);
        }
        Ok(scan)
    }
}

/// For each new pixel the two old ones beside its centre, and the second one's weight.
fn weights(old: u32, new: u32) -> Vec<(usize, usize, f32)> {
    let last = old.saturating_sub(1) as usize;
    (0..new)
        .map(|index| {
            let centre = (f64::from(index) + 0.5) * f64::from(old) / f64::from(new) - 0.5;
            let centre = centre.clamp(0.0, last as f64);
            let first = centre.floor() as usize;
            (first, (first + 1).min(last), centre.fract() as f32)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_pixels_become_square() {
        let scan = Scan::new(2, 2, vec![0.0, 1.0, 2.0, 3.0], (0.0, 3.0))
            .unwrap()
            .with_spacing([1.0, 3.0]);
        assert!(!scan.has_square_pixels());
        let square = scan.to_square_pixels().unwrap();
        assert_eq!((square.width(), square.height()), (2, 6));
        assert_eq!(square.spacing(), Some([1.0, 1.0]));
        assert_eq!(square.luma()[0], 0.0);
        assert_eq!(square.luma()[10..], [2.0, 3.0]);
        let column: Vec<f32> = square.luma().iter().copied().step_by(2).collect();
        assert!(column.is_sorted());
    }

    #[test]
    fn square_and_unknown_pixels_stay() {
        let scan = Scan::new(2, 1, vec![0.0, 1.0], (0.0, 1.0)).unwrap();
        assert_eq!(scan.to_square_pixels().unwrap(), scan);
        let scan = scan.with_spacing([0.5, 0.5]);
        assert_eq!(scan.to_square_pixels().unwrap(), scan);
    }

    #[test]
    fn absurd_spacings_stay_within_the_limits() {
        let scan = Scan::new(3, 2, vec![1.0; 6], (0.0, 1.0))
            .unwrap()
            .with_spacing([1e30, 1e-30]);
        let square = scan.to_square_pixels().unwrap();
        assert!(square.width() <= MAX_SIDE && square.height() == 2);
    }
}
