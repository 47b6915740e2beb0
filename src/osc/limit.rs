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

/// Answers that are left, of mistakes alone.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Ten mistakes a second are told to each computer, a hundred to this one.
#[derive(Debug, Default)]
pub struct Limit {
    of: HashMap<IpAddr, Bucket>,
}

impl Limit {
    /// Whether one more mistake is told to a computer. `[control]`
    pub fn allows(&mut self, to: IpAddr, now: Instant) -> bool {
        let (rate, burst) = if to.to_canonical().is_loopback() { (100.0, 1000.0) } else { (10.0, 20.0) };
        if self.of.len() >= REMEMBERED && !self.of.contains_key(&to) {
            // Whoever has not spoken for a while has a full bucket: forgetting it changes nothing.
            self.of.retain(|_, bucket| now.saturating_duration_since(bucket.at).as_secs_f64() < 10.0);
            if self.of.len() >= REMEMBERED {
                return false;
            }
        }
        let bucket = self.of.entry(to).or_insert(Bucket { left: burst, at: now });
        bucket.left = (bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * rate).min(burst);
        bucket.at = now;
        let allowed = bucket.left >= 1.0;
        bucket.left -= f64::from(u8::from(allowed));
        allowed
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
