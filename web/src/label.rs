//! The model's facts as a list of sections: everything in it stands in the manifest.

use crate::model::{Calibration, DataSource, Manifest, Metrics, Split, Strangeness, Uncertainty};
use crate::words::{self, answer};
use std::collections::BTreeSet;

/// A heading with what stands under it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The heading.
    pub heading: &'static str,
    /// Sentences.
    pub lines: Vec<String>,
    /// Names with their values, in groups.
    pub groups: Vec<Group>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Points of a list.
    pub points: Vec<String>,
}

/// Names with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// What they belong to; may be empty.
    pub caption: String,
    /// The pairs.
    pub rows: Vec<(String, String)>,
    /// A remark below; may be empty.
    pub remark: String,
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

fn section(heading: &'static str) -> Section {
    Section {
        heading,
        ..Section::default()
    }
}

fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_string())
}

fn row(name: &str, value: Option<String>) -> Option<(String, String)> {
    value.map(|value| (name.to_string(), value))
}

fn rows<const N: usize>(rows: [Option<(String, String)>; N]) -> Vec<(String, String)> {
    rows.into_iter().flatten().collect()
}

fn or(lines: Vec<String>, otherwise: &str) -> Vec<String> {
    if lines.is_empty() {
        vec![otherwise.into()]
    } else {
        lines
    }
}

fn intended_use(manifest: &Manifest) -> Section {
    let stated = manifest.facts.as_ref().map(|facts| &*facts.intended_use);
    let lines: Vec<String> = [stated.and_then(given), given(&manifest.description)]
        .into_iter()
        .flatten()
        .collect();
    Section {
        lines: or(lines, "Its manifest does not say."),
        ..section("What it is for")
    }
}

fn data(manifest: &Manifest) -> Section {
    let sources = &manifest.training.data;
    let stated = manifest.facts.as_ref().and_then(|f| given(&f.data));
    let summary = stated.or_else(|| manifest.training_line().map(|line| format!("{line}.")));
    let lines: Vec<String> = [
        summary,
        synthetic_share(sources),
        given(&manifest.training.notes),
    ]
    .into_iter()
    .flatten()
    .collect();
    Section {
        lines: or(lines, "Its manifest does not say."),
        tables: sources
            .iter()
            .filter(|source| !source.images.is_empty())
            .map(|source| images(source, &manifest.classes))
            .collect(),
        ..section("What it learned from")
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
        return Some("None of the training images is generated.".into());
    }
    #[allow(clippy::cast_precision_loss)]
    let share = generated as f64 / all as f64;
    Some(format!(
        "{} of {} training images are generated ({}).",
        words::count(generated),
        words::count(all),
        words::share(share)
    ))
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
        "All".into(),
        parts
            .iter()
            .map(|part| words::count(source.count(part)))
            .collect(),
    ));
    Table {
        caption: if source.synthetic {
            format!("Images of {}, generated", source.name)
        } else {
            format!("Images of {}", source.name)
        },
        columns: parts.iter().map(|part| (*part).into()).collect(),
        rows,
    }
}

