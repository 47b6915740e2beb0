//! What the engine says of itself.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::doors::Shown;
use super::report::Report;

/// The engine's side of what comes back.
pub(super) struct Outbox {
    pub reports: rtrb::Producer<Report>,
    pub shown: Arc<Shown>,
    /// So many frames is the time ahead that others count by.
    pub ahead: u64,
}

impl Outbox {
    /// Tells it, or counts that there was no room. `[audio]`
    pub fn tell(&mut self, mut report: Report) {
        if let Report::Swapped { at, .. } | Report::Beat { at, .. } | Report::Started { at } = &mut report {
            *at += self.ahead;
        }
        if let Report::NotFinite { .. } = report {
            self.shown.not_finite.fetch_add(1, Relaxed);
        }
        if self.reports.push(report).is_err() {
            self.shown.unreported.fetch_add(1, Relaxed);
        }
    }
}
