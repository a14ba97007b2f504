//! Writes the service worker: which files belong to this version of the page, with their hashes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::shell::{failure, write};

/// What `web/index.html` and `web/sw.js` hold in place of the page's version.
const VERSION: &str = "__VERSION__";

/// What `web/index.html` holds in place of the default model.
/// Of several words, as what takes its place: or the page's quotation marks around it are thought superfluous.
const MODEL: &str = "__MODEL__ __WEIGHTS__ __SHA256__";

/// What `web/sw.js` holds in place of the list of files.
const FILES: &str = "__FILES__";

/// The service worker in `web` and in the built page.
const WORKER: &str = "sw.js";

/// Hashes by path.
type Hashes = BTreeMap<String, String>;

/// Writes the version into the page that lies in `dist`, and the service worker from `template` beside it.
pub fn write_worker(dist: &Path, template: &str) -> Result<()> {
    let index = dist.join("index.html");
    let html = std::fs::read_to_string(&index)
        .with_context(|| format!("cannot read {}", index.display()))?;
    for (text, place, file) in [
        (html.as_str(), VERSION, "web/index.html"),
        (html.as_str(), MODEL, "web/index.html"),
        (template, VERSION, "web/sw.js"),
        (template, FILES, "web/sw.js"),
    ] {
        if !text.contains(place) {
            return Err(failure(
                format!("{file} holds no {place}"),
                format!(
                    "Restore {place} in {file}: the build writes the page's version, model or files there."
                ),
            ));
        }
    }
    let default = default_model(dist)?;
    let html = html.replace(MODEL, &weights(dist, &default)?);
    let mut hashes = Hashes::new();
    collect(dist, "", &mut hashes)?;
    let version = version(&html, &hashes);
    let html = html.replace(VERSION, &version);
    write(&index, &html)?;
    // The page itself is asked for by its folder.
    hashes.insert(String::new(), hash(html.as_bytes()));
    let (kept, more): (Hashes, Hashes) = hashes
        .into_iter()
        .partition(|(path, _)| is_kept(path, &default));
    let files = serde_json::to_string_pretty(&json!({ "kept": kept, "more": more }))?;
    write(
        &dist.join(WORKER),
        &template.replace(VERSION, &version).replace(FILES, &files),
    )
}

/// A hash of everything the page is made of.
fn version(html: &str, hashes: &Hashes) -> String {
    let mut all = Sha256::new();
    all.update(html);
    for (path, hash) in hashes {
        all.update(path);
        all.update(hash);
    }
    let mut version = hex(all);
    version.truncate(16);
    version
}

/// The files below `folder` of the built page that the page may ask for.
fn collect(folder: &Path, prefix: &str, hashes: &mut Hashes) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), hashes)?;
        } else if is_part(&path, &name) {
            let bytes = std::fs::read(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            hashes.insert(path, hash(&bytes));
        }
    }
    Ok(())
}

/// Whether the page may ask for a file. English lies in the program; reports are for people, and so is how a lesson is
/// written.
fn is_part(path: &str, name: &str) -> bool {
    let left_out = [
        "index.html",
        WORKER,
        "languages/en.json",
        "lessons/README.md",
        "lessons/lesson.schema.json",
    ];
    let for_people = path.starts_with("models/") && matches!(name, "report.json" | "README.md");
    !(name.starts_with('.') || left_out.contains(&path) || for_people)
}

