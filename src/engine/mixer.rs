//! The mixer: takes each strip's sound where it goes, while ways come and go without a click.

use super::fader::Fader;
use crate::base::time::BLOCK;
use crate::plan::MixPlan;
use crate::plan::line::Law;
use crate::plan::mixer::{CHANNELS, Run, SLOTS, Tap, To};
use crate::plan::ramp::LaneRamp;

/// Left and right over a tile.
pub type Sides = [[f32; BLOCK]; 2];

/// One strip's sound in the block that is being worked out.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    /// Before level and pan; only where somebody takes it there.
    pub early: Sides,
    /// After level and pan.
    pub late: Sides,
}

/// What has come together so far in this block.
struct Sums {
    main: Box<Sides>,
    /// By strip.
    inputs: Vec<Sides>,
    /// By channel of the device.
    direct: Vec<[f32; BLOCK]>,
}

/// Where the sound of all strips comes together.
pub struct Mixer {
    plan: Box<MixPlan>,
    /// The plan before, while what is not in the present one fades, and for how many frames yet.
    before: Option<(Box<MixPlan>, u32)>,
    /// Levels of sends: from · [`SLOTS`] + to.
    faders: Vec<Fader>,
    /// How much of the device's input each strip hears: 1 where no strip feeds it.
    device: [LaneRamp<f32>; SLOTS],
    sums: Sums,
    taps: Box<Taps>,
    /// Strips whose input is summed up here, as bits.
    summed: u64,
    /// Channels of the device that are summed up here, as bits.
    channels: u64,
    /// Strips that are to be heard alone, and those that are heard then.
    solo: u64,
    heard: u64,
    /// Leads may name channels that have not been looked for.
    unchecked: bool,
    fade: u32,
    smooth: u32,
}

/// A fader of a send at rest in silence.
fn silent() -> Fader {
    Fader::new(0.0, Law::Decibels)
}

impl Mixer {
    /// Every strip goes to the master. `[control]`
    #[allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "built off the audio thread")]
    pub fn new(rate: f32, mut plan: Box<MixPlan>) -> Self {
        plan.leads.iter_mut().for_each(|run| run.share.set(0, 1.0, 0));
        let mut open = LaneRamp::default();
        open.set(0, 1.0, 0);
        Self {
            plan,
            before: None,
            faders: vec![silent(); SLOTS * SLOTS],
            device: [open; SLOTS],
            sums: Sums { main: Box::new([[0.0; BLOCK]; 2]), inputs: vec![[[0.0; BLOCK]; 2]; SLOTS], direct: vec![[0.0; BLOCK]; CHANNELS] },
            taps: Box::new(Taps { early: [[0.0; BLOCK]; 2], late: [[0.0; BLOCK]; 2] }),
            summed: 0,
            channels: 0,
            solo: 0,
            heard: u64::MAX,
            unchecked: false,
            fade: (rate * 0.01) as u32,
            smooth: (rate * 0.005) as u32,
        }
    }

    /// Whether a plan has come that has not taken the place of the one before altogether. `[audio]`
    pub fn is_fading(&self) -> bool {
        self.before.is_some()
    }

    /// Another plan takes over: what is new comes in over 10 ms, what is not in it any more goes in the same time. Of strips that are
    /// `fresh`, as bits, nothing was heard yet: what is theirs changes at once. To be called only where nothing fades. `[audio]`
    pub fn install(&mut self, mut plan: Box<MixPlan>, fresh: u64) {
        let fade = |slot: u8| if fresh >> slot & 1 == 1 { 0 } else { self.fade };
        // So far it told what this plan has in common with the one before it.
        self.plan.leads.iter_mut().for_each(|run| run.carried = false);
        for at in 0..plan.carried.len() {
            let (old, new) = plan.carried[at];
            if let (Some(old), Some(new)) = (self.plan.leads.get_mut(old as usize), plan.leads.get_mut(new as usize))
                && old.lead == new.lead
            {
                (new.share, new.told, new.carried) = (old.share, old.told, true);
                old.carried = true;
                old.share.set(0, 0.0, 0);
            }
        }
        for run in plan.leads.iter_mut().filter(|run| !run.carried) {
            let silent = match run.lead {
                lead if lead.tap == Tap::Out => false,
                lead => {
                    let fader = &self.faders[fader_of(lead.from, lead.to)];
                    fader.now() == 0.0 && !fader.moving()
                }
            };
            run.share.set(0, 1.0, if silent { 0 } else { fade(run.lead.from) });
        }
        for run in self.plan.leads.iter_mut().filter(|run| !run.carried) {
            run.share.set(0, 0.0, fade(run.lead.from));
        }
        for (slot, share) in (0u8..).zip(&mut self.device) {
            let target = if plan.fed >> slot & 1 == 1 { 0.0 } else { 1.0 };
            if share.target(0).0 != target {
                share.set(0, target, fade(slot));
            }
        }
        self.summed = plan.fed | self.plan.fed;
        self.channels = plan.channels | self.plan.channels;
        self.unchecked = plan.channels != 0;
        let before = std::mem::replace(&mut self.plan, plan);
        let fades = before.leads.iter().chain(&self.plan.leads).any(|run| run.share.moving()) || self.device.iter().any(LaneRamp::moving);
        self.before = Some((before, if fades { self.fade } else { 0 }));
        self.aim(fresh);
    }

