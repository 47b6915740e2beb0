//! The workloads as graphs of fundsp's own `Net`, which puts units together while it runs, as a sound server must.

use ::fundsp::prelude32::*;
use ::fundsp::typenum::{U1, U2, U8, U50, U128, U512};

use super::workloads::{
    self, BUFFER, CHAINS, CUTOFF, DETUNE, EFFECTS, FACTORS, HELD, INDICES, LINKS, LOUDNESS, Note, RATIOS, SHORT, SINES, SWEEP, Workload,
    notes,
};

type Unit = Box<dyn AudioUnit>;

/// Puts a unit behind others.
fn behind(net: &mut Net, sources: &[NodeId], unit: Unit) -> NodeId {
    let id = net.push(unit);
    for (input, source) in sources.iter().enumerate() {
        net.connect(*source, 0, id, input);
    }
    id
}

fn product() -> Unit {
    Box::new(pass() * pass())
}

fn live(gate: &Shared, [attack, decay, sustain, release]: [f32; 4]) -> Unit {
    Box::new(var(gate) >> adsr_live(attack, decay, sustain, release))
}

/// The envelope of a note that is held for a time that is known at its start.
fn known([attack, decay, sustain, release]: [f32; 4], held: f32) -> Unit {
    Box::new(envelope(move |t: f32| {
        let rise = (t / attack).min(1.0);
        let fall = (1.0 - (1.0 - sustain) * (t - attack) / decay).max(sustain);
        rise.min(fall) * (1.0 - ((t - held) / release).max(0.0)).max(0.0)
    }))
}

fn place(net: &mut Net, from: NodeId, at: f64) -> NodeId {
    let unit: An<Panner<U1>> = ::fundsp::prelude32::pan(at as f32);
    let level = behind(net, &[from], Box::new(mul(0.03)));
    behind(net, &[level], Box::new(unit))
}

fn voice(net: &mut Net, note: &Note, [sweep, loudness]: [Unit; 2]) -> NodeId {
    let [low, high] = DETUNE.map(|ratio| net.push(Box::new(saw_hz((note.frequency * ratio) as f32))));
    let mix = behind(net, &[low, high], Box::new(pass() + pass()));
    let mix = behind(net, &[mix], Box::new(mul(0.5)));
    let sweep = net.push(sweep);
    let cutoff = behind(net, &[sweep], Box::new(mul(CUTOFF[1])));
    let cutoff = behind(net, &[cutoff], Box::new(add(CUTOFF[0])));
    let filter = behind(net, &[mix, cutoff], Box::new(moog_q(0.5)));
    let loudness = net.push(loudness);
    let sound = behind(net, &[filter, loudness], product());
    place(net, sound, note.pan)
}

fn operators(net: &mut Net, note: &Note, gate: &Shared) -> NodeId {
    let mut before = None;
    for operator in (0..4).rev() {
        let frequency = note.frequency as f32 * RATIOS[operator];
        let wave = match before {
            None => net.push(Box::new(sine_hz(frequency))),
            Some(before) => {
                let moved = behind(net, &[before], Box::new(mul(frequency * INDICES[operator])));
                let moved = behind(net, &[moved], Box::new(add(frequency)));
                behind(net, &[moved], Box::new(sine()))
            }
        };
        let envelope = net.push(live(gate, [0.01 * (operator + 1) as f32, 0.4, 0.6, 0.3]));
        before = Some(behind(net, &[wave, envelope], product()));
    }
    place(net, before.expect("four operators"), note.pan)
}

/// Joins stereo sources to the output.
fn out(net: &mut Net, sources: &[NodeId], unit: Unit) {
    let id = net.push(unit);
    for (number, source) in sources.iter().enumerate() {
        net.connect(*source, 0, id, 2 * number);
        net.connect(*source, 1, id, 2 * number + 1);
    }
    net.pipe_output(id);
}

fn sines() -> Net {
    let mut net = Net::new(0, 1);
    let all: Vec<NodeId> = (0..SINES).map(|number| net.push(Box::new(sine_hz(workloads::sine(number) as f32)))).collect();
    // `join` takes the mean.
    let sum = behind(&mut net, &all, Box::new(join::<U512>()));
    net.pipe_output(sum);
    net
}

fn chains() -> Net {
    let mut net = Net::new(0, 1);
    let source = net.push(Box::new(sine_hz(220.0)));
    let ends: Vec<NodeId> =
        (0..CHAINS).map(|_| (0..LINKS).fold(source, |from, link| behind(&mut net, &[from], Box::new(mul(FACTORS[link % 2]))))).collect();
    let sum = behind(&mut net, &ends, Box::new(join::<U50>() * (0.01 * CHAINS as f32)));
    net.pipe_output(sum);
    net
}

