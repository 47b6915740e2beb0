//! Who is connected: let in, counted, spoken to, and sent away where there is no room.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::allow::Allow;
use super::bounds::Bounds;
use super::intake::lock;
use super::out::Out;
use crate::control::client::CONNECTION;
use crate::control::counts::Connections;
use crate::control::{Client, Control, Message};

/// One connection.
pub(super) struct Member {
    pub number: u64,
    pub client: Client,
    /// What waits to be sent to it.
    pub out: Out,
    /// It is to end.
    pub leave: Notify,
    /// When a packet of its last came [µs since the crowd began].
    heard: AtomicU64,
    /// It has sent a packet that could be read.
    valid: AtomicBool,
}

impl Member {
    /// Whether it has ever sent a packet that could be read.
    pub fn is_valid(&self) -> bool {
        self.valid.load(Relaxed)
    }

    /// A packet that could be read has come, or whatever else shows that somebody is there who knows how to speak to us.
    pub fn is_now_valid(&self) {
        self.valid.store(true, Relaxed);
    }
}

/// All connections.
pub(super) struct Crowd {
    pub control: Arc<Mutex<Control>>,
    pub bounds: Bounds,
    pub allow: Allow,
    /// From where web pages may connect, beyond our own.
    pub origins: Vec<String>,
    began: Instant,
    members: Mutex<Members>,
    parting: Arc<()>,
}

#[derive(Default)]
struct Members {
    next: u64,
    all: BTreeMap<u64, Arc<Member>>,
}

impl Crowd {
    /// Nobody yet.
    pub fn new(control: &Arc<Mutex<Control>>, bounds: Bounds, allow: Allow, origins: Vec<String>) -> Self {
        Self {
            control: Arc::clone(control),
            bounds,
            allow,
            origins,
            began: Instant::now(),
            members: Mutex::default(),
            parting: Arc::default(),
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    /// Counts something of connections.
    pub fn count(&self, count: impl FnOnce(&mut Connections)) {
        count(&mut lock(&self.control).counts_mut().connections);
    }

    /// A member has sent a packet.
    pub fn heard(&self, member: &Member) {
        member.heard.store(self.now(), Relaxed);
    }

    /// Lets somebody in, or not; `from` is `None` for this computer's own file system. Where all places are taken, who has been
    /// silent longest goes: first among those who never sent a packet that could be read.
    pub fn admit(&self, from: Option<IpAddr>) -> Option<Arc<Member>> {
        let host = from.map_or(0, |from| match from {
            IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
            IpAddr::V6(v6) => u128::from(v6),
        });
        let near = host == 0 || Ipv6Addr::from(host).to_canonical().is_loopback();
        let mut members = self.members();
        let same = members.all.values().filter(|member| member.client.host == host).count();
        if !from.is_none_or(|from| self.allow.allows(from)) || !near && same >= self.bounds.per_host {
            drop(members);
            self.count(|counts| counts.refused += 1);
            return None;
        }
        let mut evicted = 0;
        while members.all.len() >= self.bounds.connections
            && let Some((number, _)) = members.all.iter().min_by_key(|(_, member)| (member.is_valid(), member.heard.load(Relaxed)))
        {
            let number = *number;
            if let Some(gone) = members.all.remove(&number) {
                gone.leave.notify_one();
                evicted += 1;
            }
        }
        members.next += 1;
        let number = members.next;
        let member = Arc::new(Member {
            number,
            client: Client::connection(host, number),
            out: Out::new(self.bounds.queue),
            leave: Notify::new(),
            heard: AtomicU64::new(self.now()),
            valid: AtomicBool::new(false),
        });
        members.all.insert(number, Arc::clone(&member));
        drop(members);
        self.count(|counts| {
            counts.accepted += 1;
            counts.evicted += evicted;
            counts.open = counts.open + 1 - evicted;
        });
        Some(member)
    }

    /// One more may take its leave in peace, for as long as this is kept; `None` where too many do.
    pub fn part(&self) -> Option<Arc<()>> {
        (Arc::strong_count(&self.parting) <= self.bounds.connections).then(|| Arc::clone(&self.parting))
    }

    /// A connection has ended: what it held is let go of.
    pub fn end(&self, member: &Member) {
        let was_in = self.members().all.remove(&member.number).is_some();
        let mut control = lock(&self.control);
        control.gone(member.client);
        control.counts_mut().connections.open -= u64::from(was_in);
    }

    /// Sends a message to a client that is connected; false where there is none, or it does not take what was sent before.
    pub fn deliver(&self, client: Client, message: &Message) -> bool {
        let member = self.members().all.get(&(client.door & !CONNECTION)).map(Arc::clone);
        let Some(member) = member else { return false };
        if !member.out.say(message) {
            lock(&self.control).counts_mut().unread += 1;
        }
        true
    }
}
