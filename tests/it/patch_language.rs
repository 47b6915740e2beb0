//! The rules of the patch language, one by one.

use rackd::base::units::{Unit, octaves_from_hertz};
use rackd::module::{Curve, NoteSource, SettingValue};
use rackd::patch::{
    Address, Amount, Base, Control, ControlId, KeySource, MapSource, ModuleId, Out, Patch, Side, Source, Sum, Target, Term, VoiceMode,
    What, addresses, codes, parse,
};

use crate::patch_toy::TOYS;

/// Modules by their numbers, for the tests below.
const BENCH: &str = r#"
[controls]
root = "A2"
squelch = "3 oct"
size = "200 ms"
volume = "-12 dB"
amount = 0.5
beat = "1/8"
beat2 = "1/4"

[in]
side = "mono"
aux = "stereo"

[note]

[voice.osc]
type = "vco"
[voice.env]
type = "adsr"
[voice.sweep]
type = "lfo"
[global.lfo]
type = "lfo"
[global.seq]
type = "seq_step"
[global.place]
type = "pan"
[global.glide]
type = "slew"
in = "seq.pitch * 0.5"
[global.wobble]
type = "slew"
in = "lfo"
"#;

const OSC: usize = 0;
const ENV: usize = 1;
const LFO: usize = 3;
const SEQ: usize = 4;
const PLACE: usize = 5;
const GLIDE: usize = 6;
const TESTED: usize = 8;

fn text(domain: &str, kind: &str, line: &str) -> String {
    format!("{BENCH}\n[{domain}.tested]\ntype = \"{kind}\"\n{line}\n\n[out]\nin = 0\n")
}

fn patch(text: &str) -> Patch {
    let (patch, diagnostics) = parse(text, &TOYS);
    patch.unwrap_or_else(|| panic!("{diagnostics:#?}"))
}

/// The sum at an input of a module of this type.
#[track_caller]
fn sum_of(domain: &str, kind: &str, input: &str, expression: &str) -> Sum {
    let patch = patch(&text(domain, kind, &format!("{input} = {expression}")));
    let module = &patch.modules[TESTED];
    let input = module.kind.inputs.iter().find(|declared| declared.name == input).unwrap();
    module.inputs[input.index].clone()
}

/// The codes that an expression yields.
fn wrong(domain: &str, kind: &str, input: &str, expression: &str) -> Vec<&'static str> {
    let (patch, diagnostics) = parse(&text(domain, kind, &format!("{input} = {expression}")), &TOYS);
    assert_eq!(patch.is_none(), !diagnostics.is_empty());
    diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

fn hertz(hertz: f64) -> Base {
    plain(octaves_from_hertz(hertz))
}

fn plain(value: f64) -> Base {
    Base::Number(Amount::Plain(value as f32))
}

fn beats(beats: f64) -> Base {
    Base::Number(Amount::Beats(beats))
}

fn out(module: usize) -> Source {
    Source::Output { module: ModuleId(module), output: 0, side: None }
}

fn term(depth: f64, key: &str, sources: &[Source]) -> Term {
    Term { depth: depth as f32, key: key.to_owned(), sources: sources.to_vec() }
}

#[track_caller]
fn is(kind: &str, input: &str, expression: &str, base: Base, terms: &[Term]) {
    let sum = sum_of("voice", kind, input, expression);
    assert_eq!(sum.base, base, "{expression}");
    assert_eq!(sum.terms, terms, "{expression}");
}

const PITCH: Source = Source::Note(NoteSource::Pitch);

