//! The pictures of a report: what the viewer's canvases show, at a size that a printed page needs.

use crate::canvas;
use crate::finding::Finding;
use leptos::prelude::document;
use std::f64::consts::TAU;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, Path2d};

/// The longest side is at least this.
const SIDE: f64 = 720.0;

/// The scan alone, and with the heat map as the viewer shows it.
#[derive(Clone)]
pub struct Pictures {
    /// The scan.
    pub scan: HtmlCanvasElement,
    /// With the heat map; nothing where that is hidden.
    pub with_heat: Option<HtmlCanvasElement>,
}

impl Pictures {
    /// Copies what the viewer shows.
    ///
    /// # Errors
    /// There is no scan, or the browser gives no canvas.
    pub fn take(finding: &Finding) -> Result<Self, JsValue> {
        let shown = element::<HtmlCanvasElement>("#scan")?;
        let [width, height] = [shown.width(), shown.height()].map(f64::from);
        let scale = (SIDE / width.max(height).max(1.0)).max(1.0);
        let size = [width * scale, height * scale];
        let (scan, context) = canvas(size)?;
        paint(&context, &shown, size)?;
        if finding.opacity == 0 {
            return Ok(Self {
                scan,
                with_heat: None,
            });
        }
        let (with_heat, context) = canvas(size)?;
        paint(&context, &shown, size)?;
        context.set_global_alpha(f64::from(finding.opacity) / 100.0);
        paint(&context, &element("#overlay")?, size)?;
        context.set_global_alpha(1.0);
        contour(&context, size)?;
        let peak = finding.evidence.get(finding.chosen).copied().flatten();
        if let Some(peak) = peak.map(|found| found.peak.map(f64::from)) {
            ring(&context, [peak[0] * size[0], peak[1] * size[1]])?;
        }
        Ok(Self {
            scan,
            with_heat: Some(with_heat),
        })
    }
}

/// Makes `to` show what `from` shows.
pub fn copy(from: &HtmlCanvasElement, to: &HtmlCanvasElement) -> Result<(), JsValue> {
    to.set_width(from.width());
    to.set_height(from.height());
    canvas::context(to)?.draw_image_with_html_canvas_element(from, 0.0, 0.0)
}

/// A new canvas of this size.
pub fn canvas(size: [f64; 2]) -> Result<(HtmlCanvasElement, CanvasRenderingContext2d), JsValue> {
    let canvas: HtmlCanvasElement = document().create_element("canvas")?.dyn_into()?;
    // Sides are some thousands at most.
    let [width, height] = size.map(|side| side.round().clamp(1.0, 16_000.0) as u32);
    canvas.set_width(width);
    canvas.set_height(height);
    let context = crate::canvas::context(&canvas)?;
    Ok((canvas, context))
}

fn element<T: JsCast>(selector: &str) -> Result<T, JsValue> {
    document()
        .query_selector(selector)?
        .and_then(|element| element.dyn_into().ok())
        .ok_or_else(|| JsValue::from_str("nothing is shown"))
}

fn paint(
    context: &CanvasRenderingContext2d,
    from: &HtmlCanvasElement,
    [width, height]: [f64; 2],
) -> Result<(), JsValue> {
    context.draw_image_with_html_canvas_element_and_dw_and_dh(from, 0.0, 0.0, width, height)
}

/// The line at a level, where the viewer shows it.
fn contour(context: &CanvasRenderingContext2d, size: [f64; 2]) -> Result<(), JsValue> {
    let Some(shown) = document().query_selector("#stage .contour")? else {
        return Ok(());
    };
    let numbers: Vec<f64> = shown
        .get_attribute("viewBox")
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    let path = shown
        .query_selector("path")?
        .and_then(|path| path.get_attribute("d"));
    let (Some(path), &[_, _, width, height]) = (path, numbers.as_slice()) else {
        return Ok(());
    };
    if width <= 0.0 || height <= 0.0 {
        return Ok(());
    }
    let path = Path2d::new_with_path_string(&path)?;
    let scale = [size[0] / width, size[1] / height];
    context.save();
    context.scale(scale[0], scale[1])?;
    for (colour, thickness) in [("#000", 5.0), ("#fff", 2.0)] {
        context.set_stroke_style_str(colour);
        context.set_line_width(thickness / scale[0].max(scale[1]));
        context.stroke_with_path(&path);
    }
    context.restore();
    Ok(())
}

/// Where the map is strongest.
fn ring(context: &CanvasRenderingContext2d, [x, y]: [f64; 2]) -> Result<(), JsValue> {
    for (colour, thickness) in [("#000", 5.0), ("#fff", 2.5)] {
        context.begin_path();
        context.arc(x, y, 14.0, 0.0, TAU)?;
        context.set_stroke_style_str(colour);
        context.set_line_width(thickness);
        context.stroke();
    }
    Ok(())
}
