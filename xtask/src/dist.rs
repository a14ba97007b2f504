//! Makes the folder that a static host serves: the built page, and the files that tell the usual hosts which headers to
//! send. The page works without any of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::csp;
use crate::shell::{failure, remove_folder, write};
use crate::steps::note;

/// Tells that this command made a folder, so that it may remove it.
const MARK: &str = ".scanlight-dist";

/// The path of the page on its host: segments, without slashes around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(Vec<String>);

impl Base {
    /// Reads a path such as `/` or `/a/b/`.
    pub fn parse(text: &str) -> Result<Self> {
        let segments: Vec<String> = text
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(str::to_owned)
            .collect();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
        let good = segments
            .iter()
            .all(|segment| segment.chars().all(plain) && segment.chars().any(|c| c != '.'));
        if good {
            Ok(Self(segments))
        } else {
            Err(failure(
                format!("{text} is no path for a page"),
                "Give --base a path of letters, digits, -, _, ~ and dots, such as /tools/scanlight/.",
            ))
        }
    }

    /// With slashes around it.
    fn url(&self) -> String {
        match self.0.as_slice() {
            [] => "/".into(),
            segments => format!("/{}/", segments.join("/")),
        }
    }

    /// Below `root`.
    fn folder(&self, root: &Path) -> PathBuf {
        self.0
            .iter()
            .fold(root.to_owned(), |path, segment| path.join(segment))
    }
}

/// Copies the page in `page` to its place in `out` and writes the hosts' files.
pub fn write_folder(page: &Path, out: &Path, base: &Base) -> Result<()> {
    make_way(out)?;
    write(
        &out.join(MARK),
        "Made by `cargo xtask dist`, which removes this folder before it makes it anew.\n",
    )?;
    let folder = base.folder(out);
    copy(page, &folder)?;
    let index = folder.join("index.html");
    let html = std::fs::read_to_string(&index)
        .with_context(|| format!("cannot read {}", index.display()))?;
    let policy = csp::policy(&html)?;
    for (file, text) in [
        (out.join("_headers"), netlify(base, &policy)),
        (folder.join(".htaccess"), apache(&policy)),
        (out.join("hosting/nginx.conf"), nginx(base, &policy)),
        (out.join("hosting/README.md"), readme(base)),
        // GitHub Pages would otherwise leave out what begins with an underscore.
        (out.join(".nojekyll"), String::new()),
    ] {
        write(&file, &text)?;
    }
    note(&format!(
        "{} is ready; hosting/README.md says what each host needs",
        out.display()
    ));
    Ok(())
}

/// Removes what an earlier call left; anything else in `out` is somebody's work.
fn make_way(out: &Path) -> Result<()> {
    let empty = std::fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    if empty {
        return Ok(());
    }
    if out.join(MARK).is_file() {
        return remove_folder(out);
    }
    Err(failure(
        format!(
            "{} holds files that this command did not make",
            out.display()
        ),
        "Name another folder with --out, or empty this one.",
    ))
}

/// Copies a folder without the build's own hidden files.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    for entry in
        std::fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?
    {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            std::fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}

