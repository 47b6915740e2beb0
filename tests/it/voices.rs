//! Notes become voices as players expect: who gives way, how pitches glide, what a mono voice plays; and no note hangs.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use proptest::prelude::*;
use rackd::engine::event::Panic;
use rackd::engine::{Act, NoteId, Report};
use rackd::module::NoteSource;
use rackd::plan::outline::NoteValue;

use crate::rig::{RATE, Rig, WIDTHS, Way, peak, step};

/// A patch whose output is what stands in `out`, with an envelope that falls at once.
fn told(note: &str, out: &str) -> String {
    format!(
        "format = 1\n[note]\n{note}\n[voice.env]\ntype = \"adsr\"\nattack = 0\nrelease = 0\nsustain = 1\n[out]\nin = \"{out} + env * 0\"\n"
    )
}

fn voices(rig: &Rig) -> u32 {
    rig.doors.shown.voices.load(Relaxed)
}

fn set(rig: &mut Rig, at: u64, id: NoteId, source: NoteSource, value: f32) {
    rig.at(at, Act::NoteSet { slot: 0, id, what: NoteValue::Source(source), value });
}

#[test]
fn a_glide_takes_its_time_however_far_or_its_time_an_octave() {
    for (mode, octaves, frames) in
        [("time", 1.0, 4_800), ("time", 3.0, 4_800), ("rate", 1.0, 4_800), ("rate", 2.0, 9_600), ("rate", -0.5, 2_400)]
    {
        let mut rig = Rig::new(&told(&format!("mode = \"mono\"\nglide = \"100 ms\"\nglide_mode = \"{mode}\""), "note.pitch * 0.125"));
        rig.note(0, 60.0, 1.0, 0);
        rig.note(4_800, 60.0 + 12.0 * octaves, 1.0, 0);
        let heard = rig.left(24_000);
        let end = heard.iter().position(|x| (x * 8.0 - octaves).abs() < 1e-6).unwrap();
        assert!(end.abs_diff(4_800 + frames) <= 1, "{mode} over {octaves} octaves: {}", end - 4_800);
        let half = 8.0 * heard[4_800 + frames / 2];
        assert!((half - octaves / 2.0).abs() < 0.01, "straight: {half}");
    }
}

#[test]
fn a_constant_rate_counts_from_where_the_pitch_is() {
    let mut rig = Rig::new(&told("mode = \"mono\"\nglide = \"100 ms\"\nglide_mode = \"rate\"", "note.pitch * 0.125"));
    rig.note(0, 60.0, 1.0, 0);
    rig.note(4_800, 84.0, 1.0, 0);
    // An octave up; then back, which takes as long.
    rig.note(9_600, 60.0, 1.0, 0);
    let heard = rig.left(24_000);
    assert!((8.0 * heard[9_599] - 1.0).abs() < 1e-3);
    let end = 9_600 + heard[9_600..].iter().position(|x| x.abs() < 1e-7).unwrap();
    assert!(end.abs_diff(14_400) <= 2, "{end}");
}

#[test]
fn a_glide_that_is_cut_short_is_the_same_at_any_buffer_size() {
    for mode in ["time", "rate"] {
        let text = told(&format!("mode = \"mono\"\nunison = 3\nglide = \"90 ms\"\nglide_mode = \"{mode}\""), "note.pitch * 0.125");
        let play = |buffer, width| {
            let mut rig = Rig::with(&text, Way { buffer, width: Some(width), ..Way::default() });
            for at in 0..30u64 {
                rig.note(100 + at * 1_237, 40.0 + (at * 13 % 40) as f32, 0.7, 2_000);
            }
            rig.left(40_000)
        };
        let want = play(64, 8);
        assert!(step(&want[2_000..]) > 0.0);
        for (buffer, width) in [(1, 8), (7, 16), (113, 8), (4_096, 16), (0, 8)] {
            assert_eq!(play(buffer, width), want, "{mode} at {buffer}, {width} lanes");
        }
    }
}

