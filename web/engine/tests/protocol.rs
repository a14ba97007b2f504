//! Messages survive the way through `postMessage`'s values, in a real browser.
#![cfg(target_arch = "wasm32")]
// clippy.toml allows this in tests, but clippy does not know these functions as such.
#![allow(clippy::unwrap_used)]

use js_sys::Uint8Array;
use scanlight_engine::protocol::{
    Complaint, EngineKind, Evidence, Fault, LayerInfo, Method, PROTOCOL, Reply, Report, Request,
    Stage, Unlike, Verdict,
};
use scanlight_engine::wire::{WireError, describe, pack, unpack};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn report(verdict: Verdict) -> Report {
    let evidence = Evidence {
        peak: [0.25, 0.75],
        place: [0.0, 1.0],
        extent: 0.125,
        relative: 1.0,
    };
    Report {
        image: [512, 400],
        picture: [512, 400],
        heat: [384, 300],
        predicted: 2,
        probabilities: vec![0.1, 0.2, 0.6, 0.1],
        verdict,
        uncertainty: Some(0.5),
        strangeness: None,
        evidence: vec![Some(evidence), None, Some(evidence), None],
        cut_out: true,
        decode_ms: 1.5,
        classify_ms: 42.25,
        requests: 2,
    }
}

#[wasm_bindgen_test]
fn every_request_round_trips() {
    for request in [
        Request::Load { fault: None },
        Request::Load {
            fault: Some(Fault::Classify),
        },
        Request::Classify { id: 7 },
        Request::Compute { id: 11, maps: true },
        Request::Explain {
            id: 8,
            scan: 7,
            method: Method::GradCamPlusPlus,
        },
        Request::Stop { id: 8 },
        Request::Layer {
            id: 9,
            scan: 7,
            layer: None,
            most: 48,
        },
        Request::Edit {
            id: 10,
            size: [3, 2],
            hold: true,
        },
        Request::Panic,
    ] {
        let packed = pack(&request, &[]).unwrap();
        let (read, buffers) = unpack::<Request>(&packed.message).unwrap();
        assert_eq!(read, request);
        assert!(buffers.is_empty());
    }
}

#[wasm_bindgen_test]
fn every_reply_round_trips() {
    let message = String::from("one line");
    for reply in [
        Reply::Hello {
            protocol: PROTOCOL,
            engine: EngineKind::Webgpu,
        },
        Reply::Progress {
            stage: Stage::WarmUp,
        },
        Reply::Ready {
            detail: "direct, SIMD".into(),
            load_ms: 12.0,
            warm_up_ms: 34.5,
            requests: 2,
        },
        Reply::LoadFailed {
            message: message.clone(),
        },
        Reply::Classified {
            id: 3,
            report: report(Verdict::Class { class: 2 }),
        },
        Reply::Classified {
            id: 4,
            report: report(Verdict::Unsure {
                first: 2,
                second: 1,
            }),
        },
        Reply::Classified {
            id: 5,
            report: report(Verdict::Strange {
                unlike: Unlike::Colour,
                score: 0.25,
                threshold: 0.0625,
            }),
        },
        Reply::Computed {
            id: 8,
            probabilities: vec![0.25, 0.75],
            compute_ms: 7.5,
        },
        Reply::Rejected {
            id: 3,
            complaint: Complaint {
                code: "damaged".into(),
                values: vec![("format".into(), "PNG".into())],
                message: message.clone(),
            },
        },
        Reply::Lost {
            message: message.clone(),
        },
        Reply::Failed {
            id: 3,
            message: message.clone(),
        },
        Reply::Explained {
            id: 8,
            method: Method::Occlusion,
            heat: [256, 200],
            evidence: vec![None, report(Verdict::Class { class: 2 }).evidence[0]],
            strengths: vec![0.0, 0.375],
            ms: 812.5,
        },
        Reply::Trying {
            id: 8,
            tried: 16,
            count: 256,
        },
        Reply::Stopped { id: 8 },
        Reply::Layer {
            id: 9,
            layers: vec![LayerInfo {
                name: "blocks.0".into(),
                channels: 32,
                width: 32,
                height: 32,
            }],
            layer: 0,
            channels: vec![(4, 0.5), (31, 0.0)],
            seen: [0.0, 0.125, 1.0, 0.75],
        },
        Reply::NotHeld { id: 9 },
        Reply::Edited {
            id: 10,
            report: report(Verdict::Class { class: 2 }),
        },
        Reply::Panicked { message },
    ] {
        let packed = pack(&reply, &[]).unwrap();
        let (read, _) = unpack::<Reply>(&packed.message).unwrap();
        assert_eq!(read, reply);
    }
}

#[wasm_bindgen_test]
fn buffers_keep_their_bytes_and_are_transferred() {
    let first = Uint8Array::from([1_u8, 2, 3].as_slice());
    let second = Uint8Array::from([255_u8; 1000].as_slice());
    let packed = pack(&Request::Classify { id: 1 }, &[first, second]).unwrap();
    assert_eq!(packed.transfer.length(), 2);
    let (_, buffers) = unpack::<Request>(&packed.message).unwrap();
    assert_eq!(buffers[0].to_vec(), [1, 2, 3]);
    assert_eq!(buffers[1].to_vec(), [255; 1000]);
}

#[wasm_bindgen_test]
fn foreign_messages_are_refused() {
    assert!(matches!(
        unpack::<Reply>(&JsValue::from_str("hello")),
        Err(WireError::Shape)
    ));
    let packed = pack(&"no reply", &[]).unwrap();
    assert!(matches!(
        unpack::<Reply>(&packed.message),
        Err(WireError::Json(_))
    ));
}

#[wasm_bindgen_test]
fn javascript_errors_become_one_line() {
    let error = js_sys::Error::new("first\nsecond");
    assert_eq!(describe(&error.into()), "first second");
    assert_eq!(describe(&JsValue::from_str("plain")), "plain");
    assert_eq!(describe(&JsValue::from_f64(4.0)), "4");
}
