//! Whether this browser offers WebGPU on real hardware.

use crate::boot;
use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// What `navigator.gpu` offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The adapter's name for a person.
    pub name: String,
    /// Whether it is a program on the CPU that pretends to be a GPU: slower than the CPU engine.
    pub software: bool,
}

/// The limits that a network of ours comes near to.
const LIMITS: [&str; 7] = [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
    "maxComputeWorkgroupsPerDimension",
];

/// Asks the browser for an adapter.
pub async fn probe() -> Option<Adapter> {
    Some(read(&request().await?))
}

/// The adapter for a support text: name, kind, limits, features.
pub async fn describe() -> Vec<(String, String)> {
    let Some(adapter) = request().await else {
        return vec![("WebGPU adapter".into(), "none".into())];
    };
    let Adapter { name, software } = read(&adapter);
    let kind = if software { "software" } else { "hardware" };
    let mut lines = vec![("WebGPU adapter".to_string(), format!("{name} ({kind})"))];
    let limits = property(&adapter, "limits").unwrap_or(JsValue::UNDEFINED);
    lines.extend(LIMITS.iter().filter_map(|name| {
        let value = property(&limits, name)?.as_f64()?;
        Some(((*name).to_string(), value.to_string()))
    }));
    if let Some(features) = property(&adapter, "features") {
        let features = Array::from(&features).join(", ");
        lines.push(("WebGPU features".into(), features.into()));
    }
    lines
}

async fn request() -> Option<JsValue> {
    let adapter = JsFuture::from(boot::adapter()?).await.ok()?;
    (!adapter.is_null() && !adapter.is_undefined()).then_some(adapter)
}

// Through `Reflect`: web-sys has WebGPU behind an unstable switch only.
fn read(adapter: &JsValue) -> Adapter {
    let info = property(adapter, "info").unwrap_or(JsValue::UNDEFINED);
    let words = ["vendor", "architecture", "device", "description"]
        .map(|field| text(&info, field).unwrap_or_default());
    Adapter {
        name: name(&words),
        software: boot::is_software(adapter),
    }
}

fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    // `Reflect::get` throws on anything that is no object.
    let value = Reflect::get(object, &name.into()).ok()?;
    (!value.is_null() && !value.is_undefined()).then_some(value)
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    property(object, name)?.as_string()
}

/// Chrome gives vendor and architecture, Firefox a description, Safari next to nothing.
fn name([vendor, architecture, device, description]: &[String; 4]) -> String {
    if !description.is_empty() {
        return description.clone();
    }
    let known: Vec<&str> = [vendor, architecture, device]
        .into_iter()
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    if known.is_empty() {
        "unnamed adapter".into()
    } else {
        known.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn words(words: [&str; 4]) -> [String; 4] {
        words.map(String::from)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn names() {
        assert_eq!(name(&words(["nvidia", "ampere", "", ""])), "nvidia ampere");
        assert_eq!(name(&words(["", "", "", "Apple M2"])), "Apple M2");
        assert_eq!(name(&words(["", "", "", ""])), "unnamed adapter");
    }
}
