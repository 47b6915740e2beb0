//! Racks played by scores, as `rackd render` runs them; and every shipped rack: reads without a word, does what its comments say,
//! each part of it sounds, together they do not clip, and it falls silent.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use midly::{Format, TrackEvent};
use rackd::base::midi::MidiMessage;
use rackd::control::rack_file::{ReadRack, Within};
use rackd::control::{Client, Control, Origin, Value, When};
use rackd::engine::Engine;
use rackd::host::{Buffers, Offline};
use rackd::modules::CATALOGUE;
use rackd::osc::text::guess;
use rackd::patch::{KeySource, Patch, Source, Sum};
use rackd::score::{Reader, Score};

use crate::desk::{Desk, RATE, SYNTH, me, pair};
use crate::patches::words;
use crate::racks::Stage;
use crate::score::{beats, end, file, note, tempo};

/// A rack as it stands before its first frame.
fn settled(file: &Path) -> (Control, Engine) {
    let (mut control, mut engine) = pair(Vec::new());
    let (read, remarks) = ReadRack::read(file, Within::Anywhere, &CATALOGUE).unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    assert_eq!(remarks, [], "{}", file.display());
    control.put_rack(read, Vec::new());
    control.settle(&mut engine);
    (control, engine)
}

/// What a score sounds like, interleaved.
fn rendered(rack: &Path, score: &Score, frames: u64, buffers: Buffers, channels: usize) -> Vec<f32> {
    let mut reader = Reader::new(Arc::new(score.clone()), RATE as u32, 0);
    let (mut control, engine) = settled(rack);
    let mut heard = Vec::new();
    let feed = |_, to| {
        reader.feed(to, |at, message| control.midi_message(Client::of(Origin::Score), message, When::At(at)));
        control.tick();
        Ok::<(), ()>(())
    };
    let sink = |frames: &[f32]| {
        heard.extend_from_slice(frames);
        Ok(())
    };
    Offline::new(engine, channels).run(frames, buffers, feed, sink).unwrap();
    heard
}

/// Sixteen parts, each on its channel and each half as loud as the one before: what is heard tells which of them play.
fn sixteen() -> Stage {
    let stage = Stage::new(&[("synth.toml", &SYNTH.replace("env * 0.5", "env * 1"))]);
    let slots = (1..=16).map(|at| {
        let share = 0.5f64.powi(at);
        format!("[slots.p{at}]\npatch = \"synth.toml\"\nset = {{ \"out.in.env\" = {share} }}\nmidi = {{ channel = {at} }}\n")
    });
    stage.write("rack.toml", &format!("format = 1\n[master]\nlimiter = false\n{}", slots.collect::<String>()));
    stage
}

/// A track in which every channel plays, with three tempos; and the frame at which each note begins and ends.
fn busy() -> (Score, Vec<(u64, u8, bool)>) {
    let mut track: Vec<TrackEvent<'static>> = vec![tempo(0, 500_000)];
    let mut wanted = Vec::new();
    // Ticks are 480 to the beat; time is counted in frames times ticks times µs, so that nothing is rounded twice.
    let (mut micros, mut time) = (500_000u64, 0u128);
    let frame = |time: u128| ((time * 48_000 + 240_000_000) / 480_000_000) as u64;
    for step in 0..48u32 {
        let channel = (step * 7 % 16) as u8;
        let (rest, length) = (13 + step * 5 % 31, 61 + step * 11 % 97);
        time += u128::from(rest) * u128::from(micros);
        track.push(note(rest, channel, 60, 100));
        wanted.push((frame(time), channel, true));
        if step % 16 == 7 {
            micros = 300_001 + 10_007 * u64::from(step);
            track.push(tempo(0, micros as u32));
        }
        time += u128::from(length) * u128::from(micros);
        track.push(note(length, channel, 60, 0));
        wanted.push((frame(time), channel, false));
    }
    track.push(end(0));
    (Score::from_midi_file(&file(Format::SingleTrack, beats(480), vec![track])).unwrap(), wanted)
}

#[test]
fn every_onset_of_sixteen_parts_is_on_its_ticks_sample() {
    let stage = sixteen();
    let (score, wanted) = busy();
    let heard = rendered(&stage.folder.join("rack.toml"), &score, 480_000, Buffers::Fixed(512), 2);
    let left: Vec<f32> = heard.chunks(2).map(|frame| frame[0]).collect();
    let mut before = 0.0;
    let mut found = Vec::new();
    for (at, x) in left.iter().enumerate() {
        if (x - before).abs() > 1e-6 {
            let (on, step) = (*x > before, (x - before).abs());
            let part = (-libm::log2(f64::from(step))).round() as u8;
            assert!((f64::from(step) - 0.5f64.powi(part.into())).abs() < 1e-5, "a step of {step} at {at}");
            found.push((at as u64, part - 1, on));
        }
        before = *x;
    }
    assert_eq!(found, wanted);
}

