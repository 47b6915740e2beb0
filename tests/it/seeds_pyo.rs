//! The rows of pyo's Server.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::channel;

use rackd::engine::Act;
use rackd::host::{Audio, Buffers, Choice, HostName, Offline, Options, Parts};

use super::desk::{Desk, SYNTH};
use super::record::{read, read_flac};
use super::rig::{Rig, Way, peak, step};
use super::seeds::Shown::{Here, There};
use super::seeds::{Booth, GATES, Row, show};

pub static ROWS: [Row; 19] = [
    Row {
        call: "pyo Server",
        theirs: "Rate, channels, buffer size, duplex and backend; the latency is one buffer, and what is heard depends on it.",
        ours: "--rate, --channels, --buffer, --host, --device: the samples are the same at any buffer.",
        shown: Here(any_buffer),
    },
    Row {
        call: "pyo boot",
        theirs: "Opens the device; options count only before it, and a second boot only warns.",
        ours: "Which device and which rate is settled before the engine is made, and stays for its life.",
        shown: Here(boot),
    },
    Row {
        call: "pyo start",
        theirs: "Starts the stream; a second start only warns.",
        ours: "/transport/play; a second one changes nothing.",
        shown: Here(start_twice),
    },
    Row {
        call: "pyo stop",
        theirs: "Aborts the stream with what was in its buffers; start resumes the same objects.",
        ours: "/transport/pause fades in 5 ms, /transport/play resumes every voice and echo bit by bit.",
        shown: Here(stop_and_resume),
    },
    Row {
        call: "pyo shutdown",
        theirs: "Removes all objects; needed before rate, buffer or channels change.",
        ours: "/rack/unload takes a slot away with a fade, all else plays on; it can be loaded anew at any time.",
        shown: Here(shutdown),
    },
    Row {
        call: "pyo reinit",
        theirs: "Another rate, buffer or backend, once all objects were removed by shutdown.",
        ours: "Nothing is removed: a device that comes with another rate is resampled, and the engine keeps its own.",
        shown: There("tests/it/host.rs", &["a_device_that_comes_back_at_another_rate_is_resampled_and_the_engine_keeps_its_own"]),
    },
    Row {
        call: "pyo amp",
        theirs: "Goes to a new value in 5 ms.",
        ours: "/master/level: in 5 ms, or in a time of its own.",
        shown: Here(amp),
    },
    Row {
        call: "pyo recordOptions",
        theirs: "Duration, file format 0 to 7, sample type 0 to 6; the ending decides the format.",
        ours: "/record/start path [format bits channels]: the ending decides too; the duration is a /record/stop with a time tag.",
        shown: Here(record_options),
    },
    Row {
        call: "pyo recordOptions of other formats",
        theirs: "AIFF, AU, RAW, SD2, CAF and OGG; 64 bits, A-law and u-law.",
        ours: "WAV in 16, 24 or 32 bits and FLAC in 16 or 24; all else is refused with a sentence that names these.",
        shown: Here(other_formats),
    },
    Row {
        call: "pyo recstart",
        theirs: "Writes on the audio thread, into ~/pyo_rec.wav or a name, over what was there.",
        ours: "/record/start: a thread of its own writes; what is there is kept and the next number taken.",
        shown: There("tests/it/record_verbs.rs", &["without_arguments_and_tags_it_just_records"]),
    },
    Row {
        call: "pyo recstop",
        theirs: "Closes the file from the thread that calls.",
        ours: "/record/stop: /record/done tells the file, its frames and those lost.",
        shown: There("tests/it/record_verbs.rs", &["it_records_from_one_time_tag_to_another"]),
    },
    Row {
        call: "pyo startoffset",
        theirs: "The first N seconds are worked out offline; then the device goes on.",
        ours: "An engine that `host::Offline` has run goes to the device as it is: it sounds on from there, bit by bit.",
        shown: Here(start_offset),
    },
    Row {
        call: "pyo setGlobalDur",
        theirs: "How long each object that is started plays.",
        ours: "The duration of /<slot>/note, exact to the sample.",
        shown: Here(duration),
    },
    Row {
        call: "pyo setGlobalDel",
        theirs: "How long each object that is started waits, in whole buffers.",
        ours: "The time tag of a bundle, exact to the sample.",
        shown: Here(delay),
    },
    Row {
        call: "pyo SfPlayer",
        theirs: "Plays a sound file; tells its end.",
        ours: "`rackd stream FILE` plays one through a `stream_in`, at any rate of its own, and ends when it was heard.",
        shown: There("tests/clients/seeds.rs", &["a_sound_file_is_heard_whole_and_its_sender_ends_with_it"]),
    },
    Row {
        call: "pyo SfPlayer speed, loop, offset",
        theirs: "Its speed, below 0 backwards; whether it goes round; where it begins.",
        ours: "`rackd stream FILE --speed --loop --from`: the same.",
        shown: There("tests/clients/seeds.rs", &["a_sound_file_is_played_from_a_place_round_and_round_at_another_speed_and_backwards"]),
    },
    Row {
        call: "pyo SmoothDelay",
        theirs: "A delay whose time moves over by a crossfade of 50 ms: no click, no bend.",
        ours: "The module `delay` in its mode `crossfade`: the same, and after it exact to the sample.",
        shown: Here(smooth_delay),
    },
    Row {
        call: "pyo STRev",
        theirs: "A reverb from one channel to two, with a place, a time, a corner, a room.",
        ours: "The module `reverb`: stereo, with time (-60 dB), size, damping.",
        shown: Here(reverb),
    },
    Row {
        call: "pyo subprocess and pipe",
        theirs: "The server as a child process that looks into a pipe every millisecond.",
        ours: "`rackd play --stdin --json`: lines in, a JSON object a line out, an end with its input.",
        shown: There("tests/clients/examples.rs", &["a_child_process_is_driven_by_lines"]),
    },
];

