//! The optimiser and the learning rate over time.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::documented::section;

section! {
    /// How the gradients change the weights.
    pub struct OptimizerConfig {
        /// "adam_w" (Loshchilov and Hutter 2019, <https://arxiv.org/abs/1711.05101>) shrinks the weights
        /// themselves; "adam" (Kingma and Ba 2015, <https://arxiv.org/abs/1412.6980>) adds the decay to
        /// the gradient, where the division by the gradient's size weakens it.
        pub kind: OptimizerKind = OptimizerKind::AdamW,
        /// Highest learning rate, above 0. `scanlight find-lr` suggests one for other data.
        pub learning_rate: f64 = 2e-3,
        /// Learning rate over time: "constant"; "cosine" falls along half a cosine to `final_share`
        /// (Loshchilov and Hutter 2017, <https://arxiv.org/abs/1608.03983>); "one_cycle" rises for the
        /// first 3 tenths of the training and falls to almost 0 (Smith and Topin 2018,
        /// <https://arxiv.org/abs/1708.07120>; without its cycle of the momentum).
        pub schedule: Schedule = Schedule::Cosine,
        /// Epochs over which the learning rate rises linearly from 0; "one_cycle" has its own rise.
        pub warmup_epochs: f64 = 2.0,
        /// The learning rate at the end of "cosine" as a share of the highest, 0 to 1.
        pub final_share: f64 = 0.01,
        /// Weight decay, 0 (off) to 1: with "adam_w" the share that each step takes off the weights, times
        /// the learning rate, biases and norms excepted; with "adam" the factor of the penalty's gradient
        /// (use 1e-4 there).
        pub weight_decay: f32 = 0.05,
        /// Largest length of the whole gradient; a longer one is shortened to it (Pascanu 2013,
        /// <https://arxiv.org/abs/1211.5063>). 0 never does.
        pub clip_norm: f32 = 5.0,
    }
}

/// How the gradients change the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// Adam with the decay added to the gradient.
    Adam,
    /// Adam with decoupled weight decay.
    AdamW,
}

/// Learning rate over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always the highest, after the warm-up.
    Constant,
    /// Falls along half a cosine until the last epoch.
    Cosine,
    /// Rises for the first 30 %, then falls to almost 0.
    OneCycle,
}

/// Share of a one-cycle training that the learning rate rises.
const RISE: f64 = 0.3;
/// A one-cycle training starts at the highest learning rate divided by this, …
const START_DIVISOR: f64 = 25.0;
/// … and ends at the highest divided by this.
const END_DIVISOR: f64 = 1e4;

impl OptimizerConfig {
    /// Learning rate at a point of the training, both in epochs from 0.
    pub fn rate(&self, epoch: f64, epochs: f64) -> f64 {
        // From one value to another along half a cosine, `done` from 0 to 1.
        let cosine = |from: f64, to: f64, done: f64| {
            to + (from - to) * 0.5 * (1.0 + (PI * done.clamp(0.0, 1.0)).cos())
        };
        let warm = if self.warmup_epochs > 0.0 {
            (epoch / self.warmup_epochs).min(1.0)
        } else {
            1.0
        };
        let factor = match self.schedule {
            Schedule::Constant => warm,
            Schedule::Cosine => {
                let span = (epochs - self.warmup_epochs).max(1e-9);
                warm * cosine(1.0, self.final_share, (epoch - self.warmup_epochs) / span)
            }
            Schedule::OneCycle => {
                let done = epoch / epochs.max(1e-9);
                if done < RISE {
                    cosine(1.0 / START_DIVISOR, 1.0, done / RISE)
                } else {
                    cosine(1.0, 1.0 / END_DIVISOR, (done - RISE) / (1.0 - RISE))
                }
            }
        };
        // A first step of exactly 0 would be wasted.
        self.learning_rate * factor.max(1e-4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(schedule: Schedule) -> OptimizerConfig {
        OptimizerConfig {
            schedule,
            learning_rate: 2e-3,
            warmup_epochs: 2.0,
            final_share: 0.01,
            ..OptimizerConfig::default()
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn cosine_rises_then_falls() {
        let rate = |epoch| with(Schedule::Cosine).rate(epoch, 60.0);
        assert!(close(rate(0.0), 2e-7) && close(rate(1.0), 1e-3) && close(rate(2.0), 2e-3));
        assert!(close(rate(31.0), 2e-3 * 0.505), "half way: {}", rate(31.0));
        assert!(close(rate(60.0), 2e-5));
    }

    #[test]
    fn constant_stays() {
        let rate = |epoch| with(Schedule::Constant).rate(epoch, 60.0);
        assert!(close(rate(0.5), 5e-4) && close(rate(2.0), 2e-3) && close(rate(60.0), 2e-3));
    }

    #[test]
    fn one_cycle_peaks_at_three_tenths() {
        let rate = |epoch| with(Schedule::OneCycle).rate(epoch, 10.0);
        assert!(close(rate(0.0), 2e-3 / 25.0) && close(rate(3.0), 2e-3));
        assert!(rate(1.5) < rate(3.0) && rate(6.0) < rate(3.0));
        assert!(close(rate(10.0), 2e-7));
        // No jump where the rise meets the fall.
        assert!((rate(2.999) - rate(3.001)).abs() < 1e-5);
    }

    #[test]
    fn a_training_shorter_than_its_warm_up_is_finite() {
        for schedule in [Schedule::Constant, Schedule::Cosine, Schedule::OneCycle] {
            let rate = with(schedule).rate(0.9, 1.0);
            assert!(rate.is_finite() && rate > 0.0);
        }
    }
}
