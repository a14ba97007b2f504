//! The learning-rate finder.

use anyhow::{Context, Result, bail};
use burn::module::{AutodiffModule, Module};
use burn::tensor::backend::AutodiffBackend;
use scanlight_model::arch::Network;
use serde::Serialize;
use std::sync::mpsc::sync_channel;

use super::batches::{Producer, steps};
use super::initial;
use super::optimizer::optimizer;
use super::run::{step_seed, targets};
use super::step::step;
use crate::backend::WithTrainingBackend;
use crate::config::Config;
use crate::data::Image;
use crate::progress::Progress;

/// Weight of the past in the smoothed loss.
const SMOOTHING: f64 = 0.95;
/// The sweep ends where the smoothed loss is so many times its lowest.
const DIVERGED: f64 = 4.0;
/// One part in so many of the sweep, at its start, does not count for the suggestion.
const SETTLING: usize = 8;
/// A sweep whose smoothed loss never gets below this share of its start suggests nothing.
const FALLEN: f64 = 0.97;

/// What the sweep found at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Learning rate.
    pub rate: f64,
    /// Loss of the batch before the step at that rate.
    pub loss: f64,
    /// The loss's running mean, its start corrected.
    pub smoothed: f64,
}

/// A whole sweep.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Points in the order of the rates.
    pub points: Vec<Point>,
    /// The rate where the smoothed loss falls fastest; `None` where it nowhere falls clearly.
    pub steepest: Option<f64>,
    /// The suggestion: the steepest rate, but no more than a tenth of that with the lowest loss;
    /// `None` where the loss nowhere falls clearly.
    pub suggestion: Option<f64>,
}

/// The rates to try.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sweep {
    /// First rate.
    pub from: f64,
    /// Last rate.
    pub to: f64,
    /// Number of rates.
    pub steps: usize,
}

impl Sweep {
    /// The rate of a step: each is the same factor above the one before.
    pub fn rate(&self, step: usize) -> f64 {
        let share = step as f64 / (self.steps - 1).max(1) as f64;
        self.from * (self.to / self.from).powf(share)
    }
}

/// Everything that finding a rate needs, whichever backend trains.
pub struct FindWork<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Class names.
    pub classes: &'a [String],
    /// Training images.
    pub train: &'a [&'a Image],
    /// The rates to try.
    pub sweep: Sweep,
}

impl WithTrainingBackend for FindWork<'_> {
    type Output = Finding;

    fn run<B: AutodiffBackend>(self, _name: &str, device: B::Device) -> Result<Finding> {
        B::seed(&device, self.config.seed);
        let samples: Vec<&[f32]> = self
            .train
            .iter()
            .map(|image| image.clean.as_slice())
            .collect();
        let network: Network<B> = initial::network(self.config, self.classes, &samples, &device)?;
        // Weights are drawn when they are first looked at.
        let _ = network.num_params();
        Ok(self.find(network, &device)?.1)
    }
}

impl FindWork<'_> {
    /// Trains with a rising rate and looks how the loss goes (Smith 2017,
    /// <https://arxiv.org/abs/1506.01186>); gives the network back with the weights it came with.
    pub fn find<B: AutodiffBackend>(
        &self,
        network: Network<B>,
        device: &B::Device,
    ) -> Result<(Network<B>, Finding)> {
        let config = self.config;
        let targets = targets(self.train, self.classes, config)?;
        let an_epoch = steps(self.train.len(), config.batch_size);
        if an_epoch == 0 {
            bail!(
                "the {} training images make no batch of {}; lower batch_size",
                self.train.len(),
                config.batch_size
            );
        }
        let producer = Producer::new(self.train, config, &targets)?;
        // `valid` copies running statistics too, which clones would share.
        let before = network.valid();
        let mut optimizer = optimizer::<B>(&config.optimizer);
        let progress = Progress::new("learning rates", self.sweep.steps as u64);
        let points = std::thread::scope(|scope| -> Result<Vec<Point>> {
            let (sender, receiver) = sync_channel(4);
            let producer = &producer;
            let epochs = self.sweep.steps.div_ceil(an_epoch) as u32;
            scope.spawn(move || (0..epochs).all(|epoch| producer.produce(epoch, 0, &sender)));
            let mut network = network;
            let mut points = Vec::new();
            let mut mean = 0.0;
            for index in 0..self.sweep.steps {
                let batch = receiver.recv().context("no batch was made")?;
                let rate = self.sweep.rate(index);
                B::seed(device, step_seed(config.seed, 0, index as u32));
                let (next, result) = step(
                    network,
                    &mut optimizer,
                    &batch,
                    &targets,
                    config,
                    config.initial.rates(rate, 0),
                    device,
                )?;
                network = next;
                mean = SMOOTHING * mean + (1.0 - SMOOTHING) * result.loss;
                let smoothed = mean / (1.0 - SMOOTHING.powi(index as i32 + 1));
                if !result.loss.is_finite() || diverged(&points, smoothed) {
                    break;
                }
                points.push(Point {
                    rate,
                    loss: result.loss,
                    smoothed,
                });
                progress.set(
                    index as u64 + 1,
                    &format!("rate {rate:.1e}  loss {smoothed:.3}"),
                );
            }
            Ok(points)
        })?;
        progress.finish();
        Ok((Network::<B>::from_inner(before), judge(points)))
    }
}

