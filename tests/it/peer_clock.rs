//! Clients whose clocks are not ours, and those that send no time at all: each is heard when it was meant.

use rackd::control::peer_clock::{PeerClock, Reading};
use rackd::control::peers::{Late, Peer};
use rackd::control::{Client, Control, Group, Message, Options, Origin, Value, When};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::text;
use rackd::plan;

use super::desk::{Desk, RATE, SYNTH};

const NOTE: &str = "/t/note 60 1 0.004";
/// Moment of sample 0 since 1970.
const START: i64 = 1_790_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;
const MS: i64 = 1_000_000;
/// Where packets begin to arrive, in ms: the patch has landed.
const BEGIN: i64 = 100;

/// The moment of a millisecond of the engine.
fn moment(ms: i64) -> i64 {
    START + ms * MS
}

/// One of two tablets.
fn tablet(door: u64) -> Client {
    Client { origin: Origin::Osc, host: 7, door }
}

/// A desk whose clock is set, and all that was heard since the start.
struct Stage {
    desk: Desk,
    heard: Vec<f32>,
    answers: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        Self::of(Desk::new(SYNTH))
    }

    fn of(desk: Desk) -> Self {
        desk.control.clock().anchor(0, START);
        let heard = vec![0.0; desk.engine.now() as usize];
        Self { desk, heard, answers: Vec::new() }
    }

    /// The engine runs until this millisecond.
    fn until(&mut self, ms: i64) {
        self.until_sample((ms * 48) as usize);
    }

    fn until_sample(&mut self, sample: usize) {
        let frames = sample.checked_sub(self.heard.len()).expect("it is not over yet");
        self.heard.extend(self.desk.run(frames));
    }

    /// A packet arrives at a moment, as our clock tells it.
    fn arrive(&mut self, client: Client, arrived: i64, at: When, line: &str) {
        let message = text::read(line).unwrap().unwrap();
        let answers = self.desk.control.apply_arrived(client, arrived, &[Group { at, messages: vec![message] }]);
        self.answers.extend(answers.iter().map(text::spell));
    }

    /// A packet arrives in a millisecond.
    fn at(&mut self, client: Client, ms: i64, at: When, line: &str) {
        self.until(ms);
        self.arrive(client, moment(ms), at, line);
    }

    /// A note whose tag is this, as the client's clock has it, arrives in a millisecond.
    fn note(&mut self, client: Client, ms: i64, tag: i64) {
        self.at(client, ms, When::Wall(tag), NOTE);
    }

    /// A ping that left at `sent` by the client's clock; what is answered.
    fn ping(&mut self, client: Client, ms: i64, sent: i64, round_trip: Option<f64>) -> Vec<Value> {
        self.until(ms);
        let mut values = vec![Value::Time(sent)];
        values.extend(round_trip.map(Value::Number));
        let message = Message::new("/ping", values);
        let mut answers = self.desk.control.apply_arrived(client, moment(ms), &[Group { at: When::Now, messages: vec![message] }]);
        assert_eq!((answers.len(), answers[0].address.as_str()), (1, "/pong"));
        answers.remove(0).values
    }

    fn hello(&mut self, client: Client, line: &str) {
        let (ms, before) = (self.heard.len() as i64 / 48, self.answers.len());
        self.arrive(client, moment(ms), When::Now, &format!("/hello {line}"));
        assert!(self.answers[before].starts_with("/hello rackd"), "{:?}", self.answers);
        self.answers.truncate(before);
    }

    /// The samples on which notes began.
    fn onsets(&self) -> Vec<usize> {
        let loud = |x: f32| x.abs() > 0.25;
        (1..self.heard.len()).filter(|at| loud(self.heard[*at]) && !loud(self.heard[at - 1])).collect()
    }

    /// Notes were heard in these milliseconds, to the sample, and nothing else.
    #[track_caller]
    fn heard_at(&self, milliseconds: &[i64]) {
        let wanted: Vec<usize> = milliseconds.iter().map(|ms| (ms * 48) as usize).collect();
        assert_eq!(self.onsets(), wanted, "wanted ms {milliseconds:?}; answers {:?}", self.answers);
        self.adds_up();
    }

    #[track_caller]
    fn adds_up(&self) {
        let desk = &self.desk;
        assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused") + desk.status("late-dropped"));
    }
}

/// What jittery delivery adds [ms].
fn chance(n: i64) -> i64 {
    [3, 11, 0, 15, 7, 1, 14, 5, 9, 2][n as usize % 10]
}

