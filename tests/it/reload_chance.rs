//! Chains of reloads by chance, while notes play and knobs turn: the same bits as ever, at widths and buffer sizes.
//!
//! The bits are kept as hashes. `GOLDEN=write cargo test --release --test it reload_chance` writes them anew.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;

use rackd::engine::event::Panic;
use rackd::engine::{Act, NoteId};
use rackd::module::NoteSource;
use rackd::patch::{Amount, Domain, Patch};
use rackd::plan::KnobOwner;
use rackd::plan::outline::NoteValue;

use crate::chance::Chance;
use crate::rig::{Rig, Way, parsed};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/reloads.txt");
const CHAINS: u64 = 32;
const RELOADS: usize = 14;

/// A patch of a family: what has the same name in two of them is often the same, and often not.
fn version(chance: &mut Chance) -> String {
    let mut text = String::from("format = 1\n");
    let voices = chance.pick(&[6, 6, 6, 6, 6, 20, 1]);
    let mode = chance.pick(&["poly", "poly", "poly", "mono"]);
    let _ = writeln!(text, "[note]\nvoices = {voices}\nmode = \"{mode}\"\nglide = \"{} ms\"", chance.pick(&[0, 0, 30]));
    if chance.below(4) == 0 {
        text += "gate = \"clock.square\"\npitch = \"C3 + slow * 1 oct\"\n";
    }
    let _ =
        writeln!(text, "[controls]\nbright = \"{} Hz\"\nloud = \"{} dB\"", chance.pick(&[900, 900, 2_500]), chance.pick(&[-6, -6, -12]));
    let mut put = |chance: &mut Chance, odds: usize, part: &str, name: &str, kinds: &[&str], inputs: &[(&str, &[&str])]| {
        if chance.below(8) >= odds {
            return false;
        }
        let _ = writeln!(text, "[{part}.{name}]\ntype = \"{}\"", chance.pick(kinds));
        for (input, choices) in inputs {
            let choice = chance.pick(choices);
            if !choice.is_empty() {
                let _ = writeln!(text, "{input} = \"{choice}\"");
            }
        }
        true
    };
    put(chance, 8, "global", "slow", &["lfo"], &[("rate", &["3 Hz", "3 Hz", "5 Hz", "1/8"])]);
    put(chance, 8, "global", "clock", &["lfo"], &[("rate", &["37 Hz", "37 Hz", "29 Hz"])]);
    put(
        chance,
        8,
        "voice",
        "osc",
        &["vco"],
        &[("pitch", &["note.pitch", "note.pitch + 5 ct", "note.pitch + slow * 10 ct", "note.pitch + (slow + 0.5 * clock) * 10 ct"])],
    );
    let other = put(chance, 5, "voice", "other", &["vco", "noise"], &[]);
    put(
        chance,
        8,
        "voice",
        "env",
        &["adsr", "adsr", "adsr", "ar"],
        &[("attack", &["5 ms", "5 ms", "20 ms"]), ("release", &["60 ms", "1/16"])],
    );
    let ring =
        put(chance, 4, "voice", "ring", &["onepole"], &[("in", &["osc.saw * 0.3 + ring.low * 0.4", "osc.saw * 0.3 + ring.low * -0.4"])]);
    let echo =
        put(chance, 4, "voice", "gain", &["onepole"], &[("in", &["env * osc.saw * 0.1 + sum.low * 0.4", "env * 0.1 + sum.high * 0.3"])]);
    let mut ins = vec!["osc.saw * 0.5", "osc.saw * 0.5", "osc.saw * 0.4 + osc.square * 0.2"];
    if other {
        ins.push("osc.saw * 0.4 + other * 0.2");
    }
    if ring {
        ins.push("osc.saw * 0.4 + ring.low * 0.3");
    }
    let cutoff = ["bright + env * 2 oct", "bright + env * 2 oct", "800 Hz + slow * 1 oct", "1 kHz", "bright + keys.pitch"];
    put(chance, 8, "voice", "filter", &["svf", "svf", "ladder", "onepole"], &[("in", &ins), ("cutoff", &cutoff)]);
    if echo {
        put(chance, 8, "global", "sum", &["onepole"], &[("in", &["gain.low", "gain.low * 0.9", "gain.high"])]);
    } else {
        put(chance, 4, "global", "sum", &["onepole"], &[("in", &["osc.saw * 0.1"])]);
    }
    let mut sent =
        vec!["filter.low * env * 0.3", "filter.low * env * 0.3", "filter.low * env * note.velocity * 0.3", "osc.sine * env * 0.2"];
    if echo {
        sent.push("filter.low * env * 0.2 + sum.low * 0.3");
    }
    let space = put(chance, 6, "global", "space", &["delay"], &[("in", &sent), ("time", &["3/16", "3/16", "70 ms"])]);
    let filtered =
        put(chance, 4, "global", "dark", &["svf", "onepole"], &[("in", &["filter.low * env * 0.2"]), ("cutoff", &["bright", "2 kHz"])]);
    let mut outs = vec!["filter.low * env * 0.2 * loud", "filter.low * env * 0.2", "osc.triangle * env * 0.2"];
    outs.extend(space.then_some("space"));
    outs.extend(space.then_some("space * loud + filter.low * env * 0.05"));
    outs.extend(filtered.then_some("dark.low"));
    outs.extend(echo.then_some("sum.low"));
    if chance.below(4) == 0 {
        let _ = writeln!(text, "[out]\nleft = \"{}\"\nright = \"{}\"", chance.pick(&outs), chance.pick(&outs));
    } else {
        let _ = writeln!(text, "[out]\nin = \"{}\"", chance.pick(&outs));
    }
    text
}

