//! The audio thread neither allocates nor frees: every patch is played, turned, swapped and ended while every call is counted.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rackd::engine::event::{ALL_SLOTS, Mix, Panic};
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::outline::NoteValue;
use rackd::plan::{Before, KnobId, Options, compile};

mod host;
mod intake;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    // A thread that is ending has no cells any more: it is not the one that is watched.
    let _ = WATCHED.try_with(|watched| {
        if watched.get() {
            let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
        }
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs something and gives how often it allocated or freed.
fn calls(work: impl FnOnce()) -> usize {
    CALLS.set(0);
    WATCHED.set(true);
    work();
    WATCHED.set(false);
    CALLS.get()
}

#[test]
fn the_count_counts() {
    let mut kept = Vec::new();
    assert_eq!(calls(|| kept.push(1)), 1);
    assert_eq!(calls(|| drop(kept)), 1);
}

fn patches() -> Vec<(String, String)> {
    let mut found: Vec<_> = ["patches", "patches/tutorial"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn no_patch_allocates_on_the_audio_thread() {
    let patches = patches();
    assert!(patches.len() >= 10, "the patches are not where they were");
    for (name, text) in patches {
        let patch = rackd::patch::parse(&text, &CATALOGUE).0.unwrap();
        let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0 };
        let (mut engine, mut doors, mut door) = Engine::new(48_000.0);
        let (plan, outline) = compile(&patch, &options, &|_| None, None);
        assert!(door.send(0, plan).is_ok());
        let mut out = vec![0.0; 2 * 333];
        let input = vec![0.1; 2 * 333];
        let mut counted = 0;
        for round in 0..240u32 {
            let now = engine.now();
            let mut send = |offset: u64, act| doors.feeds[(round % 3) as usize].send(&[Event { at: now + offset, act }]).unwrap();
            let id = NoteId(round);
            send(
                7,
                Act::NoteOn {
                    slot: 0,
                    key: (36 + round % 40) as u8,
                    id,
                    pitch: (round % 24) as f32 / 12.0 - 1.0,
                    velocity: 0.8,
                    frames: 3000,
                },
            );
            send(7, Act::NoteSet { slot: 0, id, what: NoteValue::Source(rackd::module::NoteSource::Bend), value: 0.1 });
            for knob in 0..outline.knobs.len() as u32 {
                if knob % 7 == round % 7 {
                    let value = outline.knobs[knob as usize].value;
                    send(u64::from(knob) % 300, Act::Knob { slot: 0, knob: KnobId(knob), value, beats: false, frames: round % 3 * 1_111 });
                    send(250, Act::NoteSet { slot: 0, id, what: NoteValue::Knob(KnobId(knob)), value });
                }
            }
            send(100, Act::Mix { slot: 0, what: Mix::Level, value: 0.5, frames: round % 2 * 500 });
            send(120, Act::Tempo(90.0 + round as f32));
            if round % 50 == 49 {
                let how = [Panic::Release, Panic::Fade, Panic::Cut][round as usize / 50 % 3];
                send(150, Act::Panic { slot: ALL_SLOTS, how });
            }
            if round % 30 == 29 {
                // Something to drop, and something that stays.
                send(5000, Act::NoteOn { slot: 0, key: 60, id: NoteId(1000 + round), pitch: 0.0, velocity: 0.8, frames: 0 });
                send(
                    5000,
                    Act::Knob {
                        slot: 0,
                        knob: KnobId(0),
                        value: outline.knobs.first().map_or(0.0, |it| it.value),
                        beats: false,
                        frames: 0,
                    },
                );
                send(6000, Act::Sync(round));
                send(0, Act::Clear);
            }
            if round % 20 == 19 {
                door.collect();
                let before = Before { patch: &patch, outline: &outline };
                let (plan, _) = compile(&patch, &options, &|_| None, Some(before));
                assert!(door.send(0, plan).is_ok());
            }
            while doors.reports.pop().is_ok() {}
            counted += calls(|| engine.run(&input, 2, &mut out, 2));
        }
        assert_eq!(counted, 0, "{name}");
    }
}