#[test]
fn a_tag_by_our_own_clock_is_exact() {
    let mut stage = Stage::new();
    stage.note(tablet(1), BEGIN, moment(BEGIN + 100));
    stage.until(500);
    stage.heard_at(&[BEGIN + 100]);
}

#[test]
fn pings_tell_a_clock_that_is_40_s_off_either_way() {
    for off in [-40 * SECOND, 40 * SECOND] {
        let mut stage = Stage::new();
        // The quickest is on its way for 3 ms, and its round trip takes 6.
        for (n, way) in [9, 5, 3, 8].into_iter().enumerate() {
            let sent = BEGIN + n as i64 * 20;
            let told = stage.ping(tablet(1), sent + way, moment(sent) + off, Some(way as f64 * 0.002));
            let [sent_back, _, ours] = &told[..] else { panic!("{told:?}") };
            assert_eq!((sent_back, ours), (&Value::Time(moment(sent) + off), &Value::Time(moment(sent + way))));
        }
        let meant: Vec<i64> = (0..20).map(|n| 300 + 30 * n).collect();
        for (n, ms) in meant.iter().enumerate() {
            stage.note(tablet(1), ms - 40 + chance(n as i64), moment(*ms) + off);
        }
        stage.until(1200);
        stage.heard_at(&meant);
        assert!(stage.answers.is_empty(), "{:?}", stage.answers);
    }
}

#[test]
fn without_a_round_trip_the_quickest_ping_counts_as_no_time() {
    let mut stage = Stage::new();
    stage.ping(tablet(1), BEGIN + 4, moment(BEGIN) + SECOND, None);
    stage.ping(tablet(1), BEGIN + 17, moment(BEGIN + 10) + SECOND, None);
    stage.note(tablet(1), 200, moment(300) + SECOND);
    stage.until(500);
    stage.heard_at(&[304]);
}

#[test]
fn only_the_last_16_pings_and_no_old_ones_count() {
    for (many, expected) in [(16, 305), (15, 301)] {
        let mut stage = Stage::new();
        stage.ping(tablet(1), BEGIN + 1, moment(BEGIN) + SECOND, None);
        for n in 0..many {
            stage.ping(tablet(1), BEGIN + 7 + n, moment(BEGIN + 2 + n) + SECOND, None);
        }
        stage.note(tablet(1), 200, moment(300) + SECOND);
        stage.until(500);
        stage.heard_at(&[expected]);
    }
}

#[test]
fn a_clock_that_is_off_by_little_is_ours_unless_pings_are_asked_for() {
    for (line, expected) in [("clock auto", 300), ("clock ping", 330), ("clock own", 300)] {
        let mut stage = Stage::new();
        stage.hello(tablet(1), line);
        stage.ping(tablet(1), BEGIN, moment(BEGIN - 30), Some(0.0));
        stage.note(tablet(1), 200, moment(300));
        stage.until(500);
        stage.heard_at(&[expected]);
    }
    let mut stage = Stage::new();
    stage.hello(tablet(1), "clock own");
    stage.ping(tablet(1), BEGIN, moment(BEGIN) - SECOND, Some(0.0));
    stage.note(tablet(1), 200, moment(300));
    stage.until(500);
    stage.heard_at(&[300]);
}

#[test]
fn tags_alone_tell_a_clock_that_is_off_either_way() {
    for off in [-40 * SECOND, 40 * SECOND, -3000 * SECOND] {
        let mut stage = Stage::new();
        stage.hello(tablet(1), "clock tags");
        for n in 0..30 {
            // The first takes no longer than any other; it is heard 50 ms after it has come.
            stage.note(tablet(1), 200 + 20 * n + chance(n + 2), moment(20 * n) + off);
        }
        stage.until(1200);
        stage.heard_at(&(0..30).map(|n| 250 + 20 * n).collect::<Vec<_>>());
        assert!(stage.answers.is_empty(), "{:?}", stage.answers);
    }
}

#[test]
fn a_late_tag_moves_the_line_which_goes_back_when_all_are_early() {
    let mut stage = Stage::new();
    let off = 40 * SECOND;
    stage.hello(tablet(1), "clock tags");
    let mut meant = Vec::new();
    for n in (0..6).chain(9..130) {
        let sent = 200 + 100 * n;
        // The sixth is 300 ms on its way, so 250 ms late: all are later by that and 20 ms, until 10 s have shown that it was the only one.
        stage.note(tablet(1), sent + if n == 5 { 300 } else { 0 }, moment(sent) + off);
        meant.push(sent + if n >= 5 && sent < 11_000 { 320 } else { 50 });
    }
    stage.until(14_000);
    meant.sort_unstable();
    stage.heard_at(&meant);
}

