//! The lane of a score: no memory of its own, whatever it is told.

use rackd::engine::score::{AT_ONCE, Coming, Order, SEATS};
use rackd::engine::{Act, Engine, Event};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan::outline::NoteValue;
use rackd::plan::{KnobId, Options, compile};

use super::calls;

const SYNTH: &str = "format = 1\n[note]\nvoices = 16\n[controls]\namount = { default = 1, min = 0, max = 2 }\n[voice.osc]\ntype = \"vco\"\n\
    [voice.env]\ntype = \"adsr\"\n[out]\nin = \"osc.saw * env * amount * 0.1\"\n";

#[test]
fn a_flood_of_notes_values_and_jumps_does_not_allocate_on_the_audio_thread() {
    let patch = rackd::patch::parse(SYNTH, &CATALOGUE).0.unwrap();
    let options = Options { rate: 48_000.0, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (mut engine, mut doors, mut door) = Engine::new(48_000.0);
    assert!(door.send(0, compile(&patch, &options, &|_| None, None).0).is_ok());
    let mut out = vec![0.0; 2 * 333];
    let (mut chance, mut place, mut counted) = (1u64, 0u32, 0);
    let mut below = move |end: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % end
    };
    for round in 0..600u32 {
        let here = doors.shown.score.here.read().unwrap();
        let orders: Vec<Order> = (0..below(6000))
            .map(|_| {
                let seat = below(SEATS as u64) as u16;
                match below(10) {
                    8 => {
                        let (beat, tempo) = (here.beat + below(100) as f64 / 50.0, 60.0 + below(200) as f32);
                        let beat = if below(4) == 0 { AT_ONCE } else { beat };
                        Order::Act { place: (place + below(3) as u32, here.lap + below(2) as u32), beat, act: Act::Tempo(tempo) }
                    }
                    9 if below(100) == 0 => Order::ForgetActs,
                    0 => Order::Remove { seat },
                    1 => Order::Set { seat, what: NoteValue::Pitch, value: 0.5, plan: 0 },
                    2 => Order::Set { seat, what: NoteValue::Knob(KnobId(0)), value: 0.5, plan: 0 },
                    _ => {
                        let (beat, length) = (here.beat + below(100) as f64 / 50.0, below(50) as f64 / 100.0);
                        let place = place + below(3) as u32;
                        let (lap, order) = (here.lap + below(2) as u32, round);
                        Order::Add { seat, note: Coming { place, lap, beat, length, slot: 0, key: 60, pitch: 0.0, velocity: 0.8, order } }
                    }
                }
            })
            .collect();
        doors.score.send(&orders);
        let at = engine.now();
        let mut act = |offset: u64, act| doors.feeds[0].send(&[Event { at: at + offset, act }]).unwrap();
        match round % 20 {
            3 => act(100, Act::Tempo(60.0 + below(200) as f32)),
            7 => {
                place += 1;
                act(200, Act::Locate { beat: below(8) as f64, place });
            }
            11 => act(50, Act::Loop { start: 1.0, end: 1.1 }),
            15 => act(50, Act::Loop { start: 0.0, end: 0.0 }),
            _ => {}
        }
        while doors.reports.pop().is_ok() {}
        counted += calls(|| engine.run(&[], 0, &mut out, 2));
    }
    let shown = &doors.shown.score;
    let [played, dropped] = [&shown.played, &shown.dropped].map(|count| count.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(counted, 0);
    assert!(played > 2000 && dropped > 1000, "{played} {dropped}");
}
