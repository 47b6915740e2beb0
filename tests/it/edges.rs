//! What happens at the edge of a block, and in lanes that nobody hears: the same bits however a callback is cut and voices are packed.

use std::fmt::Write;

use rackd::engine::event::Panic;
use rackd::engine::{Act, NoteId};
use rackd::plan::outline::NoteValue;
use rackd::plan::{Before, Options, compile};

use crate::rig::{Rig, Way, parsed, peak};

/// Plays a scene in many ways; gives what is heard, which is the same in all of them.
fn heard(text: &str, scene: impl Fn(&mut Rig) -> Vec<f32>) -> Vec<f32> {
    let play = |way| scene(&mut Rig::with(text, way));
    let want = play(Way::default());
    for width in [None, Some(1), Some(8), Some(16)] {
        for buffer in [1, 32, 33, 64, 512] {
            let way = Way { width, buffer, ..Way::default() };
            let differs = play(way).iter().zip(&want).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(differs, None, "{way:?}: the first frame that differs");
        }
    }
    want
}

const PLUCK: &str = "[note]\nvoices = 6\n[voice.osc]\ntype = \"vco\"\n[voice.env]\ntype = \"adsr\"\n[out]\nin = \"osc.sine * env\"\n";

#[test]
fn a_voice_that_begins_after_a_reload_hears_nothing_of_what_its_lane_was() {
    let patch = |input: &str| {
        format!("[note]\nvoices = 6\n[voice.osc]\ntype = \"vco\"\n[voice.filter]\ntype = \"svf\"\n{input}[out]\nin = \"filter.low\"\n")
    };
    let played = heard(&patch(""), |rig| {
        rig.note(180, 66.0, 0.6, 3_000);
        rig.run(181);
        // The input of every lane jumps, also of those in which nobody sounds yet.
        rig.reload(&patch("in = \"osc.saw\"\n"));
        rig.note(300, 69.0, 0.3, 3_000);
        rig.left(600)
    });
    assert!(peak(&played) > 0.1);
}

#[test]
fn a_module_that_comes_while_voices_sound_draws_the_same_chance() {
    let patch = |hiss: &str| format!("{PLUCK}{hiss}");
    let played = heard(PLUCK, |rig| {
        for number in 0..4 {
            rig.note(10 * number, 60.0 + number as f32, 0.5, 0);
        }
        rig.run(500);
        rig.reload(&patch("[voice.hiss]\ntype = \"noise\"\n").replace("osc.sine * env", "hiss * env"));
        rig.left(600)
    });
    assert!(peak(&played) > 0.1);
}

#[test]
fn a_note_is_not_lost_where_the_tempo_changes_in_its_frame() {
    let played = heard(PLUCK, |rig| {
        rig.run(100);
        rig.note(150, 60.0, 0.5, 0);
        rig.at(150, Act::Tempo(97.0));
        rig.left(600)
    });
    assert!(peak(&played) > 0.1);
}

#[test]
fn a_note_that_is_silenced_in_its_first_frame_is_not_heard() {
    let played = heard(PLUCK, |rig| {
        rig.run(100);
        rig.note(150, 60.0, 0.5, 0);
        rig.panic(150, Panic::Fade);
        rig.left(600)
    });
    assert_eq!(peak(&played), 0.0);
}

#[test]
fn a_second_value_of_a_note_begins_where_the_first_has_got_to() {
    heard(PLUCK, |rig| {
        let id: NoteId = rig.note(0, 60.0, 0.5, 0);
        rig.run(100);
        let what = NoteValue::Knob(rig.base("osc.pitch"));
        for (at, value) in [(130, 1.0), (150, 0.5)] {
            rig.at(at, Act::NoteSet { slot: 0, id, what, value });
        }
        rig.left(600)
    });
}

#[test]
fn a_reload_moves_no_more_in_a_large_patch_than_in_a_small_one() {
    let patch = |part: &str, chains: usize, first: &str| {
        let mut text = String::from("[note]\nvoices = 16\n");
        for chain in 0..chains {
            let kind = if chain == 0 { first } else { "svf" };
            let _ = write!(
                text,
                "[{part}.osc{chain}]\ntype = \"vco\"\npitch = \"{} Hz\"\n\
                 [{part}.filter{chain}]\ntype = \"{kind}\"\nin = \"osc{chain}.saw\"\ncutoff = \"1 kHz\"\n",
                55 + chain
            );
        }
        parsed(&(text + "[out]\nin = \"filter1.low + filter0.low\"\n"))
    };
    let options = Options { rate: 48_000.0, level: Way::default().level, width: None, tempo: 120.0, shares: 1 };
    for part in ["global", "voice"] {
        let moves = |chains: usize, first: &str| {
            let (one, other) = (patch(part, chains, "svf"), patch(part, chains, first));
            let (_, outline) = compile(&one, &options, &|_| None, None);
            compile(&other, &options, &|_| None, Some(Before { patch: &one, outline: &outline })).0.moves()
        };
        assert!(moves(300, "svf") < 10, "{part}, nothing is another: {}", moves(300, "svf"));
        assert!(moves(300, "onepole") < 30, "{part}, one module is another: {}", moves(300, "onepole"));
        assert_eq!(moves(30, "onepole"), moves(300, "onepole"), "{part}");
    }
}
