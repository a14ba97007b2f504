//! Our numbers as shares of the best peer's, beside what the project asks of itself.

use super::measure::Measure;
use super::results::{Bytes, Contestant, Results};
use crate::bench::stats::digits;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Ratio {
    /// What is compared.
    pub measure: &'static str,
    /// Our number, as it is shown.
    pub ours: String,
    /// The best peer's, as it is shown, and who that is; nothing where the bar is absolute.
    pub peer: Option<(String, String)>,
    /// Ours divided by the peer's.
    pub ratio: Option<f64>,
    /// At most this much is asked for; nothing where nothing is.
    pub bar: Option<f64>,
    /// Whether it depends on the speed of what computes.
    is_time: bool,
    /// Whether our number is within the bar; nothing where that cannot be told.
    pub met: Option<bool>,
}

/// In bytes.
const MEGABYTE: f64 = 1e6;

/// The lines for one of our contestants.
pub fn of(results: &Results, ours: &Contestant) -> Vec<Ratio> {
    let peers = |path: &str, prefix: &str| -> Vec<&Contestant> {
        results
            .contestants
            .iter()
            .filter(|peer| !peer.ours && peer.failure.is_none())
            .filter(|peer| peer.path == path && peer.name.starts_with(prefix))
            .collect()
    };
    let gpu = ours.path == "webgpu";
    let same = peers(&ours.path, "");
    let mut lines = Vec::new();
    let mut add = |line: Option<Ratio>| lines.extend(line);

    let (share, limit) = if gpu { (0.35, 1.6) } else { (0.30, 0.8) };
    let (all, program) = (|bytes: Bytes| bytes.total(), |bytes: Bytes| bytes.program);
    let onnxruntime = peers(&ours.path, "ort-");
    let total = ours.bytes.total();
    let bytes = |measure, part: fn(Bytes) -> f64, peers: &[&Contestant], bar| {
        bytes(measure, ours, part, peers, bar)
    };
    add(bytes(
        "bytes to the first answer, of onnxruntime-web",
        all,
        &onnxruntime,
        Some(share),
    ));
    add(bytes("bytes to the first answer", all, &same, None));
    add(bytes(
        "of them the program, of onnxruntime-web's",
        program,
        &onnxruntime,
        None,
    ));
    add(Some(Ratio {
        measure: "bytes to the first answer, MB",
        ours: digits(total / MEGABYTE),
        peer: None,
        ratio: None,
        is_time: false,
        bar: Some(limit),
        met: Some(total <= limit * MEGABYTE),
    }));
    add(times(
        "cold start",
        ours,
        Measure::Cold,
        &same,
        Measure::Cold,
        Some(0.7),
    ));
    add(times(
        "start from the cache",
        ours,
        Measure::Cached,
        &same,
        Measure::Cached,
        None,
    ));
    add(times(
        "classify",
        ours,
        Measure::Classify,
        &same,
        Measure::Classify,
        Some(1.0),
    ));
    if !gpu {
        let threads = peers("threads", "");
        let measure = Measure::Classify;
        add(times(
            "classify, of peers with threads",
            ours,
            measure,
            &threads,
            measure,
            None,
        ));
    }
    add(times(
        "classify with Grad-CAM, of our own classify",
        ours,
        Measure::WithMaps,
        &[ours],
        Measure::Classify,
        Some(1.25),
    ));
    add(times(
        "file to answer",
        ours,
        Measure::Whole,
        &same,
        Measure::Whole,
        None,
    ));
    add(times(
        "memory",
        ours,
        Measure::Memory,
        &same,
        Measure::Memory,
        None,
    ));
    add(ours.long_tasks().map(|[middle, longest]| Ratio {
        measure: "longest main-thread task, ms",
        ours: long_task(middle, longest),
        peer: None,
        ratio: None,
        is_time: false,
        bar: Some(50.0),
        met: Some(middle <= 50.0),
    }));
    if gpu && results.software {
        // A program that pretends to be a GPU says nothing of speed.
        for line in &mut lines {
            if line.is_time {
                line.met = None;
            }
        }
    }
    lines
}