fn effects() -> Net {
    let mut net = Net::new(0, 2);
    let mut ends = Vec::new();
    for number in 0..EFFECTS as u64 {
        let sides = [0, 1].map(|side| {
            let sound = net.push(Box::new(noise().seed(2 * number + side)));
            let sound = behind(&mut net, &[sound], Box::new(mul(0.1)));
            let sound = behind(&mut net, &[sound], Box::new(chorus(2 * number + side, 0.015, 0.004, 0.3)));
            let echo = behind(&mut net, &[sound], Box::new(feedback(delay(0.375) * 0.5)));
            let echo = behind(&mut net, &[echo], Box::new(mul(0.4)));
            behind(&mut net, &[sound, echo], Box::new(pass() + pass()))
        });
        let room = behind(&mut net, &sides, Box::new(reverb_stereo(10.0, 2.0, 0.5)));
        for (side, dry) in sides.into_iter().enumerate() {
            let dry = behind(&mut net, &[dry], Box::new(mul(0.67)));
            let wet = net.push(Box::new(mul(0.33)));
            net.connect(room, side, wet, 0);
            ends.push(behind(&mut net, &[dry, wet], Box::new(pass() + pass())));
        }
    }
    let sum = net.push(Box::new(multijoin::<U2, U8>() * 8.0));
    for (input, end) in ends.into_iter().enumerate() {
        net.connect(end, 0, sum, input);
    }
    net.pipe_output(sum);
    net
}

fn prepared(mut unit: Net) -> Net {
    unit.set_sample_rate(f64::from(workloads::RATE));
    unit.allocate();
    unit
}

/// A note of W6, which is built when it begins and dropped when it has ended.
struct Short {
    net: Net,
    left: usize,
}

/// Renders a workload into a WAV file.
pub fn render(work: Workload, seconds: f64) -> Vec<u8> {
    // Its envelopes begin where they see the gate rise.
    let gate = shared(0.0);
    let all = notes(work, seconds);
    let mut net = match work {
        Workload::W1 => Some(sines()),
        Workload::W2 | Workload::W3 => {
            let mut net = Net::new(0, 2);
            let voices: Vec<NodeId> = all
                .iter()
                .map(|note| match work {
                    Workload::W2 => voice(&mut net, note, [live(&gate, SWEEP), live(&gate, LOUDNESS)]),
                    _ => operators(&mut net, note, &gate),
                })
                .collect();
            // `multijoin` takes the mean.
            out(&mut net, &voices, Box::new(multijoin::<U2, U128>() * 128.0));
            Some(net)
        }
        Workload::W4 => Some(chains()),
        Workload::W5 => Some(effects()),
        Workload::W6 => None,
        Workload::W7 => unreachable!("fundsp does not play W7"),
    };
    net = net.map(prepared);
    let mut blocks = BufferVec::new(net.as_ref().map_or(2, Net::outputs));
    let mut sounding: Vec<Short> = Vec::new();
    let mut waiting = all.into_iter().peekable();
    let mut time = 0.0;
    workloads::render::wav(seconds, |frames| {
        frames.fill(0.0);
        let mut add_up = |net: &mut Net| {
            net.process(BUFFER, &BufferRef::empty(), &mut blocks.buffer_mut());
            let right = if net.outputs() > 1 { 1 } else { 0 };
            for (at, frame) in frames.chunks_exact_mut(2).enumerate() {
                frame[0] += blocks.buffer_ref().channel_f32(0)[at];
                frame[1] += blocks.buffer_ref().channel_f32(right)[at];
            }
        };
        if let Some(net) = &mut net {
            add_up(net);
        } else {
            while let Some(note) = waiting.next_if(|note| note.at <= time) {
                let mut net = Net::new(0, 2);
                let end = voice(&mut net, &note, [known(SHORT, HELD as f32), known(SHORT, HELD as f32)]);
                net.pipe_output(end);
                let left = ((HELD + 0.055) * f64::from(workloads::RATE)) as usize / BUFFER + 1;
                sounding.push(Short { net: prepared(net), left });
            }
            sounding.retain_mut(|short| {
                add_up(&mut short.net);
                short.left -= 1;
                short.left > 0
            });
        }
        time += BUFFER as f64 / f64::from(workloads::RATE);
        gate.set_value(if time < seconds - 0.5 { 1.0 } else { 0.0 });
    })
}