#[test]
fn pyos_server() {
    show(&ROWS);
}

const SAW: &str = r#"
format = 1
[note]
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
attack = "20 ms"
[global.echo]
type = "delay"
in = "osc.saw * env * 0.2"
time = "70 ms"
[out]
in = "echo"
"#;

fn any_buffer() {
    let play = |buffer: usize| {
        let mut rig = Rig::with(SAW, Way { buffer, ..Way::default() });
        rig.note(123, 57.0, 0.8, 9_000);
        rig.left(20_000)
    };
    let first = play(256);
    assert!(peak(&first) > 0.05);
    for buffer in [16, 64, 1_000, 4_800] {
        assert!(play(buffer) == first, "buffers of {buffer}");
    }
}

fn boot() {
    let choice = Choice::make(Options { host: HostName::Silent, rate: Some(44_100), channels: 4, ..Options::default() });
    assert_eq!((choice.rate, choice.options.channels, choice.trouble), (44_100, 4, None));
    let (engine, _doors, _door) = rackd::engine::Engine::new(choice.rate as f32);
    assert_eq!(engine.rate(), 44_100.0);
    // Objects come and go while it plays.
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/note/on 1 60 1");
    assert_eq!(desk.run(640)[639], 0.5);
    assert!(desk.control.load("other", SYNTH, None).is_ok());
    assert!(desk.run(6_400).iter().all(|x| (x - 0.5).abs() < 1e-6), "the note sounds on");
    desk.quietly("/other/note/on 1 60 0.5");
    desk.run(640);
    assert_eq!(desk.control.notes_sounding(), 2);
}

fn start_twice() {
    let play = |times: usize| {
        let mut desk = Desk::new(SAW);
        desk.quietly("/t/note/on 1 50 1");
        (0..times).for_each(|_| desk.quietly("/transport/play"));
        desk.run(9_600)
    };
    assert!(play(2) == play(0));
}

fn stop_and_resume() {
    let play = |stop: bool| {
        let mut rig = Rig::new(SAW);
        rig.note(100, 50.0, 0.9, 7_000);
        if stop {
            rig.at(5_005, Act::Pause(true));
            rig.at(20_020, Act::Pause(false));
        }
        rig.left(32_000)
    };
    let (whole, heard) = (play(false), play(true));
    assert!(heard[5_245..20_020].iter().all(|x| *x == 0.0));
    assert_eq!(heard[20_260..32_000], whole[5_485..5_485 + 11_740], "echoes too");
}

