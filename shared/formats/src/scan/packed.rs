//! A scan as bytes: from a program that can decode a file to one that classifies it.

use super::{Scan, ScanError};

/// What the bytes begin with.
const MAGIC: &[u8; 16] = b"scanlight scan 1";
/// Bytes before the values.
const HEADER: usize = MAGIC.len() + 7 * 4;

impl Scan {
    /// The scan as bytes, without any loss.
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.luma.len() * 4);
        bytes.extend(MAGIC);
        bytes.extend(self.width.to_le_bytes());
        bytes.extend(self.height.to_le_bytes());
        let (black, white) = self.display_range;
        let [wide, high] = self.spacing.unwrap_or([f32::NAN; 2]);
        let colourfulness = self.colourfulness.unwrap_or(f32::NAN);
        let numbers = [black, white, colourfulness, wide, high];
        let values = numbers.iter().chain(&self.luma);
        bytes.extend(values.flat_map(|value| value.to_le_bytes()));
        bytes
    }

    /// Whether bytes claim to be a packed scan.
    pub fn is_packed(bytes: &[u8]) -> bool {
        bytes.starts_with(MAGIC)
    }

    /// Reads what [`Self::pack`] wrote.
    pub fn unpack(bytes: &[u8]) -> Result<Self, ScanError> {
        let words = bytes.get(MAGIC.len()..).unwrap_or_default();
        let words = words.as_chunks::<4>().0;
        let ([width, height, rest @ ..], true) = (words, Self::is_packed(bytes)) else {
            return Err(ScanError::Empty {
                width: 0,
                height: 0,
            });
        };
        let (width, height) = (u32::from_le_bytes(*width), u32::from_le_bytes(*height));
        let mut values = rest.iter().map(|word| f32::from_le_bytes(*word));
        let mut next = || values.next().unwrap_or(f32::NAN);
        let (range, colourfulness, spacing) = ((next(), next()), next(), [next(), next()]);
        let scan = Self::new(width, height, values.collect(), range)?.with_spacing(spacing);
        Ok(if colourfulness.is_finite() {
            scan.with_colourfulness(colourfulness)
        } else {
            scan
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way() {
        let plain = Scan::new(2, 1, vec![-3.5, 1e6], (-10.0, 40.0)).unwrap();
        let rich = plain
            .clone()
            .with_colourfulness(0.25)
            .with_spacing([0.5, 0.75]);
        for scan in [plain, rich] {
            let bytes = scan.pack();
            assert!(Scan::is_packed(&bytes));
            assert_eq!(Scan::unpack(&bytes), Ok(scan));
        }
    }

    #[test]
    fn cut_and_foreign_bytes_are_refused() {
        let bytes = Scan::from_luma8(3, 3, &[7; 9]).unwrap().pack();
        for length in 0..bytes.len() {
            assert!(Scan::unpack(&bytes[..length]).is_err(), "{length}");
        }
        assert!(!Scan::is_packed(b"scanlight scan"));
        assert!(Scan::unpack(&[0; 99]).is_err());
    }
}
