//! Racks as text: what is written is read back, and what a player wrote by hand stays.

use proptest::prelude::*;
use rackd::module::Curve;
use rackd::patch::{
    MapSource, MapSpec, MasterSpec, Rack, Route, SendSpec, SetSpec, SetValue, SlotOut, SlotSpec, Written, Zone, parse_rack, spell_source,
    write_rack,
};

const FILE: &str = r#"#:schema ../schema/patch.json
# My stage, 2026.
format = 1
name = "Stage" # as the band is called

tempo = 118   # slow

[slots.bass]     # left hand
patch = "bass.toml"
level = -6       # not too loud
midi  = { channel = 1, keys = "C1..B3" }   # below the split
sends = { hall = "-12 dB", echo = "-20 dB pre" } # wet
set.filter.cutoff = 300 # dark

# The right hand.
[slots.lead]
patch = "lead.toml"
midi = false

[slots.hall]
patch = "hall.toml"

[slots.echo]
patch = "echo.toml"

[map]
"cc 1" = "bass.filter.cutoff"   # the wheel
"cc 7" = { to = "master.level", max = "0 dB" }
"#;

fn read(text: &str) -> Rack {
    let (rack, diagnostics) = parse_rack(text);
    rack.unwrap_or_else(|| panic!("{diagnostics:#?}\n{text}"))
}

#[test]
fn a_file_that_says_it_already_is_not_changed() {
    assert_eq!(write_rack(Some(FILE), &read(FILE)), FILE);
}

#[test]
fn only_what_differs_is_changed() {
    let mut rack = read(FILE);
    rack.tempo = Some(121.5);
    rack.master.level = -3.0;
    let bass = &mut rack.slots[0];
    bass.level = -9.5;
    bass.pan = 0.25;
    bass.zone.channel = None;
    bass.zone.transpose = -1.0;
    bass.route.sends[0].level = -10.0;
    bass.route.sends.remove(1);
    rack.maps[1].max = None;
    rack.maps.push(MapSpec::new(MapSource::Cc(2, Some(3)), "hall.level"));
    rack.maps.push(MapSpec { pickup: true, ..MapSpec::new(MapSource::Cc(2, Some(3)), "echo.level") });
    rack.slots[1].zone = Zone { keys: (60, 127), ..Zone::default() };
    rack.slots[1].name = "organ".to_owned();
    rack.slots[1].patch = "organ.toml".to_owned();
    let written = write_rack(Some(FILE), &rack);
    let want = FILE
        .replace("tempo = 118 ", "tempo = 121.5 ")
        .replace("level = -6  ", "level = \"-9.5 dB\"  ")
        .replace("{ channel = 1, keys = \"C1..B3\" }", "{ keys = \"C1..B3\", transpose = \"-1 oct\" }")
        .replace("{ hall = \"-12 dB\", echo = \"-20 dB pre\" }", "{ hall = \"-10 dB\" }")
        .replace(
            "{ to = \"master.level\", max = \"0 dB\" }\n",
            "\"master.level\"\n\"cc 2 ch 3\" = [{ to = \"hall.level\" }, { to = \"echo.level\", pickup = true }]\n",
        )
        .replace("300 # dark\n", "300 # dark\npan = 0.25\n")
        .replace("\n# The right hand.\n[slots.lead]\npatch = \"lead.toml\"\nmidi = false\n", "");
    // A new slot comes after the others.
    let want = want.replace("\n[map]\n", "\n[slots.organ]\npatch = \"organ.toml\"\nmidi = { keys = \"C4..G9\" }\n\n[map]\n");
    assert_eq!(written, format!("{want}\n[master]\nlevel = \"-3 dB\"\n"));
}

