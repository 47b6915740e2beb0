//! Address patterns: those of OSC 1.0 (`?`, `*`, `[a-z]`, `[!a]`, `{a,ab}`, each within one part of an address) and the `//` of
//! OSC 1.1 (any number of parts, also none).
//!
//! OSC 1.0, "OSC Message Dispatching and Pattern Matching" (opensoundcontrol.stanford.edu/spec-1_0.html); OSC 1.1: Freed and
//! Schmeder, "Features and Future of Open Sound Control version 1.1 for NIME" (NIME 2009). In brackets, `-` at the end and `!`
//! anywhere but at the front are themselves; in braces stand plain words.
//!
//! All ways to match are followed at once, as sets: of characters within a part, of parts within an address. So no pattern costs
//! more than its length times that of what it is held against, and the work is counted in steps, which the caller may bound.

use super::limits::ADDRESS;

/// Bytes of a pattern at most.
pub const PATTERN: usize = 128;

/// What one place of a part takes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// These characters.
    Plain(Box<str>),
    /// Any one character.
    One,
    /// Any run, also none.
    Run,
    /// One character that is, or is not, in these ranges.
    Class(bool, Box<[(char, char)]>),
    /// One of these words.
    Words(Box<[Box<str>]>),
}

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This name alone.
    Plain(Box<str>),
    /// Any name: `*`.
    Any,
    /// Names that these take.
    Tokens(Box<[Token]>),
}

/// A pattern that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Longer than [`PATTERN`].
    #[error("the pattern is longer than {PATTERN} bytes")]
    Long,
    /// `[` without `]`, or nothing between them.
    #[error("a `[` of the pattern is not closed")]
    Class,
    /// `{` without `}`.
    #[error("a `{{` of the pattern is not closed")]
    Words,
    /// A wildcard or bracket between `{` and `}`.
    #[error("a `{0}` stands between `{{` and `}}` of the pattern; plain words do, with `,` between them")]
    Inside(char),
    /// `]` or `}` alone.
    #[error("a `{0}` of the pattern closes nothing")]
    Stray(char),
}

/// A pattern of an address, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    /// Before which parts any number of names may stand; the bit after the last part stands for the end.
    skips: u128,
}

/// How far a pattern may have come: a set of numbers of its parts, each of which may be the next. Every part has two bytes of the
/// pattern at least, so that 64 are the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached(u128);

impl Reached {
    /// Whether nothing that follows can match any more. `[any]`
    pub const fn is_nowhere(self) -> bool {
        self.0 == 0
    }
}

/// Whether an address is a pattern. `[any]`
pub fn is_pattern(address: &str) -> bool {
    let bytes = address.as_bytes();
    bytes.iter().any(|byte| matches!(byte, b'?' | b'*' | b'[' | b']' | b'{' | b'}')) || bytes.windows(2).any(|pair| pair == b"//")
}

impl Pattern {
    /// Reads a pattern such as `/acid/*/cut{off,_off}` or `//cutoff`.
    ///
    /// # Errors
    /// Where it is too long or its brackets do not match. `[control]`
    pub fn new(address: &str) -> Result<Self, BadPattern> {
        if address.len() > PATTERN {
            return Err(BadPattern::Long);
        }
        let (mut parts, mut skips) = (Vec::new(), 0);
        let mut rest = address.strip_prefix('/').unwrap_or(address);
        loop {
            // A slash here is the second of `//`; more of them say no more.
            let names = rest.trim_start_matches('/');
            if names.len() < rest.len() {
                skips |= 1 << parts.len();
                if names.is_empty() {
                    break;
                }
            }
            match names.split_once('/') {
                Some((name, after)) => {
                    parts.push(part(name)?);
                    rest = after;
                }
                None => {
                    parts.push(part(names)?);
                    break;
                }
            }
        }
        Ok(Self { parts, skips })
    }

    /// Before the first part of an address. `[control]`
    pub const fn start(&self) -> Reached {
        Reached(1)
    }

