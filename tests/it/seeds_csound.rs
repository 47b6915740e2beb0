//! The rows of Csound's performance thread.

use rackd::control::peers::Peer;
use rackd::control::{Control, Options};
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::host::{Hooked, Player};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::{osc, plan, record};

use super::desk::{Desk, RATE, SYNTH, first_change};
use super::record::read;
use super::rig::{Rig, peak};
use super::seeds::Shown::{Here, There};
use super::seeds::{Booth, GATES, Row, show};

pub static ROWS: [Row; 19] = [
    Row {
        call: "csound new",
        theirs: "The thread starts paused: nothing is played before play() is called.",
        ours: "`--paused`: the beat clock stands at its beginning until /transport/play; keys can be played before.",
        shown: Here(starts_stopped),
    },
    Row {
        call: "csound status",
        theirs: "0 while it plays, more than 0 at the end of the score or when stopped, less than 0 after an error.",
        ours: "/transport: a number and its word, 0 stopped, 1 playing, 2 paused, and where; errors are answered to who made them.",
        shown: Here(status),
    },
    Row {
        call: "csound isRunning",
        theirs: "Whether the status is 0.",
        ours: "The number of /transport is 1; subscribers of /transport are told each change.",
        shown: Here(status_is_told),
    },
    Row {
        call: "csound play",
        theirs: "Is queued; resumes between two k-cycles.",
        ours: "/transport/play: goes on with the very next frame, on the sample where it has a time tag.",
        shown: Here(play_goes_on),
    },
    Row {
        call: "csound pause",
        theirs: "No cycle is worked out any more; messages are taken in and sound when it resumes.",
        ours: "/transport/pause: fades in 5 ms, time stands; what comes is taken in and sounds when it goes on.",
        shown: Here(what_comes_in_a_pause),
    },
    Row {
        call: "csound togglePause",
        theirs: "Pauses or plays, whichever it does not; in ctcsound 2024 the call names a symbol that is not there.",
        ours: "/transport/toggle.",
        shown: Here(toggle),
    },
    Row {
        call: "csound stop",
        theirs: "Ends the thread for good; later messages are deleted without a word.",
        ours: "/transport/stop ends the score's notes and goes to the beginning, and can be played again; /engine/quit ends for good, and until then all is answered.",
        shown: Here(stop),
    },
    Row {
        call: "csound record",
        theirs: "WAV of 16, 24 or 32 bits (float), a ring of so many buffers; begins at once, wherever the message stands in the queue.",
        ours: "/record/start path bits N buffers N: begins on the sample of its time tag, and says what was lost.",
        shown: Here(record_bits),
    },
    Row {
        call: "csound record again",
        theirs: "A second record while one runs is ignored.",
        ours: "The same file is refused with a sentence; another file runs beside.",
        shown: Here(record_again),
    },
    Row {
        call: "csound stopRecord",
        theirs: "The audio thread waits for the writer and closes the file.",
        ours: "/record/stop: the file ends on the sample of the time tag, the sound is the same as without a recording.",
        shown: Here(stop_record),
    },
    Row {
        call: "csound scoreEvent",
        theirs: "absp2 = 0: p2 counts from now.",
        ours: "/score/add with a beat of \"now+…\".",
        shown: Here(score_from_now),
    },
    Row {
        call: "csound scoreEvent absp2",
        theirs: "absp2 ≠ 0: from the beginning; what is late is shortened by as much, and dropped where nothing is left.",
        ours: "/score/add with a beat: late, it begins at once and is so much shorter; of which nothing is left is not played.",
        shown: Here(late_score),
    },
    Row {
        call: "csound inputMessage",
        theirs: "A line of score as text.",
        ours: "`--stdin`: any message as a line of text, /score/add too.",
        shown: Here(line_of_text),
    },
    Row {
        call: "csound setScoreOffsetSeconds",
        theirs: "Goes to a place of the score.",
        ours: "/transport/locate, in seconds, beats or bars; what began before is not heard.",
        shown: Here(locate),
    },
    Row {
        call: "csound flushMessageQueue",
        theirs: "Waits until all messages in the queue were executed.",
        ours: "/sync id: /synced id is told when the engine has applied all that came before.",
        shown: Here(sync),
    },
    Row {
        call: "csound setProcessCB",
        theirs: "Is called before each k-cycle, on the audio thread, but not while paused.",
        ours: "`host::Hooked`: before each block of 64 frames, on the audio thread, at any buffer; from elsewhere, /sub /beat.",
        shown: Here(hook),
    },
    Row {
        call: "csound processCB, csound",
        theirs: "Give back the callback that was set, and the Csound that is performed.",
        ours: "`Hooked::into_parts`: the engine and the hook, with all that they have become.",
        shown: Here(parts),
    },
    Row {
        call: "csound join",
        theirs: "Waits for the end; more or less than 0 says why; stops a recording.",
        ours: "Exit codes: 0 asked for, 1 the patch, 2 the command line, 3 the machine; recordings are complete by then.",
        shown: There(
            "tests/clients/life.rs",
            &["signals_and_the_verb_end_it_well_and_its_recording_is_whole", "what_it_may_not_do_it_says_with_the_right_exit_code"],
        ),
    },
    Row {
        call: "csound threading",
        theirs: "One mutex shared with the audio thread, which frees the messages.",
        ours: "The audio thread takes no lock and neither allocates nor frees.",
        shown: There(
            "tests/realtime/main.rs",
            &["no_patch_allocates_on_the_audio_thread", "a_rack_that_is_mixed_anew_does_not_allocate_on_the_audio_thread"],
        ),
    },
];

