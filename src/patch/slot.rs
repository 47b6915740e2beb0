//! How a slot is called that was made from a file.

use crate::base::names::FIRST_WORDS;

/// The name of a slot made from a file of this stem: what comes before the first letter is dropped, the rest in small letters,
/// digits, `_` and `-` (`01-Acid Bass` is `acid-bass`); a word that addresses need takes `-2`. `[control]`
pub fn slot_name(file_stem: &str) -> String {
    slot_name_beside(file_stem, |_| false)
}

/// The same, taking `-2`, `-3`, … where a name is taken. `[control]`
pub fn slot_name_beside(file_stem: &str, taken: impl Fn(&str) -> bool) -> String {
    let mut name = String::new();
    for c in file_stem.chars().flat_map(char::to_lowercase).skip_while(|c| !c.is_ascii_lowercase()) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.truncate(name.trim_end_matches('-').len());
    if name.is_empty() {
        name.push_str("patch-1");
    }
    let free = |name: &str| !FIRST_WORDS.contains(&name) && !taken(name);
    if free(&name) {
        return name;
    }
    (2u64..).map(|n| format!("{name}-{n}")).find(|name| free(name)).unwrap_or(name)
}

/// Whether this may name a slot: `[a-z][a-z0-9_-]*`, and none of the first words of addresses. `[any]`
pub fn is_slot_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        && !FIRST_WORDS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_name_slots() {
        for (stem, want) in [
            ("01-Acid Bass", "acid-bass"),
            ("acid", "acid"),
            ("master", "master-2"),
            ("note", "note-2"),
            ("  --Wobble__(new) ", "wobble__-new"),
            ("123", "patch-1"),
            ("", "patch-1"),
            ("Ümlaut pad", "mlaut-pad"),
        ] {
            assert_eq!(slot_name(stem), want);
            assert!(is_slot_name(&slot_name(stem)), "{stem}");
        }
        assert_eq!(slot_name_beside("acid", |name| name == "acid" || name == "acid-2"), "acid-3");
    }
}
