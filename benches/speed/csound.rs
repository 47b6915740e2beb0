//! The workloads for Csound.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use super::workloads::{
    BUFFER, CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, INDICES, LINKS, LOUDNESS, Note, RATE, RATIOS, SHORT, SINES, SWEEP, Workload, notes,
    sine,
};

pub fn command(work: Workload, seconds: f64, score: &Path, out: &Path) -> std::io::Result<Command> {
    let score = score.with_extension("csd");
    std::fs::write(&score, text(work, seconds))?;
    let mut command = Command::new("csound");
    command.args(["-W", "-f", "-d", "-m0", "-o"]).args([out, &score]);
    Ok(command)
}

/// The table that oscillators read.
const TABLE: &str = "gitable ftgen 1, 0, 16384, 10, 1\n";

/// The end of an instrument: what is heard, and its place by equal power.
const PLACE: &str = " outs asound * cos((p5 + 1) * $M_PI / 4), asound * sin((p5 + 1) * $M_PI / 4)\nendin\n";

fn text(work: Workload, seconds: f64) -> String {
    let (instrument, score) = match work {
        Workload::W1 => (sines(), format!("i1 0 {seconds}\n")),
        Workload::W2 => (voice(SWEEP, LOUDNESS), events(&notes(work, seconds))),
        Workload::W3 => (operators(), events(&notes(work, seconds))),
        Workload::W4 => (chains(), format!("i1 0 {seconds}\n")),
        Workload::W5 => (effects(), format!("i1 0 {seconds}\n").repeat(EFFECTS)),
        Workload::W6 => (voice(SHORT, SHORT), events(&notes(work, seconds))),
        Workload::W7 => unreachable!("Csound does not play W7"),
    };
    format!(
        "<CsoundSynthesizer>\n<CsInstruments>\nsr = {RATE}\nksmps = {BUFFER}\nnchnls = 2\n0dbfs = 1\n{instrument}</CsInstruments>\n\
         <CsScore>\n{score}f0 {seconds}\ne\n</CsScore>\n</CsoundSynthesizer>\n"
    )
}

fn events(notes: &[Note]) -> String {
    notes.iter().map(|note| format!("i1 {:.6} {:.6} {:.6} {:.6}\n", note.at, note.held, note.frequency, note.pan)).collect()
}

fn sines() -> String {
    let mut text = format!("{TABLE}instr 1\n asum = 0\n");
    for number in 0..SINES {
        let _ = write!(text, " aone oscili 1, {:.6}, gitable\n asum = asum + aone\n", sine(number));
    }
    let _ = write!(text, " asum = asum * {}\n outs asum, asum\nendin\n", 1.0 / f64::from(SINES));
    text
}

fn envelope(name: &str, [attack, decay, sustain, release]: [f32; 4]) -> String {
    format!(" {name} linsegr 0, {attack}, 1, {decay}, {sustain}, {release}, 0\n")
}

fn voice(sweep: [f32; 4], loudness: [f32; 4]) -> String {
    format!(
        "instr 1\n alow vco2 1, p4 * {}\n ahigh vco2 1, p4 * {}\n{}{} afilter moogladder2 (alow + ahigh) * 0.5, {} + {} * ksweep, 0.5\n \
         asound = afilter * aloud * 0.03\n{PLACE}",
        DETUNE[0],
        DETUNE[1],
        envelope("ksweep", sweep),
        envelope("aloud", loudness),
        CUTOFF[0],
        CUTOFF[1],
    )
}

fn operators() -> String {
    let mut text = format!("{TABLE}instr 1\n");
    for operator in (0..4).rev() {
        text.push_str(&envelope(&format!("k{operator}"), [0.01 * (operator + 1) as f32, 0.4, 0.6, 0.3]));
        let ratio = RATIOS[operator];
        let moved = if operator == 3 { String::new() } else { format!(" * (1 + {} * a{})", INDICES[operator], operator + 1) };
        let _ = writeln!(text, " a{operator} oscili k{operator}, p4 * {ratio}{moved}, gitable");
    }
    let _ = write!(text, " asound = a0 * 0.03\n{PLACE}");
    text
}

fn chains() -> String {
    let mut text =
        format!("gka init {}\ngkb init {}\n{TABLE}instr 1\n asum = 0\n asource oscili 1, 220, gitable\n", FACTORS[0], FACTORS[1]);
    for _ in 0..CHAINS {
        text.push_str(" ax = asource\n");
        for link in 0..LINKS {
            let _ = writeln!(text, " ax = ax * {}", ["gka", "gkb"][link % 2]);
        }
        text.push_str(" asum = asum + ax\n");
    }
    text.push_str(" outs asum * 0.01, asum * 0.01\nendin\n");
    text
}

fn effects() -> String {
    let mut text = format!("{TABLE}instr 1\n");
    for (side, further) in [("left", 0.0), ("right", 0.05)] {
        let _ = write!(text, " anoise rand 0.1, 2, 1\n ataps = 0\n");
        for rate in [0.3, 0.41] {
            let _ = write!(text, " aturn oscili 4, {:.2}, gitable\n atap vdelay3 anoise, aturn + 15, 50\n", rate + further);
            text.push_str(" ataps = ataps + atap\n");
        }
        // `comb` counts its feedback as the time in which it falls by 60 dB: this is a factor of 0.5.
        let fall = 0.375 * 0.001f64.ln() / 0.5f64.ln();
        let _ = write!(text, " achorus = anoise * 0.5 + ataps * 0.25\n aecho comb achorus, {fall:.6}, 0.375\n");
        let _ = writeln!(text, " a{side} = achorus + aecho * 0.4");
    }
    text.push_str(" awetl, awetr freeverb aleft, aright, 0.7, 0.5\n");
    text.push_str(" outs aleft * 0.67 + awetl * 0.33, aright * 0.67 + awetr * 0.33\nendin\n");
    text
}
