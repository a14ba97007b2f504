//! Image files are read in wasm as they are natively, and bad ones end in one clear line.
#![cfg(target_arch = "wasm32")]
// clippy.toml allows this in tests, but clippy does not know these functions as such.
#![allow(clippy::unwrap_used)]

use scanlight_engine::picture;
use scanlight_model::decode::decode;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A 2 x 2 BMP, 24 bits: bottom row black and white, top row grey and black.
fn bmp() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(b"BM");
    file.extend(70_u32.to_le_bytes());
    file.extend(0_u32.to_le_bytes());
    file.extend(54_u32.to_le_bytes());
    file.extend(40_u32.to_le_bytes());
    file.extend(2_i32.to_le_bytes());
    file.extend(2_i32.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(24_u16.to_le_bytes());
    file.extend([0; 24]);
    file.extend([0, 0, 0, 255, 255, 255, 0, 0]);
    file.extend([128, 128, 128, 0, 0, 0, 0, 0]);
    file
}

#[wasm_bindgen_test]
fn a_good_file_is_read() {
    let scan = decode(&bmp()).unwrap();
    assert_eq!([scan.width(), scan.height()], [2, 2]);
    let grey = picture::picture(&scan, [2, 2]);
    assert_eq!(grey, [128, 0, 0, 255]);
}

#[wasm_bindgen_test]
fn bad_files_end_in_one_line() {
    let text = b"this is no picture";
    let cut = &bmp()[..60];
    for bytes in [&[][..], text, cut, b"GIF89a"] {
        let message = decode(bytes).unwrap_err().to_string();
        assert!(!message.is_empty() && !message.contains('\n'), "{message}");
    }
}