fn shutdown() {
    let mut desk = Desk::new(GATES);
    assert!(desk.control.load("u", GATES, None).is_ok());
    desk.run(640);
    desk.quietly("/t/note/on 1 60 1");
    desk.quietly("/u/note/on 1 60 1");
    desk.run(640);
    desk.quietly("/rack/unload t");
    let heard = desk.run(4_800);
    assert!(heard.iter().all(|x| (0.0099..0.0201).contains(x)), "the other sounds on");
    assert_eq!((heard[4_799] * 1e4).round(), 100.0);
    assert!(desk.later.iter().any(|told| told.address == "/done"), "{:?}", desk.later);
    desk.load(GATES);
    desk.quietly("/t/note/on 1 60 1");
    assert_eq!((desk.run(4_800)[4_799] * 1e4).round(), 200.0, "loaded anew");
}

fn amp() {
    let mut desk = Desk::new(SYNTH);
    desk.quietly("/t/note/on 1 60 1");
    assert_eq!(desk.run(640)[639], 0.5);
    desk.quietly("/master/level -20");
    let heard = desk.run(960);
    assert!((heard[480] - 0.05).abs() < 1e-3, "{}", heard[480]);
    assert!(step(&heard) < 0.02, "{}", step(&heard));
    desk.quietly("/master/level 0 1");
    let heard = desk.run(48_640);
    assert!(heard[24_000] < 0.25 && (heard[48_639] - 0.5).abs() < 1e-3, "in a second of its own");
    assert!(step(&heard) < 1e-3);
}

fn record_options() {
    let mut booth = Booth::new("options", SAW);
    booth.quietly("/t/note/on 1 45 0.9");
    assert!(booth.tagged(640, "/record/start mono.flac 16 channels 1").is_empty());
    assert!(booth.tagged(640, "/record/start plain wav 24").is_empty());
    assert_eq!(booth.tagged(5_440, "/record/stop"), ["/done /record/stop 2"]);
    booth.ready(2);
    booth.run(6_400);
    booth.wait("/record/done");
    booth.wait("/record/done");
    assert_eq!(read_flac(&booth.folder.join("mono.flac")).len(), 4_800, "a tenth of a second");
    let wav = hound::WavReader::open(booth.folder.join("plain.wav")).unwrap();
    assert_eq!((wav.spec().bits_per_sample, wav.spec().channels, wav.duration()), (24, 2, 4_800));
    // Its thread may still be on its way out.
    std::thread::sleep(std::time::Duration::from_millis(50));
    booth.quietly("/record/start plain.wav");
    booth.ready(1);
    booth.run(640);
    booth.desk.say("/record/stop");
    booth.run(64);
    booth.wait("/record/done");
    assert_eq!(read(&booth.folder.join("plain-2.wav")).len(), 2 * 640, "what is there is kept");
}

fn other_formats() {
    let mut booth = Booth::new("formats", SAW);
    for (line, names) in [
        ("/record/start a.aiff", ".wav or .flac"),
        ("/record/start a.ogg", ".wav or .flac"),
        ("/record/start a.wav 64", "16, 24 or 32 bits"),
        ("/record/start a.wav 8", "16, 24 or 32 bits"),
        ("/record/start a.flac 32", "16 or 24 bits"),
    ] {
        let answer = booth.desk.say(line).remove(0);
        assert!(answer.starts_with("/fail /record/start ") && answer.contains(names), "{line}: {answer}");
    }
    assert_eq!(std::fs::read_dir(&booth.folder).unwrap().count(), 0, "no file is left");
}

