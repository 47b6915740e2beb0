//! The workloads for scsynth and supernova.

use std::path::Path;
use std::process::Command;

use super::synthdef::{Arg, Definition, Input, Score};
use super::workloads::slots::{Filter, Motion, Recipe, SLOTS, Wave, recipe};
use super::workloads::{
    CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, INDICES, LINKS, LOUDNESS, RATIOS, SHORT, SINES, SWEEP, Workload, notes, sine,
};

/// What plays a score: `scsynth` or `supernova`, which takes two threads where it may and the voices lie in a parallel group.
pub fn command(server: &str, work: Workload, seconds: f64, threads: usize, score: &Path, out: &Path) -> std::io::Result<Command> {
    std::fs::write(score, bytes(work, seconds, threads > 1))?;
    let mut command = Command::new(server);
    command.arg("-N").args([score.as_os_str(), "_".as_ref(), out.as_os_str()]);
    command.args("48000 WAV float -o 2 -n 20000 -m 262144 -w 1024 -z 64".split(' '));
    if server == "supernova" {
        command.args(["-t", &threads.to_string()]);
    }
    Ok(command)
}

fn numbers(list: [f32; 4]) -> [Input; 4] {
    list.map(Input::Number)
}

/// Two saws of the note's frequency, apart by [`DETUNE`].
fn saws(it: &mut Definition) -> Input {
    let [low, high] = DETUNE.map(|ratio| {
        let frequency = it.times(it.parameter("freq"), ratio as f32);
        it.audio("Saw", &[frequency])
    });
    it.plus(low, high)
}

fn heard(it: &mut Definition, sound: Input) {
    let place = it.stereo("Pan2", &[sound, it.parameter("pan"), Input::Number(1.0)]);
    it.out(place, place.output(1));
}

const NOTE: [(&str, f32); 3] = [("freq", 220.0), ("pan", 0.0), ("gate", 1.0)];

/// W2 and W6.
fn voice(sweep: [f32; 4], loudness: [f32; 4]) -> Definition {
    let mut it = Definition::new("voice", &NOTE);
    let mix = saws(&mut it);
    let sweep = it.adsr(numbers(sweep), false);
    let cutoff = it.times_plus(sweep, CUTOFF[1], CUTOFF[0]);
    let filter = it.audio("MoogFF", &[mix, cutoff, 2.0.into(), 0.0.into()]);
    let loudness = it.adsr(numbers(loudness), true);
    let level = it.times(loudness, 0.03);
    let sound = it.times(filter, level);
    heard(&mut it, sound);
    it
}

fn operators() -> Definition {
    let mut it = Definition::new("voice", &NOTE);
    let mut before: Option<Input> = None;
    for operator in (0..4).rev() {
        let envelope = it.adsr(numbers([0.01 * (operator + 1) as f32, 0.4, 0.6, 0.3]), operator == 0);
        let mut frequency = it.times(it.parameter("freq"), RATIOS[operator]);
        if let Some(before) = before {
            let depth = it.times(frequency, INDICES[operator]);
            frequency = it.times_plus(before, depth, frequency);
        }
        let wave = it.audio("SinOsc", &[frequency, 0.0.into()]);
        before = Some(it.times(wave, envelope));
    }
    let sound = it.times(before.unwrap(), 0.03);
    heard(&mut it, sound);
    it
}

fn sines() -> Definition {
    let mut it = Definition::new("voice", &[]);
    let all: Vec<Input> = (0..SINES).map(|number| it.audio("SinOsc", &[(sine(number) as f32).into(), 0.0.into()])).collect();
    let sum = all.into_iter().reduce(|sum, one| it.plus(sum, one)).unwrap();
    let out = it.times(sum, 1.0 / SINES as f32);
    it.out(out, out);
    it
}

fn chains() -> Definition {
    let mut it = Definition::new("voice", &[("a", FACTORS[0]), ("b", FACTORS[1])]);
    let source = it.audio("SinOsc", &[220.0.into(), 0.0.into()]);
    let mut ends = Vec::new();
    for _ in 0..CHAINS {
        let end = (0..LINKS).fold(source, |from, link| it.times(from, it.parameter(["a", "b"][link % 2])));
        ends.push(end);
    }
    let sum = ends.into_iter().reduce(|sum, one| it.plus(sum, one)).unwrap();
    let out = it.times(sum, 0.01);
    it.out(out, out);
    it
}

fn effects() -> Definition {
    let mut it = Definition::new("voice", &[]);
    let sides = [0.0f32, 0.05].map(|further| {
        let noise = it.audio("WhiteNoise", &[]);
        let noise = it.times(noise, 0.1);
        let [a, b] = [0.3, 0.41].map(|rate| {
            let turn = it.audio("SinOsc", &[(rate + further).into(), 0.0.into()]);
            let time = it.times_plus(turn, 0.004, 0.015);
            it.audio("DelayC", &[noise, 0.05.into(), time])
        });
        let (taps, dry) = (it.plus(a, b), it.times(noise, 0.5));
        let chorus = it.times_plus(taps, 0.25, dry);
        // CombC counts its feedback as the time in which it falls by 60 dB: this is a factor of 0.5.
        let fall = 0.375 * 0.001f32.ln() / 0.5f32.ln();
        let echo = it.audio("CombC", &[chorus, 0.5.into(), 0.375.into(), fall.into()]);
        it.times_plus(echo, 0.4, chorus)
    });
    let room = it.stereo("FreeVerb2", &[sides[0], sides[1], 0.33.into(), 0.7.into(), 0.5.into()]);
    it.out(room, room.output(1));
    it
}

