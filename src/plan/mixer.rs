//! How the slots of a rack are mixed: which runs after which, and where the sound of each goes.

use super::ramp::LaneRamp;

/// Slots of a rack at most.
pub const SLOTS: usize = 64;

/// Channels of the device that slots may be heard on, beside the master, at most.
pub const CHANNELS: usize = 64;

/// Where sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum To {
    /// To the master.
    Master,
    /// To the main input of a slot.
    Slot(u8),
    /// To channels of the device, from 0: left and right, or the mean of both to one.
    Channels(u8, Option<u8>),
}

/// Where a strip's sound is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tap {
    /// After the fader, as it is: the strip's `out`.
    Out,
    /// After the fader, at a level of its own.
    Send,
    /// Before level and pan, at a level of its own; a mute silences it too.
    PreSend,
}

/// One way from a strip to somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lead {
    /// Which strip's.
    pub from: u8,
    /// Where its sound is taken.
    pub tap: Tap,
    /// Where to.
    pub to: To,
}

impl Lead {
    /// A strip's `out`. `[any]`
    pub const fn out(from: u8, to: To) -> Self {
        Self { from, tap: Tap::Out, to }
    }
}

/// The slots that a lead feeds, as bits.
fn feeds(lead: &Lead) -> u64 {
    match lead.to {
        To::Slot(to) => 1 << to,
        To::Master | To::Channels(..) => 0,
    }
}

/// A lead as it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub lead: Lead,
    /// How much of it is heard: 1 where it is, 0 where it is not.
    pub share: LaneRamp<f32>,
    /// It is in the plan before this one, or after it, as well.
    pub carried: bool,
    /// That the device lacks its channel has been told.
    pub told: bool,
}

/// What the audio thread needs to know of the mixer.
pub struct MixPlan {
    /// All strips: each after those that feed it.
    pub(crate) order: [u8; SLOTS],
    /// By strip; those of one in their own order.
    pub(crate) leads: Vec<Run>,
    /// Where each strip's leads stand.
    spans: [(u32, u32); SLOTS],
    /// The strips that each feeds, as bits.
    pub(crate) feeds: [u64; SLOTS],
    /// The strips that are fed, as bits.
    pub(crate) fed: u64,
    /// The strips that are taken before the fader somewhere, as bits.
    pub(crate) early: u64,
    /// The device's channels that are fed, as bits.
    pub(crate) channels: u64,
    /// Leads that go on from the plan before: its number there, its number here.
    pub(crate) carried: Vec<(u32, u32)>,
    /// Its number in the log of a set; 0: none is kept.
    pub log: u32,
}

impl MixPlan {
    /// Every strip goes to the master: what an engine begins with. `[control]`
    pub fn initial() -> Vec<Lead> {
        (0..SLOTS as u8).map(|slot| Lead::out(slot, To::Master)).collect()
    }

    /// The plan of these leads, none of them twice, for an engine whose mixer has `before`; `None` where both together have a circle: while
    /// the old ones fade, all of them sound. Leads of slots and to slots and channels that there cannot be are left out. `[control]`
    pub fn new(leads: &[Lead], before: &[Lead]) -> Option<Box<Self>> {
        let leads = sorted(leads);
        let before = sorted(before);
        let mut all = [0u64; SLOTS];
        for lead in leads.iter().chain(&before) {
            all[usize::from(lead.from)] |= feeds(lead);
        }
        let order = order(&all)?;
        let carried = leads.iter().enumerate().filter_map(|(at, lead)| Some((before.binary_search(lead).ok()? as u32, at as u32)));
        let carried = carried.collect();
        let mut plan = Self {
            order,
            leads: Vec::with_capacity(leads.len()),
            spans: [(0, 0); SLOTS],
            feeds: [0; SLOTS],
            fed: 0,
            early: 0,
            channels: 0,
            carried,
            log: 0,
        };
        for lead in leads {
            let from = usize::from(lead.from);
            if plan.leads.last().is_none_or(|last| last.lead.from != lead.from) {
                plan.spans[from].0 = plan.leads.len() as u32;
            }
            plan.leads.push(Run { lead, share: LaneRamp::default(), carried: false, told: false });
            plan.spans[from].1 = plan.leads.len() as u32;
            plan.feeds[from] |= feeds(&lead);
            plan.fed |= feeds(&lead);
            plan.early |= u64::from(lead.tap == Tap::PreSend) << from;
            if let To::Channels(left, right) = lead.to {
                plan.channels |= 1 << left | right.map_or(0, |right| 1 << right);
            }
        }
        Some(Box::new(plan))
    }

