//! Scores: every message at its frame, fed ahead, no note left hanging.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Fps, Header, MetaMessage, MidiMessage as Smf, Timing, TrackEvent, TrackEventKind};
use rackd::base::midi::MidiMessage;
use rackd::score::{Live, Reader, Score, ScoreError};

fn event(delta: u32, kind: TrackEventKind<'static>) -> TrackEvent<'static> {
    TrackEvent { delta: u28::new(delta), kind }
}

pub fn note(delta: u32, channel: u8, key: u8, vel: u8) -> TrackEvent<'static> {
    event(delta, TrackEventKind::Midi { channel: u4::new(channel), message: Smf::NoteOn { key: u7::new(key), vel: u7::new(vel) } })
}

pub fn tempo(delta: u32, micros: u32) -> TrackEvent<'static> {
    event(delta, TrackEventKind::Meta(MetaMessage::Tempo(u24::new(micros))))
}

pub fn end(delta: u32) -> TrackEvent<'static> {
    event(delta, TrackEventKind::Meta(MetaMessage::EndOfTrack))
}

pub fn file(format: Format, timing: Timing, tracks: Vec<Vec<TrackEvent<'static>>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    midly::Smf { header: Header::new(format, timing), tracks }.write(&mut bytes).unwrap();
    bytes
}

pub fn beats(ticks: u16) -> Timing {
    Timing::Metrical(u15::new(ticks))
}

fn frames(score: &Score, rate: u32) -> Vec<(u64, MidiMessage)> {
    let mut out = Vec::new();
    Reader::new(Arc::new(score.clone()), rate, 0).feed(u64::MAX, |at, message| out.push((at, message)));
    out
}

#[test]
fn the_tempo_map_of_one_track_rules_all_tracks() {
    let map = vec![tempo(0, 500_000), tempo(480, 1_000_000), end(480)];
    let notes = vec![note(0, 2, 60, 100), note(480, 2, 60, 0), note(240, 2, 64, 90), note(480, 2, 64, 0), end(0)];
    let score = Score::from_midi_file(&file(Format::Parallel, beats(480), vec![map, notes])).unwrap();
    let on = |key, velocity| MidiMessage::NoteOn { channel: 2, key, velocity };
    let off = |key| MidiMessage::NoteOff { channel: 2, key, velocity: 64 };
    assert_eq!(frames(&score, 48_000), [(0, on(60, 100)), (24_000, off(60)), (48_000, on(64, 90)), (96_000, off(64))]);
    assert_eq!(score.seconds(), 2.0);
    assert_eq!(score.frames(44_100), 88_200);
}

#[test]
fn ten_hours_of_odd_tempo_are_exact_to_the_frame() {
    // 61 beats a minute is no whole number of microseconds a beat; what counts is what the file says: 983 607 µs.
    let mut track = vec![tempo(0, 983_607)];
    for _ in 0..36_000 {
        track.push(note(97, 0, 60, 1));
    }
    let score = Score::from_midi_file(&file(Format::SingleTrack, beats(96), vec![track])).unwrap();
    let last = frames(&score, 44_100).last().unwrap().0;
    let exact = (36_000u128 * 97 * 983_607 * 44_100 + 48_000_000) / 96_000_000;
    assert_eq!(u128::from(last), exact);
}

#[test]
fn every_channel_message_comes_through_and_all_else_is_left_out() {
    let midi = |message| event(0, TrackEventKind::Midi { channel: u4::new(15), message });
    let seven = u7::new;
    let track = vec![
        event(0, TrackEventKind::Meta(MetaMessage::TrackName(b"x"))),
        event(0, TrackEventKind::SysEx(&[0x7e, 0x7f, 9, 1, 0xf7])),
        midi(Smf::NoteOff { key: seven(1), vel: seven(2) }),
        midi(Smf::Aftertouch { key: seven(3), vel: seven(4) }),
        midi(Smf::Controller { controller: seven(5), value: seven(6) }),
        midi(Smf::ProgramChange { program: seven(7) }),
        midi(Smf::ChannelAftertouch { vel: seven(8) }),
        midi(Smf::PitchBend { bend: midly::PitchBend::from_int(-8192) }),
        midi(Smf::PitchBend { bend: midly::PitchBend::from_int(1234) }),
        end(96),
    ];
    let score = Score::from_midi_file(&file(Format::SingleTrack, beats(96), vec![track])).unwrap();
    let channel = 15;
    let heard: Vec<MidiMessage> = score.items().iter().map(|item| item.message).collect();
    assert_eq!(
        heard,
        [
            MidiMessage::NoteOff { channel, key: 1, velocity: 2 },
            MidiMessage::PolyPressure { channel, key: 3, value: 4 },
            MidiMessage::Cc { channel, number: 5, value: 6 },
            MidiMessage::Program { channel, number: 7 },
            MidiMessage::Pressure { channel, value: 8 },
            MidiMessage::Bend { channel, value: -8192 },
            MidiMessage::Bend { channel, value: 1234 },
        ]
    );
    assert_eq!(score.seconds(), 0.5, "the written end counts");
}