/// The voice of a slot of W7.
fn slot(number: usize) -> Definition {
    let Recipe { wave, filter, motion, rate, cutoff } = recipe(number);
    let mut it = Definition::new(&format!("slot{number}"), &NOTE);
    let turn = (motion != Motion::Envelope).then(|| it.control("SinOsc", &[rate.into(), 0.0.into()]));
    let mut frequency = it.parameter("freq");
    if let (Motion::Vibrato, Some(turn)) = (motion, turn) {
        // 10 cents.
        let factor = it.times_plus(turn, 0.005_793, 1.0);
        frequency = it.times(frequency, factor);
    }
    let [low, high] = DETUNE.map(|ratio| it.times(frequency, ratio as f32));
    // A saw here is half as high as rackd's.
    let mix = match wave {
        Wave::Saws => {
            let [low, high] = [low, high].map(|frequency| it.audio("Saw", &[frequency]));
            it.plus(low, high)
        }
        Wave::Pulse => it.audio("Pulse", &[low, 0.33.into()]),
        Wave::Triangle => {
            let (saw, triangle) = (it.audio("Saw", &[low]), it.audio("LFTri", &[high, 0.0.into()]));
            let saw = it.times(saw, 0.6);
            it.times_plus(triangle, 0.5, saw)
        }
        Wave::Sine => {
            let (sine, pulse) = (it.audio("SinOsc", &[low, 0.0.into()]), it.audio("Pulse", &[high, 0.33.into()]));
            let sine = it.times(sine, 0.5);
            it.times_plus(pulse, 0.8, sine)
        }
    };
    let place = match (motion, turn) {
        (Motion::Wah, Some(turn)) => {
            let octaves = it.times_plus(turn, 1.0, 1.5);
            // 2 to the power of the octaves.
            let factor = it.power(octaves);
            it.times(factor, cutoff)
        }
        _ => {
            let sweep = it.adsr(numbers(SWEEP), false);
            it.times_plus(sweep, cutoff * 10.0, cutoff)
        }
    };
    let filtered = match filter {
        Filter::Ladder => it.audio("MoogFF", &[mix, place, 2.0.into(), 0.0.into()]),
        Filter::Low => it.audio("RLPF", &[mix, place, 1.0.into()]),
        Filter::Band => it.audio("BPF", &[mix, place, 1.0.into()]),
        Filter::High => it.audio("RHPF", &[mix, place, 1.0.into()]),
    };
    let loudness = it.adsr(numbers(LOUDNESS), true);
    let mut level = it.times(loudness, 0.05);
    if let (Motion::Tremolo, Some(turn)) = (motion, turn) {
        let swell = it.times_plus(turn, 0.5, 0.5);
        level = it.times(level, swell);
    }
    let sound = it.times(filtered, level);
    heard(&mut it, sound);
    it
}

fn definitions(work: Workload) -> Vec<Definition> {
    match work {
        Workload::W1 => vec![sines()],
        Workload::W2 => vec![voice(SWEEP, LOUDNESS)],
        Workload::W3 => vec![operators()],
        Workload::W4 => vec![chains()],
        Workload::W5 => vec![effects()],
        Workload::W6 => vec![voice(SHORT, SHORT)],
        Workload::W7 => (0..SLOTS).map(slot).collect(),
    }
}

/// The whole score; where the synths may run side by side they lie in a parallel group.
fn bytes(work: Workload, seconds: f64, parallel: bool) -> Vec<u8> {
    let mut score = Score::default();
    for definition in definitions(work) {
        score.add(0.0, "/d_recv", &[Arg::Blob(&definition.bytes())]);
    }
    let group = if parallel { 2 } else { 0 };
    if parallel {
        score.add(0.0, "/p_new", &[Arg::Int(2), Arg::Int(0), Arg::Int(0)]);
    }
    let synth = |node| [Arg::Int(1000 + node), Arg::Int(0), Arg::Int(group)];
    let notes = notes(work, seconds);
    for (node, note) in (0..).zip(&notes) {
        let name = if work == Workload::W7 { format!("slot{}", note.slot) } else { "voice".to_string() };
        let mut args = vec![Arg::Text(&name)];
        args.extend(synth(node));
        args.extend([Arg::Text("freq"), Arg::Float(note.frequency as f32), Arg::Text("pan"), Arg::Float(note.pan as f32)]);
        score.add(note.at, "/s_new", &args);
        score.add(note.at + note.held, "/n_set", &[Arg::Int(1000 + node), Arg::Text("gate"), Arg::Float(0.0)]);
    }
    if notes.is_empty() {
        for node in 0..if work == Workload::W5 { EFFECTS as i32 } else { 1 } {
            let mut args = vec![Arg::Text("voice")];
            args.extend(synth(node));
            score.add(0.0, "/s_new", &args);
        }
    }
    score.add(seconds, "/c_set", &[Arg::Int(0), Arg::Float(0.0)]);
    score.bytes()
}
