//! The contestants' npm packages, in the versions of the lock file.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::bench::folder;
use crate::dirs;
use crate::shell::write;
use crate::steps::note;
use crate::tools;

/// Installs them below `target/` unless they are there; gives the folder that holds `node_modules`.
pub fn ensure() -> Result<PathBuf> {
    let folder = folder().join("npm");
    let read = |name: &str| {
        let file = dirs::root().join("xtask/bench/web").join(name);
        std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
    };
    let lock = read("package-lock.json")?;
    let stamp = folder.join("installed.json");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == lock) {
        note("the packages are there");
        return Ok(folder);
    }
    note("installing onnxruntime-web and TensorFlow.js from npm (60 MB to download)");
    write(&folder.join("package.json"), &read("package.json")?)?;
    write(&folder.join("package-lock.json"), &lock)?;
    tools::npm_ci(&folder)?;
    write(&stamp, &lock)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn package(folder: &str) -> Result<Value> {
        let file = dirs::root().join(folder).join("package.json");
        Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
    }

    #[test]
    fn every_package_has_an_exact_version() -> Result<()> {
        let wanted = package("xtask/bench/web")?;
        let wanted = wanted["dependencies"].as_object().cloned();
        let wanted = wanted.unwrap_or_default();
        assert!(wanted.len() >= 5);
        for (name, version) in &wanted {
            let version = version.as_str().unwrap_or_default();
            assert!(
                version.split('.').count() == 3
                    && version.chars().all(|c| c.is_ascii_digit() || c == '.'),
                "{name}: {version}"
            );
        }
        Ok(())
    }

    #[test]
    fn the_tests_and_the_benchmark_use_one_browser_library() -> Result<()> {
        let here = package("xtask/bench/web")?["dependencies"]["playwright-core"].clone();
        assert_eq!(
            here,
            package("web/e2e")?["devDependencies"]["playwright-core"]
        );
        Ok(())
    }

    #[test]
    fn the_lock_file_names_no_server() -> Result<()> {
        let lock = std::fs::read_to_string(dirs::root().join("xtask/bench/web/package-lock.json"))?;
        assert!(!lock.contains("\"resolved\""));
        Ok(())
    }
}
