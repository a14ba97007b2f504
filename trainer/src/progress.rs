//! Progress: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Between two lines where the output is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(20);

/// Progress of one piece of work whose steps can be counted.
pub struct Progress {
    title: String,
    total: u64,
    start: Instant,
    bar: Option<ProgressBar>,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Starts counting.
    pub fn new(title: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style =
                ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} {msg} eta {eta}");
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_prefix(title.to_string());
            bar
        });
        Self {
            title: title.into(),
            total,
            start: Instant::now(),
            bar,
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// So many steps are done.
    pub fn set(&self, done: u64, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(message.to_string());
            return;
        }
        let Ok(mut last) = self.last_line.lock() else {
            return;
        };
        if last.elapsed() >= LINE_EVERY && done > 0 && done < self.total {
            *last = Instant::now();
            let left =
                self.start.elapsed().as_secs_f64() * (self.total - done) as f64 / done as f64;
            eprintln!(
                "{} {done}/{} {message} eta {}",
                self.title,
                self.total,
                duration(left)
            );
        }
    }

    /// All steps are done.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Seconds as `1h02m`, `3m05s` or `7s`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match seconds {
        3600.. => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        60.. => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(6.6), "7s");
        assert_eq!(duration(185.0), "3m05s");
        assert_eq!(duration(3720.0), "1h02m");
        assert_eq!(duration(-1.0), "0s");
    }
}
