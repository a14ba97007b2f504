//! Cuts what a first answer does not need off the page's program (`web/src/annex.rs`).
//!
//! That has to happen between the linker and wasm-bindgen, where trunk lets nobody in: so for the build of the page this
//! program stands in front of wasm-bindgen on PATH, under that name, cuts the page's program with `wasm-split-cli`,
//! and has the real wasm-bindgen go on with the larger part.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::dirs;
use crate::shell::{Cmd, OrTodo, failure, remove_folder, write};
use crate::tools::Tools;

/// Tells the compiler that the program will be cut (`web/build.rs`).
const SPLIT: &str = "SCANLIGHT_SPLIT";
/// The real wasm-bindgen, for the one that stands in front of it.
const WASM_BINDGEN: &str = "SCANLIGHT_WASM_BINDGEN";
/// The program that cuts.
const SPLITTER: &str = "SCANLIGHT_SPLITTER";
/// The folder for what was cut off.
const OUT: &str = "SCANLIGHT_SPLIT_OUT";

/// The program that is cut.
const PROGRAM: &str = "scanlight-web";
/// What the splitter calls the part that is cut off: by the name in `web/src/main.rs`.
const CUT_OFF: &str = "split_annex.wasm";
/// What it is called in the page.
const ANNEX: &str = "scanlight-annex.wasm";
/// The script that the page's program loads it with; the program names it.
const LOADER: &str = "__wasm_split.js";

