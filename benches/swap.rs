//! What a reload costs the callback in which it happens, and the blocks after it; and how much memory patches take.
//!
//! A plan that waits is taken in by a call without frames, which is timed alone; then blocks of 64 frames are timed, the first of which
//! finds everything new, and those of the next 10 ms, in which what jumps fades. Plans are compiled on another thread, as Control does.
//! `cargo bench --bench swap`; with `--memory` after `--` the memory alone, with `--quick` no patch of 10,000 modules.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

#[path = "large/mod.rs"]
mod large;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use large::Version;
use rackd::engine::doors::Doors;
use rackd::engine::{Act, Engine, Event, NoteId, PlanDoor};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::patch::Patch;
use rackd::plan::{Before, Options, Outline, SlotPlan, compile};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_add(size, Relaxed);
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn options(width: Option<usize>) -> Options {
    Options { rate: 48_000.0, level: Level::detect(), width, shares: 1, tempo: 120.0 }
}

fn parsed(text: &str) -> Patch {
    let (patch, diagnostics) = rackd::patch::parse(text, &CATALOGUE);
    patch.unwrap_or_else(|| panic!("{diagnostics:?}"))
}

/// Blocks timed after a swap: those of the fades, and the neighbours that it is compared with.
const FADING: usize = 7;
const CALM: usize = 8;

/// Swaps between two patches, back and forth; gives what the swap, the first block and a fading block cost more than their neighbours [us].
struct Swaps {
    engine: Engine,
    door: PlanDoor,
    _doors: Doors,
    patches: [Patch; 2],
    outline: Outline,
    at: usize,
    out: Vec<f32>,
}

impl Swaps {
    fn new(patches: [Patch; 2]) -> Self {
        let (engine, mut doors, mut door) = Engine::new(48_000.0);
        let (plan, outline) = compile(&patches[0], &options(None), &|_| None, None);
        assert!(door.send(0, plan).is_ok());
        for voice in 0..16 {
            let pitch = voice as f32 / 12.0;
            let on = Act::NoteOn { slot: 0, key: 60 + voice as u8, id: NoteId(voice), pitch, velocity: 1.0, frames: 0 };
            doors.feeds[0].send(&[Event { at: 0, act: on }]).unwrap();
        }
        let mut swaps = Self { engine, door, _doors: doors, patches, outline, at: 0, out: vec![0.0; 128] };
        (0..24).for_each(|_| {
            swaps.block();
        });
        swaps
    }

    /// Runs a block; how long it took [us].
    fn block(&mut self) -> f64 {
        let start = Instant::now();
        self.engine.run(&[], 0, &mut self.out, 2);
        start.elapsed().as_secs_f64() * 1e6
    }

    fn swap(&mut self) -> [f64; 4] {
        let next = 1 - self.at;
        let before = Before { patch: &self.patches[self.at], outline: &self.outline };
        let patch = &self.patches[next];
        let (plan, outline): (Box<SlotPlan>, Outline) =
            std::thread::scope(|scope| scope.spawn(|| compile(patch, &options(None), &|_| None, Some(before))).join().unwrap());
        (self.outline, self.at) = (outline, next);
        self.block();
        self.block();
        assert!(self.door.send(0, plan).is_ok());
        let start = Instant::now();
        self.engine.run(&[], 0, &mut [], 2);
        let swap = start.elapsed().as_secs_f64() * 1e6;
        let first = self.block();
        let fading = median((0..FADING).map(|_| self.block()).collect());
        let calm = median((0..CALM).map(|_| self.block()).collect());
        self.door.collect();
        [swap, first - calm, fading - calm, calm]
    }
}

fn median(mut list: Vec<f64>) -> f64 {
    list.sort_by(f64::total_cmp);
    list[list.len() / 2]
}

