//! A report as a picture: an A4 page of 150 dots per inch, longer where the words need it.

use super::picture::{self, Pictures};
use super::sheet::Sheet;
use crate::language::t;
use crate::words;
use js_sys::Reflect;
use leptos::prelude::document;
use wasm_bindgen::JsValue;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

const WIDTH: f64 = 1240.0;
const HEIGHT: f64 = 1754.0;
const MARGIN: f64 = 84.0;
const INK: &str = "#18222a";
const SOFT: &str = "#55646e";
const RULE: &str = "#d7dee2";
const BAR: &str = "#0b7a73";
/// What the text is set in; a browser has the last of them in any case.
const FONTS: &str = "system-ui, sans-serif";

/// Draws the page.
///
/// # Errors
/// The browser gives no canvas.
pub fn draw(sheet: &Sheet, pictures: &Pictures) -> Result<HtmlCanvasElement, JsValue> {
    // Once to see how much room it needs.
    let (_, context) = picture::canvas([1.0, 1.0])?;
    let needed = Pen::new(&context, false).page(sheet, pictures)?;
    let (canvas, context) = picture::canvas([WIDTH, needed.max(HEIGHT)])?;
    context.set_fill_style_str("#fff");
    context.fill_rect(0.0, 0.0, WIDTH, needed.max(HEIGHT));
    Pen::new(&context, true).page(sheet, pictures)?;
    Ok(canvas)
}

/// How words are set.
#[derive(Clone, Copy)]
struct Style {
    size: f64,
    weight: u32,
    colour: &'static str,
}

const TITLE: Style = Style {
    size: 34.0,
    weight: 700,
    colour: INK,
};
const HEADLINE: Style = Style {
    size: 44.0,
    weight: 700,
    colour: INK,
};
const BODY: Style = Style {
    size: 25.0,
    weight: 400,
    colour: INK,
};
const STRONG: Style = Style {
    weight: 700,
    ..BODY
};
const FACT: Style = Style {
    size: 20.0,
    weight: 400,
    colour: SOFT,
};
const SMALL: Style = Style {
    size: 21.0,
    weight: 400,
    colour: SOFT,
};

struct Pen<'a> {
    context: &'a CanvasRenderingContext2d,
    right_to_left: bool,
    /// Nothing is drawn, only measured.
    draws: bool,
    y: f64,
}

impl<'a> Pen<'a> {
    fn new(context: &'a CanvasRenderingContext2d, draws: bool) -> Self {
        let right_to_left = document()
            .document_element()
            .and_then(|root| root.get_attribute("dir"))
            .is_some_and(|dir| dir == "rtl");
        Self {
            context,
            right_to_left,
            draws,
            y: MARGIN,
        }
    }

    /// Sets everything, and says where it ends.
    fn page(mut self, sheet: &Sheet, pictures: &Pictures) -> Result<f64, JsValue> {
        let whole = WIDTH - 2.0 * MARGIN;
        let top = self.y;
        self.words(&t("report.title"), TITLE, 0.0, whole / 2.0)?;
        let below = self.y;
        self.y = top + 8.0;
        self.words(&sheet.date, SMALL, whole / 2.0 + 20.0, whole / 2.0 - 20.0)?;
        self.y = self.y.max(below) + 4.0;
        self.words(&sheet.name, BODY, 0.0, whole)?;
        self.y += 18.0;
        self.pictures(sheet, pictures)?;
        self.words(&sheet.said.eyebrow, SMALL, 0.0, whole)?;
        self.words(&sheet.said.headline, HEADLINE, 0.0, whole)?;
        if let Some(reason) = &sheet.said.reason {
            self.words(reason, BODY, 0.0, whole)?;
        }
        self.y += 12.0;
        self.numbers(sheet)?;
        if let Some(heat) = &sheet.heat {
            self.y += 10.0;
            self.words(heat, BODY, 0.0, whole)?;
        }
        self.y += 16.0;
        self.rule();
        for (name, value) in &sheet.facts {
            let top = self.y;
            self.words(name, FACT, 0.0, 250.0)?;
            let below = self.y;
            self.y = top;
            let style = Style {
                colour: INK,
                ..FACT
            };
            self.words(value, style, 265.0, whole - 265.0)?;
            self.y = self.y.max(below) + 3.0;
        }
        self.y += 12.0;
        self.rule();
        self.words(&t("caution.strong"), STRONG, 0.0, whole)?;
        self.words(&sheet.caution, BODY, 0.0, whole)?;
        Ok(self.y + MARGIN)
    }

