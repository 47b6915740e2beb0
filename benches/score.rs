//! How long a score of a million notes takes from its file to the stand, what memory it keeps and what it needs on the way; then to
//! be written again. `cargo bench --bench score`, with another number of notes behind `--`.
#![allow(missing_docs, unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use midly::num::{u4, u7, u15, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};
use rackd::control::peers::Peer;
use rackd::control::{Control, Options};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::patch::Zone;
use rackd::plan;
use rackd::score::stand::lock;
use rackd::score::written::Written;
use rackd::score::{ScoreFile, Stand, file};
use rackd::wire::packet::Bundle;
use rackd::wire::{Arg, Message, Packet, encode};

/// Counts the bytes that are in use, and the most so far.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn taken(bytes: usize) {
    MOST.fetch_max(IN_USE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        taken(size);
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The same notes in each kind of file: sixteenths on sixteen channels.
fn files(notes: usize) -> [(&'static str, Vec<u8>); 3] {
    let key = |note: usize| 36 + (note * 7 % 48) as u8;
    let mut text = "format = 1\ntempo = 120\n".to_owned();
    let mut bundles = Vec::new();
    let mut tracks = Vec::new();
    for part in 0..16 {
        text += &format!("\n[[track]]\nslot = \"s{part}\"\nnotes = [\n");
        let mut track = Vec::new();
        for note in (part..notes).step_by(16) {
            let beat = (note / 16) as f64 / 4.0;
            text += &format!("  [{beat}, {}, 0.8, 0.25],\n", key(note));
            let kind = |on: u8| TrackEventKind::Midi {
                channel: u4::new(part as u8),
                message: MidiMessage::NoteOn { key: u7::new(key(note)), vel: u7::new(on) },
            };
            track.extend([(0, 100), (24, 0)].map(|(delta, on)| TrackEvent { delta: u28::new(delta), kind: kind(on) }));
        }
        track.push(TrackEvent { delta: u28::new(0), kind: TrackEventKind::Meta(MetaMessage::EndOfTrack) });
        tracks.push(track);
        text += "]\n";
    }
    for note in 0..notes {
        let seconds = (note / 16) as f64 / 8.0;
        let message = Message::new(format!("/s{}/note", note % 16), vec![Arg::Int(key(note).into()), Arg::Float(0.8), Arg::Float(0.125)]);
        let bundle = Packet::Bundle(Bundle { time: (seconds * 4_294_967_296.0) as u64, elements: vec![Packet::Message(message)] });
        let packet = encode(&bundle);
        bundles.extend((packet.len() as u32).to_be_bytes());
        bundles.extend(packet);
    }
    let mut midi = Vec::new();
    Smf { header: Header::new(Format::Parallel, Timing::Metrical(u15::new(96))), tracks }.write(&mut midi).unwrap();
    [("song.toml", text.into_bytes()), ("song.mid", midi), ("song.osc", bundles)]
}

/// For how long whoever speaks to Control waits while such a score takes its place, is fed for the first time, and is copied in slices.
fn locked(written: Written) {
    let (mut engine, doors, door) = Engine::new(48_000.0);
    let plan = plan::Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let options = Options { plan, folders: Vec::new(), running: true, peer: Peer::default() };
    let mut control = Control::new(CATALOGUE, doors, door, options);
    let patch = "format = 1\n[note]\n[voice.osc]\ntype = \"vco\"\n[out]\nin = \"osc.saw * 0.1\"\n";
    for slot in written.book.slots() {
        control.load(slot, patch, None).unwrap();
        engine.run(&[], 0, &mut [0.0; 1024], 2);
        control.tick();
    }
    let stand = Stand::set_up(&mut control).unwrap();
    let mut took = |what: &mut dyn FnMut(&mut Control)| {
        let start = Instant::now();
        what(&mut control);
        start.elapsed().as_secs_f64() * 1e3
    };
    let mut written = Some(written);
    let opened = took(&mut |control| assert!(file::open(control, &stand, written.take().unwrap()).is_empty()));
    let fed = took(&mut |control| lock(&stand).feed(control));
    let copied = took(&mut |_| drop(lock(&stand).book.slice(0, 1000).0.cloned().collect::<Vec<_>>()));
    println!(
        "  under the lock [ms]: it takes its place {opened:.3}, its first second is fed {fed:.3}, a slice is copied for saving {copied:.3}"
    );
}

fn main() {
    let notes = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let zones: Vec<(Box<str>, Zone)> =
        (0..16).map(|part| (format!("s{part}").into(), Zone { channel: Some(part + 1), ..Zone::default() })).collect();
    println!("{notes} notes: file [MB], from there to a score that can be played, best of 3 [s], kept [MB], most on the way [MB]");
    let files = files(notes);
    for (way, file) in [("as notes", 0), ("as notes", 1), ("as messages", 1), ("as messages", 2)] {
        let (name, bytes) = &files[file];
        let (mut best, mut kept, mut most) = (f64::MAX, 0, 0);
        for turn in 0..3 {
            let before = IN_USE.load(Relaxed);
            MOST.store(before, Relaxed);
            let start = Instant::now();
            // What is measured is a file: so it is copied first, as a file is read.
            let bytes = bytes.clone();
            let score = match way {
                "as notes" => {
                    ScoreFile::Notes(ScoreFile::notes(Path::new(name), &bytes, &zones).map_err(|wrong| format!("{wrong:?}")).unwrap().0)
                }
                _ => ScoreFile::read(Path::new(name), &bytes).map_err(|wrong| format!("{wrong:?}")).unwrap(),
            };
            drop(bytes);
            best = best.min(start.elapsed().as_secs_f64());
            (kept, most) = (IN_USE.load(Relaxed) - before, MOST.load(Relaxed) - before);
            if let ScoreFile::Notes(written) = score {
                assert_eq!(written.book.len(), notes);
                if turn == 2 && file == 0 {
                    locked(written);
                }
            }
        }
        let mega = |bytes: usize| bytes as f64 / 1e6;
        println!("{name:10} {way:12} {:7.1} {best:8.3} {:8.1} {:8.1}", mega(bytes.len()), mega(kept), mega(most));
    }
}
