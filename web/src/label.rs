//! The model's facts as a list of sections: everything in it stands in the manifest.

use crate::language::{decimal, known, t, tv};
use crate::model::{Calibration, DataSource, Manifest, Metrics, Split, Strangeness, Uncertainty};
use crate::words::{self, answer};
use std::collections::BTreeSet;

/// Words with their origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// The page's own, in its language.
    Ours(String),
    /// The manifest's, in English.
    Manifest(String),
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::Ours(text)
    }
}

/// A heading with what stands under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// Sentences.
    pub lines: Vec<Words>,
    /// Names with their values, in groups.
    pub groups: Vec<Group>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Points of a list.
    pub points: Vec<Words>,
}

/// Names with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// What they belong to.
    pub caption: Option<Words>,
    /// The pairs.
    pub rows: Vec<(String, Words)>,
    /// A remark below.
    pub remark: Option<Words>,
}

/// Numbers by row and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Headings of the columns after the first.
    pub columns: Vec<String>,
    /// A heading and the cells.
    pub rows: Vec<(String, Vec<String>)>,
}

/// The label of a model.
pub fn sections(manifest: &Manifest) -> Vec<Section> {
    vec![
        intended_use(manifest),
        data(manifest),
        split(manifest.training.split.as_ref()),
        accuracy(manifest),
        calibration(manifest.calibration.as_ref()),
        abstaining(manifest),
        limits(manifest),
        weights(manifest),
    ]
}

fn section(heading: String) -> Section {
    Section {
        heading,
        ..Section::default()
    }
}

fn given(text: &str) -> Option<Words> {
    let text = text.trim();
    (!text.is_empty()).then(|| Words::Manifest(text.to_string()))
}

/// A name with its value, if there is one.
type Row = Option<(String, Words)>;

fn row(name: String, value: Option<impl Into<Words>>) -> Row {
    value.map(|value| (name, value.into()))
}

fn rows<const N: usize>(rows: [Row; N]) -> Vec<(String, Words)> {
    rows.into_iter().flatten().collect()
}

fn or(lines: Vec<Words>, otherwise: String) -> Vec<Words> {
    if lines.is_empty() {
        vec![otherwise.into()]
    } else {
        lines
    }
}

fn intended_use(manifest: &Manifest) -> Section {
    let stated = manifest.facts.as_ref().map(|facts| &*facts.intended_use);
    let lines: Vec<Words> = [stated.and_then(given), given(&manifest.description)]
        .into_iter()
        .flatten()
        .collect();
    Section {
        lines: or(lines, t("label.unsaid")),
        ..section(t("label.use"))
    }
}

fn data(manifest: &Manifest) -> Section {
    let sources = &manifest.training.data;
    let stated = manifest.facts.as_ref().and_then(|f| given(&f.data));
    let summary = stated.or_else(|| {
        manifest
            .training_line()
            .map(|line| format!("{line}.").into())
    });
    let lines: Vec<Words> = [
        summary,
        synthetic_share(sources).map(Words::Ours),
        given(&manifest.training.notes),
    ]
    .into_iter()
    .flatten()
    .collect();
    Section {
        lines: or(lines, t("label.unsaid")),
        tables: sources
            .iter()
            .filter(|source| !source.images.is_empty())
            .map(|source| images(source, &manifest.classes))
            .collect(),
        ..section(t("label.data"))
    }
}

fn synthetic_share(sources: &[DataSource]) -> Option<String> {
    let count = |synthetic: bool| -> u64 {
        let chosen = sources.iter().filter(|s| s.synthetic == synthetic);
        chosen.map(|source| source.count("train")).sum()
    };
    let (real, generated) = (count(false), count(true));
    let all = real + generated;
    if all == 0 {
        return None;
    }
    if generated == 0 {
        return Some(t("label.none_generated"));
    }
    #[allow(clippy::cast_precision_loss)]
    let share = generated as f64 / all as f64;
    Some(tv(
        "label.generated",
        &[
            ("n", generated.into()),
            ("all", all.into()),
            ("share", words::share(share).into()),
        ],
    ))
}

