//! The JSON Schema of the patch language, for editors with a TOML language server.
//!
//! Draft 7, in the part that Taplo and Tombi both read: every module type is one alternative with its own inputs, settings and
//! texts. It says less than [`crate::patch::parse`]: what stands in an expression is only known to be text.

use serde_json::{Map, Value, json};

use crate::base::names::RESERVED;
use crate::base::units::Unit;
use crate::media::scale::NOTES;
use crate::module::setting::LIST_MAX;
use crate::module::{Catalogue, Input, ModuleDef, Setting, SettingKind};
use crate::patch::Relative;
use crate::patch::map_form::STEP;
use crate::patch::note::{GLIDE_MODES, GLIDE_WHENS, INPUTS, MODES, PLAYED, PRIORITIES, STEALS, VOICES};
use crate::patch::parse::TEMPO;

/// Schema of a patch made of these modules. `[control]`
pub fn schema(catalogue: &Catalogue) -> Value {
    let mut definitions = Map::new();
    let (mut voice, mut global) = (Vec::new(), Vec::new());
    for kind in catalogue.iter() {
        let name = format!("module_{}", kind.name);
        let reference = json!({ "$ref": format!("#/definitions/{name}") });
        if kind.per_voice() {
            voice.push(reference.clone());
        }
        global.push(reference);
        definitions.insert(name, module(kind));
    }
    definitions.insert("name".to_owned(), json!({ "pattern": "^[a-z][a-z0-9_]*$", "not": { "enum": RESERVED } }));
    for modules in [&mut voice, &mut global] {
        modules.push(json!({ "$ref": "#/definitions/include" }));
    }
    definitions.insert("include".to_owned(), include());
    definitions.insert("voice_module".to_owned(), json!({ "type": "object", "oneOf": voice }));
    definitions.insert("global_module".to_owned(), json!({ "type": "object", "oneOf": global }));
    definitions.insert("control".to_owned(), control());
    definitions.insert("map".to_owned(), map());
    let section = |what: &str, doc: &str| {
        json!({
            "type": "object",
            "description": doc,
            "propertyNames": { "$ref": "#/definitions/name" },
            "additionalProperties": { "$ref": format!("#/definitions/{what}") },
        })
    };
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rackd patch",
        "description": "One instrument or effect. An input is a sum; a cable is a term of it.",
        "type": "object",
        "additionalProperties": false,
        "required": ["out"],
        "properties": {
            "format": { "const": 1, "description": "Format of the file." },
            "name": { "type": "string", "description": "What the patch is called." },
            "description": { "type": "string", "description": "What it is and how it is played." },
            "tempo": {
                "description": "Beats a minute; a rack's wins.",
                "anyOf": [{ "type": "number", "minimum": TEMPO.0, "maximum": TEMPO.1 }, { "type": "string" }],
            },
            "tuning": tuning(),
            "note": note(),
            "controls": section("control", "The patch's own front panel: few knobs, named for the ear."),
            "voice": section("voice_module", "Modules of which there is one copy for each sounding note."),
            "global": section("global_module", "Modules of which there is one copy for the patch; voices are summed on the way in."),
            "in": {
                "type": "object",
                "description": "Makes the patch an effect: `in`, `in.left`, `in.right`. A key names one more input.",
                "additionalProperties": { "enum": ["mono", "stereo"] },
            },
            "out": out(),
            "map": {
                "type": "object",
                "description": "Which controller turns what: \"cc 1\" = \"lfo.rate\", \"/1/xy\" = [\"filter.cutoff\", \"filter.resonance\"].",
                "additionalProperties": { "$ref": "#/definitions/map" },
            },
            "presets": {
                "type": "object",
                "description": "Where numbers and settings stand together, by a name: dark = { brightness = \"150 Hz\", \"filter.resonance\" = 0.4 }.",
                "additionalProperties": { "type": "object" },
            },
            "test": { "type": "array", "description": "Not read by this version." },
        },
        "definitions": definitions,
    })
}

