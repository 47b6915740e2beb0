//! `rackd modules`: the catalogue, from the declarations.

use super::args::Modules;
use super::exit::Exit;
use super::style::{self, Style};
use crate::base::nearest::nearest;
use crate::module::{Catalogue, ModuleDef};
use crate::modules::CATALOGUE;
use crate::surface::reference::{self, FAMILIES, Row};

/// Prints the catalogue or one kind of it. `[control]`
///
/// # Errors
/// [`Exit::CommandLine`] where no kind has that name.
pub fn run(args: &Modules) -> Result<(), Exit> {
    let style = Style(style::colours());
    let text = match &args.name {
        None if args.markdown => reference::markdown(&CATALOGUE),
        None => overview(&CATALOGUE, style, style::width()),
        Some(name) => {
            let def = CATALOGUE.find(name).ok_or_else(|| {
                let near = nearest(name, CATALOGUE.iter().map(|def| def.name));
                let hint = near.map_or_else(|| "`rackd modules` lists them all".to_owned(), |near| format!("did you mean `{near}`?"));
                Exit::CommandLine(format!("there is no module `{name}`; {hint}"))
            })?;
            if args.markdown { reference::markdown_of(def) } else { one(def, style, style::width()) }
        }
    };
    style::print(&text);
    Ok(())
}

/// All kinds, a line each.
fn overview(catalogue: &Catalogue, style: Style, width: usize) -> String {
    let mut text = String::new();
    let longest = catalogue.iter().map(|def| def.name.len()).max().unwrap_or(0);
    for (category, title) in FAMILIES {
        let kinds = reference::family(catalogue, category);
        if kinds.is_empty() {
            continue;
        }
        text += &format!("{}\n", style.heading(title));
        for def in kinds {
            let outputs: Vec<&str> = def.outputs.iter().map(|output| output.name).collect();
            let said = format!("{} → {}", def.summary, outputs.join(", "));
            for (at, line) in style::wrap(&said, width.saturating_sub(longest + 4)).iter().enumerate() {
                let name = if at == 0 { def.name } else { "" };
                text += &format!("  {}{}  {line}\n", style.name(name), " ".repeat(longest - name.len()));
            }
        }
        text.push('\n');
    }
    text + &style.quiet("`rackd modules NAME` tells all of one: its inputs, outputs and settings.\n")
}

/// One kind in full.
fn one(def: &ModuleDef, style: Style, width: usize) -> String {
    let mut text = format!("{}  {}\n", style.name(def.name), def.summary);
    text += &style.quiet(&format!("type = \"{}\" in {}\n", def.name, reference::stands_in(def)));
    for (title, rows) in [("Inputs", reference::inputs(def)), ("Outputs", reference::outputs(def)), ("Settings", reference::settings(def))]
    {
        if !rows.is_empty() {
            text += &format!("\n{}\n{}", style.heading(title), table(&rows, style, width));
        }
    }
    if !def.doc.is_empty() {
        text.push('\n');
        for line in style::wrap(def.doc, width) {
            text += &line;
            text.push('\n');
        }
    }
    text
}

/// Rows in columns as wide as they need to be; the sentence takes what is left and is broken there.
fn table(rows: &[Row], style: Style, width: usize) -> String {
    let columns = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (names, ranges, defaults) = (columns(|row| row.name), columns(|row| &row.range).min(28), columns(|row| &row.default));
    let before = 2 + names + 2 + ranges + 2 + if defaults > 0 { defaults + 2 } else { 0 };
    let mut text = String::new();
    for row in rows {
        // A long list of choices takes a line of its own above its sentence.
        let range_lines = style::wrap(&row.range, ranges);
        let doc_lines = style::wrap(row.doc, width.saturating_sub(before).max(24));
        for at in 0..range_lines.len().max(doc_lines.len()) {
            let piece = |lines: &[String]| lines.get(at).cloned().unwrap_or_default();
            let name = if at == 0 { row.name } else { "" };
            let default = if at == 0 { row.default.as_str() } else { "" };
            let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(text.chars().count()));
            let range = piece(&range_lines);
            let mut line = format!("  {}{}  {range}{}  ", style.name(name), pad(name, names), pad(&range, ranges));
            if defaults > 0 {
                line += &format!("{}{}  ", style.quiet(default), pad(default, defaults));
            }
            line += &piece(&doc_lines);
            text += line.trim_end();
            text.push('\n');
        }
    }
    text
}