#[test]
fn frequencies_count_octaves() {
    let cutoff = |expression: &str, base: Base, terms: &[Term]| is("ladder", "cutoff", expression, base, terms);
    cutoff("800", hertz(800.0), &[]);
    cutoff("800.0", hertz(800.0), &[]);
    cutoff("\"800\"", hertz(800.0), &[]);
    cutoff("\"2 * 400\"", hertz(800.0), &[]);
    cutoff("\"(300 + 500)\"", hertz(800.0), &[]);
    cutoff("'0.8 kHz'", hertz(800.0), &[]);
    cutoff("\"A4\"", plain(0.75), &[]);
    cutoff("\"A4 + 1 oct - 6 st\"", plain(1.25), &[]);
    cutoff("\"2400 bpm\"", hertz(40.0), &[]);
    cutoff("\"note.pitch\"", plain(0.0), &[term(1.0, "", &[PITCH])]);
    cutoff("\"note.pitch + 6 ct\"", plain(0.005), &[term(1.0, "", &[PITCH])]);
    cutoff("\"note.pitch * 0.5 + 2:1\"", plain(1.0), &[term(0.5, "note.pitch", &[PITCH])]);
    cutoff("\"800 Hz + env * 3 oct\"", hertz(800.0), &[term(3.0, "env", &[out(ENV)])]);
    cutoff("\"800 Hz - 6 st * env\"", hertz(800.0), &[term(-0.5, "env", &[out(ENV)])]);
    cutoff("\"800 Hz + env * 2\"", hertz(800.0), &[term(2.0, "env", &[out(ENV)])]);
    cutoff("\"root\"", Base::Control(ControlId(0)), &[]);
    cutoff("\"env * squelch + root\"", Base::Control(ControlId(0)), &[term(1.0, "", &[out(ENV), Source::Control(ControlId(1))])]);
    // A number in the sum is the base; the control is then a term like others.
    cutoff("\"root + 6 st\"", plain(0.5), &[term(1.0, "", &[Source::Control(ControlId(0))])]);
    // Of two controls that stand alone the frequency is the base.
    cutoff("\"squelch + root\"", Base::Control(ControlId(0)), &[term(1.0, "", &[Source::Control(ControlId(1))])]);
    cutoff("\"note.pitch + squelch\"", Base::Control(ControlId(1)), &[term(1.0, "", &[PITCH])]);
    is("lfo", "rate", "\"1/8\"", beats(0.5), &[]);
    is("lfo", "rate", "\"1/8 + 1 oct\"", beats(0.25), &[]);
    is("lfo", "rate", "\"2 bars\"", beats(8.0), &[]);
    is("lfo", "rate", "\"beat\"", Base::Control(ControlId(5)), &[]);
}

#[test]
fn frequency_mistakes() {
    let cutoff = |expression: &str| wrong("voice", "ladder", "cutoff", expression);
    for expression in ["'7 ct'", "'env * 3 oct'", "'squelch'", "'note.bend + 1 oct'", "'wobble'", "'lfo + amount'", "'env * 3'"] {
        assert_eq!(cutoff(expression), [codes::NO_FREQUENCY], "{expression}");
    }
    // A pitch passes through what takes any signal.
    assert!(cutoff("'glide + env * 1 oct'").is_empty());
    assert!(cutoff("'seq.pitch'").is_empty() && cutoff("'keys.pitch'").is_empty());
    for expression in ["'A4 + 440 Hz'", "'root + A4'", "'1/8 + A4'"] {
        assert_eq!(cutoff(expression), [codes::TWO_FREQUENCIES], "{expression}");
    }
    for expression in ["'root * 2'", "'A4 * 2'", "'env * 800 Hz'", "'(root + env) * 0.5'", "'(A4)'", "'root * env'"] {
        assert_eq!(cutoff(expression), [codes::FREQUENCY_IN_PRODUCT], "{expression}");
    }
    for expression in ["'800 + env * 3 oct'", "'note.pitch + 12'", "'A4 + 7'"] {
        assert_eq!(cutoff(expression), [codes::NEEDS_UNIT], "{expression}");
    }
    for expression in ["'250 ms'", "'note.pitch + 3 deg'", "'50 %'", "'note.pitch + size'", "'A4 + env * 1 s'"] {
        assert_eq!(cutoff(expression), [codes::WRONG_UNIT], "{expression}");
    }
    assert_eq!(cutoff("'A4 + env * squelch * 2 oct'"), [codes::UNIT_TWICE]);
    assert_eq!(cutoff("'A4 + env * 1 oct * 2 st'"), [codes::UNIT_TWICE]);
    assert_eq!(cutoff("'A4 + -6 dB'"), [codes::DECIBELS_TERM]);
    assert_eq!(cutoff("'A4 + volume'"), [codes::DECIBELS_TERM]);
    for expression in ["0", "-5", "25000", "'30 kHz'", "'C-1'"] {
        assert_eq!(cutoff(expression), [codes::OUT_OF_RANGE], "{expression}");
    }
    assert_eq!(wrong("voice", "lfo", "rate", "'1/8 * 2'"), [codes::MUSICAL_TIME]);
    assert_eq!(wrong("voice", "lfo", "rate", "'0/8'"), [codes::OUT_OF_RANGE]);
}

