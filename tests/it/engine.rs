//! The engine's promises: the same bits everywhere, exact times, no clicks, cycles as they are told.

use std::sync::atomic::Ordering::Relaxed;

use rackd::engine::doors::FEED_CAPACITY;
use rackd::engine::event::Panic;
use rackd::engine::queue::CAPACITY;
use rackd::engine::{Act, Event, Report};
use rackd::module::isa::Level;

use crate::rig::{RATE, Rig, WIDTHS, Way, peak, step};

const PLUCK: &str = r#"
format = 1
[note]
voices = 20
[controls]
brightness = "1 kHz"
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "5 ms"
release = "60 ms"
[voice.filter]
type = "svf"
in = "osc.saw * 0.5 + osc.square * 0.2"
cutoff = "brightness + env * 2 oct + note.pitch"
[global.space]
type = "delay"
in = "filter.low * env * note.velocity * 0.3"
time = "3/16"
[out]
in = "space"
"#;

/// A score at odd times: chords that steal, values, a tempo, a panic.
fn play(rig: &mut Rig, frames: usize) -> Vec<[f32; 2]> {
    for at in 0..40u64 {
        rig.note(317 + at * 1111, 40.0 + (at * 7 % 30) as f32, 0.3 + (at % 5) as f32 * 0.1, 2000 + (at as u32 * 577) % 9000);
        rig.turn(500 + at * 977, "filter.resonance", (at % 9) as f32 / 10.0);
        rig.turn(501 + at * 977, "osc.pulse_width", 0.2 + (at % 6) as f32 / 10.0);
    }
    rig.at(20_001, Act::Tempo(97.0));
    rig.panic(40_003, Panic::Fade);
    rig.run(frames)
}

fn same(a: &[[f32; 2]], b: &[[f32; 2]]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a.map(f32::to_bits) != b.map(f32::to_bits))
}

#[test]
fn the_same_bits_at_every_width_level_and_buffer_size() {
    let want = play(&mut Rig::new(PLUCK), 48_000);
    assert!(want.iter().any(|frame| frame[0].abs() > 0.05), "it must sound");
    for width in WIDTHS {
        for level in Level::available() {
            for buffer in [16, 113, 4096, 0] {
                let way = Way { width: Some(width), level: *level, buffer, seed: width as u64 + 7, shares: 1 + buffer % 3 };
                let got = play(&mut Rig::with(PLUCK, way), 48_000);
                assert_eq!(same(&want, &got), None, "first other frame, at {way:?}");
            }
        }
    }
}

#[test]
fn a_note_sounds_on_its_frame_at_any_buffer_size() {
    let text = "format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nattack = 0\n[out]\nin = \"env\"\n";
    for buffer in [16, 64, 113, 512, 4096] {
        let mut rig = Rig::with(text, Way { buffer, ..Way::default() });
        rig.note(9_600, 60.0, 1.0, 0);
        let heard = rig.left(12_000);
        let first = heard.iter().position(|x| x.abs() > 1e-3);
        assert_eq!(first, Some(9_600), "buffer {buffer}");
    }
}

#[test]
fn stealing_makes_no_step_above_the_sounds_own() {
    let text = "format = 1\n[note]\nvoices = 4\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nattack = \"2 ms\"\n[out]\nin = \"osc.sine * env * 0.1\"\n";
    let mut rig = Rig::new(text);
    for at in 0..4 {
        rig.note(0, 48.0 + at as f32, 1.0, 0);
    }
    let before = rig.left(24_000);
    for at in 0..200u64 {
        rig.note(24_000 + at * 100, 48.0 + (at % 12) as f32, 1.0, 0);
    }
    let after = rig.left(30_000);
    assert!(step(&after) <= 1.6 * step(&before), "{} against {}", step(&after), step(&before));
    let stolen = rig.reports().iter().filter(|report| matches!(report, Report::NoteStolen { .. })).count();
    assert_eq!(stolen, 200);
}

#[test]
fn a_voice_is_over_when_its_envelope_is_at_rest() {
    let mut rig = Rig::new(PLUCK);
    let id = rig.note(0, 60.0, 1.0, 4_800);
    rig.run(4_800 + 2_000);
    assert!(!rig.reports().contains(&Report::NoteEnded { slot: 0, id }), "it is still releasing");
    rig.run(20_000);
    assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
}

