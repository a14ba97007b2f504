//! What the page's address asks for.

use crate::language::Line;
use scanlight_engine::protocol::{EngineKind, Fault, Method};
use web_sys::UrlSearchParams;

/// The address's parameters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// `?backend=webgpu|cpu`: the engine to use, whatever the machine offers.
    pub backend: Option<EngineKind>,
    /// `?model=ID`: the bundle to use instead of the index's default.
    pub model: Option<String>,
    /// `?sample=ID`: the sample to open, by its file's name without the ending.
    pub sample: Option<String>,
    /// `?src=ADDRESS`: the picture to open, on the page's own site.
    pub src: Option<String>,
    /// `?lesson=ID`: the lesson to begin with.
    pub lesson: Option<String>,
    /// `?method=NAME`: how the first answer is explained.
    pub method: Option<Method>,
    /// `?class=NAME`: the class whose map is shown of the first answer.
    pub class: Option<String>,
    /// `?embed`: the page lies in another one.
    pub embed: bool,
    /// `?controls=full|basic|none`: what an embedded page shows beside the answer.
    pub controls: Controls,
    /// `?origin=…`: the page that an embedded one speaks with.
    pub origin: Option<String>,
    /// `?debug=…`: hooks for the page's tests.
    pub debug: Option<Debug>,
    /// One line about a parameter that was not understood.
    pub complaint: Option<Line>,
}

/// What an embedded page shows beside the scan and the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Controls {
    /// Everything.
    #[default]
    Full,
    /// No comparisons and no experiments.
    Basic,
    /// Nothing that opens a file, either.
    None,
}

/// The methods' names in addresses and messages, in the order of [`Method::ALL`].
const METHODS: [&str; Method::ALL.len()] = [
    "grad-cam",
    "grad-cam-plus-plus",
    "hires-cam",
    "layer-cam",
    "eigen-cam",
    "score-cam",
    "occlusion",
];

/// A method's name in addresses and messages.
pub fn method_name(method: Method) -> &'static str {
    // The enumeration's numbers are the list's.
    METHODS[method as usize]
}

/// The method of this name.
pub fn method_of(name: &str) -> Option<Method> {
    Method::ALL
        .into_iter()
        .find(|method| method_name(*method) == name)
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
    let text = |name| get(name).filter(|value| !value.is_empty());
    options.sample = text("sample");
    options.src = text("src");
    options.lesson = text("lesson");
    options.class = text("class");
    options.origin = text("origin");
    options.embed = get("embed").is_some();
    options.controls = match get("controls").as_deref() {
        Some("basic") => Controls::Basic,
        Some("none") => Controls::None,
        _ => Controls::Full,
    };
    if let Some(name) = text("method") {
        options.method = method_of(&name);
        if options.method.is_none() {
            options.complaint = Some(Line::new("links.no_method"));
        }
    }
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
    fn what_links_carry() {
        for method in Method::ALL {
            let found = options(&[("method", method_name(method))]);
            assert_eq!((found.method, found.complaint), (Some(method), None));
        }
        assert_eq!(
            options(&[("src", "a/b.png")]).src.as_deref(),
            Some("a/b.png")
        );
        assert_eq!(options(&[("lesson", "a")]).lesson.as_deref(), Some("a"));
        let wrong = options(&[("method", "guess"), ("sample", "")]);
        assert!(wrong.method.is_none() && wrong.complaint.is_some() && wrong.sample.is_none());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn embedded() {
        let inside = options(&[("embed", ""), ("controls", "basic")]);
        assert!(inside.embed && inside.controls == Controls::Basic);
        assert!(!options(&[("controls", "none")]).embed);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn model_and_hooks() {
        let both = options(&[("model", "b"), ("debug", "fail-load")]);
        assert_eq!(both.model.as_deref(), Some("b"));
        assert_eq!(both.debug, Some(Debug::Fail(Fault::Load)));
    }
}