#[test]
fn times_levels_and_plain_numbers() {
    let time = |expression: &str, base: Base, terms: &[Term]| is("delay", "time", expression, base, terms);
    time("0.25", plain(0.25), &[]);
    time("'250 ms'", plain(0.25), &[]);
    time("'250 ms + env * 5 ms'", plain(0.25), &[term(0.005, "env", &[out(ENV)])]);
    time("'1 s + env * 0.5'", plain(1.0), &[term(0.5, "env", &[out(ENV)])]);
    time("'3/16'", beats(0.75), &[]);
    time("'1/4 - 1/16'", beats(0.75), &[]);
    time("'1/8. + env * 10 ms'", beats(0.75), &[term(0.01, "env", &[out(ENV)])]);
    time("'size * 0.5'", plain(0.0), &[term(0.5, "size", &[Source::Control(ControlId(2))])]);
    time("'beat'", Base::Control(ControlId(5)), &[]);
    let level = |expression: &str, base: Base, terms: &[Term]| is("pan", "level", expression, base, terms);
    level("-6", plain(-6.0), &[]);
    level("'-6 dB + env * 12 dB'", plain(-6.0), &[term(12.0, "env", &[out(ENV)])]);
    level("'volume + env * 12'", Base::Control(ControlId(3)), &[term(12.0, "env", &[out(ENV)])]);
    let width = |expression: &str, base: Base, terms: &[Term]| is("vco", "width", expression, base, terms);
    width("'50 %'", plain(0.5), &[]);
    width("'0.5 + lfo * 0.3 + env * 20 %'", plain(0.5), &[term(0.3, "lfo", &[out(LFO)]), term(0.2, "env", &[out(ENV)])]);
    width("'amount + env'", Base::Control(ControlId(4)), &[term(1.0, "", &[out(ENV)])]);
    is("vco", "phase", "'90 deg + lfo * 45 deg'", plain(90.0), &[term(45.0, "lfo", &[out(LFO)])]);
    is("delay", "shift", "'7 st + env * 1 oct'", plain(7.0 / 12.0), &[term(1.0, "env", &[out(ENV)])]);
    is("adsr", "gate", "true", plain(1.0), &[]);

    let time = |expression: &str| wrong("voice", "delay", "time", expression);
    assert_eq!(time("'1/8 + 10 ms'"), [codes::MUSICAL_TIME]);
    assert_eq!(time("'env * 1/8'"), [codes::MUSICAL_TIME]);
    assert_eq!(time("'(1/8)'"), [codes::MUSICAL_TIME]);
    assert_eq!(time("'1/16 - 1/4'"), [codes::OUT_OF_RANGE]);
    assert_eq!(time("11"), [codes::OUT_OF_RANGE]);
    assert_eq!(time("'440 Hz'"), [codes::WRONG_UNIT]);
    assert_eq!(time("'0.1 + env * 5 ms'"), [codes::NEEDS_UNIT]);
    assert_eq!(time("true"), [codes::WRONG_TYPE]);
    assert_eq!(wrong("voice", "vco", "width", "'-6 dB'"), [codes::DECIBELS_TERM]);
    assert_eq!(wrong("voice", "vco", "width", "'volume'"), [codes::DECIBELS_TERM]);
    assert_eq!(wrong("voice", "vco", "width", "'squelch'"), [codes::WRONG_UNIT]);
    assert_eq!(wrong("voice", "pan", "level", "'3 + lfo * 6 dB'"), [codes::NEEDS_UNIT]);
    assert_eq!(wrong("voice", "vco", "width", "07:32:00"), [codes::WRONG_TYPE]);
}

