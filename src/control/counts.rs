//! What became of everything that came in.

use super::fail::Code;
use crate::wire::Refusal;

/// What a packet came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A datagram.
    Udp,
    /// TCP, with a size before each packet.
    Sized,
    /// TCP, with an END round each packet.
    Slip,
    /// A binary frame of a WebSocket.
    WebSocket,
    /// A text frame of a WebSocket.
    Json,
    /// A Unix socket, with either framing.
    Unix,
}

impl Transport {
    /// Their names, in the order of [`Counts::arrived`].
    pub const NAMES: [&'static str; 6] = ["udp", "sized", "slip", "websocket", "json", "unix"];
}

/// What became of connections. Accepted = open + those that have ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Connections {
    /// Open now.
    pub open: u64,
    /// Let in.
    pub accepted: u64,
    /// Turned away: too many from one computer, or none of the networks that are allowed.
    pub refused: u64,
    /// Closed because no packet came in time.
    pub timed_out: u64,
    /// Closed to make room for another.
    pub evicted: u64,
    /// Closed because they took nothing of what was sent to them.
    pub slow: u64,
    /// Closed because their first byte begins no framing.
    pub unknown: u64,
    /// Closed after a HTTP request that asks for no WebSocket, or may not have one.
    pub http: u64,
}

impl Connections {
    /// All with their names. `[control]`
    pub fn all(&self) -> [(&'static str, u64); 8] {
        [
            ("open", self.open),
            ("accepted", self.accepted),
            ("refused", self.refused),
            ("timed-out", self.timed_out),
            ("evicted", self.evicted),
            ("slow", self.slow),
            ("unknown", self.unknown),
            ("http", self.http),
        ]
    }
}

/// What came over MIDI and found nothing to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Midi {
    /// Keys that no slot takes.
    pub notes: u64,
    /// Controllers that neither a map names nor have a meaning of their own.
    pub controllers: u64,
    /// Parameters, registered or not, that are not known, and data for none.
    pub parameters: u64,
    /// Pressure on a key of a channel that has a note of its own.
    pub pressures: u64,
    /// Programs for which there is no file.
    pub programs: u64,
    /// Ports that fell silent though they had promised not to.
    pub silent: u64,
    /// Ends of notes that had to wait because the queue to the engine was full.
    pub owed: u64,
}

impl Midi {
    /// All with their names. `[control]`
    pub fn all(&self) -> [(&'static str, u64); 7] {
        [
            ("notes", self.notes),
            ("controllers", self.controllers),
            ("parameters", self.parameters),
            ("pressures", self.pressures),
            ("programs", self.programs),
            ("silent", self.silent),
            ("owed", self.owed),
        ]
    }
}

/// Classes of lateness: less than so many milliseconds, and the name in the status.
pub const LATENESS: [(f64, &str); 7] =
    [(1.0, "<1ms"), (3.0, "<3ms"), (10.0, "<10ms"), (30.0, "<30ms"), (100.0, "<100ms"), (300.0, "<300ms"), (1000.0, "<1s")];

/// Counted since the start. Packets = understood + refused by cause; messages = accepted + refused by cause + late-dropped; events = fed to the
/// engine + merged + dropped + still waiting.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Packets that came in, by [`Transport`].
    pub arrived: [u64; Transport::NAMES.len()],
    /// Packets refused by their bytes, by [`Refusal::index`].
    pub malformed: [u64; Refusal::CODES.len()],
    /// Messages in packets that were understood, and from any other door.
    pub messages: u64,
    /// Messages that were done.
    pub accepted: u64,
    /// Messages refused, and notices given, by [`Code`].
    pub failed: [u64; Code::ALL.len()],
    /// Messages refused because another message of their bundle was.
    pub together: u64,
    /// Events made for the engine.
    pub events: u64,
    /// Events given to the engine.
    pub fed: u64,
    /// Events for which a newer value of the same address stood in while the engine's queue was full.
    pub merged: u64,
    /// Events dropped because what they named was gone, or the queue stayed full.
    pub dropped: u64,
    /// Bundles that came too late, whatever became of them.
    pub late: u64,
    /// Notes let go because their lease was over.
    pub leases: u64,
    /// The same by how late they were, by [`LATENESS`]; the last: later than all of these.
    pub lateness: [u64; LATENESS.len() + 1],
    /// Messages left out because they came too late and their client wants that.
    pub late_dropped: u64,
    /// Replies kept back because there were too many.
    pub unanswered: u64,
    /// Subscribers that were told nothing more because nobody listened where they wanted to be told.
    pub gone: u64,
    /// Messages not sent because who they were for did not take what was sent before.
    pub unread: u64,
    /// Datagrams that were not looked at because of where they came from.
    pub not_allowed: u64,
    /// Connections.
    pub connections: Connections,
    /// What MIDI said in vain.
    pub midi: Midi,
    /// What the system keeps of datagrams for us while we are busy, of the socket with the least [bytes]; 0 without one.
    pub receive_buffer: u64,
    /// Happenings that a subscriber was not told because too many waited for it.
    pub untold: u64,
    /// Frames that no recording has because its disk was too slow.
    pub unrecorded: u64,
}

impl Counts {
    /// Packets that came in. `[control]`
    pub fn packets(&self) -> u64 {
        self.arrived.iter().sum()
    }

    /// Counts a packet, whether or not it can be read. `[control]`
    pub fn arrive(&mut self, by: Transport) {
        self.arrived[by as usize] += 1;
    }

    /// Counts a cause. `[control]`
    pub fn fail(&mut self, code: Code) {
        self.failed[code as usize] += 1;
    }

    /// Counts a bundle that came so much too late [ms]. `[control]`
    pub fn late(&mut self, milliseconds: f64) {
        self.late += 1;
        let class = LATENESS.iter().position(|(below, _)| milliseconds < *below).unwrap_or(LATENESS.len());
        self.lateness[class] += 1;
    }

    /// Messages refused, for any cause. `[control]`
    pub fn refused(&self) -> u64 {
        let notices = self.failed[Code::Clipped as usize] + self.failed[Code::Unmapped as usize];
        self.together + self.failed.iter().sum::<u64>() - notices
    }

    /// Packets refused by their bytes. `[control]`
    pub fn malformed_all(&self) -> u64 {
        self.malformed.iter().sum()
    }
}
