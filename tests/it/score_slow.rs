//! Who does not read loses places of the cursor; no note waits for it, and nobody else does.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rackd::osc::Listen;
use rackd::osc::link::{Link, Place};
use rackd::score::{Conductor, Stand};
use rackd::wire::{Arg, Framing, decode, encode, frame};
use socket2::{Domain, Socket, Type};

use super::osc::{PATIENCE, Stage, message};
use super::score_live::GATES;

const NOTES: usize = 60;

#[test]
fn a_client_that_does_not_read_its_cursor_costs_no_note_and_no_other_its_own() {
    let at = "127.0.0.1:0".parse().unwrap();
    let stage = Stage::listening(GATES, &Listen { udp: vec![at], tcp: vec![at], ..Listen::default() });
    let stand = Stand::set_up(&mut stage.control.lock().unwrap()).unwrap();
    let conductor = Conductor::start(Arc::clone(&stage.control), stand).unwrap();
    let place = stage.server.tcp()[0];
    // Hundreds of cursors a second, of which not one is read.
    let slow = Socket::new(Domain::for_address(place), Type::STREAM, None).unwrap();
    slow.set_recv_buffer_size(4096).unwrap();
    slow.connect(&place.into()).unwrap();
    let mut slow = TcpStream::from(slow);
    let cursor = message("/sub", vec![Arg::Text("/cursor".into()), Arg::Int(200)]);
    slow.write_all(&frame(Framing::Sized, &encode(&cursor))).unwrap();
    let question = frame(Framing::Sized, &encode(&message("/engine/status", vec![])));
    slow.set_write_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut other = Link::connect(&Place::Tcp(place.to_string()), PATIENCE).unwrap();
    let mut say = |address: &str, args| other.send(&encode(&message(address, args))).unwrap();
    for note in 0..NOTES {
        let (beat, slot) = (Arg::Double(1.0 + note as f64 / 4.0), Arg::Text("t".into()));
        say("/score/add", vec![Arg::Int(note as i32), beat, slot, Arg::Int(60), Arg::Float(0.8), Arg::Float(0.125)]);
    }
    say("/sub", vec![Arg::Text("/cursor".into()), Arg::Int(50)]);
    say("/transport/locate", vec![Arg::Int(0)]);
    let until = Instant::now() + Duration::from_secs(60);
    let (mut cursors, mut last) = (0, 0.0);
    while stage.count("score-notes") < NOTES as i64 {
        assert!(Instant::now() < until, "{} notes", stage.count("score-notes"));
        // It asks on and on, and takes no answer.
        let _ = slow.write_all(&question.repeat(20));
        while let Ok(Some(packet)) = other.receive(Duration::from_millis(1)) {
            let rackd::wire::Packet::Message(told) = decode(&packet).unwrap() else { continue };
            let beat = match told.args.first() {
                Some(Arg::Float(beat)) => f64::from(*beat),
                Some(Arg::Double(beat)) => *beat,
                _ => continue,
            };
            if told.address == "/cursor" {
                cursors += 1;
                last = beat;
            }
        }
    }
    thread::sleep(Duration::from_millis(200));
    let heard = stage.heard.lock().unwrap().clone();
    let mut before = 0.0;
    let starts: Vec<usize> =
        heard.iter().enumerate().filter_map(|(at, x)| (*x > std::mem::replace(&mut before, *x)).then_some(at)).collect();
    assert_eq!(starts.len(), NOTES);
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 6000), "each on its frame: {starts:?}");
    assert_eq!(["score-late", "score-dropped"].map(|name| stage.count(name)), [0, 0]);
    assert!(cursors > 20 && last > 10.0, "{cursors} cursors, the last at {last}");
    assert!(stage.count("unread") > 0, "who does not read has lost something");
    drop(conductor);
}