fn module(kind: &'static ModuleDef) -> Value {
    let mut properties = Map::new();
    properties.insert("type".to_owned(), json!({ "const": kind.name, "description": kind.summary }));
    for declared in kind.inputs {
        properties.insert(declared.name.to_owned(), input(declared));
    }
    for declared in kind.settings {
        properties.insert(declared.name.to_owned(), setting(declared));
    }
    let outputs: Vec<_> = kind.outputs.iter().map(|output| format!("- `{}`: {}", output.name, output.doc)).collect();
    let mut text = kind.summary.to_owned();
    for part in [kind.doc.to_owned(), if outputs.is_empty() { String::new() } else { format!("Outputs:\n{}", outputs.join("\n")) }] {
        if !part.is_empty() {
            text.push_str("\n\n");
            text.push_str(&part);
        }
    }
    json!({
        "title": kind.name,
        "description": text,
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A patch in place of a module: its controls are inputs, which only its own file tells.
fn include() -> Value {
    json!({
        "title": "include",
        "description": "A patch within this one: its controls are inputs, its `[in]` is `in`, and what it gives out is the module's output.",
        "type": "object",
        "required": ["include"],
        "not": { "required": ["type"] },
        "properties": {
            "include": { "type": "string", "minLength": 1, "description": "The patch's file, relative to this one." },
        },
        "additionalProperties": {
            "description": "What a control of the included patch, or its `in`, is given.",
            "anyOf": [{ "type": ["number", "boolean"] }, { "type": "string", "minLength": 1 }],
        },
    })
}

/// A number as it is declared, without the digits that a wider float would add.
fn exact(x: f32) -> Value {
    x.to_string().parse::<f64>().map_or(Value::Null, |x| json!(x))
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Audio => "signal",
        Unit::Hertz => "Hz",
        Unit::Octaves => "octaves",
        Unit::Seconds => "s",
        Unit::Decibels => "dB",
        Unit::Number => "number",
        Unit::Degrees => "degrees",
        Unit::Gate => "gate",
        Unit::Trigger => "trigger",
    }
}

fn input(input: &Input) -> Value {
    let mut text = input.doc.to_owned();
    if input.unit == Unit::Audio {
        text.push_str(" [signal, nominally ±1]");
    } else {
        text.push_str(&format!(" [{}, {} to {}, {} where nothing is written]", unit(input.unit), input.min, input.max, input.default));
    }
    if let Some(source) = input.normalled {
        text.push_str(&format!(" In a voice `note.{}` is connected where nothing is written.", source.name()));
    }
    let mut number = json!({ "type": "number" });
    if input.unit != Unit::Audio {
        number["minimum"] = exact(input.min);
        number["maximum"] = exact(input.max);
    }
    let mut kinds = vec![number, json!({ "type": "string", "minLength": 1, "description": "An expression: a sum of products." })];
    if matches!(input.unit, Unit::Gate | Unit::Trigger | Unit::Number) {
        kinds.push(json!({ "type": "boolean" }));
    }
    json!({ "description": text, "anyOf": kinds, "default": exact(input.default) })
}

fn setting(setting: &Setting) -> Value {
    let mut value = match setting.kind {
        SettingKind::Choice(words) => json!({ "type": "string", "enum": words, "default": words[0] }),
        SettingKind::Integer { min, max, default } => json!({ "type": "integer", "minimum": min, "maximum": max, "default": default }),
        SettingKind::Number { min, max, default } => json!({ "type": "number", "minimum": min, "maximum": max, "default": default }),
        SettingKind::Pitches(_) => json!({
            "type": "array", "minItems": 1, "maxItems": LIST_MAX,
            "items": { "type": ["string", "number"], "description": "A note name, an interval, a frequency, a note number, or - for a rest." },
        }),
        SettingKind::Numbers(_) => json!({
            "type": "array", "minItems": 1, "maxItems": LIST_MAX, "items": { "type": ["number", "string"] },
        }),
        SettingKind::Name(name) => json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]{0,63}$", "default": name }),
    };
    value["description"] = json!(format!("{} [setting]", setting.doc));
    value
}

/// Which pitch each key has; a patch, a rack and a slot take it alike. `[control]`
pub fn tuning() -> Value {
    let scale = json!({
        "description": "A .scl file, \"equal\", or intervals above the root, the last of them the octave: ratios as text, cents as numbers or as \"498 ct\".",
        "anyOf": [
            { "type": "string", "pattern": "^(equal|.+\\.[sS][cC][lL])$" },
            { "type": "array", "minItems": 1, "maxItems": NOTES, "items": { "type": ["string", "number"] } },
        ],
    });
    let key = |doc: &str| json!({ "type": ["string", "integer"], "description": doc });
    let table = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "scale": scale,
            "map": { "type": "string", "pattern": "\\.[kK][bB][mM]$", "description": "A .kbm file: which key plays which degree." },
            "root": key("The key on which the scale begins, C4 where nothing is said."),
            "reference": key("The key whose frequency is given: A4 where nothing is said."),
            "frequency": { "type": ["string", "number"], "description": "Its frequency, such as \"442 Hz\"." },
        },
    });
    json!({ "description": "Which pitch each key has.", "anyOf": [scale, table] })
}

/// A number with or without a unit.
fn value(doc: &str) -> Value {
    json!({ "type": ["number", "string", "boolean"], "description": doc })
}

