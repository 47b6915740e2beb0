//! The workloads for Pd: patches without a window that render as fast as they can (`-batch`) and then quit.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use super::workloads::{
    CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, HELD, INDICES, LINKS, LOUDNESS, RATIOS, SHORT, SINES, SWEEP, VOICES, Workload, notes, sine,
};

pub fn command(work: Workload, seconds: f64, score: &Path, out: &Path) -> std::io::Result<Command> {
    let folder = score.parent().unwrap_or(Path::new("."));
    let patch = score.with_extension("pd");
    std::fs::write(folder.join("note.pd"), if work == Workload::W3 { operators() } else { voice(work == Workload::W6) }.text())?;
    std::fs::write(&patch, whole(work, seconds, out).text())?;
    let mut command = Command::new("pd");
    command.args([
        "-batch",
        "-nogui",
        "-noaudio",
        "-nrt",
        "-noprefs",
        "-r",
        "48000",
        "-path",
        "/usr/lib/puredata/extra/bob~",
        "-lib",
        "bob~",
    ]);
    command.arg(patch);
    Ok(command)
}

/// An outlet of an object.
#[derive(Clone, Copy)]
struct From(usize, usize);

#[derive(Default)]
struct Patch {
    objects: Vec<String>,
    cords: Vec<String>,
}

impl Patch {
    fn put(&mut self, class: &str, text: &str, sources: &[From]) -> From {
        let text = text.replace(',', " \\,").replace(';', " \\;").replace('$', "\\$");
        self.objects.push(format!("#X {class} 10 10 {text};"));
        let at = self.objects.len() - 1;
        for (inlet, source) in sources.iter().enumerate() {
            self.cord(*source, From(at, 0), inlet);
        }
        From(at, 0)
    }

    /// An object, its first inlets fed.
    fn object(&mut self, text: &str, sources: &[From]) -> From {
        self.put("obj", text, sources)
    }

    fn message(&mut self, text: &str, sources: &[From]) -> From {
        self.put("msg", text, sources)
    }

    fn cord(&mut self, from: From, to: From, inlet: usize) {
        self.cords.push(format!("#X connect {} {} {} {inlet};", from.0, from.1, to.0));
    }

    fn text(&self) -> String {
        format!("#N canvas 0 0 400 300 12;\n{}\n{}\n", self.objects.join("\n"), self.cords.join("\n"))
    }

    fn envelope(&mut self, on: From, off: From, [attack, decay, sustain, release]: [f32; 4], scale: f32) -> From {
        let (attack, decay, release) = (attack * 1e3, decay * 1e3, release * 1e3);
        let line = self.object("vline~", &[]);
        let rise = self.message(&format!("{scale} {attack}, {} {decay} {attack}", scale * sustain), &[on]);
        let fall = self.message(&format!("0 {release}"), &[off]);
        self.cord(rise, line, 0);
        self.cord(fall, line, 0);
        line
    }

    /// A left and a right gain behind a sound, and outlets.
    fn sides(&mut self, sound: From, values: From) {
        for side in 1..=2 {
            let gain = self.object("*~ 0", &[sound]);
            self.cord(From(values.0, side), gain, 1);
            self.object("outlet~", &[gain]);
        }
    }
}

/// The voice takes `note frequency left right octave` and `off`; one of W6 lets itself go, and rests when it has ended.
fn voice(short: bool) -> Patch {
    let mut it = Patch::default();
    let inlet = it.object("inlet", &[]);
    let route = it.object("route note off", &[inlet]);
    let values = it.object("unpack f f f f", &[route]);
    let mix = it.object("*~ 0.5", &[]);
    for ratio in DETUNE {
        let frequency = it.object(&format!("* {ratio}"), &[values]);
        let saw = it.object("tabosc4~ saw0", &[frequency]);
        let table = it.message("set saw$1", &[From(values.0, 3)]);
        it.cord(table, saw, 0);
        it.cord(saw, mix, 0);
    }
    let order = it.object("t b b", &[route]);
    let (on, mut off) = (From(order.0, 1), From(route.0, 1));
    let (sweep, loudness) = if short { (SHORT, SHORT) } else { (SWEEP, LOUDNESS) };
    if short {
        off = it.object(&format!("del {}", HELD * 1e3), &[order]);
        let switch = it.object("switch~", &[]);
        let start = it.object("loadbang", &[]);
        let end = it.object("del 260", &[order]);
        let (run, rest, first) = (it.message("1", &[on]), it.message("0", &[end]), it.message("0", &[start]));
        [run, rest, first].into_iter().for_each(|message| it.cord(message, switch, 0));
    }
    let sweep = it.envelope(on, off, sweep, CUTOFF[1]);
    let cutoff = it.object(&format!("+~ {}", CUTOFF[0]), &[sweep]);
    let filter = it.object("bob~", &[mix, cutoff]);
    let start = it.object("loadbang", &[]);
    let resonance = it.message("2", &[start]);
    it.cord(resonance, filter, 2);
    let loudness = it.envelope(on, off, loudness, 0.03);
    let sound = it.object("*~", &[filter, loudness]);
    it.sides(sound, values);
    it
}

