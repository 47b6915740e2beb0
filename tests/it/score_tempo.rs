//! The tempo and metre of a score lead the transport, exact to their beats.

use std::path::Path;
use std::sync::Arc;

use midly::num::u15;
use midly::{Format, Timing};
use rackd::score::Reader;
use rackd::score::file::{self, ScoreFile};

use super::score::{end, note, tempo};
use super::score_live::{BEAT, BUFFERS, Rig};

const SONG: &str = r#"
tempo = [[0, 120], [2, 60], [3, 240]]
metre = [[0, "3/4"], [6, "2/4"]]
[[track]]
slot = "t"
notes = [
  [1, "C4", 0.8, 0.25], [2.5, "C4", 0.8, 0.25], [3.5, "C4", 0.8, 0.25],
  [4, "C4", 0.8, 0.25], [7, "C4", 0.8, 0.25],
]
"#;

fn open(rig: &mut Rig, song: &str) {
    match ScoreFile::read(Path::new("song.toml"), song.as_bytes()) {
        Ok(ScoreFile::Notes(written)) => assert_eq!(file::open(&mut rig.desk.control, &rig.stand, written), Vec::<String>::new()),
        _ => panic!("it is a score"),
    }
}

fn starts(rig: &mut Rig, frames: usize) -> Vec<usize> {
    rig.edges(frames).into_iter().filter(|(_, level)| *level == 1).map(|(at, _)| at).collect()
}

#[test]
fn a_score_leads_the_tempo_at_its_beats_at_any_buffer_and_after_a_jump() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        rig.say("/clock/tempo 90");
        open(&mut rig, SONG);
        rig.say("/transport/locate 0");
        let whole = [BEAT, 3 * BEAT, 102_000, 108_000, 144_000];
        assert_eq!(starts(&mut rig, 150_000), whole, "{buffers:?}");
        assert_eq!(rig.desk.ask("/clock/tempo"), 240.0);
        // Where it goes back, the tempo of that place counts in that frame.
        rig.say("/transport/locate 0");
        assert_eq!(starts(&mut rig, 150_000), whole, "{buffers:?}: once more");
        rig.at(777, &["/transport/locate 2.25"]);
        assert_eq!(starts(&mut rig, 60_000), [777 + 12_000, 777 + 36_000 + 6000, 777 + 36_000 + 12_000], "{buffers:?}: from the middle");
        // A loop turns with its own.
        rig.say("/transport/loop 1 3");
        rig.say("/transport/locate 1");
        let lap = 3 * BEAT;
        assert_eq!(starts(&mut rig, 2 * lap), [0, 2 * BEAT, lap, lap + 2 * BEAT], "{buffers:?}: round and round");
        assert_eq!(["score-late", "score-dropped"].map(|name| rig.desk.status(name)), [0, 0]);
    }
}

#[test]
fn a_tempo_of_yours_holds_until_the_next_of_the_score_or_for_good() {
    let mut rig = Rig::new(&[64]);
    open(&mut rig, SONG);
    rig.run(64);
    rig.say("/transport/locate 0");
    rig.say("/clock/tempo 240");
    // Beat 2 after half a second, then 60.
    assert_eq!(starts(&mut rig, BEAT * 3), [12_000, 24_000 + 24_000]);
    assert_eq!(rig.desk.say("/score/tempo"), ["/score/tempo on 3"]);
    rig.say("/score/tempo off");
    rig.say("/clock/tempo 120");
    rig.say("/transport/locate 0");
    assert_eq!(starts(&mut rig, 100_000), [BEAT, BEAT * 5 / 2, BEAT * 7 / 2, BEAT * 4]);
    assert_eq!(rig.desk.ask("/clock/tempo"), 120.0);
    // On again, it counts at once.
    rig.say("/transport/stop");
    rig.run(1000);
    rig.say("/transport/locate 2.25");
    rig.say("/score/tempo on");
    rig.run(1000);
    assert_eq!(rig.desk.ask("/clock/tempo"), 60.0, "also where the clock halts");
    rig.say("/transport/play");
    assert_eq!(starts(&mut rig, BEAT), [12_000]);
    assert!(rig.desk.fails("/score/tempo 5") == "wrong-arguments");
}

#[test]
fn bars_follow_the_metre_of_the_score_wherever_the_clock_is() {
    let mut rig = Rig::new(&[64]);
    open(&mut rig, SONG);
    rig.say("/transport/stop");
    for (place, bar, metre) in [(0, "1 1", "3 4"), (5, "2 3", "3 4"), (6, "3 1", "2 4"), (9, "4 2", "2 4"), (4, "2 2", "3 4")] {
        rig.say(&format!("/transport/locate {place}"));
        rig.run(128);
        assert!(
            rig.desk.say("/transport")[0].starts_with(&format!("/transport 0 stopped {bar} ")),
            "{place}: {:?}",
            rig.desk.say("/transport")
        );
        assert_eq!(rig.desk.say("/clock/metre"), [format!("/clock/metre {metre}")]);
    }
    rig.say("/transport/stop");
    rig.run(128);
    assert_eq!(rig.desk.say("/clock/metre"), ["/clock/metre 3 4"], "a stop goes back to the score's beginning");
    assert_eq!(rig.desk.say("/score/clear"), ["/done /score/clear 5"]);
}

#[test]
fn the_metronome_follows_the_metre_of_the_score() {
    let mut rig = Rig::new(&[333]);
    open(&mut rig, "metre = [[0, \"3/4\"], [3, \"2/4\"]]\n");
    rig.say("/clock/metronome 1");
    rig.say("/transport/locate 0");
    let heard = rig.run(8 * BEAT);
    let peak = |beat: usize| heard[beat * BEAT..beat * BEAT + 200].iter().fold(0.0f32, |most, x| most.max(x.abs()));
    // A click on a bar's beginning is another than one within.
    let strong: Vec<bool> = (0..8).map(|beat| (peak(beat) - peak(0)).abs() < 1e-3 * peak(0)).collect();
    assert_ne!(peak(0), peak(1));
    assert_eq!(strong, [true, false, false, true, false, true, false, true]);
}

#[test]
fn a_midi_file_in_its_own_time_takes_the_beat_clock_with_it() {
    let track = vec![tempo(0, 1_000_000), note(96, 0, 60, 1), tempo(0, 250_000), note(96, 0, 60, 0), end(0)];
    let bytes = super::score::file(Format::SingleTrack, Timing::Metrical(u15::new(96)), vec![track]);
    for leads in [true, false] {
        let mut rig = Rig::new(&[64, 333]);
        let Ok(ScoreFile::Midi(score)) = ScoreFile::read(Path::new("song.mid"), &bytes) else { panic!("it is a MIDI file") };
        if !leads {
            rig.say("/score/tempo off");
        }
        let start = rig.desk.engine.now();
        rig.say("/transport/locate 0");
        let mut told = Vec::new();
        Reader::new(Arc::new(score), 48_000, start).lead(u64::MAX, |at, tempo| {
            told.push((at - start, tempo));
            file::lead(&mut rig.desk.control, Some(&rig.stand), at, tempo);
        });
        assert_eq!(told, [(0, 60.0), (48_000, 240.0)]);
        rig.run(48_000 + 12_000);
        let beat = if leads { "1 3 " } else { "1 3.5 " };
        let told = rig.desk.say("/transport");
        assert!(told[0].starts_with(&format!("/transport 1 playing {beat}")), "{told:?}");
    }
}