#[test]
fn a_client_whose_first_bundle_is_far_too_late_is_read_by_its_tags_and_told() {
    let mut stage = Stage::new();
    for n in 0..20 {
        stage.note(tablet(1), 200 + 20 * n + chance(n + 2), moment(200 + 20 * n) - 40 * SECOND);
    }
    stage.until(900);
    stage.heard_at(&(0..20).map(|n| 250 + 20 * n).collect::<Vec<_>>());
    assert_eq!(stage.answers, ["/late /t/note 40000 mapped"]);
    assert_eq!(stage.desk.status("late"), 0);
}

#[test]
fn a_client_that_was_in_time_once_is_not_mapped_when_it_is_late() {
    let mut stage = Stage::new();
    stage.note(tablet(1), 200, moment(250));
    stage.note(tablet(1), 300, moment(300) - 40 * SECOND);
    stage.note(tablet(1), 400, moment(450));
    stage.until(600);
    assert_eq!(stage.answers, ["/late /t/note 40000 run"]);
    stage.heard_at(&[250, 300, 450]);
}

#[test]
fn a_first_tag_that_was_a_mistake_is_soon_forgotten() {
    let mut stage = Stage::new();
    stage.note(tablet(1), 200, moment(200) - 1000 * SECOND);
    for n in 0..5 {
        stage.note(tablet(1), 300 + 20 * n, moment(400 + 20 * n));
    }
    stage.until(600);
    stage.heard_at(&[250, 400, 420, 440, 460, 480]);
}

#[test]
fn ahead_is_a_score_and_never_mapped_unasked() {
    let mut stage = Stage::new();
    stage.note(tablet(1), 200, moment(10_300));
    stage.note(tablet(1), 220, moment(10_400));
    stage.until(11_000);
    stage.heard_at(&[10_300, 10_400]);
}

#[test]
fn a_mutated_tag_breaks_no_mapping() {
    for wrong in [-20_000 * SECOND, -1000 * SECOND, -2 * SECOND, 1000 * SECOND, 20_000 * SECOND, i64::MAX / 2] {
        let mut stage = Stage::new();
        let off = 40 * SECOND;
        stage.hello(tablet(1), "clock tags");
        stage.ping(tablet(2), 150, moment(150) - off, Some(0.0));
        let mut meant = Vec::new();
        for n in 0..10 {
            let ms = 200 + 100 * n;
            stage.note(tablet(1), ms, moment(ms) + off);
            stage.ping(tablet(2), ms, moment(ms) - off, Some(0.0));
            stage.note(tablet(2), ms, moment(ms + 80) - off);
            meant.extend([ms + 50, ms + 80]);
            if n % 3 == 1 {
                // Both send nonsense, and a ping of nonsense; the late ones act at once.
                stage.note(tablet(1), ms + 10, moment(ms).saturating_add(off).saturating_add(wrong));
                stage.note(tablet(2), ms + 20, (moment(ms) - off).saturating_add(wrong));
                stage.ping(tablet(2), ms + 30, (moment(ms) - off).saturating_add(wrong), Some(0.0));
                if wrong < 0 {
                    meant.extend([ms + 10, ms + 20]);
                }
            }
        }
        stage.until(1300);
        meant.sort_unstable();
        stage.heard_at(&meant);
    }
}

#[test]
fn a_client_that_sets_its_clock_is_followed_after_two() {
    let mut stage = Stage::new();
    stage.hello(tablet(1), "clock tags");
    stage.ping(tablet(2), 150, moment(150) - 40 * SECOND, Some(0.0));
    stage.note(tablet(1), 200, moment(200) - 40 * SECOND);
    stage.note(tablet(2), 200, moment(280) - 40 * SECOND);
    // Both clocks go back by a minute.
    stage.note(tablet(1), 300, moment(300) - 100 * SECOND);
    stage.note(tablet(1), 400, moment(400) - 100 * SECOND);
    stage.note(tablet(1), 500, moment(500) - 100 * SECOND);
    stage.ping(tablet(2), 550, moment(550) - 100 * SECOND, Some(0.0));
    stage.ping(tablet(2), 560, moment(560) - 100 * SECOND, Some(0.0));
    stage.note(tablet(2), 600, moment(680) - 100 * SECOND);
    stage.until(800);
    stage.heard_at(&[250, 280, 300, 420, 520, 680]);
}