#[test]
fn without_envelopes_a_voice_is_over_after_50_ms_of_silence() {
    let text = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[out]\nin = \"osc * note.gate * 0.1\"\n";
    let mut rig = Rig::new(text);
    let id = rig.note(0, 60.0, 1.0, 4_800);
    rig.run(4_800 + 2_300);
    assert!(!rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
    rig.run(400);
    assert!(rig.reports().contains(&Report::NoteEnded { slot: 0, id }));
}

#[test]
fn a_cycle_has_one_sample_of_delay() {
    // An echo of one sample: in + half of its own last sample, from a pulse.
    let text = "format = 1\n[in]\n[global.mix]\ntype = \"onepole\"\nin = \"in.left + back.low * 0.5\"\ncutoff = \"20 kHz\"\n\
                [global.back]\ntype = \"onepole\"\nin = \"mix.low\"\ncutoff = \"20 kHz\"\n[out]\nin = \"mix.low\"\n";
    let alone = text.replace(" + back.low * 0.5", " + back.low * 0");
    let impulse = |text: &str, buffer: usize| {
        let mut rig = Rig::with(text, Way { buffer, ..Way::default() });
        rig.input = Box::new(|at| [if at == 100 { 0.5 } else { 0.0 }; 2]);
        rig.left(300)
    };
    // h: the response of one pole without feedback; the cycle's is h, and then what h of h gives one sample later, halved, and so on.
    let h: Vec<f32> = impulse(&alone, 64)[100..].iter().map(|x| x / 0.5).collect();
    let mut want = vec![0.0f64; 60];
    let mut mix_in = vec![0.0f64; 60];
    let mut back = vec![0.0f64; 60];
    for t in 0..60 {
        mix_in[t] = if t == 0 { 0.5 } else { 0.0 } + if t > 0 { 0.5 * back[t - 1] } else { 0.0 };
        want[t] = (0..=t).map(|k| f64::from(h[k]) * mix_in[t - k]).sum();
        back[t] = (0..=t).map(|k| f64::from(h[k]) * want[t - k]).sum();
    }
    for buffer in [1, 64, 113] {
        let got = impulse(text, buffer);
        for t in 0..60 {
            assert!((f64::from(got[100 + t]) - want[t]).abs() < 1e-5, "frame {t}: {} is not {}", got[100 + t], want[t]);
        }
    }
}

#[test]
fn a_cycle_through_the_sum_of_the_voices_has_64_samples() {
    let text = "format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 1\n\
                [voice.gain]\ntype = \"onepole\"\nin = \"env * 0.25 + sum.low * 0.5\"\ncutoff = \"20 kHz\"\n\
                [global.sum]\ntype = \"onepole\"\nin = \"gain.low\"\ncutoff = \"20 kHz\"\n[out]\nin = \"sum.low\"\n";
    for buffer in [1, 64, 113] {
        let mut rig = Rig::with(text, Way { buffer, ..Way::default() });
        rig.note(1_000, 60.0, 1.0, 0);
        let heard = rig.left(3_000);
        // Nothing but the note for 64 samples, then the first turn of the cycle, with half its level.
        let first = heard.iter().position(|x| *x > 1e-4).unwrap();
        assert_eq!(first, 1_000 + 64, "buffer {buffer}");
        let level = |at: usize| heard[first + at];
        assert!((level(50) - 0.25).abs() < 1e-3 && (level(64 + 50) - 0.375).abs() < 1e-3, "{} {}", level(50), level(114));
    }
}

#[test]
fn a_reload_carries_the_voices_on_without_a_step() {
    let text = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nsustain = 1\n[voice.filter]\ntype = \"svf\"\nin = \"osc.sine\"\ncutoff = \"3 kHz\"\n\
                [out]\nin = \"filter.low * env * 0.05\"\n";
    let mut rig = Rig::new(text);
    for at in 0..16 {
        rig.note(0, 48.0 + at as f32, 1.0, 0);
    }
    rig.run(24_000);
    let own = rig.left(24_000);
    let changes = [
        text.replace("3 kHz", "800 Hz"),
        text.replace("filter.low * env * 0.05", "filter.low * env * 0.05 + osc.sine * env * 0.01"),
        text.replace("filter.low * env * 0.05", "osc.sine * env * 0.05"),
        text.replace("\"svf\"", "\"ladder\"").replace("filter.low *", "filter *"),
        text.to_string(),
    ];
    for changed in changes {
        rig.reload(&changed);
        let heard = rig.left(12_000);
        assert!(step(&heard) <= 1.5 * step(&own), "{} against {} with {changed}", step(&heard), step(&own));
        assert!(peak(&heard[6_000..]) > 0.2 * peak(&own), "the voices go on");
    }
    assert!(!rig.reports().iter().any(|report| matches!(report, Report::NoteEnded { .. })));
}

#[test]
fn nothing_changes_by_a_bit_when_a_patch_is_reloaded_as_it_is() {
    let mut plain = Rig::new(PLUCK);
    let want = play(&mut plain, 48_000);
    let mut reloaded = Rig::new(PLUCK);
    let mut got = play(&mut reloaded, 10_000);
    reloaded.reload(PLUCK);
    got.extend(reloaded.run(38_000));
    assert_eq!(same(&want, &got), None);
}

#[test]
fn mono_retriggers_and_legato_does_not() {
    let text = |mode: &str| {
        format!(
            "format = 1\n[note]\nmode = \"{mode}\"\n[voice.env]\ntype = \"adsr\"\nattack = 0\ndecay = \"20 ms\"\nsustain = 0.25\n[out]\nin = \"env * 0.5\"\n"
        )
    };
    for (mode, again) in [("mono", true), ("legato", false)] {
        let mut rig = Rig::new(&text(mode));
        rig.note(0, 60.0, 1.0, 0);
        rig.run(9_600);
        rig.note(9_600, 64.0, 1.0, 0);
        let heard = rig.left(4_800);
        assert_eq!(peak(&heard) > 0.4, again, "{mode}: {}", peak(&heard));
    }
}

#[test]
fn glide_takes_its_time_and_ends_on_the_pitch() {
    let text = "format = 1\n[note]\nmode = \"mono\"\nglide = \"100 ms\"\n[voice.env]\ntype = \"adsr\"\n[out]\nin = \"note.pitch * 0.25\"\n";
    let mut rig = Rig::new(text);
    let first = rig.note(0, 60.0, 1.0, 0);
    rig.run(4_800);
    rig.note(4_800, 72.0, 1.0, 0);
    let heard = rig.left(9_600);
    assert!((heard[2_400] - 0.125).abs() < 1e-3, "half way after 50 ms: {}", heard[2_400]);
    assert!((heard[4_900] - 0.25).abs() < 1e-6, "an octave after 100 ms: {}", heard[4_900]);
    rig.off(14_400, first);
    assert_eq!(rig.left(100)[99], 0.25, "the second key still sounds");
}

#[test]
fn pulses_follow_the_tempo() {
    let text = "format = 1\ntempo = 120\n[global.env]\ntype = \"ar\"\ntrigger = \"1/16\"\nattack = 0\nrelease = \"10 ms\"\n[out]\nin = \"env * 0.5\"\n";
    let mut rig = Rig::new(text);
    let heard = rig.left(48_000);
    let onsets: Vec<usize> = (1..heard.len()).filter(|at| heard[at - 1] < 0.1 && heard[*at] > 0.4).collect();
    let want: Vec<usize> = (1..8).map(|at| at * 6_000).collect();
    assert_eq!(onsets.iter().copied().filter(|at| *at > 10).collect::<Vec<_>>(), want);
}

#[test]
fn keys_drive_global_modules() {
    let text = "format = 1\n[global.kick]\ntype = \"ar\"\ntrigger = \"keys.36\"\nattack = 0\nrelease = \"20 ms\"\n[out]\nin = \"kick * keys.36.velocity * 0.5\"\n";
    let mut rig = Rig::new(text);
    for at in 0..4 {
        rig.note(1_000 + at * 6_000, 36.0, 0.8, 20_000); // each struck while the last is still down
        rig.note(3_000 + at * 6_000, 38.0, 0.8, 500);
    }
    let heard = rig.left(30_000);
    let onsets: Vec<usize> = (1..heard.len()).filter(|at| heard[at - 1] < 0.1 && heard[*at] > 0.3).collect();
    assert_eq!(onsets.len(), 4, "{onsets:?}");
    assert!(onsets.iter().enumerate().all(|(at, onset)| onset - (1_000 + at * 6_000) <= 1), "{onsets:?}");
}

#[test]
fn a_module_that_puts_out_no_number_is_silenced_and_named() {
    // A filter is given NaN through the slot's input, which the door scrubs: so nothing is blamed and it goes on.
    let text = "format = 1\n[in]\n[global.filter]\ntype = \"svf\"\nin = \"in.left\"\n[out]\nin = \"filter.low\"\n";
    let mut rig = Rig::new(text);
    rig.input = Box::new(|at| [if at % 7 == 0 { f32::NAN } else { 0.1 }; 2]);
    let heard = rig.left(4_800);
    assert!(heard.iter().all(|x| x.is_finite()));
    assert!(peak(&heard) > 0.05);
}

#[test]
fn late_events_act_at_once_and_are_told() {
    let mut rig = Rig::new(PLUCK);
    rig.run(4_800);
    rig.note(100, 60.0, 1.0, 0);
    assert!(peak(&rig.left(4_800)) > 0.0);
    assert!(rig.reports().contains(&Report::Late { feed: 0, frames: 4_700 }));
}

#[test]
fn panic_silences_in_its_own_way() {
    let text = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nsustain = 1\nrelease = \"1 s\"\n[out]\nin = \"osc.sine * env * 0.2\"\n";
    for (how, silent_after) in [(Panic::Release, 60_000), (Panic::Fade, 700), (Panic::Cut, 1)] {
        let mut rig = Rig::new(text);
        rig.note(0, 60.0, 1.0, 0);
        rig.run(RATE as usize / 4);
        rig.panic(RATE as u64 / 4, how);
        let heard = rig.left(70_000);
        assert_eq!(peak(&heard[silent_after..]), 0.0, "{how:?}");
        if how == Panic::Release {
            assert!(peak(&heard[..4_800]) > 0.1);
        }
    }
}

#[test]
fn a_mono_module_fed_stereo_runs_once_a_side_and_each_side_can_be_taken() {
    let text = "format = 1\n[in]\n[global.filter]\ntype = \"onepole\"\nin = \"in\"\ncutoff = \"20 kHz\"\n[out]\n";
    let sides = |out: &str| {
        let mut rig = Rig::new(&format!("{text}{out}"));
        rig.input = Box::new(|_| [0.25, 0.5]);
        rig.run(4_800)[4_799]
    };
    let near = |got: [f32; 2], want: [f32; 2]| got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-4);
    assert!(near(sides("in = \"filter.low\"\n"), [0.25, 0.5]));
    assert!(near(sides("in = \"filter.low.right\"\n"), [0.5, 0.5]));
    assert!(near(sides("left = \"filter.low.right\"\nright = \"filter.low.left\"\n"), [0.5, 0.25]));
}

