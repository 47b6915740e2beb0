//! A score that is changed while it is played: each note on its frame, whatever happens to it, to the tempo and to the clock.

use std::sync::{Arc, Mutex};

use rackd::control::{Client, Group, Message, Origin, Value, When};
use rackd::score::stand::lock;
use rackd::score::{Conductor, Stand};

use super::chance::Chance;
use super::desk::{Desk, me};

/// Puts out 0.01 for each note that sounds, from its frame to its end.
pub const GATES: &str = r#"
format = 1
[note]
voices = 64
[controls]
amount = { default = 1, min = 0, max = 10 }
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * amount * 0.01"
"#;

pub const BEAT: usize = 24_000;

pub struct Rig {
    pub desk: Desk,
    pub stand: Arc<Mutex<Stand>>,
    buffers: Vec<usize>,
    turn: usize,
}

impl Rig {
    /// In buffers of these sizes, again and again; the beat clock goes to 0 in the first frame that is heard.
    pub fn new(buffers: &[usize]) -> Self {
        Self::of(GATES, buffers)
    }

    pub fn of(patch: &str, buffers: &[usize]) -> Self {
        Self::at_desk(Desk::new(patch), buffers)
    }

    pub fn at_desk(mut desk: Desk, buffers: &[usize]) -> Self {
        let stand = Stand::set_up(&mut desk.control).unwrap();
        Self { desk, stand, buffers: buffers.to_vec(), turn: 0 }
    }

    pub fn say(&mut self, line: &str) {
        self.desk.quietly(line);
    }

    fn now(&self) -> u64 {
        self.desk.engine.now()
    }

    /// Says a line at a frame from here.
    pub fn at(&mut self, frames: u64, lines: &[&str]) {
        let at = self.now() + frames;
        assert_eq!(self.desk.bundle(When::At(at), lines), Vec::<String>::new());
    }

    pub fn run(&mut self, frames: usize) -> Vec<f32> {
        let mut heard = Vec::new();
        while heard.len() < frames {
            let size = self.buffers[self.turn % self.buffers.len()].min(frames - heard.len());
            self.turn += 1;
            Stand::look(&self.stand, &mut self.desk.control);
            let mut out = vec![0.0; 2 * size];
            self.desk.engine.run(&[], 0, &mut out, 2);
            heard.extend(out.chunks(2).map(|frame| frame[0]));
            self.desk.later.extend(self.desk.control.tick().into_iter().map(|(_, message)| message));
        }
        heard
    }

    /// In which frames from here how many notes begin to sound together.
    pub fn edges(&mut self, frames: usize) -> Vec<(usize, i32)> {
        edges(&self.run(frames))
    }
}

fn edges(heard: &[f32]) -> Vec<(usize, i32)> {
    let level = |x: &f32| (x * 100.0).round() as i32;
    let mut last = 0;
    let found = heard.iter().enumerate().filter_map(|(at, x)| {
        let now = level(x);
        (now != std::mem::replace(&mut last, now)).then_some((at, now))
    });
    found.collect()
}

pub const BUFFERS: [&[usize]; 5] = [&[1], &[64], &[333], &[1024, 7, 64, 500, 1], &[4800]];

#[test]
fn notes_sound_on_the_frame_of_their_beat_at_any_buffer() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        rig.say("/score/add 1 0 t C4 0.8 0.5");
        rig.say("/score/add two 1.1 t 64 0.8 \"1/8\"");
        rig.say("/score/add 3 1.25 t 67 0.8 0.25");
        rig.say("/transport/locate 0");
        let want = [(0, 1), (12_000, 0), (26_400, 1), (30_000, 2), (36_000, 1), (38_400, 0)];
        assert_eq!(rig.edges(3 * BEAT), want, "{buffers:?}");
        assert_eq!(["score-notes", "score-late", "score-dropped"].map(|name| rig.desk.status(name)), [3, 0, 0]);
    }
}

