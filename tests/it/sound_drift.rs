//! A sender whose clock is off is heard without a gap at its own pitch: the resampler, the ring and the module, by a time that is counted.

use rackd::module::isa::Level;
use rackd::module::rig::{Cuts, Rig};
use rackd::module::{SettingValue, Settings};
use rackd::modules::stream_in;
use rackd::plan::{Before, Options, compile_among};
use rackd::rt::flows::Flows;
use rackd::stream::header::{Header, Push};
use rackd::stream::pour::Pour;

use super::rig::parsed;

const TAU: f64 = std::f64::consts::TAU;
/// A change of pitch by one cent.
const CENT: f64 = 577.8e-6;

fn header(text: &str) -> Push {
    match Header::read(format!("rackd-stream 1 {text}").as_bytes()).unwrap() {
        Header::Push(push) => push,
        Header::Read(_) => panic!("it reads"),
    }
}

fn module(flows: &Flows, rate: u32) -> Rig {
    let settings = Settings(vec![SettingValue::Name("mic".to_owned()), SettingValue::Choice(0), SettingValue::Integer(1)]);
    let mut rig = Rig::among(&stream_in::DEF, 1, Level::detect(), rate as f32, &settings, flows);
    rig.jump(64);
    rig
}

/// The frequency of a tone about `hertz` over a window [Hz], and its amplitude: by how far its phase goes.
fn tone(window: &[f32], rate: f64, hertz: f64) -> (f64, f64) {
    let half = window.len() / 2;
    let phase = |part: &[f32], from: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (n, x) in part.iter().enumerate() {
            // A window of Hann's, so that the other half of the spectrum does not lean on it.
            let weight = 0.5 - 0.5 * (TAU * n as f64 / part.len() as f64).cos();
            let (sin, cos) = (TAU * hertz * (from + n) as f64 / rate).sin_cos();
            re += f64::from(*x) * cos * weight;
            im -= f64::from(*x) * sin * weight;
        }
        (im.atan2(re), 4.0 * re.hypot(im) / part.len() as f64)
    };
    let ((a, level), (b, _)) = (phase(&window[..half], 0), phase(&window[half..2 * half], half));
    let turn = (b - a + TAU / 2.0).rem_euclid(TAU) - TAU / 2.0;
    (hertz + turn / TAU * rate / half as f64, level)
}

#[test]
fn ten_minutes_fast_and_ten_slow_at_one_pitch_without_a_gap() {
    // A low rate, so that twenty minutes are soon over; blocks of 20 ms from the sender, 32 ms at the engine.
    const RATE: u32 = 2_000;
    const TONE: f64 = 100.0;
    let flows = Flows::new();
    let mut module = module(&flows, RATE);
    let inflow = flows.inflow("mic").unwrap();
    let push = header("name=mic rate=2000 channels=1 format=f32le buffer=200ms");
    let mut pour = Pour::new(inflow.open(1, 0).unwrap(), &push, RATE).unwrap();
    let target = pour.end().target() as f64 / f64::from(RATE);
    let (mut time, mut clock, mut sent, mut tiles) = (0.0, 0.0, 0u64, 0u64);
    for ppm in [200.0, -200.0] {
        let (mut heard, mut worst_fill, mut worst_pitch) = (Vec::new(), 0.0f64, 0.0f64);
        let begin = time;
        let mut window = 0;
        while time - begin < 600.0 {
            let step = 0.002;
            time += step;
            clock += step * (1.0 + ppm * 1e-6);
            while (sent + 40) as f64 / f64::from(RATE) <= clock {
                let bytes: Vec<u8> = (sent..sent + 40)
                    .flat_map(|n| ((0.5 * (TAU * TONE * n as f64 / f64::from(RATE)).sin()) as f32).to_le_bytes())
                    .collect();
                assert_eq!(pour.take(&bytes), 0, "there is room");
                sent += 40;
            }
            while (tiles + 1) as f64 * 64.0 / f64::from(RATE) <= time {
                heard.extend_from_slice(module.run(64, &Cuts::whole()).lane(0, 0));
                tiles += 1;
            }
            pour.tick(step, false);
            if time - begin > 90.0 {
                worst_fill = worst_fill.max((pour.steady().waits() - target).abs());
                if heard.len() > window + 4_000 {
                    window = heard.len();
                    let (hertz, level) = tone(&heard[window - 4_000..], f64::from(RATE), TONE);
                    // What the sender plays as 100 Hz is by so much higher in truth.
                    worst_pitch = worst_pitch.max((hertz / TONE - 1.0 - ppm * 1e-6).abs());
                    assert!((level - 0.5).abs() < 0.005, "{ppm} ppm at {time:.0} s: amplitude {level}");
                }
            }
        }
        println!("{ppm} ppm: fill within {:.3} ms, pitch within {:.4} cents", worst_fill * 1e3, worst_pitch / CENT);
        assert_eq!(flows.starved(), (0, 0), "{ppm} ppm: a gap");
        assert!(worst_fill < 0.002, "{ppm} ppm: {} ms", worst_fill * 1e3);
        assert!(worst_pitch < CENT, "{ppm} ppm: {} cents", worst_pitch / CENT);
    }
    assert_eq!(pour.frames().1, 0);
}