    /// These strips, as bits, are to be heard alone: with them what feeds them and what they feed. `[audio]`
    pub fn solo(&mut self, solo: u64, fresh: u64) {
        if self.solo != solo {
            self.solo = solo;
            self.aim(fresh);
        }
    }

    /// Opens and closes leads as solos want it. A strip that is not heard at all is silent by itself; one that only feeds a soloed one is
    /// heard there alone.
    fn aim(&mut self, fresh: u64) {
        let (behind, before) = self.plan.around(self.solo);
        self.heard = if self.solo == 0 { u64::MAX } else { behind | before };
        for run in &mut self.plan.leads {
            let feeder = before >> run.lead.from & 1 == 1 && behind >> run.lead.from & 1 == 0;
            let leads_there = matches!(run.lead.to, To::Slot(to) if before >> to & 1 == 1);
            let target = if feeder && !leads_there { 0.0 } else { 1.0 };
            if run.share.target(0).0 != target {
                run.share.set(0, target, if fresh >> run.lead.from & 1 == 1 { 0 } else { self.smooth });
            }
        }
    }

    /// Whether solos leave a strip audible. `[audio]`
    pub fn hears(&self, slot: u8) -> bool {
        self.heard >> slot & 1 == 1
    }

    /// The strip that runs as number `at` of the block. `[audio]`
    pub fn strip_at(&self, at: usize) -> usize {
        usize::from(self.plan.order[at])
    }

    /// Whether somebody takes a strip before its fader. `[audio]`
    pub fn takes_early(&self, slot: u8) -> bool {
        let before = self.before.as_ref().map_or(0, |(plan, _)| plan.early);
        (self.plan.early | before) >> slot & 1 == 1
    }

    /// The level of a send is set, as a factor: it glides there in so many frames (0: in 5 ms, or at once where nothing is heard of it
    /// yet). `[audio]`
    pub fn set_send(&mut self, from: u8, to: u8, value: f32, frames: u32, fresh: bool) {
        if usize::from(from) >= SLOTS || usize::from(to) >= SLOTS {
            return;
        }
        let runs = self.plan.span(from).any(|at| is_send(&self.plan.leads[at], to));
        let smooth = if fresh || !runs { 0 } else { self.smooth };
        self.faders[usize::from(from) * SLOTS + usize::from(to)].set(value, frames, smooth);
    }

    /// A strip was emptied: sends from it and to it are silent. `[audio]`
    pub fn forget(&mut self, slot: u8) {
        for other in 0..SLOTS {
            self.faders[usize::from(slot) * SLOTS + other] = silent();
            self.faders[other * SLOTS + usize::from(slot)] = silent();
        }
    }

    /// Some frames of the tile begin: nothing has come together yet. `[audio]`
    pub fn begin(&mut self, from: usize, to: usize) {
        self.sums.main.iter_mut().for_each(|side| side[from..to].fill(0.0));
        for slot in bits(self.summed) {
            self.sums.inputs[slot].iter_mut().for_each(|side| side[from..to].fill(0.0));
        }
        for channel in bits(self.channels) {
            self.sums.direct[channel][from..to].fill(0.0);
        }
    }

    /// What a strip hears: what feeds it, or the device where nothing does. `[audio]`
    pub fn input<'a>(&'a mut self, slot: u8, fresh: bool, device: &'a Sides, from: usize, to: usize) -> &'a Sides {
        let at = usize::from(slot);
        let share = &mut self.device[at];
        if fresh {
            let (target, _) = share.target(0);
            share.set(0, target, 0);
        }
        if self.summed >> slot & 1 == 0 && share.now() == 1.0 && !share.moving() {
            return device;
        }
        let sums = &mut self.sums.inputs[at];
        if share.moving() || share.now() > 0.0 {
            for frame in from..to {
                let share = share.advance();
                for side in 0..2 {
                    sums[side][frame] += device[side][frame] * share;
                }
            }
        }
        sums
    }

    /// Where a strip lays down its sound. `[audio]`
    pub fn taps(&mut self) -> &mut Taps {
        &mut self.taps
    }

    /// Takes what lies in the taps where the strip's sound goes. `[audio]`
    pub fn spread(&mut self, slot: u8, from: usize, to: usize) {
        let Self { plan, before, faders, sums, taps, .. } = self;
        if let Some((before, _)) = before {
            for at in before.span(slot) {
                let run = &mut before.leads[at];
                if run.carried {
                    continue;
                }
                let fader = &mut faders[fader_of(slot, run.lead.to)];
                // A send that goes on in another way has one fader for both: the way that stays moves it on.
                let both = matches!(run.lead.to, To::Slot(to) if plan.span(slot).any(|at| is_send(&plan.leads[at], to)));
                let mut own = *fader;
                sums.lay(run, if both { &mut own } else { fader }, taps, from, to);
            }
        }
        for at in plan.span(slot) {
            let run = &mut plan.leads[at];
            sums.lay(run, &mut faders[fader_of(slot, run.lead.to)], taps, from, to);
        }
    }

