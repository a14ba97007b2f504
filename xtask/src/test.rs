//! Runs the tests: native, in wasm, and of the whole page in a browser.

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::browser::{self, Browser};
use crate::serve::Server;
use crate::shell::{Cmd, OrTodo, failure, path_with, which};
use crate::steps::{Steps, note};
use crate::toolchain::{self, ENGINES, TARGET};
use crate::{dirs, page, python, tools};

/// The kinds of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Unit, property and parity tests on this machine.
    Unit,
    /// The engines' tests, compiled to wasm, in a browser.
    Wasm,
    /// The page's tests in a browser.
    E2e,
}

/// What to do about a failed test.
const MEND: &str = "Mend what the test runner names above. `cargo xtask test --only unit`, `wasm` or `e2e` runs \
    one kind again.";

/// The step that installs what `python` describes.
pub const PYTHON_STEP: &str = "Python packages for export tests";

/// Installs what the tests of these kinds need, and runs them.
pub fn run(steps: &mut Steps, only: Option<Kind>) -> Result<()> {
    let wants = |kind| only.is_none_or(|only| only == kind);
    if wants(Kind::Unit) {
        let vulkan = steps.run("Vulkan driver", browser::ensure_vulkan)?;
        let python = steps.run(PYTHON_STEP, python::ensure)?;
        steps.run("unit, property and parity tests", || {
            // The default members: what the page's crates test, they test in a browser.
            Cmd::cargo()
                .args(["test"])
                .envs(vulkan)
                .envs(python.map(|python| (python::VARIABLE, python)))
                .dir(dirs::root())
                .run()
                .or_todo("a native test failed", MEND)
        })?;
    }
    if !(wants(Kind::Wasm) || wants(Kind::E2e)) {
        return Ok(());
    }
    let wasm = steps.run("Rust for wasm32", toolchain::ensure)?;
    let tools = steps.run("tools", tools::ensure)?;
    let browser = steps.run("browser", browser::ensure)?;
    if wants(Kind::Wasm) {
        let calls: [&[&str]; 4] = [
            &["scanlight-engine", "--tests", "--features", ENGINES],
            &["scanlight-reader", "--features", "worker"],
            &["scanlight-tuner", "--features", "worker"],
            &["scanlight-web"],
        ];
        for options in calls {
            steps.run(&format!("wasm tests, {}", options[0]), || {
                Cmd::cargo()
                    .args(["test", "--release", "--target", TARGET, "--package"])
                    .args(options)
                    .envs(wasm.env.iter().cloned())
                    .env(
                        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                        &tools.test_runner,
                    )
                    .env("CHROMEDRIVER", &browser.driver)
                    .env("WASM_BINDGEN_TEST_TIMEOUT", "600")
                    .env("PATH", path_with(&tools.path)?)
                    .dir(dirs::root())
                    .run()
                    .or_todo("a wasm test failed", MEND)
            })?;
        }
    }
    if wants(Kind::E2e) {
        steps.run("page", || page::build(&wasm, &tools))?;
        steps.run("browser packages", install_packages)?;
        steps.run("end-to-end tests", || end_to_end(&browser))?;
    }
    Ok(())
}

/// What the page's tests use: a driver for the browser, a checker of accessibility, and one of the package's types.
const PACKAGES: [&str; 3] = ["playwright-core", "axe-core", "typescript"];

/// Installs what `web/e2e/package.json` names, unless it is there.
pub fn install_packages() -> Result<()> {
    let folder = dirs::root().join("web").join("e2e");
    let wanted = std::fs::read_to_string(folder.join("package.json"))
        .context("cannot read web/e2e/package.json")?;
    for package in PACKAGES {
        let version = json_string(&wanted, package)
            .with_context(|| format!("web/e2e/package.json names no {package}"))?;
        let installed = folder
            .join("node_modules")
            .join(package)
            .join("package.json");
        let there = std::fs::read_to_string(installed)
            .is_ok_and(|text| json_string(&text, "version") == Some(version));
        if !there {
            return tools::npm_install(&folder, &[]);
        }
        note(&format!("{package} {version} is there"));
    }
    Ok(())
}

/// The first string under `key` in a JSON text of a known shape.
fn json_string<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{key}\""))?;
    let rest = rest.trim_start().strip_prefix(':')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Serves the page and runs its tests in the browser.
fn end_to_end(browser: &Browser) -> Result<()> {
    if which("node").is_none() {
        return Err(failure(
            "there is no node on PATH",
            "Install Node.js 20 or newer, then run the command again.",
        ));
    }
    let folder = dirs::root().join("web").join("e2e");
    let tests = test_files(&folder)?;
    if tests.is_empty() {
        return Err(failure(
            format!("{} holds no *.test.mjs", folder.display()),
            "Restore the end-to-end tests from git.",
        ));
    }
    let server = Server::bind_any()?;
    let url = server.url.clone();
    note(&format!("serving the page at {url}"));
    server.run_aside(&page::folder());

    let mut call = Cmd::new("node")
        // One file at a time: two browsers at once make each other's timings worthless.
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"])
        .args(tests)
        .env("SCANLIGHT_URL", url)
        .env("CHROME", &browser.chrome)
        .dir(&folder);
    let data = dirs::root().join("../shared/data");
    if let Some(data) = data.canonicalize().ok().filter(|data| data.is_dir()) {
        call = call.env("SCANLIGHT_DATA", data);
    }
    // Built by the tests before these; without it the comparison with the trainer is left out.
    let trainer = dirs::root()
        .join("target/debug")
        .join(format!("scanlight{}", std::env::consts::EXE_SUFFIX));
    if trainer.is_file() {
        call = call.env("SCANLIGHT_TRAINER", trainer);
    }
    call.run().or_todo("an end-to-end test failed", MEND)
}

/// The test files, by name. Node 20 does not expand patterns itself.
fn test_files(folder: &Path) -> Result<Vec<String>> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_string_of_a_json_text() {
        let json =
            "{\n \"name\": \"x\",\n \"devDependencies\": { \"playwright-core\" : \"1.64.1\" }\n}";
        assert_eq!(json_string(json, "playwright-core"), Some("1.64.1"));
        assert_eq!(json_string(json, "version"), None);
    }

    #[test]
    fn the_browser_packages_have_exact_versions() -> Result<()> {
        let json = std::fs::read_to_string(dirs::root().join("web/e2e/package.json"))?;
        for package in PACKAGES {
            let version = json_string(&json, package).unwrap_or_default();
            assert!(
                version.split('.').count() == 3
                    && version.chars().all(|c| c.is_ascii_digit() || c == '.'),
                "{package} {version}"
            );
        }
        Ok(())
    }
}