#[test]
fn numbers_are_knobs_and_parentheses_fold() {
    let fm = |expression: &str, base: Base, terms: &[Term]| is("vco", "fm", expression, base, terms);
    fm("'osc * 1'", plain(0.0), &[term(1.0, "osc", &[out(OSC)])]);
    fm("'osc * 0 + 0.5'", plain(0.5), &[term(0.0, "osc", &[out(OSC)])]);
    fm("'osc'", plain(0.0), &[term(1.0, "", &[out(OSC)])]);
    fm("'2 * osc * 0.25'", plain(0.0), &[term(0.5, "osc", &[out(OSC)])]);
    fm("'osc * (0.5 + 0.25)'", plain(0.0), &[term(0.75, "", &[out(OSC)])]);
    fm("'osc * (0.5 + 0.25) * 2'", plain(0.0), &[term(1.5, "osc", &[out(OSC)])]);
    fm("'osc * -6 dB'", plain(0.0), &[term(0.501_187_233_6, "osc", &[out(OSC)])]);
    fm("'osc * volume'", plain(0.0), &[term(1.0, "", &[out(OSC), Source::Control(ControlId(3))])]);
    fm("'osc * env * amount * 0.3'", plain(0.0), &[term(0.3, "osc-env-amount", &[out(OSC), out(ENV), Source::Control(ControlId(4))])]);
    let sum = sum_of("voice", "vco", "fm", "'(osc * 0.5 + env + 0.1) * lfo * 2'");
    let Source::Group(group) = &sum.terms[0].sources[0] else { panic!("{sum:?}") };
    assert_eq!((sum.terms[0].depth, sum.terms[0].key.as_str()), (2.0, "osc+env-lfo"));
    assert_eq!(group.terms, [term(0.5, "", &[out(OSC)]), term(1.0, "", &[out(ENV)])]);
    assert_eq!(group.base, plain(0.1));
    assert_eq!(sum.terms[0].sources[1], out(LFO));
    for expression in [
        "'osc + osc'",
        "'osc.saw * 0.5 + osc * 0.2'",
        "'osc * env + env * osc * 0.1'",
        "'(osc) * 0.5 + osc * 0.2'",
        "'(osc * env + lfo) * 0.5 + osc * (env + lfo) * 0.2'",
        "'amount + amount * 2'",
    ] {
        assert_eq!(wrong("voice", "vco", "fm", expression), [codes::SAME_SOURCES], "{expression}");
    }
    assert!(wrong("voice", "vco", "fm", "'osc.saw * 0.5 + osc.square * 0.2 + place.left + place.right'").is_empty());
    assert_eq!(wrong("voice", "ladder", "cutoff", "'A4 + (env * 1 oct + 0.5) * lfo'"), [codes::NEEDS_UNIT]);
    assert_eq!(wrong("voice", "ladder", "cutoff", "'A4 + (env * 1 oct) * 2 st'"), [codes::UNIT_TWICE]);
    assert!(wrong("voice", "ladder", "cutoff", "'A4 + (env + 0.5) * 2 st'").is_empty());
}

#[test]
fn sources_and_sides() {
    let fm = |expression: &str, source: Source| is("vco", "fm", expression, plain(0.0), &[term(1.0, "", &[source])]);
    let place = |side| Source::Output { module: ModuleId(PLACE), output: 0, side };
    fm("'place'", place(None));
    fm("'place.left'", place(Some(Side::Left)));
    fm("'place.out.right'", place(Some(Side::Right)));
    fm("'osc.square'", Source::Output { module: ModuleId(OSC), output: 1, side: None });
    fm("'in'", Source::Input { index: 0, side: None });
    fm("'in.right'", Source::Input { index: 0, side: Some(Side::Right) });
    fm("'in.side'", Source::Input { index: 1, side: None });
    fm("'in.aux.left'", Source::Input { index: 2, side: Some(Side::Left) });
    fm("'keys.gate'", Source::Keys(KeySource::Gate));
    fm("'keys.velocity'", Source::Keys(KeySource::Velocity));
    fm("'keys.36'", Source::Keys(KeySource::Key(36)));
    fm("'keys.C2'", Source::Keys(KeySource::Key(36)));
    fm("'keys.36.velocity'", Source::Keys(KeySource::KeyVelocity(36)));
    fm("'keys.Bb-1.velocity'", Source::Keys(KeySource::KeyVelocity(10)));
    for source in NoteSource::ALL {
        fm(&format!("'note.{}'", source.name()), Source::Note(source));
    }
    // No letter of an address has a meaning of its own.
    is("vco", "fm", "'keys.F#3 * 0.5'", plain(0.0), &[term(0.5, "keys.54", &[Source::Keys(KeySource::Key(54))])]);
    for (expression, code) in [
        ("'in.side.left'", codes::NO_SIDE),
        ("'osc.left'", codes::NO_SIDE),
        ("'place.out.middle'", codes::UNKNOWN_OUTPUT),
        ("'place.left.right'", codes::UNKNOWN_OUTPUT),
        ("'in.other'", codes::UNKNOWN_NAME),
        ("'keys'", codes::UNKNOWN_KEY_SOURCE),
        ("'keys.128'", codes::UNKNOWN_KEY_SOURCE),
        ("'keys.36.pitch'", codes::UNKNOWN_KEY_SOURCE),
        ("'keys.gate.velocity'", codes::UNKNOWN_KEY_SOURCE),
        ("'note'", codes::UNKNOWN_NOTE_SOURCE),
        ("'note.pitch.left'", codes::UNKNOWN_NOTE_SOURCE),
        ("'osc.'", codes::EXPECTED_TERM),
        ("'amount.x'", codes::NO_PARTS),
    ] {
        assert_eq!(wrong("voice", "vco", "fm", expression), [code], "{expression}");
    }
}

