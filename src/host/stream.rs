//! What a device's callbacks are given: the way to the engine while it is theirs, and the way to tell that they fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use super::driven::{Driven, Pulse};
use super::pace::length;
use super::rank::{Rank, This};
use super::resample::Converter;
use super::supervisor::Signal;
use super::turn::Turn;
use crate::engine::doors::Shown;
use crate::rt::seat::Seat;

/// The ends that one stream is built around.
#[derive(Clone)]
pub struct StreamEnd {
    pub(super) number: u64,
    pub(super) turn: Arc<Turn>,
    pub(super) seat: Seat<Driven>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) born: Instant,
    pub(super) alarm: Alarm,
    pub(super) rate: u32,
    pub(super) channels: usize,
    /// Real-time scheduling is to be asked for.
    pub(super) realtime: bool,
}

impl StreamEnd {
    /// Frames a second of the engine. `[any]`
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Channels that the engine puts out. `[any]`
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How its error callback tells. `[any]`
    pub fn alarm(&self) -> Alarm {
        self.alarm.clone()
    }

    /// What its output callback calls, on a device of this rate. `[control]`
    ///
    /// # Errors
    /// A sentence, where the engine's rate cannot be turned into this one.
    pub fn outlet(&self, device_rate: u32) -> Result<Outlet, String> {
        let converter = (device_rate != self.rate).then(|| Converter::new(self.rate, device_rate, self.channels)).transpose()?;
        Ok(Outlet { end: self.clone(), rate: device_rate, converter, stamp: None, rank: Rank::new(self.realtime) })
    }
}

/// How an error callback tells: may be called any number of times a second, from any thread.
#[derive(Clone)]
pub struct Alarm {
    pub(super) number: u64,
    pub(super) dead: Arc<AtomicBool>,
    pub(super) signals: SyncSender<Signal>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) shown: Arc<Shown>,
}

impl Alarm {
    /// The stream is of no more use. All but the first call cost one atomic operation. `[audio]`
    pub fn fatal(&self, why: impl FnOnce() -> String) {
        if !self.dead.swap(true, Relaxed) {
            let _ = self.signals.try_send(Signal::Dead(self.number, why()));
        }
    }

    /// The device ran dry or over. `[audio]`
    pub fn xrun(&self) {
        self.pulse.xruns.fetch_add(1, Relaxed);
        self.shown.xruns.fetch_add(1, Relaxed);
    }
}

/// The output callback's end.
pub struct Outlet {
    end: StreamEnd,
    rate: u32,
    converter: Option<Converter>,
    stamp: Option<[u64; 2]>,
    rank: Rank,
}

impl Outlet {
    /// The next callback is called, and its sound is heard, at these moments of the driver's own clock [µs], which others that are driven
    /// by it read too. `[audio]`
    pub fn stamp(&mut self, micros: [u64; 2]) {
        // Behind a converter no sample of the engine begins with a callback.
        self.stamp = self.converter.is_none().then_some(micros);
    }

    /// Gives the next `frames` frames of the device, the first of which will be heard after `ahead`, to `take` in pieces: interleaved,
    /// in the engine's channels. False where the engine is not this stream's (any more) or is being driven at this moment; then
    /// nothing was given and the callback is to be silent. `[audio]`
    pub fn fill(&mut self, frames: usize, ahead: Duration, mut take: impl FnMut(&[f32])) -> bool {
        let began = Instant::now();
        let end = &self.end;
        end.pulse.beat(frames, self.rate, began - end.born);
        let realtime = self.rank.look(&This, began, frames, self.rate);
        if !end.turn.claim(end.number) {
            return false;
        }
        let Some(mut driven) = end.seat.take() else {
            end.pulse.missed.fetch_add(1, Relaxed);
            return false;
        };
        if let Some(stamp) = self.stamp.take() {
            driven.show(stamp, frames as u32);
        }
        end.alarm.shown.realtime.store(realtime, Relaxed);
        let lasts = length(frames as u64, self.rate);
        match &mut self.converter {
            None => driven.callback(end.number, began, lasts, ahead, |driven| driven.frames(frames, take)),
            Some(converter) => {
                let ahead = ahead + Duration::from_secs_f64(converter.delay(self.rate));
                driven.callback(end.number, began, lasts, ahead, |driven| {
                    let channels = driven.channels();
                    let more = |fresh: &mut [f32]| {
                        let mut at = 0;
                        driven.frames(fresh.len() / channels, |piece| {
                            fresh[at..at + piece.len()].copy_from_slice(piece);
                            at += piece.len();
                        });
                    };
                    converter.frames(frames, more, &mut take);
                });
            }
        }
        true
    }
}
