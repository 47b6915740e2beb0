//! What the engine gives to recordings: exactly the frames that were asked for, of what was asked for, whatever the buffers are.

use std::sync::Arc;

use rackd::engine::Engine;
use rackd::engine::doors::Doors;
use rackd::engine::event::{ALL_SLOTS, Mix};
use rackd::engine::recording::{Line, PLACES, Recording, Source, Track};
use rackd::engine::{Act, Event, NoteId, PlanDoor};
use rackd::module::isa::Level;
use rackd::plan::{Options, compile};
use rackd::rt::tap::{Gap, TapEnd, tap};

use crate::rig::{RATE, Rig, Way, parsed};

const PATCH: &str = r#"
format = 1
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
[global.space]
type = "chorus"
in = "osc.saw * env * 0.3"
[out]
in = "space"
"#;

const MASTER: [Line; 1] = [Line { from: Source::Master, mono: false }];

fn slot(number: u8) -> Line {
    Line { from: Source::Slot(number), mono: false }
}

/// A recording of these lines, what comes out of it, and how far it is.
fn recording(lines: &[Line], at: u64, room: usize) -> (Box<Recording>, TapEnd, Arc<Track>) {
    let (near, far) = tap(lines.iter().map(|line| line.channels()).sum(), room);
    let track = Arc::new(Track::default());
    (Recording::new(near, lines, at, Arc::clone(&track)), far, track)
}

/// All frames that wait, each of so many channels.
fn frames(end: &mut TapEnd) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    let channels = end.channels();
    end.drain(usize::MAX, |piece| {
        all.extend_from_slice(piece);
        Ok::<(), ()>(())
    })
    .unwrap();
    all.chunks(channels).map(<[f32]>::to_vec).collect()
}

#[test]
fn exactly_what_was_asked_for_is_recorded_at_any_buffer_size() {
    let (from, to) = (1_235u64, 7_013u64);
    let play = |buffer: usize, record: bool| {
        let mut rig = Rig::with(PATCH, Way { buffer, ..Way::default() });
        let asked = record.then(|| {
            let (recording, end, track) = recording(&MASTER, from, 20_000);
            assert!(rig.doors.record.send(recording).is_ok());
            track.stop_at(to);
            (end, track)
        });
        rig.note(100, 57.0, 0.9, 5_000);
        rig.note(3_333, 64.0, 0.7, 2_000);
        (rig.run(9_000), asked)
    };
    let (plain, _) = play(64, false);
    let want: Vec<Vec<f32>> = plain[from as usize..to as usize].iter().map(|frame| frame.to_vec()).collect();
    assert!(want.iter().any(|frame| frame[0].abs() > 0.01 && frame[0] != frame[1]));
    for buffer in [1, 17, 64, 0, 1024, 9_000] {
        let (heard, asked) = play(buffer, true);
        let (mut end, track) = asked.unwrap();
        assert!(heard == plain, "recording changes nothing, buffers of {buffer}");
        assert!(frames(&mut end) == want, "buffers of {buffer}");
        assert_eq!((track.first(), track.frames(), track.is_over()), (Some(from), to - from, true));
    }
}

#[test]
fn without_a_time_it_runs_from_the_next_block_to_the_end_of_one() {
    let mut rig = Rig::new(PATCH);
    rig.note(0, 57.0, 0.9, 0);
    let mut heard = rig.run(1_000);
    let (late, mut end, track) = recording(&MASTER, 500, 48_000);
    assert!(rig.doors.record.send(late).is_ok());
    heard.extend(rig.run(640));
    // What is past begins at once, and says from where.
    assert_eq!((track.first(), track.frames(), track.is_over()), (Some(1_000), 640, false));
    track.stop_at(0);
    heard.extend(rig.run(64));
    assert!(track.is_over());
    let taken = frames(&mut end);
    assert_eq!(taken.len() as u64, track.frames());
    assert!(taken.iter().zip(&heard[1_000..]).all(|(taken, heard)| taken[..] == heard[..]));
    assert_eq!(rig.doors.record.collect(), 1);
    assert!(end.is_abandoned());
    // One that was ended before its time comes has no frames.
    let (never, mut end, track) = recording(&MASTER, 1_000_000, 100);
    assert!(rig.doors.record.send(never).is_ok());
    track.stop_at(0);
    rig.run(64);
    assert_eq!((track.first(), track.is_over(), frames(&mut end).len()), (None, true, 0));
    // Whose reader is gone, it ends by itself.
    let (alone, end, track) = recording(&MASTER, 0, 100);
    assert!(rig.doors.record.send(alone).is_ok());
    drop(end);
    rig.run(64);
    assert!(track.is_over());
}

