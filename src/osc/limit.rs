//! How much is answered: mistakes are told, but no flood of them is answered by a flood.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

/// Computers that are remembered at most.
const REMEMBERED: usize = 1024;
/// Bytes with which one packet from elsewhere is answered at most, unless it was longer itself: an answer may go to somebody who
/// never asked.
pub const FAR_BYTES: usize = 1400;
/// Bytes of one answer at most.
pub const LONGEST: usize = 65_507;

/// Bytes that are answered a second to a computer of which nobody knows whether it asked, besides as many as came from there: who
/// speaks in a third's name gains nothing over sending to the third itself.
const RATE: f64 = 10.0 * FAR_BYTES as f64;
/// As many of them at once at most.
const BURST: f64 = 2.0 * RATE;

/// What one computer may still be told.
#[derive(Clone, Copy, Debug)]
struct Account {
    /// Mistakes.
    mistakes: f64,
    /// Bytes, whatever asked for them.
    bytes: f64,
    /// Bytes for the packet that is being answered.
    packet: usize,
    /// The number of that packet, and how many have come.
    answered: u64,
    asked: u64,
    at: Instant,
}

/// Ten mistakes a second are told to each computer, a hundred to this one; bytes are counted for those alone who may not have asked.
#[derive(Debug, Default)]
pub struct Limit {
    of: HashMap<IpAddr, Account>,
}

impl Limit {
    /// A computer's account as it stands now; `None` where too many others have one.
    fn account(&mut self, of: IpAddr, now: Instant) -> Option<&mut Account> {
        let (rate, burst) = if of.to_canonical().is_loopback() { (100.0, 1000.0) } else { (10.0, 20.0) };
        if self.of.len() >= REMEMBERED && !self.of.contains_key(&of) {
            // Whoever has not spoken for a while has a full account: forgetting it changes nothing.
            self.of.retain(|_, account| now.saturating_duration_since(account.at).as_secs_f64() < 10.0);
            if self.of.len() >= REMEMBERED {
                return None;
            }
        }
        let account = self.of.entry(of).or_insert(Account { mistakes: burst, bytes: BURST, packet: 0, answered: 0, asked: 0, at: now });
        let seconds = now.saturating_duration_since(account.at).as_secs_f64();
        account.mistakes = (account.mistakes + seconds * rate).min(burst);
        if account.bytes < BURST {
            account.bytes = (account.bytes + seconds * RATE).min(BURST);
        }
        account.at = now;
        Some(account)
    }

    /// A packet of so many bytes has come from a computer; its number. What is sent there from now on answers it. `[control]`
    pub fn asked(&mut self, from: IpAddr, bytes: usize, now: Instant) -> u64 {
        let Some(account) = self.account(from, now) else { return 0 };
        account.bytes = (account.bytes + bytes as f64).min(BURST + LONGEST as f64);
        account.packet = FAR_BYTES.max(bytes);
        account.asked += 1;
        account.answered = account.asked;
        account.asked
    }

    /// What is sent from now on answers this packet again, where others have come behind it. `[control]`
    pub fn answers(&mut self, from: IpAddr, number: u64, bytes: usize) {
        if let Some(account) = self.of.get_mut(&from)
            && account.answered != number
        {
            account.packet = FAR_BYTES.max(bytes);
            account.answered = number;
        }
    }

    /// Whether one more mistake is told to a computer. `[control]`
    pub fn allows(&mut self, to: IpAddr, now: Instant) -> bool {
        let Some(account) = self.account(to, now) else { return false };
        let allowed = account.mistakes >= 1.0;
        account.mistakes -= f64::from(u8::from(allowed));
        allowed
    }

    /// Bytes that may be sent to a computer that may not have asked. `[control]`
    pub fn left(&mut self, to: IpAddr, now: Instant) -> usize {
        self.account(to, now).map_or(0, |account| account.packet.min(account.bytes as usize))
    }

    /// Takes so many of them, if they are left. `[control]`
    pub fn take(&mut self, to: IpAddr, bytes: usize, now: Instant) -> bool {
        match self.account(to, now) {
            Some(account) if bytes <= account.packet.min(account.bytes as usize) => {
                account.packet -= bytes;
                account.bytes -= bytes as f64;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flood_of_mistakes_is_told_now_and_then() {
        let mut limit = Limit::default();
        let start = Instant::now();
        let far: IpAddr = [192, 168, 1, 1].into();
        let told = (0..10_000).filter(|step| limit.allows(far, start + Duration::from_millis(*step))).count();
        assert!((100..=125).contains(&told), "{told} in ten seconds");
        assert!(limit.allows([192, 168, 1, 2].into(), start), "others have their own");
    }

    #[test]
    fn who_may_not_have_asked_gets_no_more_than_it_sent_but_for_a_little() {
        let mut limit = Limit::default();
        let start = Instant::now();
        let far: IpAddr = [192, 168, 1, 1].into();
        assert_eq!(limit.left(far, start), 0, "nobody is told anything unasked");
        limit.asked(far, 20, start);
        assert_eq!(limit.left(far, start), FAR_BYTES);
        assert!(limit.take(far, 1000, start) && !limit.take(far, 1000, start), "answers to one packet are counted together");
        let number = limit.asked(far, 20, start);
        limit.answers(far, number, 20);
        assert!(limit.take(far, 1000, start));
        limit.answers(far, number - 1, 20);
        assert!(limit.take(far, 1400, start), "of two that came together, each has its own");
        limit.asked(far, 40_000, start);
        assert_eq!(limit.left(far, start), 40_000, "as much as was sent");
        let (mut sent, mut asked) = (0, 0);
        for step in 0..100_000 {
            let now = start + Duration::from_micros(100 * step);
            limit.asked(far, 20, now);
            asked += 20;
            let left = limit.left(far, now);
            assert!(limit.take(far, left, now));
            sent += left;
        }
        let more = 10.0 * RATE + BURST + 40_000.0;
        assert!((sent as f64) < f64::from(asked) + more, "{sent} bytes for {asked} in ten seconds");
        assert!((sent as f64) > 10.0 * RATE, "{sent}");
    }

    #[test]
    fn no_crowd_fills_the_memory() {
        let mut limit = Limit::default();
        let now = Instant::now();
        for host in 0..100_000_u32 {
            limit.allows(std::net::Ipv4Addr::from(0x0a00_0000 + host).into(), now);
        }
        assert!(limit.of.len() <= REMEMBERED);
        assert!(limit.allows([10, 9, 9, 9].into(), now + Duration::from_secs(11)));
    }
}
