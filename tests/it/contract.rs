//! One contract over every module of the catalogue, this one and every later one.
//!
//! Each law is its own test. A lane is fed by pure functions of time and lane, so that any cut, width or lane can be compared.

use std::collections::HashSet;

use rackd::base::names::{is_name, is_outer_name};
use rackd::base::units::Unit;
use rackd::dsp::lanes::LaneMask;
use rackd::module::isa::Level;
use rackd::module::rig::{Cuts, Rig, Take, widths};
use rackd::module::{Input, ModuleDef, Seed, SettingKind, SettingValue, Settings};
use rackd::modules::CATALOGUE;

const RATE: f32 = 48_000.0;
const FRAMES: usize = 1_000;
const SEED: Seed = Seed(0x5eed);

/// A number −1 ≤ x < 1 of some numbers.
fn chance(numbers: &[u64]) -> f32 {
    numbers.iter().fold(SEED, |seed, n| seed.with(*n)).bipolar()
}

/// A number 0 ≤ x < 1 of some numbers.
fn part(numbers: &[u64]) -> f32 {
    (chance(numbers) + 1.0) / 2.0
}

/// What an input is fed: `take` chooses one of many courses.
fn course(input: Input, side: u64, take: u64, time: u64, lane: u64) -> f32 {
    let place = input.index as u64 * 2 + side;
    let key = take << 16 | lane << 8 | place;
    // A new aim each some hundred frames; between them a line, or a jump.
    let step = 37 + (part(&[key, 1]) * 200.0) as u64;
    let (at, x) = (time / step, (time % step) as f32 / step as f32);
    let aim = |at: u64| part(&[key, 2, at]);
    let u = if at % 3 == 0 { aim(at) } else { aim(at) + (aim(at + 1) - aim(at)) * x };
    let x = match input.unit {
        Unit::Audio => 0.7 * chance(&[key, 3, time]) + 0.8 * (u - 0.5),
        Unit::Gate => f32::from(aim(at) > 0.4),
        Unit::Trigger => f32::from(part(&[key, 4, time]) > 0.98),
        // Much time is spent at the low end, where something happens within the test.
        Unit::Seconds => input.min + (input.max - input.min) * u.powi(8),
        Unit::Hertz => input.min * (input.max / input.min).powf(u),
        _ => input.min + (input.max - input.min) * u,
    };
    if input.unit == Unit::Audio { x } else { x.clamp(input.min, input.max) }
}

/// Feeds every input of a rig with a course; lane 0 of the rig is fed as lane `first`. `bad` lanes get NaN and infinities.
fn feed(rig: &mut Rig, def: &ModuleDef, take: u64, first: usize, bad: LaneMask) {
    for &input in def.inputs {
        for side in 0..1 + usize::from(input.stereo) {
            rig.drive_side(input, side, move |time, lane| {
                if bad.has(lane) {
                    return [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::NAN][(time % 4) as usize];
                }
                course(input, side as u64, take, time, (first + lane) as u64)
            });
        }
    }
}

/// Every combination of settings worth a test: the defaults, and each setting at each of its ends or words.
fn variants(def: &ModuleDef) -> Vec<Settings> {
    let mut all = vec![Settings::defaults(def.settings)];
    for setting in def.settings {
        let values: Vec<SettingValue> = match setting.kind {
            SettingKind::Choice(words) => (1..words.len()).map(SettingValue::Choice).collect(),
            SettingKind::Integer { min, max, .. } => vec![SettingValue::Integer(min), SettingValue::Integer(max)],
            SettingKind::Number { min, max, .. } => vec![SettingValue::Number(min), SettingValue::Number(max)],
            SettingKind::Pitches(_) => vec![SettingValue::List(vec![0.5, f32::NAN, -1.0])],
            SettingKind::Numbers(_) => vec![SettingValue::List(vec![1.0, -0.25, 0.5])],
            SettingKind::Name(_) => vec![SettingValue::Name("elsewhere".to_owned())],
        };
        for value in values {
            let mut settings = Settings::defaults(def.settings);
            settings.0[setting.index] = value;
            all.push(settings);
        }
    }
    all
}

