//! Personalising: the last layer learns, the rest stays, and the bundle says what it is.
// clippy.toml allows this in tests, but their helper functions do not count as such.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use burn_autodiff::Autodiff;
use burn_flex::Flex;
use scanlight_model::Scan;
use scanlight_model::arch::{Architecture, CompactResnetConfig, ReferenceCnnConfig, StageConfig};
use scanlight_model::bundle::{
    Bundle, Calibration, Manifest, OodMethod, OodSpec, Trust, UncertaintyMethod, UncertaintySpec,
    weights::Precision,
};
use scanlight_model::preprocess::InputGeometry;
use scanlight_model::trust::ood::{Detector, Gaussian};
use scanlight_model::trust::tta::View;
use scanlight_model::tune::{
    Example, Making, Outcome, Parent, Recipe, Strangeness, Training, TuneError, child,
};

type B = Autodiff<Flex>;

/// Two kinds of pictures that even a network with random weights tells apart: a head with a bright spot, and stripes.
fn scan(head: bool, number: u32) -> Scan {
    let (width, height) = (60 + number % 5, 64u32);
    let luma = (0..width * height).map(|at| {
        let (x, y) = (at % width, at / width);
        let (u, v) = (
            x as f32 / width as f32 - 0.5,
            y as f32 / height as f32 - 0.5,
        );
        let texture = ((at * (number + 3)) % 17) as f32;
        if !head {
            let wide = 3 + number % 3;
            return if (x / wide).is_multiple_of(2) {
                20.0 + texture
            } else {
                220.0 - texture
            };
        }
        let spot = [0.2 - 0.04 * (number % 3) as f32, -0.1];
        if (u - spot[0]).hypot(v - spot[1]) < 0.12 {
            230.0
        } else if (u / 0.42).powi(2) + (v / 0.46).powi(2) < 1.0 {
            90.0 + texture
        } else {
            2.0
        }
    });
    Scan::new(width, height, luma.collect(), (0.0, 255.0)).unwrap()
}

fn small() -> Architecture {
    Architecture::CompactResnet(CompactResnetConfig {
        stem: 8,
        stages: vec![
            StageConfig {
                channels: 16,
                blocks: 1,
            },
            StageConfig {
                channels: 24,
                blocks: 1,
            },
        ],
        ..CompactResnetConfig::default()
    })
}

/// A bundle with random weights, in which everything is claimed that a child must not claim.
fn bundle(architecture: Architecture, precision: Precision) -> Bundle {
    let device = Default::default();
    <Flex as burn::tensor::backend::Backend>::seed(&device, 11);
    let mut manifest = common::manifest(architecture);
    manifest.id = "parent".into();
    manifest.input = InputGeometry::square(48);
    manifest.calibration = Some(Calibration {
        temperature: 1.4,
        fitted_on: "the parent's images".into(),
        ece_before: Some(0.1),
        ece_after: Some(0.01),
    });
    manifest.metrics = vec![scanlight_model::bundle::Metrics {
        data: "the parent's images".into(),
        images: 1000,
        accuracy: 0.987,
        loss: 0.1,
        auc_macro: Some(0.999),
        f1_macro: Some(0.98),
        nearest_neighbour_accuracy: None,
        remark: "the parent's remark".into(),
    }];
    let network = manifest
        .architecture
        .init::<Flex>(manifest.classes.len(), &device);
    let channels = network.head_module().channels();
    let detector = Detector::Mahalanobis {
        scale: vec![1.0; 2 * channels],
        classes: Gaussian {
            means: vec![vec![0.0; 2 * channels]; 4],
            axes: Vec::new(),
            variances: vec![1e-3],
        },
    };
    let packed = Bundle::pack(manifest.clone(), &network, precision).unwrap();
    manifest.trust = Some(Trust {
        uncertainty: Some(UncertaintySpec {
            method: UncertaintyMethod::Entropy,
            abstain_above: 0.5,
            coverage: 0.9,
            selective_accuracy: 0.99,
            aurc: 0.01,
            fitted_on: "the parent's images".into(),
        }),
        tta: None,
        ood: Some(OodSpec {
            method: OodMethod::Mahalanobis,
            threshold: 1e-4,
            colour_limit: Some(0.06),
            acceptance: 0.95,
            auroc: [("noise".to_string(), 0.99)].into(),
            rejected: [("noise".to_string(), 0.98)].into(),
            fitted_on: "the parent's images".into(),
        }),
    });
    packed
        .with_extra(manifest, &detector.arrays(), Precision::Full)
        .unwrap()
}

/// Scans of two kinds, called by two of the classes.
struct Own {
    parent: Parent,
    examples: Vec<Example>,
    labels: Vec<usize>,
}

impl Own {
    fn new(bundle: Bundle, each: u32, classes: [usize; 2]) -> Self {
        Self::seen(bundle, each, classes, &Recipe::default().views)
    }

