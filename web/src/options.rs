//! What the page's address asks for.

use crate::language::Line;
use scanlight_engine::protocol::{EngineKind, Fault};
use web_sys::UrlSearchParams;

/// The address's parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `?backend=webgpu|cpu`: the engine to use, whatever the machine offers.
    pub backend: Option<EngineKind>,
    /// `?model=ID`: the bundle to use instead of the index's default.
    pub model: Option<String>,
    /// `?debug=…`: hooks for the page's tests.
    pub debug: Option<Debug>,
    /// One line about a parameter that was not understood.
    pub complaint: Option<Line>,
}

/// Hooks for the page's tests. None changes what a visitor sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debug {
    /// `panic`: `window.__scanlight_debug_panic()` makes the worker panic.
    Panic,
    /// `lose`: `window.__scanlight_debug_lose()` takes the GPU away from the worker.
    Lose,
    /// `fail-load`, `fail-classify`: the WebGPU engine fails there.
    Fail(Fault),
}

/// Reads the page's address.
pub fn from_address() -> Options {
    let search = web_sys::window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default();
    match UrlSearchParams::new_with_str(&search) {
        Ok(parameters) => parse(|name| parameters.get(name)),
        Err(_) => Options::default(),
    }
}

fn parse(get: impl Fn(&str) -> Option<String>) -> Options {
    let mut options = Options::default();
    match get("backend").as_deref() {
        None | Some("" | "auto") => {}
        Some("webgpu") => options.backend = Some(EngineKind::Webgpu),
        Some("cpu") => options.backend = Some(EngineKind::Cpu),
        Some(_) => {
            options.complaint = Some(Line::new("options.backend"));
        }
    }
    options.model = get("model").filter(|id| !id.is_empty());
    options.debug = match get("debug").as_deref() {
        Some("panic") => Some(Debug::Panic),
        Some("lose") => Some(Debug::Lose),
        Some("fail-load") => Some(Debug::Fail(Fault::Load)),
        Some("fail-classify") => Some(Debug::Fail(Fault::Classify)),
        _ => None,
    };
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn options(pairs: &[(&str, &str)]) -> Options {
        parse(|name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).into())
        })
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn nothing_asked() {
        assert_eq!(options(&[]), Options::default());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn backends() {
        assert_eq!(
            options(&[("backend", "cpu")]).backend,
            Some(EngineKind::Cpu)
        );
        let wrong = options(&[("backend", "cuda")]);
        assert!(wrong.backend.is_none() && wrong.complaint.is_some());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn model_and_hooks() {
        let both = options(&[("model", "b"), ("debug", "fail-load")]);
        assert_eq!(both.model.as_deref(), Some("b"));
        assert_eq!(both.debug, Some(Debug::Fail(Fault::Load)));
    }
}