#[test]
fn there_are_as_many_places_as_are_said() {
    let mut rig = Rig::new(PATCH);
    let all: Vec<_> = (0..PLACES)
        .map(|_| {
            let (recording, end, track) = recording(&MASTER, 0, 1_000);
            assert!(rig.doors.record.send(recording).is_ok());
            (end, track)
        })
        .collect();
    let (more, _end, _) = recording(&MASTER, 0, 10);
    let Err(more) = rig.doors.record.send(more) else { panic!("one too many") };
    rig.run(64);
    let Err(more) = rig.doors.record.send(more) else { panic!("they are running now") };
    all.iter().for_each(|(_, track)| track.stop_at(0));
    rig.run(64);
    assert!(all.iter().all(|(_, track)| track.is_over() && track.frames() == 64));
    assert!(rig.doors.record.send(more).is_ok(), "those have gone home");
}

/// An engine with the same patch in some slots, each playing another note.
fn rack(slots: u8, others: usize) -> (Engine, Doors, PlanDoor) {
    let (mut engine, mut doors, mut door) = Engine::new(RATE);
    engine.employ(others);
    engine.share_always(true);
    let options = Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: others + 1 };
    for slot in 0..slots {
        assert!(door.send(slot, compile(&parsed(PATCH), &options, &|_| None, None).0).is_ok());
        engine.run(&[], 0, &mut [], 2);
        door.collect();
        let note = Act::NoteOn { slot, key: 60, id: NoteId(1 + u32::from(slot)), pitch: f32::from(slot) / 7.0, velocity: 0.2, frames: 0 };
        doors.feeds[0].send(&[Event { at: 11 * u64::from(slot), act: note }]).unwrap();
    }
    doors.feeds[0].send(&[Event { at: 0, act: Act::Mix { slot: ALL_SLOTS, what: Mix::Limiter, value: 0.0, frames: 0 } }]).unwrap();
    (engine, doors, door)
}

/// What each strip gives is recorded beside the others', and added up in order it is the master: wherever the slots were worked out.
#[test]
fn slots_side_by_side_add_up_to_the_master() {
    let slots = 32u8;
    let mut before: Option<Vec<Vec<f32>>> = None;
    for (others, size) in [(0, 64), (2, 64), (1, 131)] {
        let (mut engine, mut doors, _door) = rack(slots, others);
        let lines: Vec<Line> = (0..slots).map(slot).collect();
        let (wide, mut all, track) = recording(&lines, 100, 8_000);
        let mono: Vec<Line> = (0..slots).map(|number| Line { mono: true, ..slot(number) }).collect();
        let (narrow, mut means, _) = recording(&mono, 100, 8_000);
        assert!(doors.record.send(wide).is_ok() && doors.record.send(narrow).is_ok());
        let fade = Act::Mix { slot: 5, what: Mix::Level, value: 0.1, frames: 900 };
        doors.feeds[0].send(&[Event { at: 1_500, act: fade }]).unwrap();
        let mut heard = vec![0.0; 2 * 4_000];
        heard.chunks_mut(2 * size).for_each(|buffer| engine.run(&[], 0, buffer, 2));
        let (all, means) = (frames(&mut all), frames(&mut means));
        assert_eq!((all.len(), all[0].len(), track.frames()), (3_900, 64, 3_900));
        for (at, (frame, mean)) in all.iter().zip(&means).enumerate() {
            for side in 0..2 {
                let sum = frame.iter().skip(side).step_by(2).fold(0.0f32, |sum, x| sum + x);
                assert_eq!(sum.to_bits(), heard[2 * (at + 100) + side].to_bits(), "frame {at}, {others} other threads");
            }
            assert!(mean.iter().zip(frame.chunks(2)).all(|(mean, sides)| *mean == 0.5 * (sides[0] + sides[1])));
        }
        assert!(all[3_000].chunks(2).all(|sides| sides[0] != 0.0), "every slot sounds");
        assert!(before.as_ref().is_none_or(|before| *before == all), "the same with {others} other threads");
        before = Some(all);
    }
}

