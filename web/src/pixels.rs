//! Pixels for the canvases.

/// 8-bit grey as opaque RGBA.
pub fn from_grey(grey: &[u8]) -> Vec<u8> {
    grey.iter()
        .flat_map(|&value| [value, value, value, 255])
        .collect()
}

/// Heat values as RGBA through a map of 256 RGB triples. A value is its own opacity, so that what the
/// network ignored stays as it was; `scanlight_model::cam::blend` does the same.
pub fn from_heat(heat: &[u8], map: &[u8]) -> Vec<u8> {
    heat.iter()
        .flat_map(|&value| {
            let colour = usize::from(value) * 3;
            let [red, green, blue] = match map.get(colour..colour + 3) {
                Some(&[red, green, blue]) => [red, green, blue],
                _ => [value; 3],
            };
            [red, green, blue, value]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn grey() {
        assert_eq!(from_grey(&[0, 9]), [0, 0, 0, 255, 9, 9, 9, 255]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn heat() {
        let map: Vec<u8> = (0..=255)
            .flat_map(|value| [value, 0, 255 - value])
            .collect();
        assert_eq!(
            from_heat(&[0, 100, 255], &map),
            [0, 0, 255, 0, 100, 0, 155, 100, 255, 0, 0, 255]
        );
        assert_eq!(from_heat(&[7], &[]), [7, 7, 7, 7]);
    }
}