#[test]
fn pulses_need_no_clock() {
    let sum = sum_of("global", "seq_step", "clock", "'1/16'");
    assert_eq!((sum.base, sum.terms.as_slice()), (plain(0.0), [term(1.0, "", &[Source::Pulses(0.25)])].as_slice()));
    let sum = sum_of("global", "seq_step", "clock", "'1/16 * keys.gate + 1 bar'");
    assert_eq!(sum.terms, [term(1.0, "", &[Source::Pulses(0.25), Source::Keys(KeySource::Gate)]), term(1.0, "", &[Source::Pulses(4.0)])]);
    assert_eq!(wrong("global", "seq_step", "clock", "'1/16 * 0.5'"), [codes::MUSICAL_TIME]);
    assert_eq!(wrong("global", "seq_step", "clock", "'beat'"), [codes::WRONG_UNIT]);
    assert_eq!(wrong("global", "seq_step", "clock", "'2 Hz'"), [codes::WRONG_UNIT]);
    assert_eq!(wrong("voice", "vco", "fm", "'1/16'"), [codes::WRONG_UNIT]);
}

#[test]
fn voices_and_the_global_part() {
    assert!(wrong("global", "delay", "in", "'osc * env * note.velocity + lfo'").is_empty());
    assert!(wrong("global", "delay", "in", "'(osc + lfo) * 0.5'").is_empty());
    assert!(wrong("voice", "vco", "width", "'lfo * 0.2 + 0.5'").is_empty(), "global to voice goes everywhere");
    for (kind, input, expression) in [
        ("delay", "feedback", "'env'"),
        ("seq_step", "clock", "'note.trigger'"),
        ("lfo", "rate", "'note.pitch'"),
        ("pan", "pan", "'(env + lfo) * 0.5'"),
    ] {
        assert_eq!(wrong("global", kind, input, expression), [codes::VOICE_TO_GLOBAL], "{kind}.{input}");
    }
    assert_eq!(wrong("voice", "reverb", "in", "'osc'"), [codes::GLOBAL_ONLY]);
    // Normalled only in a voice.
    let default = sum_of("voice", "vco", "width", "0.1");
    assert_eq!(default.base, plain(0.1));
    let patch_voice = patch(&text("voice", "vco", ""));
    assert_eq!(patch_voice.modules[TESTED].inputs[0].terms, [term(1.0, "", &[PITCH])]);
    let patch_global = patch(&text("global", "vco", ""));
    assert_eq!(patch_global.modules[TESTED].inputs[0].base, hertz(f64::from(261.625_57f32)));
    assert!(patch_global.modules[TESTED].inputs[0].terms.is_empty());
    // Without [note] there are no voices, and that is told once.
    let drone = "[voice.osc]\ntype = 'vco'\n[voice.env]\ntype = 'adsr'\n[out]\nin = 'osc * note.velocity'\n";
    let told: Vec<_> = parse(drone, &TOYS).1.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(told, [codes::VOICE_WITHOUT_NOTE]);
    // Feedback is no mistake.
    assert!(wrong("voice", "vco", "fm", "'tested * 0.1'").is_empty());
}

