//! Where answers go, how much of them, and what becomes of those who are gone: through real sockets.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rackd::wire::{Arg, Bundle, Packet, decode, encode};

use super::osc::{PATIENCE, Stage, message, socket, sync};

const PATCH: &str = r#"
format = 1
[controls]
amount = { default = 0.25, min = 0, max = 1 }
[out]
in = "amount"
"#;

/// An address of this computer that is not its own name for itself: who comes from there counts as being elsewhere.
fn elsewhere() -> Option<IpAddr> {
    let probe = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it is only asked which address would be.
    probe.connect("192.0.2.1:9").or_else(|_| probe.connect("10.255.255.255:9")).ok()?;
    probe.local_addr().ok().map(|at| at.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

/// All that comes until nothing comes for a while.
fn all(socket: &UdpSocket) -> Vec<Vec<u8>> {
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut buffer = [0; 65_536];
    std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())).collect()
}

fn addresses(packets: &[Vec<u8>]) -> Vec<String> {
    let address = |bytes: &Vec<u8>| match decode(bytes) {
        Ok(Packet::Message(message)) => message.address,
        other => panic!("{other:?}"),
    };
    packets.iter().map(address).collect()
}

fn text(text: &str) -> Arg {
    Arg::Text(text.into())
}

/// The daemon listens everywhere; a socket on an address of the network speaks to it.
fn far_stage() -> Option<(Stage, UdpSocket)> {
    let ip = elsewhere()?;
    let stage = Stage::new(PATCH, "0.0.0.0:0");
    let far = UdpSocket::bind((ip, 0)).unwrap();
    far.connect((ip, stage.address().port())).unwrap();
    far.set_read_timeout(Some(PATIENCE)).unwrap();
    Some((stage, far))
}

#[test]
fn one_packet_from_elsewhere_is_answered_with_little_late_answers_among_it() {
    // A computer without a network has no elsewhere; the count itself is tested where it is kept.
    let Some((stage, far)) = far_stage() else { return };
    let long = text(&"x".repeat(400));
    let pings = (0..3).map(|_| message("/ping", vec![long.clone()]));
    let syncs = (0..40).map(|id| message("/sync", vec![Arg::Int(id)]));
    let queries = (0..30).map(|_| message("/query", vec![text("/")]));
    let packet = encode(&Packet::Bundle(Bundle { time: 1, elements: pings.chain(queries).chain(syncs).collect() }));
    far.send(&packet).unwrap();
    let got = all(&far);
    let bytes: usize = got.iter().map(Vec::len).sum();
    assert!(bytes <= packet.len().max(1400), "{bytes} bytes for {}", packet.len());
    assert!(addresses(&got).iter().filter(|address| *address == "/pong").count() == 3, "what fits is answered");
    assert!(stage.count("unanswered") > 0, "what does not is counted");
    // A small packet, a large answer.
    let small = encode(&Packet::Bundle(Bundle { time: 1, elements: vec![message("/query", vec![text("/"), text("all")]); 10] }));
    far.send(&small).unwrap();
    let bytes: usize = all(&far).iter().map(Vec::len).sum();
    assert!((500..=1400).contains(&bytes), "{bytes} bytes");
    // Mistakes: no flood of answers to a flood.
    let start = Instant::now();
    for _ in 0..500 {
        far.send(b"nonsense").unwrap();
    }
    let told = all(&far).len() as f64;
    assert!(told >= 1.0 && told <= 21.0 + 10.0 * start.elapsed().as_secs_f64(), "{told} mistakes");
}

