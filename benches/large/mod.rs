//! Large patches, and other versions of them as a reload brings them.
#![allow(dead_code, unreachable_pub, reason = "each bench takes its part")]

use std::fmt::Write;

/// What of a patch is another than in the first version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Nothing.
    First,
    /// One module is of another kind.
    One,
    /// The modules of every other chain have other names: they start anew.
    Half,
    /// All have.
    All,
}

/// Chains of an oscillator, three filters and an LFO, mixed together; `part` is `global` or `voice`, with 16 voices.
pub fn patch(modules: usize, part: &str, version: Version) -> String {
    let note = if part == "voice" { "[note]\n" } else { "" };
    let mut text = format!("format = 1\nname = \"large\"\n{note}");
    let chains = modules / 5;
    let name = |chain: usize| match version {
        Version::Half if chain % 2 == 1 => format!("{chain}x"),
        Version::All => format!("{chain}x"),
        _ => chain.to_string(),
    };
    for chain in 0..chains {
        let kind = if version == Version::One && chain == 0 { "svf" } else { "onepole" };
        let (pitch, rate, chain) = (55 + chain % 400, 1 + chain % 7, name(chain));
        let _ = write!(
            text,
            "[{part}.osc{chain}]\ntype = \"vco\"\npitch = \"{pitch} Hz\"\n\
             [{part}.lfo{chain}]\ntype = \"lfo\"\nrate = \"{rate} Hz\"\n\
             [{part}.low{chain}]\ntype = \"svf\"\nin = \"osc{chain}.saw * 0.5 + osc{chain}.square * 0.2\"\ncutoff = \"800 Hz + lfo{chain} * 1 oct\"\n\
             [{part}.high{chain}]\ntype = \"{kind}\"\nin = \"low{chain}.low\"\ncutoff = \"100 Hz\"\n\
             [{part}.last{chain}]\ntype = \"svf\"\nin = \"high{chain}.high\"\ncutoff = 2000\n",
        );
    }
    let _ = write!(text, "[out]\nin = \"");
    for chain in 0..chains.min(100) {
        let _ = write!(text, "{}last{}.low * 0.01", if chain > 0 { " + " } else { "" }, name(chain));
    }
    text + "\"\n"
}
