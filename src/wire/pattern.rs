//! OSC 1.0 address patterns: `?`, `*`, `[a-z]`, `[!a]`, `{a,ab}`, each within one part of an address.
//!
//! All ways to match are followed at once, so the cost is at most pattern length × address length, whatever is written.

/// What one place of a pattern takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This character.
    Literal(char),
    /// Any one character.
    One,
    /// Any run, also none.
    Run,
    /// One character that is, or is not, in these ranges.
    Class(bool, Vec<(char, char)>),
    /// One of these words.
    Words(Vec<Vec<char>>),
}

/// A pattern that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// `[` without `]`, or nothing between them.
    #[error("a `[` of the pattern is not closed")]
    Class,
    /// `{` without `}`.
    #[error("a `{{` of the pattern is not closed")]
    Words,
    /// `]` or `}` alone.
    #[error("a `{0}` of the pattern closes nothing")]
    Stray(char),
}

/// A pattern of an address, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Vec<Token>>,
}

/// Whether an address is a pattern. `[any]`
pub fn is_pattern(address: &str) -> bool {
    address.contains(['?', '*', '[', ']', '{', '}'])
}

impl Pattern {
    /// Reads a pattern such as `/acid/*/cut{off,_off}`.
    ///
    /// # Errors
    /// Where brackets do not match. `[control]`
    pub fn new(address: &str) -> Result<Self, BadPattern> {
        let address = address.strip_prefix('/').unwrap_or(address);
        Ok(Self { parts: address.split('/').map(part).collect::<Result<_, _>>()? })
    }

    /// Whether an address matches; it must have as many parts. `[control]`
    pub fn matches(&self, address: &str) -> bool {
        self.matches_after(0, address.strip_prefix('/').unwrap_or(address))
    }

    /// Whether what follows the first so many parts of the pattern matches the rest of an address. `[control]`
    pub fn matches_after(&self, skip: usize, rest: &str) -> bool {
        let mut parts = rest.split('/');
        let tokens = self.parts.get(skip..).unwrap_or(&[]);
        tokens.iter().all(|tokens| parts.next().is_some_and(|part| part_matches(tokens, part))) && parts.next().is_none()
    }

    /// Whether one part of the pattern matches one part of an address. `[control]`
    pub fn part_matches(&self, part: usize, text: &str) -> bool {
        self.parts.get(part).is_some_and(|tokens| part_matches(tokens, text))
    }
}

fn part(text: &str) -> Result<Vec<Token>, BadPattern> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '?' => Token::One,
            '*' => Token::Run,
            '[' => {
                let (inside, after) = rest.as_str().split_once(']').ok_or(BadPattern::Class)?;
                rest = after.chars();
                class(inside)?
            }
            '{' => {
                let (inside, after) = rest.as_str().split_once('}').ok_or(BadPattern::Words)?;
                rest = after.chars();
                Token::Words(inside.split(',').map(|word| word.chars().collect()).collect())
            }
            ']' | '}' => return Err(BadPattern::Stray(c)),
            _ => Token::Literal(c),
        });
    }
    Ok(tokens)
}

/// `-` is a range between two characters and itself anywhere else; `!` negates at the front alone.
fn class(inside: &str) -> Result<Token, BadPattern> {
    let (negated, inside) = inside.strip_prefix('!').map_or((false, inside), |rest| (true, rest));
    let chars: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if chars.get(at + 1) == Some(&'-') && at + 2 < chars.len() {
            ranges.push((chars[at].min(chars[at + 2]), chars[at].max(chars[at + 2])));
            at += 3;
        } else {
            ranges.push((chars[at], chars[at]));
            at += 1;
        }
    }
    if ranges.is_empty() { Err(BadPattern::Class) } else { Ok(Token::Class(negated, ranges)) }
}

fn part_matches(tokens: &[Token], text: &str) -> bool {
    if tokens.iter().all(|token| matches!(token, Token::Literal(_))) {
        return tokens.iter().map(|token| if let Token::Literal(c) = token { *c } else { '\0' }).eq(text.chars());
    }
    let text: Vec<char> = text.chars().collect();
    // reached[n]: the tokens so far can take exactly the first n characters.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in tokens {
        let mut next = vec![false; text.len() + 1];
        for from in (0..=text.len()).filter(|from| reached[*from]) {
            match token {
                Token::Literal(c) if text.get(from) == Some(c) => next[from + 1] = true,
                Token::One if from < text.len() => next[from + 1] = true,
                Token::Class(negated, ranges)
                    if text.get(from).is_some_and(|c| ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated) =>
                {
                    next[from + 1] = true;
                }
                Token::Run => {
                    next[from..].fill(true);
                    break;
                }
                Token::Words(words) => {
                    for word in words.iter().filter(|word| text[from..].starts_with(word)) {
                        next[from + word.len()] = true;
                    }
                }
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, address: &str) -> bool {
        Pattern::new(pattern).expect("a sound pattern").matches(address)
    }

    #[test]
    fn what_matches_and_what_does_not() {
        let yes = [
            ("/foo*", "/foo"),
            ("/*", "/a"),
            ("/?*", "/a"),
            ("/*[ab]b", "/abb"),
            ("/[0-9][0-9]", "/12"),
            ("/{foo,foobar}", "/foobar"),
            ("/{a,ab}c", "/abc"),
            ("/{a,ab}{c,bc}", "/abc"),
            ("/[!a]", "/b"),
            ("/[a-]", "/-"),
            ("/[a!]", "/!"),
            ("/[z-a]", "/m"),
            ("/a/*/c", "/a/b/c"),
            ("/x{,y}", "/x"),
            ("/a.b", "/a.b"),
            ("/*.saw", "/osc.saw"),
            ("/é?", "/éé"),
        ];
        let no = [
            ("/foo*", "/fo"),
            ("/*", "/a/b"),
            ("/?", "/"),
            ("/?", "/ab"),
            ("/[0-9]", "/123"),
            ("/[!a]", "/a"),
            ("/[!a]", "/x/y/z"),
            ("/a/*/c", "/a/b/d/c"),
            ("/a/*", "/a"),
            ("/{a,b}", "/c"),
            ("/a.b", "/axb"),
            ("/a,b", "/a"),
        ];
        for (pattern, address) in yes {
            assert!(fits(pattern, address), "{pattern} ~ {address}");
        }
        for (pattern, address) in no {
            assert!(!fits(pattern, address), "{pattern} !~ {address}");
        }
    }

    #[test]
    fn brackets_must_match() {
        assert_eq!(Pattern::new("/[a"), Err(BadPattern::Class));
        assert_eq!(Pattern::new("/[]"), Err(BadPattern::Class));
        assert_eq!(Pattern::new("/{a,b"), Err(BadPattern::Words));
        assert_eq!(Pattern::new("/a]"), Err(BadPattern::Stray(']')));
        assert_eq!(Pattern::new("/a/b}"), Err(BadPattern::Stray('}')));
    }

    #[test]
    fn the_cost_is_bounded() {
        let pattern = Pattern::new(&format!("/{}b", "*a".repeat(120))).expect("a sound pattern");
        assert!(!pattern.matches(&format!("/{}", "a".repeat(250))));
    }

    #[test]
    fn a_pattern_part_by_part() {
        let pattern = Pattern::new("/ac*/filter/{in,out}").expect("a sound pattern");
        assert!(pattern.part_matches(0, "acid") && !pattern.part_matches(0, "bass") && !pattern.part_matches(3, "in"));
        assert!(pattern.matches_after(1, "filter/in") && !pattern.matches_after(1, "filter") && !pattern.matches_after(1, "filter/in/x"));
    }
}