fn split(split: Option<&Split>) -> Section {
    let empty = section("How the parts were told apart");
    let Some(split) = split else {
        return Section {
            lines: vec!["Its manifest does not say.".into()],
            ..empty
        };
    };
    let fold = split
        .folds
        .as_ref()
        .map(|folds| format!("{} of {}", folds.fold, folds.count));
    Section {
        groups: vec![Group {
            rows: rows([
                row("Method", given(&split.method)),
                row("Fold that was tested", fold),
                row("Seed", split.seed.map(|seed| seed.to_string())),
                row("Held out for the test", split.test_share.map(words::share)),
                row(
                    "Of the rest, for validation",
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
    let lines: Vec<String> = stated.into_iter().collect();
    let groups: Vec<Group> = manifest.metrics.iter().map(measured).collect();
    Section {
        lines: if groups.is_empty() {
            or(lines, "Not measured on images that it had not seen.")
        } else {
            lines
        },
        groups,
        ..section("How often it is right")
    }
}

fn measured(metrics: &Metrics) -> Group {
    let decimals = |value: f64| format!("{value:.3}");
    Group {
        caption: metrics.data.clone(),
        rows: rows([
            row("Accuracy", Some(words::share(metrics.accuracy))),
            row(
                "A nearest neighbour on raw pixels, the floor",
                metrics.nearest_neighbour_accuracy.map(words::share),
            ),
            row("AUC, mean of the classes", metrics.auc_macro.map(decimals)),
            row("F1, mean of the classes", metrics.f1_macro.map(decimals)),
            row("Images", Some(words::count(metrics.images))),
        ]),
        remark: metrics.remark.clone(),
    }
}

fn calibration(calibration: Option<&Calibration>) -> Section {
    let empty = section("Whether its percentages mean what they say");
    let Some(calibration) = calibration else {
        return Section {
            lines: vec!["Not calibrated: its manifest names no temperature.".into()],
            ..empty
        };
    };
    Section {
        groups: vec![Group {
            rows: rows([
                row("Temperature", Some(answer::number(calibration.temperature))),
                row(
                    "Calibration error before (ECE)",
                    calibration.ece_before.map(words::share),
                ),
                row(
                    "Calibration error after (ECE)",
                    calibration.ece_after.map(words::share),
                ),
                row("Fitted on", given(&calibration.fitted_on)),
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
        lines.push("It has no measured threshold of uncertainty.".into());
    }
    if trust.ood.is_none() {
        lines.push("It cannot tell pictures that are no scans: it names a class for any.".into());
    }
    if let Some(tta) = &trust.tta {
        lines.push(format!(
            "It could also compare {} views of a scan; this page takes a single look.",
            tta.views.len()
        ));
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
        ..section("When it names no class")
    }
}

fn unsure(spec: &Uncertainty) -> Group {
    Group {
        caption: "Unsure between two classes".into(),
        rows: rows([
            row(
                "Uncertainty above",
                Some(answer::number(spec.abstain_above)),
            ),
            row("Answers left", spec.coverage.map(words::share)),
            row(
                "Right among those",
                spec.selective_accuracy.map(words::share),
            ),
            row("Fitted on", given(&spec.fitted_on)),
        ]),
        ..Group::default()
    }
}

fn strange(spec: &Strangeness) -> Group {
    let mut rows = rows([
        row("Strangeness above", Some(answer::number(spec.threshold))),
        row("Colourfulness above", spec.colour_limit.map(answer::number)),
        row("Scans that it accepts", spec.acceptance.map(words::share)),
    ]);
    rows.extend(spec.rejected.iter().map(|(kind, share)| {
        let kind = kind.replace('_', " ");
        (format!("Refused of \"{kind}\""), words::share(*share))
    }));
    rows.extend(row("Fitted on", given(&spec.fitted_on)));
    Group {
        caption: "Not like its training images".into(),
        rows,
        ..Group::default()
    }
}

fn limits(manifest: &Manifest) -> Section {
    let stated = manifest.facts.as_ref().map(|facts| facts.limits.clone());
    let points = stated.filter(|limits| !limits.is_empty());
    Section {
        points: points.unwrap_or_else(|| {
            let classes: Vec<String> = manifest
                .classes
                .iter()
                .map(|class| words::class_title(class))
                .collect();
            vec![
                format!("It knows {} and nothing else.", classes.join(", ")),
                "Its manifest states no other limits; see the remarks above.".into(),
            ]
        }),
        ..section("Known limits")
    }
}

fn weights(manifest: &Manifest) -> Section {
    let weights = &manifest.weights;
    let initial = manifest.training.initial.as_ref().map(|initial| {
        given(&initial.kind).map_or_else(
            || initial.name.clone(),
            |kind| format!("{} ({kind})", initial.name),
        )
    });
    Section {
        groups: vec![Group {
            rows: rows([
                row("Licence", given(&manifest.licence)),
                row("Made", given(&manifest.created)),
                row("Parameters", manifest.training.parameters.map(words::count)),
                row("Training began from", initial),
                row("File", Some(weights.file.clone())),
                row(
                    "Size",
                    Some(format!("{} bytes", words::count(weights.size))),
                ),
                row("SHA-256", Some(weights.sha256.clone())),
            ]),
            ..Group::default()
        }],
        ..section("The weights")
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
        assert!(
            data.lines
                .iter()
                .any(|line| line == "100 of 2,000 training images are generated (5.0 %).")
        );
        let table = &data.tables[0];
        assert_eq!(table.columns, ["train", "test"]);
        assert_eq!(
            table.rows[0],
            ("Glioma".into(), vec!["1,500".into(), "4".into()])
        );
        assert_eq!(table.rows[1].1, ["400", "–"]);
        assert_eq!(
            table.rows[2],
            ("All".into(), vec!["1,900".into(), "4".into()])
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
            "95.4 %",
            "89.4 %",
            "0.994",
            "584",
            "Duplicates.",
        ] {
            assert!(right.contains(part), "{part}: {right}");
        }
        let calibrated = text(&label, "Whether its percentages mean what they say");
        assert!(
            calibrated.contains("4.1 %") && calibrated.contains("1.2 %"),
            "{calibrated}"
        );
        let no_class = text(&label, "When it names no class");
        for part in ["0.45", "90.0 %", "8.10", "colour noise", "2 views"] {
            assert!(no_class.contains(part), "{part}: {no_class}");
        }
        assert_eq!(
            label
                .iter()
                .find(|s| s.heading == "Known limits")
                .unwrap()
                .points,
            ["One", "Two"]
        );
    }
}
