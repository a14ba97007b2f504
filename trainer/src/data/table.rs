//! Comma-separated tables (RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>).

use std::path::Path;

use anyhow::{Context, Result, bail};

/// A table with named columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    header: Vec<String>,
    /// The rows below the header, each as long as it.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table's text; `name` stands in messages.
    ///
    /// # Errors
    /// No header, an open quotation mark, or a row with another number of fields than the header.
    pub fn parse(text: &str, name: &Path) -> Result<Self> {
        let mut lines = records(text.trim_start_matches('\u{feff}'))
            .with_context(|| format!("{} ends inside quotation marks", name.display()))?
            .into_iter()
            .filter(|(_, fields)| fields.len() > 1 || !fields[0].is_empty());
        let (_, header) = lines.next().with_context(|| {
            format!("{} is empty; its first line names columns", name.display())
        })?;
        let mut rows = Vec::new();
        for (line, fields) in lines {
            if fields.len() != header.len() {
                bail!(
                    "{} line {line} has {} fields, but its first line names {} columns",
                    name.display(),
                    fields.len(),
                    header.len()
                );
            }
            rows.push(fields);
        }
        Ok(Self { header, rows })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column.trim() == name)
    }
}

/// Records with the line on which each starts; `None` where a quotation mark stays open.
fn records(text: &str) -> Option<Vec<(usize, Vec<String>)>> {
    let mut found = Vec::new();
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut line, mut start, mut quoted) = (1, 1, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            _ if quoted => field.push(letter),
            '"' if field.is_empty() => quoted = true,
            ',' => fields.push(std::mem::take(&mut field)),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                fields.push(std::mem::take(&mut field));
                found.push((start, std::mem::take(&mut fields)));
                start = line;
            }
            _ => field.push(letter),
        }
    }
    if quoted {
        return None;
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        found.push((start, fields));
    }
    Some(found)
}

/// A line of a table, its end included; fields are put in quotation marks where they must be.
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for (index, field) in fields.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mistakes_name_file_and_line() {
        let parse = |text: &str| Table::parse(text, Path::new("t.csv"));
        let message = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(message("").contains("t.csv is empty"));
        assert!(message("a,b\n1\n").contains("line 2 has 1 fields"));
        assert!(message("a,b\n\"x\ny\",2\n1,2,3\n").contains("line 4 has 3"));
        assert!(message("a,b\n\"1,2\n").contains("quotation marks"));
        let table = parse("\u{feff}a,b\r\n\"x, \"\"y\"\"\",2\r\n\r\n").unwrap();
        assert_eq!(table.column("b"), Some(1));
        assert_eq!(table.rows, [["x, \"y\"", "2"]]);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a\",\r\n é]{0,6}", 3), 0..6),
        ) {
            let mut text = line(["one", "two", "three"]);
            for row in &rows {
                text += &line(row.iter().map(String::as_str));
            }
            prop_assert_eq!(Table::parse(&text, Path::new("t")).unwrap().rows, rows);
        }
    }
}
