//! What clients have told of themselves with `/hello`, and how each wants to be treated.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::client::Client;
use super::control::Control;
use super::engine_verbs::is_near;
use super::fail::{Code, Fail};
use super::value::{Message, Value};
use super::verbs::Call;

/// Clients that are remembered at most; who was silent longest is forgotten first.
const REMEMBERED: usize = 4096;

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
    /// When it last spoke since 1970 [ns].
    pub heard: i64,
}

/// All clients that have said something of themselves.
#[derive(Debug, Default)]
pub struct Peers {
    of: HashMap<Client, Peer>,
    /// What cookies are made with; nobody else knows it.
    key: RandomState,
}

impl Peers {
    /// How a client wants to be treated, if it said so. `[control]`
    pub fn get(&self, client: Client) -> Option<&Peer> {
        self.of.get(&client)
    }

    /// The same, to change it. `[control]`
    pub fn at(&mut self, client: Client) -> &mut Peer {
        if self.of.len() >= REMEMBERED
            && !self.of.contains_key(&client)
            && let Some(oldest) = self.of.iter().min_by_key(|(_, peer)| peer.heard).map(|(client, _)| *client)
        {
            self.of.remove(&oldest);
        }
        self.of.entry(client).or_default()
    }

    /// What only this client is told, so that who sends it back has received it. `[control]`
    pub fn cookie(&self, client: Client) -> i64 {
        (self.key.hash_one(client) & 0x7fff_ffff) as i64
    }

    /// A client is gone. `[control]`
    pub fn forget(&mut self, client: Client) {
        self.of.remove(&client);
    }
}

/// `/hello`: keys and values, in any order.
pub(super) fn hello(control: &mut Control, call: Call<'_>) -> Result<Vec<Message>, Fail> {
    let wrong = |text: String| Fail::new(call.address, Code::WrongArguments, text);
    if !call.values.len().is_multiple_of(2) {
        return Err(wrong("keys and values are wanted, such as late drop jitter 20 lease 10".to_owned()));
    }
    for pair in call.values.chunks_exact(2) {
        let key = pair[0].text().ok_or_else(|| wrong(format!("{} is no key: late, jitter, lease and cookie are", pair[0])))?;
        let peer = control.peers.at(call.client);
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
            "lease" => {
                let seconds = pair[1].number().filter(|x| (0.0..=3600.0).contains(x));
                let seconds = seconds.ok_or_else(|| wrong("lease is 0 (none) to 3600 s".to_owned()))?;
                peer.lease = (seconds > 0.0).then_some(seconds);
            }
            "cookie" => {
                if pair[1] != Value::Integer(control.peers.cookie(call.client)) {
                    return Err(wrong("this is not the cookie that /hello answers".to_owned()));
                }
                control.peers.at(call.client).proven = true;
            }
            other => return Err(wrong(format!("{other} is no key: late, jitter, lease and cookie are"))),
        }
    }
    let cookie = Value::Integer(control.peers.cookie(call.client));
    Ok(vec![Message::new(call.address, vec![Value::from("rackd"), Value::from(env!("CARGO_PKG_VERSION")), cookie])])
}

impl Control {
    /// Whether a client surely receives what is sent to it: it is on this computer, or has sent its cookie back. `[control]`
    pub fn is_proven(&self, client: Client) -> bool {
        is_near(client) || self.peers.get(client).is_some_and(|peer| peer.proven)
    }
}
