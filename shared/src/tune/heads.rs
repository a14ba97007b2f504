//! Training: one head for each round and one that learns from all scans, side by side.
//!
//! What is trained is the *difference* to the parent's layer, which begins at nothing and is pulled back there. The
//! heads share their inputs, so that a step is one product of matrices; nothing else passes between them.

use burn::module::{Module, Param};
use burn::optim::adaptor::OptimizerAdaptor;
use burn::optim::{Adam, AdamConfig, GradientsParams, Optimizer};
use burn::tensor::activation::log_softmax;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{Tensor, TensorData};

use super::outcome::{Outcome, held_out};
use super::parent::{Example, Layer, Parent};
use super::spread::Spread;
use super::{Recipe, Rounds, TuneError};
use crate::trust::calibration::cross_entropy;

/// So many steps back the objective is compared.
const LOOK_BACK: usize = 15;
/// Training ends where so many steps gained less than this share.
const LEAST_GAIN: f64 = 0.002;

/// The differences of all heads: `[inputs + 1, heads * classes]`, the biases' last.
#[derive(Module, Debug)]
struct Differences<B: Backend> {
    values: Param<Tensor<B, 2>>,
}

/// Where training stands before a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Mean cross-entropy of the head that learns from all, over the scans and their views; each class counts alike.
    pub loss: f64,
    /// Mean cross-entropy on the scans that were held out, each asked of the head that has not seen it.
    pub held_out: f64,
}

/// Heads in training.
pub struct Training<B: AutodiffBackend> {
    recipe: Recipe,
    rounds: Rounds,
    labels: Vec<usize>,
    classes: usize,
    temperature: f64,
    parent: Layer,
    /// The parent's logits of the untouched views.
    before: Vec<Vec<f32>>,
    /// What is taken off the inputs first.
    middle: Vec<f32>,
    /// What they are divided by then.
    scale: f32,
    views: usize,
    /// `[rows, inputs + 1]`.
    inputs: Tensor<B, 2>,
    /// The parent's logits, `[rows, 1, classes]`.
    base: Tensor<B, 3>,
    /// What a row counts in each head's loss, at its class: `[rows, heads, classes]`.
    shares: Tensor<B, 3>,
    /// Half of what a squared difference costs, `[1, heads * classes]`.
    pull: Tensor<B, 2>,
    differences: Differences<B>,
    optimiser: OptimizerAdaptor<Adam, Differences<B>, B>,
    curve: Vec<Point>,
    objectives: Vec<f64>,
    /// Logits of all rows and heads, at the last point.
    logits: Vec<f32>,
    done: bool,
}

impl<B: AutodiffBackend> Training<B> {
    /// Begins with scans and their classes.
    pub fn new(
        parent: &Parent,
        examples: &[&Example],
        labels: &[usize],
        recipe: Recipe,
        device: &B::Device,
    ) -> Result<Self, TuneError> {
        let classes = parent.classes();
        let rounds = Rounds::new(labels, classes, &recipe)?;
        let (heads, width) = (rounds.count() + 1, parent.output.inputs() + 1);
        let views = examples.first().map_or(0, |example| example.inputs.len());
        let rows: Vec<&[f32]> = examples
            .iter()
            .flat_map(|example| example.inputs.iter().map(Vec::as_slice))
            .collect();
        if rows.len() != labels.len() * views || rows.iter().any(|row| row.len() + 1 != width) {
            return Err(TuneError::Backend("scans of another network".into()));
        }
        let Spread { middle, scale } = Spread::of(&rows);

        let mut inputs = Vec::with_capacity(rows.len() * width);
        let mut base = Vec::with_capacity(rows.len() * classes);
        for row in &rows {
            inputs.extend(row.iter().zip(&middle).map(|(v, m)| (v - m) / scale));
            inputs.push(1.0);
            base.extend(parent.output.run(row));
        }
        let before: Vec<Vec<f32>> = base
            .chunks_exact(classes)
            .step_by(views.max(1))
            .map(<[f32]>::to_vec)
            .collect();
        let (shares, pull) = weigh(labels, &rounds, classes, views, width, recipe.freedom);
        let tensor = |values: Vec<f32>, shape: [usize; 2]| {
            Tensor::<B, 2>::from_data(TensorData::new(values, shape), device)
        };
        let differences = Differences {
            values: Param::from_tensor(Tensor::zeros([width, heads * classes], device)),
        };
        Ok(Self {
            temperature: parent.bundle().manifest.temperature().into(),
            parent: parent.output.clone(),
            labels: labels.to_vec(),
            inputs: tensor(inputs, [rows.len(), width]),
            base: tensor(base, [rows.len(), classes]).reshape([rows.len(), 1, classes]),
            shares: tensor(shares, [rows.len(), heads * classes]).reshape([
                rows.len(),
                heads,
                classes,
            ]),
            pull: tensor(pull, [1, heads * classes]),
            optimiser: AdamConfig::new().init(),
            curve: Vec::new(),
            objectives: Vec::new(),
            logits: Vec::new(),
            done: false,
            recipe,
            rounds,
            classes,
            before,
            middle,
            scale,
            views,
            differences,
        })
    }

