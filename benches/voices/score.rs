//! The same voices for scsynth: a synth definition and a score, byte by byte ("Synth Definition File Format" version 2, and
//! "Non-Realtime Synthesis", of SuperCollider's reference).

/// One unit of a synth definition: class, rate, inputs, outputs, special index.
struct Unit(&'static str, i8, Vec<Input>, usize, i16);

#[derive(Clone, Copy)]
enum Input {
    Number(f32),
    Unit(usize, usize),
}

const CONTROL: i8 = 1;
const AUDIO: i8 = 2;

struct Definition {
    units: Vec<Unit>,
    numbers: Vec<f32>,
}

impl Definition {
    fn unit(&mut self, class: &'static str, rate: i8, inputs: &[Input], outputs: usize, special: i16) -> Input {
        for input in inputs {
            if let Input::Number(number) = input
                && !self.numbers.contains(number)
            {
                self.numbers.push(*number);
            }
        }
        self.units.push(Unit(class, rate, inputs.to_vec(), outputs, special));
        Input::Unit(self.units.len() - 1, 0)
    }

    fn times(&mut self, rate: i8, a: Input, b: Input) -> Input {
        self.unit("BinaryOpUGen", rate, &[a, b], 1, 2)
    }

    fn adsr(&mut self, gate: Input, [attack, decay, sustain, release]: [f32; 4], done: f32) -> Input {
        let numbers =
            [1.0, 0.0, 1.0, done, 0.0, 3.0, 2.0, -99.0, 1.0, attack, 5.0, -4.0, sustain, decay, 5.0, -4.0, 0.0, release, 5.0, -4.0];
        let inputs: Vec<Input> = std::iter::once(gate).chain(numbers.map(Input::Number)).collect();
        self.unit("EnvGen", CONTROL, &inputs, 1, 0)
    }

    fn bytes(&self, name: &str, parameters: &[(&str, f32)]) -> Vec<u8> {
        let mut bytes = b"SCgf".to_vec();
        bytes.extend(2i32.to_be_bytes());
        bytes.extend(1i16.to_be_bytes());
        short(&mut bytes, name);
        bytes.extend((self.numbers.len() as i32).to_be_bytes());
        self.numbers.iter().for_each(|number| bytes.extend(number.to_be_bytes()));
        bytes.extend((parameters.len() as i32).to_be_bytes());
        parameters.iter().for_each(|(_, value)| bytes.extend(value.to_be_bytes()));
        bytes.extend((parameters.len() as i32).to_be_bytes());
        for (number, (name, _)) in parameters.iter().enumerate() {
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
                    Input::Unit(unit, output) => (*unit as i32, *output),
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

fn voice() -> Vec<u8> {
    let mut it = Definition { units: Vec::new(), numbers: Vec::new() };
    let parameters = [("freq", 220.0), ("pan", 0.0), ("gate", 1.0)];
    it.units.push(Unit("Control", CONTROL, Vec::new(), parameters.len(), 0));
    let [freq, pan, gate] = [0, 1, 2].map(|at| Input::Unit(0, at));
    let saws = [0.997, 1.003].map(|ratio| {
        let freq = it.times(CONTROL, freq, Input::Number(ratio));
        it.unit("Saw", AUDIO, &[freq], 1, 0)
    });
    let mix = it.unit("BinaryOpUGen", AUDIO, &saws, 1, 0);
    let sweep = it.adsr(gate, [0.05, 0.5, 0.4, 0.3], 0.0);
    let cutoff = it.unit("MulAdd", CONTROL, &[sweep, Input::Number(3000.0), Input::Number(300.0)], 1, 0);
    let filter = it.unit("MoogFF", AUDIO, &[mix, cutoff, Input::Number(2.0), Input::Number(0.0)], 1, 0);
    let loudness = it.adsr(gate, [0.02, 0.3, 0.7, 0.3], 2.0);
    let level = it.times(CONTROL, loudness, Input::Number(0.03));
    let sound = it.times(AUDIO, filter, level);
    it.unit("Pan2", AUDIO, &[sound, pan, Input::Number(1.0)], 2, 0);
    let place = it.units.len() - 1;
    it.unit("Out", AUDIO, &[Input::Number(0.0), Input::Unit(place, 0), Input::Unit(place, 1)], 0, 0);
    it.bytes("w2", &parameters)
}

enum Arg<'a> {
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

fn bundle(score: &mut Vec<u8>, seconds: f64, address: &str, args: &[Arg]) {
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
    score.extend((16 + 4 + message.len() as i32).to_be_bytes());
    score.extend(b"#bundle\0");
    score.extend(((seconds * 4_294_967_296.0) as u64).to_be_bytes());
    score.extend((message.len() as i32).to_be_bytes());
    score.extend(message);
}

/// The whole score.
pub fn score(seconds: f64, voices: u32, frequency: fn(u32) -> f64, pan: fn(u32) -> f64) -> Vec<u8> {
    let mut score = Vec::new();
    bundle(&mut score, 0.0, "/d_recv", &[Arg::Blob(&voice())]);
    for voice in 0..voices {
        let node = 1000 + voice as i32;
        let (freq, pan) = (frequency(voice) as f32, pan(voice) as f32);
        let args = [
            Arg::Text("w2"),
            Arg::Int(node),
            Arg::Int(0),
            Arg::Int(0),
            Arg::Text("freq"),
            Arg::Float(freq),
            Arg::Text("pan"),
            Arg::Float(pan),
        ];
        bundle(&mut score, 0.0, "/s_new", &args);
    }
    for voice in 0..voices {
        bundle(&mut score, seconds - 0.5, "/n_set", &[Arg::Int(1000 + voice as i32), Arg::Text("gate"), Arg::Float(0.0)]);
    }
    bundle(&mut score, seconds, "/c_set", &[Arg::Int(0), Arg::Float(0.0)]);
    score
}
