//! The JSON Schema of rack files, for editors with a TOML language server.
//!
//! A schema of its own, not an alternative in that of patches: so an editor completes the keys of a rack alone, and says which of
//! them is wrong. It says less than [`crate::patch::parse_rack`]: which slots there are, and what their patches have, it cannot know.

use serde_json::{Value, json};

use super::schema::{map, tuning};
use crate::base::names::FIRST_WORDS;
use crate::patch::parse::TEMPO;
use crate::patch::rack::{LEVELS, MOST_CHANNELS, MOST_SLOTS};

/// Schema of a rack. `[control]`
pub fn rack_schema() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rackd rack",
        "description": "Several patches that play at once, and how their sound is mixed.",
        "type": "object",
        "additionalProperties": false,
        "required": ["slots"],
        "properties": {
            "format": { "const": 1, "description": "Format of the file." },
            "name": { "type": "string", "description": "What the rack is called." },
            "description": { "type": "string", "description": "What it is and how it is played." },
            "tuning": super::schema::tuning(),
            "tempo": {
                "description": "Beats a minute; it wins over that of the patches.",
                "anyOf": [{ "type": "number", "minimum": TEMPO.0, "maximum": TEMPO.1 }, { "type": "string" }],
            },
            "tuning": tuning(),
            "master": {
                "type": "object",
                "description": "What all sound goes through that is not sent to channels of its own.",
                "additionalProperties": false,
                "properties": {
                    "level": level("Level of the sum [dB]."),
                    "limiter": { "type": "boolean", "default": true, "description": "Keeps the sum below full scale." },
                },
            },
            "slots": {
                "type": "object",
                "description": "The instruments and effects: [slots.bass], [slots.hall], …; the name begins their addresses.",
                "propertyNames": { "pattern": "^[a-z][a-z0-9_-]*$", "not": { "enum": FIRST_WORDS.as_slice() } },
                "maxProperties": MOST_SLOTS,
                "additionalProperties": slot(),
            },
            "map": {
                "type": "object",
                "description": "Which controller turns what: \"cc 1\" = \"bass.filter.cutoff\", \"cc 7\" = \"master.level\".",
                "additionalProperties": { "$ref": "#/definitions/map" },
            },
        },
        "definitions": { "map": map() },
    })
}

/// A level of the mixer.
fn level(doc: &str) -> Value {
    json!({
        "description": format!("{doc} {} is silence.", LEVELS.0),
        "anyOf": [{ "type": "number", "minimum": LEVELS.0, "maximum": LEVELS.1 }, { "type": "string", "minLength": 1 }],
    })
}

fn slot() -> Value {
    let channel = json!({ "type": "integer", "minimum": 1, "maximum": MOST_CHANNELS });
    let value = json!({ "type": ["number", "string", "boolean", "array"] });
    json!({
        "type": "object",
        "required": ["patch"],
        "additionalProperties": false,
        "properties": {
            "patch": { "type": "string", "minLength": 1, "description": "The patch's file, relative to this one." },
            "level": level("The fader [dB]."),
            "pan": {
                "description": "Place between left (-1) and right (1).",
                "anyOf": [{ "type": "number", "minimum": -1.0, "maximum": 1.0 }, { "type": "string", "minLength": 1 }],
            },
            "mute": { "type": "boolean", "default": false, "description": "Is not heard." },
            "solo": { "type": "boolean", "default": false, "description": "Where any slot has it, only those that have it are heard." },
            "out": {
                "description": "Where its sound goes: \"master\", another slot, or channels of the device, such as [3, 4].",
                "default": "master",
                "anyOf": [{ "type": "string", "minLength": 1 }, { "type": "array", "minItems": 1, "maxItems": 2, "items": channel }],
            },
            "tuning": tuning(),
            "programs": {
                "type": "object",
                "description": "What a program change of each number, 0 to 127, plays: a preset of the patch, or a file that ends in .toml.",
                "additionalProperties": { "type": "string" },
            },
            "midi": { "description": "Which keys it plays: all where nothing is written, none at false.", "anyOf": [{ "type": "boolean" }, zone()] },
            "sends": {
                "type": "object",
                "description": "Effects that hear it too: { hall = \"-12 dB\" } after its fader, \"-12 dB pre\" before it.",
                "additionalProperties": level("How loud it is sent [dB]."),
            },
            "set": {
                "type": "object",
                "description": "Values of its patch that are different here: { \"filter.resonance\" = 0.9 }.",
                "additionalProperties": { "anyOf": [value, { "type": "object" }] },
            },
        },
    })
}

fn zone() -> Value {
    let span = |doc: &str, min: u8| {
        let one = json!({ "type": "integer", "minimum": min, "maximum": 127 });
        json!({ "description": doc, "anyOf": [one, { "type": "string", "minLength": 1 }] })
    };
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "channel": { "type": "integer", "minimum": 1, "maximum": 16, "description": "The one channel that it hears; all where nothing is written." },
            "keys": span("The keys that it plays: \"C1..B3\", \"36..59\", or one.", 0),
            "velocity": span("How hard they must be struck: \"1..80\".", 1),
            "transpose": {
                "description": "An interval added to each key: \"-1 oct\", \"7 st\".",
                "anyOf": [{ "const": 0 }, { "type": "string", "minLength": 1 }],
            },
            "mpe": { "type": "boolean", "description": "Each note has a MIDI channel of its own; as the patch says where nothing is written." },
        },
    })
}
