//! The programs that build the page: trunk, wasm-bindgen, wasm-split and wasm-opt.
//!
//! Each is used from PATH when it has the right version, and is otherwise installed into a folder of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::dirs;
use crate::shell::{Cmd, OrTodo, executables, failure, is_executable, remove_folder, which};
use crate::steps::note;

/// The last trunk that Rust 1.95 builds.
const TRUNK: &str = "0.21.14";

/// npm's `binaryen`; `web/Trunk.toml` names the same one. Debian's wasm-opt 108 makes modules that do not load.
const BINARYEN: &str = "132.0.0";

/// What cuts the page's program in two (`split.rs`); it belongs to the `wasm_split_helpers` of `web/Cargo.toml`.
const SPLITTER: &str = "0.2.4";

/// How long one install may take.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// The folders of the installed tools.
#[derive(Clone, Debug)]
pub struct Tools {
    /// What goes in front of PATH.
    pub path: Vec<PathBuf>,
    /// wasm-bindgen itself.
    pub wasm_bindgen: PathBuf,
    /// The runner of wasm tests.
    pub test_runner: PathBuf,
    /// What cuts a program in two.
    pub splitter: PathBuf,
    /// What makes programs smaller.
    pub wasm_opt: PathBuf,
}

/// The versions of all the tools, for telling whether a page is up to date.
pub fn versions() -> Result<String> {
    Ok(format!(
        "trunk {TRUNK}, wasm-bindgen {}, wasm-split {SPLITTER}, binaryen {BINARYEN}",
        wasm_bindgen_version()?
    ))
}

/// Installs whatever is missing.
pub fn ensure() -> Result<Tools> {
    let trunk = trunk()?;
    let (wasm_bindgen, test_runner) = wasm_bindgen()?;
    let splitter = splitter()?;
    let wasm_opt = wasm_opt()?;
    let mut path = Vec::new();
    for program in [&wasm_bindgen, &wasm_opt, &trunk] {
        let folder = program
            .parent()
            .with_context(|| format!("{} is in no folder", program.display()))?;
        if !path.iter().any(|known| known == folder) {
            path.push(folder.to_owned());
        }
    }
    Ok(Tools {
        path,
        wasm_bindgen,
        test_runner,
        splitter,
        wasm_opt,
    })
}

/// The program `name` if a version check finds it right, first on PATH, then in `folder`.
fn find(name: &str, folder: &Path, version: &str) -> Option<PathBuf> {
    which(name)
        .into_iter()
        .chain(executables(folder, name))
        .find(|program| is_executable(program) && has_version(program, version))
}

/// Whether `program --version` prints this version.
fn has_version(program: &Path, version: &str) -> bool {
    Cmd::new(program)
        .arg("--version")
        .output()
        .is_ok_and(|text| prints_version(&text, version))
}

/// Whether the version stands in the text as a word.
fn prints_version(text: &str, version: &str) -> bool {
    text.split_whitespace().any(|word| word == version)
}

/// trunk, which drives the build of the page.
fn trunk() -> Result<PathBuf> {
    let folder = dirs::tools().join(format!("trunk-{TRUNK}"));
    let bin = folder.join("bin");
    if let Some(found) = find("trunk", &bin, TRUNK) {
        note(&format!("trunk {TRUNK}: {}", found.display()));
        return Ok(found);
    }
    note(&format!(
        "installing trunk {TRUNK} from its source (5 to 8 minutes on two cores)"
    ));
    cargo_install("trunk", TRUNK, &folder, |call| {
        call.args([
            "--locked",
            "--no-default-features",
            "--features",
            "rustls",
            "--profile",
            "dev",
        ])
    })?;
    installed("trunk", &bin, TRUNK)
}