    /// What goes to the master. `[audio]`
    pub fn main(&mut self) -> &mut Sides {
        &mut self.sums.main
    }

    /// Some frames are over; whether everything that was to fade has, and [`Self::take_before`] may be called. `[audio]`
    pub fn end(&mut self, frames: usize) -> bool {
        let Some((before, left)) = &mut self.before else { return false };
        *left = left.saturating_sub(frames as u32);
        if *left > 0 {
            return false;
        }
        for run in before.leads.iter().filter(|run| !run.carried) {
            if let To::Slot(to) = run.lead.to
                && run.lead.tap != Tap::Out
                && !self.plan.span(run.lead.from).any(|at| is_send(&self.plan.leads[at], to))
            {
                self.faders[fader_of(run.lead.from, run.lead.to)] = silent();
            }
        }
        (self.summed, self.channels) = (self.plan.fed, self.plan.channels);
        true
    }

    /// The plan before, which is not heard any more. `[audio]`
    pub fn take_before(&mut self) -> Option<Box<MixPlan>> {
        self.before.take().map(|(plan, _)| plan)
    }

    /// Adds what goes to channels of the device, past the master, to interleaved frames; `at` is the tile index of the first. `[audio]`
    pub fn add_direct(&self, output: &mut [f32], channels: usize, at: usize) {
        for channel in bits(self.channels).take_while(|channel| *channel < channels) {
            let sums = &self.sums.direct[channel][at..];
            for (x, sum) in output[channel..].iter_mut().step_by(channels).zip(sums) {
                *x += if sum.is_finite() { *sum } else { 0.0 };
            }
        }
    }

    /// Tells each lead, once, that goes to a channel that the device has not: its strip, and the channel from 0. `[audio]`
    pub fn check_channels(&mut self, channels: usize, tell: &mut dyn FnMut(u8, u8)) {
        if !self.unchecked {
            return;
        }
        self.unchecked = false;
        for run in &mut self.plan.leads {
            let To::Channels(left, right) = run.lead.to else { continue };
            let lacks = [Some(left), right].into_iter().flatten().find(|channel| usize::from(*channel) >= channels);
            if let (Some(channel), false) = (lacks, run.told) {
                run.told = true;
                tell(run.lead.from, channel);
            }
        }
    }
}

/// Where the fader of a send stands; of anything else there is none, and none is asked.
fn fader_of(from: u8, to: To) -> usize {
    match to {
        To::Slot(to) => usize::from(from) * SLOTS + usize::from(to),
        To::Master | To::Channels(..) => usize::from(from) * (SLOTS + 1),
    }
}

fn is_send(run: &Run, to: u8) -> bool {
    run.lead.tap != Tap::Out && run.lead.to == To::Slot(to)
}

/// The numbers of the bits that are set.
pub(super) fn bits(mut of: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (of != 0).then(|| of.trailing_zeros() as usize)?;
        of &= of - 1;
        Some(at)
    })
}

impl Sums {
    /// Adds a strip's sound where a lead takes it.
    fn lay(&mut self, run: &mut Run, fader: &mut Fader, taps: &Taps, from: usize, to: usize) {
        let sends = run.lead.tap != Tap::Out;
        if run.share.moving() || sends && fader.moving() {
            let mut gains = [0.0; BLOCK];
            for gain in &mut gains[from..to] {
                *gain = run.share.advance() * if sends { fader.advance() } else { 1.0 };
            }
            self.add(run, taps, from, to, |at| gains[at]);
        } else {
            let gain = run.share.now() * if sends { fader.now() } else { 1.0 };
            if gain != 0.0 {
                self.add(run, taps, from, to, |_| gain);
            }
        }
    }

    #[inline(always)]
    fn add(&mut self, run: &Run, taps: &Taps, from: usize, to: usize, gain: impl Fn(usize) -> f32) {
        let source = if run.lead.tap == Tap::PreSend { &taps.early } else { &taps.late };
        let add = |sum: &mut [f32; BLOCK], x: &[f32; BLOCK]| {
            for (at, (sum, x)) in sum[from..to].iter_mut().zip(&x[from..to]).enumerate() {
                *sum += x * gain(from + at);
            }
        };
        match run.lead.to {
            To::Master => self.main.iter_mut().zip(source).for_each(|(sum, x)| add(sum, x)),
            To::Slot(slot) => self.inputs[usize::from(slot)].iter_mut().zip(source).for_each(|(sum, x)| add(sum, x)),
            To::Channels(left, Some(right)) => {
                add(&mut self.direct[usize::from(left)], &source[0]);
                add(&mut self.direct[usize::from(right)], &source[1]);
            }
            To::Channels(one, None) => {
                let sum = &mut self.direct[usize::from(one)];
                for at in from..to {
                    sum[at] += 0.5 * (source[0][at] + source[1][at]) * gain(at);
                }
            }
        }
    }
}
