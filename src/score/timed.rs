//! Messages in seconds: the score files of scsynth's offline mode. Each is a size and a bundle, again and again; time tags count
//! seconds from the beginning, and the time of the last bundle is the end (SuperCollider's `Score` help; `scsynth -N`).

use crate::base::time::SampleTime;
use crate::wire::{self, Limits, Message, Packet};

/// Why bytes are no such file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimedError {
    /// It ends within a size or a packet.
    #[error("the file ends within packet {packet}, at byte {byte}: it is cut off, or no OSC score")]
    Cut {
        /// From 1.
        packet: usize,
        /// Where the packet begins.
        byte: usize,
    },
    /// A packet that cannot be read.
    #[error("packet {packet}, at byte {byte}: {why}")]
    Refused {
        /// From 1.
        packet: usize,
        /// Where it begins.
        byte: usize,
        /// What is wrong with it.
        why: wire::Refusal,
    },
}

/// Messages by their time; those of one time in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timed {
    /// Seconds in the upper 32 bits, parts of 2⁻³² in the lower.
    groups: Vec<(u64, Vec<Message>)>,
    end: u64,
    next: usize,
}

impl Timed {
    /// Reads a file. `[control]`
    ///
    /// # Errors
    /// [`TimedError`].
    pub fn read(bytes: &[u8]) -> Result<Self, TimedError> {
        let (mut all, mut rest, mut packet) = (Self::default(), bytes, 0);
        while !rest.is_empty() {
            let byte = bytes.len() - rest.len();
            packet += 1;
            let cut = TimedError::Cut { packet, byte };
            let (size, behind) = rest.split_first_chunk::<4>().ok_or_else(|| cut.clone())?;
            let size = usize::try_from(i32::from_be_bytes(*size)).map_err(|_| cut.clone())?;
            let (one, behind) = behind.split_at_checked(size).ok_or(cut)?;
            let decoded = wire::decode_within(one, &Limits::STREAM);
            all.gather(decoded.map_err(|why| TimedError::Refused { packet, byte, why })?, 0);
            rest = behind;
        }
        // Stable: of one time, the order of the file.
        all.groups.sort_by_key(|(tag, _)| *tag);
        // By custom the last one says where it ends, and nothing else.
        if let Some((_, last)) = all.groups.last()
            && last.iter().all(|message| message.address == "/c_set")
        {
            all.groups.pop();
        }
        Ok(all)
    }

    fn gather(&mut self, packet: Packet, at: u64) {
        match packet {
            Packet::Message(message) => match self.groups.last_mut() {
                Some((tag, group)) if *tag == at => group.push(message),
                _ => self.groups.push((at, vec![message])),
            },
            Packet::Bundle(bundle) => {
                let at = if wire::time::is_immediate(bundle.time) { at } else { bundle.time.max(at) };
                self.end = self.end.max(at);
                bundle.elements.into_iter().for_each(|element| self.gather(element, at));
            }
        }
    }

    /// The frame of a tag, the nearest, at a rate [Hz].
    fn frame(tag: u64, rate: u32) -> SampleTime {
        ((u128::from(tag) * u128::from(rate) + (1 << 31)) >> 32) as SampleTime
    }

    /// The first frame behind all at a rate [Hz]. `[any]`
    pub fn frames(&self, rate: u32) -> SampleTime {
        Self::frame(self.end, rate)
    }

    /// Whether all was given out. `[any]`
    pub fn is_done(&self) -> bool {
        self.next == self.groups.len()
    }

    /// Gives out all that acts before the frame `until`, played from the frame `start` on, and was not given yet. `[control]`
    pub fn feed(&mut self, start: SampleTime, rate: u32, until: SampleTime, mut give: impl FnMut(SampleTime, Vec<Message>)) {
        while let Some((tag, group)) = self.groups.get_mut(self.next) {
            let at = start.saturating_add(Self::frame(*tag, rate));
            if at >= until {
                return;
            }
            self.next += 1;
            give(at, std::mem::take(group));
        }
    }
}