#[test]
fn smpte_time_and_tracks_one_after_another() {
    for (fps, frame) in [(Fps::Fps24, 2_000.0), (Fps::Fps25, 1_920.0), (Fps::Fps29, 1_601.6), (Fps::Fps30, 1_600.0)] {
        let track = vec![tempo(0, 1), note(4_000, 0, 60, 1)];
        let score = Score::from_midi_file(&file(Format::SingleTrack, Timing::Timecode(fps, 40), vec![track])).unwrap();
        assert_eq!(frames(&score, 48_000)[0].0, (frame * 100.0) as u64, "{fps:?}: tempo has no meaning in SMPTE time");
    }
    let slow = vec![tempo(0, 1_000_000), note(96, 0, 60, 1), end(96)];
    let usual = vec![note(96, 0, 62, 1), end(0)];
    let score = Score::from_midi_file(&file(Format::Sequential, beats(96), vec![slow, usual])).unwrap();
    let at: Vec<u64> = frames(&score, 1_000).iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [1_000, 2_500]);
}

#[test]
fn what_is_no_midi_file_is_refused() {
    assert!(matches!(Score::from_midi_file(b"hello"), Err(ScoreError::NotMidi(_))));
    assert!(matches!(Score::from_midi_file(b""), Err(ScoreError::NotMidi(_))));
    assert_eq!(Score::from_midi_file(&file(Format::SingleTrack, beats(0), vec![vec![end(0)]])), Err(ScoreError::NoTicks));
    let endless = vec![tempo(0, 0xff_ffff)].into_iter().chain((0..10_000).map(|_| note(0x0fff_ffff, 0, 60, 1))).collect();
    assert_eq!(Score::from_midi_file(&file(Format::SingleTrack, beats(1), vec![endless])), Err(ScoreError::TooLong));
}

#[test]
fn broken_files_never_panic() {
    let good = file(Format::Parallel, beats(480), vec![vec![tempo(0, 500_000), note(480, 1, 60, 100), note(480, 1, 60, 0), end(10)]; 3]);
    let mut chance = 1u64;
    let mut next = move || {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize
    };
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..1 + next() % 8 {
            let at = next() % bytes.len();
            bytes[at] = next() as u8;
        }
        bytes.truncate(1 + next() % bytes.len());
        if let Ok(score) = Score::from_midi_file(&bytes) {
            let _ = (score.seconds(), score.frames(192_000), frames(&score, 192_000).len());
        }
    }
}

#[test]
fn a_reader_gives_each_message_once_however_far_it_is_asked() {
    let track = (0..500).map(|n| note(7, 0, (n % 100) as u8, 1 + (n % 3) as u8)).collect();
    let score = Arc::new(Score::from_midi_file(&file(Format::SingleTrack, beats(96), vec![track])).unwrap());
    let whole: Vec<_> = frames(&score, 48_000).into_iter().map(|(at, message)| (at + 1000, message)).collect();
    for step in [1u64, 64, 113, 4096] {
        let (mut reader, mut out, mut until) = (Reader::new(Arc::clone(&score), 48_000, 1000), Vec::new(), 0);
        while !reader.is_done() {
            until += step;
            reader.feed(until, |at, message| {
                assert!(at < until && at + step >= until, "in the step in which it acts");
                out.push((at, message));
            });
        }
        assert_eq!(out, whole, "in steps of {step}");
    }
}

#[test]
fn a_score_that_is_stopped_leaves_no_note_hanging() {
    let track = vec![note(0, 3, 60, 1), note(0, 3, 64, 1), note(10, 3, 64, 0), note(20, 3, 67, 1), note(9_999_999, 3, 60, 0)];
    let score = Arc::new(Score::from_midi_file(&file(Format::SingleTrack, beats(96), vec![track])).unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (kept, clock) = (Arc::clone(&heard), Arc::new(AtomicU64::new(0)));
    let now = Arc::clone(&clock);
    let live = Live::start(
        Reader::new(score, 48_000, 0),
        48_000,
        move || now.load(Relaxed),
        |_, _| {},
        move |at, message| kept.lock().unwrap().push((at, message)),
    )
    .unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while heard.lock().unwrap().len() < 4 {
        assert!(Instant::now() < until);
        clock.fetch_add(100, Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!live.is_done());
    drop(live);
    let heard = heard.lock().unwrap();
    let mut down = std::collections::BTreeMap::new();
    for (at, message) in heard.iter() {
        match message {
            MidiMessage::NoteOn { key, .. } => drop(down.insert(*key, *at)),
            MidiMessage::NoteOff { key, .. } => assert!(down.remove(key).is_some_and(|start| start <= *at), "ended after it began"),
            _ => {}
        }
    }
    assert!(down.is_empty(), "{down:?} hang");
}

#[test]
fn a_live_score_is_fed_a_quarter_of_a_second_ahead() {
    let track = (0..200).map(|n| note(48, 0, 60, n % 2)).collect();
    let score = Arc::new(Score::from_midi_file(&file(Format::SingleTrack, beats(96), vec![track])).unwrap());
    let (clock, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (now, count) = (Arc::clone(&clock), Arc::clone(&done));
    let live = Live::start(
        Reader::new(score, 48_000, 0),
        48_000,
        move || now.load(Relaxed),
        |_, _| {},
        move |_, _| {
            count.fetch_add(1, Relaxed);
        },
    )
    .unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    // The engine's time stands at 0: what acts before 250 ms must come, and nothing that acts after a second.
    while done.load(Relaxed) < 1 {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(done.load(Relaxed), 1, "one note each 250 ms");
    clock.store(48_000 * 60, Relaxed);
    while !live.is_done() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(done.load(Relaxed), 201, "the last note has no end of its own and is given one");
}
