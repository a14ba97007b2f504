//! Bundles with and without what trust needs.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::PathBuf;

use burn_flex::Flex;
use scanlight_model::bundle::weights::Precision;
use scanlight_model::bundle::{
    Bundle, BundleError, MANIFEST_FILE, Manifest, OodMethod, OodSpec, Trust, TtaSpec,
    UncertaintyMethod, UncertaintySpec, extra,
};
use scanlight_model::classify::Classification;
use scanlight_model::decode::decode;
use scanlight_model::trust::ood::{Array, Arrays, Detector, Gaussian};
use scanlight_model::trust::tta::default_views;
use scanlight_model::trust::{Unlike, Verdict};

fn uncertainty(method: UncertaintyMethod, abstain_above: f32) -> UncertaintySpec {
    UncertaintySpec {
        method,
        abstain_above,
        coverage: 0.9,
        selective_accuracy: 0.99,
        aurc: 0.01,
        fitted_on: "nothing".into(),
    }
}

fn fresh() -> Bundle {
    let [architecture, ..] = common::architectures();
    common::fresh_bundle::<Flex>(architecture, &Default::default())
}

/// A bundle whose detector's only class lies at these features.
fn guarded(bundle: &Bundle, centre: &[f32], threshold: f32, abstain_above: f32) -> Bundle {
    let classes = bundle.manifest.classes.len();
    let detector = Detector::Mahalanobis {
        scale: vec![1.0; centre.len()],
        classes: Gaussian {
            means: vec![centre.to_vec(); classes],
            axes: Vec::new(),
            variances: vec![1.0],
        },
    };
    let mut manifest = bundle.manifest.clone();
    manifest.trust = Some(Trust {
        uncertainty: Some(uncertainty(UncertaintyMethod::Entropy, abstain_above)),
        tta: Some(TtaSpec {
            views: default_views(),
            uncertainty: uncertainty(UncertaintyMethod::TtaVariance, -1.0),
            recommended: true,
        }),
        ood: Some(OodSpec {
            method: OodMethod::Mahalanobis,
            threshold,
            colour_limit: Some(0.06),
            acceptance: 0.95,
            auroc: Default::default(),
            rejected: Default::default(),
            fitted_on: "nothing".into(),
        }),
    });
    bundle
        .with_extra(manifest, &detector.arrays(), Precision::Full)
        .unwrap()
}

fn classify(bundle: &Bundle) -> Classification {
    let classifier = bundle.classifier::<Flex>(&Default::default()).unwrap();
    pollster::block_on(classifier.classify(&common::picture())).unwrap()
}

#[test]
fn the_verdict_follows_the_manifest_and_nothing_else_changes() {
    let bundle = fresh();
    let plain = classify(&bundle);
    assert_eq!((plain.uncertainty, plain.ood), (None, None));
    let class = plain.predicted();
    assert_eq!(plain.verdict, Verdict::Class { class });
    assert_eq!(
        plain.features.len(),
        192,
        "means and deviations of 96 channels"
    );

    let sure = classify(&guarded(&bundle, &plain.features, 0.5, 1.0));
    assert_eq!((&sure.logits, &sure.maps), (&plain.logits, &plain.maps));
    assert!(sure.ood.unwrap() < 1e-3, "the picture itself is the centre");
    assert_eq!(sure.verdict, Verdict::Class { class });

    let unsure = classify(&guarded(&bundle, &plain.features, 0.5, 0.0));
    assert!(
        matches!(unsure.verdict, Verdict::Unsure { first, second } if first == class && second != class)
    );

    let far: Vec<f32> = plain.features.iter().map(|v| v + 3.0).collect();
    let strange = classify(&guarded(&bundle, &far, 0.5, 1.0));
    assert!(
        (strange.ood.unwrap() - 3.0).abs() < 1e-3,
        "{:?}",
        strange.ood
    );
    let Verdict::NotLikeTraining { unlike, .. } = strange.verdict else {
        panic!("{:?}", strange.verdict)
    };
    assert_eq!(unlike, Unlike::Features);
}