fn diverged(points: &[Point], smoothed: f64) -> bool {
    let lowest = points
        .iter()
        .map(|p| p.smoothed)
        .fold(f64::INFINITY, f64::min);
    smoothed > DIVERGED * lowest
}

/// The steepest descent and the suggestion.
fn judge(points: Vec<Point>) -> Finding {
    // The first values of a running mean are single batches: what moves there is chance.
    let settled = &points[(points.len() / SETTLING).min(points.len())..];
    let lowest = settled
        .iter()
        .enumerate()
        .min_by(|a, b| a.1.smoothed.total_cmp(&b.1.smoothed));
    let (steepest, suggestion) = match (settled.first(), lowest) {
        (Some(first), Some((at, lowest))) if lowest.smoothed < FALLEN * first.smoothed => {
            // The slope over the logarithm of the rate, of three neighbours, on the way down.
            let steepest = settled[..=at]
                .windows(3)
                .map(|w| {
                    let slope = (w[2].smoothed - w[0].smoothed) / (w[2].rate / w[0].rate).ln();
                    (slope, w[1].rate)
                })
                .filter(|(slope, _)| *slope < 0.0)
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, rate)| rate);
            let cautious = (lowest.rate / 10.0).max(first.rate);
            (steepest, steepest.map(|rate| rate.min(cautious)))
        }
        _ => (None, None),
    };
    Finding {
        points,
        steepest,
        suggestion,
    }
}

