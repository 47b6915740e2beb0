//! Somebody who speaks to a daemon by UDP, in lines.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rackd::control::{Value, value};
use rackd::osc::{convert, text};
use rackd::wire::packet::Bundle;
use rackd::wire::time::from_unix_nanos;
use rackd::wire::{Packet, decode, encode};

use super::daemon::Daemon;

pub struct Speaker(UdpSocket);

fn packet(line: &str) -> Packet {
    Packet::Message(convert::answer(&text::read(line).unwrap().unwrap()))
}

impl Speaker {
    pub fn to(daemon: &Daemon) -> Self {
        Self::at(daemon.osc)
    }

    /// To where one listens.
    pub fn at(osc: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(osc).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    pub fn say(&self, line: &str) {
        self.0.send(&encode(&packet(line))).unwrap();
    }

    /// The same in a bundle, for a time since 1970.
    pub fn say_at(&self, time: Duration, line: &str) {
        let bundle = Bundle { time: from_unix_nanos(time.as_nanos() as i64), elements: vec![packet(line)] };
        self.0.send(&encode(&Packet::Bundle(bundle))).unwrap();
    }

    /// The values of the next answer at this address; a refusal is the test's end.
    pub fn wait(&self, address: &str) -> Vec<Value> {
        let mut bytes = [0; 65_536];
        loop {
            let length = self.0.recv(&mut bytes).unwrap_or_else(|why| panic!("{address} does not come: {why}"));
            match decode(&bytes[..length]) {
                Ok(Packet::Message(answer)) if answer.address == address => return value::values(answer.args, 0),
                Ok(Packet::Message(answer)) if answer.address == "/fail" => panic!("{answer:?}"),
                _ => {}
            }
        }
    }

    /// What is answered at a line's own address.
    pub fn ask(&self, line: &str) -> Vec<Value> {
        self.say(line);
        self.wait(line.split(' ').next().unwrap())
    }

    /// A number of `/engine/status`; 0 where it is left out.
    pub fn status(&self, name: &str) -> i64 {
        let all = self.ask("/engine/status");
        let found = all.chunks(2).find(|pair| pair[0].text() == Some(name)).and_then(|pair| pair[1].number());
        found.map_or(0, |x| x as i64)
    }
}
