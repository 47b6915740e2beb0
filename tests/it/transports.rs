//! Every way by which OSC comes: the same effects, exact counters, and nobody who misbehaves keeps others out.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rackd::osc::allow::{Allow, network};
use rackd::osc::bounds::Bounds;
use rackd::osc::link::{Link, Place};
use rackd::osc::{Listen, OpenError, Server, Spot};
use rackd::wire::{Arg, Framing, Packet, decode, encode, frame};
use socket2::{Domain, Socket, Type};
use tungstenite::Message;
use tungstenite::client::IntoClientRequest;

use super::osc::{PATIENCE, SYNTH, Stage, TONE, message};
use super::wire::recorded;

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rackd-{name}-{}", std::process::id()))
}

/// By every way at once.
fn everywhere(name: &str) -> Listen {
    let at = "127.0.0.1:0".parse().unwrap();
    let v6 = "[::1]:0".parse().unwrap();
    Listen { udp: vec![at], tcp: vec![at, v6], unix: Some(file(name)), ..Listen::default() }
}

fn limited(name: &str, limits: &[&str]) -> Listen {
    let mut bounds = Bounds::default();
    limits.iter().for_each(|limit| bounds.set(limit).unwrap());
    Listen { bounds, ..everywhere(name) }
}

/// Every way, and as what it is counted.
fn ways(stage: &Stage) -> Vec<(&'static str, Place)> {
    let (udp, tcp) = (stage.address().to_string(), stage.server.tcp());
    vec![
        ("udp", Place::Udp(udp)),
        ("sized", Place::Tcp(tcp[0].to_string())),
        ("slip", Place::Slip(tcp[1].to_string())),
        ("websocket", Place::WebSocket(tcp[0].to_string())),
        ("unix", Place::Unix(stage.server.unix().unwrap().to_owned())),
    ]
}

fn connect(place: &Place) -> Link {
    Link::connect(place, PATIENCE).unwrap_or_else(|error| panic!("{place}: {error}"))
}

fn send(link: &mut Link, address: &str, args: Vec<Arg>) {
    link.send(&encode(&message(address, args))).unwrap();
}

/// Waits until all that was sent before has come through; gives what was answered meanwhile.
fn sync(link: &mut Link, token: i32) -> Vec<String> {
    send(link, "/sync", vec![Arg::Int(token)]);
    let mut told = Vec::new();
    loop {
        let packet = link.receive(PATIENCE).expect("it is sound").expect("the daemon answers");
        let Ok(Packet::Message(answer)) = decode(&packet) else { panic!("{packet:?}") };
        if answer == rackd::wire::Message::new("/synced", vec![Arg::Int(token)]) {
            return told;
        }
        told.push(answer.address + " " + &answer.args.iter().map(|arg| format!("{arg:?}")).collect::<Vec<_>>().join(" "));
    }
}

/// Waits until something holds; nothing waits long unless it fails.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn sums_are_exact(stage: &Stage) {
    let all = stage.status();
    let group =
        |prefix: &str| all.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, x)| x.number().unwrap() as i64).sum::<i64>();
    assert_eq!(stage.count("packets"), group("packets/"));
    assert_eq!(stage.count("malformed"), group("malformed/"));
    assert_eq!(stage.count("messages"), stage.count("accepted") + stage.count("refused"));
    let waiting = stage.count("merged") + stage.count("dropped") + stage.count("waiting");
    assert_eq!(stage.count("events"), stage.count("fed") + waiting);
}

fn raw(stage: &Stage) -> TcpStream {
    let stream = TcpStream::connect(stage.server.tcp()[0]).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All that is answered until the other end closes.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut answered = Vec::new();
    // A connection that is reset is closed too.
    let _ = stream.read_to_end(&mut answered);
    answered
}

