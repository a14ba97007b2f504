//! One contestant outside the browser, and all of them as a table.

use anyhow::Result;
use serde_json::{Value, json};

use crate::bench::material::{Material, TOLERANCE};
use crate::bench::stats::{Summary, digits};
use crate::bench::{difference, numbers};

/// One contestant's times in seconds, of all rounds.
#[derive(Debug, Default)]
pub struct Row {
    /// Its engine or execution provider.
    pub name: String,
    /// Number of threads; none where they are no matter of the CPU's.
    pub threads: Option<usize>,
    /// Whether `scanlight` runs it.
    pub ours: bool,
    /// Why it has no times.
    pub failure: Option<String>,
    /// What a peer says it is.
    engine: Option<String>,
    /// The largest difference from the reference's probabilities.
    difference: f64,
    /// Input plane to probabilities.
    network: Vec<f64>,
    /// Input plane to probabilities and maps; peers have none.
    explained: Vec<f64>,
    /// The file to the same.
    whole: Vec<f64>,
}

impl Row {
    /// A contestant without times.
    pub fn new(name: &str, threads: Option<usize>, ours: bool) -> Self {
        Self {
            name: name.to_owned(),
            threads,
            ours,
            ..Self::default()
        }
    }

    /// Takes one round's times, unless the answer is another one than the reference.
    pub fn take(&mut self, found: &Value, material: &Material) -> Result<()> {
        let difference = difference(&numbers(&found["probabilities"]), &material.reference);
        anyhow::ensure!(
            difference <= TOLERANCE,
            "its probabilities differ by {difference:.1e}"
        );
        self.difference = self.difference.max(difference);
        self.network.extend(numbers(&found["network"]));
        self.explained.extend(numbers(&found["explained"]));
        self.whole.extend(numbers(&found["whole"]));
        if !self.ours {
            // With the provider that really ran.
            self.engine = found["engine"].as_str().map(str::to_owned);
        }
        Ok(())
    }

    /// Its name in tables.
    fn title(&self) -> String {
        let name = match self.name.as_str() {
            "direct" => "Scanlight's direct path",
            "candle" => "burn-candle",
            "wgpu" => "burn-wgpu",
            "cuda" => "burn-cuda",
            "tch" => "burn-tch",
            "CPUExecutionProvider" => "ONNX Runtime",
            other => {
                return format!(
                    "ONNX Runtime, {}",
                    other.trim_end_matches("ExecutionProvider")
                );
            }
        };
        name.to_owned()
    }

    /// All its times, for the results file.
    pub fn json(&self) -> Value {
        json!({
            "name": self.title(),
            "engine": self.engine,
            "threads": self.threads,
            "failure": self.failure,
            "difference": self.difference,
            "network_seconds": self.network,
            "explained_seconds": self.explained,
            "whole_seconds": self.whole,
        })
    }
}

/// The results as a Markdown table; ratios are to the fastest ONNX Runtime.
pub fn table(rows: &[Row]) -> String {
    let best = rows
        .iter()
        .filter(|row| !row.ours && row.failure.is_none())
        .filter_map(|row| Summary::of(&row.network))
        .map(|summary| summary.median)
        .fold(f64::INFINITY, f64::min);
    let mut table = String::from(
        "Milliseconds for one image: medians, with the quarters around them.\n\n\
         | engine | threads | network alone | with Grad-CAM | from the file to Grad-CAM | of the best ONNX Runtime \
         | differs by |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let threads = row
            .threads
            .map_or("-".to_owned(), |threads| threads.to_string());
        if let Some(failure) = &row.failure {
            table += &format!(
                "| {} | {threads} | failed: {failure} | | | | |\n",
                row.title()
            );
            continue;
        }
        let show = |values: &[f64]| {
            Summary::of(values).map_or("-".to_owned(), |summary| summary.show(1e3))
        };
        let ratio = Summary::of(&row.network)
            .filter(|_| best.is_finite())
            .map_or("-".to_owned(), |summary| digits(summary.median / best));
        table += &format!(
            "| {} | {threads} | {} | {} | {} | {ratio} | {:.1e} |\n",
            row.title(),
            show(&row.network),
            show(&row.explained),
            show(&row.whole),
            row.difference
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, ours: bool, network: &[f64]) -> Row {
        Row {
            network: network.to_vec(),
            ..Row::new(name, Some(1), ours)
        }
    }

    #[test]
    fn ratios_are_to_the_best_peer() {
        let mut failed = row("CPUExecutionProvider", false, &[0.000_1]);
        failed.failure = Some("its probabilities differ by 2e-1".into());
        let rows = [
            row("direct", true, &[0.004, 0.005, 0.006]),
            row("CPUExecutionProvider", false, &[0.010]),
            row("CPUExecutionProvider", false, &[0.020]),
            failed,
        ];
        let table = table(&rows);
        assert!(
            table.contains("| Scanlight's direct path | 1 | 5.00 (4.50 to 5.50) | - | - | 0.50 |")
        );
        assert!(table.contains("| ONNX Runtime | 1 | 20.0 (20.0 to 20.0) | - | - | 2.00 |"));
        assert!(table.contains("failed: its probabilities differ by 2e-1"));
    }

    #[test]
    fn another_answer_is_not_timed() {
        let material = Material {
            program: "".into(),
            model: "".into(),
            id: "m".into(),
            onnx: "".into(),
            image: "".into(),
            plane: "".into(),
            reference: vec![0.75, 0.25],
        };
        let mut row = row("direct", true, &[]);
        let wrong = json!({ "probabilities": [0.70, 0.30], "network": [0.1] });
        assert!(row.take(&wrong, &material).is_err());
        assert!(row.network.is_empty());
        let right = json!({ "probabilities": [0.7501, 0.2499], "network": [0.1] });
        assert!(row.take(&right, &material).is_ok());
        assert_eq!(row.network, [0.1]);
    }
}
