//! The reference of modules, drawn from their declarations: as rows for a table and as one page of Markdown.

use std::fmt::Write as _;

use crate::base::units::Unit;
use crate::module::{Catalogue, Category, Input, ModuleDef, Output, Setting, SettingKind};

/// One input, output or setting, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As it is written in patches.
    pub name: &'static str,
    /// What it takes or carries: `20 Hz..20 kHz`, `gate`, `audio, stereo`, `4 | 2`.
    pub range: String,
    /// What counts where nothing is written; empty for outputs.
    pub default: String,
    /// One sentence.
    pub doc: &'static str,
}

/// Every family, in the order of the reference, with its title.
pub const FAMILIES: [(Category, &str); 7] = [
    (Category::Source, "Sources"),
    (Category::Filter, "Filters"),
    (Category::Envelope, "Envelopes"),
    (Category::Modulator, "Modulators"),
    (Category::Sequencer, "Sequencers"),
    (Category::Mixer, "Mixing"),
    (Category::Effect, "Effects"),
];

/// The kinds of a family, by name. `[control]`
pub fn family(catalogue: &Catalogue, category: Category) -> Vec<&'static ModuleDef> {
    let mut kinds: Vec<_> = catalogue.iter().filter(|def| def.category == category).collect();
    kinds.sort_by_key(|def| def.name);
    kinds
}

/// A number with its unit as a musician writes it: `8 kHz`, `250 ms`, `-6 dB`, `0.5`. `[control]`
pub fn quantity(value: f32, unit: Unit) -> String {
    let (number, unit) = match unit {
        Unit::Hertz if value >= 1000.0 => (value / 1000.0, " kHz"),
        Unit::Hertz => (value, " Hz"),
        Unit::Seconds if value != 0.0 && value < 1.0 => (value * 1000.0, " ms"),
        Unit::Seconds => (value, " s"),
        Unit::Octaves => (value, " oct"),
        Unit::Decibels => (value, " dB"),
        Unit::Degrees => (value, " deg"),
        Unit::Audio | Unit::Number | Unit::Gate | Unit::Trigger => (value, ""),
    };
    // Four digits that count: what a declaration says in decimal comes back as it was written.
    let digits = if number == 0.0 { 0 } else { (3 - libm::floor(libm::log10(f64::from(number.abs()))) as i32).clamp(0, 9) as usize };
    let text = format!("{number:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// What an input or output is measured in, in one word. `[control]`
pub const fn unit_word(unit: Unit) -> &'static str {
    match unit {
        Unit::Audio => "audio",
        Unit::Hertz => "frequency",
        Unit::Octaves => "pitch",
        Unit::Seconds => "time",
        Unit::Decibels => "level",
        Unit::Number => "number",
        Unit::Degrees => "angle",
        Unit::Gate => "gate",
        Unit::Trigger => "trigger",
    }
}

fn stereo(text: String, stereo: bool) -> String {
    if stereo { text + ", stereo" } else { text }
}

fn input(input: &Input, per_voice: bool) -> Row {
    let range = match input.unit {
        Unit::Audio | Unit::Gate | Unit::Trigger => unit_word(input.unit).to_owned(),
        unit => format!("{}..{}", quantity(input.min, unit), quantity(input.max, unit)),
    };
    let default = match input.normalled {
        Some(source) if per_voice => format!("note.{}", source.name()),
        _ => match input.unit {
            Unit::Audio | Unit::Gate | Unit::Trigger if input.default == 0.0 => "-".to_owned(),
            unit => quantity(input.default, unit),
        },
    };
    Row { name: input.name, range: stereo(range, input.stereo), default, doc: input.doc }
}

fn output(output: &Output) -> Row {
    Row { name: output.name, range: stereo(unit_word(output.unit).to_owned(), output.stereo), default: String::new(), doc: output.doc }
}

fn setting(setting: &Setting) -> Row {
    let (range, default) = match setting.kind {
        SettingKind::Choice(words) => (words.join(" | "), words[0].to_owned()),
        SettingKind::Integer { min, max, default } => (format!("{min}..{max}"), default.to_string()),
        SettingKind::Number { min, max, default } => (format!("{min}..{max}"), default.to_string()),
        SettingKind::Pitches(list) => ("list of pitches".to_owned(), format!("{} of them", list.len())),
        SettingKind::Numbers(list) => {
            let words: Vec<String> = list.iter().map(|&number| quantity(number, Unit::Number)).collect();
            ("list of numbers".to_owned(), format!("[{}]", words.join(", ")))
        }
        SettingKind::Name(name) => ("name".to_owned(), name.to_owned()),
    };
    Row { name: setting.name, range, default, doc: setting.doc }
}

/// The inputs of a kind. `[control]`
pub fn inputs(def: &ModuleDef) -> Vec<Row> {
    def.inputs.iter().map(|row| input(row, def.per_voice())).collect()
}

/// The outputs of a kind; the first is what its bare name means. `[control]`
pub fn outputs(def: &ModuleDef) -> Vec<Row> {
    def.outputs.iter().map(output).collect()
}

/// The settings of a kind. `[control]`
pub fn settings(def: &ModuleDef) -> Vec<Row> {
    def.settings.iter().map(setting).collect()
}

/// Where a kind may stand, in words. `[control]`
pub fn stands_in(def: &ModuleDef) -> &'static str {
    if def.per_voice() { "[voice.*] and [global.*]" } else { "[global.*] only" }
}

