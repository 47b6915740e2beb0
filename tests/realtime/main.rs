//! The audio thread neither allocates nor frees: every patch is played, turned, swapped and ended while every call is counted.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use rackd::control::rack_file::{Including, Within};
use rackd::engine::event::{ALL_SLOTS, Mix, Panic};
use rackd::engine::{Act, Engine, Event, NoteId, Report};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::mixer::{Lead, Tap, To};
use rackd::plan::outline::NoteValue;
use rackd::plan::{Before, KnobId, MixPlan, Options, compile};

mod hook;
mod host;
mod intake;
mod midi;
mod recording;
mod score;
mod streams;

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
    let mut found: Vec<_> = ["patches", "patches/parts", "patches/tutorial"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .collect();
    found.sort();
    // Every way in which notes become voices, with fewer of these than notes.
    let notes = [
        "voices = 5\nsteal = 'quietest'\nunison = 2\nglide = '20 ms'\nglide_mode = 'rate'",
        "voices = 3\nsteal = 'same'\npriority = 'low'",
        "voices = 9\nsteal = 'never'",
        "mode = 'legato'\nunison = 3\nglide = '20 ms'\npriority = 'high'",
        "mode = 'mono'\ngate = 'lfo.square'\npitch = 'C4 + lfo * 1 oct'",
        "voices = 2\ngate = '1/32'\nvelocity = 'lfo'",
    ];
    let modules = "[global.lfo]\ntype = 'lfo'\nrate = '40 Hz'\n[voice.osc]\ntype = 'vco'\n[voice.env]\ntype = 'adsr'\n";
    found.extend(notes.map(|note| (note.to_owned(), format!("format = 1\n[note]\n{note}\n{modules}[out]\nin = 'osc * env * 0.1'\n"))));
    // Steady sines that are only added up, which one step works out.
    let names: Vec<String> = (0..12).map(|number| format!("s{number}")).collect();
    let sines: String = names.iter().map(|name| format!("[global.{name}]\ntype = 'vco'\n")).collect();
    let sum: Vec<String> = names.iter().map(|name| format!("{name}.sine * 0.05")).collect();
    found.push(("sines".to_owned(), format!("format = 1\n{sines}[out]\nin = '{}'\n", sum.join(" + "))));
    found
}

#[test]
fn no_patch_allocates_on_the_audio_thread() {
    let patches = patches();
    assert!(patches.len() >= 10, "the patches are not where they were");
    for (name, text) in patches {
        let files = Including { within: Within::Anywhere, file: Some(Path::new(&name)) };
        let patch = rackd::patch::parse_with(&text, &CATALOGUE, &files).patch.unwrap();
        let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
        let (mut engine, mut doors, mut door) = Engine::new(48_000.0);
        // Nobody reads it: it fills up, and goes on.
        let _journal = engine.keep_journal();
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
            // The transport: loops, swing, nudges, clicks, and pauses in which it stands for some rounds.
            let transport = [
                Act::Loop { start: 0.0, end: 1.0 },
                Act::Swing { share: 0.62, step: 0.25 },
                Act::Nudge(0.02),
                Act::Metronome { level: 0.1, start: 0.0, step: 1.0, bar: 4 },
                Act::Pause(true),
                Act::Locate { beat: 3.5, place: round },
                Act::Pause(false),
                Act::Run(false),
                Act::CountIn(1.0),
                Act::RunWith { stamp: 0, latest: 0 },
            ];
            send(200, transport[round as usize / 2 % transport.len()]);
            engine.heard(1_000_000);
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

/// A rack in which everything changes: ways come and go, sends glide, slots are loaded and unloaded.
#[test]
fn a_rack_that_is_mixed_anew_does_not_allocate_on_the_audio_thread() {
    let texts = [
        "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\n[out]\nin = \"osc.saw * env * 0.2\"\n",
        "format = 1\n[in]\n[global.space]\ntype = \"delay\"\nin = \"in\"\n[out]\nin = \"space\"\n",
    ];
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let plan = |slot: u8| {
        let patch = rackd::patch::parse(texts[usize::from(slot > 2)], &CATALOGUE).0.unwrap();
        compile(&patch, &options, &|_| None, None).0
    };
    let send = |from, tap, to| Lead { from, tap, to: To::Slot(to) };
    let mixes: [Vec<Lead>; 4] = [
        MixPlan::initial(),
        vec![Lead::out(0, To::Slot(3)), Lead::out(1, To::Channels(2, Some(9))), send(2, Tap::PreSend, 4), Lead::out(3, To::Slot(4))],
        vec![
            Lead::out(0, To::Channels(1, None)),
            send(0, Tap::Send, 3),
            send(1, Tap::Send, 3),
            send(3, Tap::Send, 4),
            Lead::out(4, To::Master),
        ],
        (0..64).flat_map(|from| (from + 1..64).map(move |to| Lead { from, tap: Tap::Send, to: To::Slot(to) })).collect(),
    ];
    let (mut engine, mut doors, mut door) = Engine::new(48_000.0);
    let (mut now, mut on) = (0, [false; 5]);
    let mut out = vec![0.0; 4 * 333];
    let (mut counted, mut mixed, mut unloaded, mut ended, mut lacking) = (0, 0, 0, 0, 0);
    for round in 0..400u32 {
        let at = engine.now();
        let mut act = |offset: u64, act| doors.feeds[0].send(&[Event { at: at + offset, act }]).unwrap();
        let (slot, other) = ((round % 5) as u8, (round * 3 % 5) as u8);
        act(3, Act::NoteOn { slot, key: 60, id: NoteId(round), pitch: 0.0, velocity: 0.8, frames: 900 });
        act(5_000, Act::NoteOn { slot, key: 61, id: NoteId(1_000 + round), pitch: 0.0, velocity: 0.8, frames: 900 });
        act(40, Act::Mix { slot, what: Mix::Send(other), value: (round % 7) as f32 / 7.0, frames: round % 3 * 700 });
        act(80, Act::Mix { slot, what: Mix::Solo, value: (round % 11 / 10) as f32, frames: 0 });
        act(80, Act::Mix { slot: other, what: Mix::Mute, value: (round % 6 / 5) as f32, frames: 0 });
        if round % 4 == 0 {
            let next = (now + 1 + round as usize / 4 % 3) % mixes.len();
            if let Some(plan) = MixPlan::new(&mixes[next], &mixes[now])
                && door.mix(plan).is_ok()
            {
                now = next;
            }
        }
        let at = usize::from(slot);
        let told = if on[at] && round % 3 == 0 { door.unload(slot) } else { door.send(slot, plan(slot)).is_ok() };
        on[at] = told && !(on[at] && round % 3 == 0) || on[at] && !told;
        counted += calls(|| engine.run(&[], 0, &mut out, 4));
        assert!(out.iter().all(|x| x.is_finite()));
        door.collect();
        while let Ok(report) = doors.reports.pop() {
            mixed += u32::from(report == Report::Mixed);
            unloaded += u32::from(matches!(report, Report::Unloaded { .. }));
            ended += u32::from(matches!(report, Report::NoteEnded { .. }));
            lacking += u32::from(matches!(report, Report::NoChannel { channel: 9, .. }));
        }
    }
    assert_eq!(counted, 0);
    assert!(mixed > 50 && unloaded > 50 && ended > 200 && lacking > 5, "{mixed} {unloaded} {ended} {lacking}");
}
