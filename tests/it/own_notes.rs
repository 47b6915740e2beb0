//! Patches that play their own voices: `gate`, `pitch` and `velocity` of `[note]`.

use std::sync::atomic::Ordering::Relaxed;

use rackd::engine::event::Panic;
use rackd::engine::{Act, Report};

use crate::rig::{RATE, Rig, WIDTHS, Way, peak};

/// A sequence in sixteenths, of which each voice puts out what stands in `out`.
fn steps(note: &str, out: &str) -> String {
    format!(
        "format = 1\n[note]\ngate = \"seq.gate\"\npitch = \"seq.pitch\"\nvelocity = \"seq.velocity\"\n{note}\n\
         [global.seq]\ntype = \"seq_step\"\nclock = \"1/16\"\nsteps = [\"C4\", \"C5\", \"-\", \"G4\"]\nvelocities = [1, 0.5]\n\
         [voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\nrelease = 0\n[out]\nin = \"{out} + env * 0\"\n"
    )
}

fn voices(rig: &Rig) -> u32 {
    rig.doors.shown.voices.load(Relaxed)
}

#[test]
fn a_rise_of_the_gate_is_a_note_on_that_frame() {
    let text = steps("", "note.trigger * (note.pitch * 0.5 + note.velocity * 0.1 + 0.1)");
    let mut want = Vec::new();
    for buffer in [64, 1, 17, 4_096, 0] {
        let mut rig = Rig::with(&text, Way { buffer, ..Way::default() });
        let heard = rig.left(48_000);
        let struck: Vec<(usize, f32)> = heard.iter().copied().enumerate().filter(|(_, x)| *x != 0.0).collect();
        if want.is_empty() {
            // Sixteenths at 120 are 6,000 frames; the third step is a rest.
            let frames: Vec<usize> = struck.iter().map(|(at, _)| *at).collect();
            assert_eq!(frames, [0, 6_000, 18_000, 24_000, 30_000, 42_000]);
            for ((_, x), wanted) in struck.iter().zip([0.2, 0.65, 0.15 + 3.5 / 12.0]) {
                assert!((x - wanted).abs() < 1e-5, "pitch and force of the step: {x} is not {wanted}");
            }
            want = heard;
        } else {
            assert_eq!(heard, want, "at {buffer}");
        }
        assert_eq!(rig.reports().iter().filter(|it| !matches!(it, Report::Beat { .. } | Report::Swapped { .. })).count(), 0);
    }
}

#[test]
fn a_fall_of_the_gate_ends_the_note_and_a_pulse_is_a_short_one() {
    let mut rig = Rig::new(&steps("", "note.gate * 0.5"));
    let heard = rig.left(12_000);
    // The gate's length is half of the time between the last two clocks, from the second on.
    assert_eq!(heard[6_000..].iter().position(|x| *x == 0.0), Some(3_000));
    let text =
        "format = 1\n[note]\ngate = \"1/16\"\n[voice.env]\ntype = \"ar\"\nattack = 0\nrelease = \"20 ms\"\n[out]\nin = \"env * 0.5\"\n";
    let mut rig = Rig::new(text);
    let heard = rig.left(48_000);
    let onsets: Vec<usize> = (1..heard.len()).filter(|at| heard[at - 1] < 0.1 && heard[*at] > 0.4).collect();
    assert_eq!(onsets, (1..8).map(|at| at * 6_000).collect::<Vec<_>>());
    assert!(peak(&heard[3_000..5_900]) < 1e-3);
}

#[test]
fn while_the_gate_is_high_the_pitch_moves_with_it_and_stays_after() {
    // One gate of a second; the pitch is a straight line.
    let text = "format = 1\n[note]\ngate = \"lfo.square\"\npitch = \"C4 + lfo.triangle * 1 oct\"\n[global.lfo]\ntype = \"lfo\"\nrate = \"1 Hz\"\n\
                [global.pass]\ntype = \"onepole\"\nin = \"lfo.triangle * 0.25\"\ncutoff = \"20 kHz\"\n[voice.env]\ntype = \"adsr\"\nsustain = 1\nrelease = \"2 s\"\n\
                [out]\nleft = \"note.pitch * 0.25 + env * 0\"\nright = \"lfo.triangle * 0.25\"\n";
    for buffer in [64, 37] {
        let mut rig = Rig::with(text, Way { buffer, ..Way::default() });
        let heard = rig.run(48_000);
        let mut moved = 0.0f32;
        for (at, [voice, line]) in heard[..24_000].iter().enumerate() {
            assert!((voice - line).abs() < 1e-6, "frame {at}: {voice} is not {line}");
            moved = moved.max((voice - heard[0][0]).abs());
        }
        assert!(moved > 0.2, "it moves");
        let stays = heard[24_100][0];
        assert!(heard[24_100..47_000].iter().all(|[voice, _]| *voice == stays), "it stays when the gate has fallen");
        assert!((heard[36_000][1] - heard[24_100][1]).abs() > 0.1, "though the line goes on");
    }
}

