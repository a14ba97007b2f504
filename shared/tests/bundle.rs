//! Bundles: what is written loads again, and what is wrong is refused by the right error.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;

use burn_flex::Flex;
use proptest::prelude::*;
use scanlight_model::arch::Architecture;
use scanlight_model::bundle::{
    Bundle, BundleError, FORMAT_VERSION, Manifest, sha256_hex,
    weights::{Precision, save, tensor_shapes},
};
use scanlight_model::preprocess::{preprocess, to_tensor};

fn reference() -> Architecture {
    common::architectures()[1].clone()
}

fn load_error(bundle: &Bundle) -> BundleError {
    bundle
        .network::<Flex>(&Default::default())
        .expect_err("the bundle must be refused")
}

/// The weights with one tensor changed, removed (`None`) or added.
fn edited(
    bundle: &Bundle,
    edit: impl Fn(&mut BTreeMap<String, (safetensors::Dtype, Vec<usize>, Vec<u8>)>),
) -> Bundle {
    let file = safetensors::SafeTensors::deserialize(bundle.weights()).unwrap();
    let mut tensors = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            (
                name,
                (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
            )
        })
        .collect();
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, bytes))| {
        let view = safetensors::tensor::TensorView::new(*dtype, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    common::with_weights(bundle, safetensors::serialize(views, None).unwrap())
}

#[test]
fn a_bundle_gives_the_same_logits_after_a_round_trip() {
    let device = Default::default();
    for architecture in common::architectures() {
        let bundle = common::fresh_bundle::<Flex>(architecture, &device);
        let json = bundle.manifest.to_json().unwrap();
        let manifest = Manifest::parse(json.as_bytes()).unwrap();
        assert_eq!(manifest, bundle.manifest);
        let again = Bundle::new(manifest, bundle.weights().to_vec()).unwrap();

        let geometry = bundle.manifest.input;
        let input = preprocess(&common::picture(), &geometry);
        let logits = |bundle: &Bundle| -> Vec<f32> {
            let tensor = to_tensor::<Flex>(&[&input.values], &geometry, &device);
            let output = bundle.network::<Flex>(&device).unwrap().forward(tensor);
            output.into_data().into_vec().unwrap()
        };
        assert_eq!(logits(&bundle), logits(&again));
        let network = again.network::<Flex>(&device).unwrap();
        assert_eq!(save(&network, Precision::Full).unwrap(), again.weights());

        let half = Bundle::pack(bundle.manifest.clone(), &network, Precision::Half).unwrap();
        assert!(half.weights().len() < bundle.weights().len() * 6 / 10);
        for (a, b) in logits(&bundle).iter().zip(logits(&half)) {
            assert!((a - b).abs() < 0.02, "{a} {b}");
        }

        let rounded = Precision::Rounded(8);
        let rounded = Bundle::pack(bundle.manifest.clone(), &network, rounded).unwrap();
        assert!(rounded.weights().len() < half.weights().len());
        for (a, b) in logits(&bundle).iter().zip(logits(&rounded)) {
            assert!((a - b).abs() < 0.05, "{a} {b}");
        }
    }
}

#[test]
fn tensors_have_pytorch_names_and_the_counted_sizes() {
    for architecture in common::architectures() {
        let network = architecture.init::<Flex>(4, &Default::default());
        let shapes = tensor_shapes(&network);
        let values: usize = shapes.values().map(|s| s.iter().product::<usize>()).sum();
        assert_eq!(values as u64, architecture.value_count(4));
        assert!(
            shapes
                .keys()
                .all(|name| !name.contains("Cnn") && !name.contains("gamma"))
        );
        let output = &shapes["head.output.weight"];
        assert_eq!(output[0], 4, "PyTorch's dense layers are [out, in]");
    }
}

#[test]
fn rounded_weights_need_their_scales() {
    let bundle = common::fresh_bundle::<Flex>(reference(), &Default::default());
    let network = bundle.network::<Flex>(&Default::default()).unwrap();
    let bytes = save(&network, Precision::Rounded(6)).unwrap();
    let rounded = common::with_weights(&bundle, bytes);
    rounded.network::<Flex>(&Default::default()).unwrap();
    let name = "blocks.1.conv.weight";
    let scale = format!("{name}.scale");

    let missing = edited(&rounded, |tensors| drop(tensors.remove(&scale)));
    assert!(matches!(load_error(&missing), BundleError::Scales { name: found } if found == name));
    let short = edited(&rounded, |tensors| {
        let other = tensors["blocks.0.conv.weight.scale"].clone();
        tensors.insert(scale.clone(), other);
    });
    assert!(matches!(load_error(&short), BundleError::Scales { name: found } if found == name));
    // Scales of a tensor that is not rounded are no part of any network.
    let more = edited(&rounded, |tensors| {
        let other = tensors[&scale].clone();
        tensors.insert("head.output.bias.scale".into(), other);
    });
    assert!(matches!(
        load_error(&more),
        BundleError::UnexpectedTensor { .. }
    ));
}

#[test]
fn damaged_weights_are_refused() {
    let bundle = common::fresh_bundle::<Flex>(reference(), &Default::default());
    let (manifest, weights) = (bundle.manifest.clone(), bundle.weights().to_vec());

    let cut = weights[..weights.len() - 5].to_vec();
    assert!(matches!(
        Bundle::new(manifest.clone(), cut),
        Err(BundleError::Size { .. })
    ));
    let mut long = weights.clone();
    long.push(0);
    assert!(matches!(
        Bundle::new(manifest.clone(), long),
        Err(BundleError::Size { .. })
    ));
    let mut flipped = weights.clone();
    flipped[weights.len() / 2] ^= 1;
    assert!(matches!(
        Bundle::new(manifest.clone(), flipped),
        Err(BundleError::Hash { .. })
    ));
    let hash = sha256_hex(&weights);
    assert!(Bundle::with_hash(manifest.clone(), weights.clone(), hash.clone()).is_ok());
    assert!(matches!(
        Bundle::with_hash(
            manifest.clone(),
            weights.clone(),
            hash.replace(&hash[..1], "x")
        ),
        Err(BundleError::Hash { .. })
    ));
    let mut huge = manifest;
    huge.weights.size = u64::MAX;
    assert!(matches!(
        Bundle::new(huge, weights.clone()),
        Err(BundleError::TooLarge { .. })
    ));
    let garbage = common::with_weights(&bundle, vec![b'{'; 500]);
    assert!(matches!(load_error(&garbage), BundleError::Weights { .. }));
    let empty = common::with_weights(&bundle, Vec::new());
    assert!(matches!(load_error(&empty), BundleError::Weights { .. }));
}

#[test]
fn tensors_that_do_not_fit_are_named() {
    let bundle = common::fresh_bundle::<Flex>(reference(), &Default::default());
    let name = "head.output.bias";

    let error = load_error(&edited(&bundle, |t| {
        t.remove(name);
    }));
    assert!(matches!(error, BundleError::MissingTensor { name: n } if n == name));
    let error = load_error(&edited(&bundle, |t| {
        t.insert(
            "extra".into(),
            (safetensors::Dtype::F32, vec![1], vec![0; 4]),
        );
    }));
    assert!(matches!(error, BundleError::UnexpectedTensor { name } if name == "extra"));
    let error = load_error(&edited(&bundle, |t| {
        t.insert(name.into(), (safetensors::Dtype::F32, vec![3], vec![0; 12]));
    }));
    assert!(
        matches!(error, BundleError::Shape { found, expected, .. } if found == [3] && expected == [4])
    );
    let error = load_error(&edited(&bundle, |t| {
        t.insert(name.into(), (safetensors::Dtype::I32, vec![4], vec![0; 16]));
    }));
    assert!(matches!(error, BundleError::DataType { .. }));
    let error = load_error(&edited(&bundle, |t| {
        let bytes = [1.0f32, f32::NAN, 0.0, 0.0]
            .iter()
            .flat_map(|v| v.to_le_bytes());
        t.insert(
            name.into(),
            (safetensors::Dtype::F32, vec![4], bytes.collect()),
        );
    }));
    assert!(matches!(error, BundleError::NotFinite { name: n } if n == name));
}

#[test]
fn another_architecture_s_weights_are_refused() {
    let device = Default::default();
    let [compact, reference, _] =
        common::architectures().map(|a| common::fresh_bundle::<Flex>(a, &device));
    let mixed = common::with_weights(&reference, compact.weights().to_vec());
    assert!(matches!(
        load_error(&mixed),
        BundleError::UnexpectedTensor { .. }
    ));
}

fn parse_changed(change: impl Fn(&mut serde_json::Value)) -> Result<Manifest, BundleError> {
    let bundle = common::fresh_bundle::<Flex>(reference(), &Default::default());
    let mut value = serde_json::to_value(&bundle.manifest).unwrap();
    change(&mut value);
    Manifest::parse(value.to_string().as_bytes())
}

#[test]
fn manifests_are_judged_by_version_first() {
    parse_changed(|_| ()).unwrap();
    let newer = parse_changed(|m| {
        m["format_version"] = (FORMAT_VERSION + 1).into();
        m["architecture"] = "something new".into();
    });
    assert!(matches!(newer, Err(BundleError::Version { .. })));
    let older = parse_changed(|m| m["format_version"] = 0.into());
    assert!(matches!(older, Err(BundleError::Version { found: 0, .. })));
    let other = parse_changed(|m| m["format"] = "tfjs".into());
    assert!(matches!(other, Err(BundleError::NotABundle { .. })));
    assert!(matches!(
        Manifest::parse(b"[1, 2"),
        Err(BundleError::Manifest { .. })
    ));
    let large = vec![b' '; 2 * 1024 * 1024];
    assert!(matches!(
        Manifest::parse(&large),
        Err(BundleError::ManifestTooLarge { .. })
    ));
}

#[test]
fn hostile_manifests_are_refused_before_memory_is_taken() {
    let channels =
        parse_changed(|m| m["architecture"]["channels"] = serde_json::json!([99_999_999]));
    assert!(matches!(channels, Err(BundleError::Architecture(_))));
    let input = parse_changed(|m| m["input"]["width"] = 4_000_000.into());
    assert!(matches!(input, Err(BundleError::Architecture(_))));
    let twice = parse_changed(|m| m["classes"][1] = "glioma".into());
    assert!(matches!(twice, Err(BundleError::Classes { .. })));
    for name in ["../secret", "", "a/b", "http://x/y", ".."] {
        let file = parse_changed(|m| m["weights"]["file"] = name.into());
        assert!(matches!(file, Err(BundleError::FileName { .. })), "{name}");
    }
    let temperature = parse_changed(|m| {
        m["calibration"] = serde_json::json!({"temperature": 0.0, "fitted_on": "x"});
    });
    assert!(matches!(temperature, Err(BundleError::Value { .. })));
    let id = parse_changed(|m| m["id"] = "Bad Name".into());
    assert!(matches!(id, Err(BundleError::Value { .. })));

    // 4096 channels ask for 600 MB, but the file is small: refused by the count.
    let bundle = common::fresh_bundle::<Flex>(reference(), &Default::default());
    let mut wide = bundle.manifest.clone();
    if let Architecture::ReferenceCnn(config) = &mut wide.architecture {
        config.channels = vec![4096, 4096, 4096];
    }
    let wide = Bundle::new(wide, bundle.weights().to_vec()).unwrap();
    assert!(matches!(load_error(&wide), BundleError::Weights { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Manifest::parse(&bytes);
        let bundle = common::manifest(reference());
        let mut manifest = bundle;
        manifest.weights.size = bytes.len() as u64;
        manifest.weights.sha256 = sha256_hex(&bytes);
        let bundle = Bundle::new(manifest, bytes).unwrap();
        prop_assert!(bundle.network::<Flex>(&Default::default()).is_err());
    }
}
