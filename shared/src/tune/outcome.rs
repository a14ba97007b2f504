//! What training led to.

use super::heads::Point;
use super::parent::Layer;
use super::{Recipe, Rounds};
use crate::trust::argmax;
use crate::trust::calibration::cross_entropy;

/// The new layer and how it came about.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub(super) layer: Layer,
    /// Before the first step, and after each.
    pub curve: Vec<Point>,
    /// Steps made.
    pub steps: usize,
    /// How often it is right on what it has not seen.
    pub held_out: HeldOut,
    /// How far the weights have moved, as a share of their own length.
    pub moved: f64,
    pub(super) labels: Vec<usize>,
    pub(super) recipe: Recipe,
    /// Logits of each scan by the head that has not seen it.
    pub(super) unseen: Vec<Vec<f32>>,
}

/// Answers to the same scans, before and after. Those after are from heads that had not seen the scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// In how many rounds they were held out.
    pub rounds: usize,
    /// Whether one by one.
    pub alone: bool,
    /// The parent's.
    pub before: Score,
    /// The new head's.
    pub after: Score,
    /// Right only after.
    pub mended: u64,
    /// Right only before.
    pub spoiled: u64,
}

/// How often answers are right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Answers.
    pub images: u64,
    /// Right ones among them.
    pub right: u64,
    /// Mean cross-entropy in nats, at the parent's temperature.
    pub loss: f64,
}

impl Score {
    /// Share of right answers.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }

    fn of(logits: &[Vec<f32>], labels: &[usize], temperature: f32) -> Self {
        let right = logits
            .iter()
            .zip(labels)
            .filter(|(row, label)| is_right(row, **label));
        Self {
            images: labels.len() as u64,
            right: right.count() as u64,
            loss: cross_entropy(logits, labels, temperature.into()),
        }
    }
}

fn is_right(logits: &[f32], label: usize) -> bool {
    argmax(logits) == label
}

pub(super) fn held_out(
    before: &[Vec<f32>],
    after: &[Vec<f32>],
    labels: &[usize],
    rounds: &Rounds,
    temperature: f32,
) -> HeldOut {
    let only = |yes: &[Vec<f32>], no: &[Vec<f32>]| {
        let scans = labels.iter().enumerate();
        scans
            .filter(|(scan, label)| {
                is_right(&yes[*scan], **label) && !is_right(&no[*scan], **label)
            })
            .count() as u64
    };
    HeldOut {
        rounds: rounds.count(),
        alone: rounds.alone(),
        before: Score::of(before, labels, temperature),
        after: Score::of(after, labels, temperature),
        mended: only(after, before),
        spoiled: only(before, after),
    }
}

impl Outcome {
    /// Logits of each scan by the head that had not seen it.
    pub fn unseen(&self) -> &[Vec<f32>] {
        &self.unseen
    }

    /// The new layer's logits for a scan.
    pub fn logits(&self, example: &super::Example) -> Vec<f32> {
        let plain = example.inputs.first();
        plain.map_or_else(Vec::new, |inputs| self.layer.run(inputs))
    }
}