#[test]
fn views_join_their_answers() {
    let bundle = fresh();
    let plain = classify(&bundle);
    let guarded = guarded(&bundle, &plain.features, 0.5, 1.0);
    let classifier = guarded.classifier::<Flex>(&Default::default()).unwrap();
    let scan = common::picture();
    let joined = pollster::block_on(classifier.classify_views(&scan)).unwrap();
    for (a, b) in joined.logits.iter().zip(&plain.logits) {
        assert!((a - b).abs() < 1e-4, "the first view is the scan itself");
    }
    assert!((joined.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    assert!((0.0..=0.25).contains(&joined.uncertainty.unwrap()));
    // The views' threshold, which everything exceeds, is the one that counts.
    assert!(matches!(joined.verdict, Verdict::Unsure { .. }));
    // Without views in the manifest it is a plain classification.
    let simple = bundle.classifier::<Flex>(&Default::default()).unwrap();
    let same = pollster::block_on(simple.classify_views(&scan)).unwrap();
    assert_eq!(same.probabilities, plain.probabilities);
}

#[test]
fn colour_survives_decoding() {
    let coloured = image::RgbImage::from_fn(40, 40, |x, _| image::Rgb([6 * x as u8, 90, 20]));
    let grey = image::RgbImage::from_fn(40, 40, |x, _| image::Rgb([6 * x as u8; 3]));
    let read = |picture: image::DynamicImage| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, image::ImageFormat::Png)
            .unwrap();
        decode(bytes.get_ref()).unwrap().colourfulness()
    };
    assert!(read(coloured.clone().into()).unwrap() > 0.2);
    assert_eq!(read(grey.clone().into()), Some(0.0));
    assert_eq!(
        read(image::DynamicImage::ImageLuma8(image::GrayImage::new(9, 9))),
        None
    );
    let deep = image::DynamicImage::from(coloured).to_rgba16();
    assert!(read(deep.into()).unwrap() > 0.2);
}

#[test]
fn faulty_trust_is_refused() {
    let bundle = guarded(&fresh(), &[0.0; 192], 0.5, 1.0);
    assert!(bundle.classifier::<Flex>(&Default::default()).is_ok());
    let error = |arrays: &Arrays| {
        let broken = bundle
            .with_extra(bundle.manifest.clone(), arrays, Precision::Full)
            .unwrap();
        broken
            .classifier::<Flex>(&Default::default())
            .expect_err("it must be refused")
    };
    assert!(matches!(
        error(&Arrays::new()),
        BundleError::MissingTensor { name } if name.starts_with("trust.")
    ));
    let mut wrong = extra::read(bundle.weights()).unwrap();
    let array = Array {
        shape: vec![3],
        values: vec![1.0; 3],
    };
    wrong.insert("trust.scale".into(), array.clone());
    assert!(matches!(error(&wrong), BundleError::Shape { .. }));
    let infinite = Array {
        values: vec![1.0, f32::NAN, 1.0],
        ..array
    };
    wrong.insert("trust.scale".into(), infinite);
    assert!(matches!(error(&wrong), BundleError::NotFinite { .. }));

    let parse = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = serde_json::to_value(&bundle.manifest).unwrap();
        change(&mut value);
        Manifest::parse(value.to_string().as_bytes())
    };
    assert_eq!(parse(&|_| ()).unwrap(), bundle.manifest);
    let views = parse(&|m| m["trust"]["tta"]["views"] = serde_json::json!([]));
    assert!(matches!(views, Err(BundleError::Value { .. })));
    let spin = parse(&|m| m["trust"]["tta"]["views"][1]["rotation"] = 180.0.into());
    assert!(matches!(spin, Err(BundleError::Value { .. })));
    let method = parse(&|m| m["trust"]["uncertainty"]["method"] = "tta_variance".into());
    assert!(matches!(method, Err(BundleError::Value { .. })));
    let unknown = parse(&|m| m["trust"]["ood"]["method"] = "horoscope".into());
    assert!(matches!(unknown, Err(BundleError::Manifest { .. })));
}

#[test]
fn version_1_still_loads() {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/compact_resnet");
    let manifest = Manifest::parse(&std::fs::read(golden.join(MANIFEST_FILE)).unwrap()).unwrap();
    assert_eq!((manifest.format_version, &manifest.trust), (1, &None));
    let weights = std::fs::read(golden.join(&manifest.weights.file)).unwrap();
    let bundle = Bundle::new(manifest, weights).unwrap();
    let result = classify(&bundle);
    assert!(matches!(result.verdict, Verdict::Class { .. }));
    // Writing trust into it makes it version 2, with the same network.
    let newer = guarded(&bundle, &vec![0.0; result.features.len()], 1e9, 1.0);
    assert_eq!(newer.manifest.format_version, 2);
    assert_eq!(classify(&newer).logits, result.logits);
}