fn operators() -> Patch {
    let mut it = Patch::default();
    let inlet = it.object("inlet", &[]);
    let route = it.object("route note off", &[inlet]);
    let values = it.object("unpack f f f f", &[route]);
    let on = it.object("t b", &[route]);
    let mut before = None;
    for operator in (0..4).rev() {
        let frequency = it.object(&format!("* {}", RATIOS[operator]), &[values]);
        let wave = match before {
            None => it.object("osc~", &[frequency]),
            Some(before) => {
                let depth = it.object(&format!("* {}", INDICES[operator]), &[frequency]);
                let moved = it.object("*~ 0", &[before, depth]);
                let moved = it.object("+~ 0", &[moved, frequency]);
                it.object("osc~", &[moved])
            }
        };
        let shape = [0.01 * (operator + 1) as f32, 0.4, 0.6, 0.3];
        let envelope = it.envelope(on, From(route.0, 1), shape, if operator == 0 { 0.03 } else { 1.0 });
        before = Some(it.object("*~", &[wave, envelope]));
    }
    it.sides(before.expect("four operators"), values);
    it
}

/// The octave above 55 Hz, which has a table of its own.
fn octave(frequency: f64) -> usize {
    ((frequency / 55.0).log2() + 1e-9) as usize
}

/// Five tables of saws, band-limited for an octave each; the message that fills them.
fn tables(it: &mut Patch) -> From {
    let mut fill = String::new();
    for octave in 0..5 {
        it.object(&format!("table saw{octave} 2051"), &[]);
        let _ = write!(fill, "; saw{octave} sinesum 2048");
        for harmonic in 1..=(20_000.0 / (55.0 * f64::from(2 << octave))) as u32 {
            let _ = write!(fill, " {:.6}", std::f64::consts::FRAC_2_PI / f64::from(harmonic));
        }
    }
    it.message(&fill, &[])
}

fn whole(work: Workload, seconds: f64, out: &Path) -> Patch {
    let mut it = Patch::default();
    // What is sent when sound has been turned on.
    let mut starts = Vec::new();
    let (left, right) = match work {
        Workload::W1 => {
            let sum = it.object(&format!("*~ {}", 1.0 / f64::from(SINES)), &[]);
            for number in 0..SINES {
                let wave = it.object(&format!("osc~ {}", sine(number)), &[]);
                it.cord(wave, sum, 0);
            }
            (sum, sum)
        }
        Workload::W2 | Workload::W3 => {
            let voices = it.object(&format!("clone note {VOICES}"), &[]);
            if work == Workload::W2 {
                starts.push(tables(&mut it));
            }
            let on: Vec<String> = notes(work, seconds)
                .iter()
                .enumerate()
                .map(|(voice, note)| {
                    let turn = (note.pan + 1.0) * std::f64::consts::FRAC_PI_4;
                    format!("{voice} note {:.6} {:.6} {:.6} {}", note.frequency, turn.cos(), turn.sin(), octave(note.frequency))
                })
                .collect();
            let on = it.message(&on.join(", "), &[]);
            let wait = it.object(&format!("del {}", (seconds - 0.5) * 1e3), &[]);
            let off: Vec<String> = (0..VOICES).map(|voice| format!("{voice} off")).collect();
            let off = it.message(&off.join(", "), &[wait]);
            it.cord(on, voices, 0);
            it.cord(off, voices, 0);
            starts.extend([on, wait]);
            (voices, From(voices.0, 1))
        }
        Workload::W4 => {
            let source = it.object("osc~ 220", &[]);
            let sum = it.object("*~ 0.01", &[]);
            for _ in 0..CHAINS {
                let end = (0..LINKS).fold(source, |from, link| it.object(&format!("*~ {}", FACTORS[link % 2]), &[from]));
                it.cord(end, sum, 0);
            }
            (sum, sum)
        }
        Workload::W5 => effects(&mut it),
        Workload::W6 => {
            let voices = it.object("clone note 64", &[]);
            starts.push(tables(&mut it));
            let go = it.message("1", &[]);
            starts.push(go);
            let beat = it.object("metro 5", &[go]);
            let count = it.object("f 0", &[beat]);
            let next = it.object("+ 1", &[count]);
            it.cord(next, count, 1);
            let last = it.object(&format!(">= {}", notes(work, seconds).len() - 1), &[count]);
            let last = it.object("sel 1", &[last]);
            let stop = it.message("0", &[last]);
            it.cord(stop, beat, 0);
            let parts = it.object("t f f f f", &[count]);
            let octave = it.object("expr int(1 + (($f1 * 7) % 48) / 12)", &[From(parts.0, 3)]);
            let turn = it.object("expr (0.1 + 1.8 * ($f1 % 16) / 15.) * 0.785398", &[From(parts.0, 2)]);
            let (left, right) = (it.object("cos", &[turn]), it.object("sin", &[turn]));
            let frequency = it.object("expr 110 * pow(2, (($f1 * 7) % 48) / 12.)", &[From(parts.0, 1)]);
            let voice = it.object("% 64", &[parts]);
            let all = it.object("pack f f f f f", &[voice, frequency, left, right, octave]);
            let note = it.message("$1 note $2 $3 $4 $5", &[all]);
            it.cord(note, voices, 0);
            (voices, From(voices.0, 1))
        }
        Workload::W7 => unreachable!("Pd does not play W7"),
    };
    record(&mut it, seconds, out, left, right, &starts);
    it
}

