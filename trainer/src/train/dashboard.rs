//! What a person sees of a training: a live dashboard on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::record::{EpochRecord, State};
use crate::progress::{Progress, duration};

/// Width of the curves and bars in characters.
const WIDTH: usize = 30;
/// Lines of the view; none is longer than a terminal's 80 characters.
const LINES: usize = 8;

/// Numbers of the step that is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StepStatus {
    /// Finished steps of the epoch.
    pub step: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Learning rate.
    pub rate: f64,
    /// Length of the gradient.
    pub gradient_norm: f64,
    /// Training images a second.
    pub images_per_second: f64,
}

/// Shows how a training goes.
pub struct Dashboard {
    epochs: u32,
    steps: usize,
    start: Instant,
    /// Progress in epochs when this session began.
    from: f64,
    history: Vec<EpochRecord>,
    best: Option<(u32, f64)>,
    live: Option<Live>,
    plain: Option<Progress>,
}

/// The lines on a terminal.
struct Live {
    all: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Dashboard {
    /// Begins to show a training of so many epochs of so many steps, from a state on; `history` is
    /// what the run logged before.
    pub fn new(epochs: u32, steps: usize, state: &State, history: Vec<EpochRecord>) -> Self {
        let live = std::io::stderr().is_terminal().then(|| {
            let all = MultiProgress::new();
            let lines = (0..LINES)
                .map(|_| {
                    let line = all.add(ProgressBar::new_spinner());
                    if let Ok(style) = ProgressStyle::with_template("{msg}") {
                        line.set_style(style);
                    }
                    line
                })
                .collect();
            Live { all, lines }
        });
        Self {
            epochs,
            steps: steps.max(1),
            start: Instant::now(),
            from: f64::from(state.epoch) + f64::from(state.step) / steps.max(1) as f64,
            history,
            best: (state.best_epoch > 0).then_some((state.best_epoch, state.best_loss)),
            live,
            plain: None,
        }
    }

    /// An epoch (counted from 0) begins.
    pub fn begin(&mut self, epoch: u32) {
        if self.live.is_none() {
            let title = format!("epoch {}", epoch + 1);
            self.plain = Some(Progress::new(&title, self.steps as u64));
        }
    }

    /// A step is done.
    pub fn step(&self, epoch: u32, status: StepStatus) {
        if let Some(progress) = &self.plain {
            progress.set(status.step as u64, &format!("loss {:.4}", status.loss));
        }
        self.draw(epoch, status);
    }

    /// The epoch's validation begins.
    pub fn validating(&self) {
        if let Some(line) = self.live.as_ref().and_then(|live| live.lines.get(1)) {
            line.set_message("validating …");
        }
    }

    /// An epoch is done.
    pub fn end(&mut self, record: EpochRecord, state: &State) {
        self.best = (state.best_epoch > 0).then_some((state.best_epoch, state.best_loss));
        let left = self.left(f64::from(record.epoch));
        let line = epoch_line(&record, self.epochs, left);
        let epoch = record.epoch;
        self.history.push(record);
        self.plain = None;
        match &self.live {
            Some(live) => {
                let _ = live.all.println(line);
                // The step counter stands at the end of this epoch, not in one that may never come.
                self.draw(
                    epoch - 1,
                    StepStatus {
                        step: self.steps,
                        ..StepStatus::default()
                    },
                );
            }
            None => eprintln!("{line}"),
        }
    }

    /// Nothing more will be shown.
    pub fn finish(&self) {
        if let Some(live) = &self.live {
            for line in &live.lines {
                line.finish_and_clear();
            }
        }
    }

    /// Seconds left, from the speed of this session.
    fn left(&self, at: f64) -> f64 {
        let done = (at - self.from).max(1e-6);
        self.start.elapsed().as_secs_f64() / done * (f64::from(self.epochs) - at).max(0.0)
    }

    fn draw(&self, epoch: u32, status: StepStatus) {
        let Some(live) = &self.live else { return };
        let at = f64::from(epoch) + status.step as f64 / self.steps as f64;
        let view = View {
            epochs: self.epochs,
            steps: self.steps,
            epoch,
            at,
            left: self.left(at),
            history: &self.history,
            best: self.best,
            status,
        };
        for (line, text) in live.lines.iter().zip(view.lines()) {
            line.set_message(text);
        }
    }
}

/// One epoch in a line.
fn epoch_line(record: &EpochRecord, epochs: u32, left: f64) -> String {
    let averaged = match (record.ema_validation_loss, record.ema_validation_accuracy) {
        (Some(loss), Some(accuracy)) => format!(
            " (mean {loss:.4})  accuracy {:.4} (mean {accuracy:.4})",
            record.validation_accuracy
        ),
        _ => format!("  accuracy {:.4}", record.validation_accuracy),
    };
    format!(
        "epoch {:>3}/{epochs}  train loss {:.4}  validation loss {:.4}{averaged}  clean train {:.4}  {:.0} images/s  {}  eta {}{}",
        record.epoch,
        record.train_loss,
        record.validation_loss,
        record.clean_train_accuracy,
        record.images_per_second.unwrap_or_default(),
        duration(record.seconds),
        duration(left),
        if record.best { "  best" } else { "" }
    )
}

/// What the dashboard shows at a moment.
struct View<'a> {
    epochs: u32,
    steps: usize,
    /// The epoch that is under way, counted from 0.
    epoch: u32,
    /// Progress in epochs.
    at: f64,
    /// Seconds.
    left: f64,
    history: &'a [EpochRecord],
    best: Option<(u32, f64)>,
    status: StepStatus,
}