#[test]
fn an_unloaded_slot_is_silence_and_what_comes_there_is_another() {
    let (mut engine, mut doors, mut door) = rack(2, 0);
    let (both, mut end, track) = recording(&[slot(0), slot(1), slot(9)], 0, 20_000);
    assert!(doors.record.send(both).is_ok());
    let mut run = |frames: usize| engine.run(&[], 0, &mut vec![0.0; 2 * frames], 2);
    run(4_800);
    assert!(door.unload(1));
    run(4_800);
    let options = Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    door.collect();
    assert!(door.send(1, compile(&parsed(PATCH), &options, &|_| None, None).0).is_ok());
    run(64);
    let note = Act::NoteOn { slot: 1, key: 60, id: NoteId(77), pitch: 0.0, velocity: 1.0, frames: 0 };
    doors.feeds[0].send(&[Event { at: 0, act: note }]).unwrap();
    run(4_800);
    let all = frames(&mut end);
    assert_eq!(all.len() as u64, track.frames());
    let loud = |line: usize, span: std::ops::Range<usize>| all[span].iter().any(|frame| frame[2 * line] != 0.0);
    assert!(loud(0, 0..4_800) && loud(0, 9_700..14_000) && loud(1, 0..4_800));
    assert!(!loud(1, 4_800 + 480 + 64..all.len()), "after its fade it is silent, also when another plays there");
    assert!(!loud(2, 0..all.len()), "where there is no slot there is silence");
}

#[test]
fn what_finds_no_room_is_lost_counted_and_placed() {
    let mut rig = Rig::new(PATCH);
    rig.note(0, 57.0, 0.9, 0);
    let (small, mut end, track) = recording(&MASTER, 0, 640);
    assert!(rig.doors.record.send(small).is_ok());
    let heard = rig.run(1_280);
    let mut taken = frames(&mut end);
    track.stop_at(1_700);
    rig.run(640);
    taken.extend(frames(&mut end));
    // The silence that is owed takes all the room that has been made: what comes meanwhile is lost too.
    assert_eq!((end.lost(), end.gap(), end.gap()), (1_060, Some(Gap { at: 640, frames: 1_060 }), None));
    assert!(taken[..640].iter().zip(&heard).all(|(taken, heard)| taken[..] == heard[..]));
    assert!(taken.len() == 1_280 && taken[640..].iter().all(|frame| frame == &[0.0, 0.0]));
    assert_eq!((track.frames(), track.is_over()), (1_700, true));
}

#[test]
fn where_nothing_is_worked_out_there_is_silence() {
    let (mut places, mut door) = rackd::engine::recording::Recordings::new();
    let (one, mut end, track) = recording(&MASTER, 100, 2_000);
    assert!(door.send(one).is_ok());
    track.stop_at(900);
    places.rest(37, 1_000);
    assert_eq!((track.first(), track.frames(), track.is_over()), (Some(100), 800, true));
    assert!(frames(&mut end).iter().all(|frame| frame == &[0.0, 0.0]));
}

#[test]
fn a_pause_is_in_the_recording_as_it_is_heard() {
    for buffer in [64, 333] {
        let mut rig = Rig::with(PATCH, Way { buffer, ..Way::default() });
        let (recording, mut end, track) = recording(&[MASTER[0], slot(0)], 1_001, 20_000);
        assert!(rig.doors.record.send(recording).is_ok());
        track.stop_at(11_000);
        rig.note(100, 57.0, 0.9, 0);
        rig.at(3_333, Act::Pause(true));
        rig.at(7_001, Act::Pause(false));
        let heard = rig.run(12_000);
        assert!(heard[3_600..7_000].iter().all(|frame| *frame == [0.0; 2]));
        let taken = frames(&mut end);
        assert_eq!((taken.len(), track.first()), (9_999, Some(1_001)));
        let master: Vec<[f32; 2]> = taken.iter().map(|frame| [frame[0], frame[1]]).collect();
        assert!(master == heard[1_001..11_000], "buffers of {buffer}");
        assert!(taken[2_600..5_900].iter().all(|frame| frame[2..] == [0.0; 2]), "the slot fades and stands, too");
    }
}
