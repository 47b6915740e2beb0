//! A process hook that speaks to the engine by a feed of its own: once a block, without memory.

use rackd::engine::event::Mix;
use rackd::engine::{Act, Engine, Event, NoteId};
use rackd::host::{Hooked, Player};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::{Options, compile};

use super::calls;

const SYNTH: &str = "format = 1\n[note]\nvoices = 8\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\n\
    [out]\nin = \"osc.saw * env * 0.1\"\n";

#[test]
fn a_hook_that_plays_does_not_allocate() {
    let patch = rackd::patch::parse(SYNTH, &CATALOGUE).0.unwrap();
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (engine, mut doors, mut door) = Engine::new(48_000.0);
    assert!(door.send(0, compile(&patch, &options, &|_| None, None).0).is_ok());
    let mut feed = doors.feeds.pop().unwrap();
    let mut blocks = 0u32;
    let mut player = Hooked::new(engine, |now: u64| {
        let pan = (now as f64 / 48_000.0).fract() as f32 * 2.0 - 1.0;
        let turned = Event { at: 0, act: Act::Mix { slot: 0, what: Mix::Pan, value: pan, frames: 0 } };
        let note = Act::NoteOn { slot: 0, key: 60, id: NoteId(blocks), pitch: 0.0, velocity: 0.8, frames: 500 };
        feed.send(&[turned, Event { at: now + 7, act: note }]).unwrap();
        blocks += 1;
    });
    let mut out = vec![0.0; 2 * 333];
    let mut peak = 0f32;
    for _ in 0..600 {
        let count = calls(|| player.run(&[], 0, &mut out, 2));
        assert_eq!(count, 0);
        peak = out.iter().fold(peak, |peak, x| peak.max(x.abs()));
        while doors.reports.pop().is_ok() {}
    }
    drop(player);
    assert_eq!(blocks, 600 * 333 / 64 + 1);
    assert!(peak > 0.05);
}
