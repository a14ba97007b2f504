//! Pixels onto canvases.

use wasm_bindgen::{Clamped, JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Sets a canvas to `size` and fills it with RGBA pixels. What goes wrong is for the console.
pub fn paint(canvas: &HtmlCanvasElement, rgba: &[u8], size: [u32; 2]) {
    if let Err(error) = try_paint(canvas, rgba, size) {
        web_sys::console::error_1(&error);
    }
}

fn try_paint(
    canvas: &HtmlCanvasElement,
    rgba: &[u8],
    [width, height]: [u32; 2],
) -> Result<(), JsValue> {
    canvas.set_width(width);
    canvas.set_height(height);
    let image = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width, height)?;
    context(canvas)?.put_image_data(&image, 0.0, 0.0)
}

/// What draws on a canvas.
pub fn context(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    canvas
        .get_context("2d")?
        .and_then(|context| context.dyn_into().ok())
        .ok_or_else(|| JsValue::from_str("the browser gives no 2D canvas"))
}