    /// Where a strip's leads stand. `[audio]`
    pub(crate) fn span(&self, slot: u8) -> std::ops::Range<usize> {
        let (from, to) = self.spans[usize::from(slot)];
        from as usize..to as usize
    }

    /// The slots, as bits, that lie behind these; and those that lie before these: themselves among them. `[audio]`
    pub(crate) fn around(&self, slots: u64) -> (u64, u64) {
        let (mut behind, mut before) = (slots, slots);
        for slot in self.order {
            if behind >> slot & 1 == 1 {
                behind |= self.feeds[usize::from(slot)];
            }
        }
        for slot in self.order.iter().rev() {
            if self.feeds[usize::from(*slot)] & before != 0 {
                before |= 1 << *slot;
            }
        }
        (behind, before)
    }
}

/// Each once, in order, without those that cannot be.
fn sorted(leads: &[Lead]) -> Vec<Lead> {
    let can_be = |lead: &&Lead| {
        let there = match lead.to {
            To::Master => true,
            To::Slot(to) => usize::from(to) < SLOTS,
            To::Channels(left, right) => usize::from(left) < CHANNELS && right.is_none_or(|right| usize::from(right) < CHANNELS),
        };
        usize::from(lead.from) < SLOTS && there
    };
    let mut all: Vec<Lead> = leads.iter().filter(can_be).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// All strips, each after those that feed it, of several the lowest number first: so the order of strips that a change does not touch stays.
fn order(feeds: &[u64; SLOTS]) -> Option<[u8; SLOTS]> {
    let mut order = [0; SLOTS];
    let mut left = u64::MAX;
    for place in &mut order {
        let waits = (0..SLOTS).filter(|slot| left >> slot & 1 == 1).fold(0, |waits, slot| waits | feeds[slot]);
        let ready = left & !waits;
        if ready == 0 {
            return None;
        }
        *place = ready.trailing_zeros() as u8;
        left &= !(1 << *place);
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(from: u8, to: u8) -> Lead {
        Lead { from, tap: Tap::Send, to: To::Slot(to) }
    }

    #[test]
    fn who_feeds_runs_first_and_the_rest_keep_their_order() {
        let plan = MixPlan::new(&[send(9, 2), Lead::out(2, To::Slot(0)), send(1, 0)], &[]).expect("no circle");
        let place = |slot: u8| plan.order.iter().position(|at| *at == slot).expect("every strip is there");
        assert!(place(9) < place(2) && place(2) < place(0) && place(1) < place(0));
        let rest: Vec<u8> = plan.order.iter().copied().filter(|slot| ![0, 2, 9].contains(slot)).collect();
        assert!(rest.windows(2).all(|pair| pair[0] < pair[1]), "{rest:?}");
        assert_eq!((plan.fed, plan.feeds[2], plan.early), (0b101, 1, 0));
        assert_eq!(plan.around(1 << 9), (1 << 9 | 0b101, 1 << 9));
        assert_eq!(plan.around(1), (1, 1 << 9 | 0b111));
    }

    #[test]
    fn a_circle_has_no_order_and_neither_has_one_with_what_still_fades() {
        assert!(MixPlan::new(&[send(0, 1), send(1, 0)], &[]).is_none());
        assert!(MixPlan::new(&[send(3, 3)], &[]).is_none());
        assert!(MixPlan::new(&[send(0, 1)], &[send(1, 0)]).is_none());
        assert!(MixPlan::new(&[send(0, 1)], &[send(0, 1)]).is_some());
    }

    #[test]
    fn what_is_in_both_goes_on() {
        let before = [Lead::out(0, To::Master), Lead::out(1, To::Master), send(0, 5)];
        let after = [Lead::out(1, To::Channels(2, Some(3))), Lead::out(0, To::Master), send(0, 5), send(1, 200)];
        let plan = MixPlan::new(&after, &before).expect("no circle");
        assert_eq!(plan.leads.len(), 3);
        assert_eq!(plan.channels, 0b1100);
        let leads: Vec<(Lead, Lead)> =
            plan.carried.iter().map(|(old, new)| (sorted(&before)[*old as usize], plan.leads[*new as usize].lead)).collect();
        assert_eq!(leads, [(before[0], before[0]), (before[2], before[2])]);
        assert_eq!(plan.span(0), 0..2);
        assert_eq!(plan.span(7), 0..0);
    }
}