#[test]
fn tempo_halts_and_jumps_move_what_was_fed_long_before() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        rig.say("/score/add 1 1 t C4 0.8 1");
        rig.say("/score/add 2 3 t C4 0.8 4");
        rig.say("/score/add 3 8 t C4 0.8 1");
        rig.say("/transport/locate 0");
        // Half a beat into the first note the tempo is halved.
        rig.at(36_000, &["/clock/tempo 60"]);
        rig.at(60_000 + 12_345, &["/transport/pause"]);
        rig.at(60_000 + 22_345, &["/transport/play"]);
        // Within the second note the clock goes where the third begins.
        rig.at(150_001, &["/transport/locate 8"]);
        rig.at(240_000, &["/transport/stop"]);
        // It fades for 240 frames before time stands.
        let second = 60_000 + 48_000 + 10_000 - 240;
        assert_eq!(
            rig.edges(300_000),
            [(24_000, 1), (60_000, 0), (second, 1), (150_001 + 48_000, 0)],
            "{buffers:?}: where one note ends and another begins, one sounds on"
        );
        assert_eq!(["score-notes", "score-late", "score-dropped"].map(|name| rig.desk.status(name)), [3, 0, 0]);
        // From its beginning once more.
        rig.at(0, &["/clock/tempo 120", "/transport/play"]);
        assert_eq!(rig.edges(40_000), [(24_000, 1)]);
        rig.at(5, &["/transport/stop"]);
        assert_eq!(edges(&[&[0.01][..], &rig.run(100)].concat()), [(0, 1), (6, 0)], "a stop ends it");
    }
}

#[test]
fn a_loop_plays_its_notes_at_each_turn_also_when_they_change() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        for (id, beat, length) in [(1, 1.0, 0.25), (2, 2.75, 8.0), (3, 3.5, 1.0)] {
            rig.say(&format!("/score/add {id} {beat} t C4 0.8 {length}"));
        }
        rig.say("/transport/loop 1 3");
        rig.say("/transport/locate 0");
        // The note over the loop's end ends there; what begins behind it is never played.
        let lap = |at: usize| vec![(at, 1), (at + 6000, 0), (at + 42_000, 1)];
        assert_eq!(rig.edges(4 * BEAT), [lap(BEAT), vec![(3 * BEAT + 6000, 0), (3 * BEAT + 42_000, 1)]].concat()[..4], "{buffers:?}");
        // The next turn was fed by now.
        rig.say("/score/move 1 1.5");
        rig.say("/score/remove 2");
        rig.say("/score/add 4 1.25 t C4 0.8 0.1");
        let lap = |at: usize| vec![(at + 6000, 1), (at + 8400, 0), (at + 12_000, 1), (at + 18_000, 0)];
        assert_eq!(rig.edges(5 * BEAT), [lap(BEAT), lap(3 * BEAT)].concat(), "{buffers:?}");
        rig.say("/transport/loop off");
        let on = vec![(6000, 1), (8400, 0), (12_000, 1), (18_000, 0), (60_000, 1)];
        assert_eq!(rig.edges(3 * BEAT), on, "{buffers:?}: it goes on behind its end");
    }
}

#[test]
fn a_note_that_is_added_or_moved_while_playing_sounds_at_its_new_place() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        for (id, beat) in [(1, 1.0), (2, 1.5), (3, 2.0)] {
            rig.say(&format!("/score/add {id} {beat} t C4 0.8 0.25"));
        }
        rig.say("/transport/locate 0");
        assert_eq!(rig.edges(BEAT), []);
        // All of them were fed by now.
        rig.say("/score/move 2 1.75");
        rig.say("/score/move 3 1.25");
        rig.say("/score/add 4 2.5 t C4 0.8 0.25");
        assert_eq!(rig.edges(2 * BEAT), [(0, 1), (12_000, 0), (18_000, 1), (24_000, 0), (36_000, 1), (42_000, 0)], "{buffers:?}");
        // Removed while it sounds, and before it does.
        rig.say("/score/add 5 3 t C4 0.8 4");
        rig.say("/score/add 6 4 t C4 0.8 1");
        assert_eq!(rig.edges(12_000), [(0, 1)]);
        rig.say("/score/remove 5 6");
        assert_eq!(edges(&[&[0.01][..], &rig.run(2 * BEAT)].concat()), [(0, 1), (1, 0)]);
        // Moved while it sounds: it ends here, and sounds there.
        rig.say("/score/add 7 5.5 t C4 0.8 4");
        assert_eq!(rig.edges(12_000), [(0, 1)]);
        rig.say("/score/move 7 6.5");
        assert_eq!(edges(&[&[0.01][..], &rig.run(BEAT)].concat()), [(0, 1), (1, 0), (12_001, 1)]);
    }
}

