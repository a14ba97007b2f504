//! The model card (Mitchell et al. 2019, <https://arxiv.org/abs/1810.03993>) and the short label of
//! facts that the page shows.

use std::fmt::Write;

use scanlight_model::bundle::{Facts, Manifest, Metrics};

use crate::metrics::Report;
use crate::stats::wilson_interval;

const INTENDED_USE: &str = "Education and research. Not a diagnosis, not a medical device, not for deciding about anyone's health.";

/// Images of one part over all of a model's real data sets.
fn real_images(manifest: &Manifest, part: &str) -> u64 {
    let sources = manifest.training.data.iter().filter(|s| !s.synthetic);
    sources
        .filter_map(|source| source.images.get(part))
        .flat_map(|classes| classes.values())
        .sum()
}

fn data_line(manifest: &Manifest) -> String {
    let names: Vec<&str> = manifest
        .training
        .data
        .iter()
        .filter(|source| !source.synthetic)
        .map(|source| source.name.as_str())
        .collect();
    let mut line = format!(
        "{} images of {}",
        real_images(manifest, "train"),
        if names.is_empty() {
            "unnamed data".into()
        } else {
            names.join(" and ")
        }
    );
    let synthetic: u64 = manifest
        .training
        .data
        .iter()
        .filter(|source| source.synthetic)
        .filter_map(|source| source.images.get("train"))
        .flat_map(|classes| classes.values())
        .sum();
    if synthetic > 0 {
        let _ = write!(line, ", and {synthetic} synthetic phantoms");
    }
    line
}

fn accuracy_line(metrics: &Metrics) -> String {
    let right = (metrics.accuracy * metrics.images as f64).round() as u64;
    let interval = wilson_interval(right, metrics.images).map_or(String::new(), |[low, high]| {
        format!(
            " (95 % interval {:.1} to {:.1} %)",
            100.0 * low,
            100.0 * high
        )
    });
    format!(
        "{:.1} %{interval} of {} images: {}",
        100.0 * metrics.accuracy,
        metrics.images,
        metrics.data
    )
}

/// What is known to go wrong, a line each; from what was measured where it was.
fn limits(manifest: &Manifest, report: Option<&Report>) -> Vec<String> {
    let mut lines = vec![format!(
        "Knows {} and nothing else",
        manifest.classes.join(", ")
    )];
    match manifest.trust.as_ref().and_then(|trust| trust.ood.as_ref()) {
        Some(ood) => {
            let worst = ood.rejected.iter().min_by(|a, b| a.1.total_cmp(b.1));
            if let Some((kind, share)) = worst.filter(|(_, share)| **share < 0.9) {
                lines.push(format!(
                    "Of pictures that are no such slices some pass for one: it refuses {:.0} % of the kind \"{}\"",
                    100.0 * share,
                    kind.replace('_', " ")
                ));
            }
        }
        None => lines.push("Names a class for any picture, even for one of a cat".into()),
    }
    if manifest.calibration.is_none() {
        lines.push("Its probabilities are not calibrated".into());
    }
    if let Some(metrics) = manifest.metrics.first() {
        if let Some(floor) = metrics.nearest_neighbour_accuracy {
            lines.push(format!(
                "A nearest neighbour on raw pixels reaches {:.1} % of the same images: near-duplicates count there",
                100.0 * floor
            ));
        }
    } else {
        lines.push("Not measured on held-out images".into());
    }
    if let Some(report) = report {
        let weakest = report
            .per_class
            .iter()
            .filter_map(|(class, numbers)| numbers.recall.map(|recall| (class, recall)))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((class, recall)) = weakest {
            lines.push(format!(
                "Weakest on {class}: finds {:.1} % of them",
                100.0 * recall
            ));
        }
    }
    lines.push(
        "Public two-dimensional slices; other scanners, sequences and people will do worse".into(),
    );
    lines
}

/// The label.
pub fn facts(manifest: &Manifest, report: Option<&Report>) -> Facts {
    Facts {
        data: data_line(manifest),
        accuracy: manifest
            .metrics
            .first()
            .map_or_else(|| "not measured".into(), accuracy_line),
        intended_use: INTENDED_USE.into(),
        limits: limits(manifest, report),
    }
}