/// A part of the split by its usual name, or as the manifest calls it.
fn part_title(part: &str) -> String {
    known(&format!("part.{part}"), &[]).unwrap_or_else(|| part.into())
}

/// The images of a data set by class and part.
fn images(source: &DataSource, classes: &[String]) -> Table {
    let usual = ["train", "validation", "test"];
    let others = source
        .images
        .keys()
        .map(String::as_str)
        .filter(|part| !usual.contains(part));
    let parts: Vec<&str> = usual
        .into_iter()
        .filter(|part| source.images.contains_key(*part))
        .chain(others)
        .collect();
    // The classifier's classes first, then what else the set holds.
    let known: BTreeSet<&String> = classes.iter().collect();
    let foreign: BTreeSet<&String> = source
        .images
        .values()
        .flat_map(|classes| classes.keys())
        .filter(|class| !known.contains(class))
        .collect();
    let cells = |class: &String| {
        let number = |part: &&str| source.images.get(*part)?.get(class).copied();
        parts
            .iter()
            .map(|part| number(part).map_or("–".into(), words::count))
            .collect()
    };
    let mut rows: Vec<(String, Vec<String>)> = classes
        .iter()
        .chain(foreign)
        .map(|class| (words::class_title(class), cells(class)))
        .collect();
    rows.push((
        t("label.all"),
        parts
            .iter()
            .map(|part| words::count(source.count(part)))
            .collect(),
    ));
    Table {
        caption: tv(
            if source.synthetic {
                "label.images_generated"
            } else {
                "label.images"
            },
            &[("data", source.name.as_str().into())],
        ),
        columns: parts.iter().map(|part| part_title(part)).collect(),
        rows,
    }
}

fn split(split: Option<&Split>) -> Section {
    let empty = section(t("label.split"));
    let Some(split) = split else {
        return Section {
            lines: vec![t("label.unsaid").into()],
            ..empty
        };
    };
    let fold = split.folds.as_ref().map(|folds| {
        tv(
            "label.fold_of",
            &[("n", folds.fold.into()), ("count", folds.count.into())],
        )
    });
    Section {
        groups: vec![Group {
            rows: rows([
                row(t("label.method"), given(&split.method)),
                row(t("label.fold"), fold),
                row(t("label.seed"), split.seed.map(|seed| seed.to_string())),
                row(t("label.test_share"), split.test_share.map(words::share)),
                row(
                    t("label.validation_share"),
                    split.validation_share.map(words::share),
                ),
            ]),
            ..Group::default()
        }],
        ..empty
    }
}

fn accuracy(manifest: &Manifest) -> Section {
    let stated = manifest.facts.as_ref().and_then(|f| given(&f.accuracy));
    let lines: Vec<Words> = stated.into_iter().collect();
    let groups: Vec<Group> = manifest.metrics.iter().map(measured).collect();
    Section {
        lines: if groups.is_empty() {
            or(lines, t("label.unmeasured"))
        } else {
            lines
        },
        groups,
        ..section(t("label.right"))
    }
}

fn measured(metrics: &Metrics) -> Group {
    let decimals = |value: f64| decimal(value, 3);
    Group {
        caption: given(&metrics.data),
        rows: rows([
            row(t("label.accuracy"), Some(words::share(metrics.accuracy))),
            row(
                t("label.neighbour"),
                metrics.nearest_neighbour_accuracy.map(words::share),
            ),
            row(t("label.auc"), metrics.auc_macro.map(decimals)),
            row(t("label.f1"), metrics.f1_macro.map(decimals)),
            row(t("label.images_count"), Some(words::count(metrics.images))),
        ]),
        remark: given(&metrics.remark),
    }
}

