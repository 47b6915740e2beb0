//! The patch that opens the language's description becomes the right value, field by field.

use rackd::base::units::{Unit, octaves_from_hertz};
use rackd::module::{Curve, NoteSource, SettingValue};
use rackd::patch::{
    Amount, Base, ControlId, Domain, Map, MapSource, ModuleId, Out, Patch, Priority, Source, Steal, Target, Term, VoiceMode, addresses,
    parse,
};

use crate::patch_toy::TOYS;

const ACID: &str = include_str!("../patch/acid.toml");

fn acid() -> Patch {
    let (patch, diagnostics) = parse(ACID, &TOYS);
    assert_eq!(diagnostics, []);
    patch.unwrap()
}

fn hertz(hertz: f64) -> f32 {
    octaves_from_hertz(hertz) as f32
}

fn output(module: usize, output: usize) -> Source {
    Source::Output { module: ModuleId(module), output, side: None }
}

fn term(depth: f32, key: &str, sources: Vec<Source>) -> Term {
    Term { depth, key: key.to_owned(), sources }
}

const ZERO: Base = Base::Number(Amount::Plain(0.0));

#[test]
fn head_note_and_controls() {
    let patch = acid();
    assert_eq!(patch.name, "Acid");
    assert_eq!(patch.description, "Mono bass with a squelch. Turn brightness; hold two keys to slide.");
    assert_eq!(patch.tempo, None);
    assert_eq!(patch.inputs, None);
    let note = patch.note.as_ref().unwrap();
    assert_eq!((note.mode, note.voices, note.priority), (VoiceMode::Mono, 1, Priority::Last));
    assert_eq!((note.steal, note.unison, note.mpe), (Steal::Oldest, 1, false));
    assert_eq!(note.bend_range, 2.0 / 12.0);
    assert_eq!(note.glide.base, Base::Number(Amount::Plain(0.06)));
    assert_eq!(note.glide.text, "60 ms");
    assert_eq!(note.detune.base, Base::Number(Amount::Plain(20.0 / 1200.0)));
    assert_eq!(note.spread.base, ZERO);

    let [brightness, squelch] = patch.controls.as_slice() else { panic!() };
    assert_eq!((brightness.name.as_str(), brightness.unit), ("brightness", Unit::Hertz));
    assert_eq!(brightness.default, Amount::Plain(hertz(300.0)));
    assert_eq!((brightness.min, brightness.max), (hertz(40.0), hertz(8000.0)));
    assert_eq!(brightness.curve, Curve::Log);
    assert_eq!(&ACID[brightness.span.clone()], "brightness");
    assert_eq!((squelch.name.as_str(), squelch.unit), ("squelch", Unit::Octaves));
    assert_eq!((squelch.default, squelch.min, squelch.max), (Amount::Plain(3.0), 0.0, 5.0));
    assert_eq!(squelch.curve, Curve::Linear);

    let map = |from, span| Map {
        from,
        to: vec![Target::Control(ControlId(0))],
        range_in: None,
        range_out: None,
        curve: None,
        pickup: false,
        toggle: false,
        relative: None,
        step: None,
        span,
    };
    let [midi, osc] = patch.maps.as_slice() else { panic!() };
    assert_eq!(*midi, map(MapSource::Cc(74, None), midi.span.clone()));
    assert_eq!(*osc, map(MapSource::Osc("/1/fader1".to_owned()), osc.span.clone()));
    assert_eq!(&ACID[midi.span.clone()], "\"cc 74\"");
}