#[test]
fn a_jump_into_a_swung_pair_loses_no_note() {
    for buffers in BUFFERS {
        let mut rig = Rig::new(buffers);
        rig.say("/clock/swing 0.75 \"1/16\"");
        rig.say("/score/add 1 0.25 t C4 0.8 0.25");
        rig.run(64);
        // The second sixteenth falls where three of four parts of the eighth have passed: at beat 0.375.
        rig.say("/transport/locate 0.3");
        assert_eq!(rig.edges(BEAT), [(1800, 1), (4800, 0)], "{buffers:?}");
        rig.say("/transport/loop 0.3 1.3");
        rig.say("/transport/locate 0.3");
        assert_eq!(rig.edges(2 * BEAT), [(1800, 1), (4800, 0), (BEAT + 1800, 1), (BEAT + 4800, 0)], "{buffers:?}: round and round");
    }
}

#[test]
fn a_note_that_comes_late_is_so_much_shorter_and_dropped_where_nothing_is_left() {
    let mut rig = Rig::new(&[64]);
    rig.say("/transport/locate 0");
    rig.run(BEAT);
    rig.say("/score/add 1 0.5 t C4 0.8 1");
    rig.say("/score/add 2 0.25 t C4 0.8 0.75");
    rig.say("/score/add 3 \"now+0.25\" t C4 0.8 0.25");
    assert_eq!(rig.edges(BEAT), [(0, 1), (6000, 2), (12_000, 0)]);
    assert_eq!(["score-notes", "score-late", "score-dropped"].map(|name| rig.desk.status(name)), [2, 1, 0]);
}

#[test]
fn a_bundle_of_changes_acts_together() {
    let mut rig = Rig::new(&[64]);
    rig.say("/transport/locate 0");
    rig.run(1000);
    let lines: Vec<String> = (0..50).map(|id| format!("/score/add {id} 0 t {} 0.8 8", 30 + id)).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(rig.desk.bundle(When::Now, &lines), Vec::<String>::new());
    assert_eq!(rig.edges(2000), [(0, 50)]);
    assert_eq!(rig.desk.bundle(When::Now, &["/score/remove 0 1 2", "/score/move 3 1"]), Vec::<String>::new());
    assert_eq!(edges(&[&[0.5][..], &rig.run(BEAT)].concat()), [(0, 50), (1, 46), (BEAT - 3000 + 1, 47)]);
}

#[test]
fn values_of_a_note_begin_with_it_and_move_while_it_sounds() {
    let mut rig = Rig::new(&[64, 7]);
    rig.say("/score/add 1 0.5 t C4 0.8 8 amount 4");
    rig.say("/score/add 2 1.5 t C4 0.8 8");
    rig.say("/transport/locate 0");
    assert_eq!(rig.edges(BEAT), [(12_000, 4)]);
    rig.say("/score/set 1 amount 2");
    rig.say("/score/set 2 amount 3");
    let heard = rig.run(BEAT);
    assert_eq!((heard[6000] * 100.0).round(), 2.0, "it has moved there");
    assert_eq!((heard[12_000] * 100.0).round(), 5.0, "the other begins with what it was given");
    // A new version of the patch knows the control by another number.
    let more = "[controls]\nbefore = { default = 1, min = 0, max = 1 }\nfirst = { default = 1, min = 0, max = 1 }";
    let other = GATES.replace("[controls]", more).replace("env *", "env * before * first *");
    rig.say("/score/add 3 3 t C4 0.8 8 amount 5");
    rig.run(BEAT / 2);
    rig.desk.control.load("t", &other, None).unwrap();
    let heard = rig.run(BEAT);
    assert_eq!((heard[BEAT / 2] * 100.0).round(), 10.0, "what was fed before plays with its value: {:?}", edges(&heard));
    let [set, get] = ["/score/set 3 nothing 1", "/score/get 3"].map(|line| rig.desk.say(line));
    assert!(set[0].starts_with("/fail /score/set unknown-address"), "{set:?}");
    assert_eq!(get, ["/score/get 3 3 t 60 0.8 8 amount 5"]);
}