#[test]
fn csounds_performance_thread() {
    show(&ROWS);
}

/// Sound that is another in each frame.
const SAW: &str = r#"
format = 1
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "20 ms"
[out]
in = "osc.saw * env * 0.2"
"#;

fn transport(desk: &mut Desk) -> String {
    let answer = desk.say("/transport").remove(0);
    answer.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ")
}

fn starts_stopped() {
    let (engine, doors, door) = Engine::new(RATE);
    let plan = plan::Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let control = Control::new(CATALOGUE, doors, door, Options { plan, folders: Vec::new(), running: false, peer: Peer::default() });
    let mut desk = Desk { control, engine, later: Vec::new() };
    desk.load(GATES);
    let mut booth = Booth::at("new", desk);
    booth.quietly("/score/add 1 0.25 t C4 0.8 0.25");
    assert_eq!(booth.desk.say("/transport"), ["/transport 0 stopped 1 1 0"]);
    assert_eq!(booth.edges(48_000), []);
    booth.quietly("/t/note 60 1 0.01");
    assert_eq!(booth.edges(4_800), [(0, 1), (480, 0)], "keys can be played");
    booth.quietly("/transport/play");
    assert_eq!(booth.edges(24_000), [(6_000, 1), (12_000, 0)]);
}

fn status() {
    let mut desk = Desk::new(SYNTH);
    let words = ["/transport/play", "/transport/pause", "/transport/play", "/transport/stop"];
    for (line, want) in words.into_iter().zip(["1 playing", "2 paused", "1 playing", "0 stopped"]) {
        desk.quietly(line);
        desk.run(640);
        assert_eq!(transport(&mut desk), want);
    }
}

fn status_is_told() {
    let mut desk = Desk::new(SYNTH);
    desk.say("/sub /transport 100");
    desk.run(4_800);
    desk.later.clear();
    // Changes that others make are told.
    rackd::osc::text::answer(&mut desk.control, "/transport/pause");
    desk.run(9_600);
    let told: Vec<_> = desk.later.iter().filter(|message| message.address == "/transport").map(osc::text::spell).collect();
    assert!(told.iter().any(|line| line.starts_with("/transport 2 paused ")), "{told:?}");
}

/// What is heard of a note, and what where time stood still within it, without the pause and its fades.
fn play_goes_on() {
    let play = |pause: bool| {
        let mut booth = Booth::new("play", SAW);
        booth.quietly("/t/note/on 1 45 0.9");
        if pause {
            assert!(booth.tagged(4_001, "/transport/pause").is_empty());
            assert!(booth.tagged(9_003, "/transport/play").is_empty());
        }
        booth.run(16_000)
    };
    let (whole, heard) = (play(false), play(true));
    assert_eq!(heard[..4_001], whole[..4_001]);
    assert!(heard[4_241..9_003].iter().all(|x| *x == 0.0));
    let rest = 16_000 - 9_243;
    assert_eq!(heard[9_243..], whole[4_481..4_481 + rest], "bit by bit where it was");
}

fn what_comes_in_a_pause() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/transport/pause");
    desk.run(1_000);
    desk.quietly("/t/note/on 1 60 1");
    assert_eq!(peak(&desk.run(4_800)), 0.0);
    desk.quietly("/transport/play");
    assert!(first_change(&desk.run(4_800)).is_some_and(|at| at <= 64));
}

