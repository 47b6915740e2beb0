//! A keyboard at a desk: bytes through the real parser into Control, and what the engine puts out.

use rackd::base::midi::MidiMessage;
use rackd::control::{Client, When};
use rackd::midi::Parser;

use super::desk::{Desk, RATE};

/// Puts out 0.05 for each note that sounds, and ends it in 100 ms.
pub const GATES: &str = r#"
format = 1
[note]
voices = 32
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "100 ms"
[out]
in = "env * 0.05"
"#;

/// A tenth of one note's `SOURCE`, the voice ends 100 ms after its key.
const PROBE: &str = r#"
format = 1
[note]
voices = 32
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = "100 ms"
[out]
in = "env * SOURCE * 0.1"
"#;

pub struct Board {
    pub desk: Desk,
    parsers: Vec<Parser>,
}

impl Board {
    pub fn new(patch: &str) -> Self {
        Self::of(Desk::new(patch))
    }

    pub fn of(desk: Desk) -> Self {
        Self { desk, parsers: vec![Parser::new(); 4] }
    }

    /// A patch that puts out a tenth of a source of its notes.
    pub fn probe(source: &str) -> Self {
        Self::new(&PROBE.replace("SOURCE", source))
    }

    /// The same, as an MPE patch.
    pub fn mpe_probe(source: &str) -> Self {
        Self::new(&PROBE.replace("SOURCE", source).replace("[note]", "[note]\nmpe = true"))
    }

    pub fn put(&mut self, slot: &str, patch: &str, zone: rackd::patch::Zone) {
        let number = self.desk.control.load(slot, patch, None).unwrap().0;
        self.desk.control.hear(number, zone);
        self.desk.run(1024);
    }

    pub fn bytes(&mut self, port: usize, bytes: &[u8]) {
        let mut messages: Vec<MidiMessage> = Vec::new();
        self.parsers[port].feed(bytes, |message| messages.push(message));
        for message in messages {
            self.desk.control.midi_message(Client::port(port as u64), message, When::Now);
        }
    }

    pub fn say(&mut self, bytes: &[u8]) {
        self.bytes(0, bytes);
    }

    /// What is put out when all has come to rest.
    pub fn level(&mut self) -> f32 {
        *self.desk.run(4_800).last().unwrap()
    }

    /// The same on both sides.
    pub fn sides(&mut self) -> [f32; 2] {
        let mut out = [0.0; 2];
        for _ in 0..75 {
            let mut block = vec![0.0; 128];
            self.desk.engine.run(&[], 0, &mut block, 2);
            self.desk.control.tick();
            out = [block[126], block[127]];
        }
        out
    }

    /// The source that a probe puts out.
    pub fn source(&mut self) -> f32 {
        self.level() * 10.0
    }

    /// Notes that [`GATES`] has sounding, in whole, with those that fade now.
    pub fn sounding(&mut self) -> i64 {
        self.level();
        self.level();
        (self.level() / 0.05).round() as i64
    }

    /// Cents between a sine and a frequency, by its zero crossings over half a second.
    pub fn cents_from(&mut self, hertz: f64) -> f64 {
        self.level();
        let heard = self.desk.run(24_000);
        let crossings: Vec<f64> = heard
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
            .map(|(at, pair)| at as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
            .collect();
        assert!(crossings.len() > 8, "nothing sounds");
        let cycles = (crossings.len() - 1) as f64;
        let measured = cycles / (crossings[crossings.len() - 1] - crossings[0]) * f64::from(RATE);
        1200.0 * (measured / hertz).log2()
    }

    pub fn status(&self, name: &str) -> i64 {
        self.desk.status(name)
    }
}

/// Selects a registered parameter on a channel (from 0) and enters its high part.
pub fn rpn(channel: u8, number: u8, value: u8) -> [u8; 9] {
    let cc = 0xb0 | channel;
    [cc, 101, 0, cc, 100, number, cc, 6, value]
}

/// A bend by so much of the wheel, −1..1.
pub fn bend(channel: u8, x: f64) -> [u8; 3] {
    let value = (x * if x < 0.0 { 8192.0 } else { 8191.0 }).round() as i32 + 8192;
    [0xe0 | channel, (value & 127) as u8, (value >> 7) as u8]
}

#[track_caller]
pub fn near(what: &str, value: f32, expected: f32, within: f32) {
    assert!((value - expected).abs() <= within, "{what}: {value}, not {expected}");
}