/// A rig whose lanes were each reset at time 0 with the seed of the lane as which they are fed.
fn rig(def: &'static ModuleDef, width: usize, level: Level, settings: &Settings, first: usize) -> Rig {
    let mut rig = Rig::of(def, width, level, RATE, settings);
    for lane in 0..width {
        rig.reset(LaneMask::one(lane), SEED.with((first + lane) as u64));
    }
    rig
}

fn bits(take: &Take, lane: usize) -> Vec<Vec<u32>> {
    take.0.iter().map(|wire| wire[lane].iter().map(|x| x.to_bits()).collect()).collect()
}

/// Fails where two lanes are not the same bit by bit.
fn assert_same(what: &str, def: &ModuleDef, a: &Take, lane_a: usize, b: &Take, lane_b: usize) {
    for (wire, (x, y)) in bits(a, lane_a).iter().zip(&bits(b, lane_b)).enumerate() {
        if let Some(frame) = (0..x.len().max(y.len())).find(|&frame| x.get(frame) != y.get(frame)) {
            let number = |bits: Option<&u32>| bits.map(|bits| f32::from_bits(*bits));
            panic!(
                "{}: {what}: output wire {wire}, lane {lane_a}, frame {frame}: {:?} is not {:?}",
                def.name,
                number(x.get(frame)),
                number(y.get(frame))
            );
        }
    }
}

/// Fails where an output is not finite, or no gate where it should be one.
fn assert_sound(what: &str, def: &ModuleDef, take: &Take, lanes: LaneMask) {
    for output in def.outputs {
        for side in 0..1 + usize::from(output.stereo) {
            let wire = &take.0[def.output_wire(output.index) + side];
            for (lane, frames) in wire.iter().enumerate().filter(|(lane, _)| lanes.has(*lane)) {
                for (frame, &x) in frames.iter().enumerate() {
                    let right = match output.unit {
                        Unit::Gate | Unit::Trigger => x == 0.0 || x == 1.0,
                        Unit::Audio => x.abs() < 1e4,
                        _ => x.abs() < 1e3,
                    };
                    assert!(right, "{}: {what}: {}, lane {lane}, frame {frame}: {x}", def.name, output.name);
                }
            }
        }
    }
}

fn every(mut test: impl FnMut(&'static ModuleDef, usize, Level, &Settings)) {
    for def in CATALOGUE.iter() {
        for settings in variants(def) {
            for &width in widths(def) {
                for &level in Level::available() {
                    test(def, width, level, &settings);
                }
            }
        }
    }
}

#[test]
fn declarations_are_complete() {
    let mut kinds = HashSet::new();
    for def in CATALOGUE.iter() {
        let name = def.name;
        assert!(is_name(name), "{name} is no name");
        assert!(kinds.insert(name), "{name} stands twice in the catalogue");
        assert!(def.doc.len() >= 200, "{name}: the documentation says too little");
        assert!(def.summary.ends_with('.'), "{name}: the summary is no sentence");
        assert!(!def.outputs.is_empty(), "{name} gives nothing");
        assert!(def.outputs.len() <= 32, "{name}: more outputs than a mask of wanted ones holds");
        let mut ports = HashSet::new();
        let inputs = def.inputs.iter().map(|input| (input.name, input.doc));
        for (port, doc) in inputs.chain(def.settings.iter().map(|setting| (setting.name, setting.doc))) {
            assert!(is_name(port), "{name}.{port} is no name");
            assert!(ports.insert(port), "{name}.{port}: an input or setting of that name is there already");
            assert!(doc.ends_with('.') && doc.len() > 3, "{name}.{port}: its documentation is no sentence");
            assert!(!["n", "z", "text", "type", "include"].contains(&port), "{name}.{port}: that word has another meaning there");
        }
        let mut outputs = HashSet::new();
        for output in def.outputs {
            assert!(is_name(output.name), "{name}.{} is no name", output.name);
            assert!(outputs.insert(output.name), "{name}.{} stands twice", output.name);
            assert!(!["left", "right"].contains(&output.name), "{name}.{}: that word picks a side", output.name);
            assert!(output.doc.ends_with('.') && output.doc.len() > 3, "{name}.{}: its documentation is no sentence", output.name);
        }
        for input in def.inputs {
            assert!(input.min < input.max, "{name}.{}: its range is empty", input.name);
            assert!((input.min..=input.max).contains(&input.default), "{name}.{}: its default is out of range", input.name);
            if matches!(input.unit, Unit::Gate | Unit::Trigger | Unit::Audio) {
                assert!(input.smooth_ms == 0.0, "{name}.{}: a signal is never smoothed", input.name);
            }
        }
        for setting in def.settings {
            if let SettingKind::Choice(words) = setting.kind {
                assert!(words.len() > 1, "{name}.{}: a choice of one word", setting.name);
                assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len(), "{name}.{}: a word stands twice", setting.name);
            }
            if let SettingKind::Name(default) = setting.kind {
                assert!(is_outer_name(default), "{name}.{}: its default is no name", setting.name);
            }
            if let SettingKind::Pitches(list) | SettingKind::Numbers(list) = setting.kind {
                assert!((1..=64).contains(&list.len()), "{name}.{}: a list has 1 to 64 entries", setting.name);
            }
        }
    }
}

