//! Every shipped patch: reads without a word, does what its comments say, sounds as loud as it should, ends, and is the same
//! bit by bit however it is run.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rackd::control::{Client, Origin, Value, When};
use rackd::engine::Act;
use rackd::host::{Buffers, Offline};
use rackd::modules::CATALOGUE;
use rackd::osc::text::guess;
use rackd::patch::{self, Parsed, slot_name};
use rackd::score::{Reader, Score};

use crate::desk::{Desk, me, pair};
use crate::phrase::{Kind, PHRASE, Piece, folder, kind, pieces, troubles};
use crate::rig::{RATE, Rig, WIDTHS, Way, parsed, shipped};

#[test]
fn every_patch_reads_without_a_word() {
    for piece in pieces() {
        let Parsed { patch, diagnostics, .. } = patch::parse_with(&piece.text, &CATALOGUE, &shipped());
        assert_eq!(diagnostics, [], "{}", piece.name);
        let patch = patch.unwrap();
        assert!(!patch.name.is_empty(), "{} has no name", piece.name);
        assert!(
            patch.controls.iter().all(|control| control.text.ends_with('.')),
            "{}: a control that does not say what it does",
            piece.name
        );
        let lesson = piece.name.starts_with("tutorial/");
        assert!(lesson || !patch.description.is_empty(), "{} has no description", piece.name);
        assert!(lesson || !patch.maps.is_empty(), "{}: no controller turns anything", piece.name);
    }
}

/// The words of a line as a shell would take them.
pub fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a comment's line says, without the remark after it: commands are followed by two spaces at least.
fn command(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("#   ")?;
    let line = line.split("  ").next().unwrap().trim();
    (line.starts_with("rackd ") || line.starts_with("oscsend ")).then(|| words(line))
}

#[test]
fn every_line_in_the_comments_works() {
    for piece in pieces() {
        let name = &piece.name;
        let mut lines = piece.text.lines();
        let up = "../".repeat(1 + name.matches('/').count());
        assert_eq!(lines.next(), Some(format!("#:schema {up}schema/patch.json").as_str()), "{name}: the first line");
        let slot = slot_name(name.rsplit('/').next().unwrap());
        let mut desk = Desk::empty(vec![folder()]);
        assert!(desk.control.load(&slot, &piece.text, Some(&folder().join(format!("{name}.toml")))).is_ok(), "{name}");
        desk.run(512);
        let (mut plays, mut sends) = (0, 0);
        for line in piece.text.lines() {
            let Some(words) = command(line) else { continue };
            let (address, values): (&str, Vec<Value>) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["rackd", "play"] => continue,
                ["rackd", "play" | "render", file, ..] => {
                    assert_eq!(file, format!("patches/{name}.toml"), "{line}");
                    plays += 1;
                    continue;
                }
                ["rackd", "send", address, ref values @ ..] => (address, values.iter().map(|word| guess(word)).collect()),
                ["oscsend", "127.0.0.1", "57130", address, types, ref values @ ..] => {
                    assert_eq!(types.len(), values.len(), "{name}: {line}");
                    let value = |(kind, word): (char, &&str)| match kind {
                        'f' | 'd' => Value::Number(word.parse().unwrap()),
                        'i' => Value::Integer(word.parse().unwrap()),
                        's' => Value::Text((*word).to_owned()),
                        _ => panic!("{name}: {line}"),
                    };
                    (address, types.chars().zip(values).map(value).collect())
                }
                _ => panic!("{name}: what is this? {line}"),
            };
            sends += 1;
            assert!(
                [format!("/{slot}/"), format!("/n/{slot}/"), "/1/".into(), "/clock/".into(), "/transport/".into()]
                    .iter()
                    .any(|start| address.starts_with(start)),
                "{name}: {line}: the slot is called {slot}"
            );
            let mut answers = desk.control.say(me(), address, &values);
            desk.run(2_048);
            answers.append(&mut desk.later);
            assert!(answers.iter().all(|answer| answer.address != "/fail"), "{name}: {line}: {answers:?}");
        }
        assert!(plays >= 1 && sends >= 2, "{name} does not say how to play it");
    }
}

#[test]
fn comments_name_files_that_are_there() {
    for piece in pieces() {
        for next in piece.text.lines().take(3).filter_map(|line| line.split("Next: ").nth(1)) {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("patches/tutorial").join(next);
            assert!(file.is_file(), "{} leads on to {next}", piece.name);
        }
    }
}

fn decibels(power: f64) -> f64 {
    10.0 * libm::log10(power.max(1e-20))
}

fn power(frames: &[[f32; 2]]) -> f64 {
    frames.iter().flatten().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>() / (2 * frames.len()) as f64
}

fn peak(frames: &[[f32; 2]]) -> f32 {
    crate::rig::peak(frames.as_flattened())
}