#[test]
fn who_sends_the_cookie_back_is_answered_in_full_at_the_port_it_names() {
    let Some((stage, far)) = far_stage() else { return };
    let mut buffer = [0; 2048];
    let mut ask = |packet: Packet| {
        far.send(&encode(&packet)).unwrap();
        let length = far.recv(&mut buffer).unwrap();
        let Ok(Packet::Message(answer)) = decode(&buffer[..length]) else { panic!("no message") };
        answer
    };
    let Some(Arg::Int(cookie)) = ask(message("/hello", vec![])).args.pop() else { panic!("no cookie") };
    assert_eq!(ask(message("/hello", vec![text("cookie"), Arg::Int(cookie)])).address, "/hello");
    let queries = Packet::Bundle(Bundle { time: 1, elements: vec![message("/query", vec![text("/")]); 30] });
    far.send(&encode(&queries)).unwrap();
    assert_eq!(all(&far).len(), 30);
    let ear = UdpSocket::bind((far.local_addr().unwrap().ip(), 0)).unwrap();
    let port = i32::from(ear.local_addr().unwrap().port());
    far.send(&encode(&message("/hello", vec![text("port"), Arg::Int(port)]))).unwrap();
    far.send(&encode(&message("/sync", vec![Arg::Int(5)]))).unwrap();
    far.send(&encode(&message("/sub", vec![text("/t/amount")]))).unwrap();
    let mut got = addresses(&all(&ear));
    got.sort();
    assert_eq!(got, ["/done", "/hello", "/synced", "/t/amount"], "answers, late answers and feedback");
    assert!(all(&far).is_empty());
    assert_eq!(stage.count("unanswered"), 0);
}

#[test]
fn answers_go_to_where_the_packet_came_from() {
    let stage = Stage::new(PATCH, "127.0.0.1:0");
    let ears: Vec<UdpSocket> = (0..3).map(|_| socket(&stage)).collect();
    for (token, ear) in ears.iter().enumerate() {
        ear.send(&encode(&message("/ping", vec![Arg::Int(token as i32)]))).unwrap();
    }
    for (token, ear) in ears.iter().enumerate() {
        let got = all(ear);
        assert_eq!(got.len(), 1);
        assert_eq!(decode(&got[0]), Ok(message("/pong", vec![Arg::Int(token as i32)])));
    }
}

#[test]
fn feedback_comes_by_datagrams() {
    let stage = Stage::new(PATCH, "127.0.0.1:0");
    let (ear, hand) = (socket(&stage), socket(&stage));
    for path in ["/t/amount", "/meter", "/beat"] {
        ear.send(&encode(&message("/sub", vec![text(path)]))).unwrap();
    }
    sync(&ear, 1);
    hand.send(&encode(&message("/t/amount", vec![Arg::Float(0.5)]))).unwrap();
    let end = Instant::now() + PATIENCE;
    let mut wanted = vec!["/t/amount", "/meter/master", "/meter/t", "/meter/engine", "/beat"];
    let mut buffer = [0; 2048];
    while !wanted.is_empty() {
        assert!(Instant::now() < end, "{wanted:?} never came");
        let length = ear.recv(&mut buffer).unwrap();
        let Ok(Packet::Message(message)) = decode(&buffer[..length]) else { panic!("no message") };
        if message.address != "/t/amount" || message.args == [Arg::Float(0.5)] {
            wanted.retain(|address| *address != message.address);
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn who_has_closed_its_port_is_told_nothing_more() {
    for at in ["127.0.0.1:0", "[::1]:0"] {
        let stage = Stage::new(PATCH, at);
        let local: SocketAddr = (stage.address().ip(), 0).into();
        let [gone, stays] = [0, 1].map(|_| {
            let socket = UdpSocket::bind(local).unwrap();
            socket.connect(stage.address()).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send(&encode(&message("/sub", vec![text("/meter")]))).unwrap();
            sync(&socket, 1);
            socket
        });
        drop(gone);
        let end = Instant::now() + PATIENCE;
        while stage.count("gone") == 0 {
            assert!(Instant::now() < end, "nobody is found to be gone");
            std::thread::sleep(Duration::from_millis(5));
        }
        // The other goes on being told: what came back was not its own.
        let mut buffer = [0; 2048];
        for _ in 0..200 {
            stays.recv(&mut buffer).unwrap();
        }
        sync(&stays, 2);
        assert_eq!((stage.count("gone"), stage.count("unanswered")), (1, 0), "{at}");
    }
}