#[test]
fn a_tuning_moves_what_sounds_and_what_was_fed() {
    let sine = GATES.replace("env * amount * 0.01", "env * note.pitch * 0.1");
    let mut rig = Rig::of(&sine, &[64]);
    rig.say("/score/add 1 0 t 72 0.8 2");
    rig.say("/score/add 2 3 t 72 0.8 2");
    rig.say("/transport/locate 0");
    let level = |heard: &[f32]| (heard[heard.len() - 1] * 1000.0).round();
    assert_eq!(level(&rig.run(BEAT)), 100.0);
    rig.run(BEAT / 2);
    assert_eq!(rig.desk.say("/tuning/reference 880 69"), ["/done /tuning/reference"]);
    assert_eq!(level(&rig.run(BEAT / 4)), 200.0, "an octave higher while it sounds");
    assert_eq!(level(&rig.run(2 * BEAT)), 200.0, "and what was fed before the tuning changed");
}

#[test]
fn an_audition_sounds_at_once() {
    let mut rig = Rig::new(&[64]);
    rig.say("/transport/stop");
    rig.say("/score/add 1 8 t C4 0.8 1");
    assert_eq!(rig.edges(1000), []);
    rig.say("/score/audition 1");
    rig.say("/score/add 2 8 t C4 0.8 0.01");
    assert_eq!(rig.edges(1000), [(0, 1), (240, 0)]);
    rig.say("/score/move 2 9");
    assert_eq!(rig.edges(1000), [(0, 1), (240, 0)]);
    rig.say("/score/audition 0");
    rig.say("/score/move 2 10");
    assert_eq!(rig.edges(1000), []);
}

#[test]
fn what_is_wrong_is_told_and_changes_nothing() {
    let mut rig = Rig::new(&[64]);
    rig.say("/score/add 1 4 t C4 0.8 1");
    for (line, code, word) in [
        ("/score/add 1 4 t C4 0.8 1", "wrong-arguments", "/score/replace"),
        ("/score/add 2 4 tt C4 0.8 1", "unknown-address", "did you mean t?"),
        ("/score/add 2 4 t C4 0.8", "wrong-arguments", "duration"),
        ("/score/add 2 -1 t C4 0.8 1", "wrong-arguments", "from 0"),
        ("/score/add 2 4 t H9 0.8 1", "wrong-arguments", "note name"),
        ("/score/add 2 4 t C4 1.5 1", "wrong-arguments", "0 to 1"),
        ("/score/add 2 4 t C4 0.8 0", "wrong-arguments", "more than 0"),
        ("/score/add 2 4 t C4 0.8 1 amont 1", "unknown-address", "did you mean amount?"),
        ("/score/add 2 4 t C4 0.8 1 amount", "wrong-arguments", "has no value"),
        ("/score/add 2 \"now-1\" t C4 0.8 1", "wrong-arguments", "now+"),
        ("/score/move 9 1", "unknown-note", "no note 9"),
        ("/score/remove 1 9", "unknown-note", "no note 9"),
        ("/score/get 9", "unknown-note", "no note 9"),
    ] {
        let answers = rig.desk.say(line);
        assert!(
            answers.len() == 1 && answers[0].starts_with(&format!("/fail {} {code}", line.split(' ').next().unwrap())),
            "{line}: {answers:?}"
        );
        assert!(answers[0].contains(word), "{line}: {answers:?}");
    }
    assert_eq!(rig.desk.say("/score/get"), ["/score/get 1 5"]);
    assert_eq!(rig.desk.say("/score/get 0 99"), ["/score/get 1 4 t 60 0.8 1", "/done /score/get 1"]);
    assert_eq!(rig.desk.say("/score/clear"), ["/done /score/clear 1"]);
    assert_eq!(rig.desk.say("/score/get"), ["/score/get 0 0"]);
}

