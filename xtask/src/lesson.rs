//! Makes the ready lesson of drawn heads: `scanlight synth` draws them and says where it drew a tumour.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use scanlight_lessons::{Case, Lesson, Rect, Text, parse};
use serde_json::Value;

use crate::dirs;
use crate::shell::{Cmd, OrTodo, failure, remove_folder, write};
use crate::steps::{Steps, note};

/// Heads of each class that are drawn: one for each plane.
const PER_CLASS: &str = "3";

/// The cases, in the order of the lesson: a class, and the number of the drawing. Of the twelve drawings of seed 0 ten
/// are enough.
const CASES: [(&str, u32); 10] = [
    ("meningioma", 0),
    ("glioma", 1),
    ("notumor", 2),
    ("pituitary", 0),
    ("glioma", 0),
    ("notumor", 1),
    ("meningioma", 1),
    ("pituitary", 2),
    ("notumor", 0),
    ("glioma", 2),
];

/// The lesson's words in all languages.
const TEXTS: &str = include_str!("lesson/texts.json");

/// Where the cases come from, and where the lesson goes.
#[derive(Args)]
pub struct MakeLesson {
    /// The lesson's folder
    #[arg(long, default_value = "public/lessons/synthetic")]
    out: PathBuf,
    /// What `scanlight synth --per-class 3` has drawn already; without it the trainer is built and draws
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

impl MakeLesson {
    /// Draws the heads, unless they are there, and writes the lesson.
    pub fn run(&self, steps: &mut Steps) -> Result<()> {
        let drawn = match &self.from {
            Some(folder) => folder.clone(),
            None => steps.run("drawn heads", draw)?,
        };
        steps.run("lesson", || write_lesson(&drawn, &self.out))
    }
}

/// Has the trainer draw the heads.
fn draw() -> Result<PathBuf> {
    let folder = dirs::root().join("target").join("lesson");
    remove_folder(&folder)?;
    Cmd::cargo()
        .args(["run", "--release", "--package", "scanlight", "--", "synth"])
        .args(["--per-class", PER_CLASS, "--seed", "0", "--out"])
        .arg(&folder)
        .dir(dirs::root())
        .run()
        .or_todo(
            "the heads were not drawn",
            "Mend what the trainer says above, or give --from a folder that `scanlight synth` has filled.",
        )?;
    Ok(folder)
}

/// Writes the lesson of the heads in `drawn` into `out`.
fn write_lesson(drawn: &Path, out: &Path) -> Result<()> {
    let table = drawn.join("slices.csv");
    let text = std::fs::read_to_string(&table)
        .with_context(|| format!("cannot read {}", table.display()))?;
    let slices = slices(&text).with_context(|| format!("in {}", table.display()))?;
    let texts: Value = serde_json::from_str(TEXTS).context("lesson/texts.json")?;
    let mut cases = Vec::new();
    for (number, (class, drawing)) in (1..).zip(CASES) {
        let path = format!("{class}/{class}_{drawing:04}.png");
        let slice = slices
            .iter()
            .find(|slice| slice["path"] == path)
            .ok_or_else(|| {
                failure(
                    format!("{} lists no {path}", table.display()),
                    format!("Draw anew: scanlight synth --per-class {PER_CLASS} --out DIR"),
                )
            })?;
        let bytes =
            std::fs::read(drawn.join(&path)).with_context(|| format!("cannot read {path}"))?;
        let image = format!("case-{number:02}.png");
        let place = place(slice, size(&bytes).with_context(|| path.clone())?);
        std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
        std::fs::write(out.join(&image), &bytes)
            .with_context(|| format!("cannot write {image} in {}", out.display()))?;
        cases.push(Case {
            image,
            class: Some(class.into()),
            place,
            hint: Some(words(&texts["hints"][&slice["plane"]])?),
            explanation: Some(words(&texts["explanations"][class])?),
        });
    }
    let count = cases.len();
    let lesson = Lesson {
        title: words(&texts["title"])?,
        about: Some(words(&texts["about"])?),
        synthetic: true,
        cases,
    };
    let text = lesson.to_json("../lesson.schema.json")?;
    // What the page would say of it.
    if let Err(problems) = parse(&text) {
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::bail!("the lesson is bad: {}", said.join("; "));
    }
    write(&out.join("lesson.json"), &text)?;
    note(&format!("{count} cases in {}", out.display()));
    Ok(())
}

/// The rows of a table, by the names of its columns. No field of a drawn data set has a comma in it.
fn slices(table: &str) -> Result<Vec<BTreeMap<String, String>>> {
    let mut lines = table.lines();
    let names: Vec<&str> = lines
        .next()
        .context("the table is empty")?
        .split(',')
        .collect();
    for name in ["path", "plane", "x_center", "y_center", "width", "height"] {
        anyhow::ensure!(names.contains(&name), "the table has no column {name}");
    }
    let row = |line: &str| {
        let fields = line.split(',').map(str::to_owned);
        names
            .iter()
            .map(|&name| name.to_owned())
            .zip(fields)
            .collect()
    };
    Ok(lines.map(row).collect())
}

/// A row's box in pixels; nothing where it has none. The table rounds to the fourth digit, which is less than a pixel: the
/// generator's edges lie between pixels.
fn place(slice: &BTreeMap<String, String>, size: [u32; 2]) -> Option<Rect> {
    let number = |name: &str| slice.get(name)?.parse::<f64>().ok();
    let edges = |middle: f64, length: f64, side: u32| {
        let side = f64::from(side);
        let from = ((middle - length / 2.0) * side).round();
        (from, (length * side).round())
    };
    let (x, width) = edges(number("x_center")?, number("width")?, size[0]);
    let (y, height) = edges(number("y_center")?, number("height")?, size[1]);
    Some(Rect {
        x,
        y,
        width,
        height,
    })
}

/// A PNG's width and height, which its header holds.
fn size(png: &[u8]) -> Result<[u32; 2]> {
    let side = |at: usize| {
        let bytes = png.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes))
    };
    match (png.starts_with(b"\x89PNG"), side(16), side(20)) {
        (true, Some(width), Some(height)) => Ok([width, height]),
        _ => anyhow::bail!("it is no PNG"),
    }
}