#[test]
fn glide_when_says_which_notes_glide() {
    // (mode, what is written, whether a note after a rest glides, whether one over another does)
    for (mode, written, alone, over) in [
        ("poly", "", true, true),
        ("poly", "glide_when = \"legato\"", false, true),
        ("mono", "", true, true),
        ("mono", "glide_when = \"legato\"", false, true),
        ("legato", "", false, true),
        ("legato", "glide_when = \"always\"", true, true),
    ] {
        let text = told(&format!("mode = \"{mode}\"\nvoices = 1\nsteal = \"oldest\"\nglide = \"100 ms\"\n{written}"), "note.pitch * 0.25");
        let glides = |rest: bool| {
            let mut rig = Rig::new(&text);
            rig.note(0, 60.0, 1.0, if rest { 2_400 } else { 0 });
            rig.note(4_800, 72.0, 1.0, 0);
            // After 50 ms; what fades of the voice before is gone by then.
            let at = rig.left(9_600)[4_800 + 2_400];
            assert!((at - 0.25).abs() < 1e-6 || (at - 0.125).abs() < 1e-3, "{at}");
            at < 0.2
        };
        assert_eq!((glides(true), glides(false)), (alone, over), "{mode} {written}");
    }
}

#[test]
fn a_note_may_be_told_where_it_glides_from() {
    for mode in ["poly", "mono", "legato"] {
        let mut rig = Rig::new(&told(&format!("mode = \"{mode}\"\nglide = \"100 ms\"\nglide_when = \"legato\""), "note.pitch * 0.25"));
        rig.at(4_800, Act::GlideFrom { slot: 0, pitch: 1.0 });
        let id = rig.note(4_800, 60.0, 1.0, 2_400);
        rig.note(9_600, 60.0, 1.0, 0);
        let heard = rig.left(12_000);
        assert!((heard[4_800 + 1_200] - 0.1875).abs() < 1e-3, "{mode}: a quarter of the way down: {}", heard[6_000]);
        assert!(heard[9_700].abs() < 1e-6, "{mode}: the next one does not");
        assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
    }
}

#[test]
fn a_mono_voice_goes_back_to_keys_that_are_held_and_is_not_struck_again() {
    for mode in ["mono", "legato"] {
        let text = told(&format!("mode = \"{mode}\""), "note.pitch * 0.25 + note.velocity * 0.001 + note.trigger * 0.5");
        let mut rig = Rig::new(&text);
        rig.note(0, 60.0, 0.5, 0);
        rig.run(4_800);
        let second = rig.note(4_800, 72.0, 1.0, 0);
        let heard = rig.left(4_800);
        assert_eq!(peak(&heard) > 0.5, mode == "mono", "{mode}: struck by the second");
        assert!((heard[4_799] - 0.251).abs() < 1e-6);
        rig.off(9_600, second);
        let heard = rig.left(4_800);
        assert!(peak(&heard) < 0.3, "{mode}: struck when the first comes back");
        assert!((heard[4_799] - 0.0005).abs() < 1e-6, "{mode}: pitch and force of the first: {}", heard[4_799]);
        assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id: second }), "the second is over at once");
    }
}

#[test]
fn what_was_set_of_a_held_key_comes_back_with_it() {
    let mut rig = Rig::new(&told("mode = \"mono\"", "note.pitch * 0.25 + note.pressure"));
    let first = rig.note(0, 60.0, 1.0, 0);
    set(&mut rig, 100, first, NoteSource::Bend, 0.5);
    let second = rig.note(4_800, 72.0, 1.0, 0);
    set(&mut rig, 4_800, second, NoteSource::Pressure, 0.25);
    let heard = rig.left(9_600);
    assert!((heard[4_799] - 0.125).abs() < 1e-6);
    assert!((heard[9_599] - 0.5).abs() < 1e-6, "the second has its own: {}", heard[9_599]);
    rig.off(9_600, second);
    assert!((rig.left(4_800)[4_799] - 0.125).abs() < 1e-6);
}

