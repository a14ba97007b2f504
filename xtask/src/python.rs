//! The Python packages with whose own readers exported models are checked.
//!
//! Python is no requirement of the project: where it or its packages are missing, those checks are left out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::dirs;
use crate::shell::{Cmd, executables, is_executable, remove_folder, which, write};
use crate::steps::note;

/// The variable that tells the tests which Python to use.
pub const VARIABLE: &str = "SCANLIGHT_PYTHON";

/// How long the packages' download may take.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// A Python with the packages; none, with the reason said, where it cannot be had.
pub fn ensure() -> Result<Option<PathBuf>> {
    if let Some(given) = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        note(&format!("{VARIABLE} is set: {}", given.display()));
        return Ok(Some(given.into()));
    }
    let wanted = dirs::root().join("trainer/tests/python/requirements.txt");
    let wanted = std::fs::read_to_string(&wanted)
        .with_context(|| format!("cannot read {}", wanted.display()))?;
    let folder = dirs::tools().join("python");
    let stamp = folder.join("requirements.txt");
    if let Some(python) = python_in(&folder)
        && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted)
    {
        note(&format!("the packages are there: {}", python.display()));
        return Ok(Some(python));
    }
    match install(&folder, &stamp, &wanted) {
        Ok(python) => Ok(Some(python)),
        Err(error) => {
            note(&format!(
                "SKIPPED: exported models are not loaded in ONNX Runtime, h5py and safetensors. {error:#}"
            ));
            Ok(None)
        }
    }
}

/// Makes a virtual environment with the packages.
fn install(folder: &Path, stamp: &Path, wanted: &str) -> Result<PathBuf> {
    let python = ["python3", "python"]
        .iter()
        .find_map(|name| which(name))
        .context("There is no python3 on PATH.")?;
    note("installing the packages (60 MB to download)");
    remove_folder(folder)?;
    Cmd::new(python)
        .args(["-m", "venv"])
        .arg(folder)
        .limit(LIMIT)
        .log(dirs::logs().join("venv.log"))
        .run()
        .context("Python could not make a virtual environment (Debian has it in python3-venv)")?;
    let python = python_in(folder).context("The virtual environment has no Python.")?;
    // Written first, so that pip reads the very lines that the stamp will hold.
    let list = folder.join("wanted.txt");
    write(&list, wanted)?;
    Cmd::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--no-input",
            "--disable-pip-version-check",
        ])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(&list)
        .limit(LIMIT)
        .log(dirs::logs().join("pip.log"))
        .run()
        .context(
            "pip could not install the packages (they want Python 3.11 or newer and PyPI in reach)",
        )?;
    write(stamp, wanted)?;
    Ok(python)
}

/// The Python of a virtual environment.
fn python_in(folder: &Path) -> Option<PathBuf> {
    let bin = folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
    executables(&bin, "python")
        .into_iter()
        .find(|program| is_executable(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_an_exact_version() -> Result<()> {
        let file = dirs::root().join("trainer/tests/python/requirements.txt");
        let text = std::fs::read_to_string(file)?;
        let packages: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(packages.len() >= 4);
        for package in packages {
            let (_, version) = package.split_once("==").unwrap_or_default();
            assert!(version.split('.').count() >= 2, "{package}");
        }
        Ok(())
    }

    #[test]
    fn an_empty_folder_has_no_python() {
        assert_eq!(python_in(Path::new("/nowhere")), None);
    }
}