fn words(texts: &Value) -> Result<Text> {
    serde_json::from_value(texts.clone()).context("lesson/texts.json lacks a text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_the_generators() -> Result<()> {
        let table = "path,label,x_center,y_center,width,height,plane\n\
                     glioma/glioma_0000.png,glioma,0.4961,0.3301,0.1016,0.1367,axial\n\
                     notumor/notumor_0000.png,notumor,,,,,axial\n";
        let rows = slices(table)?;
        let found = place(&rows[0], [256, 256]);
        let expected = Rect {
            x: 114.0,
            y: 67.0,
            width: 26.0,
            height: 35.0,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(place(&rows[1], [256, 256]), None);
        assert!(slices("path,label\n").is_err());
        Ok(())
    }

    #[test]
    fn every_language_has_every_text() -> Result<()> {
        let texts: Value = serde_json::from_str(TEXTS)?;
        let mut all = vec![&texts["title"], &texts["about"]];
        for group in ["hints", "explanations"] {
            all.extend(
                texts[group]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(_, text)| text),
            );
        }
        assert_eq!(all.len(), 2 + 3 + 4);
        for text in all {
            let text = words(text)?;
            for code in ["en", "de", "es", "ar"] {
                assert_eq!(text.say(code).language, Some(code));
            }
        }
        Ok(())
    }

    #[test]
    fn only_drawings_that_are_there_become_a_lesson() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-lesson-{}", std::process::id()));
        write(
            &folder.join("slices.csv"),
            "path,plane,x_center,y_center,width,height\n",
        )?;
        let error = write_lesson(&folder, &folder.join("out")).err();
        remove_folder(&folder)?;
        let said = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("meningioma/meningioma_0000.png"), "{said}");
        Ok(())
    }
}