#[test]
fn priority_says_which_key_a_mono_voice_plays() {
    for (priority, want) in [("last", [0.0, 1.0, -1.0, 1.0]), ("low", [0.0, 0.0, -1.0, 0.0]), ("high", [0.0, 1.0, 1.0, 1.0])] {
        let mut rig = Rig::new(&told(&format!("mode = \"mono\"\npriority = \"{priority}\""), "note.pitch * 0.25"));
        let mut heard = Vec::new();
        rig.note(0, 60.0, 1.0, 0);
        heard.push(rig.left(480)[479]);
        rig.note(480, 72.0, 1.0, 0);
        heard.push(rig.left(480)[479]);
        let low = rig.note(960, 48.0, 1.0, 0);
        heard.push(rig.left(480)[479]);
        rig.off(1_440, low);
        heard.push(rig.left(480)[479]);
        assert_eq!(heard, want.map(|octaves| octaves * 0.25), "{priority}");
    }
}

#[test]
fn in_poly_the_lowest_or_highest_never_gives_way() {
    for (priority, stays) in [("last", None), ("low", Some(0)), ("high", Some(1))] {
        let mut rig = Rig::new(&told(&format!("voices = 3\npriority = \"{priority}\""), "note.gate * 0.1"));
        let ids = [rig.note(0, 48.0, 1.0, 0), rig.note(1, 84.0, 1.0, 0)];
        for at in 0..20 {
            rig.note(100 + at * 100, 60.0 + at as f32, 1.0, 0);
        }
        rig.run(4_800);
        let stolen = |id: NoteId, reports: &[Report]| reports.contains(&Report::NoteStolen { slot: 0, id });
        let reports = rig.reports();
        for (at, id) in ids.into_iter().enumerate() {
            assert_eq!(stolen(id, &reports), stays != Some(at), "{priority}: {at}");
        }
    }
    // Where nothing else may give way, the new one does not sound.
    let mut rig = Rig::new(&told("voices = 1\npriority = \"low\"", "note.pitch * 0.25"));
    rig.note(0, 60.0, 1.0, 0);
    let higher = rig.note(100, 72.0, 1.0, 0);
    rig.run(4_800);
    assert!(rig.reports().contains(&Report::NoteStolen { slot: 0, id: higher }));
    rig.note(4_800, 48.0, 1.0, 0);
    assert_eq!(rig.left(4_800)[4_799], -0.25, "a lower one does");
}

/// A sound whose steps are its own: four voices of triangle-like sines with slow attacks.
fn stolen_sound(steal: &str, unison: usize, voices: usize) -> String {
    format!(
        "format = 1\n[note]\nvoices = {voices}\nsteal = \"{steal}\"\nunison = {unison}\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nattack = \"3 ms\"\nrelease = \"30 ms\"\nsustain = 1\n[out]\nin = \"osc.sine * env * 0.05\"\n"
    )
}

#[test]
fn constant_stealing_makes_no_step_above_the_sounds_own() {
    // The fade of what is taken moves by a 480th of it a frame: 3 % of what these sines move by themselves at most.
    for (steal, unison, voices) in
        [("oldest", 1, 1), ("quietest", 1, 1), ("same", 1, 1), ("oldest", 2, 2), ("oldest", 1, 16), ("quietest", 4, 16)]
    {
        let text = stolen_sound(steal, unison, voices);
        // The sound's own: of the highest note that is played, for as many as sound at once.
        let own = {
            let mut rig = Rig::new(&text);
            rig.note(0, 83.0, 1.0, 0);
            step(&rig.left(24_000)) * (voices / unison) as f32
        };
        for apart in [61, 480, 700] {
            let mut rig = Rig::new(&text);
            for at in 0..400u64 {
                rig.note(at * apart, 72.0 + (at * 5 % 12) as f32, 1.0, if at % 3 == 0 { 60 } else { 0 });
            }
            let most = step(&rig.left(400 * apart as usize));
            let stolen = rig.reports().iter().filter(|report| matches!(report, Report::NoteStolen { .. })).count();
            assert!(stolen > 200, "{steal}: {stolen}");
            assert!(most <= 1.02 * own, "{steal} by {unison} of {voices}, each {apart} frames: a step of {most}, {own} is the sound's own");
            println!("{steal} {unison} of {voices}, each {apart}: {:.3} of the sound's own", most / own);
        }
    }
}