/// Turned values by the words of their input: what Control keeps.
type Kept = HashMap<(String, usize), f32>;

fn amount(patch: &Patch, kept: &Kept, owner: KnobOwner) -> Option<Amount> {
    let KnobOwner::Base(module, input) = owner else { return None };
    kept.get(&(patch.modules[module.0].name.clone(), input)).map(|value| Amount::Plain(*value))
}

/// One chain: reloads, and between them what players and clients do.
fn chain(seed: u64, way: Way) -> u64 {
    let mut chance = Chance(seed);
    // In every second chain much happens at one time.
    let grid = if seed % 2 == 1 { 60 } else { 1 };
    let first = version(&mut chance);
    let mut rig = Rig::with(&first, way);
    let (mut text, mut kept, mut held) = (first, Kept::new(), Vec::<NoteId>::new());
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for _ in 0..RELOADS {
        for _ in 0..3 {
            let now = rig.engine.now();
            for _ in 0..chance.below(5) {
                let at = now + (chance.below(500) / grid * grid) as u64;
                match chance.below(14) {
                    0..6 => {
                        let number = 48.0 + chance.below(24) as f32;
                        let frames = *chance.pick(&[0, 0, 400, 3_000]);
                        let id = rig.note(at, number, 0.2 + chance.below(8) as f32 * 0.1, frames);
                        held.extend((frames == 0).then_some(id));
                    }
                    6 if !held.is_empty() => {
                        let id = held.swap_remove(chance.below(held.len()));
                        rig.off(at, id);
                    }
                    7 if !held.is_empty() => {
                        let what = NoteValue::Source(*chance.pick(&[NoteSource::Bend, NoteSource::Pressure]));
                        rig.at(at, Act::NoteSet { slot: 0, id: *chance.pick(&held), what, value: 0.1 });
                    }
                    8 if !held.is_empty() => {
                        let what = NoteValue::Knob(rig.base("osc.pitch"));
                        rig.at(at, Act::NoteSet { slot: 0, id: *chance.pick(&held), what, value: chance.below(3) as f32 * 0.25 });
                    }
                    9 | 10 => {
                        let (module, input, value) = *chance.pick(&[
                            ("osc", "pitch", 0.5),
                            ("osc", "pitch", -0.25),
                            ("slow", "rate", -5.0),
                            ("env", "release", 0.2),
                        ]);
                        let knob = rig.base(&format!("{module}.{input}"));
                        // Some turns Control knows of, of others it has never heard.
                        if chance.below(3) > 0 {
                            let KnobOwner::Base(_, input) = rig.outline.knobs[knob.0 as usize].owner else { unreachable!() };
                            kept.insert((module.to_string(), input), value);
                        }
                        rig.at(at, Act::Knob { slot: 0, knob, value, beats: false, frames: *chance.pick(&[0, 0, 700, 5_000]) });
                    }
                    11 => rig.at(at, Act::Tempo(*chance.pick(&[120.0, 97.0, 140.0]))),
                    12 => rig.panic(at, *chance.pick(&[Panic::Release, Panic::Fade])),
                    _ => {}
                }
            }
            let frames = 1 + chance.below(900);
            for frame in rig.run(frames) {
                for x in frame {
                    assert!(x.is_finite());
                    hash =
                        x.to_bits().to_le_bytes().iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
                }
            }
        }
        // Everything that was sent for this plan has come to it before the next.
        rig.run(500);
        text = match chance.below(5) {
            0 => text,
            1 => text.replace("0.5", "0.45"),
            _ => version(&mut chance),
        };
        let patch = parsed(&text);
        rig.reload_turned(patch.clone(), &|owner| amount(&patch, &kept, owner));
    }
    assert!(rig.patch.modules.iter().any(|module| module.domain == Domain::Voice));
    hash
}

#[test]
fn chains_of_reloads_give_the_same_bits_as_ever() {
    let hashes: Vec<u64> = (0..CHAINS).map(|seed| chain(seed, Way::default())).collect();
    let text = hashes.iter().enumerate().fold(String::new(), |text, (seed, hash)| format!("{text}{seed:3} {hash:016x}\n"));
    if std::env::var_os("GOLDEN").is_some_and(|what| what == "write") {
        fs::write(FILE, &text).unwrap();
    }
    let golden = fs::read_to_string(FILE).unwrap();
    for (line, want) in text.lines().zip(golden.lines()) {
        assert_eq!(line, want, "seed and hash");
    }
    assert_eq!(text.lines().count(), golden.lines().count());
}

#[test]
fn chains_of_reloads_are_the_same_at_every_width_and_buffer_size() {
    let ways = [(Some(1), 64), (Some(8), 33), (Some(16), 512), (Some(1), 0), (Some(16), 32), (None, 1)];
    for seed in 0..CHAINS {
        let want = chain(seed, Way::default());
        for (width, buffer) in ways {
            let way = Way { width, buffer, ..Way::default() };
            assert_eq!(chain(seed, way), want, "chain {seed}, {width:?} lanes, calls of {buffer} frames");
        }
    }
}
