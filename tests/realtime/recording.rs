//! Recordings come, run, lose frames and go home while every call to the allocator is counted.

use std::sync::Arc;

use rackd::engine::recording::{Line, Recording, Source, Track};
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::{Options, compile};
use rackd::rt::tap::tap;

use super::calls;

#[test]
fn no_recording_allocates_on_the_audio_thread() {
    let text = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\n[out]\nin = \"osc.saw * env * 0.2\"\n";
    let patch = rackd::patch::parse(text, &CATALOGUE).0.unwrap();
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (mut engine, mut doors, mut door) = Engine::new(48_000.0);
    for slot in 0..4 {
        assert!(door.send(slot, compile(&patch, &options, &|_| None, None).0).is_ok());
        engine.run(&[], 0, &mut [], 2);
    }
    let lines: Vec<Line> = (0..32).map(|slot| Line { from: Source::Slot(slot), mono: false }).collect();
    let master = [Source::Master, Source::Input].map(|from| Line { from, mono: true });
    let (mut running, mut counted, mut over, mut lost) = (Vec::new(), 0, 0, 0);
    let mut out = vec![0.0; 2 * 333];
    for round in 0..300u32 {
        let now = engine.now();
        let note = Act::NoteOn { slot: (round % 4) as u8, key: 60, id: NoteId(round), pitch: 0.0, velocity: 0.8, frames: 900 };
        doors.feeds[0].send(&[Event { at: now + 3, act: note }]).unwrap();
        let (lines, room) = if round % 2 == 0 { (&lines[..], 1_000) } else { (&master[..], 100_000) };
        let (near, far) = tap(lines.iter().map(|line| line.channels()).sum(), room);
        let track = Arc::new(Track::default());
        let at = if round % 3 == 0 { 0 } else { now + u64::from(round % 5) * 97 };
        if doors.record.send(Recording::new(near, lines, at, Arc::clone(&track))).is_ok() {
            if round % 7 > 0 {
                track.stop_at(now + 1_500);
            }
            running.push((track, far));
        }
        if round % 50 == 49 {
            // Whoever read them goes away.
            running.clear();
            assert!(door.unload((round / 50 % 4) as u8));
        }
        counted += calls(|| engine.run(&[], 0, &mut out, 2));
        door.collect();
        while doors.reports.pop().is_ok() {}
        running.retain(|(track, end)| {
            over += usize::from(track.is_over());
            lost += end.lost();
            !track.is_over()
        });
    }
    assert_eq!(counted, 0);
    assert!(over > 50 && lost > 1_000, "{over} were over, {lost} frames were lost");
}
