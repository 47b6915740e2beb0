//! Maps at work: what comes from a controller, as bytes, and what it turns.

use rackd::control::{Client, When};
use rackd::midi::Parser;

use crate::desk::{Desk, first_change};

/// Something of each kind that can be turned.
const PATCH: &str = r#"
format = 1
[controls]
bright = { default = "1 kHz", min = "100 Hz", max = "10 kHz" }
amount = { default = 0.5, min = 0, max = 1 }
deep = { default = 0.5, min = 0, max = 1 }
[global.osc]
type = "vco"
pitch = "bright"

[global.lfo]
type = "lfo"
[out]
in = "amount * deep"
"#;

/// A patch with these lines in its `[map]`.
pub fn mapped(lines: &str) -> String {
    format!("{PATCH}\n[map]\n{lines}\n")
}

/// Plays bytes of a port, through the parser.
pub fn bytes(desk: &mut Desk, port: u64, bytes: &[u8]) {
    let mut parser = Parser::new();
    let mut heard = Vec::new();
    parser.feed(bytes, |message| heard.push(message));
    for message in heard {
        desk.control.midi_message(Client::port(port), message, When::Now);
    }
    desk.run(64);
}

/// Controllers of channel 1, one after another.
fn cc(desk: &mut Desk, number: u8, values: &[u8]) {
    for value in values {
        bytes(desk, 0, &[0xb0, number, *value]);
    }
}

#[track_caller]
fn stands(desk: &mut Desk, address: &str, at: f64) {
    let is = desk.ask(address);
    assert!((is - at).abs() <= 1e-3 * at.abs().max(0.1), "{address} stands at {is}, not at {at}");
}

#[test]
fn a_range_may_be_upside_down_and_have_a_curve() {
    let mut desk = Desk::new(&mapped(
        "\"cc 20\" = { to = \"amount\", min = 0.8, max = 0.2 }\n\"cc 21\" = { to = \"amount\", min = 0, max = 1, curve = 2 }\n\"cc 22\" = { to = \"bright\", min = \"4 kHz\", max = \"250 Hz\", curve = \"log\" }\n\"cc 23\" = { to = \"amount\", from = [1, 0] }\n\"cc 24\" = { to = \"bright\", min = 8000, max = 200, curve = \"linear\" }",
    ));
    for (number, value, address, at) in [
        (20, 0, "/t/amount", 0.8),
        (20, 127, "/t/amount", 0.2),
        (20, 64, "/t/amount", 0.8 - 0.6 * 64.0 / 127.0),
        (21, 64, "/t/amount", (64.0_f64 / 127.0).powi(2)),
        (22, 0, "/t/bright", 4000.0),
        (22, 127, "/t/bright", 250.0),
        (22, 32, "/t/bright", 4000.0 * (1.0_f64 / 16.0).powf(32.0 / 127.0)),
        (23, 0, "/t/amount", 1.0),
        (23, 127, "/t/amount", 0.0),
        (24, 127, "/t/bright", 200.0),
        (24, 64, "/t/bright", 8000.0 - 7800.0 * 64.0 / 127.0),
    ] {
        cc(&mut desk, number, &[value]);
        stands(&mut desk, address, at);
    }
}