/// Whether a file is stored at once. Few machines need the WebGPU engine, few visitors other models' weights or the program
/// that trains: they are stored when they are first asked for. What the other models are, the page always says. Icons are the operating system's business.
fn is_kept(path: &str, default_model: &str) -> bool {
    let other_model = path
        .strip_prefix("models/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(id, file)| id != default_model && file != "model.json");
    let seldom = ["engine-webgpu", "scanlight-tuner"];
    !(other_model || seldom.iter().any(|name| path.contains(name)) || path.starts_with("icons/"))
}

fn default_model(dist: &Path) -> Result<String> {
    let file = dist.join("models/index.json");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let index: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let id = index["default"].as_str().unwrap_or_default();
    if id.is_empty() {
        return Err(failure(
            format!("{} names no default model", file.display()),
            "Write the id of a model's folder at `default` in public/models/index.json.",
        ));
    }
    Ok(id.to_owned())
}

/// A model's id, weights file and the hash of that, as `web/boot.js` reads them; nothing where the file's name has a
/// space in it.
fn weights(dist: &Path, id: &str) -> Result<String> {
    let file = dist.join(format!("models/{id}/model.json"));
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let manifest: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let weights = &manifest["weights"];
    let words =
        [&weights["file"], &weights["sha256"]].map(|word| word.as_str().unwrap_or_default());
    let plain = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    Ok(if plain(id) && words.iter().all(|word| plain(word)) {
        format!("{id} {} {}", words[0], words[1])
    } else {
        String::new()
    })
}

fn hash(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

fn hex(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::dirs;
    use crate::shell::remove_folder;

    const TEMPLATE: &str = "const VERSION = '__VERSION__';\nconst FILES = __FILES__;\n";

    struct Dist(PathBuf);

    impl Dist {
        fn new(name: &str) -> Result<Self> {
            let unique = format!("xtask-offline-{}-{name}", std::process::id());
            let dist = Self(std::env::temp_dir().join(unique));
            for (file, text) in [
                ("index.html", "<meta content=\"__VERSION__\">"),
                (".stamp", "x"),
                ("main-1.css", "a"),
                ("scanlight-engine-webgpu_bg.wasm", "b"),
                ("languages/en.json", "c"),
                ("languages/de.json", "d"),
                ("lessons/index.json", "l"),
                ("lessons/lesson.schema.json", "m"),
                ("models/index.json", "{\"default\":\"one\"}"),
                (
                    "models/one/model.json",
                    "{\"weights\":{\"file\":\"one.bin\",\"sha256\":\"12ab\"}}",
                ),
                ("models/one/report.json", "f"),
                ("models/two/model.json", "g"),
                ("models/two/two.bin", "k"),
            ] {
                write(&dist.0.join(file), text)?;
            }
            Ok(dist)
        }

        /// The version, and the paths that are stored at once and later.
        fn built(&self) -> Result<(String, Vec<String>, Vec<String>)> {
            write(
                &self.0.join("index.html"),
                &format!("<meta content=\"{VERSION}\" model=\"{MODEL}\">"),
            )?;
            write_worker(&self.0, TEMPLATE)?;
            let worker = std::fs::read_to_string(self.0.join(WORKER))?;
            let version = worker.split('\'').nth(1).unwrap_or_default().to_owned();
            let html = std::fs::read_to_string(self.0.join("index.html"))?;
            let expected = format!("<meta content=\"{version}\" model=\"one one.bin 12ab\">");
            assert_eq!(html, expected);
            let (_, files) = worker.split_once("FILES = ").context("no files")?;
            let files: Value = serde_json::from_str(files.trim().trim_end_matches(';'))?;
            assert_eq!(files["kept"][""], hash(html.as_bytes()));
            let paths = |part: &str| {
                let map = files[part].as_object().into_iter().flatten();
                map.map(|(path, _)| path.clone()).collect()
            };
            Ok((version, paths("kept"), paths("more")))
        }
    }

    impl Drop for Dist {
        fn drop(&mut self) {
            let _ = remove_folder(&self.0);
        }
    }

    #[test]
    fn what_is_stored_at_once_and_what_later() -> Result<()> {
        let (_, kept, more) = Dist::new("lists")?.built()?;
        let expected = [
            "",
            "languages/de.json",
            "lessons/index.json",
            "main-1.css",
            "models/index.json",
            "models/one/model.json",
            "models/two/model.json",
        ];
        assert_eq!(kept, expected);
        assert_eq!(
            more,
            ["models/two/two.bin", "scanlight-engine-webgpu_bg.wasm"]
        );
        Ok(())
    }

    #[test]
    fn any_change_makes_another_version() -> Result<()> {
        let dist = Dist::new("version")?;
        let (first, ..) = dist.built()?;
        assert_eq!(dist.built()?.0, first);
        assert_eq!(first.len(), 16);
        write(&dist.0.join("models/two/model.json"), "h")?;
        assert_ne!(dist.built()?.0, first);
        Ok(())
    }

    #[test]
    fn missing_places_are_errors() -> Result<()> {
        let dist = Dist::new("places")?;
        assert!(write_worker(&dist.0, "const FILES = __FILES__;").is_err());
        assert!(write_worker(&dist.0, "const VERSION = '__VERSION__';").is_err());
        write(&dist.0.join("index.html"), "<p>")?;
        assert!(write_worker(&dist.0, TEMPLATE).is_err());
        Ok(())
    }

    #[test]
    fn the_committed_worker_has_its_places() -> Result<()> {
        let template = std::fs::read_to_string(dirs::root().join("web").join(WORKER))?;
        assert!(template.contains(VERSION) && template.contains(FILES));
        Ok(())
    }
}