    /// How far it comes with the next name of an address; `steps` counts the work. `[control]`
    pub fn next(&self, from: Reached, name: &str, steps: &mut u64) -> Reached {
        let mut reached = from.0 & self.skips;
        let mut left = from.0;
        while left != 0 {
            let at = left.trailing_zeros() as usize;
            left &= left - 1;
            *steps += 1;
            if self.parts.get(at).is_some_and(|part| part.takes(name, steps)) {
                reached |= 1 << (at + 1);
            }
        }
        Reached(reached)
    }

    /// Whether an address that ends here matches. `[control]`
    pub fn is_whole(&self, reached: Reached) -> bool {
        reached.0 >> self.parts.len() & 1 == 1
    }

    /// The one name that can follow, where the pattern spells it out. `[control]`
    pub fn only(&self, from: Reached) -> Option<&str> {
        match self.parts.get(from.0.trailing_zeros() as usize) {
            Some(Part::Plain(name)) if from.0.is_power_of_two() && from.0 & self.skips == 0 => Some(name),
            _ => None,
        }
    }

    /// Whether the rest of the pattern may be these names, each of them spelt out to the end. `[control]`
    pub fn spells(&self, from: Reached, rest: &str) -> bool {
        let count = rest.split('/').count();
        let Some(first) = self.parts.len().checked_sub(count) else { return false };
        let plain = |part: &Part, name: &str| matches!(part, Part::Plain(plain) if **plain == *name);
        from.0 >> first & 1 == 1
            && self.skips >> (first + 1) == 0
            && self.parts[first..].iter().zip(rest.split('/')).all(|(part, name)| plain(part, name))
    }

    /// Whether an address matches. `[control]`
    pub fn matches(&self, address: &str) -> bool {
        let names = address.strip_prefix('/').unwrap_or(address).split('/');
        self.is_whole(names.fold(self.start(), |reached, name| self.next(reached, name, &mut 0)))
    }
}

fn part(text: &str) -> Result<Part, BadPattern> {
    if text == "*" {
        return Ok(Part::Any);
    }
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        tokens.push(match c {
            '?' => Token::One,
            // Two runs are one.
            '*' if tokens.last() == Some(&Token::Run) => continue,
            '*' => Token::Run,
            '[' => {
                let (inside, after) = rest.split_once(']').ok_or(BadPattern::Class)?;
                rest = after;
                class(inside)?
            }
            '{' => {
                let (inside, after) = rest.split_once('}').ok_or(BadPattern::Words)?;
                if let Some(c) = inside.chars().find(|c| "?*[]{".contains(*c)) {
                    return Err(BadPattern::Inside(c));
                }
                rest = after;
                Token::Words(inside.split(',').map(Box::from).collect())
            }
            ']' | '}' => return Err(BadPattern::Stray(c)),
            c => {
                let more = rest.find(['?', '*', '[', ']', '{', '}']).unwrap_or(rest.len());
                let (plain, after) = rest.split_at(more);
                rest = after;
                Token::Plain(format!("{c}{plain}").into())
            }
        });
    }
    Ok(match tokens.as_slice() {
        [] => Part::Plain("".into()),
        [Token::Plain(name)] => Part::Plain(name.clone()),
        _ => Part::Tokens(tokens.into()),
    })
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
    if ranges.is_empty() { Err(BadPattern::Class) } else { Ok(Token::Class(negated, ranges.into())) }
}

const WORDS: usize = ADDRESS / 64 + 1;

/// Which lengths of a name have been taken: one bit each.
#[derive(Clone, Copy)]
struct Lengths([u64; WORDS]);

impl Lengths {
    const NONE: Self = Self([0; WORDS]);

    fn add(&mut self, length: usize) {
        self.0[length / 64] |= 1 << (length % 64);
    }

    fn has(&self, length: usize) -> bool {
        self.0[length / 64] >> (length % 64) & 1 == 1
    }

    fn first(&self) -> Option<usize> {
        self.0.iter().enumerate().find(|(_, bits)| **bits != 0).map(|(at, bits)| at * 64 + bits.trailing_zeros() as usize)
    }

    fn take_first(&mut self) -> Option<usize> {
        let first = self.first()?;
        self.0[first / 64] &= !(1 << (first % 64));
        Some(first)
    }
}

