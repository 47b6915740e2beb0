//! What clients have told of themselves with `/hello`, and how each wants to be treated.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::client::{Client, Origin};
use super::control::Control;
use super::engine_verbs::is_near;
use super::fail::{Code, Fail};
use super::peer_clock::{PeerClock, Reading};
use super::subscribe::Subscribers;
use super::value::{Message, Value};
use super::verbs::Call;

/// Clients that are remembered at most; then those are forgotten that were silent longest, so many at once.
const REMEMBERED: usize = 4096;
/// So many are forgotten at once, so that a flood of new ones does not look through all for each.
const FORGOTTEN: usize = 256;
/// Characters of a name at most.
const NAME: usize = 64;

/// What becomes of a bundle whose time has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Late {
    /// It acts at once.
    #[default]
    Run,
    /// It is left out, but for what ends notes.
    Drop,
    /// Its notes are shorter by as much as it is late, and left out where nothing is left of them; the rest acts at once.
    Truncate,
}

impl Late {
    /// All of them, in the order of their names.
    pub const ALL: [(&'static str, Self); 3] = [("run", Self::Run), ("drop", Self::Drop), ("truncate", Self::Truncate)];

    /// Its word. `[any]`
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, late)| *late == self).map_or("run", |(name, _)| name)
    }
}

/// One client as it wants to be treated.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// What becomes of its late bundles.
    pub late: Late,
    /// Messages without a time act this much after they arrive, so that they keep their spacing [ns]; 0: in the next block.
    pub jitter: i64,
    /// How long a note of its lives without being renewed [s].
    pub lease: Option<f64>,
    /// It has sent its cookie back: it receives where it says it is.
    pub proven: bool,
    /// It is answered at this port of its computer, not at the one that it speaks from.
    pub port: Option<u16>,
    /// What it is called where others are told of it.
    pub name: Option<String>,
    /// By whose clock its time tags are read.
    pub clock: PeerClock,
    /// When it last spoke: who spoke later has a higher number.
    pub heard: u64,
}

/// All clients that have said something of themselves.
#[derive(Debug, Default)]
pub struct Peers {
    of: HashMap<Client, Peer>,
    /// How often somebody spoke.
    spoken: u64,
    /// Every other OSC client.
    usual: Peer,
    /// Everybody else.
    plain: Peer,
    /// What cookies are made with; nobody else knows it.
    key: RandomState,
}

impl Peers {
    /// Nobody yet; OSC clients are treated like this until they say otherwise. `[control]`
    pub fn new(usual: Peer) -> Self {
        Self { usual, ..Self::default() }
    }

    /// How a client wants to be treated, or is usually treated where it has not said. `[control]`
    pub fn get(&self, client: Client) -> &Peer {
        self.of.get(&client).unwrap_or(if client.origin == Origin::Osc { &self.usual } else { &self.plain })
    }

    /// A client speaks. `[control]`
    pub fn hear(&mut self, client: Client) {
        if self.of.is_empty() {
            return;
        }
        if let Some(peer) = self.of.get_mut(&client) {
            self.spoken += 1;
            peer.heard = self.spoken;
        }
    }

    /// How a client wants to be treated, to change it. Who subscribes is not forgotten for it, nor who has sent its cookie back, while
    /// there are others. `[control]`
    pub fn at(&mut self, client: Client, subscribers: &Subscribers) -> &mut Peer {
        if self.of.len() >= REMEMBERED && !self.of.contains_key(&client) {
            self.make_room(subscribers);
        }
        self.spoken += 1;
        let usual = if client.origin == Origin::Osc { &self.usual } else { &self.plain };
        self.of.entry(client).or_insert_with(|| Peer { heard: self.spoken, ..usual.clone() })
    }

    fn make_room(&mut self, subscribers: &Subscribers) {
        let kept = |client: &Client, peer: &Peer| peer.proven || subscribers.has(*client);
        let mut all: Vec<(bool, u64, Client)> = self.of.iter().map(|(client, peer)| (kept(client, peer), peer.heard, *client)).collect();
        all.select_nth_unstable(FORGOTTEN);
        all.truncate(FORGOTTEN);
        all.sort_unstable();
        let others = all.iter().take_while(|(kept, ..)| !kept).count();
        for (_, _, client) in &all[..others.max(1)] {
            self.of.remove(client);
        }
    }

    /// What only this client is told, so that who sends it back has received it. `[control]`
    pub fn cookie(&self, client: Client) -> i64 {
        (self.key.hash_one(client) & 0x7fff_ffff) as i64
    }

    /// Where a client wants to be answered. `[control]`
    pub fn answered_at(&self, client: Client) -> Client {
        self.get(client).port.map_or(client, |port| client.at_port(port))
    }

    /// A client is gone. `[control]`
    pub fn forget(&mut self, client: Client) {
        self.of.remove(&client);
    }
}

/// What [`hello`] takes.
const KEYS: &str = "late, jitter, lease, name, port and cookie";

