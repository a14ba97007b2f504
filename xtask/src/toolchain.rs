//! The Rust standard library for wasm32.
//!
//! Where rustup can download it, that is one command. Elsewhere it is built from source: from the `rust-src`
//! component if that is installed, else from Debian's `rust-src` of the same version (way 1), else with Debian's
//! own pair of compiler and source (way 2).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::apt::{self, Archive};
use crate::dirs;
use crate::shell::{Cmd, failure, remove_folder, which, write};
use crate::steps::note;

/// The target of the page's code.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The features of `scanlight-engine` that hold all engines, the tests' own included.
pub const ENGINES: &str = "scanlight-engine/candle,scanlight-engine/webgpu";

/// The crates of the standard library; the last two are for tests and for crates that name `proc_macro`.
const STD_CRATES: &str = "build-std=std,panic_abort,test,proc_macro";

/// How long rustup may take to download the target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(300);

/// How long one call of apt may take.
const APT_LIMIT: Duration = Duration::from_secs(300);

/// How long building the standard library may take.
const BUILD_LIMIT: Duration = Duration::from_secs(900);

/// The compiler that builds for wasm32, as the environment of a cargo call.
#[derive(Clone, Debug, Default)]
pub struct Wasm {
    /// What to set for cargo; empty when the usual compiler serves.
    pub env: Vec<(String, OsString)>,
}

impl Wasm {
    /// Whether clippy and rustdoc, which come with the usual compiler, can see this standard library.
    pub fn is_usual(&self) -> bool {
        self.env.is_empty()
    }
}

/// Makes sure that code can be built for wasm32, and says with which compiler.
pub fn ensure() -> Result<Wasm> {
    let sysroot = sysroot(Path::new("rustc"))?;
    if has_std(&sysroot) {
        note(&format!("the {TARGET} standard library is there"));
        return Ok(Wasm::default());
    }
    let other = Path::new(OTHER_RUSTC);
    if other.is_file() && self::sysroot(other).is_ok_and(|sysroot| has_std(&sysroot)) {
        note(&format!(
            "the {TARGET} standard library of {OTHER_RUSTC} is there"
        ));
        return other_compiler();
    }

    type Way = fn(&Path) -> Result<Wasm>;
    let ways: [(&str, Way); 4] = [
        ("rustup target add", with_rustup),
        ("rustup's rust-src component", from_component),
        ("Debian's rust-src of the same version", from_debian_source),
        ("Debian's own rustc with its source", from_debian_pair),
    ];
    // For trying one way alone: its number in the list above.
    let only = std::env::var("SCANLIGHT_WASM_WAY").ok();
    let mut tried = Vec::new();
    for (index, (name, way)) in ways.iter().enumerate() {
        if only.as_ref().is_some_and(|only| *only != index.to_string()) {
            continue;
        }
        note(&format!("trying {name}"));
        match way(&sysroot) {
            Ok(wasm) => {
                note(&format!("installed by {name}"));
                return Ok(wasm);
            }
            Err(error) => {
                note(&format!("{name}: no"));
                tried.push(format!("  - {name}: {error:#}"));
            }
        }
    }
    Err(failure(
        format!(
            "cannot install the {TARGET} standard library; tried\n{}",
            tried.join("\n")
        ),
        format!(
            "Connect the machine to the internet and run `rustup target add {TARGET}`, or install rust-src \
             of the version that `rustc --version` prints from your system's packages, then run the command again."
        ),
    ))
}

/// A compiler's own folder.
fn sysroot(rustc: &Path) -> Result<PathBuf> {
    Cmd::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .map(PathBuf::from)
        .map_err(|error| {
            failure(
                format!("{error:#}"),
                "Install Rust's stable toolchain with rustup, then run the command again.",
            )
        })
}

