//! Numbers as the language writes them, by the browser's `Intl`.

use super::spoken;
use js_sys::{Array, Object, Reflect};
use scanlight_messages::Rules;
use wasm_bindgen::JsValue;

/// What the browser knows about a language.
pub struct Intl {
    locales: Array,
    plurals: js_sys::Intl::PluralRules,
    right_to_left: bool,
}

impl Intl {
    /// Of the language with this tag.
    pub fn new(code: &str, right_to_left: bool) -> Self {
        let locales = Array::of1(&code.into());
        Self {
            plurals: js_sys::Intl::PluralRules::new(&locales, &Object::new()),
            locales,
            right_to_left,
        }
    }

    fn number(&self, value: f64, style: &str, decimals: u8) -> String {
        let options = Object::new();
        for (name, setting) in [
            ("style", JsValue::from_str(style)),
            ("minimumFractionDigits", decimals.into()),
            ("maximumFractionDigits", decimals.into()),
        ] {
            // Setting a new object's property cannot fail.
            let _ = Reflect::set(&options, &name.into(), &setting);
        }
        js_sys::Intl::NumberFormat::new(&self.locales, &options)
            .format()
            .call1(&JsValue::UNDEFINED, &value.into())
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_else(|| format!("{value:.*}", usize::from(decimals)))
    }
}

impl Rules for Intl {
    fn plural(&self, count: u64) -> String {
        self.plurals.select(float(count)).into()
    }

    fn count(&self, count: u64) -> String {
        self.number(float(count), "decimal", 0)
    }

    fn right_to_left(&self) -> bool {
        self.right_to_left
    }
}

// Counts of bytes and images are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(count: u64) -> f64 {
    count as f64
}

/// A number with so many decimals. Follows the language.
pub fn decimal(value: f64, decimals: u8) -> String {
    spoken().intl.number(value, "decimal", decimals)
}

/// A share in 0..=1 as a percentage with so many decimals. Follows the language.
pub fn percent_with(share: f64, decimals: u8) -> String {
    spoken().intl.number(share, "percent", decimals)
}