    fn pictures(&mut self, sheet: &Sheet, pictures: &Pictures) -> Result<(), JsValue> {
        let width = (WIDTH - 2.0 * MARGIN - 32.0) / 2.0;
        let top = self.y;
        let mut lowest = top;
        let scan = t("report.scan");
        let shown = [
            Some((&pictures.scan, scan.as_str())),
            pictures.with_heat.as_ref().zip(sheet.heat_title.as_deref()),
        ];
        for (index, (picture, title)) in shown.into_iter().flatten().enumerate() {
            let sides = [picture.width(), picture.height()].map(f64::from);
            let scale = (width / sides[0]).min(600.0 / sides[1]);
            let size = sides.map(|side| side * scale);
            let from = if index == 0 { 0.0 } else { width + 32.0 };
            if self.draws {
                let x = self.x(from);
                let x = if self.right_to_left { x - size[0] } else { x };
                self.context
                    .draw_image_with_html_canvas_element_and_dw_and_dh(
                        picture, x, top, size[0], size[1],
                    )?;
            }
            self.y = top + size[1] + 8.0;
            self.words(title, SMALL, from, width)?;
            lowest = lowest.max(self.y);
        }
        self.y = lowest + 20.0;
        Ok(())
    }

    fn numbers(&mut self, sheet: &Sheet) -> Result<(), JsValue> {
        let whole = WIDTH - 2.0 * MARGIN;
        if sheet.rows.is_empty() {
            return self.words(&t("report.no_numbers"), BODY, 0.0, whole);
        }
        for (class, probability) in &sheet.rows {
            let top = self.y;
            self.words(class, BODY, 0.0, 400.0)?;
            let below = self.y;
            self.y = top;
            self.words(&words::percent(*probability), STRONG, 420.0, 200.0)?;
            let length = (whole - 640.0) * f64::from(*probability).clamp(0.0, 1.0);
            if self.draws {
                let x = self.x(640.0);
                let x = if self.right_to_left { x - length } else { x };
                self.context.set_fill_style_str(BAR);
                self.context.fill_rect(x, top + 10.0, length.max(2.0), 14.0);
            }
            self.y = self.y.max(below) + 4.0;
        }
        Ok(())
    }

    /// The place so far from where lines begin.
    fn x(&self, from: f64) -> f64 {
        if self.right_to_left {
            WIDTH - MARGIN - from
        } else {
            MARGIN + from
        }
    }

    fn rule(&mut self) {
        if self.draws {
            self.context.set_fill_style_str(RULE);
            self.context
                .fill_rect(MARGIN, self.y, WIDTH - 2.0 * MARGIN, 2.0);
        }
        self.y += 18.0;
    }

    /// Sets `text` in lines of at most `width`, `from` where lines begin.
    fn words(&mut self, text: &str, style: Style, from: f64, width: f64) -> Result<(), JsValue> {
        let context = self.context;
        context.set_font(&format!("{} {}px {FONTS}", style.weight, style.size));
        context.set_text_baseline("top");
        context.set_text_align("start");
        let direction = if self.right_to_left { "rtl" } else { "ltr" };
        Reflect::set(context, &"direction".into(), &direction.into())?;
        context.set_fill_style_str(style.colour);
        let measure = |text: &str| context.measure_text(text).map(|found| found.width());
        for line in lines(text, width, measure)? {
            if self.draws {
                context.fill_text(&line, self.x(from), self.y)?;
            }
            self.y += style.size * 1.36;
        }
        Ok(())
    }
}

/// `text` in lines of at most `width`. Words that are longer are broken.
fn lines<E>(
    text: &str,
    width: f64,
    measure: impl Fn(&str) -> Result<f64, E>,
) -> Result<Vec<String>, E> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() {
            word.to_string()
        } else {
            format!("{line} {word}")
        };
        if measure(&longer)? <= width {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for character in word.chars() {
            line.push(character);
            if measure(&line)? > width && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(character);
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::lines;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// Lines of at most ten characters.
    fn ten(text: &str) -> Vec<String> {
        let count = |text: &str| Ok::<_, ()>(text.chars().count() as f64);
        lines(text, 10.0, count).unwrap()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn words_go_into_lines() {
        assert_eq!(ten(""), [""; 0]);
        assert_eq!(ten("one two three four"), ["one two", "three four"]);
        assert_eq!(
            ten("a  0123456789abcdef z"),
            ["a", "0123456789", "abcdef z"]
        );
        assert_eq!(ten("ääääääääääää"), ["ääääääääää", "ää"]);
    }
}