impl View<'_> {
    fn lines(&self) -> [String; LINES] {
        let status = &self.status;
        // The better of the trained weights and their mean, as they are kept.
        let loss = |record: &EpochRecord| {
            let mean = record.ema_validation_loss.unwrap_or(f64::INFINITY);
            mean.min(record.validation_loss)
        };
        let accuracy = |record: &EpochRecord| {
            let mean = record.ema_validation_accuracy.unwrap_or(0.0);
            mean.max(record.validation_accuracy)
        };
        let best = self.best.map_or(String::new(), |(epoch, loss)| {
            format!("  best {loss:.4} (epoch {epoch})")
        });
        [
            format!(
                "training         {}  {:.1}/{} epochs  eta {}",
                bar(self.at / f64::from(self.epochs.max(1)), WIDTH),
                self.at,
                self.epochs,
                duration(self.left)
            ),
            format!(
                "epoch {:<4}       {}  {}/{}  {:.0} images/s",
                self.epoch + 1,
                bar(status.step as f64 / self.steps as f64, WIDTH),
                status.step,
                self.steps,
                status.images_per_second
            ),
            self.curve("train loss", "", |r| r.train_loss, decimals),
            self.curve("validation loss", &best, loss, decimals),
            self.curve("accuracy", "", accuracy, decimals),
            self.curve("clean train", "", |r| r.clean_train_accuracy, decimals),
            self.curve(
                "learning rate",
                "",
                |r| r.learning_rate,
                |v| format!("{v:.1e}"),
            ),
            format!(
                "this step        loss {:.4}  learning rate {:.1e}  gradient {:.2}",
                status.loss, status.rate, status.gradient_norm
            ),
        ]
    }

    /// A number of all epochs so far: its name, its curve, its newest value and a remark.
    fn curve(
        &self,
        name: &str,
        remark: &str,
        number: impl Fn(&EpochRecord) -> f64,
        write: impl Fn(f64) -> String,
    ) -> String {
        let values: Vec<f64> = self.history.iter().map(number).collect();
        let newest = values.last().map_or(String::new(), |value| write(*value));
        format!(
            "{name:<15}  {}  {newest}{remark}",
            sparkline(&values, WIDTH)
        )
    }
}

/// A loss or a share.
fn decimals(value: f64) -> String {
    format!("{value:.4}")
}

/// A bar of so many characters, filled to a share.
fn bar(share: f64, width: usize) -> String {
    let filled = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    "█".repeat(filled) + &"░".repeat(width - filled)
}

/// A curve of so many characters from its lowest to its highest value; of a longer series, as many
/// means of neighbours. Values that are no numbers are gaps.
pub fn sparkline(values: &[f64], width: usize) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let columns = values.len().min(width);
    let means: Vec<f64> = (0..columns)
        .map(|column| {
            let part =
                &values[column * values.len() / columns..(column + 1) * values.len() / columns];
            part.iter().sum::<f64>() / part.len().max(1) as f64
        })
        .collect();
    let finite = || means.iter().copied().filter(|v| v.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let range = finite().fold(f64::NEG_INFINITY, f64::max) - low;
    let mut text: String = means
        .iter()
        .map(|&value| {
            if !value.is_finite() {
                return ' ';
            }
            let level = if range > 0.0 {
                (value - low) / range
            } else {
                0.0
            };
            LEVELS[(level * 7.0).round() as usize]
        })
        .collect();
    text.extend(std::iter::repeat_n(' ', width - columns));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_go_from_low_to_high() {
        assert_eq!(sparkline(&[0.0, 1.0, 0.5], 5), "▁█▅  ");
        assert_eq!(sparkline(&[2.0, 2.0], 2), "▁▁");
        assert_eq!(sparkline(&[], 3), "   ");
        assert_eq!(sparkline(&[1.0, f64::NAN, 0.0], 3), "█ ▁");
        let long: Vec<f64> = (0..400).map(f64::from).collect();
        let text = sparkline(&long, 8);
        assert_eq!(text, "▁▂▃▄▅▆▇█");
    }

    #[test]
    fn a_bar_fills() {
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!((bar(-1.0, 2), bar(7.0, 2)), ("░░".into(), "██".into()));
    }

    #[test]
    fn the_view_names_the_best_epoch_and_the_step() {
        let record = |epoch, loss| EpochRecord {
            epoch,
            train_loss: loss * 2.0,
            validation_loss: loss,
            validation_accuracy: 0.8,
            ema_validation_loss: Some(loss / 2.0),
            ema_validation_accuracy: Some(0.9),
            ..EpochRecord::default()
        };
        let history = [record(1, 1.0), record(2, 0.5), record(3, 0.7)];
        let view = View {
            epochs: 10,
            steps: 20,
            epoch: 3,
            at: 3.25,
            left: 65.0,
            history: &history,
            best: Some((2, 0.25)),
            status: StepStatus {
                step: 5,
                loss: 1.25,
                rate: 2e-3,
                gradient_norm: 1.5,
                images_per_second: 44.0,
            },
        };
        let lines = view.lines();
        let text = lines.join("\n");
        for part in [
            "3.2/10 epochs  eta 1m05s",
            "0.3500  best 0.2500 (epoch 2)",
            "0.9000",
            "epoch 4",
            "5/20  44 images/s",
            "loss 1.2500  learning rate 2.0e-3  gradient 1.50",
            "█▁▄",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        for line in &lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
        // After the last step the epoch is not yet the next one.
        let ended = View {
            epoch: 2,
            at: 3.0,
            status: StepStatus {
                step: 20,
                ..view.status
            },
            ..view
        };
        assert!(ended.lines()[1].starts_with("epoch 3 "));
        let line = epoch_line(&history[2], 10, 5.0);
        assert!(
            line.contains("validation loss 0.7000 (mean 0.3500)"),
            "{line}"
        );
    }
}