/// `/hello`: keys and values, in any order.
pub(super) fn hello(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let wrong = |text: String| Fail::new(call.address, Code::WrongArguments, text);
    if !call.values.len().is_multiple_of(2) {
        return Err(wrong("keys and values are wanted, such as late drop jitter 20 lease 10".to_owned()));
    }
    for pair in call.values.chunks_exact(2) {
        let key = pair[0].text().ok_or_else(|| wrong(format!("{} is no key: {KEYS} are", pair[0])))?;
        let peer = control.peers.at(call.client, &control.subscribers);
        match key {
            "late" => {
                let word = pair[1].text().unwrap_or("");
                let found = Late::ALL.iter().find(|(name, _)| *name == word);
                peer.late = found.map(|(_, late)| *late).ok_or_else(|| wrong("late is run, drop or truncate".to_owned()))?;
            }
            "jitter" => {
                let milliseconds = pair[1].number().filter(|x| (0.0..=40.0).contains(x));
                peer.jitter = milliseconds.map(|x| (x * 1e6) as i64).ok_or_else(|| wrong("jitter is 0 to 40 ms".to_owned()))?;
            }
            "clock" => {
                let reading = pair[1].text().and_then(Reading::of);
                peer.clock.set(reading.ok_or_else(|| wrong("clock is own, ping, tags or auto".to_owned()))?);
            }
            "lease" => {
                let seconds = pair[1].number().filter(|x| (0.0..=3600.0).contains(x));
                let seconds = seconds.ok_or_else(|| wrong("lease is 0 (none) to 3600 s".to_owned()))?;
                peer.lease = (seconds > 0.0).then_some(seconds);
            }
            "cookie" => {
                if pair[1] != Value::Integer(control.peers.cookie(call.client)) {
                    return Err(wrong("this is not the cookie that /hello answers".to_owned()));
                }
                control.peers.at(call.client, &control.subscribers).proven = true;
            }
            "port" => {
                if !call.client.has_lease() {
                    return Err(wrong("a connection is answered by the way it came".to_owned()));
                }
                let port = pair[1].number().filter(|x| (0.0..=65535.0).contains(x) && libm::floor(*x) == *x);
                let port = port.ok_or_else(|| wrong("port is 1 to 65535, or 0 for the one that this client speaks from".to_owned()))?;
                control.proven_or_fail(call)?;
                control.peers.at(call.client, &control.subscribers).port = (port > 0.0).then_some(port as u16);
            }
            "name" => {
                let name: String = pair[1].to_string().chars().filter(|c| !c.is_control()).take(NAME).collect();
                peer.name = (!name.is_empty()).then_some(name);
            }
            other => return Err(wrong(format!("{other} is no key: {KEYS} are"))),
        }
    }
    let cookie = Value::Integer(control.peers.cookie(call.client));
    Ok(vec![Message::new(call.address, vec![Value::from("rackd"), Value::from(env!("CARGO_PKG_VERSION")), cookie])])
}

impl Control {
    /// Whether a client surely receives what is sent to it: it is on this computer or connected, or has sent its cookie back. `[control]`
    pub fn is_proven(&self, client: Client) -> bool {
        is_near(client) || client.is_connection() || self.peers.get(client).proven
    }

    /// Who is elsewhere gets nothing unasked before it has shown that it receives.
    pub(super) fn proven_or_fail(&self, call: Call<'_>) -> Result<(), Fail> {
        let text = "say /hello first: it answers with a cookie; send /hello cookie and that number";
        if self.is_proven(call.client) { Ok(()) } else { Err(Fail::new(call.address, Code::NotAllowed, text)) }
    }

    /// Where a client is answered: where it speaks from, unless it has named another port. `[control]`
    pub fn answered_at(&self, client: Client) -> Client {
        self.peers.answered_at(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_silent_longest_is_forgotten() {
        let (mut peers, subscribers) = (Peers::default(), Subscribers::default());
        let client = |door| Client { origin: Origin::Osc, host: 1, door };
        for door in 0..REMEMBERED as u64 {
            peers.at(client(door), &subscribers).name = Some(String::new());
        }
        // The first of all speaks again.
        peers.hear(client(0));
        peers.at(client(REMEMBERED as u64), &subscribers).name = Some(String::new());
        assert!(peers.get(client(0)).name.is_some() && peers.get(client(REMEMBERED as u64)).name.is_some());
        assert!(peers.get(client(1)).name.is_none() && peers.get(client(FORGOTTEN as u64)).name.is_none());
        assert!(peers.get(client(FORGOTTEN as u64 + 1)).name.is_some());
    }

    #[test]
    fn what_is_usual_is_so_for_osc_only() {
        let subscribers = Subscribers::default();
        let mut peers = Peers::new(Peer { late: Late::Drop, ..Peer::default() });
        assert_eq!(peers.get(Client::of(Origin::Osc)).late, Late::Drop);
        assert_eq!(peers.at(Client::of(Origin::Osc), &subscribers).late, Late::Drop);
        assert_eq!(peers.at(Client::of(Origin::Lines), &subscribers).late, Late::Run);
    }
}