#[test]
fn a_rack_gives_the_same_bits_at_every_buffer_size() {
    let rack = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches/racks/sixteen.toml");
    let score = song();
    let bits = |buffers| rendered(&rack, &score, 48_000, buffers, 2).into_iter().map(f32::to_bits).collect::<Vec<_>>();
    let want = bits(Buffers::Fixed(64));
    for buffers in [Buffers::Fixed(64), Buffers::Fixed(512), Buffers::Random { seed: 7, max: 900 }] {
        let other = want.iter().zip(&bits(buffers)).position(|(a, b)| a != b);
        assert_eq!(other, None, "the first other sample with {buffers:?}");
    }
}

/// Two beats in which each of sixteen channels plays a chord, drums on the tenth.
fn song() -> Score {
    let mut track = vec![tempo(0, 600_000)];
    let keys = |channel: u8| if channel == 9 { [36, 42, 38] } else { [48 + channel % 5, 55 + channel % 5, 64 + channel % 5] };
    for channel in 0..16 {
        keys(channel).into_iter().for_each(|key| track.push(note(u32::from(channel % 3 == 0), channel, key, 96)));
    }
    track.push(tempo(240, 400_000));
    for channel in 0..16 {
        keys(channel).into_iter().for_each(|key| track.push(note(u32::from(channel % 4 == 0) * 60, channel, key, 0)));
    }
    track.push(end(240));
    Score::from_midi_file(&file(Format::SingleTrack, beats(480), vec![track])).unwrap()
}

#[test]
fn slots_go_to_channels_of_the_device_and_render_writes_them() {
    let stage = Stage::new(&[("a.toml", &crate::racks::level(0.25)), ("b.toml", &crate::racks::level(0.5))]);
    stage.write("rack.toml", "format = 1\n[slots.a]\npatch = \"a.toml\"\n[slots.b]\npatch = \"b.toml\"\nout = [3, 4]\n");
    let rack = stage.folder.join("rack.toml");
    let empty = Score::from_midi_file(&file(Format::SingleTrack, beats(480), vec![vec![end(0)]])).unwrap();
    let heard = rendered(&rack, &empty, 960, Buffers::Fixed(64), 4);
    assert_eq!(heard[4 * 900..4 * 901], [0.25, 0.25, 0.5, 0.5]);
    let out = stage.folder.join("out.wav");
    let render = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rackd"));
        let done = command.arg("render").arg(&rack).args(["--for", "100ms", "-o"]).arg(&out).args(more).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        (std::fs::read(&out).unwrap(), hound::WavReader::open(&out).unwrap().spec().channels)
    };
    let (first, channels) = render(&[]);
    assert_eq!(channels, 4);
    assert_eq!(render(&["--buffer", "77"]).0, first, "byte by byte");
    assert_eq!(render(&["--channels", "2"]).1, 2);
}

/// The racks that are shipped.
fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches/racks");
    let mut all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 3);
    all
}

/// A key that plays a slot, if its patch takes any.
fn key_of(patch: &Patch, keys: (u8, u8)) -> Option<u8> {
    fn first(sum: &Sum) -> Option<u8> {
        sum.terms.iter().flat_map(|term| &term.sources).find_map(|source| match source {
            Source::Keys(KeySource::Key(key)) => Some(*key),
            Source::Group(sum) => first(sum),
            _ => None,
        })
    }
    if patch.note.is_some() {
        return Some(57u8.clamp(keys.0, keys.1));
    }
    patch.modules.iter().flat_map(|module| &module.inputs).find_map(first)
}

fn run(control: &mut Control, engine: &mut Engine, frames: usize) -> f32 {
    let mut peak = 0.0f32;
    let mut out = [0.0; 2 * 512];
    for _ in 0..frames.div_ceil(512) {
        engine.run(&[], 0, &mut out, 2);
        control.tick();
        peak = out.iter().fold(peak, |peak, x| peak.max(x.abs()));
    }
    peak
}

#[test]
fn each_part_of_each_shipped_rack_sounds_and_ends() {
    for rack in shipped() {
        let name = rack.display();
        let (mut control, mut engine) = settled(&rack);
        let (model, _) = control.rack().map(|(rack, file)| (rack.clone(), file.cloned())).unwrap();
        assert!(!model.name.is_empty() && !model.description.is_empty(), "{name}");
        let mut parts = 0;
        for spec in &model.slots {
            let slot = control.slots().iter().position(|slot| slot.name == spec.name).unwrap();
            let Some(key) = spec.zone.listens.then(|| key_of(&control.slots()[slot].written, spec.zone.keys)).flatten() else { continue };
            parts += 1;
            // All others are shut, so that it is this one that is heard.
            control.say(me(), &format!("/{}/solo", spec.name), &[Value::Integer(1)]);
            let channel = spec.zone.channel.unwrap_or(1) - 1;
            control.midi_message(Client::port(0), MidiMessage::NoteOn { channel, key, velocity: spec.zone.velocity.1.min(110) }, When::Now);
            let peak = run(&mut control, &mut engine, 24_000);
            assert!((0.01..0.9).contains(&peak), "{name}: {} peaks at {peak}", spec.name);
            control.midi_message(Client::port(0), MidiMessage::NoteOff { channel, key, velocity: 64 }, When::Now);
            control.say(me(), &format!("/{}/solo", spec.name), &[Value::Integer(0)]);
        }
        assert!(parts >= 2, "{name}");
        run(&mut control, &mut engine, 12 * RATE as usize);
        let rest = run(&mut control, &mut engine, 24_000);
        assert!(rest < 1e-3, "{name} goes on at {rest}");
        assert_eq!(engine_voices(&control), 0, "{name}");
    }
}