fn times(sizes: &[usize]) {
    println!(
        "A reload [us]: the swap alone, and what a block costs more than its neighbours: the first after it, one of the next {FADING}"
    );
    println!("                          swap alone          first block    fading block   block itself");
    println!("                       median      max       median           median         median");
    for modules in sizes {
        for part in ["global", "voice"] {
            for version in [Version::First, Version::One, Version::Half, Version::All] {
                let patches = [Version::First, version].map(|version| parsed(&large::patch(*modules, part, version)));
                let mut swaps = Swaps::new(patches);
                let rounds = (40_000 / modules).clamp(12, 60);
                let taken: Vec<[f64; 4]> = (0..rounds).map(|_| swaps.swap()).collect();
                let of = |which: usize| median(taken.iter().map(|took| took[which]).collect());
                let most = taken.iter().fold(0.0, |most: f64, took| most.max(took[0]));
                println!(
                    "{modules:6} {part:6} {:6} {:9.1} {most:9.1}    {:9.1}        {:9.1}     {:9.1}",
                    format!("{version:?}"),
                    of(0),
                    of(1),
                    of(2),
                    of(3)
                );
            }
        }
    }
}

/// Bytes that are in use more after some work, while what it gives is there.
fn bytes<T>(work: impl FnOnce() -> T) -> usize {
    let before = IN_USE.load(Relaxed);
    let kept = work();
    let used = IN_USE.load(Relaxed) - before;
    drop(kept);
    used
}

/// Bytes of a plan of so many modules of a kind, without what Control knows of it.
fn plan_bytes(kind: &str, part: &str, count: usize, voices: usize, width: Option<usize>) -> usize {
    let modules: String = (0..count).map(|at| format!("[{part}.m{at}]\ntype = \"{kind}\"\n")).collect();
    let note = if part == "voice" { format!("[note]\nvoices = {voices}\n") } else { String::new() };
    let sent = if part == "voice" { "note.gate" } else { "0" };
    let patch = parsed(&format!("format = 1\n{note}{modules}[out]\nin = \"{sent}\"\n"));
    bytes(|| compile(&patch, &options(width), &|_| None, None).0)
}

/// What a module more costs, measured as the difference between 60 and 10 of them.
fn per_module(kind: &str, part: &str, voices: usize, width: Option<usize>) -> usize {
    (plan_bytes(kind, part, 60, voices, width) - plan_bytes(kind, part, 10, voices, width)) / 50
}

fn memory(widths: &[usize]) {
    println!("\nMemory of one module in a plan [bytes]: kernel, sums, knobs and wires, with as many voices as lanes");
    print!("{:14}{:>12}", "", "global");
    widths.iter().for_each(|width| print!("{:>12}", format!("{width} lanes")));
    println!();
    for kind in CATALOGUE.iter() {
        print!("{:14}{:>12}", kind.name, per_module(kind.name, "global", 1, None));
        for width in widths {
            match kind.per_voice() {
                true => print!("{:>12}", per_module(kind.name, "voice", *width, Some(*width))),
                false => print!("{:>12}", "-"),
            }
        }
        println!();
    }
    let w2 = |voices: usize| {
        let patch = parsed(&include_str!("workloads/w2.toml").replace("voices = 128", &format!("voices = {voices}")));
        bytes(|| compile(&patch, &options(None), &|_| None, None).0)
    };
    println!("\nA voice of benches/w2.toml: {} bytes; the whole plan with 128 voices: {} bytes", (w2(256) - w2(128)) / 128, w2(128));
    for modules in [1_000, 10_000] {
        for part in ["global", "voice"] {
            let patch = parsed(&large::patch(modules, part, Version::First));
            let mut outline = None;
            let plan = bytes(|| {
                let (plan, kept) = compile(&patch, &options(None), &|_| None, None);
                outline = Some(kept);
                plan
            });
            let outline = bytes(|| outline.clone());
            println!("{modules:6} modules, {part:6}: plan {:8} KB, what Control keeps of it {:8} KB", plan / 1024, outline / 1024);
        }
    }
}

fn main() {
    let has = |word: &str| std::env::args().any(|other| other == word);
    if !has("--memory") {
        times(if has("--quick") { &[10, 1_000] } else { &[10, 1_000, 10_000] });
    }
    memory(&[1, 8, 16]);
}
