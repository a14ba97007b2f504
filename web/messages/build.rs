//! Lists the languages: one file each in `languages/`. Only their names go into the program.

use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=languages");
    let mut files: Vec<PathBuf> = fs::read_dir("languages")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|kind| kind == "json"));
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        list.push_str(&entry(file)?);
    }
    list.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    fs::write(out.join("languages.rs"), list)?;
    Ok(())
}

/// The table's line about the language of `file`.
fn entry(file: &Path) -> Result<String, Box<dyn Error>> {
    let at = file.display();
    let code = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .ok_or_else(|| format!("{at}: name it after its language, such as de.json"))?;
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(file)?)
        .map_err(|error| format!("{at}: {error}"))?;
    let field = |name: &str| {
        json["language"][name]
            .as_str()
            .ok_or_else(|| format!("{at}: there is no text at language.{name}"))
    };
    let direction = match field("direction")? {
        "ltr" => "LeftToRight",
        "rtl" => "RightToLeft",
        other => return Err(format!("{at}: direction is ltr or rtl, not {other}").into()),
    };
    let mut line = String::new();
    writeln!(
        line,
        "    Language {{ code: {code:?}, name: {:?}, direction: Direction::{direction} }},",
        field("name")?
    )?;
    Ok(line)
}