#[test]
fn a_new_file_is_laid_out_as_people_write() {
    let mut rack = read(FILE);
    rack.slots[0].route.out = SlotOut::Channels(vec![3, 4]);
    rack.slots[1].set.push(SetSpec { target: "osc.width".into(), value: SetValue::Number(0.5), span: 0..0 });
    let want = r#"format = 1
name = "Stage"
tempo = 118

[slots.bass]
patch = "bass.toml"
level = "-6 dB"
out = [3, 4]
midi = { channel = 1, keys = "C1..B3" }
sends = { hall = "-12 dB", echo = "-20 dB pre" }
set = { "filter.cutoff" = 300 }

[slots.lead]
patch = "lead.toml"
midi = false
set = { "osc.width" = 0.5 }

[slots.hall]
patch = "hall.toml"

[slots.echo]
patch = "echo.toml"

[map]
"cc 1" = "bass.filter.cutoff"
"cc 7" = { to = "master.level", max = "0 dB" }
"#;
    assert_eq!(write_rack(None, &rack), want);
    assert_eq!(write_rack(Some("[slots.a]\npatch = 3\n"), &rack), want, "a file with mistakes is written anew");
    assert_eq!(write_rack(None, &Rack::default()), "format = 1\n\n[slots]\n");
}

#[test]
fn every_form_of_toml_is_kept_or_written_anew() {
    let rack = read(FILE);
    for text in [
        "slots = { bass = { patch = \"x.toml\" } }\n",
        "slots.bass.patch = \"x.toml\"\nslots.bass.midi.channel = 3\n",
        "[slots]\nbass = { patch = \"bass.toml\", sends = {}, set = { filter.cutoff = 1 } } # one\n",
        "[slots.bass]\npatch = \"a.toml\"\n[slots.bass.midi]\nchannel = 2\n[slots.bass.sends]\nlead = -3\n[slots.bass.set]\nx = 1\n[slots.lead]\npatch=\"b.toml\"\n",
        "[slots]\n",
    ] {
        let written = write_rack(Some(text), &rack);
        assert_eq!(sorted(read(&written)), sorted(rack.clone()), "{text}\n{written}");
        assert!(!text.contains("# one") || written.contains("# one"), "{written}");
        let none = write_rack(Some(text), &Rack::default());
        assert_eq!(read(&none).without_places(), Rack::default(), "{none}");
    }
}

/// The same without places and with everything in one order.
fn sorted(rack: Rack) -> Rack {
    let mut rack = rack.without_places();
    rack.slots.sort_by(|a, b| a.name.cmp(&b.name));
    for slot in &mut rack.slots {
        slot.route.sends.sort_by(|a, b| a.to.cmp(&b.to));
        slot.set.sort_by(|a, b| a.target.cmp(&b.target));
    }
    rack.maps.sort_by_key(|map| spell_source(&map.from));
    rack
}

/// A map of the master, or of a slot.
fn map(names: Vec<String>) -> impl Strategy<Value = MapSpec> {
    let source = prop_oneof![
        (0u8..4, proptest::option::of(1u8..=16)).prop_map(|(cc, channel)| MapSource::Cc(cc, channel)),
        (0u16..3).prop_map(|number| MapSource::Nrpn(number, None)),
        Just(MapSource::Bend(Some(3))),
        Just(MapSource::Osc("/1/xy".to_owned())),
    ];
    let to = proptest::collection::vec((0usize..8, "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}"), 1..3);
    let end = || {
        let number = (-100.0f64..100.0).prop_map(Written::Number);
        proptest::option::of(prop_oneof![number, (1i32..9000).prop_map(|x| Written::Text(format!("{x} Hz")))])
    };
    let curve = proptest::option::of(prop_oneof![Just(Curve::Linear), Just(Curve::Log), (0.01f32..100.0).prop_map(Curve::Power)]);
    let range = proptest::option::of((-9.0f32..0.0, 0.5f32..200.0));
    (source, to, end(), end(), curve, range, 0u8..3).prop_map(move |(from, to, min, max, curve, range_in, way)| {
        let name = |(at, rest): (usize, String)| names.get(at).map_or("master.level".to_owned(), |slot| format!("{slot}.{rest}"));
        let to = to.into_iter().map(name).collect();
        MapSpec { to, min, max, curve, range_in, pickup: way == 1, toggle: way == 2, ..MapSpec::new(from, "") }
    })
}

fn level() -> impl Strategy<Value = f32> {
    prop_oneof![Just(0.0f32), Just(-60.0), Just(6.0), -60.0f32..6.0, (-60i8..=6).prop_map(f32::from)]
}

