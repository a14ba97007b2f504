//! What the page and the one around it say to each other. `web/package/README.md` has it in words.

use crate::links::sample_id;
use crate::options::method_of;
use crate::state::{Name, Outcome};
use js_sys::Reflect;
use scanlight_engine::protocol::{Method, Verdict};
use serde::Serialize;
use wasm_bindgen::JsValue;

/// Raised when a host that was written for the earlier one would misunderstand.
pub const VERSION: u32 = 1;

/// A message to the host.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    source: &'static str,
    version: u32,
    #[serde(flatten)]
    body: Body,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", tag = "type")]
enum Body {
    Ready {
        model: Option<String>,
        samples: Vec<String>,
    },
    Progress {
        phase: String,
    },
    Result {
        model: Option<String>,
        sample: Option<String>,
        verdict: &'static str,
        answer: Vec<String>,
        predicted: Option<String>,
        probabilities: Vec<Probability>,
        uncertainty: Option<f32>,
    },
    Error {
        code: String,
    },
    Resize {
        height: f64,
    },
}

#[derive(Debug, Serialize)]
struct Probability {
    class: String,
    probability: f32,
}

impl Said {
    fn new(body: Body) -> Self {
        Self {
            source: "scanlight",
            version: VERSION,
            body,
        }
    }

    /// The page takes files.
    pub fn ready(model: Option<String>, samples: Vec<String>) -> Self {
        Self::new(Body::Ready { model, samples })
    }

    /// The page does something else now.
    pub fn progress(phase: &str) -> Self {
        let phase = phase.into();
        Self::new(Body::Progress { phase })
    }

    /// What went wrong, as a key of the catalogue.
    pub fn error(code: &str) -> Self {
        let code = code.into();
        Self::new(Body::Error { code })
    }

    /// The page's height in pixels.
    pub fn resize(height: f64) -> Self {
        Self::new(Body::Resize { height })
    }

    /// An answer. Of a file only the numbers: neither its name nor its pixels.
    pub fn result(outcome: &Outcome, model: Option<String>) -> Self {
        let report = &outcome.report;
        let class = |index: usize| outcome.classes.get(index).cloned();
        let (verdict, indices) = match report.verdict {
            Verdict::Class { class } => ("class", vec![class]),
            Verdict::Unsure { first, second } => ("unsure", vec![first, second]),
            Verdict::Strange { .. } => ("strange", vec![]),
        };
        let probabilities = outcome.classes.iter().cloned().zip(&report.probabilities);
        Self::new(Body::Result {
            model,
            sample: match &outcome.name {
                Name::Sample(entry) => Some(sample_id(entry).into()),
                Name::File(_) | Name::Slice { .. } => None,
            },
            verdict,
            answer: indices.into_iter().filter_map(class).collect(),
            predicted: class(report.predicted),
            probabilities: probabilities
                .map(|(class, &probability)| Probability { class, probability })
                .collect(),
            uncertainty: report.uncertainty,
        })
    }
}

/// What a host can ask for.
#[derive(Debug)]
pub enum Ask {
    /// To classify a file: an `ArrayBuffer` or a `Blob`.
    Open { name: String, bytes: JsValue },
    /// To open a sample.
    Sample(String),
    /// To load another model, which forgets the scan.
    Model(String),
    /// To explain by this method.
    Method(Method),
    /// To show this class's map.
    Class(String),
}

/// Reads a message of the host's: nothing if it is not meant for this page, else what is asked, or what is wrong.
pub fn read(data: &JsValue) -> Result<Option<Ask>, &'static str> {
    let get = |name: &str| Reflect::get(data, &name.into()).unwrap_or_default();
    if get("target").as_string().as_deref() != Some("scanlight") {
        return Ok(None);
    }
    if get("version").as_f64() != Some(f64::from(VERSION)) {
        return Err("protocol.version");
    }
    let text = |name: &str| get(name).as_string().ok_or("protocol.message");
    Ok(Some(match text("type")?.as_str() {
        "open" => Ask::Open {
            name: text("name").unwrap_or_else(|_| "scan".into()),
            bytes: get("bytes"),
        },
        "sample" => Ask::Sample(text("sample")?),
        "setModel" => Ask::Model(text("model")?),
        "setMethod" => Ask::Method(method_of(&text("method")?).ok_or("protocol.method")?),
        "setClass" => Ask::Class(text("class")?),
        _ => return Err("protocol.message"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use js_sys::JSON;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn said(text: &str) -> Result<Option<Ask>, &'static str> {
        read(&JSON::parse(text).unwrap())
    }

    #[wasm_bindgen_test]
    fn what_is_meant_for_others_is_left_alone() {
        assert!(matches!(said(r#"{"type":"sample"}"#), Ok(None)));
        assert!(matches!(said("7"), Ok(None)));
        assert!(matches!(read(&JsValue::UNDEFINED), Ok(None)));
    }

    #[wasm_bindgen_test]
    fn requests_are_read() {
        let head = r#""target":"scanlight","version":1"#;
        let sample = said(&format!(r#"{{{head},"type":"sample","sample":"a"}}"#));
        assert!(matches!(sample, Ok(Some(Ask::Sample(id))) if id == "a"));
        let method = said(&format!(
            r#"{{{head},"type":"setMethod","method":"layer-cam"}}"#
        ));
        assert!(matches!(method, Ok(Some(Ask::Method(Method::LayerCam)))));
        let unknown = said(&format!(r#"{{{head},"type":"setMethod","method":"x"}}"#));
        assert_eq!(unknown.err(), Some("protocol.method"));
        let other = r#"{"target":"scanlight","version":2,"type":"sample","sample":"a"}"#;
        assert_eq!(said(other).err(), Some("protocol.version"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn messages_say_who_speaks() {
        let text = serde_json::to_string(&Said::resize(12.0)).unwrap();
        assert_eq!(
            text,
            r#"{"source":"scanlight","version":1,"type":"resize","height":12.0}"#
        );
    }
}
