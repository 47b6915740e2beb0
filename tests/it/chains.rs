//! Chains of modules that only multiply: worked out at once they sound as one by one, bit by bit.

use rackd::engine::Report;
use rackd::module::isa::Level;

use crate::rig::{Rig, Way, peak};

const LINKS: usize = 9;

/// Chains of a source; somebody listens in, at no level, to what is between two links where it shall be no chain.
fn text(chains: usize, overheard: bool, extra: &str) -> String {
    let mut text = format!("format = 1\nname = \"C\"\n[global.osc]\ntype = \"vco\"\npitch = \"220 Hz\"\n{extra}");
    let mut out = Vec::new();
    for chain in 0..chains {
        let mut from = String::from("osc.saw * -0.7");
        for link in 0..LINKS {
            let level = [0.8, 1.25, 1.0][(link + chain) % 3];
            let curve = if link == 4 { "exponential" } else { "linear" };
            text += &format!("[global.c{chain}x{link}]\ntype = \"vca\"\nin = \"{from}\"\nlevel = {level}\ncurve = \"{curve}\"\n");
            from = format!("c{chain}x{link}");
            if overheard && link + 1 < LINKS {
                out.push(format!("{from} * 0"));
            }
        }
        out.push(from);
    }
    text + &format!("[out]\nin = \"({}) * 0.1\"\n", out.join(" + "))
}

fn ways() -> Vec<Way> {
    let levels = Level::available().iter().map(|level| Way { level: *level, ..Way::default() });
    levels.chain([1, 37, 512, 0].map(|buffer| Way { buffer, ..Way::default() })).collect()
}

#[test]
fn a_chain_sounds_as_its_links_one_by_one() {
    for way in ways() {
        let play = |overheard: bool| {
            let mut rig = Rig::with(&text(3, overheard, ""), way);
            rig.turn(1_000, "c1x2.level", 0.3);
            rig.turn(1_003, "c2x0.in", 0.25);
            rig.turn(2_500, "c1x2.level", 1.9);
            rig.turn(3_100, "c2x0.in", 0.0);
            rig.left(6_000)
        };
        let (chained, single) = (play(false), play(true));
        assert!(peak(&single[4_000..]) > 0.05);
        assert_eq!(chained, single, "{way:?}");
    }
}

#[test]
fn a_reload_meets_a_chain_where_it_was() {
    for way in ways() {
        let play = |overheard: bool| {
            let mut rig = Rig::with(&text(2, overheard, ""), way);
            let mut heard = rig.left(1_500);
            // Another first factor: every sum of that chain goes on from its own last frame.
            rig.reload(&text(2, overheard, "").replacen("osc.saw * -0.7", "osc.saw * 0.4", 1).replacen(
                "in = \"c1x3\"",
                "in = \"c1x3 * 0.5\"",
                1,
            ));
            heard.extend(rig.left(3_000));
            rig.reload(&text(2, overheard, ""));
            heard.extend(rig.left(3_000));
            heard
        };
        assert_eq!(play(false), play(true), "{way:?}");
    }
}

#[test]
fn what_is_no_number_is_found_in_a_chain() {
    // Gains of 2 beyond all bounds.
    let mut text = String::from("format = 1\nname = \"C\"\n[global.osc]\ntype = \"vco\"\npitch = \"220 Hz\"\n");
    let mut from = String::from("osc.square");
    for link in 0..200 {
        text += &format!("[global.x{link}]\ntype = \"vca\"\nin = \"{from}\"\nlevel = 2\n");
        from = format!("x{link}");
    }
    let mut rig = Rig::new(&(text + &format!("[out]\nin = \"{from}\"\n")));
    rig.left(640);
    let blamed: Vec<u16> =
        rig.reports().iter().filter_map(|it| if let Report::NotFinite { module, .. } = it { Some(*module) } else { None }).collect();
    let number = rig.patch.modules.iter().position(|it| it.name == "x127").unwrap() as u16;
    assert!(!blamed.is_empty() && blamed.iter().all(|module| module.abs_diff(number) <= 1), "{blamed:?}, {number}");
}