#[test]
fn two_hundred_and_fifty_six_voices_at_every_width() {
    let text = stolen_sound("oldest", 1, 256).replace("0.05", "0.003");
    let mut heard: Vec<Vec<f32>> = Vec::new();
    for width in WIDTHS {
        let mut rig = Rig::with(&text, Way { width: Some(width), ..Way::default() });
        for at in 0..300u64 {
            rig.note(at * 10, 30.0 + (at % 60) as f32, 1.0, 0);
        }
        heard.push(rig.left(4_800));
        assert_eq!(voices(&rig), 256, "{width} lanes");
        let stolen = rig.reports().iter().filter(|report| matches!(report, Report::NoteStolen { .. })).count();
        assert_eq!(stolen, 44);
    }
    assert!(peak(&heard[0]) > 0.01);
    assert!(heard.iter().all(|it| *it == heard[0]), "the same bits");
}

#[test]
fn a_flood_in_one_block_leaves_nothing_hanging() {
    for (note, times) in
        [("voices = 1", 900), ("voices = 16\nsteal = \"quietest\"", 1_500), ("mode = \"mono\"", 900), ("voices = 16\nunison = 4", 900)]
    {
        let mut rig = Rig::with(&told(note, "note.gate * 0.1"), Way { buffer: 512, ..Way::default() });
        let mut ids = Vec::new();
        for block in 0..6u64 {
            // All notes on and off within 60 frames; every seventh is held.
            for at in 0..times / 6 {
                let start = 6_400 + block * 64 + (at * 60 / (times / 6)) as u64;
                let id = rig.note(start, 40.0 + (at % 50) as f32, 1.0, 0);
                ids.push(id);
                if at % 7 > 0 {
                    rig.off(start, id);
                }
            }
        }
        rig.run(9_600);
        for id in &ids {
            rig.off(9_600, *id);
        }
        let heard = rig.left(9_600);
        assert_eq!(peak(&heard[4_800..]), 0.0, "{note}: a gate is up");
        assert_eq!(voices(&rig), 0, "{note}: a voice hangs");
        let told = rig.reports().iter().filter(|it| matches!(it, Report::NoteEnded { .. } | Report::NoteStolen { .. })).count();
        assert_eq!(told, ids.len(), "{note}: each ends once");
    }
}

#[test]
fn a_struck_string_is_struck_again() {
    let text = |steal: &str| told(&format!("voices = 8\nsteal = \"{steal}\""), "note.gate * 0.1").replace("release = 0", "release = 1");
    for (steal, want) in [("same", 1), ("oldest", 4)] {
        let mut rig = Rig::new(&text(steal));
        for at in 0..4 {
            rig.note(at * 4_800, 60.0, 1.0, 2_400);
        }
        rig.run(16_000);
        assert_eq!(voices(&rig), want, "{steal}");
    }
}

/// What may happen to a slot, through its doors.
#[derive(Clone, Copy, Debug)]
enum Op {
    Press(u8, u16),
    LetGo(usize),
    Bend(usize),
    Panic(Panic),
    Reload(usize),
    Run(u16),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0u8..12, prop::sample::select(vec![0u16, 0, 1, 50, 700])).prop_map(|(key, frames)| Op::Press(key, frames)),
        6 => any::<usize>().prop_map(Op::LetGo),
        1 => any::<usize>().prop_map(Op::Bend),
        1 => prop::sample::select(vec![Panic::Release, Panic::Fade, Panic::Cut]).prop_map(Op::Panic),
        1 => (0usize..6).prop_map(Op::Reload),
        5 => (0u16..400).prop_map(Op::Run),
    ]
}

