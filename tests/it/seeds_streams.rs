//! The rows of audiostream.

use std::io::{Read, Write};
use std::net::Shutdown;

use super::desk::Desk;
use super::rig::{Rig, peak, step};
use super::seeds::Shown::{Here, There};
use super::seeds::{Row, show};
use super::sound_streams::{Door, line, until};

const STREAMS: &str = "tests/it/sound_streams.rs";

pub static ROWS: [Row; 14] = [
    Row {
        call: "audiostream get_output",
        theirs: "Asks for a rate, channels and a buffer, once per process, and tells what was obtained.",
        ours: "A header on a socket; `ok` tells the engine's rate, the buffer and how many modules read. Any rate is converted.",
        shown: Here(greeting),
    },
    Row {
        call: "audiostream 32 samples",
        theirs: "At most 32 sound at once.",
        ours: "64 streams at once, of 64 channels each.",
        shown: Here(many),
    },
    Row {
        call: "audiostream add_sample",
        theirs: "One more sample is mixed into the output.",
        ours: "One more sender; the patch says where each is heard.",
        shown: Here(two_at_once),
    },
    Row {
        call: "audiostream remove_sample",
        theirs: "A sample is mixed no more.",
        ours: "The sender closes, or /stream/close name: the others sound on.",
        shown: Here(one_leaves),
    },
    Row {
        call: "audiostream write",
        theirs: "Blocks while more than 16,384 bytes wait, then appends all; for ever where playback stands.",
        ours: "The socket fills and its writer waits; closing lets it go. With `nonblock` it is told would-block instead.",
        shown: There(STREAMS, &["an_overrun_makes_the_sender_wait_and_closing_lets_it_go"]),
    },
    Row {
        call: "audiostream underrun",
        theirs: "Plays what is there and fills the rest with zeros, without a word.",
        ours: "The same, faded within 1.3 ms and counted.",
        shown: There(STREAMS, &["what_has_not_come_is_silent_and_counted"]),
    },
    Row {
        call: "audiostream encoding",
        theirs: "8 or 16 bits.",
        ours: "8, 16, 24 and 32 bits and float, either byte order, bit by bit.",
        shown: There(STREAMS, &["every_format_arrives_bit_by_bit"]),
    },
    Row {
        call: "audiostream play, stop",
        theirs: "play takes a channel of the mixer, stop halts it; what waits stays.",
        ours: "A connection is a stream; its end plays what waits, /stream/close ends it at once.",
        shown: Here(end_and_close),
    },
    Row {
        call: "audiostream ThreadSource",
        theirs: "A thread that asks for bytes in an endless loop; stop does not end it.",
        ours: "Any process or thread that writes into a socket or a pipe (`rackd stream -`); it ends with its input.",
        shown: Here(thread_source),
    },
    Row {
        call: "audiostream SineSource",
        theirs: "A sine whose frequency changes at a zero crossing, in periods of whole samples.",
        ours: "`vco`: changes at once without a step, at the exact frequency.",
        shown: Here(sine),
    },
    Row {
        call: "audiostream PatchSource",
        theirs: "One patch of Pd by libpd, in blocks of 64 frames of 16 bits.",
        ours: "Any number of Pds, each in a process of its own: its sound comes by JACK into `[in]`, it plays notes by OSC.",
        shown: There("tests/languages/main.rs", &["what_pd_works_out_is_heard_through_rackd", "pd_plays_and_is_answered"]),
    },
    Row {
        call: "audiostream get_input",
        theirs: "A microphone by a callback in the poller's thread; on phones only.",
        ours: "`[in]` of a patch hears the device's input, on the audio thread.",
        shown: Here(input),
    },
    Row {
        call: "audiostream get_input of a rate",
        theirs: "Rate, channels and buffer are asked for; what the system has is what comes.",
        ours: "An input of any rate and clock is heard at the engine's: what it lacks or has too much of is counted.",
        shown: There(
            "tests/it/host_input.rs",
            &["another_rate_and_clock_are_heard_as_they_are", "an_input_that_ends_is_told_and_counted_and_opened_again"],
        ),
    },
    Row {
        call: "audiostream get_input_sources",
        theirs: "Names of inputs; fails on macOS.",
        ours: "`rackd devices` and /devices name outputs and inputs with rates, channels, formats and buffers; `--input-device` takes the name.",
        shown: There("tests/clients/seeds.rs", &["an_input_is_listed_and_heard_by_its_stable_name"]),
    },
];

#[test]
fn audiostreams_outputs_inputs_and_samples() {
    show(&ROWS);
}

/// Two streams, side by side.
const BOTH: &str = r#"
format = 1
[global.one]
type = "stream_in"
stream = "one"
[global.two]
type = "stream_in"
stream = "two"
[out]
in = "one * 0.5 + two * 0.25"
"#;

fn header(name: &str) -> String {
    format!("rackd-stream 1 name={name} rate=48000 channels=1 format=f32le clock=engine buffer=20ms")
}

fn samples(value: f32, count: usize) -> Vec<u8> {
    value.to_le_bytes().repeat(count)
}

/// A desk whose patch hears the streams of a door.
fn desk(door: &Door) -> Desk {
    let mut desk = Desk::empty(Vec::new());
    desk.control.set_flows(door.flows.clone());
    desk.load(BOTH);
    desk
}

