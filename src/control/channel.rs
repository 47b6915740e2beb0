//! What one MIDI channel of a port knows: its wheels, pedals, keys and controllers. Its size is bounded, whatever comes.

use super::pedals::Pedals;

/// Where a pair of controllers or of data entry stands: the high part alone counts 0 to 127, with its low part 0 to 16383.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    high: Option<u8>,
    /// What came after the last high part.
    low: Option<u8>,
    /// The high part before the last was followed by a low one: so will this be.
    fine: bool,
}

impl Pair {
    /// The high part comes; the low one is 0 until it comes. `[control]`
    pub(super) fn set_high(&mut self, value: u8) {
        *self = Self { high: Some(value), low: None, fine: self.low.is_some() };
    }

    /// The low part comes; false where no high one has come before. `[control]`
    pub(super) fn set_low(&mut self, value: u8) -> bool {
        self.low = self.high.map(|_| value);
        self.high.is_some()
    }

    /// As a number of 14 bits. `[control]`
    pub(super) fn whole(self) -> u16 {
        u16::from(self.high.unwrap_or(0)) << 7 | u16::from(self.low.unwrap_or(0))
    }

    /// As a position 0..1. The most that can come is 1, also from who never sends a low part. `[control]`
    pub(super) fn position(self) -> f64 {
        match self.is_fine() {
            true => f64::from(self.whole()) / 16_383.0,
            false => f64::from(self.high.unwrap_or(0)) / 127.0,
        }
    }

    /// Whether low parts come too. `[control]`
    pub(super) fn is_fine(self) -> bool {
        self.fine || self.low.is_some()
    }
}

/// Which parameter data entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    /// A registered one: high and low part of its number.
    Registered(u8, u8),
    /// One of the maker's own.
    Own(u8, u8),
}

/// One channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Channel {
    /// The wheel, −1..1.
    pub(super) bend: f32,
    /// 0..1.
    pub(super) pressure: f32,
    /// 0..1.
    pub(super) timbre: f32,
    /// Bend at its full, by RPN 0 [ct].
    pub(super) range: Option<u16>,
    /// The same for all members of the zone that this channel is a member of [ct].
    pub(super) member_range: Option<u16>,
    /// By RPN 1, −8192..8191 for ±100 ct.
    pub(super) fine: i16,
    /// By RPN 2 [st].
    pub(super) coarse: i8,
    pub(super) pedals: Pedals,
    /// Keys that are down, a bit each.
    pub(super) down: u128,
    /// Keys that are up but held by a pedal, with the speed of their release; each at most once.
    pub(super) up: Vec<(u8, f32)>,
    /// Where controllers 0 to 31 stand, with 32 to 63.
    pub(super) pairs: [Pair; 32],
    /// Which of the controllers from 64 on have come since they were last reset, a bit each.
    came: u64,
    /// What data entry means; `None`: nothing.
    pub(super) parameter: Option<Parameter>,
    /// What was entered since it was chosen.
    pub(super) entry: Pair,
    /// The low part of the next note's velocity.
    pub(super) prefix: Option<u8>,
    /// Bank by its high and low part; `None`: nothing was said.
    pub(super) bank: Option<(u8, u8)>,
}

impl Channel {
    /// Tuned away by RPN 1 and 2 [octaves]. `[control]`
    pub(super) fn tuning(&self) -> f32 {
        f32::from(self.coarse) / 12.0 + f32::from(self.fine) / 8192.0 / 12.0
    }

    /// A velocity of 7 bits with what was announced for it, 0..1. `[control]`
    pub(super) fn velocity(&mut self, velocity: u8) -> f32 {
        match self.prefix.take() {
            Some(low) => f32::from(u16::from(velocity) << 7 | u16::from(low)) / 16_383.0,
            None => f32::from(velocity) / 127.0,
        }
    }

    /// A controller moves; which it is — a low part is of its high one — and where that stands then, 0..1. `[control]`
    pub(super) fn turn(&mut self, number: u8, value: u8) -> (u8, f64) {
        match number {
            0..=31 => {
                let pair = &mut self.pairs[usize::from(number)];
                pair.set_high(value);
                (number, pair.position())
            }
            32..=63 => {
                let pair = &mut self.pairs[usize::from(number - 32)];
                if pair.set_low(value) { (number - 32, pair.position()) } else { (number, f64::from(value) / 127.0) }
            }
            _ => {
                self.came |= 1 << (number & 63);
                (number, f64::from(value) / 127.0)
            }
        }
    }

    /// Whether a controller has come since it was last reset. `[control]`
    pub(super) fn has(&self, number: u8) -> bool {
        match number {
            0..=31 => self.pairs[usize::from(number)].high.is_some(),
            32..=63 => false,
            _ => self.came >> (number & 63) & 1 == 1,
        }
    }

    /// A controller is as if it had never come. `[control]`
    pub(super) fn forget(&mut self, number: u8) {
        match number {
            0..=31 => self.pairs[usize::from(number)] = Pair::default(),
            32..=63 => {}
            _ => self.came &= !(1 << (number & 63)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_bits_reach_the_top_and_so_do_fourteen() {
        let mut channel = Channel::default();
        assert_eq!(channel.turn(1, 127), (1, 1.0));
        assert_eq!(channel.turn(1, 64), (1, 64.0 / 127.0));
        assert_eq!(channel.turn(33, 3), (1, f64::from(64 << 7 | 3) / 16_383.0));
        assert_eq!(channel.turn(1, 65), (1, f64::from(65 << 7) / 16_383.0), "its low part is 0 until it comes");
        assert_eq!(channel.turn(1, 127), (1, 1.0), "none came: this one sends none any more");
        assert_eq!(channel.turn(33, 127), (1, 1.0));
        assert_eq!(channel.turn(1, 127).1, f64::from(127 << 7) / 16_383.0);
        assert_eq!(channel.turn(34, 127), (34, 1.0), "a low part alone is a controller of its own");
    }

    #[test]
    fn a_velocity_is_as_fine_as_it_was_announced_and_that_only_once() {
        let mut channel = Channel { prefix: Some(127), ..Channel::default() };
        assert_eq!(channel.velocity(127), 1.0);
        assert_eq!(channel.velocity(127), 1.0);
        channel.prefix = Some(64);
        assert_eq!(channel.velocity(64), (64 * 128 + 64) as f32 / 16_383.0);
        assert_eq!(channel.velocity(64), 64.0 / 127.0);
    }
}