/// wasm-bindgen and its test runner, in the version of the library that the page is built with.
fn wasm_bindgen() -> Result<(PathBuf, PathBuf)> {
    const RUNNER: &str = "wasm-bindgen-test-runner";
    let version = wasm_bindgen_version()?;
    let folder = dirs::tools().join(format!("wasm-bindgen-{version}"));
    let bin = folder.join("bin");
    let both = || {
        Some((
            find("wasm-bindgen", &bin, &version)?,
            find(RUNNER, &bin, &version)?,
        ))
    };
    if let Some(found) = both() {
        note(&format!("wasm-bindgen {version}: {}", found.0.display()));
        return Ok(found);
    }
    note(&format!(
        "installing wasm-bindgen {version} from its source (2 to 4 minutes on two cores)"
    ));
    // Not --locked: the lock file of 0.2.130 names a version that the registry does not have.
    cargo_install("wasm-bindgen-cli", &version, &folder, |call| {
        call.args(["--profile", "dev"])
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
    })?;
    Ok((
        installed("wasm-bindgen", &bin, &version)?,
        installed(RUNNER, &bin, &version)?,
    ))
}

/// wasm-split, which cuts a program in two. It does not tell its version: its folder does.
fn splitter() -> Result<PathBuf> {
    const PROGRAM: &str = "wasm-split-cli";
    let folder = dirs::tools().join(format!("wasm-split-{SPLITTER}"));
    let installed = || {
        executables(&folder.join("bin"), PROGRAM)
            .into_iter()
            .find(|program| is_executable(program))
    };
    if let Some(found) = installed() {
        note(&format!("wasm-split {SPLITTER}: {}", found.display()));
        return Ok(found);
    }
    note(&format!(
        "installing wasm-split {SPLITTER} from its source (a minute on two cores)"
    ));
    cargo_install("wasm_split_cli_support", SPLITTER, &folder, |call| {
        call.args(["--locked", "--features", "build-binary", "--profile", "dev"])
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
    })?;
    installed().ok_or_else(|| {
        failure(
            format!(
                "wasm-split {SPLITTER} was installed but is not in {}",
                folder.display()
            ),
            format!("Remove {} and run the command again.", folder.display()),
        )
    })
}

/// wasm-opt, which makes the modules smaller.
fn wasm_opt() -> Result<PathBuf> {
    let major = BINARYEN.split('.').next().unwrap_or(BINARYEN);
    let folder = dirs::tools().join(format!("binaryen-{BINARYEN}"));
    let bin = folder.join("node_modules").join(".bin");
    if let Some(found) = find("wasm-opt", &bin, major) {
        note(&format!("wasm-opt {major}: {}", found.display()));
        return Ok(found);
    }
    note(&format!("installing wasm-opt {major} from npm"));
    npm_install(&folder, &[&format!("binaryen@{BINARYEN}")])?;
    installed("wasm-opt", &bin, major)
}

/// The program that an install has just put into `bin`.
fn installed(name: &str, bin: &Path, version: &str) -> Result<PathBuf> {
    executables(bin, name)
        .into_iter()
        .find(|program| is_executable(program) && has_version(program, version))
        .ok_or_else(|| {
            failure(
                format!(
                    "{name} {version} was installed but does not start from {}",
                    bin.display()
                ),
                format!(
                    "Remove {} and run the command again.",
                    dirs::tools().display()
                ),
            )
        })
}

/// Builds a program from crates.io into `folder`; a stopped build goes on where it was.
fn cargo_install(
    name: &str,
    version: &str,
    folder: &Path,
    options: impl FnOnce(Cmd) -> Cmd,
) -> Result<()> {
    let target = dirs::tools().join("build").join(name);
    let call = Cmd::cargo()
        .args(["install", name, "--version", version, "--force"])
        .arg("--root")
        .arg(folder)
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        // Outside the repository, whose settings are for its own crates.
        .dir(std::env::temp_dir())
        .limit(LIMIT);
    options(call).run().or_todo(
        &format!("cannot install {name} {version}"),
        &format!(
            "See cargo's message above. With crates.io in reach, run the command again: it goes on where it was. \
             A {name} {version} of your own on PATH is used as it is."
        ),
    )?;
    remove_folder(&target)
}

