//! JPEG-LS, lossless and near-lossless, in grey.

use super::Shape;
use crate::text::one_line;

pub fn decode(data: &[u8], shape: &Shape) -> Result<Vec<u32>, String> {
    if shape.colours != 1 {
        return Err("JPEG-LS is read in grey only".into());
    }
    // The decoder takes memory for the size that is given here, once its header agrees.
    let (pixels, _, _) = jpegls::decode(data, shape.columns, shape.rows)
        .map_err(|error| one_line(&error.to_string(), 160))?;
    Ok(pixels.into_iter().map(u32::from).collect())
}