#[test]
fn finite_and_in_range_at_every_extreme_and_rate() {
    for def in CATALOGUE.iter() {
        let width = *widths(def).last().unwrap();
        for settings in variants(def) {
            for rate in [44_100.0, 48_000.0, 96_000.0] {
                let mut rig = Rig::of(def, width, Level::detect(), rate, &settings);
                for round in 0..6u64 {
                    for &input in def.inputs {
                        let corner = move |time: u64, lane: usize| {
                            let draw = Seed(round).with(lane as u64).with(input.index as u64).0 % 5;
                            let (low, high) = if input.unit == Unit::Audio && round > 2 { (-8.0, 8.0) } else { (input.min, input.max) };
                            match draw {
                                0 => low,
                                1 => high,
                                2 => input.default,
                                3 => [low, high][(time % 2) as usize],
                                _ => [low, high][(time / 97 % 2) as usize],
                            }
                        };
                        rig.drive(input, corner);
                    }
                    let take = rig.run(2_000, &Cuts::whole());
                    assert_sound(&format!("round {round} at {rate} Hz"), def, &take, LaneMask::ALL);
                }
            }
        }
    }
}

#[test]
fn where_a_call_ends_is_not_heard() {
    every(|def, width, level, settings| {
        let run = |cuts: &Cuts| {
            let mut rig = rig(def, width, level, settings, 0);
            feed(&mut rig, def, 1, 0, LaneMask::NONE);
            rig.reset_at(333, LaneMask::one(0), SEED.with(99)).reset_at(700, LaneMask::ALL, SEED.with(100));
            rig.run(FRAMES, cuts)
        };
        let whole = run(&Cuts::whole());
        let cuts = [vec![16], vec![17, 47], vec![1], vec![63, 2]].map(Cuts::Lengths);
        for cuts in cuts.into_iter().chain([Cuts::Random(3), Cuts::Random(4)]) {
            let cut = run(&cuts);
            for lane in 0..width {
                assert_same(&format!("width {width} {level:?} cut {cuts:?}"), def, &cut, lane, &whole, lane);
            }
        }
    });
}

#[test]
fn held_is_the_same_as_not_moving() {
    every(|def, width, level, settings| {
        for take in 0..3u64 {
            let run = |held: u64| {
                let mut rig = rig(def, width, level, settings, 0);
                feed(&mut rig, def, take, 0, LaneMask::NONE);
                for &input in def.inputs {
                    let still = move |lane: usize| course(input, 0, take + 50, 0, lane as u64);
                    // Each take holds other inputs still: all, the even ones, the odd ones.
                    if take == 0 || (input.index as u64 + take).is_multiple_of(2) {
                        match held {
                            1 => rig.hold_lanes(input, still),
                            _ => rig.drive(input, move |_, lane| still(lane)),
                        };
                    }
                }
                rig.run(FRAMES, &Cuts::Random(take))
            };
            let (held, moving) = (run(1), run(0));
            for lane in 0..width {
                assert_same(&format!("width {width} {level:?} held"), def, &held, lane, &moving, lane);
            }
        }
    });
}

#[test]
fn a_lane_does_not_know_the_other_lanes() {
    every(|def, width, level, settings| {
        if width == 1 {
            return;
        }
        let run = |bad: LaneMask| {
            let mut rig = rig(def, width, level, settings, 0);
            feed(&mut rig, def, 2, 0, bad);
            rig.run(FRAMES, &Cuts::whole())
        };
        let clean = run(LaneMask::NONE);
        for lane in [0, 3, width - 1] {
            let alone = run(LaneMask::ALL.without(LaneMask::one(lane)));
            assert_same(&format!("width {width} {level:?}, NaN in the other lanes"), def, &alone, lane, &clean, lane);
        }
    });
}

