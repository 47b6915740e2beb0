//! `/devices`: whoever asks is answered, later, and nobody waits meanwhile.

use std::time::{Duration, Instant};

use rackd::daemon::devices::Devices;
use rackd::host::devices::{DeviceListing, HostListing, WayListing};
use rackd::osc::text::spell;

use super::desk::Desk;

const PATIENCE: Duration = Duration::from_secs(30);

fn one_card() -> Vec<HostListing> {
    let plays = WayListing { default: true, rates: vec![(48_000, 48_000)], channels: vec![(2, 2)], ..WayListing::default() };
    let card = DeviceListing { id: "alsa:hw:CARD=USB,DEV=0".to_owned(), name: "USB".to_owned(), output: Some(plays), input: None };
    vec![HostListing { host: "alsa", trouble: None, devices: vec![card] }]
}

fn fails() -> Vec<HostListing> {
    panic!("the driver is broken")
}

/// What comes later, until so many messages have come.
fn later(desk: &mut Desk, devices: &Devices, count: usize) -> Vec<String> {
    let until = Instant::now() + PATIENCE;
    while desk.later.len() < count {
        assert!(Instant::now() < until, "only {:?} came", desk.later);
        devices.look(&mut desk.control);
        desk.run(64);
        std::thread::sleep(Duration::from_millis(1));
    }
    desk.later.drain(..).map(|message| spell(&message)).collect()
}

#[test]
fn who_asks_is_answered_as_often_as_he_asks() {
    let mut desk = Desk::empty(Vec::new());
    let devices = Devices::start(&mut desk.control, one_card);
    for _ in 0..3 {
        desk.quietly("/devices");
        let told = later(&mut desk, &devices, 2);
        assert!(
            told[0].starts_with("/devices alsa:hw:CARD=USB,DEV=0 host alsa name USB way out default 1 rates \"48000\" counts \"2\""),
            "{told:?}"
        );
        assert_eq!(told[1], "/done /devices 1");
    }
    assert_eq!(desk.fails("/devices 7"), "wrong-arguments");
}

#[test]
fn a_sound_system_that_fails_in_itself_is_told_and_may_be_asked_again() {
    let mut desk = Desk::empty(Vec::new());
    let devices = Devices::start(&mut desk.control, fails);
    for _ in 0..2 {
        desk.quietly("/devices");
        let told = later(&mut desk, &devices, 1);
        assert!(told[0].starts_with("/fail /devices not-allowed"), "{told:?}");
    }
}

#[test]
fn who_can_be_said_to_be_real_time_is_said_in_the_status() {
    let desk = Desk::empty(Vec::new());
    let all = desk.control.status();
    for name in ["realtime", "memory-locked"] {
        assert!(all.iter().any(|(known, _)| known == name), "{name}");
        assert_eq!(desk.status(name), 0, "nobody has granted anything here");
    }
}