/// What hosts should send with every file.
fn headers(policy: &str) -> [(&'static str, String); 5] {
    [
        ("Content-Security-Policy", policy.to_owned()),
        ("X-Content-Type-Options", "nosniff".into()),
        ("Referrer-Policy", "no-referrer".into()),
        // Other sites load the element in `package/`, and a module is asked for by CORS. Nothing here is secret.
        ("Access-Control-Allow-Origin", "*".into()),
        // Files are asked for again by their hashes; a stored one is used if the host says that it is the same.
        ("Cache-Control", "no-cache".into()),
    ]
}

/// Netlify and Cloudflare Pages read `_headers` at the top of what is deployed.
fn netlify(base: &Base, policy: &str) -> String {
    let lines = headers(policy).map(|(name, value)| format!("  {name}: {value}\n"));
    format!("{}*\n{}", base.url(), lines.concat())
}

fn apache(policy: &str) -> String {
    let lines = headers(policy).map(|(name, value)| format!("  Header set {name} \"{value}\"\n"));
    format!(
        "AddType application/wasm .wasm\nAddType application/manifest+json .webmanifest\n\
         <IfModule mod_headers.c>\n{}</IfModule>\n",
        lines.concat()
    )
}

fn nginx(base: &Base, policy: &str) -> String {
    let lines =
        headers(policy).map(|(name, value)| format!("    add_header {name} \"{value}\" always;\n"));
    format!(
        "# Put this into the server block whose `root` is the folder above.\n\
         location {} {{\n    types {{\n        application/manifest+json webmanifest;\n    }}\n    \
         include mime.types;\n{}}}\n",
        base.url(),
        lines.concat()
    )
}

fn readme(base: &Base) -> String {
    let url = base.url();
    format!(
        "# Hosting Scanlight\n\n\
         Upload everything beside this folder, hidden files included; the page is then at `{url}`. It needs no\n\
         server-side program and no special headers: its content security policy stands in the page itself, and\n\
         every address in it is relative.\n\n\
         HTTPS (or localhost) is needed for offline use, installing, WebGPU and the clipboard; without it the page\n\
         classifies on the CPU all the same.\n\n\
         | host | what to do |\n|---|---|\n\
         | Netlify, Cloudflare Pages | nothing: `_headers` sends the policy as a header, too. Turn off everything that \
         rewrites files (minifying, injected scripts): the service worker refuses files that are not byte for byte those \
         of the build |\n\
         | GitHub Pages | nothing: it sends no headers of one's own, so only the policy in the page works. `.nojekyll` \
         keeps it from leaving files out |\n\
         | nginx | `nginx.conf` beside this file is a `location` block |\n\
         | Apache | `.htaccess` lies in the page's folder; it needs `AllowOverride FileInfo` and mod_headers |\n\n\
         Other sites may embed the page (`embed.html` shows how). For that, send neither `X-Frame-Options` nor\n\
         `frame-ancestors`; for the element in `package/` send `Access-Control-Allow-Origin: *`, as GitHub Pages and the\n\
         files here do.\n\n\
         Compression (gzip, Brotli) is worth turning on: the CPU engine shrinks to a quarter.\n\n\
         To publish other weights, change `public/models` and run `cargo xtask dist` again: the list of hashes in `sw.js` \
         belongs to exactly these files.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'self'\" />";

    struct Folders(PathBuf);

    impl Folders {
        fn new(name: &str) -> Result<Self> {
            let unique = format!("xtask-dist-{}-{name}", std::process::id());
            let folders = Self(std::env::temp_dir().join(unique));
            write(&folders.0.join("page/index.html"), HTML)?;
            write(&folders.0.join("page/.stamp"), "x")?;
            write(&folders.0.join("page/models/index.json"), "{}")?;
            Ok(folders)
        }

        fn read(&self, file: &str) -> Result<String> {
            Ok(std::fs::read_to_string(self.0.join("out").join(file))?)
        }

        fn make(&self, base: &str) -> Result<()> {
            write_folder(
                &self.0.join("page"),
                &self.0.join("out"),
                &Base::parse(base)?,
            )
        }
    }

    impl Drop for Folders {
        fn drop(&mut self) {
            let _ = remove_folder(&self.0);
        }
    }

    #[test]
    fn paths() -> Result<()> {
        for (text, url) in [("/", "/"), ("", "/"), ("/a/b/", "/a/b/"), ("a.b", "/a.b/")] {
            assert_eq!(Base::parse(text)?.url(), url);
        }
        for text in ["/../", "/a b/", "https://x", "/./", "/ä/"] {
            assert!(Base::parse(text).is_err(), "{text}");
        }
        Ok(())
    }

    #[test]
    fn every_host_gets_the_pages_policy() -> Result<()> {
        let folders = Folders::new("hosts")?;
        folders.make("/a/b/")?;
        let policy = "default-src 'none'; script-src 'self'";
        assert_eq!(folders.read("a/b/index.html")?, HTML);
        assert_eq!(folders.read("a/b/models/index.json")?, "{}");
        assert!(!folders.0.join("out/a/b/.stamp").exists());
        let netlify = folders.read("_headers")?;
        assert!(netlify.starts_with("/a/b/*\n"), "{netlify}");
        for text in [
            netlify,
            folders.read("a/b/.htaccess")?,
            folders.read("hosting/nginx.conf")?,
        ] {
            assert!(text.contains(policy), "{text}");
        }
        assert!(
            folders
                .read("hosting/nginx.conf")?
                .contains("location /a/b/ {")
        );
        assert!(folders.read("hosting/README.md")?.contains("`/a/b/`"));
        Ok(())
    }

    #[test]
    fn only_its_own_folder_is_removed() -> Result<()> {
        let folders = Folders::new("own")?;
        folders.make("/a/")?;
        folders.make("/")?;
        assert!(!folders.0.join("out/a").exists());
        std::fs::remove_file(folders.0.join("out").join(MARK))?;
        assert!(folders.make("/").is_err());
        assert_eq!(folders.read("index.html")?, HTML);
        Ok(())
    }
}