fn toggle() {
    let mut desk = Desk::new(SYNTH);
    for want in ["2 paused", "1 playing", "2 paused"] {
        desk.quietly("/transport/toggle");
        desk.run(640);
        assert_eq!(transport(&mut desk), want);
    }
    desk.quietly("/transport/stop");
    desk.quietly("/transport/toggle");
    desk.run(640);
    assert_eq!(transport(&mut desk), "1 playing");
}

fn stop() {
    let mut booth = Booth::new("stop", GATES);
    booth.quietly("/score/add 1 0.5 t C4 0.8 8");
    booth.quietly("/transport/locate 0");
    assert_eq!(booth.edges(24_000), [(12_000, 1)]);
    booth.quietly("/transport/stop");
    assert_eq!(peak(&booth.run(4_800)), 0.0, "its note has ended");
    assert_eq!(booth.desk.say("/transport"), ["/transport 0 stopped 1 1 0"]);
    booth.quietly("/transport/play");
    assert_eq!(booth.edges(24_000), [(12_000, 1)], "and it can be played again");
    assert!(!booth.desk.control.quit_asked());
    osc::text::answer(&mut booth.desk.control, "/engine/quit");
    assert!(booth.desk.control.quit_asked());
    assert_eq!(transport(&mut booth.desk), "1 playing", "what is said until then is answered");
}

fn record_bits() {
    let mut booth = Booth::new("record", SAW);
    booth.quietly("/t/note/on 1 45 0.9");
    for bits in [16, 24, 32] {
        assert!(booth.tagged(1_234, &format!("/record/start b{bits}.wav bits {bits} buffers 64")).is_empty());
    }
    assert_eq!(booth.tagged(7_777, "/record/stop"), ["/done /record/stop 3"]);
    booth.ready(3);
    let heard = booth.run(9_000);
    for _ in 0..3 {
        let done = booth.wait("/record/done");
        assert!(done.ends_with(".wav 6543 0"), "{done}");
    }
    let want = &heard[1_234..7_777];
    assert!(peak(want) > 0.05);
    let left: Vec<f32> = read(&booth.folder.join("b32.wav")).into_iter().step_by(2).collect();
    assert!(left == want, "32 bits are floats");
    for (bits, sample) in [(16, record::Sample::Int16), (24, record::Sample::Int24)] {
        let mut wav = hound::WavReader::open(booth.folder.join(format!("b{bits}.wav"))).unwrap();
        assert_eq!(wav.spec().bits_per_sample, bits);
        let left: Vec<i32> = wav.samples::<i32>().map(Result::unwrap).step_by(2).collect();
        assert!(left == want.iter().map(|x| sample.whole(*x)).collect::<Vec<_>>(), "{bits} bits");
    }
}

fn record_again() {
    let mut booth = Booth::new("again", SAW);
    booth.quietly("/record/start take.wav");
    booth.ready(1);
    booth.run(640);
    assert_eq!(booth.desk.fails("/record/start take.wav"), "not-allowed");
    booth.quietly("/record/start beside.wav");
    booth.ready(2);
    booth.run(640);
    assert_eq!(booth.desk.say("/record/stop"), ["/done /record/stop 2"]);
    booth.run(64);
    let mut frames = [booth.wait("/record/done"), booth.wait("/record/done")].map(|done| done.split(' ').nth(2).unwrap().to_owned());
    frames.sort();
    assert_eq!(frames, ["1280", "640"]);
}

fn stop_record() {
    let play = |record: bool| {
        let mut booth = Booth::new(if record { "stop-record" } else { "no-record" }, SAW);
        booth.quietly("/t/note/on 1 45 0.9");
        if record {
            booth.quietly("/record/start take.wav");
            booth.ready(1);
            assert_eq!(booth.tagged(5_001, "/record/stop take.wav"), ["/done /record/stop 1"]);
        }
        let heard = booth.run(12_000);
        if record {
            assert!(booth.wait("/record/done").ends_with(" 5001 0"));
            let left: Vec<f32> = read(&booth.folder.join("take.wav")).into_iter().step_by(2).collect();
            assert!(left == heard[..5_001], "to the last frame");
        }
        heard
    };
    assert!(play(true) == play(false));
}

fn score_from_now() {
    let mut booth = Booth::new("now", GATES);
    booth.quietly("/transport/locate 0");
    booth.run(31_000);
    booth.quietly("/score/add 1 \"now+0.5\" t C4 0.8 0.25");
    assert_eq!(booth.edges(24_000), [(12_000, 1), (18_000, 0)]);
}