fn calibration(calibration: Option<&Calibration>) -> Section {
    let empty = section(t("label.calibration"));
    let Some(calibration) = calibration else {
        return Section {
            lines: vec![t("label.uncalibrated").into()],
            ..empty
        };
    };
    Section {
        groups: vec![Group {
            rows: rows([
                row(
                    t("label.temperature"),
                    Some(answer::number(calibration.temperature)),
                ),
                row(
                    t("label.ece_before"),
                    calibration.ece_before.map(words::share),
                ),
                row(
                    t("label.ece_after"),
                    calibration.ece_after.map(words::share),
                ),
                row(t("label.fitted_on"), given(&calibration.fitted_on)),
            ]),
            ..Group::default()
        }],
        ..empty
    }
}

fn abstaining(manifest: &Manifest) -> Section {
    let trust = manifest.trust.clone().unwrap_or_default();
    let mut lines = Vec::new();
    if trust.uncertainty.is_none() {
        lines.push(t("label.no_uncertainty").into());
    }
    if trust.ood.is_none() {
        lines.push(t("label.no_ood").into());
    }
    if let Some(tta) = &trust.tta {
        lines.push(tv("label.views", &[("n", tta.views.len().into())]).into());
    }
    Section {
        lines,
        groups: [
            trust.uncertainty.as_ref().map(unsure),
            trust.ood.as_ref().map(strange),
        ]
        .into_iter()
        .flatten()
        .collect(),
        ..section(t("label.abstains"))
    }
}

fn unsure(spec: &Uncertainty) -> Group {
    Group {
        caption: Some(t("label.unsure").into()),
        rows: rows([
            row(
                t("label.uncertainty_above"),
                Some(answer::number(spec.abstain_above)),
            ),
            row(t("label.coverage"), spec.coverage.map(words::share)),
            row(
                t("label.selective"),
                spec.selective_accuracy.map(words::share),
            ),
            row(t("label.fitted_on"), given(&spec.fitted_on)),
        ]),
        ..Group::default()
    }
}

fn strange(spec: &Strangeness) -> Group {
    let mut rows = rows([
        row(
            t("label.strangeness_above"),
            Some(answer::number(spec.threshold)),
        ),
        row(
            t("label.colour_above"),
            spec.colour_limit.map(answer::number),
        ),
        row(t("label.accepts"), spec.acceptance.map(words::share)),
    ]);
    rows.extend(spec.rejected.iter().map(|(kind, share)| {
        let kind = kind.replace('_', " ");
        (
            tv("label.refused", &[("kind", kind.into())]),
            words::share(*share).into(),
        )
    }));
    rows.extend(row(t("label.fitted_on"), given(&spec.fitted_on)));
    Group {
        caption: Some(t("label.strange").into()),
        rows,
        ..Group::default()
    }
}

fn limits(manifest: &Manifest) -> Section {
    let stated = manifest.facts.as_ref().map(|facts| facts.limits.clone());
    let points = stated.filter(|limits| !limits.is_empty());
    let points = points.map(|limits| limits.into_iter().map(Words::Manifest).collect());
    Section {
        points: points.unwrap_or_else(|| {
            let classes: Vec<String> = manifest
                .classes
                .iter()
                .map(|class| words::class_title(class))
                .collect();
            vec![
                tv(
                    "label.knows",
                    &[("classes", classes.join(&t("list.separator")).into())],
                )
                .into(),
                t("label.no_limits").into(),
            ]
        }),
        ..section(t("label.limits"))
    }
}

