//! `rackd surface`: files for other programs that know rackd.

use super::args::{Program, Surface};
use super::exit::Exit;
use super::style;
use crate::control::verbs::markdown;
use crate::modules::CATALOGUE;
use crate::score;
use crate::surface;

/// Prints what the program asked for takes. `[control]`
///
/// # Errors
/// None.
pub fn run(args: &Surface) -> Result<(), Exit> {
    match args.program {
        Program::Schema => style::print(&schema()),
        Program::RackSchema => style::print(&rack_schema()),
        Program::Osc => style::print(&(markdown() + &score::verbs::markdown())),
    }
    Ok(())
}

/// The JSON Schema of racks as the committed file holds it. `[control]`
pub fn rack_schema() -> String {
    format!("{:#}\n", surface::rack_schema())
}

/// The JSON Schema as the committed file holds it. `[control]`
pub fn schema() -> String {
    format!("{:#}\n", surface::schema(&CATALOGUE))
}