fn bytes(
    measure: &'static str,
    ours: &Contestant,
    part: fn(Bytes) -> f64,
    peers: &[&Contestant],
    bar: Option<f64>,
) -> Option<Ratio> {
    let best = peers
        .iter()
        .min_by(|a, b| part(a.bytes).total_cmp(&part(b.bytes)))?;
    let show = |bytes: f64| format!("{} MB", digits(bytes / MEGABYTE));
    let (own, peer) = (part(ours.bytes), part(best.bytes));
    let ratio = own / peer;
    Some(Ratio {
        measure,
        ours: show(own),
        peer: Some((show(peer), best.title.clone())),
        ratio: Some(ratio),
        is_time: false,
        bar,
        met: bar.map(|bar| ratio <= bar),
    })
}

fn times(
    measure: &'static str,
    ours: &Contestant,
    our: Measure,
    peers: &[&Contestant],
    their: Measure,
    bar: Option<f64>,
) -> Option<Ratio> {
    let own = ours.summary(our)?.median;
    let (best, peer) = peers
        .iter()
        .filter_map(|peer| Some((peer.summary(their)?.median, peer)))
        .min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let show = |value: f64| match our {
        Measure::Memory => format!("{} MB", digits(value / MEGABYTE)),
        _ => format!("{} ms", digits(value)),
    };
    let ratio = own / best;
    Some(Ratio {
        measure,
        ours: show(own),
        peer: Some((show(best), peer.title.clone())),
        ratio: Some(ratio),
        is_time: our != Measure::Memory,
        bar,
        met: bar.map(|bar| ratio <= bar),
    })
}

/// The longest task of the middle visit and, where that is another, of all. The browser tells only of tasks above 50 ms.
pub fn long_task(middle: f64, longest: f64) -> String {
    let show = |task: f64| match task {
        task if task > 0.0 => digits(task),
        _ => "below 50".to_owned(),
    };
    if middle == longest {
        show(middle)
    } else {
        format!("{} (at most {})", show(middle), show(longest))
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::sample;
    use super::*;

    fn line(measure: &str) -> Option<Ratio> {
        let results = Results::read(&sample());
        of(&results, &results.contestants[0])
            .into_iter()
            .find(|line| line.measure == measure)
    }

    #[test]
    fn bars_are_kept_or_missed() {
        let cold = line("cold start").unwrap();
        assert_eq!((cold.ratio, cold.met), (Some(0.3), Some(true)));
        let maps = line("classify with Grad-CAM, of our own classify").unwrap();
        assert_eq!((maps.ratio, maps.met), (Some(1.1), Some(true)));
        let bytes = line("bytes to the first answer, of onnxruntime-web").unwrap();
        assert_eq!((bytes.ratio, bytes.met), (Some(0.2005), Some(true)));
        assert_eq!(
            line("longest main-thread task, ms").unwrap().met,
            Some(true)
        );
    }

    #[test]
    fn a_failed_peer_is_no_peer() {
        let mut raw = sample();
        raw["results"][1]["failure"] = "gone".into();
        let results = Results::read(&raw);
        let lines = of(&results, &results.contestants[0]);
        assert!(lines.iter().all(|line| line.measure != "cold start"));
    }

    #[test]
    fn a_software_gpu_meets_no_bar_of_speed() {
        let mut raw = sample();
        for contestant in 0..2 {
            raw["results"][contestant]["path"] = "webgpu".into();
        }
        let results = Results::read(&raw);
        let lines = of(&results, &results.contestants[0]);
        let met = |measure: &str| {
            lines
                .iter()
                .find(|line| line.measure == measure)
                .map(|line| line.met)
        };
        assert_eq!(met("cold start"), Some(None));
        assert_eq!(met("bytes to the first answer, MB"), Some(Some(true)));
    }

    #[test]
    fn a_missed_bar_is_told() {
        let mut raw = sample();
        raw["results"][0]["visits"][0]["classify"] = serde_json::json!([11.0]);
        let results = Results::read(&raw);
        let lines = of(&results, &results.contestants[0]);
        let classify = lines.iter().find(|line| line.measure == "classify");
        assert_eq!(classify.and_then(|line| line.met), Some(false));
    }
}
