//! W7: the voice of W2 in 64 ways. Every slot has another mix of wave, filter and motion.

/// How many slots there are.
pub const SLOTS: usize = 64;

/// What the oscillators play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wave {
    /// Two saws, detuned.
    Saws,
    /// One pulse, a third of a turn high.
    Pulse,
    /// A triangle and a saw below it.
    Triangle,
    /// A sine and a pulse, detuned.
    Sine,
}

/// What they go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    Ladder,
    Low,
    Band,
    High,
}

/// What moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// An envelope opens the filter.
    Envelope,
    /// The same, with vibrato.
    Vibrato,
    /// An LFO moves the filter.
    Wah,
    /// An envelope opens the filter, an LFO turns the loudness.
    Tremolo,
}

/// What a slot's voice is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    pub wave: Wave,
    pub filter: Filter,
    pub motion: Motion,
    /// Of the LFO [Hz].
    pub rate: f32,
    /// What the filter's lowest cutoff is [Hz].
    pub cutoff: f32,
}

/// The recipe of a slot.
pub fn recipe(slot: usize) -> Recipe {
    Recipe {
        wave: [Wave::Saws, Wave::Pulse, Wave::Triangle, Wave::Sine][slot % 4],
        filter: [Filter::Ladder, Filter::Low, Filter::Band, Filter::High][slot / 4 % 4],
        motion: [Motion::Envelope, Motion::Vibrato, Motion::Wah, Motion::Tremolo][slot / 16],
        rate: 2.0 + 0.1 * slot as f32,
        cutoff: 300.0 + 5.0 * slot as f32,
    }
}

/// The pitch of a slot's note [Hz]: spread so that neighbours in recipe are far apart.
pub fn frequency(slot: usize) -> f64 {
    55.0 * 2f64.powf(4.0 * (slot * 37 % SLOTS) as f64 / SLOTS as f64)
}

/// The patch of a slot.
pub fn patch(slot: usize) -> String {
    let Recipe { wave, filter, motion, rate, cutoff } = recipe(slot);
    let vibrato = if motion == Motion::Vibrato { " + lfo * 10 ct" } else { "" };
    let low = format!("[voice.low]\ntype = \"vco\"\npitch = \"note.pitch - 5.2015 ct{vibrato}\"\n");
    let high = format!("[voice.high]\ntype = \"vco\"\npitch = \"note.pitch + 5.1860 ct{vibrato}\"\n");
    let pulse = "pulse_width = 0.33\n";
    let (oscillators, mix) = match wave {
        Wave::Saws => (low + &high, "low.saw * 0.5 + high.saw * 0.5"),
        Wave::Pulse => (low + pulse, "low.square * 0.5"),
        Wave::Triangle => (low + &high, "low.saw * 0.3 + high.triangle * 0.5"),
        Wave::Sine => (low + &high + pulse, "low.sine * 0.5 + high.square * 0.4"),
    };
    let (kind, output) = match filter {
        Filter::Ladder => ("ladder", "low"),
        Filter::Low => ("svf", "low"),
        Filter::Band => ("svf", "band"),
        Filter::High => ("svf", "high"),
    };
    let sweep = match motion {
        Motion::Wah => "lfo * 1 oct + 1.5 oct",
        _ => "sweep * 5.8 oct",
    };
    let tremolo = if motion == Motion::Tremolo { " * swell" } else { "" };
    let mut text = format!(
        "format = 1\nname = \"W7 {slot}\"\n[note]\nvoices = 1\n{oscillators}\
         [voice.filter]\ntype = \"{kind}\"\nin = \"{mix}\"\ncutoff = \"{cutoff} Hz + {sweep}\"\nresonance = 0.5\n\
         [voice.loudness]\ntype = \"adsr\"\nattack = \"20 ms\"\ndecay = \"300 ms\"\nsustain = 0.7\nrelease = \"300 ms\"\n\
         [voice.place]\ntype = \"pan\"\nin = \"filter.{output} * loudness{tremolo} * 0.05\"\npan = \"note.pan\"\n\
         [out]\nin = \"place\"\n"
    );
    if motion != Motion::Wah {
        text.push_str("[voice.sweep]\ntype = \"adsr\"\nattack = \"50 ms\"\ndecay = \"500 ms\"\nsustain = 0.4\nrelease = \"300 ms\"\n");
    }
    match motion {
        Motion::Envelope => {}
        Motion::Vibrato | Motion::Wah => text.push_str(&format!("[voice.lfo]\ntype = \"lfo\"\nrate = \"{rate} Hz\"\n")),
        Motion::Tremolo => text.push_str(&format!("[voice.swell]\ntype = \"lfo\"\nrate = \"{rate} Hz\"\npolarity = \"unipolar\"\n")),
    }
    text
}