/// The model card as Markdown.
pub fn model_card(manifest: &Manifest, report: Option<&Report>) -> String {
    let training = &manifest.training;
    let mut text = String::new();
    let mut section = |heading: &str, body: String| {
        let _ = write!(text, "## {heading}\n\n{}\n\n", body.trim_end());
    };
    section(
        "Model details",
        format!(
            "- Architecture: {} with {} parameters, input {} x {} grey\n- Classes: {}\n- Weights: {} bytes, SHA-256 `{}`\n- Made: {}, by scanlight with the {} backend\n- Licence: {}\n{}",
            manifest.architecture.kind(),
            training.parameters,
            manifest.input.width,
            manifest.input.height,
            manifest.classes.join(", "),
            manifest.weights.size,
            manifest.weights.sha256,
            manifest.created,
            training.backend,
            manifest.licence,
            if manifest.description.is_empty() {
                String::new()
            } else {
                format!("\n{}", manifest.description)
            }
        ),
    );
    section(
        "Intended use",
        format!(
            "{INTENDED_USE}\n\nOut of scope: any clinical use; volumes; other body parts; sequences and findings that the training data lacks."
        ),
    );
    section(
        "Factors",
        "Results depend on the finding, the plane (axial, coronal, sagittal), the sequence (mostly T1 with contrast agent), the scanner, and the frame around the head. The public data names neither age nor sex nor origin of the people: differences between groups cannot be measured with it.".into(),
    );
    section(
        "Metrics",
        "Accuracy with Wilson's 95 % interval, macro AUC and F1, cross-entropy; expected calibration error over 15 bins and the Brier score; the area under the risk-coverage curve; AUROC against foreign pictures.".into(),
    );
    let parts: String = ["train", "validation", "test"]
        .iter()
        .map(|part| format!("- {part}: {} images\n", real_images(manifest, part)))
        .collect();
    let measured: String = if manifest.metrics.is_empty() {
        "Nothing was measured on held-out images.".into()
    } else {
        manifest
            .metrics
            .iter()
            .map(|metrics| format!("- {}. {}\n", metrics.data, metrics.remark))
            .collect()
    };
    section("Evaluation data", measured);
    section(
        "Training data",
        format!(
            "{}\n\nSplit: {}, seed {}.\n\n{parts}\n{}",
            data_line(manifest),
            training.split.method,
            training.split.seed,
            training.notes
        ),
    );
    section("Quantitative analyses", analyses(manifest, report));
    section(
        "Ethical considerations",
        "The images come from published collections of patients' scans and cannot be traced to people by this model. A wrong answer about a tumour can do harm: the page says with every answer that it is no diagnosis.".into(),
    );
    let caveats: String = limits(manifest, report)
        .iter()
        .map(|line| format!("- {line}\n"))
        .collect();
    section("Caveats and recommendations", caveats);
    format!("# {}\n\n{}\n", manifest.title, text.trim_end())
}

fn analyses(manifest: &Manifest, report: Option<&Report>) -> String {
    let mut text = String::new();
    for metrics in &manifest.metrics {
        let _ = writeln!(text, "- Accuracy {}", accuracy_line(metrics));
        let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.4}"));
        let _ = writeln!(
            text,
            "- Macro AUC {}, macro F1 {}, loss {:.4}",
            number(metrics.auc_macro),
            number(metrics.f1_macro),
            metrics.loss
        );
    }
    let Some(report) = report else {
        return text;
    };
    let _ = writeln!(
        text,
        "\n| class | images | precision | recall | F1 | AUC |\n|---|---|---|---|---|---|"
    );
    let number = |value: Option<f64>| value.map_or("-".into(), |v| format!("{v:.3}"));
    for (class, row) in &report.per_class {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            class.replace('|', "\\|"),
            row.images,
            number(row.precision),
            number(row.recall),
            number(row.f1),
            number(row.auc)
        );
    }
    if let Some(trust) = &report.trust {
        let _ = writeln!(
            text,
            "\n- Calibration: ECE {:.4} before and {:.4} after temperature scaling (T = {:.3}), Brier {:.4} and {:.4}",
            trust.before.ece,
            trust.after.ece,
            trust.after.temperature,
            trust.before.brier,
            trust.after.brier
        );
        if let (Some(coverage), Some(accuracy)) =
            (trust.selective.coverage, trust.selective.accuracy)
        {
            let _ = writeln!(
                text,
                "- Answering only where it is sure enough: {:.1} % of the images, {:.1} % of them right",
                100.0 * coverage,
                100.0 * accuracy
            );
        }
        if let Some(ood) = &trust.ood {
            let _ = writeln!(
                text,
                "- Accepts {:.1} % of the test images as like its training images\n\n| foreign pictures | AUROC | refused |\n|---|---|---|",
                100.0 * ood.acceptance
            );
            for (kind, area) in &ood.auroc {
                let refused = ood.rejected.get(kind).copied().unwrap_or_default();
                let _ = writeln!(
                    text,
                    "| {} | {area:.3} | {:.0} % |",
                    kind.replace('_', " "),
                    100.0 * refused
                );
            }
        }
    }
    text
}