#[test]
fn after_a_flood_of_changes_it_sounds_as_if_it_had_been_written_so() {
    for seed in 1..3 {
        let mut chance = Chance(seed);
        let mut rig = Rig::new(&[64, 1, 333]);
        rig.say("/transport/locate 0");
        let mut there = std::collections::BTreeMap::new();
        for round in 0..3000 {
            let (id, beat) = (chance.below(400), 4.0 + chance.below(64) as f64 / 16.0);
            let length = (1 + chance.below(8)) as f64 / 16.0;
            match chance.below(3) {
                0 => {
                    rig.say(&format!("/score/replace {id} {beat} t 60 0.8 {length}"));
                    there.insert(id, (beat, length));
                }
                1 if there.contains_key(&id) => {
                    rig.say(&format!("/score/move {id} {beat}"));
                    there.get_mut(&id).unwrap().0 = beat;
                }
                2 if there.remove(&id).is_some() => rig.say(&format!("/score/remove {id}")),
                _ => {}
            }
            if round % 4 == 0 {
                assert_eq!(rig.edges(100), []);
            }
        }
        while there.len() > 40 {
            let id = *there.keys().next().unwrap();
            rig.say(&format!("/score/remove {id}"));
            there.remove(&id);
        }
        let left = 4 * BEAT - 75_000;
        let heard = rig.edges(left + 5 * BEAT);
        let mut fresh = Rig::new(&[512]);
        for (id, (beat, length)) in &there {
            fresh.say(&format!("/score/add {id} {beat} t 60 0.8 {length}"));
        }
        fresh.say("/transport/locate 0");
        assert_eq!(fresh.edges(75_000), []);
        assert_eq!(heard, fresh.edges(left + 5 * BEAT), "seed {seed}");
        assert_eq!(rig.desk.status("score-dropped") + rig.desk.status("score-late"), 0);
        assert_eq!(rig.desk.status("score-notes"), there.len() as i64);
    }
}

#[test]
fn more_notes_than_there_are_seats_are_all_played() {
    let mut rig = Rig::new(&[64]);
    // Twenty thousand in four beats, most of them nearer than a second.
    let items: Vec<String> = (0..20_000).map(|n| format!("/score/add {n} {} t 60 0.8 0.001", 1.0 + f64::from(n) / 5000.0)).collect();
    items.iter().for_each(|line| rig.say(line));
    rig.say("/transport/locate 0");
    rig.run(6 * BEAT);
    assert_eq!(["score-notes", "score-late", "score-dropped"].map(|name| rig.desk.status(name)), [20_000, 0, 0]);
}

#[test]
fn a_cursor_comes_as_often_as_it_was_asked_for_with_the_time_at_which_it_is_heard() {
    let mut rig = Rig::new(&[64]);
    rig.desk.control.clock().anchor(0, 1_000_000_000);
    rig.say("/transport/locate 0");
    rig.run(4800);
    let start = rig.now();
    assert_eq!(rig.desk.say("/sub /cursor 50"), ["/done /sub /cursor 1"]);
    rig.desk.later.clear();
    rig.run(2 * BEAT);
    let told: Vec<Vec<Value>> = rig.desk.later.iter().filter(|told| told.address == "/cursor").map(|told| told.values.clone()).collect();
    assert!((49..=51).contains(&told.len()), "{}", told.len());
    let mut last = start;
    for values in told {
        let [Value::Number(beat), Value::Integer(bar), Value::Number(seconds), Value::Time(heard)] = values[..] else {
            panic!("{values:?}")
        };
        let frame = (heard - 1_000_000_000) as f64 * 48e-6;
        assert!((beat - (frame - (start as f64 - 4800.0)) / BEAT as f64).abs() < 1e-4, "{beat} at {frame}");
        assert!(bar == 0 && (seconds - beat / 2.0).abs() < 1e-9);
        assert!(frame as u64 <= last + 960 + 64, "never more than its interval late");
        last = frame.round() as u64;
    }
}