/// Installs npm packages into `folder`, without running their scripts.
pub fn npm_install(folder: &Path, packages: &[&str]) -> Result<()> {
    has_npm()?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    Cmd::npm()
        .args(["install", "--no-audit", "--no-fund", "--no-package-lock"])
        .args(["--ignore-scripts", "--prefix"])
        .arg(folder)
        .args(packages)
        .dir(folder)
        .limit(LIMIT)
        .log(dirs::logs().join("npm.log"))
        .run()
        .or_todo(
            "npm could not install what is needed",
            "With the npm registry in reach, run the command again.",
        )
}

/// Installs just what the lock file in `folder` names, without running scripts.
pub fn npm_ci(folder: &Path) -> Result<()> {
    has_npm()?;
    Cmd::npm()
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .dir(folder)
        .limit(LIMIT)
        .log(dirs::logs().join("npm.log"))
        .run()
        .or_todo(
            "npm could not install what is needed",
            "With the npm registry in reach, run the command again.",
        )
}

/// An error that says what to do where npm is missing.
fn has_npm() -> Result<()> {
    if which("npm").is_some() {
        return Ok(());
    }
    Err(failure(
        "there is no npm on PATH",
        "Install Node.js 20 or newer, which brings npm, then run the command again.",
    ))
}

/// The version of wasm-bindgen in the lock file.
pub fn wasm_bindgen_version() -> Result<String> {
    let file = dirs::root().join("Cargo.lock");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    locked_version(&text, "wasm-bindgen")
        .map(str::to_owned)
        .with_context(|| format!("{} names no wasm-bindgen", file.display()))
}

/// The version of a package in the text of a `Cargo.lock`.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let quoted = |line: &'a str, key: &str| -> Option<&'a str> {
        line.strip_prefix(key)?
            .trim_start()
            .strip_prefix('=')?
            .trim()
            .strip_prefix('"')?
            .strip_suffix('"')
    };
    let mut lines = lock.lines();
    lines.find(|line| quoted(line, "name") == Some(package))?;
    lines
        .take_while(|line| !line.starts_with("[["))
        .find_map(|line| quoted(line, "version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\
        source = \"registry\"\n\n[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.80\"\n\n\
        [[package]]\nname = \"bare\"\n\n[[package]]\nname = \"after\"\nversion = \"1.0.0\"\n";

    #[test]
    fn reads_a_packages_version() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(LOCK, "wasm-bindgen-futures"), Some("0.4.80"));
        assert_eq!(locked_version(LOCK, "wasm"), None);
        assert_eq!(locked_version(LOCK, "bare"), None);
        assert_eq!(locked_version("", "wasm-bindgen"), None);
    }

    #[test]
    fn reads_windows_line_ends() {
        let lock = LOCK.replace('\n', "\r\n");
        assert_eq!(locked_version(&lock, "wasm-bindgen"), Some("0.2.130"));
    }

    #[test]
    fn a_version_is_a_whole_word() {
        assert!(prints_version("wasm-opt version 132 (version_132)", "132"));
        assert!(prints_version("wasm-bindgen 0.2.130", "0.2.130"));
        assert!(prints_version("trunk 0.21.14", "0.21.14"));
        assert!(!prints_version("wasm-opt version 108", "132"));
        assert!(!prints_version("wasm-bindgen 0.2.130", "0.2.13"));
    }

    #[test]
    fn trunk_is_told_the_same_wasm_opt() -> Result<()> {
        let config = std::fs::read_to_string(dirs::root().join("web/Trunk.toml"))?;
        let major = BINARYEN.split('.').next().unwrap_or_default();
        assert!(config.contains(&format!("wasm_opt = \"version_{major}\"")));
        Ok(())
    }

    #[test]
    fn the_repository_locks_a_wasm_bindgen() -> Result<()> {
        assert!(wasm_bindgen_version()?.starts_with("0.2."));
        Ok(())
    }
}
