//! The results as Markdown.

use super::measure::Measure;
use super::ratios::{self, Ratio, long_task};
use super::results::{Contestant, Results};
use crate::bench::stats::{Summary, digits};

/// The whole report.
pub fn markdown(results: &Results, machine: &str) -> String {
    let mut text = format!("{machine}; Chromium {}, ", results.browser);
    text += &match &results.adapter {
        Some(name) => format!("WebGPU on {name}.\n"),
        None => "without WebGPU.\n".to_owned(),
    };
    if results.software {
        text += "\n**The WebGPU adapter is a program on the CPU: its rows prove that WebGPU works, not how fast.**\n";
    }
    let measured: Vec<&Contestant> = results
        .contestants
        .iter()
        .filter(|contestant| contestant.failure.is_none())
        .collect();
    text += &times(&measured);
    text += &sizes(&measured, results.empty);
    for ours in measured.iter().filter(|contestant| contestant.ours) {
        text += &format!(
            "\n{}, beside the best peer on the same path:\n\n",
            ours.title
        );
        text += &comparison(&ratios::of(results, ours));
    }
    for contestant in &results.contestants {
        if let Some(failure) = &contestant.failure {
            text += &format!("\n{} was not timed: {failure}.\n", contestant.title);
        }
    }
    text
}

fn times(measured: &[&Contestant]) -> String {
    // The smallest numbers: every median has at least these behind it.
    let count = |measure| {
        let counts = measured.iter().filter_map(|one| one.summary(measure));
        counts.map(|summary| summary.count).min().unwrap_or(0)
    };
    let mut text = format!(
        "\nMilliseconds: medians of {} starts and of at least {} calls, with the quarters around them.\n\n",
        count(Measure::Cold),
        count(Measure::Whole),
    );
    text += "| contestant | cold start | start from the cache | classify | classify with Grad-CAM | file to answer \
         | dropped to shown | longest main-thread task | differs by |\n|---|---|---|---|---|---|---|---|---|\n";
    for contestant in measured {
        let show = |measure| {
            contestant
                .summary(measure)
                .map_or("-".to_owned(), |summary| summary.show(1.0))
        };
        let task = contestant
            .long_tasks()
            .map_or("-".to_owned(), |[middle, longest]| {
                long_task(middle, longest)
            });
        let [cold, cached, classify, maps, whole, page] = [
            Measure::Cold,
            Measure::Cached,
            Measure::Classify,
            Measure::WithMaps,
            Measure::Whole,
            Measure::Page,
        ]
        .map(show);
        text += &format!(
            "| {} | {cold} | {cached} | {classify} | {maps} | {whole} | {page} | {task} | {:.1e} |\n",
            contestant.title, contestant.difference
        );
    }
    text
}

fn sizes(measured: &[&Contestant], [renderer, gpu]: [Option<f64>; 2]) -> String {
    let mut text = String::from(
        "\nBytes up to the first answer, brotli 11, in MB of a million, without images; peak memory in MB.\n\n\
         | contestant | program | model | all | memory |\n|---|---|---|---|---|\n",
    );
    for contestant in measured {
        let [program, model, all] = [
            contestant.bytes.program,
            contestant.bytes.model,
            contestant.bytes.total(),
        ]
        .map(|bytes| digits(bytes / 1e6));
        let memory = contestant
            .summary(Measure::Memory)
            .map_or("-".to_owned(), |summary: Summary| summary.show(1e-6));
        text += &format!(
            "| {} | {program} | {model} | {all} | {memory} |\n",
            contestant.title
        );
    }
    if let (Some(renderer), Some(gpu)) = (renderer, gpu) {
        text += &format!(
            "\nAn empty page takes {} MB in its renderer and {} MB in the GPU process, which is counted for WebGPU.\n",
            digits(renderer / 1e6),
            digits(gpu / 1e6)
        );
    }
    text
}

fn comparison(lines: &[Ratio]) -> String {
    let mut text = String::from(
        "| measure | ours | best peer | ratio | asked for | |\n|---|---|---|---|---|---|\n",
    );
    for line in lines {
        let peer = line
            .peer
            .as_ref()
            .map_or("-".to_owned(), |(value, who)| format!("{value} ({who})"));
        let ratio = line
            .ratio
            .map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        let bar = line
            .bar
            .map_or("-".to_owned(), |bar| format!("at most {bar}"));
        let met = match line.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None if line.bar.is_some() => "not told by a software GPU",
            None => "",
        };
        text += &format!(
            "| {} | {} | {peer} | {ratio} | {bar} | {met} |\n",
            line.measure, line.ours
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::sample;
    use super::*;

    #[test]
    fn the_report_holds_everyone() {
        let text = markdown(&Results::read(&sample()), "a machine, 2 threads, linux");
        assert!(text.contains("a program on the CPU"), "{text}");
        assert!(
            text.contains(
                "| Scanlight, CPU | 300 (300 to 300) | 200 (200 to 200) | 5.00 (4.50 to 5.50) |"
            ),
            "{text}"
        );
        assert!(text.contains("| onnxruntime-web | 1.00 | 1.00 | 2.00 | 250 (250 to 250) |"));
        assert!(text.contains(
            "| cold start | 300 ms | 1000 ms (onnxruntime-web) | 0.30 | at most 0.7 | met |"
        ));
        assert!(text.contains("TensorFlow.js was not timed: its probabilities differ by 0.2."));
        let columns = |line: &str| line.matches('|').count();
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        for pair in rows.windows(2) {
            let header = pair[1].starts_with("|---") || pair[0].starts_with("|---");
            assert!(!header || columns(pair[0]) == columns(pair[1]), "{pair:?}");
        }
    }
}