    fn seen(bundle: Bundle, each: u32, classes: [usize; 2], views: &[View]) -> Self {
        let parent = Parent::new(bundle).unwrap();
        let (mut examples, mut labels) = (Vec::new(), Vec::new());
        for number in 0..each {
            for (head, class) in [(true, classes[0]), (false, classes[1])] {
                examples.push(parent.look(&scan(head, number), views).unwrap());
                labels.push(class);
            }
        }
        Self {
            parent,
            examples,
            labels,
        }
    }

    fn refs(&self) -> Vec<&Example> {
        self.examples.iter().collect()
    }

    fn train(&self, recipe: Recipe) -> Outcome {
        let device = Default::default();
        let mut training =
            Training::<B>::new(&self.parent, &self.refs(), &self.labels, recipe, &device).unwrap();
        while !training.done() {
            training.advance().unwrap();
        }
        training.finish().unwrap()
    }
}

fn making() -> Making {
    Making {
        created: "2026-02-03T04:05:06Z".into(),
        backend: "a test".into(),
        skipped: 2,
    }
}

#[test]
fn the_loss_falls_and_scans_that_were_held_out_are_told_apart() {
    let own = Own::new(bundle(small(), Precision::Full), 5, [3, 1]);
    let outcome = own.train(Recipe::default());
    let (first, last) = (outcome.curve[0], *outcome.curve.last().unwrap());
    assert!(last.loss < 0.5 * first.loss, "{first:?} {last:?}");
    assert!(last.held_out < first.held_out, "{first:?} {last:?}");
    assert_eq!(outcome.steps + 1, outcome.curve.len());
    let held_out = outcome.held_out;
    assert!(held_out.alone);
    assert_eq!(held_out.rounds, 10);
    assert_eq!(held_out.after.images, 10);
    assert!(held_out.after.right >= 9, "{held_out:?}");
    assert!(held_out.before.right <= 5, "{held_out:?}");
    assert_eq!(
        held_out.before.right + held_out.mended,
        held_out.after.right + held_out.spoiled
    );
    assert!(outcome.moved > 0.0);
}

/// Whatever a scan is called, the head that is asked about it has not heard of that.
#[test]
fn what_is_held_out_has_no_part_in_its_head() {
    let mut own = Own::new(bundle(small(), Precision::Full), 3, [0, 2]);
    // Too few steps for training to end by itself, which is told from all heads.
    let recipe = Recipe {
        steps: 12,
        ..Recipe::default()
    };
    let [told, mistold] = [2, 0].map(|class| {
        *own.labels.last_mut().unwrap() = class;
        own.train(recipe.clone())
    });
    let last = own.labels.len() - 1;
    for (a, b) in told.unseen()[last].iter().zip(&mistold.unseen()[last]) {
        assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{a} {b}");
    }
    // The others have heard of it.
    assert_ne!(told.unseen()[0], mistold.unseen()[0]);
}

#[test]
fn a_rate_of_nothing_leaves_the_parent_as_it_is() {
    let own = Own::new(bundle(small(), Precision::Full), 2, [0, 1]);
    let outcome = own.train(Recipe {
        rate: 0.0,
        ..Recipe::default()
    });
    assert_eq!(outcome.moved, 0.0);
    let made = child(&own.parent, &own.refs(), &outcome, making()).unwrap();
    assert_eq!(made.bundle.weights(), own.parent.bundle().weights());
    let held_out = outcome.held_out;
    assert_eq!(held_out.before.right, held_out.after.right);
    assert!((held_out.before.loss - held_out.after.loss).abs() < 1e-6);
}

/// The same answers from the file as from the trainer, with whole and with rounded weights, with and without a hidden
/// layer; and everything before the last layer is the parent's, byte for byte.
#[test]
fn the_bundle_reads_back_and_says_what_training_said() {
    let hidden = Architecture::ReferenceCnn(ReferenceCnnConfig {
        channels: vec![8, 16],
        hidden: 32,
        ..ReferenceCnnConfig::default()
    });
    for (architecture, precision) in [
        (small(), Precision::Full),
        (small(), Precision::Rounded(6)),
        (hidden, Precision::Half),
    ] {
        let own = Own::new(bundle(architecture, precision), 3, [3, 1]);
        let outcome = own.train(Recipe::default());
        let made = child(&own.parent, &own.refs(), &outcome, making()).unwrap();
        let json = made.bundle.manifest.to_json().unwrap();
        let manifest = Manifest::parse(json.as_bytes()).unwrap();
        let again = Bundle::new(manifest, made.bundle.weights().to_vec()).unwrap();
        let classifier = again.classifier::<Flex>(&Default::default()).unwrap();
        for (index, example) in own.examples.iter().enumerate() {
            let scan = scan(index % 2 == 0, index as u32 / 2);
            let found = pollster::block_on(classifier.classify(&scan)).unwrap();
            for (a, b) in found.logits.iter().zip(outcome.logits(example)) {
                assert!((a - b).abs() < 1e-3 * (1.0 + a.abs()), "{a} {b}");
            }
            // The threshold was raised so far that its own scans are accepted.
            assert!(!matches!(
                found.verdict,
                scanlight_model::trust::Verdict::NotLikeTraining { .. }
            ));
        }
        let files = [own.parent.bundle(), &again]
            .map(|bundle| safetensors::SafeTensors::deserialize(bundle.weights()).unwrap());
        for (name, view) in files[0].tensors() {
            if !name.starts_with("head.output") {
                assert_eq!(files[1].tensor(&name).unwrap(), view, "{name}");
            }
        }
    }
}