/// Patches that are swapped for each other while they play: other modes, other voices, none at all, and some that play themselves.
fn versions() -> [String; 6] {
    let lfo = "[global.lfo]\ntype = \"lfo\"\nrate = \"37 Hz\"\n";
    [
        told("voices = 6", "note.gate * 0.1"),
        told("voices = 6\nmode = \"mono\"\npriority = \"low\"\nglide = \"5 ms\"", "note.pitch * 0.1"),
        told("voices = 6\nunison = 3\nsteal = \"quietest\"\npriority = \"high\"", "note.gate * 0.1"),
        told("voices = 20\nsteal = \"same\"", "note.gate * 0.1"),
        told("voices = 6\nsteal = \"never\"\ngate = \"lfo.square\"\npitch = \"C4 + lfo * 1 oct\"", "note.gate * 0.1") + lfo,
        "format = 1\n[global.env]\ntype = \"adsr\"\ngate = \"keys.gate\"\nrelease = 0\n[out]\nin = \"env * 0.1\"\n".to_owned(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_note_ends_once_whatever_happens(first in 0usize..4, ops in prop::collection::vec(op(), 1..60), buffer in 1usize..300) {
        let versions = versions();
        let mut rig = Rig::with(&versions[first], Way { buffer, ..Way::default() });
        let mut held = Vec::new();
        let mut ends = BTreeMap::new();
        let mut take = |rig: &mut Rig| {
            for report in rig.reports() {
                if let Report::NoteEnded { id, .. } | Report::NoteStolen { id, .. } = report {
                    assert!(!id.is_own(), "a note of the patch's own is told of");
                    *ends.entry(id.0).or_insert(0) += 1;
                }
            }
        };
        let mut now = 0u64;
        let mut count = 0;
        for op in ops {
            match op {
                Op::Press(key, frames) => {
                    let id = rig.note(now, 60.0 + f32::from(key), 1.0, frames.into());
                    count += 1;
                    if frames == 0 { held.push(id); }
                }
                Op::LetGo(which) if !held.is_empty() => { let id = held.swap_remove(which % held.len()); rig.off(now, id); }
                Op::Bend(which) if !held.is_empty() => set(&mut rig, now, held[which % held.len()], NoteSource::Bend, 0.1),
                Op::Panic(how) => rig.panic(now, how),
                Op::Reload(version) => {
                    rig.run(1);
                    rig.reload(&versions[version]);
                    rig.run(1);
                    now = rig.engine.now();
                }
                Op::Run(frames) => { rig.run(frames.into()); now = rig.engine.now(); }
                _ => {}
            }
            take(&mut rig);
        }
        held.into_iter().for_each(|id| rig.off(now, id));
        rig.run(1_000);
        rig.reload(&versions[5]);
        rig.run(RATE as usize / 5);
        take(&mut rig);
        assert_eq!(voices(&rig), 0);
        assert_eq!(ends, (1..=count).map(|id| (id, 1)).collect::<BTreeMap<u32, i32>>());
    }
}

/// What stands still is worked out once for all groups; a voice with a value of its own must not be heard in another's.
#[test]
fn a_value_of_ones_own_among_many_voices_is_the_same_at_every_width_and_share() {
    let text = "format = 1\n[note]\nvoices = 40\n[voice.osc]\ntype = \"vco\"\n[voice.filter]\ntype = \"svf\"\nin = \"osc.saw * 0.5\"\n\
                cutoff = \"900 Hz\"\n[voice.env]\ntype = \"adsr\"\nrelease = \"20 ms\"\n[out]\nin = \"filter.low * env * 0.1\"\n";
    let play = |width, shares, buffer| {
        let mut rig = Rig::with(text, Way { width: Some(width), shares, buffer, ..Way::default() });
        let ids: Vec<_> = (0..24).map(|at| rig.note(at * 10, 40.0 + at as f32, 0.8, 9_000 + 400 * at as u32)).collect();
        let cutoff = rig.base("filter.cutoff");
        for (at, id, value) in [(2_000, 3, 2.5), (3_001, 20, -1.0), (6_000, 3, 1.0)] {
            rig.at(at, Act::NoteSet { slot: 0, id: ids[id], what: NoteValue::Knob(cutoff), value });
        }
        rig.turn(5_003, "filter.cutoff", 0.5);
        rig.turn(12_000, "filter.resonance", 0.7);
        // They take the lanes of those that had values of their own.
        for at in 0..24 {
            rig.note(20_100 + at, 50.0 + at as f32, 0.8, 2_000);
        }
        rig.left(26_000)
    };
    let want = play(1, 1, 64);
    assert!(peak(&want[20_200..]) > 0.01 && peak(&want[..9_000]) > 0.01);
    for (width, shares, buffer) in [(8, 1, 64), (16, 1, 113), (16, 2, 64), (8, 3, 50), (1, 5, 4_096)] {
        let got = play(width, shares, buffer);
        let other = want.iter().zip(&got).position(|(a, b)| a.to_bits() != b.to_bits());
        assert_eq!(other, None, "first other frame at {width} lanes, {shares} shares, {buffer} frames");
    }
}
