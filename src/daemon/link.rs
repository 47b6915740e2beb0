//! Ableton Link: the beat clock goes with all programs of the network that share a session.
//!
//! A little ahead of its time each quarter of a beat of the session is told to Control, which follows as it follows any clock. What is heard
//! falls on the session's beats: the time that it takes to the loudspeaker is counted in. Built with the feature `link` only, by its
//! licence.

use rusty_link::{AblLink, SessionState};

use crate::base::time::SampleTime;
use crate::control::Control;

/// Beats after which bars of different programs meet.
const QUANTUM: f64 = 4.0;
/// Beats from one that is told to the next.
const STEP: f64 = 0.25;
/// How far ahead they are told [µs].
const AHEAD: i64 = 300_000;
/// What is farther off than this was told of another session [beats].
const FAR: f64 = 2.0;

/// A member of Link's session, while it is wanted.
pub(super) struct Link {
    link: AblLink,
    state: SessionState,
    /// The next beat to tell.
    next: Option<f64>,
    peers: u64,
}

impl Link {
    /// Stands by.
    pub fn start(control: &mut Control) -> Self {
        control.has_link();
        Self { link: AblLink::new(control.tempo()), state: SessionState::new(), next: None, peers: 0 }
    }

    /// What is done every few milliseconds.
    pub fn look(&mut self, control: &mut Control) {
        let wanted = control.wants_link();
        if wanted != self.link.is_enabled() {
            self.link.enable(wanted);
            (self.next, self.peers) = (None, 0);
        }
        if !wanted {
            return;
        }
        let peers = self.link.num_peers();
        if peers != self.peers {
            self.peers = peers;
            control.tell(format!("Link: {peers} other {} in the session", if peers == 1 { "program" } else { "programs" }));
        }
        self.link.capture_app_session_state(&mut self.state);
        let now = self.link.clock_micros();
        if let Some(tempo) = control.take_asked_tempo() {
            self.state.set_tempo(tempo, now);
            self.link.commit_app_session_state(&self.state);
        }
        let wall = control.clock().wall().now();
        let until = self.state.beat_at_time(now + AHEAD, QUANTUM);
        let mut next = self.next.filter(|next| (next - until).abs() < FAR).unwrap_or((until / STEP).ceil() * STEP);
        while next <= until {
            let at = self.state.time_at_beat(next, QUANTUM);
            let sample = control.clock().sample_at(wall + (at - now) * 1000).and_then(|sample| SampleTime::try_from(sample).ok());
            if let Some(sample) = sample.filter(|_| next >= 0.0) {
                control.link_told(sample, next);
            }
            next += STEP;
        }
        self.next = Some(next);
    }
}