fn weights(manifest: &Manifest) -> Section {
    let weights = &manifest.weights;
    let initial = manifest.training.initial.as_ref().map(|initial| {
        Words::Manifest(match initial.kind.trim() {
            "" => initial.name.clone(),
            kind => format!("{} ({kind})", initial.name),
        })
    });
    Section {
        groups: vec![Group {
            rows: rows([
                row(t("label.licence"), given(&manifest.licence)),
                row(t("label.made"), given(&manifest.created)),
                row(
                    t("label.parameters"),
                    manifest.training.parameters.map(words::count),
                ),
                row(t("label.began"), initial),
                row(t("label.file"), given(&weights.file)),
                row(
                    t("label.size"),
                    Some(tv("label.bytes", &[("n", weights.size.into())])),
                ),
                row(t("label.sha"), given(&weights.sha256)),
            ]),
            ..Group::default()
        }],
        ..section(t("label.weights"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn manifest(more: &str) -> Manifest {
        serde_json::from_str(&format!(
            r#"{{"id":"m","title":"M","classes":["glioma","notumor"],"licence":"MIT",
                "weights":{{"file":"w.safetensors","size":1385088,"sha256":"0123456789abcdef"}}{more}}}"#
        ))
        .unwrap()
    }

    fn text(sections: &[Section], heading: &str) -> String {
        let found = sections.iter().find(|s| s.heading == heading).unwrap();
        format!("{found:?}")
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_bare_manifest_owns_up() {
        let label = sections(&manifest(""));
        assert!(text(&label, "What it is for").contains("does not say"));
        assert!(text(&label, "How often it is right").contains("Not measured"));
        assert!(text(&label, "When it names no class").contains("no measured threshold"));
        assert!(text(&label, "Known limits").contains("Glioma, No tumour and nothing else"));
        let weights = text(&label, "The weights");
        assert!(weights.contains("1,385,088 bytes") && weights.contains("0123456789abcdef"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn data_by_class_and_part_with_the_generated_share() {
        let label = sections(&manifest(
            r#","training":{"data":[
                {"name":"sartaj","images":{"test":{"glioma":4},"train":{"glioma":1500,"notumor":400}}},
                {"name":"phantoms","synthetic":true,"images":{"train":{"glioma":50,"notumor":50}}}],
                "split":{"method":"kfold","seed":42,"folds":{"count":5,"fold":2}}}"#,
        ));
        let data = label.iter().find(|s| !s.tables.is_empty()).unwrap();
        assert!(data.lines.iter().any(|line| *line
            == Words::Ours("100 of 2,000 training images are generated (5.0%).".into())));
        let table = &data.tables[0];
        assert_eq!(table.columns, ["Training", "Test"]);
        assert_eq!(
            table.rows[0],
            ("Glioma".into(), vec!["1,500".into(), "4".into()])
        );
        assert_eq!(table.rows[1].1, ["400", "–"]);
        assert_eq!(
            table.rows[2],
            (t("label.all"), vec!["1,900".into(), "4".into()])
        );
        assert!(data.tables[1].caption.ends_with("generated"));
        assert!(text(&label, "How the parts were told apart").contains("2 of 5"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn measurements_thresholds_and_the_written_label() {
        let label = sections(&manifest(
            r#","metrics":[{"data":"sartaj, test","images":584,"accuracy":0.9538,"loss":0.1,
                 "auc_macro":0.994,"nearest_neighbour_accuracy":0.894,"remark":"Duplicates."}],
               "calibration":{"temperature":1.3,"fitted_on":"validation","ece_before":0.041,"ece_after":0.012},
               "trust":{"uncertainty":{"abstain_above":0.45,"coverage":0.9,"selective_accuracy":0.99},
                        "tta":{"views":[{},{"mirror":true}],"recommended":true},"ood":{"threshold":8.1,"acceptance":0.95,"rejected":{"colour_noise":1.0}}},
               "facts":{"data":"D","accuracy":"A","intended_use":"Education.","limits":["One","Two"]}"#,
        ));
        assert!(text(&label, "What it is for").contains("Education."));
        let right = text(&label, "How often it is right");
        for part in [
            "sartaj, test",
            "95.4%",
            "89.4%",
            "0.994",
            "584",
            "Duplicates.",
        ] {
            assert!(right.contains(part), "{part}: {right}");
        }
        let calibrated = text(&label, "Whether its percentages mean what they say");
        assert!(
            calibrated.contains("4.1%") && calibrated.contains("1.2%"),
            "{calibrated}"
        );
        let no_class = text(&label, "When it names no class");
        for part in ["0.45", "90.0%", "8.10", "colour noise", "2 views"] {
            assert!(no_class.contains(part), "{part}: {no_class}");
        }
        assert_eq!(
            label
                .iter()
                .find(|s| s.heading == "Known limits")
                .unwrap()
                .points,
            ["One", "Two"].map(|point| Words::Manifest(point.into()))
        );
    }
}
