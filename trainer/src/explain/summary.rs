//! Numbers of a whole set, by method and class.

use indexmap::IndexMap;
use scanlight_model::cam::CamMethod;
use serde::Serialize;

use super::bootstrap::cluster_interval;
use super::measures::{THRESHOLDS, threshold};
use super::run::{Measured, Outcome, Subject};

/// A mean and its 95 % interval by patients.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The mean over the images, 0..=1.
    pub value: f64,
    /// Bounds of the interval; none with fewer than two patients.
    pub interval: Option<[f64; 2]>,
}

/// One method on some images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbers {
    /// Images.
    pub images: usize,
    /// Patients.
    pub patients: usize,
    /// Images whose map is empty; they miss the pointing game, and have no energy and no overlap.
    pub empty: usize,
    /// Images that won the pointing game.
    pub hits: usize,
    /// Their share.
    pub pointing: Estimate,
    /// Mean share of the map's sum inside the box.
    pub energy: Estimate,
    /// Mean intersection over union at the method's threshold.
    pub iou: f64,
    /// Mean area under the deletion curve; smaller is better.
    pub deletion: Option<f64>,
    /// Mean area under the insertion curve; larger is better.
    pub insertion: Option<f64>,
}

/// One method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MethodSummary {
    /// Its name for people.
    pub title: String,
    /// Its paper.
    pub citation: Option<String>,
    /// Where the paper is.
    pub url: Option<String>,
    /// The threshold with the best mean overlap over all images of the set.
    pub threshold: f32,
    /// All images.
    pub overall: Numbers,
    /// By true class.
    pub per_class: IndexMap<String, Numbers>,
}

/// What chance gives, exactly: means over some images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Floor {
    /// The chance of a random cell to win the pointing game.
    pub pointing: f64,
    /// The box's share of what the network sees of the image.
    pub energy: f64,
}

/// Everything about some images that depends on no method.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupSummary {
    /// Images.
    pub images: usize,
    /// Patients.
    pub patients: usize,
    /// Share of images whose true class the network names.
    pub accuracy: f64,
    /// The exact floor.
    pub floor: Floor,
}

/// The whole set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// All images.
    pub overall: GroupSummary,
    /// By true class.
    pub per_class: IndexMap<String, GroupSummary>,
    /// By the methods' names.
    pub methods: IndexMap<String, MethodSummary>,
}

/// Sums up; `outcomes` holds at least one image. `seed` draws the intervals.
pub fn summarise(
    methods: &[CamMethod],
    classes: &[String],
    subjects: &[Subject],
    outcomes: &[Outcome],
    seed: u64,
) -> Summary {
    let all: Vec<&Outcome> = outcomes.iter().collect();
    let by_class: Vec<(String, Vec<&Outcome>)> = classes
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let of_class = |outcome: &&Outcome| subjects[outcome.subject].class == class;
            (name.clone(), outcomes.iter().filter(of_class).collect())
        })
        .filter(|(_, images): &(_, Vec<&Outcome>)| !images.is_empty())
        .collect();
    let of_method = |(index, method): (usize, &CamMethod)| {
        let best = best_threshold(&all, index);
        let of_group = |group: &[&Outcome]| numbers(group, index, best, subjects, seed);
        let summary = MethodSummary {
            title: method.title().into(),
            citation: method.citation().map(String::from),
            url: method.url().map(String::from),
            threshold: threshold(best),
            overall: of_group(&all),
            per_class: by_class
                .iter()
                .map(|(name, group)| (name.clone(), of_group(group)))
                .collect(),
        };
        (method.name().to_string(), summary)
    };
    Summary {
        overall: group_summary(&all, subjects),
        per_class: by_class
            .iter()
            .map(|(name, group)| (name.clone(), group_summary(group, subjects)))
            .collect(),
        methods: methods.iter().enumerate().map(of_method).collect(),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), v| (sum + v, count + 1));
    sum / count.max(1) as f64
}

/// Number of the threshold with the highest mean overlap; the lower one of equals.
fn best_threshold(group: &[&Outcome], method: usize) -> usize {
    let overlap = |index: usize| mean(group.iter().map(|o| o.methods[method].overlap.iou[index]));
    (0..THRESHOLDS)
        .rev()
        .max_by(|&a, &b| overlap(a).total_cmp(&overlap(b)))
        .unwrap_or_default()
}

fn patients(group: &[&Outcome], subjects: &[Subject]) -> usize {
    let names: std::collections::BTreeSet<&str> = group
        .iter()
        .map(|outcome| subjects[outcome.subject].patient.as_str())
        .collect();
    names.len()
}

fn group_summary(group: &[&Outcome], subjects: &[Subject]) -> GroupSummary {
    GroupSummary {
        images: group.len(),
        patients: patients(group, subjects),
        accuracy: mean(group.iter().map(|o| f64::from(u8::from(o.right)))),
        floor: Floor {
            pointing: mean(group.iter().map(|o| o.chance.pointing)),
            energy: mean(group.iter().map(|o| o.chance.energy)),
        },
    }
}

