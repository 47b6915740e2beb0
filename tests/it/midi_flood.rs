//! More MIDI than anybody plays, and ports that are pulled out at any moment: nothing hangs, and what was lost is counted.

use rackd::control::{Client, When};
use rackd::midi::Parser;

use super::desk::{Desk, me};

const RATE: usize = 48_000;
/// How long the flood lasts.
const SECONDS: u64 = 5;

/// A sine that does not begin with a step and does not end with one.
const SINE: &str = r#"
format = 1
[note]
voices = 16
[voice.osc]
type = "vco"
[voice.env]
type    = "adsr"
attack  = "2 ms"
sustain = 1
release = "10 ms"
[out]
in = "osc.sine * env * 0.02"
"#;

struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// All that was done with what came, by the sums that must hold.
fn sums(desk: &Desk) {
    let of = |name| desk.status(name);
    assert_eq!(of("messages"), of("accepted") + of("refused"));
    assert_eq!(of("events"), of("fed") + of("merged") + of("dropped") + of("waiting"));
}

#[test]
fn fifty_thousand_notes_a_second_for_five_seconds() {
    let mut desk = Desk::new(SINE);
    let port = Client::port(0);
    let (mut parser, mut chance) = (Parser::new(), Chance(11));
    // Each note ends 5 ms after it began: 250 are down at any time, on 16 channels. Running status as a sequencer would.
    let (mut heard, mut notes, mut down) = (Vec::new(), 0u64, std::collections::VecDeque::new());
    let mut most = 0;
    for block in 0..SECONDS as usize * RATE / 64 {
        let mut bytes = Vec::new();
        let until = (block as u64 + 1) * 64 * 50_000 / RATE as u64;
        while notes < until {
            let (channel, key) = (chance.below(16) as u8, 36 + chance.below(12) as u8);
            bytes.extend([0x90 | channel, key, 1 + chance.below(127) as u8]);
            down.push_back((block, channel, key));
            notes += 1;
        }
        while let Some((_, channel, key)) = down.pop_front_if(|(since, ..)| block - *since >= 4) {
            bytes.extend([0x80 | channel, key, 64]);
        }
        let control = &mut desk.control;
        parser.feed(&bytes, |message| control.midi_message(port, message, When::Now));
        heard.extend(desk.run(64));
        most = most.max(desk.status("voices"));
    }
    let mut bytes = Vec::new();
    down.drain(..).for_each(|(_, channel, key)| bytes.extend([0x80 | channel, key, 64]));
    let control = &mut desk.control;
    parser.feed(&bytes, |message| control.midi_message(port, message, When::Now));
    assert!(most <= 16, "{most} voices at once");
    assert_eq!(notes, SECONDS * 50_000);
    // 16 sines of this level at the highest key, each in within 2 ms: far below the step of one voice that is cut off, 0.02.
    let own = 16.0 * 0.02 * (std::f32::consts::TAU * 440.0 * 2f32.powf((47.0 - 69.0) / 12.0) / RATE as f32 + 1.0 / 96.0);
    let step = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0f32, f32::max);
    println!("largest step {step}, the sound's own up to {own}");
    assert!(step <= own, "a step of {step}, the sound's own are up to {own}");
    assert!(heard.iter().all(|x| x.is_finite()) && heard[RATE / 2..].iter().any(|x| x.abs() > 0.001));
    // All was taken; what was not would be counted.
    sums(&desk);
    assert_eq!((desk.status("refused"), desk.status("dropped"), desk.status("overflowed")), (0, 0, 0));
    assert_eq!(desk.status("accepted"), 2 * SECONDS as i64 * 50_000);
    let end = desk.run(RATE / 2);
    assert!(end[RATE / 4..].iter().all(|x| x.abs() < 1e-6), "all are silent");
    assert_eq!(desk.status("voices"), 0);
    // And it is alive.
    parser.feed(&[0x90, 69, 100], |message| desk.control.midi_message(port, message, When::Now));
    assert!(desk.run(RATE / 10).iter().any(|x| x.abs() > 0.005));
}

#[test]
fn a_port_that_is_pulled_out_at_any_of_a_thousand_moments_leaves_no_note() {
    let mut desk = Desk::new(SINE);
    let mut chance = Chance(5);
    let other = Client::port(1);
    for round in 0..1000u64 {
        let port = Client::port(2 + round % 3);
        let pulled = chance.below(2000);
        let mut frames = 0;
        // What came before the port went may be meant for a moment after it.
        while frames < pulled {
            let ahead = chance.below(3) * 300;
            let now = desk.control.shown().now();
            let at = if ahead == 0 { When::Now } else { When::At(now + ahead) };
            let (channel, key) = (chance.below(3) as u8, 48 + chance.below(24) as u8);
            let bytes = match chance.below(8) {
                0..=3 => [0x90 | channel, key, 100],
                4..=5 => [0x80 | channel, key, 0],
                6 => [0xb0 | channel, 64, 127],
                _ => [0xb0 | channel, [66, 64][chance.below(2) as usize], chance.below(128) as u8],
            };
            Parser::new().feed(&bytes, |message| desk.control.midi_message(port, message, at));
            let step = 16 + chance.below(200) as usize;
            desk.run(step);
            frames += step as u64;
        }
        if round % 100 == 0 {
            // Another's note is nobody's business.
            Parser::new().feed(&[0x90, 60, 100], |message| desk.control.midi_message(other, message, When::Now));
        }
        desk.control.gone(port);
        if round % 100 == 0 {
            assert_ne!(desk.run(4800)[4700..], [0.0; 100], "the other's sounds on");
            desk.control.gone(other);
        }
        // 600 frames that it may lie ahead, and the release.
        let after = desk.run(600 + 64 + 480 + 256);
        let quiet = after[after.len() - 64..].iter().all(|x| x.abs() < 1e-6);
        assert!(quiet, "round {round}: {} voices sound on", desk.status("voices"));
        assert_eq!(desk.control.say(me(), "/ping", &[]).len(), 1);
    }
    sums(&desk);
}