#[test]
fn every_recorded_packet_does_the_same_by_every_way() {
    let mut expected = None;
    for way in 0..5 {
        let stage = Stage::listening(TONE, &everywhere("recorded"));
        let (name, place) = ways(&stage).swap_remove(way);
        let mut link = connect(&place);
        let recorded = recorded();
        for (_, packet, _) in &recorded {
            link.send(packet).unwrap();
        }
        send(&mut link, "/t/amount", vec![Arg::Float(0.75)]);
        send(&mut link, "/t/amount", vec![]);
        // Nearest addresses are only looked for as long as there is time.
        let plain = |line: String| line.split("; did you mean").next().unwrap_or_default().trim_end_matches("\")").to_owned();
        let told: Vec<String> = sync(&mut link, 1).into_iter().filter(|line| !line.starts_with("/late")).map(plain).collect();
        assert_eq!(stage.count(&format!("packets/{name}")), recorded.len() as i64 + 3, "{name}");
        sums_are_exact(&stage);
        let counted = |name: &str| ["messages", "accepted", "malformed"].contains(&name) || name.starts_with("refused");
        let counts: Vec<_> = stage.status().into_iter().filter(|(name, _)| counted(name)).collect();
        assert!(told.last().unwrap().starts_with("/t/amount Float(0.75"), "{told:?}");
        let (first_told, first_counts) = expected.get_or_insert_with(|| (told.clone(), counts.clone()));
        assert_eq!((&told, &counts), (&*first_told, &*first_counts), "{name}");
    }
}