fn engine_voices(control: &Control) -> u32 {
    control.shown().voices.load(Relaxed)
}

/// A chord on every part at once, as hard as a score has it: not a frame for the limiter.
#[test]
fn all_parts_together_do_not_clip() {
    for rack in shipped() {
        let name = rack.display();
        let (mut control, mut engine) = settled(&rack);
        let model = control.rack().map(|(rack, _)| rack.clone()).unwrap();
        for spec in &model.slots {
            let slot = control.slots().iter().position(|slot| slot.name == spec.name).unwrap();
            let Some(key) = spec.zone.listens.then(|| key_of(&control.slots()[slot].written, spec.zone.keys)).flatten() else { continue };
            let chords = control.slots()[slot].written.note.is_some();
            for step in if chords { vec![0u8, 4, 7] } else { vec![0, 2, 6] } {
                let key = (key + step).clamp(spec.zone.keys.0, spec.zone.keys.1);
                let channel = spec.zone.channel.unwrap_or(1) - 1;
                let velocity = spec.zone.velocity.1.min(100);
                control.midi_message(Client::port(0), MidiMessage::NoteOn { channel, key, velocity }, When::Now);
            }
        }
        let peak = run(&mut control, &mut engine, 96_000);
        assert_eq!(control.shown().limited.load(Relaxed), 0, "{name}: peak {peak}");
        assert!((0.1..0.97).contains(&peak), "{name}: peak {peak}");
    }
}

/// A copy of all that is shipped, so that what is saved harms nothing.
fn copied() -> Stage {
    let stage = Stage::new(&[]);
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches");
    for below in ["", "racks/"] {
        for entry in std::fs::read_dir(patches.join(below)).unwrap().map(Result::unwrap) {
            if let Some(name) = entry.file_name().to_str().filter(|name| name.ends_with(".toml")) {
                stage.write(&format!("{below}{name}"), &std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    stage
}

#[test]
fn every_line_in_the_comments_of_a_rack_works() {
    for rack in shipped() {
        let name = rack.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&rack).unwrap();
        assert_eq!(text.lines().next(), Some("#:schema ../../schema/rack.json"), "{name}");
        let mut stage = copied();
        stage.load(&format!("racks/{name}"));
        let (mut plays, mut sends) = (0, 0);
        for line in text.lines().filter_map(|line| line.strip_prefix("#   rackd ")) {
            let words = words(line.split("  ").next().unwrap());
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            if let ["play" | "render", file, ..] = words[..] {
                assert_eq!(file, format!("patches/racks/{name}"), "{line}");
                plays += 1;
                continue;
            }
            let ["send", address, ref values @ ..] = words[..] else { panic!("{name}: what is this? {line}") };
            let values: Vec<Value> = values.iter().map(|word| guess(word)).collect();
            let mut answers = stage.desk.control.say(me(), address, &values);
            stage.desk.run(4_800);
            answers.append(&mut stage.desk.later);
            assert!(answers.iter().all(|answer| answer.address != "/fail"), "{name}: {line}: {answers:?}");
            sends += 1;
        }
        assert!(plays >= 1 && sends >= 2, "{name} does not say how to play it");
    }
}

#[test]
fn a_slot_that_comes_back_is_sent_to_again() {
    let mut stage = Stage::new(&[
        ("a.toml", &crate::racks::level(0.25)),
        ("through.toml", "format = 1\n[in]\n[out]\nin = \"in\"\n"),
        (
            "rack.toml",
            "format = 1\n[slots.a]\npatch = \"a.toml\"\nsends = { bus = \"-6.0206 dB\" }\n[slots.bus]\npatch = \"through.toml\"\n",
        ),
    ]);
    stage.load("rack.toml");
    let hears = |desk: &mut Desk| {
        desk.run(4_800);
        (desk.run(64)[63] * 1000.0).round()
    };
    assert_eq!(hears(&mut stage.desk), 375.0);
    stage.desk.quietly("/rack/unload bus");
    assert_eq!(hears(&mut stage.desk), 250.0);
    stage.desk.later.clear();
    stage.load("through.toml bus");
    assert_eq!(hears(&mut stage.desk), 375.0);
    // A rack that sends elsewhere, as the file says; what was turned by hand stays.
    stage.desk.quietly("/bus/level -6.0206");
    stage.write("rack.toml", "format = 1\n[slots.a]\npatch = \"a.toml\"\nout = \"bus\"\n[slots.bus]\npatch = \"through.toml\"\n");
    stage.desk.quietly("/rack/reload");
    assert_eq!(hears(&mut stage.desk), 125.0);
}