/// The whole catalogue as one page. `[control]`
pub fn markdown(catalogue: &Catalogue) -> String {
    let mut page = String::from(
        "# Modules\n\nWritten by `rackd modules --markdown` from the declarations in `src/modules/`; change those, not this page.\n\
         A default such as `note.pitch` is what an input is connected to in `[voice.*]` where nothing is written.\n",
    );
    for (category, title) in FAMILIES {
        let kinds = family(catalogue, category);
        if !kinds.is_empty() {
            let _ = write!(page, "\n## {title}\n");
            kinds.iter().for_each(|def| kind(&mut page, def));
        }
    }
    page
}

/// One kind of it. `[control]`
pub fn markdown_of(def: &ModuleDef) -> String {
    let mut page = String::new();
    kind(&mut page, def);
    page.trim_start().to_owned()
}

/// One kind as a part of the page.
fn kind(page: &mut String, def: &ModuleDef) {
    let place = if def.per_voice() { "`[voice.*]` and `[global.*]`" } else { "`[global.*]` only" };
    let _ = write!(page, "\n### `{}`\n\n{} Stands in {place}.\n", def.name, def.summary);
    if !def.doc.is_empty() {
        let _ = write!(page, "\n{}\n", def.doc.trim());
    }
    for (title, rows) in [("input", inputs(def)), ("output", outputs(def)), ("setting", settings(def))] {
        if rows.is_empty() {
            continue;
        }
        let with_default = rows.iter().any(|row| !row.default.is_empty());
        let (range, does) = if title == "output" { ("carries", "is") } else { ("takes", "does") };
        let _ = writeln!(page, "\n| {title} | {range} | {}{does} |", if with_default { "default | " } else { "" });
        let _ = writeln!(page, "|---|---|{}---|", if with_default { "---|" } else { "" });
        for row in rows {
            let default = if with_default { format!("{} | ", row.default) } else { String::new() };
            let _ = writeln!(page, "| `{}` | {} | {default}{} |", row.name, row.range.replace('|', "\\|"), row.doc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_declared() {
        for (value, unit, text) in [
            (20.0, Unit::Hertz, "20 Hz"),
            (20_000.0, Unit::Hertz, "20 kHz"),
            (0.01, Unit::Hertz, "0.01 Hz"),
            (0.005, Unit::Seconds, "5 ms"),
            (0.0, Unit::Seconds, "0 s"),
            (30.0, Unit::Seconds, "30 s"),
            (-6.0, Unit::Decibels, "-6 dB"),
            (0.707, Unit::Number, "0.707"),
            (100.0, Unit::Number, "100"),
            (261.625_57, Unit::Hertz, "261.6 Hz"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
    }
}
