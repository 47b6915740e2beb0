//! rackd inside another program: an engine, its Control and a sound device of one's own, a knob that is turned, a note, meters, and code
//! of one's own once a block.
//!
//! `cargo run --release --example embed`; with `silent` behind it, without a sound device.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Origin, Value};
use rackd::engine::event::Mix;
use rackd::engine::{Act, Engine, Event};
use rackd::host::{Audio, Choice, Hooked, HostName, Options, Parts};
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::osc::text;
use rackd::{control, plan};

const PATCH: &str = r#"
format = 1
[note]
voices = 4
[controls]
tone = { default = "400 Hz", min = "100 Hz", max = "8 kHz" }
[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
release = "150 ms"
[voice.filter]
type = "ladder"
in = "osc.saw"
cutoff = "tone"
resonance = 0.3
[out]
in = "filter * env * 0.2"
"#;

/// How long the last note may ring [s].
const TAIL: Duration = Duration::from_millis(500);

/// What the program has seen of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// The highest sample that the meters told.
    pub peak: f64,
    /// How often they told.
    pub meters: usize,
    /// How often the hook was called.
    pub blocks: u64,
}

/// Says a line as a client by OSC would.
fn say(control: &mut Control, line: &str) -> Result<(), Box<dyn Error>> {
    match text::answer(control, line).into_iter().find(|answer| answer.address == "/fail") {
        Some(fail) => Err(text::spell(&fail).into()),
        None => Ok(()),
    }
}

/// Plays for so long, on a device or in silence.
///
/// # Errors
/// What the system refuses, or a mistake above.
pub fn play(host: HostName, length: Duration) -> Result<Seen, Box<dyn Error>> {
    // Which device, and at which rate the engine will run for its whole life.
    let choice = Choice::make(Options { host, ..Options::default() });
    let rate = choice.rate as f32;
    let (mut engine, doors, door) = Engine::new(rate);
    let shown = Arc::clone(&doors.shown);
    let plan = plan::Options { rate, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let options = control::Options { plan, folders: Vec::new(), running: true, peer: Peer::default() };
    let mut control = Control::new(CATALOGUE, doors, door, options);
    let slot = match control.load("synth", PATCH, None) {
        Ok((slot, _)) => slot as u8,
        Err(mistakes) => return Err(mistakes.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("\n").into()),
    };
    control.settle(&mut engine);

    // Called on the audio thread before each block of 64 frames. It has a feed of its own into the engine, and may do nothing that waits.
    let mut feed = control.take_feed().ok_or("all feeds are taken")?;
    let blocks = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&blocks);
    let hook = move |now: u64| {
        count.fetch_add(1, Relaxed);
        // From side to side, twice a second.
        let turn = (now as f64 * 2.0 / f64::from(rate)).fract();
        let pan = (4.0 * (turn - 0.5).abs() - 1.0) as f32;
        let _ = feed.send(&[Event { at: 0, act: Act::Mix { slot, what: Mix::Pan, value: pan * 0.7, frames: 0 } }]);
    };
    let parts = Parts { player: Box::new(Hooked::new(engine, hook)), shown, clock: Some(control.clock().clone()), tap: None };
    let (audio, events) = Audio::start(&choice, parts)?;

    let me = Client::of(Origin::Lines);
    say(&mut control, "/sub /meter/master 20")?;
    say(&mut control, "/synth/note/on first A3 0.8")?;
    let mut seen = Seen::default();
    let began = Instant::now();
    let mut ended = false;
    while began.elapsed() < length + TAIL {
        if !ended && began.elapsed() >= length {
            say(&mut control, "/synth/note/off first")?;
            ended = true;
        }
        // A knob, along its travel from 0 to 1.
        let place = (began.elapsed().as_secs_f64() / length.as_secs_f64()).min(1.0);
        control.say(me, "/n/synth/tone", &[Value::Number(place)]);
        for (_, message) in control.tick() {
            if let ("/meter/master", [Value::Number(left), Value::Number(right), ..]) = (message.address.as_str(), &message.values[..]) {
                seen.peak = seen.peak.max(left.max(*right));
                seen.meters += 1;
            }
        }
        for event in events.try_iter() {
            println!("{event}");
        }
        sleep(Duration::from_millis(3));
    }
    drop(audio);
    seen.blocks = blocks.load(Relaxed);
    Ok(seen)
}

fn main() -> Result<(), Box<dyn Error>> {
    let silent = std::env::args().nth(1).is_some_and(|word| word == "silent");
    let seen = play(if silent { HostName::Silent } else { HostName::Auto }, Duration::from_secs(4))?;
    println!("{} blocks, {} meters, peak {:.1} dBFS", seen.blocks, seen.meters, 20.0 * seen.peak.log10());
    Ok(())
}