fn late_score() {
    let mut booth = Booth::new("late", GATES);
    booth.quietly("/transport/locate 0");
    booth.run(24_000);
    booth.quietly("/score/add 1 0.5 t C4 0.8 1");
    booth.quietly("/score/add 2 0.25 t C4 0.8 0.75");
    assert_eq!(booth.edges(24_000), [(0, 1), (12_000, 0)], "half a beat of it was left");
    assert_eq!(["score-notes", "score-late", "score-dropped"].map(|name| booth.desk.status(name)), [1, 1, 0]);
}

fn line_of_text() {
    let mut booth = Booth::new("text", GATES);
    let said = |booth: &mut Booth, line: &str| osc::text::answer(&mut booth.desk.control, line);
    assert!(said(&mut booth, "/score/add i1 0.5 t C4 0.8 0.25").is_empty());
    assert!(said(&mut booth, "# a remark").is_empty());
    assert!(said(&mut booth, "i1 0 1")[0].address == "/fail");
    assert!(said(&mut booth, "/transport/locate 0").is_empty());
    assert_eq!(booth.edges(24_000), [(12_000, 1), (18_000, 0)]);
}

fn locate() {
    let mut booth = Booth::new("locate", GATES);
    for (id, beat) in [(1, 4.5), (2, 5.25), (3, 9.5)] {
        booth.quietly(&format!("/score/add {id} {beat} t C4 0.8 1"));
    }
    booth.quietly("/transport/locate \"2.5 s\"");
    assert_eq!(booth.edges(48_000), [(6_000, 1), (30_000, 0)], "beat 5; what began before is not heard");
    booth.quietly("/transport/locate \"3:2\"");
    assert_eq!(booth.edges(24_000), [(12_000, 1)], "bar 3, beat 2 is beat 9");
}

fn sync() {
    let mut booth = Booth::new("sync", SYNTH);
    booth.quietly("/t/note/on 1 60 1");
    booth.quietly("/sync 7");
    let told = booth.desk.control.tick();
    assert!(told.iter().all(|(_, message)| message.address != "/synced"), "the engine has not run");
    assert_eq!(booth.run(64)[63], 0.5);
    assert_eq!(booth.wait("/synced"), "/synced 7");
}

fn hook() {
    for buffer in [1, 17, 64, 480, 1_000] {
        let Rig { engine, mut doors, door, .. } = Rig::new(SYNTH);
        let mut feed = doors.feeds.pop().unwrap();
        let mut blocks = 0;
        let mut player = Hooked::new(engine, |now: u64| {
            blocks += 1;
            let note = Act::NoteOn { slot: 0, key: 60, id: NoteId(1), pitch: 0.0, velocity: 1.0, frames: 0 };
            if now == 640 {
                feed.send(&[Event { at: 0, act: note }]).unwrap();
            }
        });
        let mut heard = Vec::new();
        while heard.len() < 2_000 {
            let mut out = vec![0.0; 2 * buffer.min(2_000 - heard.len())];
            player.run(&[], 0, &mut out, 2);
            heard.extend(out.chunks(2).map(|frame| frame[0]));
        }
        drop(player);
        assert_eq!((first_change(&heard), blocks), (Some(640), 2_000 / 64 + 1), "buffers of {buffer}");
        drop(door);
    }
    let mut desk = Desk::new(SYNTH);
    desk.say("/sub /beat");
    // Two seconds at 120 a minute.
    desk.run(96_000);
    assert_eq!(desk.later.iter().filter(|message| message.address == "/beat").count(), 4, "{:?}", desk.later);
}

fn parts() {
    let Rig { mut engine, mut doors, door, .. } = Rig::new(SYNTH);
    let note = Act::NoteOn { slot: 0, key: 60, id: NoteId(1), pitch: 0.0, velocity: 1.0, frames: 0 };
    doors.feeds[0].send(&[Event { at: 0, act: note }]).unwrap();
    let mut out = vec![0.0; 2 * 100];
    engine.run(&[], 0, &mut out, 2);
    let mut calls = Vec::new();
    let mut hooked = Hooked::new(engine, move |now| {
        calls.push(now);
        assert_eq!(calls, [128, 192][..calls.len()]);
    })
    .beginning(100);
    hooked.run(&[], 0, &mut out[..2 * 60], 2);
    let (mut engine, mut hook) = hooked.into_parts();
    hook(192);
    engine.run(&[], 0, &mut out, 2);
    assert_eq!((engine.now(), out[0]), (260, 0.5), "the note sounds on");
    drop(door);
}
