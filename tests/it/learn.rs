//! Learning: the next controller that moves is bound; listed, cleared, and written into files that keep their comments.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rackd::control::{Client, Message, Value};

use crate::desk::{Desk, me};
use crate::maps::{bytes, mapped};

/// Longer than the quiet that ends a turn.
const QUIET: usize = 15_000;

/// What came later at an address, as words.
fn told(desk: &mut Desk, address: &str) -> Vec<String> {
    let all = std::mem::take(&mut desk.later);
    let words = |message: Message| message.values.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
    all.into_iter().filter(|message| message.address == address).map(words).collect()
}

/// Learns for a target by these bytes of port 0; what it is told.
#[track_caller]
fn learnt(desk: &mut Desk, target: &str, moved: &[&[u8]]) -> String {
    let answer = desk.say(&format!("/map/learn {target}"));
    assert!(answer[0].starts_with("/map/learning "), "{answer:?}");
    for message in moved {
        bytes(desk, 0, message);
    }
    desk.run(QUIET);
    let told = told(desk, "/map/learned");
    assert_eq!(told.len(), 1, "{told:?}");
    told.into_iter().next().unwrap()
}

/// What `/map/list` says, without the number at its end.
fn listed(desk: &mut Desk, of: &str) -> Vec<String> {
    let mut lines = desk.say(&format!("/map/list {of}"));
    let done = lines.pop().unwrap();
    assert_eq!(done, format!("/done /map/list {}", lines.len()));
    lines
}

fn turn(number: u8, values: &[u8]) -> Vec<Vec<u8>> {
    values.iter().map(|value| vec![0xb0, number, *value]).collect()
}

fn slices(messages: &[Vec<u8>]) -> Vec<&[u8]> {
    messages.iter().map(Vec::as_slice).collect()
}

#[test]
fn a_controller_that_moves_is_bound_and_acts_at_once() {
    let mut desk = Desk::new(&mapped(""));
    assert_eq!(learnt(&mut desk, "/t/amount", &slices(&turn(20, &[60, 61, 62, 63]))), "/t/amount cc 20 ch 1");
    bytes(&mut desk, 0, &[0xb0, 20, 127]);
    assert_eq!(desk.ask("/t/amount"), 1.0);
    bytes(&mut desk, 0, &[0xb1, 20, 0]);
    assert_eq!(desk.ask("/t/amount"), 1.0, "of another channel");
    // It stays in learning: what is picked next, by name or with dots.
    assert_eq!(learnt(&mut desk, "t.deep", &slices(&turn(21, &[1, 40, 90]))), "/t/deep cc 21 ch 1");
    // Bound elsewhere already: both act, and that is told.
    assert_eq!(learnt(&mut desk, "/t/deep", &slices(&turn(20, &[100, 90, 80]))), "/t/deep cc 20 ch 1 also /t/amount");
    bytes(&mut desk, 0, &[0xb0, 20, 0]);
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep")), (0.0, 0.0));
    bytes(&mut desk, 0, &[0xb0, 21, 127]);
    assert_eq!(desk.ask("/t/deep"), 1.0, "many to one");
    assert_eq!(desk.say("/map/done"), ["/done /map/done 3"]);
    bytes(&mut desk, 0, &[0xb0, 22, 127, 22, 0]);
    desk.run(QUIET);
    assert!(told(&mut desk, "/map/learned").is_empty());
    assert_eq!(
        listed(&mut desk, ""),
        [
            "/map/list \"cc 20 ch 1\" /t/amount by made",
            "/map/list \"cc 21 ch 1\" /t/deep by made",
            "/map/list \"cc 20 ch 1\" /t/deep by made"
        ]
    );
    assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused"));
}

