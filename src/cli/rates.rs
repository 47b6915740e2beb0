//! How many messages a second each address has.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::style::Style;

/// Addresses that are counted one by one at most; a sender that makes up new ones cannot fill the memory.
const ADDRESSES: usize = 10_000;
/// Stands for all addresses beyond these.
const OTHERS: &str = "(others)";

/// Counts by address, since the last time it was told and since the start.
#[derive(Debug)]
pub struct Rates {
    of: BTreeMap<String, (u64, u64)>,
    told: Instant,
}

impl Rates {
    /// Nothing counted yet. `[control]`
    pub fn new(now: Instant) -> Self {
        Self { of: BTreeMap::new(), told: now }
    }

    /// One message. `[control]`
    pub fn count(&mut self, address: &str) {
        let known = self.of.len() < ADDRESSES || self.of.contains_key(address);
        let counts = self.of.entry(if known { address } else { OTHERS }.to_owned()).or_default();
        counts.0 += 1;
        counts.1 += 1;
    }

    /// When it is to be told next. `[control]`
    pub fn due(&self) -> Instant {
        self.told + Duration::from_secs(1)
    }

    /// A line for each address, busiest first, and one for all; the counts of this turn begin again. `[control]`
    pub fn tell(&mut self, now: Instant, json: bool, style: Style) -> String {
        let seconds = now.saturating_duration_since(self.told).as_secs_f64().max(1e-3);
        self.told = now;
        let mut all: Vec<_> = self.of.iter_mut().map(|(address, counts)| (address, std::mem::take(&mut counts.0), counts.1)).collect();
        all.sort_by_key(|(_, new, _)| std::cmp::Reverse(*new));
        let mut out = String::new();
        let mut line = |address: &str, new: u64, total: u64, shown: String| {
            let rate = new as f64 / seconds;
            if json {
                let object = json!({ "address": address, "rate": (rate * 10.0).round() / 10.0, "count": total });
                out.push_str(&format!("{object}\n"));
            } else {
                out.push_str(&format!("{rate:>10.1} /s  {total:>10}  {shown}\n"));
            }
        };
        for (address, new, total) in &all {
            line(address, *new, *total, style.name(address));
        }
        let sum = all.iter().fold((0, 0), |sum, (_, new, total)| (sum.0 + new, sum.1 + total));
        if !json {
            line("", sum.0, sum.1, style.heading("all"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_turn_and_counts_of_all() {
        let start = Instant::now();
        let mut rates = Rates::new(start);
        (0..30).for_each(|_| rates.count("/a"));
        (0..50).for_each(|_| rates.count("/b"));
        let told = rates.tell(start + Duration::from_millis(500), false, Style(false));
        let lines: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines, [["100.0", "/s", "50", "/b"], ["60.0", "/s", "30", "/a"], ["160.0", "/s", "80", "all"]]);
        rates.count("/a");
        let told = rates.tell(start + Duration::from_millis(1500), true, Style(false));
        assert_eq!(told.lines().next(), Some(r#"{"address":"/a","count":31,"rate":1.0}"#));
    }

    #[test]
    fn made_up_addresses_do_not_fill_the_memory() {
        let mut rates = Rates::new(Instant::now());
        (0..ADDRESSES + 500).for_each(|number| rates.count(&format!("/{number}")));
        assert!(rates.of.len() <= ADDRESSES + 1);
        assert_eq!(rates.of[OTHERS].1, 500);
    }
}