#[test]
fn any_rate_is_heard_at_its_pitch_and_length() {
    const RATE: u32 = 48_000;
    for from in [1_000u32, 8_000, 44_100, 48_000, 96_000, 192_000, 768_000] {
        let hertz = 200.0;
        let flows = Flows::new();
        let mut module = module(&flows, RATE);
        let push = header(&format!("name=mic rate={from} channels=1 format=f32le clock=engine buffer=100ms"));
        let mut pour = Pour::new(flows.inflow("mic").unwrap().open(1, 0).unwrap(), &push, RATE).unwrap();
        let frames = u64::from(from) / 2;
        let sound = |n: u64| (0.5 * (TAU * hertz * n as f64 / f64::from(from)).sin()) as f32;
        let (mut sent, mut heard) = (0, Vec::new());
        while sent < frames {
            let fit = (pour.wants() / 4).min((frames - sent) as usize) as u64;
            let bytes: Vec<u8> = (sent..sent + fit).flat_map(|n| sound(n).to_le_bytes()).collect();
            assert_eq!(pour.take(&bytes), 0);
            sent += fit;
            heard.extend_from_slice(module.run(64, &Cuts::whole()).lane(0, 0));
        }
        pour.finish();
        for _ in 0..500 {
            heard.extend_from_slice(module.run(64, &Cuts::whole()).lane(0, 0));
        }
        assert_eq!(flows.starved().1, 0, "{from} Hz");
        let (first, last) = (heard.iter().position(|x| x.abs() > 0.01).unwrap(), heard.iter().rposition(|x| x.abs() > 0.01).unwrap());
        assert!((last - first).abs_diff(24_000) < 400, "{from} Hz: {} frames are heard", last - first);
        let (pitch, level) = tone(&heard[first + 4_000..first + 20_000], f64::from(RATE), hertz);
        assert!((pitch / hertz - 1.0).abs() < 1e-5 && (level - 0.5).abs() < 0.002, "{from} Hz: {pitch} Hz at {level}");
    }
}

#[test]
fn a_reload_and_another_name_for_the_module_leave_no_gap() {
    const RATE: f32 = 48_000.0;
    let flows = Flows::new();
    let text = |name: &str, take: &str| {
        format!("format = 1\n[global.{name}]\ntype = 'stream_in'\nstream = 'mic'\ntake = '{take}'\n[out]\nin = '{name}'\n")
    };
    let options = Options { rate: RATE, level: Level::detect(), width: None, tempo: 120.0, shares: 1 };
    let (mut engine, _doors, mut door) = rackd::engine::Engine::new(RATE);
    let mut patch = parsed(&text("mic", "pair"));
    let (plan, mut outline) = compile_among(&patch, &options, &flows, &|_| None, None);
    assert!(door.send(0, plan).is_ok());
    let mut out = vec![0.0; 2 * 64];
    let mut run = |engine: &mut rackd::engine::Engine| {
        engine.run(&[], 0, &mut out, 2);
        out.chunks(2).map(|frame| frame[0]).collect::<Vec<f32>>()
    };
    run(&mut engine);
    let mut end = flows.inflow("mic").unwrap().open(1, 64).unwrap();
    let sound = |n: usize| 0.25 * (n as f32 * 0.02).sin();
    end.push(&(0..64 * 200).map(sound).collect::<Vec<_>>());
    let mut heard = Vec::new();
    for tile in 0..150 {
        // The same again; then a kernel of its own by settings, by name, and both.
        let next = match tile {
            30 => Some(text("mic", "pair")),
            60 => Some(text("mic", "one")),
            90 => Some(text("other", "one")),
            120 => Some(text("again", "all")),
            _ => None,
        };
        if let Some(next) = next {
            door.collect();
            let next = parsed(&next);
            let (plan, then) = compile_among(&next, &options, &flows, &|_| None, Some(Before { patch: &patch, outline: &outline }));
            assert!(door.send(0, plan).is_ok());
            (patch, outline) = (next, then);
        }
        heard.extend(run(&mut engine));
    }
    let first = heard.iter().position(|x| *x != 0.0).unwrap() - 1;
    // The master's limiter is late by some frames; from there on each frame is the next of the stream. Where a kernel starts anew the plan
    // lets it in under the last value heard, within 10 ms.
    let fades = [60, 90, 120].map(|tile| tile * 64..tile * 64 + 480 + 128);
    for (n, x) in heard[first..].iter().enumerate() {
        let within = if fades.iter().any(|fade| fade.contains(&(first + n))) { 0.5 } else { 1e-4 };
        assert!((x - sound(n)).abs() < within, "frame {n}: {x} is not {}", sound(n));
    }
    assert_eq!(flows.starved(), (0, 0));
}
