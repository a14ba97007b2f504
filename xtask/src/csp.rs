//! The page's content security policy: which inline scripts may run.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::shell::failure;

/// What `web/index.html` holds in place of the hashes, which only the finished page determines.
pub const PLACEHOLDER: &str = "__SCRIPT_HASHES__";

/// Replaces the placeholder by the hashes of the page's inline scripts.
pub fn allow_inline_scripts(html: &str) -> Result<String> {
    let hashes: Vec<String> = inline_scripts(html).into_iter().map(source).collect();
    if !html.contains(PLACEHOLDER) {
        return Err(failure(
            format!("the built page holds no {PLACEHOLDER}"),
            format!(
                "Put {PLACEHOLDER} into script-src of the content security policy in web/index.html."
            ),
        ));
    }
    Ok(html.replace(PLACEHOLDER, &hashes.join(" ")))
}

/// The policy that stands in a built page, for hosts that can send it as a header, too.
pub fn policy(html: &str) -> Result<String> {
    // The attributes' order is trunk's.
    let found = html
        .split("<meta")
        .filter_map(|rest| rest.split_once('>'))
        .map(|(attributes, _)| attributes)
        .find(|attributes| attributes.contains("Content-Security-Policy"))
        .and_then(|attributes| attributes.split_once("content=\""))
        .and_then(|(_, rest)| rest.split_once('"'));
    match found {
        Some((policy, _)) if !policy.contains(PLACEHOLDER) => Ok(policy.to_owned()),
        _ => Err(failure(
            "the built page holds no finished content security policy",
            "Build it with `cargo xtask build`.",
        )),
    }
}

/// The policy's expression that allows this very script.
fn source(script: &str) -> String {
    // Browsers turn every line end into a line feed before they hash.
    let text = script.replace("\r\n", "\n").replace('\r', "\n");
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// The text of every script without `src`.
fn inline_scripts(html: &str) -> Vec<&str> {
    // Same length and places as `html`: only ASCII letters change.
    let lower = html.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = lower[at..].find('<').map(|offset| at + offset) {
        let rest = &lower[start..];
        if rest.starts_with("<!--") {
            match rest.find("-->") {
                Some(end) => at = start + end + "-->".len(),
                None => break,
            }
            continue;
        }
        let Some(after) = rest
            .strip_prefix("<script")
            .filter(|after| after.starts_with(['>', '/']) || starts_with_space(after))
        else {
            at = start + 1;
            continue;
        };
        let Some((tag_length, has_src)) = read_tag(after) else {
            break;
        };
        let body = start + "<script".len() + tag_length;
        let Some(length) = lower[body..].find("</script") else {
            break;
        };
        if !has_src && length > 0 {
            found.push(&html[body..body + length]);
        }
        at = body + length;
    }
    found
}

/// Whether a text starts with what separates attributes.
fn starts_with_space(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_whitespace())
}

/// Reads attributes up to and with the tag's `>`: how long that is, and whether one of them is `src`.
fn read_tag(text: &str) -> Option<(usize, bool)> {
    let mut quote = None;
    let mut name = String::new();
    let mut in_name = true;
    let mut has_src = false;
    for (index, c) in text.char_indices() {
        match quote {
            Some(open) if c == open => {
                quote = None;
                in_name = true;
            }
            Some(_) => {}
            None if c == '>' => return Some((index + 1, has_src || name == "src")),
            None if c == '=' => {
                has_src |= name == "src";
                name.clear();
                in_name = false;
            }
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_ascii_whitespace() || c == '/' => {
                // `src = x`: the name ends here, and its value is yet to come.
                has_src |= name == "src";
                name.clear();
                in_name = true;
            }
            None if in_name => name.push(c),
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_like_a_browser() {
        // The example of the CSP specification's section on hashes.
        assert_eq!(
            source("alert('Hello, world.');"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
        );
        assert_eq!(source("a\r\nb"), source("a\nb"));
    }

    #[test]
    fn finds_inline_scripts_only() {
        let html = "<!-- <script>no</script> --><script src=\"a.js\"></script>\
            <SCRIPT type=\"module\">\nimport x from './x.js';\n</SCRIPT>\
            <script type=module async>b()</script><script data-src='1>2'>c</script>\
            <script src=d.js>unused</script><scripted>e</scripted><script src = \"f\">f</script>";
        assert_eq!(
            inline_scripts(html),
            ["\nimport x from './x.js';\n", "b()", "c"]
        );
    }

    #[test]
    fn an_unfinished_page_has_no_scripts() {
        for html in [
            "<script",
            "<script>",
            "<script>a",
            "<!-- <script>a</script>",
            "",
        ] {
            assert!(inline_scripts(html).is_empty(), "{html}");
        }
    }

    #[test]
    fn other_alphabets_do_not_shift_places() {
        assert_eq!(inline_scripts("İé<script>ş</script>"), ["ş"]);
    }

    #[test]
    fn the_placeholder_is_replaced() -> Result<()> {
        let html = format!(
            "<meta content=\"script-src 'self' {PLACEHOLDER}\"><script>a</script><script>b</script>"
        );
        let out = allow_inline_scripts(&html)?;
        assert!(!out.contains(PLACEHOLDER));
        assert!(out.contains(&format!("'self' {} {}\"", source("a"), source("b"))));
        Ok(())
    }

    #[test]
    fn the_policy_is_read_from_a_finished_page() {
        let page = |policy: &str| {
            format!("<meta\n  http-equiv=\"Content-Security-Policy\"\n  content=\"{policy}\"\n/>")
        };
        assert_eq!(policy(&page("a 'b'; c")).ok().as_deref(), Some("a 'b'; c"));
        let turned =
            "<meta charset=utf-8><meta content=\"a 'b'\" http-equiv=Content-Security-Policy><p>";
        assert_eq!(policy(turned).ok().as_deref(), Some("a 'b'"));
        assert!(policy(&page(PLACEHOLDER)).is_err());
        assert!(policy("<p>").is_err());
    }

    #[test]
    fn a_page_without_the_placeholder_is_an_error() {
        assert!(allow_inline_scripts("<script>a</script>").is_err());
    }
}