#[test]
fn keys_from_outside_play_among_them_with_the_same_bits_at_any_buffer_size() {
    let sound = "[voice.osc]\ntype = \"vco\"\n[voice.amp]\ntype = \"adsr\"\nrelease = \"80 ms\"\n";
    for note in [
        "voices = 3",
        "voices = 5\nunison = 2\nsteal = \"quietest\"",
        "mode = \"mono\"\nglide = \"20 ms\"\nglide_mode = \"rate\"",
        "mode = \"legato\"\npriority = \"low\"",
    ] {
        let text = steps(note, "osc.saw * amp * note.velocity * 0.2") + sound;
        let play = |way: Way| {
            let mut rig = Rig::with(&text, way);
            for at in 0..30u64 {
                // Some in the very frame of a step.
                rig.note(at * 1_500 + at % 4 * 7, 40.0 + (at * 11 % 30) as f32, 0.8, 1_000 + 333 * (at as u32 % 9));
            }
            rig.left(48_000)
        };
        let want = play(Way { buffer: 64, ..Way::default() });
        assert!(peak(&want) > 0.1);
        for (seed, buffer) in [1, 31, 512, 0].into_iter().enumerate() {
            let width = WIDTHS[1 + seed % 3];
            let got = play(Way { buffer, width: Some(width), seed: 3 + seed as u64, ..Way::default() });
            assert_eq!(got.iter().zip(&want).position(|(a, b)| a.to_bits() != b.to_bits()), None, "{note} at {buffer}, {width} lanes");
        }
    }
}

#[test]
fn keys_are_what_others_play() {
    let text =
        "format = 1\n[note]\ngate = \"1/16\"\n[voice.env]\ntype = \"adsr\"\n[out]\nleft = \"keys.gate * 0.5\"\nright = \"env * 0.1\"\n";
    let mut rig = Rig::new(text);
    assert!(rig.run(24_000).iter().all(|frame| frame[0] == 0.0), "a note of the patch's own is no key");
    let id = rig.note(24_000, 60.0, 1.0, 0);
    rig.off(30_000, id);
    let heard = rig.run(24_000);
    assert_eq!((heard[1][0], heard[8_000][0]), (0.5, 0.0));
    rig.run(24_000);
    assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
}

#[test]
fn a_gate_that_stays_high_is_one_note_until_panic_or_another_patch() {
    let drone = |extra: &str| {
        format!(
            "format = 1\n[note]\ngate = 1\npitch = \"A3\"\n{extra}\n[voice.env]\ntype = \"adsr\"\nsustain = 1\nrelease = \"10 ms\"\n[out]\nin = \"env * 0.25 + note.trigger * 0.5\"\n"
        )
    };
    let mut rig = Rig::new(&drone("voices = 4"));
    let heard = rig.left(4_800);
    assert!(heard[0] > 0.4 && peak(&heard[1..]) < 0.3, "struck once, in the first frame");
    rig.reload(&drone("voices = 4\nsteal = \"never\""));
    assert!(peak(&rig.left(4_800)) < 0.3, "a reload carries it on");
    assert_eq!(voices(&rig), 1);
    rig.reload(&drone("voices = 9"));
    assert!(peak(&rig.left(4_800)) > 0.2);
    assert_eq!(voices(&rig), 1, "other voices: it is struck anew");
    rig.panic(14_400, Panic::Release);
    rig.run(4_800);
    assert_eq!(voices(&rig), 0, "panic ends it");
    rig.reload(&drone("voices = 9").replace("gate = 1\npitch = \"A3\"\n", ""));
    rig.run(4_800);
    rig.reload(&drone("voices = 9"));
    rig.run(4_800);
    assert_eq!(voices(&rig), 1, "it begins again with the patch that plays it");
    rig.reload(&drone("voices = 9").replace("gate = 1\npitch = \"A3\"\n", ""));
    rig.run(4_800);
    assert_eq!(voices(&rig), 0, "and ends with it");
}

#[test]
fn pulses_wait_while_the_transport_does() {
    let mut rig = Rig::new(&steps("", "note.trigger * 0.5"));
    rig.run(24_000);
    rig.at(24_001, Act::Run(false));
    rig.run(6_000);
    assert_eq!(peak(&rig.left(RATE as usize)), 0.0);
    rig.at(0, Act::Run(true));
    assert!(peak(&rig.left(12_000)) > 0.4);
}

#[test]
fn other_rates_play_at_the_same_times() {
    use rackd::engine::Engine;
    use rackd::module::isa::Level;
    use rackd::plan::{Options, compile};
    for rate in [44_100.0f32, 48_000.0, 96_000.0] {
        let patch = crate::rig::parsed(&steps("glide = \"50 ms\"\nglide_mode = \"rate\"\nmode = \"mono\"", "note.pitch * 0.25"));
        let (mut engine, _doors, mut door) = Engine::new(rate);
        let options = Options { rate, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
        assert!(door.send(0, compile(&patch, &options, &|_| None, None).0).is_ok());
        let mut out = vec![0.0; 2 * (0.25 * rate) as usize];
        engine.run(&[], 0, &mut out, 2);
        let at = |seconds: f32| out[2 * (seconds * rate) as usize];
        // The second step, an octave higher, begins after 125 ms; half way after 25 ms more.
        assert!(at(0.120).abs() < 1e-6, "{rate}");
        assert!((at(0.150) - 0.125).abs() < 1e-3, "{rate}: {}", at(0.150));
        assert!((at(0.180) - 0.25).abs() < 1e-6, "{rate}");
    }
}