fn effects(it: &mut Patch) -> (From, From) {
    let ends = [it.object("*~ 1", &[]), it.object("*~ 1", &[])];
    for number in 0..EFFECTS {
        let sides = [0, 1].map(|side| {
            let name = format!("{number}-{side}");
            let noise = it.object("noise~", &[]);
            let noise = it.object("*~ 0.1", &[noise]);
            it.object(&format!("delwrite~ chorus{name} 60"), &[noise]);
            let dry = it.object("*~ 0.5", &[noise]);
            let taps = it.object("*~ 0.25", &[]);
            for rate in [0.3, 0.41] {
                let turn = it.object(&format!("osc~ {:.2}", rate + 0.05 * f64::from(side)), &[]);
                let time = it.object("*~ 4", &[turn]);
                let time = it.object("+~ 15", &[time]);
                let tap = it.object(&format!("delread4~ chorus{name}"), &[time]);
                it.cord(tap, taps, 0);
            }
            let chorus = it.object("+~", &[dry, taps]);
            let echo = it.object(&format!("delread~ echo{name} 375"), &[]);
            let back = it.object("*~ 0.5", &[echo]);
            let into = it.object("+~", &[chorus, back]);
            it.object(&format!("delwrite~ echo{name} 400"), &[into]);
            let wet = it.object("*~ 0.4", &[echo]);
            it.object("+~", &[chorus, wet])
        });
        let room = it.object("rev3~ 90 85 3000 40", &sides);
        for (side, end) in ends.into_iter().enumerate() {
            let dry = it.object("*~ 0.67", &[sides[side]]);
            let wet = it.object("*~ 0.33", &[From(room.0, side)]);
            it.cord(dry, end, 0);
            it.cord(wet, end, 0);
        }
    }
    (ends[0], ends[1])
}

/// Records both sides and quits; `starts` are sent when sound has been turned on.
fn record(it: &mut Patch, seconds: f64, out: &Path, left: From, right: From, starts: &[From]) {
    let file = it.object("writesf~ 2", &[left, right]);
    let load = it.object("loadbang", &[]);
    let order = it.object("t b b b", &[load]);
    let open = it.message(&format!("open -wave -bytes 4 {}, start", out.display()), &[From(order.0, 2)]);
    it.cord(open, file, 0);
    it.message("; pd dsp 1", &[From(order.0, 1)]);
    for start in starts {
        it.cord(From(order.0, 1), *start, 0);
    }
    let end = it.object(&format!("del {}", seconds * 1e3), &[order]);
    let end = it.object("t b b", &[end]);
    let stop = it.message("stop", &[From(end.0, 1)]);
    it.cord(stop, file, 0);
    // What writes the file needs a moment.
    let quit = it.object("del 100", &[end]);
    it.message("; pd quit", &[quit]);
}