fn start_offset() {
    let begin = || {
        let mut rig = Rig::new(SAW);
        rig.note(100, 50.0, 0.9, 90_000);
        rig
    };
    let whole = begin().left(96_000);
    // Two seconds less a bit before anybody hears it.
    let rig = begin();
    let shown = Arc::clone(&rig.doors.shown);
    let mut first = Offline::new(rig.engine, 2);
    let none = |_, _| Ok::<(), Infallible>(());
    first.run(90_123, Buffers::Fixed(4_800), none, |_| Ok(())).unwrap();
    let mut player = first.into_player();
    assert_eq!(player.now(), 90_123);
    let (to, from) = channel();
    let told = move |input: &[f32], inputs: usize, output: &mut [f32], channels: usize| {
        player.run(input, inputs, output, channels);
        let _ = to.send(output.iter().step_by(channels).copied().collect::<Vec<f32>>());
    };
    let choice = Choice::make(Options { host: HostName::Silent, rate: Some(48_000), ..Options::default() });
    let parts = Parts { player: Box::new(told), shown, clock: None, tap: None };
    let (audio, _events) = Audio::start(&choice, parts).unwrap();
    let mut heard = Vec::new();
    while heard.len() < 96_000 - 90_123 {
        heard.extend(from.recv().unwrap());
    }
    drop(audio);
    assert!(heard[..96_000 - 90_123] == whole[90_123..]);
    assert!(peak(&whole[90_123..]) > 0.05);
}

fn duration() {
    let mut booth = Booth::new("duration", GATES);
    booth.quietly("/t/note 60 1 0.1");
    booth.quietly("/t/note 64 1 \"1/8\"");
    assert_eq!(booth.edges(24_000), [(0, 2), (4_800, 1), (12_000, 0)]);
}

fn delay() {
    let mut booth = Booth::new("delay", GATES);
    for frames in [1, 63, 64, 4_801, 9_999] {
        assert!(booth.tagged(frames, "/t/note/on a 60 1").is_empty());
        assert!(booth.tagged(frames + 10, "/t/note/off a").is_empty());
        assert_eq!(booth.edges(12_000), [(frames as usize, 1), (frames as usize + 10, 0)]);
    }
}

fn smooth_delay() {
    let echo = |time: &str| {
        let mut desk = Desk::new(&format!(
            "format = 1\n[global.osc]\ntype = \"vco\"\npitch = \"200 Hz\"\n[global.echo]\ntype = \"delay\"\nin = \"osc.sine * 0.25\"\n\
             mode = \"crossfade\"\ntime = \"{time} s\"\nfeedback = 0\nmix = 1\n[out]\nin = \"echo\"\n"
        ));
        desk.run(24_000);
        desk
    };
    let (mut desk, mut other) = (echo("0.1"), echo("0.2371"));
    let steady = step(&desk.run(4_800));
    other.run(4_800);
    desk.quietly("/t/echo/time 0.2371");
    let (heard, want) = (desk.run(9_600), other.run(9_600));
    assert!(peak(&heard) > 0.2 && step(&heard) < 1.2 * steady, "{} after {steady}", step(&heard));
    // 50 ms, and the rest of a block.
    let off = heard.iter().zip(&want).skip(2_400 + 64).map(|(heard, want)| (heard - want).abs()).fold(0.0, f32::max);
    assert!(off < 1e-6, "{off} off: it is as if it had always been so");
}

fn reverb() {
    let text = "format = 1\n[note]\n[voice.env]\ntype = \"adsr\"\nattack = 0\nsustain = 0\ndecay = \"5 ms\"\n[global.room]\n\
        type = \"reverb\"\nin = \"env * 0.5\"\ntime = \"1 s\"\nmodulation = 0\ndamping = 0\nmix = 1\n[out]\nin = \"room\"\n";
    let mut desk = Desk::new(text);
    desk.quietly("/t/note 60 1 0.05");
    let mut heard = vec![0.0; 2 * 48_000];
    for piece in heard.chunks_mut(128) {
        desk.control.tick();
        desk.engine.run(&[], 0, piece, 2);
    }
    let sides = [0, 1].map(|side| heard.iter().skip(side).step_by(2).copied().collect::<Vec<f32>>());
    assert!(sides.iter().all(|side| peak(&side[4_800..]) > 1e-4), "one channel in, both sides ring");
    assert_ne!(sides[0], sides[1]);
    // Half of its time is 30 dB.
    let power = |from: usize| sides[0][from..from + 9_600].iter().map(|x| f64::from(x * x)).sum::<f64>();
    let fall = 10.0 * (power(12_000) / power(36_000)).log10();
    assert!((27.0..33.0).contains(&fall), "{fall} dB in half a second");
}