#[test]
fn a_conductor_keeps_the_lane_fed_and_nobody_who_edits_holds_it_up() {
    let Rig { desk: Desk { control, mut engine, .. }, stand, .. } = Rig::new(&[64]);
    let control = Arc::new(Mutex::new(control));
    let items: Vec<_> = (0..1000).map(|n| format!("/score/add {n} {} t 60 0.8 0.01", f64::from(n) / 50.0)).collect();
    let say = |line: &str| {
        let message = rackd::osc::text::read(line).unwrap().unwrap();
        control.lock().unwrap().apply(me(), &[Group { at: When::Now, messages: vec![message] }])
    };
    items.iter().for_each(|line| assert_eq!(say(line), Vec::<Message>::new()));
    let conductor = Conductor::start(Arc::clone(&control), Arc::clone(&stand)).unwrap();
    say("/transport/locate 0");
    // The clock goes ten times as fast as on a device, and somebody edits without end.
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                say("/score/replace far 9000 t 60 0.8 1");
            }
        });
        let mut out = vec![0.0; 2 * 480];
        for _ in 0..1100 {
            engine.run(&[], 0, &mut out, 2);
            control.lock().unwrap().tick();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    drop(conductor);
    let status = control.lock().unwrap().status();
    let of = |name: &str| status.iter().find(|(of, _)| of == name).unwrap().1.number().unwrap();
    assert_eq!([of("score-notes"), of("score-late"), of("score-dropped")], [1000.0, 0.0, 0.0]);
    assert_eq!(lock(&stand).book.len(), 1001);
    let client = Client::of(Origin::Score);
    assert_eq!(control.lock().unwrap().say(client, "/score/clear", &[])[0].address, "/done");
}

#[test]
fn what_is_written_and_played_in_one_breath_begins_with_its_first_note() {
    for buffer in [7, 64, 480] {
        let mut rig = Rig::new(&[buffer]);
        rig.say("/score/add old 0 t C4 0.8 0.25");
        rig.say("/transport/locate 0");
        rig.desk.run(30_000);
        // The engine has heard of none of it when the last is said.
        for line in ["/transport/stop", "/score/clear", "/score/add 1 0 t C4 0.8 0.03", "/score/add 2 1 t C4 0.8 0.03", "/transport/play"] {
            assert!(rig.desk.say(line).iter().all(|answer| answer.starts_with("/done ")), "{line}");
        }
        // Nor does anybody feed meanwhile.
        let heard = rig.desk.run(2 * BEAT);
        let begin: Vec<usize> = (1..heard.len()).filter(|at| heard[*at] > 0.005 && heard[at - 1] < 0.005).collect();
        assert!(heard[0] > 0.005 && begin == [BEAT], "{} and {begin:?}", heard[0]);
        assert_eq!(["score-late", "score-dropped"].map(|name| rig.desk.status(name)), [0, 0]);
    }
}

#[test]
fn a_score_that_was_written_while_it_stood_is_fed_when_it_is_played() {
    let mut rig = Rig::new(&[64]);
    rig.say("/transport/stop");
    rig.desk.run(640);
    rig.say("/score/add 1 0 t C4 0.8 0.03");
    rig.say("/transport/play");
    assert!(rig.desk.run(64)[0] > 0.005, "its own thread was not asked");
}