    /// Whether there is nothing more to gain, or no step left.
    pub fn done(&self) -> bool {
        self.done
    }

    /// Steps made so far.
    pub fn steps(&self) -> usize {
        self.curve.len().saturating_sub(1)
    }

    /// Looks where training stands and, unless that is the end, makes a step.
    pub fn advance(&mut self) -> Result<Point, TuneError> {
        let values = self.differences.values.val();
        let [rows, heads, classes] = self.shares.dims();
        let changes = self.inputs.clone().matmul(values.clone());
        let logits = (self.base.clone() + changes.reshape([rows, heads, classes]))
            .div_scalar(self.temperature);
        let cost = (values.clone() * values * self.pull.clone()).sum();
        let losses = log_softmax(logits.clone(), 2) * self.shares.clone();
        let objective = cost - losses.sum();

        self.logits = read(logits.inner())?;
        let value = read(objective.clone().inner())?;
        let value = value.first().copied().unwrap_or(f32::NAN);
        if !value.is_finite() || self.logits.iter().any(|v| !v.is_finite()) {
            return Err(TuneError::NotFinite);
        }
        let point = self.point();
        self.curve.push(point);
        self.objectives.push(value.into());
        self.done = self.curve.len() > self.recipe.steps || self.has_settled();
        if !self.done {
            let gradients = GradientsParams::from_grads(objective.backward(), &self.differences);
            let left = 1.0 - self.steps() as f64 / self.recipe.steps.max(1) as f64;
            let rate = self.recipe.rate * left / self.parent.inputs().max(1) as f64;
            self.differences = self
                .optimiser
                .step(rate, self.differences.clone(), gradients);
        }
        Ok(point)
    }

    fn has_settled(&self) -> bool {
        let Some(then) = self.objectives.len().checked_sub(LOOK_BACK + 1) else {
            return false;
        };
        let (then, now) = (self.objectives[then], self.objectives.last().copied());
        now.is_none_or(|now| then - now < LEAST_GAIN * then.abs())
    }

    /// A row's logits in a head, before temperature scaling.
    fn logits_of(&self, row: usize, head: usize) -> Vec<f32> {
        let heads = self.rounds.count() + 1;
        let start = (row * heads + head) * self.classes;
        self.logits[start..start + self.classes]
            .iter()
            .map(|logit| logit * self.temperature as f32)
            .collect()
    }

    /// The logits of each scan by the head that has not seen it.
    fn unseen(&self) -> Vec<Vec<f32>> {
        (0..self.labels.len())
            .map(|scan| self.logits_of(scan * self.views, self.rounds.of(scan)))
            .collect()
    }