#[test]
fn a_typical_phrase_is_as_loud_as_it_should_be_and_ends() {
    for piece in pieces() {
        let name = &piece.name;
        let mut rig = piece.rig(Way { buffer: 512, ..Way::default() });
        let heard = rig.run(PHRASE);
        let (peak_at, rms) = (peak(&heard), decibels(power(&heard)));
        assert!(heard.iter().flatten().all(|x| x.is_finite()), "{name}");
        assert_eq!(troubles(&rig), (0, 0), "{name}: frames held back by the limiter, outputs that are no number; peak {peak_at}");
        assert!(peak_at < 0.97, "{name}: peak {peak_at}");
        // Drums and a fed echo are short sounds with silence between them.
        let low = if matches!(kind(&rig.patch), Kind::Kit(_) | Kind::Effect) { -26.0 } else { -22.0 };
        assert!((low..-12.0).contains(&rms), "{name}: {rms:.1} dBFS");
        for side in 0..2 {
            let mean = heard.iter().map(|frame| f64::from(frame[side])).sum::<f64>() / heard.len() as f64;
            assert!(mean.abs() < 1e-3, "{name}: a constant part of {mean}");
        }
        let tail = rig.run(12 * RATE as usize);
        assert_eq!(troubles(&rig), (0, 0), "{name}");
        if kind(&rig.patch) == Kind::Alone {
            assert!(tail.chunks(RATE as usize).all(|second| power(second) > 1e-4), "{name} falls silent");
        } else {
            assert!(peak(&tail[tail.len() - 24_000..]) < 1e-4, "{name} goes on: {}", peak(&tail[tail.len() - 24_000..]));
            assert_eq!(rig.doors.shown.voices.load(Relaxed), 0, "{name}: voices still sound");
        }
    }
}

#[test]
fn what_plays_itself_stands_a_halted_clock() {
    for piece in pieces() {
        let mut rig = piece.rig(Way { buffer: 512, ..Way::default() });
        rig.run(24_000);
        rig.at(24_000, Act::Run(false));
        let heard = rig.run(4 * RATE as usize);
        assert!(heard.iter().flatten().all(|x| x.is_finite()) && troubles(&rig).1 == 0, "{}", piece.name);
    }
}

#[test]
fn the_same_bits_at_random_buffer_sizes_and_every_width() {
    const FRAMES: usize = 96_000;
    for piece in pieces() {
        let play = |way: Way| piece.rig(way).run(FRAMES);
        let want = play(Way { buffer: 64, ..Way::default() });
        for (seed, width) in [None].into_iter().chain(WIDTHS.map(Some)).enumerate() {
            let way = Way { width, buffer: 0, seed: 11 + seed as u64, ..Way::default() };
            let got = play(way);
            let other = want.iter().zip(&got).position(|(a, b)| a.map(f32::to_bits) != b.map(f32::to_bits));
            assert_eq!(other, None, "{}: the first other frame at {way:?}", piece.name);
        }
    }
}

/// Four hard notes on each polyphonic patch: still not a frame for the limiter.
#[test]
fn hard_chords_do_not_reach_the_limiter() {
    for piece in pieces() {
        let mut rig = Rig::with(&piece.text, Way { buffer: 512, ..Way::default() });
        if kind(&rig.patch) != Kind::Chords {
            continue;
        }
        for note in [48.0, 52.0, 55.0, 60.0] {
            rig.note(480, note, 0.9, 40_000);
        }
        let heard = rig.run(48_000);
        assert_eq!(troubles(&rig).0, 0, "{}: peak {}", piece.name, peak(&heard));
    }
}

/// A patch as `rackd render` runs it: through Control, played by two bars of a MIDI file (chords, a melody, a controller, a bend).
fn rendered(piece: &Piece, buffers: Buffers) -> Vec<u32> {
    let score = Score::from_midi_file(include_bytes!("../score.mid")).unwrap();
    let mut reader = Reader::new(Arc::new(score), RATE as u32, 0);
    let (mut control, engine) = pair(vec![folder()]);
    assert!(control.load("t", &piece.text, Some(&folder().join(format!("{}.toml", piece.name)))).is_ok(), "{}", piece.name);
    let mut bits = Vec::new();
    let mut host = Offline::new(engine, 2);
    let feed = |_, to| {
        reader.feed(to, |at, message| control.midi_message(Client::of(Origin::Score), message, When::At(at)));
        control.tick();
        Ok::<(), ()>(())
    };
    let sink = |frames: &[f32]| {
        bits.extend(frames.iter().map(|x| x.to_bits()));
        Ok(())
    };
    host.run(2 * RATE as u64, buffers, feed, sink).unwrap();
    bits
}

#[test]
fn a_score_gives_the_same_bits_at_every_buffer_size() {
    for piece in pieces() {
        let want = rendered(&piece, Buffers::Fixed(64));
        let sounds = want.iter().any(|bits| f32::from_bits(*bits).abs() > 0.05);
        // The effect is fed nothing here, and must stay silent; the score's keys strike two of the drums.
        let effect = kind(&parsed(&piece.text)) == Kind::Effect;
        assert!(sounds != effect, "{}", piece.name);
        for buffers in
            [Buffers::Fixed(16), Buffers::Fixed(113), Buffers::Fixed(512), Buffers::Fixed(4096), Buffers::Random { seed: 5, max: 900 }]
        {
            let other = want.iter().zip(&rendered(&piece, buffers)).position(|(a, b)| a != b);
            assert_eq!(other, None, "{}: the first other sample with {buffers:?}", piece.name);
        }
    }
}