#[test]
fn a_burst_by_every_way_is_counted_to_the_last_message() {
    const BURST: i64 = 50_000;
    let stage = Stage::listening(TONE, &everywhere("burst"));
    for (name, place) in ways(&stage) {
        let mut link = connect(&place);
        let mut syncs = 0;
        for step in 0..BURST {
            send(&mut link, "/t/amount", vec![Arg::Float((step % 100) as f32 / 100.0)]);
            // Datagrams would be lost if nobody ever waited.
            if name == "udp" && step % 200 == 199 {
                sync(&mut link, step as i32);
                syncs += 1;
            }
        }
        sync(&mut link, -1);
        assert_eq!(stage.count(&format!("packets/{name}")), BURST + syncs + 1, "{name}");
        sums_are_exact(&stage);
    }
    let (mut socket, _) = tungstenite::client(format!("ws://{}/", stage.server.tcp()[0]), raw(&stage)).unwrap();
    for step in 0..BURST {
        socket.send(Message::text(format!(r#"{{"address":"/t/amount","args":[{}]}}"#, (step % 100) as f32 / 100.0))).unwrap();
    }
    socket.send(Message::text(r#"{"address":"/sync","args":[5]}"#)).unwrap();
    assert_eq!(socket.read().unwrap(), Message::text(r#"{"address":"/synced","args":[5]}"#));
    assert_eq!(stage.count("packets/json"), BURST + 1);
    sums_are_exact(&stage);
    let value = stage.control.lock().unwrap().value_at("/t/amount").unwrap();
    assert!((value[0].number().unwrap() - 0.99).abs() < 1e-6, "the last value stands: {value:?}");
    assert_eq!((stage.count("malformed"), stage.count("unread"), stage.count("lost")), (0, 0, 0));
}

#[test]
fn json_says_and_is_told_the_same() {
    let stage = Stage::listening(TONE, &everywhere("json"));
    let stream = raw(&stage);
    let (mut socket, _) = tungstenite::client(format!("ws://{}/", stage.server.tcp()[0]), stream).unwrap();
    let mut ask = |text: &str| {
        socket.send(Message::text(text)).unwrap();
        match socket.read().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(ask(r#"{"address":"/ping","args":[1,[2.5,["x"]],true]}"#), r#"{"address":"/pong","args":[1,2.5,"x",true]}"#);
    let both = ask(r#"[{"address":"/t/amount","args":[0.625]},{"address":"/ping","args":[null,"é"]}]"#);
    assert_eq!(both, r#"{"address":"/pong","args":[null,"é"]}"#);
    assert_eq!(ask(r#"{"address":"/t/amount"}"#), r#"{"address":"/t/amount","args":[0.625]}"#);
    assert!(ask("{").starts_with(r#"{"address":"/fail","args":["","json","this is no JSON"#));
    assert!(ask(r#"{"address":"x"}"#).contains("no-address"));
    assert_eq!(ask(r#"{"time":0.5,"messages":[{"address":"/ping","args":[5]}]}"#), r#"{"address":"/pong","args":[5]}"#);
    assert_eq!((stage.count("packets/json"), stage.count("malformed/json"), stage.count("malformed")), (6, 1, 2));
    // From then on as packets, once a packet has come.
    socket.send(Message::binary(encode(&message("/ping", vec![Arg::Int(6)])))).unwrap();
    assert_eq!(socket.read().unwrap(), Message::binary(encode(&message("/pong", vec![Arg::Int(6)]))));
    assert_eq!(stage.count("packets/websocket"), 1);
    socket.send(Message::Ping(vec![1, 2].into())).unwrap();
    assert_eq!(socket.read().unwrap(), Message::Pong(vec![1, 2].into()));
    sums_are_exact(&stage);
}

#[test]
fn who_lies_about_a_frame_is_told_and_closed_and_others_are_served() {
    let stage = Stage::listening(TONE, &everywhere("lies"));
    let mut other = connect(&ways(&stage)[1].1);
    sync(&mut other, 1);
    let ping = encode(&message("/ping", vec![Arg::Int(1)]));
    let sound = frame(Framing::Sized, &ping);
    let lies: [(i32, &str); 4] = [(-4, "frame-size"), (i32::MIN, "frame-size"), (i32::MAX, "long-frame"), ((1 << 20) + 4, "long-frame")];
    for (size, cause) in lies {
        let before = stage.count(&format!("malformed/{cause}"));
        let mut stream = raw(&stage);
        stream.write_all(&[&sound[..], &size.to_be_bytes(), &sound].concat()).unwrap();
        let answered = rest(&mut stream);
        assert!(answered.windows(5).any(|part| part == b"/pong") && answered.windows(cause.len()).any(|part| part == cause.as_bytes()));
        assert_eq!(stage.count(&format!("malformed/{cause}")), before + 1, "{size}");
    }
    // A claim that is allowed takes no memory and no time of others; its bytes may come one by one.
    let mut slow = raw(&stage);
    slow.write_all(&[0, 0x10, 0, 0]).unwrap();
    let mut empty = raw(&stage);
    empty.write_all(&[0; 64_000]).unwrap();
    let mut single = raw(&stage);
    for byte in &sound {
        single.write_all(&[*byte]).unwrap();
    }
    let mut answer = vec![0; sound.len()];
    single.read_exact(&mut answer).unwrap();
    assert_eq!(answer, frame(Framing::Sized, &encode(&message("/pong", vec![Arg::Int(1)]))));
    until("empty packets are counted", || stage.count("malformed/empty") == 16_000);
    // SLIP: broken frames are told of, and the next sound one is heard.
    let mut slip = raw(&stage);
    let good = frame(Framing::Slip, &ping);
    slip.write_all(&[&[0xc0, b'a', 0xdb, b'x', 0xc0][..], &good].concat()).unwrap();
    let endless = vec![b'a'; (1 << 20) + 1];
    slip.write_all(&endless).unwrap();
    slip.write_all(&[&[0xc0], &good[..]].concat()).unwrap();
    until("SLIP finds its feet", || stage.count("malformed/bad-escape") == 1 && stage.count("malformed/long-frame") == 3);
    let mut heard = Vec::new();
    while heard.windows(5).filter(|part| part == b"/pong").count() < 2 {
        let mut more = [0; 1000];
        let count = slip.read(&mut more).unwrap();
        assert!(count > 0, "it stays open");
        heard.extend_from_slice(&more[..count]);
    }
    // No framing at all.
    for first in [b"\xff\xff\xff\xfc".as_slice(), b"/ping\0\0\0,\0\0\0", b"#bundle\0"] {
        let mut stream = raw(&stage);
        stream.write_all(first).unwrap();
        assert!(rest(&mut stream).is_empty());
    }
    until("who has no framing is counted", || stage.count("connections/unknown") == 3);
    assert!(sync(&mut other, 2).is_empty());
    sums_are_exact(&stage);
}

#[test]
fn a_frame_of_a_websocket_is_bounded_too() {
    let stage = Stage::listening(TONE, &everywhere("ws"));
    let (mut socket, _) = tungstenite::client(format!("ws://{}/", stage.server.tcp()[0]), raw(&stage)).unwrap();
    // It may be closed before all of it is sent.
    let _ = socket.send(Message::binary(vec![0; (1 << 20) + 4]));
    until("it is refused", || stage.count("malformed/long-frame") == 1 && stage.count("connections/open") == 0);
    let (mut socket, _) = tungstenite::client(format!("ws://{}/", stage.server.tcp()[0]), raw(&stage)).unwrap();
    socket.get_mut().write_all(b"\x7fnonsense").unwrap();
    until("so is nonsense", || stage.count("malformed/web-socket") == 1 && stage.count("connections/open") == 0);
    sums_are_exact(&stage);
}

#[test]
fn three_hundred_half_open_connections_keep_nobody_out() {
    let stage = Stage::listening(TONE, &everywhere("crowd"));
    let mut first = connect(&ways(&stage)[1].1);
    sync(&mut first, 1);
    let crowd: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = raw(&stage);
            // The other end may have closed it already.
            let _ = stream.write_all([b"\0\0".as_slice(), b"", b"\xc0", b"GET / HT"][number % 4]);
            stream
        })
        .collect();
    for (name, place) in ways(&stage) {
        sync(&mut connect(&place), 2);
        assert!(stage.count(&format!("packets/{name}")) > 0);
    }
    assert!(sync(&mut first, 3).is_empty(), "who has spoken before stays");
    let (accepted, evicted) = (stage.count("connections/accepted"), stage.count("connections/evicted"));
    assert_eq!(accepted, 305);
    assert!(evicted >= 301 - 64 && stage.count("connections/open") <= 64, "{evicted}");
    drop(crowd);
    until("all who are gone are gone", || stage.count("connections/open") == 1);
}

#[test]
fn who_says_nothing_in_time_is_closed_and_who_has_spoken_is_not() {
    let stage = Stage::listening(TONE, &limited("silent", &["handshake=1", "idle=1"]));
    let mut spoken = connect(&ways(&stage)[2].1);
    sync(&mut spoken, 1);
    let mut silent = raw(&stage);
    let mut half = raw(&stage);
    half.write_all(&[0, 0, 0, 8, b'/']).unwrap();
    let mut wrong = raw(&stage);
    wrong.write_all(&frame(Framing::Sized, b"abcd")).unwrap();
    assert!(rest(&mut silent).is_empty() && rest(&mut half).is_empty() && !rest(&mut wrong).is_empty());
    until("they are counted", || stage.count("connections/timed-out") == 3);
    assert!(sync(&mut spoken, 2).is_empty());
    assert_eq!(stage.count("connections/open"), 1);
}

#[test]
fn who_does_not_read_is_not_waited_for() {
    let stage = Stage::listening(TONE, &limited("slow", &["stall=1"]));
    let mut other = connect(&ways(&stage)[1].1);
    let at = stage.server.tcp()[0];
    let slow = Socket::new(Domain::for_address(at), Type::STREAM, None).unwrap();
    slow.set_recv_buffer_size(4096).unwrap();
    slow.connect(&at.into()).unwrap();
    let mut slow = TcpStream::from(slow);
    let question = frame(Framing::Sized, &encode(&message("/engine/status", vec![])));
    let many = question.repeat(1000);
    for step in 0..40 {
        if slow.write_all(&many).is_err() {
            break;
        }
        sync(&mut other, step);
    }
    until("it is closed", || stage.count("connections/slow") == 1);
    assert!(stage.count("unread") > 0);
    assert!(sync(&mut other, -1).is_empty());
    sums_are_exact(&stage);
}

#[test]
fn what_a_connection_held_is_let_go_of_when_it_closes() {
    for way in 1..5 {
        let stage = Stage::listening(&SYNTH.replace("[note]", "[note]\nvoices = 16"), &everywhere("held"));
        let ways = ways(&stage);
        let (mut stays, mut goes) = (connect(&ways[1].1), connect(&ways[way].1));
        for key in 0..8 {
            send(&mut goes, "/t/note/on", vec![Arg::Int(key), Arg::Int(60 + key), Arg::Float(0.1)]);
        }
        sync(&mut goes, 1);
        send(&mut stays, "/t/note/off", vec![Arg::Int(0)]);
        let told = sync(&mut stays, 1);
        assert!(told.len() == 1 && told[0].contains("unknown-note"), "{told:?}: the notes of others are not found by their names");
        send(&mut stays, "/t/note/on", vec![Arg::Int(0), Arg::Int(40), Arg::Float(0.1)]);
        sync(&mut stays, 2);
        until("nine sound", || stage.count("voices") == 9);
        drop(goes);
        until("eight are let go of", || stage.count("voices") == 1);
        send(&mut stays, "/t/note/off", vec![Arg::Int(0)]);
        assert!(sync(&mut stays, 3).is_empty());
        until("none is left", || stage.count("voices") == 0);
    }
}

#[test]
fn pages_of_others_may_not_connect() {
    let listen = Listen { origins: vec!["https://a.example".into()], ..everywhere("pages") };
    let stage = Stage::listening(TONE, &listen);
    let own = stage.server.tcp()[0].to_string();
    let port = stage.server.tcp()[0].port();
    let ask = |host: &str, origin: Option<&str>| {
        let mut request = format!("ws://{own}/").into_client_request().unwrap();
        request.headers_mut().insert("Host", host.parse().unwrap());
        if let Some(origin) = origin {
            request.headers_mut().insert("Origin", origin.parse().unwrap());
        }
        match tungstenite::client(request, raw(&stage)) {
            Ok((mut socket, _)) => {
                socket.send(Message::binary(encode(&message("/ping", vec![])))).unwrap();
                assert!(socket.read().unwrap().is_binary());
                101
            }
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => answer.status().as_u16(),
            Err(other) => panic!("{other}"),
        }
    };
    for (host, origin, expected) in [
        (own.clone(), None, 101),
        (format!("localhost:{port}"), Some(format!("http://localhost:{port}")), 101),
        (own.clone(), Some("https://a.example".to_owned()), 101),
        (own.clone(), Some("https://b.example".to_owned()), 403),
        (own.clone(), Some("null".to_owned()), 403),
        (format!("evil.example:{port}"), Some(format!("http://evil.example:{port}")), 421),
        ("localhost".to_owned(), None, 421),
    ] {
        assert_eq!(ask(&host, origin.as_deref()), expected, "{host} {origin:?}");
    }
    let mut plain = raw(&stage);
    plain.write_all(format!("GET / HTTP/1.1\r\nHost: {own}\r\n\r\n").as_bytes()).unwrap();
    assert!(rest(&mut plain).starts_with(b"HTTP/1.1 426 "));
    until("they are counted", || stage.count("connections/http") == 5);
    assert_eq!((stage.count("packets"), stage.count("malformed")), (3, 0));
}

#[test]
fn places_that_are_taken_are_told() {
    let stage = Stage::listening(TONE, &everywhere("taken"));
    let control = &stage.control;
    let refused = |listen: Listen| Server::start(&listen, control).err().unwrap_or_else(|| panic!("it was given twice"));
    let tcp = stage.server.tcp()[0];
    let error = refused(Listen { tcp: vec![tcp], ..Listen::default() });
    assert!(matches!(error, OpenError::Taken(Spot::Tcp(at)) if at == tcp) && error.to_string().contains("--tcp"), "{error}");
    let path = stage.server.unix().unwrap().to_owned();
    let error = refused(Listen { unix: Some(path.clone()), ..Listen::default() });
    assert!(matches!(error, OpenError::FileTaken(_)) && error.to_string().contains("--unix"), "{error}");
    let plain = file("plain");
    std::fs::write(&plain, "kept").unwrap();
    let error = refused(Listen { unix: Some(plain.clone()), ..Listen::default() });
    assert!(matches!(error, OpenError::NoSocket(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&plain).unwrap(), "kept");
    std::fs::remove_file(&plain).unwrap();
    // One that was left behind is replaced; afterwards it is gone.
    let stale = file("stale");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert!(stale.exists());
    let server = Server::start(&Listen { unix: Some(stale.clone()), ..Listen::default() }, control).unwrap();
    assert_eq!(server.unix(), Some(stale.as_path()));
    drop(server);
    assert!(!stale.exists());
    assert!(stage.count("receive-buffer") > 0);
}

#[test]
fn limits_are_those_that_were_set() {
    let stage = Stage::listening(TONE, &limited("limits", &["arguments=2", "datagram=64", "frame=1024"]));
    let mut answers = Vec::new();
    for (name, place) in ways(&stage) {
        let mut link = connect(&place);
        send(&mut link, "/ping", vec![Arg::Int(1); 3]);
        send(&mut link, "/ping", vec![Arg::Text("x".repeat(100))]);
        answers.push((name, sync(&mut link, 1)));
    }
    for (name, told) in answers {
        assert!(told[0].contains("many-arguments"), "{name}: {told:?}");
        assert!(told[1].contains(if name == "udp" { "too-long" } else { "/pong" }), "{name}: {told:?}");
    }
}

/// An address of this computer that is not its own alone, where it has one: who comes by it counts as another computer.
fn far() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: the system only chooses by which address it would be.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|at| at.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
}

#[test]
fn another_computer_has_but_its_share_and_must_be_allowed() {
    let Some(far) = far() else { return };
    let at: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let listen = Listen { udp: vec![at], tcp: vec![at], ..Listen::default() };
    let stage = Stage::listening(TONE, &listen);
    let place = Place::Tcp(SocketAddr::new(far, stage.server.tcp()[0].port()).to_string());
    let mut links: Vec<Link> = (0..16).map(|_| connect(&place)).collect();
    links.iter_mut().for_each(|link| drop(sync(link, 1)));
    let mut more = connect(&place);
    until("the seventeenth is refused", || stage.count("connections/refused") == 1);
    assert!(more.send(&encode(&message("/ping", vec![]))).is_err() || more.receive(PATIENCE).is_err());
    let near = Place::Tcp(SocketAddr::from(([127, 0, 0, 1], stage.server.tcp()[0].port())).to_string());
    sync(&mut connect(&near), 2);
    links.pop();
    until("there is a place again", || stage.count("connections/open") <= 16);
    sync(&mut connect(&place), 3);

    let stage = Stage::listening(TONE, &Listen { allow: Allow::only(&[network("203.0.113.0/24").unwrap()]), ..listen });
    let port = stage.server.tcp()[0].port();
    drop(connect(&Place::Tcp(SocketAddr::new(far, port).to_string())));
    let mut datagrams = connect(&Place::Udp(SocketAddr::new(far, stage.address().port()).to_string()));
    send(&mut datagrams, "/ping", vec![]);
    until("neither is listened to", || stage.count("connections/refused") == 1 && stage.count("not-allowed") == 1);
    assert_eq!(stage.count("packets"), 0);
    sync(&mut connect(&Place::Udp(SocketAddr::from(([127, 0, 0, 1], stage.address().port())).to_string())), 1);
}
