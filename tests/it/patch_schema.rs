//! The schema that editors get agrees with what is read.

use rackd::base::names::RESERVED;
use rackd::patch::{is_slot_name, parse, parse_rack, parse_with};
use rackd::surface::{rack_schema, schema};
use serde_json::{Value, json};

use crate::include_language::Shelf;
use crate::patch_toy::TOYS;

/// A small validator: the words of JSON Schema that ours uses, and a panic at any other.
struct Validator {
    root: Value,
}

impl Validator {
    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Value::Object(words) = schema else { panic!("{schema} is no schema") };
        for (word, wanted) in words {
            self.word(word, wanted, words, value, at)?;
        }
        Ok(())
    }

    fn word(&self, word: &str, wanted: &Value, words: &serde_json::Map<String, Value>, value: &Value, at: &str) -> Result<(), String> {
        let fail = |what: String| Err(format!("{at}: {what}"));
        let list = || wanted.as_array().unwrap();
        match word {
            "$schema" | "title" | "description" | "definitions" | "default" | "properties" => {}
            "$ref" => {
                let name = wanted.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
                self.check(&self.root["definitions"][name], value, at)?;
            }
            "type" => {
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                let is = |kind: &Value| match kind.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_i64(),
                    "boolean" => value.is_boolean(),
                    other => panic!("{other}"),
                };
                if !kinds.iter().any(is) {
                    return fail(format!("{value} is not {wanted}"));
                }
            }
            "const" if wanted != value => return fail(format!("{value} is not {wanted}")),
            "enum" if !list().contains(value) => return fail(format!("{value} is none of {wanted}")),
            "const" | "enum" => {}
            "minimum" | "maximum" => {
                if let Some(x) = value.as_f64() {
                    let end = wanted.as_f64().unwrap();
                    if if word == "minimum" { x < end } else { x > end } {
                        return fail(format!("{x} is beyond {end}"));
                    }
                }
            }
            "minLength" if value.as_str().is_some_and(str::is_empty) => return fail("empty".into()),
            "minItems" if value.as_array().is_some_and(|list| (list.len() as u64) < wanted.as_u64().unwrap()) => {
                return fail("too few".into());
            }
            "maxItems" if value.as_array().is_some_and(|list| (list.len() as u64) > wanted.as_u64().unwrap()) => {
                return fail("too many".into());
            }
            "minLength" | "minItems" | "maxItems" => {}
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    self.check(wanted, item, at)?;
                }
            }
            "maxProperties" if value.as_object().is_some_and(|table| table.len() as u64 > wanted.as_u64().unwrap()) => {
                return fail("too many".into());
            }
            "maxProperties" => {}
            "required" => {
                for key in list() {
                    if value.as_object().is_some_and(|table| !table.contains_key(key.as_str().unwrap())) {
                        return fail(format!("{key} is missing"));
                    }
                }
            }
            "anyOf" if !list().iter().any(|schema| self.check(schema, value, at).is_ok()) => {
                return fail(format!("{value} is none of its kinds"));
            }
            "oneOf" => {
                let found = list().iter().filter(|schema| self.check(schema, value, at).is_ok()).count();
                if found != 1 {
                    return fail(format!("{value} is {found} of its kinds"));
                }
            }
            "not" if self.check(wanted, value, at).is_ok() => return fail(format!("{value} is forbidden")),
            "anyOf" | "not" => {}
            "pattern" => {
                let is_right = match wanted.as_str() {
                    Some("^[a-z][a-z0-9_]*$") => rackd::base::names::is_name,
                    // Words of addresses are forbidden beside it.
                    Some("^[a-z][a-z0-9_-]*$") => |name: &str| is_slot_name(name) || rackd::base::names::FIRST_WORDS.contains(&name),
                    _ => panic!("the validator does not know {wanted}"),
                };
                if value.as_str().is_some_and(|name| !is_right(name)) {
                    return fail(format!("{value} is no name"));
                }
            }
            "propertyNames" => {
                for key in value.as_object().into_iter().flat_map(|table| table.keys()) {
                    self.check(wanted, &json!(key), at)?;
                }
            }
            "additionalProperties" => {
                let known = words.get("properties").and_then(Value::as_object);
                for (key, inner) in value.as_object().into_iter().flatten() {
                    let at = format!("{at}.{key}");
                    match known.and_then(|known| known.get(key)) {
                        Some(schema) => self.check(schema, inner, &at)?,
                        None if wanted == &json!(false) => return fail(format!("{key} is unknown")),
                        None => self.check(wanted, inner, &at)?,
                    }
                }
            }
            other => panic!("the validator does not know `{other}`"),
        }
        Ok(())
    }
}

