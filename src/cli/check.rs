//! `rackd check`: every mistake of patches, and what they compile to.

use std::io::IsTerminal;

use super::args::Check;
use super::draw;
use super::exit::Exit;
use super::style;
use crate::base::diagnostic::Diagnostic;
use crate::daemon::source::Source;
use crate::plan;

/// Checks all files and prints what is to be said. `[control]`
///
/// # Errors
/// [`Exit::Patch`] where any has a mistake; [`Exit::CommandLine`] and [`Exit::Machine`] where one cannot be read.
pub fn run(args: &Check) -> Result<(), Exit> {
    let mut wrong = false;
    for file in &args.files {
        let source = Source::new(Some(file));
        let reading = source.read()?;
        style::complain(&draw_for_terminal(&source.name(), &reading.text, &reading.diagnostics));
        match &reading.patch {
            None => wrong = true,
            Some(patch) if args.plan => style::print(&format!("{}\n", plan::listing(patch).trim_end())),
            Some(_) if reading.diagnostics.is_empty() => style::print(&format!("{}: no mistakes\n", source.name())),
            Some(_) => {}
        }
    }
    if wrong { Err(Exit::Patch) } else { Ok(()) }
}

/// Diagnostics as standard error shows them. `[control]`
pub fn draw_for_terminal(file: &str, text: &str, diagnostics: &[Diagnostic]) -> String {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|asked| asked.is_empty());
    draw::draw(file, text, diagnostics, colour)
}