#[test]
fn two_clients_with_different_clocks_play_together() {
    let mut stage = Stage::new();
    stage.ping(tablet(1), BEGIN, moment(BEGIN) + 40 * SECOND, Some(0.0));
    stage.ping(tablet(2), BEGIN, moment(BEGIN) - 77 * SECOND, Some(0.0));
    let mut meant = Vec::new();
    for n in 0..10 {
        let ms = 200 + 40 * n;
        stage.note(tablet(1), ms, moment(ms + 60) + 40 * SECOND);
        stage.note(tablet(2), ms, moment(ms + 80) - 77 * SECOND);
        stage.note(tablet(3), ms, moment(ms + 70));
        meant.extend([ms + 60, ms + 70, ms + 80]);
    }
    stage.until(900);
    stage.heard_at(&meant);
}

#[test]
fn our_own_clock_is_set_while_clients_play() {
    for (step, stopped) in [(3600 * SECOND, false), (-3600 * SECOND, false), (5 * SECOND, true)] {
        let mut stage = Stage::new();
        let off = 40 * SECOND;
        stage.hello(tablet(1), "clock tags");
        stage.ping(tablet(2), BEGIN, moment(BEGIN) - off, Some(0.0));
        // What clients' clocks tell after `step`: they go on where ours was set, and have gone on too where we were stopped.
        let theirs = if stopped { step } else { 0 };
        let mut meant = Vec::new();
        for n in 0..40 {
            let ms = 200 + 100 * n;
            let (after, line_follows) = (n >= 10, n == 20);
            stage.until(ms);
            if line_follows {
                stage.desk.control.clock().anchor(0, START + step);
            }
            let arrived = moment(ms) + if after { step } else { 0 };
            let sent = moment(ms) + if after { theirs } else { 0 };
            if stopped && (10..20).contains(&n) {
                // The line is found again at once.
                continue;
            }
            stage.arrive(tablet(1), arrived, When::Wall(sent + off), NOTE);
            stage.arrive(tablet(2), arrived, When::Wall(sent + 80 * MS - off), NOTE);
            meant.extend([ms + 50, ms + 80]);
        }
        stage.until(4300);
        stage.heard_at(&meant);
        assert!(stage.answers.is_empty(), "{step}: {:?}", stage.answers);
    }
}

#[test]
fn a_ping_while_our_clock_stands_apart_tells_nothing() {
    let mut stage = Stage::new();
    stage.ping(tablet(1), BEGIN, moment(BEGIN) + 40 * SECOND, Some(0.0));
    stage.until(150);
    let ping = Message::new("/ping", vec![Value::Time(moment(150) + 40 * SECOND)]);
    let group = Group { at: When::Now, messages: vec![ping] };
    for _ in 0..3 {
        let told = stage.desk.control.apply_arrived(tablet(1), moment(150) + 3600 * SECOND, std::slice::from_ref(&group));
        // What is told is what tags are read by.
        assert!(matches!(told[0].values[1], Value::Time(ours) if (ours - moment(150)).abs() < 2 * MS), "{told:?}");
    }
    stage.note(tablet(1), 200, moment(280) + 40 * SECOND);
    stage.until(400);
    stage.heard_at(&[280]);
}

#[test]
fn messages_without_a_time_keep_the_spacing_in_which_they_came() {
    let mut stage = Stage::new();
    stage.hello(tablet(1), "jitter 20");
    let came: Vec<i64> = (0..20).map(|n| 200 + 25 * n + chance(n)).collect();
    for ms in &came {
        stage.at(tablet(1), *ms, When::Now, NOTE);
    }
    stage.until(900);
    stage.heard_at(&came.iter().map(|ms| ms + 20).collect::<Vec<_>>());
    assert_eq!((stage.desk.status("late"), stage.desk.status("late-events")), (0, 0));
}

#[test]
fn evenly_tagged_notes_are_even_whatever_the_delivery() {
    let mut stage = Stage::new();
    stage.hello(tablet(1), "jitter 20");
    for n in 0..20 {
        let ms = 200 + 25 * n;
        stage.note(tablet(1), ms + chance(n), moment(ms + 20));
    }
    stage.until(900);
    stage.heard_at(&(0..20).map(|n| 220 + 25 * n).collect::<Vec<_>>());
}