#[test]
fn what_kind_of_controller_it_is_is_told_from_one_turn() {
    let mut desk = Desk::new(&mapped(""));
    // 14 bits: both parts move together.
    let pair: Vec<Vec<u8>> = (0..6).map(|step| vec![0xb0, 7, 40 + step, 39, step * 9]).collect();
    assert_eq!(learnt(&mut desk, "/t/amount", &slices(&pair)), "/t/amount cc 7 ch 1 bits 14");
    bytes(&mut desk, 0, &[0xb0, 7, 64, 39, 64]);
    let at = f64::from((64 << 7) + 64) / 16383.0;
    assert!((desk.ask("/t/amount") - at).abs() < 1e-5);
    // The coarse part moves seldom.
    let fine: Vec<Vec<u8>> = (0..5).map(|step| vec![0xb0, 41, 10 + step]).chain([vec![0xb0, 9, 30], vec![0xb0, 41, 3]]).collect();
    assert_eq!(learnt(&mut desk, "/t/deep", &slices(&fine)), "/t/deep cc 9 ch 1 bits 14");
    for (number, values, way, clicks) in [
        (30, [1, 1, 2, 1], "twos-complement", [1, 127]),
        (31, [65, 65, 66, 65], "offset", [65, 63]),
        (52, [127, 127, 126, 127], "twos-complement", [1, 127]),
        (53, [1, 1, 65, 65], "sign", [1, 65]),
        (54, [63, 63, 63, 62], "offset", [65, 63]),
    ] {
        desk.quietly("/t/amount 0.5");
        let told = learnt(&mut desk, "/t/amount", &slices(&turn(number, &values)));
        assert_eq!(told, format!("/t/amount cc {number} ch 1 relative {way}"));
        desk.quietly("/t/amount 0.5");
        bytes(&mut desk, 0, &[0xb0, number, clicks[0]]);
        assert!(desk.ask("/t/amount") > 0.505, "{number}");
        bytes(&mut desk, 0, &[0xb0, number, clicks[1], number, clicks[1]]);
        assert!(desk.ask("/t/amount") < 0.495, "{number}");
    }
    let nrpn: Vec<Vec<u8>> = (0..4).map(|step| vec![0xb2, 99, 2, 98, 44, 6, 20 + step, 38, 7]).collect();
    assert_eq!(learnt(&mut desk, "/t/amount", &slices(&nrpn)), "/t/amount nrpn 300 ch 3");
    bytes(&mut desk, 0, &[0xb2, 99, 2, 98, 44, 6, 0, 38, 0]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    assert_eq!(learnt(&mut desk, "/t/deep", &[&[0xe0, 0, 70], &[0xe0, 0, 80]]), "/t/deep bend ch 1");
    assert_eq!(learnt(&mut desk, "/t/bright", &[&[0xd4, 10], &[0xd4, 30]]), "/t/bright pressure ch 5");
    // A finger that presses a key while a knob is turned.
    assert_eq!(learnt(&mut desk, "/t/deep", &[&[0xd0, 9], &[0xd0, 8], &[0xd0, 7], &[0xb0, 70, 1], &[0xb0, 70, 9]]), "/t/deep cc 70 ch 1");
    // A pad with two values is a plain controller, and so is one that only says that it was pressed.
    assert_eq!(learnt(&mut desk, "/t/deep", &slices(&turn(80, &[127, 0]))), "/t/deep cc 80 ch 1");
    desk.say("/map/learn /t/deep");
    bytes(&mut desk, 0, &[0xb0, 81, 127]);
    desk.run(QUIET);
    assert!(told(&mut desk, "/map/learned").is_empty(), "more may come");
    desk.run(3 * QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/deep cc 81 ch 1"]);
}

#[test]
fn a_key_is_learnt_for_what_is_on_or_off_else_only_when_asked() {
    let mut desk = Desk::new(&mapped(""));
    assert_eq!(learnt(&mut desk, "/t/mute", &[&[0x93, 36, 100]]), "/t/mute note 36 ch 4");
    bytes(&mut desk, 0, &[0x93, 36, 1]);
    assert_eq!(desk.ask("/t/mute"), 1.0);
    bytes(&mut desk, 0, &[0x83, 36, 0]);
    assert_eq!(desk.ask("/t/mute"), 0.0);
    // Somebody plays while a knob is wanted.
    assert_eq!(learnt(&mut desk, "/t/amount", &[&[0x90, 60, 9], &[0xb0, 20, 3], &[0xb0, 20, 9]]), "/t/amount cc 20 ch 1");
    assert_eq!(learnt(&mut desk, "/t/amount note", &[&[0xb0, 21, 3], &[0x90, 61, 9]]), "/t/amount note 61 ch 1");
    bytes(&mut desk, 0, &[0x90, 61, 9]);
    assert_eq!(desk.ask("/t/amount"), 1.0);
}

#[test]
fn a_free_osc_address_is_learnt_like_a_controller() {
    let mut desk = Desk::new(&mapped(""));
    assert_eq!(desk.fails("/1/fader1 0.5"), "unknown-address");
    desk.say("/map/learn /t/amount");
    desk.quietly("/1/fader1 0.5");
    desk.quietly("/1/fader1 0.6");
    desk.quietly("/1/fader1/z 1");
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/amount /1/fader1"]);
    desk.quietly("/1/fader1 0.25");
    assert_eq!(desk.ask("/t/amount"), 0.25);
    // What counts from 0 to 127 is known by what it says.
    desk.say("/map/learn /t/deep osc");
    bytes(&mut desk, 0, &[0xb0, 20, 5, 20, 9]);
    for x in [100, 90, 80] {
        desk.quietly(&format!("/knob {x}"));
    }
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/deep /knob from 0 127"]);
    desk.quietly("/knob 127");
    assert_eq!(desk.ask("/t/deep"), 1.0);
    // An address that means something is not free, and words are no numbers.
    desk.say("/map/learn /t/deep osc");
    assert_eq!(desk.fails("/t/nothing 1"), "unknown-address");
    assert_eq!(desk.fails("/rack/nothing 1"), "unknown-address");
    assert_eq!(desk.fails("/word up"), "unknown-address");
    assert_eq!(desk.status("messages"), desk.status("accepted") + desk.status("refused"));
}

#[test]
fn controllers_that_mean_something_are_refused_with_the_reason() {
    let mut desk = Desk::new(&mapped(""));
    desk.say("/map/learn /t/amount");
    for number in [0, 6, 32, 38, 64, 88, 96, 97, 98, 99, 100, 101, 120, 121, 123, 127] {
        bytes(&mut desk, 0, &[0xb0, number, 3]);
        desk.run(QUIET);
        let refused = told(&mut desk, "/map/refused");
        assert_eq!(refused.len(), 1, "cc {number}: {refused:?}");
        assert!(refused[0].starts_with(&format!("cc {number} ch 1 it ")), "{refused:?}");
        // Once is enough.
        bytes(&mut desk, 0, &[0xb0, number, 5]);
        desk.run(QUIET);
        assert!(told(&mut desk, "/map/refused").is_empty());
    }
    // It goes on listening; 74 is free until an MPE keyboard is meant.
    bytes(&mut desk, 0, &[0xb0, 74, 3, 74, 9]);
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/amount cc 74 ch 1"]);
    desk.quietly("/t/midi/mpe true");
    desk.say("/map/learn /t/amount");
    bytes(&mut desk, 0, &[0xb0, 74, 3, 74, 9]);
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/refused").len(), 1);
    // A controller that says the same again and again does not move.
    for _ in 0..20 {
        bytes(&mut desk, 0, &[0xb0, 90, 33]);
    }
    desk.run(4 * QUIET);
    assert!(told(&mut desk, "/map/learned").is_empty());
    for line in [
        "/map/learn /t/nothing",
        "/map/learn 5",
        "/map/set \"cc 200\" /t/amount",
        "/map/clear /t/bright",
        "/map/set \"cc 1\"",
        "/map/save everything",
    ] {
        desk.fails(line);
    }
}

#[test]
fn what_is_touched_is_picked_and_a_button_begins_it() {
    let mut desk = Desk::new(&mapped(""));
    assert_eq!(desk.say("/map/set \"note 0 ch 16\" learn"), ["/done /map/set \"note 0\u{20}ch 16\" learn"]);
    desk.quietly("/t/deep 0.4");
    bytes(&mut desk, 0, &[0x9f, 0, 100, 0, 0]);
    assert_eq!(told(&mut desk, "/map/learning"), ["/t/deep"]);
    bytes(&mut desk, 0, &[0xb0, 20, 5, 20, 50]);
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/deep cc 20 ch 1"]);
    // Then the next is picked by being turned; what a map turns is not picked.
    bytes(&mut desk, 0, &[0xb0, 20, 90]);
    desk.quietly("/t/amount 0.1");
    assert_eq!(
        {
            desk.run(64);
            told(&mut desk, "/map/learning")
        },
        ["/t/amount"]
    );
    bytes(&mut desk, 0, &[0xb0, 21, 5, 21, 50]);
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/amount cc 21 ch 1"]);
    bytes(&mut desk, 0, &[0x9f, 0, 100, 0, 0]);
    assert_eq!(told(&mut desk, "/map/done"), ["2 button"]);
    // Without arguments it begins and ends by itself; what was learnt can be taken back.
    assert_eq!(desk.say("/map/learn"), ["/map/learning"]);
    desk.quietly("/t/bright 500");
    bytes(&mut desk, 0, &[0xb0, 22, 5, 22, 50]);
    desk.run(QUIET);
    assert_eq!(told(&mut desk, "/map/learned"), ["/t/bright cc 22 ch 1"]);
    assert_eq!(desk.say("/map/cancel"), ["/done /map/cancel 1"]);
    assert_eq!(listed(&mut desk, "/t/bright"), Vec::<String>::new());
    assert_eq!(listed(&mut desk, "t").len(), 2);
    // Nobody learns for ever.
    desk.say("/map/learn /t/bright");
    desk.run(125 * 48_000);
    assert_eq!(told(&mut desk, "/map/done"), ["0 time"]);
}

#[test]
fn the_list_is_what_acts() {
    let mut desk =
        Desk::new(&mapped("\"cc 20\" = { to = \"amount\", min = 0.2, max = 0.1, curve = 2, pickup = true }\n\"cc 21\" = \"deep\""));
    desk.say("/map/set \"cc 22 ch 2\" t.bright min \"1 kHz\" max \"200 Hz\" curve log");
    desk.say("/map/set /f t.deep from 0 35 toggle true");
    desk.say("/map/set \"cc 23\" master.level relative sign step 0.02");
    desk.say("/map/set \"cc 24\" gone.filter.cutoff").first().unwrap().starts_with("/fail").then_some(()).unwrap();
    assert_eq!(
        listed(&mut desk, ""),
        [
            "/map/list \"cc 22 ch 2\" /t/bright min \"1000 Hz\" max \"200 Hz\" curve log by made",
            "/map/list /f /t/deep from \"0 35\" toggle true by made",
            "/map/list \"cc 23\" /master/level relative sign step 0.02 by made",
            "/map/list \"cc 20\" /t/amount min 0.2 max 0.1 curve 2 pickup true by \"patch t\"",
            "/map/list \"cc 21\" /t/deep by \"patch t\"",
        ]
    );
    bytes(&mut desk, 0, &[0xb1, 22, 127]);
    assert!((desk.ask("/t/bright") - 200.0).abs() < 1e-3);
    bytes(&mut desk, 0, &[0xb0, 23, 65, 23, 65]);
    assert!(desk.ask("/master/level") < -1.0);
    // By hand, in place of what the patch says of the same; cleared, neither acts.
    desk.say("/map/set \"cc 21\" t.deep min 1 max 0");
    bytes(&mut desk, 0, &[0xb0, 21, 127]);
    assert_eq!(desk.ask("/t/deep"), 0.0);
    assert_eq!(desk.say("/map/clear \"cc 21\""), ["/done /map/clear 2"]);
    bytes(&mut desk, 0, &[0xb0, 21, 64]);
    assert_eq!(desk.ask("/t/deep"), 0.0);
    assert_eq!(listed(&mut desk, "t.deep"), ["/map/list /f /t/deep from \"0 35\" toggle true by made"]);
    assert_eq!(desk.say("/map/clear /t/deep"), ["/done /map/clear 1"]);
    assert_eq!(desk.fails("/f 1"), "unknown-address");
    desk.say("/map/clear all");
    assert_eq!(listed(&mut desk, ""), Vec::<String>::new());
    bytes(&mut desk, 0, &[0xb1, 22, 0]);
    assert!((desk.ask("/t/bright") - 200.0).abs() < 1e-3);
    // Contradictions are told.
    for line in [
        "/map/set \"cc 1\" t.deep relative true pickup true",
        "/map/set bend t.deep relative true",
        "/map/set \"cc 1\" t.deep step 1",
        "/map/set \"cc 1\" t.deep min \"3 Hz\"",
        "/map/set \"cc 1\" t.deep min -1 curve log",
    ] {
        assert_eq!(desk.fails(line), "wrong-arguments", "{line}");
    }
}

/// A folder of one test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!("rackd-learn-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder.canonicalize().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The slot `t` plays a file of this text.
fn of_file(folder: &Folder, text: &str) -> (Desk, PathBuf) {
    let file = folder.0.join("t.toml");
    std::fs::write(&file, text).unwrap();
    let mut desk = Desk::empty(vec![folder.0.clone()]);
    desk.quietly("/rack/load t.toml");
    desk.run(4800);
    desk.later.clear();
    (desk, file)
}

#[test]
fn what_is_saved_is_all_that_changes_in_the_file_and_acts_the_same_after_it() {
    let folder = Folder::new();
    let text = mapped("# what turns what\n\"cc 21\" = \"deep\"    # the second\n\"cc 30\" = \"amount\" # to go")
        .replace("[controls]", "[controls] # the front");
    let (mut desk, file) = of_file(&folder, &text);
    learnt(&mut desk, "/t/amount", &slices(&turn(20, &[1, 1, 2, 1])));
    learnt(&mut desk, "/t/bright", &slices(&turn(22, &[60, 61, 62])));
    desk.say("/map/set \"cc 23\" t.bright min \"1 kHz\" max \"200 Hz\" curve log pickup true");
    desk.say("/map/clear \"cc 30\"");
    desk.quietly("/t/deep 0.9");
    desk.say("/map/done");
    let before: Vec<String> = listed(&mut desk, "").into_iter().map(|line| line.replace("by made", "by \"patch t\"")).collect();
    let answer = desk.say("/map/save");
    assert_eq!(answer, [format!("/map/saved {} 4", file.display()), "/done /map/save 4".to_owned()]);
    let saved = std::fs::read_to_string(&file).unwrap();
    let want = text.replace("\"cc 30\" = \"amount\" # to go\n", "")
        + "\"cc 20 ch 1\" = { to = \"amount\", relative = \"twos-complement\" }\n\"cc 22 ch 1\" = \"bright\"\n\"cc 23\" = { to = \"bright\", min = \"1 kHz\", max = \"200 Hz\", curve = \"log\", pickup = true }\n";
    assert_eq!(
        saved.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        want.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>()
    );
    // As the watcher of the file does.
    desk.quietly("/rack/reload");
    desk.run(4800);
    let mut after = listed(&mut desk, "");
    let mut before = before;
    before.sort();
    after.sort();
    assert_eq!(after, before);
    assert!((desk.ask("/t/deep") - 0.9).abs() < 1e-6, "what was turned stays");
    bytes(&mut desk, 0, &[0xb0, 22, 0, 30, 127]);
    assert!((desk.ask("/t/bright") - 100.0).abs() < 1e-3);
    assert_eq!(desk.ask("/t/amount"), 0.5, "what was cleared acts no more");
    assert_eq!(desk.say("/map/save"), ["/done /map/save 0"]);
    // What is cleared there later, by hand, acts no more.
    std::fs::write(&file, saved.replace("\"cc 22 ch 1\" = \"bright\"\n", "")).unwrap();
    desk.quietly("/rack/reload");
    desk.run(4800);
    assert_eq!(listed(&mut desk, "\"cc 22 ch 1\""), Vec::<String>::new());
}

#[test]
fn a_file_that_cannot_be_changed_stays_as_it_is() {
    let mut desk = Desk::new(&mapped(""));
    desk.say("/map/set \"cc 20\" t.amount");
    let answer = desk.say("/map/save");
    assert!(answer[0].starts_with("/fail /map/save file ") && answer[0].contains("not loaded from a file"), "{answer:?}");
    let folder = Folder::new();
    let (mut desk, file) = of_file(&folder, &mapped("\"/1/xy\" = [\"amount\", \"deep\"]"));
    desk.say("/map/set /1/xy t.bright");
    assert_eq!(desk.fails("/map/save"), "file");
    desk.say("/map/clear all");
    desk.say("/map/set \"cc 20\" t.amount");
    std::fs::write(&file, "[[[").unwrap();
    assert_eq!(desk.fails("/map/save"), "file");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[[[");
    assert_eq!(desk.fails("/map/save device"), "file");
}

#[test]
fn a_profile_acts_for_its_device_alone_whenever_it_is_plugged_in() {
    let (folder, settings) = (Folder::new(), Folder::new());
    let (mut desk, _) = of_file(&folder, &mapped(""));
    desk.control.keep_profiles_in(settings.0.join("devices"));
    desk.control.port_came(Client::port(0), "nano: MIDI 1");
    desk.control.port_came(Client::port(1), "other");
    assert_eq!(learnt(&mut desk, "/t/amount", &slices(&turn(20, &[60, 61, 62]))), "/t/amount cc 20 ch 1 device nano: MIDI 1");
    bytes(&mut desk, 1, &[0xb0, 20, 127]);
    assert_eq!(desk.ask("/t/amount"), 1.0, "what was just learnt acts for every port");
    let answer = desk.say("/map/save device");
    let file = settings.0.join("devices/nano%3A MIDI 1.toml");
    assert_eq!(answer[1], "/done /map/save 1");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.ends_with("device = \"nano: MIDI 1\"\n\n[map]\n\"cc 20 ch 1\" = \"t.amount\"\n"), "{text}");
    assert_eq!(listed(&mut desk, ""), ["/map/list \"cc 20 ch 1\" /t/amount by \"device nano: MIDI 1\""]);
    bytes(&mut desk, 1, &[0xb0, 20, 0]);
    assert_eq!(desk.ask("/t/amount"), 1.0, "of another device");
    bytes(&mut desk, 0, &[0xb0, 20, 0]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    // It goes, and comes back as another port, with a profile that was edited meanwhile.
    desk.control.port_gone(Client::port(0));
    assert_eq!(listed(&mut desk, ""), Vec::<String>::new());
    bytes(&mut desk, 0, &[0xb0, 20, 127]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    std::fs::write(&file, format!("{text}# mine\n\"cc 21\" = {{ to = \"t.deep\", min = 1, max = 0 }}\n\"cc 22\" = \"later.amount\"\n"))
        .unwrap();
    desk.control.port_came(Client::port(7), "nano: MIDI 1");
    bytes(&mut desk, 7, &[0xb0, 20, 127, 21, 127, 22, 127]);
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep")), (1.0, 0.0));
    assert!(listed(&mut desk, "").iter().any(|line| line.contains("/later/amount") && line.ends_with("idle true")));
    // What it turns comes later.
    std::fs::write(folder.0.join("later.toml"), mapped("")).unwrap();
    desk.quietly("/rack/load later.toml");
    desk.run(4800);
    bytes(&mut desk, 7, &[0xb0, 22, 127]);
    assert_eq!(desk.ask("/later/amount"), 1.0);
    // Cleared and saved, it stands in the file no more; the comment does.
    desk.say("/map/clear \"cc 21\"");
    assert_eq!(desk.say("/map/save device nano")[1], "/done /map/save 1");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("cc 21") && text.contains("cc 22"), "{text}");
    // A profile with a mistake is told, and what was known stays.
    std::fs::write(&file, "[map]\n\"cc 20\" = 5\n").unwrap();
    desk.control.take_notices();
    desk.control.port_gone(Client::port(7));
    desk.control.port_came(Client::port(7), "nano: MIDI 1");
    assert!(desk.control.take_notices().iter().any(|notice| notice.contains("wrong-type")));
    bytes(&mut desk, 7, &[0xb0, 20, 0]);
    assert_eq!(desk.ask("/t/amount"), 0.0);
    // Only from this computer.
    let far = Client::connection(u128::from(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)), 3);
    desk.control.say(me(), "/map/set", &["cc 40".into(), "t.deep".into()]);
    let answer = desk.control.say(far, "/map/save", &["device".into(), "nano".into()]);
    assert_eq!(answer[0].values[1], "not-allowed".into());
}

#[test]
fn maps_of_a_rack_act_beside_those_of_its_patches() {
    use rackd::patch::{MapSource, MapSpec};
    let mut desk = Desk::new(&mapped("\"cc 20\" = \"amount\""));
    let spec = |number, to: &str| MapSpec::new(MapSource::Cc(number, None), to);
    desk.control.set_rack_maps(vec![
        spec(21, "t.deep"),
        spec(22, "master.level"),
        MapSpec { toggle: true, ..spec(23, "t.mute") },
        spec(24, "t.level"),
    ]);
    bytes(&mut desk, 0, &[0xb0, 20, 127, 21, 127, 22, 0, 23, 127, 24, 0]);
    assert_eq!((desk.ask("/t/amount"), desk.ask("/t/deep"), desk.ask("/master/level"), desk.ask("/t/level")), (1.0, 1.0, -60.0, -60.0));
    assert_eq!(desk.ask("/t/mute"), 1.0);
    desk.control.set_rack_maps(Vec::new());
    bytes(&mut desk, 0, &[0xb0, 21, 0]);
    assert_eq!(desk.ask("/t/deep"), 1.0);
}