#[test]
fn one_turns_many_and_many_turn_one_each_on_its_channel() {
    let mut desk = Desk::new(&mapped(
        "\"cc 20\" = [\"amount\", { to = \"deep\", min = 1, max = 0 }]\n\"cc 21 ch 3\" = \"amount\"\n\"nrpn 300\" = \"amount\"\n\"bend\" = \"deep\"\n\"pressure ch 2\" = \"amount\"\n\"/1/xy\" = [\"amount\", \"deep\"]",
    ));
    cc(&mut desk, 20, &[127]);
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep")), (1.0, 0.0));
    cc(&mut desk, 21, &[0]);
    assert_eq!(desk.ask("/t/amount"), 1.0, "of another channel");
    bytes(&mut desk, 0, &[0xb2, 21, 0]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    // By running status: the parameter, then its data of 14 bits.
    bytes(&mut desk, 0, &[0xb0, 99, 2, 98, 44, 6, 64, 38, 0]);
    stands(&mut desk, "/t/amount", 8192.0 / 16383.0);
    bytes(&mut desk, 0, &[0xe0, 0x7f, 0x7f]);
    assert_eq!(desk.ask("/t/deep"), 1.0);
    bytes(&mut desk, 0, &[0xd1, 127, 0xd0, 3]);
    assert_eq!(desk.ask("/t/amount"), 1.0);
    desk.quietly("/1/xy 0.25 0.75");
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep")), (0.25, 0.75));
}

#[test]
fn a_slot_hears_its_own_channel_alone_unless_the_map_names_another() {
    let mut desk = Desk::new(&mapped("\"cc 20\" = \"amount\"\n\"cc 21 ch 2\" = \"amount\""));
    desk.quietly("/t/midi/channel 5");
    bytes(&mut desk, 0, &[0xb0, 20, 127]);
    assert_eq!(desk.ask("/t/amount"), 0.5);
    bytes(&mut desk, 0, &[0xb4, 20, 127]);
    assert_eq!(desk.ask("/t/amount"), 1.0);
}

#[test]
fn a_value_gets_to_where_a_controller_puts_it_in_20_ms_and_an_osc_value_as_declared() {
    let mut desk = Desk::new(&mapped("\"cc 20\" = \"amount\"\n\"/f\" = \"amount\""));
    desk.quietly("/t/deep 0.5");
    desk.quietly("/t/amount 0");
    desk.run(9600);
    desk.control.midi_message(Client::port(0), rackd::base::midi::MidiMessage::Cc { channel: 0, number: 20, value: 127 }, When::Now);
    assert_eq!(desk.ask("/t/amount"), 1.0, "who asks is told where it was put");
    let heard = desk.run(4800);
    let start = first_change(&heard).unwrap();
    let end = heard.iter().position(|x| *x == 0.5).unwrap();
    assert!((940..=980).contains(&(end - start)), "from {start} to {end}");
    let largest = heard.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
    assert!(largest < 0.0006, "a step of {largest}");
    desk.quietly("/f 0");
    let heard = desk.run(4800);
    let (start, end) = (first_change(&heard).unwrap(), heard.iter().rposition(|x| *x > 0.01).unwrap());
    assert!(end - start < 600, "from {start} to {end}");
}

#[test]
fn a_toggle_turns_over_with_each_press() {
    let mut desk = Desk::new(&mapped(
        "\"cc 20\" = { to = \"amount\", toggle = true }\n\"note 36\" = { to = \"deep\", toggle = true, min = 0.2, max = 0.7 }\n\"/push\" = { to = \"amount\", toggle = true }\n\"cc 22\" = { to = \"lfo.polarity\", toggle = true }",
    ));
    desk.quietly("/t/amount 0");
    // A momentary pad says press and release.
    for at in [1.0, 0.0, 1.0] {
        cc(&mut desk, 20, &[127, 0]);
        assert_eq!(desk.ask("/t/amount"), at);
    }
    // A knob that sweeps through the middle presses once.
    cc(&mut desk, 20, &[20, 50, 63, 64, 90, 127, 100]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    // A pad that says nothing but presses.
    cc(&mut desk, 20, &[0, 127]);
    cc(&mut desk, 20, &[127]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    // It goes on from where somebody else has put it.
    desk.quietly("/t/amount 1");
    cc(&mut desk, 20, &[0, 127]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    for at in [0.2, 0.7, 0.2] {
        bytes(&mut desk, 0, &[0x90, 36, 5, 36, 0]);
        stands(&mut desk, "/t/deep", at);
    }
    for at in [1.0, 0.0] {
        desk.quietly("/push 1");
        desk.quietly("/push 0");
        assert_eq!(desk.ask("/t/amount"), at);
    }
}

#[test]
fn an_encoder_goes_on_from_where_the_value_is() {
    for (words, up, down) in [
        ("relative = \"twos-complement\"", [1u8, 2], [127u8, 126]),
        ("relative = \"offset\"", [65, 66], [63, 62]),
        ("relative = \"sign\"", [1, 2], [65, 66]),
        ("relative = true", [1, 2], [127, 126]),
        ("relative = \"auto\"", [65, 66], [63, 62]),
        ("relative = true", [1, 2], [65, 66]),
    ] {
        let mut desk = Desk::new(&mapped(&format!("\"cc 20\" = {{ to = \"amount\", {words}, step = 0.05 }}")));
        cc(&mut desk, 20, &[up[0], up[1]]);
        stands(&mut desk, "/t/amount", 0.65);
        cc(&mut desk, 20, &[down[0], down[1], down[0]]);
        stands(&mut desk, "/t/amount", 0.45);
        desk.quietly("/t/amount 0.9");
        cc(&mut desk, 20, &[up[0], up[1], up[1]]);
        stands(&mut desk, "/t/amount", 1.0);
        // At its end it waits for nobody: the first click back acts.
        cc(&mut desk, 20, &[down[0]]);
        stands(&mut desk, "/t/amount", 0.95);
    }
}

#[test]
fn clicks_that_come_at_once_all_count() {
    let mut desk = Desk::new(&mapped("\"cc 20\" = { to = \"amount\", relative = \"twos-complement\", step = 0.01 }"));
    let at = desk.control.shown().now();
    // As JACK gives them: each with its frame, up to a period ahead.
    for click in 0..10 {
        let message = rackd::base::midi::MidiMessage::Cc { channel: 0, number: 20, value: 1 };
        desk.control.midi_message(Client::port(0), message, When::At(at + 200 + 60 * click));
        if click == 5 {
            desk.run(448);
        }
    }
    desk.run(4800);
    stands(&mut desk, "/t/amount", 0.6);
}

#[test]
fn an_encoder_counts_small_steps_on_choices_too() {
    let mut desk = Desk::new(&mapped(
        "\"cc 20\" = { to = \"lfo.polarity\", relative = true, step = 0.1 }\n\"cc 21\" = { to = \"lfo.polarity\", relative = true }",
    ));
    let first = desk.say("/t/lfo/polarity");
    cc(&mut desk, 20, &[1, 1]);
    assert_eq!(desk.say("/t/lfo/polarity"), first, "not half way yet");
    cc(&mut desk, 20, &[1, 1, 1]);
    let second = desk.say("/t/lfo/polarity");
    assert_ne!(second, first);
    desk.run(4800);
    // Without a step of its own a click is a word.
    cc(&mut desk, 21, &[127]);
    assert_eq!(desk.say("/t/lfo/polarity"), first);
    cc(&mut desk, 21, &[1]);
    assert_eq!(desk.say("/t/lfo/polarity"), second);
}

#[test]
fn a_controller_picks_a_value_up_before_it_turns_it() {
    let map = mapped("\"cc 20\" = { to = \"amount\", pickup = true }");
    let mut desk = Desk::new(&map);
    // From below, and not before it has passed.
    cc(&mut desk, 20, &[0, 20, 50, 60]);
    assert_eq!(desk.ask("/t/amount"), 0.5);
    cc(&mut desk, 20, &[70]);
    stands(&mut desk, "/t/amount", 70.0 / 127.0);
    cc(&mut desk, 20, &[10, 90]);
    stands(&mut desk, "/t/amount", 90.0 / 127.0);
    // Somebody else moves it: it must be picked up again, from above.
    desk.quietly("/t/amount 0.25");
    cc(&mut desk, 20, &[100, 80, 60]);
    assert_eq!(desk.ask("/t/amount"), 0.25);
    cc(&mut desk, 20, &[30]);
    stands(&mut desk, "/t/amount", 30.0 / 127.0);
    // A jump across counts.
    desk.quietly("/t/amount 0.8");
    cc(&mut desk, 20, &[127]);
    assert_eq!(desk.ask("/t/amount"), 1.0);
    // A reload that changes nothing leaves it picked up; one that puts the value elsewhere does not.
    desk.load(&format!("{map}\n# the same\n"));
    cc(&mut desk, 20, &[120]);
    stands(&mut desk, "/t/amount", 120.0 / 127.0);
    desk.load(&map.replace("amount = { default = 0.5", "amount = { default = 0.1"));
    stands(&mut desk, "/t/amount", 0.1);
    cc(&mut desk, 20, &[110]);
    stands(&mut desk, "/t/amount", 0.1);
    cc(&mut desk, 20, &[5]);
    stands(&mut desk, "/t/amount", 5.0 / 127.0);
}

#[test]
fn a_port_that_comes_back_must_pick_up_again_and_each_port_by_itself() {
    let mut desk = Desk::new(&mapped("\"cc 20\" = { to = \"amount\", pickup = true }"));
    bytes(&mut desk, 0, &[0xb0, 20, 64]);
    bytes(&mut desk, 1, &[0xb0, 20, 10]);
    stands(&mut desk, "/t/amount", 64.0 / 127.0);
    bytes(&mut desk, 0, &[0xb0, 20, 66]);
    desk.control.gone(Client::port(0));
    bytes(&mut desk, 0, &[0xb0, 20, 100]);
    stands(&mut desk, "/t/amount", 66.0 / 127.0);
}

#[test]
fn pickup_follows_the_range_it_is_laid_over() {
    let mut desk = Desk::new(&mapped(
        "\"cc 20\" = { to = \"amount\", pickup = true, min = 1, max = 0.5 }\n\"/f\" = { to = \"amount\", pickup = true, from = [0, 10] }",
    ));
    desk.quietly("/t/amount 0.75");
    cc(&mut desk, 20, &[0, 40]);
    assert_eq!(desk.ask("/t/amount"), 0.75);
    cc(&mut desk, 20, &[80]);
    stands(&mut desk, "/t/amount", 1.0 - 0.5 * 80.0 / 127.0);
    desk.quietly("/f 1");
    desk.quietly("/f 2");
    stands(&mut desk, "/t/amount", 1.0 - 0.5 * 80.0 / 127.0);
    desk.quietly("/f 9");
    stands(&mut desk, "/t/amount", 0.9);
}

#[test]
fn hundreds_of_maps_are_found_by_what_moves() {
    let lines: String = (0..120).map(|number| format!("\"cc {number} ch 7\" = \"deep\"\n\"nrpn {number}\" = \"deep\"\n")).collect();
    let mut desk = Desk::new(&mapped(&format!("{lines}\"cc 20\" = \"amount\"")));
    for slot in 0..15 {
        desk.control.load(&format!("s{slot}"), &mapped(&lines), None).unwrap();
        desk.run(512);
    }
    cc(&mut desk, 20, &[127]);
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep"), desk.ask("/s3/deep")), (1.0, 0.5, 0.5));
    bytes(&mut desk, 0, &[0xb6, 33, 127]);
    assert_eq!((desk.ask("/t/deep"), desk.ask("/s3/deep"), desk.ask("/s14/deep")), (1.0, 1.0, 1.0));
}