#[test]
fn another_force_does_not_jump_where_a_voice_is_not_struck_anew() {
    let text =
        "format = 1\n[note]\nmode = \"legato\"\n[voice.env]\ntype = \"adsr\"\nsustain = 1\n[out]\nin = \"env * note.velocity * 0.5\"\n";
    let mut rig = Rig::new(text);
    rig.note(0, 60.0, 1.0, 0);
    rig.run(24_000);
    rig.note(24_000, 64.0, 0.2, 0);
    let heard = rig.left(4_800);
    assert!(step(&heard) < 0.003, "{}", step(&heard));
    assert!((heard[4_799] - 0.1).abs() < 1e-3);
}

#[test]
fn a_flood_of_events_cannot_make_a_note_hang() {
    let mut rig = Rig::new("format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nsustain = 1\n[out]\nin = \"env * 0.5\"\n");
    let id = rig.note(0, 60.0, 1.0, 0);
    rig.run(4_800);
    let knob = rig.base("env.attack");
    let far = Event { at: 48_000 * 60, act: Act::Knob { slot: 0, knob, value: 0.1, beats: false, frames: 0 } };
    for feed in 1..4 {
        while rig.doors.feeds[feed].send(&[far]).is_ok() {}
    }
    rig.run(64);
    // Told as far as there is room for reports, counted to the last.
    assert!(rig.reports().contains(&Report::Overflow { feed: 3 }));
    assert_eq!(rig.doors.shown.overflowed.load(Relaxed), (3 * FEED_CAPACITY - CAPACITY) as u64);
    rig.off(0, id);
    assert_eq!(peak(&rig.left(48_000)[40_000..]), 0.0);
}
