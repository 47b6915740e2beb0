//! How the terminal is written to: colours where there is one, lines that fit.

use std::io::{IsTerminal, stdout};

/// Whether standard output shows colours: it is a terminal, and nobody has asked for none. `[control]`
pub fn colours() -> bool {
    stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|asked| asked.is_empty())
}

/// Columns of the terminal, 40 to 120; 100 where nothing says. `[control]`
pub fn width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).unwrap_or(100usize).clamp(40, 120)
}

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Style(pub bool);

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A heading. `[control]`
    pub fn heading(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A name that can be typed. `[control]`
    pub fn name(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// What is wrong. `[control]`
    pub fn wrong(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is said beside it. `[control]`
    pub fn quiet(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// A text in lines of so many columns at most, broken at spaces; its own line ends stay. `[control]`
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Writes to standard output; a reader that has gone away (`rackd modules | head`) is no mistake. `[control]`
pub fn print(text: &str) {
    use std::io::Write as _;
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes to standard error, as it is. `[control]`
pub fn complain(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_no_word() {
        let text = "one two three four\n\nfive";
        let lines = wrap(text, 9);
        assert_eq!(lines, ["one two", "three", "four", "", "five"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    }
}