#[test]
fn controls_have_usual_ranges_and_curves() {
    let control = |line: &str| {
        let text = format!("[controls]\nx = {line}\n[out]\nin = 0\n");
        patch(&text).controls.remove(0)
    };
    let near = |control: &Control, unit: Unit, min: f64, max: f64, curve: Curve| {
        let count = |x: f64| if unit == Unit::Hertz { octaves_from_hertz(x) } else { x } as f32;
        assert_eq!((control.unit, control.curve), (unit, curve));
        assert!((control.min - count(min)).abs() < 1e-5 && (control.max - count(max)).abs() < 1e-5, "{control:?}");
    };
    near(&control("0.5"), Unit::Number, 0.0, 1.0, Curve::Linear);
    near(&control("'440 Hz'"), Unit::Hertz, 20.0, 20_000.0, Curve::Log);
    near(&control("'A4'"), Unit::Hertz, 20.0, 20_000.0, Curve::Log);
    near(&control("'20 ms'"), Unit::Seconds, 0.001, 10.0, Curve::Log);
    near(&control("'2 oct'"), Unit::Octaves, 0.0, 4.0, Curve::Linear);
    near(&control("'-6 dB'"), Unit::Decibels, -60.0, 6.0, Curve::Linear);
    near(&control("'30 %'"), Unit::Number, 0.0, 1.0, Curve::Linear);
    near(&control("{ default = '20 ms', min = 0, max = 2 }"), Unit::Seconds, 0.0, 2.0, Curve::Linear);
    near(&control("{ default = 300, min = '40 Hz', max = 8000 }"), Unit::Hertz, 40.0, 8000.0, Curve::Log);
    near(&control("{ default = 5, curve = 2 }"), Unit::Number, 0.0, 5.0, Curve::Power(2.0));
    near(&control("'2 Hz'"), Unit::Hertz, 2.0, 20_000.0, Curve::Log);
    near(&control("{ default = 3, min = 1, max = 9, curve = 'log' }"), Unit::Number, 1.0, 9.0, Curve::Log);
    assert_eq!(control("true").default, Amount::Plain(1.0));
    assert_eq!(control("{ default = 1, text = 'more' }").text, "more");
    assert_eq!(control("'1/8'").default, Amount::Beats(0.5));
    assert_eq!(control("'1/8'").unit, Unit::Seconds);
    // A musical time is what it is used for.
    assert_eq!(patch(&text("global", "lfo", "rate = 'beat'")).controls[5].unit, Unit::Hertz);
    assert_eq!(patch(&text("global", "delay", "time = 'beat2'")).controls[6].unit, Unit::Seconds);
}

#[test]
fn settings_are_checked_and_counted() {
    let settings = |kind: &str, line: &str| patch(&text("global", kind, line)).modules[TESTED].settings.0.clone();
    assert_eq!(
        settings("vco", "fm_mode = 'through_zero'\noctaves = -2\ndrift = 0")[..],
        [SettingValue::Choice(1), SettingValue::Integer(-2), SettingValue::Number(0.0)]
    );
    let lists = settings("seq_step", "steps = ['C4', '-', 'A4', '1 oct', 72, '880 Hz']\nlevels = [0.5, 1]");
    let SettingValue::List(steps) = &lists[0] else { panic!() };
    assert!(steps[1].is_nan());
    assert_eq!([steps[0], steps[2], steps[3], steps[4], steps[5]], [0.0, 0.75, 1.0, 1.0, 1.75]);
    assert_eq!(lists[1], SettingValue::List(vec![0.5, 1.0]));
    for (kind, setting, value, code) in [
        ("vco", "fm_mode", "'sync'", codes::UNKNOWN_CHOICE),
        ("vco", "octaves", "5", codes::OUT_OF_RANGE),
        ("vco", "octaves", "1.5", codes::WRONG_TYPE),
        ("vco", "drift", "inf", codes::NOT_FINITE),
        ("vco", "drift", "'high'", codes::WRONG_TYPE),
        ("seq_step", "steps", "'C4'", codes::WRONG_TYPE),
        ("seq_step", "steps", "['H4']", codes::BAD_NOTE_NAME),
        ("seq_step", "steps", "['1 s']", codes::WRONG_UNIT),
        ("seq_step", "steps", "[[1]]", codes::WRONG_TYPE),
        ("seq_step", "levels", "[nan]", codes::NOT_FINITE),
    ] {
        assert_eq!(wrong("global", kind, setting, value), [code], "{setting} = {value}");
    }
}

