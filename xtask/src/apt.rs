//! Debian's packages: installing them, and reading which mirrors the machine uses.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::dirs;
use crate::shell::{Cmd, OrTodo, failure, has_terminal, which};

/// How long apt may take for one call.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// Whether this run has already refreshed apt's lists.
static UPDATED: AtomicBool = AtomicBool::new(false);

/// Installs Debian packages; `purpose` completes "… is needed for".
pub fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let list = packages.join(" ");
    let by_hand = format!(
        "Install {list} (needed for {purpose}) with your system's package manager, then run the command again."
    );
    if which("apt-get").is_none() {
        return Err(failure(
            format!("{purpose} needs {list}, and this machine has no apt-get"),
            by_hand,
        ));
    }
    if !UPDATED.load(Ordering::Relaxed) {
        let updated = as_root("apt-get")?
            .args(["update", "-q"])
            .limit(LIMIT)
            .log(dirs::logs().join("apt-update.log"))
            .run();
        // A third party's broken list must not stop an install from the others.
        if let Err(error) = updated {
            crate::steps::note(&format!("apt-get update: {error:#}"));
        }
        UPDATED.store(true, Ordering::Relaxed);
    }
    as_root("apt-get")?
        .args(["install", "-q", "-y", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .limit(LIMIT)
        .log(dirs::logs().join("apt-install.log"))
        .run()
        .or_todo(&format!("apt-get could not install {list}"), &by_hand)
}

/// A call with root's rights: directly, or through sudo.
fn as_root(program: &str) -> Result<Cmd> {
    if is_root() {
        return Ok(Cmd::new(program));
    }
    if which("sudo").is_none() {
        return Err(failure(
            format!("{program} needs root's rights, and there is no sudo"),
            "Run the command again as root, or have an administrator install the packages named above.",
        ));
    }
    let sudo = Cmd::new("sudo");
    Ok(if has_terminal() {
        sudo.interactive().arg(program)
    } else {
        sudo.arg("-n").arg(program)
    })
}

/// Whether this process is root's.
fn is_root() -> bool {
    Cmd::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|id| id.trim() == "0")
}

/// One archive of the machine's own apt sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Where it is.
    pub uri: String,
    /// The suites taken from it.
    pub suites: Vec<String>,
    /// The key file that signs it, when the entry names one.
    pub signed_by: Option<String>,
}

/// The archives in the machine's apt sources, in both of apt's formats.
pub fn archives() -> Vec<Archive> {
    let mut files = vec![Path::new("/etc/apt/sources.list").to_owned()];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(&file) else {
            continue;
        };
        match file.extension().and_then(|suffix| suffix.to_str()) {
            Some("list") => found.extend(parse_list(&text)),
            Some("sources") => found.extend(parse_deb822(&text)),
            _ => {}
        }
    }
    found
}

/// Reads the one-line format: `deb [options] uri suite component…`.
fn parse_list(text: &str) -> Vec<Archive> {
    let entry = |line: &str| -> Option<Archive> {
        let rest = line.trim().strip_prefix("deb")?;
        if !rest.starts_with(char::is_whitespace) {
            return None;
        }
        let rest = rest.trim();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']')?,
            None => ("", rest),
        };
        let mut words = rest.split_whitespace();
        let uri = words.next()?.to_owned();
        let suite = words.next()?.to_owned();
        let signed_by = options
            .split_whitespace()
            .find_map(|option| option.strip_prefix("signed-by="))
            .map(str::to_owned);
        Some(Archive {
            uri,
            suites: vec![suite],
            signed_by,
        })
    };
    text.lines().filter_map(entry).collect()
}

/// Reads the format of fields in stanzas.
fn parse_deb822(text: &str) -> Vec<Archive> {
    let mut found = Vec::new();
    let mut stanza: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.starts_with('#') {
            continue;
        }
        if line.trim().is_empty() {
            found.extend(archives_of_stanza(&std::mem::take(&mut stanza)));
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = stanza.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            stanza.push((key.trim().to_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

/// The archives that one stanza names.
fn archives_of_stanza(stanza: &[(String, String)]) -> Vec<Archive> {
    let field = |name: &str| {
        stanza
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let words = |name: &str| -> Vec<String> {
        field(name)
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let off = field("enabled").is_some_and(|value| value.eq_ignore_ascii_case("no"));
    if off || !words("types").iter().any(|kind| kind == "deb") {
        return Vec::new();
    }
    // A key written into the stanza itself is not a file's path.
    let signed_by = field("signed-by")
        .filter(|value| value.starts_with('/'))
        .map(str::to_owned);
    words("uris")
        .into_iter()
        .map(|uri| Archive {
            uri,
            suites: words("suites"),
            signed_by: signed_by.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_line_sources() {
        let text = "# deb http://off.test/debian bookworm main\n\
            deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm main contrib\n\
            deb-src http://mirror.test/debian bookworm main\n\
            deb http://other.test/debian trixie main\n";
        assert_eq!(
            parse_list(text),
            [
                Archive {
                    uri: "http://mirror.test/debian".into(),
                    suites: vec!["bookworm".into()],
                    signed_by: Some("/k.gpg".into()),
                },
                Archive {
                    uri: "http://other.test/debian".into(),
                    suites: vec!["trixie".into()],
                    signed_by: None,
                },
            ]
        );
    }

    #[test]
    fn reads_stanzas() {
        let text = "Types: deb deb-src\n# a comment\nURIs: http://mirror.test/debian\nSuites: bookworm\n bookworm-updates\nComponents: main\nSigned-By: /k.gpg\n\n\
            Types: deb\nURIs: http://off.test/\nSuites: x\nEnabled: no\n\n\
            Types: deb-src\nURIs: http://source.test/\nSuites: x\n";
        assert_eq!(
            parse_deb822(text),
            [Archive {
                uri: "http://mirror.test/debian".into(),
                suites: vec!["bookworm".into(), "bookworm-updates".into()],
                signed_by: Some("/k.gpg".into()),
            }]
        );
    }
}