fn json_of(text: &str) -> Value {
    fn convert(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => json!(text),
            toml::Value::Integer(x) => json!(x),
            toml::Value::Float(x) => json!(x),
            toml::Value::Boolean(x) => json!(x),
            toml::Value::Datetime(x) => json!(x.to_string()),
            toml::Value::Array(list) => list.into_iter().map(convert).collect(),
            toml::Value::Table(table) => Value::Object(table.into_iter().map(|(key, value)| (key, convert(value))).collect()),
        }
    }
    convert(toml::Value::Table(text.parse().unwrap()))
}

fn valid(text: &str) -> Result<(), String> {
    let validator = Validator { root: schema(&TOYS) };
    validator.check(&validator.root, &json_of(text), "patch")
}

#[test]
fn what_is_right_is_valid() {
    let full = r#"
format = 1
tempo = 118
[controls]
a = 0.5
b = { default = "300 Hz", min = 40, curve = "log", midi = "cc 1", osc = "/1/a", text = "x" }
[in]
side = "mono"
[note]
mode = "mono"
voices = 4
bend_range = "2 st"
glide = "60 ms"
spread = 0.2
[voice.osc]
type = "vco"
fm_mode = "through_zero"
width = 0.3
[global.seq]
type = "seq_step"
clock = "1/16"
reset = true
steps = ["C3", "-", 60]
levels = [0, 1.5]
[global.hall]
type = "reverb"
in = "osc"
[out]
left = "hall.left"
right = 0
[map]
"cc 2" = "a"
"/1/xy" = ["a", "b"]
"bend" = { to = "b", from = [0, 1], min = 100, curve = 2, pickup = true }
"cc 3" = { to = "a", relative = "sign", step = 0.02 }
"cc 4" = ["a", { to = "b", toggle = true }, { to = "b", relative = true }]
"#;
    let include = "[note]\n[voice.lead]\ninclude = \"a.toml\"\nx = 0.5\nin = \"lead * 0.1\"\n[global.b]\ninclude = \"a.toml\"\n[out]\nin = \"lead\"\n";
    let shelf = Shelf::new([("a.toml", "[controls]\nx = 1\n[in]\n[out]\nin = \"in * x\"\n")]);
    for text in [include_str!("../patch/acid.toml"), full, include] {
        let parsed = parse_with(text, &TOYS, &shelf);
        assert!(parsed.patch.is_some(), "{:#?}", parsed.diagnostics);
        assert_eq!(valid(text), Ok(()));
    }
}

#[test]
fn what_an_editor_can_see_is_wrong_is_invalid() {
    let base = "[out]\nin = 0\n";
    for text in [
        "",
        "format = 2\n[out]\nin = 0\n",
        "colour = 1\n[out]\nin = 0\n",
        "[out]\nleft = 0\n",
        "[out]\nin = ''\n",
        &format!("{base}[voice.osc]\n"),
        &format!("{base}[voice.osc]\ntype = 'vcoo'\n"),
        &format!("{base}[voice.osc]\ntype = 'vco'\nwidht = 1\n"),
        &format!("{base}[voice.osc]\ntype = 'vco'\nwidth = 2\n"),
        &format!("{base}[voice.osc]\ntype = 'vco'\nfm_mode = 'x'\n"),
        &format!("{base}[voice.osc]\ntype = 'vco'\noctaves = 1.5\n"),
        &format!("{base}[voice.Osc]\ntype = 'vco'\n"),
        &format!("{base}[voice.hall]\ntype = 'reverb'\n"),
        &format!("{base}[global.seq]\ntype = 'seq_step'\nsteps = []\n"),
        &format!("{base}[controls]\nlevel = 1\n"),
        &format!("{base}[controls]\nx = {{ min = 1 }}\n"),
        &format!("{base}[note]\nmode = 'x'\n"),
        &format!("{base}[note]\nvoices = 0\n"),
        &format!("{base}[map]\n'cc 1' = 5\n"),
        &format!("{base}[voice.a]\ninclude = ''\n"),
        &format!("{base}[voice.a]\ninclude = 3\n"),
        &format!("{base}[voice.a]\ninclude = 'a.toml'\ntype = 'vco'\n"),
        &format!("{base}[voice.a]\ninclude = 'a.toml'\nx = []\n"),
    ] {
        assert!(valid(text).is_err(), "{text}");
        assert!(parse(text, &TOYS).0.is_none(), "{text}");
    }
}

