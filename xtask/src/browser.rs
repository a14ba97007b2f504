//! What tests need of the machine: a Chrome with its driver, and a Vulkan driver in software.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::apt;
use crate::shell::{failure, is_executable, which};
use crate::steps::note;

/// A browser and the program that drives it.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Chrome or Chromium.
    pub chrome: PathBuf,
    /// Its driver.
    pub driver: PathBuf,
}

/// The names under which a Chrome may be on PATH.
const CHROMES: [&str; 5] = [
    "google-chrome",
    "google-chrome-stable",
    "chromium",
    "chromium-browser",
    "chrome",
];

/// Finds a Chrome and its driver, or installs Debian's.
pub fn ensure() -> Result<Browser> {
    if let Some(found) = find() {
        note(&format!("browser: {}", found.chrome.display()));
        note(&format!("driver: {}", found.driver.display()));
        return Ok(found);
    }
    if !cfg!(target_os = "linux") {
        return Err(failure(
            "tests need Chrome and chromedriver",
            "Install Chrome and the chromedriver of the same version (see the chromedriver site), put both on PATH \
             or name them in CHROME and CHROMEDRIVER, then run the command again.",
        ));
    }
    note("installing Chromium and its driver (about 400 MB)");
    apt::install(&["chromium", "chromium-driver"], "the browser tests")?;
    find().ok_or_else(|| {
        failure(
            "Chromium was installed, but it or chromedriver is not on PATH",
            "Name them in CHROME and CHROMEDRIVER, then run the command again.",
        )
    })
}

/// The browser and driver that are already there.
fn find() -> Option<Browser> {
    Some(Browser {
        chrome: named("CHROME").or_else(|| CHROMES.iter().find_map(|name| which(name)))?,
        driver: named("CHROMEDRIVER").or_else(|| which("chromedriver"))?,
    })
}

/// The program that an environment variable names, when it exists.
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| is_executable(path))
}

/// The folders in which the Vulkan loader looks for drivers.
const DRIVER_FOLDERS: [&str; 3] = [
    "/usr/share/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/etc/vulkan/icd.d",
];

/// Makes sure that native wgpu finds a driver; gives the environment that tests run with.
pub fn ensure_vulkan() -> Result<Vec<(String, PathBuf)>> {
    if !cfg!(target_os = "linux") {
        note("no Vulkan driver is needed: the system brings Metal or DirectX");
        return Ok(Vec::new());
    }
    if let Some(name) = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .iter()
        .find(|name| std::env::var_os(name).is_some())
    {
        note(&format!("{name} names the Vulkan driver"));
        return Ok(Vec::new());
    }
    let drivers = drivers();
    if has_gpu() && drivers.iter().any(|driver| !is_software(driver)) {
        note("the machine has a GPU and a Vulkan driver");
        return Ok(Vec::new());
    }
    let software = match drivers.into_iter().find(|driver| is_software(driver)) {
        Some(driver) => driver,
        None => {
            note("installing Vulkan's software driver");
            apt::install(&["mesa-vulkan-drivers", "libvulkan1"], "the wgpu tests")?;
            self::drivers()
                .into_iter()
                .find(|driver| is_software(driver))
                .ok_or_else(|| {
                    failure(
                        "mesa-vulkan-drivers was installed, but brought no software driver (lvp_icd)",
                        "Name a Vulkan driver's file in VK_DRIVER_FILES, then run the command again.",
                    )
                })?
        }
    };
    note(&format!("Vulkan in software: {}", software.display()));
    // The first name is the current one; loaders before 1.3.207 know only the second.
    Ok(["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .map(|name| (name.to_owned(), software.clone()))
        .to_vec())
}

/// Whether programs started with this environment get Vulkan in software.
pub fn is_software_vulkan(environment: &[(String, PathBuf)]) -> bool {
    let own = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]
        .iter()
        .filter_map(|name| std::env::var_os(name).map(PathBuf::from));
    let mut files = environment.iter().map(|(_, file)| file.clone()).chain(own);
    files.any(|file| is_software(&file))
}

/// The installed Vulkan drivers' files.
fn drivers() -> Vec<PathBuf> {
    DRIVER_FOLDERS
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|suffix| suffix == "json"))
        .collect()
}

/// Whether a driver's file is that of lavapipe.
fn is_software(driver: &Path) -> bool {
    driver
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("lvp_icd"))
}

/// Whether the machine shows a GPU.
fn has_gpu() -> bool {
    let rendering = std::fs::read_dir("/dev/dri").is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("renderD"))
        })
    });
    rendering || Path::new("/dev/nvidiactl").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lavapipe_is_told_from_other_drivers() {
        assert!(is_software(Path::new("/x/lvp_icd.x86_64.json")));
        assert!(is_software(Path::new("/x/lvp_icd.json")));
        assert!(!is_software(Path::new("/x/radeon_icd.x86_64.json")));
    }
}