#[test]
fn modules_and_their_sums() {
    let patch = acid();
    let names: Vec<_> = patch.modules.iter().map(|module| (module.name.as_str(), module.kind.name, module.domain)).collect();
    assert_eq!(
        names,
        [
            ("osc", "vco", Domain::Voice),
            ("env", "adsr", Domain::Voice),
            ("filter", "ladder", Domain::Voice),
            ("echo", "delay", Domain::Global)
        ]
    );
    let [osc, env, filter, echo] = patch.modules.as_slice() else { panic!() };
    assert_eq!(&ACID[osc.span.clone()], "[voice.osc]");

    // Normalled inputs, and defaults as they are counted.
    assert_eq!(osc.inputs[0].terms, [term(1.0, "", vec![Source::Note(NoteSource::Pitch)])]);
    assert_eq!(osc.inputs[0].base, ZERO);
    assert_eq!(osc.inputs[0].text, "");
    assert_eq!(osc.inputs[2].base, Base::Number(Amount::Plain(0.5)));
    assert_eq!(osc.settings.0, [SettingValue::Choice(0), SettingValue::Integer(0), SettingValue::Number(0.1)]);
    assert_eq!(env.inputs[0].terms, [term(1.0, "", vec![Source::Note(NoteSource::Gate)])]);
    assert_eq!(env.inputs[2].base, Base::Number(Amount::Plain(0.25)));
    assert_eq!(env.inputs[2].text, "250 ms");
    assert_eq!(env.inputs[3].base, ZERO);
    assert_eq!(env.inputs[3].text, "0");
    assert_eq!(env.inputs[4].base, Base::Number(Amount::Plain(0.2)));

    // Mixing is addition, and each number a knob.
    assert_eq!(filter.inputs[0].terms, [term(0.7, "osc.saw", vec![output(0, 0)]), term(0.3, "osc.square", vec![output(0, 1)])]);
    assert_eq!(filter.inputs[0].base, ZERO);
    // Knob, modulation with a depth that is a control, keyboard tracking.
    let cutoff = &filter.inputs[1];
    assert_eq!(cutoff.base, Base::Control(ControlId(0)));
    assert_eq!(
        cutoff.terms,
        [term(1.0, "", vec![output(1, 0), Source::Control(ControlId(1))]), term(1.0, "", vec![Source::Note(NoteSource::Pitch)])]
    );
    assert_eq!(cutoff.text, "brightness + env * squelch + note.pitch");
    assert_eq!(&ACID[cutoff.span.clone()], "\"brightness + env * squelch + note.pitch\"");
    assert_eq!(filter.inputs[2].base, Base::Number(Amount::Plain(0.8)));

    // A product of voice signals on a global audio input; a musical time.
    assert_eq!(echo.inputs[0].terms, [term(1.0, "", vec![output(2, 0), output(1, 0), Source::Note(NoteSource::Velocity)])]);
    assert_eq!(echo.inputs[1].base, Base::Number(Amount::Beats(0.75)));
    assert_eq!(echo.inputs[2].base, Base::Number(Amount::Plain(0.4)));
    let Out::Whole(out) = &patch.out else { panic!() };
    assert_eq!(out.terms, [term(1.0, "", vec![output(3, 0)])]);
}

#[test]
fn addresses_are_spelt() {
    let patch = acid();
    let all = addresses(&patch);
    let find = |path: &str| all.iter().find(|address| address.path == path).map(|address| address.target);
    assert_eq!(find("brightness"), Some(Target::Control(ControlId(0))));
    assert_eq!(find("filter/cutoff"), Some(Target::Control(ControlId(0))), "the address of the input is another name of the control");
    assert_eq!(find("filter/in/osc.saw"), Some(Target::Depth(ModuleId(2), 0, 0)));
    assert_eq!(find("filter/in/osc.square"), Some(Target::Depth(ModuleId(2), 0, 1)));
    assert_eq!(find("filter/in"), Some(Target::Input(ModuleId(2), 0)));
    assert_eq!(find("echo/time"), Some(Target::Input(ModuleId(3), 1)));
    assert_eq!(find("osc/fm_mode"), Some(Target::Setting(ModuleId(0), 0)));
    assert_eq!(find("note/glide"), Some(Target::NoteBase(0)));
    assert_eq!(find("out/in"), Some(Target::OutBase(0)));
    assert_eq!(find("filter/cutoff/env-squelch"), None, "no number, no knob");
    let mut paths: Vec<_> = all.iter().map(|address| &address.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), all.len(), "each address is one thing");
}