/// Where a compiler's wasm32 standard library lies.
fn std_folder(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

/// Whether the wasm32 standard library is there, with what tests need.
fn has_std(sysroot: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(std_folder(sysroot)) else {
        return false;
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    ["libstd-", "libtest-"].iter().all(|start| {
        names
            .iter()
            .any(|name| name.starts_with(start) && name.ends_with(".rlib"))
    })
}

/// The version of a compiler, like `1.95.0`.
fn version_of(rustc: &Path) -> Result<String> {
    let text = Cmd::new(rustc).arg("--version").output()?;
    parse_rustc_version(&text)
        .map(str::to_owned)
        .with_context(|| format!("cannot read the version in \"{text}\""))
}

/// The version in what `rustc --version` prints.
fn parse_rustc_version(text: &str) -> Option<&str> {
    text.strip_prefix("rustc ")?.split_whitespace().next()
}

/// One command where rustup can download.
fn with_rustup(sysroot: &Path) -> Result<Wasm> {
    if which("rustup").is_none() {
        bail!("there is no rustup on PATH");
    }
    Cmd::new("rustup")
        .args(["target", "add", TARGET])
        .limit(RUSTUP_LIMIT)
        .log(dirs::logs().join("rustup.log"))
        .run()?;
    usual_compiler(sysroot)
}

/// Builds from the `rust-src` component that is already installed.
fn from_component(sysroot: &Path) -> Result<Wasm> {
    if !source_link(sysroot).join("library/std").is_dir() {
        bail!("it is not installed");
    }
    build_std(&BuildStd {
        rustc: None,
        install: std_folder(sysroot),
    })?;
    usual_compiler(sysroot)
}

/// Where `-Z build-std` looks for the source.
fn source_link(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust")
}

/// The usual compiler, once its standard library is there.
fn usual_compiler(sysroot: &Path) -> Result<Wasm> {
    if !has_std(sysroot) {
        bail!(
            "it succeeded, but {} holds no libstd",
            std_folder(sysroot).display()
        );
    }
    check(&Wasm::default())?;
    Ok(Wasm::default())
}

/// Way 1: the source of this very version from Debian's archive.
fn from_debian_source(sysroot: &Path) -> Result<Wasm> {
    let version = version_of(Path::new("rustc"))?;
    let work = dirs::tools().join(format!("rust-src-{version}"));
    remove_folder(&work)?;
    let result = fetch_debian_source(&version, &work).and_then(|source| {
        let link = Link::set(&source, &source_link(sysroot))?;
        let built = build_std(&BuildStd {
            rustc: None,
            install: std_folder(sysroot),
        });
        drop(link);
        built
    });
    // The source is large and has done its work.
    remove_folder(&work)?;
    result?;
    usual_compiler(sysroot)
}

/// A symbolic link that goes when this does.
struct Link(PathBuf);

impl Link {
    /// Links `at` to `target`.
    fn set(target: &Path, at: &Path) -> Result<Self> {
        if let Some(folder) = at.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        // One that an earlier run was stopped before removing.
        if at.is_symlink() {
            std::fs::remove_file(at).with_context(|| format!("cannot remove {}", at.display()))?;
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(target, at)
            .with_context(|| format!("cannot link {}", at.display()))?;
        #[cfg(not(unix))]
        bail!("cannot link {} to {}", at.display(), target.display());
        #[cfg(unix)]
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // A link left behind is replaced by the next run.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Fetches Debian's `rust-src` of `version` and unpacks it; gives the folder that holds `library`.
fn fetch_debian_source(version: &str, work: &Path) -> Result<PathBuf> {
    for tool in ["apt-get", "apt-cache", "dpkg-deb"] {
        if which(tool).is_none() {
            bail!("there is no {tool}: not a Debian machine");
        }
    }
    let codename = codename();
    let archives = main_archives(&apt::archives(), codename.as_deref());
    if archives.is_empty() {
        bail!("the machine's apt sources name no archive of its own release");
    }
    let mut tried = Vec::new();
    for archive in &archives {
        for suite in suites(codename.as_deref()) {
            match fetch_from(archive, &suite, version, work) {
                Ok(source) => return Ok(source),
                Err(error) => tried.push(format!("{suite}: {error:#}")),
            }
        }
    }
    bail!("no suite had it ({})", tried.join("; "))
}

/// This release's name, like `bookworm`.
fn codename() -> Option<String> {
    std::fs::read_to_string("/etc/os-release")
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
}

/// The archives that hold a whole release, not only its security updates.
fn main_archives(all: &[Archive], codename: Option<&str>) -> Vec<Archive> {
    const GENERAL: [&str; 4] = ["stable", "testing", "unstable", "sid"];
    let mut found: Vec<Archive> = Vec::new();
    for archive in all {
        let whole = archive
            .suites
            .iter()
            .any(|suite| Some(suite.as_str()) == codename || GENERAL.contains(&suite.as_str()));
        if whole && found.iter().all(|known| known.uri != archive.uri) {
            found.push(archive.clone());
        }
    }
    found
}

/// The suites that may hold the wanted version, the likeliest first.
fn suites(codename: Option<&str>) -> Vec<String> {
    let mut suites: Vec<String> = ["trixie-backports", "testing", "sid", "trixie"]
        .map(str::to_owned)
        .to_vec();
    for own in codename
        .into_iter()
        .flat_map(|name| [format!("{name}-backports"), name.to_owned()])
    {
        if !suites.contains(&own) {
            suites.push(own);
        }
    }
    suites
}

/// Fetches the source from one suite, with lists and cache of its own: the machine's apt stays as it is.
fn fetch_from(archive: &Archive, suite: &str, version: &str, work: &Path) -> Result<PathBuf> {
    let apt = work.join("apt").join(suite);
    for folder in ["lists/partial", "cache/archives/partial", "etc"] {
        let folder = apt.join(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let options = match &archive.signed_by {
        Some(key) => format!("[signed-by={key}] "),
        None => String::new(),
    };
    let list = apt.join("etc/sources.list");
    write(
        &list,
        &format!("deb {options}{} {suite} main\n", archive.uri),
    )?;
    let setting = |key: &str, value: &Path| format!("{key} \"{}\";\n", value.display());
    let config = apt.join("etc/apt.conf");
    let settings = [
        setting("Dir::Etc::sourcelist", &list),
        setting("Dir::Etc::sourceparts", Path::new("-")),
        setting("Dir::State::lists", &apt.join("lists")),
        setting("Dir::Cache", &apt.join("cache")),
        "APT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n".to_owned(),
    ];
    write(&config, &settings.concat())?;
    let call = |program: &str| {
        Cmd::new(program)
            .env("APT_CONFIG", &config)
            .limit(APT_LIMIT)
            .dir(work)
    };
    let log = |name: &str| dirs::logs().join(format!("rust-src-{name}.log"));
    note(&format!(
        "looking for rust-src {version} in Debian's {suite}"
    ));
    call("apt-get")
        .args(["update", "-q"])
        .log(log("update"))
        .run()?;
    let table = call("apt-cache").args(["madison", "rust-src"]).output()?;
    let Some(package) = matching_package(&table, version) else {
        bail!("it has another version");
    };
    note(&format!("fetching rust-src {package}"));
    call("apt-get")
        .args(["download", "-q"])
        .arg(format!("rust-src={package}"))
        .log(log("download"))
        .run()?;
    let deb = std::fs::read_dir(work)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|suffix| suffix == "deb"))
        .context("apt-get download left no package")?;
    let unpacked = work.join("unpacked");
    Cmd::new("dpkg-deb")
        .arg("-x")
        .arg(&deb)
        .arg(&unpacked)
        .log(log("unpack"))
        .run()?;
    let source = unpacked.join(format!("usr/src/rustc-{version}"));
    if !source.join("library/std").is_dir() {
        bail!("the package holds no usr/src/rustc-{version}/library/std");
    }
    Ok(source)
}

/// The package version in `apt-cache madison`'s table whose upstream version is `version`.
fn matching_package<'a>(table: &'a str, version: &str) -> Option<&'a str> {
    table
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .find(|package| {
            package
                .strip_prefix(version)
                .is_some_and(|rest| rest.starts_with(['+', '-', '~']))
        })
}

/// Where Debian's own compiler is.
const OTHER_RUSTC: &str = "/usr/bin/rustc";

/// Way 2: Debian's own compiler and source, which always match each other.
fn from_debian_pair(_sysroot: &Path) -> Result<Wasm> {
    apt::install(
        &["rustc-web", "cargo-web", "rust-web-src"],
        "the wasm32 standard library",
    )?;
    let other = Path::new(OTHER_RUSTC);
    let root = sysroot(other)?;
    let wasm = other_compiler()?;
    build_std(&BuildStd {
        rustc: Some(&wasm),
        install: std_folder(&root),
    })?;
    if !has_std(&root) {
        bail!("{} holds no libstd", std_folder(&root).display());
    }
    check(&wasm)?;
    Ok(wasm)
}

/// Debian's compiler with the usual compiler's linker.
fn other_compiler() -> Result<Wasm> {
    let text = Cmd::new("rustc").arg("-vV").output()?;
    let host = text
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .context("rustc -vV names no host")?;
    let bundled = sysroot(Path::new("rustc"))?
        .join("lib/rustlib")
        .join(host)
        .join("bin/rust-lld");
    let linker = if bundled.is_file() {
        bundled
    } else {
        which("wasm-ld").context("there is neither rustup's rust-lld nor wasm-ld")?
    };
    Ok(Wasm {
        env: vec![
            ("RUSTC".into(), OTHER_RUSTC.into()),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER".into(),
                linker.into_os_string(),
            ),
            (
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS".into(),
                "-C target-feature=+simd128 -C linker-flavor=wasm-ld".into(),
            ),
        ],
    })
}

/// How to build the standard library.
struct BuildStd<'a> {
    /// Another compiler than the usual one.
    rustc: Option<&'a Wasm>,
    /// Where the libraries go.
    install: PathBuf,
}

/// Builds the standard library in an empty crate and installs its libraries.
fn build_std(how: &BuildStd<'_>) -> Result<()> {
    let work = dirs::tools().join("build-std");
    remove_folder(&work)?;
    write_empty_crate(&work)?;
    note("building the standard library for wasm32 (about a minute)");
    let mut call = Cmd::cargo()
        .args(["build", "-Z", STD_CRATES, "--target", TARGET, "--release"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", work.join("target"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .dir(&work)
        .limit(BUILD_LIMIT)
        .log(dirs::logs().join("build-std.log"));
    if let Some(wasm) = how.rustc {
        call = call.envs(wasm.env.iter().cloned());
    }
    clear_flags(call).run()?;

    // The libraries appear all at once: a run that is stopped leaves no half of them.
    let staging = how.install.with_extension("new");
    remove_folder(&staging)?;
    std::fs::create_dir_all(&staging).with_context(|| {
        format!(
            "cannot write to the compiler's folder {}",
            staging.display()
        )
    })?;
    let built = work.join("target").join(TARGET).join("release/deps");
    for entry in std::fs::read_dir(&built)
        .with_context(|| format!("cannot read {}", built.display()))?
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_some_and(|suffix| suffix == "rlib") {
            let to = staging.join(entry.file_name());
            std::fs::copy(&path, &to).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    remove_folder(&how.install)?;
    std::fs::rename(&staging, &how.install)
        .with_context(|| format!("cannot create {}", how.install.display()))?;
    remove_folder(&work)
}

/// Builds a smallest crate for wasm32, to see that the installed library works.
fn check(wasm: &Wasm) -> Result<()> {
    let work = dirs::tools().join("check-std");
    remove_folder(&work)?;
    write_empty_crate(&work)?;
    for action in [["build", "--release"].as_slice(), &["test", "--no-run"]] {
        let call = Cmd::cargo()
            .args(action)
            .args(["--target", TARGET])
            .envs(wasm.env.iter().cloned())
            .env("CARGO_TARGET_DIR", work.join("target"))
            .dir(&work)
            .limit(BUILD_LIMIT)
            .log(dirs::logs().join("check-std.log"));
        clear_flags(call)
            .run()
            .context("the standard library is installed, but a smallest crate does not build")?;
    }
    remove_folder(&work)
}

/// Keeps the caller's compiler flags out of the standard library.
fn clear_flags(call: Cmd) -> Cmd {
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER"]
        .iter()
        .fold(call, |call, name| call.env_remove(name))
}

/// Writes a crate without dependencies.
fn write_empty_crate(folder: &Path) -> Result<()> {
    write(
        &folder.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\n\n[workspace]\n",
    )?;
    write(
        &folder.join("src/lib.rs"),
        "#[unsafe(no_mangle)]\npub extern \"C\" fn length(n: u32) -> usize {\n    format!(\"{n}\").len()\n}\n\n\
         #[test]\nfn counts() {\n    assert_eq!(length(10), 2);\n}\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_compilers_version() {
        assert_eq!(
            parse_rustc_version("rustc 1.95.0 (59807616e 2026-04-14)"),
            Some("1.95.0")
        );
        assert_eq!(parse_rustc_version("cargo 1.95.0"), None);
    }

    #[test]
    fn takes_only_the_package_of_the_same_version() {
        let table = " rust-src | 1.95.1+dfsg1-1 | http://mirror.test sid/main amd64 Packages\n \
            rust-src | 1.95.0+dfsg1-1~bpo13+1 | http://mirror.test trixie-backports/main amd64 Packages\n";
        assert_eq!(
            matching_package(table, "1.95.0"),
            Some("1.95.0+dfsg1-1~bpo13+1")
        );
        assert_eq!(matching_package(table, "1.95"), None);
        assert_eq!(matching_package("", "1.95.0"), None);
    }

    #[test]
    fn security_archives_are_left_out() {
        let archive = |uri: &str, suites: &[&str]| Archive {
            uri: uri.into(),
            suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
            signed_by: None,
        };
        let all = [
            archive("http://a.test/security", &["bookworm-security"]),
            archive("http://a.test/debian", &["bookworm", "bookworm-updates"]),
            archive("http://a.test/debian", &["bookworm"]),
        ];
        let found = main_archives(&all, Some("bookworm"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].uri, "http://a.test/debian");
    }

    #[test]
    fn the_machines_own_release_is_searched_too() {
        let suites = suites(Some("duke"));
        assert!(suites.contains(&"duke-backports".to_owned()));
        assert!(suites.contains(&"duke".to_owned()));
    }
}
