//! Which names a patch may give, and note names.

/// Words that no module or control may be called: each has a meaning of its own in expressions or addresses.
pub const RESERVED: [&str; 16] =
    ["note", "keys", "in", "out", "level", "pan", "mute", "solo", "send", "preset", "n", "z", "text", "label", "true", "false"];

/// Whether this may name a module or control by its letters alone: `[a-z][a-z0-9_]*`. `[any]`
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Whether this may name what lies outside a patch, such as a stream: 1 to 64 of `a-z`, `0-9`, `_`, `-` and `.`, the first a letter or digit.
/// `[any]`
pub fn is_outer_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 64 && text.starts_with(first) && text.chars().all(|c| first(c) || matches!(c, '_' | '-' | '.'))
}

/// What [`is_outer_name`] wants, in words.
pub const OUTER_NAME: &str = "a name is 1 to 64 of a-z 0-9 _ - . and begins with a letter or digit";

/// Note number of a note name such as `A4`, `F#3`, `Bb-1`; C4 is 60. `[any]`
pub fn note_number(text: &str) -> Option<i32> {
    let mut chars = text.chars();
    let step = match chars.next()? {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let rest = chars.as_str();
    let (shift, octave) = match rest.strip_prefix('#') {
        Some(octave) => (1, octave),
        None => rest.strip_prefix('b').map_or((0, rest), |octave| (-1, octave)),
    };
    let digits = octave.strip_prefix('-').unwrap_or(octave);
    if digits.is_empty() || digits.len() > 2 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((octave.parse::<i32>().ok()? + 1) * 12 + step + shift)
}

/// Name of a note number, with sharps: 60 is `C4`. `[control]`
pub fn note_name(number: i32) -> String {
    const STEPS: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    format!("{}{}", STEPS[number.rem_euclid(12) as usize], number.div_euclid(12) - 1)
}

/// Pitch in octaves above C4 of a note number, which may have a fraction. `[any]`
pub fn octaves_from_note(number: f64) -> f64 {
    (number - 60.0) / 12.0
}

/// First words of addresses that mean something of their own: no slot may be called so, and no map may listen there.
pub const FIRST_WORDS: [&str; 38] = [
    "n",
    "master",
    "panic",
    "rack",
    "patch",
    "snapshot",
    "undo",
    "redo",
    "map",
    "tuning",
    "media",
    "transport",
    "clock",
    "score",
    "record",
    "stream",
    "devices",
    "engine",
    "sub",
    "unsub",
    "hello",
    "ping",
    "sync",
    "notes",
    "query",
    "clear",
    "done",
    "fail",
    "late",
    "synced",
    "pong",
    "meter",
    "beat",
    "cursor",
    "note",
    "changed",
    "dump",
    "dirt",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_notes_never_meet() {
        assert!(is_name("osc_2") && !is_name("Osc") && !is_name("2osc") && !is_name("") && !is_name("a-b"));
        for number in -12..=127 {
            let name = note_name(number);
            assert_eq!(note_number(&name), Some(number), "{name}");
            assert!(!is_name(&name));
        }
        assert_eq!(note_number("Bb-1"), Some(10));
        assert_eq!(note_number("A4"), Some(69));
        assert_eq!(note_number("H4"), None);
        assert_eq!(note_number("A"), None);
        assert_eq!(note_number("A444"), None);
    }
}