#[test]
fn note_in_and_out() {
    let full = "[note]\nmode = 'poly'\nvoices = 32\nunison = 4\npriority = 'high'\nsteal = 'quietest'\nmpe = true\nbend_range = '12 st'\nglide = 'g'\ndetune = '15 ct'\nspread = 0.5\n[controls]\ng = '50 ms'\n[out]\nleft = 'keys.gate'\nright = 0\n";
    let patch = patch(full);
    let note = patch.note.as_ref().unwrap();
    assert_eq!((note.mode, note.voices, note.unison, note.mpe, note.bend_range), (VoiceMode::Poly, 32, 4, true, 1.0));
    assert_eq!((note.glide.base, note.detune.base, note.spread.base), (Base::Control(ControlId(0)), plain(0.0125), plain(0.5)));
    let Out::Sides(left, right) = &patch.out else { panic!() };
    assert_eq!(left.terms.len(), 1);
    assert_eq!(right.base, plain(0.0));
    for (text, code) in [
        ("[note]\nunison = 20\n[out]\nin = 0\n", codes::OUT_OF_RANGE),
        ("[note]\nunison = 8\nvoices = 4\n[out]\nin = 0\n", codes::OUT_OF_RANGE),
        ("[note]\nvoices = 257\n[out]\nin = 0\n", codes::OUT_OF_RANGE),
        ("[note]\nglde = 1\n[out]\nin = 0\n", codes::UNKNOWN_KEY),
        ("[note]\npitch = 'C4'\n[out]\nin = 0\n", codes::MISSING_KEY),
        ("[in]\nleft = 'mono'\n[out]\nin = 0\n", codes::RESERVED_NAME),
        ("[in]\nside = 'both'\n[out]\nin = 0\n", codes::UNKNOWN_CHOICE),
        ("[out]\nin = 0\nleft = 0\n", codes::UNKNOWN_KEY),
        ("[out]\n", codes::MISSING_KEY),
        ("tempo = '1/8'\n[out]\nin = 0\n", codes::WRONG_UNIT),
        ("[slots.a]\npatch = 'x'\n[out]\nin = 0\n", codes::RACK_HERE),
    ] {
        let (_, diagnostics) = parse(text, &TOYS);
        assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [code], "{text}");
    }
    let (patch, told) = parse("tempo = '118 bpm'\n[out]\nin = 0\n[[test]]\nx = 1\n", &TOYS);
    assert!((patch.unwrap().tempo.unwrap() - 118.0).abs() < 1e-9);
    assert_eq!(told.len(), 1, "a warning keeps nothing from playing");
}

