//! The workloads for ChucK.

use std::path::Path;
use std::process::Command;

use super::workloads::{CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, HELD, LINKS, LOUDNESS, SHORT, SINES, SWEEP, VOICES, Workload, notes};

pub fn command(work: Workload, seconds: f64, score: &Path, out: &Path) -> std::io::Result<Command> {
    let program = score.with_extension("ck");
    std::fs::write(&program, text(work, seconds, out))?;
    let mut command = Command::new("chuck");
    command.args(["--silent", "--srate:48000"]).arg(program);
    Ok(command)
}

fn text(work: Workload, seconds: f64, out: &Path) -> String {
    let body = match work {
        Workload::W1 => format!(
            "Gain g => dac; 1.0 / {SINES} => g.gain; SinOsc s[{SINES}];\n\
             for (0 => int i; i < {SINES}; i++) {{ 80 * Math.pow(2, 7.0 * i / {SINES}) => s[i].freq; s[i] => g; }}\n"
        ),
        Workload::W2 => {
            let times = times(SWEEP, LOUDNESS);
            format!(
                "{}for (0 => int i; i < {VOICES}; i++) spork ~ voice(55 * Math.pow(2, 4.0 * i / {VOICES}), {PAN}, {}, {times});\n",
                voice(),
                seconds - 0.5
            )
        }
        Workload::W3 => operators(seconds),
        Workload::W4 => format!(
            "SinOsc source; 220 => source.freq; Gain out => dac; 0.01 => out.gain; Gain g[{CHAINS} * {LINKS}];\n\
             for (0 => int c; c < {CHAINS}; c++) {{\n for (0 => int k; k < {LINKS}; k++) {{\n  c * {LINKS} + k => int n;\n  \
             if (k == 0) source => g[n]; else g[n - 1] => g[n];\n  if (k % 2 == 0) {} => g[n].gain; else {} => g[n].gain;\n }}\n \
             g[c * {LINKS} + {LINKS} - 1] => out;\n}}\n",
            FACTORS[0], FACTORS[1]
        ),
        Workload::W5 => format!(
            "for (0 => int i; i < {EFFECTS}; i++) {{ for (0 => int c; c < 2; c++) {{\n \
             Noise n => Chorus chorus => Gain m => NRev room; 0.1 => n.gain;\n \
             0.4 => chorus.modFreq; 0.2 => chorus.modDepth; 15::ms => chorus.baseDelay; 0.5 => chorus.mix;\n \
             m => Delay d => Gain back => d; back => Gain wet => room; 0.375::second => d.max => d.delay; 0.5 => back.gain; 0.8 => wet.gain;\n \
             0.33 => room.mix; if (c) room => dac.right; else room => dac.left;\n}} }}\n"
        ),
        Workload::W6 => {
            let (count, times) = (notes(work, seconds).len(), times(SHORT, SHORT));
            format!(
                "{}fun void play() {{ for (0 => int i; i < {count}; i++) {{\n \
                 spork ~ voice(110 * Math.pow(2, (i * 7 % 48) / 12.0), {PAN}, {HELD}, {times}); 5::ms => now;\n}} 1::second => now; }}\n\
                 spork ~ play();\n",
                voice()
            )
        }
        Workload::W7 => unreachable!("ChucK does not play W7"),
    };
    let out = out.display();
    format!("dac => WvOut2 file => blackhole; \"{out}\" => file.wavFilename;\n{body}{seconds}::second => now; file.closeFile();\n")
}

const PAN: &str = "-0.9 + 1.8 * (i % 16) / 15.0";

fn times(sweep: [f32; 4], loudness: [f32; 4]) -> String {
    let all: Vec<String> = sweep.iter().chain(&loudness).map(f32::to_string).collect();
    all.join(", ")
}

fn voice() -> String {
    let [low, high] = DETUNE;
    let [base, more] = CUTOFF;
    format!(
        "fun void voice(float f, float pan, float held, float a1, float d1, float s1, float r1, float a2, float d2, float s2, float r2) {{\n \
         BlitSaw x => LPF l1 => LPF l2 => ADSR e2 => Pan2 p => dac; BlitSaw y => l1; Step one => ADSR e1 => blackhole; 1 => one.next;\n \
         f * {low} => x.freq; f * {high} => y.freq; 0.5 => x.gain => y.gain; 0.03 => p.gain; pan => p.pan; 1 => l1.Q; 1.5 => l2.Q;\n \
         e1.set(a1::second, d1::second, s1, r1::second); e2.set(a2::second, d2::second, s2, r2::second); e1.keyOn(); e2.keyOn();\n \
         now + held::second => time off; off + r2::second => time end; 0 => int released;\n \
         while (now < end) {{\n  if (!released && now >= off) {{ e1.keyOff(); e2.keyOff(); 1 => released; }}\n  \
         {base} + {more} * e1.last() => float c; c => l1.freq; c => l2.freq; 64::samp => now;\n }}\n \
         p.left =< dac; p.right =< dac; p =< dac; e1 =< blackhole;\n}}\n"
    )
}

fn operators(seconds: f64) -> String {
    format!(
        "SinOsc o[{VOICES} * 5]; ADSR e[{VOICES} * 5]; Gain g[{VOICES} * 5]; Pan2 p[{VOICES}];\n\
         [0., 1., 1., 2., 3.] @=> float ratio[]; [0., 1.5, 1., 1., 0.] @=> float index[];\n\
         for (0 => int i; i < {VOICES}; i++) {{\n 110 * Math.pow(2, 3.0 * i / {VOICES}) => float f;\n \
         for (4 => int j; j > 0; j--) {{\n  i * 5 + j => int k; f * ratio[j] => o[k].freq; 2 => o[k].sync; o[k] => e[k];\n  \
         e[k].set((0.01 * j)::second, 0.4::second, 0.6, 0.3::second); e[k].keyOn();\n  \
         if (j < 4) {{ e[k + 1] => g[k + 1] => o[k]; f * ratio[j] * index[j] => g[k + 1].gain; }}\n }}\n \
         e[i * 5 + 1] => p[i] => dac; 0.03 => p[i].gain; {PAN} => p[i].pan;\n}}\n\
         fun void end() {{ {}::second => now; for (0 => int k; k < {VOICES} * 5; k++) e[k].keyOff(); }} spork ~ end();\n",
        seconds - 0.5
    )
}