fn zone() -> impl Strategy<Value = Zone> {
    let ends = |low: u8| (low..=127u8, low..=127u8).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let transpose =
        prop_oneof![Just(0.0f32), (-10i8..=10).prop_map(f32::from), (-100i8..=100).prop_map(|x| f32::from(x) / 12.0), -9.9f32..9.9];
    let played = (proptest::option::of(1u8..=16), ends(0), ends(1), transpose, proptest::option::of(any::<bool>()))
        .prop_map(|(channel, keys, velocity, transpose, mpe)| Zone { listens: true, channel, keys, velocity, transpose, mpe });
    prop_oneof![Just(Zone::default()), Just(Zone { listens: false, ..Zone::default() }), played]
}

fn value() -> impl Strategy<Value = SetValue> {
    let leaf = prop_oneof![
        (-1e6f64..1e6).prop_map(SetValue::Number),
        (-1000i32..1000).prop_map(|x| SetValue::Number(f64::from(x))),
        "\\PC{0,12}".prop_map(SetValue::Text),
        any::<bool>().prop_map(SetValue::Switch),
    ];
    prop_oneof![leaf.clone(), proptest::collection::vec(leaf, 1..4).prop_map(SetValue::List)]
}

/// Slots of a few names; they hear only those that stand after them.
fn rack() -> impl Strategy<Value = Rack> {
    let names = ["bass", "lead-2", "pad_x", "drums", "hall", "echo"];
    let slot = (
        ("[a-z ü.]{1,8}", level(), -1.0f32..=1.0, any::<bool>(), any::<bool>()),
        (0usize..12, proptest::collection::btree_map(0usize..6, (level(), any::<bool>()), 0..3)),
        zone(),
        proptest::collection::btree_map("[a-z]{1,5}(\\.[a-z]{1,5}){0,2}", value(), 0..4),
    );
    let slots = (proptest::sample::subsequence(names.to_vec(), 0..=6), proptest::collection::vec(slot, 6));
    let slots = slots.prop_map(|(names, parts)| {
        let made = names.iter().zip(parts).enumerate().map(|(at, (name, ((patch, level, pan, mute, solo), (out, sends), zone, set)))| {
            let after = &names[at + 1..];
            let out = match out {
                0..6 => after.get(out).map_or(SlotOut::Master, |name| SlotOut::Slot((*name).to_owned())),
                channel => SlotOut::Channels((1..=out.min(7) as u16 - 5).map(|n| n + channel as u16).collect()),
            };
            let sends =
                sends.into_iter().filter_map(|(to, (level, pre))| after.get(to).map(|to| SendSpec { to: (*to).to_owned(), level, pre }));
            let set = set.into_iter().map(|(target, value)| SetSpec { target, value, span: 0..0 });
            let route = Route { out, sends: sends.collect() };
            SlotSpec { level, pan, mute, solo, route, zone, set: set.collect(), ..SlotSpec::new(*name, patch) }
        });
        made.collect::<Vec<_>>()
    });
    let text = "[^\\x00]{0,20}";
    let with_maps = slots.prop_flat_map(|slots| {
        let names = slots.iter().map(|slot| slot.name.clone()).collect();
        (Just(slots), proptest::collection::vec(map(names), 0..5))
    });
    (text, text, proptest::option::of(1.0f64..=999.0), level(), any::<bool>(), with_maps).prop_map(
        |(name, description, tempo, level, limiter, (slots, maps))| {
            let master = MasterSpec { level, limiter };
            // Maps of one source stand together in a file.
            let mut rack = Rack { name, description, tempo, master, slots, maps, ..Rack::default() };
            rack.maps.sort_by_key(|map| spell_source(&map.from));
            rack
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(a in rack(), b in rack()) {
        let text = write_rack(None, &a);
        prop_assert_eq!(read(&text).without_places(), a.without_places(), "{}", text);
        prop_assert_eq!(write_rack(Some(&text), &a), text.clone());
        // One rack saved over another, with a comment on each line that stays.
        let commented: String = text.lines().map(|line| format!("# c\n{line}\n")).collect();
        let commented = if text.contains("'''") || text.contains("\"\"\"") { text } else { commented };
        let over = write_rack(Some(&commented), &b);
        prop_assert_eq!(sorted(read(&over)), sorted(b.clone()), "{}\n{}", commented, over);
        prop_assert!(!commented.starts_with("# c\n") || over.starts_with("# c\nformat = 1\n"), "written anew:\n{}\n{}", commented, over);
        prop_assert_eq!(write_rack(Some(&over), &b), over);
    }
}
