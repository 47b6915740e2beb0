//! Work shared with other threads: the same bits at any number of them, and what fails fails alone.

use rackd::engine::event::Panic;
use rackd::engine::{Act, Engine, Event, NoteId, Report};
use rackd::module::isa::Level;
use rackd::plan::{Options, compile};

use crate::phrase::pieces;
use crate::rig::{RATE, parsed};

/// So many other threads, and whether they are given everything that can be given.
#[derive(Clone, Copy, Debug)]
struct Help {
    others: usize,
    always: bool,
}

/// Frames that each render lasts.
const FRAMES: usize = 14_000;

/// What a rack of slots plays, called in buffers by chance, with notes, a panic and a reload in each slot.
fn play(texts: &[String], help: Help, seed: u64) -> (Vec<f32>, Vec<Report>) {
    let (mut engine, mut doors, mut door) = Engine::new(RATE);
    engine.employ(help.others);
    engine.share_always(help.always);
    let options = Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: help.others + 1 };
    let mut put = |engine: &mut Engine, slot: usize| {
        let (plan, _) = compile(&parsed(&texts[slot]), &options, &|_| None, None);
        assert!(door.send(slot as u8, plan).is_ok());
        engine.run(&[], 0, &mut [], 2);
        door.collect();
    };
    (0..texts.len()).for_each(|slot| put(&mut engine, slot));
    let mut events: Vec<Event> = Vec::new();
    for slot in 0..texts.len() as u8 {
        for n in 0..24u64 {
            let at = 37 + 431 * n + 89 * u64::from(slot);
            let (id, number) = (NoteId(1 + n as u32), 40 + (n * 7 + u64::from(slot) * 5) % 40);
            let pitch = (number as f32 - 60.0) / 12.0;
            let frames = 1000 + (n as u32 * 577) % 5000;
            events.push(Event { at, act: Act::NoteOn { slot, key: number as u8, id, pitch, velocity: 0.3 + 0.02 * n as f32, frames } });
        }
        events.push(Event { at: 9_000 + 61 * u64::from(slot), act: Act::Panic { slot, how: Panic::Fade } });
    }
    events.push(Event { at: 5_003, act: Act::Tempo(97.0) });
    doors.feeds[0].send(&events).expect("there is room");
    let (mut heard, mut random) = (Vec::new(), seed | 1);
    let mut reloaded = false;
    while heard.len() < 2 * FRAMES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if engine.now() >= 7_000 && !reloaded {
            // On the same frame whatever the buffers were: one more call up to there would change nothing else.
            reloaded = true;
            put(&mut engine, 0);
        }
        let most = if engine.now() < 7_000 { 7_000 - engine.now() as usize } else { FRAMES - engine.now() as usize };
        let mut out = vec![0.0; 2 * (1 + random as usize % 300).min(most)];
        engine.run(&[], 0, &mut out, 2);
        heard.extend(out);
    }
    (heard, std::iter::from_fn(|| doors.reports.pop().ok()).collect())
}

fn first_other(a: &[f32], b: &[f32]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let texts: Vec<String> = pieces().into_iter().map(|piece| piece.text).collect();
    for texts in texts.chunks(6) {
        let (want, told) = play(texts, Help { others: 0, always: false }, 7);
        assert!(want.iter().any(|x| x.abs() > 1e-3), "it must sound");
        for (others, always) in [(1, true), (1, false), (3, true)] {
            let help = Help { others, always };
            let (got, reports) = play(texts, help, 11 + others as u64);
            assert_eq!(first_other(&want, &got), None, "first other sample, with {help:?}");
            assert_eq!(reports, told, "with {help:?}");
        }
    }
}

#[test]
fn a_slot_alone_is_shared_too() {
    let text = "format = 1\n[note]\nvoices = 96\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\nrelease = \"300 ms\"\n\
                [voice.filter]\ntype = \"ladder\"\nin = \"osc.saw\"\ncutoff = \"400 Hz + env * 3 oct\"\n[out]\nin = \"filter * env * 0.05\"\n";
    let texts = [text.to_owned()];
    let (want, told) = play(&texts, Help { others: 0, always: false }, 3);
    for others in [1, 3] {
        let (got, reports) = play(&texts, Help { others, always: true }, 5);
        assert_eq!(first_other(&want, &got), None, "first other sample, with {others}");
        assert_eq!(reports, told);
    }
}
