//! Synth definitions and scores for scsynth and supernova, byte by byte ("Synth Definition File Format" version 2, and
//! "Non-Realtime Synthesis", of SuperCollider's reference).

/// How often a unit works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rate {
    /// Once a block.
    Control = 1,
    /// Each frame.
    Audio = 2,
}

/// What a unit takes.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Number(f32),
    /// An output of the unit of a number, and its rate.
    Unit(usize, usize, Rate),
}

use Rate::{Audio, Control};

impl From<f32> for Input {
    fn from(number: f32) -> Self {
        Self::Number(number)
    }
}

impl Input {
    fn rate(self) -> Rate {
        match self {
            Self::Number(_) => Control,
            Self::Unit(_, _, rate) => rate,
        }
    }

    /// Another output of the same unit.
    pub fn output(self, output: usize) -> Self {
        match self {
            Self::Unit(unit, _, rate) => Self::Unit(unit, output, rate),
            number => number,
        }
    }
}

/// One unit: class, rate, inputs, outputs, special index.
struct Unit(&'static str, Rate, Vec<Input>, usize, i16);

/// A synth definition on its way.
pub struct Definition {
    name: String,
    parameters: Vec<(&'static str, f32)>,
    units: Vec<Unit>,
    numbers: Vec<f32>,
}

impl Definition {
    pub fn new(name: &str, parameters: &[(&'static str, f32)]) -> Self {
        let control = Unit("Control", Control, Vec::new(), parameters.len(), 0);
        let units = if parameters.is_empty() { Vec::new() } else { vec![control] };
        Self { name: name.to_string(), parameters: parameters.to_vec(), units, numbers: Vec::new() }
    }

    pub fn parameter(&self, name: &str) -> Input {
        let at = self.parameters.iter().position(|(it, _)| *it == name).unwrap();
        Input::Unit(0, at, Control)
    }

    fn unit(&mut self, class: &'static str, rate: Rate, inputs: &[Input], outputs: usize, special: i16) -> Input {
        for input in inputs {
            if let Input::Number(number) = input
                && !self.numbers.contains(number)
            {
                self.numbers.push(*number);
            }
        }
        self.units.push(Unit(class, rate, inputs.to_vec(), outputs, special));
        Input::Unit(self.units.len() - 1, 0, rate)
    }

    pub fn audio(&mut self, class: &'static str, inputs: &[Input]) -> Input {
        self.unit(class, Audio, inputs, 1, 0)
    }

    pub fn control(&mut self, class: &'static str, inputs: &[Input]) -> Input {
        self.unit(class, Control, inputs, 1, 0)
    }

    /// A unit with two outputs, the second at `output(1)`.
    pub fn stereo(&mut self, class: &'static str, inputs: &[Input]) -> Input {
        self.unit(class, Audio, inputs, 2, 0)
    }

    pub fn times(&mut self, a: impl Into<Input>, b: impl Into<Input>) -> Input {
        let (a, b) = (a.into(), b.into());
        self.unit("BinaryOpUGen", a.rate().max(b.rate()), &[a, b], 1, 2)
    }

    pub fn plus(&mut self, a: impl Into<Input>, b: impl Into<Input>) -> Input {
        let (a, b) = (a.into(), b.into());
        self.unit("BinaryOpUGen", a.rate().max(b.rate()), &[a, b], 1, 0)
    }

    /// 2 to the power of x.
    pub fn power(&mut self, x: Input) -> Input {
        self.unit("BinaryOpUGen", x.rate(), &[Input::Number(2.0), x], 1, 25)
    }

    /// a · b + c.
    pub fn times_plus(&mut self, a: impl Into<Input>, b: impl Into<Input>, c: impl Into<Input>) -> Input {
        let inputs = [a.into(), b.into(), c.into()];
        let rate = inputs.iter().map(|input| input.rate()).max().unwrap();
        self.unit("MulAdd", rate, &inputs, 1, 0)
    }

    /// An envelope at control rate; with `last` the synth ends with it.
    pub fn adsr(&mut self, [attack, decay, sustain, release]: [Input; 4], last: bool) -> Input {
        let number = Input::Number;
        let (end, curve) = ([number(0.0), number(3.0), number(2.0), number(-99.0)], [number(5.0), number(-4.0)]);
        let mut inputs = vec![self.parameter("gate"), number(1.0), number(0.0), number(1.0), number(if last { 2.0 } else { 0.0 })];
        inputs.extend(end);
        for (level, time) in [(number(1.0), attack), (sustain, decay), (number(0.0), release)] {
            inputs.extend([level, time]);
            inputs.extend(curve);
        }
        self.unit("EnvGen", Control, &inputs, 1, 0)
    }

    /// What is heard on both sides.
    pub fn out(&mut self, left: Input, right: Input) {
        self.unit("Out", Audio, &[Input::Number(0.0), left, right], 0, 0);
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"SCgf".to_vec();
        bytes.extend(2i32.to_be_bytes());
        bytes.extend(1i16.to_be_bytes());
        short(&mut bytes, &self.name);
        bytes.extend((self.numbers.len() as i32).to_be_bytes());
        self.numbers.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend((self.parameters.len() as i32).to_be_bytes());
        self.parameters.iter().for_each(|(_, value)| bytes.extend(value.to_be_bytes()));
        bytes.extend((self.parameters.len() as i32).to_be_bytes());
        for (number, (name, _)) in self.parameters.iter().enumerate() {
            short(&mut bytes, name);
            bytes.extend((number as i32).to_be_bytes());
        }
        bytes.extend((self.units.len() as i32).to_be_bytes());
        for Unit(class, rate, inputs, outputs, special) in &self.units {
            short(&mut bytes, class);
            bytes.push(*rate as u8);
            bytes.extend((inputs.len() as i32).to_be_bytes());
            bytes.extend((*outputs as i32).to_be_bytes());
            bytes.extend(special.to_be_bytes());
            for input in inputs {
                let (unit, output) = match input {
                    Input::Number(number) => (-1, self.numbers.iter().position(|it| it == number).unwrap()),
                    Input::Unit(unit, output, _) => (*unit as i32, *output),
                };
                bytes.extend(unit.to_be_bytes());
                bytes.extend((output as i32).to_be_bytes());
            }
            bytes.extend(std::iter::repeat_n(*rate as u8, *outputs));
        }
        bytes.extend(0i16.to_be_bytes());
        bytes
    }
}

fn short(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(text.len() as u8);
    bytes.extend(text.bytes());
}

/// An argument of a message.
pub enum Arg<'a> {
    Int(i32),
    Float(f32),
    Text(&'a str),
    Blob(&'a [u8]),
}

fn padded(bytes: &mut Vec<u8>, text: &[u8], end: bool) {
    bytes.extend(text);
    if end {
        bytes.push(0);
    }
    while !bytes.len().is_multiple_of(4) {
        bytes.push(0);
    }
}

/// Messages at times [s].
#[derive(Default)]
pub struct Score(Vec<(f64, Vec<u8>)>);

impl Score {
    pub fn add(&mut self, seconds: f64, address: &str, args: &[Arg<'_>]) {
        let mut message = Vec::new();
        padded(&mut message, address.as_bytes(), true);
        let tags: String = std::iter::once(',')
            .chain(args.iter().map(|arg| match arg {
                Arg::Int(_) => 'i',
                Arg::Float(_) => 'f',
                Arg::Text(_) => 's',
                Arg::Blob(_) => 'b',
            }))
            .collect();
        padded(&mut message, tags.as_bytes(), true);
        for arg in args {
            match arg {
                Arg::Int(number) => message.extend(number.to_be_bytes()),
                Arg::Float(number) => message.extend(number.to_be_bytes()),
                Arg::Text(text) => padded(&mut message, text.as_bytes(), true),
                Arg::Blob(blob) => {
                    message.extend((blob.len() as i32).to_be_bytes());
                    padded(&mut message, blob, false);
                }
            }
        }
        self.0.push((seconds, message));
    }

    /// By time; of equal times the first added comes first.
    pub fn bytes(mut self) -> Vec<u8> {
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut score = Vec::new();
        for (seconds, message) in self.0 {
            score.extend((16 + 4 + message.len() as i32).to_be_bytes());
            score.extend(b"#bundle\0");
            score.extend(((seconds * 4_294_967_296.0) as u64).to_be_bytes());
            score.extend((message.len() as i32).to_be_bytes());
            score.extend(message);
        }
        score
    }
}