/// Runs until the sound stands at a value, for as long as anything could be on its way.
fn settles(desk: &mut Desk, value: f32) {
    until("the sound is there", || desk.run(64).iter().all(|x| (x - value).abs() < 1e-6));
}

fn greeting() {
    let door = Door::open();
    let (_socket, _lines, answer) = door.say("rackd-stream 1 name=mic rate=44100 channels=2 format=s16le");
    assert_eq!(answer, "ok name=mic rate=48000 buffer=50ms readers=0");
    let _desk = desk(&door);
    let (_socket, _lines, answer) = door.say(&header("one"));
    assert!(answer.starts_with("ok name=one rate=48000 buffer=20ms readers="), "{answer}");
}

fn many() {
    let door = Door::open();
    let open: Vec<_> = (0..40).map(|number| door.say(&header(&format!("s{number}")))).collect();
    assert!(open.iter().all(|(.., answer)| answer.starts_with("ok ")));
    assert_eq!(door.server.desk().sessions().len(), 40);
}

fn two_at_once() {
    let door = Door::open();
    let mut desk = desk(&door);
    let (mut one, ..) = door.say(&header("one"));
    let (mut two, ..) = door.say(&header("two"));
    let write = std::thread::spawn(move || {
        // Ten seconds of each: the senders are made to wait.
        let _ = one.write_all(&samples(0.5, 480_000));
    });
    let write_two = std::thread::spawn(move || {
        let _ = two.write_all(&samples(0.4, 480_000));
    });
    settles(&mut desk, 0.5 * 0.5 + 0.25 * 0.4);
    for name in ["one", "two"] {
        assert_eq!(door.server.desk().close(name), 1);
    }
    write.join().unwrap();
    write_two.join().unwrap();
}

fn one_leaves() {
    let door = Door::open();
    let mut desk = desk(&door);
    let (mut one, ..) = door.say(&header("one"));
    let (mut two, mut told, _) = door.say(&header("two"));
    let write = std::thread::spawn(move || {
        let _ = one.write_all(&samples(0.5, 480_000));
    });
    two.write_all(&samples(0.4, 960)).unwrap();
    assert_eq!(door.server.desk().close("two"), 1);
    assert!(line(&mut told).starts_with("closed frames="));
    settles(&mut desk, 0.5 * 0.5);
    assert_eq!(door.server.desk().close("one"), 1);
    write.join().unwrap();
}

fn end_and_close() {
    let door = Door::open();
    let mut desk = desk(&door);
    let (mut one, mut lines, _) = door.say(&header("one"));
    one.write_all(&samples(0.5, 960)).unwrap();
    one.shutdown(Shutdown::Write).unwrap();
    // What waits is heard first: the last line comes only when it was.
    let reader = std::thread::spawn(move || line(&mut lines));
    let mut heard = Vec::new();
    until("it has ended", || {
        heard.extend(desk.run(64));
        reader.is_finished()
    });
    assert_eq!(reader.join().unwrap(), "done frames=960 lost=0");
    // But for the fades around it.
    let whole = heard.iter().filter(|x| (**x - 0.25).abs() < 1e-6).count();
    assert!((800..=1_100).contains(&whole), "{whole} frames");
    let (_one, mut lines, answer) = door.say(&header("one"));
    assert!(answer.starts_with("ok "), "{answer}");
    assert_eq!(door.server.desk().close("one"), 1);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(rest.starts_with("closed frames=0"), "{rest}");
}

fn thread_source() {
    let door = Door::open();
    let mut desk = desk(&door);
    let (mut one, mut lines, _) = door.say(&header("one"));
    let source = std::thread::spawn(move || {
        for _ in 0..48 {
            one.write_all(&samples(0.5, 100)).unwrap();
        }
        one.shutdown(Shutdown::Write).unwrap();
        line(&mut lines)
    });
    until("its source has ended", || {
        desk.run(64);
        source.is_finished()
    });
    assert_eq!(source.join().unwrap(), "done frames=4800 lost=0");
}

fn sine() {
    let text = "format = 1\n[global.osc]\ntype = \"vco\"\npitch = \"441 Hz\"\n[out]\nin = \"osc.sine * 0.5\"\n";
    let mut desk = Desk::new(text);
    desk.run(1_234);
    desk.quietly("/t/osc/pitch \"663 Hz\"");
    let heard = desk.run(48_000);
    let steepest = 0.5 * std::f32::consts::TAU * 663.0 / 48_000.0;
    assert!(step(&heard) < 1.001 * steepest, "{} is steeper than a sine of 663 Hz: {steepest}", step(&heard));
    let rises = heard[24_000..].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
    assert!((331..=332).contains(&rises), "half a second at 663 Hz has {rises} periods");
}

fn input() {
    let mut rig = Rig::new("format = 1\n[in]\n[out]\nin = \"in * 0.5\"\n");
    rig.input = Box::new(|at| [(at % 100) as f32 * 0.005, 0.0]);
    let heard = rig.left(4_800);
    let want = |at: usize| (at % 100) as f32 * 0.0025;
    assert!(peak(&heard) > 0.2 && heard.iter().enumerate().all(|(at, x)| (x - want(at)).abs() < 1e-6));
}