fn valid_rack(text: &str) -> Result<(), String> {
    let validator = Validator { root: rack_schema() };
    validator.check(&validator.root, &json_of(text), "rack")
}

#[test]
fn what_is_a_right_rack_is_valid() {
    for text in [crate::rack_language::FULL, "[slots]\n", "tempo = 99\n[slots.a]\npatch = \"a.toml\"\nmidi = true\n"] {
        let (rack, diagnostics) = parse_rack(text);
        assert!(rack.is_some(), "{diagnostics:#?}");
        assert_eq!(valid_rack(text), Ok(()));
    }
}

#[test]
fn what_an_editor_can_see_is_wrong_in_a_rack_is_invalid() {
    let many: String = (0..65).map(|n| format!("[slots.s{n}]\npatch = 'a.toml'\n")).collect();
    let slot = |more: &str| format!("[slots.a]\npatch = 'a.toml'\n{more}\n");
    for text in [
        "",
        "format = 2\n[slots]\n",
        "colour = 1\n[slots]\n",
        "[slots]\n[out]\nin = 0\n",
        "[slots]\n[master]\nlevel = 7\n",
        "[slots]\n[master]\ngain = 1\n",
        "[slots]\n[master]\nlimiter = 'on'\n",
        "[slots.a]\n",
        "[slots]\na = 'a.toml'\n",
        "[slots.A]\npatch = 'a.toml'\n",
        "[slots.master]\npatch = 'a.toml'\n",
        "[slots]\n[map]\n'cc 1' = 5\n",
        &many,
        &slot("patches = 1"),
        &slot("level = 12"),
        &slot("level = true"),
        &slot("pan = 2"),
        &slot("mute = 1"),
        &slot("out = []"),
        &slot("out = [0]"),
        &slot("out = [1, 2, 3]"),
        &slot("midi = 1"),
        &slot("midi = { channel = 17 }"),
        &slot("midi = { keys = 128 }"),
        &slot("midi = { velocity = 0 }"),
        &slot("midi = { transpose = 12 }"),
        &slot("midi = { mpe = 'on' }"),
        &slot("midi = { chanel = 1 }"),
        &slot("sends = { a = [] }"),
        &slot("set = 1"),
    ] {
        assert!(valid_rack(text).is_err(), "{text}");
        assert!(parse_rack(text).0.is_none(), "{text}");
    }
}

#[test]
fn every_declaration_is_in_it() {
    let schema = schema(&TOYS);
    for kind in TOYS.iter() {
        let module = &schema["definitions"][format!("module_{}", kind.name)];
        for input in kind.inputs {
            assert!(module["properties"][input.name]["description"].as_str().unwrap().starts_with(input.doc));
        }
        for setting in kind.settings {
            assert!(module["properties"][setting.name]["description"].as_str().unwrap().starts_with(setting.doc));
        }
        assert!(module["description"].as_str().unwrap().starts_with(kind.summary));
    }
    assert_eq!(schema["definitions"]["name"]["not"]["enum"].as_array().unwrap().len(), RESERVED.len());
    assert_eq!(schema["definitions"]["module_vco"]["properties"]["width"]["anyOf"][0]["maximum"], json!(0.99));
}

/// `RACKD_WRITE_SCHEMA=1 cargo test --release --test it patch_schema` writes it anew.
#[cfg(feature = "fundsp")]
#[test]
fn the_committed_schema_is_true() {
    for (name, schema) in [("schema/patch.json", schema(&rackd::modules::CATALOGUE)), ("schema/rack.json", rack_schema())] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let now = format!("{schema:#}\n");
        if std::env::var_os("RACKD_WRITE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &now).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == now, "{name} does not say what is declared");
    }
}

#[test]
fn the_first_example_is_right_with_the_real_modules() {
    let text = include_str!("../patch/acid.toml");
    let (patch, diagnostics) = parse(text, &rackd::modules::CATALOGUE);
    assert!(patch.is_some(), "{diagnostics:#?}");
    let validator = Validator { root: schema(&rackd::modules::CATALOGUE) };
    assert_eq!(validator.check(&validator.root, &json_of(text), "patch"), Ok(()));
}