impl Part {
    fn takes(&self, name: &str, steps: &mut u64) -> bool {
        match self {
            Self::Plain(plain) => **plain == *name,
            // No name is empty.
            Self::Any => !name.is_empty(),
            // What is longer has no address that could be sent.
            Self::Tokens(_) if name.len() > ADDRESS => false,
            Self::Tokens(tokens) => match (&tokens[0], &tokens[tokens.len() - 1]) {
                (Token::Plain(start), _) if !name.starts_with(&**start) => false,
                (_, Token::Plain(end)) if !name.ends_with(&**end) => false,
                _ => tokens_take(tokens, name, steps),
            },
        }
    }
}

fn tokens_take(tokens: &[Token], name: &str, steps: &mut u64) -> bool {
    let mut taken = Lengths::NONE;
    taken.add(0);
    for token in tokens {
        let mut next = Lengths::NONE;
        if *token == Token::Run {
            let Some(first) = taken.first() else { return false };
            *steps += 1;
            (first..=name.len()).filter(|length| name.is_char_boundary(*length)).for_each(|length| next.add(length));
            taken = next;
            continue;
        }
        while let Some(from) = taken.take_first() {
            *steps += 1;
            let rest = &name[from..];
            match token {
                Token::Plain(plain) if rest.starts_with(&**plain) => next.add(from + plain.len()),
                Token::One | Token::Class(..) => {
                    let Some(c) = rest.chars().next() else { continue };
                    let takes = match token {
                        Token::Class(negated, ranges) => {
                            *steps += ranges.len() as u64;
                            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
                        }
                        _ => true,
                    };
                    if takes {
                        next.add(from + c.len_utf8());
                    }
                }
                Token::Words(words) => {
                    *steps += words.len() as u64;
                    words.iter().filter(|word| rest.starts_with(&***word)).for_each(|word| next.add(from + word.len()));
                }
                _ => {}
            }
        }
        taken = next;
    }
    taken.has(name.len())
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
            ("/{a,ab}/c", "/ab/c"),
            ("/{a,ab}*c", "/abxc"),
            ("/a*b*c", "/aXbbYc"),
            ("/*a*", "/banana"),
            ("/**a**", "/banana"),
            ("/[!a]", "/b"),
            ("/[!a-z]", "/1"),
            ("/[a-]", "/-"),
            ("/[!a-]", "/b"),
            ("/[a-c-e]", "/-"),
            ("/[-a]", "/-"),
            ("/[a!]", "/!"),
            ("/[z-a]", "/m"),
            ("/[*?]", "/*"),
            ("/a-b!", "/a-b!"),
            ("/a/*/c", "/a/b/c"),
            ("/x{,y}", "/x"),
            ("/a.b", "/a.b"),
            ("/a+b", "/a+b"),
            ("/*.saw", "/osc.saw"),
            ("/é?", "/éé"),
            ("/*é", "/aé"),
        ];
        let no = [
            ("/foo*", "/fo"),
            ("/*", "/a/b"),
            ("/*", "/"),
            ("/?", "/"),
            ("/?", "/ab"),
            ("/a?", "/abc"),
            ("/[0-9]", "/123"),
            ("/[!a]", "/a"),
            ("/[!a-z]", "/q"),
            ("/[!a-]", "/-"),
            ("/[a-c-e]", "/d"),
            ("/[!a]", "/x/y/z"),
            ("/[a-z]", "/A"),
            ("/a/*/c", "/a/b/d/c"),
            ("/a/*", "/a"),
            ("/a*c", "/a/c"),
            ("/{a,b}", "/c"),
            ("/{a,ab}c", "/ab"),
            ("/a.b", "/axb"),
            ("/a+", "/aa"),
            ("/a,b", "/a"),
            ("/(a|b)", "/a"),
            ("/^a$", "/a"),
        ];
        for (pattern, address) in yes {
            assert!(fits(pattern, address), "{pattern} ~ {address}");
        }
        for (pattern, address) in no {
            assert!(!fits(pattern, address), "{pattern} !~ {address}");
        }
    }

    #[test]
    fn two_slashes_take_any_number_of_parts() {
        let yes = [
            ("//c", "/c"),
            ("//c", "/a/b/c"),
            ("//c", "/c/c"),
            ("/a//c", "/a/c"),
            ("/a//c", "/a/b/b/c"),
            ("/a//c/d", "/a/c/c/d"),
            ("/a//", "/a"),
            ("/a//", "/a/b/c"),
            ("//", "/a/b"),
            ("///c", "/a/c"),
            ("//{a,b}*//?", "/x/bc/y/z"),
            ("/*//c", "/a/c"),
        ];
        let no =
            [("//c", "/a/b/cd"), ("//c", "/c/d"), ("/a//c", "/b/a/c"), ("/a//c", "/a/c/d"), ("/*//c", "/c"), ("/a//", "/b"), ("/a/", "/a")];
        for (pattern, address) in yes {
            assert!(is_pattern(pattern) && fits(pattern, address), "{pattern} ~ {address}");
        }
        for (pattern, address) in no {
            assert!(!fits(pattern, address), "{pattern} !~ {address}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        assert_eq!(Pattern::new("/[a"), Err(BadPattern::Class));
        assert_eq!(Pattern::new("/[]"), Err(BadPattern::Class));
        assert_eq!(Pattern::new("/[a/b]"), Err(BadPattern::Class));
        assert_eq!(Pattern::new("/{a,b"), Err(BadPattern::Words));
        assert_eq!(Pattern::new("/{*a*a,"), Err(BadPattern::Words));
        assert_eq!(Pattern::new("/{a/b}"), Err(BadPattern::Words));
        assert_eq!(Pattern::new("/{a,{b,c}}"), Err(BadPattern::Inside('{')));
        assert_eq!(Pattern::new("/{a*,b}"), Err(BadPattern::Inside('*')));
        assert_eq!(Pattern::new("/a]"), Err(BadPattern::Stray(']')));
        assert_eq!(Pattern::new("/a/b}"), Err(BadPattern::Stray('}')));
        assert!(Pattern::new(&format!("/{}", "*".repeat(PATTERN - 1))).is_ok());
        assert_eq!(Pattern::new(&format!("/{}", "*".repeat(PATTERN))), Err(BadPattern::Long));
    }

    /// Steps of a pattern against an address.
    fn steps(pattern: &str, address: &str) -> u64 {
        let pattern = Pattern::new(pattern).expect("a sound pattern");
        let mut steps = 0;
        address[1..].split('/').fold(pattern.start(), |reached, name| pattern.next(reached, name, &mut steps));
        steps
    }

    #[test]
    fn no_pattern_costs_more_than_its_length_times_the_address() {
        let long = |text: &str, bytes: usize| text.repeat(bytes / text.len());
        let name = format!("/{}", long("a", 250));
        let parts = long("/a", 250);
        let hostile = [
            format!("/{}b", long("*a", 120)),
            format!("/{}b", long("*?", 120)),
            format!("/{}b", long("*{a,aa}", 120)),
            format!("/{}b", long("{a,aa,aaa,}", 120)),
            format!("/{}b", long("*[!b]", 120)),
            format!("/*{{{}b}}", long("b,", 110)),
            format!("/*[{}]*b", long("bc-d", 110)),
            format!("{}/b", long("//a", 120)),
            format!("{}/b", long("//*", 120)),
            format!("{}/b", long("//*a*", 120)),
        ];
        for pattern in hostile {
            for address in [&name, &parts] {
                assert!(!fits(&pattern, address), "{pattern}");
                let (steps, most) = (steps(&pattern, address), (pattern.len() * (address.len() + 1)) as u64);
                assert!(steps > 0 && steps <= most, "{pattern} takes {steps} steps, more than {most}");
            }
        }
    }

    #[test]
    fn a_pattern_part_by_part() {
        let pattern = Pattern::new("/ac*/filter/{in,out}").expect("a sound pattern");
        let mut steps = 0;
        let start = pattern.start();
        assert!(pattern.only(start).is_none() && pattern.next(start, "bass", &mut steps).is_nowhere());
        let slot = pattern.next(start, "acid", &mut steps);
        assert_eq!(pattern.only(slot), Some("filter"));
        let module = pattern.next(slot, "filter", &mut steps);
        assert!(!pattern.is_whole(module) && pattern.is_whole(pattern.next(module, "in", &mut steps)));
        assert_eq!(steps > 3, pattern.next(module, "x", &mut steps).is_nowhere());
    }

    #[test]
    fn what_is_spelt_out() {
        let spells = |pattern: &str| {
            let pattern = Pattern::new(pattern).expect("a sound pattern");
            pattern.spells(pattern.next(pattern.start(), "acid", &mut 0), "note/on")
        };
        for yes in ["/*/note/on", "//note/on", "/a*//note/on", "/acid/note/on"] {
            assert!(spells(yes), "{yes}");
        }
        for no in ["/*/note/*", "/*/*/on", "//on", "/*/note//on", "/*/note/on//", "/b*/note/on", "/*/note", "/note/on", "//"] {
            assert!(!spells(no), "{no}");
        }
    }

    /// One way after the other: right by its plainness, and slow.
    fn slow_part(pattern: &[u8], name: &[u8]) -> bool {
        let one = |rest: &[u8]| !name.is_empty() && slow_part(rest, &name[1..]);
        let inside = |close: u8| pattern.iter().position(|c| *c == close).expect("closed");
        match pattern.first() {
            None => name.is_empty(),
            Some(b'*') => (0..=name.len()).any(|from| slow_part(&pattern[1..], &name[from..])),
            Some(b'?') => one(&pattern[1..]),
            Some(b'[') => {
                let end = inside(b']');
                let (negated, class) = if pattern[1] == b'!' { (true, &pattern[2..end]) } else { (false, &pattern[1..end]) };
                let range = class.len() == 3 && class[1] == b'-';
                let has = |c: u8| if range { (class[0]..=class[2]).contains(&c) } else { class.contains(&c) };
                name.first().is_some_and(|c| has(*c) != negated) && one(&pattern[end + 1..])
            }
            Some(b'{') => {
                let end = inside(b'}');
                let mut words = pattern[1..end].split(|c| *c == b',');
                words.any(|word| name.starts_with(word) && slow_part(&pattern[end + 1..], &name[word.len()..]))
            }
            Some(c) => name.first() == Some(c) && one(&pattern[1..]),
        }
    }

    fn slow(pattern: &[&str], names: &[&str]) -> bool {
        match pattern {
            [] => names.is_empty(),
            // What stands between `//`.
            ["", rest @ ..] => (0..=names.len()).any(|from| slow(rest, &names[from..])),
            [first, rest @ ..] => names.first().is_some_and(|name| slow_part(first.as_bytes(), name.as_bytes()) && slow(rest, &names[1..])),
        }
    }

    #[test]
    fn the_fast_way_is_the_slow_way() {
        const PIECES: [&str; 15] = ["a", "b", "c", "ab", "*", "?", "[ab]", "[!a]", "[a-b]", "[b-]", "{a,ab}", "{b,bc,}", "*", "*", "*"];
        let mut seed = 1u64;
        let mut below = |end: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % end
        };
        let mut found = [0usize; 2];
        for _ in 0..100_000 {
            let mut pattern: Vec<String> = Vec::new();
            for _ in 0..=below(2) {
                if below(4) == 0 && pattern.last().is_none_or(|part| !part.is_empty()) {
                    pattern.push(String::new());
                }
                pattern.push((0..=below(3)).map(|_| PIECES[below(PIECES.len())]).collect());
            }
            let names: Vec<String> = (0..=below(3)).map(|_| (0..=below(3)).map(|_| ["a", "b", "c", "-"][below(4)]).collect()).collect();
            let (text, address) = (format!("/{}", pattern.join("/")), format!("/{}", names.join("/")));
            let right =
                slow(&pattern.iter().map(String::as_str).collect::<Vec<_>>(), &names.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(fits(&text, &address), right, "{text} ~ {address}");
            found[usize::from(right)] += 1;
        }
        assert!(found.iter().all(|count| *count > 3000), "{found:?}");
    }
}
