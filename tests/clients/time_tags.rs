//! Bundles sound on the sample of their time tag, live, at any length of the server's callbacks.

use std::net::UdpSocket;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rackd::wire::packet::Bundle;
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Arg, Message, Packet, encode};

use super::daemon::{Daemon, TONE};
use super::ear::onset;
use super::jack::Jack;

/// From the first note to the second: 12,000 frames.
const APART: Duration = Duration::from_millis(250);

#[test]
fn two_notes_are_as_far_apart_as_their_time_tags_at_five_buffer_sizes() {
    for period in [64, 128, 256, 512, 1024] {
        let jack = Jack::with_period(period);
        let daemon = Daemon::on(&jack, TONE, &["--midi", "none"]);
        daemon.wait_for("playing");
        let recording = jack.record(1.5);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        for ahead in [Duration::from_millis(200), Duration::from_millis(200) + APART] {
            let note = Message::new("/tone/note", vec![Arg::Int(69), Arg::Float(1.0), Arg::Float(0.05)]);
            let time = from_unix_nanos((now + ahead).as_nanos() as i64);
            let bundle = Packet::Bundle(Bundle { time, elements: vec![Packet::Message(note)] });
            socket.send_to(&encode(&bundle), daemon.osc).unwrap();
        }
        let samples = recording.samples();
        let first = onset(&samples, 0.001);
        let second = first + 9_600 + onset(&samples[first + 9_600..], 0.001);
        assert_eq!(second - first, 12_000, "at {period} frames a callback");
    }
}
