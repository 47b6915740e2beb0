//! Meters: taken from the engine once a tick, gathered for each who watches them, told as linear factors.

use std::sync::atomic::Ordering::Relaxed;

use super::control::Control;
use super::value::Value;
use crate::base::time::SampleTime;
use crate::engine::meter::Meter;

/// Meters of each kind a second where none are asked for [Hz].
pub(super) const HZ: f64 = 20.0;

/// What a meter is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metered {
    /// What goes to the device.
    Master,
    /// What a slot adds to it.
    Slot(usize),
    /// How busy the engine is.
    Engine,
}

/// What has been heard since a meter was last told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gathered {
    peaks: [f32; 2],
    /// The count of squares, and the time, at which it was told.
    count: [u64; 2],
    since: SampleTime,
}

/// The highest samples of the tick: of the slots, then of the master.
pub(super) struct Peaks(Vec<[f32; 2]>);

impl Peaks {
    /// One more tick has been heard.
    pub(super) fn add_to(&self, of: Metered, gathered: &mut Gathered) {
        let at = match of {
            Metered::Master => self.0.len() - 1,
            Metered::Slot(slot) => slot,
            Metered::Engine => return,
        };
        for (peak, now) in gathered.peaks.iter_mut().zip(self.0[at]) {
            *peak = peak.max(now);
        }
    }
}

impl Control {
    /// Takes the highest samples since the last tick. Whoever watches none of them still leaves none for later.
    pub(super) fn take_peaks(&self) -> Peaks {
        let meters = &self.shown.meters;
        Peaks(meters.slots[..self.slots.len()].iter().chain([&meters.master]).map(Meter::take_peaks).collect())
    }

    /// Every meter that there is: address and what it is of.
    pub(super) fn meters(&self) -> Vec<(String, Metered)> {
        let slots = self.loaded().map(|(at, slot)| (format!("/meter/{}", slot.name), Metered::Slot(at)));
        let engine = ("/meter/engine".to_owned(), Metered::Engine);
        [("/meter/master".to_owned(), Metered::Master)].into_iter().chain(slots).chain([engine]).collect()
    }

    fn meter(&self, of: Metered) -> Option<&Meter> {
        match of {
            Metered::Master => Some(&self.shown.meters.master),
            Metered::Slot(slot) => self.shown.meters.slots.get(slot),
            Metered::Engine => None,
        }
    }

    /// From now on.
    pub(super) fn gather(&self, of: Metered) -> Gathered {
        let count = self.meter(of).map(Meter::count).unwrap_or_default();
        Gathered { peaks: [0.0; 2], count, since: self.shown.now() }
    }

    /// What was gathered, to be told; it begins anew.
    pub(super) fn tell_meter(&self, of: Metered, gathered: &mut Gathered) -> Vec<Value> {
        let Some(meter) = self.meter(of) else {
            let load = f64::from(f32::from_bits(self.shown.load.load(Relaxed)));
            return vec![load.into(), Value::Integer(self.shown.voices.load(Relaxed).into())];
        };
        // Read before the count: a callback that ends in between makes the sum greater by as much as the next is smaller.
        let now = self.shown.now();
        let count = meter.count();
        let frames = now.saturating_sub(gathered.since).max(1) as f64;
        let means = Meter::squares_between(gathered.count, count).map(|sum| libm::sqrt(sum / frames));
        let peaks = gathered.peaks.map(f64::from);
        *gathered = Gathered { peaks: [0.0; 2], count, since: now };
        peaks.into_iter().chain(means).map(Value::Number).collect()
    }
}