#[test]
fn every_width_and_level_gives_the_same_bits() {
    for def in CATALOGUE.iter() {
        for settings in variants(def) {
            let run = |width: usize, level: Level, first: usize| {
                let mut rig = rig(def, width, level, &settings, first);
                feed(&mut rig, def, 5, first, LaneMask::NONE);
                for lane in 0..width {
                    rig.reset_at(421, LaneMask::one(lane), SEED.with(500 + (first + lane) as u64));
                }
                rig.run(FRAMES, &Cuts::whole())
            };
            let lanes = *widths(def).last().unwrap();
            let ones: Vec<Take> = (0..lanes).map(|lane| run(1, Level::BASE, lane)).collect();
            for &level in Level::available() {
                for &width in widths(def) {
                    for first in (0..lanes).step_by(width) {
                        let wide = run(width, level, first);
                        for lane in 0..width {
                            assert_same(&format!("width {width} {level:?}"), def, &wide, lane, &ones[first + lane], 0);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_reset_forgets_every_history() {
    every(|def, width, level, settings| {
        let start = 4_711;
        let played = |history: u64| {
            let mut rig = rig(def, width, level, settings, 7);
            match history {
                0 => rig.jump(start), // never run before
                1 => {
                    feed(&mut rig, def, 30, 3, LaneMask::NONE); // long played
                    rig.run(start as usize, &Cuts::whole());
                }
                2 => {
                    rig.jump(start - 1_700); // run over rubbish in every lane
                    feed(&mut rig, def, 31, 5, LaneMask::ALL);
                    rig.run(1_700, &Cuts::Random(9));
                }
                _ => {
                    feed(&mut rig, def, 32, 3, LaneMask::NONE); // played, then left alone for a while
                    rig.run(1_000, &Cuts::whole());
                    rig.jump(start);
                }
            }
            for lane in 0..width {
                rig.reset(LaneMask::one(lane), SEED.with(lane as u64));
            }
            feed(&mut rig, def, 6, 0, LaneMask::NONE);
            rig.run(FRAMES, &Cuts::whole())
        };
        let fresh = played(0);
        for history in 1..4 {
            let used = played(history);
            for lane in 0..width {
                assert_same(&format!("width {width} {level:?}, history {history}"), def, &used, lane, &fresh, lane);
            }
        }
    });
}

#[test]
fn resetting_one_lane_leaves_the_others_alone() {
    every(|def, width, level, settings| {
        if width == 1 {
            return;
        }
        let run = |reset: bool| {
            let mut rig = rig(def, width, level, settings, 0);
            feed(&mut rig, def, 8, 0, LaneMask::NONE);
            if reset {
                rig.reset_at(300, LaneMask::one(2), SEED).reset_at(555, LaneMask(0b10100), SEED);
            }
            rig.run(FRAMES, &Cuts::whole())
        };
        let (with, without) = (run(true), run(false));
        for lane in (0..width).filter(|lane| ![2, 4].contains(lane)) {
            assert_same(&format!("width {width} {level:?}"), def, &with, lane, &without, lane);
        }
    });
}

#[test]
fn an_output_that_nobody_hears_changes_nothing() {
    every(|def, width, level, settings| {
        let run = |wanted: Option<usize>| {
            let mut rig = rig(def, width, level, settings, 0);
            feed(&mut rig, def, 9, 0, LaneMask::NONE);
            if let Some(output) = wanted {
                rig.want(&[def.outputs[output]]);
                rig.run(200, &Cuts::whole());
                rig.want(def.outputs); // what was not heard must have gone on
                return rig.run(FRAMES, &Cuts::whole());
            }
            rig.run(200, &Cuts::whole());
            rig.run(FRAMES, &Cuts::whole())
        };
        let all = run(None);
        for output in 0..def.outputs.len() {
            let some = run(Some(output));
            for lane in 0..width {
                assert_same(&format!("width {width} {level:?}, one output"), def, &some, lane, &all, lane);
            }
        }
    });
}