fn curve() -> Value {
    json!({
        "description": "How a knob's travel is laid over the range: linear, log, or an exponent.",
        "anyOf": [{ "enum": ["linear", "log"] }, { "type": "number", "minimum": 0.01, "maximum": 100 }],
    })
}

fn control() -> Value {
    let table = json!({
        "type": "object",
        "required": ["default"],
        "additionalProperties": false,
        "properties": {
            "default": value("Where it starts; its unit is the control's."),
            "min": value("Lowest value."),
            "max": value("Highest value."),
            "curve": curve(),
            "midi": { "type": "string", "description": "A MIDI controller that turns it, such as \"cc 74\"." },
            "osc": { "type": "string", "description": "An OSC address that turns it, such as \"/1/fader1\"." },
            "text": { "type": "string", "description": "What it does." },
        },
    });
    json!({ "description": "A knob: its default alone, or a table.", "anyOf": [{ "type": ["number", "string", "boolean"] }, table] })
}

/// A value of `[map]`.
pub(super) fn map() -> Value {
    let targets = json!({ "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": { "type": "string" } }] });
    let table = json!({
        "type": "object",
        "required": ["to"],
        "additionalProperties": false,
        "properties": {
            "to": targets,
            "from": { "type": "array", "minItems": 2, "maxItems": 2, "items": { "type": "number" }, "description": "What counts as 0 and as 1." },
            "min": value("Lowest value it turns to."),
            "max": value("Highest value it turns to."),
            "curve": curve(),
            "pickup": { "type": "boolean", "description": "Acts only once the controller has passed the present value." },
            "toggle": { "type": "boolean", "description": "Each press turns it over." },
            "relative": {
                "description": "An encoder without a place: true finds out how it counts.",
                "anyOf": [{ "type": "boolean" }, { "type": "string", "enum": Relative::ALL.map(|(name, _)| name) }],
            },
            "step": { "type": "number", "minimum": STEP.0, "maximum": STEP.1, "description": "Travel of one click of an encoder." },
        },
    });
    let several = json!({ "type": "array", "minItems": 1, "items": { "anyOf": [{ "type": "string" }, table] } });
    let said = "What is turned: a name; a list of names, over OSC one for each argument; a table; or a list of tables.";
    json!({ "description": said, "anyOf": [targets, table, several] })
}

fn note() -> Value {
    let mut properties = Map::new();
    let mut choice = |name: &str, words: &[&str], doc: &str| {
        properties.insert(name.to_owned(), json!({ "type": "string", "enum": words, "default": words[0], "description": doc }));
    };
    choice("mode", &MODES, "A voice for each note; one voice; one voice that is struck anew only after all keys were up.");
    choice("priority", &PRIORITIES, "Which of the keys held a mono voice plays; in poly, which of the notes held never gives way.");
    choice("steal", &STEALS, "Which note gives way where voices are short, one that was let go before one that is held.");
    choice("glide_mode", &GLIDE_MODES, "What `glide` is the time of: the whole way, or each octave of it.");
    choice(
        "glide_when",
        &GLIDE_WHENS,
        "Which notes glide: all, or those struck while another key is held (so where nothing is written in legato).",
    );
    let whole = |min: usize, max: usize, default: usize, doc: &str| json!({ "type": "integer", "minimum": min, "maximum": max, "default": default, "description": doc });
    properties.insert("voices".to_owned(), whole(1, 256, VOICES, "Voices at most."));
    properties.insert("unison".to_owned(), whole(1, 16, 1, "Voices a note."));
    properties.insert(
        "mpe".to_owned(),
        json!({ "type": "boolean", "default": false, "description": "Each note has a MIDI channel of its own." }),
    );
    properties.insert(
        "bend_range".to_owned(),
        json!({ "type": "string", "default": "2 st", "description": "How far the bend wheel goes, as an interval." }),
    );
    for (name, unit_of, (min, max), doc) in INPUTS {
        properties.insert(
            name.to_owned(),
            json!({
                "description": format!("{doc} [{}; numbers and controls only]", unit(unit_of)),
                "anyOf": [{ "type": "number", "minimum": exact(min), "maximum": exact(max) }, { "type": "string", "minLength": 1 }],
            }),
        );
    }
    for played in &PLAYED {
        properties.insert(played.name.to_owned(), input(played));
    }
    json!({
        "type": "object",
        "description": "How notes become voices. Leave it out for an effect or a drone.",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn out() -> Value {
    let side = |doc: &str| json!({ "description": doc, "anyOf": [{ "type": "number" }, { "type": "string", "minLength": 1 }] });
    json!({
        "type": "object",
        "description": "What is heard.",
        "additionalProperties": false,
        "properties": { "in": side("Both sides at once."), "left": side("The left side."), "right": side("The right side.") },
        "anyOf": [{ "required": ["in"] }, { "required": ["left", "right"] }],
    })
}