#[test]
fn the_manifest_claims_nothing_of_the_parents() {
    let own = Own::new(bundle(small(), Precision::Full), 4, [3, 1]);
    let outcome = own.train(Recipe::default());
    let made = child(&own.parent, &own.refs(), &outcome, making()).unwrap();
    let (old, new) = (&own.parent.bundle().manifest, &made.bundle.manifest);
    assert_eq!(new.id, "parent-personal");
    let initial = new.training.initial.clone().unwrap();
    assert_eq!(
        (initial.name.as_str(), &initial.sha256),
        ("parent", &old.weights.sha256)
    );
    assert!(initial.frozen);
    let images = &new.training.data[0].images["train"];
    assert_eq!((images["pituitary"], images["meningioma"]), (4, 4));
    assert_eq!(new.training.data[0].skipped, 2);
    // Accuracy before and after, with the count.
    assert_eq!(new.metrics.len(), 1);
    let metrics = &new.metrics[0];
    assert_eq!(metrics.images, 8);
    assert_eq!(metrics.accuracy, outcome.held_out.after.accuracy());
    let before = format!(
        "Before, the parent \"parent\" on the same scans: {} of 8",
        outcome.held_out.before.right
    );
    assert!(metrics.remark.contains(&before), "{}", metrics.remark);
    let facts = new.facts.clone().unwrap();
    let limits = facts.limits.join(" ");
    assert!(
        limits.contains("no own scans of glioma, notumor"),
        "{limits}"
    );
    // Thresholds: that of doubt is gone, that of strangeness is raised, and what they were measured by is gone.
    assert!(made.never_unsure && limits.contains("never answers"));
    let trust = new.trust.clone().unwrap();
    assert_eq!(trust.uncertainty, None);
    let ood = trust.ood.unwrap();
    assert!(ood.auroc.is_empty() && ood.rejected.is_empty());
    assert!(
        matches!(made.strangeness, Strangeness::Raised { from, to } if from == 1e-4 && to == ood.threshold)
    );
    // The temperature is the parent's, and says so.
    let calibration = new.calibration.clone().unwrap();
    assert_eq!(calibration.temperature, 1.4);
    assert!(
        calibration.fitted_on.contains("of \"parent\""),
        "{}",
        calibration.fitted_on
    );
    assert_eq!(
        (calibration.ece_before, calibration.ece_after),
        (None, None)
    );
    let json = new.to_json().unwrap();
    for claim in [
        "0.987",
        "the parent's images",
        "the parent's remark",
        "0.999",
    ] {
        assert!(!json.contains(claim), "{claim} in {json}");
    }
}

#[test]
fn many_scans_are_held_out_in_rounds_and_give_a_temperature() {
    let own = Own::seen(
        bundle(small(), Precision::Full),
        20,
        [0, 1],
        &[View::default()],
    );
    let outcome = own.train(Recipe {
        steps: 40,
        ..Recipe::default()
    });
    assert_eq!(
        (outcome.held_out.rounds, outcome.held_out.alone),
        (10, false)
    );
    let made = child(&own.parent, &own.refs(), &outcome, making()).unwrap();
    assert!(made.refitted);
    let calibration = made.bundle.manifest.calibration.clone().unwrap();
    assert!(calibration.ece_after.is_some() && calibration.fitted_on.contains("40 own scans"));
    assert_eq!(made.bundle.manifest.training.split.method, "kfold");
}

#[test]
fn one_class_alone_is_refused_and_twins_are_known() {
    let own = Own::new(bundle(small(), Precision::Full), 2, [1, 1]);
    let refused = Training::<B>::new(
        &own.parent,
        &own.refs(),
        &own.labels,
        Recipe::default(),
        &Default::default(),
    );
    assert!(matches!(
        refused.err(),
        Some(TuneError::TooFew { classes: 1 })
    ));
    let views = Recipe::default().views;
    let again = own.parent.look(&scan(true, 0), &views).unwrap();
    assert!(again.is_twin(&own.examples[0]));
    assert!(!again.is_twin(&own.examples[1]));
}
