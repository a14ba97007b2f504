//! Tables of lesions' boxes, such as `slices.csv`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::measures::LesionBox;

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Path relative to the data set's folder, with `/`.
    pub path: String,
    /// The class as the table spells it.
    pub label: String,
    /// Whose slice it is; its own path where the table names no patients.
    pub patient: String,
    /// Where the lesion is; none for a healthy head.
    pub lesion: Option<LesionBox>,
}

/// What a table holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BoxTable {
    /// The good lines, in order.
    pub slices: Vec<Slice>,
    /// The others, each with its number and what is wrong.
    pub malformed: Vec<String>,
}

/// The columns that a table must have; `patient` may be there, others are ignored.
const COLUMNS: [&str; 6] = ["path", "label", "x_center", "y_center", "width", "height"];

/// Reads a table.
///
/// # Errors
/// A file that cannot be read, or without the columns. Malformed lines are listed, not errors.
pub fn read(path: &Path) -> Result<BoxTable> {
    if !path.is_file() {
        bail!(
            "there is no table of boxes {}; name one with --boxes (columns {}, patient; boxes in \
             fractions of the image), or draw a set that has one with `scanlight synth`",
            path.display(),
            COLUMNS.join(", ")
        );
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    parse(&text).with_context(|| format!("{} is no table of boxes", path.display()))
}

fn parse(text: &str) -> Result<BoxTable> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let (_, header) = lines.next().context("it is empty")?;
    let names: Vec<&str> = header.split(',').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|n| *n == name);
    let mut at = [0; COLUMNS.len()];
    for (place, name) in at.iter_mut().zip(COLUMNS) {
        *place = column(name).with_context(|| {
            format!("its first line {header:?} names no column {name:?}; it needs {COLUMNS:?}")
        })?;
    }
    let patient = column("patient");
    let mut table = BoxTable::default();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let slice = if fields.len() == names.len() {
            slice(at.map(|place| fields[place]), patient.map(|p| fields[p]))
        } else {
            Err(format!(
                "{} fields instead of {}",
                fields.len(),
                names.len()
            ))
        };
        match slice {
            Ok(slice) if seen.insert(slice.path.clone()) => table.slices.push(slice),
            Ok(slice) => table.malformed.push(format!(
                "line {}: {} is there already",
                index + 1,
                slice.path
            )),
            Err(reason) => table
                .malformed
                .push(format!("line {}: {reason}", index + 1)),
        }
    }
    Ok(table)
}

fn slice(
    [path, label, numbers @ ..]: [&str; COLUMNS.len()],
    patient: Option<&str>,
) -> Result<Slice, String> {
    if path.is_empty() || label.is_empty() {
        return Err("no path or no label".into());
    }
    let lesion = if numbers.iter().all(|field| field.is_empty()) {
        None
    } else {
        let mut values = [0.0; 4];
        for (value, (field, name)) in values.iter_mut().zip(numbers.iter().zip(&COLUMNS[2..])) {
            *value = field
                .parse()
                .map_err(|_| format!("{path}: {name} is {field:?}, not a number"))?;
        }
        let lesion = LesionBox::from_centre(values);
        Some(lesion.ok_or_else(|| format!("{path}: the box {values:?} lies outside the image"))?)
    };
    Ok(Slice {
        path: path.into(),
        label: label.into(),
        patient: patient.filter(|p| !p.is_empty()).unwrap_or(path).into(),
        lesion,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let text = "\u{feff}width,path,label,height,y_center,x_center,plane\r\n\
                    0.2,a/1.png,a,0.4,0.5,0.3,axial\r\n,b/1.png,b,,,,axial\r\n";
        let table = parse(text).unwrap();
        assert_eq!(table.malformed, Vec::<String>::new());
        let first = &table.slices[0];
        assert_eq!(
            (first.path.as_str(), first.label.as_str()),
            ("a/1.png", "a")
        );
        assert_eq!(first.patient, "a/1.png");
        let lesion = first.lesion.unwrap();
        assert!((lesion.left - 0.2).abs() < 1e-6 && (lesion.bottom - 0.7).abs() < 1e-6);
        assert_eq!(table.slices[1].lesion, None);
    }

    #[test]
    fn bad_lines_are_named_and_left_out() {
        let text = "path,label,patient,x_center,y_center,width,height\n\
                    a/1,a,p1,0.5,0.5,0.2,0.2\n\
                    a/2,a,p1,0.5,oops,0.2,0.2\n\
                    a/3,a,p1,0.5,0.5\n\
                    a/4,a,p1,1.5,0.5,0.2,0.2\n\
                    a/5,a,p1,0.5,0.5,0,0.2\n\
                    a/6,a,p1,0.5,NaN,0.2,0.2\n\
                    ,a,p1,0.5,0.5,0.2,0.2\n\
                    a/1,a,p1,0.5,0.5,0.2,0.2\n\n\
                    a/9,a,p2,0.5,0.5,0.2,0.2\n";
        let table = parse(text).unwrap();
        let paths: Vec<&str> = table.slices.iter().map(|s| s.path.as_str()).collect();
        assert_eq!(paths, ["a/1", "a/9"]);
        assert_eq!(table.slices[1].patient, "p2");
        assert_eq!(table.malformed.len(), 7, "{:?}", table.malformed);
        assert!(table.malformed[0].starts_with("line 3: a/2: y_center is \"oops\""));
        assert!(table.malformed[1].contains("5 fields instead of 7"));
    }

    #[test]
    fn a_table_without_the_columns_is_refused() {
        let error = parse("path,label\na,b\n").unwrap_err().to_string();
        assert!(error.contains("x_center"), "{error}");
        assert!(parse("").is_err());
    }
}
