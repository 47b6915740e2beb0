//! Control and an engine side by side, driven by hand: what is said, what is heard, what is answered.

use std::path::PathBuf;

use rackd::base::midi::MidiMessage;
use rackd::control::peers::Peer;
use rackd::control::{Client, Control, Group, Message, Options, Origin, Value, When};
use rackd::engine::Engine;
use rackd::module::isa::Level;
use rackd::modules::CATALOGUE;
use rackd::plan;

pub const RATE: f32 = 48_000.0;

/// Half of full scale while a note is held, from its frame on.
pub const SYNTH: &str = r#"
format = 1
[note]
[voice.env]
type = "adsr"
attack = 0
sustain = 1
release = 0
[out]
in = "env * 0.5"
"#;

pub struct Desk {
    pub control: Control,
    pub engine: Engine,
    /// Answers that came later.
    pub later: Vec<Message>,
}

pub fn me() -> Client {
    Client::of(Origin::Osc)
}

pub fn pair(folders: Vec<PathBuf>) -> (Control, Engine) {
    let (engine, doors, door) = Engine::new(RATE);
    let plan = plan::Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    (Control::new(CATALOGUE, doors, door, Options { plan, folders, running: true, peer: Peer::default() }), engine)
}

impl Desk {
    /// A patch plays in the slot `t`.
    pub fn new(patch: &str) -> Self {
        let mut desk = Self::empty(Vec::new());
        desk.load(patch);
        desk
    }

    pub fn empty(folders: Vec<PathBuf>) -> Self {
        let (control, engine) = pair(folders);
        Self { control, engine, later: Vec::new() }
    }

    /// Another version of the patch; it has landed when this comes back.
    pub fn load(&mut self, patch: &str) {
        if let Err(diagnostics) = self.control.load("t", patch, None) {
            panic!("{diagnostics:#?}");
        }
        self.run(512);
    }

    /// The next frames of the left side; Control ticks between blocks of 64.
    pub fn run(&mut self, frames: usize) -> Vec<f32> {
        let mut heard = Vec::with_capacity(frames);
        while heard.len() < frames {
            let mut out = vec![0.0; 2 * 64.min(frames - heard.len())];
            self.engine.run(&[], 0, &mut out, 2);
            heard.extend(out.chunks(2).map(|frame| frame[0]));
            self.later.extend(self.control.tick().into_iter().map(|(_, message)| message));
        }
        heard
    }

    /// Says a line, and gives the answers as lines.
    pub fn say(&mut self, line: &str) -> Vec<String> {
        let message = rackd::osc::text::read(line).unwrap().unwrap();
        self.control.say(me(), &message.address, &message.values).iter().map(rackd::osc::text::spell).collect()
    }

    /// The same, where no answer is expected.
    #[track_caller]
    pub fn quietly(&mut self, line: &str) {
        let answers = self.say(line);
        assert!(answers.is_empty(), "{line} is answered by {answers:?}");
    }

    /// The number that answers a question.
    #[track_caller]
    pub fn ask(&mut self, address: &str) -> f64 {
        let answers = self.control.say(me(), address, &[]);
        match &answers[..] {
            [Message { values, .. }] if values.len() == 1 => values[0].number().unwrap_or_else(|| panic!("{answers:?}")),
            _ => panic!("{address} is answered by {answers:?}"),
        }
    }

    /// The code of the one failure that answers a line.
    #[track_caller]
    pub fn fails(&mut self, line: &str) -> String {
        let answers = self.say(line);
        let words: Vec<&str> = answers.first().map(|line| line.split(' ').collect()).unwrap_or_default();
        assert!(answers.len() == 1 && words[0] == "/fail", "{line} is answered by {answers:?}");
        words[2].to_owned()
    }

    pub fn bundle(&mut self, at: When, lines: &[&str]) -> Vec<String> {
        let messages = lines.iter().map(|line| rackd::osc::text::read(line).unwrap().unwrap()).collect();
        self.control.apply(me(), &[Group { at, messages }]).iter().map(rackd::osc::text::spell).collect()
    }

    pub fn midi(&mut self, message: MidiMessage) {
        self.control.midi_message(Client::port(0), message, When::Now);
    }

    pub fn status(&self, name: &str) -> i64 {
        let all = self.control.status();
        let found = all.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone());
        match found {
            Some(Value::Integer(x)) => x,
            None => 0,
            other => panic!("{name} is {other:?}"),
        }
    }
}

/// Where a signal first differs from the one before it by more than nothing.
pub fn first_change(frames: &[f32]) -> Option<usize> {
    frames.windows(2).position(|pair| pair[0] != pair[1]).map(|at| at + 1)
}
