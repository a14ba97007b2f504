//! The page around the charts.

use std::fmt::Write;

/// Colours come from these variables, in a light and a dark set; series colours after Okabe and Ito
/// (distinct for colour-blind eyes).
const STYLE: &str = "
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--faint:#6a737d;--line:#d5d9de;--panel:#f5f6f8;
--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#b0568c;--s4:#8a6d00;--s5:#3d8fc4;--s6:#000;--heat:0,114,178}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--ink:#e6e8ea;--faint:#9aa3ad;--line:#3a4149;--panel:#1d2125;
--s0:#56b4e9;--s1:#f08a3c;--s2:#2bc79a;--s3:#e19cc6;--s4:#e6c84a;--s5:#8ecbf0;--s6:#fff;--heat:86,180,233}}
body{background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1.5rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.25rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line)}
p{max-width:48rem}.note{color:var(--faint)}.charts{display:flex;flex-wrap:wrap;gap:1.2rem}figure{margin:0}
figcaption{font-weight:600}svg{max-width:100%;height:auto;display:block}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .axis{stroke:var(--faint)}svg .grid{stroke:var(--line)}
.scroll{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--faint);font-weight:600}
pre{background:var(--panel);padding:.8rem;overflow-x:auto;font-size:.85rem}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
.gallery img{width:48%;image-rendering:auto;background:#000}.gallery p{margin:.2rem 0;font-size:.85rem;overflow-wrap:anywhere}
";

/// A page that grows section by section.
#[derive(Debug)]
pub struct Page {
    title: String,
    body: String,
}

impl Page {
    /// An empty page with a heading and a line below it, both plain text.
    pub fn new(title: &str, subtitle: &str) -> Self {
        Self {
            title: title.into(),
            body: format!(
                "<h1>{}</h1>\n<p class=\"note\">{}</p>\n",
                escape(title),
                escape(subtitle)
            ),
        }
    }

    /// A heading (plain text).
    pub fn heading(&mut self, text: &str) {
        let _ = writeln!(self.body, "<h2>{}</h2>", escape(text));
    }

    /// A paragraph (plain text).
    pub fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.body, "<p>{}</p>", escape(text));
    }

    /// Preformatted text (plain).
    pub fn listing(&mut self, text: &str) {
        let _ = writeln!(self.body, "<pre>{}</pre>", escape(text));
    }

    /// Charts side by side (SVG figures from [`super::charts`]).
    pub fn charts(&mut self, charts: &[String]) {
        let _ = writeln!(
            self.body,
            "<div class=\"charts\">\n{}</div>",
            charts.concat()
        );
    }

    /// Finished HTML.
    pub fn raw(&mut self, html: &str) {
        self.body.push_str(html);
        self.body.push('\n');
    }

    /// The whole file. Its policy forbids scripts and every connection.
    pub fn finish(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n{}<p class=\"note\">For education and research. Not a \
             diagnosis and not a medical device.</p>\n</body>\n</html>\n",
            escape(&self.title),
            self.body
        )
    }
}

/// Plain text as HTML.
pub fn escape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => result.push_str("&amp;"),
            '<' => result.push_str("&lt;"),
            '>' => result.push_str("&gt;"),
            '"' => result.push_str("&quot;"),
            '\'' => result.push_str("&#39;"),
            other => result.push(other),
        }
    }
    result
}

/// A table of plain texts.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = String::from("<div class=\"scroll\"><table>\n<tr>");
    for cell in header {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(cell));
    }
    html.push_str("</tr>\n");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{}</td>", escape(cell));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</table></div>\n");
    html
}

/// A file's bytes as the address of an image inside the page.
pub fn data_uri(mime: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("data:{mime};base64,");
    for chunk in bytes.chunks(3) {
        let mut triple = [0; 3];
        triple[..chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes([0, triple[0], triple[1], triple[2]]);
        for position in 0..4 {
            let digit = (number >> (18 - 6 * position)) as usize & 63;
            text.push(if position <= chunk.len() {
                DIGITS[digit] as char
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_s_known_values() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(
                data_uri("x/y", plain.as_bytes()),
                format!("data:x/y;base64,{coded}")
            );
        }
    }

    #[test]
    fn nothing_in_a_name_becomes_markup() {
        let mut page = Page::new("<script>", "a & b");
        page.raw(&table(&["<b>"], &[vec!["\"'>".into()]]));
        let html = page.finish();
        assert!(!html.contains("<script>") && !html.contains("<b>"));
        assert!(html.contains("&lt;script&gt;") && html.contains("a &amp; b"));
        assert!(html.contains("&quot;&#39;&gt;"));
    }
}
