//! Announces steps, times them, and tells at the end how long each took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// The steps of one command.
#[derive(Default)]
pub struct Steps {
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// Runs one step under a header that says what it does.
    pub fn run<T>(&mut self, title: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("\n==> {title}");
        let start = Instant::now();
        let result = step();
        let elapsed = start.elapsed();
        match &result {
            Ok(_) => println!("    done in {}", seconds(elapsed)),
            Err(_) => println!("    FAILED after {}", seconds(elapsed)),
        }
        self.done.push((title.to_owned(), elapsed));
        result
    }

    /// The steps and their times as a table, or nothing when there was no step.
    pub fn table(&self) -> String {
        let width = self
            .done
            .iter()
            .map(|(title, _)| title.chars().count())
            .max()
            .unwrap_or(0)
            .max("all".len());
        let total: Duration = self.done.iter().map(|(_, time)| *time).sum();
        let mut table = String::new();
        for (title, time) in &self.done {
            table.push_str(&format!("    {title:width$}  {:>9}\n", seconds(*time)));
        }
        if !self.done.is_empty() {
            table.push_str(&format!("    {:width$}  {:>9}\n", "all", seconds(total)));
        }
        table
    }
}

/// Says something about the step at work.
pub fn note(text: &str) {
    println!("    {text}");
}

/// A time in seconds, for people.
fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_every_step_and_the_sum() -> Result<()> {
        let mut steps = Steps::default();
        steps.run("first", || Ok(()))?;
        assert!(
            steps
                .run("second", || anyhow::bail!("no") as Result<()>)
                .is_err()
        );
        let table = steps.table();
        let names: Vec<_> = table
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(names, ["first", "second", "all"]);
        Ok(())
    }
}
