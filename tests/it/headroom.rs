//! Too little time for all voices, as a host would tell of it: new notes take old places, voices are shed, and it passes.

use std::sync::atomic::Ordering::Relaxed;

use rackd::engine::{Act, NoteId, Report};
use rackd::host::Player;

use crate::rig::{Rig, Way, peak, step};

const PADS: &str = r#"
format = 1
[note]
voices = 32
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "2 ms"
release = "4 s"
[out]
in = "osc.sine * env * note.velocity * 0.02"
"#;

const BUFFER: usize = 64;

fn rig(buffer: usize) -> Rig {
    Rig::with(PADS, Way { buffer, ..Way::default() })
}

/// So many callbacks that each took this share of their time.
fn play(rig: &mut Rig, buffer: usize, callbacks: usize, share: f32) -> Vec<f32> {
    let mut heard = Vec::new();
    for _ in 0..callbacks {
        heard.extend(rig.left(buffer));
        Player::loaded(&mut rig.engine, share, buffer);
    }
    heard
}

fn counts(rig: &Rig) -> [u64; 3] {
    let shown = &rig.doors.shown;
    [&shown.refused, &shown.replaced, &shown.shed].map(|count| count.load(Relaxed))
}

fn voices(rig: &Rig) -> u32 {
    rig.doors.shown.voices.load(Relaxed)
}

fn stolen(rig: &mut Rig) -> Vec<NoteId> {
    let told = rig.reports();
    told.iter().filter_map(|report| if let Report::NoteStolen { id, .. } = report { Some(*id) } else { None }).collect()
}

#[test]
fn without_time_for_more_a_note_takes_the_place_of_the_quietest_released_one_or_is_refused() {
    let mut rig = rig(BUFFER);
    let notes: Vec<NoteId> = (0..4).map(|n| rig.note(0, 60.0 + n as f32, 1.0 - 0.2 * n as f32, 0)).collect();
    play(&mut rig, BUFFER, 40, 0.9);
    assert_eq!(voices(&rig), 4);
    let now = rig.engine.now();
    let refused = rig.note(now, 70.0, 1.0, 0);
    play(&mut rig, BUFFER, 4, 0.9);
    assert_eq!((voices(&rig), counts(&rig), stolen(&mut rig)), (4, [1, 0, 0], vec![refused]));
    // The second and the fourth are let go; the fourth is the quieter.
    let now = rig.engine.now();
    rig.off(now, notes[1]);
    rig.off(now, notes[3]);
    rig.note(now + 1000, 72.0, 1.0, 0);
    play(&mut rig, BUFFER, 40, 0.9);
    assert_eq!((voices(&rig), counts(&rig), stolen(&mut rig)), (4, [1, 1, 0], vec![notes[3]]));
}

#[test]
fn a_note_is_played_again_300_ms_after_the_load_has_fallen() {
    for buffer in [16, 64, 512, 2048, 4096] {
        let mut rig = rig(buffer);
        play(&mut rig, buffer, 20, 0.94);
        let fell = rig.engine.now();
        rig.note(fell, 60.0, 1.0, 0);
        play(&mut rig, buffer, 1, 0.4);
        assert_eq!((voices(&rig), counts(&rig)), (0, [1, 0, 0]), "buffer {buffer}");
        // The last callback that begins no later than 300 ms after the first that was quick.
        let callbacks = 14_400 / buffer;
        play(&mut rig, buffer, callbacks - 1, 0.4);
        rig.note(rig.engine.now(), 60.0, 1.0, 0);
        play(&mut rig, buffer, 1, 0.4);
        assert_eq!((voices(&rig), counts(&rig)), (1, [1, 0, 0]), "buffer {buffer}");
    }
}

#[test]
fn voices_are_shed_the_released_and_the_quietest_first_and_fade() {
    let mut rig = rig(BUFFER);
    let notes: Vec<NoteId> = (0..12).map(|n| rig.note(0, 48.0 + n as f32, 0.3 + 0.05 * n as f32, 0)).collect();
    let before = play(&mut rig, BUFFER, 150, 0.5);
    let released = [notes[9], notes[5], notes[7]];
    released.iter().for_each(|id| rig.off(9600, *id));
    play(&mut rig, BUFFER, 50, 0.5);
    stolen(&mut rig);
    let mut heard = play(&mut rig, BUFFER, 9, 1.0);
    // As a device would: the fewer voices, the less time, and what still fades costs as before.
    heard.extend(play(&mut rig, BUFFER, 12, 1.0));
    heard.extend(play(&mut rig, BUFFER, 200, 0.8));
    let [refused, replaced, shed] = counts(&rig);
    assert_eq!((refused, replaced), (0, 0));
    assert!((2..=6).contains(&shed), "{shed}");
    assert_eq!(voices(&rig), 12 - shed as u32);
    let ended: Vec<NoteId> = rig
        .reports()
        .iter()
        .filter_map(|report| match report {
            Report::NoteEnded { id, .. } | Report::NoteStolen { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let order = [notes[5], notes[7], notes[9], notes[0], notes[1], notes[2]];
    assert_eq!(ended, order[..shed as usize]);
    assert!(step(&heard) <= 1.5 * step(&before), "{} after {}", step(&heard), step(&before));
    assert!(peak(&heard) > 0.01);
}

#[test]
fn what_no_shedding_helps_ends_in_silence_and_comes_back() {
    let mut rig = rig(BUFFER);
    (0..32).for_each(|n| {
        rig.note(0, 40.0 + n as f32, 0.8, 0);
    });
    play(&mut rig, BUFFER, 10, 0.2);
    play(&mut rig, BUFFER, 1500, 2.0);
    assert_eq!(voices(&rig), 0);
    assert_eq!(counts(&rig)[2], 32);
    play(&mut rig, BUFFER, 225, 0.1);
    rig.note(rig.engine.now(), 60.0, 1.0, 0);
    play(&mut rig, BUFFER, 1, 0.1);
    assert_eq!(voices(&rig), 1);
}

#[test]
fn a_host_that_tells_nothing_sheds_nothing_and_a_hiccup_neither() {
    let mut rig = rig(BUFFER);
    (0..32).for_each(|n| {
        rig.note(0, 40.0 + n as f32, 0.8, 0);
    });
    rig.run(48_000);
    for n in 0..200 {
        play(&mut rig, BUFFER, 1, if n % 4 == 0 { 5.0 } else { 0.6 });
    }
    assert_eq!((voices(&rig), counts(&rig)), (32, [0; 3]));
}

#[test]
fn one_voice_that_sounds_may_play_another_note() {
    let mut rig = Rig::new(&PADS.replace("voices = 32", "voices = 1\nmode = \"mono\""));
    rig.note(0, 60.0, 1.0, 0);
    play(&mut rig, BUFFER, 40, 0.9);
    let now = rig.engine.now();
    rig.note(now, 67.0, 1.0, 0);
    play(&mut rig, BUFFER, 4, 0.9);
    assert_eq!((voices(&rig), counts(&rig)), (1, [0; 3]));
    rig.at(rig.engine.now(), Act::Sync(1));
    play(&mut rig, BUFFER, 4, 0.9);
}