    fn point(&self) -> Point {
        let last = self.rounds.count();
        let mut counts = vec![0usize; self.classes];
        for &label in &self.labels {
            counts[label] += 1;
        }
        let present = counts.iter().filter(|count| **count > 0).count();
        let mut loss = 0.0;
        for (scan, &label) in self.labels.iter().enumerate() {
            let rows = scan * self.views..(scan + 1) * self.views;
            let logits: Vec<Vec<f32>> = rows.map(|row| self.logits_of(row, last)).collect();
            let labels = vec![label; self.views];
            let mean = cross_entropy(&logits, &labels, self.temperature);
            loss += mean / (counts[label] * present) as f64;
        }
        Point {
            loss,
            held_out: cross_entropy(&self.unseen(), &self.labels, self.temperature),
        }
    }

    /// What came of it, as it stands.
    pub fn finish(self) -> Result<Outcome, TuneError> {
        let values = read(self.differences.values.val().inner())?;
        let (heads, inputs) = (self.rounds.count() + 1, self.parent.inputs());
        let columns = heads * self.classes;
        let of = |input: usize, class: usize| {
            values[input * columns + self.rounds.count() * self.classes + class]
        };
        let mut layer = self.parent.clone();
        for class in 0..self.classes {
            let mut shift = 0.0;
            for input in 0..inputs {
                let change = of(input, class) / self.scale;
                layer.weight[class * inputs + input] += change;
                shift += change * self.middle[input];
            }
            layer.bias[class] += of(inputs, class) - shift;
        }
        let temperature = self.temperature as f32;
        let unseen = self.unseen();
        Ok(Outcome {
            moved: distance(&layer, &self.parent),
            held_out: held_out(
                &self.before,
                &unseen,
                &self.labels,
                &self.rounds,
                temperature,
            ),
            steps: self.steps(),
            curve: self.curve,
            labels: self.labels,
            recipe: self.recipe,
            layer,
            unseen,
        })
    }
}

/// What each row counts in each head's loss, and half of what a squared difference costs.
///
/// Each class that a head sees counts alike, each scan of a class, each view of a scan.
fn weigh(
    labels: &[usize],
    rounds: &Rounds,
    classes: usize,
    views: usize,
    width: usize,
    freedom: f64,
) -> (Vec<f32>, Vec<f32>) {
    let heads = rounds.count() + 1;
    // The last head holds nobody out.
    let sees = |head: usize, scan: usize| head == rounds.count() || rounds.of(scan) != head;
    let mut shares = vec![0.0; labels.len() * views * heads * classes];
    let mut pull = Vec::with_capacity(heads * classes);
    for head in 0..heads {
        let seen: Vec<(usize, usize)> = labels
            .iter()
            .copied()
            .enumerate()
            .filter(|(scan, _)| sees(head, *scan))
            .collect();
        let mut counts = vec![0usize; classes];
        for &(_, label) in &seen {
            counts[label] += 1;
        }
        let present = counts.iter().filter(|count| **count > 0).count();
        for &(scan, label) in &seen {
            let share = 1.0 / (present * counts[label] * views) as f32;
            for row in scan * views..(scan + 1) * views {
                shares[(row * heads + head) * classes + label] = share;
            }
        }
        // A logit's change has the deviation `freedom` where each of `width` differences has this variance.
        let variance = freedom * freedom / width as f64;
        let half = 0.5 / (seen.len().max(1) as f64 * variance);
        pull.extend(vec![half as f32; classes]);
    }
    (shares, pull)
}

/// Length of the difference as a share of the parent's own length.
fn distance(layer: &Layer, parent: &Layer) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
    };
    let moved = length(&mut layer.weight.iter().zip(&parent.weight).map(|(a, b)| a - b));
    moved / length(&mut parent.weight.iter().copied()).max(f64::MIN_POSITIVE)
}

fn read<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f32>, TuneError> {
    let data = tensor.into_data().convert::<f32>();
    data.into_vec()
        .map_err(|error| TuneError::Backend(format!("{error:?}")))
}
