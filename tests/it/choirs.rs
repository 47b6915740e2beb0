//! Many steady sines that are only added up: worked out at once they sound as one by one, bit by bit.

use rackd::module::isa::Level;

use crate::rig::{Rig, Way, peak};

const SINES: usize = 20;

/// Sines and their sum; where it shall be no choir, somebody listens in, at no level, to each.
fn text(overheard: bool, changed: bool) -> String {
    let mut text = String::from("format = 1\nname = \"C\"\n");
    let (mut out, mut also) = (Vec::new(), Vec::new());
    for sine in 0..SINES {
        let hertz = 55.5 * (1.0 + 1.7 * sine as f32) * if changed && sine == 3 { 1.5 } else { 1.0 };
        text += &format!("[global.s{sine}]\ntype = \"vco\"\npitch = \"{hertz} Hz\"\n");
        out.push(format!("s{sine}.sine * {}", [0.3, -0.7, 1.0][sine % 3]));
        also.push(format!("s{sine}.sine * 0"));
    }
    text += &format!("[global.sum]\ntype = \"onepole\"\nin = \"{}\"\n", out.join(" + "));
    if overheard {
        text += &format!("[global.ear]\ntype = \"onepole\"\nin = \"{}\"\n", also.join(" + "));
    }
    text + if overheard { "[out]\nin = \"sum.low * 0.1 + ear.low\"\n" } else { "[out]\nin = \"sum.low * 0.1\"\n" }
}

fn ways() -> Vec<Way> {
    let levels = Level::available().iter().map(|level| Way { level: *level, ..Way::default() });
    levels.chain([1, 37, 512, 0].map(|buffer| Way { buffer, ..Way::default() })).collect()
}

#[test]
fn a_choir_sounds_as_its_sines_one_by_one() {
    for way in ways() {
        let play = |overheard: bool| {
            let mut rig = Rig::with(&text(overheard, false), way);
            rig.turn(1_000, "s4.pitch", 1.25);
            rig.turn(1_003, "s5.pulse_width", 0.25);
            rig.turn(3_500, "s4.fm", 0.5);
            rig.turn(5_100, "s0.sync", 1.0);
            rig.left(8_000)
        };
        let (together, single) = (play(false), play(true));
        assert!(peak(&single[4_000..]) > 0.05);
        assert_eq!(together, single, "{way:?}");
    }
}

#[test]
fn a_reload_meets_a_choir_where_it_was() {
    for way in ways() {
        let play = |overheard: bool| {
            let mut rig = Rig::with(&text(overheard, false), way);
            let mut heard = rig.left(1_500);
            rig.reload(&text(overheard, true));
            heard.extend(rig.left(3_000));
            rig.reload(&text(overheard, false));
            heard.extend(rig.left(3_000));
            heard
        };
        assert_eq!(play(false), play(true), "{way:?}");
    }
}
