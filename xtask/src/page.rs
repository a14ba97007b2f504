//! Builds the release page into `web/dist`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::shell::{Cmd, OrTodo, path_with, write};
use crate::split::Split;
use crate::steps::note;
use crate::toolchain::Wasm;
use crate::tools::{self, Tools};
use crate::{csp, dirs, offline, stamp};

/// The file in `web/dist` that tells from what the page was built; trunk removes it with the page.
const STAMP: &str = ".stamp";

/// Where the built page lies.
pub fn folder() -> PathBuf {
    dirs::root().join("web").join("dist")
}

/// Builds the page, unless it is up to date.
pub fn build(wasm: &Wasm, tools: &Tools) -> Result<()> {
    let root = dirs::root();
    let dist = folder();
    let compiler = compiler(wasm)?;
    let versions = || Ok::<_, anyhow::Error>(format!("{}, {compiler}", tools::versions()?));
    if is_current(&dist, &stamp::of(&root, &versions()?)?) {
        note("the page is up to date");
        return Ok(());
    }
    note("the first build takes 10 to 15 minutes on two cores, later ones less");
    let split = Split::begin(tools)?;
    let path: Vec<PathBuf> = std::iter::once(&split.path)
        .chain(&tools.path)
        .cloned()
        .collect();
    Cmd::new("trunk")
        .args(["build", "--release", "--cargo-profile", "wasm"])
        .env("PATH", path_with(&path)?)
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        // trunk reads NO_COLOR as a truth value and refuses the customary 1.
        .env_remove("NO_COLOR")
        .envs(wasm.env.iter().cloned())
        .envs(split.env.iter().cloned())
        .dir(root.join("web"))
        .run()
        .or_todo(
            "the page does not build",
            "Mend what the compiler or trunk names above, then run the command again; \
             what was built so far is kept.",
        )?;
    split.finish(&dist)?;
    let index = dist.join("index.html");
    let html = std::fs::read_to_string(&index)
        .with_context(|| format!("trunk left no {}", index.display()))?;
    write(&index, &csp::allow_inline_scripts(&html)?)?;
    let worker = root.join("web").join("sw.js");
    let template = std::fs::read_to_string(&worker)
        .with_context(|| format!("cannot read {}", worker.display()))?;
    offline::write_worker(&dist, &template)?;
    // The build may have completed Cargo.lock.
    write(&dist.join(STAMP), &stamp::of(&root, &versions()?)?)
}

/// Whether the page in `dist` was built from just these sources.
fn is_current(dist: &Path, stamp: &str) -> bool {
    dist.join("index.html").is_file()
        && std::fs::read_to_string(dist.join(STAMP)).is_ok_and(|known| known == stamp)
}

/// The compiler's version.
fn compiler(wasm: &Wasm) -> Result<String> {
    let program = wasm
        .env
        .iter()
        .find(|(name, _)| name == "RUSTC")
        .map_or_else(|| "rustc".into(), |(_, path)| path.clone());
    Cmd::new(program).arg("--version").output()
}