fn numbers(
    group: &[&Outcome],
    method: usize,
    best: usize,
    subjects: &[Subject],
    seed: u64,
) -> Numbers {
    let of = |outcome: &&Outcome| outcome.methods[method].clone();
    let measured: Vec<Measured> = group.iter().map(of).collect();
    let estimate = |value: fn(&Measured) -> f64| {
        let values: Vec<(&str, f64)> = group
            .iter()
            .zip(&measured)
            .map(|(outcome, m)| (subjects[outcome.subject].patient.as_str(), value(m)))
            .collect();
        Estimate {
            value: mean(values.iter().map(|v| v.1)),
            interval: cluster_interval(&values, seed),
        }
    };
    let curves: Option<Vec<[f64; 2]>> = measured.iter().map(|m| m.curves).collect();
    let curve = |which: usize| curves.as_ref().map(|c| mean(c.iter().map(|c| c[which])));
    Numbers {
        images: group.len(),
        patients: patients(group, subjects),
        empty: measured.iter().filter(|m| m.empty).count(),
        hits: measured.iter().filter(|m| m.hit).count(),
        pointing: estimate(|m| f64::from(u8::from(m.hit))),
        energy: estimate(|m| m.overlap.energy),
        iou: mean(measured.iter().map(|m| m.overlap.iou[best])),
        deletion: curve(0),
        insertion: curve(1),
    }
}

impl Summary {
    /// A table for each class and one for all, for a terminal.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, group) in &self.per_class {
            text += &self.section(name, group, |m| m.per_class.get(name));
            text.push('\n');
        }
        text + &self.section("all classes", &self.overall, |m| Some(&m.overall))
    }

    fn section(
        &self,
        name: &str,
        group: &GroupSummary,
        pick: impl Fn(&MethodSummary) -> Option<&Numbers>,
    ) -> String {
        let GroupSummary {
            images, patients, ..
        } = group;
        let mut text = format!(
            "{name}: {images} images of {patients} patients, {:.1} % classified right\n\
             {:12} {:>22} {:>22} {:>13} {:>9} {:>10} {:>6}\n",
            group.accuracy * 100.0,
            "method",
            "pointing game %",
            "energy in box %",
            "IoU at",
            "deletion",
            "insertion",
            "empty"
        );
        for method in self.methods.values() {
            let Some(n) = pick(method) else { continue };
            text += &format!(
                "{:12} {:>22} {:>22} {:>5.3} at {:.2} {:>9} {:>10} {:>6}\n",
                method.title,
                percent(&n.pointing),
                percent(&n.energy),
                n.iou,
                method.threshold,
                optional(n.deletion),
                optional(n.insertion),
                n.empty
            );
        }
        let only = |value: f64| format!("{:.1}", value * 100.0);
        text += &format!(
            "{:12} {:>22} {:>22}\n",
            "chance",
            only(group.floor.pointing),
            only(group.floor.energy)
        );
        text
    }
}

/// `71.0 [65.2, 76.4]`
fn percent(estimate: &Estimate) -> String {
    let value = estimate.value * 100.0;
    match estimate.interval {
        Some([low, high]) => format!("{value:.1} [{:.1}, {:.1}]", low * 100.0, high * 100.0),
        None => format!("{value:.1}"),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |v| format!("{v:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::measures::{Chance, LesionBox, Overlap};

    /// An image whose two methods differ; `number` makes patient and class.
    fn image(number: usize) -> (Subject, Outcome) {
        let lesion = LesionBox::from_centre([0.5, 0.5, 0.2, 0.2]).unwrap();
        let subject = Subject {
            relative: number.to_string(),
            path: number.to_string().into(),
            class: 2 * (number % 2),
            patient: format!("p{}", number / 2),
            lesion,
        };
        let measured = |hit: bool, best: usize| {
            let mut iou = [0.1; THRESHOLDS];
            iou[best] = 0.6;
            let energy = if hit { 0.8 } else { 0.2 };
            Measured {
                empty: false,
                hit,
                overlap: Overlap { energy, iou },
                curves: Some([0.25, 0.75]),
            }
        };
        let outcome = Outcome {
            subject: number,
            right: number.is_multiple_of(4),
            methods: vec![measured(true, 3), measured(number.is_multiple_of(2), 9)],
            chance: Chance {
                pointing: 0.04,
                energy: 0.05,
            },
        };
        (subject, outcome)
    }

    #[test]
    fn groups_are_counted_by_hand() {
        let (subjects, mut outcomes): (Vec<_>, Vec<_>) = (0..8).map(image).unzip();
        let classes = ["a", "b", "c"].map(String::from);
        let methods = [CamMethod::LayerCam, CamMethod::Random];
        let found = summarise(&methods, &classes, &subjects, &outcomes, 1);
        assert_eq!(found.per_class.keys().collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!((found.overall.images, found.overall.patients), (8, 4));
        assert_eq!(found.overall.accuracy, 0.25);
        assert_eq!(found.per_class["a"].accuracy, 0.5);
        assert!((found.overall.floor.pointing - 0.04).abs() < 1e-12);

        let layer = &found.methods["layer_cam"];
        assert_eq!((layer.threshold, layer.overall.hits), (threshold(3), 8));
        assert_eq!(layer.overall.pointing.interval, Some([1.0, 1.0]));
        let random = &found.methods["random"];
        assert_eq!(random.threshold, threshold(9));
        assert_eq!((random.overall.hits, random.overall.empty), (4, 0));
        assert!((random.overall.energy.value - 0.5).abs() < 1e-12);
        assert!((random.overall.iou - 0.6).abs() < 1e-12);
        assert_eq!(random.per_class["a"].pointing.value, 1.0);
        assert_eq!(random.per_class["c"].pointing.value, 0.0);
        assert_eq!(random.overall.deletion, Some(0.25));
        assert_eq!(random.overall.insertion, Some(0.75));

        let table = found.table();
        assert!(
            table.contains("all classes: 8 images of 4 patients"),
            "{table}"
        );
        assert!(
            table.contains("LayerCAM") && table.contains("chance"),
            "{table}"
        );
        assert!(table.contains("100.0 [100.0, 100.0]"), "{table}");

        outcomes[0].methods[0].curves = None;
        let found = summarise(&methods, &classes, &subjects, &outcomes, 1);
        assert_eq!(found.methods["layer_cam"].overall.deletion, None);
    }
}