impl Finding {
    /// The smoothed loss over the rate as lines of text, the suggestion marked.
    pub fn plot(&self, width: usize, height: usize) -> String {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return String::new();
        };
        let values = || self.points.iter().map(|p| p.smoothed);
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        let span = (last.rate / first.rate).ln().max(f64::MIN_POSITIVE);
        let column = |rate: f64| {
            let share = ((rate / first.rate).ln() / span).clamp(0.0, 1.0);
            (share * (width - 1) as f64).round() as usize
        };
        let mut rows = vec![vec![' '; width]; height];
        if let Some(rate) = self.suggestion {
            for row in &mut rows {
                row[column(rate)] = '│';
            }
        }
        for point in &self.points {
            let share = if high > low {
                (high - point.smoothed) / (high - low)
            } else {
                0.0
            };
            rows[(share * (height - 1) as f64).round() as usize][column(point.rate)] = '●';
        }
        let mut text = String::new();
        for (index, row) in rows.iter().enumerate() {
            let label = match index {
                0 => format!("{high:8.3}"),
                i if i + 1 == height => format!("{low:8.3}"),
                _ => " ".repeat(8),
            };
            text.push_str(&format!(
                "{label} ┤{}\n",
                row.iter().collect::<String>().trim_end()
            ));
        }
        text.push_str(&format!(
            "{:9}└{}\n{:10}{:<left$.1e}{:>right$.1e}  learning rate\n",
            "",
            "─".repeat(width),
            "",
            first.rate,
            last.rate,
            left = width / 2,
            right = width - width / 2
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_autodiff::Autodiff;
    use scanlight_model::arch::{Architecture, ReferenceCnnConfig};
    use scanlight_model::bundle::weights::{Precision, save};
    use scanlight_model::preprocess::InputGeometry;

    type B = Autodiff<burn_flex::Flex>;

    #[test]
    fn rates_rise_evenly_in_the_logarithm() {
        let sweep = Sweep {
            from: 1e-6,
            to: 1.0,
            steps: 7,
        };
        for step in 0..7 {
            assert!((sweep.rate(step).log10() - (step as f64 - 6.0)).abs() < 1e-9);
        }
    }

    /// A loss that is flat, falls around 1e-3 and rises beyond 1e-1.
    #[test]
    fn the_suggestion_lies_where_the_loss_falls() {
        let points: Vec<Point> = (0..61)
            .map(|i| {
                let exponent = -6.0 + f64::from(i) / 10.0;
                let fall = 1.0 / (1.0 + (-3.0 * (exponent + 3.0)).exp());
                let rise = (5.0 * (exponent + 0.8)).exp();
                Point {
                    rate: 10f64.powf(exponent),
                    loss: 0.0,
                    smoothed: 2.0 - 1.5 * fall + rise,
                }
            })
            .collect();
        let finding = judge(points);
        let steepest = finding.steepest.unwrap().log10();
        assert!((steepest + 3.0).abs() < 0.2, "{steepest}");
        assert_eq!(finding.suggestion, finding.steepest);
        let plot = finding.plot(50, 8);
        assert_eq!(plot.lines().count(), 10);
        assert!(plot.contains('●') && plot.contains('│'), "{plot}");
        assert!(plot.contains("1.0e-6") && plot.contains("1.0e0"), "{plot}");
    }

    #[test]
    fn a_loss_that_never_falls_gives_no_suggestion() {
        let points = (0..9)
            .map(|i| Point {
                rate: 10f64.powi(i - 8),
                loss: 1.0,
                smoothed: 1.0 + f64::from(i),
            })
            .collect();
        assert_eq!(judge(points).suggestion, None);
        assert_eq!(judge(Vec::new()).plot(20, 4), "");
    }

    /// A sweep that saw an easy batch first and learned nothing after it.
    #[test]
    fn chance_at_the_start_is_no_fall() {
        let losses = [1.25, 1.38, 1.33, 1.42, 1.44, 1.40];
        let points = (0..60)
            .map(|i| Point {
                rate: 1e-5 * 1.2f64.powi(i as i32),
                loss: 0.0,
                smoothed: *losses.get(i).unwrap_or(&(1.41 + 0.01 * (i % 3) as f64)),
            })
            .collect();
        assert_eq!(judge(points).suggestion, None);
    }

    #[test]
    fn the_weights_come_back_as_they_were() {
        let images: Vec<Image> = (0..12)
            .map(|index| Image {
                class: index % 2,
                clean: (0..256)
                    .map(|i| ((i * (index % 2 + 1)) % 7) as f32 - 3.0)
                    .collect(),
                source: (0..1024).map(|i| ((i * (index + 2)) % 251) as u8).collect(),
                thumbnail: Vec::new(),
                lesion: None,
            })
            .collect();
        let train: Vec<&Image> = images.iter().collect();
        let classes = ["a", "b"].map(String::from);
        let config = Config {
            batch_size: 4,
            input: InputGeometry::square(16),
            architecture: Architecture::ReferenceCnn(ReferenceCnnConfig {
                channels: vec![3, 4],
                hidden: 4,
                dropout: 0.2,
            }),
            ..Config::default()
        };
        let device = Default::default();
        let network: Network<B> = config.architecture.init(2, &device);
        let bytes = |network: &Network<B>| save(&network.valid(), Precision::Full).unwrap();
        let before = bytes(&network);
        let work = FindWork {
            config: &config,
            classes: &classes,
            train: &train,
            sweep: Sweep {
                from: 1e-4,
                to: 1.0,
                steps: 10,
            },
        };
        let (network, finding) = work.find(network, &device).unwrap();
        assert!(finding.points.len() > 2);
        assert!(
            finding
                .points
                .iter()
                .any(|p| p.loss != finding.points[0].loss)
        );
        assert_eq!(bytes(&network), before);
    }
}
