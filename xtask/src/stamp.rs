//! Tells whether the built page is up to date: a hash of all that it is made from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What the page is made from, relative to the repository's root.
const SOURCES: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "shared",
    "web",
    "public",
    "xtask/src/csp.rs",
    "xtask/src/offline.rs",
    "xtask/src/page.rs",
    "xtask/src/split.rs",
];

/// Folders that are no source, relative to the repository's root or by name.
const LEFT_OUT: [&str; 4] = ["web/dist", "web/e2e", "node_modules", "target"];

/// A hash of the names and contents of the page's sources, and of `versions`.
pub fn of(root: &Path, versions: &str) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(root, &root.join(source), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    hash.update(versions);
    for (name, file) in &files {
        let content =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        // Lengths first, so that no two trees give the same bytes.
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_le_bytes());
        hash.update(&content);
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// Adds the files at and below `path`, under their names relative to `root`.
fn collect(root: &Path, path: &Path, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let name = relative
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/");
    let last = name.rsplit('/').next().unwrap_or(&name);
    if LEFT_OUT.contains(&name.as_str()) || LEFT_OUT.contains(&last) {
        return Ok(());
    }
    if path.is_dir() {
        for entry in
            std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?
        {
            collect(root, &entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push((name, path.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{remove_folder, write};

    /// A folder that goes when the test ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let unique = format!("xtask-stamp-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(unique))
        }

        fn put(&self, file: &str, text: &str) -> Result<()> {
            write(&self.0.join(file), text)
        }

        fn stamp(&self) -> Result<String> {
            of(&self.0, "tools")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = remove_folder(&self.0);
        }
    }

    #[test]
    fn only_sources_count() -> Result<()> {
        let folder = Folder::new("sources");
        folder.put("Cargo.toml", "a")?;
        folder.put("web/src/lib.rs", "b")?;
        let first = folder.stamp()?;
        folder.put("web/dist/index.html", "built")?;
        folder.put("web/e2e/node_modules/x/index.js", "installed")?;
        folder.put("trainer/src/main.rs", "elsewhere")?;
        assert_eq!(folder.stamp()?, first);
        folder.put("web/src/lib.rs", "c")?;
        assert_ne!(folder.stamp()?, first);
        folder.put("web/src/lib.rs", "b")?;
        assert_eq!(folder.stamp()?, first);
        Ok(())
    }

    #[test]
    fn names_and_tools_count() -> Result<()> {
        let folder = Folder::new("names");
        folder.put("public/a", "x")?;
        let first = folder.stamp()?;
        assert_ne!(of(&folder.0, "other tools")?, first);
        std::fs::rename(folder.0.join("public/a"), folder.0.join("public/b"))?;
        assert_ne!(folder.stamp()?, first);
        Ok(())
    }
}
