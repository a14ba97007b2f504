//! Where things are: the repository, and the folder for installed tools.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn root() -> PathBuf {
    let crate_folder = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    crate_folder
        .parent()
        .map(Path::to_owned)
        .unwrap_or(crate_folder)
}

/// The folder of the installed tools: `$SCANLIGHT_TOOLS`, or `scanlight/tools` in the user's cache.
pub fn tools() -> PathBuf {
    if let Some(folder) = variable("SCANLIGHT_TOOLS") {
        return std::path::absolute(&folder).unwrap_or(folder);
    }
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let cache = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home.as_ref().map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME")
    };
    cache
        .or_else(|| home.map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("scanlight")
        .join("tools")
}

/// The folder for the logs of quiet steps.
pub fn logs() -> PathBuf {
    tools().join("logs")
}

/// A variable that holds a path, unless it is empty.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_lock_file() {
        assert!(root().join("Cargo.lock").is_file());
    }
}
