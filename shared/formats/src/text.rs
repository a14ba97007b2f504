//! Texts from files, made fit for a line on the screen.

/// One line, without control characters, at most `limit` characters.
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if let Some((end, _)) = line.char_indices().nth(limit) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_clean() {
        assert_eq!(one_line(" a\n\u{7}b\0 c ", 10), "a b c");
        assert_eq!(one_line("äöüß", 2), "äö…");
    }
}
