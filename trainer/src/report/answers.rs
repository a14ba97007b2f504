//! What the answers on the test images were.

use scanlight_model::bundle::Manifest;
use scanlight_model::trust::calibration::{self, Bin};

use super::{is_right, number, percent};
use crate::html::charts::{Axes, Bars, Series, bars, confusion, lines};
use crate::html::{Page, table};
use crate::metrics::{ImageReport, Report};
use crate::stats::{precision_recall, roc};

/// Mistakes that are listed.
const MISTAKES: usize = 24;

/// Points of a curve from scores and whether each is of the class.
type Curve = fn(&[(f64, bool)]) -> Vec<[f64; 2]>;

/// Numbers by class, the confusion matrix, ROC and precision-recall curves.
pub fn classes(page: &mut Page, manifest: &Manifest, report: &Report) {
    page.heading("Classes");
    let rows: Vec<Vec<String>> = report
        .per_class
        .iter()
        .map(|(name, class)| {
            vec![
                name.clone(),
                class.images.to_string(),
                number(class.auc),
                number(class.precision),
                number(class.recall),
                number(class.f1),
            ]
        })
        .collect();
    page.raw(&table(
        &["class", "images", "AUC", "precision", "recall", "F1"],
        &rows,
    ));
    page.raw(&confusion(&manifest.classes, &report.confusion));
    let curve = |make: Curve| -> Vec<Series> {
        manifest
            .classes
            .iter()
            .map(|class| {
                let scores: Vec<(f64, bool)> = report
                    .images
                    .iter()
                    .map(|image| {
                        let p = image.probabilities.get(class).copied().unwrap_or(0.0);
                        (p, image.label == *class)
                    })
                    .collect();
                Series::new(class.clone(), make(&scores))
            })
            .collect()
    };
    page.charts(&[
        lines(
            &Axes::unit(
                "ROC, each class against the rest",
                "false-positive rate",
                "true-positive rate",
            ),
            &curve(roc),
        ),
        lines(
            &Axes::unit("Precision and recall", "recall", "precision"),
            &curve(precision_recall),
        ),
    ]);
}

/// How the probabilities compare with how often they are right.
pub fn reliability(page: &mut Page, report: &Report) {
    let (probabilities, labels) = report.answers();
    let answers = calibration::confidences(&probabilities, &labels);
    page.heading("Calibration");
    page.paragraph(&format!(
        "Expected calibration error (15 equal bins) {}, Brier score {:.4}.",
        percent(calibration::ece(&answers)),
        calibration::brier(&probabilities, &labels)
    ));
    let bins = calibration::reliability(&answers);
    page.charts(&[diagram("Reliability", &bins)]);
}

/// How often answers of each confidence are right.
pub(super) fn diagram(title: &str, bins: &[Bin]) -> String {
    let bins = bins
        .iter()
        .filter(|bin| bin.count > 0)
        .map(|bin| [bin.low, bin.high, bin.accuracy])
        .collect();
    let diagonal = Series::new("", vec![[0.0, 0.0], [1.0, 1.0]]);
    bars(
        &Axes::unit(title, "confidence", "share of right answers"),
        &[Bars {
            name: String::new(),
            bars: bins,
        }],
        std::slice::from_ref(&diagonal),
    )
}

/// A table of the surest mistakes.
pub fn mistakes(page: &mut Page, report: &Report) {
    let wrong = worst(report);
    page.heading("Worst mistakes");
    if wrong.is_empty() {
        page.paragraph("None: every answer on the test images is right.");
        return;
    }
    let rows: Vec<Vec<String>> = wrong
        .iter()
        .take(MISTAKES)
        .map(|image| {
            let p = |class: &str| {
                let value = image.probabilities.get(class).copied().unwrap_or_default();
                format!("{:.1} %", 100.0 * value)
            };
            vec![
                image.path.clone(),
                format!("{} ({})", image.label, p(&image.label)),
                format!("{} ({})", image.predicted, p(&image.predicted)),
                image.verdict.as_deref().unwrap_or("-").replace('_', " "),
            ]
        })
        .collect();
    page.raw(&table(&["image", "true", "predicted", "verdict"], &rows));
    page.paragraph(&format!(
        "{} of {} answers are wrong; the surest mistakes come first.",
        wrong.len(),
        report.images.len()
    ));
}

/// The wrong answers, those that give the truth least come first.
pub fn worst(report: &Report) -> Vec<&ImageReport> {
    let truth = |image: &ImageReport| {
        let p = image.probabilities.get(&image.label);
        p.copied().unwrap_or_default()
    };
    let mut wrong: Vec<&ImageReport> = report.images.iter().filter(|i| !is_right(i)).collect();
    wrong.sort_by(|a, b| truth(a).total_cmp(&truth(b)));
    wrong
}