#[test]
fn maps_name_what_they_turn() {
    let maps = r#"
[map]
"cc 1" = "lfo.rate"
"/1/xy" = ["tested.cutoff", "tested.resonance"]
"nrpn 300 ch 2" = { to = "tested.cutoff.env", from = [0, 35], min = -1, max = 1, curve = 2, pickup = true }
"bend" = "osc.fm_mode"
"note C2 ch 16" = "amount"
"pressure" = { to = "tested.cutoff", min = "100 Hz", max = "1 kHz" }
"#;
    let patch = patch(&format!("{}{maps}", text("voice", "ladder", "cutoff = '800 Hz + env * 2 oct'")));
    let [cc, xy, nrpn, bend, note, pressure] = patch.maps.as_slice() else { panic!("{:?}", patch.maps) };
    let tested = ModuleId(TESTED);
    assert_eq!((&cc.from, cc.to.as_slice()), (&MapSource::Cc(1, None), [Target::Input(ModuleId(LFO), 0)].as_slice()));
    assert_eq!(xy.from, MapSource::Osc("/1/xy".to_owned()));
    assert_eq!(xy.to, [Target::Input(tested, 1), Target::Input(tested, 2)]);
    assert_eq!((&nrpn.from, nrpn.to.as_slice()), (&MapSource::Nrpn(300, Some(2)), [Target::Depth(tested, 1, 0)].as_slice()));
    assert_eq!(
        (nrpn.range_in, nrpn.range_out, nrpn.curve, nrpn.pickup),
        (Some((0.0, 35.0)), Some((-1.0, 1.0)), Some(Curve::Power(2.0)), true)
    );
    assert_eq!((&bend.from, bend.to.as_slice()), (&MapSource::Bend(None), [Target::Setting(ModuleId(OSC), 0)].as_slice()));
    assert_eq!((&note.from, note.to.as_slice()), (&MapSource::Note(36, Some(16)), [Target::Control(ControlId(4))].as_slice()));
    let (low, high) = pressure.range_out.unwrap();
    assert_eq!((Base::Number(Amount::Plain(low)), Base::Number(Amount::Plain(high))), (hertz(100.0), hertz(1000.0)));

    for (line, code) in [
        ("'cc' = 'lfo.rate'", codes::BAD_MAP_SOURCE),
        ("'cc 1 ch 17' = 'lfo.rate'", codes::BAD_MAP_SOURCE),
        ("'/a b' = 'lfo.rate'", codes::BAD_MAP_SOURCE),
        ("'/note/x' = 'lfo.rate'", codes::TAKEN_ADDRESS),
        ("'cc 1' = 'lfo.speed'", codes::UNKNOWN_TARGET),
        ("'cc 1' = 'seq.steps'", codes::UNKNOWN_TARGET),
        ("'cc 1' = 5", codes::WRONG_TYPE),
        ("'cc 1' = { min = 0 }", codes::MISSING_KEY),
        ("'cc 1' = { to = 'lfo.rate', max = '1 s' }", codes::BAD_MAP_RANGE),
        ("'cc 1' = { to = ['lfo.rate', 'osc.width'], max = 1 }", codes::BAD_MAP_RANGE),
        ("'cc 1' = { to = 'osc.fm', curve = 'log' }", codes::BAD_CURVE),
    ] {
        let (_, diagnostics) = parse(&format!("{BENCH}[out]\nin = 0\n[map]\n{line}\n"), &TOYS);
        assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [code], "{line}");
    }
}

#[test]
fn every_knob_has_an_address() {
    let patch = patch(&text("voice", "ladder", "in = 'osc * 0.5'\ncutoff = '800 Hz + env * note.velocity * 2 oct'"));
    let all = addresses(&patch);
    let find = |path: &str| -> &Address { all.iter().find(|address| address.path == path).unwrap_or_else(|| panic!("{path}")) };
    assert_eq!(find("tested/cutoff/env-note.velocity").target, Target::Depth(ModuleId(TESTED), 1, 0));
    let What::Depth { unit, written, range } = find("tested/cutoff/env-note.velocity").what else { panic!() };
    assert_eq!((unit, written, range), (Unit::Hertz, 2.0, (-2.0, 2.0)));
    let What::Value(range) = find("tested/cutoff").what else { panic!() };
    assert_eq!(Base::Number(range.written), hertz(800.0));
    assert_eq!((Base::Number(Amount::Plain(range.min)), Base::Number(Amount::Plain(range.max))), (hertz(20.0), hertz(20_000.0)));
    assert_eq!(find("seq/steps").target, Target::Setting(ModuleId(SEQ), 0));
    assert_eq!(find("glide/in/seq.pitch").target, Target::Depth(ModuleId(GLIDE), 0, 0));
    assert_eq!(find("note/spread").target, Target::NoteBase(2));
    for address in &all {
        assert!(address.path.chars().all(|c| c.is_ascii_graphic() && !"#*,?[]{}".contains(c)), "{} is no OSC address", address.path);
    }
}

#[test]
fn places_are_exact_in_every_kind_of_string() {
    for (quoted, at) in [
        ("\"osc + nope\"", "nope"),
        ("'osc + nope'", "nope"),
        ("\"\"\"\nosc +\n  nope\"\"\"", "nope"),
        ("'''osc + nope'''", "nope"),
        ("\"osc \\u002b nope\"", "\"osc \\u002b nope\""),
    ] {
        let text = text("voice", "vco", &format!("fm = {quoted}"));
        let (_, diagnostics) = parse(&text, &TOYS);
        assert_eq!(&text[diagnostics[0].labels[0].span.clone()], at);
    }
}