/// What rustc's wasm32 target may use: the part that is cut off does not say it itself, as other programs do.
const FEATURES: [&str; 7] = [
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// A build during which the page's program is cut.
pub struct Split {
    /// What goes in front of PATH.
    pub path: PathBuf,
    /// What trunk and the programs that it starts are told.
    pub env: Vec<(&'static str, OsString)>,
    out: PathBuf,
    wasm_opt: PathBuf,
}

impl Split {
    /// Stands in front of wasm-bindgen.
    pub fn begin(tools: &Tools) -> Result<Self> {
        let folder = dirs::root().join("target").join("split");
        let (path, out) = (folder.join("bin"), folder.join("out"));
        remove_folder(&folder)?;
        for folder in [&path, &out] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        let own = std::env::current_exe().context("this program does not know its own file")?;
        let stand_in = path.join(format!("wasm-bindgen{}", std::env::consts::EXE_SUFFIX));
        std::fs::hard_link(&own, &stand_in)
            .or_else(|_| std::fs::copy(&own, &stand_in).map(|_| ()))
            .with_context(|| format!("cannot write {}", stand_in.display()))?;
        Ok(Self {
            env: vec![
                (SPLIT, "1".into()),
                (WASM_BINDGEN, tools.wasm_bindgen.clone().into()),
                (SPLITTER, tools.splitter.clone().into()),
                (OUT, out.clone().into()),
            ],
            path,
            out,
            wasm_opt: tools.wasm_opt.clone(),
        })
    }

    /// Puts what was cut off into the built page, which trunk knows nothing of.
    pub fn finish(self, dist: &Path) -> Result<()> {
        let missing = "trunk did not come by the cutting of the page's program";
        let loader = std::fs::read_to_string(self.out.join(LOADER)).context(missing)?;
        let program = program_script(dist)?;
        write(&dist.join(LOADER), &name_parts(&loader, &program)?)?;
        Cmd::new(&self.wasm_opt)
            .arg("-Oz")
            .args(FEATURES)
            .arg(self.out.join(CUT_OFF))
            .arg("-o")
            .arg(dist.join(ANNEX))
            .log(dirs::logs().join("wasm-opt-annex.log"))
            .run()?;
        let index = dist.join("index.html");
        let html = std::fs::read_to_string(&index)
            .with_context(|| format!("cannot read {}", index.display()))?;
        write(&index, &preload(&html)?)
    }
}

/// The name of the script of the page's program, which has a hash in it.
fn program_script(dist: &Path) -> Result<String> {
    std::fs::read_dir(dist)
        .with_context(|| format!("cannot read {}", dist.display()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name.starts_with(&format!("{PROGRAM}-")) && name.ends_with(".js"))
        .with_context(|| format!("{} holds no script of the page", dist.display()))
}

/// The loader with the names that its parts have in the page.
fn name_parts(loader: &str, program: &str) -> Result<String> {
    let mut named = loader.to_owned();
    for (from, to) in [(&*format!("{PROGRAM}.js"), program), (CUT_OFF, ANNEX)] {
        let (from, to) = (format!("\"./{from}\""), format!("\"./{to}\""));
        if named.matches(&from).count() != 1 {
            return Err(failure(
                format!("the splitter's script does not name {from} just once"),
                "See xtask/src/split.rs, which was written for the version of the splitter in xtask/src/tools.rs.",
            ));
        }
        named = named.replace(&from, &to);
    }
    Ok(named)
}

/// The page with a hint to fetch the loader at once: the browser would only learn of it from the program's script.
fn preload(html: &str) -> Result<String> {
    const HINT: &str = "modulepreload";
    let place = html.find(HINT).and_then(|hint| html[..hint].rfind("<link"));
    let Some(place) = place else {
        return Err(failure(
            format!("trunk's page holds no link of the kind {HINT}"),
            "See xtask/src/split.rs, which puts another one in front of it.",
        ));
    };
    let (before, after) = html.split_at(place);
    Ok(format!(
        "{before}<link rel=\"{HINT}\" href=\"./{LOADER}\">{after}"
    ))
}

/// Whether this program was started under wasm-bindgen's name.
pub fn is_stand_in() -> bool {
    std::env::args_os()
        .next()
        .is_some_and(|name| Path::new(&name).file_stem() == Some(OsStr::new("wasm-bindgen")))
}

/// What is done under wasm-bindgen's name.
pub fn stand_in() -> ExitCode {
    match bind() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Calls the real wasm-bindgen; for the page's program, with what is left of it after cutting.
fn bind() -> Result<ExitCode> {
    let folder = |name| std::env::var_os(name).with_context(|| format!("{name} is not set"));
    let mut args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let whole = args.iter_mut().find(|arg| {
        let path = Path::new(&**arg);
        path.extension() == Some(OsStr::new("wasm"))
            && path.file_stem() == Some(OsStr::new(PROGRAM))
    });
    if let Some(whole) = whole {
        let out = PathBuf::from(folder(OUT)?);
        Cmd::new(folder(SPLITTER)?)
            .arg(&*whole)
            .arg(&out)
            .args(["--target", "web", "--out-name", PROGRAM])
            .run()
            .or_todo(
                "the page's program cannot be cut in two",
                "See the splitter's message above, and web/src/annex.rs for what is cut off.",
            )?;
        *whole = out.join(format!("{PROGRAM}.wasm")).into();
        // What was cut off works on the same table of functions.
        args.push("--keep-lld-exports".into());
    }
    let program = folder(WASM_BINDGEN)?;
    let status = Command::new(&program)
        .args(args)
        .status()
        .with_context(|| format!("cannot start {}", Path::new(&program).display()))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_names_what_lies_in_the_page() -> Result<()> {
        let loader = "import { initSync } from \"./scanlight-web.js\";\nfetch(new URL(\"./split_annex.wasm\", x));";
        let named = name_parts(loader, "scanlight-web-12ab.js")?;
        assert_eq!(
            named,
            "import { initSync } from \"./scanlight-web-12ab.js\";\nfetch(new URL(\"./scanlight-annex.wasm\", x));"
        );
        assert!(name_parts(&named, "scanlight-web-12ab.js").is_err());
        Ok(())
    }

    #[test]
    fn the_loader_is_fetched_with_the_program() -> Result<()> {
        let html = preload("<head><link rel=\"modulepreload\" href=\"./a.js\"></head>")?;
        let both = "<link rel=\"modulepreload\" href=\"./__wasm_split.js\"><link rel=\"modulepreload\" href=\"./a.js\">";
        assert_eq!(html, format!("<head>{both}</head>"));
        let html = preload("<p><link crossorigin href=./a.js rel=modulepreload>")?;
        assert!(
            html.starts_with("<p><link rel=\"modulepreload\" href=\"./__wasm_split.js\"><link c")
        );
        assert!(preload("<head></head>").is_err());
        Ok(())
    }

    #[test]
    fn the_page_calls_its_annex_as_it_is_looked_for() -> Result<()> {
        let main = std::fs::read_to_string(dirs::root().join("web/src/main.rs"))?;
        let name = CUT_OFF
            .trim_start_matches("split_")
            .trim_end_matches(".wasm");
        assert!(main.contains(&format!("wasm_split({name}, fallible)")));
        let build = std::fs::read_to_string(dirs::root().join("web/build.rs"))?;
        assert!(build.contains(SPLIT) && build.contains(&format!("bin={PROGRAM}=--emit-relocs")));
        Ok(())
    }
}