#[test]
fn with_jitter_notes_end_when_they_were_ended_and_none_overtakes_another() {
    let mut stage = Stage::new();
    stage.hello(tablet(1), "jitter 20");
    stage.at(tablet(1), 200, When::Now, "/t/note/on 1 60 1");
    stage.at(tablet(1), 230, When::Now, "/t/note/off 1");
    // Less jitter from here on: the second would be before the first.
    stage.at(tablet(1), 300, When::Now, "/t/note/on 2 60 1");
    stage.hello(tablet(1), "jitter 1");
    stage.at(tablet(1), 301, When::Now, "/t/note/off 2");
    stage.at(tablet(1), 400, When::Now, NOTE);
    stage.hello(tablet(1), "jitter 0");
    stage.until(401);
    stage.at(tablet(1), 450, When::Now, NOTE);
    stage.until(600);
    let held = stage.heard[220 * 48..].iter().take_while(|x| x.abs() > 0.25).count();
    assert!(held.abs_diff(30 * 48) <= 1, "{held}");
    assert_eq!(stage.onsets(), [220 * 48, 401 * 48, 450 * 48], "the second has no length");
}

#[test]
fn with_jitter_every_value_is_heard() {
    let mut desk = Desk::empty(Vec::new());
    desk.load("format = 1\n[controls]\nx = { default = 0, min = 0, max = 1 }\n[out]\nin = \"x\"\n");
    let mut stage = Stage::of(desk);
    stage.hello(tablet(1), "jitter 20");
    for (n, value) in [0.25, 0.5, 0.75].into_iter().enumerate() {
        stage.at(tablet(1), 200 + n as i64, When::Now, &format!("/t/x {value}"));
    }
    stage.until(210);
    assert_eq!(stage.desk.ask("/t/x"), 0.0, "it is so from its time on");
    stage.until(400);
    assert_eq!(stage.desk.ask("/t/x"), 0.75);
    assert_eq!(stage.desk.status("merged"), 0);
    let moved = (1..stage.heard.len()).find(|at| stage.heard[*at] != stage.heard[at - 1]);
    assert_eq!(moved, Some(220 * 48));
}

#[test]
fn where_the_engine_works_ahead_of_what_is_heard_the_spacing_is_kept() {
    let mut stage = Stage::new();
    // A device that keeps 100 ms: what is worked out now will be heard then.
    stage.desk.control.clock().anchor(0, START + 100 * MS);
    stage.hello(tablet(1), "jitter 20");
    let came: Vec<i64> = (0..10).map(|n| 200 + 25 * n + chance(n)).collect();
    for ms in &came {
        stage.at(tablet(1), *ms, When::Now, NOTE);
    }
    stage.hello(tablet(2), "clock tags");
    stage.note(tablet(2), 600, 0);
    stage.until(900);
    let meant: Vec<i64> = came.iter().map(|ms| ms + 20).chain([650]).collect();
    stage.heard_at(&meant);
}

#[test]
fn clients_that_say_nothing_are_treated_as_usual() {
    let (engine, doors, door) = Engine::new(RATE);
    let plan = plan::Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let peer = Peer { late: Late::Drop, jitter: 20 * MS, clock: PeerClock::new(Reading::Tags), ..Peer::default() };
    let control = Control::new(CATALOGUE, doors, door, Options { plan, folders: Vec::new(), running: true, peer });
    let mut desk = Desk { control, engine, later: Vec::new() };
    desk.load(SYNTH);
    let mut stage = Stage::of(desk);
    stage.at(tablet(1), 200, When::Now, NOTE);
    stage.at(tablet(2), 300, When::Wall(0), NOTE);
    stage.hello(tablet(3), "clock own");
    stage.note(tablet(3), 400, moment(399));
    let lines = Client::of(Origin::Lines);
    stage.at(lines, 500, When::Now, NOTE);
    stage.until(700);
    stage.heard_at(&[220, 350, 500]);
    assert_eq!(stage.answers, ["/late /t/note 1 drop"]);
}

#[test]
fn what_clock_and_jitter_may_be_is_told() {
    let mut stage = Stage::new();
    for line in ["/hello clock mine", "/hello clock 3", "/hello jitter 41", "/hello jitter -1"] {
        assert_eq!(stage.desk.fails(line), "wrong-arguments", "{line}");
    }
    assert_eq!(stage.desk.say("/ping 1 word"), ["/pong 1 word"]);
}
