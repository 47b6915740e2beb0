//! The workloads for Faust: each a program of its own, compiled once by Faust and the system's C++ compiler for this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::workloads::{CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, INDICES, LINKS, LOUDNESS, RATIOS, SHORT, SINES, SWEEP, Workload, notes};

/// Which ladder W2 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ladder {
    /// The library's, which is linear.
    Library,
    /// One with a saturation, as rackd's.
    Saturated,
}

pub fn command(work: Workload, ladder: Ladder, seconds: f64, score: &Path, out: &Path) -> io::Result<Command> {
    let program = compile(work, ladder)?;
    let notes = notes(work, seconds);
    let mut command = Command::new(program);
    command.arg(seconds.to_string()).arg(out);
    if notes.is_empty() {
        command.arg("-");
    } else {
        let lines: String = notes.iter().map(|note| format!("{} {} {} {}\n", note.at, note.held, note.frequency, note.pan)).collect();
        std::fs::write(score, lines)?;
        command.arg(score);
    }
    // A little longer than its envelope takes to end.
    command.arg(if work == Workload::W6 { "0.055" } else { "0.31" });
    Ok(command)
}

/// The program; compiled anew only where its text has changed, since that takes up to a minute.
fn compile(work: Workload, ladder: Ladder) -> io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("speed-faust");
    std::fs::create_dir_all(&folder)?;
    let name = format!("{}-{ladder:?}", work.name()).to_lowercase();
    let (text, source) = (text(work, ladder), folder.join(format!("{name}.dsp")));
    let (frame, code, program) = (folder.join("frame.cpp"), folder.join(format!("{name}.cpp")), folder.join(&name));
    if program.is_file() && std::fs::read_to_string(&source).is_ok_and(|before| before == text) {
        return Ok(program);
    }
    let _ = std::fs::remove_file(&program);
    std::fs::write(&source, text)?;
    std::fs::write(&frame, include_str!("faust.cpp"))?;
    let run = |command: &mut Command| -> io::Result<()> {
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(()) } else { Err(io::Error::other(said.lines().next().unwrap_or("it failed").to_string())) }
    };
    run(Command::new("faust").arg("-a").args([&frame, &source]).arg("-o").arg(&code))?;
    run(Command::new("c++").args(["-std=c++17", "-O3", "-march=native", "-ffast-math"]).arg(&code).arg("-o").arg(&program))?;
    Ok(program)
}

const PLACE: &str = "place(x) = x * cos(turn), x * sin(turn) with { turn = (hslider(\"pan\", 0, -1, 1, 0.001) + 1) * 0.25 * ma.PI; };\n";

/// A ladder of four stages with one saturation, the same arithmetic as that of the limit in `limit.rs`.
const SATURATED: &str = "
bend(v) = x * (27 + z) / (27 + 9 * z) with { x = max(-3, min(3, v)); z = x * x; };
ladder(fc, x) = (step ~ si.bus(4)) : !, !, !, _ with {
  w = 2 * ma.PI * fc / ma.SR;
  g = w * (1 - w * (0.5 - w * (1.0 / 6 - w / 24)));
  step(a, b, c, d) = a1, b1, c1, d1 with {
    a1 = a + g * (bend(x - 2 * d) - a);
    b1 = b + g * (a1 - b);
    c1 = c + g * (b1 - c);
    d1 = d + g * (c1 - d);
  };
};
";

fn envelope([attack, decay, sustain, release]: [f32; 4]) -> String {
    format!("en.adsr({attack}, {decay}, {sustain}, {release}, gate)")
}

fn text(work: Workload, ladder: Ladder) -> String {
    let head = format!("import(\"stdfaust.lib\");\nfreq = hslider(\"freq\", 220, 20, 10000, 0.001);\ngate = button(\"gate\");\n{PLACE}");
    let body = match work {
        Workload::W1 => format!("process = par(i, {SINES}, os.osc(80 * pow(2, 7.0 * i / {SINES}))) :> *(1.0 / {SINES});\n"),
        Workload::W2 | Workload::W6 => {
            let (sweep, loudness) = if work == Workload::W2 { (SWEEP, LOUDNESS) } else { (SHORT, SHORT) };
            let ladder = match ladder {
                Ladder::Library => "ladder(fc) = ve.moog_vcf(0.5, fc);\n",
                Ladder::Saturated => SATURATED,
            };
            format!(
                "{ladder}process = (os.sawtooth(freq * {}) + os.sawtooth(freq * {})) * 0.5 : ladder({} + {} * {}) : *({} * 0.03) : place;\n",
                DETUNE[0],
                DETUNE[1],
                CUTOFF[0],
                CUTOFF[1],
                envelope(sweep),
                envelope(loudness),
            )
        }
        Workload::W3 => {
            let mut text = String::new();
            for operator in (0..4).rev() {
                let envelope = envelope([0.01 * (operator + 1) as f32, 0.4, 0.6, 0.3]);
                let moved = if operator == 3 { String::new() } else { format!(" * (1 + {} * op{})", INDICES[operator], operator + 1) };
                text.push_str(&format!("op{operator} = os.osc({} * freq{moved}) * {envelope};\n", RATIOS[operator]));
            }
            text + "process = op0 * 0.03 : place;\n"
        }
        Workload::W4 => format!(
            "a(0) = hslider(\"a\", {}, 0, 2, 0.001);\na(1) = hslider(\"b\", {}, 0, 2, 0.001);\n\
             process = os.osc(220) <: par(c, {CHAINS}, seq(k, {LINKS}, *(a(k % 2)))) :> *(0.01);\n",
            FACTORS[0], FACTORS[1]
        ),
        Workload::W5 => format!(
            "side(k, c) = no.noises({}, 2 * k + c) * 0.1 : chorus : echo with {{\n  \
             tap(j) = de.fdelay3(4096, (0.015 + 0.004 * os.osc(0.3 + 0.11 * j + 0.05 * c)) * ma.SR);\n  \
             chorus(x) = x * 0.5 + (x <: tap(0), tap(1) :> *(0.25));\n  \
             echo(x) = x + 0.4 * (x : @(18000) : + ~ (@(17999) * 0.5));\n}};\n\
             room(l, r) = l, r <: (*(0.67), *(0.67)), (re.stereo_freeverb(0.896, 0.5, 0.2, 23) : *(0.33 * 0.03), *(0.33 * 0.03)) :> _, _;\n\
             process = par(k, {EFFECTS}, (side(k, 0), side(k, 1) : room)) :> _, _;\n",
            2 * EFFECTS
        ),
        Workload::W7 => unreachable!("Faust does not play W7"),
    };
    head + &body
}
