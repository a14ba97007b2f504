//! Feeds mutated files to the decoders for a while: `cargo xtask fuzz`.
//!
//! `--target NAME` (all one after another), `--seconds N` for each, `--seed N`; `--input FILE` runs one file;
//! `--write-corpus` makes the corpus's files anew. What was found lies in `target/fuzz/`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "corpus/mod.rs"]
mod corpus;
#[path = "../fuzz/mod.rs"]
mod fuzz;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzz::{TARGETS, Target};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most memory that a file may take: what a browser's tab can give.
const MOST_MEMORY: usize = 2 << 30;
/// The longest that a file may take.
const LONGEST: Duration = Duration::from_secs(20);
/// Findings after which a target is given up.
const ENOUGH: usize = 10;

/// Seconds since the start at which the input that runs now began; 0 while none runs.
static BEGAN: AtomicU64 = AtomicU64::new(0);

struct Options {
    target: Option<String>,
    seconds: u64,
    seed: u64,
    input: Option<PathBuf>,
    write_corpus: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        target: None,
        seconds: 60,
        seed: 1,
        input: None,
        write_corpus: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match word.as_str() {
            "--target" => options.target = Some(value()?),
            "--seconds" => options.seconds = number(value()?)?,
            "--seed" => options.seed = number(value()?)?,
            "--input" => options.input = Some(value()?.into()),
            "--write-corpus" => options.write_corpus = true,
            _ => return Err(format!("unknown option {word}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    if options.write_corpus {
        corpus::write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"));
        return ExitCode::SUCCESS;
    }
    let chosen: Vec<Target> = TARGETS
        .into_iter()
        .filter(|t| options.target.as_deref().is_none_or(|name| name == t.name))
        .collect();
    if chosen.is_empty() {
        let names = TARGETS.map(|target| target.name).join(", ");
        eprintln!("error: there is no such target; they are {names}");
        return ExitCode::from(2);
    }
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/fuzz");
    std::fs::create_dir_all(&found).unwrap();
    // Panics are findings: their text is shown with the input's path.
    std::panic::set_hook(Box::new(|_| {}));
    watch();
    let mut findings = 0;
    for target in &chosen {
        findings += match &options.input {
            Some(path) => usize::from(one(target, &std::fs::read(path).unwrap()).is_some()),
            None => run(target, &options, &found),
        };
    }
    if findings == 0 {
        ExitCode::SUCCESS
    } else {
        eprintln!("{findings} findings; run one again with --target NAME --input FILE");
        ExitCode::FAILURE
    }
}

/// Ends the program where an input takes far too long: nothing else can.
fn watch() {
    let start = Instant::now();
    std::thread::spawn(move || {
        let mut last = 0;
        let mut since = start;
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let number = BEGAN.load(Ordering::Relaxed);
            if number != last {
                (last, since) = (number, Instant::now());
            } else if number != 0 && since.elapsed() > 3 * LONGEST {
                eprintln!(
                    "an input runs for a minute: it is the newest .current file in target/fuzz"
                );
                std::process::abort();
            }
        }
    });
}

/// Runs one input; what is wrong, if anything is.
fn one(target: &Target, input: &[u8]) -> Option<String> {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let start = Instant::now();
    BEGAN.fetch_add(1, Ordering::Relaxed);
    let panic = target.panics(input);
    let memory = MEMORY.peak_usage().saturating_sub(before);
    let problem = if let Some(text) = panic {
        format!("panic: {text}")
    } else if memory > MOST_MEMORY {
        format!("{} MiB of memory", memory >> 20)
    } else if start.elapsed() > LONGEST {
        format!("{:.0} s", start.elapsed().as_secs_f64())
    } else {
        return None;
    };
    eprintln!("{}: {problem}", target.name);
    Some(problem)
}

fn run(target: &Target, options: &Options, found: &Path) -> usize {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    // What runs now lies in a file, for what no program survives: no memory, no stack.
    let current = found.join(format!("{}.current", target.name));
    let (mut count, mut findings, mut most) = (0u64, 0, 0);
    for input in target.inputs(options.seed) {
        if Instant::now() >= end || findings >= ENOUGH {
            break;
        }
        std::fs::write(&current, &input).unwrap();
        if one(target, &input).is_some() {
            let path = found.join(format!("{}-{}-{count}.bin", target.name, options.seed));
            std::fs::write(&path, &input).unwrap();
            eprintln!("    input: {}", path.display());
            findings += 1;
        }
        most = most.max(MEMORY.peak_usage());
        count += 1;
    }
    let _ = std::fs::remove_file(&current);
    println!(
        "{}: {count} inputs in {} s, {findings} findings, at most {} MiB",
        target.name,
        options.seconds,
        most >> 20
    );
    findings
}
