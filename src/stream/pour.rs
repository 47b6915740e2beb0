//! A stream's bytes into frames of the engine's rate, into the ring: all that its thread does but wait.

use super::header::{Clock, Push};
use crate::rt::convert::Convert;
use crate::rt::inflow::InflowEnd;
use crate::rt::steady::{MOST, Steady};

/// Engine time without a frame being heard after which nothing is learnt of the sender's clock [s].
const STILL: f64 = 0.2;

/// One stream on its way into the ring.
pub struct Pour {
    end: InflowEnd,
    push: Push,
    convert: Option<Convert>,
    steady: Steady,
    /// Bytes of a frame that is not whole yet.
    rest: Vec<u8>,
    samples: Vec<f32>,
    /// Engine frames for one of the sender's.
    ratio: f64,
    engine: f64,
    /// Where hearing was, and how long it has stood there [s].
    heard: (u64, f64),
    /// Frames that came, and those that were thrown away.
    came: u64,
    lost: u64,
}

impl Pour {
    /// Into the end of an inflow, at the engine's rate [Hz]. `[control]`
    ///
    /// # Errors
    /// A sentence, where the rates cannot be turned into each other.
    pub fn new(end: InflowEnd, push: &Push, rate: u32) -> Result<Self, String> {
        let ratio = f64::from(rate) / f64::from(push.rate);
        let plain = push.clock == Clock::Engine && push.rate == rate;
        let convert = if plain { None } else { Some(Convert::new(push.rate, rate, push.channels)?) };
        let piece = convert.as_ref().map_or(0, Convert::most);
        end.aim(((f64::from(push.buffer) / 1e3 * f64::from(rate)) as usize).max(2 * piece));
        let steady = Steady::new(end.target() as f64 / f64::from(rate));
        let push = push.clone();
        let engine = f64::from(rate);
        let (rest, samples) = (Vec::new(), Vec::new());
        Ok(Self { end, push, convert, steady, rest, samples, ratio, engine, heard: (0, 0.0), came: 0, lost: 0 })
    }

    /// Bytes that it may be given now without anything being thrown away; 0: the sender must wait. `[control]`
    pub fn wants(&self) -> usize {
        let room = self.room();
        if room < self.least() {
            return 0;
        }
        (self.senders(room) * self.frame()).saturating_sub(self.rest.len())
    }

    /// Engine frames that may still be put in: twice what shall wait is the most that does.
    fn room(&self) -> usize {
        let most = 2 * self.end.target();
        most.saturating_sub(self.waiting()).min(self.end.room().saturating_sub(self.least()))
    }

    /// Engine frames that one piece of the resampler may become.
    fn least(&self) -> usize {
        self.convert.as_ref().map_or(1, Convert::most)
    }

    /// How many of the sender's frames surely become no more than so many of the engine's.
    fn senders(&self, frames: usize) -> usize {
        if self.convert.is_none() { frames } else { (frames as f64 / self.ratio / MOST) as usize }
    }

    /// Bytes of a frame.
    fn frame(&self) -> usize {
        self.push.channels * self.push.format.bytes()
    }

    /// Engine frames that wait to be heard, those within the resampler among them. `[any]`
    pub fn waiting(&self) -> usize {
        let within = self.convert.as_ref().map_or(0, Convert::waiting);
        self.end.waiting() + (within as f64 * self.ratio) as usize
    }

    /// Takes bytes. What there is no room for is thrown away: so many frames. `[control]`
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let frame = self.frame();
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() / frame * frame;
        self.samples.clear();
        self.push.format.decode(&self.rest[..whole], &mut self.samples);
        self.rest.drain(..whole);
        let frames = whole / frame;
        self.came += frames as u64;
        let fit = frames.min(self.senders(self.room()));
        let samples = std::mem::take(&mut self.samples);
        self.give(&samples[..fit * self.push.channels]);
        self.samples = samples;
        self.lost += (frames - fit) as u64;
        frames - fit
    }

    fn give(&mut self, samples: &[f32]) {
        match &mut self.convert {
            None => _ = self.end.push(samples),
            Some(convert) => {
                let end = &mut self.end;
                convert.give(samples, |piece| _ = end.push(piece));
            }
        }
    }

    /// So long after the last time [s]; `held`: the sender is made to wait. `[control]`
    pub fn tick(&mut self, passed: f64, held: bool) {
        let heard = self.end.heard();
        self.heard = if heard == self.heard.0 { (heard, self.heard.1 + passed) } else { (heard, 0.0) };
        if heard == 0 || self.heard.1 > STILL || self.push.clock == Clock::Engine {
            return;
        }
        let faster = self.steady.turn(self.waiting() as f64 / self.engine, passed, held);
        if let Some(convert) = &mut self.convert {
            convert.faster(faster);
        }
    }

    /// No more comes: what is within the resampler goes on its way. `[control]`
    pub fn finish(&mut self) {
        if let Some(convert) = &mut self.convert {
            let end = &mut self.end;
            convert.finish(|piece| _ = end.push(piece));
        }
        self.end.finish();
    }

    /// The end of the inflow. `[any]`
    pub fn end(&self) -> &InflowEnd {
        &self.end
    }

    /// What is known of the sender's clock. `[any]`
    pub fn steady(&self) -> &Steady {
        &self.steady
    }

    /// Frames that came, and those of them that were thrown away. `[any]`
    pub fn frames(&self) -> (u64, u64) {
        (self.came, self.lost)
    }
}
